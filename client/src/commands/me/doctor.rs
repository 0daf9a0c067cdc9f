//! `glass doctor`

#[cfg(target_os = "linux")]
mod guard;
#[cfg(target_os = "linux")]
mod sshd;

use std::path::Path;

use jiff::SignedDuration;
use serde::Serialize;

use crate::{
    certificate::{self, Certificate},
    commands::{DONE, Seat},
    config::Context,
    error::{Error, exit},
    files::{self, FILE_MODE, FOLDER_MODE},
    identity::Identity,
    moments,
    session::Session,
    time,
    trust::Trust,
};

/// Check this laptop, the way to the broker, and the ledger
///
/// Every line says ok or bad, and a bad one how to put it right. On the host of a target's guard it
/// looks at sshd and PAM too.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  glass doctor
  glass doctor --context work
  sudo GLASS_CONFIG_DIR=/var/lib/breakglass-guard/glass glass doctor    on a guard's host

The exit code is 0 where all is well, 86 where the ledger does not verify, else that of the first
bad line.")]
pub struct Args {}

/// One checked thing.
#[derive(Debug, Serialize)]
struct Check {
    ok: bool,
    what: String,
    fix: Option<String>,
    #[serde(skip)]
    exit: u8,
}

/// A clock this far off makes expiry times on the screen wrong, and certificates look invalid.
const MOST_SKEW: SignedDuration = SignedDuration::from_secs(60);

/// Checks everything that can be checked; what needs something bad before it is left out.
///
/// # Errors
/// None of its own: what is wrong is a line.
pub async fn run(_: Args, seat: &Seat) -> Result<u8, Error> {
    let mut checks = Vec::new();
    if let Some(context) = check_settings(seat, &mut checks)
        && check_identity(&context, &mut checks)
    {
        check_broker(seat, &mut checks).await;
        check_guard(seat, &context, &mut checks).await;
    }
    seat.printer.answer(&checks, |printer| {
        for check in &checks {
            printer.check(check.ok, &check.what);
            if let Some(fix) = &check.fix {
                printer.line(format!("     fix: {fix}"));
            }
        }
    });
    Ok(worst(&checks))
}

/// The code of the first bad check; a ledger that does not verify outweighs all others.
fn worst(checks: &[Check]) -> u8 {
    let mut bad = checks.iter().filter(|check| !check.ok);
    let fork = bad.clone().find(|check| check.exit == exit::UNVERIFIED);
    fork.or_else(|| bad.next()).map_or(DONE, |check| check.exit)
}

impl Check {
    fn good(what: impl Into<String>) -> Self {
        Self {
            ok: true,
            what: what.into(),
            fix: None,
            exit: DONE,
        }
    }

    fn bad(what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            ok: false,
            what: what.into(),
            fix: Some(fix.into()),
            exit: exit::OTHER,
        }
    }
}

impl From<Error> for Check {
    fn from(error: Error) -> Self {
        Self {
            ok: false,
            what: error.to_string(),
            fix: error.next(),
            exit: error.exit_code(),
        }
    }
}

/// The settings, and that nobody else can read them.
fn check_settings(seat: &Seat, checks: &mut Vec<Check>) -> Option<Context> {
    let context = match seat.settings.context() {
        Ok(context) => context,
        Err(error) => {
            checks.push(error.into());
            return None;
        }
    };
    checks.push(Check::good(format!(
        "context {}: {} at {} ({})",
        context.name,
        context.person,
        context.server,
        context.folder.display()
    )));
    let lax: Vec<_> = [
        (seat.settings.home.path().to_owned(), FOLDER_MODE),
        (context.folder.clone(), FOLDER_MODE),
        (context.key_file(), FILE_MODE),
        (context.certificate_file(), FILE_MODE),
        (context.checkpoint_file(), FILE_MODE),
    ]
    .into_iter()
    .filter_map(|(path, most)| lax_check(&path, most))
    .collect();
    if lax.is_empty() {
        checks.push(Check::good("nobody else on this laptop can read the key"));
    }
    checks.extend(lax);
    Some(context)
}

/// That a path gives nobody more than `most`; nothing to say where it does not, or is not there.
fn lax_check(path: &Path, most: u32) -> Option<Check> {
    let mode = files::mode(path).filter(|mode| mode & !most != 0)?;
    Some(Check::bad(
        format!("others can get at {} (mode {mode:o})", path.display()),
        format!("chmod {most:o} '{}'", path.display()),
    ))
}

/// The key, the certificate and its life.
fn check_identity(context: &Context, checks: &mut Vec<Check>) -> bool {
    let now = time::now();
    let identity = match Identity::load(context) {
        Ok(identity) => identity,
        Err(error) => {
            checks.push(error.into());
            return false;
        }
    };
    if let Err(error) = identity.certificate.check_alive(now) {
        checks.push(error.into());
        return false;
    }
    checks.push(Check::good(certificate_life(&identity.certificate, now)));
    true
}

fn certificate_life(certificate: &Certificate, now: jiff::Timestamp) -> String {
    format!(
        "the certificate of {} is good until {}, and renews itself from {} on",
        certificate.person,
        time::local_and_relative(certificate.expires_at, now),
        time::local(certificate.renew_at(), now)
    )
}

/// What only the guard of a target is told.
#[cfg(target_os = "linux")]
async fn check_guard(seat: &Seat, context: &Context, checks: &mut Vec<Check>) {
    if certificate::target(&context.person).is_some() {
        guard::check(seat, checks).await;
    }
}

/// Hosts whose logins are guarded run Linux.
#[cfg(not(target_os = "linux"))]
async fn check_guard(_: &Seat, _: &Context, _: &mut Vec<Check>) {}

/// The connection, the clocks, the ledger.
async fn check_broker(seat: &Seat, checks: &mut Vec<Check>) {
    let session = match seat.session().await {
        Ok(session) => session,
        Err(error) => return checks.push(error.into()),
    };
    let who = session.who();
    checks.push(Check::good(format!(
        "{} answers and takes this laptop for {} ({}, {})",
        session.context().server,
        who.person,
        who.name,
        who.job
    )));
    checks.push(clock(session.skew()));
    if certificate::target(session.person()).is_some() {
        // How the broker is, it tells people alone.
        return;
    }
    let before = session.trust().remembered();
    match session.status().await {
        Ok(status) => {
            checks.push(Check::good(format!(
                "the broker is glassd {}",
                status.version
            )));
            checks.extend(status.problems.iter().map(|problem| {
                let told = match seat.printer.is_json() {
                    true => problem.clone(),
                    false => moments::of_problem(problem, session.now()),
                };
                Check::bad(
                    format!("the broker says: {told}"),
                    "look at the broker's machine",
                )
            }));
            checks.push(ledger(&session, before));
        }
        Err(error) => checks.push(error.into()),
    }
}

fn clock(skew: SignedDuration) -> Check {
    let side = if skew.is_negative() {
        "ahead of"
    } else {
        "behind"
    };
    let what = format!(
        "this laptop's clock is {} {side} the broker's",
        time::short(skew)
    );
    if skew.abs() <= MOST_SKEW {
        return Check::good(what);
    }
    Check::bad(
        what,
        "turn on network time (on Linux: timedatectl set-ntp true), here and there",
    )
}

/// What the ledger had shown before, and what it shows now: it was just compared.
fn ledger(
    session: &Session,
    before: Result<Option<std::sync::Arc<breakglass_tlog::SignedCheckpoint>>, Error>,
) -> Check {
    match (before, session.trust().remembered()) {
        (Ok(Some(before)), Ok(Some(now))) => Check::good(format!(
            "the ledger {} has {} entries and extends the {} seen before",
            now.origin(),
            now.size(),
            before.size()
        )),
        (Ok(None), Ok(Some(now))) => Check::good(format!(
            "the ledger {} has {} entries; none were seen before",
            now.origin(),
            now.size()
        )),
        (Err(error), _) | (_, Err(error)) => error.into(),
        (_, Ok(None)) => Check::bad(
            format!(
                "no checkpoint of the ledger {} is remembered",
                Trust::origin(session.trust())
            ),
            "run it again; see whether the disk is full",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_may_differ_a_little() {
        assert!(clock(SignedDuration::from_secs(-59)).ok);
        let late = clock(SignedDuration::from_mins(61));
        assert!(!late.ok);
        assert_eq!(late.what, "this laptop's clock is 1h1m behind the broker's");
    }

    #[test]
    fn a_key_others_can_read_is_bad() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        assert!(lax_check(&path, FILE_MODE).is_none());
        files::write(&path, b"x").unwrap();
        assert!(lax_check(&path, FILE_MODE).is_none());
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let check = lax_check(&path, FILE_MODE).unwrap();
        assert!(check.what.contains("mode 640"), "{}", check.what);
        assert!(check.fix.unwrap().starts_with("chmod 600 "));
    }
}
