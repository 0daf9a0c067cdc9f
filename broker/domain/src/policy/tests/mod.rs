//! What the policy accepts, what it refuses in which words, and what it says it means.

mod accepted;
mod calls;
mod drills;
mod escalating;
mod hostile;
mod mistakes;
mod mistakes_in_rules;
mod sentences;
mod sources;
mod targets;
mod witnesses;

use super::Policy;
use crate::id::PersonId;

/// Panics with the drawn problems, so that a failing test shows them.
fn parsed(text: &str) -> Policy {
    match Policy::parse("policy.toml", text) {
        Ok(policy) => policy,
        Err(error) => panic!("{error}"),
    }
}

fn refused(text: &str) -> super::PolicyError {
    match Policy::parse("policy.toml", text) {
        Ok(_) => panic!("this was accepted:\n{text}"),
        Err(error) => error,
    }
}

/// The starter with one piece of it written differently.
fn starter_with(piece: &str, instead: &str) -> String {
    assert!(
        super::STARTER.contains(piece),
        "the starter has no {piece:?}"
    );
    super::STARTER.replacen(piece, instead, 1)
}

fn person(id: &str) -> PersonId {
    id.parse().expect("a proper id")
}

/// The starter with one piece written differently leads to exactly these lines.
fn told(piece: &str, instead: &str, lines: &str) {
    let drawn = refused(&starter_with(piece, instead)).to_string();
    let lines = lines.strip_prefix('\n').unwrap_or(lines);
    assert_eq!(drawn, lines.trim_end(), "this was drawn:\n{drawn}");
}
