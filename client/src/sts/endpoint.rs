//! Where STS is: what the environment says, as the AWS SDKs read it, else the region's own.

use rustls_pki_types::ServerName;

use crate::error::Error;

/// A place to send the request to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Whether TLS is spoken; without it only to this machine.
    pub tls: bool,
    /// A name or an address, an IPv6 one without its brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Begins with `/`.
    pub path: String,
}

impl Endpoint {
    /// Finds it: `AWS_ENDPOINT_URL_STS`, `AWS_ENDPOINT_URL`, the region's, the partition's.
    ///
    /// # Errors
    /// [`Error::Usage`] where a variable is no URL to send a token to.
    pub fn find(
        variable: impl Fn(&str) -> Option<String>,
        role_arn: &str,
        region: Option<&str>,
    ) -> Result<Self, Error> {
        for name in ["AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL"] {
            if let Some(url) = variable(name).filter(|url| !url.is_empty()) {
                return Self::parse(&url).ok_or_else(|| {
                    Error::usage(
                        format!("{name} is `{url}`, and no token is sent there"),
                        "it has to be https://HOST, or http:// to this machine for a test",
                    )
                });
            }
        }
        Ok(Self {
            tls: true,
            host: host_of(role_arn, region),
            port: 443,
            path: "/".to_owned(),
        })
    }

    /// Reads a URL without user, query or fragment; plain HTTP only to this machine.
    #[must_use]
    pub fn parse(url: &str) -> Option<Self> {
        let uri: http::Uri = url.parse().ok()?;
        let authority = uri.authority()?;
        let tls = match uri.scheme_str()? {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let host = authority.host().trim_matches(['[', ']']).to_owned();
        let unwanted = authority.as_str().contains('@') || uri.query().is_some();
        if unwanted || host.is_empty() || (!tls && !is_this_machine(&host)) {
            return None;
        }
        let port = match authority.port() {
            Some(port) => port.as_u16(),
            None if authority.as_str().ends_with(':') => return None,
            None => [80, 443][usize::from(tls)],
        };
        let path = uri.path().to_owned();
        Some(Self {
            tls,
            host,
            port,
            path,
        })
    }

    /// The `Host` of the request.
    #[must_use]
    pub fn authority(&self) -> String {
        let host = match self.host.contains(':') {
            true => format!("[{}]", self.host),
            false => self.host.clone(),
        };
        match (self.tls, self.port) {
            (true, 443) | (false, 80) => host,
            (_, port) => format!("{host}:{port}"),
        }
    }

    /// The name its certificate has to be for.
    ///
    /// # Errors
    /// [`Error::Usage`] where it cannot be one.
    pub fn tls_name(&self) -> Result<ServerName<'static>, Error> {
        ServerName::try_from(self.host.clone()).map_err(|_| {
            Error::usage(
                format!("`{}` is no host's name", self.host),
                "check AWS_ENDPOINT_URL_STS, AWS_ENDPOINT_URL and the region",
            )
        })
    }
}

fn is_this_machine(host: &str) -> bool {
    let address = host.parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// The regional endpoint, as AWS recommends; the global one where no region is known. The other
/// partitions have no global one.
fn host_of(role_arn: &str, region: Option<&str>) -> String {
    let partition = role_arn.split(':').nth(1).unwrap_or_default();
    let region = region.or(match partition {
        "aws-cn" => Some("cn-north-1"),
        "aws-us-gov" => Some("us-gov-west-1"),
        _ => None,
    });
    match region {
        None => "sts.amazonaws.com".to_owned(),
        Some(region) if region.starts_with("cn-") => format!("sts.{region}.amazonaws.com.cn"),
        Some(region) => format!("sts.{region}.amazonaws.com"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROLE: &str = "arn:aws:iam::123456789012:role/x";

    fn found(variables: &[(&str, &str)], role: &str, region: Option<&str>) -> String {
        let look = |name: &str| {
            let known = variables.iter().find(|(known, _)| *known == name);
            known.map(|(_, value)| (*value).to_owned())
        };
        match Endpoint::find(look, role, region) {
            Ok(endpoint) => endpoint.authority() + &endpoint.path,
            Err(why) => why.to_string(),
        }
    }

    #[test]
    fn the_environment_wins_over_the_region_over_the_partition() {
        let (own, all) = ("AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL");
        let here = [(own, ""), (all, "http://127.0.0.1:5000")];
        assert_eq!(found(&here, ROLE, Some("eu-central-1")), "127.0.0.1:5000/");
        let both = [(all, "https://a.example"), (own, "https://b.example/sts")];
        assert_eq!(found(&both, ROLE, None), "b.example/sts");
        for (role, region, host) in [
            (
                ROLE,
                Some("eu-central-1"),
                "sts.eu-central-1.amazonaws.com/",
            ),
            (ROLE, None, "sts.amazonaws.com/"),
            (ROLE, Some("cn-north-1"), "sts.cn-north-1.amazonaws.com.cn/"),
            (
                "arn:aws-cn:iam::123456789012:role/x",
                None,
                "sts.cn-north-1.amazonaws.com.cn/",
            ),
            (
                "arn:aws-us-gov:iam::123456789012:role/x",
                None,
                "sts.us-gov-west-1.amazonaws.com/",
            ),
        ] {
            assert_eq!(found(&[], role, region), host);
        }
    }

    #[test]
    fn a_token_goes_nowhere_in_the_clear() {
        for url in [
            "http://sts.example",
            "http://10.0.0.1:5000",
            "http://127.0.0.1.example",
            "ftp://127.0.0.1",
            "127.0.0.1:5000",
            "https://",
            "https://user:pass@sts.example",
            "https://sts.example/?x=y",
            "https://sts.example:",
            "not a url",
        ] {
            assert_eq!(Endpoint::parse(url), None, "{url}");
            let said = found(&[("AWS_ENDPOINT_URL", url)], ROLE, None);
            assert!(said.contains("no token is sent there"), "{said}");
        }
        for (url, authority) in [
            ("http://localhost:5000/", "localhost:5000"),
            ("http://[::1]:5000", "[::1]:5000"),
            ("https://[2001:db8::1]", "[2001:db8::1]"),
            ("http://127.9.9.9", "127.9.9.9"),
        ] {
            assert_eq!(Endpoint::parse(url).unwrap().authority(), authority);
        }
    }
}
