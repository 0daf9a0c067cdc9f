//! Whether a delivery comes from its source.

use breakglass_domain::policy::SourceKind;
use breakglass_domain::{SourceId, Time};
use http::HeaderMap;
use http::header::AUTHORIZATION;

use super::limits::{DELIVERY_MAX, SIGNATURES};
use super::secret::Secret;

/// PagerDuty's signatures: `v1=HEX,v1=HEX`.
const PAGERDUTY: &str = "x-pagerduty-signature";

/// Grafana's signature, HEX, and the time in it. The second has no usual name: the operator types it in.
const GRAFANA: &str = "x-grafana-alerting-signature";
const GRAFANA_TIME: &str = "x-grafana-alerting-timestamp";

/// Ours.
const SIGNATURE: &str = "glass-signature";
const TIMESTAMP: &str = "glass-timestamp";
const NONCE: &str = "glass-nonce";

/// The first line of what is signed in our form; its name and version.
const FORM: &str = "glass-hook v1";

/// What was proven beside whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Proven {
    /// A time that is signed, where there is one.
    pub(super) signed_at: Option<Time>,
    /// What tells the delivery from any other, where that is signed.
    pub(super) nonce: Option<String>,
}

/// Not proven. Which part was wrong is not told to whoever may be a stranger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unproven;

/// What arrived.
pub(super) struct Arrived<'a> {
    pub(super) source: &'a SourceId,
    pub(super) headers: &'a HeaderMap,
    pub(super) body: &'a [u8],
}

/// Whether the headers can prove anything, before a body is read for it.
pub(super) fn has_proof(kind: SourceKind, headers: &HeaderMap) -> bool {
    match kind {
        SourceKind::Alertmanager => bearer(headers).is_some(),
        SourceKind::PagerDuty => text(headers, PAGERDUTY).is_some(),
        SourceKind::Grafana => bearer(headers).or(text(headers, GRAFANA)).is_some(),
        SourceKind::Webhook => text(headers, SIGNATURE).is_some(),
    }
}

/// Whether a token proves whose it is before a body is read; nothing where the body is what is signed.
pub(super) fn proves_alone(
    kind: SourceKind,
    headers: &HeaderMap,
    secrets: &[Secret],
) -> Option<Result<(), Unproven>> {
    let by_token = match kind {
        SourceKind::Alertmanager => true,
        SourceKind::Grafana => text(headers, GRAFANA).is_none(),
        SourceKind::PagerDuty | SourceKind::Webhook => false,
    };
    by_token.then(|| {
        let token = bearer(headers).ok_or(Unproven)?;
        any(secrets, |secret| secret.is(token.as_bytes()))
    })
}

/// Checks what proves a delivery of this kind, against each secret there is.
pub(super) fn prove(
    kind: SourceKind,
    arrived: &Arrived<'_>,
    secrets: &[Secret],
) -> Result<Proven, Unproven> {
    match kind {
        SourceKind::Alertmanager => token(arrived, secrets),
        SourceKind::PagerDuty => pagerduty(arrived, secrets),
        SourceKind::Grafana if text(arrived.headers, GRAFANA).is_some() => {
            grafana(arrived, secrets)
        }
        SourceKind::Grafana => token(arrived, secrets),
        SourceKind::Webhook => ours(arrived, secrets),
    }
}

/// RFC 6750 section 2.1.
fn token(arrived: &Arrived<'_>, secrets: &[Secret]) -> Result<Proven, Unproven> {
    let token = bearer(arrived.headers).ok_or(Unproven)?;
    any(secrets, |secret| secret.is(token.as_bytes()))?;
    Ok(Proven {
        signed_at: None,
        nonce: None,
    })
}

/// Over the body. When it happened stands in the body, which is signed.
fn pagerduty(arrived: &Arrived<'_>, secrets: &[Secret]) -> Result<Proven, Unproven> {
    let given = text(arrived.headers, PAGERDUTY).ok_or(Unproven)?;
    signed(given, &[arrived.body], secrets)?;
    Ok(Proven {
        signed_at: None,
        nonce: None,
    })
}

/// Over the time, a colon and the body. Where Grafana is not told to send a time it signs the body alone,
/// and whoever has kept that could play it again for ever: that proves nothing here. It sends no nonce, and
/// what it signs at another second has another signature.
fn grafana(arrived: &Arrived<'_>, secrets: &[Secret]) -> Result<Proven, Unproven> {
    let header = |name| text(arrived.headers, name).ok_or(Unproven);
    let (given, time) = (header(GRAFANA)?, header(GRAFANA_TIME)?);
    let signature = [unhex(given).ok_or(Unproven)?];
    let parts = [time.as_bytes(), b":", arrived.body];
    any(secrets, |secret| secret.has_signed(&parts, &signature))?;
    Ok(Proven {
        signed_at: Some(seconds(time).ok_or(Unproven)?),
        nonce: Some(given.to_ascii_lowercase()),
    })
}

/// Over a line each with the form, the source, the time and the nonce, and then the body.
fn ours(arrived: &Arrived<'_>, secrets: &[Secret]) -> Result<Proven, Unproven> {
    let header = |name| text(arrived.headers, name).ok_or(Unproven);
    let (given, time, nonce) = (header(SIGNATURE)?, header(TIMESTAMP)?, header(NONCE)?);
    let head = format!("{FORM}\n{}\n{time}\n{nonce}\n", arrived.source);
    signed(given, &[head.as_bytes(), arrived.body], secrets)?;
    if !(16..=DELIVERY_MAX).contains(&nonce.len()) {
        return Err(Unproven);
    }
    Ok(Proven {
        signed_at: Some(seconds(time).ok_or(Unproven)?),
        nonce: Some(nonce.to_owned()),
    })
}

/// One of the signatures `v1=HEX`, separated by commas, is by one of the secrets.
fn signed(given: &str, parts: &[&[u8]], secrets: &[Secret]) -> Result<(), Unproven> {
    let given = given.split(',').take(SIGNATURES).map(str::trim);
    let signatures = given.filter_map(|one| unhex(one.strip_prefix("v1=")?));
    let signatures: Vec<_> = signatures.collect();
    if signatures.is_empty() {
        return Err(Unproven);
    }
    any(secrets, |secret| secret.has_signed(parts, &signatures))
}

fn any(secrets: &[Secret], proves: impl Fn(&Secret) -> bool) -> Result<(), Unproven> {
    match secrets.iter().any(proves) {
        true => Ok(()),
        false => Err(Unproven),
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let given = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = given.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

/// Seconds since 1970, as `date +%s` writes them.
fn seconds(text: &str) -> Option<Time> {
    let seconds: u32 = text.parse().ok()?;
    Some(Time::from_millis(i64::from(seconds) * 1_000))
}

/// The 32 bytes of an HMAC-SHA256.
fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    for (place, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * place..2 * place + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests;
