//! What happened under an incident, for everybody, in order of time.

use breakglass_tests::Playground;
use breakglass_tests::playground::binary;
use serde_json::Value;

/// An incident with a bit of everything that needs no target, closed, and another one after it.
fn a_night_long_ago() -> Playground {
    let playground = Playground::begins();
    playground.opens("the worker floods");
    playground.done(
        "designer",
        &["note", "pages take nine seconds\nthree users wrote"],
    );
    playground.done("mia", &["request", "deploy-shop", "-m", "revert"]);
    let refused = playground.glass("designer", &["request", "deploy-shop", "-m", "let me"]);
    assert_eq!(refused.code, 82, "{refused}");
    let asked = ["request", "migrate-shop-db", "-m", "jobs", "--no-wait"];
    assert_eq!(playground.glass("mia", &asked).code, 81);
    playground.done("leon", &["deny", "G-2", "-m", "use the replica"]);
    playground.done("leon", &["incident", "close", "-m", "reverted"]);
    playground.opens("mails are late");
    playground.done("leon", &["incident", "close", "-m", "they came"]);
    playground
}

fn items(playground: &Playground, words: &[&str]) -> (Vec<Value>, Value) {
    let words = [&["-o", "json", "incident", "show", "INC-1"], words].concat();
    let shown = playground.done("support", &words).json();
    let items = shown["timeline"].as_array().unwrap().clone();
    (items, shown["before"].clone())
}

#[test]
fn everybody_reads_all_of_it_in_order() {
    let playground = a_night_long_ago();
    let (items, before) = items(&playground, &[]);
    assert_eq!(before, Value::Null, "there is no more");
    let kinds: Vec<_> = items
        .iter()
        .map(|item| item["kind"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        [
            "incident.opened",
            "incident.noted",
            "grant.requested",
            "grant.started",
            "refused",
            "grant.requested",
            "grant.ended",
            "grant.ended",
            "incident.closed",
        ]
    );
    let entries = playground.entries();
    for item in &items {
        let entry = &entries[usize::try_from(item["index"].as_u64().unwrap()).unwrap()];
        assert_eq!((&entry["kind"], &entry["at"]), (&item["kind"], &item["at"]));
        assert_eq!(entry["by"], item["by"]);
    }
    let said = playground.done("designer", &["incident", "show", "INC-1"]);
    let lines: Vec<_> = said.out.lines().collect();
    let place = |what: &str| {
        let found = lines.iter().position(|line| line.contains(what));
        found.unwrap_or_else(|| panic!("{what}: {said}"))
    };
    let note = place("on INC-1:");
    assert!(lines[note + 2].ends_with("three users wrote"), "{said}");
    assert!(note < place("was refused (request)"), "{said}");
    assert!(
        place("was refused (request)") < place("denied G-2"),
        "{said}"
    );
    assert!(
        place("denied G-2") < place("closed INC-1: reverted."),
        "{said}"
    );
    // The other incident is another story.
    assert!(!said.out.contains("mails"), "{said}");
}

#[test]
fn the_newest_come_first_and_pages_leave_nothing_out() {
    let playground = a_night_long_ago();
    let (whole, _) = items(&playground, &[]);
    let mut pages = Vec::new();
    let mut before = None;
    for round in 0.. {
        assert!(round < 9, "it ends: {before:?}");
        let mut words = vec!["--limit", "2"];
        let typed: Option<String> = before.as_ref().map(Value::to_string);
        if let Some(before) = &typed {
            words.extend(["--before", before.as_str()]);
        }
        let (page, next) = items(&playground, &words);
        pages.splice(0..0, page);
        if next.is_null() {
            break;
        }
        before = Some(next);
    }
    assert_eq!(pages, whole);
    let said = playground.done("mia", &["incident", "show", "INC-1", "--limit", "2"]);
    let hint = format!("--before {}", whole[whole.len() - 2]["index"]);
    assert!(said.out.contains(&hint), "{said}");
}

#[test]
fn who_watches_reads_the_same_lines() {
    let playground = a_night_long_ago();
    let (shown, _) = items(&playground, &[]);
    let words = ["-o", "json", "incident", "watch", "INC-1", "--from-start"];
    let watched = playground.glass("support", &words);
    assert_eq!(watched.code, 83, "{watched}");
    assert_eq!(watched.json_lines(), shown);

    let third = playground.opens("and again");
    let words = ["-o", "json", "incident", "watch", "--from-start"];
    let mut watch = playground.spawns("designer", &words);
    watch.says("incident.opened");
    playground.done("mia", &["note", "it is the index"]);
    watch.says("it is the index");
    playground.done("leon", &["incident", "close", "-m", "fixed"]);
    let watched = watch.finishes();
    assert_eq!(watched.code, 83, "{watched}");
    let words = ["-o", "json", "incident", "show", &third];
    let shown = playground.done("support", &words).json();
    assert_eq!(Value::from(watched.json_lines()), shown["timeline"]);
}

#[test]
fn a_note_within_an_access_goes_to_its_incident() {
    let playground = Playground::begins();
    playground.opens("the worker floods");
    playground.opens("the shop is slow");
    let said = playground.glass("support", &["note", "which one?"]);
    assert_eq!(said.code, 2, "{said}");
    assert!(
        said.err.contains("INC-1") && said.err.contains("INC-2"),
        "{said}"
    );
    assert!(said.err.contains("--incident"), "{said}");
    let glass = binary("glass");
    let glass = glass.to_str().unwrap();
    let words = [
        "exec",
        "deploy-shop",
        "--incident",
        "INC-2",
        "-m",
        "why",
        "--",
    ];
    let words = [&words[..], &[glass, "note", "from within"]].concat();
    playground.done("mia", &words);
    let noted = &playground.entries_of("incident.noted")[0];
    assert_eq!(
        (&noted["incident"], &noted["text"]),
        (&"INC-2".into(), &"from within".into())
    );
}

#[test]
fn a_token_is_under_the_access_there_is() {
    let playground = Playground::begins();
    playground.opens("the worker floods");
    playground.done("mia", &["request", "deploy-shop", "-m", "revert"]);
    let words = ["-o", "json", "credential", "jwt", "deploy-shop"];
    let token = playground.done("mia", &words).json();
    assert_eq!(token["grant"], "G-1");
    playground.done("mia", &["drop", "G-1"]);
    let words = [&words[..], &["-m", "once more"]].concat();
    let token = playground.done("mia", &words).json();
    assert_eq!(token["grant"], "G-2", "there is none, so it is asked for");
    // What waits already is not asked for once more.
    let asked = ["request", "read-secrets", "-m", "jobs", "--no-wait"];
    assert_eq!(playground.glass("mia", &asked).code, 81);
    let words = [
        "credential",
        "jwt",
        "read-secrets",
        "-m",
        "jobs",
        "--no-wait",
    ];
    let said = playground.glass("mia", &words);
    assert_eq!(said.code, 81, "{said}");
    assert!(said.err.contains("G-3 waits"), "{said}");
    assert_eq!(playground.entries_of("grant.requested").len(), 3);
}
