//! Which of the certificates of a login have to prove that they were recorded.
//!
//! All of them but those of authorities that are named as daily access: a thief with the broker's key
//! for users would not write a key id that gives the certificate away as emergency access.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::doorbell::Login;
use super::limits::MAX_DAILY_CA_BYTES;
use crate::text::plain;
use crate::verify::Ledger;
use crate::verify::recorded::certificate::Certificate;

/// What is in the name of every kind of certificate (PROTOCOL.certkeys of OpenSSH).
const CERTIFICATE: &str = "-cert-v";

/// The authorities whose certificates are daily access: their public keys.
pub(super) type Daily = Vec<Vec<u8>>;

/// The certificates that have to prove themselves, in base64, out of what sshd told of a login.
///
/// # Errors
/// Where one cannot be taken apart, in words.
pub(super) fn certificates(auth_info: &str, daily: &Daily) -> Result<Vec<String>, &'static str> {
    let lines = auth_info.lines().filter_map(|line| {
        let mut words = line.split_ascii_whitespace();
        let (method, algorithm) = (words.next()?, words.next()?);
        let shown = method == "publickey" && algorithm.contains(CERTIFICATE);
        shown.then(|| words.next().unwrap_or_default())
    });
    let mut demanded = Vec::new();
    for blob in lines {
        let unread = "a certificate was shown here that cannot be read, and this host takes none that \
                      does not prove that it was recorded";
        let bytes = STANDARD.decode(blob).map_err(|_| unread)?;
        let read = Certificate::parse(&bytes).ok_or(unread)?;
        if !daily.iter().any(|key| key == read.authority) {
            demanded.push(blob.to_owned());
        }
    }
    Ok(demanded)
}

/// Reads a file of public keys, as `TrustedUserCAKeys` of sshd_config(5) is one: `ssh-ed25519 AAAA...
/// comment` on each line.
///
/// # Errors
/// What is wrong with it, in words.
pub(super) fn daily(path: &Path) -> Result<Daily, String> {
    let shown = plain(&path.display().to_string());
    let mut bytes = Vec::new();
    let most = MAX_DAILY_CA_BYTES as u64;
    let read = File::open(path).and_then(|file| file.take(most + 1).read_to_end(&mut bytes));
    read.map_err(|why| format!("{shown} of --daily-ca cannot be read: {why}"))?;
    if bytes.len() > MAX_DAILY_CA_BYTES {
        return Err(format!("{shown} of --daily-ca has more than 64 KiB"));
    }
    let text = String::from_utf8(bytes)
        .map_err(|_| format!("{shown} of --daily-ca is not text in UTF-8"))?;
    let lines = text.lines().map(str::trim);
    let keys = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    let keys = keys.map(|line| {
        let key = line.split_ascii_whitespace().nth(1);
        let key = key.and_then(|key| STANDARD.decode(key).ok());
        key.ok_or_else(|| format!("a line of {shown} is no public key like `ssh-ed25519 AAAA...`"))
    });
    keys.collect()
}

/// Demands of each certificate of this login that the ledger has the entry it was made by.
///
/// # Errors
/// Why it has not, in words.
pub(super) fn demand(ledger: &Ledger, login: &Login) -> Result<(), String> {
    for certificate in &login.certificates {
        let blob = STANDARD.decode(certificate);
        let blob = blob.map_err(|_| "its certificate is not base64".to_owned())?;
        let recorded = ledger
            .ssh_certificate(&blob)
            .map_err(|why| why.to_string())?;
        let said = &login.credential;
        let same = recorded.credential.as_str() == said.credential
            && recorded.grant.as_str() == said.grant
            && recorded.person.as_str() == said.person
            && recorded.incident.as_str() == said.incident;
        if !same {
            return Err("its certificates are of several credentials".to_owned());
        }
    }
    Ok(())
}
