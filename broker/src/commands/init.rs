//! `glassd init`: everything a broker needs, once.

use std::fs::{self, DirBuilder};
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use breakglass_domain::event::KeyPurpose;
use breakglass_domain::policy::STARTER;
use breakglass_domain::{PersonId, Policy};
use breakglass_tlog::NoteSigner as _;

use super::invite::{Invitations, entropy};
use super::policy::counted;
use super::stores::{self, DECODE, Keys, Stores, act_offline, added, load_policy};
use super::target_keys::TargetKeys;
use super::{Failure, Printer, typed};
use crate::config::{Config, DEFAULT_PATH, FILE, quoted, sample_with};
use crate::edge::{SystemClock, install_crypto};
use crate::index::Sealer;
use crate::issue::Ca;
use crate::issue::keys::{KeyFolder, Keyring, make_ledger_key};
use crate::ledger::FileLedger;
use crate::ports::{Clock, Decided, Entropy};

/// Make a broker: data folder, keys, authority, policy, config, and the first entries of its ledger
///
/// Nothing is ever written over: where a config or a policy is there already it is used, and a data
/// folder must be empty or not there yet.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  glassd init ./glass --invite founder\n  glassd init \
                        /var/lib/breakglass --config /etc/breakglass/glassd.toml \\\n    \
                        --server-name glass.example --listen 0.0.0.0:7443 --web-listen \
                        0.0.0.0:7444 \\\n    --policy team.toml --invite founder"
)]
pub(super) struct Init {
    /// The data folder [default: the one in the config file]
    ///
    /// The config file is made in it, unless --config says where.
    #[arg(value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Whom to invite at once: the first person has nobody else to be invited by
    #[arg(long, value_name = "PERSON")]
    invite: Vec<PersonId>,
    /// The policy to begin with [default: a commented example team]
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    #[command(flatten)]
    chosen: Chosen,
}

/// Settings that are written into a new config file.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Settings of a new config file")]
struct Chosen {
    /// A name or address of this host; the first stands in invitations
    #[arg(long = "server-name", value_name = "NAME")]
    server_names: Vec<String>,
    /// Where gRPC listens [default: 127.0.0.1:7443]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Where HTTPS listens [default: 127.0.0.1:7444]
    #[arg(long, value_name = "ADDRESS")]
    web_listen: Option<SocketAddr>,
    /// Where metrics are served [default: 127.0.0.1:7445]
    #[arg(long, value_name = "ADDRESS")]
    metrics_listen: Option<SocketAddr>,
    /// What stands in invitations, where it is not the first name and the port
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// The issuer of JWTs, where it is not the first name and the port
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
    /// The name of the ledger, for ever [default: the first name and `/ledger`]
    #[arg(long, value_name = "NAME")]
    ledger_origin: Option<String>,
    /// Serve gRPC reflection
    #[arg(long)]
    reflection: bool,
}

/// What is written where, decided before anything is.
struct Plan {
    config: Config,
    /// The text of a new config file.
    config_text: Option<String>,
    policy: Policy,
    /// Whether the policy file is to be made.
    policy_is_new: bool,
}

impl Init {
    pub(super) fn run(&self, config: Option<&Path>, printer: &mut Printer) -> Result<(), Failure> {
        install_crypto();
        let plan = self.plan(config)?;
        if let Some(unknown) = self
            .invite
            .iter()
            .find(|id| !plan.policy.people.contains_key(*id))
        {
            let file = plan.config.policy_file.display();
            return Err(Failure::usage(format!(
                "the policy {file} has nobody called `{unknown}`"
            )));
        }
        let invitations = Invitations::draw(&self.invite, &entropy()?);
        let made = take_data_dir(&plan.config.data_dir)?;
        match make(&plan, &invitations) {
            Ok((keys, decided)) => {
                say(printer, &plan, &keys);
                self.say_next(printer, &plan.config, &keys, &invitations, &decided);
                Ok(())
            }
            Err(failure) => {
                clear(&plan, made);
                Err(failure)
            }
        }
    }

    fn plan(&self, config: Option<&Path>) -> Result<Plan, Failure> {
        let file = self.config_file(config);
        let (config, config_text) = if file.exists() {
            (self.existing(&file)?, None)
        } else {
            let text = sample_with(&self.chosen.lines(&self.data_dir_setting(&file)?));
            (Config::parse(&file, &text).map_err(unfit)?, Some(text))
        };
        let policy_is_new = !config.policy_file.exists();
        let policy = match &self.policy {
            Some(_) if !policy_is_new => {
                let there = config.policy_file.display();
                let what = format!("{there} is there already and is not written over");
                return Err(Failure::usage(what).then("leave --policy out to use it"));
            }
            Some(file) => stores::read_policy(file)?,
            None if policy_is_new => Policy::parse("the starter policy", STARTER)?,
            None => stores::read_policy(&config.policy_file)?,
        };
        Ok(Plan {
            config,
            config_text,
            policy,
            policy_is_new,
        })
    }

    fn config_file(&self, config: Option<&Path>) -> PathBuf {
        match (config, &self.data_dir) {
            (Some(path), _) if path.is_dir() => path.join(FILE),
            (Some(path), _) => path.to_owned(),
            (None, Some(data_dir)) => data_dir.join(FILE),
            (None, None) => DEFAULT_PATH.into(),
        }
    }

    /// A config that is there says everything itself.
    fn existing(&self, file: &Path) -> Result<Config, Failure> {
        let there = file.display();
        if self
            .data_dir
            .as_ref()
            .is_some_and(|dir| file.parent() == Some(dir.as_path()))
        {
            let what = format!("{there} is there already: a broker was made here");
            return Err(Failure::new(what).then(format!("glassd serve --config {}", typed(file))));
        }
        let config = Config::load(file)?;
        let other = self
            .data_dir
            .as_ref()
            .is_some_and(|dir| absolute(dir) != absolute(&config.data_dir));
        if other || !self.chosen.lines("").is_empty() {
            let what = format!("{there} is there already, and its settings are not written over");
            return Err(Failure::usage(what).then(format!("change them there: {there}")));
        }
        Ok(config)
    }

    /// How a new config file calls the data folder.
    fn data_dir_setting(&self, file: &Path) -> Result<String, Failure> {
        let Some(data_dir) = &self.data_dir else {
            return Ok(String::new());
        };
        if file.parent() == Some(data_dir.as_path()) {
            return Ok(".".into());
        }
        let absolute = absolute(data_dir);
        let text = absolute.to_str().map(str::to_owned);
        text.ok_or_else(|| Failure::usage("the data folder's path is not text in UTF-8"))
    }

    fn say_next(
        &self,
        printer: &mut Printer,
        config: &Config,
        keys: &Keys,
        invitations: &Invitations,
        decided: &[Decided],
    ) {
        printer.line(format!(
            "\nStart it:\n\n  glassd serve --config {}",
            typed(&config.file)
        ));
        if self.invite.is_empty() {
            printer.line(format!(
                "\nNobody is invited yet. Before it is started:\n\n  glassd invite PERSON --config {}",
                typed(&config.file)
            ));
        }
        let url = config.public_url(config.settings.listen.port());
        let invited = &decided[decided.len() - self.invite.len()..];
        for line in invitations.lines(invited, &url, &keys.authority.pin()) {
            printer.line(&*line);
        }
    }
}

impl Chosen {
    /// The lines of a new config file; without a data folder where that is the default.
    fn lines(&self, data_dir: &str) -> Vec<(&'static str, String)> {
        let names: Vec<_> = self.server_names.iter().map(|name| quoted(name)).collect();
        let names = (!names.is_empty()).then(|| format!("[{}]", names.join(", ")));
        let address = |address: Option<SocketAddr>| address.map(|a| quoted(&a.to_string()));
        let text = |text: &Option<String>| text.as_ref().map(|text| quoted(text));
        [
            ("data_dir", (!data_dir.is_empty()).then(|| quoted(data_dir))),
            ("server_names", names),
            ("listen", address(self.listen)),
            ("web_listen", address(self.web_listen)),
            ("metrics_listen", address(self.metrics_listen)),
            ("public_url", text(&self.public_url)),
            ("issuer", text(&self.issuer)),
            ("ledger_origin", text(&self.ledger_origin)),
            ("reflection", self.reflection.then(|| "true".to_owned())),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
    }
}

/// The settings on the command line are wrong, not a file that nobody has written yet.
fn unfit(error: crate::config::ConfigError) -> Failure {
    match error {
        crate::config::ConfigError::Wrong { message, .. } => Failure::usage(message),
        other => other.into(),
    }
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// Makes the data folder, or takes an empty one; answers whether it was made.
fn take_data_dir(folder: &Path) -> Result<bool, Failure> {
    let shown = folder.display();
    let cannot = |e: std::io::Error| {
        Failure::new(format!("the data folder {shown} cannot be made: {e}"))
            .then("name another one, or run it as a user that may write there")
    };
    if let Some(parent) = folder.parent() {
        fs::create_dir_all(parent).map_err(cannot)?;
    }
    match DirBuilder::new().mode(0o700).create(folder) {
        Ok(()) => return Ok(true),
        Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
        Err(e) => return Err(cannot(e)),
    }
    let mut inside = fs::read_dir(folder).map_err(cannot)?;
    if inside.next().is_some() {
        let what = format!("{shown} has something in it already, and nothing is written over");
        return Err(Failure::new(what).then("name an empty folder, or one that is not there yet"));
    }
    Ok(false)
}

/// Keys, ledger, first entries; then policy and config, so that a config never names half a broker.
fn make(plan: &Plan, invitations: &Invitations) -> Result<(Keys, Vec<Decided>), Failure> {
    stores::demand_data_dir(&plan.config)?;
    let clock = Arc::new(SystemClock::start());
    let keys = make_keys(&plan.config, &*clock, &entropy()?)?;
    let for_targets = TargetKeys::load_or_create(&keys.folder, &plan.config, &*clock, &entropy()?)?;
    let sealer = Sealer::new(keys.ledger.clone(), keys.ledger_keys.clone());
    let ledger = FileLedger::create(&plan.config.ledger_dir(), keys.ledger.clone())?;
    let stores = Stores::restore(&plan.config, Box::new(ledger), sealer, 0)?;
    let issuing = keys.issuing.keys().next();
    let issuing = issuing.ok_or_else(|| Failure::new("there is no issuing key"))?;
    let authority = keys.authority.certificate();
    let mut acts = vec![
        added(KeyPurpose::Ledger, &keys.vkey(), keys.public_ledger_key()),
        added(
            KeyPurpose::Authority,
            &stores::sha256_hex(authority),
            authority,
        ),
        added(KeyPurpose::Issuing, &issuing.kid, issuing.public()),
    ];
    acts.extend(for_targets.acts());
    acts.push(load_policy(plan.policy.clone()));
    acts.extend(invitations.acts());
    let decided = act_offline(stores, clock, acts)?;
    let entry = decided.get(2).and_then(|decided| decided.recorded.first());
    let entry = entry.ok_or_else(|| Failure::new("the issuing key was not put on record"))?;
    Keyring::recorded(&keys.folder, &issuing.kid, entry.index)?;
    if plan.policy_is_new {
        write_new(&plan.config.policy_file, &plan.policy.text)?;
    }
    if let Some(text) = &plan.config_text {
        write_new(&plan.config.file, text)?;
    }
    Ok((keys, decided))
}

fn make_keys(config: &Config, clock: &dyn Clock, entropy: &dyn Entropy) -> Result<Keys, Failure> {
    let folder = KeyFolder::create(&config.keys_dir)?;
    let name = config.first_name().to_string();
    let now = clock.now();
    let ledger = make_ledger_key(&folder, &config.ledger_origin())?;
    Ok(Keys {
        ledger_keys: ledger.verifier().clone().into(),
        ledger: Arc::new(ledger),
        authority: Ca::create(&folder, &name, DECODE, now, entropy)?,
        issuing: Keyring::create(&folder, now)?,
        folder,
        cut_bytes: 0,
    })
}

fn write_new(file: &Path, text: &str) -> Result<(), Failure> {
    use std::io::Write as _;
    let write = || {
        let folder = file.parent();
        if let Some(folder) = folder {
            fs::create_dir_all(folder)?;
        }
        let mut file = fs::File::create_new(file)?;
        file.write_all(text.as_bytes())?;
        if let Some(folder) = folder {
            open_to_the_group_of(folder, &file);
        }
        file.sync_all()
    };
    write().map_err(|e| Failure::new(format!("{} cannot be written: {e}", file.display())))
}

/// Lets the group of its folder read a config or a policy, neither of which holds a secret: `init` is
/// run by root, and the broker by a user of its own. Where that cannot be, it stays its maker's alone.
fn open_to_the_group_of(folder: &Path, file: &fs::File) {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, fchown};
    let group = fs::metadata(folder).map(|folder| folder.gid());
    let given = group.and_then(|group| fchown(file, None, Some(group)));
    if given.is_ok() {
        let _ = file.set_permissions(fs::Permissions::from_mode(0o640));
    }
}

/// Takes back what was made, so that it can be tried again. What cannot be removed is in the way of
/// the next try, which says so.
fn clear(plan: &Plan, made: bool) {
    let config = &plan.config;
    if plan.config_text.is_some() {
        let _ = fs::remove_file(&config.file);
    }
    if plan.policy_is_new {
        let _ = fs::remove_file(&config.policy_file);
    }
    for folder in [&config.keys_dir, &config.ledger_dir(), &config.index_dir()] {
        let _ = fs::remove_dir_all(folder);
    }
    if made {
        let _ = fs::remove_dir(&config.data_dir);
    }
}

fn say(printer: &mut Printer, plan: &Plan, keys: &Keys) {
    let config = &plan.config;
    let kept = |new: bool| if new { "" } else { "  (was there)" };
    printer.line(format!("data    {}", config.data_dir.display()));
    printer.line(format!(
        "keys    {}  (back them up)",
        config.keys_dir.display()
    ));
    printer.line(format!(
        "config  {}{}",
        config.file.display(),
        kept(plan.config_text.is_some())
    ));
    printer.line(format!(
        "policy  {}: {}{}",
        config.policy_file.display(),
        counted(&plan.policy),
        kept(plan.policy_is_new)
    ));
    printer.line(format!("ledger  {}", keys.vkey()));
    for warning in plan.policy.warnings() {
        printer.note(format!("warning: {warning}"));
    }
}
