//! `glassd check`: whether a broker would start, and what is in the way.

use std::borrow::Cow;
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;

use breakglass_domain::limits::CLOCK_BEHIND;
use breakglass_domain::{Policy, State, Time};
use rustix::fs::{Mode, stat, statvfs};
use rustix::process::{Pid, Resource, getrlimit};

use super::policy::counted;
use super::serve::cannot_bind;
use super::stores::{Keys, demand_data_dir, demand_writable, read_policy};
use super::target_keys::TargetKeys;
use super::{Failure, Printer, check_targets, notices, running, sources, streams, typed};
use crate::config::Config;
use crate::edge::{SystemClock, install_crypto};
use crate::issue::keys::{KeyFolder, load_ledger_key, load_ledger_keys};
use crate::ledger::fsck::{Report, fsck};
use crate::ports::Clock as _;

/// Free bytes below which somebody should look: some ten thousand acts of people.
const ROOM: u64 = 256 << 20;

const SET_THE_CLOCK: &str = "set the clock; `timedatectl` says whether it is kept right";

/// File descriptors besides connections: the ledger, the index, listeners.
const OTHER_FILES: u64 = 256;

/// Say whether the broker would start, and what is in the way
///
/// Looks at the config, permissions, keys, policy, the whole ledger, the clock, ports and room on the
/// disk, asks each database whether the broker can use it, and looks up each destination of notices and
/// of streams. Changes nothing, and may be run while the broker runs.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  glassd check --config /etc/breakglass/glassd.toml")]
pub(super) struct Check {}

/// What was looked at, and what was found.
pub(super) struct Finding {
    what: Cow<'static, str>,
    found: Result<String, Failure>,
}

impl Finding {
    pub(super) fn of(what: String, found: Result<String, Failure>) -> Self {
        let what = what.into();
        Self { what, found }
    }
}

impl Check {
    pub(super) fn run(&self, path: &Path, printer: &mut Printer) -> Result<(), Failure> {
        install_crypto();
        let mut findings = Vec::new();
        match Config::load(path) {
            Ok(config) => look(&config, &mut findings),
            Err(error) => findings.push(Finding {
                what: "config".into(),
                found: Err(error.into()),
            }),
        }
        let bad = findings
            .iter()
            .filter(|finding| finding.found.is_err())
            .count();
        findings.iter().for_each(|finding| say(printer, finding));
        match bad {
            0 => Ok(()),
            1 => Err(Failure::new("1 thing is in the way")),
            bad => Err(Failure::new(format!("{bad} things are in the way"))),
        }
    }
}

fn say(printer: &mut Printer, Finding { what, found }: &Finding) {
    match found {
        Ok(found) => printer.line(format!("ok   {what:<14} {found}")),
        Err(failure) => {
            printer.line(format!("bad  {what:<14} {failure}"));
            let next = failure
                .next()
                .filter(|next| !next.starts_with("glassd check"));
            if let Some(next) = next {
                printer.line(format!("     {:<14} -> {next}", ""));
            }
        }
    }
}

fn look(config: &Config, findings: &mut Vec<Finding>) {
    let mut note = |what: &'static str, found| {
        findings.push(Finding {
            what: what.into(),
            found,
        });
    };
    let running = running::process(config);
    note("config", Ok(config.file.display().to_string()));
    note(
        "data folder",
        demand_data_dir(config)
            .and_then(|()| demand_writable(config))
            .map(|()| config.data_dir.display().to_string()),
    );
    note(
        "keys",
        keys(config).map_err(|failure| failure.with_config(&config.file)),
    );
    note("target keys", target_keys(config));
    note("policy", policy(config));
    let mut state = State::default();
    match ledger(config) {
        Ok(report) => {
            note("ledger", well(config, &report));
            note("clock", clock(&report, SystemClock::start().now()));
            state = report.state;
        }
        Err(failure) => note("ledger", Err(failure.with_config(&config.file))),
    }
    let settings = &config.settings;
    let ports = [
        ("listen", settings.listen),
        ("web_listen", settings.web_listen),
        ("metrics_listen", settings.metrics_listen),
    ];
    for (setting, address) in ports {
        note(setting, port(setting, address, running));
    }
    note("disk", disk(config));
    note("files", files(config));
    if let Ok(policy) = read_policy(&config.policy_file) {
        if !policy.sources.is_empty() || !config.settings.hooks.is_empty() {
            let keys = KeyFolder::open(&config.keys_dir).map_err(Failure::from);
            let found = keys.and_then(|keys| sources::look(config, &keys, &policy));
            findings.push(Finding::of("alert sources".into(), found));
        }
        findings.extend(witnesses(config, &policy));
        findings.extend(check_targets::look(config, &policy, &state));
        findings.extend(notices::look(config, &policy));
        findings.extend(streams::look(config));
    }
}

/// Who has to sign the ledger, and whether each can be asked; nothing where nobody has to.
fn witnesses(config: &Config, policy: &Policy) -> Option<Finding> {
    let (asked, addresses) = (policy.witnesses.as_ref(), &config.settings.witness);
    let found = match crate::witnesses::unusable(asked, addresses).as_slice() {
        [] => asked.map(|asked| {
            let (need, of) = (asked.need, asked.keys.len());
            Ok(format!(
                "{need} of {of} have to sign, and each has an address; whether they sign is not looked at here: glass \
                 status"
            ))
        })?,
        wrong => Err(Failure::new(wrong.join("; "))
            .then("docs/operating/witnesses.md; then start the broker again")),
    };
    Some(Finding::of("witnesses".into(), found))
}

fn keys(config: &Config) -> Result<String, Failure> {
    let keys = Keys::load(config)?;
    let now = SystemClock::start().now();
    let end = keys
        .authority
        .expires_at()
        .ok_or_else(|| Failure::new("the authority's certificate has no end that can be read"))?;
    if end <= now {
        let what = format!("the authority expired at {end}");
        return Err(Failure::new(what).then("make a new broker, and enrol everybody again"));
    }
    let signs = signing(&keys, now)?;
    Ok(format!(
        "ledger {}, authority until {end}, {signs}",
        keys.vkey()
    ))
}

/// Each with the name by which it is on record and `ssh-keygen -l` knows it.
fn target_keys(config: &Config) -> Result<String, Failure> {
    let folder = KeyFolder::open(&config.keys_dir)?;
    if TargetKeys::are_missing(&folder) {
        return Ok("made at the next start: this broker is from before it had them".into());
    }
    let keys = TargetKeys::load(&folder)?;
    let now = SystemClock::start().now();
    let end = keys.certificates.expires_at();
    let end = end.ok_or_else(|| Failure::new("targets.crt has no end that can be read"))?;
    if end <= now {
        let what = format!("the authority for targets (targets.crt) expired at {end}");
        return Err(Failure::new(what).then("glassd rotate --of targets --compromised"));
    }
    let (users, hosts) = (keys.users.fingerprint(), keys.hosts.fingerprint());
    Ok(format!(
        "ssh users {users}, ssh hosts {hosts}, certificates until {end}"
    ))
}

fn signing(keys: &Keys, now: Time) -> Result<String, Failure> {
    let published = keys.issuing.published(now).count();
    match keys.issuing.active(now) {
        Some(key) => Ok(format!(
            "credentials signed by {} ({published} published)",
            key.kid
        )),
        None if keys.issuing.keys().any(|key| key.entry.is_none()) => {
            Ok("a new issuing key that signs from the next start on".into())
        }
        None if let Some(from) = keys.issuing.awaited(now) => {
            let what = format!(
                "the issuing key signs from {from} on, and this host's clock says {now}; until then \
                 nothing is issued"
            );
            Err(Failure::new(what).then(SET_THE_CLOCK))
        }
        None => Err(Failure::new("no issuing key signs now").then("glassd rotate --compromised")),
    }
}

fn policy(config: &Config) -> Result<String, Failure> {
    let policy = read_policy(&config.policy_file)?;
    demand_unchanged_by_others(&config.policy_file)?;
    let warnings = match policy.warnings().len() {
        0 => String::new(),
        1 => "; 1 warning: glassd policy check".into(),
        count => format!("; {count} warnings: glassd policy check"),
    };
    Ok(format!(
        "{}: {}{warnings}",
        config.policy_file.display(),
        counted(&policy)
    ))
}

/// Whoever can write the policy gives themselves every right at the next load.
fn demand_unchanged_by_others(file: &Path) -> Result<(), Failure> {
    let name = file.display();
    let found = stat(file).map_err(|e| Failure::new(format!("{name} cannot be looked at: {e}")))?;
    if !Mode::from_raw_mode(found.st_mode).contains(Mode::WOTH) {
        return Ok(());
    }
    let what = format!("anybody on this host can change {name}");
    Err(Failure::new(what).then(format!("chmod o-w {name}")))
}

/// Walks all of it, as `glassd fsck` does, and changes nothing.
fn ledger(config: &Config) -> Result<Report, Failure> {
    let folder = config.ledger_dir();
    if !folder.join("journal").is_dir() {
        let what = format!("there is no ledger in {}", folder.display());
        return Err(Failure::new(what).then("make a broker with: glassd init"));
    }
    let keys = KeyFolder::open(&config.keys_dir)
        .and_then(|folder| {
            let signer = load_ledger_key(&folder, &config.ledger_origin())?;
            load_ledger_keys(&folder, &signer)
        })
        .map_err(|error| Failure::new(format!("it is not checked without its key: {error}")))?;
    let clock = SystemClock::start();
    Ok(fsck(&folder, &keys, &clock, &mut |_| {})?)
}

fn well(config: &Config, report: &Report) -> Result<String, Failure> {
    if let Some(first) = report.damage.first() {
        let more = match report.damage.len() {
            1 => String::new(),
            count => format!(", and {} places more", count - 1),
        };
        return Err(Failure::new(format!("it is damaged: {first}{more}"))
            .then(format!("glassd fsck --config {}", typed(&config.file))));
    }
    Ok(format!(
        "{}: {} entries, each read and allowed; {} commits, each signed over the right tree",
        config.ledger_dir().display(),
        report.entries,
        report.commits
    ))
}

/// A broker whose clock is behind its ledger starts, and then lets nothing begin.
fn clock(report: &Report, now: Time) -> Result<String, Failure> {
    let newest = report.state.newest;
    if newest.since(now) <= CLOCK_BEHIND {
        return Ok(format!("{now}, not before the newest entry ({newest})"));
    }
    let what = format!(
        "this host's clock says {now}, and the newest entry is from {newest}; until then nothing is \
         granted or issued"
    );
    Err(Failure::new(what).then(SET_THE_CLOCK))
}

/// Whether it can be listened on, or the broker that runs does already.
fn port(
    setting: &'static str,
    address: SocketAddr,
    running: Option<Pid>,
) -> Result<String, Failure> {
    let id = |process: Pid| process.as_raw_nonzero();
    match (TcpListener::bind(address), running) {
        (Ok(_), None) => Ok(format!("{address} is free")),
        (Ok(_), Some(process)) => Ok(format!(
            "{address} is free; process {} listens elsewhere until it is started again",
            id(process)
        )),
        (Err(error), Some(process)) if error.kind() == ErrorKind::AddrInUse => {
            match running::listens(process, address.port()) {
                Some(true) => Ok(format!("{address}, process {}", id(process))),
                Some(false) => Err(cannot_bind(setting, address, &error)),
                None => Ok(format!(
                    "{address} is in use; this user cannot see whether by process {}",
                    id(process)
                )),
            }
        }
        (Err(error), _) => Err(cannot_bind(setting, address, &error)),
    }
}

fn disk(config: &Config) -> Result<String, Failure> {
    let folder = config.data_dir.display();
    let room = statvfs(&config.data_dir).map_err(|e| {
        Failure::new(format!(
            "the room on the disk of {folder} is not known: {e}"
        ))
    })?;
    let free = room.f_bavail.saturating_mul(room.f_frsize);
    let told = format!("{} MiB free", free >> 20);
    if free >= ROOM {
        return Ok(told);
    }
    let what = format!("only {told} for {folder}; when it is full nothing is issued");
    Err(Failure::new(what).then(format!("make room, at least {} MiB", ROOM >> 20)))
}

fn files(config: &Config) -> Result<String, Failure> {
    let total = u64::from(config.settings.connections_total.count());
    let wanted = total.saturating_mul(2).saturating_add(OTHER_FILES);
    match getrlimit(Resource::Nofile).current {
        Some(most) if most < wanted => Err(Failure::new(format!(
            "this shell may open {most} files, and connections_total = {total} on two listeners \
             may need {wanted}"
        ))
        .then(format!(
            "ulimit -n {wanted}, or LimitNOFILE={wanted} in the unit; or a lower limit"
        ))),
        most => Ok(most.map_or("no limit".into(), |most| {
            format!("up to {most} open at once")
        })),
    }
}
