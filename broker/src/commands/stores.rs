//! Opens what a broker is made of.

use std::fs::File;
use std::io::Read as _;
use std::sync::Arc;

use breakglass_domain::command::Act;
use breakglass_domain::event::KeyPurpose;
use breakglass_domain::limits::POLICY_MAX;
use breakglass_domain::{Actor, Command, Policy};
use breakglass_tlog::{Ed25519Signer, LedgerKeys, NoteSigner as _};
use ring::digest::{SHA256, digest};
use rustix::fs::{Access, Mode, access, stat};

use super::{Failure, who_signs};
use crate::config::Config;
use crate::index::{Sealer, SledIndex};
use crate::issue::Ca;
use crate::issue::keys::{IssuingKey, KeyFolder, Keyring, load_ledger_key, load_ledger_keys};
use crate::ledger::sequence::{Observer, Parts, Sequence, Unobserved, replay};
use crate::ledger::{FileLedger, entry};
use crate::ports::{
    Clock, Decided, Decode, Index as _, Ledger, LedgerReader, Live, Projection, Sequencer as _,
};

/// How an entry is read back, for who is handed it.
pub(super) const DECODE: Decode = entry::read;

/// The keys of a broker.
pub(super) struct Keys {
    pub(super) folder: KeyFolder,
    /// What signs the ledger now.
    pub(super) ledger: Arc<Ed25519Signer>,
    /// It, and those that signed before.
    pub(super) ledger_keys: LedgerKeys,
    pub(super) authority: Ca,
    pub(super) issuing: Keyring,
    /// Bytes of a torn tail of the ledger that were cut while they were loaded.
    pub(super) cut_bytes: u64,
}

/// What the ledger is opened with.
#[derive(Clone)]
pub(super) struct Signing {
    signer: Arc<Ed25519Signer>,
    keys: LedgerKeys,
    cut_bytes: u64,
}

impl Keys {
    /// Loads all of them.
    ///
    /// # Errors
    /// [`Failure`] that says which, and what to do.
    pub(super) fn load(config: &Config) -> Result<Self, Failure> {
        demand_data_dir(config)?;
        let folder = KeyFolder::open(&config.keys_dir)?;
        let ledger = load_ledger_key(&folder, &config.ledger_origin())?;
        Ok(Self {
            ledger_keys: load_ledger_keys(&folder, &ledger)?,
            ledger: Arc::new(ledger),
            authority: Ca::load(&folder, DECODE)?,
            issuing: Keyring::load(&folder)?,
            folder,
            cut_bytes: 0,
        })
    }

    /// The entries that handed the ledger over to its next key: each the last that the key before signed.
    pub(super) fn handed_over_at(&self) -> Vec<u64> {
        let all = self.ledger_keys.successions().iter();
        all.map(|succession| succession.size() - 1).collect()
    }

    /// What the ledger is opened with.
    pub(super) fn signing(&self) -> Signing {
        Signing {
            signer: self.ledger.clone(),
            keys: self.ledger_keys.clone(),
            cut_bytes: self.cut_bytes,
        }
    }

    /// The ledger's key as others check it.
    pub(super) fn vkey(&self) -> String {
        self.ledger.verifier().to_string()
    }

    /// The public half of the ledger's key: 32 bytes.
    pub(super) fn public_ledger_key(&self) -> &[u8] {
        self.ledger.verifier().public_key()
    }
}

/// The data folder is there, and others cannot read it.
pub(super) fn demand_data_dir(config: &Config) -> Result<(), Failure> {
    let folder = config.data_dir.display();
    let found = stat(&config.data_dir).map_err(|e| {
        Failure::new(format!("the data folder {folder} cannot be read: {e}"))
            .then(format!("make a broker with: glassd init {folder}"))
    })?;
    let mode = Mode::from_raw_mode(found.st_mode);
    if mode.intersects(Mode::RWXG | Mode::RWXO) {
        let what = format!("others on this host can read the data folder {folder}");
        return Err(Failure::new(what).then(format!("chmod 700 {folder}")));
    }
    Ok(())
}

/// The data folder and the ledger's in it can be written by this user.
pub(super) fn demand_writable(config: &Config) -> Result<(), Failure> {
    let all = [
        config.data_dir.clone(),
        config.ledger_dir(),
        config.index_dir(),
    ];
    for folder in all.iter().filter(|folder| folder.exists()) {
        access(folder, Access::WRITE_OK).map_err(|e| {
            let folder = folder.display();
            Failure::new(format!("{folder} cannot be written by this user: {e}")).then(
                "see how its disk is mounted and whose it is: it must be writable for the user \
                 the broker runs as",
            )
        })?;
    }
    Ok(())
}

/// Ledger and index of a broker, open and restored.
pub(super) struct Stores {
    pub(super) ledger: Box<dyn Ledger>,
    pub(super) reader: Arc<dyn LedgerReader>,
    pub(super) index: Arc<SledIndex>,
    pub(super) live: Live,
    /// Bytes of a torn tail that were cut.
    pub(super) cut_bytes: u64,
}

impl Stores {
    /// Opens both and restores the live state.
    ///
    /// # Errors
    /// [`Failure`]: another broker uses them, or they cannot be read.
    pub(super) fn open(config: &Config, signing: Signing) -> Result<Self, Failure> {
        let Signing {
            signer,
            keys,
            cut_bytes,
        } = signing;
        let sealer = Sealer::new(signer.clone(), keys.clone());
        let (ledger, recovered) = FileLedger::open_of(&config.ledger_dir(), signer, keys.clone())?;
        who_signs::demand_newest(&keys, &*ledger.reader())?;
        let cut_bytes = cut_bytes + recovered.cut_bytes;
        Self::restore(config, Box::new(ledger), sealer, cut_bytes)
    }

    /// Opens the index of a ledger that is open.
    pub(super) fn restore(
        config: &Config,
        ledger: Box<dyn Ledger>,
        sealer: Sealer,
        cut_bytes: u64,
    ) -> Result<Self, Failure> {
        let reader = ledger.reader();
        let opened = SledIndex::open(&config.index_dir(), &*reader, sealer)?;
        if let Some(why) = &opened.rebuilt_because {
            tracing::warn!(%why, "the index is made again from the ledger");
        }
        let state = replay(&*reader, opened.up_to, opened.state.clone())?;
        let index = opened.start(Arc::clone(&reader), DECODE)?;
        Ok(Self {
            ledger,
            reader,
            index: Arc::new(index),
            live: Live::new(state),
            cut_bytes,
        })
    }
}

/// Something of the broker or its operator, for the sequencer.
pub(super) async fn record(sequence: &Sequence, act: Act) -> Result<Decided, Failure> {
    let command = Command {
        by: Actor::Broker,
        signed: None,
        act,
    };
    Ok(sequence.submit(command).await?)
}

/// Puts an issuing key on record, so that from here on it counts.
pub(super) async fn record_issuing_key(
    sequence: &Sequence,
    folder: &KeyFolder,
    key: &IssuingKey,
) -> Result<Keyring, Failure> {
    let decided = record(sequence, added(KeyPurpose::Issuing, &key.kid, key.public())).await?;
    let entry = decided.recorded.first().map(|recorded| recorded.index);
    let entry = entry.ok_or_else(|| Failure::new("the new key was not put on record"))?;
    Ok(Keyring::recorded(folder, &key.kid, entry)?)
}

/// That there is a new key; its public half goes into the entry in base64.
pub(super) fn added(purpose: KeyPurpose, id: &str, public: &[u8]) -> Act {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    Act::AddKey {
        purpose,
        id: id.to_owned(),
        public: STANDARD.encode(public),
        succession: None,
    }
}

/// What puts a policy into force.
pub(super) fn load_policy(policy: Policy) -> Act {
    let sha256 = sha256_hex(policy.text.as_bytes());
    Act::LoadPolicy {
        policy: Arc::new(policy),
        sha256,
    }
}

/// Reads and parses the policy file.
///
/// # Errors
/// [`Failure`] with every line that is wrong.
pub(super) fn read_policy(file: &std::path::Path) -> Result<Policy, Failure> {
    let name = file.display().to_string();
    let mut bytes = Vec::new();
    let most = POLICY_MAX as u64;
    let read = File::open(file).and_then(|it| it.take(most + 1).read_to_end(&mut bytes));
    read.map_err(|e| {
        Failure::new(format!("the policy {name} cannot be read: {e}"))
            .then("name it in the config with `policy_file`")
    })?;
    if bytes.len() > POLICY_MAX {
        let what = format!("the policy {name} has more than the {POLICY_MAX} bytes it may have");
        return Err(Failure::new(what)
            .then("shorten it: the ledger keeps every policy whole, in one entry"));
    }
    let text = String::from_utf8(bytes)
        .map_err(|_| Failure::new(format!("the policy {name} is not text in UTF-8")))?;
    let policy = Policy::parse(&name, &text)?;
    if let Some(asked) = &policy.witnesses {
        // The policy's parser hashes nothing.
        crate::witnesses::roster(asked).map_err(|why| {
            Failure::new(format!("the policy {name}: {why}"))
                .then("write each key as `glass witness init` printed it")
        })?;
    }
    Ok(policy)
}

/// SHA-256 in lower-case hex.
pub(super) fn sha256_hex(bytes: &[u8]) -> String {
    digest(&SHA256, bytes)
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Does some acts of the operator while no broker runs, and closes everything again.
///
/// # Errors
/// [`Failure`]; the first act that is refused ends it.
pub(super) fn act_offline(
    stores: Stores,
    clock: Arc<dyn Clock>,
    acts: Vec<Act>,
) -> Result<Vec<Decided>, Failure> {
    let Stores {
        ledger,
        index,
        live,
        cut_bytes,
        ..
    } = stores;
    let projections: Vec<Arc<dyn Projection>> = vec![Arc::clone(&index) as _];
    let observer: Arc<dyn Observer> = Arc::new(Unobserved);
    let runtime = super::runtime()?;
    let done = runtime.block_on(async {
        let sequence = Sequence::start(Parts {
            ledger,
            clock,
            live,
            projections,
            observer,
        })?;
        let done = in_turn(&sequence, cut_bytes, acts).await;
        sequence.stop().await;
        done
    });
    index.close();
    debug_assert!(done.is_err() || index.applied_up_to() > 0);
    done
}

/// A torn tail that was cut on the way here comes first: the next start finds none and says nothing.
async fn in_turn(
    sequence: &Sequence,
    cut_bytes: u64,
    acts: Vec<Act>,
) -> Result<Vec<Decided>, Failure> {
    if cut_bytes > 0 {
        record(sequence, Act::NoteRepair { cut_bytes }).await?;
    }
    let mut decided = Vec::with_capacity(acts.len());
    for act in acts {
        decided.push(record(sequence, act).await?);
    }
    Ok(decided)
}
