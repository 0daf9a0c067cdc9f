//! What a guard tells again, and what it could not tell while the broker was out of its reach.

use breakglass_domain::limits::{CONFIRMED_WITHIN, LATE_GRANTS, LATE_WITHIN};
use breakglass_domain::{Change, Event, GrantId, SessionId};

use crate::targets::{asks, burning, drop_grant, is_over, is_told, issues, reports, ssh};
use crate::world::mins;

#[test]
fn a_login_that_is_told_twice_is_one_session() {
    let mut world = burning();
    let grant = asks(&mut world, "mia");
    issues(&mut world, "mia", grant, ssh()).unwrap();
    assert_eq!(is_told(&mut world, grant, 1, false).unwrap().len(), 1);
    assert_eq!(
        is_told(&mut world, grant, 1, false).unwrap(),
        [],
        "it is there"
    );
    // The guard has let them in meanwhile.
    assert_eq!(is_told(&mut world, grant, 1, true).unwrap(), []);
    world.does("mia", drop_grant(grant.0)).unwrap();
    assert_eq!(is_told(&mut world, grant, 1, true).unwrap(), []);
    let refused = is_told(&mut world, grant, 1, false).unwrap_err();
    assert_eq!(
        refused.code(),
        "GRANT_ENDED",
        "who still waits does not come in"
    );
    assert_eq!(world.state.targets.sessions.len(), 1);
    // By another credential it is not, and at another target nobody knows it.
    let another = asks(&mut world, "leon");
    issues(&mut world, "leon", another, ssh()).unwrap();
    let refused = is_told(&mut world, another, 1, false).unwrap_err();
    assert_eq!(refused.code(), "NOT_ALLOWED");
    assert_eq!(is_told(&mut world, another, 2, false).unwrap().len(), 1);
    reports(&mut world, "web-1", is_over(1)).unwrap();
    assert_eq!(
        world.state.targets.once.len(),
        1,
        "what is over is forgotten"
    );
}

#[test]
fn who_came_in_during_an_outage_is_on_record_though_the_grant_is_over() {
    let mut world = burning();
    let (grant, unused) = (asks(&mut world, "mia"), asks(&mut world, "mia"));
    issues(&mut world, "mia", grant, ssh()).unwrap();
    world.passes(mins(30));
    assert!(
        !world.is_live(grant),
        "it expired while the guard was alone"
    );
    let refused = is_told(&mut world, grant, 1, false).unwrap_err();
    assert_eq!(refused.code(), "GRANT_ENDED", "nobody comes in now");
    let refused = is_told(&mut world, unused, 1, true).unwrap_err();
    assert_eq!(
        refused.code(),
        "GRANT_ENDED",
        "nobody has a credential of it"
    );

    let events = is_told(&mut world, grant, 1, true).unwrap();
    let Change::SessionOpened { of, let_in_at, .. } = &events[0].change else {
        panic!("{events:?}")
    };
    assert_eq!((of.grant, of.person.as_str()), (grant, "mia"));
    assert_eq!(*let_in_at, Some(world.now.minus(mins(1))));
    let session = &world.state.targets.sessions[&SessionId(1)];
    assert_eq!(session.over_at, Some(world.now), "it is to be over");
    world.passes(CONFIRMED_WITHIN);
    let last = &world.ledger.last().unwrap().change;
    assert!(
        matches!(last, Change::SessionUnconfirmed { .. }),
        "{last:?}"
    );
    reports(&mut world, "web-1", is_over(1)).unwrap();
    assert!(world.state.targets.sessions.is_empty() && world.state.deadlines.len() < 3);

    world.passes(LATE_WITHIN);
    assert!(is_told(&mut world, grant, 2, true).is_err(), "a day later");
}

#[test]
fn grants_that_are_over_are_remembered_for_a_while_and_up_to_a_number() {
    let mut world = burning();
    let grant = asks(&mut world, "mia");
    issues(&mut world, "mia", grant, ssh()).unwrap();
    world.does("mia", drop_grant(grant.0)).unwrap();
    let of_it = |event: &&Event| event.change.grant().is_some_and(|of| of.grant == grant);
    let one: Vec<Event> = world.ledger.iter().filter(of_it).cloned().collect();
    for number in 2..=LATE_GRANTS as u64 + 1 {
        for event in &one {
            let mut event = event.clone();
            event.signed = None;
            match &mut event.change {
                Change::GrantRequested { of, .. }
                | Change::GrantStarted { of, .. }
                | Change::GrantEnded { of, .. } => of.grant = GrantId(number),
                Change::CredentialIssued { of, credential, .. } => {
                    (of.grant, credential.grant) = (GrantId(number), GrantId(number));
                }
                other => panic!("{other:?}"),
            }
            world.state.apply(&event);
        }
    }
    let over = &world.state.targets.over;
    assert_eq!(over.len(), LATE_GRANTS);
    assert!(!over.contains_key(&grant), "the oldest is forgotten");
}
