//! The credentials of one command: the keys that were made for them, where they are laid, and how
//! long each lives.

use std::{collections::BTreeSet, path::Path};

use breakglass_proto::v1::{Credential, CredentialKind};
use jiff::Timestamp;
use zeroize::Zeroizing;

use super::{
    folder::Folder,
    place::{Environment, Given, Need, Placement, fresh::Freshness},
};
use crate::{
    agent::{Agent, LoginKey},
    ephemeral::EphemeralKey,
    error::Error,
    limits::AWS_SESSION,
    time,
};

/// One credential to ask the broker for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) need: Need,
    pub(super) kind: CredentialKind,
    /// The public key it is for, where it has one of its own.
    pub(super) key: Vec<u8>,
}

/// Everything that is held for one command.
pub(super) struct Papers {
    placement: Placement,
    /// For certificates that a tool reads from a file.
    key: Option<EphemeralKey>,
    login: Option<Login>,
    fresh: Freshness,
}

/// The key hosts are to take; it is a different one.
enum Login {
    /// Nobody has certified it yet.
    New(LoginKey),
    /// The agent has it.
    Shown { agent: Agent, public: Vec<u8> },
}

impl Papers {
    /// For these places; makes the keys.
    ///
    /// # Errors
    /// [`Error::Setup`] where the system gives no randomness.
    pub(super) fn new(placement: Placement) -> Result<Self, Error> {
        let needs = placement.needs();
        let key = needs.contains(&Need::X509);
        let login = needs.contains(&Need::Ssh);
        Ok(Self {
            placement,
            key: key.then(EphemeralKey::generate).transpose()?,
            login: login.then(LoginKey::generate).transpose()?.map(Login::New),
            fresh: Freshness::default(),
        })
    }

    /// What can come along with the request: a JWT, and nothing else.
    pub(super) fn along(&self) -> CredentialKind {
        match self.placement.needs().contains(&Need::Jwt) {
            true => CredentialKind::Jwt,
            false => CredentialKind::Unspecified,
        }
    }

    /// Everything that has not come yet.
    pub(super) fn missing(&self) -> Vec<Wanted> {
        let came: BTreeSet<_> = self.fresh.needs().collect();
        let missing = self.placement.needs().into_iter();
        missing
            .filter(|need| !came.contains(need))
            .map(|need| self.wanted(need))
            .collect()
    }

    /// What to ask for again, where the grant ends then.
    pub(super) fn to_renew(&self, grant_ends_at: Timestamp) -> Vec<Wanted> {
        let needs = self.fresh.to_renew(grant_ends_at);
        needs.into_iter().map(|need| self.wanted(need)).collect()
    }

    /// When the first of them runs out.
    ///
    /// # Errors
    /// [`Error::Unverified`] where none has come.
    pub(super) fn earliest(&self) -> Result<Timestamp, Error> {
        let earliest = self.fresh.earliest();
        earliest.ok_or_else(|| Error::broken_answer("no credential came"))
    }

    /// The role of AWS that the token may have been traded for, and by when AWS has forgotten it:
    /// until its end the token can be traded for one more session.
    pub(super) fn kept_by_aws(&self) -> Option<(&str, Timestamp)> {
        let role = self.placement.aws_role()?;
        let end = self.fresh.end_of(Need::Jwt)?;
        Some((role, end.saturating_add(AWS_SESSION).unwrap_or(end)))
    }

    /// Whose grant they are for.
    pub(super) fn of_grant(&mut self, person: &str, grant: &str) {
        self.placement.of_grant(person, grant);
    }

    pub(super) fn placement(&self) -> &Placement {
        &self.placement
    }

    /// Puts one that came where its tools look for it, in place of the one before.
    ///
    /// # Errors
    /// Where it is another one than was asked for, or cannot be put there.
    pub(super) fn take(
        &mut self,
        folder: &Folder,
        need: Need,
        credential: Credential,
    ) -> Result<Environment, Error> {
        if credential.kind() != kind(need) {
            return Err(Error::broken_answer("it has a credential of another kind"));
        }
        let expires_at = time::from_proto(credential.expires_at.as_ref())
            .ok_or_else(|| Error::broken_answer("a credential has no end"))?;
        let login = credential.login;
        let value = Zeroizing::new(credential.value);
        let environment = match need {
            Need::Ssh => {
                self.show(&value)?;
                self.placement.put(folder, Given::Ssh)
            }
            Need::Jwt => self.placement.put(folder, Given::Jwt(&value)),
            Need::Password => {
                let (role, password) = (login.as_str(), value.as_str());
                self.placement
                    .put(folder, Given::Password { role, password })
            }
            Need::X509 => {
                let key = self.key.as_ref().map(EphemeralKey::pem).unwrap_or_default();
                let (chain, key, login) = (value.as_str(), key.as_str(), login.as_str());
                self.placement
                    .put(folder, Given::X509 { chain, key, login })
            }
        }?;
        self.fresh.came(need, expires_at);
        Ok(environment)
    }

    /// From here on the agent signs nothing, and no key is held.
    pub(super) fn give_up(&mut self) {
        self.login = None;
        self.key = None;
    }

    /// What the command's own tools kept elsewhere is removed.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn forget(&self, home: &Path) -> std::io::Result<()> {
        self.placement.forget(home)
    }

    fn wanted(&self, need: Need) -> Wanted {
        let key = match (need, &self.key, &self.login) {
            (Need::X509, Some(key), _) => key.point().to_vec(),
            (Need::Ssh, _, Some(Login::New(key))) => key.public_key().to_vec(),
            (Need::Ssh, _, Some(Login::Shown { public, .. })) => public.clone(),
            _ => Vec::new(),
        };
        Wanted {
            need,
            kind: kind(need),
            key,
        }
    }

    /// A certificate for hosts goes to the agent.
    fn show(&mut self, certificate: &str) -> Result<(), Error> {
        match (self.login.take(), self.placement.socket()) {
            (Some(Login::New(key)), Some(socket)) => {
                let public = key.public_key().to_vec();
                let agent = Agent::start(socket.to_owned(), key, certificate)?;
                self.login = Some(Login::Shown { agent, public });
            }
            (Some(Login::Shown { agent, public }), _) => {
                let renewed = agent.renew(certificate);
                self.login = Some(Login::Shown { agent, public });
                renewed?;
            }
            // Given up meanwhile: there is nothing to show.
            _ => {}
        }
        Ok(())
    }
}

fn kind(need: Need) -> CredentialKind {
    match need {
        Need::Jwt => CredentialKind::Jwt,
        Need::X509 => CredentialKind::X509Certificate,
        Need::Password => CredentialKind::PostgresRole,
        Need::Ssh => CredentialKind::SshCertificate,
    }
}
