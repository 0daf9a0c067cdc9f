//! Handing over, typed, and everything it prints; and what becomes of the commands that run.

use breakglass_tests::Playground;
use breakglass_tests::playground::Process;

use crate::golden;
use crate::main_job::typed;

#[test]
fn a_handover_as_it_is_read() {
    let playground = Playground::begins();
    let steps: &[(&str, &[&str])] = &[
        ("support", &["incident", "open", "the worker floods"]),
        (
            "mia",
            &["request", "deploy-shop", "-m", "revert the worker"],
        ),
        ("mia", &["handover", "G-1", "mia"]),
        ("mia", &["handover", "G-1", "support"]),
        ("leon", &["handover", "G-1", "founder"]),
        ("mia", &["handover", "G-1", "leon", "-m", "I have to sleep"]),
        ("mia", &["handover", "G-1", "leon"]),
        ("mia", &["grants", "show", "G-1"]),
        ("leon", &["grants", "show", "G-2"]),
        ("leon", &["exec", "deploy-shop", "--", "true"]),
        ("leon", &["grants"]),
        ("leon", &["drop", "G-2"]),
        ("mia", &["request", "restart-worker", "-m", "it is stuck"]),
        ("mia", &["handover", "G-3", "founder"]),
        ("mia", &["handover", "G-3", "founder"]),
        (
            "founder",
            &["exec", "restart-worker", "--no-wait", "--", "true"],
        ),
        ("founder", &["self-grant", "G-4"]),
        ("mia", &["drop", "G-4"]),
        (
            "mia",
            &["handover", "G-3", "founder", "-m", "restart, then watch"],
        ),
        ("mia", &["call", "G-5", "founder", "--yes"]),
        ("mia", &["incident", "note", "founder and I spoke"]),
        ("mia", &["grants", "--all", "--right", "restart-worker"]),
        ("founder", &["incident", "close", "-m", "reverted"]),
        ("founder", &["incident", "show", "INC-1"]),
        ("designer", &["review", "INC-1"]),
        ("designer", &["ledger", "verify"]),
    ];
    let typed = |(who, words): &(&str, &[&str])| typed(&playground, who, words);
    let transcript: String = steps.iter().map(typed).collect();
    golden::holds("transcripts/handover.txt", &transcript);
}

#[test]
fn what_mia_runs_ends_and_says_who_goes_on() {
    let playground = Playground::begins();
    playground.opens("the worker floods");
    let script = playground.script("work", "echo begun\nexec sleep 600");
    let words = [
        "exec",
        "deploy-shop",
        "-m",
        "revert",
        "--",
        script.to_str().unwrap(),
    ];
    let mut glass = Process::spawn(playground.glass_command("mia", &words));
    glass.says("begun");
    playground.done("leon", &["whoami"]);
    let said = playground.done("mia", &["-o", "json", "handover", "G-1", "leon"]);
    let new = said.json();
    assert_eq!(
        (&new["id"], &new["person"], &new["state"]),
        (&"G-2".into(), &"leon".into(), &"active".into())
    );
    assert_eq!(
        (&new["from_grant"], &new["from_person"]),
        (&"G-1".into(), &"mia".into())
    );
    let said = glass.finishes();
    assert_eq!(said.code, 83, "{said}");
    assert!(
        said.err.contains("G-1 was handed over to leon, as G-2"),
        "{said}"
    );
    // Leon's does not ask again, and leaves it to him when it is over.
    let script = "test -n \"$GLASS_TOKEN_FILE\" && echo \"$GLASS_GRANT\"";
    for _ in 0..2 {
        let said = playground.done("leon", &["exec", "deploy-shop", "--", "sh", "-c", script]);
        assert_eq!(said.out, "G-2\n", "{said}");
        assert!(said.err.contains("handed over from mia's G-1"), "{said}");
        assert!(said.err.contains("glass drop G-2"), "{said}");
        assert!(
            said.err.contains("handed over from mia's G-1 (revert)"),
            "{said}"
        );
        assert!(!said.err.contains("are left out"), "{said}");
    }
    // What he types has no place in what is his already, and he is told.
    let words = [
        "exec",
        "deploy-shop",
        "-m",
        "mine",
        "--for",
        "5m",
        "--",
        "true",
    ];
    let said = playground.done("leon", &words);
    assert!(said.err.contains("G-2 was handed over by mia"), "{said}");
    assert!(said.err.contains("-m and --for are left out"), "{said}");
    assert_eq!(playground.entries_of("grant.requested").len(), 2);
    let endings = playground.entries_of("grant.ended");
    assert_eq!(endings.len(), 1, "G-2 stays");
    assert_eq!(endings[0]["to_person"], "leon");
}
