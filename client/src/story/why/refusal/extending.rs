//! How much more time the grants under an incident could have had.

use jiff::Timestamp;

use super::looking::{Looking, under};
use crate::{
    entry::Entry,
    error::Error,
    limits::STORY_ENTRIES,
    story::{Proven, why::later},
};

/// A grant that ran, and what was left of its longest time.
pub(super) struct Left {
    pub(super) grant: String,
    /// The entry that began it.
    pub(super) began: u64,
    /// The entry of the policy that says how long it may last.
    pub(super) policy: u64,
    /// When its longest time, or its incident, is over.
    pub(super) latest: Timestamp,
    /// When it was to end.
    pub(super) ends: Timestamp,
    /// Whole seconds between the two, in milliseconds.
    pub(super) left: i64,
}

/// Of each that ran while it gathered; of what was handed over the refusal itself names the grant.
pub(super) async fn left<L: Proven>(it: &Looking<'_, L>, id: &str) -> Result<Vec<Left>, Error> {
    if id.is_empty() {
        return Ok(Vec::new());
    }
    let begun = it.all(under(id, "grant.started"), STORY_ENTRIES).await?;
    let more = it.all(under(id, "grant.extended"), STORY_ENTRIES).await?;
    let over = it.all(under(id, "grant.ended"), STORY_ENTRIES).await?;
    let closes = closes_at(it, id).await?;
    let mut all = Vec::new();
    for begun in &begun {
        let of_it = |entry: &&Entry| entry.text("grant") == begun.text("grant");
        let ended = over.iter().find(of_it);
        if !it.was_so(Some(begun), ended) {
            continue;
        }
        let alone = alone_for(it, begun).await?;
        // The newest comes first.
        let sets = more.iter().find(of_it).unwrap_or(begun);
        all.extend(
            sets.time("ends_at")
                .and_then(|ends| of_one(it, begun, (alone, ends, closes))),
        );
    }
    Ok(all)
}

fn of_one<L: Proven>(
    it: &Looking<'_, L>,
    begun: &Entry,
    (alone, ends, closes): (Option<i64>, Timestamp, Option<Timestamp>),
) -> Option<Left> {
    let text = |name: &str| begun.text(name).unwrap_or_default();
    let policy = it.policies.first()?;
    let longest = policy.rules.given(text("person"), text("right"))?.longest;
    let longest = alone.map_or(longest, |alone| alone.min(longest));
    let latest = later(begun.at, longest);
    let latest = closes.map_or(latest, |closes| closes.min(latest));
    let seconds = latest.as_second() - ends.as_second();
    Some(Left {
        grant: text("grant").to_owned(),
        began: begun.index,
        policy: policy.entry,
        latest,
        ends,
        left: seconds.max(0) * 1_000,
    })
}

/// What a self-grant was pinned to.
async fn alone_for<L: Proven>(it: &Looking<'_, L>, begun: &Entry) -> Result<Option<i64>, Error> {
    if begun.text("basis") != Some("self-granted") {
        return Ok(None);
    }
    let asked = it.request(begun.text("grant").unwrap_or_default()).await?;
    Ok(asked.and_then(|asked| asked.body.get("self_grant")?["longest_ms"].as_i64()))
}

/// The newest word on when the incident closes by itself.
async fn closes_at<L: Proven>(it: &Looking<'_, L>, id: &str) -> Result<Option<Timestamp>, Error> {
    let mut words = Vec::new();
    for kind in ["incident.opened", "incident.resolved", "incident.refired"] {
        words.extend(it.of_incident(kind, id).await?);
    }
    let newest = words.iter().max_by_key(|word| word.index);
    Ok(newest.and_then(|word| word.time("closes_at")))
}
