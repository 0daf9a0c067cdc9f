//! JSON Web Tokens (RFC 7519), signed with ES256.

use std::ops::Not;
use std::sync::{Arc, PoisonError, RwLock};

use breakglass_domain::{Line, Subject, Time};
use breakglass_tlog::Receipt;
use serde::Serialize;
use signature::Signer as _;
use zeroize::Zeroizing;

use super::entry_proof::{MOST_WITH_PROOF, entry_proof};
use super::keys::{IssuingKey, Keyring, coordinates, thumbprint};
use super::{BACK_DATED, base64url, demand_announced};
use crate::ports::{Credential, CredentialOrder, Decode, IssueError, Issuer};

/// Makes JWTs with the key that is active when they are ordered.
pub struct JwtIssuer {
    issuer: String,
    decode: Decode,
    keyring: RwLock<Arc<Keyring>>,
}

impl JwtIssuer {
    /// Issues as `issuer`, the URL under which targets find discovery and keys.
    #[must_use]
    pub fn new(issuer: String, decode: Decode, keyring: Keyring) -> Self {
        Self {
            issuer,
            decode,
            keyring: RwLock::new(Arc::new(keyring)),
        }
    }

    /// The URL in `iss`.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The keys of now.
    #[must_use]
    pub fn keyring(&self) -> Arc<Keyring> {
        Arc::clone(&self.keyring.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Signs with other keys from here on. Each must be in the ledger.
    pub fn replace_keyring(&self, keyring: Keyring) {
        *self.keyring.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keyring);
    }
}

impl Issuer for JwtIssuer {
    fn issue(&self, receipt: &Receipt, order: &CredentialOrder) -> Result<Credential, IssueError> {
        demand_announced(self.decode, receipt, order)?;
        let keyring = self.keyring();
        let key = keyring
            .active(order.at)
            .ok_or_else(|| IssueError::Signing("no issuing key is active".into()))?;
        let not_before = order.at.minus(BACK_DATED);
        let proof = entry_proof(receipt, order)?;
        let claims = Claims::new(&self.issuer, receipt, order, not_before, &proof)?;
        let value = sign(key, claims)?;
        Ok(Credential {
            value,
            not_before,
            expires_at: order.expires_at,
        })
    }
}

impl std::fmt::Debug for JwtIssuer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JwtIssuer")
            .field("issuer", &self.issuer)
            .finish_non_exhaustive()
    }
}

/// In the order they are written. Times are NumericDate, whole seconds.
#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    iat: i64,
    nbf: i64,
    exp: i64,
    jti: String,
    incident: String,
    grant: String,
    right: &'a str,
    sentence: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    groups: Vec<&'a str>,
    /// Absent from every other.
    #[serde(skip_serializing_if = "Not::not")]
    drill: bool,
    cnf: Confirmation,
    ledger: Place<'a>,
    /// Absent where the token would be longer with it than headers may be.
    #[serde(skip_serializing_if = "Option::is_none")]
    tlog_proof: Option<&'a str>,
}

/// The holder's key: its thumbprint (RFC 9449 section 6.1) and, where the proof names the key as the
/// ledger does, the key itself (RFC 7800 section 3.2).
#[derive(Serialize)]
struct Confirmation {
    jkt: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    jwk: Option<Jwk>,
}

/// A key of P-256 (RFC 7518 section 6.2.1).
#[derive(Serialize)]
struct Jwk {
    crv: &'static str,
    kty: &'static str,
    x: String,
    y: String,
}

/// The entry that announced this token.
#[derive(Serialize)]
struct Place<'a> {
    origin: &'a str,
    index: u64,
}

impl<'a> Claims<'a> {
    fn new(
        issuer: &'a str,
        receipt: &'a Receipt,
        order: &'a CredentialOrder,
        not_before: Time,
        proof: &'a str,
    ) -> Result<Self, IssueError> {
        let of = &order.grant.of;
        let Subject::Bearer { groups } = &order.subject else {
            return Err(IssueError::WrongReceipt);
        };
        let no_key = || IssueError::Signing("the holder's key is not of P-256".into());
        let jkt = thumbprint(&order.public).ok_or_else(no_key)?;
        let (x, y) = coordinates(&order.public).ok_or_else(no_key)?;
        let jwk = Jwk {
            crv: "P-256",
            kty: "EC",
            x: base64url(x),
            y: base64url(y),
        };
        Ok(Self {
            iss: issuer,
            sub: of.person.as_str(),
            aud: order.grant.audience.as_str(),
            iat: order.at.as_secs(),
            nbf: not_before.as_secs(),
            exp: order.expires_at.as_secs(),
            jti: order.id.to_string(),
            incident: of.incident.to_string(),
            grant: of.grant.to_string(),
            right: of.right.as_str(),
            sentence: order.grant.sentence.as_str(),
            drill: of.drill,
            groups: groups.iter().map(Line::as_str).collect(),
            cnf: Confirmation {
                jkt,
                jwk: Some(jwk),
            },
            ledger: Place {
                origin: receipt.checkpoint().origin(),
                index: receipt.index(),
            },
            tlog_proof: Some(proof),
        })
    }

    /// The same without the proof: as tokens were before there was one.
    fn unproven(self) -> Self {
        let jkt = self.cnf.jkt;
        Self {
            cnf: Confirmation { jkt, jwk: None },
            tlog_proof: None,
            ..self
        }
    }
}

/// Two dots and a signature in base64url.
const REST_BYTES: usize = 2 + 86;

#[derive(Serialize)]
struct Header<'a> {
    typ: &'static str,
    alg: &'static str,
    kid: &'a str,
}

/// JWS compact serialization (RFC 7515 section 3.1). Done here and not by jsonwebtoken's `encode`,
/// which would parse the private key again for every token.
fn sign(key: &IssuingKey, claims: Claims<'_>) -> Result<Zeroizing<String>, IssueError> {
    let json = |e: serde_json::Error| IssueError::Signing(e.to_string());
    let header = Header {
        typ: "JWT",
        alg: "ES256",
        kid: &key.kid,
    };
    let header = base64url(&serde_json::to_vec(&header).map_err(json)?);
    let mut payload = base64url(&serde_json::to_vec(&claims).map_err(json)?);
    if header.len() + payload.len() + REST_BYTES > MOST_WITH_PROOF {
        payload = base64url(&serde_json::to_vec(&claims.unproven()).map_err(json)?);
    }
    // Sized first: a string that grows leaves copies behind.
    let length = header.len() + payload.len() + REST_BYTES;
    let mut token = Zeroizing::new(String::with_capacity(length));
    token.push_str(&header);
    token.push('.');
    token.push_str(&payload);
    let signed = key.signer.try_sign(token.as_bytes());
    let signature = signed.map_err(|_| IssueError::Signing("ring did not sign".into()))?;
    token.push('.');
    token.push_str(&base64url(&signature));
    Ok(token)
}
