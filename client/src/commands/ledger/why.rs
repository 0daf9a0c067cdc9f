//! `glass ledger why`

use super::which::Which;
use crate::{
    commands::{DONE, Seat},
    entry::Entry,
    error::Error,
    session::Session,
    story::{
        Story, Voice, view,
        why::{self, Why},
    },
};

/// Why somebody got a grant, or was refused: the decision, made again
///
/// Reads the entries that the decision stands on, each proven to be in the ledger, and the policy that was
/// in force there, and runs the rules again: who, what, on whose word, and how the end was set. Says which
/// rule gave it and where it stands, why the approver was one, and which statements were checked.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  glass ledger why G-45
  glass ledger why 4211            the grant of that entry, or a refusal
  glass ledger list --kind refused
  glass ledger why G-45 -o json | jq '.decisions[].because'

A refusal is decided again from the policy that was in force and from the entries before it. Where
the ledger does not hold what it takes (a statement that was refused, a clock, a certificate), that
is said. Exit code 86: what was decided does not follow. Whether the broker left anything out is
seen by reading all of it: glass ledger verify.

With -o json: `decisions` (`entry`, `at`, `kind`, `what`, `policy`, `rule`, `because`),
`signatures`, `marks` (where a part of the ledger was lost), `follows` (null where nothing was
decided again), and `wrong`.")]
pub struct Args {
    /// A grant (G-45), or an entry (4211)
    #[arg(value_name = "GRANT|ENTRY", value_parser = Which::parse)]
    which: Which,
}

/// Says why.
///
/// # Errors
/// [`Error::Unverified`] where it does not follow, [`Error::Usage`] for an entry that decides nothing.
pub async fn run(args: Args, seat: &Seat) -> Result<u8, Error> {
    let session = seat.session().await?;
    let voice = match seat.printer.is_json() {
        true => Voice::ToScripts,
        false => Voice::ToPeople(session.now()),
    };
    let spinner = seat.printer.spinner("Reading what it stands on");
    let why = ask(&session, &args.which, voice).await?;
    drop(spinner);
    seat.printer
        .answer(&why, |printer| view::why(printer, &why));
    match &why.wrong {
        None => Ok(DONE),
        Some(wrong) => Err(wrong.error()),
    }
}

async fn ask(session: &Session, which: &Which, voice: Voice) -> Result<Why, Error> {
    let grant = match which {
        Which::Grant(grant) => grant.clone(),
        Which::Entry(index) => {
            let receipt = session.entry(*index).await?;
            let entry = Entry::parse(&receipt.entry)
                .map_err(|error| Error::broken_answer(&format!("the entry: {error}")))?;
            if entry.kind == "refused" {
                return why::refused(session, &entry, voice).await;
            }
            entry.text("grant").map(str::to_owned).ok_or_else(|| {
                Error::usage(
                    format!("entry {index} is {}, which gives nobody anything", entry.kind),
                    format!("a grant (G-45), one of its entries, or a refusal; read it: glass ledger show {index}"),
                )
            })?
        }
    };
    let story = Story::of_grant(session, &grant).await?;
    Ok(why::granted(&story, voice))
}
