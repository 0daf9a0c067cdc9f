//! Checks the credentials of this broker, for a service that wants to accept them by itself.
//!
//! One call, no network, no file, no lock that is held while anything is waited for:
//!
//! ```
//! use breakglass_client::verify::{Denied, Verifier};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let jwks = r#"{"keys":[{"kty":"EC","crv":"P-256","kid":"a",
//! #   "x":"l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
//! #   "y":"9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA"}]}"#;
//! let verifier = Verifier::builder("https://glass.example:7444", "https://deploy.shop.example")
//!     .keys(jwks) // the text of https://glass.example:7444/jwks.json, fetched by you now and then
//!     .right("deploy-shop")
//!     .build()?;
//! match verifier.verify("eyJ...") {
//!     Ok(access) => println!("{} under {}", access.person, access.incident),
//!     Err(denied) => println!("{}: {denied}", denied.reason()),
//! }
//! # assert_eq!(verifier.verify("eyJ..."), Err(Denied::Malformed("it has not three parts")));
//! # Ok(())
//! # }
//! ```
//!
//! [`Verifier::verify`] knows no revocation: what was revoked is taken until its token ends, 15
//! minutes at most. [`Verifier::verify_live`] demands as well that the grant is among the live ones
//! of the newest [`Standing`], and that the broker was heard of lately. A service that cannot hold a
//! stream to the broker asks `glass guard http` in place of embedding this.
//!
//! | module | what it knows |
//! |---|---|
//! | [`access`](Access), `claims` | what a token says, in types |
//! | `jws` | compact JWS (RFC 7515) with ES256 and nothing else |
//! | `keys` | the broker's JWK set (RFC 7517), thumbprints (RFC 7638) |
//! | `proof`, `replays`, `target_url` | proof of possession (DPoP, RFC 9449) |
//! | `recorded` | proof of entry: that the ledger has the credential's entry (C2SP `tlog-proof`) |
//! | `standing`, `newest`, `tick` | which grants are live, and how lately that was heard |
//!
//! Nothing here compares a secret: signatures are checked with public keys, and every other value
//! compared was sent by the one who wants to get in. Tokens are never part of an error.

mod access;
mod builder;
mod claims;
mod denied;
#[cfg(test)]
pub(crate) mod fixtures;
mod jws;
mod keys;
pub mod limits;
mod newest;
mod proof;
pub(crate) mod recorded;
mod replays;
mod standing;
mod target_url;
#[cfg(test)]
mod tests;
mod tick;

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

pub use access::{Access, Entry, Name, NameError};
pub use builder::{Builder, SetupError};
pub use denied::Denied;
pub use keys::{Keys, KeysError, thumbprint};
pub use newest::Newest;
pub use proof::Presented;
pub use recorded::{HandOvers, Ledger, Recorded};
pub use standing::{Live, Standing};
pub use target_url::Origin;
pub use tick::{SignedTick, TickError};

use claims::Claims;
pub(crate) use jws::base64url;
use replays::Replays;

/// What tells the time.
type Clock = Box<dyn Fn() -> Timestamp + Send + Sync>;

/// Decides about tokens, for one audience of one issuer. Share it in an `Arc`: it can be used from
/// many threads at once.
pub struct Verifier {
    issuer: String,
    audience: String,
    rights: Vec<String>,
    /// Where a token has to prove that it was recorded.
    ledger: Option<Ledger>,
    leeway: SignedDuration,
    /// In milliseconds: the target's grace can change in the policy.
    fresh_for: AtomicI64,
    clock: Clock,
    keys: RwLock<Arc<Keys>>,
    replays: Replays,
}

impl Verifier {
    /// Begins one for tokens of `issuer` (`iss`, the broker's setting of that name) made for
    /// `audience` (`aud`, from the right in the policy). Both are compared byte for byte.
    pub fn builder(issuer: &str, audience: &str) -> Builder {
        Builder::new(issuer, audience)
    }

    /// Takes a token, or says why not.
    ///
    /// # Errors
    /// [`Denied`]. Anything but what the broker writes is refused: another algorithm, an unknown
    /// member of the header, a member twice, a claim that is missing or of another type.
    pub fn verify(&self, token: &str) -> Result<Access, Denied> {
        self.check(token, self.now())
    }

    /// The same, and the grant must be live in a standing that is fresh.
    ///
    /// # Errors
    /// [`Denied`]; [`Denied::Stale`] where the broker has not been heard for too long,
    /// [`Denied::NotHeard`] where the grant is newer than the standing: try again in a moment.
    pub fn verify_live(&self, token: &str, standing: &Standing) -> Result<Access, Denied> {
        let now = self.now();
        let access = self.check(token, now)?;
        standing.demand_fresh(now, self.fresh())?;
        standing.demand_live(&access, now)?;
        Ok(access)
    }

    /// Demands that whoever sent `token` also holds the key it was made for: a DPoP proof
    /// (RFC 9449 section 4.3). Each proof is taken once.
    ///
    /// The proofs that were seen are kept in this value: behind two of them, a proof can be used
    /// once at each.
    ///
    /// # Errors
    /// [`Denied::Proof`] with what is wrong, [`Denied::Replayed`], [`Denied::TooManyProofs`].
    pub fn verify_proof(
        &self,
        access: &Access,
        token: &str,
        shown: &Presented<'_>,
    ) -> Result<(), Denied> {
        proof::verify(access, token, shown, self.now(), &self.replays)
    }

    /// Whether a standing is still fresh, without a token.
    ///
    /// # Errors
    /// [`Denied::Stale`].
    pub fn demand_fresh(&self, standing: &Standing) -> Result<(), Denied> {
        standing.demand_fresh(self.now(), self.fresh())
    }

    /// Trusts these keys from here on and no others, for example after a rotation. An empty set
    /// closes everything.
    pub fn replace_keys(&self, keys: Keys) {
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
    }

    /// For how long a standing is fresh.
    #[must_use]
    pub fn fresh_for(&self) -> Duration {
        self.fresh().unsigned_abs()
    }

    /// For how long a standing is fresh from here on, as [`Builder::fresh_for`]; what is more than
    /// its limit is the limit.
    pub fn replace_fresh_for(&self, fresh_for: Duration) {
        let most = fresh_for.min(limits::MAX_FRESH_FOR);
        let millis = i64::try_from(most.as_millis()).unwrap_or(i64::MAX);
        self.fresh_for.store(millis, Ordering::SeqCst);
    }

    /// Whether no key is trusted, so that no token can be good.
    #[must_use]
    pub fn trusts_nobody(&self) -> bool {
        self.keys().is_empty()
    }

    fn fresh(&self) -> SignedDuration {
        SignedDuration::from_millis(self.fresh_for.load(Ordering::SeqCst))
    }

    fn keys(&self) -> Arc<Keys> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn now(&self) -> Timestamp {
        (self.clock)()
    }

    fn check(&self, token: &str, now: Timestamp) -> Result<Access, Denied> {
        let claims = Claims::signed_by(&self.keys(), token)?;
        let (access, carried) = claims.accept(&self.issuer, &self.audience)?;
        self.check_time(&access, now)?;
        if let Some(ledger) = &self.ledger {
            ledger.demand_token(&access, &self.audience, &carried)?;
        }
        let held = access.right.as_str();
        if self.rights.is_empty() || self.rights.iter().any(|right| right == held) {
            return Ok(access);
        }
        let right = access.right;
        Err(Denied::Right { right })
    }

    /// RFC 7519 sections 4.1.4 and 4.1.5: not before `nbf`, and before `exp`.
    fn check_time(&self, access: &Access, now: Timestamp) -> Result<(), Denied> {
        if now.duration_since(access.not_before) < -self.leeway {
            let from = access.not_before;
            return Err(Denied::NotYet { from });
        }
        if now.duration_since(access.expires_at) >= self.leeway {
            let at = access.expires_at;
            return Err(Denied::Expired { at });
        }
        Ok(())
    }
}

impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Verifier")
            .field("issuer", &self.issuer)
            .field("audience", &self.audience)
            .field("rights", &self.rights)
            .finish_non_exhaustive()
    }
}
