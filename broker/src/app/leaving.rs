//! The receipt of a leaving: everything of somebody that ended, and what is still to be over.

use std::collections::{BTreeMap, BTreeSet};

use breakglass_domain::{Change, Grant, GrantId, GrantRef, Line, PersonId, State, Time};

use super::limits::AWS_SESSION;

use super::App;
use super::incident::Doomed;
use crate::ports::Recorded;

/// Which keys and invitations of somebody work.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Works {
    /// Enrolled keys, each with a certificate.
    pub keys: usize,
    /// Invitations for them that nobody has used.
    pub tokens: usize,
    /// For whom those are that they have made: people, and guards as `target:ID`.
    pub made: Vec<String>,
    /// Grants of theirs of which a copied credential is taken for a time by who checks nothing else.
    pub copied: Vec<Copied>,
}

/// What nobody can take back of a grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// Which.
    pub grant: GrantId,
    /// Until when the last of its credentials is valid.
    pub until: Time,
    /// Who its credentials are for.
    pub audience: Line,
    /// What a cloud may have given for one, and keeps until its own limit.
    pub role_arn: Option<Line>,
}

impl Copied {
    fn of(state: &State, grant: &Grant) -> Option<Self> {
        let right = state.policy.rights.get(&grant.of.right);
        Some(Self {
            grant: grant.of.grant,
            until: grant.credentials_until?,
            audience: grant.audience.clone(),
            role_arn: right.and_then(|right| Some(right.aws.as_ref()?.role_arn.clone())),
        })
    }

    fn told(&self) -> String {
        let Self { grant, until, .. } = self;
        let copy = format!(
            "{grant}: a copy of its credential for {} may be taken until {until}, by who checks nothing \
             else",
            self.audience
        );
        match &self.role_arn {
            None => copy,
            Some(role) => format!(
                "{copy}; what AWS may have given for it, {role}, expires by {}",
                until.plus(AWS_SESSION)
            ),
        }
    }
}

impl Works {
    /// As of a state, at a time.
    #[must_use]
    pub fn of(state: &State, person: &PersonId, now: Time) -> Self {
        let member = state.members.get(person);
        let invited = state.invited();
        Self {
            keys: member.map_or(0, |member| member.devices.len()),
            tokens: invited.filter(|invited| *invited == person).count(),
            made: state.invitations_by(person, now),
            copied: state
                .live_of(person)
                .filter_map(|grant| Copied::of(state, grant))
                .collect(),
        }
    }

    /// A line for each of these grants of which a copy is still taken.
    fn copies_of(&self, ended: &[GrantId], now: Time) -> Vec<String> {
        let copied = self.copied.iter();
        let lasts = copied.filter(|it| ended.contains(&it.grant) && it.until > now);
        lasts.map(Copied::told).collect()
    }
}

/// What of somebody is left after they were removed or frozen.
#[derive(Debug, Clone, Default)]
pub struct Left {
    /// Sessions and roles at targets that are to be over.
    pub doomed: Doomed,
    /// Requests that they could have answered, and nobody else who is there can.
    pub waiting: Vec<Grant>,
}

impl Left {
    /// As of a state after the removal.
    #[must_use]
    pub fn of(state: &State, person: &PersonId) -> Self {
        Self {
            doomed: Doomed::of(state, |of| of.person == *person),
            waiting: state.left_waiting(person).cloned().collect(),
        }
    }
}

impl App {
    /// What works of everybody who has something.
    #[must_use]
    pub fn works(&self) -> BTreeMap<PersonId, Works> {
        let now = self.now();
        self.live.read(|state| {
            let everybody: BTreeSet<_> = state.members.keys().chain(state.invited()).collect();
            let works = |person: &PersonId| (person.clone(), Works::of(state, person, now));
            everybody.into_iter().map(works).collect()
        })
    }

    /// Who a batch removed, one sentence each: what of theirs ended with it, and what is left.
    /// `before` is what worked until then.
    #[must_use]
    pub fn receipts(
        &self,
        before: &BTreeMap<PersonId, Works>,
        recorded: &[Recorded],
    ) -> Vec<String> {
        self.live.read(|after| receipts(before, after, recorded))
    }
}

fn receipts(
    before: &BTreeMap<PersonId, Works>,
    after: &State,
    recorded: &[Recorded],
) -> Vec<String> {
    let removed = recorded.iter().filter_map(|it| match &it.event.change {
        Change::PersonRemoved { person, .. } => Some(person),
        _ => None,
    });
    let ended = |person: &PersonId| -> Vec<GrantId> {
        let ended = recorded.iter().filter_map(|it| match &it.event.change {
            Change::GrantEnded { of, .. } if of.person == *person => Some(of.grant),
            _ => None,
        });
        ended.collect()
    };
    let told = removed.map(|person| {
        let works = before.get(person).cloned().unwrap_or_default();
        let left = Left::of(after, person);
        let mut text = told(person, &works, &ended(person), &left);
        for line in works.copies_of(&ended(person), after.newest) {
            text += &format!("\n  {line}");
        }
        text
    });
    told.collect()
}

fn told(person: &PersonId, works: &Works, ended: &[GrantId], left: &Left) -> String {
    let mut parts = vec![
        counted(works.keys, "key"),
        counted(works.tokens, "enrolment token"),
    ];
    parts.push(match ended {
        [] => "no grant".to_owned(),
        ended => {
            let ended: Vec<_> = ended.iter().map(ToString::to_string).collect();
            ended.join(", ")
        }
    });
    let mut text = format!("{person} is out: ended {}", parts.join(", "));
    if !works.made.is_empty() {
        let made = counted(works.made.len(), "invitation");
        text += &format!(
            "; no longer works what they made: {made}, for {}",
            works.made.join(", ")
        );
    }
    let place =
        |of: &GrantRef, what: &str, target: &str| format!("{what} of {} at {target}", of.grant);
    let sessions = left.doomed.sessions.iter();
    let sessions = sessions.map(|(id, it)| place(&it.of, &id.to_string(), it.target.as_str()));
    let roles = left.doomed.roles.iter();
    let roles = roles.map(|(name, it)| place(&it.of, name.as_str(), it.target.as_str()));
    let cut: Vec<_> = sessions.chain(roles).collect();
    if !cut.is_empty() {
        text += &format!("; being cut: {}", cut.join(", "));
    }
    for grant in &left.waiting {
        text += &format!(
            "; nobody is left to answer {} of {}",
            grant.of.grant, grant.of.person
        );
    }
    text
}

fn counted(number: usize, thing: &str) -> String {
    match number {
        1 => format!("1 {thing}"),
        number => format!("{number} {thing}s"),
    }
}
