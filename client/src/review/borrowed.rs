//! What somebody was refused because it is not of their job, and somebody else then did.

use jiff::Timestamp;
use serde::Serialize;

use super::{draft::Refused, grants::Grant};

/// A request that had to borrow somebody else's right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Borrowed {
    /// Who asked first, and was refused.
    pub person: String,
    /// For what.
    pub right: String,
    /// In plain language.
    pub sentence: String,
    /// When they were refused.
    #[serde(serialize_with = "crate::time::in_json")]
    pub refused_at: Timestamp,
    /// Who did it for them.
    pub done_by: String,
    /// Under which grant.
    pub grant: String,
}

/// A refusal names no right, but says in the broker's words what no rule lets somebody do. The first
/// grant after it that began, is somebody else's, and whose sentence is exactly that, is what it was
/// done under. That the two talked to each other, no ledger knows.
pub(super) fn of(refused: &[Refused], grants: &[Grant]) -> Vec<Borrowed> {
    let no_rule = |refused: &&Refused| refused.act == "request" && refused.reason == "NOT_ALLOWED";
    let borrowed = refused.iter().filter(no_rule).filter_map(|refused| {
        let grant = grants.iter().find(|grant| {
            let words = format!("no rule lets {} {}", refused.person, grant.sentence);
            grant.began_at.is_some_and(|began| began >= refused.at)
                && grant.person != refused.person
                && words == refused.text
        })?;
        Some(Borrowed {
            person: refused.person.clone(),
            right: grant.right.clone(),
            sentence: grant.sentence.clone(),
            refused_at: refused.at,
            done_by: grant.person.clone(),
            grant: grant.grant.clone(),
        })
    });
    borrowed.collect()
}
