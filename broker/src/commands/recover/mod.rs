//! `glassd recover`: the mark of a history that was lost, where the broker goes on from an older copy.

mod beyond;
mod later;
mod lost;
mod seen;

use std::path::PathBuf;
use std::sync::Arc;

use breakglass_domain::Line;
use breakglass_domain::command::Act;
use breakglass_domain::limits::LOST_UNASKED;
use breakglass_tlog::{SignedCheckpoint, Succession};

use super::invite::demand_running_none;
use super::stores::{Keys, Stores, act_offline};
use super::{Failure, Printer, who_signs};
use crate::config::Config;
use crate::edge::{SystemClock, install_crypto};
use crate::ports::Index as _;
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
/// Where the copy of the journal is from before a rotation of the ledger's key, and the keys are from after it, the
/// places up to the rotation are passed over (`ledger.lost`), and the ledger is handed over there once more.
///
/// Run it behind `glassd fsck` and before the broker is started again.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  glassd recover --lost mia.checkpoint --operator Olaf -m \"the disk died; copy of 02:00\"
  glassd recover --lost mia.checkpoint --lost mirror/checkpoint --operator Olaf -m \"the disk died\"
  glassd recover --lost mia.checkpoint --kept 640 --operator Olaf -m \"started too early\"

A checkpoint is in contexts/NAME/checkpoint of each laptop's settings, in the evidence that
`glass` saves (remembered.checkpoint), in a mirror, in an export. A statement shows one in its
line `seen`; an entry in its statement, or in `checkpoint` where somebody was refused: glass
ledger show ENTRY -o json.")]
pub(super) struct Recover {
    /// A checkpoint of the history that is lost, or a statement or an entry that shows one; of several the newest counts
    #[arg(long, required = true, value_name = "FILE")]
    lost: Vec<PathBuf>,
    /// How many entries the copy had: all there are now, unless the broker was started since
    #[arg(long, value_name = "ENTRIES")]
    kept: Option<u64>,
    /// How the ledger's key followed another, where what is lost is signed by a key that this copy does not know:
    /// `successions` of a laptop's context, of a mirror or of an export [default: the one beside each --lost]
    #[arg(long, value_name = "FILE")]
    successions: Option<PathBuf>,
    /// How many entries are lost, said once more: asked for where it is more than 65536
    #[arg(long, value_name = "ENTRIES")]
    losing: Option<u64>,
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
        let lost = Lost::read(&self.lost, self.successions.as_deref(), &keys)?;
        // What is restored by the book has published nothing yet.
        let is_untouched = !config.ledger_dir().join("checkpoint").exists();
        let stores = Stores::open(config, keys.signing())?;
        let own = stores.reader.checkpoint();
        super::runtime()?.block_on(stores.index.caught_up(own.size()))?;
        let ahead = who_signs::ahead_of(&keys.ledger_keys, &*stores.reader, &*stores.index)?;
        let kept = lost.kept(self.kept, is_untouched, &*stores.reader)?;
        demand_meant(lost.size() - kept, self.losing)?;
        let act = Act::NoteRestored {
            kept,
            size: lost.size(),
            checkpoint: lost.note().to_owned(),
            operator,
            reason,
        };
        let clock = Arc::new(SystemClock::start());
        let mark = match ahead.is_empty() {
            true => marks(stores, clock, act)?,
            false => Some(beyond::go_on(stores, &*clock, ahead, act)?),
        };
        let Some(mark) = mark else {
            printer.line("that this history is lost is on record already; nothing was written");
            return Ok(());
        };
        printer.line(format!("entry {mark} marks it for ever: ledger.restored"));
        say_what_is_lost(printer, kept, &lost, &own);
        let passed_over = mark - own.size() - ahead.len() as u64;
        printer.line(format!(
            "ids    go on {} behind the newest ones here, so that none is given twice",
            lost.size() - kept + passed_over
        ));
        if let Some(said) = what_is_passed_over(own.size(), ahead) {
            printer.line(said);
        }
        printer.line(format!("\n{}", what_is_next(mark)));
        Ok(())
    }
}

/// Writes the mark; answers its place, or nothing where it is on record.
fn marks(stores: Stores, clock: Arc<SystemClock>, act: Act) -> Result<Option<u64>, Failure> {
    let decided = act_offline(stores, clock, vec![act])?;
    let mark = decided.first().and_then(|done| done.recorded.first());
    Ok(mark.map(|mark| mark.index))
}

/// Each entry that is lost takes an incident's, a grant's and a session's id out of use for ever.
fn demand_meant(lost: u64, said: Option<u64>) -> Result<(), Failure> {
    match said {
        Some(said) if said == lost => Ok(()),
        Some(said) => Err(Failure::usage(format!(
            "--losing says {said} entries, and {lost} are lost"
        ))),
        None if lost <= LOST_UNASKED => Ok(()),
        None => Err(Failure::usage(format!(
            "{lost} entries would be lost, and as many ids of incidents, grants and sessions are never given \
             again; more than {LOST_UNASKED} are taken for a slip"
        ))
        .then(format!(
            "look at --kept and at the second line of the checkpoint; if it is so: --losing {lost}"
        ))),
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
}

/// How the ledger went on from a size, where the key whose turn it was there is gone.
fn what_is_passed_over(own: u64, ahead: &[Succession]) -> Option<String> {
    let last = ahead.last()?;
    let (place, new) = (last.size() - 1, last.new_key());
    // Each of the others hands the ledger over.
    let is_any = last.size() - own > ahead.len() as u64;
    let passed = match is_any {
        true => format!("passed what stood from entry {own} to {place}"),
        false => "passed no place".to_owned(),
    };
    Some(format!(
        "{passed}: the key whose turn it was there is gone, and entry {place} hands the ledger over once more, to {new}"
    ))
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

#[cfg(test)]
mod tests {
    use breakglass_tlog::{Ed25519Signer, KeyName};

    use super::*;

    #[test]
    fn no_place_is_said_to_be_passed_where_only_the_hand_over_is_written_again() {
        let signer = |seed: u8| {
            let name = KeyName::parse("glass.example/ledger").unwrap();
            Ed25519Signer::from_seed(name, &[seed; 32]).unwrap()
        };
        let over = |size, from| Succession::sign(size, &signer(from), &signer(from + 1)).unwrap();
        let said = |own, ahead: &[Succession]| what_is_passed_over(own, ahead).unwrap_or_default();
        let both = [over(135, 1), over(136, 2)];
        assert_eq!(said(134, &[]), "");
        assert!(said(134, &both[..1]).starts_with("passed no place: "));
        assert!(said(134, &both).starts_with("passed no place: "));
        assert!(said(133, &both).starts_with("passed what stood from entry 133 to 135: "));
        assert!(said(134, &both[..1]).contains("entry 134 hands the ledger over once more"));
    }

    #[test]
    fn more_than_anybody_loses_by_mistake_is_asked_about() {
        let said = |lost, said| demand_meant(lost, said).map_err(|failure| failure.to_string());
        assert_eq!(said(LOST_UNASKED, None), Ok(()));
        let asked = said(LOST_UNASKED + 1, None).unwrap_err();
        assert!(asked.contains("65537 entries would be lost"), "{asked}");
        assert!(
            said(1_000_000_000_000, Some(1_000_000))
                .unwrap_err()
                .contains("1000000000000")
        );
        assert!(said(7, Some(8)).is_err());
        assert_eq!(said(1_000_000_000_000, Some(1_000_000_000_000)), Ok(()));
    }
}
