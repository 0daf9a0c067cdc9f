//! The first approver sleeps; the second may be awake.

use breakglass_domain::decide::decide;
use breakglass_domain::due::due;
use breakglass_domain::{
    Act, Actor, Basis, Change, Command, Ending, Event, GrantId, IncidentId, Refusal, Time,
};

use crate::acts::{close, deny, extend, freeze, note, revoke, unfreeze};
use crate::world::{MIGRATE, RESTORE, World, hours, id, millis, mins, policy};

impl World {
    /// When it escalated, of each time it did.
    fn escalations(&self, grant: GrantId) -> Vec<Time> {
        let of = |event: &&Event| match &event.change {
            Change::GrantEscalated { of, .. } => of.grant == grant,
            _ => false,
        };
        self.ledger
            .iter()
            .filter(of)
            .map(|event| event.at)
            .collect()
    }

    fn approves(&mut self, who: &str, grant: GrantId) -> Result<Vec<Event>, Refusal> {
        let yes = self.approval(grant);
        self.does(who, yes)
    }
}

#[test]
fn when_the_first_does_not_answer_the_second_is_asked_too() {
    let mut world = World::burning();
    let asked_at = world.now;
    let grant = world.asks("mia", RESTORE, 20);
    assert_eq!(world.grant(grant).approvers, [id("leon")]);
    world.passes(millis(299_999));
    assert_eq!(world.escalations(grant), []);
    world.passes(millis(1));
    assert_eq!(world.escalations(grant), [asked_at.plus(mins(5))]);
    assert_eq!(world.ledger.last().unwrap().by, Actor::Broker);
    let asked = ["leon", "founder", "support"].map(id);
    assert_eq!(world.grant(grant).approvers, asked);
    world.approves("founder", grant).unwrap();
    let active = world.grant(grant).active().unwrap();
    assert_eq!(
        (active.basis, active.by.to_string()),
        (Basis::Approved, "founder".into())
    );
}

#[test]
fn before_that_they_are_told_from_when_on() {
    let mut world = World::burning();
    let grant = world.asks("mia", RESTORE, 20);
    let early = Refusal::ApprovalTooEarly {
        person: id("founder"),
        grant,
        approvers: "leon".into(),
        from: world.now.plus(mins(5)),
    };
    assert_eq!(world.approves("founder", grant), Err(early.clone()));
    assert_eq!(world.does("founder", deny(grant)), Err(early.clone()));
    assert_eq!(
        early.to_string(),
        "G-1 is asked of these people until 2026-11-23 03:05:00 UTC: leon; of founder only from then \
         on"
    );
    let stranger = world.approves("designer", grant).unwrap_err();
    assert_eq!(stranger.code(), "NOT_APPROVER");
}

#[test]
fn the_first_may_still_answer_and_the_first_answer_counts() {
    let mut world = World::burning();
    let (one, two) = (
        world.asks("mia", RESTORE, 20),
        world.asks("mia", RESTORE, 20),
    );
    world.passes(mins(6));
    world.approves("leon", one).unwrap();
    let second = world.state.grants[&one].clone();
    let late = world.approval(second.of.grant);
    assert_eq!(world.does("founder", late), Err(Refusal::GrantActive(one)));
    world.does("support", deny(two)).unwrap();
    assert_eq!(world.ending(two), Ending::Denied);
}

#[test]
fn who_may_say_yes_may_also_extend_and_revoke() {
    let mut world = World::burning();
    let grant = world.asks("mia", RESTORE, 20);
    world.passes(mins(5));
    world.approves("support", grant).unwrap();
    world.does("support", extend(grant, 5)).unwrap();
    world.does("support", revoke(grant)).unwrap();
    assert_eq!(world.ending(grant), Ending::Revoked);
}

#[test]
fn nobody_approves_their_own_also_not_when_it_is_their_turn() {
    let mut world = World::burning();
    let grant = world.asks("founder", RESTORE, 20);
    let asked = world.grant(grant).clone();
    assert_eq!(asked.approvers, ["leon", "mia"].map(id));
    assert_eq!(asked.escalation.unwrap().to, [id("support")]);
    world.passes(mins(5));
    let own = world.approves("founder", grant);
    assert_eq!(own, Err(Refusal::SelfApproval(grant)));
}

#[test]
fn where_nobody_is_there_to_answer_it_escalates_at_once() {
    let frozen = |world: &mut World| drop(world.does("mia", freeze("leon")).unwrap());
    let gone = |world: &mut World| {
        let act = Act::Remove {
            person: id("leon"),
            reason: crate::world::line("left"),
        };
        world.does("founder", act).unwrap();
    };
    for lose in [&frozen as &dyn Fn(&mut World), &gone] {
        let mut world = World::burning();
        lose(&mut world);
        let grant = world.asks("mia", RESTORE, 20);
        assert_eq!(world.escalations(grant), [world.now]);
        world.approves("founder", grant).unwrap();
    }
    let mut lonely = policy();
    lonely.rules[5].approvers = vec![breakglass_domain::policy::Selector::Person(id("mia"))];
    let mut world = World::burning();
    world.loads(lonely).unwrap();
    let grant = world.asks("mia", RESTORE, 20);
    assert_eq!(world.escalations(grant), [world.now], "nobody but herself");
}

#[test]
fn who_is_lost_meanwhile_changes_nothing_of_what_was_told() {
    let mut world = World::burning();
    let asked_at = world.now;
    let grant = world.asks("mia", RESTORE, 20);
    world.passes(mins(1));
    world.does("mia", freeze("leon")).unwrap();
    let early = world.approves("founder", grant).unwrap_err();
    assert_eq!(early.code(), "APPROVAL_TOO_EARLY");
    let again = world.asks("mia", RESTORE, 20);
    assert_eq!(world.escalations(again), [world.now], "asking again helps");
    world.passes(mins(4));
    assert_eq!(world.escalations(grant), [asked_at.plus(mins(5))]);
}

#[test]
fn what_is_over_never_escalates() {
    let mut world = World::burning();
    let [approved, denied, dropped] = [0, 1, 2].map(|_| world.asks("mia", RESTORE, 20));
    world.approves("leon", approved).unwrap();
    world.does("leon", deny(denied)).unwrap();
    world.does("mia", Act::Drop { grant: dropped }).unwrap();
    world.passes(mins(20));
    for grant in [approved, denied, dropped] {
        assert_eq!(world.escalations(grant), []);
    }
}

#[test]
fn what_closes_meanwhile_never_escalates() {
    let mut world = World::burning();
    let grant = world.asks("mia", RESTORE, 20);
    world.does("leon", close(1)).unwrap();
    world.passes(mins(5));
    assert_eq!(world.escalations(grant), []);
    assert_eq!(world.ending(grant), Ending::IncidentClosed);
}

#[test]
fn after_a_night_without_a_broker_nobody_is_asked_about_what_lapsed() {
    let mut world = World::burning();
    let grant = world.asks("mia", RESTORE, 20);
    world.now = world.now.plus(mins(15));
    world.tick();
    assert_eq!(world.escalations(grant), []);
    assert_eq!(world.ending(grant), Ending::Lapsed);
    let late = world.asks("mia", RESTORE, 20);
    world.now = world.now.plus(mins(14));
    world.tick();
    assert_eq!(world.escalations(late), [world.now], "late, and in time");
    let last = world.asks("leon", RESTORE, 20);
    world.now = world.now.plus(hours(9));
    world.tick();
    assert_eq!(world.escalations(last), []);
    assert_eq!(world.state.next_deadline(), None);
}

#[test]
fn it_is_due_at_its_very_instant() {
    let mut world = World::burning();
    world.asks("mia", RESTORE, 20);
    let at = world.now.plus(mins(5));
    assert_eq!(world.state.next_deadline(), Some(at));
    assert_eq!(due(&world.state, at).len(), 1);
    // A yes at that instant comes after it: the sequencer does first what is due.
    world.now = at;
    world.approves("founder", GrantId(1)).unwrap();
}

/// A clock that fell back behind the newest entry makes nothing earlier or later.
#[test]
fn a_yes_is_decided_against_the_entry_and_not_against_the_clock() {
    let mut world = World::burning();
    let grant = world.asks("mia", RESTORE, 20);
    let (at, act) = (world.now.plus(mins(6)), world.approval(grant));
    let mut signed = (*world.statement("founder")).clone();
    signed.at = at;
    let command = Command {
        by: Actor::Person(id("founder")),
        signed: Some(signed.into()),
        act,
    };
    let refusal = decide(&world.state, &command, at).unwrap_err();
    assert_eq!(refusal.code(), "APPROVAL_TOO_EARLY");
}

#[test]
fn a_rule_that_became_stricter_counts() {
    let mut world = World::burning();
    let grant = world.asks("mia", RESTORE, 20);
    world.passes(mins(5));
    let mut stricter = policy();
    stricter.rules[5].escalates = None;
    world.loads(stricter).unwrap();
    let refusal = world.approves("founder", grant).unwrap_err();
    assert_eq!(refusal.code(), "NOT_APPROVER");
    world.approves("leon", grant).unwrap();
}

#[test]
fn a_rule_that_came_to_ask_more_people_changes_no_request() {
    let mut world = World::burning();
    let grant = world.asks("mia", MIGRATE, 20);
    let mut wider = policy();
    wider.rules[1].escalates = wider.rules[5].escalates.clone();
    world.loads(wider).unwrap();
    world.passes(mins(6));
    assert_eq!(world.escalations(grant), []);
    let refusal = world.approves("support", grant).unwrap_err();
    assert_eq!(refusal.code(), "NOT_APPROVER");
}

#[test]
fn both_asleep_and_the_rule_denies() {
    let mut world = World::burning();
    let mut denies = policy();
    denies.rules[5].if_nobody_answers = breakglass_domain::policy::IfNobodyAnswers::Deny;
    world.loads(denies).unwrap();
    let grant = world.asks("mia", RESTORE, 20);
    world.passes(mins(15));
    assert_eq!(
        world.escalations(grant).len(),
        0,
        "in one step nobody is asked late"
    );
    let grant = world.asks("mia", RESTORE, 20);
    world.passes(mins(5));
    world.passes(mins(10));
    assert_eq!(world.escalations(grant).len(), 1);
    assert_eq!(world.ending(grant), Ending::Lapsed);
}

#[test]
fn both_asleep_and_the_requester_begins_alone() {
    let mut world = World::burning();
    let grant = world.asks("mia", RESTORE, 20);
    world.passes(mins(5));
    world.passes(mins(5));
    let begin = world.self_grant(grant);
    world.does("mia", begin).unwrap();
    assert_eq!(world.escalations(grant).len(), 1);
    let active = world.grant(grant).active().unwrap();
    assert_eq!(active.basis, Basis::SelfGranted);
}

#[test]
fn a_call_waits_for_the_second_yes_as_for_the_first() {
    let mut world = World::burning();
    let mut called = policy();
    called.rules[4].escalates = called.rules[5].escalates.clone();
    called.rules[4].approvers = called.rules[3].who[..0].to_vec();
    called.rules[4]
        .approvers
        .push(breakglass_domain::policy::Selector::Person(id("designer")));
    world.loads(called).unwrap();
    let grant = world.asks("mia", crate::world::ROTATE, 20);
    let call = world.call(grant, 1);
    world.does("leon", call).unwrap();
    world.does("mia", note(1)).unwrap();
    let early = world.approves("founder", grant).unwrap_err();
    assert_eq!(early.code(), "APPROVAL_TOO_EARLY");
    world.passes(mins(5));
    world.approves("founder", grant).unwrap();
    assert_eq!(world.grant(grant).active().unwrap().basis, Basis::Called);
}

#[test]
fn a_snapshot_between_asking_and_escalating_changes_nothing() {
    let mut world = World::burning();
    let grant = world.asks("mia", RESTORE, 20);
    world.passes(mins(4));
    world.state = world.state.clone().reindexed();
    world.passes(mins(1));
    assert_eq!(world.escalations(grant).len(), 1);
    world.state = world.state.clone().reindexed();
    world.passes(mins(1));
    assert_eq!(world.escalations(grant).len(), 1);
    assert!(world.state.incidents.contains_key(&IncidentId(1)));
}

/// What a removal's receipt says nobody is left to answer.
#[test]
fn a_request_that_still_goes_to_somebody_is_not_left_behind() {
    let mut world = World::burning();
    let grant = world.asks("mia", RESTORE, 20);
    let left = |world: &World, who: &str| {
        let person = id(who);
        let left: Vec<_> = world.state.left_waiting(&person).collect();
        left.iter().any(|left| left.of.grant == grant)
    };
    assert!(!left(&world, "leon"), "the founder is asked later");
    world.does("mia", freeze("founder")).unwrap();
    world.does("mia", freeze("support")).unwrap();
    assert!(left(&world, "leon"), "nobody is left");
    let hopeless = |world: &World| {
        let asked = &world.state.grants[&grant];
        world.state.nobody_is_left(asked, world.now)
    };
    assert!(!hopeless(&world), "leon is there");
    world.does("mia", freeze("leon")).unwrap();
    assert!(hopeless(&world));
    let lift = unfreeze("leon");
    world.does("mia", lift).unwrap();
    assert!(!hopeless(&world), "he is back");
    assert!(!left(&world, "designer"), "who never could leaves nothing");
    world.passes(mins(5));
    assert!(left(&world, "leon"), "also when it has gone on");
}
