//! `glass ledger verify`

use std::path::{Path, PathBuf};

use breakglass_tlog::VerifierKey;

use crate::{
    audit::{Auditor, Report},
    commands::{DONE, Seat},
    error::Error,
    export,
    output::Printer,
    session::Session,
    show,
    trust::Trust,
};

/// Check the whole ledger, from the first entry, trusting nothing but its key
///
/// Recomputes the tree from every entry and checks it against the signed checkpoint; checks that
/// indexes and times only go forward, every signature of every person, that each entry says what
/// was signed, and that each grant lived once, with a yes, under an open incident.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  glass ledger verify                              the broker's, as it stands now
  glass ledger verify --from ./ledger-2026-11      an export; needs no broker
  glass ledger verify --from ./ledger-2026-11 --vkey 'glass.example/ledger+1a2b3c4d+AQ...'

The key is --vkey, else the one pinned at enrolment, else the one beside the export, which is then
said. Exit code 86: something was changed.")]
pub struct Args {
    /// An exported folder, in place of the broker
    #[arg(long, value_name = "FOLDER")]
    from: Option<PathBuf>,
    /// The ledger's verifier key
    #[arg(long, value_name = "KEY", value_parser = parse_key)]
    vkey: Option<VerifierKey>,
}

/// Checks it, and says what was checked.
///
/// # Errors
/// [`Error::Unverified`].
pub async fn run(args: Args, seat: &Seat) -> Result<u8, Error> {
    let spinner = seat.printer.spinner("Checking the ledger");
    let report = match args.from {
        Some(folder) => {
            let key = key_for(seat, &folder, args.vkey)?;
            export::verify(&folder, key)?
        }
        None => {
            let session = seat.session().await?;
            let key = args.vkey.unwrap_or_else(|| session.trust().key().clone());
            let progress =
                |done, all| spinner.say(format!("Checking the ledger: {done} of {all} entries"));
            fetch(&session, key, progress).await?
        }
    };
    drop(spinner);
    seat.printer
        .answer(&report, |printer| say(printer, &report));
    Ok(DONE)
}

fn parse_key(text: &str) -> Result<VerifierKey, String> {
    VerifierKey::parse(text.trim()).map_err(|error| error.to_string())
}

/// The key to check an export by: given, else pinned, else the one beside it.
fn key_for(seat: &Seat, folder: &Path, given: Option<VerifierKey>) -> Result<VerifierKey, Error> {
    if let Some(given) = given {
        return Ok(given);
    }
    let pinned = seat
        .settings
        .context()
        .and_then(|context| Trust::of(&context))
        .ok();
    if let Some(pinned) = pinned {
        return Ok(pinned.key().clone());
    }
    let beside = export::key_beside(folder)?.ok_or_else(|| {
        Error::usage(
            "which key the ledger has is not known here",
            "give it: --vkey KEY (`glass whoami -o json` of somebody enrolled shows it)",
        )
    })?;
    seat.printer.warn(format!(
        "no key of your own: checking by the one beside the export, {beside}. Compare it with one \
         from elsewhere"
    ));
    Ok(beside)
}

/// Reads every entry up to the newest checkpoint from the broker.
async fn fetch(
    session: &Session,
    key: VerifierKey,
    progress: impl Fn(u64, u64),
) -> Result<Report, Error> {
    let checkpoint = session.checkpoint().await?;
    let size = session.trust().verify_checkpoint(&checkpoint)?.size();
    let mut auditor = Auditor::new(key);
    let mut stream = session.follow(Some(0)).await?;
    while auditor.size() < size {
        let item = stream
            .message()
            .await
            .map_err(|status| session.explain(&status))?;
        let entry = item
            .and_then(|item| item.entry)
            .ok_or_else(|| Error::broken_answer("the entries end before the checkpoint"))?;
        auditor.check(&entry.line)?;
        if auditor.size().is_multiple_of(PROGRESS_STEP) {
            progress(auditor.size(), size);
        }
    }
    auditor.finish(&checkpoint)
}

/// How many entries between two words about progress.
const PROGRESS_STEP: u64 = 500;

fn say(printer: &Printer, report: &Report) {
    printer.good(format!("The ledger {} is whole.", report.origin));
    let span = match (&report.first_at, &report.last_at) {
        (Some(first), Some(last)) => format!(", {first} to {last}"),
        _ => String::new(),
    };
    show::fact(printer, "entries", &format!("{}{span}", report.entries));
    show::fact(printer, "root", &format!("{}, as signed", report.root));
    show::fact(
        printer,
        "signed",
        &format!(
            "{} statements by {} enrolled keys, all verify",
            report.statements, report.keys
        ),
    );
    show::fact(
        printer,
        "grants",
        &format!(
            "{} asked for, {} ended, each once",
            report.requested, report.ended
        ),
    );
    show::fact(printer, "not ended", &report.open.join(" "));
    if report.not_understood > 0 {
        printer.bad(format!(
            "  {} entries are of kinds this glass does not know: hashed, and their statements \
             checked. Use a newer one",
            report.not_understood
        ));
    }
    if !report.self_granted.is_empty() {
        printer.bad(format!("  self-granted: {}", report.self_granted.join(" ")));
    }
}
