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
    pub(super) next: Next,
}

/// Those that are to follow, so that targets are told to believe them before they sign.
pub(super) struct Next {
    pub(super) users: Option<Arc<SshUserCa>>,
    pub(super) hosts: Option<Arc<SshHostCa>>,
    pub(super) certificates: Option<Arc<TargetCa>>,
}

/// One of them, as the ledger has it.
pub(super) struct Named {
    purpose: KeyPurpose,
    file: &'static str,
    pub(super) id: String,
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
            next: Next::load(folder)?,
        })
    }

    /// The one that host certificates are made with: the next where there is one, so that every host
    /// has one of it before people stop believing the other.
    pub(super) fn for_hosts(&self) -> Arc<SshHostCa> {
        Arc::clone(self.next.hosts.as_ref().unwrap_or(&self.hosts))
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
            next: Next::load(folder)?,
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
        TargetCa::mend(folder)?;
        for (purpose, file) in FILES {
            let recorded = on_record(reader, index, purpose)?;
            finish_switch(folder, purpose, &recorded)?;
            let is_there = folder.path().join(file).exists();
            if let (false, Some(id)) = (is_there, recorded.last()) {
                return Err(is_gone(file, purpose, id));
            }
        }
        let keys = Self::load_or_create(folder, config, clock, entropy)?;
        let mut acts = Vec::new();
        for key in keys.named() {
            let recorded = on_record(reader, index, key.purpose)?;
            match recorded.last() {
                None => acts.push(key.act()),
                Some(_) if recorded.contains(&key.id) => {}
                Some(id) => return Err(key.is_another_than(id)),
            }
        }
        for key in keys.next.named() {
            if !on_record(reader, index, key.purpose)?.contains(&key.id) {
                acts.push(key.act());
            }
        }
        Ok((keys, acts))
    }

    #[cfg(test)]
    pub(super) fn signs(&self, purpose: KeyPurpose, id: &str) -> bool {
        self.named()
            .iter()
            .any(|key| key.purpose == purpose && key.id == id)
    }

    #[cfg(test)]
    pub(super) fn is_followed_by(&self, purpose: KeyPurpose, id: &str) -> bool {
        self.next
            .named()
            .iter()
            .any(|key| key.purpose == purpose && key.id == id)
    }

    fn named(&self) -> [Named; 3] {
        let [users, hosts, targets] = FILES;
        [
            named(users, &self.users),
            named(hosts, &self.hosts),
            named_certificate(targets, &self.certificates),
        ]
    }
}

impl Next {
    fn load(folder: &KeyFolder) -> Result<Self, KeyError> {
        Ok(Self {
            users: SshCa::load_next(folder)?.map(Arc::new),
            hosts: SshCa::load_next(folder)?.map(Arc::new),
            certificates: TargetCa::load_next(folder)?.map(Arc::new),
        })
    }

    fn named(&self) -> Vec<Named> {
        let [users, hosts, targets] = FILES;
        let certificates = self.certificates.as_ref();
        let all = [
            self.users.as_ref().map(|next| named(users, next)),
            self.hosts.as_ref().map(|next| named(hosts, next)),
            certificates.map(|next| named_certificate(targets, next)),
        ];
        all.into_iter().flatten().collect()
    }
}

/// The key that is to follow for a purpose, where there is one.
pub(super) fn next_of(folder: &KeyFolder, purpose: KeyPurpose) -> Result<Option<Named>, KeyError> {
    let named = Next::load(folder)?.named();
    Ok(named.into_iter().find(|key| key.purpose == purpose))
}

/// Makes it.
pub(super) fn make_next(
    folder: &KeyFolder,
    purpose: KeyPurpose,
    name: &str,
    (clock, entropy): (&dyn Clock, &dyn Entropy),
) -> Result<(), KeyError> {
    match purpose {
        KeyPurpose::SshUser => SshUserCa::create_next(folder).map(drop),
        KeyPurpose::SshHost => SshHostCa::create_next(folder).map(drop),
        _ => TargetCa::create_next(folder, name, clock.now(), entropy).map(drop),
    }
}

/// Puts it in the place of the one before.
pub(super) fn promote_next(folder: &KeyFolder, purpose: KeyPurpose) -> Result<(), KeyError> {
    match purpose {
        KeyPurpose::SshUser => SshUserCa::promote_next(folder),
        KeyPurpose::SshHost => SshHostCa::promote_next(folder),
        _ => TargetCa::promote_next(folder),
    }
}

/// Removes it.
pub(super) fn remove_next(folder: &KeyFolder, purpose: KeyPurpose) -> Result<(), KeyError> {
    match purpose {
        KeyPurpose::SshUser => folder.remove(Users::NEXT),
        KeyPurpose::SshHost => folder.remove(Hosts::NEXT),
        _ => TargetCa::remove_next(folder),
    }
}

/// A switch that is on record and was broken off before the file was in place.
fn finish_switch(
    folder: &KeyFolder,
    purpose: KeyPurpose,
    recorded: &[String],
) -> Result<(), Failure> {
    let next = next_of(folder, purpose)?;
    if next.is_none_or(|next| !recorded.contains(&next.id)) {
        return Ok(());
    }
    let now = match purpose {
        KeyPurpose::SshUser => SshUserCa::load(folder).map(|ca| ca.fingerprint()),
        KeyPurpose::SshHost => SshHostCa::load(folder).map(|ca| ca.fingerprint()),
        _ => TargetCa::load(folder).map(|ca| sha256_hex(ca.certificate())),
    };
    match now {
        Ok(id) if recorded.contains(&id) => Ok(()),
        Ok(_) | Err(KeyError::Missing(_)) => Ok(promote_next(folder, purpose)?),
        Err(error) => Err(error.into()),
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

fn named_certificate((purpose, file): (KeyPurpose, &'static str), ca: &TargetCa) -> Named {
    let certificate = ca.certificate();
    Named {
        purpose,
        file,
        id: sha256_hex(certificate),
        public: certificate.to_vec(),
    }
}

impl Named {
    pub(super) fn act(&self) -> Act {
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
        Failure::new(what).then(put_back(file, *purpose))
    }
}

fn is_gone(file: &str, purpose: KeyPurpose, recorded: &str) -> Failure {
    let what = format!("{file} is not in the folder of keys, and targets trust it ({recorded})");
    Failure::new(what).then(put_back(file, purpose))
}

fn put_back(file: &str, purpose: KeyPurpose) -> String {
    format!(
        "put {file} back from the backup of the keys. Where there is none, make another, which every \
         target has to be given: glassd rotate --of {purpose} --compromised"
    )
}

/// The keys for a purpose that were not retired, oldest first.
pub(super) fn on_record(
    reader: &dyn LedgerReader,
    index: &dyn Index,
    purpose: KeyPurpose,
) -> Result<Vec<String>, Failure> {
    let mut known = Vec::new();
    for change in key_entries(reader, index)? {
        match change {
            Change::KeyAdded {
                purpose: of, id, ..
            } if of == purpose => known.push(id),
            Change::KeyRetired { purpose: of, id } if of == purpose => {
                known.retain(|key| *key != id);
            }
            _ => {}
        }
    }
    Ok(known)
}

/// What the entries about the broker's keys say, oldest first.
pub(super) fn key_entries(
    reader: &dyn LedgerReader,
    index: &dyn Index,
) -> Result<Vec<Change>, Failure> {
    let filter = EntryFilter {
        kind: Some("key".into()),
        oldest_first: true,
        ..EntryFilter::default()
    };
    let (mut all, mut cursor) = (Vec::new(), None);
    loop {
        let places = index.entries(&filter, cursor, PAGE)?.found;
        let Some(last) = places.last() else {
            return Ok(all);
        };
        cursor = Some(*last);
        for place in places {
            for line in reader.entries(place, 1)? {
                all.push(DECODE(&line)?.1.change);
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
