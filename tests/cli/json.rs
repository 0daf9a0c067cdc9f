//! `-o json` is JSON, for every command that answers.

use breakglass_tests::Playground;

#[test]
fn every_answer_is_one_json_value() {
    let playground = Playground::begins();
    playground.opens("the worker floods");
    let json = |who: &str, words: &[&str]| {
        let said = playground.glass(who, &[&["-o", "json"], words].concat());
        assert!([0, 81, 82].contains(&said.code), "{words:?}: {said}");
        said.json()
    };
    assert_eq!(json("mia", &["whoami"])["person"], "mia");
    assert_eq!(json("mia", &["can"])["person"], "mia");
    json("mia", &["can", "leon", "deploy-shop"]);
    let grant = json("mia", &["request", "deploy-shop", "-m", "why"]);
    assert_eq!(
        (&grant["id"], &grant["basis"]),
        (&"G-1".into(), &"fast-path".into())
    );
    json("mia", &["extend", "G-1", "--for", "1m", "-m", "why"]);
    let token = json("mia", &["credential", "jwt", "--grant", "G-1"]);
    assert!(token["expires_at"].is_string(), "{token}");
    let waiting = json(
        "mia",
        &["request", "read-secrets", "-m", "why", "--no-wait"],
    );
    assert_eq!(waiting["state"], "waiting");
    json("leon", &["approve", "G-2", "--yes"]);
    json(
        "mia",
        &["request", "read-secrets", "-m", "why", "--no-wait"],
    );
    json("leon", &["deny", "G-3", "-m", "why"]);
    json("mia", &["drop", "G-2"]);
    json("leon", &["revoke", "G-1", "-m", "why"]);
    let status = json("designer", &["status"]);
    assert_eq!(status["incidents"][0]["id"], "INC-1");
    json("designer", &["doctor"]);
    json("designer", &["context", "list"]);
    json("designer", &["context", "use", "designer"]);
    json("designer", &["grants", "--all"]);
    json("designer", &["grants", "show", "G-1"]);
    json("designer", &["incident", "list", "--all"]);
    json("designer", &["incident", "show", "INC-1"]);
    json("designer", &["incident", "note", "seen"]);
    json("designer", &["ledger", "show", "0"]);
    let story = json("designer", &["ledger", "show", "G-2"]);
    assert_eq!(
        (&story["grant"], &story["holds"]),
        (&"G-2".into(), &true.into())
    );
    let why = json("designer", &["ledger", "why", "G-2"]);
    assert_eq!(why["decisions"][0]["rule"]["rule"], "secrets", "{why}");
    assert_eq!(why["follows"], true);
    json("designer", &["ledger", "verify"]);
    let mirror = playground.path("a mirror");
    let kept = json("designer", &["ledger", "mirror", mirror.to_str().unwrap()]);
    assert!(
        kept["entries"].is_u64() && kept["mended"].is_array(),
        "{kept}"
    );
    json("designer", &["people", "list"]);
    json("designer", &["policy", "show"]);
    assert_eq!(json("designer", &["review", "access"])["days"], 90);
    json(
        "designer",
        &["policy", "check", playground.policy().to_str().unwrap()],
    );
    let line = json("founder", &["people", "invite", "support"]);
    assert!(
        line["enrolment"]
            .as_str()
            .unwrap()
            .starts_with("https://localhost:")
    );
    json("founder", &["freeze", "support", "-m", "why"]);
    json("founder", &["freeze", "support", "--lift", "-m", "why"]);
    json(
        "founder",
        &["people", "remove", "support", "-m", "why", "--yes"],
    );
    json(
        "founder",
        &[
            "ledger",
            "export",
            playground.path("a copy").to_str().unwrap(),
        ],
    );
    json("leon", &["incident", "open", "another"]);
    json("leon", &["incident", "close", "INC-2", "-m", "why"]);

    let lines = playground.done(
        "designer",
        &["-o", "json", "ledger", "list", "--limit", "500"],
    );
    assert_eq!(
        lines.json_lines().len(),
        playground.entries().len(),
        "the entries, one a line"
    );
}

#[test]
fn errors_are_json_too_on_the_other_side() {
    let playground = Playground::begins();
    for (words, code, reason) in [
        (
            &["request", "deploy-shop", "-m", "why"][..],
            80,
            "NO_OPEN_INCIDENT",
        ),
        (&["grants", "show", "G-9"], 1, "UNKNOWN_GRANT"),
        (&["grants", "show", "what?"], 2, "USAGE"),
        (&["grants", "show"], 2, "USAGE"),
        (&["aprove", "G-1"], 2, "USAGE"),
        (&["request", "x", "--for", "soon"], 2, "USAGE"),
        (&["--context", "nobody", "status"], 1, "SETUP"),
        (
            &["--server", "https://127.0.0.1:1", "status"],
            84,
            "UNREACHABLE",
        ),
    ] {
        let said = playground.glass("mia", &[&["-o", "json"], words].concat());
        assert_eq!(
            (said.code, said.reason().as_str()),
            (code, reason),
            "{said}"
        );
        assert_eq!(said.out, "", "{said}");
    }
}

#[test]
fn beside_an_answer_there_is_only_json() {
    let playground = Playground::begins();
    playground.opens("the worker floods");
    let words = [
        "-o",
        "json",
        "exec",
        "deploy-shop",
        "-m",
        "why",
        "--",
        "true",
    ];
    let said = playground.done("mia", &words);
    for line in said.err.lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap_or_else(|_| panic!("{said}"));
    }
    let ask = ["request", "migrate-shop-db", "-m", "jobs", "--no-wait"];
    assert_eq!(playground.glass("mia", &ask).code, 81);
    let said = playground.glass("leon", &["-o", "json", "approve", "G-2"]);
    assert_eq!((said.code, said.reason().as_str()), (2, "USAGE"), "{said}");
}

#[test]
fn streams_are_json_lines() {
    let playground = Playground::begins();
    let incident = playground.opens("the worker floods");
    let mut follow = playground.spawns(
        "designer",
        &["-o", "json", "ledger", "follow", "--from", "0"],
    );
    let mut watch = playground.spawns(
        "designer",
        &["-o", "json", "incident", "watch", "--from-start"],
    );
    watch.says("incident.opened");
    playground.done("leon", &["incident", "close", &incident, "-m", "fixed"]);
    let line = follow.says("incident.closed");
    let entry: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(entry["reason"], "fixed");
    let watched = watch.finishes();
    assert_eq!(
        watched.code, 83,
        "the incident it watched is over: {watched}"
    );
    assert!(watched.json_lines().len() >= 2);
    let late = playground.glass("designer", &["incident", "watch", &incident]);
    assert_eq!(late.code, 83, "it does not wait for ever: {late}");
    assert!(late.err.contains("leon closed INC-1: fixed"), "{late}");
    let all = playground.glass(
        "designer",
        &["incident", "watch", &incident, "--from-start"],
    );
    assert_eq!(all.code, 83, "{all}");
    assert!(all.out.contains("fixed"), "{all}");
}
