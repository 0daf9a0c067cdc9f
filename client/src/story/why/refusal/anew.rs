//! The times of a request that may be begun alone, as they stood when it was refused: they move where nobody
//! could be told of it, and behind one that was begun alone before.

use breakglass_proto::v1::ListEntriesRequest;
use jiff::Timestamp;

use super::{
    super::later,
    looking::{Looking, from_on, of_kind, under},
};
use crate::{entry::Entry, error::Error, limits::ESCALATES_WITHIN, story::Proven};

/// Starts of a broker, or grants begun alone, that are looked through.
const MOST: usize = 500;

/// The rules of brokers that hold that everybody has their time, `rules` of `broker.started`.
const TIMED: i64 = 2;

/// What counts, and what moved it.
pub(super) struct Times {
    /// From when on it may be begun alone; nothing where it may not.
    pub(super) alone_from: Option<Timestamp>,
    /// When it lapses.
    pub(super) lapses_at: Option<Timestamp>,
    /// In which entries that became later.
    pub(super) moved_by: Vec<u64>,
}

impl Times {
    /// As they stood before the refusal.
    pub(super) async fn of<L: Proven>(it: &Looking<'_, L>, asked: &Entry) -> Result<Self, Error> {
        let pinned = asked.body.get("self_grant");
        let from = pinned.and_then(|alone| alone["from"].as_str()?.parse().ok());
        let mut times = Self {
            alone_from: from,
            lapses_at: asked.time("lapses_at"),
            moved_by: Vec::new(),
        };
        let Some(from) = from else {
            return Ok(times);
        };
        let newest = it.all(of_kind("broker.started"), MOST).await?;
        if !newest.iter().any(is_timed) {
            return Ok(times);
        }
        times.wait_anew(it, asked).await?;
        times.after_the_last(it, asked, from).await?;
        Ok(times)
    }

    /// Where the broker was away, or too late with asking others.
    async fn wait_anew<L: Proven>(
        &mut self,
        it: &Looking<'_, L>,
        asked: &Entry,
    ) -> Result<(), Error> {
        let mut words = it.all(from_on(asked.at, "broker.started"), MOST).await?;
        words.retain(|start| start.index > asked.index && is_timed(start));
        let grant = asked.text("grant").unwrap_or_default();
        words.extend(it.of_grant("grant.escalated", grant).await?);
        words.sort_by_key(|word| word.index);
        let mut stood_still = 0;
        for word in words {
            let is_start = word.kind == "broker.started";
            let since = match is_start {
                true => Some(asked.at),
                false => asked
                    .body
                    .get("escalation")
                    .and_then(|then| then["at"].as_str()?.parse().ok()),
            };
            let in_all = since.map_or(0, |since| millis(since, word.at));
            let lives = self.lapses_at.is_none_or(|lapses| word.at < lapses);
            if !lives || (!is_start && in_all <= ESCALATES_WITHIN) || in_all <= stood_still {
                continue;
            }
            self.alone_from = self.alone_from.map(|at| later(at, in_all - stood_still));
            self.lapses_at = self.lapses_at.map(|at| later(at, in_all - stood_still));
            self.moved_by.push(word.index);
            stood_still = in_all;
        }
        Ok(())
    }

    /// Where another of the same person, right and incident was begun alone before.
    async fn after_the_last<L: Proven>(
        &mut self,
        it: &Looking<'_, L>,
        asked: &Entry,
        pinned: Timestamp,
    ) -> Result<(), Error> {
        let text = |name: &str| asked.text(name).unwrap_or_default().to_owned();
        let filter = ListEntriesRequest {
            person: text("person"),
            right: text("right"),
            outcome: "self-granted".to_owned(),
            ..under(&text("incident"), "grant.started")
        };
        let patience = millis(asked.at, pinned);
        for begun in it.all(filter, MOST).await? {
            let other = begun.text("grant").unwrap_or_default();
            let Some(ended) = it.of_grant("grant.ended", other).await? else {
                continue;
            };
            let from = later(ended.at, patience);
            if self.alone_from.is_some_and(|at| at < from) {
                self.alone_from = Some(from);
                self.moved_by.push(ended.index);
            }
        }
        Ok(())
    }

    /// Behind a time: why it is not the one that the request says.
    pub(super) fn moved(&self) -> String {
        match &self.moved_by[..] {
            [] => String::new(),
            [one] => format!(", which entry {one} made later than it says"),
            [.., last] => format!(", which entries up to {last} made later than it says"),
        }
    }
}

fn is_timed(start: &Entry) -> bool {
    start.number("rules").unwrap_or_default() >= TIMED
}

/// From one time to a later one; nothing where it is not.
fn millis(from: Timestamp, to: Timestamp) -> i64 {
    (to.as_millisecond() - from.as_millisecond()).max(0)
}
