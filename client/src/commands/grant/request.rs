//! `glass request`

use breakglass_proto::v1;

use super::asking::{Asking, until_begun};
use crate::{
    commands::{DONE, Seat},
    error::Error,
    grant::{called_by, waiting_error},
    session::{Asked, Session},
    show, text, time,
    view::GrantView,
};

/// Ask for a right, and wait for the yes
///
/// The grant then lives until its time is over, `glass drop`, or the incident closes. To run one
/// command and give the access back by itself, use `glass exec`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  glass request deploy-shop -m \"revert the flooded worker\"
  glass request migrate-shop-db -m \"drop the bad index\" --for 10m
  glass request migrate-shop-db -m \"drop the bad index\" --no-wait    exits 81

Exit codes: 0 it began, 81 it waits (--no-wait, Ctrl-C), 82 denied or nobody answered.")]
pub struct Args {
    /// The right, see `glass can`
    #[arg(value_name = "RIGHT")]
    right: String,
    /// Incident, reason, length.
    #[command(flatten)]
    pub asking: Asking,
}

/// Asks, and waits.
///
/// # Errors
/// [`Error::Refused`], [`Error::Denied`], [`Error::Waiting`].
pub async fn run(args: Args, seat: &Seat) -> Result<u8, Error> {
    args.asking.check()?;
    let right = text::right_id(&args.right)?;
    let session = seat.session().await?;
    let asked = args.asking.look_up(seat, &session, &right).await?;
    let answer = session
        .request(&Asked {
            right: &asked.right,
            incident: &asked.incident,
            reason: &asked.reason,
            length: asked.length,
            held: false,
            credential: v1::CredentialKind::Unspecified,
        })
        .await?;
    let from = answer
        .receipt
        .as_ref()
        .map_or(0, |receipt| receipt.index + 1);
    let grant = answer
        .grant
        .ok_or_else(|| Error::broken_answer("it has no grant"))?;
    if args.asking.no_wait && grant.state() == v1::GrantState::Waiting {
        seat.printer
            .answer(&GrantView::from(&grant), |printer| printer.line(&grant.id));
        return Err(waiting_error(&grant, session.now()));
    }
    let grant = until_begun(&session, &seat.printer, grant, from).await?;
    say(seat, &session, &grant, asked.right.access.as_ref());
    Ok(DONE)
}

fn say(seat: &Seat, session: &Session, grant: &v1::Grant, access: Option<&v1::Access>) {
    seat.printer.answer(&GrantView::from(grant), |printer| {
        let until = time::from_proto(grant.ends_at.as_ref());
        let until = until
            .map(|at| time::local_and_relative(at, session.now()))
            .unwrap_or_default();
        printer.good(format!(
            "{}{}: you can {} until {until}.",
            show::drill_mark(grant.drill),
            grant.id,
            text::plain(&grant.sentence)
        ));
        show::fact(printer, "incident", &grant.incident);
        show::fact(printer, "yes from", &yes_from(grant));
        if let Some(line) = used_by(grant, access) {
            printer.line(line);
        }
        printer.line(format!("Give it back: glass drop {}", grant.id));
    });
}

fn yes_from(grant: &v1::Grant) -> String {
    match grant.basis() {
        v1::GrantBasis::Called => called_by(grant),
        _ => grant.approved_by.clone(),
    }
}

/// The command that gives what the grant is for; `None` where only `glass exec` lays it.
fn used_by(grant: &v1::Grant, access: Option<&v1::Access>) -> Option<String> {
    let token = || format!("A token:      glass credential jwt --grant {}", grant.id);
    let Some(access) = access else {
        return Some(token());
    };
    let elsewhere = access.ssh.is_some() || access.postgres.is_some();
    match (&access.kubernetes, access.audience.is_empty()) {
        (Some(_), true) => Some(format!(
            "For kubectl:  glass credential kubernetes {} as its plugin",
            grant.right
        )),
        (None, true) if elsewhere => None,
        _ => Some(token()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_for_a_token_that_no_target_takes() {
        let grant = v1::Grant {
            id: "G-1".into(),
            right: "look".into(),
            ..v1::Grant::default()
        };
        let token = Some("A token:      glass credential jwt --grant G-1".to_owned());
        let (kubernetes, postgres) = (
            Some(v1::KubernetesAccess::default()),
            Some(v1::PostgresAccess::default()),
        );
        let mut access = v1::Access::default();
        assert_eq!(used_by(&grant, None), token);
        assert_eq!(used_by(&grant, Some(&access)), token);
        access.postgres = postgres;
        assert_eq!(used_by(&grant, Some(&access)), None);
        access.audience = "https://db.shop.example".into();
        assert_eq!(used_by(&grant, Some(&access)), token);
        access = v1::Access {
            kubernetes,
            ..v1::Access::default()
        };
        let line = used_by(&grant, Some(&access)).unwrap();
        assert!(line.contains("glass credential kubernetes look"), "{line}");
    }
}
