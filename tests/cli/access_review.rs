//! The review of access as it is read: on a screen, in a spreadsheet, and as a page.

use breakglass_domain::policy::STARTER;
use breakglass_tests::Playground;
use breakglass_tests::playground::Rules;

use crate::golden;
use crate::main_job::typed;

/// A right with a sentence that would be markup, a formula and a link, and nobody who may have it.
const ODD: &str = r#"
[rights.odd]
sentence = "=1+1 | <b>see</b> [this](https://x.example)"
risk = "low"
longest = "5m"
audience = "https://odd.shop.example"

[targets.web-1]
kind = "ssh"
address = "web-1.shop.example"
"#;

#[test]
fn the_review_as_it_is_read() {
    let playground = Playground::with(Rules {
        policy: Some(format!("{STARTER}{ODD}")),
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
    golden::holds("transcripts/access-review.txt", &transcript);
}
