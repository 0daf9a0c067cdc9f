//! A deep check looks at what people signed, on as many threads as it is given, and says the same.

use std::sync::Arc;

use breakglass_domain::{Nonce, Signed};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};

use super::super::{Manner, SoFar, fsck_as};
use super::*;
use crate::issue::key_id;

/// Mia's laptop.
struct Laptop(EcdsaKeyPair);

impl Laptop {
    fn new() -> Self {
        let (algorithm, chance) = (&ECDSA_P256_SHA256_ASN1_SIGNING, SystemRandom::new());
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &chance).expect("a key");
        Self(EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &chance).expect("the key"))
    }

    fn public(&self) -> Vec<u8> {
        self.0.public_key().as_ref().to_vec()
    }

    fn signs(&self, text: &str, over: &str) -> Arc<Signed> {
        let signature = self.0.sign(&SystemRandom::new(), over.as_bytes());
        Arc::new(Signed {
            text: text.to_owned(),
            key: key_id(&self.public()),
            signature: signature.expect("it signs").as_ref().to_vec(),
            nonce: Nonce([7; 16]),
            at: Time::from_millis(0),
            other_history: false,
        })
    }
}

fn entry(index: u64, by: &str, change: Change, signed: Option<Arc<Signed>>) -> Arc<[u8]> {
    let event = Event {
        at: Time::from_millis(0),
        by: by.parse().expect("an actor"),
        change,
        signed,
        drill: false,
    };
    encode(index, &event).expect("an entry")
}

/// Mia enrols, and does so many things under her signature; one of them may be otherwise.
fn written(notes: u64, other: Option<(u64, Arc<Signed>)>, laptop: &Laptop) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let mut ledger = FileLedger::create_inline(folder.path(), signer()).expect("a ledger");
    let enrolled = Change::PersonEnrolled {
        person: "mia".parse().expect("an id"),
        token: "cd".repeat(32).parse().expect("a hash"),
        key: key_id(&laptop.public()),
        public: laptop.public(),
        device: line("laptop"),
        serial: "0a".into(),
        certificate_expires_at: Time::from_millis(1 << 40),
    };
    let first = entry(0, "mia", enrolled, Some(laptop.signs("enroll", "enroll")));
    ledger.append(&[first]).expect("it is written");
    let lines: Vec<_> = (1..=notes)
        .map(|index| {
            let text = format!("note {index}");
            let signed = match &other {
                Some((place, other)) if *place == index => Arc::clone(other),
                _ => laptop.signs(&text, &text),
            };
            let frozen = Change::PersonFrozen {
                person: "leon".parse().expect("an id"),
                reason: line("why"),
            };
            entry(index, "mia", frozen, Some(signed))
        })
        .collect();
    for batch in lines.chunks(700) {
        ledger.append(batch).expect("it is written");
    }
    drop(ledger);
    folder
}

fn checked(folder: &Path, deep: bool, threads: usize) -> (Report, Vec<SoFar>) {
    let mut told = Vec::new();
    let manner = Manner { deep, threads };
    let report = fsck_as(folder, &vkey().into(), &Still, manner, &mut |so_far| {
        told.push(so_far)
    });
    (report.expect("it can be read"), told)
}

#[test]
fn every_statement_is_checked_on_any_number_of_threads() {
    let folder = written(9_000, None, &Laptop::new());
    for threads in [1, 2, 5] {
        let (report, told) = checked(folder.path(), true, threads);
        assert!(report.is_well(), "{:?}", report.damage);
        assert_eq!((report.entries, report.statements), (9_001, 9_001));
        assert_eq!(report.segments, 3);
        // It says how far it is after each file, and comes to an end.
        assert_eq!(told.len() as u64, report.segments);
        let last = told.last().expect("something");
        assert_eq!((last.entries, last.bytes), (9_001, last.of_bytes));
        assert!(told.is_sorted_by_key(|so_far| so_far.entries));
    }
    assert_eq!(checked(folder.path(), false, 2).0.statements, 0);
}

#[test]
fn a_statement_that_was_not_signed_so_is_found_by_a_deep_check_alone() {
    let (mia, stranger) = (Laptop::new(), Laptop::new());
    for (other, word) in [
        (
            mia.signs("note 5000", "another text"),
            "is not under its statement",
        ),
        (
            stranger.signs("note 5000", "note 5000"),
            "which is not enrolled to mia",
        ),
    ] {
        let folder = written(5_001, Some((5_000, other)), &mia);
        let (report, _) = checked(folder.path(), true, 2);
        let [damage] = &report.damage[..] else {
            panic!("{:?}", report.damage)
        };
        assert!(damage.what.contains(word), "{damage}");
        assert_eq!(damage.remedy, Remedy::RestoreJournal);
        // The line of that very entry.
        let text = fs::read_to_string(&damage.file).expect("the file");
        let found = text.lines().nth(damage.line.expect("a line") as usize - 1);
        assert!(
            found.expect("the line").contains("\"index\":5000,"),
            "{damage}"
        );
        assert!(checked(folder.path(), false, 2).0.is_well());
    }
}

#[test]
fn damage_is_found_on_any_number_of_threads_and_nothing_behind_it_is_read() {
    let folder = written(9_000, None, &Laptop::new());
    let second = folder.path().join(format!("journal/{:020}.jsonl", 4_201));
    let text = fs::read_to_string(&second).expect("the second file");
    fs::write(
        &second,
        text.replacen("\"reason\":\"why\"", "\"reason\":\"who\"", 1),
    )
    .expect("written");
    let mut reports = [1, 2, 5].map(|threads| checked(folder.path(), true, threads).0);
    for report in &mut reports {
        let [damage] = &report.damage[..] else {
            panic!("{:?}", report.damage)
        };
        assert_eq!(damage.file, second);
        assert!(
            damage.what.contains("is not what was committed"),
            "{damage}"
        );
        assert!(
            report
                .notes
                .iter()
                .any(|note| note.contains("nothing after entry"))
        );
    }
    assert_eq!(reports[0].statements, reports[2].statements);
}
