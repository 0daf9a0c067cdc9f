//! Enrol and renew: a certificate is made only against the receipt of the entry that announces it.

use std::sync::Arc;

use breakglass_domain::command::Act;
use breakglass_domain::{Actor, Change, Command, KeyId, Lifetime, Line, Signed, Time, TokenHash};
use breakglass_tlog::receipt::Receipt;

use super::act;
use super::limits::{CERTIFICATE_BACKDATED, SERIAL_BYTES};
use super::token::hex;
use super::{App, Caller, Error, Guard};
use crate::ports::{CertificateOrder, Decided};

/// Somebody who has a token and a new key; statement and signature are checked.
#[derive(Debug, Clone)]
pub struct Enrolling {
    /// The hash of the token presented.
    pub token: TokenHash,
    /// The new key.
    pub key: KeyId,
    /// The same key: uncompressed SEC 1 point, 65 bytes.
    pub public: Vec<u8>,
    /// What the person calls the laptop.
    pub device: Line,
    /// The statement, signed with that key.
    pub signed: Arc<Signed>,
}

/// A certificate and the entry that was written before it was made.
#[derive(Debug, Clone)]
pub struct Certified {
    /// Whose: a person, or a target's guard.
    pub holder: Actor,
    /// PEM.
    pub certificate: String,
    /// When to renew it: at two thirds of its life.
    pub renew_at: Time,
    /// When it expires.
    pub expires_at: Time,
    /// The entry.
    pub receipt: Receipt,
}

impl App {
    /// Trades a token for a certificate on a new key.
    ///
    /// # Errors
    /// [`Error::Refused`] by the rules; [`Error::Ledger`]; [`Error::Issue`] where it is recorded
    /// and no certificate could be made: the token is used up, and a new invitation is needed.
    pub async fn enroll(&self, who: Enrolling) -> Result<Certified, Error> {
        let public = who.public.clone();
        let act = Act::Enroll {
            token: who.token,
            key: who.key,
            public: who.public,
            device: who.device,
            serial: self.serial(),
            certificate_expires_at: self.certificate_expires_at(),
        };
        let command = Command {
            by: Actor::Broker,
            signed: Some(who.signed),
            act,
        };
        let decided = self.submit(command).await?;
        self.certify(&decided, public)
    }

    /// A fresh certificate for the key of the connection.
    ///
    /// # Errors
    /// As [`App::enroll`], but nothing is used up.
    pub async fn renew(&self, caller: &Caller) -> Result<Certified, Error> {
        let by = Actor::from(&caller.person);
        self.renewed(by, &caller.key, caller.public.clone()).await
    }

    /// The same for a guard.
    ///
    /// # Errors
    /// As [`App::renew`].
    pub async fn renew_guard(&self, guard: &Guard) -> Result<Certified, Error> {
        let by = Actor::from(&guard.target);
        self.renewed(by, &guard.key, guard.public.clone()).await
    }

    async fn renewed(&self, by: Actor, key: &KeyId, public: Vec<u8>) -> Result<Certified, Error> {
        let renew = Act::Renew {
            key: key.clone(),
            serial: self.serial(),
            certificate_expires_at: self.certificate_expires_at(),
        };
        let command = Command {
            by,
            signed: None,
            act: renew,
        };
        let decided = self.submit(command).await?;
        self.certify(&decided, public)
    }

    fn certify(&self, decided: &Decided, public: Vec<u8>) -> Result<Certified, Error> {
        let ((holder, serial, expires_at), recorded, receipt) =
            act::find(decided, announced).ok_or(Error::Broken("no certificate was announced"))?;
        let order = CertificateOrder {
            holder,
            public,
            serial: serial.to_owned(),
            not_before: recorded.event.at.minus(CERTIFICATE_BACKDATED),
            not_after: expires_at,
        };
        let certificate = self.authority.certify(receipt, &order)?;
        let life = expires_at.since(order.not_before).as_millis();
        let two_thirds = Lifetime::from_millis(life / 3 * 2);
        Ok(Certified {
            holder: order.holder,
            certificate,
            renew_at: order.not_before.plus(two_thirds),
            expires_at,
            receipt: receipt.clone(),
        })
    }

    fn certificate_expires_at(&self) -> Time {
        self.clock.now().plus(self.settings.certificate_life)
    }

    /// A number nobody can guess and nobody else has; positive in DER (RFC 5280 section 4.1.2.2).
    pub(super) fn serial(&self) -> String {
        let mut bytes = [0; SERIAL_BYTES];
        self.entropy.fill(&mut bytes);
        bytes[0] = bytes[0] & 0x3f | 0x40;
        hex(&bytes)
    }
}

fn announced(change: &Change) -> Option<(Actor, &str, Time)> {
    match change {
        Change::PersonEnrolled {
            person,
            serial,
            certificate_expires_at,
            ..
        }
        | Change::CertificateRenewed {
            person,
            serial,
            certificate_expires_at,
            ..
        } => Some((person.into(), serial, *certificate_expires_at)),
        Change::TargetEnrolled {
            target,
            serial,
            certificate_expires_at,
            ..
        }
        | Change::TargetRenewed {
            target,
            serial,
            certificate_expires_at,
            ..
        } => Some((target.into(), serial, *certificate_expires_at)),
        _ => None,
    }
}
