//! A witness never goes back, whatever is asked and whatever its disk does.

use std::{
    fs, io,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use breakglass_tlog::{
    AddCheckpoint, Checkpoint, Ed25519Signer, Hash, KeyName, Note, NoteSigner as _, SignatureLine,
    SignedCheckpoint, StoredHashes, Succession, VerifierKey,
    tree::{prove_consistency, tree_hash},
};

use super::answer::{Answer, Refused};
use super::book::Book;
use super::disk::{Disk, System};
use super::folder::Folder;

const ORIGIN: &str = "glass.example/ledger";

/// A ledger whose entries are these, and the key that signs it.
struct Ledger {
    tree: StoredHashes,
    signer: Ed25519Signer,
}

impl Ledger {
    fn of(origin: &str, entries: &[&str]) -> Self {
        let mut tree = StoredHashes::new();
        for entry in entries {
            tree.push(Hash::of_leaf(entry.as_bytes()));
        }
        let name = KeyName::parse(origin).unwrap();
        let signer = Ed25519Signer::from_seed(name, &[7; 32]).unwrap();
        Self { tree, signer }
    }

    fn counted(count: usize) -> Self {
        let entries: Vec<_> = (0..count).map(|it| format!("entry {it}")).collect();
        let entries: Vec<_> = entries.iter().map(String::as_str).collect();
        Self::of(ORIGIN, &entries)
    }

    fn vkey(&self) -> VerifierKey {
        self.signer.verifier().clone()
    }

    fn note(&self, size: u64) -> String {
        let root = tree_hash(size, &self.tree).unwrap();
        let head = Checkpoint::new(self.signer.name().as_str(), size, root).unwrap();
        SignedCheckpoint::sign(&head, &self.signer)
            .unwrap()
            .note()
            .to_owned()
    }

    fn ask(&self, old: u64, new: u64) -> AddCheckpoint {
        let proof = match old {
            0 => Vec::new(),
            old => prove_consistency(old, new, &self.tree).unwrap().hashes,
        };
        let note = self.note(new);
        AddCheckpoint { old, proof, note }
    }
}

fn seconds() -> u64 {
    1_700_000_000
}

fn witness_of(folder: &Path, ledgers: &[&Ledger]) -> VerifierKey {
    let name = KeyName::parse("witness.example/otto").unwrap();
    let made = Folder::init(folder, &name).unwrap();
    for ledger in ledgers {
        made.add(ledger.vkey(), vec![]).unwrap();
    }
    made.vkey().unwrap()
}

fn open(folder: &Path) -> Book {
    Folder::open(folder).unwrap().into_book(seconds).unwrap()
}

fn add(book: &Book, asked: &AddCheckpoint) -> Result<SignatureLine, Refused> {
    book.add(&asked.to_string()).map(|signed| signed.line)
}

#[test]
fn a_ledger_that_grows_is_signed_and_its_witness_remembers() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::counted(9);
    let vkey = witness_of(folder.path(), &[&ledger]);
    let book = open(folder.path());
    for (old, new) in [(0, 1), (1, 4), (4, 4), (4, 9)] {
        let asked = ledger.ask(old, new);
        let line = add(&book, &asked).unwrap();
        assert_eq!(line.cosigned_at(), Some(seconds()));
        let note = Note::parse(&asked.note).unwrap();
        vkey.verify(note.text(), &line).unwrap();
    }
    drop(book);
    let book = open(folder.path());
    assert_eq!(add(&book, &ledger.ask(0, 9)), Err(Refused::Conflict(9)));
    assert_eq!(add(&book, &ledger.ask(4, 9)), Err(Refused::Conflict(9)));
    add(&book, &ledger.ask(9, 9)).unwrap();
}

#[test]
fn each_refusal_has_the_code_of_the_specification() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::counted(9);
    let stranger = Ledger::of("other.example/ledger", &["a"]);
    witness_of(folder.path(), &[&ledger]);
    let book = open(folder.path());
    add(&book, &ledger.ask(0, 5)).unwrap();
    let status = |body: &str| Answer::from(&book.add(body).unwrap_err()).status;
    let of = |asked: &AddCheckpoint| status(&asked.to_string());

    assert_eq!(status("not a request"), 400);
    assert_eq!(status("old 0\n\nno note"), 400);
    assert_eq!(of(&stranger.ask(0, 1)), 404);

    let mut forged = ledger.ask(5, 9);
    let thief = Ed25519Signer::from_seed(KeyName::parse(ORIGIN).unwrap(), &[8; 32]).unwrap();
    let text = Note::parse(&forged.note).unwrap().text().to_owned();
    forged.note = Note::sign(&text, &thief).unwrap().to_string();
    assert_eq!(of(&forged), 403);

    let mut back = ledger.ask(5, 9);
    back.note = ledger.note(4);
    assert_eq!(of(&back), 400, "the old size is above the new one");
    let behind = Answer::from(&add(&book, &ledger.ask(2, 4)).unwrap_err());
    assert_eq!((behind.status, behind.body.as_str()), (409, "5\n"));
    assert_eq!(behind.content_type, "text/x.tlog.size");

    let mut unproven = ledger.ask(5, 9);
    unproven.proof.pop();
    assert_eq!(of(&unproven), 422);
    let mut needless = ledger.ask(5, 5);
    needless.proof.push(Hash::EMPTY_TREE);
    assert_eq!(of(&needless), 422);
    // None of it moved the witness.
    add(&book, &ledger.ask(5, 9)).unwrap();
}

#[test]
fn a_second_history_is_refused_at_every_size() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::counted(9);
    witness_of(folder.path(), &[&ledger]);
    let book = open(folder.path());
    add(&book, &ledger.ask(0, 5)).unwrap();
    let entries = [
        "entry 0",
        "entry 1",
        "entry 2",
        "REWRITTEN",
        "entry 4",
        "entry 5",
    ];
    let fork = Ledger::of(ORIGIN, &entries);
    assert_eq!(add(&book, &fork.ask(5, 5)), Err(Refused::Fork(5)));
    assert_eq!(add(&book, &fork.ask(5, 6)), Err(Refused::Unproven));
    assert_eq!(add(&book, &fork.ask(0, 6)), Err(Refused::Conflict(5)));
    assert_eq!(add(&book, &fork.ask(3, 4)), Err(Refused::Conflict(5)));
    add(&book, &ledger.ask(5, 6)).unwrap();
}

#[test]
fn ledgers_are_apart_and_known_by_their_key_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (
        Ledger::counted(3),
        Ledger::of("b.example/ledger", &["x", "y"]),
    );
    witness_of(folder.path(), &[&one, &two]);
    let book = open(folder.path());
    add(&book, &one.ask(0, 3)).unwrap();
    add(&book, &two.ask(0, 1)).unwrap();
    add(&book, &two.ask(1, 2)).unwrap();
    drop(book);
    let made = Folder::open(folder.path()).unwrap();
    made.add(one.vkey(), vec![]).unwrap();
    let sizes: Vec<_> = made.logs().unwrap().iter().map(|it| it.size()).collect();
    assert_eq!(
        sizes.iter().sum::<u64>(),
        5,
        "adding it again forgets nothing"
    );
    let thief = Ed25519Signer::from_seed(KeyName::parse(ORIGIN).unwrap(), &[8; 32]).unwrap();
    let why = made
        .add(thief.verifier().clone(), vec![])
        .unwrap_err()
        .to_string();
    assert!(why.contains("nothing given leads from that"), "{why}");
    let cosigner = made.vkey().unwrap();
    assert!(
        made.add(cosigner, vec![])
            .unwrap_err()
            .to_string()
            .contains("no key of a ledger")
    );
}

#[test]
fn a_ledger_is_followed_to_its_next_key_and_what_was_signed_of_it_stays() {
    let folder = tempfile::tempdir().unwrap();
    let mut ledger = Ledger::counted(9);
    witness_of(folder.path(), &[&ledger]);
    let book = open(folder.path());
    add(&book, &ledger.ask(0, 5)).unwrap();
    drop(book);
    // Over five entries the first key signs for the last time.
    let next =
        |seed| Ed25519Signer::from_seed(KeyName::parse(ORIGIN).unwrap(), &[seed; 32]).unwrap();
    let first = Succession::sign(5, &ledger.signer, &next(8)).unwrap();
    let second = Succession::sign(7, &next(8), &next(9)).unwrap();
    let made = Folder::open(folder.path()).unwrap();
    let to = |seed, way: &[Succession]| made.add(next(seed).verifier().clone(), way.to_vec());
    for (seed, way) in [
        (8, vec![]),
        (9, vec![first.clone()]),
        (9, vec![second.clone()]),
    ] {
        to(seed, &way).unwrap_err();
    }
    // Both at once: this witness slept through the first.
    to(9, &[first, second]).unwrap();
    to(9, &[]).unwrap();
    assert_eq!(
        made.logs().unwrap()[0].vkey(),
        next(9).verifier().to_string()
    );
    drop(made);

    let book = open(folder.path());
    let status =
        |body: &AddCheckpoint| Answer::from(&book.add(&body.to_string()).unwrap_err()).status;
    assert_eq!(status(&ledger.ask(5, 6)), 403, "not by the first key");
    ledger.signer = next(9);
    assert_eq!(status(&ledger.ask(5, 6)), 403, "nor by the third, yet");
    ledger.signer = next(8);
    add(&book, &ledger.ask(5, 6)).unwrap();
    ledger.signer = next(9);
    add(&book, &ledger.ask(6, 9)).unwrap();
    drop(book);
    let made = Folder::open(folder.path()).unwrap();
    assert_eq!(made.logs().unwrap()[0].size(), 9);
    // What it remembers is nothing without how the keys follow each other.
    fs::remove_dir_all(folder.path().join("successions")).unwrap();
    made.logs().unwrap_err();
}

#[test]
fn only_the_ledgers_own_signature_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::counted(3);
    witness_of(folder.path(), &[&ledger]);
    let book = open(folder.path());
    let mut asked = ledger.ask(0, 3);
    let mut note = Note::parse(&asked.note).unwrap();
    let stranger = SignatureLine::parse("— a.example/x AAAAAQID").unwrap();
    note.add_signature(stranger).unwrap();
    asked.note = note.to_string();
    add(&book, &asked).unwrap();
    drop(book);
    let logs = fs::read_dir(folder.path().join("logs")).unwrap();
    let file = logs.map(|it| it.unwrap().path()).next().unwrap();
    let text = fs::read_to_string(file).unwrap();
    assert!(text.ends_with(&ledger.note(3)), "{text}");
    assert!(text.starts_with("breakglass-witness/v1\nglass.example/ledger+"));
}

/// Fails one call, before or after it did what it should, and all after it where it is to crash.
struct Breaking {
    countdown: AtomicUsize,
    lands: bool,
}

impl Breaking {
    fn call(&self, done: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        let left = self.countdown.load(Ordering::SeqCst);
        self.countdown
            .store(left.saturating_sub(1), Ordering::SeqCst);
        match (left, self.lands) {
            (1, false) => Err(io::Error::other("broken on purpose")),
            (1, true) => done().and(Err(io::Error::other("broken on purpose, and it landed"))),
            _ => done(),
        }
    }
}

impl Disk for Breaking {
    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.call(|| System.write(path, bytes))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.call(|| System.rename(from, to))
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.call(|| System.sync_folder(folder))
    }

    fn read(&self, path: &Path) -> io::Result<String> {
        System.read(path)
    }
}

/// Each call of a write is broken, once cleanly and once although it landed: nothing is signed then,
/// and what is signed afterwards, by the same process or by the next, is of one history.
#[test]
fn a_write_that_fails_signs_nothing_and_never_leads_back() {
    for restarts in [false, true] {
        for (call, lands) in (1..=3).flat_map(|call| [(call, false), (call, true)]) {
            let folder = tempfile::tempdir().unwrap();
            let ledger = Ledger::counted(9);
            witness_of(folder.path(), &[&ledger]);
            add(&open(folder.path()), &ledger.ask(0, 4)).unwrap();
            let disk = Arc::new(Breaking {
                countdown: AtomicUsize::new(call),
                lands,
            });
            let mut book = Folder::open(folder.path())
                .unwrap()
                .into_book_on(disk, seconds)
                .unwrap();
            let broken = add(&book, &ledger.ask(4, 6));
            assert_eq!(broken, Err(Refused::NotKept), "call {call}, lands: {lands}");
            if restarts {
                drop(book);
                book = open(folder.path());
            }
            // It is at the old one or at the new one, says which, and goes on from there.
            let at = match add(&book, &ledger.ask(4, 9)) {
                Ok(_) => 4,
                Err(Refused::Conflict(6)) => {
                    add(&book, &ledger.ask(6, 9)).unwrap();
                    6
                }
                other => panic!("call {call}, lands: {lands}: {other:?}"),
            };
            let renamed = call == 3 || (call == 2 && lands);
            assert_eq!(at == 6, renamed, "call {call}, lands: {lands}");
            drop(book);
            let again = open(folder.path());
            assert_eq!(add(&again, &ledger.ask(4, 9)), Err(Refused::Conflict(9)));
        }
    }
}

/// Remembers in which order things happen.
struct Watched {
    calls: Mutex<Vec<&'static str>>,
}

impl Watched {
    fn note(&self, call: &'static str) {
        self.calls.lock().unwrap().push(call);
    }
}

impl Disk for Watched {
    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.note("write and sync");
        System.write(path, bytes)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.note("rename");
        System.rename(from, to)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.note("sync folder");
        System.sync_folder(folder)
    }

    fn read(&self, path: &Path) -> io::Result<String> {
        System.read(path)
    }
}

#[test]
fn it_is_durable_before_it_is_answered() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::counted(3);
    witness_of(folder.path(), &[&ledger]);
    let calls = Mutex::default();
    let disk = Arc::new(Watched { calls });
    let opened = Folder::open(folder.path()).unwrap();
    let book = opened.into_book_on(disk.clone(), seconds).unwrap();
    add(&book, &ledger.ask(0, 3)).unwrap();
    let steps = ["write and sync", "rename", "sync folder"];
    assert_eq!(*disk.calls.lock().unwrap(), steps);
    // The same again is signed with a new time, and is on the disk already.
    add(&book, &ledger.ask(3, 3)).unwrap();
    assert_eq!(disk.calls.lock().unwrap().len(), 3);
}

#[test]
fn many_at_once_are_one_after_another() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::counted(64);
    witness_of(folder.path(), &[&ledger]);
    let book = open(folder.path());
    let fork = {
        let mut entries: Vec<_> = (0..64).map(|it| format!("entry {it}")).collect();
        entries[20] = "REWRITTEN".into();
        let entries: Vec<_> = entries.iter().map(String::as_str).collect();
        Ledger::of(ORIGIN, &entries)
    };
    add(&book, &ledger.ask(0, 20)).unwrap();
    // Both go on from 20 honestly as far as the witness has seen: only one may be signed.
    let signed: Vec<_> = std::thread::scope(|scope| {
        let asking: Vec<_> = (0..16)
            .map(|number| {
                let of = if number % 2 == 0 { &ledger } else { &fork };
                let book = &book;
                scope.spawn(move || add(book, &of.ask(20, 64)).is_ok())
            })
            .collect();
        asking.into_iter().map(|it| it.join().unwrap()).collect()
    });
    assert_eq!(
        signed.iter().filter(|signed| **signed).count(),
        1,
        "{signed:?}"
    );
}

#[test]
fn a_witness_that_was_damaged_does_not_start() {
    let ledger = Ledger::counted(9);
    type Damage = fn(&str) -> String;
    let damage: [(&str, Damage); 6] = [
        ("is damaged", |text| text[..text.len() - 20].to_owned()),
        ("is damaged", |text| {
            text[..text.find("cosigned").unwrap()].to_owned()
        }),
        ("is damaged", |text| {
            text.replace("cosigned 9", "cosigned 8")
        }),
        ("is damaged", |text| text.replace("\n9\n", "\n8\n")),
        ("is damaged", |_| String::new()),
        ("is damaged", |text| {
            let head = text.split("cosigned").next().unwrap();
            format!("{head}cosigned nothing\n{}", &text[head.len()..])
        }),
    ];
    for (told, spoil) in damage {
        let folder = tempfile::tempdir().unwrap();
        witness_of(folder.path(), &[&ledger]);
        add(&open(folder.path()), &ledger.ask(0, 9)).unwrap();
        let logs = fs::read_dir(folder.path().join("logs")).unwrap();
        let file = logs.map(|it| it.unwrap().path()).next().unwrap();
        let text = fs::read_to_string(&file).unwrap();
        fs::write(&file, spoil(&text)).unwrap();
        let why = Folder::open(folder.path()).unwrap().into_book(seconds);
        let why = why.unwrap_err().to_string();
        assert!(why.contains(told), "{why}");
    }
}

#[test]
fn what_was_not_finished_is_no_damage() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::counted(3);
    witness_of(folder.path(), &[&ledger]);
    fs::write(folder.path().join("logs/0123.new"), "half a").unwrap();
    add(&open(folder.path()), &ledger.ask(0, 3)).unwrap();
}

#[test]
fn one_key_one_folder_one_process() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::counted(3);
    witness_of(folder.path(), &[&ledger]);
    assert_eq!(
        crate::files::mode(&folder.path().join("key.pem")),
        Some(0o600)
    );
    let name = KeyName::parse("witness.example/again").unwrap();
    let why = Folder::init(folder.path(), &name).unwrap_err().to_string();
    assert!(why.contains("a witness in"), "{why}");
    let serving = open(folder.path());
    let why = Folder::open(folder.path()).unwrap_err().to_string();
    assert!(why.contains("another glass witness"), "{why}");
    drop(serving);
    let other = tempfile::tempdir().unwrap();
    witness_of(other.path(), &[&ledger]);
    fs::copy(other.path().join("key.pem"), folder.path().join("key.pem")).unwrap();
    let why = Folder::open(folder.path()).unwrap().into_book(seconds);
    assert!(
        why.unwrap_err()
            .to_string()
            .contains("not the key whose vkey")
    );
    let empty = tempfile::tempdir().unwrap();
    let why = Folder::open(empty.path()).unwrap_err();
    assert!(why.next().unwrap().contains("glass witness init"));
}
