//! Whose a grant is, and whether it waited, ran or was over.

use super::{
    Again, Decided,
    anew::Times,
    looking::{Looking, of_kind},
    words::{is_numbered, moment, parts},
};
use crate::{
    entry::Entry,
    rules::ending_in_words,
    story::{Proven, told},
};

pub(super) async fn again<L: Proven>(it: &Looking<'_, L>, reason: &str) -> Decided {
    match reason {
        "UNKNOWN_GRANT" => unknown(it).await,
        "NOT_YOURS" => not_yours(it).await,
        "GRANT_WAITING" => waiting(it).await,
        "GRANT_ACTIVE" => active(it).await,
        "GRANT_ENDED" => ended(it).await,
        _ => nothing_to_hand_over(it).await,
    }
}

/// "there is no grant G-45"
async fn unknown<L: Proven>(it: &Looking<'_, L>) -> Decided {
    let Some([grant]) = parts(it.text(), "there is no grant {}") else {
        return Ok(None);
    };
    Ok(Some(match it.request(grant).await? {
        Some(asked) if asked.at < it.since => Again::Given(format!(
            "it says that there is no grant {grant}, and entry {} asks for it",
            asked.index
        )),
        _ => Again::refused(format!("no entry before it asks for {grant}")),
    }))
}

async fn not_yours<L: Proven>(it: &Looking<'_, L>) -> Decided {
    let text = it.text();
    let alone = parts(
        text,
        "{} belongs to {}, and began without a yes, so only {} extends it",
    );
    let named = alone.or_else(|| parts(text, "{} belongs to {}, and only {} can do that"));
    let Some([grant, holder, _]) = named else {
        return Ok(None);
    };
    let Some(asked) = it.request(grant).await? else {
        return Ok(None);
    };
    let (at, person) = (asked.index, asked.text("person").unwrap_or_default());
    if person != holder || holder == it.entry.by {
        return Ok(Some(Again::Given(format!(
            "it says that {grant} belongs to {holder}, and not to {}; it is of {person} (entry {at})",
            it.entry.by
        ))));
    }
    let mut because = vec![format!(
        "{grant} is of {person} (entry {at}), and not of {}",
        it.entry.by
    )];
    if alone.is_some() {
        let begun = it.of_grant("grant.started", grant).await?;
        let without =
            |begun: &Entry| matches!(begun.text("basis"), Some("fast-path" | "self-granted"));
        let Some(begun) = begun.filter(without) else {
            return Ok(Some(Again::Given(format!(
                "it says that {grant} began without a yes, and no entry before it says that"
            ))));
        };
        because.push(format!("it began without a yes (entry {})", begun.index));
    }
    Ok(Some(Again::Refused(because)))
}

/// "G-45 still waits for an approver"
async fn waiting<L: Proven>(it: &Looking<'_, L>) -> Decided {
    let Some([grant]) = parts(it.text(), "{} still waits for an approver") else {
        return Ok(None);
    };
    let asked = it.request(grant).await?;
    let begun = it.of_grant("grant.started", grant).await?;
    let over = it.of_grant("grant.ended", grant).await?;
    let waited = it.was_so(asked.as_ref(), begun.as_ref().or(over.as_ref()));
    Ok(asked.map(|asked| match waited {
        true => Again::refused(format!(
            "it was asked for in entry {}, and no entry before the refusal began or ended it",
            asked.index
        )),
        false => Again::Given(format!(
            "it says that {grant} waits, and by the entries before it it does not"
        )),
    }))
}

/// "G-45 has begun already"
async fn active<L: Proven>(it: &Looking<'_, L>) -> Decided {
    let Some([grant]) = parts(it.text(), "{} has begun already") else {
        return Ok(None);
    };
    let begun = it.of_grant("grant.started", grant).await?;
    let over = it.of_grant("grant.ended", grant).await?;
    Ok(Some(match begun {
        Some(begun) if it.was_so(Some(&begun), over.as_ref()) => {
            Again::refused(format!("it had begun in entry {}", begun.index))
        }
        _ => Again::Given(format!(
            "it says that {grant} has begun, and by the entries before it it does not run"
        )),
    }))
}

/// "G-45 is over already: vetoed at 2026-11-24 00:02:23 UTC"
async fn ended<L: Proven>(it: &Looking<'_, L>) -> Decided {
    let text = it.text();
    let Some((grant, rest)) = text.split_once(" is over") else {
        return Ok(None);
    };
    if !is_numbered("G-", grant) {
        return Ok(None);
    }
    let rest = rest.strip_prefix(" already").unwrap_or(rest);
    let said = parts::<2>(rest, ": {} at {}");
    if said.is_none() && !rest.is_empty() {
        return Ok(None);
    }
    let Some(over) = it.of_grant("grant.ended", grant).await? else {
        return without_end(it, grant).await;
    };
    let ending = over.text("ending").and_then(ending_in_words);
    if let (Some([told, at]), Some(ending)) = (said, ending) {
        // It may have been told before the entry was written.
        let is_then = moment(at).is_some_and(|at| at <= over.at);
        if told != ending || !is_then {
            return Ok(Some(Again::Given(format!(
                "it says of {grant} `{told} at {at}`, and entry {} says: {ending}, at {}",
                over.index,
                it.voice.at(over.at)
            ))));
        }
    }
    Ok(Some(Again::refused(format!(
        "entry {} ended it: {}",
        over.index,
        told::sentence(&over, it.voice)
    ))))
}

/// Its time is over, or its number was never given.
async fn without_end<L: Proven>(it: &Looking<'_, L>, grant: &str) -> Decided {
    let Some(asked) = it.request(grant).await? else {
        let mark = it.all(of_kind("ledger.restored"), 1).await?.pop();
        return Ok(Some(match mark {
            Some(mark) => Again::refused(format!(
                "no entry asks for {grant}: its number was passed over where a part of the ledger was lost \
                 (entry {})",
                mark.index
            )),
            None => Again::Given(format!(
                "it says that {grant} is over, and no entry asks for it"
            )),
        }));
    };
    let mut end = Times::of(it, &asked).await?.lapses_at;
    for kind in ["grant.extended", "grant.started"] {
        if let Some(sets) = it.of_grant(kind, grant).await? {
            end = sets.time("ends_at");
            break;
        }
    }
    Ok(Some(match end.filter(|end| *end <= it.entry.at) {
        Some(end) => Again::refused(format!("its time was over at {}", it.voice.at(end))),
        None => Again::Given(format!(
            "it says that {grant} is over, and no entry before it ends it"
        )),
    }))
}

async fn nothing_to_hand_over<L: Proven>(it: &Looking<'_, L>) -> Decided {
    let text = it.text();
    if let Some([grant]) = parts(text, "{} is yours already: there is nothing to hand over") {
        return is_of_asker(it, grant).await;
    }
    let sentence = "{} has {} for that already, under the same incident";
    let Some([person, grant]) = parts(text, sentence) else {
        return Ok(None);
    };
    let asked = it.request(grant).await?;
    let over = it.of_grant("grant.ended", grant).await?;
    let has = it.was_so(asked.as_ref(), over.as_ref());
    Ok(
        asked.map(|asked| match has && asked.text("person") == Some(person) {
            true => Again::refused(format!("{grant} was {person}'s (entry {})", asked.index)),
            false => Again::Given(format!(
                "it says that {person} has {grant}, and by the entries before it they do not"
            )),
        }),
    )
}

/// That a grant is of whoever was refused.
pub(super) async fn is_of_asker<L: Proven>(it: &Looking<'_, L>, grant: &str) -> Decided {
    let (by, asked) = (&it.entry.by, it.request(grant).await?);
    Ok(asked.map(|asked| {
        let (at, person) = (asked.index, asked.text("person").unwrap_or_default());
        match person == by {
            true => Again::refused(format!("{grant} is {by}'s own (entry {at})")),
            false => Again::Given(format!(
                "it says that {grant} is {by}'s own, and it is of {person} (entry {at})"
            )),
        }
    }))
}
