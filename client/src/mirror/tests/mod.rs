//! A ledger that is mirrored: honestly, over a disk that breaks, and from a broker that lies.

mod breaking;
mod folder;
mod lies;

use std::{collections::BTreeMap, fs, path::PathBuf, sync::Mutex};

use breakglass_tlog::{
    Checkpoint, ConsistencyProof, Ed25519Signer, Hash, KeyName, NoteSigner as _, StoredHashes,
    TileId, VerifierKey,
    hash::HASH_BYTES,
    tile::{TileKind, encode_bundle},
    tree::{prove_consistency, tree_hash},
};

use super::{
    disk::{Disk, System},
    read::Entries,
    *,
};
use crate::config::{Context, ContextName, ServerUrl};

const ORIGIN: &str = "glass.example/ledger";

fn signer() -> Ed25519Signer {
    Ed25519Signer::from_seed(KeyName::parse(ORIGIN).unwrap(), &[7; 32]).unwrap()
}

fn key() -> VerifierKey {
    signer().verifier().clone()
}

/// A ledger, and how it is served.
struct Served {
    lines: Vec<Vec<u8>>,
    tree: StoredHashes,
    /// How much of it is published.
    size: u64,
    /// A file in which a byte is changed on its way.
    tampered: Option<String>,
    /// Whether partial tiles are gone where the whole ledger has the full one.
    tidied: bool,
    asked: Mutex<Vec<String>>,
}

impl Served {
    fn of(size: u64) -> Self {
        Self::telling(size, |number| format!("entry {number}"))
    }

    fn telling(size: u64, line: impl Fn(u64) -> String) -> Self {
        let lines: Vec<_> = (0..size).map(|n| line(n).into_bytes()).collect();
        let tree = lines.iter().map(|line| Hash::of_leaf(line)).collect();
        Self {
            lines,
            tree,
            size,
            tampered: None,
            tidied: false,
            asked: Mutex::default(),
        }
    }

    fn at(mut self, size: u64) -> Self {
        self.size = size;
        self
    }

    fn head(&self, size: u64) -> SignedCheckpoint {
        let root = tree_hash(size, &self.tree).unwrap();
        SignedCheckpoint::sign(&Checkpoint::new(ORIGIN, size, root).unwrap(), &signer()).unwrap()
    }

    /// The bytes of a tile, where so many entries have it.
    fn bytes(&self, tile: TileId, size: u64) -> Option<Vec<u8>> {
        let level = match tile.kind() {
            TileKind::Hashes(level) => level * 8,
            TileKind::Entries => 0,
        };
        let first = tile.index() * 256;
        let places = first..first + u64::from(tile.width());
        if places.end > size.checked_shr(level.into()).unwrap_or(0) {
            return None;
        }
        Some(match tile.kind() {
            TileKind::Entries => {
                encode_bundle(places.map(|place| &self.lines[place as usize])).unwrap()
            }
            TileKind::Hashes(_) => {
                use breakglass_tlog::HashReader as _;
                let hashes = places.map(|place| self.tree.read_hash(level, place).unwrap());
                hashes.flat_map(|hash| *hash.as_bytes()).collect()
            }
        })
    }

    /// The files of a whole mirror of so many entries, without older partial tiles.
    fn files(&self, size: u64) -> BTreeMap<String, Vec<u8>> {
        let tiles = breakglass_tlog::tile::grown_tiles(0, size)
            .chain(breakglass_tlog::tile::grown_bundles(0, size));
        let mut files: BTreeMap<_, _> = tiles
            .map(|tile| (tile.to_string(), self.bytes(tile, size).unwrap()))
            .collect();
        files.insert("checkpoint".into(), self.head(size).note().into());
        files.insert("vkey".into(), format!("{}\n", key()).into());
        files
    }
}

impl Source for Served {
    async fn checkpoint(&self) -> Result<String, Error> {
        Ok(self.head(self.size).note().to_owned())
    }

    async fn tile(&self, tile: TileId) -> Result<Option<Vec<u8>>, Error> {
        self.asked.lock().unwrap().push(tile.to_string());
        if self.tidied
            && !tile.is_full()
            && self.bytes(tile.full(), self.lines.len() as u64).is_some()
        {
            return Ok(None);
        }
        let all = self.lines.len() as u64;
        let mut bytes = self.bytes(tile, all);
        if self.tampered == Some(tile.to_string())
            && let Some(byte) = bytes.as_mut().and_then(|bytes| bytes.last_mut())
        {
            *byte ^= 1;
        }
        Ok(bytes)
    }
}

impl Prover for Served {
    async fn prove(&self, old: u64, new: u64) -> Result<ConsistencyProof, Error> {
        prove_consistency(old, new, &self.tree)
            .map_err(|error| Error::usage(error.to_string(), String::new()))
    }
}

/// A folder for the mirror, and laptops to keep it from.
struct Host {
    folder: tempfile::TempDir,
}

impl Host {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder }
    }

    fn mirror(&self) -> PathBuf {
        self.folder.path().join("mirror")
    }

    /// A laptop of this name: what it has seen it remembers.
    fn trust(&self, laptop: &str) -> Trust {
        let folder = self.folder.path().join(laptop);
        fs::create_dir_all(&folder).unwrap();
        Trust::of(&Context {
            name: ContextName::parse("team").unwrap(),
            server: ServerUrl::parse("https://glass.example:7443").unwrap(),
            person: "audit".into(),
            device: "a host".into(),
            issuer: String::new(),
            ledger_vkey: key().to_string(),
            ca_file: folder.join("ca.pem"),
            folder,
        })
        .unwrap()
    }

    async fn keeps_on(&self, disk: Box<dyn Disk>, served: &Served) -> Result<Kept, Error> {
        let place = Place::open_on(disk, &self.mirror(), &key().into())?;
        keep(served, &self.trust("one"), &place, Reach::New, |_, _| ()).await
    }

    async fn keeps(&self, served: &Served) -> Result<Kept, Error> {
        self.keeps_on(Box::new(System), served).await
    }

    async fn rechecks(&self, served: &Served) -> Result<Kept, Error> {
        let place = Place::open(&self.mirror(), &key().into())?;
        let trust = self.trust("one");
        keep(served, &trust, &place, Reach::Everything, |_, _| ()).await
    }

    fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let (mut files, mut folders) = (BTreeMap::new(), vec![self.mirror()]);
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let name = path.strip_prefix(self.mirror()).unwrap();
                let name = name.to_str().unwrap().to_owned();
                match path.is_dir() {
                    true => folders.push(path),
                    false if name.starts_with('.') => {}
                    false => drop(files.insert(name, fs::read(path).unwrap())),
                }
            }
        }
        files
    }

    /// How many entries the mirror is whole for: read back, from the first.
    fn is_whole_for(&self) -> u64 {
        let Ok(note) = fs::read_to_string(self.mirror().join("checkpoint")) else {
            return 0;
        };
        let signed = SignedCheckpoint::verify(&note, &key()).unwrap();
        let mut entries = Entries::of(&self.mirror(), signed.size());
        let mut tree = breakglass_tlog::Frontier::new();
        while let Some(entry) = entries.next_entry().unwrap() {
            tree.push(Hash::of_leaf(&entry));
        }
        assert_eq!((tree.size(), tree.root()), (signed.size(), signed.root()));
        signed.size()
    }

    fn evidence(&self, laptop: &str) -> usize {
        let folder = self.folder.path().join(laptop).join("evidence");
        fs::read_dir(folder).map_or(0, Iterator::count)
    }
}

/// All files that should be there, and beside them only the older partial tiles of the last head.
fn holds(found: &BTreeMap<String, Vec<u8>>, wanted: &BTreeMap<String, Vec<u8>>, before: u64) {
    for (name, bytes) in wanted {
        assert_eq!(found.get(name), Some(bytes), "{name}");
    }
    let old = rows::all().filter_map(|(kind, level)| rows::partial_of(kind, before, level));
    let old: Vec<_> = old.map(|tile| tile.to_string()).collect();
    for name in found.keys() {
        assert!(
            wanted.contains_key(name) || old.contains(name),
            "{name} is left over"
        );
    }
}

#[tokio::test]
async fn a_mirror_grows_with_the_ledger_and_is_what_is_served() {
    let host = Host::new();
    let mut served = Served::of(66_200);
    let mut before = 0;
    // At, before and behind the sizes at which a tile of each level is full.
    for size in [1, 3, 3, 255, 256, 257, 600, 65_536, 65_541, 66_100, 66_200] {
        served.size = size;
        let kept = host.keeps(&served).await.unwrap();
        assert_eq!((kept.entries, kept.new), (size, size - before));
        assert_eq!(kept.mended, Vec::<String>::new());
        let before_that = std::mem::replace(&mut before, size);
        if before_that < size {
            holds(&host.files(), &served.files(size), before_that);
        }
    }
    assert_eq!(host.is_whole_for(), 66_200);
}

#[tokio::test]
async fn what_is_there_is_not_fetched_again() {
    let host = Host::new();
    let served = Served::of(3_000).at(2_000);
    host.keeps(&served).await.unwrap();
    served.asked.lock().unwrap().clear();
    let kept = host.keeps(&served).await.unwrap();
    assert_eq!((kept.new, kept.fetched), (0, 0));
    assert_eq!(*served.asked.lock().unwrap(), Vec::<String>::new());

    let served = served.at(3_000);
    let kept = host.keeps(&served).await.unwrap();
    // Of entries 1,792 to 3,000: four full tiles and bundles, and what is at the edge.
    assert_eq!((kept.new, kept.fetched), (1_000, 4 + 4 + 2 + 1));
}

#[tokio::test]
async fn where_a_partial_tile_has_gone_the_full_one_is_taken() {
    let (host, mut served) = (Host::new(), Served::of(1_024).at(700));
    served.tidied = true;
    host.keeps(&served).await.unwrap();
    assert!(
        served
            .asked
            .lock()
            .unwrap()
            .contains(&"tile/entries/002".to_owned())
    );
    holds(&host.files(), &served.files(700), 0);
}

#[tokio::test]
async fn a_recheck_mends_what_was_damaged_or_lost() {
    let (host, served) = (Host::new(), Served::of(70_000));
    host.keeps(&served).await.unwrap();
    let at = |name: &str| host.mirror().join(name);
    fs::write(at("tile/0/007"), [0; 256 * HASH_BYTES]).unwrap();
    fs::write(at("tile/entries/009"), "short").unwrap();
    fs::remove_file(at("tile/1/000")).unwrap();
    // Without it nothing of that is looked at.
    assert_eq!(host.keeps(&served).await.unwrap().fetched, 0);
    let kept = host.rechecks(&served).await.unwrap();
    assert_eq!(kept.mended, ["tile/0/007", "tile/entries/009"]);
    assert_eq!((kept.new, kept.fetched), (0, 3));
    assert_eq!(host.is_whole_for(), 70_000);
    // The partial ones at the edge are looked at, too.
    fs::remove_file(at("tile/entries/273.p/112")).unwrap();
    assert_eq!(host.rechecks(&served).await.unwrap().fetched, 1);
}

#[tokio::test]
async fn a_folder_of_tiles_that_was_changed_is_found_out() {
    let served = Served::of(70_000);
    let host = Host::new();
    host.keeps(&served).await.unwrap();
    let first_wrong = || {
        let mut entries = Entries::of(&host.mirror(), 70_000);
        loop {
            match entries.next_entry() {
                Ok(Some(_)) => {}
                Ok(None) => return None,
                Err(error) => return Some(error.to_string()),
            }
        }
    };
    assert_eq!(first_wrong(), None);
    for name in [
        "tile/entries/100",
        "tile/0/100",
        "tile/1/000",
        "tile/1/001.p/17",
        "tile/2/000.p/1",
        "tile/0/273.p/112",
    ] {
        let path = host.mirror().join(name);
        let honest = fs::read(&path).unwrap();
        let mut changed = honest.clone();
        *changed.last_mut().unwrap() ^= 1;
        fs::write(&path, &changed).unwrap();
        // A changed entry shows in the tile that names it.
        let named = name.replace("entries", "0");
        assert_eq!(
            first_wrong(),
            Some(format!("{named} is not what the entries give"))
        );
        fs::remove_file(&path).unwrap();
        assert_eq!(first_wrong(), Some(format!("{name} is missing")));
        fs::write(&path, &honest).unwrap();
    }
}
