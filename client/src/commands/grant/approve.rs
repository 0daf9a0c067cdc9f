//! `glass approve`

use breakglass_proto::v1;
use jiff::Timestamp;

use crate::{
    commands::{DONE, Seat},
    error::Error,
    grant::{asked as asks, begun_error, ended_error, state_word, still_needed},
    output::Printer,
    session::Session,
    show, text, time,
    view::{self, GrantView},
};

/// Say yes to somebody's request; without an id, see what waits for you
///
/// Shows the request in plain text before you sign: what, for whom, under which incident, why,
/// until when. It is what the requester signed, as the ledger has it, and what you sign is exactly
/// that. Nobody approves their own request.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  glass approve              what waits for me; if it is one, look and answer
  glass approve G-45         look, then y or n
  glass approve G-45 --yes   without being asked, for scripts
  glass deny G-45 -m \"not before the backup\"")]
pub struct Args {
    /// The request
    #[arg(value_name = "GRANT")]
    grant: Option<String>,
    /// Do not ask
    #[arg(long, requires = "grant")]
    yes: bool,
}

/// Shows, asks, signs.
///
/// # Errors
/// [`Error::Refused`] where this person may not approve it, or it is over.
pub async fn run(args: Args, seat: &Seat) -> Result<u8, Error> {
    let typed = args.grant.map(|id| text::grant_id(&id)).transpose()?;
    let session = seat.session().await?;
    let asked = match typed {
        Some(id) => session.grant(&id).await?,
        None => match waiting(seat, &session).await? {
            Some(only) => only,
            None => return Ok(DONE),
        },
    };
    if let Some(error) = ended_error(&asked) {
        return Err(error);
    }
    if !args.yes {
        // Nobody is asked for what the broker would refuse.
        if let Some(error) = refusal(&asked, session.person()) {
            return Err(error);
        }
    }
    session.check_request(&asked).await?;
    if !args.yes && !is_approved(seat, &session, &asked).await? {
        return Ok(DONE);
    }
    let grant = session.approve(&asked).await?;
    seat.printer.answer(&GrantView::from(&grant), |printer| {
        if let Some(needed) = still_needed(&grant) {
            printer.good(format!("Your yes to {} is on record.", grant.id));
            printer.line(format!("Still needed: {needed}"));
            return;
        }
        printer.good(format!(
            "{}: {} can {} until {}.",
            grant.id,
            grant.person,
            text::plain(&grant.sentence),
            show::when(grant.ends_at.as_ref(), session.now())
        ));
        printer.line(format!(
            "To end it early: glass revoke {} -m \"why\"",
            grant.id
        ));
    });
    Ok(DONE)
}

/// Why this person cannot say yes to it, as far as that can be seen from here.
fn refusal(asked: &v1::Grant, person: &str) -> Option<Error> {
    let id = &asked.id;
    if let Some(error) = begun_error(asked) {
        return Some(error);
    }
    let next = format!("ask an approver to run: glass approve {id}");
    if asked.person == person {
        let what = format!("{id} is your own request; nobody approves their own");
        return Some(Error::refused("SELF_APPROVAL", what, next));
    }
    if asked.approvers.iter().any(|approver| approver == person) {
        return None;
    }
    if asked.callers.iter().any(|caller| caller == person) {
        let what = format!("{id} needs your call, and not your yes");
        let next = format!("call {0}, then: glass call {id} {0}", asked.person);
        return Some(Error::refused("NOT_APPROVER", what, next));
    }
    let what = format!("{id} waits for {}, not for you", asks(asked));
    Some(Error::refused("NOT_APPROVER", what, next))
}

/// Shows the request and asks.
async fn is_approved(seat: &Seat, session: &Session, asked: &v1::Grant) -> Result<bool, Error> {
    if !seat.printer.is_json() {
        screen(&seat.printer, session, asked).await?;
    }
    let otherwise = format!("if you are sure: glass approve {} --yes", asked.id);
    let is_yes = seat
        .printer
        .confirm(&format!("Approve {}?", asked.id), &otherwise)?;
    if !is_yes {
        seat.printer.note(format!(
            "Not approved; it still waits. To say no: glass deny {} -m \"why\"",
            asked.id
        ));
    }
    Ok(is_yes)
}

/// What waits for the caller: listed, and returned where it is exactly one and somebody is there.
async fn waiting(seat: &Seat, session: &Session) -> Result<Option<v1::Grant>, Error> {
    let request = v1::ListGrantsRequest {
        awaiting_me: true,
        ..v1::ListGrantsRequest::default()
    };
    let mut grants = session.list_grants(request, 50).await?;
    if grants.len() == 1 && seat.printer.is_interactive() && !seat.printer.is_json() {
        return Ok(grants.pop());
    }
    seat.printer.answer(&view::grants(&grants), |printer| {
        show::grants(printer, &grants, session.now());
        match grants.is_empty() {
            true => printer.line("Nothing waits for you."),
            false => {
                printer.line("Look at one and answer: glass approve GRANT");
                if grants.iter().any(|grant| !grant.callers.is_empty()) {
                    printer.line("After a call with who asks: glass call GRANT PERSON");
                }
            }
        }
    });
    Ok(None)
}

/// The one screen an approver reads, on standard error as the question is.
async fn screen(printer: &Printer, session: &Session, asked: &v1::Grant) -> Result<(), Error> {
    let incident = session
        .incident(&asked.incident)
        .await?
        .incident
        .unwrap_or_default();
    for line in lines(asked, &incident, session.now()) {
        printer.note(line);
    }
    Ok(())
}

fn lines(asked: &v1::Grant, incident: &v1::Incident, now: Timestamp) -> Vec<String> {
    let plain = text::plain;
    let length = time::length_from_proto(asked.length.as_ref()).unwrap_or_default();
    let until = now.saturating_add(length).unwrap_or(now);
    let lapses = show::when(asked.lapses_at.as_ref(), now);
    let mut lines = vec![
        String::new(),
        format!(
            "  {} asks to {}",
            plain(&asked.person),
            plain(&asked.sentence)
        ),
        String::new(),
        format!(
            "  request    {} ({}), {}",
            asked.id,
            plain(&asked.right),
            state_word(asked)
        ),
        format!("  incident   {}", show::incident_line(incident, now)),
        format!("  reason     {}", plain(&asked.reason)),
        format!(
            "  until      {}, if you say yes now",
            time::local_and_relative(until, now)
        ),
    ];
    if !lapses.is_empty() {
        lines.push(format!("  lapses     {lapses}, if nobody answers"));
    }
    if let Some(needed) = still_needed(asked) {
        lines.push(format!("  needed     {needed}"));
    }
    lines.push(String::new());
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_asked_for_what_would_be_refused() {
        let mut asked = v1::Grant {
            id: "G-45".into(),
            person: "mia".into(),
            state: v1::GrantState::Waiting.into(),
            approvers: vec!["leon".into(), "founder".into()],
            ..v1::Grant::default()
        };
        let why = |asked: &v1::Grant, person: &str| {
            refusal(asked, person).map(|error| (error.reason().to_owned(), error.exit_code()))
        };
        assert_eq!(why(&asked, "leon"), None);
        assert_eq!(why(&asked, "mia"), Some(("SELF_APPROVAL".into(), 82)));
        assert_eq!(why(&asked, "designer"), Some(("NOT_APPROVER".into(), 82)));
        let text = refusal(&asked, "designer").unwrap().to_string();
        assert_eq!(text, "G-45 waits for leon or founder, not for you");
        asked.set_state(v1::GrantState::Active);
        assert_eq!(why(&asked, "leon"), Some(("GRANT_ACTIVE".into(), 1)));
    }

    #[test]
    fn the_approver_reads_one_plain_screen() {
        let now: Timestamp = "2026-11-23T03:05:00Z".parse().unwrap();
        let asked = v1::Grant {
            id: "G-45".into(),
            person: "mia".into(),
            right: "migrate-shop-db".into(),
            sentence: "change the shop's database".into(),
            reason: "ok\u{1b}[8m\n  until      03:06".into(),
            state: v1::GrantState::Waiting.into(),
            length: Some(prost_types::Duration {
                seconds: 600,
                nanos: 0,
            }),
            ..v1::Grant::default()
        };
        let incident = v1::Incident {
            id: "INC-12".into(),
            severity: v1::Severity::Sev2.into(),
            title: "worker\nfloods".into(),
            opened_by: "support".into(),
            ..v1::Incident::default()
        };
        let lines = lines(&asked, &incident, now);
        assert_eq!(lines[1], "  mia asks to change the shop's database");
        assert_eq!(lines[3], "  request    G-45 (migrate-shop-db), waiting");
        assert!(
            lines[4].starts_with("  incident   INC-12  sev2  worker\\nfloods"),
            "{}",
            lines[4]
        );
        assert_eq!(lines[5], "  reason     ok\\u{1b}[8m\\n  until      03:06");
        assert!(
            lines[6].ends_with("(in 10m), if you say yes now"),
            "{}",
            lines[6]
        );
    }
}
