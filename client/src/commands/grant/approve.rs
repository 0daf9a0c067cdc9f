//! `glass approve`

use breakglass_proto::v1;
use jiff::Timestamp;

use crate::{
    asks::{goes_to, how_to_call, is_asked, wants_call, wants_yes, why_no_yes},
    commands::{DONE, Seat, copies::Copies, reason},
    error::Error,
    grant::{
        asked as asks, begun_already, begun_error, has_their_yes, hopeless, late_error, next_asked,
        next_asked_utc, still_needed, unlocking,
    },
    output::Printer,
    session::Session,
    show, text,
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
  glass approve              what waits for me, one after the other: y, n or s to skip
  glass approve G-45         look, then y or n
  glass approve G-45 --yes   without being asked, for scripts
  glass deny G-45 -m \"not before the backup\"

Where nobody sits at a terminal nothing is asked: without an id it lists what waits.")]
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
    let Some(id) = typed else {
        return answer_all(seat, &session).await;
    };
    let asked = session.grant(&id).await?;
    if has_their_yes(&asked, session.person()) {
        return Ok(said_yes_already(seat, &session, &asked));
    }
    if asked.state() == v1::GrantState::Ended
        && let Some(error) = late_error(&asked, session.person(), session.now())
    {
        return Err(error);
    }
    if !args.yes {
        // Nobody is asked for what the broker would refuse.
        if let Some(error) = refusal(&asked, session.person(), session.now()) {
            return Err(shown(error, seat, &session, &asked).await?);
        }
    }
    session.check_request(&asked).await?;
    if !args.yes && !is_approved(seat, &session, &asked).await? {
        return Ok(DONE);
    }
    match session.approve(&asked).await {
        Ok(grant) => said_yes(seat, &session, &grant).await,
        // Somebody else was faster.
        Err(error) if error.reason() == "GRANT_ACTIVE" => {
            let grant = session.grant(&id).await?;
            if !has_their_yes(&grant, session.person()) {
                return Err(error);
            }
            return Ok(said_yes_already(seat, &session, &grant));
        }
        Err(error) => return Err(error),
    }
    Ok(DONE)
}

/// What was wanted has been done by somebody else.
fn said_yes_already(seat: &Seat, session: &Session, grant: &v1::Grant) -> u8 {
    seat.printer.answer(&GrantView::from(grant), |printer| {
        printer.line(format!(
            "{}: {} can {} until {}.",
            text::plain(&begun_already(grant)),
            grant.person,
            text::plain(&grant.sentence),
            show::when(grant.ends_at.as_ref(), session.now())
        ));
    });
    DONE
}

async fn said_yes(seat: &Seat, session: &Session, grant: &v1::Grant) {
    let copies = Copies::of_handover(session, grant).await;
    seat.printer.answer(&GrantView::from(grant), |printer| {
        if let Some(needed) = still_needed(grant) {
            printer.good(format!("Your yes to {} is on record.", grant.id));
            printer.line(format!("Still needed: {needed}"));
            return;
        }
        printer.good(format!(
            "{}{}: {} can {} until {}.",
            show::drill_mark(grant.drill),
            grant.id,
            grant.person,
            text::plain(&grant.sentence),
            show::when(grant.ends_at.as_ref(), session.now())
        ));
        copies.say(printer, session.now());
        printer.line(format!(
            "To end it early: glass revoke {} -m \"why\"",
            grant.id
        ));
    });
}

/// Why this person cannot say yes to it, as far as that can be seen from here.
fn refusal(asked: &v1::Grant, person: &str, now: Timestamp) -> Option<Error> {
    let id = &asked.id;
    if let Some(error) = begun_error(asked) {
        return Some(error);
    }
    let next = format!("ask an approver to run: glass approve {id}");
    if asked.person == person {
        let what = format!("{id} is your own request; nobody approves their own");
        return Some(Error::refused("SELF_APPROVAL", what, next));
    }
    if wants_yes(asked, person) {
        return None;
    }
    if is_asked(asked, person) {
        let is_approver = asked.approvers.iter().any(|approver| approver == person);
        let code = match is_approver {
            true => "APPROVED_ALREADY",
            false => "NOT_APPROVER",
        };
        let next = match wants_call(asked, person) {
            true => how_to_call(asked).replacen(", then ", ", then: ", 1),
            false => unlocking(asked),
        };
        return Some(Error::refused(code, why_no_yes(asked, person), next));
    }
    if goes_to(asked, person) {
        let goes = next_asked_utc(asked, now).unwrap_or_default();
        let what = format!("{id} waits for {} for now, and {goes}", asks(asked));
        let next = format!(
            "call {}, or wait until then: glass approve {id}",
            asks(asked)
        );
        return Some(Error::refused("APPROVAL_TOO_EARLY", what, next));
    }
    let what = format!("{id} waits for {}, not for you", asks(asked));
    if let Some(nobody) = hopeless(asked) {
        let next = format!(
            "{} takes it back, then asks again: glass drop {id}",
            asked.person
        );
        return Some(Error::refused(
            "NOT_APPROVER",
            format!("{what}; {nobody}"),
            next,
        ));
    }
    Some(Error::refused("NOT_APPROVER", what, next))
}

/// Shows the request and asks.
async fn is_approved(seat: &Seat, session: &Session, asked: &v1::Grant) -> Result<bool, Error> {
    if !seat.printer.is_json() {
        screen(&seat.printer, session, asked, true).await?;
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

/// What waits for the caller: listed, and where somebody is there shown one after the other.
async fn answer_all(seat: &Seat, session: &Session) -> Result<u8, Error> {
    let request = v1::ListGrantsRequest {
        awaiting_me: true,
        ..v1::ListGrantsRequest::default()
    };
    let mut waiting = session.list_grants(request, MOST_WAITING).await?;
    // Who has waited longest comes first, and lapses first.
    waiting.reverse();
    if waiting.is_empty() || !seat.printer.is_interactive() {
        let status = session.status().await?;
        list(seat, session, &waiting, &status.waiting);
        return Ok(DONE);
    }
    if waiting.len() > 1 {
        show::grants(&seat.printer, &waiting, session.now());
    }
    for asked in &waiting {
        match answer_one(seat, session, asked).await {
            Ok(()) => {}
            // It may have been answered, or taken back, while others were read.
            Err(error @ Error::Refused(_)) => seat.printer.error(&error),
            Err(error) => return Err(error),
        }
    }
    Ok(DONE)
}

/// As many as anybody reads one after the other.
const MOST_WAITING: usize = 50;

async fn answer_one(seat: &Seat, session: &Session, asked: &v1::Grant) -> Result<(), Error> {
    if let Some(error) = refusal(asked, session.person(), session.now()) {
        return Err(shown(error, seat, session, asked).await?);
    }
    session.check_request(asked).await?;
    screen(&seat.printer, session, asked, true).await?;
    let id = &asked.id;
    let question = format!("{id}: yes, no or skip? [y/n/S] ");
    match Reply::of(&seat.printer.reply(&question)?) {
        Reply::Yes => {
            let grant = session.approve(asked).await?;
            said_yes(seat, session, &grant).await;
        }
        Reply::No => {
            let why = reason(seat, None)?;
            let denied = session.deny(id, &why).await?;
            seat.printer
                .line(format!("{id} is denied; {} is told why.", denied.person));
        }
        Reply::Skip => seat.printer.note(format!("{id} still waits.")),
    }
    Ok(())
}

/// What an approver says to one request of several.
#[derive(Debug, PartialEq, Eq)]
enum Reply {
    Yes,
    No,
    Skip,
}

impl Reply {
    /// Of a whole line; what is neither yes nor no leaves the request as it is.
    fn of(line: &str) -> Self {
        match line.trim().to_lowercase().as_str() {
            "y" | "yes" => Self::Yes,
            "n" | "no" => Self::No,
            _ => Self::Skip,
        }
    }
}

fn list(seat: &Seat, session: &Session, waiting: &[v1::Grant], all: &[v1::Grant]) {
    seat.printer.answer(&view::grants(waiting), |printer| {
        show::grants(printer, waiting, session.now());
        match waiting.is_empty() {
            true => printer.line("Nothing waits for you."),
            false => {
                printer.line("Look at one and answer: glass approve GRANT");
                if waiting.iter().any(|grant| !grant.callers.is_empty()) {
                    printer.line("After a call with who asks: glass call GRANT PERSON");
                }
            }
        }
        for asked in all {
            if goes_to(asked, session.person())
                && let Some(next) = next_asked(asked, session.now())
            {
                printer.line(format!(
                    "{} waits for {}, and {next}.",
                    asked.id,
                    asks(asked)
                ));
            }
        }
    });
}

/// The same error, once whoever is asked for something else has read the request.
async fn shown(
    error: Error,
    seat: &Seat,
    session: &Session,
    asked: &v1::Grant,
) -> Result<Error, Error> {
    if is_asked(asked, session.person()) && begun_error(asked).is_none() {
        session.check_request(asked).await?;
        if !seat.printer.is_json() {
            screen(&seat.printer, session, asked, true).await?;
        }
    }
    Ok(error)
}

/// The one screen an approver reads, or who had the call, on standard error as the question is.
pub(super) async fn screen(
    printer: &Printer,
    session: &Session,
    asked: &v1::Grant,
    is_for_yes: bool,
) -> Result<(), Error> {
    let incident = session
        .incident(&asked.incident)
        .await?
        .incident
        .unwrap_or_default();
    for line in show::request(asked, &incident, (is_for_yes, session.now())) {
        printer.note(line);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_asked_for_what_would_be_refused() {
        let now: Timestamp = "2026-11-23T03:05:00Z".parse().unwrap();
        let mut asked = v1::Grant {
            id: "G-45".into(),
            person: "mia".into(),
            state: v1::GrantState::Waiting.into(),
            approvers: vec!["leon".into(), "founder".into()],
            ..v1::Grant::default()
        };
        let why = |asked: &v1::Grant, person: &str| {
            refusal(asked, person, now).map(|error| (error.reason().to_owned(), error.exit_code()))
        };
        assert_eq!(why(&asked, "leon"), None);
        assert_eq!(why(&asked, "mia"), Some(("SELF_APPROVAL".into(), 82)));
        assert_eq!(why(&asked, "designer"), Some(("NOT_APPROVER".into(), 82)));
        let text = refusal(&asked, "designer", now).unwrap().to_string();
        assert_eq!(text, "G-45 waits for leon or founder, not for you");
        let mut left = asked.clone();
        left.nobody_left = true;
        let next = refusal(&left, "designer", now).unwrap().next().unwrap();
        assert_eq!(next, "mia takes it back, then asks again: glass drop G-45");
        asked.escalation = Some(v1::Escalation {
            at: Some(crate::time::to_proto(
                "2026-11-23T03:10:00Z".parse().unwrap(),
            )),
            approvers: vec!["support".into()],
            escalated_at: None,
        });
        let early = Some(("APPROVAL_TOO_EARLY".into(), 82));
        assert_eq!(why(&asked, "support"), early);
        let text = refusal(&asked, "support", now).unwrap().to_string();
        assert!(text.contains("goes to support too at "), "{text}");
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
            rule: "engineers-db".into(),
            sentence: "change the shop's database".into(),
            reason: "ok\u{1b}[8m\n  until      03:06".into(),
            approvers: vec!["leon".into()],
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
        let lines = show::request(&asked, &incident, (true, now));
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
        assert_eq!(lines[7], "  rule       engineers-db");
    }

    #[test]
    fn only_a_whole_word_answers() {
        for (line, reply) in [
            ("y\n", Reply::Yes),
            (" YES ", Reply::Yes),
            ("n", Reply::No),
            ("no\n", Reply::No),
            ("s", Reply::Skip),
            ("", Reply::Skip),
            ("not sure", Reply::Skip),
            ("yesterday", Reply::Skip),
        ] {
            assert_eq!(Reply::of(line), reply, "{line:?}");
        }
    }
}
