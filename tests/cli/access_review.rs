//! The review of access as it is read: on a screen, in a spreadsheet, and as a page.

use breakglass_tests::Playground;
use breakglass_tests::playground::Rules;

use crate::golden;
use crate::main_job::typed;

/// A team of five, a right with a sentence that would be markup, a formula and a link, and a host
/// that nobody guards.
const POLICY: &str = r#"version = 1

[people.mia]
name = "Mia"
job = "engineer"

[people.leon]
name = "Leon"
job = "engineer"

[people.founder]
name = "Founder"
job = "founder"

[people.designer]
name = "Designer"
job = "designer"

[people.support]
name = "Support"
job = "support"

[rights.deploy-shop]
sentence = "deploy the shop app"
risk = "low"
longest = "30m"
audience = "https://deploy.shop.example"

[rights.read-secrets]
sentence = "read production secrets"
risk = "high"
longest = "15m"
audience = "https://vault.shop.example"

[rights.odd]
sentence = "=1+1 | <b>see</b> [this](https://x.example)"
risk = "low"
longest = "5m"
audience = "https://odd.shop.example"

[targets.web-1]
kind = "ssh"
address = "web-1.shop.example"

[[rules]]
name = "engineers-fix"
who = ["job:engineer"]
rights = ["deploy-shop"]
approvers = []

[[rules]]
name = "secrets"
who = ["job:engineer"]
rights = ["read-secrets"]
approvers = ["founder", "support"]

[duties]
open_incidents = ["job:engineer", "support"]
invite = ["founder"]
"#;

#[test]
fn the_review_as_it_is_read() {
    let playground = Playground::with(Rules {
        policy: Some(POLICY.to_owned()),
        ..Rules::default()
    });
    playground.opens("the worker floods");
    let deploy = ["exec", "deploy-shop", "-m", "revert", "--", "true"];
    playground.done("mia", &deploy);
    let remove = ["people", "remove", "support", "-m", "last day", "--yes"];
    playground.done("founder", &remove);
    let mut transcript = String::new();
    for words in [
        &["review", "access"][..],
        &["review", "access", "-o", "csv"],
        &["review", "access", "-o", "markdown"],
        &["status", "-o", "csv"],
        &["review", "access", "--days", "0"],
    ] {
        transcript.push_str(&typed(&playground, "designer", words));
    }
    // What somebody did a moment ago was `now`, or a second ago on a busy machine.
    let transcript = transcript.replace(" now", " AGO");
    golden::holds("transcripts/access-review.txt", &transcript);
}
