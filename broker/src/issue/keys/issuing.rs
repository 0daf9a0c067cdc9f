//! The keys that sign credentials, and how one follows another.
//!
//! A key is *next* from the moment it is published until it signs, *active* while it signs,
//! *retiring* while a credential it signed may still live, and *retired* after. Which of these it is
//! follows from three times in `issuing.json`, so a broker that was off over a rotation knows where
//! it stands, and no step can be forgotten.

use std::sync::Arc;

use breakglass_domain::limits::CREDENTIAL_LIFE;
use breakglass_domain::{Lifetime, Time};
use ring::digest;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{KeyError, KeyFolder};
use crate::issue::base64url;
use crate::issue::jwt_crypto::Es256Signer;

const LIST: &str = "issuing.json";

/// How long a key is published after it last signed: the longest life of a credential, and as much
/// again for targets whose clock is behind.
const PUBLISHED_AFTER: Lifetime = Lifetime::from_secs(2 * CREDENTIAL_LIFE.as_secs() as u32);

/// Keys published at once: one rotation a minute must not fill what targets download (AWS is said
/// to refuse more than 100).
const KEYS_MAX: usize = 16;

/// A key on its way from next to retired.
#[derive(Debug)]
pub struct IssuingKey {
    /// RFC 7638 thumbprint of the public half.
    pub kid: String,
    /// When it was made.
    pub added_at: Time,
    /// From when it signs.
    pub signs_from: Time,
    /// Since when nothing it signed is to be believed, where it was lost.
    pub withdrawn_at: Option<Time>,
    /// The entry of the ledger that names it; before there is one it is nobody's key.
    pub entry: Option<u64>,
    /// The key itself.
    pub signer: Es256Signer,
}

/// Where a key is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Published, so that targets know it when it begins to sign; not published before the ledger
    /// names it.
    Next,
    /// Signs.
    Active,
    /// Published, because what it signed may still live.
    Retiring,
    /// Over.
    Retired,
}

/// When a new key begins to sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotation {
    /// After targets had so long to learn it.
    After(Lifetime),
    /// Now, and the old keys are no longer published: one of them was lost.
    Compromised,
}

/// All keys that sign, will sign or have signed what may still live; oldest first.
#[derive(Debug, Clone, Default)]
pub struct Keyring {
    keys: Vec<Arc<IssuingKey>>,
}

impl Keyring {
    /// Makes the first key of a new broker; it signs as soon as the ledger names it.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn create(folder: &KeyFolder, now: Time) -> Result<Self, KeyError> {
        let _lock = folder.lock()?;
        let ring = Self {
            keys: vec![Arc::new(make(folder, now, now)?)],
        };
        ring.save(folder)?;
        Ok(ring)
    }

    /// Loads the keys that are not retired.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn load(folder: &KeyFolder) -> Result<Self, KeyError> {
        let text = folder.read(LIST)?;
        let list: List = serde_json::from_slice(&text)
            .map_err(|e| folder.unusable(LIST, format!("it cannot be read: {e}")))?;
        let keys: Result<Vec<_>, _> = list.keys.iter().map(|key| key.load(folder)).collect();
        let mut keys: Vec<_> = keys?.into_iter().map(Arc::new).collect();
        keys.sort_by_key(|key| key.signs_from);
        if keys.is_empty() {
            return Err(folder.unusable(LIST, "it names no key"));
        }
        Ok(Self { keys })
    }

    /// Adds a key to the folder. A broker that runs takes it up when it is told to reload.
    ///
    /// # Errors
    /// [`KeyError`]; nothing has changed then.
    pub fn rotate(folder: &KeyFolder, now: Time, rotation: Rotation) -> Result<Self, KeyError> {
        Self::change(folder, |ring| {
            let kept = ring
                .keys
                .iter()
                .filter(|key| ring.status(key, now) != Status::Retired);
            let kept = kept.count();
            if kept >= KEYS_MAX {
                let why = format!("{kept} keys are in use already; wait until old ones retire");
                return Err(folder.unusable(LIST, why));
            }
            let signs_from = match rotation {
                Rotation::After(delay) => now.plus(delay),
                Rotation::Compromised => now,
            };
            if rotation == Rotation::Compromised {
                ring.alter(folder, |key| {
                    key.withdrawn_at.get_or_insert_with(|| now.to_string());
                })?;
            }
            ring.keys.push(Arc::new(make(folder, now, signs_from)?));
            Ok(())
        })
    }

    /// Says that the ledger names a key: from here on it counts.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn recorded(folder: &KeyFolder, kid: &str, entry: u64) -> Result<Self, KeyError> {
        Self::change(folder, |ring| {
            ring.alter(folder, |key| {
                if key.kid == kid {
                    key.entry = Some(entry);
                }
            })
        })
    }

    /// Forgets a retired key; its file is removed.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn forget(folder: &KeyFolder, kid: &str) -> Result<Self, KeyError> {
        let ring = Self::change(folder, |ring| {
            ring.keys.retain(|key| key.kid != kid);
            Ok(())
        })?;
        folder.remove(&file_of(kid))?;
        Ok(ring)
    }

    /// All of them, oldest first.
    pub fn keys(&self) -> impl Iterator<Item = &Arc<IssuingKey>> {
        self.keys.iter()
    }

    /// The key that signs at `now`.
    #[must_use]
    pub fn active(&self, now: Time) -> Option<&Arc<IssuingKey>> {
        self.keys
            .iter()
            .rfind(|key| self.status(key, now) == Status::Active)
    }

    /// From when a key signs, where none does at `now` and one will: the clock is behind what it was
    /// when the keys were made.
    #[must_use]
    pub fn awaited(&self, now: Time) -> Option<Time> {
        if self.active(now).is_some() {
            return None;
        }
        let counts = |key: &&Arc<IssuingKey>| key.entry.is_some() && key.withdrawn_at.is_none();
        let first = self.keys.iter().find(counts)?.signs_from;
        (first > now).then_some(first)
    }

    /// The keys targets need to know at `now`.
    pub fn published(&self, now: Time) -> impl Iterator<Item = &Arc<IssuingKey>> {
        let recorded = self.keys.iter().filter(|key| key.entry.is_some());
        recorded.filter(move |key| self.status(key, now) != Status::Retired)
    }

    /// Where a key of this ring is on its way.
    #[must_use]
    pub fn status(&self, key: &IssuingKey, now: Time) -> Status {
        if key.withdrawn_at.is_some() {
            return Status::Retired;
        }
        if key.entry.is_none() || now < key.signs_from {
            return Status::Next;
        }
        match self.signs_until(key) {
            Some(until) if now >= until.plus(PUBLISHED_AFTER) => Status::Retired,
            Some(until) if now >= until => Status::Retiring,
            _ => Status::Active,
        }
    }

    /// When its successor begins to sign: the next key that the ledger names and nobody withdrew.
    #[must_use]
    pub fn signs_until(&self, key: &IssuingKey) -> Option<Time> {
        let at = self.keys.iter().position(|other| other.kid == key.kid)?;
        let counts = |next: &&Arc<IssuingKey>| next.entry.is_some() && next.withdrawn_at.is_none();
        self.keys[at + 1..]
            .iter()
            .find(counts)
            .map(|next| next.signs_from)
    }

    /// Changes the newest list, while nobody else does.
    fn change(
        folder: &KeyFolder,
        change: impl FnOnce(&mut Self) -> Result<(), KeyError>,
    ) -> Result<Self, KeyError> {
        let _lock = folder.lock()?;
        let mut ring = Self::load(folder)?;
        change(&mut ring)?;
        ring.keys.sort_by_key(|key| key.signs_from);
        ring.save(folder)?;
        Ok(ring)
    }

    /// Changes what the list says of each key.
    fn alter(&mut self, folder: &KeyFolder, alter: impl Fn(&mut Listed)) -> Result<(), KeyError> {
        for key in &mut self.keys {
            let mut listed = Listed::of(key);
            alter(&mut listed);
            *key = Arc::new(listed.load(folder)?);
        }
        Ok(())
    }

    fn save(&self, folder: &KeyFolder) -> Result<(), KeyError> {
        let keys = self.keys.iter().map(|key| Listed::of(key)).collect();
        let list = List { version: 1, keys };
        let text = serde_json::to_vec_pretty(&list)
            .map_err(|e| folder.unusable(LIST, format!("it cannot be written: {e}")))?;
        folder.replace(LIST, &text)
    }
}

impl IssuingKey {
    /// The public half: uncompressed SEC 1 point, 65 bytes.
    #[must_use]
    pub fn public(&self) -> &[u8] {
        self.signer.public()
    }
}

/// RFC 7638 section 3.1 over the members of RFC 7518 section 6.2.1, base64url SHA-256.
///
/// `None` where the point is not an uncompressed one of P-256.
#[must_use]
pub fn thumbprint(point: &[u8]) -> Option<String> {
    let (x, y) = coordinates(point)?;
    let canonical = format!(
        r#"{{"crv":"P-256","kty":"EC","x":"{}","y":"{}"}}"#,
        base64url(x),
        base64url(y)
    );
    Some(base64url(
        digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref(),
    ))
}

/// The two coordinates of an uncompressed point (SEC 1 section 2.3.3).
pub(crate) fn coordinates(point: &[u8]) -> Option<(&[u8], &[u8])> {
    match point {
        [4, rest @ ..] if rest.len() == 64 => Some(rest.split_at(32)),
        _ => None,
    }
}

fn make(folder: &KeyFolder, now: Time, signs_from: Time) -> Result<IssuingKey, KeyError> {
    let no_chance = |_| folder.unusable(LIST, "the system gave no randomness");
    let random = SystemRandom::new();
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random)
        .map_err(no_chance)?;
    let pkcs8 = Zeroizing::new(pkcs8.as_ref().to_vec());
    let signer = signer(folder, LIST, &pkcs8)?;
    // ring made the point, so it is an uncompressed one of P-256.
    let kid = thumbprint(signer.public()).expect("a point of P-256");
    folder.write_new_key(&file_of(&kid), &pkcs8)?;
    Ok(IssuingKey {
        kid,
        added_at: now,
        signs_from,
        withdrawn_at: None,
        entry: None,
        signer,
    })
}

fn signer(folder: &KeyFolder, name: &str, pkcs8: &[u8]) -> Result<Es256Signer, KeyError> {
    Es256Signer::from_pkcs8(pkcs8).map_err(|_| folder.unusable(name, "it is not a P-256 key"))
}

fn file_of(kid: &str) -> String {
    format!("issuing-{kid}.pem")
}

/// `issuing.json`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    version: u32,
    keys: Vec<Listed>,
}

/// One key of it; times are RFC 3339.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Listed {
    kid: String,
    added_at: String,
    signs_from: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    withdrawn_at: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    entry: Option<u64>,
}

impl Listed {
    fn of(key: &IssuingKey) -> Self {
        Self {
            kid: key.kid.clone(),
            added_at: key.added_at.to_string(),
            signs_from: key.signs_from.to_string(),
            withdrawn_at: key.withdrawn_at.map(|at| at.to_string()),
            entry: key.entry,
        }
    }

    fn load(&self, folder: &KeyFolder) -> Result<IssuingKey, KeyError> {
        let time = |text: &str| {
            text.parse::<Time>()
                .map_err(|_| folder.unusable(LIST, format!("`{text}` is no time")))
        };
        if self.kid.contains(['/', '.']) {
            return Err(folder.unusable(LIST, format!("`{}` is no key's name", self.kid)));
        }
        let name = file_of(&self.kid);
        let signer = signer(folder, &name, &folder.read_key(&name)?)?;
        if thumbprint(signer.public()).as_deref() != Some(&*self.kid) {
            return Err(folder.unusable(&name, "it is another key than its name says"));
        }
        Ok(IssuingKey {
            kid: self.kid.clone(),
            added_at: time(&self.added_at)?,
            signs_from: time(&self.signs_from)?,
            withdrawn_at: self.withdrawn_at.as_deref().map(time).transpose()?,
            entry: self.entry,
            signer,
        })
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

    use super::*;

    const HOUR: Lifetime = Lifetime::from_secs(3_600);

    fn at(minutes: i64) -> Time {
        Time::from_millis(1_800_000_000_000 + minutes * 60_000)
    }

    fn folder() -> (tempfile::TempDir, KeyFolder) {
        let temporary = tempfile::tempdir().unwrap();
        let keys = KeyFolder::create(&temporary.path().join("keys")).unwrap();
        (temporary, keys)
    }

    /// The same keys, all of them named by the ledger.
    fn recorded(keys: &KeyFolder) -> Keyring {
        let kids: Vec<_> = Keyring::load(keys)
            .unwrap()
            .keys
            .iter()
            .map(|k| k.kid.clone())
            .collect();
        kids.iter()
            .for_each(|kid| drop(Keyring::recorded(keys, kid, 7).unwrap()));
        Keyring::load(keys).unwrap()
    }

    fn statuses(ring: &Keyring, now: Time) -> Vec<Status> {
        ring.keys().map(|key| ring.status(key, now)).collect()
    }

    #[test]
    fn a_new_key_is_published_before_it_signs_and_the_old_one_after() {
        use Status::{Active, Next, Retired, Retiring};
        let (_temporary, keys) = folder();
        Keyring::create(&keys, at(0)).unwrap();
        Keyring::rotate(&keys, at(10), Rotation::After(HOUR)).unwrap();
        let ring = recorded(&keys);
        for (minute, expected) in [
            (10, [Active, Next]),
            (69, [Active, Next]),
            (70, [Retiring, Active]),
            (99, [Retiring, Active]),
            (100, [Retired, Active]),
        ] {
            assert_eq!(statuses(&ring, at(minute)), expected, "minute {minute}");
            let signing = ring.active(at(minute)).unwrap();
            assert_eq!(
                ring.published(at(minute))
                    .filter(|key| key.kid == signing.kid)
                    .count(),
                1
            );
        }
        assert_eq!(ring.published(at(10)).count(), 2);
        assert_eq!(ring.published(at(100)).count(), 1);
    }

    #[test]
    fn a_key_that_the_ledger_does_not_name_is_nobodys() {
        let (_temporary, keys) = folder();
        let ring = Keyring::create(&keys, at(0)).unwrap();
        assert!(ring.active(at(1)).is_none());
        assert_eq!(ring.published(at(1)).count(), 0);
        let ring = recorded(&keys);
        let first = ring.active(at(1)).unwrap().kid.clone();
        let ring = Keyring::rotate(&keys, at(2), Rotation::After(HOUR)).unwrap();
        assert_eq!(
            ring.active(at(90)).unwrap().kid,
            first,
            "the old one signs until it is named"
        );
        assert_eq!(ring.published(at(90)).count(), 1);
    }

    #[test]
    fn a_lost_key_is_withdrawn_at_once() {
        let (_temporary, keys) = folder();
        Keyring::create(&keys, at(0)).unwrap();
        Keyring::rotate(&keys, at(5), Rotation::Compromised).unwrap();
        let ring = recorded(&keys);
        assert_eq!(statuses(&ring, at(5)), [Status::Retired, Status::Active]);
        assert_eq!(ring.published(at(5)).count(), 1);
        let clock_back = statuses(&ring, at(3));
        assert_eq!(clock_back[0], Status::Retired, "whatever the clock says");
    }

    #[test]
    fn a_withdrawn_key_never_has_its_turn() {
        let (_temporary, keys) = folder();
        Keyring::create(&keys, at(0)).unwrap();
        Keyring::rotate(&keys, at(1), Rotation::After(HOUR)).unwrap();
        Keyring::rotate(&keys, at(5), Rotation::Compromised).unwrap();
        let ring = recorded(&keys);
        for minute in [5, 61, 500] {
            let active = ring.active(at(minute)).unwrap();
            assert_eq!(active.signs_from, at(5), "minute {minute}");
            assert_eq!(ring.published(at(minute)).count(), 1);
        }
    }

    #[test]
    fn a_retired_key_is_forgotten_with_its_file() {
        let (_temporary, keys) = folder();
        let ring = Keyring::create(&keys, at(0)).unwrap();
        let old = ring.keys().next().unwrap().kid.clone();
        Keyring::rotate(&keys, at(5), Rotation::Compromised).unwrap();
        Keyring::forget(&keys, &old).unwrap();
        assert_eq!(Keyring::load(&keys).unwrap().keys().count(), 1);
        assert!(!keys.path().join(file_of(&old)).exists());
    }

    #[test]
    fn rotation_does_not_fill_what_targets_download() {
        let (_temporary, keys) = folder();
        Keyring::create(&keys, at(0)).unwrap();
        for _ in 1..KEYS_MAX {
            Keyring::rotate(&keys, at(1), Rotation::After(HOUR)).unwrap();
        }
        let error = Keyring::rotate(&keys, at(1), Rotation::After(HOUR))
            .unwrap_err()
            .to_string();
        assert!(error.contains("wait until old ones retire"), "{error}");
    }

    #[test]
    fn keys_that_were_swapped_are_noticed() {
        let (_temporary, keys) = folder();
        Keyring::create(&keys, at(0)).unwrap();
        let ring = Keyring::rotate(&keys, at(1), Rotation::Compromised).unwrap();
        let names: Vec<_> = ring.keys().map(|key| file_of(&key.kid)).collect();
        let other = keys.read(&names[1]).unwrap();
        keys.replace(&names[0], &other).unwrap();
        let error = Keyring::load(&keys).unwrap_err().to_string();
        assert!(error.contains("another key than its name says"), "{error}");
    }

    /// The key and the `jkt` of RFC 9449 section 6.1.
    #[test]
    fn a_thumbprint_is_the_one_the_rfc_prints() {
        let x = URL_SAFE_NO_PAD
            .decode("l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs")
            .unwrap();
        let y = URL_SAFE_NO_PAD
            .decode("9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA")
            .unwrap();
        let mut point = [&[4][..], &x, &y].concat();
        let jkt = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";
        assert_eq!(thumbprint(&point).as_deref(), Some(jkt));
        assert_eq!(thumbprint(&point[1..]), None);
        point[0] = 2;
        assert_eq!(thumbprint(&point), None);
    }
}
