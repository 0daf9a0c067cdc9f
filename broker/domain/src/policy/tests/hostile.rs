//! Whatever the file holds: no panic, and nothing of it reaches a terminal raw.

use proptest::prelude::*;

use super::{refused, starter_with};
use crate::limits::POLICY_MAX;
use crate::policy::limits::PROBLEMS_MAX;
use crate::policy::{Policy, PolicyError, STARTER};
use crate::text::restyles;

/// What every error must be, whatever led to it.
fn is_fit_to_print(error: &PolicyError, text: &str) -> Result<(), TestCaseError> {
    let drawn = error.to_string();
    let raw = drawn.chars().find(|&c| restyles(c) && c != '\n');
    prop_assert_eq!(raw, None, "in {:?}", drawn);
    prop_assert!(!error.problems().is_empty() && error.problems().len() <= PROBLEMS_MAX);
    for problem in error.problems() {
        prop_assert!(problem.line >= 1 && problem.line <= text.matches('\n').count() + 1);
        prop_assert!(problem.column >= 1);
        prop_assert!(!problem.message.is_empty() && !problem.help.is_empty());
        let told = problem.message.chars().chain(problem.help.chars());
        prop_assert_eq!(told.filter(|&c| restyles(c)).count(), 0);
        let place = format!("policy.toml:{}:{}", problem.line, problem.column);
        prop_assert!(drawn.contains(&place), "{} in {}", place, drawn);
    }
    Ok(())
}

fn is_taken_well(text: &str) -> Result<(), TestCaseError> {
    match Policy::parse("policy.toml", text) {
        Ok(policy) => {
            prop_assert_eq!(&*policy.text, text);
            let told = policy.describe() + &policy.warnings().join("\n");
            prop_assert_eq!(
                told.chars().filter(|&c| restyles(c) && c != '\n').count(),
                0
            );
            Ok(())
        }
        Err(error) => is_fit_to_print(&error, text),
    }
}

/// See [`piece`].
const PIECES: &[&str] = &[
    "\"",
    "'",
    "\"\"\"",
    "[",
    "]",
    "[[",
    "]]",
    "{",
    "}",
    "=",
    ".",
    ",",
    "#",
    "\n",
    "\r\n",
    "\r",
    "\t",
    " ",
    "\\",
    "\\u001b",
    "\u{1b}[31m",
    "\u{202E}",
    "\u{FEFF}",
    "\u{0}",
    "ä",
    "日本",
    "👩‍🚒",
    "1",
    "-1",
    "1e400",
    "0x1",
    "99999999999999999999",
    "true",
    "inf",
    "1979-05-27",
    "[]",
    "\"\"",
    "\"job:\"",
    "\"job:engineer\"",
    "\"mia\"",
    "version = 2",
    "version",
    "[people]",
    "[people.mia]",
    "[[rules]]",
    "[rights.deploy-shop.x]",
    "[duties]",
    "\"\\u001b[2J\" = 1",
    "\"\\n\" = \"\\n\"",
    "longest = \"-5m\"",
    "\"9999999999h\"",
    "\"1ns\"",
    "\"5m ago\"",
];

/// A piece that means something to TOML, to the policy, to a terminal, or to UTF-8.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => proptest::sample::select(PIECES).prop_map(str::to_owned),
        1 => ".{0,12}",
        1 => Just("x".repeat(300)),
    ]
}

/// The starter with pieces put in, and stretches taken out, doubled or moved.
fn mutated() -> impl Strategy<Value = String> {
    let change = (any::<prop::sample::Index>(), 0usize..40, piece(), 0u8..4);
    proptest::collection::vec(change, 1..6).prop_map(|changes| {
        let mut text = STARTER.to_owned();
        for (at, length, piece, how) in changes {
            let from = text.floor_char_boundary(at.index(text.len() + 1));
            let to = text.floor_char_boundary((from + length).min(text.len()));
            match how {
                0 => text.insert_str(from, &piece),
                1 => text.replace_range(from..to, ""),
                2 => text.replace_range(from..to, &piece),
                _ => {
                    let again = text[from..to].to_owned();
                    text.insert_str(from, &again);
                }
            }
        }
        text
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_text_is_taken_well(text in any::<String>()) {
        is_taken_well(&text)?;
    }

    #[test]
    fn any_pieces_are_taken_well(pieces in proptest::collection::vec(piece(), 0..30)) {
        is_taken_well(&pieces.concat())?;
    }

    #[test]
    fn a_starter_with_slips_is_taken_well(text in mutated()) {
        is_taken_well(&text)?;
    }

    #[test]
    fn a_starter_cut_short_is_taken_well(at in any::<prop::sample::Index>()) {
        let end = STARTER.floor_char_boundary(at.index(STARTER.len()));
        is_taken_well(&STARTER[..end])?;
    }
}

#[test]
fn a_long_line_is_cut_and_still_pointed_at() {
    for filling in ["x", "ä", "日", "\t", "e\u{301}"] {
        let name = filling.repeat(4_000);
        let text = starter_with("name = \"Mia\"", &format!("name = \"{name}\""));
        let drawn = refused(&text).to_string();
        let longest = drawn.lines().map(|line| line.chars().count()).max();
        assert!(longest < Some(600), "{drawn}");
        assert!(drawn.contains('^'), "{drawn}");
        assert!(drawn.contains("--> policy.toml:24:8"), "{drawn}");
    }
}

#[test]
fn a_name_of_a_file_is_not_drawn_raw_either() {
    let error = Policy::parse("\u{1b}[2J/policy.toml", "version = 2").expect_err("version 2");
    assert!(
        error
            .to_string()
            .contains("--> \\u{1b}[2J/policy.toml:1:11"),
        "{error}"
    );
}

#[test]
fn what_an_escape_stands_for_is_not_drawn_raw() {
    let text = starter_with("job = \"designer\"", "\"\\u001b[31m\\u202e\" = 1");
    let drawn = refused(&text).to_string();
    assert!(
        drawn.contains("has no field `\\u{1b}[31m\\u{202e}`"),
        "{drawn}"
    );
}

#[test]
fn a_policy_that_does_not_fit_an_entry_is_refused_unread() {
    let text = format!("{STARTER}#{}", "x".repeat(POLICY_MAX));
    let error = refused(&text);
    assert_eq!(error.problems().len(), 1);
    assert!(error.to_string().len() < 400, "{error}");
    let fits = "#".repeat(POLICY_MAX - STARTER.len());
    assert!(Policy::parse("policy.toml", &format!("{STARTER}{fits}")).is_ok());
}

#[test]
fn a_file_full_of_mistakes_is_told_in_part() {
    let text = format!("{STARTER}\n[people.x]\nname = \"X\"\njob = \"x\"\n");
    let wrong: String = (0..800).map(|n| format!("field-{n} = \"{n}\"\n")).collect();
    let error = refused(&(text + &wrong));
    assert_eq!(error.problems().len(), PROBLEMS_MAX);
    assert!(
        error.to_string().ends_with("\n\nand 750 more problems"),
        "{error}"
    );
}
