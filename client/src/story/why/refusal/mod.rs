//! Why somebody was refused: whether the policy in force, or what the ledger says, refuses it.
//!
//! The entry says who, which act, and in words why; so what the words name is looked up. Refusals that
//! repeat become one entry within a minute (`count`), with the newest words: what was so at any time within
//! that counts, the policy as well.
//!
//! | module | from what it decides again |
//! |---|---|
//! | `policies` | the policy: rights, rules, duties, drills, sources, witnesses |
//! | `people` | who was frozen, who had a laptop |
//! | `incidents` | openings, closings, notes, drills, and how they were said to have gone |
//! | `grants` | whose a grant is, and whether it waited, ran or was over |
//! | `approving` | whom a request asks, for a yes or a call |
//! | `alone` | what was begun alone, and vetoed |
//! | `anew` | from when it may be begun alone, and how long it waits, as that has moved |
//! | `changed` | the request and the policy, against the words that were signed |
//! | `lengths`, `extending` | how long a right lasts, and how much of it was left |
//! | `counts` | how much of something the ledger has |
//! | `reviews` | what was answered, and what is owed |
//! | `histories` | the signed head that somebody had seen |
//! | `unheld` | nothing: which thing the ledger does not hold |

mod alone;
mod anew;
mod approving;
mod changed;
mod counts;
mod extending;
mod grants;
mod histories;
mod incidents;
mod lengths;
mod looking;
mod people;
mod policies;
mod reviews;
mod unheld;
mod words;

use breakglass_proto::v1::ListEntriesRequest;

use self::looking::{Looking, began_to_gather};
use super::{Decision, PolicyAt, Why};
use crate::{
    entry::Entry,
    error::Error,
    story::{InForce, Proven, Voice, Wrong},
    time,
};

/// Policies looked back through: nobody loads more within two minutes.
const POLICIES: usize = 10;

/// What came of deciding it again.
enum Again {
    /// It is refused, for these reasons.
    Refused(Vec<String>),
    /// It is not.
    Given(String),
    /// It was not decided: a sentence that says what of it the ledger does not hold.
    NotHeld(String),
}

impl Again {
    fn refused(because: String) -> Self {
        Self::Refused(vec![because])
    }
}

/// What came of it; nothing where the words are none that this reason has.
type Decided = Result<Option<Again>, Error>;

/// Why an entry of the kind `refused` says no.
///
/// # Errors
/// What reading the ledger says.
pub async fn refused(ledger: &impl Proven, entry: &Entry, voice: Voice) -> Result<Why, Error> {
    let policies = in_force(ledger, entry).await?;
    let looking = Looking::at(ledger, entry, &policies, voice);
    let (because, follows, why) = match again(&looking).await? {
        Again::Refused(because) => (because, Some(true), None),
        Again::Given(why) => (Vec::new(), Some(false), Some(why)),
        Again::NotHeld(what) => {
            let told = "so this was not decided again, and stands here as it was told";
            (vec![format!("{what}: {told}")], None, None)
        }
    };
    let policy = policies.first();
    Ok(Why {
        grant: None,
        decisions: vec![Decision {
            entry: entry.index,
            at: time::rfc3339(entry.at),
            kind: entry.kind.clone(),
            what: what(entry, voice),
            policy: policy.map(PolicyAt::from),
            rule: None,
            because,
        }],
        signatures: Vec::new(),
        entries_read: 1 + policies.len() + looking.found(),
        statements_checked: 0,
        follows,
        marks: Vec::new(),
        wrong: why.map(|why| Wrong {
            entry: Some(entry.index),
            why,
        }),
    })
}

fn what(entry: &Entry, voice: Voice) -> String {
    let text = |name| entry.text(name).unwrap_or_default();
    let often = match entry.number("count").unwrap_or(1) {
        1 => String::new(),
        count => format!(" ({count} times; the newest words)"),
    };
    format!(
        "{} was refused `{}` at {}{often}: {}",
        entry.by,
        text("act"),
        voice.at(entry.at),
        text("text")
    )
}

/// The policies that were in force while it gathered, the newest first.
async fn in_force(ledger: &impl Proven, entry: &Entry) -> Result<Vec<InForce>, Error> {
    let loaded = ListEntriesRequest {
        kind: "policy.loaded".to_owned(),
        cursor: entry.index.to_string(),
        ..ListEntriesRequest::default()
    };
    let since = began_to_gather(entry);
    let mut policies: Vec<InForce> = Vec::new();
    for loaded in ledger.entries(loaded, POLICIES).await? {
        // What was loaded earlier was in force when it began to gather.
        let is_enough = policies.last().is_some_and(|newer| newer.at < since);
        if is_enough {
            break;
        }
        policies.extend(InForce::read(&loaded));
    }
    Ok(policies)
}

async fn again<L: Proven>(it: &Looking<'_, L>) -> Result<Again, Error> {
    let reason = it.entry.text("reason").unwrap_or_default();
    let decided = match reason {
        "NOT_ALLOWED" | "NOT_PERMITTED" | "UNKNOWN_RIGHT" | "UNKNOWN_PERSON" | "UNKNOWN_SOURCE"
        | "UNKNOWN_TARGET" | "UNKNOWN_SEVERITY" | "NO_DRILLS" | "NO_SUCH_CREDENTIAL"
        | "NOT_WITNESSED" => policies::again(it, reason).await,
        "PERSON_FROZEN" | "NOT_FROZEN" | "NOT_ENROLLED" => people::again(it, reason).await,
        "NO_OPEN_INCIDENT"
        | "INCIDENT_CLOSED"
        | "UNKNOWN_INCIDENT"
        | "INCIDENT_OPEN"
        | "INCIDENT_UNCONFIRMED"
        | "NOTHING_TO_HOLD"
        | "DRILL_RIGHT"
        | "DRILL_RECORD" => incidents::again(it, reason).await,
        "UNKNOWN_GRANT"
        | "NOT_YOURS"
        | "GRANT_WAITING"
        | "GRANT_ACTIVE"
        | "GRANT_ENDED"
        | "NOTHING_TO_HAND_OVER" => grants::again(it, reason).await,
        "SELF_APPROVAL" | "NOT_APPROVER" | "APPROVAL_TOO_EARLY" | "APPROVED_ALREADY"
        | "NOT_CALLER" | "NO_CALL_WANTED" | "CALL_RECORDED" | "CALL_TIME" => {
            approving::again(it, reason).await
        }
        "SELF_GRANT_DENIED" | "SELF_GRANT_TOO_EARLY" | "NOTHING_TO_VETO" => {
            alone::again(it, reason).await
        }
        "REVIEW_DEBT" | "NOTHING_TO_REVIEW" => reviews::again(it, reason).await,
        "SENTENCE_CHANGED" => changed::again(it).await,
        "TOO_LONG_A_TIME" => lengths::again(it).await,
        "TOO_MANY" => counts::again(it).await,
        "LEDGER_BEHIND" | "LEDGER_FORKED" => histories::again(it, reason),
        _ => return Ok(Again::NotHeld(unheld::missing(reason))),
    };
    let unknown = || Again::NotHeld(format!("this glass does not know these words of {reason}"));
    Ok(decided?.unwrap_or_else(unknown))
}
