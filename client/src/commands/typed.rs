//! Words that several commands take.

use breakglass_proto::v1::ListEntriesRequest;
use jiff::SignedDuration;

use super::Seat;
use crate::{
    error::Error,
    session::Session,
    text::{self, plain},
};

/// Reads a length of time: `15m`, `1h30m`, `PT20M`; whole seconds, at least one, at most a day.
///
/// # Errors
/// What is wrong with it.
pub fn length(typed: &str) -> Result<SignedDuration, String> {
    const DAY: SignedDuration = SignedDuration::from_hours(24);
    let length: SignedDuration = typed
        .parse()
        .map_err(|_| "a length looks like 15m, 90s or 1h30m".to_owned())?;
    if length.subsec_nanos() != 0 {
        return Err("a length has whole seconds".to_owned());
    }
    if length < SignedDuration::from_secs(1) || length > DAY {
        return Err("a length is between 1s and 24h".to_owned());
    }
    Ok(length)
}

/// The reason that was typed behind `-m`; asked for where it was left out and somebody is there.
///
/// # Errors
/// [`Error::Usage`] where there is none or it cannot be taken.
pub fn reason(seat: &Seat, typed: Option<&str>) -> Result<String, Error> {
    match typed {
        Some(reason) => text::reason(reason),
        None => {
            let otherwise = "say why in a few words: -m \"...\"";
            let asked = seat.printer.ask("Why", "a reason is missing", otherwise)?;
            text::reason(&asked)
        }
    }
}

/// Nothing was found: says which filter alone finds nothing in the whole ledger, so that a misspelt
/// word is not taken for an answer.
///
/// # Errors
/// What asking the ledger says.
pub async fn warn_of_the_unheard_of(
    seat: &Seat,
    session: &Session,
    filter: &ListEntriesRequest,
) -> Result<(), Error> {
    type Part = fn(&mut ListEntriesRequest) -> &mut String;
    let parts: [(&str, Part); 5] = [
        ("is of a kind", |filter| &mut filter.kind),
        ("concerns anybody called", |filter| &mut filter.person),
        ("is about a right", |filter| &mut filter.right),
        ("is about an incident", |filter| &mut filter.incident),
        ("is about a grant", |filter| &mut filter.grant),
    ];
    for (what, part) in parts {
        let word = part(&mut filter.clone()).clone();
        if word.is_empty() {
            continue;
        }
        let mut alone = ListEntriesRequest::default();
        part(&mut alone).clone_from(&word);
        if session.list_entries(alone, 1).await?.is_empty() {
            seat.printer.warn(format!(
                "no entry of the whole ledger {what} `{}`; is it spelt right?",
                plain(&word)
            ));
        }
    }
    Ok(())
}
