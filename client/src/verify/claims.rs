//! The header and the claims of a token as the broker writes them, read strictly.

use jiff::Timestamp;
use serde::Deserialize;

use super::access::{Access, Entry, Name};
use super::denied::Denied;
use super::jws::{ES256, Parts, decode32};
use super::keys::{Keys, point};
use super::limits;
use super::recorded::Carried;

/// The whole header (RFC 7515 section 4.1). Every other member is refused: one that names a key of
/// its own (`jwk`, `jku`, `x5u`), and `crit`, which says that there is something to understand.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    typ: String,
    alg: String,
    kid: String,
}

/// What is read of a header before anything else is: which algorithm it claims.
#[derive(Deserialize)]
struct Algorithm {
    alg: Option<String>,
}

/// RFC 7519 section 4.1 and our own. Times are whole numbers: a text is none (CVE-2026-25537 of
/// jsonwebtoken 9 took one for a claim that is not there). Members we do not know are ignored: claims
/// are only ever added. A member that stands twice is refused by serde.
#[derive(Deserialize)]
pub(super) struct Claims {
    iss: String,
    sub: String,
    aud: String,
    iat: i64,
    nbf: i64,
    exp: i64,
    jti: String,
    incident: String,
    grant: String,
    right: String,
    sentence: String,
    #[serde(default)]
    groups: Vec<String>,
    #[serde(default)]
    drill: bool,
    cnf: Confirmation,
    ledger: Place,
    tlog_proof: Option<String>,
}

#[derive(Deserialize)]
struct Confirmation {
    jkt: String,
    jwk: Option<Jwk>,
}

/// RFC 7518 section 6.2.1. Which curve it is says its thumbprint, which is compared.
#[derive(Deserialize)]
struct Jwk {
    x: String,
    y: String,
}

#[derive(Deserialize)]
struct Place {
    origin: String,
    index: u64,
}

impl Claims {
    /// The claims of a token that one of these keys signed.
    pub(super) fn signed_by(keys: &Keys, token: &str) -> Result<Self, Denied> {
        if token.len() > limits::MAX_TOKEN_BYTES {
            return Err(Denied::TooLarge);
        }
        let parts = Parts::of(token).map_err(Denied::Malformed)?;
        let claimed: Algorithm = parts.header().ok_or(Denied::Malformed(NO_HEADER))?;
        if claimed.alg.as_deref() != Some(ES256) {
            return Err(Denied::Algorithm);
        }
        let header: Header = parts.header().ok_or(Denied::Malformed(NO_HEADER))?;
        if (&*header.typ, &*header.alg) != ("JWT", ES256) {
            return Err(Denied::Malformed("its header is not the one of a JWT"));
        }
        let point = keys.point(&header.kid).ok_or(Denied::UnknownKey)?;
        let payload = parts.payload_signed_by(point).ok_or(Denied::Signature)?;
        serde_json::from_slice(payload).map_err(|_| missing(payload))
    }

    /// What they say, where the token is from this issuer and for this audience, and what it carries
    /// beside.
    pub(super) fn accept(self, issuer: &str, audience: &str) -> Result<(Access, Carried), Denied> {
        if self.iss != issuer {
            return Err(Denied::Issuer);
        }
        if self.aud != audience {
            return Err(Denied::Audience);
        }
        let credential = name("jti", &self.jti)?;
        let grant = name("grant", &self.grant)?;
        let of_grant = |number: &str| !number.is_empty() && number.bytes().all(is_digit);
        let number = self.jti.strip_prefix(&self.grant);
        if !number.is_some_and(|rest| rest.strip_prefix('.').is_some_and(of_grant)) {
            return Err(Denied::Claim("jti"));
        }
        decode32(&self.cnf.jkt).ok_or(Denied::Claim("cnf"))?;
        let carried = Carried {
            proof: self.tlog_proof,
            holder: self.cnf.jwk.and_then(|jwk| point(&jwk.x, &jwk.y)),
        };
        let access = Access {
            person: name("sub", &self.sub)?,
            incident: name("incident", &self.incident)?,
            right: name("right", &self.right)?,
            drill: self.drill,
            sentence: line("sentence", self.sentence)?,
            groups: groups(self.groups)?,
            issued_at: time("iat", self.iat)?,
            not_before: time("nbf", self.nbf)?,
            expires_at: time("exp", self.exp)?,
            holder: self.cnf.jkt,
            entry: Entry {
                origin: line("ledger", self.ledger.origin)?,
                index: self.ledger.index,
            },
            credential,
            grant,
        };
        Ok((access, carried))
    }
}

const NO_HEADER: &str = "its header is not one of ours";

/// Which claim it is that cannot be read: the first of ours that is missing or of another type. Only
/// for the sentence; the payload was signed by the broker and is refused all the same.
fn missing(payload: &[u8]) -> Denied {
    let Ok(serde_json::Value::Object(claims)) = serde_json::from_slice(payload) else {
        return Denied::Malformed("its claims are no JSON object");
    };
    let texts = [
        "iss", "sub", "aud", "jti", "incident", "grant", "right", "sentence",
    ];
    let text = texts
        .into_iter()
        .find(|name| !claims.get(*name).is_some_and(|v| v.is_string()));
    let times = ["iat", "nbf", "exp"];
    let time = times
        .into_iter()
        .find(|name| !claims.get(*name).is_some_and(|v| v.is_i64()));
    let rest = ["cnf", "ledger"]
        .into_iter()
        .find(|name| !claims.contains_key(*name));
    text.or(time).or(rest).map_or(
        Denied::Malformed("its claims are not those of a token"),
        Denied::Claim,
    )
}

fn is_digit(b: u8) -> bool {
    b.is_ascii_digit()
}

fn name(claim: &'static str, text: &str) -> Result<Name, Denied> {
    Name::parse(text).map_err(|_| Denied::Claim(claim))
}

fn line(claim: &'static str, text: String) -> Result<String, Denied> {
    let proper = !text.is_empty() && text.len() <= limits::MAX_LINE_BYTES;
    if proper && !text.contains(char::is_control) {
        return Ok(text);
    }
    Err(Denied::Claim(claim))
}

fn groups(groups: Vec<String>) -> Result<Vec<String>, Denied> {
    if groups.len() > limits::MAX_GROUPS {
        return Err(Denied::Claim("groups"));
    }
    groups
        .into_iter()
        .map(|group| line("groups", group))
        .collect()
}

/// NumericDate in whole seconds (RFC 7519 section 2).
fn time(claim: &'static str, seconds: i64) -> Result<Timestamp, Denied> {
    Timestamp::from_second(seconds).map_err(|_| Denied::Claim(claim))
}
