//! `[notify.NAME]`: who is told of what happens, and how.

use std::fmt;
use std::path::PathBuf;

use breakglass_domain::text::restyles;
use lettre::message::Mailbox;
use serde::{Deserialize, Serialize};

use super::value::Name;

/// The port of submission, where TLS begins with STARTTLS (RFC 6409).
const SUBMISSION: u16 = 587;

/// The port of submission over TLS from the first byte (RFC 8314).
const SUBMISSIONS: u16 = 465;

macro_rules! occasions {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)*) => {
        /// What somebody is told of.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Occasion {
            $($(#[$doc])* #[serde(rename = $word)] $name,)*
        }

        impl Occasion {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// As the config and a notice name it.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }
        }
    };
}

occasions! {
    /// Something is broken.
    IncidentOpened = "incident.opened",
    /// Its alert is over, and it closes soon.
    IncidentResolved = "incident.resolved",
    /// Its alert fires again, and it stays open.
    IncidentRefired = "incident.refired",
    /// Somebody keeps it open, whatever becomes of its alert.
    IncidentHeld = "incident.held",
    /// It is over.
    IncidentClosed = "incident.closed",
    /// A request waits for an approver.
    ApprovalWanted = "approval.wanted",
    /// An approver said no to a request.
    ApprovalDenied = "approval.denied",
    /// A grant began: approved, or on the fast path.
    GrantStarted = "grant.started",
    /// A grant began because nobody answered. Told to everybody, whatever they chose.
    SelfGranted = "grant.self-granted",
    /// Somebody ended a grant.
    GrantRevoked = "grant.revoked",
    /// Somebody else goes on with a grant.
    HandedOver = "grant.handed-over",
    /// Nobody has said that a session is over that should be.
    KillUnconfirmed = "session.unconfirmed",
    /// A role in PostgreSQL could not be dropped.
    RoleStuck = "role.stuck",
    /// How a drill went.
    DrillRecorded = "drill.recorded",
    /// The ledger cannot be written, or soon cannot be.
    LedgerTrouble = "ledger.trouble",
}

/// A destination of notices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Destination {
    /// What it is told of; nothing said: everything.
    pub events: Option<Vec<Occasion>>,
    /// Whether it may be at a private address or on loopback, and there without TLS.
    pub allow_private: bool,
    /// The authorities its certificate may come from, PEM, relative to the config file's folder;
    /// left out: those of the system.
    pub ca_file: Option<PathBuf>,
    /// How it is told.
    pub medium: Medium,
}

/// How a destination is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Medium {
    /// A signed POST with a CloudEvent.
    Webhook {
        /// Where to.
        url: Where,
        /// One line, relative to `keys_dir`: what it is signed with.
        secret_file: PathBuf,
    },
    /// An incoming webhook as Slack has them.
    Slack {
        /// One line, relative to `keys_dir`: whoever knows the URL can post there.
        url_file: PathBuf,
    },
    /// E-mail.
    Smtp(Smtp),
}

/// Where a webhook is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Where {
    /// There.
    Url(String),
    /// As a file says, one line, relative to `keys_dir`.
    File(PathBuf),
}

impl Where {
    /// Exactly one of the two that a section of this kind may have.
    pub(super) fn of(
        kind: &str,
        url: Option<String>,
        url_file: Option<PathBuf>,
        allow_private: bool,
    ) -> Result<Self, String> {
        match (url, url_file) {
            (Some(url), None) => {
                check_url(&url, allow_private)?;
                Ok(Self::Url(url))
            }
            (None, Some(file)) => Ok(Self::File(file)),
            _ => Err(format!("kind \"{kind}\" needs either `url` or `url_file`")),
        }
    }
}

/// A server that takes e-mail in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Smtp {
    /// Its name, which its certificate is for.
    pub server: Name,
    /// Its port.
    pub port: u16,
    /// How TLS begins. Never without.
    pub tls: SmtpTls,
    /// Who it is from.
    pub from: Mailbox,
    /// Who gets it; nobody said: everybody by their `contact` in the policy.
    pub to: Vec<Mailbox>,
    /// Who the broker is there, and its password: one line, relative to `keys_dir`.
    pub login: Option<(String, PathBuf)>,
}

/// How TLS begins with an SMTP server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SmtpTls {
    /// By STARTTLS, which is demanded.
    StartTls,
    /// With the first byte.
    Tls,
}

/// A destination's name: it stands in metrics, in the tracing, and as a file in the data folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DestinationName(String);

impl DestinationName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DestinationName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for DestinationName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let good = (1..=40).contains(&text.len()) && text.chars().all(plain);
        match good && !text.starts_with('-') {
            true => Ok(Self(text)),
            false => Err(
                "expected a name such as `chat`: at most 40 of a-z, 0-9 and `-`, not first".into(),
            ),
        }
    }
}

impl From<DestinationName> for String {
    fn from(name: DestinationName) -> Self {
        name.0
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Webhook,
    Slack,
    Smtp,
}

/// As it stands in the file: which fields go together is checked when it is read.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    kind: Kind,
    #[serde(skip_serializing_if = "Option::is_none")]
    events: Option<Vec<Occasion>>,
    #[serde(default)]
    allow_private: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    ca_file: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url_file: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_file: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls: Option<SmtpTls>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    password_file: Option<PathBuf>,
}

impl Written {
    /// Fields beside `kind`, `events`, `allow_private` and `ca_file` that are there.
    fn given(&self) -> Vec<&'static str> {
        let all = [
            ("url", self.url.is_some()),
            ("url_file", self.url_file.is_some()),
            ("secret_file", self.secret_file.is_some()),
            ("server", self.server.is_some()),
            ("port", self.port.is_some()),
            ("tls", self.tls.is_some()),
            ("from", self.from.is_some()),
            ("to", self.to.is_some()),
            ("user", self.user.is_some()),
            ("password_file", self.password_file.is_some()),
        ];
        let there = all.into_iter().filter(|(_, there)| *there);
        there.map(|(name, _)| name).collect()
    }

    fn refuse_others(&self, kind: &str, fields: &[&str]) -> Result<(), String> {
        match self.given().iter().find(|name| !fields.contains(name)) {
            None => Ok(()),
            Some(name) => Err(format!(
                "a destination of kind \"{kind}\" has no `{name}`; it has: {}",
                fields.join(", ")
            )),
        }
    }

    fn medium(self) -> Result<Medium, String> {
        match self.kind {
            Kind::Webhook => self.webhook(),
            Kind::Slack => {
                self.refuse_others("slack", &["url_file"])?;
                let url_file = self.url_file.ok_or(
                    "kind \"slack\" needs `url_file`, a file of mode 0600 in keys_dir: whoever knows \
                     the URL can post there",
                )?;
                Ok(Medium::Slack { url_file })
            }
            Kind::Smtp => self.smtp().map(Medium::Smtp),
        }
    }

    fn webhook(self) -> Result<Medium, String> {
        self.refuse_others("webhook", &["url", "url_file", "secret_file"])?;
        let url = Where::of("webhook", self.url, self.url_file, self.allow_private)?;
        let secret_file = self
            .secret_file
            .ok_or("kind \"webhook\" needs `secret_file`: what it is signed with")?;
        Ok(Medium::Webhook { url, secret_file })
    }

    fn smtp(self) -> Result<Smtp, String> {
        let fields = [
            "server",
            "port",
            "tls",
            "from",
            "to",
            "user",
            "password_file",
        ];
        self.refuse_others("smtp", &fields)?;
        let needs = |what: &str| format!("kind \"smtp\" needs `{what}`");
        let tls = self.tls.unwrap_or(SmtpTls::StartTls);
        let usual = match tls {
            SmtpTls::StartTls => SUBMISSION,
            SmtpTls::Tls => SUBMISSIONS,
        };
        let to = self.to.unwrap_or_default();
        Ok(Smtp {
            server: self.server.ok_or_else(|| needs("server"))?,
            port: self.port.unwrap_or(usual),
            tls,
            from: mailbox(&self.from.ok_or_else(|| needs("from"))?)?,
            to: to.iter().map(|to| mailbox(to)).collect::<Result<_, _>>()?,
            login: match (self.user, self.password_file) {
                (None, None) => None,
                (Some(user), Some(file)) if !user.contains(restyles) => Some((user, file)),
                (Some(_), Some(_)) => return Err("`user` has a control character".into()),
                _ => return Err("`user` and `password_file` go together".into()),
            },
        })
    }
}

impl TryFrom<Written> for Destination {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        if written.events.as_ref().is_some_and(Vec::is_empty) {
            return Err("`events` is empty; leave it out for all of them".into());
        }
        Ok(Self {
            events: written.events.clone(),
            allow_private: written.allow_private,
            ca_file: written.ca_file.clone(),
            medium: written.medium()?,
        })
    }
}

impl From<Destination> for Written {
    fn from(it: Destination) -> Self {
        let mut written = Self {
            kind: Kind::Webhook,
            events: it.events,
            allow_private: it.allow_private,
            ca_file: it.ca_file,
            url: None,
            url_file: None,
            secret_file: None,
            server: None,
            port: None,
            tls: None,
            from: None,
            to: None,
            user: None,
            password_file: None,
        };
        match it.medium {
            Medium::Webhook { url, secret_file } => {
                written.secret_file = Some(secret_file);
                match url {
                    Where::Url(url) => written.url = Some(url),
                    Where::File(file) => written.url_file = Some(file),
                }
            }
            Medium::Slack { url_file } => {
                written.kind = Kind::Slack;
                written.url_file = Some(url_file);
            }
            Medium::Smtp(smtp) => {
                written.kind = Kind::Smtp;
                written.server = Some(smtp.server);
                written.port = Some(smtp.port);
                written.tls = Some(smtp.tls);
                written.from = Some(smtp.from.to_string());
                written.to = Some(smtp.to.iter().map(Mailbox::to_string).collect());
                (written.user, written.password_file) = smtp.login.unzip();
            }
        }
        written
    }
}

/// Whether a URL is one that notices can go to. What it says besides is not repeated: it may be a
/// secret.
///
/// # Errors
/// What is wrong with it.
pub fn check_url(url: &str, allow_private: bool) -> Result<(), String> {
    let wrong = |why: &str| Err(format!("the URL cannot be used: {why}"));
    let Ok(uri) = url.parse::<http::Uri>() else {
        return wrong("it is none");
    };
    if url.len() > 2_048 || url.contains('#') {
        return wrong("it is longer than 2048 bytes, or has a fragment");
    }
    let host = uri.authority().map(|it| (it.host(), it.as_str()));
    match host {
        None | Some(("", _)) => return wrong("it names no host"),
        Some((_, all)) if all.contains('@') => return wrong("it has a user name in it"),
        Some(_) => {}
    }
    match uri.scheme_str() {
        Some("https") => Ok(()),
        Some("http") if allow_private => Ok(()),
        Some("http") => wrong(
            "it is not https; http is for this host and private networks, with allow_private = true",
        ),
        _ => wrong("it does not begin with https://"),
    }
}

fn mailbox(text: &str) -> Result<Mailbox, String> {
    let good = (text.len() <= 320 && !text.contains(restyles))
        .then(|| text.parse().ok())
        .flatten();
    good.ok_or_else(|| {
        "expected an e-mail address such as `glass@shop.example` or `Glass <glass@shop.example>`"
            .to_owned()
    })
}
