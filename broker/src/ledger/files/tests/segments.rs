//! Many segments, many tiles, and what stays in memory.

use std::fs;

use breakglass_tlog::TileId;
use breakglass_tlog::tile::decode_bundle;

use super::sim::Sim;
use super::{create, open, open_and_walk, place};
use crate::ledger::FileLedger;
use crate::ledger::files::disk::Disk as _;
use crate::ledger::fixtures::{fill, lines, root_of, signer, vkey, walk};
use crate::ports::{Ledger, LedgerError};
use breakglass_tlog::SignedCheckpoint;

#[test]
fn a_ledger_opens_the_same_at_every_size() {
    let sim = Sim::default();
    drop(create(&sim).expect("a ledger"));
    let mut size = 0;
    // Over ends of bundles and of segments.
    for count in [
        1, 100, 98, 1, 1, 54, 1, 1, 143, 1, 1, 110, 1, 1, 255, 256, 257, 1,
    ] {
        let mut ledger = open_and_walk(&sim, &lines(0, size));
        fill(&mut ledger, &[count]);
        size += count;
        walk(&*ledger.reader(), &lines(0, size), 91);
    }
    open_and_walk(&sim, &lines(0, size));
}

#[test]
fn memory_and_start_do_not_grow_with_history() {
    let sim = Sim::default();
    let mut ledger = create(&sim).expect("a ledger");
    // Past the first full tile of the second level.
    fill(&mut ledger, &[1_000; 67]);
    let reader = ledger.reader();
    let held = |ledger: &FileLedger| {
        let newest = ledger.reader.newest();
        newest.edge.size() - newest.edge.first()
    };
    assert!(
        held(&ledger) < 512 + 1_000,
        "{} entries are held",
        held(&ledger)
    );
    for index in [0, 255, 256, 65_535, 65_536, 66_999] {
        let checkpoint = reader.checkpoint();
        let proof = reader
            .prove_inclusion(index, checkpoint.size())
            .expect("provable");
        let leaf = breakglass_tlog::Hash::of_leaf(&lines(index, 1)[0]);
        proof.verify(&leaf, &checkpoint.root()).expect("proven");
    }
    drop(ledger);
    let (ledger, _) = open(&sim).expect("opens");
    assert_eq!(ledger.size(), 67_000);
    assert!(held(&ledger) < 3_000, "{} entries are held", held(&ledger));
    let all = lines(0, 67_000);
    assert_eq!(ledger.reader().checkpoint().root(), root_of(&all));
    assert!(sim.read(&place(&sim).dir.join("tile/1/000")).is_ok());
}

#[test]
fn what_is_published_is_a_static_log() {
    let sim = Sim::default();
    let mut ledger = create(&sim).expect("a ledger");
    for counts in [&[3][..], &[250, 10], &[300, 37]] {
        fill(&mut ledger, counts);
        ledger.publish();
        let all = lines(0, ledger.size());
        let note = sim.read(&place(&sim).checkpoint()).expect("published");
        let note = String::from_utf8(note).expect("text");
        let checkpoint = SignedCheckpoint::verify(&note, &vkey()).expect("signed");
        assert_eq!(
            (checkpoint.size(), checkpoint.root()),
            (ledger.size(), root_of(&all))
        );
        let mut served: Vec<std::sync::Arc<[u8]>> = Vec::new();
        for tile in breakglass_tlog::tile::grown_bundles(0, checkpoint.size()) {
            let bytes = sim
                .read(&place(&sim).tile(tile))
                .expect("a bundle for each");
            served.extend(
                decode_bundle(&bytes)
                    .expect("a bundle")
                    .into_iter()
                    .map(Into::into),
            );
        }
        assert_eq!(served, all);
        for tile in breakglass_tlog::tile::grown_tiles(0, checkpoint.size()) {
            let bytes = sim.read(&place(&sim).tile(tile)).expect("a tile for each");
            assert_eq!(bytes.len(), usize::from(tile.width()) * 32);
        }
    }
    // Partial versions of what is full by now are gone.
    let partial = |path: &str| TileId::parse(path).is_ok_and(|tile| !tile.is_full());
    let files = sim.files();
    let names = files
        .iter()
        .filter_map(|path| path.strip_prefix(super::DIR).ok()?.to_str());
    let left: Vec<_> = names.filter(|name| partial(name)).collect();
    let higher = ["tile/1/000.p/1", "tile/1/000.p/2"];
    assert_eq!(
        left,
        [
            "tile/0/002.p/88",
            higher[0],
            higher[1],
            "tile/entries/002.p/88"
        ]
    );
}

#[test]
fn the_real_disk_keeps_it_between_processes() {
    let dir = tempfile::tempdir().expect("a folder");
    let dir = dir.path().join("with a space");
    let mut ledger = FileLedger::create(&dir, signer()).expect("a ledger");
    fill(&mut ledger, &[1, 300, 5_000, 20]);
    ledger.publish();
    drop(ledger);
    assert!(
        dir.join("checkpoint").exists(),
        "publishing is done before it is dropped"
    );
    let (mut ledger, recovered) = FileLedger::open(&dir, signer()).expect("opens");
    assert_eq!(recovered.cut_bytes, 0);
    walk(&*ledger.reader(), &lines(0, 5_321), 501);
    fill(&mut ledger, &[5_000]);
    drop(ledger);
    let (ledger, _) = FileLedger::open(&dir, signer()).expect("opens");
    walk(&*ledger.reader(), &lines(0, 10_321), 997);
    use std::os::unix::fs::PermissionsExt as _;
    let mode = |name: &str| {
        fs::metadata(dir.join(name))
            .expect("there")
            .permissions()
            .mode()
    };
    assert_eq!(
        mode("checkpoint") & 0o777,
        0o600,
        "only our user reads who did what"
    );
}

#[test]
fn two_writers_on_one_folder_are_refused_by_name() {
    let dir = tempfile::tempdir().expect("a folder");
    let ledger = FileLedger::create(dir.path(), signer()).expect("a ledger");
    let error = FileLedger::open(dir.path(), signer())
        .map(drop)
        .expect_err("locked");
    let told = error.to_string();
    assert!(matches!(error, LedgerError::Unavailable(_)));
    assert!(
        told.contains(&format!("process {}", std::process::id())),
        "{told}"
    );
    assert!(told.contains("is using"), "{told}");
    drop(ledger);
    FileLedger::open(dir.path(), signer()).expect("free again");
}
