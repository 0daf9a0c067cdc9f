//! `glass ledger follow`

use breakglass_proto::v1;

use crate::{
    commands::{DONE, Seat},
    entry::Entry,
    error::Error,
    limits::FOLLOWED_BACK,
    session::Session,
    show,
    stream::{News, Resumed},
    watching::Following,
};

/// Print entries as they are appended
///
/// For a terminal, or to feed another system. A broken connection is opened again by itself and no
/// entry is left out.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  glass ledger follow
  glass ledger follow --from 0 -o json >> ledger.jsonl")]
pub struct Args {
    /// Begin with this entry; left out: only new ones
    #[arg(long, value_name = "ENTRY")]
    from: Option<u64>,
}

/// Follows it until it is stopped.
///
/// # Errors
/// What waiting does not mend.
pub async fn run(args: Args, seat: &Seat) -> Result<u8, Error> {
    let session = seat.session().await?;
    let next = session.next_index().await?;
    let from = args.from.unwrap_or(next);
    // Of what was there before, only the newest: each head that somebody had seen is a question.
    let compared_from = next.saturating_sub(FOLLOWED_BACK);
    let mut stream = Resumed::new(&session, Following, Some(from));
    let mut is_lost = false;
    loop {
        match stream.next().await? {
            News::Came(item) => {
                is_lost = false;
                if let Some(entry) = item.entry {
                    say(seat, &session, &entry);
                    compare(&session, &entry, compared_from).await?;
                }
                if seat.printer.is_cut_off() {
                    return Ok(DONE);
                }
            }
            News::Lost(error) if !is_lost => {
                is_lost = true;
                seat.printer.warn(format!("{error}; trying again"));
            }
            News::Lost(_) => {}
        }
    }
}

/// What its signer had seen is of one history with what this laptop knows.
async fn compare(session: &Session, entry: &v1::Entry, from: u64) -> Result<(), Error> {
    match Entry::parse(&entry.line) {
        Ok(read) if entry.index >= from => match session.compare_seen([&read]).await {
            Err(error) if error.is_passing() => Ok(()),
            compared => compared,
        },
        _ => Ok(()),
    }
}

fn say(seat: &Seat, session: &Session, entry: &v1::Entry) {
    if seat.printer.is_json() {
        return seat.printer.line(String::from_utf8_lossy(&entry.line));
    }
    match Entry::parse(&entry.line) {
        Ok(read) => seat
            .printer
            .line(show::entry_row(&read, session.now()).join("  ")),
        Err(why) => seat
            .printer
            .warn(format!("entry {} cannot be read: {why}", entry.index)),
    }
}
