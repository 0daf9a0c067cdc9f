//! Walking the emergency path on purpose: what a drill unlocks, what it leaves alone, and what of it is
//! remembered.

use breakglass_domain::command::Wanted;
use breakglass_domain::drill::{Outcome as Went, Step, StepTime};
use breakglass_domain::limits::{DRILL_LONGEST, DRILLS, OPEN_DRILLS, OPENINGS, RECENT_DRILLS};
use breakglass_domain::{
    Act, Change, Ending, GrantId, IncidentId, Policy, Refusal, RightId, SessionId, Severity, Time,
};

use crate::acts::{close, open};
use crate::world::{
    DEPLOY, MIGRATE, Outcome, POLICY, SECRETS, World, endings, hours, id, line, millis, mins,
};

/// What a drill unlocks: the right that begins at once, and the one with an approver and a self-grant.
const DRILLS_SECTION: &str = r#"
[drills]
rights = ["deploy-shop", "migrate-shop-db"]
days = 14
[drills.budgets]
approve = "2m"
"#;

fn practising() -> Policy {
    Policy::parse("policy.toml", &format!("{POLICY}\n{DRILLS_SECTION}")).unwrap()
}

/// Everybody enrolled, and the policy has drills.
fn team() -> World {
    let mut world = World::team();
    world.loads(practising()).unwrap();
    world
}

fn open_drill() -> Act {
    Act::OpenDrill {
        title: line("the monthly one"),
    }
}

/// The same, and Mia's drill `INC-1` is open.
fn walking() -> World {
    let mut world = team();
    world.does("mia", open_drill()).unwrap();
    world
}

/// Every step, each of one millisecond, with the budgets of the policy.
fn good() -> Went {
    let policy = practising();
    let drills = policy.drills.as_ref().unwrap();
    let steps = Step::ALL.iter().map(|step| StepTime {
        step: *step,
        took: millis(1),
        budget: drills.budget(*step),
    });
    Went {
        good: true,
        steps: steps.collect(),
        failed: None,
    }
}

fn bad() -> Went {
    Went {
        good: false,
        steps: good().steps[..3].to_vec(),
        failed: Some(line("nobody answered")),
    }
}

fn record(incident: u64, outcome: Went) -> Act {
    Act::RecordDrill {
        incident: IncidentId(incident),
        outcome,
    }
}

fn wrong(outcome: Outcome, why: &str) {
    match outcome {
        Err(Refusal::DrillRecord(text)) => assert!(text.contains(why), "{text}"),
        other => panic!("{other:?}, and not: {why}"),
    }
}

/// A drill from its opening to its closing.
fn walks(world: &mut World) -> GrantId {
    let grant = world.asks("mia", DEPLOY, 10);
    world.does("mia", close(1)).unwrap();
    grant
}

#[test]
fn everything_that_belongs_to_a_drill_says_so_and_nothing_else_does() {
    let mut world = walking();
    let grant = world.asks("mia", MIGRATE, 10);
    let yes = world.approval(grant);
    world.does("leon", yes).unwrap();
    let jwt = Act::Issue {
        grant,
        wanted: Wanted::Jwt,
        key: crate::world::key_of("nobody", 0),
    };
    world.calls("mia", jwt).unwrap();
    let note = Act::Note {
        incident: IncidentId(1),
        text: breakglass_domain::Prose::parse("so far so good").unwrap(),
    };
    world.does("designer", note).unwrap();
    world.does("leon", open()).unwrap();
    let refused = Act::NoteRefusal {
        by: breakglass_domain::Actor::Person(id("designer")),
        act: "request".into(),
        reason: "NOT_ALLOWED".into(),
        text: "no".into(),
        count: 1,
        incident: Some(IncidentId(1)),
        checkpoint: None,
    };
    world.broker_does(refused.clone()).unwrap();
    // People are warned that it will close, and it does.
    world.passes(mins(50));
    world.passes(mins(10));
    world.broker_does(refused).unwrap();
    assert!(!world.state.incidents.contains_key(&IncidentId(1)));
    assert!(world.state.incidents.contains_key(&IncidentId(2)));
    let mut kinds = 0;
    for event in &world.ledger {
        let belongs = event.change.incident() == Some(IncidentId(1));
        assert_eq!(event.drill, belongs, "{event:?}");
        let of = event.change.grant();
        assert!(of.is_none_or(|of| of.drill == belongs), "{event:?}");
        kinds += usize::from(belongs);
    }
    // Opened, asked, approved, issued, noted, refused twice, warned, ended, closed.
    assert_eq!(kinds, 10);
}

#[test]
fn a_drill_unlocks_what_the_policy_lists_and_nothing_else() {
    let mut world = walking();
    let secrets = world.request("leon", SECRETS, 10);
    let refused = Refusal::DrillRight {
        incident: IncidentId(1),
        right: SECRETS.parse().unwrap(),
    };
    assert_eq!(world.does("leon", secrets), Err(refused));
    world.asks("mia", MIGRATE, 10);
    world.asks("mia", DEPLOY, 10);
}

#[test]
fn what_is_taken_off_the_list_begins_no_more_and_ends() {
    let mut world = walking();
    let waits = world.asks("mia", MIGRATE, 10);
    let runs = world.asks("mia", DEPLOY, 10);
    let mut policy = practising();
    let drills = policy.drills.as_mut().unwrap();
    drills.rights.retain(|right| right.as_str() != DEPLOY);
    world.loads(policy.clone()).unwrap();
    assert_eq!(world.ending(runs), Ending::PersonLeft);
    assert!(world.is_live(waits));
    policy.drills = None;
    world.loads(policy).unwrap();
    assert_eq!(world.ending(waits), Ending::PersonLeft);
}

#[test]
fn the_same_right_under_a_real_incident_does_not_end_with_the_list() {
    let mut world = team();
    world.does("mia", open()).unwrap();
    let real = world.asks("mia", DEPLOY, 10);
    world.loads(crate::world::policy()).unwrap();
    assert!(world.is_live(real));
}

#[test]
fn there_is_no_drill_without_a_policy_for_it() {
    let mut world = World::team();
    assert_eq!(world.does("mia", open_drill()), Err(Refusal::NoDrills));
}

#[test]
fn who_may_open_incidents_may_open_drills_and_closes_their_own() {
    let mut world = team();
    let refused = world.does("designer", open_drill());
    assert!(matches!(refused, Err(Refusal::NotPermitted { .. })));
    // Sam opens, and has no duty to close.
    world.does("support", open_drill()).unwrap();
    world.does("support", close(1)).unwrap();
    world.does("support", open()).unwrap();
    let refused = world.does("support", close(2));
    assert!(matches!(refused, Err(Refusal::NotPermitted { .. })));
    world.does("leon", open_drill()).unwrap();
    let refused = world.does("support", close(3));
    assert!(matches!(refused, Err(Refusal::NotPermitted { .. })));
    world.does("mia", close(3)).unwrap();
}

#[test]
fn a_drill_is_the_least_there_is_and_closes_within_the_hour() {
    let world = walking();
    let drill = &world.state.incidents[&IncidentId(1)];
    assert_eq!(drill.severity, Severity::Sev3);
    assert_eq!(drill.closes_at, world.now.plus(DRILL_LONGEST));
}

#[test]
fn drills_keep_nobody_from_opening_an_incident() {
    let mut world = team();
    for number in 0..OPEN_DRILLS {
        let by = ["mia", "leon"][number % 2];
        world.does(by, open_drill()).unwrap();
    }
    let refused = Err(Refusal::TooMany {
        what: "open drills",
        limit: OPEN_DRILLS,
    });
    assert_eq!(world.does("mia", open_drill()), refused);
    for _ in 0..OPENINGS {
        world.does("mia", open()).unwrap();
    }
    assert!(world.does("mia", open()).is_err());
}

#[test]
fn drills_have_a_budget_of_their_own() {
    let mut world = team();
    for number in 1..=u64::from(DRILLS.most) {
        world.does("mia", open_drill()).unwrap();
        world.does("mia", close(number)).unwrap();
    }
    let refused = world.does("mia", open_drill());
    assert!(
        matches!(refused, Err(Refusal::TooOften { .. })),
        "{refused:?}"
    );
    world.does("leon", open_drill()).unwrap();
    world.passes(hours(1));
    world.does("mia", open_drill()).unwrap();
}

#[test]
fn nobody_answers_for_the_grants_of_a_drill() {
    let mut world = walking();
    walks(&mut world);
    assert!(world.state.reviews.owed.is_empty());
    assert!(world.state.reviews.begun.is_empty());
}

#[test]
fn a_good_drill_is_remembered() {
    let mut world = walking();
    walks(&mut world);
    world.does("mia", record(1, good())).unwrap();
    let drills = &world.state.drills;
    assert_eq!(drills.last, drills.last_good);
    let last = drills.last.as_ref().unwrap();
    assert_eq!((last.incident, &last.by), (IncidentId(1), &id("mia")));
    assert_eq!((last.at, last.good), (world.now, true));
}

#[test]
fn a_bad_one_does_not_take_the_place_of_the_last_good_one() {
    let mut world = walking();
    walks(&mut world);
    world.does("mia", record(1, good())).unwrap();
    world.does("leon", open_drill()).unwrap();
    world.does("leon", close(2)).unwrap();
    world.does("leon", record(2, bad())).unwrap();
    let drills = &world.state.drills;
    assert_eq!(drills.last.as_ref().unwrap().incident, IncidentId(2));
    assert_eq!(drills.last_good.as_ref().unwrap().incident, IncidentId(1));
}

#[test]
fn a_drill_is_recorded_once_by_who_walked_it_when_it_is_over() {
    let mut world = walking();
    let unknown = Err(Refusal::UnknownIncident(IncidentId(2)));
    assert_eq!(world.does("mia", record(2, bad())), unknown);
    wrong(world.does("mia", record(1, bad())), "still open");
    walks(&mut world);
    wrong(world.does("leon", record(1, good())), "walked by mia");
    world.does("mia", record(1, good())).unwrap();
    wrong(world.does("mia", record(1, good())), "on record already");
    world.does("mia", open()).unwrap();
    world.does("mia", close(2)).unwrap();
    wrong(world.does("mia", record(2, bad())), "no drill");
}

#[test]
fn what_is_called_good_has_every_step_within_the_budget_of_the_policy() {
    let mut world = walking();
    walks(&mut world);
    let mut says = |change: fn(&mut Went), why: &str| {
        let mut outcome = good();
        change(&mut outcome);
        wrong(world.does("mia", record(1, outcome)), why);
    };
    says(|it| it.failed = Some(line("slow")), "this failed");
    says(|it| it.good = false, "nothing failed");
    says(|it| it.steps.truncate(8), "no step `verify`");
    says(|it| it.steps.swap(0, 1), "not in their order");
    says(|it| it.steps.insert(1, it.steps[0]), "not in their order");
    says(|it| it.steps[2].took = millis(120_001), "`approve` took");
    says(|it| it.steps[2].budget = mins(3), "the policy gives it 2m");
    world.does("mia", record(1, good())).unwrap();
}

#[test]
fn a_drill_without_a_credential_was_not_good() {
    let mut world = walking();
    world.asks("mia", MIGRATE, 10);
    world.does("mia", close(1)).unwrap();
    let outcome = world.does("mia", record(1, good()));
    wrong(outcome, "no credential was issued");
    world.does("mia", record(1, bad())).unwrap();
}

#[test]
fn a_drill_whose_session_lives_on_was_not_good() {
    let mut world = walking();
    let grant = walks(&mut world);
    let of = breakglass_domain::GrantRef {
        grant,
        person: id("mia"),
        right: DEPLOY.parse::<RightId>().unwrap(),
        incident: IncidentId(1),
        drill: true,
    };
    let session = breakglass_domain::targets::Session {
        of,
        target: "web-1".parse().unwrap(),
        credential: breakglass_domain::CredentialId { grant, number: 1 },
        login: line("deploy"),
        opened_at: world.now,
        over_at: Some(world.now),
        unconfirmed: false,
        once: None,
    };
    let sessions = &mut world.state.targets.sessions;
    sessions.insert(SessionId(7), session);
    wrong(
        world.does("mia", record(1, good())),
        "not over at its target",
    );
    world.state.targets.sessions.clear();
    world.does("mia", record(1, good())).unwrap();
}

#[test]
fn memory_does_not_grow_with_drills() {
    let mut world = team();
    for number in 1..=(RECENT_DRILLS as u64 + 10) {
        world.passes(mins(6));
        world.does("mia", open_drill()).unwrap();
        world.does("mia", close(number)).unwrap();
    }
    assert_eq!(world.state.drills.recent.len(), RECENT_DRILLS);
    wrong(world.does("mia", record(1, bad())), "too many others");
    world.does("mia", record(30, bad())).unwrap();
}

#[test]
fn an_approver_who_sleeps_ends_a_drill_as_anything_else() {
    let mut world = walking();
    let grant = world.asks("mia", MIGRATE, 10);
    world.passes(mins(5));
    let events = world.does("mia", close(1)).unwrap();
    assert_eq!(endings(&events), [(grant, Ending::IncidentClosed)]);
    assert!(events.iter().all(|event| event.drill));
}

#[test]
fn while_the_clock_is_behind_no_drill_is_opened() {
    let mut world = team();
    world.now = Time::from_millis(world.now.as_millis() - 60_000);
    let refused = world.does("mia", open_drill());
    assert!(matches!(refused, Err(Refusal::ClockBehind { .. })));
}

#[test]
fn what_is_remembered_is_a_fold() {
    let mut world = walking();
    walks(&mut world);
    world.does("mia", record(1, good())).unwrap();
    let mut again = breakglass_domain::State::default();
    again.apply_all(&world.ledger);
    assert_eq!(again.drills, world.state.drills);
    assert!(matches!(
        world.ledger.last().map(|event| &event.change),
        Some(Change::DrillRecorded { good: true, .. })
    ));
}
