//! Setting a verifier up.

use std::sync::atomic::AtomicI64;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::access::Name;
use super::keys::{Keys, KeysError};
use super::replays::Replays;
use super::{Clock, Ledger, Verifier, limits};

/// What a [`Verifier`] is made of.
#[must_use = "a builder does nothing before `build`"]
pub struct Builder {
    issuer: String,
    audience: String,
    jwks: Option<String>,
    without_keys: bool,
    rights: Vec<String>,
    ledger: Option<Ledger>,
    leeway: Duration,
    fresh_for: Duration,
    clock: Clock,
}

/// Why there is no verifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    /// Issuer or audience is empty.
    #[error("the {0} is empty; it is compared with the token byte for byte")]
    Empty(&'static str),
    /// No key set, or one that trusts nobody.
    #[error("there is no key for ES256; give the text of the issuer's /jwks.json")]
    NoKeys,
    /// The key set cannot be read.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// A right that no token can bear.
    #[error("`{0}` is no right's id; it looks like deploy-shop")]
    Right(String),
    /// More than is safe.
    #[error("the {what} is {} at most", crate::time::short(*.most))]
    TooLong {
        /// Which setting.
        what: &'static str,
        /// The most.
        most: SignedDuration,
    },
}

impl Builder {
    pub(super) fn new(issuer: &str, audience: &str) -> Self {
        Self {
            issuer: issuer.to_owned(),
            audience: audience.to_owned(),
            jwks: None,
            without_keys: false,
            rights: Vec::new(),
            ledger: None,
            leeway: Duration::ZERO,
            fresh_for: Duration::from_secs(60),
            clock: Box::new(crate::time::now),
        }
    }

    /// The issuer's JWK set as text. Fetch it over TLS, and again every few minutes:
    /// [`Verifier::replace_keys`].
    pub fn keys(mut self, jwks: &str) -> Self {
        self.jwks = Some(jwks.to_owned());
        self
    }

    /// Takes no token until it is given keys by [`Verifier::replace_keys`].
    pub fn without_keys(mut self) -> Self {
        self.without_keys = true;
        self
    }

    /// Takes tokens for this right. Can be said several times; if it is never said, every right
    /// with this audience is taken.
    pub fn right(mut self, right: &str) -> Self {
        self.rights.push(right.to_owned());
        self
    }

    /// Takes no token that does not prove its entry in this ledger. What an issuing key signed that
    /// somebody stole is refused then, without asking anybody; so is a token that has no room for its
    /// proof, because it names very many groups.
    pub fn demand_entry(mut self, ledger: Ledger) -> Self {
        self.ledger = Some(ledger);
        self
    }

    /// How far this machine's clock may be off. Nothing is the default, because the broker dates
    /// the start of a token back by a minute; at most [`limits::MAX_LEEWAY`].
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway;
        self
    }

    /// How long after the last tick somebody is still let in by
    /// [`verify_live`](Verifier::verify_live): the target's `grace` in the policy. One minute is
    /// the default; at most [`limits::MAX_FRESH_FOR`].
    pub fn fresh_for(mut self, fresh_for: Duration) -> Self {
        self.fresh_for = fresh_for;
        self
    }

    /// What tells the time, in place of this machine's clock.
    pub fn clock(mut self, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        self.clock = Box::new(clock);
        self
    }

    /// The verifier.
    ///
    /// # Errors
    /// [`SetupError`].
    pub fn build(self) -> Result<Verifier, SetupError> {
        for (what, text) in [("issuer", &self.issuer), ("audience", &self.audience)] {
            if text.is_empty() {
                return Err(SetupError::Empty(what));
            }
        }
        if let Some(wrong) = self.rights.iter().find(|right| Name::parse(right).is_err()) {
            return Err(SetupError::Right(crate::text::plain(wrong)));
        }
        let keys = match &self.jwks {
            Some(jwks) => Keys::parse(jwks)?,
            None => Keys::default(),
        };
        if keys.is_empty() && !self.without_keys {
            return Err(SetupError::NoKeys);
        }
        let fresh_for = at_most(
            "time a tick is fresh",
            self.fresh_for,
            limits::MAX_FRESH_FOR,
        )?;
        Ok(Verifier {
            issuer: self.issuer,
            audience: self.audience,
            rights: self.rights,
            ledger: self.ledger,
            leeway: at_most("leeway", self.leeway, limits::MAX_LEEWAY)?,
            fresh_for: AtomicI64::new(i64::try_from(fresh_for.as_millis()).unwrap_or(i64::MAX)),
            clock: self.clock,
            keys: RwLock::new(Arc::new(keys)),
            replays: Replays::new(limits::MAX_PROOFS),
        })
    }
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder")
            .field("issuer", &self.issuer)
            .field("audience", &self.audience)
            .finish_non_exhaustive()
    }
}

fn at_most(
    what: &'static str,
    length: Duration,
    most: Duration,
) -> Result<SignedDuration, SetupError> {
    let signed = |length: Duration| SignedDuration::try_from(length).unwrap_or(SignedDuration::MAX);
    if length > most {
        let most = signed(most);
        return Err(SetupError::TooLong { what, most });
    }
    Ok(signed(length))
}
