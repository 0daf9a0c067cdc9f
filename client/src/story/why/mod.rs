//! Why a decision was as it was: the policy in force at its place, the rule, who it names, and how the end
//! was set. The rules were run again before ([`Story`]); here they are said.

mod asking;
mod beginning;
mod ending;
mod refusal;

use jiff::Timestamp;
use serde::Serialize;

pub use self::refusal::refused;
use super::{InForce, MarkView, Moment, Signature, Story, Voice, Wrong, passage::Passage, told};
use crate::time;

/// The answer.
#[derive(Debug, Serialize)]
pub struct Why {
    /// The grant, where it is about one.
    pub grant: Option<String>,
    /// What was decided, in order.
    pub decisions: Vec<Decision>,
    /// What people signed for it; each signature was checked.
    pub signatures: Vec<Signature>,
    /// How many entries were read, each proven to be in the ledger.
    pub entries_read: usize,
    /// How many statements were checked among these.
    pub statements_checked: u64,
    /// Whether the decisions follow from the policy; nothing where that does not decide them.
    pub follows: Option<bool>,
    /// Where a part of the ledger was lost, and on which side of that the grant stands.
    pub marks: Vec<MarkView>,
    /// What does not follow.
    pub wrong: Option<Wrong>,
}

/// One decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// Its entry.
    pub entry: u64,
    /// When, RFC 3339.
    pub at: String,
    /// The kind of its entry.
    pub kind: String,
    /// What happened, in one sentence.
    pub what: String,
    /// The policy in force.
    pub policy: Option<PolicyAt>,
    /// The rule that decides.
    pub rule: Option<Passage>,
    /// Why so, a sentence each.
    pub because: Vec<String>,
}

/// A policy, by the entry that loaded it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PolicyAt {
    /// The entry.
    pub entry: u64,
    /// Of its text, lower-case hex.
    pub sha256: String,
}

impl From<&InForce> for PolicyAt {
    fn from(policy: &InForce) -> Self {
        Self {
            entry: policy.entry,
            sha256: policy.sha256.clone(),
        }
    }
}

/// Why a grant was given, and why it ended.
#[must_use]
pub fn granted(story: &Story, voice: Voice) -> Why {
    let decided = |moment: &Moment| {
        let because = because(story, moment, voice)?;
        Some(decision(moment, voice, because))
    };
    // The entry that does not follow is not explained: it has no reason.
    let holds = |moment: &&Moment| {
        let wrong = story.wrong.as_ref().and_then(|wrong| wrong.entry);
        wrong != Some(moment.entry.index)
    };
    let moments = story.moments.iter().filter(holds);
    Why {
        grant: Some(story.grant.clone()),
        decisions: moments.filter_map(decided).collect(),
        signatures: story.signatures.clone(),
        entries_read: story.read,
        statements_checked: story.statements,
        follows: Some(story.wrong.is_none()),
        marks: story.marked(voice),
        wrong: story.wrong.clone(),
    }
}

fn because(story: &Story, moment: &Moment, voice: Voice) -> Option<Vec<String>> {
    match moment.entry.kind.as_str() {
        "grant.requested" => Some(asking::reasons(story, moment, voice)),
        "grant.started" => Some(beginning::reasons(story, moment, voice)),
        "grant.extended" => Some(beginning::reasons_of_more(story, moment, voice)),
        "grant.ended" => Some(ending::reasons(story, moment, voice)),
        _ => None,
    }
}

fn decision(moment: &Moment, voice: Voice, because: Vec<String>) -> Decision {
    let entry = &moment.entry;
    let policy = moment.policy.as_deref();
    Decision {
        entry: entry.index,
        at: time::rfc3339(entry.at),
        kind: entry.kind.clone(),
        what: told::sentence(entry, voice),
        policy: policy.map(PolicyAt::from),
        rule: policy.and_then(|policy| {
            let rule = entry.text("rule")?;
            Passage::of(policy, rule)
        }),
        because,
    }
}

/// A time that is so many milliseconds after another.
fn later(at: Timestamp, millis: i64) -> Timestamp {
    at.checked_add(jiff::SignedDuration::from_millis(millis))
        .unwrap_or(Timestamp::MAX)
}
