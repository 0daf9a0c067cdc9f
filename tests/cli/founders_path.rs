//! The founder's path, typed, and everything it prints.

use breakglass_tests::Playground;

use crate::golden;
use crate::main_job::typed;

#[test]
fn the_founders_path_as_it_is_read() {
    let playground = Playground::begins();
    let restart = [
        "request",
        "restart-worker",
        "-m",
        "it is stuck",
        "--no-wait",
    ];
    let steps: &[(&str, &[&str])] = &[
        ("support", &["incident", "open", "the queue grows"]),
        ("founder", &["can", "founder", "restart-worker"]),
        ("founder", &restart),
        ("founder", &["credential", "jwt", "--grant", "G-1"]),
        ("mia", &["status"]),
        ("mia", &["approve"]),
        ("mia", &["approve", "G-1"]),
        ("support", &["call", "G-1", "founder"]),
        ("founder", &["call", "G-1", "founder"]),
        ("mia", &["call", "G-1", "support"]),
        (
            "mia",
            &[
                "call",
                "G-1",
                "founder",
                "--yes",
                "--at",
                "2020-01-01T03:12:00Z",
            ],
        ),
        ("mia", &["call", "G-1", "founder"]),
        ("mia", &["call", "G-1", "founder", "--yes"]),
        ("mia", &["call", "G-1", "founder", "--yes"]),
        ("mia", &["approve", "G-1"]),
        ("founder", &["grants", "show", "G-1"]),
        (
            "founder",
            &["incident", "note", "mia and I spoke: restart, then watch"],
        ),
        ("founder", &["grants", "show", "G-1"]),
        (
            "founder",
            &["extend", "G-1", "--for", "1m", "-m", "not done"],
        ),
        ("founder", &["ledger", "list", "--grant", "G-1"]),
        ("designer", &["ledger", "verify"]),
    ];
    let typed = |(who, words): &(&str, &[&str])| typed(&playground, who, words);
    let transcript: String = steps.iter().map(typed).collect();
    golden::holds("transcripts/founders-path.txt", &transcript);
}
