//! `glassd fsck`: walks everything and says what it checked.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use super::stores::{DECODE, Keys, demand_writable};
use super::{Failure, Printer, running};
use crate::config::Config;
use crate::edge::{SystemClock, install_crypto};
use crate::index;
use crate::ledger::FileLedger;
use crate::ledger::fsck::{Damage, Remedy, Report, fsck};
use crate::ports::{Clock as _, Ledger as _};

/// Entries between two words about how far it is.
const TELL_EVERY: u64 = 100_000;

/// Check every entry, commit and hash of the ledger, and the index
///
/// Reads the whole journal, builds the tree again and compares it with every signed commit and every
/// published tile, replays what lives and ends, and, while no broker runs, builds the index again and
/// compares it. Changes nothing. What people signed is not checked here, but by `glass ledger verify`,
/// which need not trust this host. Exits with 1 where something is not as it was written.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  glassd fsck --config /etc/breakglass/glassd.toml")]
pub(super) struct Fsck {
    /// Leave the index out: it can be made again at any time
    #[arg(long)]
    no_index: bool,
}

impl Fsck {
    pub(super) fn run(&self, config: &Config, printer: &mut Printer) -> Result<(), Failure> {
        install_crypto();
        let keys = Keys::load(config)?;
        let clock = SystemClock::start();
        let mut told = 0;
        let mut progress = |entries: u64| {
            if entries >= told + TELL_EVERY {
                told = entries;
                printer.note(format!("{entries} entries so far"));
            }
        };
        let report = fsck(
            &config.ledger_dir(),
            &keys.ledger_keys,
            &clock,
            &mut progress,
        )?;
        say(printer, &report);
        let differences = match report.is_well() && !self.no_index {
            // Reading the ledger for the index opens it, and that cuts the tail. The cut is the next
            // start's, which puts it on record.
            true if report.torn_bytes > 0 => {
                printer.line("the index is left out until the next start has cut the torn tail");
                Vec::new()
            }
            true => compare_index(config, &keys, printer)?,
            false => Vec::new(),
        };
        verdict(&report, &differences)
    }
}

fn say(printer: &mut Printer, report: &Report) {
    printer.line(format!(
        "{} entries in {} commits, {} files, {} bytes: decoded, in order, each life begun and ended once",
        report.entries, report.commits, report.segments, report.bytes
    ));
    printer.line(format!(
        "{} commits signed by the ledger's key over the right tree; {} full tiles compared",
        report.commits, report.tiles
    ));
    match report.published {
        Some(size) => printer.line(format!("published up to entry {size}")),
        None => printer.line("nothing is published yet"),
    }
    report
        .notes
        .iter()
        .for_each(|note| printer.line(format!("note: {note}")));
    for damage in &report.damage {
        printer.line(format!("DAMAGED {damage}\n        -> {}", damage.remedy));
    }
    printer.line(format!("the ledger took {}", seconds(report.took)));
}

/// Builds the index again beside the old one and compares; answers what differs.
fn compare_index(
    config: &Config,
    keys: &Keys,
    printer: &mut Printer,
) -> Result<Vec<String>, Failure> {
    if running::process(config).is_some() {
        printer.line("the index is left out, because a broker is using it");
        return Ok(Vec::new());
    }
    if let Err(why) = demand_writable(config) {
        printer.line(format!("the index is left out: {why}"));
        return Ok(Vec::new());
    }
    let clock = SystemClock::start();
    let (ledger, _) = FileLedger::open_of(
        &config.ledger_dir(),
        keys.ledger.clone(),
        keys.ledger_keys.clone(),
    )?;
    let scratch = Scratch::make(config)?;
    let sealer = index::Sealer::new(keys.ledger.clone(), keys.ledger_keys.clone());
    let differences = index::compare(
        &config.index_dir(),
        &scratch.0,
        &ledger.reader(),
        DECODE,
        &sealer,
    )?;
    for difference in &differences {
        printer.line(format!("DIFFERS {difference}"));
    }
    let state = if differences.is_empty() {
        "is what the ledger says"
    } else {
        "is wrong"
    };
    printer.line(format!(
        "the index {state}; it took {}",
        seconds(clock.monotonic())
    ));
    Ok(differences)
}

/// A folder that is gone afterwards.
struct Scratch(PathBuf);

impl Scratch {
    fn make(config: &Config) -> Result<Self, Failure> {
        let folder = config.data_dir.join("fsck-index");
        // One that was left behind by a fsck that was cut.
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir(&folder).map_err(|e| {
            Failure::new(format!("{} cannot be made: {e}", folder.display()))
                .then("leave the index out: glassd fsck --no-index")
        })?;
        Ok(Self(folder))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What stays is removed by the next one.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn verdict(report: &Report, differences: &[String]) -> Result<(), Failure> {
    if !report.is_well() {
        let remakable = |damage: &Damage| damage.remedy == Remedy::RemakeTiles;
        let what = match report.damage.len() {
            1 => "the ledger is damaged in 1 place".to_owned(),
            count => format!("the ledger is damaged in {count} places"),
        };
        let failure = Failure::new(what);
        return Err(match report.damage.iter().all(remakable) {
            true => failure,
            false => failure.then(
                "stop the broker, keep the folder as it is, and restore the ledger from a backup or \
                 a mirror",
            ),
        });
    }
    if differences.is_empty() {
        return Ok(());
    }
    let next = "stop the broker, remove the index's folder, and start it: it is made again";
    Err(Failure::new("the index is not what the ledger says").then(next))
}

fn seconds(took: Duration) -> String {
    format!("{:.2} s", took.as_secs_f64())
}
