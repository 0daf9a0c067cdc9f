//! One screen for everybody: from the live state alone, so that it answers whatever else is broken.

use std::sync::Arc;

use breakglass_domain::budget::Spending;
use breakglass_domain::event::RoleStep;
use breakglass_domain::limits::CLOCK_BEHIND;
use breakglass_domain::{Grant, Incident, PersonId, State, Time};
use breakglass_tlog::checkpoint::SignedCheckpoint;

use super::App;
use super::drill::{self, DrillStanding};
use super::limits::INDEX_LAG_TOLD;
use super::review::{self, OwedReview};

/// How things stand.
#[derive(Debug, Clone)]
pub struct Standing {
    /// The broker's clock.
    pub now: Time,
    /// When it started.
    pub started_at: Time,
    /// The newest signed checkpoint.
    pub checkpoint: Arc<SignedCheckpoint>,
    /// SHA-256 of the policy in force, lower-case hex.
    pub policy_sha256: String,
    /// Open incidents, newest first.
    pub incidents: Vec<Incident>,
    /// Requests that wait, oldest first.
    pub waiting: Vec<Grant>,
    /// Active grants, oldest first.
    pub active: Vec<Grant>,
    /// People who are frozen.
    pub frozen: Vec<PersonId>,
    /// Answers that are owed of incidents that are over, oldest first.
    pub reviews: Vec<OwedReview>,
    /// What the policy says of drills, and the last ones.
    pub drills: Option<DrillStanding>,
    /// What needs somebody's eyes, in plain sentences.
    pub problems: Vec<String>,
}

impl App {
    /// How things stand.
    #[must_use]
    pub fn status(&self) -> Standing {
        let now = self.clock.now();
        let checkpoint = self.reader.checkpoint();
        let mut standing = self.live.read(|state| Standing {
            now,
            started_at: self.started_at,
            policy_sha256: state.policy_sha256.clone(),
            incidents: state.incidents.values().rev().cloned().collect(),
            waiting: grants(state, Grant::is_waiting),
            active: grants(state, |grant| grant.active().is_some()),
            frozen: frozen(state),
            reviews: review::owed(state),
            drills: drill::standing(state, now),
            problems: [
                of_the_clock(state, now),
                of_witnesses(state),
                of_sources(state, now),
                at_targets(state),
            ]
            .concat(),
            checkpoint,
        });
        standing.problems.extend(self.histories.problem());
        standing.problems.extend(self.unheard.told(now));
        standing.problems.extend(self.wrong.all());
        standing.problems.extend(self.of_the_index());
        standing.problems.extend((self.troubles)());
        standing
    }

    /// Whether anything can begin: not while the clock is behind the newest entry.
    #[must_use]
    pub fn clock_has_caught_up(&self) -> bool {
        let now = self.clock.now();
        self.live.read(|state| of_the_clock(state, now).is_empty())
    }

    fn of_the_index(&self) -> Option<String> {
        let (size, applied) = (self.reader.checkpoint().size(), self.index.applied_up_to());
        (size.saturating_sub(applied) > INDEX_LAG_TOLD).then(|| {
            format!(
                "The index has {applied} of {size} entries and is catching up: what is over may be \
                 missing from lists until then."
            )
        })
    }
}

fn grants(state: &State, which: impl Fn(&Grant) -> bool) -> Vec<Grant> {
    let grants = state.grants.values();
    let grants = grants.filter(|grant| which(grant));
    grants.map(|grant| state.as_it_stands(grant)).collect()
}

fn frozen(state: &State) -> Vec<PersonId> {
    let people = state.members.iter();
    let frozen = people.filter(|(_, member)| member.frozen.is_some());
    frozen.map(|(id, _)| id.clone()).collect()
}

/// What is not over at targets although it should be.
fn at_targets(state: &State) -> Vec<String> {
    let sessions = state.targets.sessions.iter();
    let unconfirmed = sessions.filter(|(_, session)| session.unconfirmed);
    let mut problems: Vec<_> = unconfirmed
        .map(|(id, session)| {
            let (target, of) = (&session.target, &session.of);
            format!(
                "{}'s session {id} at {target} should be over with {}, and its guard has not said \
                 that it is. See to it there: glass targets list",
                of.person, of.grant
            )
        })
        .collect();
    let roles = state.targets.roles.iter();
    problems.extend(roles.filter_map(|(name, role)| {
        let (step, text) = role.failed.as_ref()?;
        let target = &role.target;
        (*step == RoleStep::Drop).then(|| {
            format!(
                "The role {name} at {target} could not be dropped yet, and is tried again until it \
                 is gone: {text}"
            )
        })
    }));
    problems
}

fn of_witnesses(state: &State) -> Vec<String> {
    let asked = state.policy.witnesses.as_ref();
    let Some((asked, since)) = asked.zip(state.witnessing.lost_since) else {
        return Vec::new();
    };
    let (need, of) = (asked.need, asked.keys.len());
    vec![format!(
        "TOO FEW WITNESSES have signed the ledger since {}: {need} of {of} have to. Until they \
         do, what is given is marked, and rights that need them are not given.",
        moment(since)
    )]
}

/// Sources, and alerts, of which more was told than is taken.
fn of_sources(state: &State, now: Time) -> Vec<String> {
    let spent = state.budgets.spent().map(|(of, _)| of);
    let refused = spent.filter_map(|of| Some((of, moment(state.budgets.again_at(of, now)?))));
    let told = refused.filter_map(|(of, again_at)| match of {
        Spending::Alerts(source) => Some(format!(
            "Alerts of {source} come too fast: what it tells is refused until {again_at}. People open \
             incidents as always: glass incident open \"what is broken\""
        )),
        Spending::Alert(source, key) => Some(format!(
            "The alert `{}` of {source} opens and is over again too often: it is refused until \
             {again_at}. Others of {source} are taken.",
            told_apart(key)
        )),
        _ => None,
    });
    told.collect()
}

/// What tells an alert from others, as short as that is: Alertmanager's key of a group has the labels of
/// its route before its own.
fn told_apart(key: &breakglass_domain::Line) -> &str {
    let key = key.as_str();
    let own = key
        .rsplit_once(":{")
        .and_then(|(_, own)| own.strip_suffix('}'));
    own.filter(|own| !own.is_empty()).unwrap_or(key)
}

/// As refusals have it, so that whoever reads it can be shown their own clock.
fn moment(at: Time) -> String {
    at.timestamp().strftime("%F %H:%M:%S UTC").to_string()
}

fn of_the_clock(state: &State, now: Time) -> Vec<String> {
    if state.newest.since(now) <= CLOCK_BEHIND {
        return Vec::new();
    }
    let (now, newest) = (moment(now), moment(state.newest));
    vec![format!(
        "The broker's clock says {now}, but the newest entry is from {newest}: nothing is issued \
         until it catches up. Set the clock of the broker's host."
    )]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_is_told_by_what_tells_it_from_others() {
        let told = |key: &str| {
            let key = breakglass_domain::Line::parse(key).unwrap();
            told_apart(&key).to_owned()
        };
        let group = "{}/{severity=\"page\"}:{alertname=\"Down\", job=\"shop\"}";
        assert_eq!(told(group), "alertname=\"Down\", job=\"shop\"");
        for whole in ["PGR0VU2", "{}:{}", "a:{b", "disk: full"] {
            assert_eq!(told(whole), whole);
        }
    }
}
