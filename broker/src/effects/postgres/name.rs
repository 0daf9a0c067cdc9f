//! Names in a PostgreSQL server, and what a role says about itself.

use std::fmt;
use std::str::FromStr;

use breakglass_domain::text::restyles;
use breakglass_domain::{CredentialId, GrantId, IncidentId, PersonId};
use postgres_protocol::escape::escape_identifier;

use super::limits::NAME_BYTES;

/// What all roles of grants begin with.
const PREFIX: &str = "breakglass_g";

/// A text that names nothing in a server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NameError(&'static str);

/// The role of one credential: `breakglass_g45_1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoleName(CredentialId);

impl RoleName {
    /// The role of a credential.
    #[must_use]
    pub fn of(credential: CredentialId) -> Self {
        Self(credential)
    }

    /// Whose role it is.
    #[must_use]
    pub fn credential(self) -> CredentialId {
        self.0
    }

    /// As it stands in SQL.
    pub(super) fn quoted(self) -> String {
        escape_identifier(&self.to_string())
    }
}

impl fmt::Display for RoleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}_{}", self.0.grant.0, self.0.number)
    }
}

impl FromStr for RoleName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let numbers = text.strip_prefix(PREFIX).and_then(|rest| {
            let (grant, number) = rest.split_once('_')?;
            Some((grant.parse().ok()?, number.parse().ok()?))
        });
        let found = numbers.map(|(grant, number)| {
            Self(CredentialId {
                grant: GrantId(grant),
                number,
            })
        });
        // Only the one spelling: no sign, no leading zeros.
        let found = found.filter(|role| role.to_string() == text);
        found.ok_or(NameError(
            "the role of a grant is written breakglass_gNUMBER_NUMBER",
        ))
    }
}

/// A role that is there already: any name that a server takes as it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupRole(String);

impl GroupRole {
    /// A role's name.
    ///
    /// # Errors
    /// [`NameError`] where the server would take it for another's or for none.
    pub fn parse(name: &str) -> Result<Self, NameError> {
        if name.is_empty() {
            return Err(NameError("a role has a name"));
        }
        if name.len() > NAME_BYTES {
            return Err(NameError(
                "a role's name has at most 63 bytes; PostgreSQL would cut a longer one",
            ));
        }
        if name.chars().any(restyles) {
            return Err(NameError("a role's name has no control characters"));
        }
        // Words, not names, wherever SQL expects a role, quoted or not.
        if ["public", "none"].contains(&name) {
            return Err(NameError("`public` and `none` are no roles"));
        }
        Ok(Self(name.to_owned()))
    }

    /// The name itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As it stands in SQL.
    pub(super) fn quoted(&self) -> String {
        escape_identifier(&self.0)
    }
}

impl fmt::Display for GroupRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// For whom a role is made: a database's administrator reads it with `\du+`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purpose {
    /// Under which grant.
    pub grant: GrantId,
    /// For whom.
    pub person: PersonId,
    /// In which incident.
    pub incident: IncidentId,
}

impl Purpose {
    /// The role's comment. The ledger comes first: it tells the roles of one broker from another's.
    pub(super) fn note(&self, ledger: &str) -> String {
        let Self {
            grant,
            person,
            incident,
        } = self;
        format!("breakglass ledger={ledger} grant={grant} person={person} incident={incident}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_named_for_its_credential_and_back() {
        let role = RoleName::of("G-45.1".parse().unwrap());
        assert_eq!(role.to_string(), "breakglass_g45_1");
        assert_eq!("breakglass_g45_1".parse(), Ok(role));
        assert_eq!(role.credential().to_string(), "G-45.1");
        let longest = RoleName::of(CredentialId {
            grant: GrantId(u64::MAX),
            number: u32::MAX,
        });
        assert!(longest.to_string().len() <= NAME_BYTES);
    }

    #[test]
    fn nothing_else_is_the_role_of_a_grant() {
        let others = [
            "",
            "breakglass",
            "breakglass_owner",
            "breakglass_g",
            "breakglass_g45",
            "breakglass_g45_",
            "breakglass_g_1",
            "breakglass_g045_1",
            "breakglass_g+45_1",
            "breakglass_g45_1_1",
            "breakglass_g45_-1",
            "breakglass_g45_1 ",
            "Breakglass_g45_1",
            "breakglass_g99999999999999999999_1",
            "breakglass_g45_1\"; DROP ROLE postgres; --",
        ];
        for name in others {
            assert!(name.parse::<RoleName>().is_err(), "{name}");
        }
    }

    #[test]
    fn names_that_mean_something_else_to_a_server_are_refused() {
        assert!(GroupRole::parse(&"x".repeat(63)).is_ok());
        assert!(GroupRole::parse(&"x".repeat(64)).is_err());
        assert!(GroupRole::parse(&"\u{e9}".repeat(32)).is_err(), "64 bytes");
        for name in ["", "a\0b", "a\nb", "a\u{202e}b", "public", "none"] {
            assert!(GroupRole::parse(name).is_err(), "{name:?}");
        }
        let name = GroupRole::parse("shop\"; DROP ROLE x; --").unwrap();
        assert_eq!(name.quoted(), "\"shop\"\"; DROP ROLE x; --\"");
    }

    #[test]
    fn a_role_says_for_whom_it_is() {
        let purpose = Purpose {
            grant: "G-45".parse().unwrap(),
            person: "mia".parse().unwrap(),
            incident: "INC-12".parse().unwrap(),
        };
        assert_eq!(
            purpose.note("glass.example/ledger"),
            "breakglass ledger=glass.example/ledger grant=G-45 person=mia incident=INC-12"
        );
    }
}
