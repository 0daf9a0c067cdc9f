//! Random lists of commands under a held clock, each event heard by the auditor.

use std::collections::BTreeMap;

use breakglass_domain::{Act, Actor, Command, GrantId, IncidentId, Lifetime, State, Time};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};

use crate::acts::{
    close, deny, extend, freeze, issue, note, open, remove, revoke, unfreeze, uses, veto,
};
use crate::auditor::Auditor;
use crate::steps::{Deed, Pick, RIGHTS, Step, WAITS, Who, changed, step, steps};
use crate::world::{Outcome, TEAM, World, hours, id, line, mins};

/// The world, the auditor who hears all of it, and everything that was said.
struct Trial {
    world: World,
    auditor: Auditor,
    heard: usize,
    said: Vec<Command>,
}

impl Trial {
    fn new() -> Self {
        let mut trial = Self {
            world: World::burning(),
            auditor: Auditor::default(),
            heard: 0,
            said: Vec::new(),
        };
        trial.audit();
        trial
    }

    fn run(mut self, steps: &[Step]) -> Auditor {
        for step in steps {
            self.take(step);
            self.audit();
        }
        self.replays();
        self.ends();
        self.auditor
    }

    fn take(&mut self, step: &Step) {
        let outcome = match step {
            Step::Waits(which) => {
                self.world.passes(Lifetime::from_millis(WAITS[*which]));
                return;
            }
            Step::ClockIsSet(by) => {
                self.world.now = Time::from_millis(self.world.now.as_millis() + by);
                return;
            }
            Step::Person(who, deed) => {
                let person = self.person(*who, deed);
                self.person_does(&person, deed)
            }
            Step::OperatorLifts(whom) => self.world.broker_does(unfreeze(TEAM[*whom])),
            Step::BrokerStarts => {
                let version = "0.1.0".into();
                self.world.broker_does(Act::Start { version })
            }
            Step::Abandons(pick) => {
                let grant = self.grant(*pick);
                self.world.broker_does(Act::Abandon { grant })
            }
            Step::Comes(person) => self.world.enrolls(TEAM[*person]),
            Step::Loads(which) => self.world.loads(changed(*which)),
            Step::SaysItAgain(which) => match self.said_before(*which) {
                Some(command) => self.world.submit(&command),
                None => return,
            },
        };
        if let Err(refusal) = outcome {
            self.auditor.count(format!("refused {}", refusal.code()));
            assert!(!refusal.next().is_empty());
        }
    }

    /// What was said last, or anything before it.
    fn said_before(&self, which: usize) -> Option<Command> {
        let back = match which % 2 {
            0 => 0,
            _ => which % self.said.len().max(1),
        };
        self.said.iter().rev().nth(back).cloned()
    }

    fn person(&self, who: Who, deed: &Deed) -> String {
        if let Who::Any(number) = who {
            return TEAM[number].to_owned();
        }
        let grant = |pick: &Pick| {
            let grant = self.live(*pick)?;
            self.world.state.grants.get(&grant)
        };
        let fitting = match deed {
            Deed::Approves(pick, ..) | Deed::Denies(pick) | Deed::Revokes(pick) => {
                grant(pick).and_then(|grant| grant.approvers.last())
            }
            Deed::Calls(pick, _) => grant(pick).and_then(|grant| {
                let unlock = grant.unlock.as_ref()?;
                unlock.callers.last()
            }),
            Deed::SelfGrants(pick)
            | Deed::HandsOver(pick, _)
            | Deed::Extends(pick, _)
            | Deed::Drops(pick)
            | Deed::Issues(pick)
            | Deed::NotesFor(pick)
            | Deed::Uses(pick) => grant(pick).map(|grant| &grant.of.person),
            _ => None,
        };
        fitting.map_or("mia", |person| person.as_str()).to_owned()
    }

    fn person_does(&mut self, person: &str, deed: &Deed) -> Outcome {
        let act = self.act(person, deed);
        let command = Command {
            by: Actor::Person(id(person)),
            signed: (!act.needs_no_statement()).then(|| self.world.statement(person)),
            act,
        };
        self.said.push(command.clone());
        self.world.submit(&command)
    }

    fn act(&self, person: &str, deed: &Deed) -> Act {
        match deed {
            Deed::Opens => open(),
            Deed::Notes(incident) => note(*incident),
            Deed::NotesFor(pick) => {
                let grant = self.live(*pick);
                let grant = grant.and_then(|id| self.world.state.grants.get(&id));
                note(grant.map_or(1, |grant| grant.of.incident.0))
            }
            Deed::Closes(incident) => close(*incident),
            Deed::Asks(right, minutes, held) => {
                self.request(person, RIGHTS[*right], *minutes, *held)
            }
            Deed::Approves(pick, minutes, lies) => self.approval(*pick, *minutes, *lies),
            Deed::Denies(pick) => deny(self.grant(*pick)),
            Deed::Calls(pick, ago) => match self.live(*pick) {
                Some(grant) => self.world.call(grant, *ago),
                None => note(1),
            },
            Deed::HandsOver(pick, to) => match self.live(*pick) {
                Some(grant) => self.world.handing(grant, TEAM[*to]),
                None => note(1),
            },
            Deed::SelfGrants(pick) => match self.live(*pick) {
                Some(grant) => self.world.self_grant(grant),
                None => note(1),
            },
            Deed::Extends(pick, minutes) => extend(self.grant(*pick), *minutes),
            Deed::Drops(pick) => Act::Drop {
                grant: self.grant(*pick),
            },
            Deed::Revokes(pick) => revoke(self.grant(*pick)),
            Deed::Vetoes(pick) => veto(self.grant(*pick)),
            Deed::Issues(pick) => issue(self.grant(*pick)),
            Deed::Uses(pick) => uses(self.grant(*pick)),
            Deed::Freezes(whom) => freeze(TEAM[*whom]),
            Deed::Unfreezes(whom) => unfreeze(TEAM[*whom]),
            Deed::Removes(whom) => remove(TEAM[*whom]),
            Deed::Exports => Act::Export { from: 0, to: 1 },
        }
    }

    /// Under the newest open incident.
    fn request(&self, person: &str, right: &str, minutes: u32, hold: bool) -> Act {
        let mut wanted = self.world.request(person, right, minutes);
        if let Act::Request { incident, held, .. } = &mut wanted {
            let newest = self.world.state.incidents.keys().last();
            *incident = newest.copied().unwrap_or(IncidentId(1));
            *held = hold;
        }
        wanted
    }

    fn approval(&self, pick: Pick, minutes: u32, lies: bool) -> Act {
        let Some(grant) = self.live(pick) else {
            return note(1);
        };
        let mut yes = self.world.approval(grant);
        if let Act::Approve {
            until, sentence, ..
        } = &mut yes
        {
            *until = self.world.now.plus(mins(minutes));
            if lies {
                *sentence = line("look at it");
            }
        }
        yes
    }

    fn grant(&self, pick: Pick) -> GrantId {
        match pick {
            Pick::Any(number) => GrantId(number),
            Pick::Live(_) => self.live(pick).unwrap_or(GrantId(1)),
        }
    }

    fn live(&self, pick: Pick) -> Option<GrantId> {
        let grants = &self.world.state.grants;
        match pick {
            Pick::Any(number) => Some(GrantId(number)).filter(|id| grants.contains_key(id)),
            Pick::Live(_) if grants.is_empty() => None,
            Pick::Live(which) => grants.keys().nth(which % grants.len()).copied(),
        }
    }

    /// The auditor hears what is new; what is due has come by then.
    fn audit(&mut self) {
        self.world.tick();
        for event in &self.world.ledger[self.heard..] {
            self.auditor.hears(event, self.world.now);
        }
        self.heard = self.world.ledger.len();
        self.auditor.compares(&self.world.state, self.world.now);
        assert!(self.world.state.budgets.len() <= crate::budgets::most_of(&self.world.state));
    }

    /// The events alone give the same state.
    fn replays(&self) {
        let mut again = State::default();
        again.apply_all(&self.world.ledger);
        assert_eq!(again, self.world.state);
    }

    /// In the end, without anybody doing anything, nothing is left.
    fn ends(&mut self) {
        let last = self.world.state.newest.max(self.world.now);
        self.world.now = last.plus(hours(24));
        self.audit();
        self.auditor.all_ended();
        let state = &self.world.state;
        assert!(state.incidents.is_empty() && state.deadlines.is_empty());
        assert!(state.live.is_empty());
    }
}

proptest! {
    #![proptest_config(Config {
        cases: 300,
        failure_persistence: None,
        ..Config::default()
    })]

    #[test]
    fn whatever_people_do_the_rules_hold(steps in steps(150)) {
        Trial::new().run(&steps);
    }

    #[test]
    fn one_decision_gives_the_same_answer_twice(steps in steps(30)) {
        let mut one = Trial::new();
        let mut two = Trial::new();
        for step in &steps {
            one.take(step);
            two.take(step);
        }
        prop_assert_eq!(one.world.ledger, two.world.ledger);
    }
}

/// A generator that never reaches an approval proves nothing about approvals. The seed is fixed, so
/// this is the same run each time.
#[test]
fn the_random_lists_reach_everything_that_can_happen() {
    let mut runner = TestRunner::deterministic();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for _ in 0..120 {
        let list = vec(step(), 200).new_tree(&mut runner).unwrap().current();
        for (what, count) in Trial::new().run(&list).seen {
            *seen.entry(what).or_default() += count;
        }
    }
    for what in [
        "GrantRequested",
        "began fast-path",
        "began approved",
        "began self-granted",
        "began called",
        "CallRecorded",
        "GrantApproved",
        "GrantEscalated",
        "approved later",
        "refused APPROVAL_TOO_EARLY",
        "refused NOT_CALLER",
        "refused NO_CALL_WANTED",
        "refused CALL_TIME",
        "refused CALL_RECORDED",
        "refused APPROVED_ALREADY",
        "GrantExtended",
        "CredentialIssued",
        "GrantUsed",
        "ended denied",
        "ended lapsed",
        "ended dropped",
        "ended revoked",
        "ended expired",
        "ended incident-closed",
        "ended person-left",
        "ended person-frozen",
        "ended abandoned",
        "ended vetoed",
        "ended handed-over",
        "handed over and began fast-path",
        "handed over and began approved",
        "refused NOTHING_TO_HAND_OVER",
        "refused NOTHING_TO_VETO",
        "IncidentOpened",
        "IncidentNoted",
        "IncidentWarned",
        "IncidentClosed",
        "PolicyLoaded",
        "PersonInvited",
        "PersonEnrolled",
        "PersonRemoved",
        "PersonFrozen",
        "PersonUnfrozen",
        "refused NO_OPEN_INCIDENT",
        "refused UNKNOWN_INCIDENT",
        "refused INCIDENT_CLOSED",
        "refused NOT_ALLOWED",
        "refused NOT_PERMITTED",
        "refused NOT_YOURS",
        "refused NOT_APPROVER",
        "refused SELF_APPROVAL",
        "refused GRANT_WAITING",
        "refused GRANT_ACTIVE",
        "refused GRANT_ENDED",
        "refused UNKNOWN_GRANT",
        "refused TOO_LONG_A_TIME",
        "refused SENTENCE_CHANGED",
        "refused SELF_GRANT_DENIED",
        "refused SELF_GRANT_TOO_EARLY",
        "refused PERSON_FROZEN",
        "refused NOT_FROZEN",
        "refused NOT_ENROLLED",
        "refused STATEMENT_REPLAYED",
        "refused STATEMENT_STALE",
        "refused UNKNOWN_PERSON",
        "refused CLOCK_BEHIND",
    ] {
        let count = seen.get(what).copied().unwrap_or_default();
        assert!(count >= 10, "{what} only {count} times: {seen:#?}");
    }
}
