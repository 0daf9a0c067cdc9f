//! `glassd rotate --of ledger`: the ledger's own key, and how the next one follows it.
//!
//! One step, while no broker runs. The order on disk: the next key and the note by which it follows,
//! made and synced; the entry with the note, which is the last thing the old key signs; the next key in
//! the old one's place. [`settle`] ends what was broken off in between, by whether the entry is there.

use std::sync::Arc;

use breakglass_domain::command::Act;
use breakglass_domain::event::{Change, KeyPurpose};
use breakglass_tlog::Succession;

use super::stores::{DECODE, Keys, Stores, added};
use super::who_signs::as_recorded;
use super::{Failure, Printer, running};
use crate::config::Config;
use crate::issue::keys::{
    KeyFolder, abandon_succession, begin_succession, begun_succession, finish_succession,
    load_ledger_key, load_ledger_keys,
};
use crate::ledger::FileLedger;
use crate::ledger::sequence::alone;
use crate::ports::{Clock, Index as _, Ledger as _};

/// Rotates.
///
/// # Errors
/// [`Failure`]: a broker runs; what the disk says. What was begun then is settled by the next command
/// that opens the ledger.
pub(super) fn rotate(
    config: &Config,
    clock: &dyn Clock,
    printer: &mut Printer,
) -> Result<(), Failure> {
    if running::process(config).is_some() {
        let what = "a broker runs, and signs with the ledger's key for as long as it lives";
        let next = "systemctl stop glassd, this command again, systemctl start glassd";
        return Err(Failure::new(what).then(next));
    }
    let keys = Keys::to_write(config)?;
    let (folder, old) = (keys.folder.clone(), keys.ledger.clone());
    let Stores {
        mut ledger,
        reader,
        index,
        live,
        cut_bytes,
    } = Stores::open(config, keys.signing())?;
    let size = ledger.size();
    super::runtime()?.block_on(index.caught_up(size))?;
    as_recorded(&keys.ledger_keys, &*reader, &*index)?;
    index.close();

    let (mut state, now) = (live.read(Clone::clone), clock.now());
    let before = alone::settle(&mut *ledger, &mut state, now, cut_bytes)?;
    // Over the entry that says so the old key signs, and over more the new one.
    let succession = begin_succession(&folder, &old, before + 1)?;
    alone::record(&mut *ledger, &mut state, now, handed_over(&succession))?;
    ledger.publish();
    drop(ledger);
    finish_succession(&folder, &succession)?;
    tell(printer, &succession, before);
    Ok(())
}

/// The entry that hands the ledger over.
pub(super) fn handed_over(succession: &Succession) -> Act {
    let new = succession.new_key();
    match added(KeyPurpose::Ledger, &new.to_string(), new.public_key()) {
        Act::AddKey {
            purpose,
            id,
            public,
            ..
        } => Act::AddKey {
            purpose,
            id,
            public,
            succession: Some(succession.note().to_owned()),
        },
        other => other,
    }
}

fn tell(printer: &mut Printer, succession: &Succession, entry: u64) {
    printer.line(format!("ledger  {}", succession.new_key()));
    printer.line(format!(
        "signs from the next start on (systemctl start glassd); entry {entry} hands the ledger over, \
         and the key before is gone"
    ));
    printer.line("laptops, guards, mirrors and exports follow by themselves, by that entry");
    printer.line(
        "whoever runs a witness adds the new key: glass witness add-log VKEY --successions FILE",
    );
    printer
        .line("back the keys up again now: with those from before nothing can be written any more");
}

/// Ends a rotation that was broken off: with its entry in the ledger the new key takes the place of the
/// old one, without it nothing has happened. Answers the bytes of a torn tail that were cut.
///
/// # Errors
/// [`Failure`]: another process writes to the ledger; what the disk says.
pub(super) fn settle(config: &Config, folder: &KeyFolder) -> Result<u64, Failure> {
    let Some(begun) = begun_succession(folder)? else {
        return Ok(0);
    };
    let signer = load_ledger_key(folder, &config.ledger_origin())?;
    let keys = load_ledger_keys(folder, &signer)?;
    let (ledger, recovered) = FileLedger::open_of(&config.ledger_dir(), Arc::new(signer), keys)?;
    let place = begun.size() - 1;
    let entry = ledger.reader().entries(place, 1)?;
    let said = entry.first().map(|line| DECODE(line)).transpose()?;
    let landed = said.is_some_and(|(_, event)| {
        matches!(event.change, Change::KeyAdded { succession: Some(note), .. } if note == begun.note())
    });
    drop(ledger);
    match landed {
        true => {
            tracing::warn!(key = %begun.new_key(), "a rotation that was broken off is finished");
            finish_succession(folder, &begun)?;
        }
        false => {
            tracing::warn!(
                "a rotation that was broken off before its entry was written is taken back"
            );
            abandon_succession(folder)?;
        }
    }
    Ok(recovered.cut_bytes)
}

impl Keys {
    /// Loads them for somebody who writes to the ledger, and ends a rotation that was broken off.
    ///
    /// # Errors
    /// As [`Keys::load`].
    pub(super) fn to_write(config: &Config) -> Result<Self, Failure> {
        super::stores::demand_data_dir(config)?;
        let cut_bytes = settle(config, &KeyFolder::open(&config.keys_dir)?)?;
        Ok(Self {
            cut_bytes,
            ..Self::load(config)?
        })
    }
}
