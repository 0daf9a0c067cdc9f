//! Each exit code of `glass`, by a situation that really has it.

use breakglass_tests::Playground;
use breakglass_tests::playground::Rules;

#[test]
fn each_code_says_what_happened() {
    let mut playground = Playground::begins();
    let ask: &[&str] = &["request", "deploy-shop", "-m", "why"];
    let code = |playground: &Playground, who: &str, words: &[&str], wanted: i32| {
        let said = playground.glass(who, words);
        assert_eq!(said.code, wanted, "glass {}: {said}", words.join(" "));
        if wanted != 0 {
            assert!(said.err.contains("error: "), "it says why: {said}");
            assert!(said.err.contains("next:"), "and what to do: {said}");
        }
    };
    code(&playground, "mia", &["status"], 0);
    code(&playground, "nobody", &["status"], 1);
    code(&playground, "mia", &["request", "de ploy", "-m", "why"], 2);
    code(&playground, "mia", ask, 80);
    code(&playground, "mia", &["incident", "show", "INC-7"], 80);
    let incident = playground.opens("the worker floods");
    code(
        &playground,
        "mia",
        &["request", "read-secrets", "-m", "why", "--no-wait"],
        81,
    );
    code(&playground, "designer", ask, 82);
    code(&playground, "mia", &["approve", "G-1", "--yes"], 82);
    assert_eq!(
        playground.glass("designer", &["can", "deploy-shop"]).code,
        82,
        "an answer: no"
    );
    playground.done("leon", &["deny", "G-1", "-m", "no"]);
    code(&playground, "leon", &["approve", "G-1", "--yes"], 83);
    playground.done("mia", ask);
    playground.done("leon", &["incident", "close", &incident, "-m", "fixed"]);
    code(
        &playground,
        "mia",
        &["credential", "jwt", "--grant", "G-2"],
        83,
    );
    code(
        &playground,
        "mia",
        &[
            "request",
            "deploy-shop",
            "-m",
            "why",
            "--incident",
            &incident,
        ],
        80,
    );
    playground.stops();
    code(&playground, "mia", &["status"], 84);
}

#[test]
fn a_laptop_that_knows_no_broker_says_how_to_begin() {
    let playground = Playground::empty(Rules::default());
    let said = playground.glass("mia", &["status"]);
    assert_eq!(said.code, 1);
    assert!(said.err.contains("not enrolled"), "{said}");
    assert!(said.err.contains("glass people invite"), "{said}");
}
