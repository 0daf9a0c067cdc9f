//! Whether anybody is left who may invite people when somebody goes.

use breakglass_proto::v1::Person;

use crate::{error::Error, rules::Rules, session::Session};

/// Whether they may invite people by the policy in force, and nobody else may who is there.
///
/// # Errors
/// What the broker says.
pub(super) async fn is_last(session: &Session, person: &str) -> Result<bool, Error> {
    let people = session.people().await?;
    let text = session.policy().await?.text;
    // One that this glass cannot read says nothing about duties.
    let rules = Rules::parse("the policy in force", &text);
    Ok(rules.is_ok_and(|rules| is_last_of(&people, &rules, person)))
}

fn is_last_of(people: &[Person], rules: &Rules, person: &str) -> bool {
    let may = |who: &str| rules.has_duty("invite", who);
    let is_there = |it: &&Person| !it.devices.is_empty() && !it.frozen;
    let mut others = people.iter().filter(|it| it.id != person).filter(is_there);
    may(person) && !others.any(|it| may(&it.id))
}

#[cfg(test)]
mod tests {
    use breakglass_proto::v1::Device;

    use super::*;

    fn person(id: &str, keys: usize, frozen: bool) -> Person {
        Person {
            id: id.into(),
            devices: vec![Device::default(); keys],
            frozen,
            ..Person::default()
        }
    }

    #[test]
    fn the_last_who_may_invite_and_is_there() {
        let text = include_str!("../../../../broker/domain/src/policy/starter.toml");
        let two = text.replace("invite = [\"founder\"]", "invite = [\"founder\", \"leon\"]");
        assert_ne!(text, two, "the starter lets the founder invite");
        for (text, leon, is_last) in [
            (text, person("leon", 1, false), true),
            (&two, person("leon", 1, false), false),
            (&two, person("leon", 0, false), true),
            (&two, person("leon", 1, true), true),
        ] {
            let rules = Rules::parse("starter.toml", text).unwrap();
            let people = [person("founder", 1, false), leon];
            assert_eq!(is_last_of(&people, &rules, "founder"), is_last);
            assert!(!is_last_of(&people, &rules, "mia"));
        }
    }
}
