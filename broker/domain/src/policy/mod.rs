//! Who may do what: one TOML file, read by people.
//!
//! Deny by default: what no rule gives, nobody has. [`Policy::parse`] is the only way to make one;
//! what it accepted once it must accept for ever, because old policies stand in the ledger.

pub mod access;
mod drills;
mod escalating;
mod explain;
pub mod limits;
mod nearest;
mod parse;
mod places;
mod reach;
mod report;
mod review;
mod rights;
mod rules;
mod section;
mod selectors;
mod sources;
mod targets;
mod team;
mod value;
mod waiting;
mod warnings;
mod witnesses;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use access::{AwsAccess, KubernetesAccess, PostgresAccess, SshAccess, Target};
pub(crate) use explain::listed;
pub use explain::{PersonCan, Verdict};
pub use places::Places;
pub use report::{PolicyError, Problem};
pub use sources::{Severities, Source, SourceKind};
pub use witnesses::{WithoutWitnesses, Witnesses};

use crate::id::{PersonId, RightId, RuleName, SourceId, TargetId};
use crate::text::Line;
use crate::time::Lifetime;
use crate::word::words;

/// The policy that `glassd init` writes: an example team, and the manual of the format.
pub const STARTER: &str = include_str!("starter.toml");

/// The rules in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The exact text it was parsed from.
    pub text: Arc<str>,
    /// The team.
    pub people: BTreeMap<PersonId, Person>,
    /// What accepts credentials.
    pub targets: BTreeMap<TargetId, Target>,
    /// What can be asked for.
    pub rights: BTreeMap<RightId, Right>,
    /// In order of the file; the first that gives a person a right decides.
    pub rules: Vec<Rule>,
    /// What people can do beside rights.
    pub duties: Duties,
    /// How old an incident gets.
    pub incident_longest: Lifetime,
    /// What may open incidents beside people.
    pub sources: BTreeMap<SourceId, Source>,
    /// How long answers about an incident may be owed before nothing begins without a yes; nothing
    /// where they may for ever.
    pub review_within: Option<Lifetime>,
    /// Who co-signs the ledger; nothing where nobody does.
    pub witnesses: Option<Witnesses>,
    /// What holds for drills; nothing where there are none.
    pub drills: Option<DrillRules>,
}

/// What holds for drills.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DrillRules {
    /// What a drill may unlock.
    pub rights: BTreeSet<RightId>,
    /// How old the last good one may be.
    pub within: Lifetime,
    /// How long each step may take, in the order of [`Step::ALL`](crate::drill::Step::ALL).
    budgets: Vec<Lifetime>,
}

/// Somebody on the team.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// What people say.
    pub name: Line,
    /// The job of this week.
    pub job: Line,
    /// How to reach them.
    pub contact: Option<Line>,
}

words! {
    /// How much harm a right can do.
    Risk {
        /// May be given without an approver.
        Low = "low",
        /// Needs a named approver.
        High = "high",
    }
}

/// One thing someone can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Right {
    /// In plain language, so that "Mia can ..." is a sentence.
    pub sentence: Line,
    /// How much harm it can do.
    pub risk: Risk,
    /// The longest a grant may last.
    pub longest: Lifetime,
    /// Who its credentials are for (JWT `aud`).
    pub audience: Line,
    /// Whether the policy says so; where not, its grants come with no JWT.
    pub has_audience: bool,
    /// Certificates for sshd.
    pub ssh: Option<SshAccess>,
    /// A way into a PostgreSQL server.
    pub postgres: Option<PostgresAccess>,
    /// A way into a Kubernetes cluster.
    pub kubernetes: Option<KubernetesAccess>,
    /// A role in AWS.
    pub aws: Option<AwsAccess>,
    /// What becomes of its credentials where too few witnesses have signed the ledger.
    pub without_witnesses: WithoutWitnesses,
}

/// Who gets which rights, on whose word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// What explanations call it.
    pub name: RuleName,
    /// Whom it gives something.
    pub who: Vec<Selector>,
    /// What.
    pub rights: Vec<RightId>,
    /// Who may say yes, one is enough; empty only where every right is low risk, or a call is needed.
    pub approvers: Vec<Selector>,
    /// Who must have spoken with the requester before it begins; empty where nobody must.
    pub call: Vec<Selector>,
    /// How long a request waits.
    pub lapses_after: Lifetime,
    /// What if nobody answers.
    pub if_nobody_answers: IfNobodyAnswers,
    /// Who else may say yes, once those have had their time; nothing where it stays with them.
    pub escalates: Option<Escalates>,
}

/// Whom a rule asks when those it asks first do not answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Escalates {
    /// How long after asking.
    pub after: Lifetime,
    /// Whom it asks from then on, beside those it asked first.
    pub to: Vec<Selector>,
}

/// What a rule says for the night when nobody is awake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IfNobodyAnswers {
    /// The request lapses.
    Deny,
    /// The requester may begin it alone, later and shorter, and everybody is told.
    SelfGrant {
        /// How long approvers have.
        after: Lifetime,
        /// The longest it may last.
        longest: Lifetime,
    },
}

/// One person, or everybody with a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector {
    /// `mia`.
    Person(PersonId),
    /// `job:engineer`.
    Job(Line),
}

/// What people can do beside rights; each list empty by default.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Duties {
    /// Open incidents.
    pub open_incidents: Vec<Selector>,
    /// Close incidents.
    pub close_incidents: Vec<Selector>,
    /// End somebody's grant.
    pub revoke: Vec<Selector>,
    /// Freeze and unfreeze people.
    pub freeze: Vec<Selector>,
    /// Invite and remove people.
    pub invite: Vec<Selector>,
    /// Take a copy of the ledger away.
    pub export_ledger: Vec<Selector>,
}

impl Duties {
    /// As the file calls them, in the order of [`Duties::listed`].
    pub const FIELDS: [&str; 6] = [
        "open_incidents",
        "close_incidents",
        "revoke",
        "freeze",
        "invite",
        "export_ledger",
    ];

    /// Each with the words that complete "Mia can ...".
    #[must_use]
    pub fn listed(&self) -> [(&'static str, &[Selector]); 6] {
        [
            ("open incidents", &self.open_incidents),
            ("close incidents", &self.close_incidents),
            ("revoke grants", &self.revoke),
            ("freeze people", &self.freeze),
            ("invite people", &self.invite),
            ("export the ledger", &self.export_ledger),
        ]
    }
}

impl Policy {
    /// Whether the person is in the policy and one of the selectors means them.
    #[must_use]
    pub fn selects(&self, selectors: &[Selector], person: &PersonId) -> bool {
        let Some(known) = self.people.get(person) else {
            return false;
        };
        selectors.iter().any(|selector| match selector {
            Selector::Person(id) => id == person,
            Selector::Job(job) => *job == known.job,
        })
    }

    /// The first rule that gives the person the right.
    #[must_use]
    pub fn rule_for(&self, person: &PersonId, right: &RightId) -> Option<&Rule> {
        let gives = |rule: &&Rule| rule.rights.contains(right) && self.selects(&rule.who, person);
        self.rules.iter().find(gives)
    }

    /// Everybody the selectors mean, but never `except`, in order of id.
    #[must_use]
    pub fn approvers(&self, rule: &Rule, except: &PersonId) -> Vec<PersonId> {
        let may = |id: &&PersonId| *id != except && self.selects(&rule.approvers, id);
        self.people.keys().filter(may).cloned().collect()
    }

    /// Whom a rule asks later, and not from the beginning; never `except`, in order of id.
    #[must_use]
    pub fn then_approvers(&self, rule: &Rule, except: &PersonId) -> Vec<PersonId> {
        let Some(escalates) = &rule.escalates else {
            return Vec::new();
        };
        let later = |id: &&PersonId| {
            *id != except && self.selects(&escalates.to, id) && !self.selects(&rule.approvers, id)
        };
        self.people.keys().filter(later).cloned().collect()
    }

    /// The same for those whose call a rule asks for.
    #[must_use]
    pub fn callers(&self, rule: &Rule, except: &PersonId) -> Vec<PersonId> {
        let may = |id: &&PersonId| *id != except && self.selects(&rule.call, id);
        self.people.keys().filter(may).cloned().collect()
    }
}

#[cfg(test)]
mod tests;
