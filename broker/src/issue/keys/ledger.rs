//! The key of the ledger: Ed25519, named by the ledger's origin.

use breakglass_tlog::{Ed25519Signer, KeyName, NoteSigner as _};
use ring::rand::SystemRandom;
use ring::signature::Ed25519KeyPair;
use zeroize::Zeroizing;

use super::{KeyError, KeyFolder};

const KEY: &str = "ledger.pem";
const VKEY: &str = "ledger.vkey";

/// Makes the key of a new ledger.
///
/// # Errors
/// [`KeyError`]; [`KeyError::Exists`] where there is one already.
pub fn make_ledger_key(folder: &KeyFolder, origin: &str) -> Result<Ed25519Signer, KeyError> {
    let failed = |_| folder.unusable(KEY, "the system gave no randomness");
    let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(failed)?;
    let pkcs8 = Zeroizing::new(pkcs8.as_ref().to_vec());
    let signer = signer(folder, origin, &pkcs8)?;
    folder.write_new_key(KEY, &pkcs8)?;
    folder.write_new(VKEY, format!("{}\n", signer.verifier()).as_bytes())?;
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
    if known.trim_end() != signer.verifier().to_string() {
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
}
