//! What a proxy asks: whose request it is, and what it was.

use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderMap, HeaderName};

use super::answer::Refused;
use super::answer::names::DPOP;
use crate::verify::Denied;

/// The path proxies ask at.
const CHECK: &str = "/check";

/// What a request to the guard is about.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Asked<'a> {
    /// Whether the guard can let anybody in.
    Health,
    /// Whether a request may pass.
    Check(Check<'a>),
}

/// One request on its way through a proxy.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Check<'a> {
    /// The rights that the proxy wants for this place; none where it does not say.
    pub(super) rights: Vec<&'a str>,
    /// Where method and path of the request stand.
    told: Told,
}

#[derive(Debug, PartialEq, Eq)]
enum Told {
    /// In headers the proxy sets.
    InHeaders,
    /// Envoy asks with the method and the path themselves.
    ByItself,
}

/// Method and path of a request, with its query.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Original<'a> {
    pub(super) method: &'a str,
    pub(super) path: &'a str,
}

/// What is shown to get in.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Shown<'a> {
    /// A token alone (RFC 6750 section 2.1).
    Bearer(&'a str),
    /// A token and a proof (RFC 9449 section 7.1).
    Proven { token: &'a str, proof: &'a str },
}

impl<'a> Asked<'a> {
    /// Reads path and query of a request to the guard.
    pub(super) fn of(head: &'a Parts) -> Result<Self, Refused> {
        let (path, query) = (head.uri.path(), head.uri.query());
        if path == "/healthz" {
            return Ok(Self::Health);
        }
        if path == CHECK {
            let rights = query.map(rights).transpose()?.unwrap_or_default();
            let told = Told::InHeaders;
            return Ok(Self::Check(Check { rights, told }));
        }
        // The query is the stranger's here, and says nothing to us.
        let rest = path.strip_prefix(CHECK).ok_or(Refused::NotFound)?;
        if !rest.starts_with('/') {
            return Err(Refused::NotFound);
        }
        let (rights, told) = (Vec::new(), Told::ByItself);
        Ok(Self::Check(Check { rights, told }))
    }
}

/// `right=NAME`, once or more. A slip there must not open a door: everything else is refused.
fn rights(query: &str) -> Result<Vec<&str>, Refused> {
    let parts = query.split('&').map(|part| part.strip_prefix("right="));
    let named = parts.map(|right| right.filter(|right| !right.is_empty()));
    named.collect::<Option<_>>().ok_or(Refused::Query)
}

impl Check<'_> {
    /// Method and path of the request, for a proof. Headers of two kinds at once are refused: one of
    /// them is the proxy's, the other the stranger's.
    pub(super) fn original<'a>(&self, head: &'a Parts) -> Result<Original<'a>, Denied> {
        if self.told == Told::ByItself {
            return Ok(Original {
                method: head.method.as_str(),
                path: &head.uri.path()[CHECK.len()..],
            });
        }
        let told = |method: &str, path: &str| {
            (head.headers.contains_key(method) || head.headers.contains_key(path))
                .then(|| Some((only(&head.headers, method)?, only(&head.headers, path)?)))
        };
        let original = told("x-original-method", "x-original-uri");
        let forwarded = told("x-forwarded-method", "x-forwarded-uri");
        match (original, forwarded) {
            (Some(said), None) | (None, Some(said)) => said
                .filter(|(_, path)| path.starts_with('/'))
                .map(|(method, path)| Original { method, path })
                .ok_or(Denied::Proof("the proxy does not say method and path")),
            (None, None) => Err(Denied::Proof("the proxy does not say method and path")),
            (Some(_), Some(_)) => Err(Denied::Proof(
                "method and path came in two kinds of headers; the proxy must clear one of them",
            )),
        }
    }
}

impl<'a> Shown<'a> {
    /// Reads the headers: exactly one `Authorization`, and with the scheme `DPoP` exactly one proof
    /// (RFC 9449 section 4.3, number 1). Schemes have no case (RFC 9110 section 11.1).
    pub(super) fn by(headers: &'a HeaderMap) -> Result<Self, Refused> {
        if !headers.contains_key(AUTHORIZATION) {
            return Err(Refused::NoToken);
        }
        let value = only(headers, AUTHORIZATION.as_str()).ok_or(Refused::Header)?;
        let (scheme, token) = value.split_once(' ').ok_or(Refused::Header)?;
        let token = token.trim_matches(' ');
        if scheme.eq_ignore_ascii_case("bearer") {
            return Ok(Self::Bearer(token));
        }
        if !scheme.eq_ignore_ascii_case(DPOP) {
            return Err(Refused::NoToken);
        }
        if !headers.contains_key(DPOP) {
            return Err(Denied::NoProof.into());
        }
        let proof = only(headers, DPOP).ok_or(Denied::Proof("there is more than one"))?;
        Ok(Self::Proven { token, proof })
    }
}

/// The value of a header that is there once, and is text.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}
