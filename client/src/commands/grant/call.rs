//! `glass call`

use breakglass_proto::v1;
use jiff::{SignedDuration, Timestamp};

use crate::{
    commands::{DONE, Seat, copies::Copies},
    error::Error,
    grant::{callers, late_error, still_needed},
    session::Session,
    show, text, time,
    view::GrantView,
};

use super::approve;

/// Record that you spoke with who asks, so that their access may begin
///
/// Some requests begin only after a call with one of a few people and a note in the incident. Call
/// them, do not write: you sign that you spoke with that person, and the ledger keeps it. Shows the
/// request in plain text before you sign, as its requester signed it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  glass call G-45 founder               look, then y if you spoke just now
  glass call G-45 founder --at 03:12    you spoke at 03:12, by this laptop's clock
  glass call G-45 founder --yes         without being asked, for scripts

It counts for half an hour. The note: glass incident note \"what you agreed on\"")]
pub struct Args {
    /// The request
    #[arg(value_name = "GRANT")]
    grant: String,
    /// Whom you spoke with: who asks
    #[arg(value_name = "PERSON")]
    person: String,
    /// When you spoke; left out: now
    #[arg(long, value_name = "TIME", value_parser = moment)]
    at: Option<At>,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// A time as somebody typed it.
#[derive(Debug, Clone, Copy)]
enum At {
    /// On the laptop's clock, the last time it showed that.
    Clock(jiff::civil::Time),
    /// With a date.
    Moment(Timestamp),
}

/// Shows, asks, signs.
///
/// # Errors
/// [`Error::Usage`] where somebody else asks, or nobody is there to say yes; [`Error::Refused`] where this
/// person's call does not count, or it is over.
pub async fn run(args: Args, seat: &Seat) -> Result<u8, Error> {
    let id = text::grant_id(&args.grant)?;
    let person = text::person_id(&args.person)?;
    let session = seat.session().await?;
    let asked = session.grant(&id).await?;
    if let Some(error) = late_error(&asked, session.person(), session.now()) {
        return Err(error);
    }
    if asked.person != person {
        return Err(Error::usage(
            format!("{id} is by {}, not by {person}", asked.person),
            format!(
                "whom did you speak with? If it was they: glass call {id} {}",
                asked.person
            ),
        ));
    }
    if let Some(error) = refusal(&asked, session.person()) {
        return Err(error);
    }
    session.check_request(&asked).await?;
    if !args.yes && !spoke(seat, &session, &asked).await? {
        return Ok(DONE);
    }
    let laptop = time::now();
    let ago = args.at.map_or(SignedDuration::ZERO, |at| {
        laptop.duration_since(at.before(laptop))
    });
    let now = session.now();
    let spoke_at = now.saturating_sub(ago).unwrap_or(now);
    let grant = session.record_call(&asked, spoke_at).await?;
    let copies = Copies::of_handover(&session, &grant).await;
    seat.printer.answer(&GrantView::from(&grant), |printer| {
        let when = time::local(spoke_at, now);
        printer.good(format!(
            "On record: you spoke with {person} at {when}, for {id}."
        ));
        match still_needed(&grant) {
            Some(needed) => printer.line(format!("Still needed: {needed}")),
            None => printer.line(began(&grant, session.now())),
        }
        copies.say(printer, session.now());
    });
    Ok(DONE)
}

/// Why a call of this person's does not count, as far as that can be seen from here.
fn refusal(asked: &v1::Grant, person: &str) -> Option<Error> {
    let (id, requester) = (&asked.id, &asked.person);
    let next = format!("see what it waits for: glass grants show {id}");
    if asked.callers.is_empty() {
        return Some(Error::refused(
            "NO_CALL_WANTED",
            format!("{id} needs no call"),
            next,
        ));
    }
    if !asked.callers.iter().any(|it| it == person) {
        let what = format!("{id} needs a call with {}, not with you", callers(asked));
        let next = format!("ask one of them to run: glass call {id} {requester}");
        return Some(Error::refused("NOT_CALLER", what, next));
    }
    asked.calls.iter().any(|call| call.by == person).then(|| {
        let what = format!("your call for {id} is on record already");
        Error::refused("CALL_RECORDED", what, next)
    })
}

/// Shows the request and asks.
async fn spoke(seat: &Seat, session: &Session, asked: &v1::Grant) -> Result<bool, Error> {
    let (id, person) = (&asked.id, &asked.person);
    if !seat.printer.is_json() {
        approve::screen(&seat.printer, session, asked, false).await?;
    }
    let otherwise = format!("if you spoke with {person}: glass call {id} {person} --yes");
    let question = format!("You spoke with {person} about this?");
    let is_yes = seat.printer.confirm(&question, &otherwise)?;
    if !is_yes {
        seat.printer.note(format!(
            "Nothing is on record; it still waits. To say no: glass deny {id} -m \"why\""
        ));
    }
    Ok(is_yes)
}

/// "G-45 began: founder can read the secrets until 03:40 (in 15m)."
pub(super) fn began(grant: &v1::Grant, now: Timestamp) -> String {
    format!(
        "{} began: {} can {} until {}.",
        grant.id,
        grant.person,
        text::plain(&grant.sentence),
        show::when(grant.ends_at.as_ref(), now)
    )
}

fn moment(typed: &str) -> Result<At, String> {
    let moment = typed.parse().ok().or_else(|| time::of_here(typed));
    if let Some(moment) = moment {
        return Ok(At::Moment(moment));
    }
    let clock = typed.parse().map(At::Clock);
    clock.map_err(|_| "write it as 03:12, or as 2026-11-23T03:12:00Z".to_owned())
}

impl At {
    /// Never later than now: who says 23:58 after midnight means yesterday.
    fn before(self, now: Timestamp) -> Timestamp {
        match self {
            Self::Moment(moment) => moment,
            Self::Clock(clock) => time::last(clock, now),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_day_is_the_last_one() {
        let now = time::of_here("2026-11-23T00:05:00").unwrap();
        let read = |typed: &str| moment(typed).unwrap().before(now);
        assert_eq!(
            now.duration_since(read("23:58")),
            SignedDuration::from_mins(7)
        );
        assert_eq!(
            now.duration_since(read("00:04")),
            SignedDuration::from_mins(1)
        );
        assert_eq!(
            read("2026-11-22T22:00:00Z").to_string(),
            "2026-11-22T22:00:00Z"
        );
        for typed in ["", "3", "25:00", "soon", "03:12\u{1b}[2J"] {
            assert!(moment(typed).is_err(), "{typed:?}");
        }
    }
}
