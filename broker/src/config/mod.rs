//! The settings of the broker. [`Settings`] is the manual: each field says its meaning, its unit and
//! its default, and `deploy/glassd.toml` says the same to the operator.

mod error;
pub mod notify;
pub mod stream;
#[cfg(test)]
mod tests;
mod value;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use error::ConfigError;
pub use notify::{Destination, DestinationName};
pub use stream::{Stream, StreamKey};
pub use value::{
    Days, Directives, Format, Https, Name, Origin, Places, RoleText, Seconds, SourceName,
    TargetName, WitnessName, WitnessUrl,
};

/// The name of the config file in a folder.
pub const FILE: &str = "glassd.toml";

/// Where the config file is where nobody says.
pub const DEFAULT_PATH: &str = "/etc/breakglass/glassd.toml";

/// The sample: every setting, commented out, with its default.
pub const SAMPLE: &str = include_str!("../../../deploy/glassd.toml");

/// Bytes of the largest config file: many times the sample.
const FILE_MAX: u64 = 256 * 1024;

/// What the operator chose. Paths as they stand in the file; [`Config`] has them resolved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The data folder: ledger, index, keys, lock. Relative to the config file's folder. Default
    /// `/var/lib/breakglass`.
    pub data_dir: PathBuf,
    /// The private keys. Relative to `data_dir`. Default `keys`.
    pub keys_dir: PathBuf,
    /// Who may do what. Relative to the config file's folder. Default `policy.toml`.
    pub policy_file: PathBuf,
    /// DNS names and IP addresses of this host, at least one. Default `localhost`, `127.0.0.1`,
    /// `::1`.
    pub server_names: Vec<Name>,
    /// gRPC over TLS 1.3. Default `127.0.0.1:7443`.
    pub listen: SocketAddr,
    /// HTTPS: discovery, keys, checkpoint, tiles, health. Default `127.0.0.1:7444`.
    pub web_listen: SocketAddr,
    /// Prometheus metrics over plain HTTP. Default `127.0.0.1:7445`.
    pub metrics_listen: SocketAddr,
    /// What stands in invitations. Default `https://` and the first name and the port of `listen`.
    pub public_url: Option<Https>,
    /// The `iss` of JWTs. Default `https://` and the first name and the port of `web_listen`.
    pub issuer: Option<Https>,
    /// The name of the ledger. Default the first name and `/ledger`.
    pub ledger_origin: Option<Origin>,
    /// Life of a client certificate, in days, 1 to 365. Default 30.
    pub client_certificate_days: Days,
    /// How long a held grant outlives its holder's connection, in seconds, 1 to 3600. Default 60.
    pub hold_grace_seconds: Seconds,
    /// Connections of one address at once. Default 256.
    pub connections_per_peer: Places,
    /// Connections altogether, on each listener. Default 4096.
    pub connections_total: Places,
    /// gRPC server reflection. Default `false`.
    pub reflection: bool,
    /// `text` or `json`, to standard error. Default `text`.
    pub tracing_format: Format,
    /// What is traced. Default `info`.
    pub tracing_filter: Directives,
    /// Who the broker is in the PostgreSQL servers of the policy, by target. Where they are stands in
    /// the policy. Default none.
    pub postgres: BTreeMap<TargetName, PostgresLogin>,
    /// What alert sources prove themselves by, by source. What each may open stands in the policy.
    /// Default none: then nobody is heard at `/hooks/`.
    pub hooks: BTreeMap<SourceName, HookSecrets>,
    /// Who is told of what happens, and how. Default nobody.
    pub notify: BTreeMap<DestinationName, Destination>,
    /// Where every entry of the ledger is sent as it is written. Default nowhere.
    pub stream: BTreeMap<StreamKey, Stream>,
    /// Where the witnesses of the policy are, by their names there. Default none: those are not asked.
    pub witness: BTreeMap<WitnessName, WitnessAddress>,
}

/// Where a witness is. Its key stands in the policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WitnessAddress {
    /// Where checkpoints are sent, without `/add-checkpoint`: `https://` or `http://`. Checkpoints are
    /// public and answers are signed, so TLS protects no secret here.
    pub url: WitnessUrl,
    /// The authorities its certificate may come from, PEM, relative to the config file's folder;
    /// left out: those of the system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
}

/// The secrets of one alert source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HookSecrets {
    /// Files of mode 0600 with one secret each, 1 to 4 of them; any one proves the source, so that a
    /// secret can be changed without a gap. Relative to `keys_dir`.
    pub secret_files: Vec<PathBuf>,
}

/// The broker's own role in a PostgreSQL server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PostgresLogin {
    /// The role that `deploy/postgres/setup.sql` makes.
    pub user: RoleText,
    /// A file of mode 0600 with its password, one line. Relative to `keys_dir`.
    pub password_file: PathBuf,
}

impl Default for Settings {
    fn default() -> Self {
        let loopback = |port| SocketAddr::from(([127, 0, 0, 1], port));
        Self {
            data_dir: "/var/lib/breakglass".into(),
            keys_dir: "keys".into(),
            policy_file: "policy.toml".into(),
            server_names: ["localhost", "127.0.0.1", "::1"].map(Name::known).into(),
            listen: loopback(7443),
            web_listen: loopback(7444),
            metrics_listen: loopback(7445),
            public_url: None,
            issuer: None,
            ledger_origin: None,
            client_certificate_days: Days::DEFAULT,
            hold_grace_seconds: Seconds::DEFAULT,
            connections_per_peer: Places::PER_PEER,
            connections_total: Places::TOTAL,
            reflection: false,
            tracing_format: Format::Text,
            tracing_filter: Directives::default(),
            postgres: BTreeMap::new(),
            hooks: BTreeMap::new(),
            notify: BTreeMap::new(),
            witness: BTreeMap::new(),
            stream: BTreeMap::new(),
        }
    }
}

/// Settings whose paths are resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// What the operator chose.
    pub settings: Settings,
    /// The file it came from.
    pub file: PathBuf,
    /// The data folder.
    pub data_dir: PathBuf,
    /// The private keys.
    pub keys_dir: PathBuf,
    /// The policy.
    pub policy_file: PathBuf,
}

impl Config {
    /// Reads a config file; a folder stands for the [`FILE`] in it.
    ///
    /// # Errors
    /// [`ConfigError`] with file, line and column.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let file = if path.is_dir() {
            path.join(FILE)
        } else {
            path.to_owned()
        };
        let unreadable = |source| ConfigError::Unreadable {
            file: file.clone(),
            source,
        };
        let wrong = |why: &str| unreadable(io::Error::other(why));
        // What is no file (a pipe, a device) has no length to ask for.
        let mut bytes = Vec::new();
        File::open(&file)
            .and_then(|it| it.take(FILE_MAX + 1).read_to_end(&mut bytes))
            .map_err(unreadable)?;
        if bytes.len() as u64 > FILE_MAX {
            return Err(wrong("it is too long for a config file"));
        }
        let text = String::from_utf8(bytes).map_err(|_| wrong("it is not text in UTF-8"))?;
        Self::parse(&file, &text)
    }

    /// Reads the text of a config file.
    ///
    /// # Errors
    /// [`ConfigError`] with file, line and column.
    pub fn parse(file: &Path, text: &str) -> Result<Self, ConfigError> {
        let settings: Settings =
            toml::from_str(text).map_err(|e| ConfigError::wrong(file, text, &e))?;
        if settings.server_names.is_empty() {
            return Err(ConfigError::nameless(file));
        }
        Ok(Self::resolve(file, settings))
    }

    /// Settings as if they stood in `file`.
    #[must_use]
    pub fn resolve(file: &Path, settings: Settings) -> Self {
        let folder = file.parent().unwrap_or(Path::new(""));
        // Without the `.` of a data folder that is the config's own.
        let data_dir: PathBuf = folder.join(&settings.data_dir).components().collect();
        Self {
            keys_dir: data_dir.join(&settings.keys_dir),
            policy_file: folder.join(&settings.policy_file),
            data_dir,
            file: file.to_owned(),
            settings,
        }
    }

    /// What invitations name, where the gRPC listener has this port.
    #[must_use]
    pub fn public_url(&self, port: u16) -> String {
        let chosen = self.settings.public_url.as_ref().map(Https::to_string);
        chosen.unwrap_or_else(|| self.url(port))
    }

    /// The `iss` of JWTs, where the web listener has this port.
    #[must_use]
    pub fn issuer(&self, web_port: u16) -> String {
        let chosen = self.settings.issuer.as_ref().map(Https::to_string);
        chosen.unwrap_or_else(|| self.url(web_port))
    }

    /// The name of the ledger.
    #[must_use]
    pub fn ledger_origin(&self) -> String {
        let chosen = self.settings.ledger_origin.as_ref().map(Origin::to_string);
        chosen.unwrap_or_else(|| format!("{}/ledger", self.first_name()))
    }

    /// The first of the host's names.
    #[must_use]
    pub fn first_name(&self) -> &Name {
        // `parse` refuses a file without names, and the default has three.
        &self.settings.server_names[0]
    }

    /// The ledger's folder.
    #[must_use]
    pub fn ledger_dir(&self) -> PathBuf {
        self.data_dir.join("ledger")
    }

    /// The folder of places up to which each destination was told.
    #[must_use]
    pub fn notify_dir(&self) -> PathBuf {
        self.data_dir.join("notify")
    }

    /// The folder of places up to which each stream was sent.
    #[must_use]
    pub fn stream_dir(&self) -> PathBuf {
        self.data_dir.join("stream")
    }

    /// The index's folder.
    #[must_use]
    pub fn index_dir(&self) -> PathBuf {
        self.data_dir.join("index")
    }

    fn url(&self, port: u16) -> String {
        format!("https://{}:{port}", self.first_name().in_url())
    }
}

/// The sample with these settings chosen: names and their values in TOML.
#[must_use]
pub fn sample_with(chosen: &[(&str, String)]) -> String {
    let line = |line: &str| {
        let name = line
            .strip_prefix("# ")
            .and_then(|line| line.split_once(" = "));
        let value = name.and_then(|(name, _)| chosen.iter().find(|(chosen, _)| *chosen == name));
        match value {
            Some((name, value)) => format!("{name} = {value}\n"),
            None => format!("{line}\n"),
        }
    };
    SAMPLE.lines().map(line).collect()
}

/// A text as a TOML basic string.
#[must_use]
pub fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
