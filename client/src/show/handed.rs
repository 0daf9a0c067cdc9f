//! What is said of access that goes from one person to another.

use breakglass_proto::v1;
use jiff::Timestamp;

use super::{drill_mark, when};
use crate::{
    grant::{asked_in_turn, handed_from},
    text::plain,
};

/// Who asked, where that is not who is to have it.
pub(super) fn for_somebody(grant: &v1::Grant) -> String {
    match grant.from_grant.as_str() {
        "" => String::new(),
        _ => grant.from_person.clone(),
    }
}

/// That somebody goes on, as soon as it begins: what a request that hands a grant over waits for.
#[must_use]
pub fn goes_over(next: &v1::Grant) -> String {
    format!(
        "over to {} as {}, which waits for {}",
        next.person,
        next.id,
        asked_in_turn(next)
    )
}

/// What somebody handed over to the one who reads this, with what they should know.
#[must_use]
pub fn is_yours(grant: &v1::Grant) -> Option<String> {
    let from = handed_from(grant)?;
    let drill = drill_mark(grant.drill);
    let id = &grant.id;
    Some(format!(
        "{drill}{id} is yours, from {from}: {}",
        plain(&grant.reason)
    ))
}

/// Who asks for what: where a grant is handed over, its holder asks for somebody else.
pub(super) fn asks(asked: &v1::Grant) -> String {
    let (who, what) = (plain(&asked.person), plain(&asked.sentence));
    match asked.from_person.as_str() {
        "" => format!("  {who} asks to {what}"),
        from => format!("  {} asks for {who} to {what}", plain(from)),
    }
}

/// Where it was handed over from, and how long it may last then.
pub(super) fn handed(grant: &v1::Grant, now: Timestamp) -> String {
    let until = when(grant.until.as_ref(), now);
    let from = handed_from(grant);
    from.map(|from| format!("over from {from}, until {until} at the latest"))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_approver_reads_who_asks_and_for_whom() {
        let mut asked = v1::Grant {
            person: "otto".into(),
            sentence: "change the database".into(),
            ..v1::Grant::default()
        };
        assert_eq!(asks(&asked), "  otto asks to change the database");
        asked.from_grant = "G-1".into();
        asked.from_person = "mia".into();
        assert_eq!(asks(&asked), "  mia asks for otto to change the database");
    }
}
