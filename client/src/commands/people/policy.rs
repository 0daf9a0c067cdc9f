//! How the policy in force names somebody who is to go.

use breakglass_proto::v1::Person;

use crate::{error::Error, rules::Rules, session::Session};

/// What their removal does not change, and what it leaves nobody for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Naming {
    /// The policy names them, so they can be invited again.
    pub(super) is_named: bool,
    /// They may invite people, and nobody else may who is there.
    pub(super) is_last: bool,
}

impl Naming {
    /// As the policy in force is.
    ///
    /// # Errors
    /// What the broker says.
    pub(super) async fn of(session: &Session, person: &str) -> Result<Self, Error> {
        let people = session.people().await?;
        let text = session.policy().await?.text;
        // One that this glass cannot read says nothing about duties.
        let rules = Rules::parse("the policy in force", &text).ok();
        Ok(Self::read(&people, rules.as_ref(), person))
    }

    fn read(people: &[Person], rules: Option<&Rules>, person: &str) -> Self {
        let may = |who: &str| rules.is_some_and(|rules| rules.has_duty("invite", who));
        let is_there = |it: &&Person| !it.devices.is_empty() && !it.frozen;
        let mut others = people.iter().filter(|it| it.id != person).filter(is_there);
        Self {
            is_named: people.iter().any(|it| it.id == person),
            is_last: may(person) && !others.any(|it| may(&it.id)),
        }
    }
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
        let inviting = text.replace("invite = [\"founder\"]", "invite = [\"founder\", \"leon\"]");
        assert_ne!(text, inviting, "the starter lets the founder invite");
        for (text, leon, is_last) in [
            (text, person("leon", 1, false), true),
            (&inviting, person("leon", 1, false), false),
            (&inviting, person("leon", 0, false), true),
            (&inviting, person("leon", 1, true), true),
        ] {
            let rules = Rules::parse("starter.toml", text).unwrap();
            let people = [person("founder", 1, false), leon];
            let naming = Naming::read(&people, Some(&rules), "founder");
            let is_named = true;
            assert_eq!(naming, Naming { is_named, is_last });
            assert!(!Naming::read(&people, Some(&rules), "mia").is_named);
            assert!(!Naming::read(&people, Some(&rules), "mia").is_last);
        }
    }
}
