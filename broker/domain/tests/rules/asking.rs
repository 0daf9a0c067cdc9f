//! Asking for a grant.

use breakglass_domain::limits::LIVE_GRANTS_PER_PERSON;
use breakglass_domain::{Act, Actor, Basis, Change, Ending, IncidentId, Lifetime, Refusal};

use crate::acts::{close, open};
use crate::world::{DEPLOY, MIGRATE, SECRETS, World, hours, id, key_of, line, mins};

#[test]
fn without_an_open_incident_nothing_can_be_asked_for() {
    let mut world = World::team();
    let wanted = world.request("mia", DEPLOY, 15);
    assert_eq!(world.does("mia", wanted), Err(Refusal::NoOpenIncident));
}

#[test]
fn after_the_only_incident_closed_nothing_can_be_asked_for() {
    let mut world = World::burning();
    world.does("mia", close(1)).unwrap();
    let wanted = world.request("mia", DEPLOY, 15);
    assert_eq!(world.does("mia", wanted), Err(Refusal::NoOpenIncident));
}

#[test]
fn only_the_named_incident_unlocks() {
    let mut world = World::burning();
    world.does("mia", open()).unwrap();
    world.does("mia", close(1)).unwrap();
    for (number, refusal) in [
        (0, Refusal::UnknownIncident(IncidentId(0))),
        (1, Refusal::IncidentClosed(IncidentId(1))),
        (3, Refusal::UnknownIncident(IncidentId(3))),
    ] {
        let mut wanted = world.request("mia", DEPLOY, 15);
        if let Act::Request { incident, .. } = &mut wanted {
            *incident = IncidentId(number);
        }
        assert_eq!(world.does("mia", wanted), Err(refusal));
    }
}

#[test]
fn a_right_that_is_not_in_the_policy_is_refused_by_its_name() {
    let mut world = World::burning();
    let wanted = world.request("mia", "drop-everything", 15);
    let refusal = Refusal::UnknownRight("drop-everything".parse().unwrap());
    assert_eq!(world.does("mia", wanted), Err(refusal));
}

#[test]
fn what_no_rule_gives_nobody_has() {
    let mut world = World::burning();
    for person in ["designer", "support", "founder"] {
        let wanted = world.request(person, DEPLOY, 15);
        let refusal = Refusal::NotAllowed {
            person: id(person),
            right: DEPLOY.parse().unwrap(),
            sentence: "deploy the shop app".into(),
        };
        assert_eq!(world.does(person, wanted), Err(refusal));
    }
}

#[test]
fn a_sentence_that_is_no_longer_the_policys_is_refused() {
    let mut world = World::burning();
    let mut wanted = world.request("mia", DEPLOY, 15);
    if let Act::Request { sentence, .. } = &mut wanted {
        *sentence = line("look at the shop app");
    }
    let refusal = Refusal::SentenceChanged("the policy says `deploy the shop app`".into());
    assert_eq!(world.does("mia", wanted), Err(refusal));
}

#[test]
fn a_request_is_neither_longer_than_the_right_nor_nothing() {
    let mut world = World::burning();
    let wanted = world.request("mia", DEPLOY, 31);
    let (asked, longest) = (mins(31), mins(30));
    let too_long = Refusal::TooLong { asked, longest };
    assert_eq!(world.does("mia", wanted), Err(too_long));

    let mut wanted = world.request("mia", DEPLOY, 30);
    if let Act::Request { length, .. } = &mut wanted {
        *length = Lifetime::from_millis(999);
    }
    let refusal = world.does("mia", wanted).unwrap_err();
    assert_eq!(refusal.code(), "INVALID_ARGUMENT");
    assert_eq!(refusal.next(), "ask for more: --for 1s");
}

#[test]
fn a_low_risk_right_begins_at_once_with_its_credential() {
    let mut world = World::burning();
    let wanted = world.request("mia", DEPLOY, 20);
    let events = world.does("mia", wanted).unwrap();
    let kinds: Vec<_> = events.iter().map(|event| &event.by).collect();
    let mia = Actor::Person(id("mia"));
    assert_eq!(kinds, [&mia, &Actor::Broker, &mia]);
    assert!(events[0].signed.is_some() && events[1].signed.is_none());

    let of = events[0].change.grant().unwrap();
    let active = world.grant(of.grant).active().unwrap();
    assert_eq!(active.basis, Basis::FastPath);
    assert_eq!(active.ends_at, world.now.plus(mins(20)));
    let Change::CredentialIssued {
        credential,
        expires_at,
        key,
        ..
    } = &events[2].change
    else {
        panic!("the third is the credential: {:?}", events[2]);
    };
    assert_eq!(credential.number, 1);
    assert_eq!(*expires_at, world.now.plus(mins(15)));
    assert_eq!(*key, world.keys[&id("mia")]);
}

#[test]
fn a_credential_comes_only_where_it_was_asked_for() {
    let mut world = World::burning();
    let mut wanted = world.request("mia", DEPLOY, 20);
    if let Act::Request { credential, .. } = &mut wanted {
        *credential = false;
    }
    assert_eq!(world.does("mia", wanted).unwrap().len(), 2);
}

#[test]
fn a_high_risk_request_waits_for_those_the_rule_names_and_never_for_oneself() {
    let mut world = World::burning();
    let grant = world.asks("mia", MIGRATE, 30);
    let grant = world.grant(grant);
    assert!(grant.is_waiting());
    assert_eq!(grant.approvers, [id("founder"), id("leon")]);
    assert_eq!(grant.rule.as_str(), "database");
    assert_eq!(grant.lapses_at, world.now.plus(mins(15)));
    let self_grant = grant.self_grant.unwrap();
    assert_eq!(self_grant.from, world.now.plus(mins(10)));
    assert_eq!(self_grant.longest, mins(10));
}

#[test]
fn a_request_whose_only_approver_is_the_requester_waits_and_lapses() {
    let mut world = World::burning();
    let mut lonely = (*world.state.policy).clone();
    lonely.rules[2].approvers.truncate(1);
    world.loads(lonely).unwrap();
    let grant = world.asks("founder", SECRETS, 10);
    assert!(world.grant(grant).is_waiting());
    assert_eq!(world.grant(grant).approvers, []);
    world.passes(mins(15));
    assert_eq!(world.ending(grant), Ending::Lapsed);
}

#[test]
fn a_high_risk_right_never_begins_by_itself_whatever_the_rule_says() {
    let mut world = World::burning();
    let mut broken = (*world.state.policy).clone();
    broken.rules[2].approvers.clear();
    world.loads(broken).unwrap();
    let grant = world.asks("mia", SECRETS, 10);
    assert!(world.grant(grant).is_waiting());
}

#[test]
fn a_request_does_not_lapse_before_its_self_grant_is_possible() {
    let mut world = World::burning();
    let mut hasty = (*world.state.policy).clone();
    hasty.rules[1].lapses_after = mins(5);
    world.loads(hasty).unwrap();
    let grant = world.asks("mia", MIGRATE, 10);
    world.passes(mins(10));
    let begin = world.self_grant(grant);
    world.does("mia", begin).unwrap();
}

#[test]
fn nothing_outlasts_its_incident() {
    let mut world = World::burning();
    world.passes(hours(7));
    world.passes(mins(50));
    let closes_at = world.state.incidents[&IncidentId(1)].closes_at;
    let active = world.asks("mia", DEPLOY, 30);
    let waiting = world.asks("mia", MIGRATE, 30);
    assert_eq!(world.ends_at(active), closes_at);
    assert_eq!(world.grant(waiting).lapses_at, closes_at);
}

#[test]
fn a_grant_is_bound_to_the_key_that_signed() {
    let mut world = World::burning();
    let mut wanted = world.request("mia", DEPLOY, 20);
    if let Act::Request { key, .. } = &mut wanted {
        *key = key_of("leon", 1);
    }
    let refusal = Refusal::NotEnrolled(id("mia"));
    assert_eq!(world.does("mia", wanted), Err(refusal));
}

#[test]
fn a_broken_script_runs_into_a_limit_and_not_into_everybody_elses_way() {
    let mut world = World::burning();
    for _ in 0..LIVE_GRANTS_PER_PERSON {
        world.asks("mia", DEPLOY, 5);
    }
    let wanted = world.request("mia", DEPLOY, 5);
    let refusal = world.does("mia", wanted).unwrap_err();
    assert_eq!(refusal.code(), "TOO_MANY");
    world.asks("leon", DEPLOY, 5);
    world.passes(mins(5));
    world.asks("mia", DEPLOY, 5);
}

#[test]
fn grants_of_one_right_are_counted_and_end_each_alone() {
    let mut world = World::burning();
    let first = world.asks("mia", DEPLOY, 10);
    let second = world.asks("mia", DEPLOY, 10);
    let right = DEPLOY.parse().unwrap();
    assert_eq!(world.state.live_count(&id("mia"), &right), 2);
    world.does("mia", Act::Drop { grant: first }).unwrap();
    assert_eq!(world.state.live_count(&id("mia"), &right), 1);
    assert!(!world.is_live(first) && world.is_live(second));
    world.does("mia", crate::acts::issue(second)).unwrap();
}
