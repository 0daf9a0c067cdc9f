//! Checking a whole ledger from its first entry, trusting nothing but its key.
//!
//! The steps are those of `docs/ledger-format.md`, "What to verify": the order of entries, the
//! fields of each kind, tokens and keys, the statements, that words and deeds agree, that acts are
//! whole, the policy in force, the life of each incident and grant, and at the end the tree against
//! its signed checkpoint. A kind this client does not know is hashed, its statement checked, and
//! counted as not understood.
//!
//! | module | what it folds or compares |
//! |---|---|
//! | `kinds` | who each kind is by, and its fields |
//! | `statements`, `words`, `acts` | what was signed, and that it is what was recorded |
//! | `owed` | acts of several entries, until they are whole |
//! | `people`, `tokens`, `keys`, `freezes` | who may act |
//! | `policies` | who may do what, at each place |
//! | `incidents`, `lives`, `grants`, `credentials`, `targets` | what lives |
//! | `handing` | that nobody else has it before, after, or for longer |
//! | `deliveries` | what alert sources told, each once |
//! | `succeeding` | the ledger's own keys, one after another |
//! | `reviews` | what is answered afterwards, and what is owed |
//! | `streams` | where the ledger was copied to as it grew |
//! | `restored` | what was lost where the broker went on from a copy |
//! | `heads` | that nobody had seen another history when they signed |
//! | `witnesses` | who has signed the ledger, and what needs them |
//! | `drills` | what belongs to one, and how each went |
//! | `asking`, `beginning`, `bounds` | on whose word a grant begins, and how long it may last |
//! | `story` | the same rules over the entries of one story |

mod acts;
mod alone;
mod asking;
mod beginning;
mod bounds;
mod credentials;
mod deliveries;
mod drills;
mod escalating;
mod freezes;
mod grants;
mod handing;
mod heads;
mod incidents;
mod keys;
mod kinds;
mod lives;
mod owed;
mod people;
mod policies;
mod restored;
mod reviews;
mod statements;
mod story;
mod streams;
mod succeeding;
mod targets;
mod tokens;
mod unlocking;
mod witnesses;
mod words;

use breakglass_proto::statement::Act;
use breakglass_tlog::{Frontier, Hash, LedgerKeys, SignedCheckpoint};
use jiff::Timestamp;
use serde::Serialize;

use self::{
    deliveries::Deliveries,
    drills::{Around, Drills},
    grants::Scene,
    heads::Heads,
    incidents::Incidents,
    lives::Lives,
    owed::Owed,
    people::People,
    policies::Policies,
    restored::Marks,
    reviews::Reviews,
    statements::Statements,
    streams::Streams,
    succeeding::Succeeding,
    targets::Targets,
    witnesses::Witnesses,
};
use crate::{entry::Entry, error::Error, time};

pub use self::restored::Restored;

pub use self::story::Teller;

pub(crate) use self::kinds::names as known_kinds;
pub(crate) use self::words::check as check_words;

/// The broker by itself, or its operator on its host.
const BROKER: &str = "breakglass";

/// Whether an entry is by the guard of a target: `target:web-1`.
fn is_guard(by: &str) -> bool {
    by.starts_with("target:")
}

/// Whether an entry is by an alert source: `source:alertmanager`.
fn is_source(by: &str) -> bool {
    by.starts_with("source:")
}

/// A refusal: it may bear the very statement that was no good.
const REFUSED: &str = "refused";

/// What was checked, for people to read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The ledger's name.
    pub origin: String,
    /// Entries, every one hashed into the tree.
    pub entries: u64,
    /// The root they give, base64; it is the one that was signed.
    pub root: String,
    /// Statements of people whose signature verified.
    pub statements: u64,
    /// Keys that were enrolled, also those that work no more.
    pub keys: u64,
    /// Grants that were asked for.
    pub requested: u64,
    /// Those of them that have ended.
    pub ended: u64,
    /// Those that have not: ids, in order of asking.
    pub open: Vec<String>,
    /// Grants that began without anybody's yes.
    pub self_granted: Vec<String>,
    /// Entries that enough witnesses have signed, by the newest entry that shows it; 0 for none.
    pub witnessed: u64,
    /// Credentials that were given while too few witnesses signed.
    pub unwitnessed: Vec<String>,
    /// Entries that handed the ledger over to its next key.
    pub handed_over_at: Vec<u64>,
    /// Histories that were lost where the broker went on from an older copy.
    pub restored: Vec<Restored>,
    /// Refusals of people whose laptops had seen another history, signed by the same key: their entries.
    pub other_histories: Vec<u64>,
    /// Entries of kinds this client does not know.
    pub not_understood: u64,
    /// The time of the first entry, RFC 3339.
    pub first_at: Option<String>,
    /// The time of the last.
    pub last_at: Option<String>,
}

/// Reads entries one after another and keeps what the next ones are checked against.
pub struct Auditor {
    succeeding: Succeeding,
    tree: Frontier,
    heads: Heads,
    statements: Statements,
    owed: Option<Owed>,
    people: People,
    policies: Policies,
    incidents: Incidents,
    lives: Lives,
    targets: Targets,
    reviews: Reviews,
    streams: Streams,
    deliveries: Deliveries,
    witnesses: Witnesses,
    restored: Marks,
    drills: Drills,
    not_understood: u64,
    first_at: Option<Timestamp>,
    last_at: Option<Timestamp>,
    /// Sizes whose roots are asked for, and the roots once they are there.
    asked: Vec<(u64, Option<Hash>)>,
    /// Where what is only hashed ends so far; 0 where everything was read.
    passed_up_to: u64,
}

impl Auditor {
    /// Begins before the first entry, with one key of the ledger or all of them. Those that follow by an
    /// entry are learnt.
    #[must_use]
    pub fn new(keys: impl Into<LedgerKeys>) -> Self {
        let keys = keys.into();
        Self {
            statements: Statements::new(keys.name().as_str()),
            succeeding: Succeeding::new(keys),
            tree: Frontier::new(),
            heads: Heads::default(),
            owed: None,
            people: People::default(),
            policies: Policies::default(),
            incidents: Incidents::default(),
            lives: Lives::default(),
            targets: Targets::default(),
            reviews: Reviews::default(),
            streams: Streams::default(),
            deliveries: Deliveries::default(),
            witnesses: Witnesses::default(),
            restored: Marks::default(),
            drills: Drills::default(),
            not_understood: 0,
            first_at: None,
            last_at: None,
            asked: Vec::new(),
            passed_up_to: 0,
        }
    }

    /// Keeps the root over the first `size` entries, for [`Auditor::root_at`]; several may be asked for.
    #[must_use]
    pub fn asking_root_at(mut self, size: u64) -> Self {
        self.asked
            .push((size, (size == 0).then(|| self.tree.root())));
        self
    }

    /// Checks a part of a ledger, of which not all that came before `from` is read: so answers that are owed
    /// from before do not count.
    #[must_use]
    pub fn of_part_from(mut self, from: u64) -> Self {
        self.reviews.count_from(from);
        self
    }

    /// That root, once so many were read.
    #[must_use]
    pub fn root_at(&self, size: u64) -> Option<Hash> {
        let asked = self.asked.iter().find(|(asked, _)| *asked == size);
        asked.and_then(|(_, root)| *root)
    }

    /// Whether a size lies among entries that are only hashed, so that there is no root over so many.
    #[must_use]
    pub fn has_passed(&self, size: u64) -> bool {
        size < self.passed_up_to && self.root_at(size).is_none()
    }

    /// How many witnesses have to sign by the newest policy so far, and the key of each by its name.
    #[must_use]
    pub fn asked_witnesses(&self) -> Option<(usize, Vec<(String, String)>)> {
        self.policies.witnesses()
    }

    /// The newest mark by which a signed head that is none of this ledger's is known to be lost, and is no news:
    /// see [`Restored::names`].
    #[must_use]
    pub fn lost(&self, size: u64, root: Hash) -> Option<&Restored> {
        self.restored.naming(size, root)
    }

    /// Entries read so far.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.tree.size()
    }

    /// Checks the next entry: its exact bytes without the newline.
    ///
    /// # Errors
    /// [`Error::Unverified`] that names the entry and what is wrong with it.
    pub fn check(&mut self, line: &[u8]) -> Result<(), Error> {
        self.read(line).map(drop)
    }

    /// Like [`Auditor::check`], and the entry is answered as it was read.
    ///
    /// # Errors
    /// As [`Auditor::check`].
    pub fn read(&mut self, line: &[u8]) -> Result<Entry, Error> {
        let index = self.tree.size();
        let wrong = |why: String| Error::unverified(format!("entry {index}: {why}"));
        let entry = Entry::parse(line).map_err(|why| wrong(format!("cannot be read: {why}")))?;
        self.check_order(&entry, index).map_err(wrong)?;
        self.take(&entry).map_err(wrong)?;
        let leaf = Hash::of_leaf(line);
        self.heads.grows(&self.tree, leaf);
        self.tree.push(leaf);
        self.restored.grown(leaf);
        let size = self.tree.size();
        for (_, root) in self.asked.iter_mut().filter(|(asked, _)| *asked == size) {
            *root = Some(self.tree.root());
        }
        let asks = self.policies.witnesses().is_some();
        self.witnesses.grown(&self.tree, asks);
        Ok(entry)
    }

    /// Passes over the next `2^level` entries, of which only the hash is at hand: the next ones are
    /// checked against what was read, and the root proves that the hash is right. What these entries
    /// say is not known then; see [`crate::export`] for which they may be.
    ///
    /// # Errors
    /// [`Error::Unverified`] where no such hash can stand there.
    pub fn pass(&mut self, level: u8, hash: Hash) -> Result<(), Error> {
        self.tree
            .push_node(level, hash)
            .map_err(|why| Error::unverified(why.to_string()))?;
        let size = self.tree.size();
        for (_, root) in self.asked.iter_mut().filter(|(asked, _)| *asked == size) {
            *root = Some(self.tree.root());
        }
        self.passed_up_to = size;
        self.witnesses.passed(&self.tree);
        self.restored.passed(&self.tree);
        self.heads.passed();
        Ok(())
    }

    /// The keys that sign the ledger, as far as is known: those given, and those that followed so far.
    #[must_use]
    pub fn keys(&self) -> &LedgerKeys {
        self.succeeding.keys()
    }

    /// The root over what was read and passed so far.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.tree.root()
    }

    /// A head of another history, signed by the ledger's key, which the entry that was just refused says
    /// its signer had seen.
    #[must_use]
    pub fn other_history(&self) -> Option<&SignedCheckpoint> {
        self.heads.other()
    }

    fn take(&mut self, entry: &Entry) -> Result<(), String> {
        self.restored.need_marked(entry)?;
        self.lives.need_none_left(entry.at)?;
        self.lives.need_vetoed(Some(entry))?;
        if !kinds::is_known(&entry.kind) {
            self.lives.need_swap(entry)?;
            self.not_understood += 1;
            self.statements.hear_unknown(entry, &self.people.keys)?;
            return self.heads.check(entry, self.succeeding.keys());
        }
        kinds::check(entry)?;
        self.lives.need_swap(entry)?;
        self.succeeding.take(entry)?;
        self.drills.check_mark(entry)?;
        if entry.kind == REFUSED {
            self.heads.check(entry, self.succeeding.keys())?;
            return self.settle(entry.at);
        }
        self.people.arrive(entry, &self.policies)?;
        let act = self.statements.hear(entry, &self.people.keys)?;
        self.heads.check(entry, self.succeeding.keys())?;
        self.follow(entry, act.as_ref())?;
        self.policies.take(entry)?;
        self.people.may_act(entry, &self.policies)?;
        self.deliveries.take(entry)?;
        let severity = self.incidents.severity(entry);
        self.reviews.need_paid(entry, severity, &self.policies)?;
        let scene = Scene {
            act: act.as_ref(),
            policies: &self.policies,
            incidents: &self.incidents,
            people: &self.people,
        };
        self.lives.take(entry, scene)?;
        self.witnesses
            .take(entry, &self.policies, self.succeeding.keys())?;
        self.restored.take(entry, self.succeeding.keys())?;
        self.targets.take(entry, &self.lives, &self.policies)?;
        let around = Around {
            policies: &self.policies,
            is_open: self
                .incidents
                .is_open(entry.text("incident").unwrap_or_default()),
            targets: &self.targets,
        };
        self.drills.take(entry, &around)?;
        let (lives, drills) = (&self.lives, &self.drills);
        self.incidents.take(entry, &self.policies, lives, drills)?;
        let is_open = |id: &str| self.incidents.is_open(id);
        self.reviews.take(entry, is_open, &self.policies)?;
        self.streams.take(entry)?;
        self.people.take(entry, &self.policies)
    }

    /// The entry begins an act and says what was signed, goes on with one, or needs no signature.
    fn follow(&mut self, entry: &Entry, act: Option<&Act>) -> Result<(), String> {
        if let Some(owed) = self.owed.take_if(|owed| owed.is_of(entry)) {
            owed.check(entry)?;
            if !owed.is_last(entry) {
                self.owed = Some(owed);
            }
            return Ok(());
        }
        self.settle(entry.at)?;
        match act {
            Some(act) => {
                acts::leads_to(act, entry)?;
                words::check(act, entry)?;
            }
            None => {
                acts::need_none(entry)?;
                owed::need_load(entry)?;
            }
        }
        self.owed = Owed::after(entry, act);
        Ok(())
    }

    /// Where another act begins, the one before it is whole.
    fn settle(&mut self, at: Timestamp) -> Result<(), String> {
        let Some(owed) = self.owed.take().filter(Owed::has_to_follow) else {
            return Ok(());
        };
        if !owed.is_load() {
            return Err(owed.missing());
        }
        if let Some(grant) = self.lives.not_given(&self.policies) {
            return Err(format!(
                "{grant} lives on, and the policy loaded before does not give it any more"
            ));
        }
        match self.people.stranger(at, &self.policies) {
            Some(person) => Err(format!(
                "{person} is not removed, and the policy loaded before does not name them any more"
            )),
            None => Ok(()),
        }
    }

    /// Checks that everything read is what the checkpoint signs: no more, no less, nothing else.
    ///
    /// # Errors
    /// [`Error::Unverified`].
    pub fn finish(mut self, checkpoint: &str) -> Result<Report, Error> {
        let signed = self.succeeding.keys().verify(checkpoint);
        let signed = signed.map_err(|error| {
            Error::unverified(format!("the checkpoint does not verify: {error}"))
        })?;
        if signed.size() != self.tree.size() {
            return Err(Error::unverified(format!(
                "the checkpoint signs {} entries, and there are {}",
                signed.size(),
                self.tree.size()
            )));
        }
        if signed.root() != self.tree.root() {
            return Err(Error::unverified(format!(
                "the entries give the root {}, and {} was signed: at least one was changed",
                self.tree.root(),
                signed.root()
            )));
        }
        let size = self.tree.size();
        self.settle(self.last_at.unwrap_or(Timestamp::MAX))
            .and_then(|()| self.succeeding.need_none_before(size))
            .and_then(|()| self.succeeding.need_named(size))
            .and_then(|()| self.lives.need_whole())
            .and_then(|()| self.restored.need_none_passing())
            .map_err(|why| Error::unverified(format!("after the last entry: {why}")))?;
        Ok(self.report())
    }

    fn report(&self) -> Report {
        Report {
            origin: self.succeeding.keys().name().to_string(),
            entries: self.tree.size(),
            root: self.tree.root().to_string(),
            statements: self.statements.verified(),
            keys: self.people.keys.enrolled(),
            requested: self.lives.requested(),
            ended: self.lives.ended(),
            open: self.lives.open(),
            self_granted: self.lives.self_granted(),
            witnessed: self.witnesses.size(),
            unwitnessed: self.witnesses.marked(),
            handed_over_at: self.succeeding.places(),
            restored: self.restored.told(),
            other_histories: self
                .heads
                .told(|size, root| self.restored.naming(size, root).is_some()),
            not_understood: self.not_understood,
            first_at: self.first_at.map(time::rfc3339),
            last_at: self.last_at.map(time::rfc3339),
        }
    }

    fn check_order(&mut self, entry: &Entry, index: u64) -> Result<(), String> {
        if entry.index != index {
            return Err(format!("it calls itself entry {}", entry.index));
        }
        if let Some(before) = self.last_at.filter(|before| entry.at < *before) {
            return Err(format!("its time {} lies before {before}", entry.at));
        }
        self.first_at.get_or_insert(entry.at);
        self.last_at = Some(entry.at);
        Ok(())
    }
}
