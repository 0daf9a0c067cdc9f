//! What one laptop may write within a time, and what is never counted.

use breakglass_domain::budget::{Budget, Budgets, Spending};
use breakglass_domain::limits::{
    CREDENTIALS_OF_GRANT, EXPORTS, EXTENSIONS, NOTES, RENEWALS_OF_KEY, REQUESTS, TEAM_CHANGES,
    UNDER_GRANTS, USES_OF_GRANT,
};
use breakglass_domain::{Act, Change, GrantId, Lifetime, Refusal, State, Time};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::acts::{close, extend, freeze, issue, note, open, remove, revoke, unfreeze, uses};
use crate::world::{DEPLOY, MIGRATE, Outcome, TEAM, World, hours, id, millis, mins};

const EXPORT: Act = Act::Export { from: 0, to: 1 };

/// As many as there can ever be: seven of each person, one of each key, two of each grant.
pub(crate) fn most_of(state: &State) -> usize {
    TEAM.len() * 7 + state.keys.len() + state.grants.len() * 2
}

fn renew(world: &World, person: &str) -> Act {
    Act::Renew {
        key: world.keys[&id(person)].clone(),
        serial: "0b".into(),
        certificate_expires_at: world.now.plus(hours(24)),
    }
}

fn drop_of(grant: GrantId) -> Act {
    Act::Drop { grant }
}

/// How often something works at one moment.
fn spends(budget: Budget, mut once: impl FnMut() -> Outcome) -> Refusal {
    for number in 0..budget.most {
        let done = once();
        assert!(done.is_ok(), "{} after {number}: {done:?}", budget.what);
    }
    once().unwrap_err()
}

#[test]
fn a_script_that_notes_without_end_is_stopped_and_nobody_else_is() {
    let mut world = World::burning();
    let refused = spends(NOTES, || world.does("support", note(1)));
    assert_eq!(refused.code(), "TOO_MANY");
    let told = "too many notes of one person: at most 120 within 1h";
    assert_eq!(refused.to_string(), told);
    let next = "wait until 2026-11-23 03:00:31 UTC, then run the command again";
    assert_eq!(refused.next(), next);
    world.does("mia", note(1)).unwrap();
    // Under another incident it is the same person.
    world.does("mia", open()).unwrap();
    assert_eq!(world.does("support", note(2)), Err(refused));
    world.passes(millis(29_999));
    world.does("support", note(1)).unwrap_err();
    world.passes(millis(1));
    world.does("support", note(1)).unwrap();
    world.does("support", note(1)).unwrap_err();
    world.passes(hours(1));
    spends(NOTES, || world.does("support", note(1)));
}

#[test]
fn who_notes_by_hand_all_night_never_meets_it() {
    let mut world = World::burning();
    for _ in 0..7 * 60 {
        for _ in 0..2 {
            world.does("support", note(1)).unwrap();
        }
        world.passes(mins(1));
    }
}

/// What `glass exec` does by itself, in as many windows as a person may have: one use, and a new
/// credential at two thirds of each one's life, tried again and again while the network is bad.
#[test]
fn an_exec_that_holds_its_grant_never_meets_it() {
    let mut world = World::burning();
    let grants: Vec<_> = (0..200).map(|_| world.asks("mia", DEPLOY, 30)).collect();
    for grant in &grants {
        world.calls("mia", uses(*grant)).unwrap();
    }
    for _ in 0..2 {
        world.passes(mins(10));
        for grant in &grants {
            // The answers of the first tries were lost.
            for _ in 0..9 {
                world.calls("mia", issue(*grant)).unwrap();
            }
        }
    }
}

#[test]
fn a_loop_that_takes_credentials_is_stopped_and_the_other_grants_go_on() {
    let mut world = World::burning();
    let (busy, other) = (world.asks("mia", DEPLOY, 30), world.asks("mia", DEPLOY, 30));
    let refused = spends(CREDENTIALS_OF_GRANT, || world.calls("mia", issue(busy)));
    let told = "too many credentials under one grant: at most 30 within 1m";
    assert_eq!(
        (refused.code(), refused.to_string().as_str()),
        ("TOO_MANY", told)
    );
    world.calls("mia", issue(other)).unwrap();
    world.calls("mia", uses(busy)).unwrap();
    world.passes(millis(2_000));
    world.calls("mia", issue(busy)).unwrap();
    world.calls("mia", issue(busy)).unwrap_err();
}

/// Many grants at once do not multiply what one person may write.
#[test]
fn a_loop_over_all_of_ones_grants_is_stopped_and_its_first_credentials_are_not() {
    let mut world = World::burning();
    let grants: Vec<_> = (0..200).map(|_| world.asks("mia", DEPLOY, 30)).collect();
    let mut taken = 0;
    let refused = 'without_end: loop {
        for grant in &grants {
            for act in [issue(*grant), uses(*grant)] {
                match world.calls("mia", act) {
                    Ok(_) => taken += 1,
                    Err(refused) => break 'without_end refused,
                }
            }
        }
        world.passes(millis(2_000));
    };
    let told = "too many credentials and uses of one person: at most 50000 within 24h";
    assert_eq!(
        (refused.code(), refused.to_string().as_str()),
        ("TOO_MANY", told)
    );
    let came_back = taken - UNDER_GRANTS.most;
    assert!(came_back < 200, "{came_back}");
    // Its first credential comes with the request.
    let last = world.asks("mia", DEPLOY, 30);
    assert_eq!(world.grant(last).credentials, 1);
    world.calls("mia", issue(last)).unwrap_err();
    let other = world.asks("leon", DEPLOY, 30);
    world.calls("leon", uses(other)).unwrap();
}

#[test]
fn the_first_credential_of_a_grant_is_never_refused() {
    let mut world = World::burning();
    for _ in 0..50 {
        let grant = world.approved(10);
        world.calls("mia", issue(grant)).unwrap();
        world.does("mia", drop_of(grant)).unwrap();
    }
    let credentials = |(of, _): &(&Spending, Time)| matches!(of, Spending::Credentials(_));
    assert_eq!(world.state.budgets.spent().filter(credentials).count(), 0);
}

#[test]
fn uses_renewals_exports_and_changes_to_the_team_are_counted_too() {
    let mut world = World::burning();
    let grant = world.asks("mia", DEPLOY, 30);
    let refused = spends(USES_OF_GRANT, || world.calls("mia", uses(grant)));
    assert_eq!(refused.code(), "TOO_MANY");

    let renewal = renew(&world, "mia");
    let refused = spends(RENEWALS_OF_KEY, || world.calls("mia", renewal.clone()));
    assert_eq!(refused.code(), "TOO_MANY");
    world.enrolls("mia").unwrap();
    let on_another_laptop = renew(&world, "mia");
    world.calls("mia", on_another_laptop).unwrap();

    let refused = spends(EXPORTS, || world.calls("founder", EXPORT));
    assert_eq!(refused.code(), "TOO_MANY");

    // Somebody who has nothing any more can be removed, but not without end.
    world.does("founder", remove("designer")).unwrap();
    let left = Budget {
        most: TEAM_CHANGES.most - 1, // the first removal ended something
        ..TEAM_CHANGES
    };
    let refused = spends(left, || world.does("founder", remove("designer")));
    assert_eq!(refused.code(), "TOO_MANY");
    let person = id("designer");
    let token = world.token();
    let invites = Act::Invite { person, token };
    assert_eq!(world.does("founder", invites).unwrap_err(), refused);
}

#[test]
fn requests_and_extensions_are_counted_too() {
    let mut world = World::burning();
    let mut number = 0;
    let refused = spends(REQUESTS, || {
        let wanted = world.request("mia", DEPLOY, 1);
        let asked = world.does("mia", wanted)?;
        number += 1;
        world.does("mia", drop_of(GrantId(number))).unwrap();
        Ok(asked)
    });
    let told = "too many requests of one person: at most 5000 within 24h";
    assert_eq!(
        (refused.code(), refused.to_string().as_str()),
        ("TOO_MANY", told)
    );

    let wanted = world.request("leon", DEPLOY, 1);
    let events = world.does("leon", wanted).unwrap();
    let grant = events[0].change.grant().unwrap().grant;
    let second = || Act::Extend {
        grant,
        by: Lifetime::from_secs(1),
        reason: crate::world::line("a little more"),
    };
    let refused = spends(EXTENSIONS, || world.does("leon", second()));
    assert_eq!(refused.code(), "TOO_MANY");
}

#[test]
fn what_ends_or_closes_something_is_never_counted() {
    let mut world = World::burning();
    let (dropped, revoked) = (world.asks("mia", DEPLOY, 20), world.asks("mia", DEPLOY, 20));
    let stays = world.asks("leon", MIGRATE, 30);
    spends(NOTES, || world.does("mia", note(1)));
    spends(EXTENSIONS, || {
        let second = Act::Extend {
            grant: dropped,
            by: Lifetime::from_secs(1),
            reason: crate::world::line("a little more"),
        };
        world.does("mia", second)
    });
    world.does("mia", freeze("designer")).unwrap();
    let refused = spends(TEAM_CHANGES, || {
        let lifted = world.does("mia", unfreeze("designer"))?;
        // As often as it takes.
        world.does("mia", freeze("designer")).unwrap();
        Ok(lifted)
    });
    assert_eq!(refused.code(), "TOO_MANY");
    for _ in 0..TEAM_CHANGES.most {
        let _ = world.does("founder", remove("support"));
    }
    assert_eq!(
        world.does("founder", remove("support")).unwrap_err().code(),
        "TOO_MANY"
    );

    world.does("mia", drop_of(dropped)).unwrap();
    world.does("founder", revoke(revoked)).unwrap();
    world.does("founder", remove("leon")).unwrap();
    assert!(!world.is_live(stays));
    world.does("mia", close(1)).unwrap();
}

#[test]
fn what_was_written_before_there_were_limits_locks_nobody_out_for_long() {
    let mut world = World::burning();
    let noted = world.does("mia", note(1)).unwrap();
    for _ in 0..10_000 {
        world.state.apply_all(&noted);
    }
    world.does("mia", note(1)).unwrap_err();
    world.passes(millis(30_000));
    world.does("mia", note(1)).unwrap();
}

#[test]
fn a_clock_that_was_set_back_gives_nothing_back_early() {
    let mut world = World::burning();
    spends(NOTES, || world.does("mia", note(1)));
    world.now = world.now.minus(hours(2));
    world.does("mia", note(1)).unwrap_err();
    world.now = world.now.plus(hours(2));
    world.does("mia", note(1)).unwrap_err();
}

#[test]
fn a_snapshot_names_them_so_that_they_come_back() {
    let mut world = World::burning();
    let grant = world.asks("mia", DEPLOY, 30);
    for act in [issue(grant), uses(grant), renew(&world, "mia")] {
        world.calls("mia", act).unwrap();
    }
    world.does("mia", extend(grant, 0)).unwrap_err();
    for act in [note(1), unfreeze("designer")] {
        let _ = world.does("mia", act);
    }
    world.calls("founder", EXPORT).unwrap();
    world.does("founder", remove("designer")).unwrap();
    let spent = world.state.budgets.spent();
    let said: Vec<_> = spent.map(|(of, at)| (of.to_string(), at)).collect();
    let mut names: Vec<_> = said
        .iter()
        .filter_map(|(of, _)| of.split(' ').next())
        .collect();
    names.sort_unstable();
    let all = [
        "credentials",
        "exports",
        "notes",
        "renewals",
        "requests",
        "team-changes",
        "under-grants",
        "uses",
    ];
    assert_eq!(names, all);
    let back = said.iter().map(|(of, at)| (of.parse().unwrap(), *at));
    assert_eq!(Budgets::restored(back), world.state.budgets);
    for wrong in ["", "notes", "notes ", "notes A B", "beer mia"] {
        assert!(wrong.parse::<Spending>().is_err(), "{wrong}");
    }
}

/// Something that is counted, by one of the team, or a while.
#[derive(Debug, Clone)]
enum Step {
    Waits(u32),
    Notes(usize, u8),
    Asks,
    Issues(usize, u8),
    Uses(usize, u8),
    Drops(usize),
    Renews(usize, u8),
    Exports(u8),
    Comes(usize),
    Goes(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let (person, times) = (0..TEAM.len(), 1..60_u8);
    prop_oneof![
        3 => (0..90_000_u32).prop_map(Step::Waits),
        3 => (person.clone(), times.clone()).prop_map(|(who, times)| Step::Notes(who, times)),
        3 => Just(Step::Asks),
        3 => (any::<usize>(), times.clone()).prop_map(|(which, times)| Step::Issues(which, times)),
        3 => (any::<usize>(), times.clone()).prop_map(|(which, times)| Step::Uses(which, times)),
        1 => any::<usize>().prop_map(Step::Drops),
        2 => (person.clone(), times.clone()).prop_map(|(who, times)| Step::Renews(who, times)),
        1 => times.prop_map(Step::Exports),
        1 => person.clone().prop_map(Step::Comes),
        1 => person.prop_map(Step::Goes),
    ]
}

fn take(world: &mut World, step: &Step) {
    let live = |world: &World, which: usize| {
        let grants = &world.state.grants;
        grants
            .keys()
            .nth(which % grants.len().max(1))
            .copied()
            .unwrap_or(GrantId(1))
    };
    let again = |times: u8, mut once: Box<dyn FnMut() + '_>| (0..times).for_each(|_| once());
    match *step {
        Step::Waits(so_long) => world.passes(millis(so_long.into())),
        Step::Notes(who, times) => again(times, Box::new(|| drop(world.does(TEAM[who], note(1))))),
        Step::Asks => {
            let wanted = world.request("mia", DEPLOY, 30);
            let _ = world.does("mia", wanted);
        }
        Step::Issues(which, times) => {
            let grant = live(world, which);
            again(times, Box::new(|| drop(world.calls("mia", issue(grant)))));
        }
        Step::Uses(which, times) => {
            let grant = live(world, which);
            again(times, Box::new(|| drop(world.calls("mia", uses(grant)))));
        }
        Step::Drops(which) => drop(world.does("mia", drop_of(live(world, which)))),
        Step::Renews(who, times) => {
            let renewal = renew(world, TEAM[who]);
            again(
                times,
                Box::new(|| drop(world.calls(TEAM[who], renewal.clone()))),
            );
        }
        Step::Exports(times) => again(times, Box::new(|| drop(world.calls("founder", EXPORT)))),
        Step::Comes(who) => drop(world.enrolls(TEAM[who])),
        Step::Goes(who) => drop(world.does("founder", remove(TEAM[who]))),
    }
}

/// Within any hour there are at most as many as at once and as come back, whoever tries what.
fn at_most(world: &World, budget: Budget, is_one: impl Fn(&Change) -> bool) {
    let ones = |event: &&breakglass_domain::Event| is_one(&event.change);
    let times: Vec<_> = world
        .ledger
        .iter()
        .filter(ones)
        .map(|event| event.at)
        .collect();
    for (first, from) in times.iter().enumerate() {
        let within = times[first..]
            .iter()
            .take_while(|at| **at < from.plus(budget.within));
        assert!(
            within.count() <= 2 * budget.most as usize,
            "{}",
            budget.what
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 60,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn whatever_people_try_state_stays_small(steps in vec(step(), 1..80)) {
        let mut world = World::burning();
        for step in &steps {
            take(&mut world, step);
            let budgets = &world.state.budgets;
            prop_assert!(budgets.len() <= most_of(&world.state), "{budgets:?}");
            let newest = world.state.newest;
            for (of, whole_at) in budgets.spent() {
                prop_assert!(newest < whole_at && whole_at <= newest.plus(of.budget().within));
            }
        }
        at_most(&world, EXPORTS, |change| matches!(change, Change::LedgerExported { .. }));
        for number in 1..world.state.next_grant.0 {
            let of = |change: &Change| change.grant().is_some_and(|of| of.grant == GrantId(number));
            at_most(&world, USES_OF_GRANT, |change| {
                of(change) && matches!(change, Change::GrantUsed { .. })
            });
            at_most(&world, CREDENTIALS_OF_GRANT, |change| {
                of(change) && matches!(change, Change::CredentialIssued { .. })
            });
        }
        let mut again = State::default();
        again.apply_all(&world.ledger);
        prop_assert_eq!(&again.budgets, &world.state.budgets);
        // After a quiet day there is nothing but what comes then.
        world.passes(hours(24));
        world.loads(crate::world::policy()).unwrap();
        prop_assert!(world.state.budgets.is_empty());
    }
}
