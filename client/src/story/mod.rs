//! The story of one grant, from asking to ending, out of entries that are each proven to be in the ledger.
//!
//! It is told whole, and checked by the rules of a whole ledger ([`audit`](crate::audit)): every signature,
//! and that each entry follows from those before it and from the policy in force there. Which entries that
//! takes is in `gather`. What it cannot show is that the broker left none of them out: that takes all of
//! them (`glass ledger verify`).

mod debts;
mod footing;
mod gather;
mod marks;
mod passage;
mod signatures;
mod told;
pub mod view;
mod voice;
pub mod why;

use std::{collections::BTreeMap, future::Future, sync::Arc};

use breakglass_proto::v1;
use breakglass_tlog::LedgerKeys;
use jiff::Timestamp;

use self::{footing::Footing, gather::Gathered};
pub use self::{
    marks::{Mark, MarkView},
    signatures::Signature,
    voice::Voice,
};
use crate::{audit::Teller, entry::Entry, error::Error, rules::Rules};

/// Where entries come from that are proven to be in the ledger.
pub trait Proven {
    /// Entries by filter, at most `most`, each proven.
    fn entries(
        &self,
        filter: v1::ListEntriesRequest,
        most: usize,
    ) -> impl Future<Output = Result<Vec<Entry>, Error>>;

    /// How many entries the ledger has.
    fn size(&self) -> impl Future<Output = Result<u64, Error>>;

    /// Every key that has signed it, as far as is known.
    fn keys(&self) -> LedgerKeys;
}

/// A story that was read, and checked as far as it holds.
pub struct Story {
    /// Its grant.
    pub grant: String,
    /// The entry that asks for it.
    pub asked: Entry,
    /// The entries about the grant, the opening and closing of its incident, and the notes it stands on, in
    /// order.
    pub moments: Vec<Moment>,
    /// What people signed for the entries about the grant.
    pub signatures: Vec<Signature>,
    /// How many entries were read, proven and checked: also what these follow from.
    pub read: usize,
    /// How many statements among these were checked.
    pub statements: u64,
    /// Where a part of the ledger was lost, and on which side of that the grant stands; the oldest first.
    pub marks: Vec<Mark>,
    /// Where it does not hold, and why; nothing where it does.
    pub wrong: Option<Wrong>,
    /// What it stands on beside the entries that name it.
    footing: Footing,
    /// Of how many closed incidents answers could have been late when it began at once, and whether there
    /// are more; nothing where none were asked for.
    debts: Option<(usize, bool)>,
    /// All entries that were checked, by their place.
    entries: BTreeMap<u64, Entry>,
}

/// An entry, and what was so when it was written.
pub struct Moment {
    /// The entry.
    pub entry: Entry,
    /// The policy in force.
    pub policy: Option<Arc<InForce>>,
    /// When the grant's incident closes by itself, as of just before.
    pub closes_at: Option<Timestamp>,
    /// For how long its request had stood still by then, in milliseconds, because nobody could be told of it.
    pub stood_still: i64,
}

impl Moment {
    /// Behind a time that its request says: that it became later.
    fn moved(&self) -> String {
        match self.stood_still {
            0 => String::new(),
            later => format!(
                ", and {} later because nobody could be told of it before",
                voice::length(later)
            ),
        }
    }
}

/// A policy as it was loaded.
pub struct InForce {
    /// In which entry.
    pub entry: u64,
    /// When.
    pub at: Timestamp,
    /// Of its text, lower-case hex.
    pub sha256: String,
    /// What it says.
    pub rules: Rules,
}

/// What does not hold.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Wrong {
    /// In which entry; nothing where something is missing behind the last.
    pub entry: Option<u64>,
    /// Why not.
    pub why: String,
}

impl Story {
    /// Reads and checks the story of a grant.
    ///
    /// # Errors
    /// [`Error::Refused`] where there is no such grant or its story is too long to be read by itself;
    /// [`Error::Unverified`] where an entry is not in the ledger.
    pub async fn of_grant(ledger: &impl Proven, grant: &str) -> Result<Self, Error> {
        let gathered = gather::all_about(ledger, grant).await?;
        Ok(Self::replayed(ledger.keys(), gathered))
    }

    fn replayed(keys: LedgerKeys, gathered: Gathered) -> Self {
        let Gathered {
            asked,
            entries,
            debts,
            marks,
        } = gathered;
        let mut beside = debts.iter().flat_map(|debts| &debts.entries).peekable();
        let text = |name| asked.text(name).unwrap_or_default().to_owned();
        let (grant, incident) = (text("grant"), text("incident"));
        let footing = Footing::of(&asked, &entries);
        let beneath = footing.places();
        let mut teller = Teller::new(keys.clone(), debts.is_some());
        let (mut moments, mut policy, mut wrong) = (Vec::new(), None, None);
        for (index, entry) in &entries {
            while let Some(earlier) = beside.next_if(|it| it.index < *index) {
                teller.hear_of(earlier);
            }
            let closes_at = teller.closes_at(&incident, entry.at);
            let stood_still = teller.stood_still(&grant);
            if let Err(why) = teller.check(entry) {
                let entry = Some(*index);
                wrong = Some(Wrong { entry, why });
            }
            if let Some(loaded) = InForce::read(entry) {
                policy = Some(Arc::new(loaded));
            }
            if belongs(entry, &grant, &incident) || beneath.contains(index) {
                moments.push(Moment {
                    entry: entry.clone(),
                    policy: policy.clone(),
                    closes_at,
                    stood_still,
                });
            }
            if wrong.is_some() {
                break;
            }
        }
        let finished = match wrong {
            None => teller.finish(),
            Some(_) => Ok(0),
        };
        let statements = finished.unwrap_or_else(|why| {
            wrong = Some(Wrong { entry: None, why });
            0
        });
        let ended = entries
            .values()
            .find(|it| it.kind == "grant.ended" && it.text("grant") == Some(&grant));
        let lived = (asked.index, ended.map(|ended| ended.index));
        let read = entries.len() + marks.len();
        let marks = marks.iter().map(|mark| Mark::read(mark, &keys, lived));
        let marks = marks.collect::<Result<Vec<_>, _>>().unwrap_or_else(|mark| {
            wrong.get_or_insert(mark);
            Vec::new()
        });
        Self {
            signatures: signatures::of(&moments, &entries),
            read: read + debts.as_ref().map_or(0, |debts| debts.entries.len()),
            debts: debts.map(|debts| (debts.incidents, debts.has_more)),
            grant,
            asked,
            moments,
            statements,
            marks,
            wrong,
            footing,
            entries,
        }
    }

    /// An entry that was read.
    pub(super) fn entry(&self, such: impl Fn(&&Entry) -> bool) -> Option<&Entry> {
        self.entries.values().rev().find(such)
    }

    /// The marks of what was lost, as they are told.
    pub(super) fn marked(&self, voice: Voice) -> Vec<MarkView> {
        let marks = self.marks.iter();
        marks.map(|mark| mark.view(&self.grant, voice)).collect()
    }

    /// An entry that was read, by its place.
    pub(super) fn at(&self, place: Option<u64>) -> Option<&Entry> {
        self.entries.get(&place?)
    }

    /// The entry that bears the signature of the act an entry is of.
    pub(super) fn bearer<'a>(&'a self, entry: &'a Entry) -> Option<&'a Entry> {
        signatures::bearer(entry, &self.entries)
    }

    /// That it does not hold, as an error.
    ///
    /// # Errors
    /// [`Error::Unverified`].
    pub fn need_whole(&self) -> Result<(), Error> {
        match &self.wrong {
            None => Ok(()),
            Some(wrong) => Err(wrong.error()),
        }
    }
}

impl Wrong {
    /// As an error.
    #[must_use]
    pub fn error(&self) -> Error {
        Error::unverified(match self.entry {
            Some(entry) => format!("entry {entry}: {}", self.why),
            None => format!("after the last entry: {}", self.why),
        })
    }
}

impl InForce {
    /// Of the entry that loads it; nothing where the entry is another, or its text cannot be read.
    pub(crate) fn read(entry: &Entry) -> Option<Self> {
        if entry.kind != "policy.loaded" {
            return None;
        }
        Some(Self {
            entry: entry.index,
            at: entry.at,
            sha256: entry.text("sha256")?.to_owned(),
            rules: match entry.text("text")? {
                "" => Rules::nothing(),
                text => Rules::parse("the policy", text).ok()?,
            },
        })
    }
}

/// Whether an entry is told of: about the grant, or where its incident begins and ends.
fn belongs(entry: &Entry, grant: &str, incident: &str) -> bool {
    let about_grant = entry.text("grant") == Some(grant);
    let frames = matches!(&*entry.kind, "incident.opened" | "incident.closed");
    about_grant || (frames && entry.text("incident") == Some(incident))
}
