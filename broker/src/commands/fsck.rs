//! `glassd fsck`: walks everything and says what it checked.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use super::stores::{DECODE, Keys, demand_writable};
use super::{Failure, Printer, running, who_signs};
use crate::config::Config;
use crate::edge::{SystemClock, install_crypto};
use crate::index;
use crate::ledger::FileLedger;
use crate::ledger::fsck::{Damage, Manner, Remedy, Report, SoFar, fsck_as};
use crate::ports::{Clock as _, Ledger as _};

/// Time between two words about how far it is.
const TELL_EVERY: Duration = Duration::from_secs(2);

/// Check every entry, commit and hash of the ledger, and the index
///
/// Reads the whole journal, builds the tree again and compares it with every signed commit and every
/// published tile, replays what lives and ends, compares the keys that signed with those the entries name, and, while no broker runs, builds the index again and
/// compares it. Changes nothing. With --deep the signature of every person is checked as well; that what was
/// signed is what was recorded is checked by `glass ledger verify`, which need not trust this host. Exits with
/// 1 where something is not as it was written.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  glassd fsck --config /etc/breakglass/glassd.toml
  glassd fsck --deep")]
pub(super) struct Fsck {
    /// Check the signature under every statement, too
    #[arg(long)]
    deep: bool,
    /// Threads that read, hash and check signatures [default: one for each processor]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    threads: Option<u16>,
    /// Leave the index out: it can be made again at any time
    #[arg(long)]
    no_index: bool,
}

impl Fsck {
    pub(super) fn run(&self, config: &Config, printer: &mut Printer) -> Result<(), Failure> {
        install_crypto();
        let keys = Keys::load(config)?;
        let clock = SystemClock::start();
        let began = clock.monotonic();
        let mut told = began;
        let mut progress = |so_far: SoFar| {
            let now = clock.monotonic();
            if now >= told + TELL_EVERY {
                told = now;
                printer.note(how_far(so_far, now.saturating_sub(began)));
            }
        };
        let manner = Manner {
            deep: self.deep,
            threads: self.threads.map_or_else(processors, usize::from),
        };
        let report = fsck_as(
            &config.ledger_dir(),
            &keys.ledger_keys,
            &clock,
            manner,
            &mut progress,
        )?;
        say(printer, &report, manner);
        let who_signs = who_signs::agree(&keys.ledger_keys, &report.handed_over);
        let differences = match report.is_well() && who_signs.is_ok() && !self.no_index {
            // Reading the ledger for the index opens it, and that cuts the tail. The cut is the next
            // start's, which puts it on record.
            true if report.torn_bytes > 0 => {
                printer.line("the index is left out until the next start has cut the torn tail");
                Vec::new()
            }
            true => compare_index(config, &keys, printer)?,
            false => Vec::new(),
        };
        let is_ahead = report.handed_over.len() > keys.ledger_keys.successions().len();
        verdict(&report, (who_signs, is_ahead), &differences)
    }
}

/// How many threads there are processors for; more than so many only hold more in memory.
fn processors() -> usize {
    const MOST: usize = 16;
    std::thread::available_parallelism().map_or(1, |it| it.get().min(MOST))
}

/// `412000 entries, 48 %, 61000 a second, 0:07 left`, by the bytes that are read.
fn how_far(so_far: SoFar, took: Duration) -> String {
    let SoFar {
        entries,
        bytes,
        of_bytes,
    } = so_far;
    let percent = bytes.saturating_mul(100) / of_bytes.max(1);
    let rate = entries as f64 / took.as_secs_f64().max(0.001);
    let left = took.as_secs_f64() * of_bytes.saturating_sub(bytes) as f64 / bytes.max(1) as f64;
    let left = left.ceil() as u64;
    format!(
        "{entries} entries, {percent} %, {rate:.0} a second, {}:{:02} left",
        left / 60,
        left % 60
    )
}

fn say(printer: &mut Printer, report: &Report, manner: Manner) {
    printer.line(format!(
        "{} entries in {} commits, {} files, {} bytes: decoded, in order, each life begun and ended once",
        report.entries, report.commits, report.segments, report.bytes
    ));
    printer.line(format!(
        "{} commits signed by the ledger's key over the right tree; {} full tiles compared",
        report.commits, report.tiles
    ));
    if manner.deep {
        printer.line(format!(
            "{} statements, each signed by a key that was enrolled to whoever it is by",
            report.statements
        ));
    }
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
    let rate = report.entries as f64 / report.took.as_secs_f64().max(0.001);
    printer.line(format!(
        "the ledger took {}, {rate:.0} entries a second with {} threads",
        seconds(report.took),
        manner.threads
    ));
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

/// Keys from before the ledger are told first: they make a whole ledger look damaged. The other way round
/// what is damaged may be the very entry that is missed.
fn verdict(
    report: &Report,
    (who_signs, is_ahead): (Result<(), Failure>, bool),
    differences: &[String],
) -> Result<(), Failure> {
    if report.is_well() || is_ahead {
        who_signs?;
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_far_it_is_says_when_it_will_be_done() {
        let so_far = SoFar {
            entries: 120_000,
            bytes: 25,
            of_bytes: 100,
        };
        let said = how_far(so_far, Duration::from_secs(30));
        assert_eq!(said, "120000 entries, 25 %, 4000 a second, 1:30 left");
        assert_eq!(
            how_far(SoFar::default(), Duration::ZERO),
            "0 entries, 0 %, 0 a second, 0:00 left"
        );
    }
}
