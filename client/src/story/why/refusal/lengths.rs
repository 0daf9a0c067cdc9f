//! How long a right lasts, against how long was asked for.

use super::{
    Again, Decided, extending,
    looking::Looking,
    words::{millis, moment, parts},
};
use crate::{
    error::Error,
    story::{Proven, why::later},
    time,
};

pub(super) async fn again<L: Proven>(it: &Looking<'_, L>) -> Decided {
    let text = it.text();
    if let Some([id, at]) = parts(
        text,
        "the alert of {} is over, so it closes at {}, and nothing under it lasts longer",
    ) {
        return closing(it, id, at).await;
    }
    if let Some([_, rest]) = parts(text, "asked for {}, and {}")
        && let Some([_, grant, since]) = parts(
            rest,
            "{}: {} was handed over, and its longest time counts from where the first of them began, at {}",
        )
    {
        return handed_over(it, grant, since).await;
    }
    if let Some([asked, longest]) = parts(text, "asked for {}, and at most {} is allowed")
        && it.entry.text("act") == Some("request")
    {
        return Ok(of_a_right(it, asked, longest));
    }
    let Some([asked, rest]) = parts(text, "asked for {}, and {}") else {
        return Ok(None);
    };
    more(it, asked, rest).await.map(Some)
}

/// More time than one of the grants under the incident could have had. The entry does not name it: where none
/// had just so much left, that is said, and nobody is accused.
async fn more<L: Proven>(it: &Looking<'_, L>, asked: &str, rest: &str) -> Result<Again, Error> {
    let left = match parts(rest, "at most {} is allowed") {
        Some([most]) => millis(most),
        None if rest == "it already has the longest time that is allowed" => Some(0),
        None => None,
    };
    let id = it.entry.text("incident").unwrap_or_default();
    let had = extending::left(it, id).await?;
    let such = had.into_iter().find(|had| Some(had.left) == left);
    Ok(match such {
        Some(had) => Again::refused(format!(
            "{} began in entry {}, and by the policy of entry {} its longest time is over at {}; it was to \
             end at {}, so {asked} more was too much",
            had.grant,
            had.began,
            had.policy,
            it.voice.at(had.latest),
            it.voice.at(had.ends)
        )),
        None => Again::NotHeld(
            "which grant was to have more time stands in no field of the entry, and the statement that \
             named it was refused and is not in the ledger"
                .to_owned(),
        ),
    })
}

/// The entry does not name the right; one that lasts so long must be there.
fn of_a_right<L: Proven>(it: &Looking<'_, L>, asked: &str, longest: &str) -> Option<Again> {
    let (wanted, most) = (millis(asked)?, millis(longest)?);
    let by = &it.entry.by;
    if wanted <= most {
        return Some(Again::Given(format!(
            "it says that {asked} is too long where {longest} is allowed"
        )));
    }
    it.by_policy(|policy| {
        // What is told has whole seconds.
        let lasts = policy.rules.rights_of(by).into_iter();
        let such: Vec<_> = lasts
            .filter(|(_, lasts)| lasts / 1_000 * 1_000 == most)
            .map(|(right, _)| format!("`{right}`"))
            .collect();
        match such.is_empty() {
            false => Again::refused(format!(
                "of what the policy of entry {} gives {by}, this lasts {longest} at most: {} (which of it was \
                 asked for stands in the statement, and one that was refused is not in the ledger)",
                policy.entry,
                such.join(", ")
            )),
            true => Again::Given(format!(
                "it says that at most {longest} is allowed, and nothing that the policy of entry {} gives \
                 {by} lasts so long",
                policy.entry
            )),
        }
    })
}

async fn closing<L: Proven>(it: &Looking<'_, L>, id: &str, at: &str) -> Decided {
    let resolved = it.of_incident("incident.resolved", id).await?;
    let (Some(resolved), Some(said)) = (resolved, moment(at)) else {
        return Ok(Some(Again::Given(format!(
            "it says that the alert of {id} is over, and no entry before it says so"
        ))));
    };
    let closes = resolved.time("closes_at").map(jiff::Timestamp::as_second);
    Ok(Some(match closes == Some(said.as_second()) {
        true => Again::refused(format!(
            "by entry {} the alert is over, and {id} closes at {}",
            resolved.index,
            it.voice.at(said)
        )),
        false => Again::Given(format!(
            "it says that {id} closes at {}, and entry {} says {}",
            it.voice.at(said),
            resolved.index,
            it.voice.time_of(&resolved, "closes_at")
        )),
    }))
}

/// More time of what was handed over: not past the right's longest, from where the first of them began.
async fn handed_over<L: Proven>(it: &Looking<'_, L>, grant: &str, since: &str) -> Decided {
    let (Some(asked), Some(said)) = (it.request(grant).await?, moment(since)) else {
        return Ok(None);
    };
    let text = |name: &str| asked.text(name).unwrap_or_default();
    let (at, person, right) = (asked.index, text("person"), text("right"));
    let since = asked.time("since");
    let Some(since) = since.filter(|since| since.as_second() == said.as_second()) else {
        return Ok(Some(Again::Given(format!(
            "it says that the longest time of {grant} counts from {}, and its request (entry {at}) does not",
            it.voice.at(said)
        ))));
    };
    Ok(it.by_policy(|policy| match policy.rules.given(person, right) {
        Some(given) => Again::refused(format!(
            "by its request (entry {at}) it counts from {}, and `{right}` lasts {} by the policy of entry {}: \
             until {}",
            it.voice.at(since),
            time::short(jiff::SignedDuration::from_millis(given.longest)),
            policy.entry,
            it.voice.at(later(since, given.longest))
        )),
        None => Again::Given(format!(
            "it says how long {grant} lasts, and the policy of entry {} does not give `{right}` to {person}",
            policy.entry
        )),
    }))
}
