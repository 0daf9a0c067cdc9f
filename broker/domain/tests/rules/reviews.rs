//! What is answered when it is over, and what stays shut while it is not.

use breakglass_domain::limits::{REVIEWED_GRANTS, REVIEWED_INCIDENTS};
use breakglass_domain::{
    Act, Actor, Answer, Change, Event, GrantId, GrantRef, IncidentId, Policy, Refusal, Severity,
    State, Time, Width,
};

use crate::acts::{close, open};
use crate::world::{DEPLOY, MIGRATE, POLICY, World, hours, id, line};

fn answer(incident: u64, grant: GrantId) -> Act {
    Act::AnswerReview {
        incident: IncidentId(incident),
        grant,
        answer: Answer {
            needed: true,
            width: Width::TooWide,
            missing: Some(line("a rollback")),
        },
    }
}

/// An incident that can wait, and a request under the newest one.
fn opens_small(world: &mut World) {
    let small = Act::Open {
        severity: Severity::Sev3,
        title: line("a log fills up"),
    };
    world.does("mia", small).unwrap();
}

fn asks_under(world: &World, number: u64, right: &str) -> Act {
    let mut wanted = world.request("leon", right, 10);
    if let Act::Request { incident, .. } = &mut wanted {
        *incident = IncidentId(number);
    }
    wanted
}

fn asking(days: u32) -> Policy {
    Policy::parse(
        "policy.toml",
        &format!("{POLICY}\n[review]\ndays = {days}\n"),
    )
    .unwrap()
}

#[test]
fn each_grant_that_began_is_answered_for_once_when_its_incident_is_over() {
    let mut world = World::burning();
    let began = world.asks("mia", DEPLOY, 10);
    let denied = world.asks("mia", MIGRATE, 10);
    let open = Err(Refusal::IncidentOpen(IncidentId(1)));
    assert_eq!(world.does("designer", answer(1, began)), open);
    world.does("mia", close(1)).unwrap();
    assert_eq!(world.state.reviews.owed[&IncidentId(1)].grants.len(), 1);

    let nothing = |grant| {
        let incident = IncidentId(1);
        Err(Refusal::NothingToReview { incident, grant })
    };
    assert_eq!(world.does("designer", answer(1, denied)), nothing(denied));
    let unknown = Err(Refusal::UnknownIncident(IncidentId(2)));
    assert_eq!(world.does("designer", answer(2, began)), unknown);
    let events = world.does("designer", answer(1, began)).unwrap();
    assert!(matches!(
        &events[..],
        [Event { by, change: Change::ReviewAnswered { of, needed: true, .. }, .. }]
            if by.person() == Some(&id("designer")) && of.person == id("mia")
    ));
    assert!(world.state.reviews.owed.is_empty());
    assert_eq!(world.does("leon", answer(1, began)), nothing(began));
}

#[test]
fn an_incident_without_a_grant_owes_nothing() {
    let mut world = World::burning();
    world.asks("mia", MIGRATE, 10);
    world.does("mia", close(1)).unwrap();
    assert_eq!(world.state.reviews, Default::default());
}

#[test]
fn late_answers_hold_up_what_needs_nobody_and_nothing_else() {
    let mut world = World::burning();
    world.loads(asking(7)).unwrap();
    let grant = world.asks("mia", DEPLOY, 10);
    world.does("mia", close(1)).unwrap();
    let closed_at = world.now;
    world.passes(hours(7 * 24 - 1));
    opens_small(&mut world);
    let wanted = asks_under(&world, 2, DEPLOY);
    world.does("leon", wanted).expect("not late yet");
    let held_up = |world: &World, right: &str| {
        let right = right.parse().unwrap();
        let why = world.state.held_up(&id("leon"), &right, world.now);
        why.map(|why| why.code())
    };
    assert_eq!(held_up(&world, DEPLOY), None);
    world.passes(hours(2));

    assert_eq!(
        held_up(&world, DEPLOY),
        Some("REVIEW_DEBT"),
        "who looks reads the same"
    );
    assert_eq!(
        held_up(&world, MIGRATE),
        None,
        "somebody's yes is needed anyway"
    );
    let wanted = asks_under(&world, 2, DEPLOY);
    let refusal = world.does("leon", wanted).unwrap_err();
    assert_eq!(
        refusal,
        Refusal::ReviewDebt {
            incident: IncidentId(1),
            closed_at,
            grants: 1
        }
    );
    assert_eq!(refusal.code(), "REVIEW_DEBT");
    assert_eq!(refusal.next(), "glass review INC-1");
    let with_a_yes = asks_under(&world, 2, MIGRATE);
    world
        .does("leon", with_a_yes)
        .expect("an approver says yes");
    world.does("mia", open()).unwrap();
    let worst = asks_under(&world, 3, DEPLOY);
    world.does("leon", worst).expect("a sev1 waits for nobody");

    // Whoever is refused can pay alone, there and then.
    world.does("leon", answer(1, grant)).unwrap();
    let wanted = asks_under(&world, 2, DEPLOY);
    world.does("leon", wanted).unwrap();
}

#[test]
fn nothing_is_held_up_where_the_policy_does_not_ask_and_old_debts_count_from_when_it_does() {
    let mut world = World::burning();
    world.asks("mia", DEPLOY, 10);
    world.does("mia", close(1)).unwrap();
    world.passes(hours(400 * 24));
    opens_small(&mut world);
    let wanted = asks_under(&world, 2, DEPLOY);
    world.does("leon", wanted).unwrap();

    world.loads(asking(1)).unwrap();
    let wanted = asks_under(&world, 2, DEPLOY);
    world.does("leon", wanted).expect("a day from now");
    world.passes(hours(23));
    // Another policy that asks as well starts nothing anew.
    world.loads(asking(1)).unwrap();
    world.passes(hours(2));
    opens_small(&mut world);
    let wanted = asks_under(&world, 3, DEPLOY);
    assert_eq!(
        world.does("leon", wanted).unwrap_err().code(),
        "REVIEW_DEBT"
    );
}

#[test]
fn what_is_owed_does_not_grow_with_history() {
    let mut state = State::default();
    let (grants, incidents) = (REVIEWED_GRANTS as u64 + 5, REVIEWED_INCIDENTS as u64 + 3);
    let mut at: Time = "2026-11-23T03:00:00Z".parse().unwrap();
    let mut happens = |state: &mut State, change| {
        let (by, signed) = (Actor::Broker, None);
        at = at.plus(hours(1));
        state.apply(&Event {
            at,
            by,
            change,
            signed,
            drill: false,
        });
    };
    // By when they closed, and not by when they were opened.
    let last = IncidentId(1);
    for incident in (2..=incidents).map(IncidentId).chain([last]) {
        for number in 0..grants {
            let of = GrantRef {
                grant: GrantId(incident.0 * 1_000 + number),
                person: id("mia"),
                right: DEPLOY.parse().unwrap(),
                incident,
                drill: false,
            };
            let started = Change::GrantStarted {
                of,
                basis: breakglass_domain::Basis::FastPath,
                ends_at: "2026-11-23T04:00:00Z".parse().unwrap(),
                alone_before: 0,
            };
            happens(&mut state, started);
        }
        let reason = line("over");
        happens(&mut state, Change::IncidentClosed { incident, reason });
    }
    assert!(state.reviews.begun.is_empty());
    assert_eq!(state.reviews.owed.len(), REVIEWED_INCIDENTS);
    let newest = &state.reviews.owed[&IncidentId(incidents)];
    assert_eq!(newest.grants.len(), REVIEWED_GRANTS);
    assert!(state.reviews.owed.contains_key(&last));
    assert!(!state.reviews.owed.contains_key(&IncidentId(2)));
}

#[test]
fn days_of_a_review_are_a_number_that_people_remember() {
    assert_eq!(asking(7).review_within, Some(hours(7 * 24)));
    assert_eq!(crate::world::policy().review_within, None);
    for (wrong, told) in [
        ("days = 0", "write a number from 1 to 90"),
        ("days = 91", "write a number from 1 to 90"),
        ("days = -3", "write a number from 1 to 90"),
        ("days = \"7\"", "a number"),
        ("day = 7", "no field `day`"),
        ("", "`days`"),
    ] {
        let text = format!("{POLICY}\n[review]\n{wrong}\n");
        let error = Policy::parse("policy.toml", &text).unwrap_err().to_string();
        assert!(error.contains(told), "{wrong}: {error}");
    }
}
