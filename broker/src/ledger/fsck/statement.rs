//! What a person signed, as it stands in an entry: by a key that is enrolled to them at that place.
//!
//! What the statement says, and whether the entry says the same, is for `glass ledger verify`: it need not
//! trust this host.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use breakglass_domain::{Actor, Change, Event, KeyId, Signed, State};
use ring::digest::{SHA256, digest};
use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};

/// A statement, and the key that has to have signed it.
#[derive(Debug)]
pub(super) struct Statement {
    signed: Arc<Signed>,
    public: Vec<u8>,
}

impl Statement {
    /// That of an entry, before it is folded in; nothing where it has none. A refusal may bear the very
    /// statement that was no good.
    ///
    /// # Errors
    /// The key is not enrolled to whoever the entry is by.
    pub(super) fn of(event: &Event, state: &State) -> Result<Option<Self>, String> {
        let Some(signed) = &event.signed else {
            return Ok(None);
        };
        if matches!(event.change, Change::Refused { .. }) {
            return Ok(None);
        }
        let public = match &event.change {
            Change::PersonEnrolled { key, public, .. }
            | Change::TargetEnrolled { key, public, .. } => {
                let is_its_name = *key == signed.key && name(public) == signed.key.as_str();
                is_its_name.then(|| public.clone())
            }
            _ => enrolled(&signed.key, &event.by, state),
        };
        let public = public.ok_or_else(|| {
            format!(
                "signed with the key {}, which is not enrolled to {}",
                signed.key, event.by
            )
        })?;
        Ok(Some(Self {
            signed: Arc::clone(signed),
            public,
        }))
    }

    /// ECDSA on P-256 with SHA-256, ASN.1 DER, over the bytes of the text.
    ///
    /// # Errors
    /// It is not under this text.
    pub(super) fn verify(&self) -> Result<(), String> {
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &self.public);
        let good = key.verify(self.signed.text.as_bytes(), &self.signed.signature);
        good.map_err(|_| {
            format!(
                "the signature of the key {} is not under its statement",
                self.signed.key
            )
        })
    }
}

/// The public half of a key that works for whom the entry is by.
fn enrolled(key: &KeyId, by: &Actor, state: &State) -> Option<Vec<u8>> {
    let devices = match by {
        Actor::Person(person) => &state.members.get(person)?.devices,
        Actor::Target(target) => state.targets.guards.get(target)?,
        _ => return None,
    };
    devices.get(key).map(|device| device.public.clone())
}

/// base64url of the SHA-256 of the point: what a key is called.
fn name(public: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, public))
}
