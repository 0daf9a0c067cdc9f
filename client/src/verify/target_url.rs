//! URLs as proofs name them (RFC 9449 section 4.2: `htu`, without query and fragment), in one
//! spelling (RFC 3986 sections 6.2.2.1, 6.2.2.2 and 6.2.3).

use std::fmt::Write as _;

use http::{Uri, uri::Scheme};

/// Scheme, host and port under which people reach a service: `https://deploy.shop.example`.
///
/// It is told to a guard and not read from a request: whoever sends a request may write what they
/// like into its `Host`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(String);

impl Origin {
    /// Of a URL; what comes behind the port is left out. `None` where it is not `http(s)://host`,
    /// or has somebody's name in it.
    #[must_use]
    pub fn of(url: &str) -> Option<Self> {
        let uri: Uri = url.parse().ok()?;
        let scheme = uri
            .scheme()
            .filter(|s| [Scheme::HTTP, Scheme::HTTPS].contains(s))?;
        let authority = uri.authority()?;
        if authority.as_str().contains('@') || authority.host().is_empty() {
            return None;
        }
        let usual = if *scheme == Scheme::HTTPS { 443 } else { 80 };
        let host = authority.host().to_ascii_lowercase();
        Some(Self(match authority.port_u16() {
            // A port that is none, such as `:` or `:99999`.
            None if authority.as_str().len() != authority.host().len() => return None,
            Some(port) if port != usual => format!("{scheme}://{host}:{port}"),
            _ => format!("{scheme}://{host}"),
        }))
    }

    /// The URL of a request: this origin and the path of a request line, its query left out.
    #[must_use]
    pub fn with_path(&self, path_and_query: &str) -> String {
        let end = path_and_query.find(['?', '#']);
        let path = &path_and_query[..end.unwrap_or(path_and_query.len())];
        let path = if path.is_empty() { "/" } else { path };
        format!("{}{path}", self.0)
    }

    /// Scheme, host and port.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The one spelling of a URL, its query and fragment left out; `None` where it is no URL.
#[must_use]
pub(crate) fn canonical(url: &str) -> Option<String> {
    let origin = Origin::of(url)?;
    let (_, rest) = url.split_once("://")?;
    let path = rest
        .find(['/', '?', '#'])
        .map_or("", |start| &rest[start..]);
    Some(spelled(&origin.with_path(path)))
}

/// Percent-encoding in capitals, and only where it is needed.
fn spelled(url: &str) -> String {
    let mut out = String::with_capacity(url.len());
    let mut rest = url;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        let digits = rest.get(at + 1..at + 3);
        let byte = digits.and_then(|digits| {
            let hex = digits.bytes().all(|b| b.is_ascii_hexdigit());
            hex.then(|| u8::from_str_radix(digits, 16).ok())?
        });
        match byte {
            Some(byte) if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => {
                out.push(char::from(byte));
            }
            Some(byte) => write!(out, "%{byte:02X}").expect("a String takes every write"),
            None => {
                out.push('%');
                rest = &rest[at + 1..];
                continue;
            }
        }
        rest = &rest[at + 3..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_has_one_spelling() {
        for url in [
            "https://deploy.shop.example/a~b/",
            "HTTPS://Deploy.Shop.Example/a~b/",
            "https://deploy.shop.example:443/a~b/?x=1#y",
            "https://deploy.shop.example/%61%7eb/",
        ] {
            let spelled = canonical(url);
            assert_eq!(spelled.as_deref(), Some("https://deploy.shop.example/a~b/"));
        }
        let root = Some("http://h:8080/".to_owned());
        assert_eq!(canonical("http://h:8080"), root);
        assert_eq!(canonical("http://h:8080?x/y"), root);
        assert_eq!(canonical("http://h/%2f%").as_deref(), Some("http://h/%2F%"));
        assert_ne!(canonical("https://h/a"), canonical("https://h/a/"));
        assert_ne!(canonical("https://h/a"), canonical("https://h/A"));
        assert_ne!(canonical("https://h/a"), canonical("http://h/a"));
        assert_ne!(canonical("https://h/a%2Fb"), canonical("https://h/a/b"));
    }

    #[test]
    fn what_is_no_url_of_a_service_has_none() {
        for url in [
            "",
            "/a",
            "h/a",
            "ftp://h/a",
            "https://",
            "https:///a",
            "https://mia@h/a",
            "https://h:99999/",
            "https://h:/",
            "https://h h/",
        ] {
            assert_eq!(canonical(url), None, "{url}");
        }
    }

    #[test]
    fn a_path_is_put_behind_an_origin() {
        let origin = Origin::of("https://Deploy.example:8443/ignored?x").unwrap();
        assert_eq!(origin.as_str(), "https://deploy.example:8443");
        assert_eq!(origin.with_path("/a?b=c"), "https://deploy.example:8443/a");
        assert_eq!(origin.with_path("?b=c"), "https://deploy.example:8443/");
        assert_eq!(
            Origin::of("https://[::1]:8443").unwrap().as_str(),
            "https://[::1]:8443"
        );
    }
}
