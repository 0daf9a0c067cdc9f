//! `glass review INC-12`

use breakglass_proto::v1;
use serde_json::json;

use super::answers::{self, Flags};
use crate::{
    commands::{DONE, Seat},
    entry::Entry,
    error::Error,
    limits::{REVIEWED_ENTRIES, REVIEWED_REFUSALS},
    review::{self, Draft},
    session::{Said, Session},
    show::counted,
    text, time, view,
};

/// What `glass review` is for, in one line.
pub(super) const ABOUT: &str =
    "Look back at an incident: who had what, what was used, what was cut, and was it needed";

/// And in a few.
pub(super) const LONG_ABOUT: &str = "\
Look back at an incident: who had what, what was used, what was cut, and was it needed

The draft is read from the ledger. Somebody on the team then answers three questions for each grant: was it \
needed, was its right too wide, what was missing. On a terminal they are asked; scripts give flags. Each grant is \
answered for once.";

/// How it is typed.
pub(super) const EXAMPLES: &str = "\
Examples:
  glass review                                        what is still to be answered
  glass review INC-12
  glass review INC-12 --grant G-45 --needed yes --width too-wide
  glass review INC-12 --all --needed yes --missing \"a rollback without the database\"
  glass review INC-12 -o json | jq '.borrowed'
  glass review access                                 who can do what, on a schedule";

/// Which incident, and what is said of it.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The incident; left out: all that owe an answer
    #[arg(value_name = "ID")]
    id: Option<String>,
    #[command(flatten)]
    flags: Flags,
}

/// Shows the draft, and takes answers.
///
/// # Errors
/// [`Error::Refused`] for an unknown incident or an answer that nobody owes.
pub async fn run(args: Args, seat: &Seat) -> Result<u8, Error> {
    let Some(id) = args.id else {
        if args.flags.is_said() {
            return Err(Error::usage(
                "an answer is about the grants of one incident, and none is named",
                args.flags.with_incident(),
            ));
        }
        let session = seat.session().await?;
        return list(seat, &session).await;
    };
    let id = text::incident_id(&id)?;
    let session = seat.session().await?;
    let owed = owed_of(&session, &id).await?;
    if args.flags.is_said() && owed.is_empty() {
        need_owed(seat, &draft_of(&session, &id).await?)?;
    }
    let said = args.flags.said(&id, &owed)?;
    for (grant, said) in &said {
        session.answer_review(&id, grant, said).await?;
    }
    let draft = draft_of(&session, &id).await?;
    let left = owed_of(&session, &id).await?;
    let view = json!({ "draft": draft, "owed": left });
    seat.printer.answer(&view, |printer| {
        review::say(printer, &draft, session.now());
    });
    if said.is_empty() && seat.printer.is_interactive() {
        return asked(seat, &session, &draft, &left).await;
    }
    if !left.is_empty() {
        seat.printer.note(format!(
            "{} still to be answered: glass review {id} --grant {} --needed yes",
            counted(left.len() as u64, "grant"),
            left[0]
        ));
    }
    Ok(DONE)
}

/// What is said of an incident that owes nothing is said of nothing.
fn need_owed(seat: &Seat, draft: &Draft) -> Result<(), Error> {
    let id = &draft.incident;
    if let Some(why) = draft.owes_nothing() {
        return Err(Error::usage(
            format!("nothing is owed of {id}: {why}"),
            format!("look at it: glass review {id}"),
        ));
    }
    seat.printer
        .note(format!("nothing is owed of {id} any more"));
    Ok(())
}

async fn asked(
    seat: &Seat,
    session: &Session,
    draft: &Draft,
    left: &[String],
) -> Result<u8, Error> {
    let mut same: Option<Said> = None;
    for (done, grant) in left.iter().enumerate() {
        let said = match &same {
            Some(said) => Some(said.clone()),
            None => answers::ask(seat, draft, grant)?,
        };
        let Some(said) = said else {
            let left = counted((left.len() - done) as u64, "grant");
            let id = &draft.incident;
            seat.printer.note(format!(
                "stopped: {left} still to be answered: glass review {id}"
            ));
            return Ok(DONE);
        };
        session.answer_review(&draft.incident, grant, &said).await?;
        seat.printer.note(format!("{grant} is answered for."));
        let others = left.len() - 1;
        if done == 0 && others > 0 && answers::same_for(seat, others)? {
            same = Some(said);
        }
    }
    Ok(DONE)
}

async fn list(seat: &Seat, session: &Session) -> Result<u8, Error> {
    let owed = session.reviews().await?;
    let now = session.now();
    seat.printer.answer(&view::owed_reviews(&owed), |printer| {
        if owed.is_empty() {
            printer.good("Every grant of every incident that is over was answered for.");
        }
        for owed in &owed {
            printer.line(crate::show::owed_review(owed, now));
        }
    });
    Ok(DONE)
}

async fn owed_of(session: &Session, id: &str) -> Result<Vec<String>, Error> {
    let owed = session.reviews().await?;
    let of = owed.into_iter().find(|owed| owed.incident == id);
    Ok(of.map(|owed| owed.grants).unwrap_or_default())
}

/// The draft of one incident, from its entries.
async fn draft_of(session: &Session, id: &str) -> Result<Draft, Error> {
    // That there is one; an incident without entries would be an empty answer.
    let answer = session.incident(id).await?;
    let incident = answer
        .incident
        .ok_or_else(|| Error::broken_answer("it has no incident"))?;
    let of_incident = v1::ListEntriesRequest {
        incident: id.to_owned(),
        oldest_first: true,
        ..v1::ListEntriesRequest::default()
    };
    let entries = read(session.list_entries(of_incident, REVIEWED_ENTRIES).await?)?;
    let meanwhile = v1::ListEntriesRequest {
        kind: "refused".to_owned(),
        since: incident.opened_at,
        until: until(&incident),
        oldest_first: true,
        ..v1::ListEntriesRequest::default()
    };
    let refusals = read(session.list_entries(meanwhile, REVIEWED_REFUSALS).await?)?;
    let mut draft = Draft::read(id, &entries, &refusals);
    for (read, most, what) in [
        (entries.len(), REVIEWED_ENTRIES, "entries"),
        (refusals.len(), REVIEWED_REFUSALS, "refusals"),
    ] {
        if read == most {
            draft.unsure.push(format!(
                "Only the first {most} {what} were read: glass ledger list has the rest."
            ));
        }
    }
    Ok(draft)
}

/// The closing and a moment more: what is asked for is what is before.
fn until(incident: &v1::Incident) -> Option<prost_types::Timestamp> {
    let closed = time::from_proto(incident.closed_at.as_ref())?;
    let after = closed.saturating_add(jiff::SignedDuration::from_millis(1));
    Some(time::to_proto(after.unwrap_or(closed)))
}

fn read(entries: Vec<v1::Entry>) -> Result<Vec<Entry>, Error> {
    let read = entries.iter().map(|entry| Entry::parse(&entry.line));
    let read: Result<Vec<_>, _> = read.collect();
    read.map_err(|why| Error::broken_answer(&why))
}
