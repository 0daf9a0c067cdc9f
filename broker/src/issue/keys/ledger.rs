//! The key of the ledger: Ed25519, named by the ledger's origin; and how the next one follows it.
//!
//! A rotation is three steps: the next key and the note in which both keys say that it follows
//! ([`begin_succession`]); the entry with that note, the last thing the old key signs; the next key in
//! the old one's place ([`finish_succession`]). While the first has begun and the last not ended the
//! note lies in `ledger.next.succession`; whether its entry is in the ledger then decides which way it
//! is settled. The old key is gone afterwards: nothing signs with it any more.

use breakglass_tlog::succession::{SuccessionError, from_text, to_text};
use breakglass_tlog::{Ed25519Signer, KeyName, LedgerKeys, NoteSigner as _, Succession};
use ring::rand::SystemRandom;
use ring::signature::Ed25519KeyPair;
use zeroize::Zeroizing;

use super::{KeyError, KeyFolder};

const KEY: &str = "ledger.pem";
const VKEY: &str = "ledger.vkey";
const SUCCESSIONS: &str = "ledger.successions";
const NEXT: &str = "ledger.next.pem";
const BEGUN: &str = "ledger.next.succession";

/// Makes the key of a new ledger.
///
/// # Errors
/// [`KeyError`]; [`KeyError::Exists`] where there is one already.
pub fn make_ledger_key(folder: &KeyFolder, origin: &str) -> Result<Ed25519Signer, KeyError> {
    let signer = make(folder, KEY, origin)?;
    folder.write_new(VKEY, vkey_line(&signer).as_bytes())?;
    Ok(signer)
}

/// Loads the key, and checks that the ledger was made under this origin.
///
/// # Errors
/// [`KeyError`].
pub fn load_ledger_key(folder: &KeyFolder, origin: &str) -> Result<Ed25519Signer, KeyError> {
    let signer = signer(folder, origin, &folder.read_key(KEY)?)?;
    let known = folder.read(VKEY)?;
    let known = String::from_utf8_lossy(&known);
    // Between two steps of a rotation, the file of the vkey is the last to follow.
    let is_between = begun_succession(folder)?.is_some();
    if known.trim_end() != signer.verifier().to_string() && !is_between {
        let why = format!(
            "it says `{}`, and the key and the origin `{origin}` of the config give `{}`; a ledger \
             keeps its origin for ever: set ledger_origin back",
            known.trim_end(),
            signer.verifier(),
        );
        return Err(folder.unusable(VKEY, why));
    }
    Ok(signer)
}

/// Every key of the ledger so far, each with how it followed the one before; the newest is the one that
/// signs. Where a rotation has begun its note is there too: it says nothing of what is signed so far.
///
/// # Errors
/// [`KeyError::Unusable`] where they do not lead to the key that signs.
pub fn load_ledger_keys(
    folder: &KeyFolder,
    signer: &Ed25519Signer,
) -> Result<LedgerKeys, KeyError> {
    let mut keys = LedgerKeys::from(signer.verifier().clone());
    let known = text_of(folder, SUCCESSIONS)?.unwrap_or_default();
    let unfit = |why: SuccessionError| folder.unusable(SUCCESSIONS, why.to_string());
    keys.join(from_text(&known).map_err(unfit)?)
        .map_err(unfit)?;
    match begun_succession(folder)? {
        Some(begun) => {
            let unfit = |why: SuccessionError| folder.unusable(BEGUN, why.to_string());
            keys.join([begun]).map_err(unfit)?;
        }
        None if keys.newest() != signer.verifier() => {
            let why = format!(
                "it is the key {}, which {} has followed: put the keys back from the backup that was \
                 made after that rotation",
                signer.verifier(),
                keys.newest()
            );
            return Err(folder.unusable(KEY, why));
        }
        None => {}
    }
    Ok(keys)
}

/// Makes the next key, and the note by which it follows `old` after `size` entries. Durable on return;
/// what was begun before and came to nothing makes way.
///
/// # Errors
/// [`KeyError`].
pub fn begin_succession(
    folder: &KeyFolder,
    old: &Ed25519Signer,
    size: u64,
) -> Result<Succession, KeyError> {
    abandon_succession(folder)?;
    let next = make(folder, NEXT, old.name().as_str())?;
    let succession = Succession::sign(size, old, &next);
    let succession = succession.map_err(|why| folder.unusable(NEXT, why.to_string()))?;
    folder.write_new(BEGUN, succession.note().as_bytes())?;
    Ok(succession)
}

/// The rotation that has begun, and neither ended nor come to nothing.
///
/// # Errors
/// [`KeyError`].
pub fn begun_succession(folder: &KeyFolder) -> Result<Option<Succession>, KeyError> {
    let unfit = |why: SuccessionError| folder.unusable(BEGUN, why.to_string());
    let note = text_of(folder, BEGUN)?;
    note.map(|note| Succession::parse(&note).map_err(unfit))
        .transpose()
}

/// Puts the next key into the place of the one before, which is gone then. Its entry is in the ledger.
/// Can be done again from wherever it was broken off.
///
/// # Errors
/// [`KeyError`].
pub fn finish_succession(folder: &KeyFolder, succession: &Succession) -> Result<(), KeyError> {
    let known = text_of(folder, SUCCESSIONS)?.unwrap_or_default();
    let unfit = |why: SuccessionError| folder.unusable(SUCCESSIONS, why.to_string());
    let mut all = from_text(&known).map_err(unfit)?;
    if !all.contains(succession) {
        all.push(succession.clone());
        folder.replace(SUCCESSIONS, to_text(&all).as_bytes())?;
    }
    match folder.put_in_place(NEXT, KEY) {
        Err(KeyError::Missing(_)) | Ok(()) => {}
        Err(other) => return Err(other),
    }
    let new = succession.new_key();
    let signer = signer(folder, new.name().as_str(), &folder.read_key(KEY)?)?;
    if signer.verifier() != new {
        let why = format!("it is not the key {new}, which the ledger was handed over to");
        return Err(folder.unusable(KEY, why));
    }
    folder.replace(VKEY, vkey_line(&signer).as_bytes())?;
    folder.remove(BEGUN)
}

/// Takes back what has begun: no entry says it.
///
/// # Errors
/// [`KeyError`].
pub fn abandon_succession(folder: &KeyFolder) -> Result<(), KeyError> {
    folder.remove(BEGUN)?;
    folder.remove(NEXT)
}

fn make(folder: &KeyFolder, file: &str, origin: &str) -> Result<Ed25519Signer, KeyError> {
    let failed = |_| folder.unusable(file, "the system gave no randomness");
    let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(failed)?;
    let pkcs8 = Zeroizing::new(pkcs8.as_ref().to_vec());
    let signer = signer(folder, origin, &pkcs8)?;
    folder.write_new_key(file, &pkcs8)?;
    Ok(signer)
}

fn vkey_line(signer: &Ed25519Signer) -> String {
    format!("{}\n", signer.verifier())
}

/// A small file of public things; nothing where it is not there.
fn text_of(folder: &KeyFolder, name: &str) -> Result<Option<String>, KeyError> {
    match folder.read(name) {
        Err(KeyError::Missing(_)) => Ok(None),
        Err(other) => Err(other),
        Ok(bytes) => match String::from_utf8(bytes.to_vec()) {
            Ok(text) => Ok(Some(text)),
            Err(_) => Err(folder.unusable(name, "it is not text")),
        },
    }
}

fn signer(folder: &KeyFolder, origin: &str, pkcs8: &[u8]) -> Result<Ed25519Signer, KeyError> {
    let unfit = |why: String| folder.unusable(KEY, why);
    let name = KeyName::parse(origin)
        .map_err(|e| unfit(format!("ledger_origin `{origin}` cannot name a key: {e}")))?;
    Ed25519Signer::from_pkcs8(name, pkcs8).map_err(|e| unfit(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_comes_back_under_the_same_origin_only() {
        let folder = tempfile::tempdir().unwrap();
        let keys = KeyFolder::create(&folder.path().join("keys")).unwrap();
        let made = make_ledger_key(&keys, "glass.example/ledger").unwrap();
        let loaded = load_ledger_key(&keys, "glass.example/ledger").unwrap();
        assert_eq!(made.verifier(), loaded.verifier());
        let error = load_ledger_key(&keys, "other.example/ledger")
            .unwrap_err()
            .to_string();
        assert!(error.contains("set ledger_origin back"), "{error}");
        assert!(make_ledger_key(&keys, "glass.example/ledger").is_err());
    }

    const ORIGIN: &str = "glass.example/ledger";

    fn folder_with_a_key() -> (tempfile::TempDir, KeyFolder, Ed25519Signer) {
        let folder = tempfile::tempdir().unwrap();
        let keys = KeyFolder::create(&folder.path().join("keys")).unwrap();
        let made = make_ledger_key(&keys, ORIGIN).unwrap();
        (folder, keys, made)
    }

    #[test]
    fn the_next_key_takes_the_place_of_the_one_before_and_the_one_before_is_gone() {
        let (_folder, keys, first) = folder_with_a_key();
        let second = begin_succession(&keys, &first, 10).unwrap();
        let loaded = load_ledger_key(&keys, ORIGIN).unwrap();
        assert_eq!(loaded.verifier(), first.verifier(), "it still signs");
        finish_succession(&keys, &second).unwrap();
        let loaded = load_ledger_key(&keys, ORIGIN).unwrap();
        assert_eq!(loaded.verifier(), second.new_key());
        let third = begin_succession(&keys, &loaded, 20).unwrap();
        finish_succession(&keys, &third).unwrap();
        let loaded = load_ledger_key(&keys, ORIGIN).unwrap();
        let all = load_ledger_keys(&keys, &loaded).unwrap();
        assert_eq!(all.successions(), [second, third]);
        assert_eq!(all.oldest(), first.verifier());
        let names: Vec<_> = std::fs::read_dir(keys.path())
            .unwrap()
            .map(|file| file.unwrap().file_name())
            .collect();
        assert_eq!(
            names.len(),
            3,
            "one private key and two public files: {names:?}"
        );
    }

    #[test]
    fn a_switch_that_was_broken_off_anywhere_can_be_done_again() {
        for step in 0..4 {
            let (_folder, keys, first) = folder_with_a_key();
            let succession = begin_succession(&keys, &first, 10).unwrap();
            if step > 0 {
                keys.replace(SUCCESSIONS, succession.note().as_bytes())
                    .unwrap();
            }
            if step > 1 {
                keys.put_in_place(NEXT, KEY).unwrap();
            }
            if step > 2 {
                let new = format!("{}\n", succession.new_key());
                keys.replace(VKEY, new.as_bytes()).unwrap();
            }
            // Whoever only looks sees a key and all that is known.
            let between = load_ledger_key(&keys, ORIGIN).unwrap();
            let all = load_ledger_keys(&keys, &between).unwrap();
            assert_eq!(all.newest(), succession.new_key(), "{step}");
            assert_eq!(begun_succession(&keys).unwrap(), Some(succession.clone()));
            finish_succession(&keys, &succession).unwrap();
            let loaded = load_ledger_key(&keys, ORIGIN).unwrap();
            assert_eq!(loaded.verifier(), succession.new_key(), "{step}");
            assert_eq!(load_ledger_keys(&keys, &loaded).unwrap(), all);
        }
    }

    #[test]
    fn a_rotation_that_came_to_nothing_leaves_nothing() {
        let (_folder, keys, first) = folder_with_a_key();
        let lost = begin_succession(&keys, &first, 10).unwrap();
        abandon_succession(&keys).unwrap();
        let loaded = load_ledger_key(&keys, ORIGIN).unwrap();
        assert_eq!(load_ledger_keys(&keys, &loaded).unwrap().all().count(), 1);
        // A next key without its note, as a crash between the two leaves it, is in nobody's way.
        make(&keys, NEXT, ORIGIN).unwrap();
        let other = begin_succession(&keys, &first, 10).unwrap();
        assert_ne!(other.new_key(), lost.new_key());
    }

    #[test]
    fn an_older_backup_of_the_keys_is_told() {
        let (_folder, keys, first) = folder_with_a_key();
        let old = keys.read(KEY).unwrap();
        let succession = begin_succession(&keys, &first, 10).unwrap();
        finish_succession(&keys, &succession).unwrap();
        keys.replace(KEY, &old).unwrap();
        keys.replace(VKEY, vkey_line(&first).as_bytes()).unwrap();
        let loaded = load_ledger_key(&keys, ORIGIN).unwrap();
        let error = load_ledger_keys(&keys, &loaded).unwrap_err().to_string();
        assert!(error.contains("made after that rotation"), "{error}");
        keys.replace(SUCCESSIONS, b"hello\n").unwrap();
        assert!(load_ledger_keys(&keys, &loaded).is_err());
    }
}
