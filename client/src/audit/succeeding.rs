//! The ledger's own keys: each follows the one before by an entry that both have signed.

use breakglass_tlog::{LedgerKeys, Succession};

use crate::{entry::Entry, trust};

/// The keys that sign, and how far the entries have handed the ledger over.
pub(super) struct Succeeding {
    keys: LedgerKeys,
    /// The key that the newest entry about it names.
    now: Option<String>,
    /// How many have followed another so far.
    followed: usize,
    /// Where they did.
    places: Vec<u64>,
}

impl Succeeding {
    pub(super) fn new(keys: LedgerKeys) -> Self {
        Self {
            keys,
            now: None,
            followed: 0,
            places: Vec::new(),
        }
    }

    /// The keys that sign: those known before, and those the entries have named since.
    pub(super) fn keys(&self) -> &LedgerKeys {
        &self.keys
    }

    /// The entries that handed the ledger over.
    pub(super) fn places(&self) -> Vec<u64> {
        self.places.clone()
    }

    /// Checks that nobody signs whom no entry names, and takes what hands the ledger over.
    pub(super) fn take(&mut self, entry: &Entry) -> Result<(), String> {
        let is_ours = entry.kind == "key.added" && entry.text("purpose") == Some("ledger");
        let succession = trust::read_succession(entry)?;
        if succession.is_none() {
            self.need_none_before(entry.index)?;
        }
        if !is_ours {
            return Ok(());
        }
        let id = entry.text("id").unwrap_or_default().to_owned();
        match succession {
            Some(succession) => self.follow(succession)?,
            None if self.now.is_some() => {
                return Err(format!(
                    "the key {id} signs the ledger, and the one before did not hand it over"
                ));
            }
            None => {}
        }
        self.now = Some(id);
        Ok(())
    }

    /// Whoever signs a ledger of so many entries was handed it by one of them.
    pub(super) fn need_none_before(&self, size: u64) -> Result<(), String> {
        let next = self.keys.successions().get(self.followed);
        match next.filter(|next| next.size() <= size) {
            Some(next) => Err(format!(
                "the key {} signs from {} entries on, and no entry hands the ledger over to it",
                next.new_key(),
                next.size()
            )),
            None => Ok(()),
        }
    }

    /// The newest entry about it names the key that signs so many entries, or where it is the last of all, the one
    /// that signs what comes next.
    pub(super) fn need_named(&self, size: u64) -> Result<(), String> {
        let signs = self.keys.at(size).to_string();
        let next = self.keys.at(size.saturating_add(1)).to_string();
        match &self.now {
            Some(now) if *now != signs && *now != next => Err(format!(
                "it is signed by the key {signs}, and its entries name {now}"
            )),
            _ => Ok(()),
        }
    }

    fn follow(&mut self, succession: Succession) -> Result<(), String> {
        let (old, place) = (succession.old().to_string(), succession.size() - 1);
        if self.now.as_ref().is_some_and(|now| *now != old) {
            return Err(format!(
                "{old} hands the ledger over, and it is not the key that signs it here"
            ));
        }
        self.keys
            .join([succession.clone()])
            .map_err(|why| why.to_string())?;
        match self.keys.successions().get(self.followed) {
            Some(next) if next.size() == succession.size() => {}
            _ => return Err("it hands the ledger over out of turn".to_owned()),
        }
        self.followed += 1;
        self.places.push(place);
        Ok(())
    }
}
