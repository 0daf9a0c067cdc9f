//! AWS's Security Token Service, for the one call `credential_process` needs:
//! `AssumeRoleWithWebIdentity` (API version 2011-06-15). A JWT goes in, keys with an end come out.
//!
//! | module | what |
//! |---|---|
//! | [`endpoint`] | where it is |
//! | [`call`] | one HTTPS request |
//! | [`xml`] | the answer, read with care |

use jiff::Timestamp;
use serde_json::json;
use zeroize::Zeroizing;

use crate::error::Error;

pub mod call;
pub mod endpoint;
pub mod xml;

#[cfg(test)]
mod tests;

/// The shortest session AWS gives. Once given it cannot be taken back, so it is never longer.
pub const SESSION_SECONDS: u32 = 900;

/// Most characters of a key or a session token: real ones are below 2,000.
const SECRET_MAX: usize = 16 * 1024;

/// Most characters of AWS's own words that are passed on.
const MESSAGE_MAX: usize = 500;

/// What is asked.
#[derive(Clone, Copy)]
pub struct Assume<'a> {
    /// The role.
    pub role_arn: &'a str,
    /// As [`session_name`](crate::exec::place::aws::session_name) makes it.
    pub session_name: &'a str,
    /// The JWT.
    pub token: &'a str,
}

/// Keys of AWS.
pub struct Keys {
    /// Public: it stands in CloudTrail.
    pub access_key_id: String,
    /// Secret.
    pub secret_access_key: Zeroizing<String>,
    /// Goes with them.
    pub session_token: Zeroizing<String>,
    /// Until when AWS takes them, whatever becomes of the grant.
    pub expires_at: Timestamp,
}

impl Assume<'_> {
    /// The request's body, `application/x-www-form-urlencoded`.
    #[must_use]
    pub fn body(&self) -> Zeroizing<String> {
        let seconds = SESSION_SECONDS.to_string();
        let fields = [
            ("Action", "AssumeRoleWithWebIdentity"),
            ("Version", "2011-06-15"),
            ("RoleArn", self.role_arn),
            ("RoleSessionName", self.session_name),
            ("DurationSeconds", &seconds),
            ("WebIdentityToken", self.token),
        ];
        let longest: usize = fields.iter().map(|(k, v)| k.len() + 3 * v.len() + 2).sum();
        // Sized first: a String that grows leaves copies behind.
        let mut body = Zeroizing::new(String::with_capacity(longest));
        for (name, value) in fields {
            if !body.is_empty() {
                body.push('&');
            }
            body.push_str(name);
            body.push('=');
            escape(value, &mut body);
        }
        body
    }
}

/// Everything but unreserved letters (RFC 3986 section 2.3) as `%XX`.
fn escape(value: &str, into: &mut String) {
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            into.push(byte.into());
        } else {
            into.push('%');
            for half in [byte >> 4, byte & 15] {
                // A half is below 16, so it is a digit of base 16.
                into.push(char::from(b"0123456789ABCDEF"[usize::from(half)]));
            }
        }
    }
}

/// Reads what came back.
///
/// # Errors
/// [`Error::Denied`] where AWS says no, [`Error::Unreachable`] where it cannot answer now,
/// [`Error::Setup`] otherwise.
pub fn read_answer(status: u16, body: &str) -> Result<Keys, Error> {
    if status == 200 {
        return keys(body).ok_or_else(|| {
            Error::setup(
                "the answer of AWS STS makes no sense",
                "check AWS_ENDPOINT_URL_STS and AWS_ENDPOINT_URL: is it AWS that answers there?",
            )
        });
    }
    let said = |name: &str| xml::text_at(body, &["ErrorResponse", "Error", name]);
    let code = said("Code").ok().flatten().unwrap_or_default();
    let mut message = said("Message").ok().flatten().unwrap_or_default();
    if let Some((end, _)) = message.char_indices().nth(MESSAGE_MAX) {
        message.truncate(end);
    }
    Err(refusal(status, &code, &message))
}

/// What to do about each of the call's documented errors.
fn refusal(status: u16, code: &str, message: &str) -> Error {
    let what = match (code, message) {
        ("", _) => format!("AWS STS answered with HTTP status {status}"),
        (code, "") => format!("AWS STS refuses: {code}"),
        (code, message) => format!("AWS STS refuses: {message} ({code})"),
    };
    let next = match code {
        "AccessDenied" => {
            "compare the role's trust policy with the right's audience and your name: \
             docs/targets/aws.md"
        }
        "InvalidIdentityToken" | "IDPCommunicationError" => {
            "AWS has to reach the broker's issuer and find its keys there: docs/targets/aws.md"
        }
        "ExpiredTokenException" => "compare the broker's clock: glass doctor",
        "RegionDisabledException" => "choose a region that is on for the account: AWS_REGION",
        _ => "see docs/targets/aws.md",
    };
    let next = next.to_owned();
    match code {
        "AccessDenied" | "ExpiredTokenException" | "IDPRejectedClaim" => {
            Error::Denied { what, next }
        }
        _ if status >= 500 || status == 429 || code == "Throttling" => Error::Unreachable {
            what,
            next: "try again in a moment".to_owned(),
        },
        _ => Error::Setup { what, next },
    }
}

/// All four, each of the letters it is made of; or nothing.
fn keys(body: &str) -> Option<Keys> {
    let text = |name: &str| {
        let path = [
            "AssumeRoleWithWebIdentityResponse",
            "AssumeRoleWithWebIdentityResult",
            "Credentials",
            name,
        ];
        let text = xml::text_at(body, &path).ok()??;
        let plain = text.bytes().all(|b| b.is_ascii_graphic());
        (plain && !text.is_empty() && text.len() <= SECRET_MAX).then_some(text)
    };
    Some(Keys {
        access_key_id: text("AccessKeyId")?,
        secret_access_key: Zeroizing::new(text("SecretAccessKey")?),
        session_token: Zeroizing::new(text("SessionToken")?),
        expires_at: text("Expiration")?.parse().ok()?,
    })
}

impl Keys {
    /// What `credential_process` answers with ("Sourcing credentials with an external process").
    #[must_use]
    pub fn to_process_json(&self) -> Zeroizing<String> {
        Zeroizing::new(
            json!({
                "Version": 1,
                "AccessKeyId": self.access_key_id,
                "SecretAccessKey": *self.secret_access_key,
                "SessionToken": *self.session_token,
                "Expiration": format!("{:.0}", self.expires_at),
            })
            .to_string(),
        )
    }
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Keys({}, {})", self.access_key_id, self.expires_at)
    }
}
