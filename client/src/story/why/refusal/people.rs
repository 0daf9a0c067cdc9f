//! Who was frozen, and who had a laptop.

use super::{
    Again, Decided,
    looking::{Looking, of_person},
    words::parts,
};
use crate::{entry::Entry, error::Error, story::Proven};

pub(super) async fn again<L: Proven>(it: &Looking<'_, L>, reason: &str) -> Decided {
    let text = it.text();
    match reason {
        "PERSON_FROZEN" => {
            let named = parts(text, "{} is frozen already").or_else(|| parts(text, "{} is frozen"));
            match named {
                Some([person]) => frozen(it, person).await.map(Some),
                None => Ok(None),
            }
        }
        "NOT_FROZEN" => match parts(text, "{} is not frozen") {
            Some([person]) => not_frozen(it, person).await.map(Some),
            None => Ok(None),
        },
        _ => not_enrolled(it).await,
    }
}

/// That somebody was stopped.
pub(super) async fn frozen<L: Proven>(it: &Looking<'_, L>, person: &str) -> Result<Again, Error> {
    let (stops, lifts) = freezes(it, person).await?;
    Ok(
        match stops.filter(|stops| it.was_so(Some(stops), lifts.as_ref())) {
            Some(stops) => Again::refused(format!(
                "{} had frozen {person} (entry {})",
                stops.by, stops.index
            )),
            None => Again::Given(format!(
                "it says that {person} is frozen, and by the entries before it nobody had frozen them, or it was \
             lifted"
            )),
        },
    )
}

async fn not_frozen<L: Proven>(it: &Looking<'_, L>, person: &str) -> Result<Again, Error> {
    let (stops, lifts) = freezes(it, person).await?;
    Ok(match stops {
        Some(stops) if !it.was_not_so(Some(&stops), lifts.as_ref()) => Again::Given(format!(
            "it says that {person} is not frozen, and {} had frozen them (entry {})",
            stops.by, stops.index
        )),
        stops => Again::refused(match (lifts, stops) {
            (Some(lifts), _) => {
                format!("{} had lifted the freeze (entry {})", lifts.by, lifts.index)
            }
            (None, Some(stops)) => format!("{person} was frozen only then (entry {})", stops.index),
            (None, None) => format!("no entry before it freezes {person}"),
        }),
    })
}

/// The newest freeze, and what lifts it.
async fn freezes<L: Proven>(
    it: &Looking<'_, L>,
    person: &str,
) -> Result<(Option<Entry>, Option<Entry>), Error> {
    let stops = about(it, person, "person.frozen").await?;
    let lifts = about(it, person, "person.unfrozen").await?;
    let lifts = lifts.filter(|lifts| stops.as_ref().is_some_and(|it| it.index < lifts.index));
    Ok((stops, lifts))
}

/// The newest entry of a kind that says something of somebody; what they did to others is passed over.
async fn about<L: Proven>(
    it: &Looking<'_, L>,
    person: &str,
    kind: &str,
) -> Result<Option<Entry>, Error> {
    /// Of a kind that somebody rarely does, and that rarely befalls them.
    const LOOKED_THROUGH: usize = 1_000;
    let found = it.all(of_person(person, kind), LOOKED_THROUGH).await?;
    Ok(found
        .into_iter()
        .find(|entry| entry.text("person") == Some(person)))
}

async fn not_enrolled<L: Proven>(it: &Looking<'_, L>) -> Decided {
    let text = it.text();
    let (person, names_key) = if let Some([person]) = parts(text, "this key is not enrolled for {}")
    {
        (person, true)
    } else if let Some([person]) = parts(text, "{} has no laptop enrolled, and could not use it") {
        (person, false)
    } else {
        return Ok(None);
    };
    let enrols = about(it, person, "person.enrolled").await?;
    let leaves = about(it, person, "person.removed").await?;
    let leaves = leaves.filter(|it| {
        enrols
            .as_ref()
            .is_some_and(|enrols| enrols.index < it.index)
    });
    Ok(Some(match (enrols, leaves) {
        (None, _) => Again::refused(format!("no entry before it enrols a laptop of {person}")),
        (Some(_), Some(leaves)) => Again::refused(format!(
            "{person} was removed (entry {}), and with them every key of theirs",
            leaves.index
        )),
        (Some(enrols), None) if enrols.at >= it.since => Again::refused(format!(
            "{person} enrolled a laptop just then, in entry {}",
            enrols.index
        )),
        (Some(enrols), None) if names_key => Again::NotHeld(format!(
            "{person} had a laptop (the newest is of entry {}), and which key it was that is none of \
             theirs is not in the ledger",
            enrols.index
        )),
        (Some(enrols), None) => Again::Given(format!(
            "it says that {person} has no laptop enrolled, and entry {} enrols one",
            enrols.index
        )),
    }))
}
