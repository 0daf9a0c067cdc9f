//! Whether a credential was recorded before it was made: it carries the proof, and here is checked that
//! this holds and is about this very credential.
//!
//! The proof is a C2SP `tlog-proof` whose extra data is the entry `credential.issued` that announced the
//! credential. Whoever stole an issuing key can sign what they like, and has no entry for it: nobody
//! but the ledger's key signs the checkpoint that it would have to be under. So a compromise of the
//! one key is of no use without the other, and nobody has to be asked about it.
//!
//! | file | what it knows |
//! |---|---|
//! | `judge` | which checkpoints are believed; the one place that does |
//! | `handed_over` | what a key proves that another has followed |
//! | `issued` | the entry `credential.issued`, in types |
//! | `token`, `ssh`, `x509` | what each kind of credential says, compared with its entry |
//! | `certificate` | OpenSSH's certificates, as bytes |

pub(crate) mod certificate;
mod handed_over;
mod issued;
mod judge;
mod ssh;
mod token;
mod x509;

use std::sync::{Arc, PoisonError, RwLock};

use breakglass_tlog::cosigned::Quorum;
use breakglass_tlog::{LedgerKeys, TlogProof};
use jiff::Timestamp;

use super::access::{Entry, Name};
use super::{Denied, limits};

pub use handed_over::HandOvers;
pub(super) use token::Carried;

use issued::Issued;

/// A ledger whose word is taken for what was recorded. Clones learn together which key follows which, and
/// when it did.
#[derive(Debug, Clone)]
pub struct Ledger {
    keys: Arc<RwLock<LedgerKeys>>,
    handed_over: Arc<RwLock<HandOvers>>,
    quorum: Option<Quorum>,
}

impl PartialEq for Ledger {
    fn eq(&self, other: &Self) -> bool {
        (self.keys(), &self.quorum) == (other.keys(), &other.quorum)
    }
}

impl Eq for Ledger {}

/// What the entry of a credential says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Who.
    pub person: Name,
    /// Under which grant.
    pub grant: Name,
    /// During which incident.
    pub incident: Name,
    /// What for.
    pub right: Name,
    /// Which credential of the grant.
    pub credential: Name,
    /// Whether it is of a drill.
    pub drill: bool,
    /// When the broker decided it.
    pub issued_at: Timestamp,
    /// Until when it is good.
    pub expires_at: Timestamp,
    /// Where the entry stands.
    pub entry: Entry,
}

impl Ledger {
    /// The ledger of this key: `glassd vkey`, learned from somebody who had it before there was
    /// anything to hide, and never from the one who shows the credential. Where the ledger was handed over
    /// to another key, of all of them: [`LedgerKeys::join`].
    #[must_use]
    pub fn of(keys: impl Into<LedgerKeys>) -> Self {
        let keys = Arc::new(RwLock::new(keys.into()));
        Self::learning(keys, Arc::default())
    }

    /// The same, of keys that somebody else follows.
    #[must_use]
    pub(crate) fn learning(
        keys: Arc<RwLock<LedgerKeys>>,
        handed_over: Arc<RwLock<HandOvers>>,
    ) -> Self {
        Self {
            keys,
            handed_over,
            quorum: None,
        }
    }

    /// When the ledger was handed over from key to key: the times of the entries `key.added` with a `succession`.
    /// From then on the key before proves nothing new, whoever has it; where that is not said, it still proves what
    /// is no longer than the ledger was then.
    #[must_use]
    pub fn handed_over_at(self, times: HandOvers) -> Self {
        let handed_over = Arc::new(RwLock::new(times));
        Self {
            handed_over,
            ..self
        }
    }

    fn handed_over(&self, size: u64) -> Option<Timestamp> {
        let times = self.handed_over.read();
        times.unwrap_or_else(PoisonError::into_inner).at(size)
    }

    fn keys(&self) -> LedgerKeys {
        let keys = self.keys.read();
        keys.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// So many of these witnesses must have signed it as well. The broker puts their signatures into
    /// the credentials of rights with `without_witnesses = "refuse"`, and into no others: it does not
    /// wait for them there.
    #[must_use]
    pub fn witnessed_by(self, quorum: Quorum) -> Self {
        let quorum = Some(quorum);
        Self { quorum, ..self }
    }

    /// What is on record of an OpenSSH user certificate: the bytes behind its algorithm's name in a
    /// line, decoded from base64.
    ///
    /// Who signed it and whether its time has come is not looked at: sshd has done so.
    ///
    /// # Errors
    /// [`Denied::NoEntry`] where it carries no proof, [`Denied::Entry`] with what is wrong with it.
    pub fn ssh_certificate(&self, certificate: &[u8]) -> Result<Recorded, Denied> {
        ssh::recorded(self, certificate)
    }

    /// What is on record of an X.509 client certificate, in DER.
    ///
    /// Who signed it and whether its time has come is not looked at: TLS has done so.
    ///
    /// # Errors
    /// [`Denied::NoEntry`] where it carries no proof, [`Denied::Entry`] with what is wrong with it.
    pub fn x509_certificate(&self, certificate: &[u8]) -> Result<Recorded, Denied> {
        x509::recorded(self, certificate)
    }

    /// The entry that a proof proves to be in this ledger.
    fn issued(&self, proof: &str) -> Result<Issued, Denied> {
        if proof.len() > limits::MAX_ENTRY_PROOF_BYTES {
            return Err(Denied::Entry("it is longer than 64 KiB"));
        }
        let mut proof = TlogProof::parse(proof)
            .map_err(|_| Denied::Entry("it is no proof as C2SP tlog-proof has them"))?;
        let entry = proof.extra.take();
        let entry = entry.ok_or(Denied::Entry("the entry itself is not in it"))?;
        let checkpoint = self.judge(&proof.checkpoint)?;
        let receipt = proof.receipt_under(entry, &checkpoint);
        let receipt = receipt.map_err(|_| Denied::Entry("the entry is not in the ledger there"))?;
        let issued = Issued::of(&receipt)?;
        self.need_of_its_time(checkpoint.size(), &issued.recorded)?;
        Ok(issued)
    }
}
