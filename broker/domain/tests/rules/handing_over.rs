//! Handing over: somebody else goes on, to the same end, by their own rule, without a gap.

use breakglass_domain::limits::REQUESTS;
use breakglass_domain::{
    Act, Actor, Basis, Change, Ending, Event, GrantId, Refusal, SessionId, Severity, Time,
};

use crate::acts::{close, deny, freeze, issue, note, open, remove, revoke, veto};
use crate::targets;
use crate::world::{
    DEPLOY, MIGRATE, Outcome, RESTORE, ROTATE, SECRETS, World, endings, hours, id, key_of, line,
    millis, mins, policy,
};

/// Mia may do it for half an hour, and five minutes of that are over.
pub(crate) fn busy(right: &str) -> (World, GrantId, Time) {
    let mut world = World::burning();
    let grant = world.asks("mia", right, 20);
    if world.grant(grant).is_waiting() {
        let yes = world.approval(grant);
        world.does("founder", yes).unwrap();
    }
    let ends_at = world.ends_at(grant);
    world.passes(mins(5));
    (world, grant, ends_at)
}

pub(crate) fn hands_over(world: &mut World, grant: GrantId, to: &str) -> Outcome {
    let handing = world.handing(grant, to);
    world.does("mia", handing)
}

pub(crate) fn new_grant(events: &[Event]) -> GrantId {
    events[0].change.grant().unwrap().grant
}

/// The new grant begins, and right behind it, at the same moment, the old one ends and names it.
fn swaps(events: &[Event], old: GrantId, new: GrantId) -> Basis {
    let begins =
        |event: &Event| matches!(&event.change, Change::GrantStarted { of, .. } if of.grant == new);
    let place = events.iter().position(begins).expect("it begins");
    let Change::GrantStarted { basis, .. } = &events[place].change else {
        unreachable!()
    };
    let end = &events[place + 1];
    let Change::GrantEnded { of, ending, to, .. } = &end.change else {
        panic!("{end:?}")
    };
    assert_eq!((of.grant, *ending), (old, Ending::HandedOver));
    assert_eq!(to.as_ref().unwrap().grant, new);
    assert_eq!((end.at, &end.by), (events[place].at, &Actor::Broker));
    *basis
}

#[test]
fn where_nobody_has_to_agree_it_begins_at_once_and_ends_when_the_old_one_would() {
    let (mut world, old, ends_at) = busy(DEPLOY);
    let events = hands_over(&mut world, old, "leon").unwrap();
    let new = new_grant(&events);
    assert_eq!(swaps(&events, old, new), Basis::FastPath);
    assert!(events[0].signed.is_some() && events[0].by == Actor::Person(id("mia")));
    assert!(!world.is_live(old));
    assert_eq!(world.ends_at(new), ends_at);
    let grant = world.grant(new);
    assert_eq!(grant.of.person, id("leon"));
    assert!(!grant.held, "nobody's client holds it yet");
    assert_eq!(grant.handed.as_ref().unwrap().by, id("mia"));
    assert_eq!(
        world.calls("mia", issue(old)).unwrap_err().code(),
        "GRANT_ENDED"
    );
    world.passes(mins(15));
    assert_eq!(world.ending(new), Ending::Expired, "at the original end");
}

#[test]
fn who_is_in_by_the_old_one_is_to_go_and_who_comes_by_the_new_one_stays() {
    let mut world = targets::burning();
    let old = targets::asks(&mut world, "mia");
    targets::issues(&mut world, "mia", old, targets::ssh()).unwrap();
    targets::comes_in(&mut world, "web-1", old, 1).unwrap();
    let handing = world.handing(old, "leon");
    let new = new_grant(&world.does("mia", handing).unwrap());
    let session = |world: &World, number| world.state.targets.sessions[&SessionId(number)].clone();
    assert_eq!(session(&world, 1).over_at, Some(world.now), "to be cut");
    let again = targets::comes_in(&mut world, "web-1", old, 1);
    assert!(again.is_err(), "no way back");
    targets::issues(&mut world, "leon", new, targets::ssh()).unwrap();
    targets::comes_in(&mut world, "web-1", new, 1).unwrap();
    targets::reports(&mut world, "web-1", targets::is_over(1)).unwrap();
    assert_eq!(session(&world, 2).over_at, None);
}

#[test]
fn credentials_are_bound_to_the_laptop_that_takes_them() {
    let (mut world, old, _) = busy(DEPLOY);
    world.enrolls("leon").unwrap();
    let new = new_grant(&hands_over(&mut world, old, "leon").unwrap());
    let Act::Issue { wanted, .. } = issue(new) else {
        unreachable!()
    };
    let mut takes = |key| {
        let wanted = wanted.clone();
        world.calls(
            "leon",
            Act::Issue {
                grant: new,
                wanted,
                key,
            },
        )
    };
    assert_eq!(
        takes(key_of("mia", 1)),
        Err(Refusal::NotEnrolled(id("leon"))),
        "no key of his"
    );
    let theirs = world.keys[&id("leon")].clone();
    let wanted = wanted.clone();
    let key = theirs.clone();
    let events = world
        .calls(
            "leon",
            Act::Issue {
                grant: new,
                wanted,
                key,
            },
        )
        .unwrap();
    let Change::CredentialIssued { key, .. } = &events[0].change else {
        panic!("{events:?}")
    };
    assert_eq!(*key, theirs);
}

#[test]
fn who_hands_over_and_is_an_approver_has_said_yes_with_it() {
    let (mut world, old, ends_at) = busy(MIGRATE);
    let events = hands_over(&mut world, old, "leon").unwrap();
    let new = new_grant(&events);
    assert_eq!(swaps(&events, old, new), Basis::Approved);
    assert_eq!(events[1].by, Actor::Person(id("mia")));
    assert_eq!(world.ends_at(new), ends_at);
    assert_eq!(world.grant(new).self_grant, None);
}

#[test]
fn else_it_waits_and_the_old_one_goes_on_until_somebody_answers() {
    let (mut world, old, ends_at) = busy(SECRETS);
    let events = hands_over(&mut world, old, "leon").unwrap();
    assert_eq!(events.len(), 1, "it only asks");
    let new = new_grant(&events);
    assert!(world.grant(new).is_waiting());
    assert_eq!(world.grant(new).approvers, [id("founder")], "never Leon");
    world.calls("mia", issue(old)).unwrap();
    world.passes(mins(3));
    assert_eq!(
        world.does("leon", world.approval(new)),
        Err(Refusal::SelfApproval(new))
    );
    let yes = world.approval(new);
    let events = world.does("founder", yes).unwrap();
    assert_eq!(swaps(&events, old, new), Basis::Approved);
    assert_eq!(world.ends_at(new), ends_at, "the original end");
    assert_eq!(world.ending(old), Ending::HandedOver);
}

#[test]
fn what_was_agreed_to_does_not_outlast_the_old_one() {
    let (mut world, old, ends_at) = busy(SECRETS);
    let new = new_grant(&hands_over(&mut world, old, "leon").unwrap());
    let mut yes = world.approval(new);
    if let Act::Approve { until, .. } = &mut yes {
        *until = until.plus(hours(1));
    }
    world.does("founder", yes).unwrap();
    assert_eq!(world.ends_at(new), ends_at);
}

#[test]
fn a_call_is_still_wanted_and_an_approver_who_hands_over_has_agreed() {
    let (mut world, old, ends_at) = busy(DEPLOY);
    let mut stricter = policy();
    let leons = &mut stricter.rules[0];
    leons.approvers = policy().rules[1].approvers.clone();
    leons.call = policy().rules[4].call.clone();
    world.loads(stricter).unwrap();
    let events = hands_over(&mut world, old, "leon").unwrap();
    let new = new_grant(&events);
    assert!(
        matches!(&events[1].change, Change::GrantApproved { until, .. } if *until == ends_at),
        "{events:?}"
    );
    let missing = world.grant(new).missing_at(world.now).unwrap();
    assert!(missing.call && missing.note && !missing.approval);
    let call = world.call(new, 1);
    world.does("mia", call).unwrap();
    assert!(world.is_live(old), "still hers");
    let events = world.does("mia", note(1)).unwrap();
    assert_eq!(swaps(&events, old, new), Basis::Called);
    assert_eq!(world.ends_at(new), ends_at);
}

#[test]
fn what_waits_ends_with_what_it_was_to_be_handed_over_from_and_says_why() {
    type End = fn(&mut World, GrantId) -> Outcome;
    let ends: [(End, &str); 5] = [
        (
            |world, old| world.does("mia", Act::Drop { grant: old }),
            "G-1 is over: given back",
        ),
        (
            |world, old| world.does("founder", revoke(old)),
            "G-1 is over: revoked",
        ),
        (
            |world, _| world.does("founder", freeze("mia")),
            "G-1 is over: its holder was frozen",
        ),
        (
            |world, _| world.does("founder", remove("mia")),
            "G-1 is over: its holder left, or may not have it any more",
        ),
        (
            |world, old| world.broker_does(Act::Abandon { grant: old }),
            "G-1 is over: the `glass` that held it was gone",
        ),
    ];
    for (end, why) in ends {
        let (mut world, old, _) = busy(SECRETS);
        let new = new_grant(&hands_over(&mut world, old, "leon").unwrap());
        let events = end(&mut world, old).unwrap();
        let last = events.last().unwrap();
        let Change::GrantEnded {
            of, ending, reason, ..
        } = &last.change
        else {
            panic!("{last:?}")
        };
        assert_eq!((of.grant, *ending), (new, Ending::Lapsed), "{why}");
        assert_eq!(reason.as_ref().unwrap().as_str(), why);
        assert!(last.by == Actor::Broker && last.signed.is_none());
        assert!(events[0].signed.is_some() || why.contains("glass"));
    }
}

#[test]
fn who_expires_before_anybody_answers_has_nothing_to_hand_over() {
    let (mut world, old, _) = busy(SECRETS);
    let new = new_grant(&hands_over(&mut world, old, "leon").unwrap());
    world.passes(mins(15));
    assert_eq!(world.ending(old), Ending::Expired);
    assert_eq!(world.ending(new), Ending::Lapsed);
}

#[test]
fn the_end_of_the_incident_is_the_end_of_both() {
    let (mut world, old, _) = busy(SECRETS);
    let new = new_grant(&hands_over(&mut world, old, "leon").unwrap());
    let events = world.does("leon", close(1)).unwrap();
    let both = [old, new].map(|grant| (grant, Ending::IncidentClosed));
    assert_eq!(endings(&events), both);
}

#[test]
fn a_no_leaves_the_old_one_as_it_was() {
    let (mut world, old, ends_at) = busy(SECRETS);
    let new = new_grant(&hands_over(&mut world, old, "leon").unwrap());
    let events = world.does("founder", deny(new)).unwrap();
    assert_eq!(endings(&events), [(new, Ending::Denied)]);
    assert_eq!(world.ends_at(old), ends_at);
}

#[test]
fn who_hands_over_takes_it_back_while_it_waits() {
    let (mut world, old, _) = busy(SECRETS);
    let new = new_grant(&hands_over(&mut world, old, "leon").unwrap());
    let back = Act::Drop { grant: new };
    assert!(matches!(
        world.does("founder", back.clone()),
        Err(Refusal::NotYours { .. })
    ));
    world.does("mia", back).unwrap();
    assert_eq!(world.ending(new), Ending::Dropped);
    assert!(world.is_live(old));
    let new = new_grant(&hands_over(&mut world, old, "leon").unwrap());
    let yes = world.approval(new);
    world.does("founder", yes).unwrap();
    let back = Act::Drop { grant: new };
    assert!(
        matches!(world.does("mia", back), Err(Refusal::NotYours { .. })),
        "his by now"
    );
}

#[test]
fn of_several_who_wait_the_first_has_it() {
    let (mut world, old, _) = busy(SECRETS);
    let leons = new_grant(&hands_over(&mut world, old, "leon").unwrap());
    let founders = new_grant(&hands_over(&mut world, old, "founder").unwrap());
    let yes = world.approval(leons);
    let events = world.does("founder", yes).unwrap();
    swaps(&events, old, leons);
    assert_eq!(
        endings(&events),
        [(old, Ending::HandedOver), (founders, Ending::Lapsed)]
    );
}

/// Leon and the founder may have it where an engineer has spoken with them.
fn with_a_call(world: &mut World) {
    let mut stricter = policy();
    stricter.rules[0].call = policy().rules[4].call.clone();
    stricter.rules[0].who.extend(policy().rules[3].who.clone());
    world.loads(stricter).unwrap();
}

#[test]
fn one_note_hands_it_over_once() {
    let (mut world, old, _) = busy(DEPLOY);
    with_a_call(&mut world);
    let leons = new_grant(&hands_over(&mut world, old, "leon").unwrap());
    let founders = new_grant(&hands_over(&mut world, old, "founder").unwrap());
    for grant in [leons, founders] {
        let call = world.call(grant, 1);
        world.does("mia", call).unwrap();
    }
    let events = world.does("mia", note(1)).unwrap();
    swaps(&events, old, leons);
    assert_eq!(
        endings(&events),
        [(old, Ending::HandedOver), (founders, Ending::Lapsed)]
    );
}

#[test]
fn nobody_waits_for_what_would_be_over_when_it_began() {
    let (mut world, old, _) = busy(DEPLOY);
    with_a_call(&mut world);
    let mut handing = world.handing(old, "leon");
    if let Act::HandOver { until, .. } = &mut handing {
        *until = world.now.plus(mins(5));
    }
    let new = new_grant(&world.does("mia", handing).unwrap());
    let call = world.call(new, 1);
    world.does("mia", call).unwrap();
    world.passes(mins(6));
    assert_eq!(world.ending(new), Ending::Lapsed);
    let events = world.does("mia", note(1)).unwrap();
    assert_eq!(events.len(), 1, "{events:?}");
    assert!(world.is_live(old), "hers as before");
}

#[test]
fn handed_on_again_the_end_is_still_the_original() {
    let (mut world, first, ends_at) = busy(MIGRATE);
    let began = world.grant(first).active().unwrap().begins_at;
    let second = new_grant(&hands_over(&mut world, first, "leon").unwrap());
    world.passes(mins(5));
    let handing = world.handing(second, "mia");
    let third = new_grant(&world.does("leon", handing).unwrap());
    assert_eq!(world.ends_at(third), ends_at);
    assert_eq!(world.ending(second), Ending::HandedOver);
    assert_eq!(world.grant(third).handed.as_ref().unwrap().since, began);
}

#[test]
fn nobody_begins_alone_what_is_to_be_handed_over() {
    let (mut world, old, _) = busy(SECRETS);
    let new = new_grant(&hands_over(&mut world, old, "leon").unwrap());
    let alone = world.self_grant(new);
    assert_eq!(world.does("leon", alone), Err(Refusal::HandedOver(new)));
    let refusal = world.does("support", veto(new)).unwrap_err();
    assert_eq!(refusal.code(), "NOTHING_TO_VETO");
}

#[test]
fn only_the_holder_hands_over_and_only_what_is_active() {
    let (mut world, old, _) = busy(MIGRATE);
    let handing = world.handing(old, "founder");
    assert_eq!(
        world.does("leon", handing),
        Err(Refusal::NotYours {
            grant: old,
            holder: id("mia"),
        })
    );
    let mut waiting = world.handing(old, "leon");
    let asked = world.asks("mia", SECRETS, 10);
    if let Act::HandOver { grant, .. } = &mut waiting {
        *grant = asked;
    }
    assert_eq!(
        world.does("mia", waiting),
        Err(Refusal::GrantWaiting(asked))
    );
    let handing = world.handing(old, "leon");
    world.does("mia", Act::Drop { grant: old }).unwrap();
    assert_eq!(
        world.does("mia", handing).unwrap_err().code(),
        "GRANT_ENDED"
    );
}

#[test]
fn only_to_somebody_else_who_is_here_and_may_have_it() {
    let (world, old, _) = busy(MIGRATE);
    let refused = |world: &World, to: &str| {
        let mut world = world.clone();
        hands_over(&mut world, old, to).unwrap_err()
    };
    assert_eq!(refused(&world, "mia"), Refusal::OwnHandover(old));
    assert_eq!(
        refused(&world, "nobody"),
        Refusal::UnknownPerson(id("nobody"))
    );
    let refusal = refused(&world, "support");
    assert_eq!(refusal.code(), "NOT_ALLOWED");
    let told = refusal.to_string();
    assert!(told.ends_with("these people could go on: leon"), "{told}");
    let mut frozen = world.clone();
    frozen.does("founder", freeze("leon")).unwrap();
    assert_eq!(refused(&frozen, "leon"), Refusal::PersonFrozen(id("leon")));
    let mut removed = world.clone();
    removed.does("founder", remove("leon")).unwrap();
    assert_eq!(refused(&removed, "leon"), Refusal::HasNoKey(id("leon")));
    let mut has_it = world.clone();
    let theirs = has_it.asks("leon", MIGRATE, 5);
    assert_eq!(
        refused(&has_it, "leon"),
        Refusal::HoldsAlready {
            person: id("leon"),
            grant: theirs,
        }
    );
}

#[test]
fn a_veto_of_the_receiver_holds_here_too() {
    let (mut world, old, _) = busy(MIGRATE);
    let theirs = world.asks("leon", MIGRATE, 5);
    world.does("designer", veto(theirs)).unwrap();
    assert_eq!(
        hands_over(&mut world, old, "leon"),
        Err(Refusal::VetoedReceiver {
            person: id("leon"),
            grant: old,
        })
    );
    let asked = world.asks("leon", MIGRATE, 5);
    let yes = world.approval(asked);
    world.does("mia", yes).expect("a yes works as always");
}

#[test]
fn what_was_signed_is_what_stands_there() {
    type Lie = fn(&mut Act);
    let lies: [Lie; 5] = [
        |act| {
            if let Act::HandOver { incident, .. } = act {
                incident.0 += 1;
            }
        },
        |act| {
            if let Act::HandOver { right, .. } = act {
                *right = DEPLOY.parse().unwrap();
            }
        },
        |act| {
            if let Act::HandOver { sentence, .. } = act {
                *sentence = line("look at it");
            }
        },
        |act| {
            if let Act::HandOver { until, .. } = act {
                *until = until.plus(millis(1));
            }
        },
        |act| {
            if let Act::HandOver { until, .. } = act {
                *until = Time::from_millis(until.as_millis() - 15 * 60_000);
            }
        },
    ];
    for lie in lies {
        let (mut world, old, _) = busy(MIGRATE);
        let mut handing = world.handing(old, "leon");
        lie(&mut handing);
        let refusal = world.does("mia", handing).unwrap_err();
        assert_eq!(refusal.code(), "SENTENCE_CHANGED", "{refusal}");
    }
}

#[test]
fn late_reviews_hold_up_what_needs_nobody_here_too() {
    let mut world = World::team();
    let mut reviewing = policy();
    reviewing.review_within = Some(hours(24));
    world.loads(reviewing).unwrap();
    world.does("mia", open()).unwrap();
    world.asks("mia", DEPLOY, 5);
    world.does("mia", close(1)).unwrap();
    world.passes(hours(23));
    let quiet = Act::Open {
        severity: Severity::Sev3,
        title: line("slow"),
    };
    world.does("mia", quiet).unwrap();
    let mut wanted = world.request("mia", DEPLOY, 30);
    if let Act::Request {
        incident, length, ..
    } = &mut wanted
    {
        incident.0 = 2;
        *length = mins(30);
    }
    world.passes(mins(45));
    let old = new_grant(&world.does("mia", wanted).unwrap());
    world.passes(mins(20));
    let refusal = hands_over(&mut world, old, "leon").unwrap_err();
    assert_eq!(refusal.code(), "REVIEW_DEBT", "{refusal}");
}

#[test]
fn it_is_a_request_of_who_signs() {
    let (mut world, old, _) = busy(SECRETS);
    for _ in 0..REQUESTS.most {
        let Ok(events) = hands_over(&mut world, old, "leon") else {
            break;
        };
        let back = Act::Drop {
            grant: new_grant(&events),
        };
        world.does("mia", back).unwrap();
    }
    assert_eq!(
        hands_over(&mut world, old, "leon").unwrap_err().code(),
        "TOO_MANY"
    );
    world.asks("leon", SECRETS, 5);
}

#[test]
fn nothing_is_handed_over_while_the_clock_is_behind() {
    let (mut world, old, _) = busy(DEPLOY);
    world.does("mia", note(1)).unwrap();
    let handing = world.handing(old, "leon");
    world.now = Time::from_millis(world.now.as_millis() - 60_000);
    assert_eq!(
        world.does("mia", handing).unwrap_err().code(),
        "CLOCK_BEHIND"
    );
}

#[test]
fn the_rule_for_keys_asks_the_receiver_for_all_of_it() {
    let mut world = World::burning();
    let old = world.asks("founder", ROTATE, 20);
    let call = world.call(old, 1);
    world.does("mia", call).unwrap();
    world.does("founder", note(1)).unwrap();
    let handing = world.handing(old, "leon");
    let events = world.does("founder", handing).unwrap();
    let new = new_grant(&events);
    assert!(matches!(events[1].change, Change::GrantApproved { .. }));
    let unlock = world.grant(new).unlock.clone().unwrap();
    assert_eq!(unlock.callers, [id("mia")], "never Leon");
}

/// The receiver's rule asks Leon first, who is not there: it goes on to others along with the request.
#[test]
fn it_goes_to_others_as_the_rule_of_the_receiver_says() {
    let mut world = World::burning();
    let old = world.asks("founder", RESTORE, 20);
    let yes = world.approval(old);
    world.does("leon", yes).unwrap();
    world.does("founder", freeze("leon")).unwrap();
    let handing = world.handing(old, "mia");
    let events = world.does("founder", handing).unwrap();
    let new = new_grant(&events);
    assert!(matches!(events[1].change, Change::GrantEscalated { .. }));
    let asked = ["leon", "founder", "support"].map(id);
    assert_eq!(world.grant(new).approvers, asked);
    let yes = world.approval(new);
    let events = world.does("support", yes).unwrap();
    assert_eq!(swaps(&events, old, new), Basis::Approved);
}
