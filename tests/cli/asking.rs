//! Asking the ledger: what is found, the story of a grant, and why it was given; and a broker that gave
//! what its policy does not give.

use breakglass_domain::{Actor, Basis, Change, Event, GrantId, GrantRef, IncidentId, Time};
use breakglass_tests::{Playground, written};

use crate::golden;
use crate::main_job::typed;

/// Mia's request waits for a yes.
fn asked() -> Playground {
    let playground = Playground::begins();
    playground.opens("the Worker floods");
    let asks = [
        "request",
        "migrate-shop-db",
        "-m",
        "drop the jobs",
        "--no-wait",
    ];
    assert_eq!(playground.glass("mia", &asks).code, 81);
    playground
}

#[test]
fn what_is_asked_and_answered_as_it_is_read() {
    let playground = asked();
    let steps: &[(&str, &[&str])] = &[
        ("designer", &["request", "deploy-shop", "-m", "let me"]),
        ("mia", &["approve", "G-1", "--yes"]),
        ("leon", &["approve", "G-1", "--yes"]),
        ("support", &["note", "Black Friday began an hour ago"]),
        ("leon", &["incident", "close", "-m", "the worker is well"]),
        ("founder", &["ledger", "list", "--text", "worker"]),
        ("founder", &["ledger", "list", "--text", "BLACK FRIDAY"]),
        ("founder", &["ledger", "list", "--text", "never typed"]),
        ("founder", &["ledger", "list", "--outcome", "approved"]),
        ("founder", &["ledger", "list", "--outcome", "NOT_ALLOWED"]),
        ("founder", &["ledger", "list", "--outcome", "aproved"]),
        (
            "founder",
            &["ledger", "list", "--outcome", "no such thing!"],
        ),
        ("founder", &["ledger", "list", "--outcome", ""]),
        ("founder", &["ledger", "list", "--person", " "]),
        ("founder", &["ledger", "list", "--person", "Mia"]),
        ("founder", &["ledger", "list", "--right", "deploy shop"]),
        ("founder", &["ledger", "list", "--grant", "45"]),
        ("founder", &["ledger", "list", "--incident", "INC"]),
        ("founder", &["ledger", "list", "--target", "web 1"]),
        ("founder", &["ledger", "list", "--kind", "Grant.Endet"]),
        (
            "founder",
            &["ledger", "list", "--oldest-first", "--after", "99999"],
        ),
        ("founder", &["review", "--all", "--needed", "yes"]),
        ("founder", &["review", "--grant", "G-1", "--needed", "no"]),
        ("founder", &["ledger", "list", "--target", "web-1"]),
        (
            "founder",
            &["ledger", "list", "--incident", "INC-1", "--limit", "2"],
        ),
        (
            "founder",
            &[
                "ledger",
                "list",
                "--incident",
                "INC-1",
                "--limit",
                "2",
                "--after",
                "24",
            ],
        ),
        ("founder", &["ledger", "show", "G-1"]),
        ("founder", &["ledger", "show", "G-9"]),
        ("founder", &["ledger", "why", "G-1"]),
        ("founder", &["ledger", "why", "20"]),
        ("founder", &["ledger", "why", "21"]),
        ("founder", &["ledger", "why", "1"]),
        ("founder", &["ledger", "why", "the last one"]),
        ("founder", &["ledger", "verify"]),
    ];
    let typed = |(who, words): &(&str, &[&str])| typed(&playground, who, words);
    let transcript: String = steps.iter().map(typed).collect();
    golden::holds("transcripts/asking.txt", &transcript);
}

/// Somebody who has the broker's host, and so its key, begins a grant for which nobody said yes. Every
/// proof holds; that it does not follow from the policy is found by whoever asks why.
#[test]
fn a_broker_that_gave_what_its_policy_does_not_give_is_found_by_asking_why() {
    let mut playground = asked();
    playground.stops();
    let began = Event {
        at: Time::from_timestamp(breakglass_client::time::now()),
        by: Actor::Broker,
        change: Change::GrantStarted {
            of: GrantRef {
                grant: GrantId(1),
                person: "mia".parse().unwrap(),
                right: "migrate-shop-db".parse().unwrap(),
                incident: IncidentId(1),
                drill: false,
            },
            basis: Basis::FastPath,
            alone_before: 0,
            ends_at: Time::from_timestamp(breakglass_client::time::now())
                .plus(breakglass_domain::Lifetime::from_secs(600)),
        },
        signed: None,
        drill: false,
    };
    let size = written::behind_the_rules(&playground.data(), [began]).unwrap();
    playground.serves();
    for words in [["ledger", "why", "G-1"], ["ledger", "show", "G-1"]] {
        let said = playground.glass("leon", &words);
        assert_eq!(said.code, 86, "{said}");
        assert!(
            said.out.contains("mia asked to change the shop database"),
            "{said}"
        );
        assert!(said.err.contains("VERIFICATION FAILED"), "{said}");
        let why = format!(
            "entry {}: G-1 began without a yes, and needed one",
            size - 1
        );
        assert!(said.err.contains(&why), "{said}");
    }
    let said = playground.glass("leon", &["-o", "json", "ledger", "why", "G-1"]);
    assert_eq!(said.code, 86, "{said}");
    let why: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(
        (&why["follows"], &why["wrong"]["entry"]),
        (&false.into(), &(size - 1).into())
    );
    assert_eq!(why["decisions"].as_array().unwrap().len(), 1, "{why}");
    // The entry itself is there, and proven: that is not the question.
    playground.done("leon", &["ledger", "show", &(size - 1).to_string()]);
}
