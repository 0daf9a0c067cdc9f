//! Who is calling.

use breakglass_domain::{Actor, Command, KeyId, PersonId, Refusal, Time, command::Act};

use super::{App, Error};

/// Somebody whose certificate was checked for this very call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Who.
    pub person: PersonId,
    /// The key of the connection.
    pub key: KeyId,
    /// The same key: uncompressed SEC 1 point, 65 bytes.
    pub public: Vec<u8>,
    /// When the certificate of the connection expires.
    pub certificate_expires_at: Time,
}

impl Caller {
    /// A command of this caller that needs no statement.
    #[must_use]
    pub fn command(&self, act: Act) -> Command {
        Command {
            by: Actor::from(&self.person),
            signed: None,
            act,
        }
    }
}

impl App {
    /// Whether the person may call at all now: in the policy, the key enrolled, not frozen. Asked
    /// at each call, and again and again while a stream is open.
    ///
    /// # Errors
    /// The [`Refusal`] that says why not.
    pub fn admit(&self, person: &PersonId, key: &KeyId) -> Result<(), Error> {
        self.live.read(|state| {
            if state.knows(person, key) {
                return Ok(());
            }
            // Whoever holds no enrolled key of a person learns nothing about that person.
            let refusal = if state.keys.get(key) == Some(person) && state.is_frozen(person) {
                Refusal::PersonFrozen(person.clone())
            } else {
                Refusal::NotEnrolled(person.clone())
            };
            Err(Error::Refused(refusal))
        })
    }
}
