//! Words that several commands take.

use std::collections::BTreeSet;

use breakglass_proto::v1::ListEntriesRequest;
use jiff::SignedDuration;

use super::Seat;
use crate::{
    audit::known_kinds,
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

/// That a list was cut off, and how to see the rest.
#[must_use]
pub fn more(limit: usize) -> String {
    format!("There are more than these {limit}: --limit {}", limit * 10)
}

/// Letters of a word that is compared with others: longer than any of them.
const LONGEST_WORD: usize = 64;

const OF_A_KIND: &str = "is of a kind";

/// Nothing was found: says which filter alone finds nothing in the whole ledger, so that a misspelt
/// word is not taken for an answer.
///
/// People, rights, incidents and grants come to be as time passes, so that there are none of a name is
/// an answer, and this a warning. The kinds of entries are those this `glass` knows and those a newer
/// broker has written: what is neither is a mistake.
///
/// # Errors
/// [`Error::Usage`] for a kind that is neither, and what asking the ledger says.
pub async fn warn_of_the_unheard_of(
    seat: &Seat,
    session: &Session,
    filter: &ListEntriesRequest,
) -> Result<(), Error> {
    type Part = fn(&mut ListEntriesRequest) -> &mut String;
    let parts: [(&str, Part); 7] = [
        (OF_A_KIND, |filter| &mut filter.kind),
        ("concerns anybody called", |filter| &mut filter.person),
        ("is about a right", |filter| &mut filter.right),
        ("is about an incident", |filter| &mut filter.incident),
        ("is about a grant", |filter| &mut filter.grant),
        ("is about a target", |filter| &mut filter.target),
        ("came out as", |filter| &mut filter.outcome),
    ];
    for (what, part) in parts {
        let word = part(&mut filter.clone()).clone();
        if word.is_empty() || (what == OF_A_KIND && kinds().any(|kind| kind == word)) {
            continue;
        }
        let mut alone = ListEntriesRequest::default();
        part(&mut alone).clone_from(&word);
        if session.list_entries(alone, 1).await?.is_empty() {
            if what == OF_A_KIND {
                return Err(no_such_kind(&word));
            }
            seat.printer.warn(format!(
                "no entry of the whole ledger {what} `{}`; is it spelt right?",
                plain(&word)
            ));
        }
    }
    Ok(())
}

/// Each kind, and the part before the dot of each, which stands for all of them.
fn kinds() -> impl Iterator<Item = &'static str> + Clone {
    let groups = known_kinds().filter_map(|kind| Some(kind.split_once('.')?.0));
    known_kinds().chain(groups)
}

/// That there is no such kind, with the one that was meant.
#[must_use]
pub fn no_such_kind(typed: &str) -> Error {
    let next = match nearest(typed, kinds()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => {
            let groups: BTreeSet<_> = kinds().filter(|kind| !kind.contains('.')).collect();
            let groups: Vec<_> = groups.into_iter().collect();
            format!(
                "`--kind grant` finds all about grants; there are {}",
                groups.join(", ")
            )
        }
    };
    Error::usage(
        format!("no entry is ever of a kind `{}`", plain(&text::cut(typed))),
        next,
    )
}

/// The word with the fewest slips, where they are few enough to be slips: one in three letters.
fn nearest(typed: &str, known: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    let typed: String = typed.to_lowercase().chars().take(LONGEST_WORD).collect();
    let slips = known.filter_map(|word| {
        let slips = strsim::osa_distance(&typed, word);
        let letters = typed.chars().count().max(word.len());
        (slips <= letters.div_ceil(3)).then_some((slips, word))
    });
    slips.min().map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_with_a_slip_in_it_is_named() {
        for (slip, meant) in [
            ("incident.opend", "did you mean `incident.opened`?"),
            ("Grant.Ended", "did you mean `grant.ended`?"),
            ("grants", "did you mean `grant`?"),
            ("incidnet", "did you mean `incident`?"),
            ("refusd", "did you mean `refused`?"),
        ] {
            let error = no_such_kind(slip);
            assert_eq!(error.next(), Some(meant.to_owned()), "{slip}");
        }
    }

    #[test]
    fn one_that_is_like_none_is_told_what_there_is() {
        for typed in ["beer", &"z".repeat(10_000_000), ""] {
            let next = no_such_kind(typed).next().unwrap();
            assert!(
                next.contains("broker, call, certificate, credential, drill, grant, "),
                "{next}"
            );
            assert!(next.contains("refused"), "{next}");
        }
    }
}
