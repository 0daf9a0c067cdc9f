//! `glass exec`: the command has what it needs while the grant lives, and not a moment longer.

use std::path::Path;
use std::process::Stdio;

use breakglass_tests::Playground;
use breakglass_tests::playground::Process;
use breakglass_tests::wait::until;
use rustix::process::Signal;

fn flooded() -> Playground {
    let playground = Playground::begins();
    playground.opens("the worker floods");
    playground
}

fn exec<'a>(command: &[&'a str]) -> Vec<&'a str> {
    [&["exec", "deploy-shop", "-m", "revert", "--"], command].concat()
}

/// Whether a process is there and not merely waiting to be buried.
fn lives(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(") ").map(|(_, rest)| rest.chars().next());
    state.is_some_and(|state| state != Some('Z'))
}

fn last_word(line: &str) -> String {
    line.split_whitespace().last().expect("a word").to_owned()
}

#[test]
fn the_command_finds_its_token_and_nobody_else_does() {
    let playground = flooded();
    let probe = playground.script(
        "probe",
        r#"echo "file $GLASS_TOKEN_FILE"
echo "modes $(stat -c %a "$GLASS_TOKEN_FILE") $(stat -c %a "$(dirname "$GLASS_TOKEN_FILE")")"
echo "token $(cat "$GLASS_TOKEN_FILE")"
echo "about $GLASS_GRANT $GLASS_INCIDENT $GLASS_RIGHT $GLASS_ENDS_AT"
echo "words $1 $2""#,
    );
    let said = playground.done("mia", &exec(&[probe.to_str().unwrap(), "a b", "--context"]));
    let word = |name: &str| {
        let line = said.out.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("{name}: {said}"))
            .trim()
            .to_owned()
    };
    assert_eq!(word("modes"), "600 700");
    assert!(
        word("about").starts_with("G-1 INC-1 deploy-shop 20"),
        "{said}"
    );
    assert_eq!(word("words"), "a b --context");
    assert_eq!(word("token").split('.').count(), 3, "a JWT: {said}");
    let file = word("file");
    assert!(!Path::new(&file).exists(), "it is wiped");
    assert!(
        !Path::new(&file).parent().unwrap().exists(),
        "with its folder"
    );
    assert!(!said.err.contains(&word("token")), "and never said");
    let used = playground.entries_of("grant.used");
    assert_eq!(
        used[0]["program"], "probe",
        "named without its arguments and its folder"
    );
    assert_eq!(playground.entries_of("grant.ended")[0]["ending"], "dropped");
}

#[test]
fn its_exit_code_and_its_signal_are_passed_on() {
    let playground = flooded();
    for (script, code) in [
        ("exit 0", 0),
        ("exit 7", 7),
        ("kill -TERM $$", 143),
        ("kill -9 $$", 137),
    ] {
        let said = playground.glass("mia", &exec(&["sh", "-c", script]));
        assert_eq!(said.code, code, "{script}: {said}");
    }
    let endings = playground.entries_of("grant.ended");
    assert_eq!(endings.len(), 4, "each was given back");
    assert!(endings.iter().all(|entry| entry["ending"] == "dropped"));
    let said = playground.glass("mia", &exec(&["no-such-program"]));
    assert_eq!(said.code, 2, "{said}");
    std::fs::write(playground.path("notes"), "no program").unwrap();
    let said = playground.glass("mia", &exec(&["./notes"]));
    assert_eq!(said.code, 2, "{said}");
    assert!(said.err.contains("chmod +x ./notes"), "{said}");
    assert_eq!(
        playground.entries_of("grant.requested").len(),
        4,
        "nobody was asked for that"
    );
}

#[test]
fn standard_input_and_output_are_the_commands_own() {
    let playground = flooded();
    let mut glass = playground.glass_command("mia", &exec(&["cat"]));
    glass.stdin(Stdio::piped());
    let mut glass = Process::spawn(glass);
    glass.hears("select 1;\n");
    glass.says("select 1;");
    let said = glass.finishes();
    assert_eq!((said.code, said.out.as_str()), (0, "select 1;\n"));
}

#[test]
fn when_the_incident_closes_the_whole_family_ends() {
    let playground = flooded();
    let work = playground.script(
        "work",
        "sleep 1000 &\necho \"grandchild $!\"\nsetsid sh -c 'trap \"\" TERM; echo \"stubborn $$\"; \
         sleep 1000 & wait; sleep 1000' &\nsleep 1000 & wait",
    );
    let mut glass = playground.spawns("mia", &exec(&[work.to_str().unwrap()]));
    let (mut grandchild, mut stubborn) = (String::new(), String::new());
    while grandchild.is_empty() || stubborn.is_empty() {
        let line = glass.says(" ");
        match line.split_once(' ') {
            Some(("grandchild", _)) => grandchild = last_word(&line),
            Some(("stubborn", _)) => stubborn = last_word(&line),
            _ => {}
        }
    }
    assert!(lives(&grandchild) && lives(&stubborn));
    playground.done("leon", &["incident", "close", "-m", "reverted by hand"]);
    let said = glass.finishes();
    assert_eq!(said.code, 83, "{said}");
    for word in [
        "leon",
        "reverted by hand",
        "deploy the shop app",
        "INC-1",
        "`work`",
    ] {
        assert!(
            said.err.to_lowercase().contains(&word.to_lowercase()),
            "{word}: {said}"
        );
    }
    assert!(!lives(&grandchild), "a grandchild");
    assert!(
        !lives(&stubborn),
        "one that left the group and hears no SIGTERM"
    );
    assert_eq!(
        playground.entries_of("grant.ended")[0]["ending"],
        "incident-closed"
    );
}

#[test]
fn a_revoked_grant_ends_the_command_and_says_who_and_why() {
    let playground = flooded();
    let mut glass = playground.spawns("mia", &exec(&["sh", "-c", "echo up; exec sleep 1000"]));
    glass.says("up");
    playground.done("leon", &["revoke", "G-1", "-m", "wrong release"]);
    let said = glass.finishes();
    assert_eq!(said.code, 83, "{said}");
    assert!(
        said.err.contains("leon") && said.err.contains("wrong release"),
        "{said}"
    );
}

#[test]
fn a_grant_whose_time_is_over_ends_its_command() {
    let playground = flooded();
    let words = [
        "exec",
        "deploy-shop",
        "-m",
        "revert",
        "--for",
        "2s",
        "--",
        "sleep",
        "1000",
    ];
    let said = playground.glass("mia", &words);
    assert_eq!(said.code, 83, "{said}");
    let because = "the entry of an ending by time comes by itself, perhaps after the command's end";
    let ended = until("the grant expires", because, || {
        playground.entries_of("grant.ended").first().cloned()
    });
    assert_eq!(ended["ending"], "expired");
}

#[test]
fn ctrl_c_and_sigterm_give_back() {
    let playground = flooded();
    for (number, signal) in [Signal::INT, Signal::TERM].into_iter().enumerate() {
        let mut glass = playground.spawns("mia", &exec(&["sh", "-c", "echo up; exec sleep 1000"]));
        glass.says("up");
        glass.signal(signal);
        let said = glass.finishes();
        assert!([130, 143].contains(&said.code), "{said}");
        assert!(
            said.err.contains(&format!("gave G-{} back", number + 1)),
            "{said}"
        );
        let ended = &playground.entries_of("grant.ended")[number];
        assert_eq!(ended["ending"], "dropped");
    }
}

#[test]
fn a_request_is_taken_back_by_ctrl_c() {
    let playground = flooded();
    let words = ["exec", "migrate-shop-db", "-m", "jobs", "--", "true"];
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let mut glass = playground.spawns("mia", &words);
        let waiting = glass.says("waiting for");
        assert!(
            waiting.contains("founder or leon"),
            "it says for whom: {waiting}"
        );
        glass.signal(signal);
        let said = glass.finishes();
        assert_eq!(said.code, code, "{said}");
    }
    let endings = playground.entries_of("grant.ended");
    assert!(endings.len() == 2 && endings.iter().all(|entry| entry["ending"] == "dropped"));
}

#[test]
fn the_yes_begins_it_and_the_no_ends_it() {
    let playground = flooded();
    let words = [
        "exec",
        "migrate-shop-db",
        "-m",
        "jobs",
        "--",
        "echo",
        "migrated",
    ];
    let mut glass = playground.spawns("mia", &words);
    glass.says("waiting for");
    playground.done("leon", &["approve", "G-1", "--yes"]);
    let said = glass.finishes();
    assert_eq!((said.code, said.out.as_str()), (0, "migrated\n"), "{said}");
    assert!(said.err.contains("leon approved G-1"), "{said}");

    let mut glass = playground.spawns("mia", &words);
    glass.says("waiting for");
    playground.done("leon", &["deny", "G-2", "-m", "not before the backup"]);
    let said = glass.finishes();
    assert_eq!((said.code, said.out.as_str()), (82, ""), "{said}");
    assert!(
        said.err.contains("leon") && said.err.contains("not before the backup"),
        "{said}"
    );
}

#[test]
fn kill_9_leaves_nothing_behind_and_the_broker_ends_the_grant() {
    let playground = Playground::with_settings("hold_grace_seconds = 1");
    playground.opens("the worker floods");
    let mut follow = playground.spawns("designer", &["-o", "json", "ledger", "follow"]);
    let work = "echo \"file $GLASS_TOKEN_FILE\"; echo \"child $$\"; exec sleep 1000";
    let mut glass = playground.spawns("mia", &exec(&["sh", "-c", work]));
    let file = glass
        .says("file ")
        .trim()
        .trim_start_matches("file ")
        .to_owned();
    let child = last_word(&glass.says("child "));
    glass.signal(Signal::KILL);
    assert_eq!(glass.finishes().code, 137);
    let ended = follow.says("\"kind\":\"grant.ended\"");
    assert!(ended.contains("\"ending\":\"abandoned\""), "{ended}");
    let because = "the keeper of a killed glass is nobody's child any more";
    until("the command ends", because, || {
        (!lives(&child)).then_some(())
    });
    let folder = Path::new(&file).parent().unwrap();
    until("the token is wiped", because, || {
        (!folder.exists()).then_some(())
    });
}

#[test]
fn a_broker_that_restarts_does_not_cost_the_command_its_life() {
    let mut playground = flooded();
    let mut glass = playground.spawns("mia", &exec(&["sh", "-c", "echo up; exec sleep 1000"]));
    glass.says("up");
    playground.is_killed();
    glass.says("The command goes on");
    playground.serves();
    playground.done("leon", &["incident", "close", "-m", "reverted"]);
    let said = glass.finishes();
    assert_eq!(said.code, 83, "it is back and hears of the end: {said}");
    assert!(said.err.contains("reverted"), "{said}");
}
