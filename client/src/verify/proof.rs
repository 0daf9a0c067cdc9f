//! Proof of possession: DPoP (RFC 9449), with ES256 and the key a token was made for.

use jiff::{SignedDuration, Timestamp};
use ring::digest::{Context, SHA256, digest};
use serde::Deserialize;

use super::access::Access;
use super::denied::Denied;
use super::jws::{ES256, Parts, decode32};
use super::keys::{point, thumbprint};
use super::limits;
use super::replays::{ProofId, Replays};
use super::target_url::canonical;

/// What came with a request: its one `DPoP` header, and what it is a proof for.
#[derive(Clone, Copy)]
pub struct Presented<'a> {
    /// The value of the header.
    pub proof: &'a str,
    /// The method of the request: `GET`.
    pub method: &'a str,
    /// The URL as its sender wrote it, `https://` and all; a query may be left out.
    pub url: &'a str,
}

/// RFC 9449 section 4.2. No other member: `crit` says that there is something to understand.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    typ: String,
    alg: String,
    jwk: Jwk,
}

/// A public key of P-256 (RFC 7518 section 6.2.1). A private member (`d`) is refused with every
/// other one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Jwk {
    kty: String,
    crv: String,
    x: String,
    y: String,
    /// What libraries add, without a meaning here.
    #[serde(rename = "use")]
    _used_for: Option<String>,
    #[serde(rename = "alg")]
    _alg: Option<String>,
    #[serde(rename = "kid")]
    _kid: Option<String>,
}

/// RFC 9449 section 4.2. Others are ignored, as there.
#[derive(Deserialize)]
struct Claims {
    jti: String,
    htm: String,
    htu: String,
    iat: i64,
    ath: String,
}

/// RFC 9449 section 4.3, the checks in an order in which the cheap ones come first; the numbers are
/// those of its list. Number 1, that there is one header, and 10 and 11, nonces, are not done here.
pub(super) fn verify(
    access: &Access,
    token: &str,
    shown: &Presented<'_>,
    now: Timestamp,
    replays: &Replays,
) -> Result<(), Denied> {
    let claims = signed_by_holder(&access.holder, shown.proof)?;
    // 8, 9: method and URL.
    if claims.htm != shown.method {
        return Err(Denied::Proof("it is for another method"));
    }
    let wanted = canonical(shown.url).ok_or(Denied::Proof("the request's URL is not known"))?;
    if canonical(&claims.htu) != Some(wanted) {
        return Err(Denied::Proof("it is for another URL"));
    }
    // 12a: the token beside it.
    if decode32(&claims.ath).as_ref().map(<[u8; 32]>::as_slice)
        != Some(digest(&SHA256, token.as_bytes()).as_ref())
    {
        return Err(Denied::Proof("it is for another token"));
    }
    let ends = check_time(claims.iat, now)?;
    if !(1..=limits::MAX_JTI_BYTES).contains(&claims.jti.len()) {
        return Err(Denied::Proof("its `jti` is empty or too long"));
    }
    replays.take(proof_id(&access.holder, &claims.jti), ends, now)
}

/// 2 to 7 and 12b: well-formed, ES256, a public key of its own that is the holder's, and signed by it.
fn signed_by_holder(holder: &str, proof: &str) -> Result<Claims, Denied> {
    if proof.len() > limits::MAX_PROOF_BYTES {
        return Err(Denied::Proof("it is longer than 8 KiB"));
    }
    let parts = Parts::of(proof).map_err(Denied::Proof)?;
    let header: Header = parts.header().ok_or(Denied::Proof(NO_HEADER))?;
    if (&*header.typ, &*header.alg) != ("dpop+jwt", ES256) {
        return Err(Denied::Proof(NO_HEADER));
    }
    if (&*header.jwk.kty, &*header.jwk.crv) != ("EC", "P-256") {
        return Err(Denied::Proof("its key is not one of P-256"));
    }
    let key =
        point(&header.jwk.x, &header.jwk.y).ok_or(Denied::Proof("its key is not one of P-256"))?;
    if thumbprint(&key).as_deref() != Some(holder) {
        return Err(Denied::Proof("it is by another key than the token's"));
    }
    let payload = parts.payload_signed_by(&key);
    let payload = payload.ok_or(Denied::Proof("its signature is wrong"))?;
    serde_json::from_slice(payload).map_err(|_| Denied::Proof("a claim is missing or ill-typed"))
}

const NO_HEADER: &str = "its header is not `dpop+jwt`, ES256 and a public key";

/// Until when a proof made at `iat` is taken.
fn check_time(iat: i64, now: Timestamp) -> Result<Timestamp, Denied> {
    let signed = |length| SignedDuration::try_from(length).unwrap_or_default();
    let made = Timestamp::from_second(iat).map_err(|_| Denied::Proof("its time is none"))?;
    let ends = made
        .saturating_add(signed(limits::PROOF_LIFE))
        .unwrap_or(made);
    if now > ends {
        return Err(Denied::Proof("it is too old; compare the clocks"));
    }
    if made.duration_since(now) > signed(limits::PROOF_AHEAD) {
        return Err(Denied::Proof("it is from the future; compare the clocks"));
    }
    Ok(ends)
}

/// A thumbprint has always the same length, so no two pairs are the same bytes.
fn proof_id(holder: &str, jti: &str) -> ProofId {
    let mut hash = Context::new(&SHA256);
    hash.update(holder.as_bytes());
    hash.update(jti.as_bytes());
    let mut id = [0; 32];
    id.copy_from_slice(hash.finish().as_ref());
    id
}
