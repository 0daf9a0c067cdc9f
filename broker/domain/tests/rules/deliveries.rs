//! What was delivered once is not taken again, also by a broker that was started since.

use breakglass_domain::limits::DELIVERY_REMEMBERED;
use breakglass_domain::{Act, Change, Delivery, Time};

use crate::acts::close;
use crate::alerts::{changes, watched};
use crate::world::{Outcome, World, line, mins};

impl World {
    fn delivers(&mut self, id: &str, signed_at: Time, fires: bool) -> Outcome {
        let key = line("queue");
        let delivery = Some(Delivery {
            id: line(id),
            signed_at,
        });
        let act = match fires {
            true => Act::Fire {
                key,
                title: line("the queue is full"),
                words: vec![line("page")],
                delivery,
            },
            false => Act::Resolve { key, delivery },
        };
        self.hears("pager", act)
    }

    fn broker_starts(&mut self) {
        self.passes(mins(1));
        let version = "0.1.0".to_owned();
        self.broker_does(Act::Start { version }).unwrap();
    }
}

fn told(outcome: Outcome) -> usize {
    changes(outcome).len()
}

#[test]
fn what_changed_something_names_its_delivery_and_is_known_by_it() {
    let mut world = watched();
    let at = world.now;
    let opened = changes(world.delivers("a", at, true));
    assert!(matches!(
        &opened[..],
        [Change::IncidentOpened { delivery: Some(id), .. }] if *id == line("a")
    ));
    let resolved = changes(world.delivers("b", at, false));
    assert!(matches!(
        &resolved[..],
        [Change::IncidentResolved { delivery: Some(id), .. }] if *id == line("b")
    ));
    assert_eq!(told(world.delivers("a", at, true)), 0, "the firing again");
    let refired = changes(world.delivers("c", at, true));
    assert!(matches!(
        &refired[..],
        [Change::IncidentRefired { delivery: Some(id), .. }] if *id == line("c")
    ));
    assert_eq!(told(world.delivers("b", at, false)), 0);
    world.does("mia", close(1)).unwrap();
    for id in ["a", "c"] {
        assert_eq!(told(world.delivers(id, at, true)), 0, "{id}");
    }
    world.now = at.plus(DELIVERY_REMEMBERED);
    assert_eq!(told(world.delivers("a", world.now, true)), 1, "long after");
}

#[test]
fn what_changed_nothing_is_not_taken_after_a_restart_once_its_alert_has_changed() {
    let mut world = watched();
    let at = world.now;
    world.delivers("a", at, true).unwrap();
    assert_eq!(told(world.delivers("told again", at, true)), 0);
    assert_eq!(told(world.delivers("never sent", at, true)), 0);
    world.passes(mins(1));
    world.does("mia", close(1)).unwrap();
    world.passes(mins(1));
    let since = world.now;
    world.broker_starts();
    let before = world.delivers("told again", at, true);
    assert_eq!(told(before), 0, "it may have been taken");
    // What was signed since it closed was not: the broker was away, and its source tries again.
    assert_eq!(told(world.delivers("on the way", since, true)), 1);
}

#[test]
fn what_came_while_the_broker_was_away_is_taken() {
    let mut world = watched();
    world.delivers("a", world.now, true).unwrap();
    world.passes(mins(2));
    let signed_at = world.now;
    world.broker_starts();
    assert_eq!(told(world.delivers("b", signed_at, false)), 1);
}

#[test]
fn deliveries_do_not_grow_with_history() {
    let mut world = watched();
    for number in 0..500 {
        world.passes(mins(7));
        let at = world.now;
        world.delivers(&number.to_string(), at, true).unwrap();
        let incident = world.state.incidents.keys().last().unwrap().0;
        world.does("mia", close(incident)).unwrap();
    }
    assert!(world.state.deliveries.taken.len() <= 41);
    assert_eq!(world.state.deliveries.changed.len(), 1);
    assert_eq!(world.state.deliveries.said.len(), 1);
}

#[test]
fn what_is_older_than_what_was_taken_of_its_alert_changes_nothing() {
    let mut world = watched();
    world.passes(mins(2));
    let ago = |seconds: i64| Time::from_millis(world.now.as_millis() - seconds * 1_000);
    let [triggered, reopened, resolved] = [ago(60), ago(5), ago(30)];
    assert_eq!(told(world.delivers("a", reopened, true)), 1);
    assert_eq!(told(world.delivers("b", resolved, false)), 0, "it fires");
    assert_eq!(told(world.delivers("c", triggered, true)), 0);
    assert!(!world.state.incidents.values().any(|it| it.resolved));
    world.broker_starts();
    assert_eq!(
        told(world.delivers("b", resolved, false)),
        0,
        "after a restart"
    );
    let over = world.now;
    assert_eq!(told(world.delivers("d", over, false)), 1);
    assert_eq!(told(world.delivers("e", reopened, true)), 0, "it is over");
}

#[test]
fn a_source_whose_clock_is_ahead_is_heard_all_the_same() {
    let mut world = watched();
    let ahead = world.now.plus(mins(4));
    assert_eq!(told(world.delivers("a", ahead, true)), 1);
    world.passes(mins(1));
    assert_eq!(told(world.delivers("b", world.now, false)), 1);
}
