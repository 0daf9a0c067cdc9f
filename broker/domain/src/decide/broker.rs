//! What the broker does by itself, or its operator on the broker's host.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::command::{Act, Command};
use crate::due::due;
use crate::event::{Actor, Change, Event};
use crate::grant::{Ending, Grant};
use crate::id::{GrantId, PersonId};
use crate::limits::RULES;
use crate::policy::Policy;
use crate::refusal::Refusal;
use crate::restoring::Restoration;
use crate::text::Line;

use super::case::Case;
use super::{ending, people, targets, witness};

/// Acts of people are refused here: the broker signs nothing in anybody's name. The operator can
/// invite (the first person has nobody to be invited by) and lift a freeze (a stolen laptop could
/// freeze everybody who may).
pub(super) fn act(case: &Case<'_>, command: &Command) -> Result<Vec<Event>, Refusal> {
    match &command.act {
        Act::LoadPolicy { policy, sha256 } => Ok(load_policy(case, policy, sha256)),
        Act::Invite { person, token } => people::invite_from_host(case, person, token),
        Act::InviteTarget { target, token } => {
            targets::make_token(case, Actor::Broker, target, token)
        }
        Act::CertifyHost { .. } => targets::certify_host(case, &command.act),
        Act::NoteRole { role, outcome } => Ok(targets::note_role(case, role, outcome)),
        Act::Unfreeze { person, reason } => people::unfreeze_from_host(case, person, reason),
        Act::Enroll { token, .. } if case.state.targets.tokens.contains_key(token) => {
            targets::enroll(case, command)
        }
        Act::Enroll { .. } => people::enroll(case, command),
        Act::Abandon { grant } => abandon(case, *grant),
        Act::NoteRefusal {
            by,
            act,
            reason,
            text,
            count,
            incident,
            checkpoint,
        } => {
            let change = Change::Refused {
                act: act.clone(),
                reason: reason.clone(),
                text: text.clone(),
                count: *count,
                incident: *incident,
                checkpoint: checkpoint.clone(),
            };
            Ok(vec![case.event(by.clone(), change)])
        }
        Act::NoteWitnessed { size, checkpoint } => Ok(witness::signed(case, *size, checkpoint)),
        Act::NoteUnwitnessed { witnessed } => Ok(witness::lost(case, *witnessed)),
        Act::NoteRestored { .. } => Ok(restored(case, &command.act)),
        Act::Tick => Ok(due(case.state, case.now)),
        Act::NoteStreams { streams } => {
            let changes = case.state.streams.become_these(streams).into_iter();
            Ok(changes.map(|it| case.event(Actor::Broker, it)).collect())
        }
        act => {
            let change = noted(act).ok_or(Refusal::StatementMissing)?;
            Ok(vec![case.event(Actor::Broker, change)])
        }
    }
}

/// What is only put on record.
fn noted(act: &Act) -> Option<Change> {
    match act {
        Act::Start { version } => Some(Change::BrokerStarted {
            version: version.clone(),
            rules: RULES,
        }),
        Act::AddKey {
            purpose,
            id,
            public,
            succession,
        } => Some(Change::KeyAdded {
            purpose: *purpose,
            id: id.clone(),
            public: public.clone(),
            succession: succession.clone(),
        }),
        Act::RetireKey { purpose, id } => Some(Change::KeyRetired {
            purpose: *purpose,
            id: id.clone(),
        }),
        Act::NoteRepair { cut_bytes } => Some(Change::LedgerRepaired {
            cut_bytes: *cut_bytes,
        }),
        Act::PassOver => Some(Change::LedgerLost {}),
        _ => None,
    }
}

/// The mark of a history that was lost; one that is on record already is nothing new.
fn restored(case: &Case<'_>, act: &Act) -> Vec<Event> {
    let Act::NoteRestored {
        kept,
        size,
        checkpoint,
        operator,
        reason,
    } = act
    else {
        return Vec::new();
    };
    let lost = Restoration::of(*kept, *size, checkpoint);
    if case.state.restorations.iter().any(|known| *known == lost) {
        return Vec::new();
    }
    let change = Change::LedgerRestored {
        kept: *kept,
        size: *size,
        checkpoint: checkpoint.clone(),
        operator: operator.clone(),
        reason: reason.clone(),
    };
    vec![case.event(Actor::Broker, change)]
}

/// The new rules, then the end of what they no longer allow: grants first, then keys and tokens of
/// those who left, so that coming back needs a new invitation. The same text again is nothing.
fn load_policy(case: &Case<'_>, policy: &Arc<Policy>, sha256: &str) -> Vec<Event> {
    if case.state.policy_sha256 == sha256 {
        return Vec::new();
    }
    let loaded = Change::PolicyLoaded {
        policy: Arc::clone(policy),
        sha256: sha256.to_owned(),
    };
    let mut events = vec![case.event(Actor::Broker, loaded)];
    for grant in case.state.grants.values() {
        if let Some(reason) = no_longer_given(policy, grant) {
            let change = ending::change(grant, Ending::PersonLeft, Some(reason));
            events.push(case.event(Actor::Broker, change));
        }
    }
    for person in leavers(case, policy) {
        let change = Change::PersonRemoved {
            person: person.clone(),
            reason: line("no longer in the policy"),
        };
        events.push(case.event(Actor::Broker, change));
    }
    for target in targets::leavers(case, policy) {
        let change = Change::TargetRemoved {
            target: target.clone(),
            reason: line("no longer in the policy"),
        };
        events.push(case.event(Actor::Broker, change));
    }
    events
}

fn no_longer_given(policy: &Policy, grant: &Grant) -> Option<Line> {
    let of = &grant.of;
    if !policy.people.contains_key(&of.person) {
        return Some(line("no longer in the policy"));
    }
    let given =
        policy.rights.contains_key(&of.right) && policy.rule_for(&of.person, &of.right).is_some();
    if !given {
        return Some(line("the policy no longer gives this right"));
    }
    let locked = of.drill && !policy.drills_unlock(&of.right);
    locked.then(|| line("the policy no longer lets a drill unlock this right"))
}

/// People with a key or a token whom the policy does not know.
fn leavers<'a>(case: &Case<'a>, policy: &Policy) -> BTreeSet<&'a PersonId> {
    let state = case.state;
    let mut leavers: BTreeSet<_> = state.keys.values().chain(state.invited()).collect();
    leavers.retain(|person| !policy.people.contains_key(*person));
    leavers
}

/// Only a grant that lives while it is held ends by being left alone; any other ends by its holder's
/// word.
fn abandon(case: &Case<'_>, grant: GrantId) -> Result<Vec<Event>, Refusal> {
    let grant = case.live(grant)?;
    if !grant.held {
        return Err(Refusal::NotYours {
            grant: grant.of.grant,
            holder: grant.of.person.clone(),
        });
    }
    let change = ending::change(grant, Ending::Abandoned, None);
    Ok(vec![case.event(Actor::Broker, change)])
}

fn line(text: &'static str) -> Line {
    Line::parse(text).expect("a constant within the limits")
}
