//! The keys that targets trust: for logging in by SSH, for SSH hosts, for X.509 client certificates.

use std::sync::Arc;

use breakglass_domain::Change;
use breakglass_domain::command::Act;
use breakglass_domain::event::KeyPurpose;

use super::Failure;
use super::stores::{DECODE, added, sha256_hex};
use crate::config::Config;
use crate::issue::TargetCa;
use crate::issue::keys::{KeyError, KeyFolder};
use crate::issue::ssh::{Certifies, Hosts, SshCa, SshHostCa, SshUserCa, Users};
use crate::ports::{Clock, Entropy, EntryFilter, Index, LedgerReader};

/// Entries of keys that are looked through at once.
const PAGE: usize = 256;

/// What each is for, and where it is.
const FILES: [(KeyPurpose, &str); 3] = [
    (KeyPurpose::SshUser, Users::FILE),
    (KeyPurpose::SshHost, Hosts::FILE),
    (KeyPurpose::Targets, TargetCa::FILE),
];

/// All three. A broker from before they were there makes them at its next start.
pub(super) struct TargetKeys {
    pub(super) users: Arc<SshUserCa>,
    pub(super) hosts: Arc<SshHostCa>,
    pub(super) certificates: Arc<TargetCa>,
}

/// One of them, as the ledger has it.
struct Named {
    purpose: KeyPurpose,
    file: &'static str,
    id: String,
    public: Vec<u8>,
}

impl TargetKeys {
    /// Loads them.
    ///
    /// # Errors
    /// [`Failure`] that says which, and what to do.
    pub(super) fn load(folder: &KeyFolder) -> Result<Self, Failure> {
        Ok(Self {
            users: Arc::new(SshCa::load(folder).map_err(not_made_yet)?),
            hosts: Arc::new(SshCa::load(folder).map_err(not_made_yet)?),
            certificates: Arc::new(TargetCa::load(folder).map_err(not_made_yet)?),
        })
    }

    /// Whether none of them was made yet.
    pub(super) fn are_missing(folder: &KeyFolder) -> bool {
        let is_there = |file| folder.path().join(file).exists();
        !FILES.iter().any(|(_, file)| is_there(file))
    }

    /// Loads them, and makes what is not there yet.
    ///
    /// # Errors
    /// [`KeyError`].
    pub(super) fn load_or_create(
        folder: &KeyFolder,
        config: &Config,
        clock: &dyn Clock,
        entropy: &dyn Entropy,
    ) -> Result<Self, KeyError> {
        let name = config.first_name().to_string();
        let certificates = TargetCa::load_or_create(folder, &name, clock.now(), entropy)?;
        Ok(Self {
            users: Arc::new(SshCa::load_or_create(folder)?),
            hosts: Arc::new(SshCa::load_or_create(folder)?),
            certificates: Arc::new(certificates),
        })
    }

    /// What puts all of them on record.
    pub(super) fn acts(&self) -> Vec<Act> {
        self.named().iter().map(Named::act).collect()
    }

    /// Loads them and makes what is not there yet, and answers what puts on record what is not.
    ///
    /// # Errors
    /// [`Failure`] where a key is another than the one on record, or gone: what another signs would be
    /// believed by no target, and might be somebody else's.
    pub(super) async fn as_recorded(
        folder: &KeyFolder,
        config: &Config,
        (clock, entropy): (&dyn Clock, &dyn Entropy),
        (reader, index): (&dyn LedgerReader, &dyn Index),
    ) -> Result<(Self, Vec<Act>), Failure> {
        index.caught_up(reader.checkpoint().size()).await?;
        for (purpose, file) in FILES {
            let is_there = folder.path().join(file).exists();
            if let (false, Some(id)) = (is_there, on_record(reader, index, purpose)?) {
                return Err(is_gone(file, &id));
            }
        }
        let keys = Self::load_or_create(folder, config, clock, entropy)?;
        let mut acts = Vec::new();
        for key in keys.named() {
            match on_record(reader, index, key.purpose)? {
                None => acts.push(key.act()),
                Some(id) if id == key.id => {}
                Some(id) => return Err(key.is_another_than(&id)),
            }
        }
        Ok((keys, acts))
    }

    fn named(&self) -> [Named; 3] {
        let certificate = self.certificates.certificate();
        let [users, hosts, (purpose, file)] = FILES;
        [
            named(users, &self.users),
            named(hosts, &self.hosts),
            Named {
                purpose,
                file,
                id: sha256_hex(certificate),
                public: certificate.to_vec(),
            },
        ]
    }
}

fn named<Of: Certifies>((purpose, file): (KeyPurpose, &'static str), ca: &SshCa<Of>) -> Named {
    Named {
        purpose,
        file,
        id: ca.fingerprint(),
        public: ca.public_key(),
    }
}

impl Named {
    fn act(&self) -> Act {
        added(self.purpose, &self.id, &self.public)
    }

    fn is_another_than(&self, recorded: &str) -> Failure {
        let Self {
            purpose, file, id, ..
        } = self;
        let what = format!(
            "the key in {file} is {id}, and the ledger says that the one for `{purpose}` is \
             {recorded}"
        );
        Failure::new(what).then(put_back(file))
    }
}

fn is_gone(file: &str, recorded: &str) -> Failure {
    let what = format!("{file} is not in the folder of keys, and targets trust it ({recorded})");
    Failure::new(what).then(put_back(file))
}

fn put_back(file: &str) -> String {
    format!("put {file} back from the backup of the keys")
}

/// The newest key for a purpose that was not retired.
fn on_record(
    reader: &dyn LedgerReader,
    index: &dyn Index,
    purpose: KeyPurpose,
) -> Result<Option<String>, Failure> {
    let filter = EntryFilter {
        kind: Some("key".into()),
        oldest_first: true,
        ..EntryFilter::default()
    };
    let (mut newest, mut cursor) = (None, None);
    loop {
        let places = index.entries(&filter, cursor, PAGE)?;
        let Some(last) = places.last() else {
            return Ok(newest);
        };
        cursor = Some(*last);
        for place in places {
            for line in reader.entries(place, 1)? {
                match DECODE(&line)?.1.change {
                    Change::KeyAdded {
                        purpose: of, id, ..
                    } if of == purpose => newest = Some(id),
                    Change::KeyRetired { purpose: of, id }
                        if of == purpose && newest.as_ref() == Some(&id) =>
                    {
                        newest = None;
                    }
                    _ => {}
                }
            }
        }
    }
}

fn not_made_yet(error: KeyError) -> Failure {
    match error {
        KeyError::Missing(file) => Failure::new(format!(
            "{} is not there: the broker was made before it had one",
            file.display()
        ))
        .then("start the broker once, which makes it: glassd serve"),
        other => other.into(),
    }
}
