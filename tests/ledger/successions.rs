//! The ledger's own key, and who it may be followed by.

use std::fs;
use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use breakglass_client::export::Joint;
use breakglass_client::export::{self, Period, Start, Writer};
use breakglass_domain::Act;
use breakglass_domain::event::KeyPurpose;
use breakglass_tlog::{
    Checkpoint, Ed25519Signer, Frontier, Hash, KeyName, LedgerKeys, Note, NoteSigner as _,
    SignedCheckpoint, StoredHashes, Succession, VerifierKey, succession::to_text,
    tree::prove_consistency,
};
use serde_json::{Value, json};

use crate::house::House;
use crate::night::{Night, ORIGIN, with};
use crate::verifiers::Verdicts;

fn key(seed: u8) -> Ed25519Signer {
    Ed25519Signer::from_seed(KeyName::parse(ORIGIN).unwrap(), &[seed; 32]).unwrap()
}

fn vkey(seed: u8) -> VerifierKey {
    key(seed).verifier().clone()
}

fn follows(size: usize, old: u8, new: u8) -> Succession {
    Succession::sign(size as u64, &key(old), &key(new)).unwrap()
}

/// What a broker writes of a key of its ledger.
fn named(seed: u8) -> Value {
    let key = vkey(seed);
    let public = STANDARD.encode(key.public_key());
    json!({"purpose": "ledger", "id": key.to_string(), "public": public})
}

impl Night {
    /// The first key of the ledger is number 7.
    fn names_its_key(&mut self) {
        self.by_broker("key.added", named(7));
    }

    fn hands_over(&mut self, old: u8, new: u8) -> Succession {
        self.hands_over_but(old, new, 1, json!({}))
    }

    /// The same, after so many entries more than there are, and with something else in it.
    fn hands_over_but(&mut self, old: u8, new: u8, more: usize, over: Value) -> Succession {
        let succession = follows(self.lines.len() + more, old, new);
        let body = with(named(new), json!({"succession": succession.note()}));
        self.by_broker("key.added", with(body, over));
        succession
    }
}

/// A ledger as its files, signed by whoever's turn it is.
struct Laid<'a> {
    lines: Vec<Vec<u8>>,
    /// How the keys follow each other, as whoever signs has it.
    keys: &'a [Succession],
    /// Who signs the end, where it is another.
    end: Option<u8>,
    /// Whether that lies beside the copy.
    is_beside: bool,
}

impl Laid<'_> {
    fn of<L: AsRef<[u8]>>(lines: &[L], keys: &'static [Succession]) -> Laid<'static> {
        Laid {
            lines: lines.iter().map(|line| line.as_ref().to_vec()).collect(),
            keys,
            end: None,
            is_beside: true,
        }
    }
}

/// Whose turn it is at a size: the keys are told apart by their seeds.
fn signer_at(keys: &[Succession], size: u64) -> Ed25519Signer {
    let newest = keys.iter().rfind(|it| it.size() < size);
    let vkey = newest.map_or_else(|| vkey(7), |it| it.new_key().clone());
    (0..=u8::MAX)
        .map(key)
        .find(|key| *key.verifier() == vkey)
        .unwrap()
}

fn signed(tree: &Frontier, by: &Ed25519Signer) -> SignedCheckpoint {
    let head = Checkpoint::new(ORIGIN, tree.size(), tree.root()).unwrap();
    SignedCheckpoint::sign(&head, by).unwrap()
}

impl Laid<'_> {
    fn end(&self, tree: &Frontier) -> String {
        let signer = self.end.map(key);
        let signer = signer.unwrap_or_else(|| signer_at(self.keys, tree.size()));
        signed(tree, &signer).note().to_owned()
    }

    /// An export and a journal in one folder.
    fn out(&self, folder: &Path) {
        let (mut tree, mut journal, mut entries) = (Frontier::new(), Vec::new(), Vec::new());
        let commit = |note: &str| format!("{}\n", json!({ "commit": note })).into_bytes();
        journal.extend(commit(signed(&tree, &key(7)).note()));
        for line in &self.lines {
            tree.push(Hash::of_leaf(line));
            for file in [&mut journal, &mut entries] {
                file.extend_from_slice(line);
                file.push(b'\n');
            }
            let is_handed_over = self.keys.iter().any(|it| it.size() == tree.size());
            if is_handed_over && tree.size() < self.lines.len() as u64 {
                journal.extend(commit(
                    signed(&tree, &signer_at(self.keys, tree.size())).note(),
                ));
            }
        }
        let end = self.end(&tree);
        journal.extend(commit(&end));
        fs::create_dir(folder.join("journal")).unwrap();
        fs::write(folder.join(format!("journal/{:020}.jsonl", 0)), journal).unwrap();
        fs::write(folder.join("entries.jsonl"), entries).unwrap();
        fs::write(folder.join("checkpoint"), end).unwrap();
        if self.is_beside {
            fs::write(folder.join("successions"), to_text(self.keys)).unwrap();
        }
    }

    /// What both verifiers say to somebody who has the key of this number.
    fn verified_by(&self, anchor: u8) -> Verdicts {
        let folder = tempfile::tempdir().unwrap();
        self.out(folder.path());
        Verdicts {
            glass: glass(folder.path(), anchor).err(),
            python: python(folder.path(), anchor).err(),
        }
    }
}

fn glass(folder: &Path, anchor: u8) -> Result<(), String> {
    let verified = export::verify(folder, vkey(anchor), 0);
    verified.map(drop).map_err(|error| {
        assert_eq!(error.exit_code(), 86, "{error}");
        error.to_string()
    })
}

fn python(folder: &Path, anchor: u8) -> Result<(), String> {
    let (folder, vkey) = (folder.to_string_lossy(), vkey(anchor).to_string());
    runs("verify_ledger.py", &[&folder, &vkey])
}

fn python_of_export(folder: &Path, anchor: u8) -> Result<(), String> {
    let (folder, vkey) = (folder.to_string_lossy(), vkey(anchor).to_string());
    runs("verify_export.py", &[&vkey, &folder])
}

fn runs(script: &str, words: &[&str]) -> Result<(), String> {
    let told = Command::new("/usr/bin/python3")
        .arg(format!("{}/{script}", env!("CARGO_MANIFEST_DIR")))
        .args(words)
        .output()
        .unwrap();
    match told.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8(told.stderr).unwrap()),
    }
}

/// Two rotations through the rules and the encoding of a broker, and what was written between.
fn rotated_twice() -> (House, Vec<Succession>) {
    let mut house = House::burning();
    let first = added(7, None);
    house.broker_does(first).unwrap();
    let mut keys = Vec::new();
    for (old, new) in [(7, 8), (8, 9)] {
        let succession = follows(house.lines.len() + 1, old, new);
        house.broker_does(added(new, Some(&succession))).unwrap();
        keys.push(succession);
        house.passes(60_000);
        let version = "0.2.0".to_owned();
        house.broker_does(Act::Start { version }).unwrap();
    }
    (house, keys)
}

fn added(seed: u8, succession: Option<&Succession>) -> Act {
    Act::AddKey {
        purpose: KeyPurpose::Ledger,
        id: vkey(seed).to_string(),
        public: STANDARD.encode(vkey(seed).public_key()),
        succession: succession.map(|it| it.note().to_owned()),
    }
}

#[test]
fn a_ledger_of_three_keys_is_whole_for_whoever_has_any_of_them() {
    let (house, keys) = rotated_twice();
    let keys: &'static [Succession] = keys.leak();
    let mut laid = Laid::of(&house.lines, keys);
    for is_beside in [true, false] {
        laid.is_beside = is_beside;
        for anchor in [7, 8, 9] {
            let verdicts = laid.verified_by(anchor);
            // A journal says by itself how its keys follow; a copy without commits brings it along.
            assert_eq!(verdicts.python, None, "{anchor}");
            assert_eq!(
                verdicts.glass.is_none(),
                is_beside,
                "{anchor}: {:?}",
                verdicts.glass
            );
        }
    }
    // Whoever has a key that was never in it, has none of it.
    let verdicts = Laid::of(&house.lines, keys).verified_by(10);
    assert!(verdicts.glass.is_some() && verdicts.python.is_some());
}

#[test]
fn an_export_brings_the_keys_along_and_is_checked_by_any_of_them() {
    let (house, keys) = rotated_twice();
    let mut all = LedgerKeys::from(vkey(8));
    all.join(keys.clone()).unwrap();
    // All of it, and what came behind the first rotation.
    for from in [0, keys[0].size()] {
        let (mut tree, mut hashes, mut start) = (Frontier::new(), StoredHashes::new(), None);
        for line in &house.lines {
            let leaf = Hash::of_leaf(line);
            tree.push(leaf);
            hashes.push(leaf);
            if tree.size() == from {
                start = Some(signed(&tree, &signer_at(&keys, from)));
            }
        }
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("taken");
        let since = start.as_ref().map(|_| {
            let line: Value =
                serde_json::from_slice(&house.lines[usize::try_from(from).unwrap()]).unwrap();
            line["at"].as_str().unwrap().parse().unwrap()
        });
        let proof = || Joint(prove_consistency(from, tree.size(), &hashes).unwrap());
        let start = start.map(|checkpoint| Start {
            checkpoint,
            proof: proof(),
        });
        let period = Period {
            since,
            start,
            ..Period::default()
        };
        let mut writer = Writer::begin(&folder, all.clone(), period).unwrap();
        for line in &house.lines {
            writer.entry(line).unwrap();
        }
        let end = signed(&tree, &signer_at(&keys, tree.size()));
        let report = writer.finish(end.note()).unwrap();
        assert_eq!(report.handed_over_at.len(), 2);
        for anchor in [7, 8, 9] {
            glass(&folder, anchor).unwrap_or_else(|why| panic!("{from} {anchor}: {why}"));
            python_of_export(&folder, anchor)
                .unwrap_or_else(|why| panic!("{from} {anchor}: {why}"));
        }
        for anchor in [10, 20] {
            assert!(glass(&folder, anchor).is_err());
            assert!(python_of_export(&folder, anchor).is_err());
        }
        // Without what joins them, only the newest is known; with what joins others, nobody is.
        let file = folder.join("successions");
        fs::remove_file(&file).unwrap();
        assert!(glass(&folder, 7).is_err() && python_of_export(&folder, 7).is_err());
        fs::write(&file, to_text(&[follows(3, 7, 20), follows(9, 20, 9)])).unwrap();
        assert!(glass(&folder, 7).is_err() && python_of_export(&folder, 7).is_err());
    }
}

/// A way to hand a ledger over that must not work: what stands in it, who signs, and what both say.
type Forgery = (
    &'static str,
    fn(&mut Night) -> Vec<Succession>,
    Option<u8>,
    &'static str,
    &'static str,
);

#[test]
fn nobody_takes_a_ledger_over() {
    let forgeries: [Forgery; 14] = [
        (
            "a key that nobody handed it to signs",
            |night| vec![follows(night.lines.len() - 1, 7, 8)],
            None,
            "and no entry hands the ledger over to it",
            "is not signed by",
        ),
        (
            "the old key goes on after it has handed over",
            |night| vec![night.hands_over(7, 8)],
            Some(7),
            "is not signed by",
            "is not signed by",
        ),
        (
            "a stranger hands it over",
            |night| {
                night.hands_over(20, 8);
                vec![]
            },
            None,
            "and it is not the key that signs it here",
            "and neither is a known key of this ledger",
        ),
        (
            "the old key hands it over twice",
            |night| {
                let first = night.hands_over(7, 8);
                night.hands_over(7, 9);
                vec![first]
            },
            None,
            "and it is not the key that signs it here",
            "cannot follow",
        ),
        (
            "it comes back to the key before",
            |night| {
                let first = night.hands_over(7, 8);
                night.hands_over(8, 7);
                vec![first]
            },
            None,
            "it has signed before",
            "it has signed before",
        ),
        (
            "a second key is named and never handed anything",
            |night| {
                night.by_broker("key.added", named(8));
                vec![]
            },
            None,
            "and the one before did not hand it over",
            "and the one before did not hand it over",
        ),
        (
            "the entry is not the last that the old key signs",
            |night| {
                night.hands_over_but(7, 8, 2, json!({}));
                vec![]
            },
            None,
            "and it is not the last of them",
            "and it is not the last of them",
        ),
        (
            "it names another key",
            |night| {
                night.hands_over_but(7, 8, 1, json!({"id": vkey(9).to_string()}));
                vec![]
            },
            None,
            "it names another key than the one that follows",
            "it names another key than the one that follows",
        ),
        (
            "it has another public half",
            |night| {
                night.hands_over_but(7, 8, 1, json!({"public": "AAAA"}));
                vec![]
            },
            None,
            "it names another key than the one that follows",
            "it names another key than the one that follows",
        ),
        (
            "the new key has not signed it",
            |night| {
                let honest = follows(night.lines.len() + 1, 7, 8);
                let text = format!("{}\n", honest.note().rsplit_once("\n\n").unwrap().0);
                let mut note = Note::sign(&text, &key(7)).unwrap();
                let twice = note.signatures()[0].clone();
                note.add_signature(twice).unwrap();
                night.hands_over_but(7, 8, 1, json!({"succession": note.to_string()}));
                vec![]
            },
            None,
            "is not signed by",
            "have not signed it in their order",
        ),
        (
            "a signature is damaged",
            |night| {
                let honest = follows(night.lines.len() + 1, 7, 8);
                let other = follows(night.lines.len() + 2, 7, 8);
                let (text, _) = honest.note().rsplit_once("\n\n").unwrap();
                let (_, lines) = other.note().rsplit_once("\n\n").unwrap();
                night.hands_over_but(7, 8, 1, json!({"succession": format!("{text}\n\n{lines}")}));
                vec![]
            },
            None,
            "is wrong",
            "does not verify",
        ),
        (
            "a key of another kind follows one",
            |night| {
                night.hands_over_but(7, 8, 1, json!({"purpose": "issuing"}));
                vec![]
            },
            None,
            "it names another key than the one that follows",
            "only a key of the ledger follows another",
        ),
        (
            "somebody of the team hands it over",
            |night| {
                let body = named(8);
                let note = follows(night.lines.len() + 1, 7, 8);
                let body = with(body, json!({"succession": note.note()}));
                night.adds("key.added", "mia", body, None);
                vec![note]
            },
            None,
            "key.added",
            "no key.added is ever by mia",
        ),
        (
            "what lies beside says another place than the entry",
            |night| {
                night.hands_over(7, 8);
                vec![follows(night.lines.len() + 1, 7, 8)]
            },
            None,
            "is said to follow",
            "is not signed by",
        ),
    ];
    for (name, forge, end, glass, python) in forgeries {
        let mut night = Night::begins();
        night.names_its_key();
        let keys: &'static [Succession] = forge(&mut night).leak();
        night.by_broker("broker.started", json!({"version": "0.2.0"}));
        let laid = Laid {
            end,
            ..Laid::of(&night.lines, keys)
        };
        let copy = tempfile::tempdir().unwrap();
        laid.out(copy.path());
        assert!(python_of_export(copy.path(), 7).is_err(), "{name}");
        let verdicts = laid.verified_by(7);
        let (found, other) = (
            verdicts.glass.unwrap_or_default(),
            verdicts.python.unwrap_or_default(),
        );
        assert!(found.contains(glass), "{name}: glass says `{found}`");
        assert!(other.contains(python), "{name}: python says `{other}`");
    }
}

/// A copy that was taken right behind the hand-over, before the next key has signed anything.
#[test]
fn a_ledger_that_ends_with_its_hand_over_is_whole() {
    let mut night = Night::begins();
    night.names_its_key();
    let keys: &'static [Succession] = vec![night.hands_over(7, 8)].leak();
    for anchor in [7, 8] {
        let verdicts = Laid::of(&night.lines, keys).verified_by(anchor);
        assert_eq!((verdicts.glass, verdicts.python), (None, None), "{anchor}");
    }
}

/// The same night, handed over as it should be, is whole: what is wrong above is only what is said there.
#[test]
fn the_night_that_is_forged_above_is_whole_without_it() {
    let mut night = Night::begins();
    night.names_its_key();
    let keys: &'static [Succession] = vec![night.hands_over(7, 8)].leak();
    night.by_broker("broker.started", json!({"version": "0.2.0"}));
    let verdicts = Laid::of(&night.lines, keys).verified_by(7);
    assert_eq!((verdicts.glass, verdicts.python), (None, None));
}
