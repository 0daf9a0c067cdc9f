//! A CloudEvent (CloudEvents 1.0, JSON event format, structured mode), signed as Standard Webhooks has
//! it: HMAC-SHA256 over `ID.SECONDS.BODY`, so that libraries of others check it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use breakglass_domain::Time;
use http::{HeaderMap, HeaderValue, header};
use ring::hmac;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::courier::Failed;
use super::limits::SECRET_LEAST;
use super::notice::Notice;

/// What stands before a secret that is base64 (Standard Webhooks 1.0).
const ENCODED: &str = "whsec_";

/// What comes before the kind in an event's `type`.
const TYPE: &str = "breakglass.";

/// The event: its bytes are what is signed.
pub(super) fn body(notice: &Notice, ledger: &str) -> Vec<u8> {
    let mut data = serde_json::Map::new();
    data.insert("text".into(), notice.title.clone().into());
    if let Some(next) = &notice.next {
        data.insert("next".into(), next.clone().into());
    }
    for (name, value) in &notice.facts {
        data.insert((*name).into(), value.clone());
    }
    // Another type, so that what pages on the real thing is not woken.
    let drill = if notice.drill { "drill." } else { "" };
    let event = json!({
        "specversion": "1.0",
        "id": notice.id,
        "source": ledger,
        "type": format!("{TYPE}{drill}{}", notice.subject.as_str()),
        "time": notice.at.to_string(),
        "datacontenttype": "application/json",
        "data": Value::Object(data),
    });
    event.to_string().into_bytes()
}

/// The headers, with the signature as of `now`: a receiver refuses what is older than minutes.
pub(super) fn headers(id: &str, body: &[u8], secret: &str, now: Time) -> Result<HeaderMap, Failed> {
    signed(
        id,
        "application/cloudevents+json; charset=utf-8",
        body,
        secret,
        now,
    )
}

/// The same for another type of content.
pub(super) fn signed(
    id: &str,
    content_type: &'static str,
    body: &[u8],
    secret: &str,
    now: Time,
) -> Result<HeaderMap, Failed> {
    let seconds = now.as_secs().to_string();
    let mut signed = hmac::Context::with_key(&key(secret)?);
    for part in [id.as_bytes(), b".", seconds.as_bytes(), b".", body] {
        signed.update(part);
    }
    let signature = format!("v1,{}", STANDARD.encode(signed.sign()));
    let value = |text: &str| {
        HeaderValue::from_str(text).map_err(|_| Failed("an id is no header's value".into()))
    };
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert("webhook-id", value(id)?);
    headers.insert("webhook-timestamp", value(&seconds)?);
    headers.insert("webhook-signature", value(&signature)?);
    Ok(headers)
}

/// The key a secret stands for.
///
/// # Errors
/// Where it is too short to be one.
pub(super) fn key(secret: &str) -> Result<hmac::Key, Failed> {
    let bytes = match secret.strip_prefix(ENCODED) {
        None => Zeroizing::new(secret.as_bytes().to_vec()),
        Some(encoded) => Zeroizing::new(STANDARD.decode(encoded).map_err(|_| {
            Failed(format!(
                "the secret begins with {ENCODED}, and what follows is not base64"
            ))
        })?),
    };
    if bytes.len() < SECRET_LEAST {
        let why = format!(
            "the secret has fewer than {SECRET_LEAST} bytes; make one with: openssl rand -base64 32"
        );
        return Err(Failed(why));
    }
    Ok(hmac::Key::new(hmac::HMAC_SHA256, &bytes))
}
