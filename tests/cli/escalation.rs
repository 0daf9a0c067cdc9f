//! A request that goes on to the second approver, typed, and everything it prints.

use breakglass_domain::policy::STARTER;
use breakglass_tests::Playground;
use breakglass_tests::playground::Rules;

use crate::golden;
use crate::main_job::typed;

#[test]
fn whom_it_goes_to_next_as_it_is_read() {
    let first = "rights = [\"read-secrets\"]\napprovers = [\"job:engineer\", \"founder\"]";
    let then = "rights = [\"read-secrets\"]\napprovers = [\"job:engineer\"]\nescalate_after = \
                \"5m\"\nthen_approvers = [\"founder\"]";
    assert!(STARTER.contains(first));
    let playground = Playground::with(Rules {
        policy: Some(STARTER.replace(first, then)),
        ..Rules::default()
    });
    let asks = [
        "request",
        "read-secrets",
        "-m",
        "rotate the key",
        "--no-wait",
    ];
    let steps: &[(&str, &[&str])] = &[
        ("support", &["incident", "open", "a key leaked"]),
        ("mia", &["can", "mia", "read-secrets"]),
        ("mia", &asks),
        ("mia", &["grants", "show", "G-1"]),
        ("founder", &["approve"]),
        ("founder", &["approve", "G-1"]),
        ("founder", &["approve", "G-1", "--yes"]),
        ("founder", &["deny", "G-1", "-m", "not now"]),
        ("designer", &["approve", "G-1"]),
        // Nobody is left whom it would be asked of first.
        ("founder", &["freeze", "leon", "-m", "his laptop is gone"]),
        ("mia", &asks),
        ("support", &["status"]),
        ("founder", &["approve"]),
        ("founder", &["approve", "G-2", "--yes"]),
        ("mia", &["grants", "show", "G-2"]),
        ("mia", &["incident", "show", "INC-1"]),
        ("designer", &["ledger", "list", "--kind", "grant.escalated"]),
        ("designer", &["ledger", "verify"]),
    ];
    let typed = |(who, words): &(&str, &[&str])| typed(&playground, who, words);
    let transcript: String = steps.iter().map(typed).collect();
    golden::holds("transcripts/escalation.txt", &transcript);
}
