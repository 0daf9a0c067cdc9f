//! `glassd recover`: the mark of a history that was lost, where the broker goes on from an older copy.

mod lost;

use std::path::PathBuf;
use std::sync::Arc;

use breakglass_domain::Line;
use breakglass_domain::command::Act;
use breakglass_tlog::SignedCheckpoint;

use super::invite::demand_running_none;
use super::stores::{Keys, Stores, act_offline};
use super::{Failure, Printer};
use crate::config::Config;
use crate::edge::{SystemClock, install_crypto};
use lost::Lost;

/// Go on from an older copy of the ledger, and mark for ever that what came after it is lost
///
/// For a broker that was restored from a backup while somebody has seen more than the backup holds: every
/// such laptop and guard stops with exit code 86, and is right to. Bring the newest checkpoint that anybody
/// has of the history that is lost; it is verified, and an entry `ledger.restored` names it, who restored, and
/// why. Nobody goes on silently: each of those laptops has to accept that entry by itself, with `glass ledger
/// accept`. Incidents, grants and sessions are numbered on from behind every id that may have been given in
/// what is lost.
///
/// Run it behind `glassd fsck` and before the broker is started again.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  glassd recover --lost mia.checkpoint --operator Olaf -m \"the disk died; copy of 02:00\"
  glassd recover --lost mia.checkpoint --lost mirror/checkpoint --operator Olaf -m \"the disk died\"
  glassd recover --lost mia.checkpoint --kept 640 --operator Olaf -m \"started too early\"

A checkpoint is in contexts/NAME/checkpoint of each laptop's settings, in the evidence that
`glass` saves (remembered.checkpoint), in a mirror, in an export.")]
pub(super) struct Recover {
    /// A checkpoint of the history that is lost; of several the newest counts
    #[arg(long, required = true, value_name = "FILE")]
    lost: Vec<PathBuf>,
    /// How many entries the copy had: all there are now, unless the broker was started since
    #[arg(long, value_name = "ENTRIES")]
    kept: Option<u64>,
    /// Who restores it, for the ledger
    #[arg(long, value_name = "NAME")]
    operator: String,
    /// Why, for the ledger
    #[arg(short = 'm', long)]
    reason: String,
}

impl Recover {
    pub(super) fn run(&self, config: &Config, printer: &mut Printer) -> Result<(), Failure> {
        install_crypto();
        let operator = line("the operator", &self.operator)?;
        let reason = line("the reason", &self.reason)?;
        demand_running_none(config, "stop it: systemctl stop glassd")?;
        let keys = Keys::load(config)?;
        let lost = Lost::read(&self.lost, &keys)?;
        // What is restored by the book has published nothing yet.
        let is_untouched = !config.ledger_dir().join("checkpoint").exists();
        let stores = Stores::open(config, keys.signing())?;
        let own = stores.reader.checkpoint();
        let kept = lost.kept(self.kept, is_untouched, &*stores.reader)?;
        let act = Act::NoteRestored {
            kept,
            size: lost.size(),
            checkpoint: lost.note().to_owned(),
            operator,
            reason,
        };
        let decided = act_offline(stores, Arc::new(SystemClock::start()), vec![act])?;
        let mark = decided.first().and_then(|done| done.recorded.first());
        let Some(mark) = mark else {
            printer.line("that this history is lost is on record already; nothing was written");
            return Ok(());
        };
        printer.line(format!(
            "entry {} marks it for ever: ledger.restored",
            mark.index
        ));
        say_what_is_lost(printer, kept, &lost, &own);
        printer.line(format!("\n{}", what_is_next(mark.index)));
        Ok(())
    }
}

fn say_what_is_lost(printer: &mut Printer, kept: u64, lost: &Lost, own: &SignedCheckpoint) {
    let size = lost.size();
    printer.line(format!(
        "kept   {kept} entries; the ledger had {}, root {}",
        own.size(),
        own.root()
    ));
    printer.line(format!(
        "lost   entries {kept} to {} of the history that had {size}, root {}",
        size.saturating_sub(1),
        lost.root()
    ));
    printer.line(format!(
        "ids    go on {} behind the newest ones here, so that none is given twice",
        size.saturating_sub(kept)
    ));
}

/// What the copy does not know, somebody has to think of.
fn what_is_next(index: u64) -> String {
    format!(
        "Start the broker. Then:\n  \
         - each laptop that had seen more stops with 86 until its owner has looked: glass ledger accept {index}\n  \
         - people and guards that were enrolled after the copy are enrolled anew\n  \
         - who was removed or frozen after the copy is so no more: do it again\n  \
         - what was granted after the copy is known to nobody: end its sessions at the targets"
    )
}

fn line(what: &str, text: &str) -> Result<Line, Failure> {
    Line::parse(text).map_err(|e| Failure::usage(format!("{what} cannot be taken: {e}")))
}
