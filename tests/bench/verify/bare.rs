//! What verifying cannot do without: the hashes and the signatures, of the same entries, and nothing else.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use breakglass_broker::ledger::entry::decode;
use breakglass_domain::Change;
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey,
};

use crate::Outcome;

/// How long it took.
pub(super) struct Bare {
    /// SHA-256 over each entry, and as many times Ed25519.
    pub(super) one_each: Duration,
    /// SHA-256 over each entry, ECDSA on P-256 for each statement, Ed25519 for each commit.
    pub(super) signed: Duration,
}

/// A statement and the key that signed it.
struct Said {
    text: Vec<u8>,
    signature: Vec<u8>,
    public: Vec<u8>,
}

/// What one file of the journal has.
#[derive(Default)]
struct Part {
    entries: Vec<Vec<u8>>,
    said: Vec<Said>,
    commits: usize,
}

impl Bare {
    /// Goes through the journal file by file; reading and taking apart is not counted.
    pub(super) fn measure(data: &Path, threads: usize) -> Outcome<Self> {
        let pair = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new())
            .and_then(|pkcs8| Ok(Ed25519KeyPair::from_pkcs8(pkcs8.as_ref())?))
            .map_err(|_| "no Ed25519 key")?;
        // As long as a checkpoint's text.
        let message = [b'x'; 80];
        let signature = pair.sign(&message);
        let public = pair.public_key().as_ref();
        let checks = |count: usize| {
            (0..count).all(|_| {
                let key = UnparsedPublicKey::new(&ED25519, public);
                key.verify(&message, signature.as_ref()).is_ok()
            })
        };
        let hashes = |entries: &[Vec<u8>]| {
            let each = entries.iter().map(|entry| digest(&SHA256, entry));
            each.filter(|hash| hash.as_ref()[0] == 0).count()
        };
        let mut bare = Self {
            one_each: Duration::ZERO,
            signed: Duration::ZERO,
        };
        let mut keys = Keys::default();
        for file in files(data)? {
            let part = keys.part(&fs::read(file)?)?;
            bare.one_each += timed(threads, |of| {
                let entries = slice(&part.entries, of, threads);
                hashes(entries) <= entries.len() && checks(entries.len())
            })?;
            bare.signed += timed(threads, |of| {
                let entries = slice(&part.entries, of, threads);
                let said = slice(&part.said, of, threads).iter().all(|said| {
                    let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &said.public);
                    key.verify(&said.text, &said.signature).is_ok()
                });
                let commits = part.commits.div_ceil(threads);
                hashes(entries) <= entries.len() && said && checks(commits)
            })?;
        }
        Ok(bare)
    }
}

/// Runs it on so many threads, and answers how long until the last was done.
fn timed(threads: usize, work: impl Fn(usize) -> bool + Sync) -> Outcome<Duration> {
    let began = Instant::now();
    let good = std::thread::scope(|scope| {
        let work = &work;
        let each: Vec<_> = (0..threads)
            .map(|of| scope.spawn(move || work(of)))
            .collect();
        each.into_iter()
            .all(|thread| thread.join().unwrap_or(false))
    });
    match good {
        true => Ok(began.elapsed()),
        false => Err("a signature of the bench does not verify".into()),
    }
}

/// The part of a thread.
fn slice<T>(all: &[T], of: usize, threads: usize) -> &[T] {
    let each = all.len().div_ceil(threads).max(1);
    all.chunks(each).nth(of).unwrap_or_default()
}

fn files(data: &Path) -> Outcome<Vec<std::path::PathBuf>> {
    let found = fs::read_dir(data.join("ledger/journal"))?;
    let mut files: Vec<_> = found.map(|it| Ok(it?.path())).collect::<Outcome<_>>()?;
    files.sort();
    Ok(files)
}

/// Who has which key, so far.
#[derive(Default)]
struct Keys(std::collections::BTreeMap<String, Vec<u8>>);

impl Keys {
    fn part(&mut self, bytes: &[u8]) -> Outcome<Part> {
        let mut part = Part::default();
        for line in bytes
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
        {
            if line.starts_with(b"{\"commit\":") {
                part.commits += 1;
                continue;
            }
            let (_, event) = decode(line)?;
            if let Change::PersonEnrolled { key, public, .. } = &event.change {
                self.0.insert(key.to_string(), public.clone());
            }
            if let Some(signed) = &event.signed {
                let public = self.0.get(signed.key.as_str()).ok_or("a key of nobody")?;
                part.said.push(Said {
                    text: signed.text.clone().into_bytes(),
                    signature: signed.signature.clone(),
                    public: public.clone(),
                });
            }
            part.entries.push(line.to_vec());
        }
        Ok(part)
    }
}
