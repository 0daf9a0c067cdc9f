//! Scripts: nothing asks a question where nobody sits, and nothing is coloured unasked.

use std::process::Stdio;

use breakglass_tests::Playground;
use breakglass_tests::playground::Process;

#[test]
fn nothing_prompts_without_a_terminal() {
    let playground = Playground::begins();
    playground.opens("the worker floods");
    let asked = ["request", "migrate-shop-db", "-m", "jobs", "--no-wait"];
    assert_eq!(playground.glass("mia", &asked).code, 81);
    for (who, words) in [
        ("leon", &["approve", "G-1"][..]),
        ("mia", &["request", "deploy-shop"]),
        ("mia", &["exec", "deploy-shop", "--", "true"]),
        ("leon", &["deny", "G-1"]),
        ("leon", &["revoke", "G-1"]),
        ("leon", &["freeze", "mia"]),
        ("leon", &["incident", "close"]),
        ("founder", &["people", "remove", "mia", "-m", "last day"]),
        ("leon", &["watch"]),
        ("mia", &["request", "deploy-shop", "-m", "-"]),
        ("leon", &["incident", "close", "-m", "-"]),
    ] {
        // Its end shows that it did not wait: nobody would ever answer.
        let said = playground.glass(who, words);
        assert_eq!(said.code, 2, "{words:?}: {said}");
        assert!(said.err.contains("next:"), "it says how to say it: {said}");
    }
    let said = playground.glass("mia", &["self-grant", "G-1"]);
    assert_eq!(
        said.code, 82,
        "nobody would be asked: it is too early: {said}"
    );
    // Several incidents, and nobody to choose one.
    playground.done("mia", &["incident", "open", "another one"]);
    let said = playground.glass("mia", &["request", "deploy-shop", "-m", "why"]);
    assert_eq!(said.code, 2, "{said}");
    assert!(
        said.err.contains("INC-1") && said.err.contains("INC-2"),
        "{said}"
    );
}

#[test]
fn a_misspelt_filter_is_not_taken_for_an_answer() {
    let playground = Playground::begins();
    playground.opens("the worker floods");
    for (words, unheard_of) in [
        (&["ledger", "list", "--person", "mai"][..], "`mai`"),
        (
            &["ledger", "list", "--person", "mia", "--incident", "INC-9"],
            "`INC-9`",
        ),
        (&["grants", "--right", "deploy-shp"], "`deploy-shp`"),
    ] {
        let said = playground.done("mia", words);
        let warning = said.err.lines().find(|line| line.starts_with("warning: "));
        let warning = warning.unwrap_or_else(|| panic!("{words:?}: {said}"));
        assert!(warning.contains(unheard_of), "{words:?}: {said}");
    }
    let said = playground.glass("mia", &["ledger", "list", "--kind", "incident.opend"]);
    assert_eq!((said.code, said.out.as_str()), (2, ""), "{said}");
    assert!(said.err.contains("`incident.opend`"), "{said}");
    assert!(
        said.err.contains("did you mean `incident.opened`?"),
        "{said}"
    );
    // There is such a kind, and it has not happened yet.
    let said = playground.done("mia", &["ledger", "list", "--kind", "host.certified"]);
    assert!(said.out.contains("No such entry."), "{said}");
    assert!(!said.err.contains("warning"), "{said}");
    for words in [
        &["ledger", "list", "--kind", "incident."][..],
        &["ledger", "list", "--person", "mia", "--incident", "INC-1"],
        &["grants", "--person", "mia"],
    ] {
        let said = playground.done("mia", words);
        assert!(!said.err.contains("warning"), "{words:?}: {said}");
    }
    let said = playground.done("mia", &["ledger", "list", "--kind", "incident."]);
    assert!(said.out.contains("incident.opened"), "{said}");
}

#[test]
fn colours_are_for_terminals_and_for_those_who_ask() {
    let playground = Playground::begins();
    playground.opens("the worker floods");
    let run = |variables: &[(&str, &str)], words: &[&str]| {
        let mut glass = playground.glass_command("mia", words);
        glass.envs(variables.iter().copied());
        Process::spawn(glass).finishes()
    };
    for words in [&["status"][..], &["grants", "show", "G-9"]] {
        let has_escapes = |variables: &[(&str, &str)]| {
            let said = run(variables, words);
            said.out.contains('\u{1b}') || said.err.contains('\u{1b}')
        };
        assert!(!has_escapes(&[]), "{words:?}: a pipe gets none");
        assert!(
            has_escapes(&[("CLICOLOR_FORCE", "1")]),
            "{words:?}: unless it is asked for"
        );
        assert!(!has_escapes(&[("NO_COLOR", "1")]), "{words:?}");
    }
}

#[test]
fn a_hostile_reason_never_reaches_a_terminal() {
    let playground = Playground::begins();
    let hostile = "x\u{1b}]0;pwned\u{7}\u{1b}[2K";
    for words in [
        &["incident", "open", hostile][..],
        &["request", hostile, "-m", "why"],
        &["grants", "show", hostile],
        &["--context", hostile, "status"],
        &["--server", hostile, "status"],
        &["people", "invite", hostile],
        &["enroll", hostile],
    ] {
        let said = playground.glass("mia", words);
        assert!([1, 2].contains(&said.code), "{words:?}: {said}");
        assert!(
            !said.err.contains('\u{1b}') && !said.out.contains('\u{1b}'),
            "{words:?}: {said}"
        );
    }
}

#[test]
fn both_programs_hide_the_same_from_a_terminal() {
    use breakglass_client::text::is_unsafe;
    use breakglass_domain::text::{hides, restyles};
    for c in '\0'..=char::MAX {
        assert_eq!(hides(c), is_unsafe(c), "{c:?}");
        assert!(hides(c) || !restyles(c), "{c:?}");
    }
}

#[test]
fn flags_win_over_the_environment_and_that_over_the_files() {
    let playground = Playground::begins();
    let who = |variables: &[(&str, &str)], words: &[&str]| {
        let mut glass = playground.glass_command("mia", words);
        glass
            .env_remove("GLASS_CONTEXT")
            .envs(variables.iter().copied());
        let said = Process::spawn(glass).finishes();
        assert_eq!(said.code, 0, "{said}");
        said.json()["person"].as_str().unwrap().to_owned()
    };
    let json = ["-o", "json", "whoami"];
    playground.done("nobody", &["context", "use", "leon"]);
    assert_eq!(who(&[], &json), "leon");
    assert_eq!(who(&[("GLASS_CONTEXT", "mia")], &json), "mia");
    let flag = ["-o", "json", "--context", "founder", "whoami"];
    assert_eq!(who(&[("GLASS_CONTEXT", "mia")], &flag), "founder");
    assert_eq!(
        who(
            &[("GLASS_OUTPUT", "json"), ("GLASS_CONTEXT", "")],
            &["whoami"]
        ),
        "leon"
    );
}

#[test]
fn what_is_on_the_laptop_is_for_its_owner_alone() {
    use breakglass_tests::playground::mode_of;
    let playground = Playground::begins();
    let context = playground.contexts().join("contexts/mia");
    assert_eq!(mode_of(&context), 0o700);
    for file in [
        "key.pem",
        "certificate.pem",
        "ca.pem",
        "checkpoint",
        "context.toml",
    ] {
        assert_eq!(mode_of(&context.join(file)), 0o600, "{file}");
    }
    let keys = playground.data().join("keys");
    assert_eq!(mode_of(&keys), 0o700);
    for file in std::fs::read_dir(&keys).unwrap() {
        let file = file.unwrap().path();
        if file.extension().is_some_and(|kind| kind == "pem") {
            assert_eq!(mode_of(&file), 0o600, "{}", file.display());
        }
    }
}

#[test]
fn what_a_program_says_in_colours_is_noted_without_them() {
    let playground = Playground::begins();
    playground.opens("the worker floods");
    let noted = |text: &str| {
        let mut glass = playground.glass_command("mia", &["note", "-"]);
        glass.stdin(Stdio::piped());
        let mut glass = Process::spawn(glass);
        glass.hears(text);
        glass.finishes()
    };
    let said = noted("\u{1b}[31mERROR\u{1b}[0m queue at 40k\n");
    assert_eq!(said.code, 0, "{said}");
    assert!(said.err.contains("colours were left out"), "{said}");
    let notes = playground.entries_of("incident.noted");
    assert_eq!(notes[0]["text"], "ERROR queue at 40k");
    let said = noted("up\u{1b}[2J");
    assert_eq!(said.code, 2, "{said}");
    let said = noted("\u{1f468}\u{200d}\u{1f469} on call");
    assert_eq!(said.code, 2, "{said}");
    assert!(said.err.contains("U+200D, a zero width joiner"), "{said}");
    assert_eq!(playground.entries_of("incident.noted").len(), 1);
}
