//! The review of access, on a schedule: who can do what today, what of it nobody uses, and who is
//! named in the policy and gone.
//!
//! A reading: pure, of the policy in force, of who is enrolled, and of what happened last
//! ([`crate::last`]). It changes nothing, and says no more than what everybody on the team can read
//! anyway.

mod find;
mod finding;
mod roster;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub use finding::{Finding, FindingKind};
pub use roster::Roster;

use crate::event::Actor;
use crate::id::{PersonId, RightId, RuleName, TargetId};
use crate::last::{Last, Mark};
use crate::people::Device;
use crate::policy::access::TargetKind;
use crate::policy::{Policy, Risk, Verdict};
use crate::time::{Lifetime, Time};
use crate::word::words;

words! {
    /// Whether somebody, or a guard, could act now.
    Standing {
        /// With a key and a certificate that works.
        Enrolled = "enrolled",
        /// Stopped, until somebody lifts it.
        Frozen = "frozen",
        /// Enrolled, and every certificate has ended.
        Lapsed = "lapsed",
        /// Removed, and not enrolled since.
        Removed = "removed",
        /// Never enrolled, or invited again.
        NotEnrolled = "not-enrolled",
    }
}

/// What the reading is asked for, beside the roster.
#[derive(Debug, Clone)]
pub struct Asked {
    /// What was not used for so long counts as not used.
    pub within: Lifetime,
    /// When.
    pub now: Time,
    /// The time of the ledger's first entry; what it cannot know, it does not hold against anybody.
    pub ledger_since: Time,
    /// The policy that was in force so long ago, where there was one: what it did not give is younger
    /// than that, and is held against nobody.
    pub before: Option<Arc<Policy>>,
    /// Targets whose guard attends right now.
    pub attended: BTreeSet<TargetId>,
}

/// What was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessReview {
    /// Everybody in the policy, in order of id.
    pub people: Vec<PersonAccess>,
    /// Every right of the policy, in order of id.
    pub rights: Vec<RightAccess>,
    /// Every target of the policy, in order of id.
    pub targets: Vec<TargetAccess>,
    /// What somebody should look at, in order of kind.
    pub findings: Vec<Finding>,
}

/// Somebody in the policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonAccess {
    /// Who.
    pub id: PersonId,
    /// What people say.
    pub name: String,
    /// The job of this week.
    pub job: String,
    /// Whether they could act now.
    pub standing: Standing,
    /// Their laptops, oldest first.
    pub devices: Vec<Device>,
    /// Until when an invitation that nobody has used is good.
    pub invited_until: Option<Time>,
    /// What they did last on record.
    pub acted: Option<Mark>,
    /// When they were last removed.
    pub removed: Option<Mark>,
    /// What a rule gives them.
    pub rights: Vec<HeldRight>,
    /// What they can do besides.
    pub duties: Vec<&'static str>,
}

/// A right somebody can have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldRight {
    /// The rule, its approvers, and the sentence that says so.
    pub verdict: Verdict,
    /// When they last used it.
    pub used: Option<Mark>,
}

/// A right of the policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RightAccess {
    /// Which.
    pub id: RightId,
    /// In plain language.
    pub sentence: String,
    /// How much harm it can do.
    pub risk: Risk,
    /// The rules that give it.
    pub rules: Vec<RuleName>,
    /// When anybody last used it.
    pub used: Option<Mark>,
}

/// A target of the policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetAccess {
    /// Which.
    pub id: TargetId,
    /// What it is.
    pub kind: TargetKind,
    /// Where.
    pub address: String,
    /// Whether its guard could act now; [`Standing::NotEnrolled`] where it has none.
    pub standing: Standing,
    /// Keys of its guard, oldest first.
    pub guards: Vec<Device>,
    /// Whether its guard attends right now.
    pub attended: bool,
    /// What its guard did last on record.
    pub acted: Option<Mark>,
}

impl AccessReview {
    /// Reads it; `last` holds what [`Roster::lasts`] asks for, as far as it ever happened.
    #[must_use]
    pub fn read(roster: &Roster, last: &BTreeMap<Last, Mark>, asked: &Asked) -> Self {
        let policy = &*roster.policy;
        let mark = |of: Last| last.get(&of).copied();
        let people = policy.people.keys();
        let people = people.map(|id| person(roster, id, mark, asked.now));
        let rights = policy.rights.iter().map(|(id, right)| RightAccess {
            id: id.clone(),
            sentence: right.sentence.to_string(),
            risk: right.risk,
            rules: giving(policy, id),
            used: mark(Last::UsedByAnybody(id.clone())),
        });
        let targets = policy.targets.iter().map(|(id, target)| {
            let guards = roster.guards.get(id).cloned().unwrap_or_default();
            TargetAccess {
                id: id.clone(),
                kind: target.kind,
                address: target.address.to_string(),
                standing: of_devices(&guards, asked.now),
                guards,
                attended: asked.attended.contains(id),
                acted: mark(Last::Acted(Actor::from(id))),
            }
        });
        let mut review = Self {
            people: people.collect(),
            rights: rights.collect(),
            targets: targets.collect(),
            findings: Vec::new(),
        };
        review.findings = find::findings(roster, &review, asked);
        review
    }
}

fn person(
    roster: &Roster,
    id: &PersonId,
    mark: impl Fn(Last) -> Option<Mark>,
    now: Time,
) -> PersonAccess {
    let policy = &*roster.policy;
    let known = policy.people.get(id);
    let can = policy.can(id);
    let devices = roster.devices.get(id).cloned().unwrap_or_default();
    let invited = roster.invited.get(id).copied();
    let invited_until = invited.filter(|until| now < *until);
    let removed = mark(Last::Removed(id.clone()));
    let standing = match of_devices(&devices, now) {
        Standing::NotEnrolled if removed.is_some() && invited_until.is_none() => Standing::Removed,
        Standing::Enrolled if roster.frozen.contains_key(id) => Standing::Frozen,
        other => other,
    };
    let held = |verdict: Verdict| HeldRight {
        used: mark(Last::Used(id.clone(), verdict.right.clone())),
        verdict,
    };
    let duties = can.as_ref().map(|can| can.duties.clone());
    let verdicts = can.into_iter().flat_map(|can| can.verdicts);
    PersonAccess {
        id: id.clone(),
        name: known.map_or_else(String::new, |known| known.name.to_string()),
        job: known.map_or_else(String::new, |known| known.job.to_string()),
        standing,
        devices,
        invited_until,
        acted: mark(Last::Acted(Actor::from(id))),
        removed,
        rights: verdicts
            .filter(|verdict| verdict.rule.is_some())
            .map(held)
            .collect(),
        duties: duties.unwrap_or_default(),
    }
}

fn of_devices(devices: &[Device], now: Time) -> Standing {
    match devices {
        [] => Standing::NotEnrolled,
        devices if ends_at(devices).is_some_and(|ends_at| now < ends_at) => Standing::Enrolled,
        _ => Standing::Lapsed,
    }
}

/// When the last of several certificates ends, or ended.
fn ends_at(devices: &[Device]) -> Option<Time> {
    let ends = devices.iter().map(|device| device.certificate_expires_at);
    ends.max()
}

/// The rules that give a right.
fn giving(policy: &Policy, right: &RightId) -> Vec<RuleName> {
    let rules = policy.rules.iter();
    let rules = rules.filter(|rule| rule.rights.contains(right));
    rules.map(|rule| rule.name.clone()).collect()
}
