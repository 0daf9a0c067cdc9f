//! Alert sources: what they open, what closes it, and what their word is worth.

use breakglass_domain::limits::{ALERTS, ALERTS_OF_ONE, OPEN_FOR_ALERTS};
use breakglass_domain::{
    Act, Actor, Change, Command, Ending, Event, IncidentId, Policy, Refusal, Severity, State,
};

use crate::acts::{close, extend, note, open};
use crate::world::{DEPLOY, MIGRATE, Outcome, POLICY, World, endings, hours, line, mins};

const SOURCES: &str = r#"
[sources.pager]
kind = "webhook"
severity = { page = "sev1", ticket = "sev3" }
grace = "10m"

[sources.other]
kind = "alertmanager"
severity = "sev2"
rights = ["migrate-shop-db"]
"#;

fn rules(sources: &str) -> Policy {
    Policy::parse("policy.toml", &format!("{POLICY}{sources}")).unwrap()
}

pub(crate) fn watched() -> World {
    let mut world = World::team();
    world.loads(rules(SOURCES)).unwrap();
    world
}

impl World {
    pub(crate) fn hears(&mut self, source: &str, act: Act) -> Outcome {
        self.submit(&Command {
            by: Actor::Source(source.parse().unwrap()),
            signed: None,
            act,
        })
    }

    fn fires(&mut self, source: &str, key: &str, word: &str) -> Outcome {
        let (title, words) = (line("the queue is full"), vec![line(word)]);
        let key = line(key);
        let delivery = None;
        self.hears(
            source,
            Act::Fire {
                key,
                title,
                words,
                delivery,
            },
        )
    }

    fn resolves(&mut self, source: &str, key: &str) -> Outcome {
        let (key, delivery) = (line(key), None);
        self.hears(source, Act::Resolve { key, delivery })
    }

    fn incident(&self, number: u64) -> &breakglass_domain::Incident {
        &self.state.incidents[&IncidentId(number)]
    }

    fn asks_under(&mut self, who: &str, right: &str, number: u64) -> Outcome {
        let mut asked = self.request(who, right, 15);
        if let Act::Request { incident, .. } = &mut asked {
            *incident = IncidentId(number);
        }
        self.does(who, asked)
    }
}

fn hold(number: u64) -> Act {
    Act::Hold {
        incident: IncidentId(number),
        reason: line("the queue is still full"),
    }
}

pub(crate) fn changes(outcome: Outcome) -> Vec<Change> {
    let events: Vec<Event> = outcome.unwrap();
    events.into_iter().map(|event| event.change).collect()
}

#[test]
fn an_alert_opens_one_incident_however_often_it_is_told() {
    let mut world = watched();
    let opened = world.fires("pager", "queue", "page").unwrap();
    assert_eq!(opened[0].by.to_string(), "source:pager");
    assert_eq!(world.incident(1).severity, Severity::Sev1);
    for _ in 0..1_000 {
        assert_eq!(world.fires("pager", "queue", "page"), Ok(Vec::new()));
    }
    world.fires("pager", "checkout", "ticket").unwrap();
    world.fires("other", "queue", "whatever").unwrap();
    assert_eq!(world.state.incidents.len(), 3);
    assert_eq!(world.incident(2).severity, Severity::Sev3);
    assert_eq!(world.incident(3).severity, Severity::Sev2);
}

#[test]
fn the_worst_word_that_is_known_counts_and_none_is_refused() {
    let mut world = watched();
    let words = ["else", "ticket", "page"].map(line).to_vec();
    let (key, title) = (line("a"), line("t"));
    let delivery = None;
    let fires = Act::Fire {
        key,
        title,
        words,
        delivery,
    };
    world.hears("pager", fires).unwrap();
    assert_eq!(world.incident(1).severity, Severity::Sev1);
    let refused = Refusal::UnknownSeverity {
        alert_source: "pager".parse().unwrap(),
        words: "`else`".into(),
    };
    assert_eq!(world.fires("pager", "b", "else"), Err(refused));
    world.fires("pager", "c", "Page").unwrap();
    assert_eq!(world.incident(2).severity, Severity::Sev1, "in any case");
    let other = rules(&SOURCES.replace("ticket =", "\"*\" ="));
    world.loads(other).unwrap();
    world.fires("pager", "b", "else").unwrap();
    assert_eq!(world.incident(3).severity, Severity::Sev3);
}

#[test]
fn what_the_policy_does_not_name_is_refused_and_does_nothing_else() {
    let mut world = watched();
    let unknown = Refusal::UnknownSource("stranger".parse().unwrap());
    assert_eq!(world.fires("stranger", "queue", "page"), Err(unknown));
    for act in [open(), close(1), note(1), hold(1), Act::Tick] {
        assert_eq!(world.hears("pager", act), Err(Refusal::StatementMissing));
    }
    let opened = world.does("mia", open());
    assert!(opened.is_ok());
    assert_eq!(world.resolves("pager", "queue"), Ok(Vec::new()));
}

#[test]
fn resolved_it_closes_after_the_grace_and_people_are_warned() {
    let mut world = watched();
    world.fires("pager", "queue", "page").unwrap();
    world.passes(hours(1));
    let closes_at = world.now.plus(mins(10));
    let resolved = Change::IncidentResolved {
        incident: IncidentId(1),
        closes_at,
        delivery: None,
        said_at: None,
    };
    assert_eq!(changes(world.resolves("pager", "queue")), [resolved]);
    assert_eq!(world.resolves("pager", "queue"), Ok(Vec::new()));
    let place = world.ledger.len();
    world.passes(mins(5));
    let warned = &world.ledger[place..];
    assert!(
        matches!(warned[0].change, Change::IncidentWarned { closes_at: at, .. } if at == closes_at)
    );
    world.passes(mins(5));
    assert!(world.state.incidents.is_empty());
    let closed = &world.ledger.last().unwrap().change;
    let reason = line("its alert was resolved, and nobody held it open");
    assert!(matches!(closed, Change::IncidentClosed { reason: told, .. } if *told == reason));
    world.fires("pager", "queue", "page").unwrap();
    assert!(world.state.incidents.contains_key(&IncidentId(2)));
}

#[test]
fn firing_again_cancels_the_closing() {
    let mut world = watched();
    world.fires("pager", "queue", "page").unwrap();
    let usual = world.incident(1).closes_at;
    world.resolves("pager", "queue").unwrap();
    world.passes(mins(9));
    let refired = Change::IncidentRefired {
        incident: IncidentId(1),
        closes_at: usual,
        delivery: None,
        said_at: None,
    };
    assert_eq!(changes(world.fires("pager", "queue", "page")), [refired]);
    world.passes(hours(1));
    assert_eq!(world.incident(1).closes_at, usual);
}

#[test]
fn held_it_stays_open_to_its_usual_age_before_and_after_it_is_resolved() {
    for first_held in [true, false] {
        let mut world = watched();
        world.fires("pager", "queue", "page").unwrap();
        let usual = world.incident(1).closes_at;
        if first_held {
            world.does("mia", hold(1)).unwrap();
            world.resolves("pager", "queue").unwrap();
        } else {
            world.resolves("pager", "queue").unwrap();
            world.passes(mins(6));
            world.does("support", hold(1)).unwrap();
        }
        assert_eq!(world.incident(1).closes_at, usual);
        world.passes(hours(7));
        assert!(world.state.incidents.contains_key(&IncidentId(1)));
        world.now = usual;
        world.tick();
        assert!(world.state.incidents.is_empty());
    }
}

#[test]
fn who_may_open_incidents_may_hold_those_of_alerts_and_no_others() {
    let mut world = watched();
    world.does("mia", open()).unwrap();
    world.fires("pager", "queue", "page").unwrap();
    let nothing = Refusal::NothingToHold(IncidentId(1));
    assert_eq!(world.does("mia", hold(1)), Err(nothing));
    let refused = world.does("designer", hold(2));
    assert!(
        matches!(refused, Err(Refusal::NotPermitted { .. })),
        "{refused:?}"
    );
}

#[test]
fn nobody_who_works_is_cut_off_before_the_end_they_were_promised() {
    let mut world = watched();
    world.fires("other", "queue", "x").unwrap();
    let longest = world.asks_under("leon", MIGRATE, 1).unwrap();
    let grant = longest[0].change.grant().unwrap().grant;
    world.does("mia", world.approval(grant)).unwrap();
    let ends_at = world.state.grants[&grant].active().unwrap().ends_at;
    assert!(ends_at > world.now.plus(mins(10)));
    world.resolves("other", "queue").unwrap();
    assert_eq!(world.incident(1).closes_at, ends_at);
    let refused = world.does(
        "mia",
        Act::Extend {
            grant,
            by: mins(10),
            reason: line("slow"),
        },
    );
    assert!(
        matches!(refused, Err(Refusal::Closing { .. })),
        "{refused:?}"
    );
    let place = world.ledger.len();
    world.now = ends_at;
    world.tick();
    assert_eq!(
        endings(&world.ledger[place..]),
        [(grant, Ending::IncidentClosed)]
    );
}

/// Whoever waits for a yes, or to begin alone, has all the time that the rule gives them, and then what
/// they asked for.
#[test]
fn nobody_who_waits_is_cut_off_either() {
    let mut world = watched();
    world.fires("other", "queue", "x").unwrap();
    let asked = world.asks_under("leon", MIGRATE, 1).unwrap();
    let grant = asked[0].change.grant().unwrap().grant;
    let waiting = &world.state.grants[&grant];
    let latest = waiting.lapses_at.plus(waiting.length);
    assert!(latest > world.now.plus(mins(10)), "later than the grace");
    world.resolves("other", "queue").unwrap();
    assert_eq!(world.incident(1).closes_at, latest);
    world.passes(mins(14));
    world.does("mia", world.approval(grant)).unwrap();
    let active = world.state.grants[&grant].active().unwrap();
    assert_eq!(active.ends_at, world.now.plus(mins(15)));
}

#[test]
fn until_somebody_confirms_it_an_alert_unlocks_what_its_source_may() {
    let mut world = watched();
    world.fires("pager", "queue", "page").unwrap();
    world.asks_under("mia", DEPLOY, 1).unwrap();
    let refused = world.asks_under("mia", MIGRATE, 1);
    assert_eq!(refused.unwrap_err().code(), "INCIDENT_UNCONFIRMED");
    world.does("designer", note(1)).unwrap();
    let refused = world.asks_under("mia", MIGRATE, 1);
    assert_eq!(refused.unwrap_err().code(), "INCIDENT_UNCONFIRMED");
    world.does("support", note(1)).unwrap();
    world.asks_under("mia", MIGRATE, 1).unwrap();

    world.fires("other", "queue", "x").unwrap();
    world.asks_under("leon", MIGRATE, 2).unwrap();
    let refused = world.asks_under("leon", DEPLOY, 2);
    assert_eq!(refused.unwrap_err().code(), "INCIDENT_UNCONFIRMED");
    world.does("leon", hold(2)).unwrap();
    world.asks_under("leon", DEPLOY, 2).unwrap();
}

#[test]
fn a_source_that_left_the_policy_unlocks_nothing() {
    let mut world = watched();
    world.fires("pager", "queue", "page").unwrap();
    world.loads(rules("")).unwrap();
    let refused = world.asks_under("mia", DEPLOY, 1);
    assert_eq!(refused.unwrap_err().code(), "INCIDENT_UNCONFIRMED");
    let unknown = Refusal::UnknownSource("pager".parse().unwrap());
    assert_eq!(world.resolves("pager", "queue"), Err(unknown));
    world.does("mia", note(1)).unwrap();
    world.asks_under("mia", DEPLOY, 1).unwrap();
}

#[test]
fn what_begins_after_it_is_resolved_ends_with_it_unless_somebody_holds_it() {
    let mut world = watched();
    world.fires("pager", "queue", "page").unwrap();
    world.resolves("pager", "queue").unwrap();
    world.passes(mins(4));
    let events = world.asks_under("mia", DEPLOY, 1).unwrap();
    let grant = events[0].change.grant().unwrap().grant;
    let closes_at = world.incident(1).closes_at;
    assert_eq!(world.ends_at(grant), closes_at, "six minutes, not fifteen");
    let refusal = Refusal::Closing {
        incident: IncidentId(1),
        closes_at,
    };
    assert_eq!(world.does("mia", extend(grant, 5)), Err(refusal.clone()));
    assert!(refusal.next().contains("glass incident hold INC-1"));
    world.does("mia", hold(1)).unwrap();
    world.does("mia", extend(grant, 5)).unwrap();
    assert_eq!(world.ends_at(grant), closes_at.plus(mins(5)));
}

#[test]
fn a_storm_of_alerts_leaves_room_for_people() {
    let mut world = watched();
    for number in 0..OPEN_FOR_ALERTS {
        world.fires("pager", &format!("a{number}"), "page").unwrap();
    }
    let full = world.fires("other", "one more", "x");
    assert!(matches!(full, Err(Refusal::TooMany { .. })), "{full:?}");
    world.does("mia", open()).unwrap();
}

#[test]
fn an_alert_that_flaps_all_night_writes_only_so_much() {
    let mut world = watched();
    world.fires("pager", "queue", "page").unwrap();
    let place = world.ledger.len();
    let mut refused = 0;
    for _ in 0..500 {
        refused += usize::from(world.resolves("pager", "queue").is_err());
        world.fires("pager", "queue", "page").unwrap();
    }
    let written = world.ledger.len() - place;
    assert!(written <= 2 * ALERTS_OF_ONE.most as usize, "{written}");
    assert!(
        refused > 400 && !world.incident(1).resolved,
        "it stays open"
    );
    world.fires("pager", "checkout", "page").unwrap();
    assert_eq!(world.state.incidents.len(), 2, "another alert is heard");
}

#[test]
fn one_source_opens_only_so_much() {
    let mut world = watched();
    let mut taken = 0;
    for number in 0..ALERTS.most {
        let alert = format!("a{}", number / 2);
        taken += usize::from(world.fires("pager", &alert, "page").is_ok());
        taken += usize::from(world.resolves("pager", &alert).is_ok());
        if let Some(open) = world.state.incidents.keys().next_back().copied() {
            let _over = world.does("mia", close(open.0));
        }
    }
    assert!(taken >= ALERTS.most as usize);
    let refused = world.fires("pager", "one more", "page");
    let of_source = matches!(&refused, Err(Refusal::TooOften { budget, .. }) if *budget == ALERTS);
    assert!(of_source, "{refused:?}");
    world.fires("other", "queue", "x").unwrap();
}

#[test]
fn the_events_alone_give_the_same_state() {
    let mut world = watched();
    world.fires("pager", "queue", "page").unwrap();
    world.resolves("pager", "queue").unwrap();
    world.passes(mins(6));
    world.fires("pager", "queue", "page").unwrap();
    world.does("mia", hold(1)).unwrap();
    let mut again = State::default();
    again.apply_all(&world.ledger);
    assert_eq!(again, world.state);
    assert_eq!(again.clone().reindexed(), again);
}
