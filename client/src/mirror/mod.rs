//! A mirror: the whole ledger as files (C2SP tlog-tiles), kept by somebody else.
//!
//! ```text
//! checkpoint      the newest signed head this mirror is whole for; written last
//! tile/...        hash tiles and entry bundles, byte for byte as the broker serves them
//! vkey            the key it is signed with: a hint, and no proof of anything
//! successions     how each key of the ledger followed the one before, if any did
//! .lock .new      held while `glass` is at work; the file that is being written
//! ```
//!
//! Nothing is written before it is proven. The signed root proves the tiles at the right edge, each tile
//! proves those under it, and the lowest prove the entries: so it goes from the top to the bottom. Where
//! it was stopped, it goes on: what is there is proven again by what is above it.
//!
//! | module | what it knows |
//! |---|---|
//! | `source` | where files come from |
//! | `edge` | the tiles that a signed root proves by itself, and what they say of an older head |
//! | `rows` | which tiles a tree of some size has |
//! | `grow` | fetching what is missing, in order |
//! | `place`, `disk` | the folder; the system calls beneath it |
//! | `read` | reading such a folder back, trusting none of it |

mod disk;
mod edge;
mod grow;
mod place;
pub mod read;
mod rows;
mod source;
#[cfg(test)]
mod tests;

use breakglass_tlog::SignedCheckpoint;
use serde::Serialize;

pub(crate) use self::source::LARGEST;
use self::{edge::Edge, grow::Growth};
pub use self::{place::Place, source::Source};
use crate::{
    error::Error,
    trust::{Prover, Trust},
};

/// What a run did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// The ledger's name.
    pub origin: String,
    /// Entries in the mirror.
    pub entries: u64,
    /// Those of them that came with this run.
    pub new: u64,
    /// The root over all of them, base64, as signed.
    pub root: String,
    /// Files that were fetched.
    pub fetched: u64,
    /// Files that were there, were no good, and were fetched again.
    pub mended: Vec<String>,
}

/// How far a run goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// From what the mirror is whole for.
    New,
    /// From the first entry: what is there is looked at again.
    Everything,
}

/// Brings a mirror up to the newest checkpoint that is served.
///
/// # Errors
/// [`Error::Unverified`] where anything that is served does not hold, with evidence where the ledger was
/// rewritten, forked or went back; [`Error::Unreachable`], [`Error::File`]. What the mirror was whole for
/// before, it still is.
pub async fn keep<S: Source + Prover>(
    source: &S,
    trust: &Trust,
    place: &Place,
    reach: Reach,
    progress: impl Fn(u64, u64),
) -> Result<Kept, Error> {
    let note = source.checkpoint().await?;
    let new = trust.verify_checkpoint(&note)?;
    trust.accept(&new, source).await?;
    let keys = trust.keys();
    let old = place.checkpoint(&keys)?;
    if let Some(old) = &old {
        goes_on(trust, old, &new)?;
    }
    let whole_for = old.as_ref().map_or(0, SignedCheckpoint::size);
    let mut growth = Growth::new(source, place, whole_for, new.size());
    if whole_for < new.size() || reach == Reach::Everything {
        let edge = Edge::fetch(source, &new, whole_for).await?;
        if let Some(old) = &old {
            edge.goes_on_from(old, &new, trust)?;
        }
        let from = match reach {
            Reach::New => whole_for,
            Reach::Everything => 0,
        };
        growth.fetch(&edge, from, progress).await?;
        place.finish(&new, &keys)?;
        growth.tidy()?;
    }
    Ok(Kept {
        origin: trust.origin(),
        entries: new.size(),
        new: new.size() - whole_for,
        root: new.root().to_string(),
        fetched: growth.fetched,
        mended: growth.mended,
    })
}

/// What two signed heads say of each other by themselves.
fn goes_on(trust: &Trust, old: &SignedCheckpoint, new: &SignedCheckpoint) -> Result<(), Error> {
    let why = match old.size().cmp(&new.size()) {
        std::cmp::Ordering::Less => return Ok(()),
        std::cmp::Ordering::Equal if old.root() == new.root() => return Ok(()),
        std::cmp::Ordering::Equal => "it is as long as this mirror, and of another history",
        std::cmp::Ordering::Greater => "it went back: it ends before what this mirror holds",
    };
    Err(trust.contradiction(old.into(), new.into(), None, why))
}
