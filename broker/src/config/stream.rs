//! `[stream.NAME]`: where every entry of the ledger is sent as it is written.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

use breakglass_domain::StreamName;
use serde::{Deserialize, Serialize};

use super::notify::Where;
use super::value::Name;

/// The port of syslog over TLS (RFC 5425 section 4.1).
const SYSLOG_TLS: u16 = 6514;

/// Set aside for examples, and so nobody's (RFC 5612); IANA has given breakglass no number of its own.
const ENTERPRISE: u32 = 32_473;

/// A stream's name: it stands in entries and metrics, and as a file in the data folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StreamKey(StreamName);

impl StreamKey {
    /// The name itself.
    #[must_use]
    pub fn name(&self) -> &StreamName {
        &self.0
    }
}

impl TryFrom<String> for StreamKey {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let name = text.parse().map(Self);
        name.map_err(|e| format!("expected a name such as `siem`: {e}"))
    }
}

impl From<StreamKey> for String {
    fn from(key: StreamKey) -> Self {
        key.0.to_string()
    }
}

/// A destination that is sent every entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Stream {
    /// The entry it begins with, while its name is new.
    pub from: Begin,
    /// Whether it may be at a private address or on loopback, and there without TLS.
    pub allow_private: bool,
    /// The authorities its certificate may come from, PEM, relative to the config file's folder;
    /// left out: those of the system.
    pub ca_file: Option<PathBuf>,
    /// What it takes, and where.
    pub sink: Sink,
}

/// Where a new stream begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// With what happens next.
    Now,
    /// With this entry.
    Entry(u64),
}

/// What a destination takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sink {
    /// Syslog over TCP or TLS.
    Syslog(Syslog),
    /// Events in OCSF, posted and signed.
    Ocsf {
        /// Where to.
        url: Where,
        /// One line, relative to `keys_dir`: what it is signed with.
        secret_file: PathBuf,
    },
}

/// A collector of syslog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Syslog {
    /// Where it is.
    pub address: Address,
    /// Whether it speaks TLS.
    pub tls: bool,
    /// Whether a batch counts as read only where TLS was closed by both sides. Default `true`.
    pub require_close_notify: bool,
    /// Who the broker is there: a certificate, PEM, relative to the config file's folder, and its
    /// key, PEM, of mode 0600, relative to `keys_dir`.
    pub identity: Option<(PathBuf, PathBuf)>,
    /// Whose structured data it is: a private enterprise number.
    pub enterprise_number: u32,
}

/// A host and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// A name, or an address without brackets.
    pub host: Name,
    /// The port.
    pub port: u16,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host.in_url(), self.port)
    }
}

impl Address {
    /// `HOST:PORT`, or `HOST` alone where there is a usual port.
    fn parse(text: &str, usual: Option<u16>) -> Result<Self, String> {
        let wrong = || {
            format!(
                "expected an address such as `logs.shop.example:6514` or `[fd12::7]:6514`{}",
                if usual.is_some() {
                    ""
                } else {
                    "; without TLS it needs a port"
                }
            )
        };
        let bare_v6 = text.parse::<IpAddr>().is_ok_and(|it| it.is_ipv6());
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !bare_v6 && !text.ends_with(']') => {
                (host, Some(port.parse().map_err(|_| wrong())?))
            }
            _ => (text, None),
        };
        let within = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'));
        if within.is_none() && host.contains(':') && !bare_v6 {
            return Err(wrong());
        }
        let port = port.or(usual).filter(|port| *port > 0).ok_or_else(wrong)?;
        let host = Name::try_from(within.unwrap_or(host).to_owned()).map_err(|_| wrong())?;
        Ok(Self { host, port })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Syslog,
    Ocsf,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
enum WrittenFrom {
    Entry(u64),
    Word(String),
}

/// As it stands in the file: which fields go together is checked when it is read.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    kind: Kind,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<WrittenFrom>,
    #[serde(default)]
    allow_private: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    ca_file: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    require_close_notify: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate_file: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_file: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    enterprise_number: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url_file: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_file: Option<PathBuf>,
}

const OF_SYSLOG: [&str; 6] = [
    "address",
    "tls",
    "require_close_notify",
    "certificate_file",
    "key_file",
    "enterprise_number",
];

const OF_OCSF: [&str; 3] = ["url", "url_file", "secret_file"];

impl Written {
    fn of(kind: Kind) -> Self {
        Self {
            kind,
            from: None,
            allow_private: false,
            ca_file: None,
            address: None,
            tls: None,
            require_close_notify: None,
            certificate_file: None,
            key_file: None,
            enterprise_number: None,
            url: None,
            url_file: None,
            secret_file: None,
        }
    }

    /// Fields that only one kind has, and that are there.
    fn given(&self) -> impl Iterator<Item = &'static str> + use<> {
        let there = [
            self.address.is_some(),
            self.tls.is_some(),
            self.require_close_notify.is_some(),
            self.certificate_file.is_some(),
            self.key_file.is_some(),
            self.enterprise_number.is_some(),
            self.url.is_some(),
            self.url_file.is_some(),
            self.secret_file.is_some(),
        ];
        let all = OF_SYSLOG.into_iter().chain(OF_OCSF);
        all.zip(there)
            .filter(|(_, there)| *there)
            .map(|(name, _)| name)
    }

    fn refuse_others(&self, kind: &str, fields: &[&str]) -> Result<(), String> {
        match self.given().find(|name| !fields.contains(name)) {
            None => Ok(()),
            Some(name) => Err(format!(
                "a stream of kind \"{kind}\" has no `{name}`; it has: {}",
                fields.join(", ")
            )),
        }
    }

    fn begins(&self) -> Result<Begin, String> {
        match &self.from {
            None => Ok(Begin::Now),
            Some(WrittenFrom::Entry(index)) => Ok(Begin::Entry(*index)),
            Some(WrittenFrom::Word(word)) if word == "now" => Ok(Begin::Now),
            Some(WrittenFrom::Word(_)) => {
                Err("`from` is the number of an entry, such as 0, or \"now\"".into())
            }
        }
    }

    fn syslog(self) -> Result<Syslog, String> {
        self.refuse_others("syslog", &OF_SYSLOG)?;
        let tls = self.tls.unwrap_or(true);
        if !tls && !self.allow_private {
            return Err(
                "`tls = false` is for this host and private networks, with allow_private = true"
                    .into(),
            );
        }
        if !tls && self.require_close_notify.is_some() {
            return Err("`require_close_notify` is for TLS, and `tls` is false".into());
        }
        let address = self.address.ok_or("kind \"syslog\" needs `address`")?;
        let identity = match (self.certificate_file, self.key_file) {
            (None, None) => None,
            (Some(_), Some(_)) if !tls => {
                return Err("`certificate_file` is for TLS, and `tls` is false".into());
            }
            (Some(certificate), Some(key)) => Some((certificate, key)),
            _ => return Err("`certificate_file` and `key_file` go together".into()),
        };
        Ok(Syslog {
            address: Address::parse(&address, tls.then_some(SYSLOG_TLS))?,
            tls,
            require_close_notify: self.require_close_notify.unwrap_or(true),
            identity,
            enterprise_number: self.enterprise_number.unwrap_or(ENTERPRISE),
        })
    }

    fn ocsf(self) -> Result<Sink, String> {
        self.refuse_others("ocsf", &OF_OCSF)?;
        let url = Where::of("ocsf", self.url, self.url_file, self.allow_private)?;
        let secret_file = self
            .secret_file
            .ok_or("kind \"ocsf\" needs `secret_file`: what it is signed with")?;
        Ok(Sink::Ocsf { url, secret_file })
    }
}

impl TryFrom<Written> for Stream {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        Ok(Self {
            from: written.begins()?,
            allow_private: written.allow_private,
            ca_file: written.ca_file.clone(),
            sink: match written.kind {
                Kind::Syslog => Sink::Syslog(written.syslog()?),
                Kind::Ocsf => written.ocsf()?,
            },
        })
    }
}

impl From<Stream> for Written {
    fn from(it: Stream) -> Self {
        let written = Self {
            from: match it.from {
                Begin::Now => None,
                Begin::Entry(index) => Some(WrittenFrom::Entry(index)),
            },
            allow_private: it.allow_private,
            ca_file: it.ca_file,
            ..Self::of(Kind::Syslog)
        };
        match it.sink {
            Sink::Syslog(syslog) => {
                let (certificate_file, key_file) = syslog.identity.unzip();
                Self {
                    address: Some(syslog.address.to_string()),
                    tls: (!syslog.tls).then_some(false),
                    require_close_notify: syslog.tls.then_some(syslog.require_close_notify),
                    certificate_file,
                    key_file,
                    enterprise_number: Some(syslog.enterprise_number),
                    ..written
                }
            }
            Sink::Ocsf { url, secret_file } => {
                let (url, url_file) = match url {
                    Where::Url(url) => (Some(url), None),
                    Where::File(file) => (None, Some(file)),
                };
                Self {
                    kind: Kind::Ocsf,
                    url,
                    url_file,
                    secret_file: Some(secret_file),
                    ..written
                }
            }
        }
    }
}

impl Sink {
    /// What an entry says of it.
    #[must_use]
    pub fn kind(&self) -> breakglass_domain::stream::StreamKind {
        match self {
            Self::Syslog(_) => breakglass_domain::stream::StreamKind::Syslog,
            Self::Ocsf { .. } => breakglass_domain::stream::StreamKind::Ocsf,
        }
    }

    /// Host and port; a URL's path may be a secret, and one in a file is one altogether.
    #[must_use]
    pub fn destination(&self) -> String {
        match self {
            Self::Syslog(syslog) => syslog.address.to_string(),
            Self::Ocsf { url, .. } => match url {
                Where::Url(url) => authority(url),
                Where::File(file) => format!("the URL in {}", file.display()),
            },
        }
    }
}

fn authority(url: &str) -> String {
    let uri = url.parse::<http::Uri>().ok();
    let usual = match uri.as_ref().and_then(http::Uri::scheme_str) {
        Some("http") => 80,
        _ => 443,
    };
    // `check_url` refuses what has none.
    let host = uri.as_ref().and_then(http::Uri::host).unwrap_or_default();
    let port = uri.as_ref().and_then(http::Uri::port_u16).unwrap_or(usual);
    format!("{host}:{port}")
}
