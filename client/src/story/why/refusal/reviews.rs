//! What was answered about incidents that are over, and what is owed.

use std::collections::BTreeSet;

use super::{
    Again, Decided,
    looking::{Looking, under},
    words::{is_numbered, moment, parts},
};
use crate::{
    limits::STORY_ENTRIES,
    story::{Proven, why::later},
};

pub(super) async fn again<L: Proven>(it: &Looking<'_, L>, reason: &str) -> Decided {
    match reason {
        "REVIEW_DEBT" => debt(it).await,
        _ => nothing_owed(it).await,
    }
}

/// "INC-12 closed at ... and 2 grants of it are not reviewed; ..."
async fn debt<L: Proven>(it: &Looking<'_, L>) -> Decided {
    let sentence = "{} closed at {} and {} of it {} not reviewed; until then nothing begins without an \
                    approver, but under a sev1";
    let Some([id, at, _, _]) = parts(it.text(), sentence) else {
        return Ok(None);
    };
    let (Some(closed), Some(said)) = (it.of_incident("incident.closed", id).await?, moment(at))
    else {
        return Ok(Some(Again::Given(format!(
            "it says that {id} is over and not reviewed, and no entry before it closes {id}"
        ))));
    };
    let begun = it.all(under(id, "grant.started"), STORY_ENTRIES).await?;
    let answered = it.all(under(id, "review.answered"), STORY_ENTRIES).await?;
    let answered: BTreeSet<_> = answered
        .iter()
        .filter(|answer| answer.at < it.since)
        .filter_map(|answer| answer.text("grant"))
        .collect();
    let owed: Vec<_> = begun
        .iter()
        .filter_map(|begun| begun.text("grant"))
        .filter(|grant| !answered.contains(grant))
        .collect();
    if owed.is_empty() || closed.at.as_second() != said.as_second() {
        return Ok(Some(Again::Given(format!(
            "it says that answers about {id} are owed since {}; it closed at {} (entry {}), and {} are owed",
            it.voice.at(said),
            it.voice.at(closed.at),
            closed.index,
            owed.len()
        ))));
    }
    let at = closed.index;
    Ok(it.by_policy(|policy| {
        let entry = policy.entry;
        let late = policy.rules.review_within().map(|within| later(closed.at, within));
        match late.filter(|late| *late <= it.entry.at) {
            Some(late) => Again::Refused(vec![
                format!("{id} closed in entry {at}, and nobody had answered for {}", owed.join(", ")),
                format!(
                    "by the policy of entry {entry} answers were late from {} on",
                    it.voice.at(late)
                ),
            ]),
            None => Again::Given(format!(
                "it says that answers about {id} are late, and by the policy of entry {entry} they are not"
            )),
        }
    }))
}

/// "no answer is owed for G-45 of INC-12: somebody has answered, or it never began there"
async fn nothing_owed<L: Proven>(it: &Looking<'_, L>) -> Decided {
    let sentence = "no answer is owed for {} of {}: somebody has answered, or it never began there";
    let Some([grant, id]) = parts(it.text(), sentence) else {
        return Ok(None);
    };
    if !is_numbered("G-", grant) || !is_numbered("INC-", id) {
        return Ok(None);
    }
    if let Some(answer) = it.of_grant("review.answered", grant).await? {
        return Ok(Some(Again::refused(format!(
            "{} had answered for {grant} (entry {})",
            answer.by, answer.index
        ))));
    }
    let begun = it.of_grant("grant.started", grant).await?;
    Ok(Some(match begun {
        None => Again::refused(format!("no entry before it begins {grant}")),
        Some(begun) if begun.text("incident") != Some(id) => Again::refused(format!(
            "{grant} began under {} (entry {})",
            begun.text("incident").unwrap_or_default(),
            begun.index
        )),
        Some(begun) if begun.is_drill() => Again::refused(format!(
            "{grant} began in a drill (entry {}), and nothing is asked about those",
            begun.index
        )),
        Some(begun) => Again::NotHeld(format!(
            "{grant} began (entry {}) and nobody has answered for it; whether it is among those that the \
             broker still asks about, which are limited in number, is counted in its memory",
            begun.index
        )),
    }))
}
