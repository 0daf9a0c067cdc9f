//! The published formats of the breakglass ledger, and nothing else.
//!
//! The ledger is an append-only Merkle tree whose newest head is signed. Every format here is
//! somebody else's specification, so that a program we did not write can check our ledger:
//!
//! | module | format | source |
//! |---|---|---|
//! | [`hash`] | leaf and node hashes | RFC 6962 section 2.1 |
//! | [`tree`] | roots, and making proofs | RFC 6962 sections 2.1.1, 2.1.2 |
//! | [`proof`] | checking proofs | RFC 9162 sections 2.1.3.2, 2.1.4.2 |
//! | [`tile`] | stored hashes and entries | C2SP `tlog-tiles` |
//! | [`note`] | signed text and its keys | C2SP `signed-note`, `tlog-cosignature` |
//! | [`checkpoint`] | the signed tree head | C2SP `tlog-checkpoint` |
//! | [`cosigned`] | a checkpoint that enough witnesses have signed too | C2SP `tlog-cosignature` |
//! | [`add_checkpoint`] | what a witness is asked | C2SP `tlog-witness` |
//! | [`tlog_proof`] | a proof as a file to carry around | C2SP `tlog-proof` |
//!
//! On top of them stand two ideas of our own. The [`Receipt`] is a value that exists only if an entry
//! was proven to be in the ledger under a signed checkpoint: whoever asks for a `Receipt` in a
//! signature need not ask for anything else. A [`Succession`] says that a ledger's key follows another,
//! and [`LedgerKeys`] which of them signs at which size.
//!
//! The crate is pure: no disk, no network, no async, no clock and no randomness. Nothing in it
//! panics on what a stranger may send; each limit stands in [`limits`] with its reason.

pub mod add_checkpoint;
pub mod checkpoint;
pub mod cosigned;
mod decimal;
pub mod hash;
pub mod limits;
pub mod note;
pub mod proof;
pub mod receipt;
pub mod succession;
pub mod tile;
pub mod tlog_proof;
pub mod tree;

pub use add_checkpoint::AddCheckpoint;
pub use checkpoint::{Checkpoint, SignedCheckpoint};
pub use cosigned::{Cosigned, Quorum};
pub use hash::Hash;
pub use note::{
    CosignatureSigner, Ed25519Signer, KeyId, KeyName, Note, NoteSigner, SignatureLine, VerifierKey,
};
pub use proof::{ConsistencyProof, InclusionProof};
pub use receipt::Receipt;
pub use succession::{LedgerKeys, Succession};
pub use tile::TileId;
pub use tlog_proof::TlogProof;

pub use tree::{Frontier, HashReader, StoredHashes};
