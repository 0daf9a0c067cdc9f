//! Asking about one grant: its story holds by itself where the ledger does, and what does not follow from
//! the policy is found without reading the rest.

use breakglass_client::story::{Voice, why};
use breakglass_proto::statement::Act;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::json;

use crate::night::{Night, POLICY, with};
use crate::shelf::Shelf;
use crate::steps::{Step, written};

/// Random lists of what people do, the same each time: what a broker wrote of a grant is whole by itself,
/// and what it refused it refuses again.
#[test]
fn the_story_of_every_grant_of_an_honest_broker_holds() {
    let mut runner = TestRunner::deterministic();
    let (mut told, mut refused, mut again) = (0, 0, 0);
    for _ in 0..12 {
        let list = vec(any::<Step>(), 300)
            .new_tree(&mut runner)
            .unwrap()
            .current();
        let shelf = Shelf::of(&written(&list).lines);
        for grant in shelf.grants() {
            let story = shelf.story(&grant);
            assert_eq!(story.wrong, None, "{grant}");
            assert!(
                story.read > story.moments.len(),
                "what it follows from is read too"
            );
            let why = why::granted(&story, Voice::ToScripts);
            assert_eq!(why.follows, Some(true));
            for decision in &why.decisions {
                assert!(!decision.because.is_empty(), "{decision:?}");
                let empty = decision
                    .because
                    .iter()
                    .any(|it| it.trim().is_empty() || it.ends_with(": "));
                assert!(!empty, "{decision:?}");
            }
            told += 1;
        }
        for entry in shelf.refusals() {
            let why = shelf.why_refused(entry);
            assert_ne!(why.follows, Some(false), "{why:?}");
            refused += 1;
            again += u32::from(why.follows == Some(true));
        }
    }
    assert!(told > 100, "{told} stories");
    assert!(
        again > 100,
        "{again} of {refused} refusals were decided again"
    );
}

/// Another night goes on beside it, and years were before it.
#[test]
fn a_story_takes_what_it_needs_and_no_more() {
    let mut night = Night::begins();
    for number in 2..40 {
        let incident = format!("INC-{number}");
        night.opens("leon", &incident);
        night.does(
            "leon",
            Act::CloseIncident {
                incident: incident.clone(),
                reason: "mended".into(),
            },
            "incident.closed",
            json!({"incident": incident, "reason": "mended"}),
        );
    }
    night.loads(&POLICY.replace("longest = \"30m\"", "longest = \"29m\""));
    let of = night.approved("G-1");
    night.minutes_pass(30);
    night.ends(&of, "expired");
    let story = Shelf::of(&night.lines).story("G-1");
    assert_eq!(story.wrong, None);
    assert!(
        story.read < 15,
        "{} of {} entries",
        story.read,
        night.lines.len()
    );
    let loaded = story
        .moments
        .last()
        .unwrap()
        .policy
        .as_deref()
        .unwrap()
        .entry;
    assert!(night.lines[usize::try_from(loaded).unwrap()].contains("29m"));
}

fn why_of(night: &Night, grant: &str) -> why::Why {
    why::granted(&Shelf::of(&night.lines).story(grant), Voice::ToScripts)
}

#[test]
fn why_says_the_rule_its_lines_the_approver_and_what_set_the_end() {
    let mut night = Night::begins();
    let of = night.asks("G-1", "drop-db");
    night.approves(&of);
    let why = why_of(&night, "G-1");
    let [asked, began] = why.decisions.as_slice() else {
        panic!("{why:?}")
    };
    let rule = asked.rule.as_ref().unwrap();
    let lines: Vec<_> = POLICY.lines().collect();
    assert_eq!(lines[rule.first_line - 1], "[[rules]]");
    assert_eq!(lines[rule.first_line], "name = \"database\"");
    assert_eq!(lines[rule.last_line - 1], "self_grant_longest = \"10m\"");
    assert!(
        rule.text.ends_with("self_grant_longest = \"10m\""),
        "{}",
        rule.text
    );
    let because = asked.because.join("\n");
    for said in [
        "`job:engineer` stands in its `who`, and that is mia's job",
        "it needs a yes of leon (`job:engineer` stands in its `approvers`, and that is leon's job); \
         never of mia, who asks",
        "if nobody answers mia may begin it alone from ",
    ] {
        assert!(because.contains(said), "no `{said}`:\n{because}");
    }
    let because = began.because.join("\n");
    for said in [
        "leon signed a yes to the sentence that stands in the request",
        "leon is one whom the request of entry ",
        "the policy of entry 1 was still in force",
        "the earliest of all bounds",
    ] {
        assert!(because.contains(said), "no `{said}`:\n{because}");
    }
    let acts: Vec<_> = why
        .signatures
        .iter()
        .map(|it| (&*it.by, &*it.act))
        .collect();
    assert_eq!(
        acts,
        [
            ("mia", "open-incident"),
            ("mia", "request"),
            ("leon", "approve")
        ]
    );
    assert!(why.signatures.iter().all(|it| it.enrolled.is_some()));
}

/// The broker lets somebody have what the policy gives nobody.
#[test]
fn what_does_not_follow_from_the_policy_is_said() {
    let mut night = Night::begins();
    night.asks_but("G-1", "drop-db", json!({"approvers": ["leon", "eve"]}));
    let why = why_of(&night, "G-1");
    assert_eq!(why.follows, Some(false));
    let wrong = why.wrong.unwrap();
    assert_eq!(wrong.entry, Some(night.last() as u64));
    assert!(wrong.why.contains("approvers: leon, eve"), "{}", wrong.why);
    assert_eq!(wrong.error().exit_code(), 86);
    assert!(
        why.decisions.is_empty(),
        "what does not follow has no reason"
    );

    let mut night = Night::begins();
    night.approved("G-1");
    night.changes(night.last(), |entry| {
        entry["ends_at"] = json!("2026-11-23T09:00:00.000Z")
    });
    let why = why_of(&night, "G-1");
    let wrong = why.wrong.unwrap().why;
    assert!(wrong.contains("yes was said until "), "{wrong}");
    assert_eq!(why.decisions.len(), 1, "what comes before does follow");
}

/// Stopped under one incident, and what they had under another.
#[test]
fn one_act_over_two_incidents_is_read_as_a_whole() {
    let mut night = Night::begins();
    let first = night.approved("G-1");
    night.opens("leon", "INC-2");
    let second = night.asks_under("INC-2", ("G-2", "restart"), json!({}));
    night.begins_at_once(&second, json!({}));
    let act = Act::Freeze {
        person: "mia".into(),
        reason: "stolen".into(),
    };
    night.ends_signed("leon", act, &first, "person-frozen", "stolen");
    let ending = json!({"ending": "person-frozen", "reason": "stolen"});
    night.follows("grant.ended", "leon", with(second, ending));
    let frozen = json!({"person": "mia", "reason": "stolen"});
    night.follows("person.frozen", "leon", frozen);
    for grant in ["G-1", "G-2"] {
        assert_eq!(Shelf::of(&night.lines).story(grant).wrong, None, "{grant}");
    }
}

fn refused(night: &mut Night, who: &str, reason: &str, text: &str) -> why::Why {
    let body = json!({"act": "request", "reason": reason, "text": text, "count": 1});
    night.adds("refused", who, body, None);
    let shelf = Shelf::of(&night.lines);
    let entry = shelf.refusals().last().unwrap();
    shelf.why_refused(entry)
}

#[test]
fn a_refusal_is_decided_again_from_the_policy_and_the_ledger() {
    let mut night = Night::begins();
    night.asks("G-1", "drop-db");
    let closed = Act::CloseIncident {
        incident: "INC-2".into(),
        reason: "mended".into(),
    };
    night.opens("leon", "INC-2");
    let body = json!({"incident": "INC-2", "reason": "mended"});
    night.does("leon", closed, "incident.closed", body);
    night.minutes_pass(5);
    for (who, reason, text, because) in [
        (
            "eve",
            "NOT_ALLOWED",
            "no rule lets eve restart the shop",
            "its rule `alone` (line ",
        ),
        (
            "eve",
            "NOT_PERMITTED",
            "the policy does not let eve close incidents",
            "`close_incidents`",
        ),
        (
            "mia",
            "UNKNOWN_RIGHT",
            "the policy has no right `fly`",
            "has no `fly`",
        ),
        (
            "mia",
            "UNKNOWN_PERSON",
            "the policy has nobody called `sam`",
            "has no `sam`",
        ),
        (
            "mia",
            "SELF_APPROVAL",
            "G-1 is your own request; nobody approves their own",
            "G-1 is mia's own",
        ),
        (
            "eve",
            "NOT_APPROVER",
            "eve is not an approver of G-1; these people are: leon",
            "asks leon",
        ),
        (
            "mia",
            "INCIDENT_CLOSED",
            "INC-2 is closed",
            "leon had closed INC-2",
        ),
    ] {
        let why = refused(&mut night, who, reason, text);
        assert_eq!(why.follows, Some(true), "{reason}: {why:?}");
        let told = why.decisions[0].because.join("\n");
        assert!(told.contains(because), "{reason}: {told}");
    }
    for (who, reason, text) in [
        ("mia", "NOT_ALLOWED", "no rule lets mia restart the shop"),
        ("mia", "NOT_ALLOWED", "no rule lets mia fly to the moon"),
        (
            "mia",
            "NOT_PERMITTED",
            "the policy does not let mia close incidents",
        ),
        ("mia", "UNKNOWN_RIGHT", "the policy has no right `restart`"),
        (
            "mia",
            "UNKNOWN_PERSON",
            "the policy has nobody called `leon`",
        ),
        (
            "leon",
            "SELF_APPROVAL",
            "G-1 is your own request; nobody approves their own",
        ),
        (
            "leon",
            "NOT_APPROVER",
            "leon is not an approver of G-1; these people are: eve",
        ),
        (
            "mia",
            "NO_OPEN_INCIDENT",
            "no incident is open, and production access exists only while one is",
        ),
        ("mia", "INCIDENT_CLOSED", "INC-1 is closed"),
    ] {
        let why = refused(&mut night, who, reason, text);
        assert_eq!(why.follows, Some(false), "{reason}: {why:?}");
        let wrong = why.wrong.unwrap();
        assert_eq!(
            (wrong.entry, wrong.error().exit_code()),
            (Some(night.last() as u64), 86)
        );
    }
    let why = refused(
        &mut night,
        "mia",
        "CLOCK_BEHIND",
        "the broker's clock says ...",
    );
    assert_eq!((why.follows, why.wrong), (None, None));
    assert!(why.decisions[0].because[0].contains("was not decided again"));
}

/// Refusals gather for a minute: the policy they were refused by may be another by then.
#[test]
fn a_refusal_may_be_by_the_policy_that_was_in_force_just_before() {
    let mut night = Night::begins();
    let gives = POLICY.replace(
        "who = [\"job:engineer\"]\nrights = [\"restart\"]",
        "who = [\"job:engineer\", \"eve\"]\nrights = [\"restart\"]",
    );
    assert_ne!(gives, POLICY);
    night.loads(&gives);
    let text = "no rule lets eve restart the shop";
    let why = refused(&mut night, "eve", "NOT_ALLOWED", text);
    assert_eq!(why.follows, Some(true), "{why:?}");
    night.minutes_pass(5);
    let why = refused(&mut night, "eve", "NOT_ALLOWED", text);
    assert_eq!(why.follows, Some(false), "{why:?}");
}
