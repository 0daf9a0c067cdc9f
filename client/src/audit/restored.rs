//! Histories that were lost where the broker went on from an older copy: each has its mark, which is true as
//! far as it can be seen from here, and is told for ever.

use std::collections::VecDeque;

use breakglass_tlog::{Frontier, Hash, LedgerKeys};
use serde::Serialize;

use crate::{entry::Entry, limits::RESTORED_WITHIN, text::plain, time};

/// A mark: an entry `ledger.restored`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Restored {
    /// Its place.
    pub entry: u64,
    /// When it was written, RFC 3339.
    pub at: String,
    /// Entries of the copy, which both histories begin with.
    pub kept: u64,
    /// Entries of the newest head of the lost history that was brought.
    pub size: u64,
    /// The root of that head, base64.
    pub root: String,
    /// Who restored it, as they say themselves.
    pub operator: String,
    /// Why, as they say.
    pub reason: String,
}

impl Restored {
    /// Reads one, and checks what it says by itself: the lost head is signed by a key of the ledger, and at
    /// least one entry is lost. Any of its keys: which one signs so many entries may have changed since.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(entry: &Entry, keys: &LedgerKeys) -> Result<Self, String> {
        let text = |name| entry.text(name).unwrap_or_default().to_owned();
        let number = |name| entry.number(name).and_then(|it| u64::try_from(it).ok());
        let head = keys
            .verify_any(&text("checkpoint"))
            .map_err(|why| format!("the head of what is lost does not verify: {why}"))?;
        let size = head.size();
        if number("size") != Some(size) {
            return Err(format!(
                "it says another size than the head of what is lost, {size}"
            ));
        }
        let kept = number("kept").filter(|kept| *kept < size && *kept <= entry.index);
        let kept = kept.ok_or_else(|| {
            format!("what it says that was kept is more than both histories have: of {size} entries one was lost")
        })?;
        Ok(Self {
            entry: entry.index,
            at: time::rfc3339(entry.at),
            kept,
            size,
            root: head.root().to_string(),
            operator: text("operator"),
            reason: text("reason"),
        })
    }

    /// What it says, for people.
    #[must_use]
    pub fn sentence(&self) -> String {
        format!(
            "entry {}, {}: the broker went on from a copy of {} entries, and entries {} to {} of before are \
             lost, says {}: {}",
            self.entry,
            self.at,
            self.kept,
            self.kept,
            self.size.saturating_sub(1),
            plain(&self.operator),
            plain(&self.reason)
        )
    }

    /// Whether a signed head that is none of this ledger's may be one of the lost history: it is the very head
    /// that was brought, or lies before it and behind what was kept. Of these nobody knows the root.
    #[must_use]
    pub fn names(&self, size: u64, root: Hash) -> bool {
        match size == self.size {
            true => root.to_string() == self.root,
            false => self.kept < size && size < self.size,
        }
    }
}

/// What was marked so far, and the tree of lately.
#[derive(Default)]
pub(super) struct Marks {
    told: Vec<Restored>,
    /// The tree before the leaves that are kept.
    behind: Frontier,
    lately: VecDeque<Hash>,
    /// Where what is only hashed ended: before that no root is known.
    passed_up_to: u64,
    incidents: Ids,
    grants: Ids,
    sessions: Ids,
    /// The first of the places that are passed over, until their mark.
    passing: Option<u64>,
}

/// The numbers that were given.
#[derive(Default)]
struct Ids {
    /// One past the highest.
    next: u64,
    /// The lowest that may still be given, once something was lost.
    from: u64,
}

impl Marks {
    /// Each, in order.
    pub(super) fn told(&self) -> Vec<Restored> {
        self.told.clone()
    }

    /// The newest that names a head.
    pub(super) fn naming(&self, size: u64, root: Hash) -> Option<&Restored> {
        self.told.iter().rev().find(|mark| mark.names(size, root))
    }

    /// The ledger has grown by an entry.
    pub(super) fn grown(&mut self, leaf: Hash) {
        self.lately.push_back(leaf);
        if self.lately.len() > RESTORED_WITHIN
            && let Some(oldest) = self.lately.pop_front()
        {
            self.behind.push(oldest);
        }
    }

    /// Some entries were passed over, of which only a hash is known.
    pub(super) fn passed(&mut self, tree: &Frontier) {
        self.lately.clear();
        self.behind = tree.clone();
        self.passed_up_to = tree.size();
        self.passing = None;
    }

    /// Places are passed over up to where the ledger was handed over, and right behind that stands the mark of what
    /// is lost with them.
    pub(super) fn need_marked(&mut self, entry: &Entry) -> Result<(), String> {
        let hands_over = entry.kind == "key.added" && entry.text("succession").is_some();
        match (self.passing, entry.kind.as_str()) {
            (None, "ledger.lost") => self.passing = Some(entry.index),
            (Some(_), "ledger.lost") | (None, _) => {}
            (Some(_), "key.added") if hands_over => {}
            (Some(from), "ledger.restored") => {
                let kept = entry.number("kept").and_then(|it| u64::try_from(it).ok());
                if kept.is_none_or(|kept| kept > from) {
                    return Err(format!(
                        "the places from {from} on are passed over, and it says that they were kept"
                    ));
                }
                self.passing = None;
            }
            (Some(_), _) => self.need_none_passing()?,
        }
        Ok(())
    }

    /// No place is passed over that no mark follows.
    pub(super) fn need_none_passing(&self) -> Result<(), String> {
        match self.passing {
            None => Ok(()),
            Some(from) => Err(format!(
                "the places from {from} on are passed over, and no mark says what is lost"
            )),
        }
    }

    /// Checks and folds.
    pub(super) fn take(&mut self, entry: &Entry, keys: &LedgerKeys) -> Result<(), String> {
        match entry.kind.as_str() {
            "incident.opened" => self.incidents.take(entry.text("incident")),
            "grant.requested" => self.grants.take(entry.text("grant")),
            "session.opened" => self.sessions.take(entry.text("session")),
            "ledger.restored" => self.mark(Restored::read(entry, keys)?),
            "ledger.lost" => {
                self.pass_over(1);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn mark(&mut self, restored: Restored) -> Result<(), String> {
        let (size, here) = (restored.size, restored.entry);
        if size <= here {
            match self.root_at(size) {
                Some(root) if root.to_string() == restored.root => {
                    return Err(format!(
                        "the head that it calls lost, of {size} entries, is one of this ledger"
                    ));
                }
                Some(_) => {}
                // In a part of a ledger: that the head is signed is proven, and that it is lost is not.
                None if size < self.passed_up_to => {}
                None => {
                    return Err(format!(
                        "what it calls lost ended at {size} entries, which is not of lately"
                    ));
                }
            }
        }
        self.pass_over(size - restored.kept);
        self.told.push(restored);
        Ok(())
    }

    /// Each of so many entries that are lost may have given an id of each sort.
    fn pass_over(&mut self, lost: u64) {
        for ids in [&mut self.incidents, &mut self.grants, &mut self.sessions] {
            ids.pass_over(lost);
        }
    }

    /// The root over so many entries, where that was lately.
    fn root_at(&self, size: u64) -> Option<Hash> {
        let more = usize::try_from(size.checked_sub(self.behind.size())?).ok()?;
        let mut tree = self.behind.clone();
        for leaf in self.lately.iter().take(more) {
            tree.push(*leaf);
        }
        (tree.size() == size).then(|| tree.root())
    }
}

impl Ids {
    fn take(&mut self, id: Option<&str>) -> Result<(), String> {
        let id = id.unwrap_or_default();
        let number = id.rsplit_once('-').and_then(|(_, it)| it.parse().ok());
        let number: u64 = number.unwrap_or_default();
        if number < self.from {
            return Err(format!(
                "{id} may have been given before, in what is lost: the first that was not ends in {}",
                self.from
            ));
        }
        self.next = self.next.max(number.saturating_add(1));
        Ok(())
    }

    /// Each of so many entries that are lost may have given one.
    fn pass_over(&mut self, lost: u64) {
        // The first of all is 1.
        self.next = self.next.max(1).saturating_add(lost);
        self.from = self.next;
    }
}
