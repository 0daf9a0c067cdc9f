//! What the guard answers: a status for the proxy, headers for the service, a sentence for people.

use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use serde_json::json;

use crate::verify::{Access, Denied};

/// Names of headers.
pub mod names {
    /// Who.
    pub const PERSON: &str = "x-breakglass-person";
    /// Under which grant.
    pub const GRANT: &str = "x-breakglass-grant";
    /// During which incident.
    pub const INCIDENT: &str = "x-breakglass-incident";
    /// What for.
    pub const RIGHT: &str = "x-breakglass-right";
    /// Whether it is a drill: `yes` or `no`.
    pub const DRILL: &str = "x-breakglass-drill";
    /// Why not: [`Denied::reason`](crate::verify::Denied::reason). For a proxy that throws away the
    /// body of the answer, as nginx does.
    pub const REASON: &str = "x-breakglass-reason";
    /// A proof of possession (RFC 9449 section 4.1).
    pub const DPOP: &str = "dpop";
}

/// When to ask again while the broker is not heard, in seconds: a tick comes every two.
const AGAIN: HeaderValue = HeaderValue::from_static("2");

/// Why the guard does not let a request pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refused {
    /// Nothing is shown that the guard knows.
    NoToken,
    /// `Authorization` is there twice, or is no scheme and a token.
    Header,
    /// The proxy asks at a path that is none.
    NotFound,
    /// The proxy asks with a query that is none.
    Query,
    /// Something is shown, and is not taken.
    Denied(Denied),
}

impl From<Denied> for Refused {
    fn from(denied: Denied) -> Self {
        Self::Denied(denied)
    }
}

impl Refused {
    fn status(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            // To every proxy this is an error of its own configuration, and nobody gets in.
            Self::Query => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Denied(denied) if denied.is_passing() => StatusCode::SERVICE_UNAVAILABLE,
            Self::Denied(Denied::Right { .. }) => StatusCode::FORBIDDEN,
            Self::NoToken | Self::Header | Self::Denied(_) => StatusCode::UNAUTHORIZED,
        }
    }

    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::NoToken => "NO_TOKEN",
            Self::Header => "HEADER",
            Self::NotFound => "NOT_FOUND",
            Self::Query => "QUERY",
            Self::Denied(denied) => denied.reason(),
        }
    }

    fn says(&self) -> String {
        match self {
            Self::NoToken => "a token of breakglass is needed here: glass exec RIGHT -- CMD".into(),
            Self::Header => "there must be one Authorization header, `Bearer TOKEN`".into(),
            Self::NotFound => "there is nothing here; proxies ask at /check".into(),
            Self::Query => "the proxy asks at /check with something other than right=NAME".into(),
            Self::Denied(denied) => denied.to_string(),
        }
    }

    /// RFC 6750 section 3, RFC 9449 section 7.1. One header: nginx before 1.23 passes on the first.
    fn challenge(&self) -> Option<String> {
        let says = self.says();
        let (scheme, error) = match self {
            Self::NoToken => return Some(r#"Bearer realm="breakglass""#.into()),
            Self::Denied(Denied::NoProof | Denied::Proof(_) | Denied::Replayed) => {
                (r#"DPoP algs="ES256""#, "invalid_dpop_proof")
            }
            Self::Denied(Denied::Right { .. }) => {
                (r#"Bearer realm="breakglass""#, "insufficient_scope")
            }
            Self::Header => (r#"Bearer realm="breakglass""#, "invalid_request"),
            Self::NotFound | Self::Query => return None,
            Self::Denied(denied) if denied.is_passing() => return None,
            Self::Denied(_) => (r#"Bearer realm="breakglass""#, "invalid_token"),
        };
        // Our sentences have neither quotation marks nor backslashes: a test holds it.
        Some(format!(
            r#"{scheme}, error="{error}", error_description="{says}""#
        ))
    }

    /// The answer, as text or as JSON.
    pub(super) fn answer(&self, json: bool) -> Response<String> {
        let says = self.says();
        let body = if json {
            json!({"reason": self.reason(), "says": says}).to_string()
        } else {
            format!("{}: {says}\n", self.reason())
        };
        let mut answer = plain(self.status(), body);
        let headers = answer.headers_mut();
        if json {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let reason = HeaderValue::from_static(self.reason());
        headers.insert(names::REASON, reason);
        if self.status() == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, AGAIN);
        }
        if let Some(challenge) = self.challenge() {
            insert(headers, WWW_AUTHENTICATE.as_str(), &challenge);
        }
        answer
    }
}

/// Let it pass, and tell the service who comes.
pub(super) fn passes(access: &Access) -> Response<String> {
    let mut answer = plain(StatusCode::OK, String::new());
    let headers = answer.headers_mut();
    insert(headers, names::PERSON, access.person.as_str());
    insert(headers, names::GRANT, access.grant.as_str());
    insert(headers, names::INCIDENT, access.incident.as_str());
    insert(headers, names::RIGHT, access.right.as_str());
    // Always, so that what a stranger wrote under this name is written over.
    let drill = if access.drill { "yes" } else { "no" };
    insert(headers, names::DRILL, drill);
    answer
}

/// A text that nobody keeps.
pub(super) fn plain(status: StatusCode, body: String) -> Response<String> {
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    let text = HeaderValue::from_static("text/plain; charset=utf-8");
    headers.insert(CONTENT_TYPE, text);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        "x-content-type-options",
        HeaderValue::from_static("nosniff"),
    );
    answer
}

/// Names and sentences of ours are visible ASCII, so they always fit; if one did not, the header
/// would be missing and nothing else.
fn insert(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}
