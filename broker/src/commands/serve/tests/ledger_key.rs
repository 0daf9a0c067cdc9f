//! The ledger's own key, and how another follows it.

use std::fs;

use breakglass_tlog::{LedgerKeys, NoteSigner as _, succession};

use super::super::super::rotate_ledger::rotate;
use super::super::super::stores::{Keys, Stores};
use super::*;
use crate::issue::keys::{KeyFolder, begin_succession, load_ledger_key, load_ledger_keys};
use crate::ledger::fsck;

const SUCCESSIONS: &str = "ledger.successions";

impl World {
    /// What the operator does while no broker runs.
    async fn rotates_the_ledger(&self) -> Result<(), Failure> {
        let (config, clock) = (self.config(), self.clock.clone());
        let rotating = tokio::task::spawn_blocking(move || {
            let mut printer = Printer::to(std::io::sink(), std::io::sink());
            rotate(&config, &*clock, &mut printer)
        });
        rotating.await.unwrap()
    }

    fn keys(&self) -> KeyFolder {
        KeyFolder::open(&self.config().keys_dir).unwrap()
    }

    fn ledger_keys(&self) -> LedgerKeys {
        let folder = self.keys();
        let signer = load_ledger_key(&folder, &self.config().ledger_origin()).unwrap();
        load_ledger_keys(&folder, &signer).unwrap()
    }

    /// What `glassd fsck` says is wrong.
    fn damage(&self) -> Vec<String> {
        let report = fsck(
            &self.config().ledger_dir(),
            &self.ledger_keys(),
            &*self.clock,
            &mut |_| {},
        );
        let found = report.unwrap().damage;
        found.iter().map(ToString::to_string).collect()
    }

    /// Starts a broker, looks, and stops it.
    async fn handed_over(&self) -> Vec<Change> {
        let running = self.start().await;
        let all = kinds(&running);
        running.shutdown().await;
        let is_one = |change: &Change| {
            matches!(
                change,
                Change::KeyAdded {
                    succession: Some(_),
                    ..
                }
            )
        };
        all.into_iter().filter(is_one).collect()
    }

    fn key_files(&self) -> Vec<String> {
        let all = fs::read_dir(self.config().keys_dir).unwrap();
        let names = all.map(|file| file.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.filter(|name| name.starts_with("ledger.")).collect();
        names.sort();
        names
    }
}

#[test]
fn an_entry_hands_the_ledger_over_and_the_new_key_signs_from_there_on() {
    story(|world| async move {
        let running = world.start().await;
        let busy = world.rotates_the_ledger().await.unwrap_err();
        assert!(
            busy.next().unwrap().contains("systemctl stop glassd"),
            "{busy}"
        );
        running.shutdown().await;
        for rotations in 1..=2 {
            world.rotates_the_ledger().await.unwrap();
            let handed = world.handed_over().await;
            assert_eq!(handed.len(), rotations);
        }
        let keys = world.ledger_keys();
        let [first, second] = keys.successions() else {
            panic!("two rotations");
        };
        let running = world.start().await;
        // Each checkpoint that was ever signed is by the key whose turn it was.
        for size in 0..=running.reader.checkpoint().size() {
            let around = running.reader.checkpoints_around(size).unwrap();
            for note in [around.before, around.after] {
                keys.verify(&note).unwrap();
            }
        }
        for one in [first, second] {
            // Its entry is the last that the old key signed, alone in its batch.
            let around = running.reader.checkpoints_around(one.size()).unwrap();
            let signed = keys.verify(&around.before).unwrap();
            assert_eq!(
                (signed.size(), signed.key_id()),
                (one.size(), one.old().key_id())
            );
            let entry = running.reader.entries(one.size() - 1, 1).unwrap();
            let (_, event) = crate::ledger::entry::read(&entry[0]).unwrap();
            assert!(matches!(event.change, Change::KeyAdded { .. }), "{event:?}");
        }
        assert_eq!(running.app().about().handed_over_at.len(), 2);
        assert_eq!(running.app().ledger_keys().await.unwrap().len(), 2);
        running.shutdown().await;
        assert_eq!(world.damage(), [""; 0]);
        assert_eq!(
            world.key_files(),
            ["ledger.pem", SUCCESSIONS, "ledger.vkey"],
            "the keys before are gone"
        );
    });
}

/// Everything in a folder.
fn saved(folder: &std::path::Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let mut all = Vec::new();
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        match path.is_dir() {
            true => all.extend(saved(&path)),
            false => all.push((path.clone(), fs::read(&path).unwrap())),
        }
    }
    all
}

/// Puts it back, and nothing else.
fn put_back(folder: &std::path::Path, files: &[(std::path::PathBuf, Vec<u8>)]) {
    use std::os::unix::fs::PermissionsExt as _;
    for (path, _) in saved(folder) {
        fs::remove_file(path).unwrap();
    }
    for (path, bytes) in files {
        fs::write(path, bytes).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    }
}

#[test]
fn a_rotation_that_was_cut_at_any_step_is_finished_or_has_never_been() {
    story(|world| async move {
        let (keys, journal) = (
            world.config().keys_dir,
            world.config().ledger_dir().join("journal"),
        );
        world.start().await.shutdown().await;
        let (keys_before, journal_before) = (saved(&keys), saved(&journal));
        world.rotates_the_ledger().await.unwrap();
        let (keys_after, journal_after) = (saved(&keys), saved(&journal));
        let of = |files: &[(std::path::PathBuf, Vec<u8>)], name: &str| {
            let found = files.iter().find(|(path, _)| path.ends_with(name));
            found.unwrap().1.clone()
        };
        let note = of(&keys_after, SUCCESSIONS);
        let next_key = of(&keys_after, "ledger.pem");
        let begun = |with_list: bool, switched: bool, vkey: bool| {
            let mut files = keys_before.clone();
            let put = |files: &mut Vec<_>, name: &str, bytes: &[u8]| {
                let path = keys.join(name);
                files.retain(|(there, _): &(std::path::PathBuf, Vec<u8>)| *there != path);
                files.push((path, bytes.to_vec()));
            };
            put(&mut files, "ledger.next.succession", &note);
            match switched {
                true => put(&mut files, "ledger.pem", &next_key),
                false => put(&mut files, "ledger.next.pem", &next_key),
            }
            if with_list {
                put(&mut files, SUCCESSIONS, &note);
            }
            if vkey {
                put(&mut files, "ledger.vkey", &of(&keys_after, "ledger.vkey"));
            }
            files
        };
        let torn = {
            let mut files = journal_after.clone();
            let last = files.iter_mut().max().unwrap();
            let whole = journal_before.iter().max().unwrap().1.len();
            let half = whole + (last.1.len() - whole) / 2;
            last.1.truncate(half);
            files
        };
        // What is on disk, and whether the ledger was handed over.
        let cuts = [
            (begun(false, false, false), journal_before.clone(), false),
            (begun(false, false, false), torn, false),
            (begun(false, false, false), journal_after.clone(), true),
            (begun(true, false, false), journal_after.clone(), true),
            (begun(true, true, false), journal_after.clone(), true),
            (begun(true, true, true), journal_after.clone(), true),
        ];
        for (cut, (keys_then, journal_then, is_handed_over)) in cuts.into_iter().enumerate() {
            put_back(&keys, &keys_then);
            put_back(&journal, &journal_then);
            let _ = fs::remove_dir_all(world.config().index_dir());
            let _ = fs::remove_file(world.config().ledger_dir().join("checkpoint"));
            let running = world.start().await;
            let all = kinds(&running);
            let repaired = |change: &Change| matches!(change, Change::LedgerRepaired { .. });
            assert_eq!(
                all.iter().any(repaired),
                cut == 1,
                "{cut}: the torn tail is told"
            );
            running.shutdown().await;
            assert_eq!(
                world.handed_over().await.len(),
                usize::from(is_handed_over),
                "{cut}"
            );
            assert_eq!(world.damage(), [""; 0], "{cut}");
            assert_eq!(
                world.ledger_keys().all().count(),
                1 + usize::from(is_handed_over)
            );
            let left = world.key_files();
            assert!(
                !left.iter().any(|name| name.contains("next")),
                "{cut}: {left:?}"
            );
            // And it can be rotated again.
            world.rotates_the_ledger().await.unwrap();
            assert_eq!(world.damage(), [""; 0], "{cut}");
        }
    });
}

#[test]
fn whoever_puts_an_older_backup_of_the_keys_back_is_told_so_and_signs_nothing() {
    story(|world| async move {
        world.start().await.shutdown().await;
        let keys = world.config().keys_dir;
        let before = saved(&keys);
        world.rotates_the_ledger().await.unwrap();
        let after = saved(&keys);
        // Before anything was signed by the new key, and then.
        put_back(&keys, &before);
        let config = world.config();
        let opened = Stores::open(&config, Keys::to_write(&config).unwrap().signing());
        let refused = opened.err().unwrap().to_string();
        assert!(refused.contains("is from before that"), "{refused}");
        assert!(
            world
                .refuses()
                .await
                .to_string()
                .contains("is from before that")
        );
        put_back(&keys, &after);
        world.start().await.shutdown().await;
        put_back(&keys, &before);
        let refused = world.refuses().await.to_string();
        assert!(
            refused.contains("the newest commit is not ours"),
            "{refused}"
        );
        assert!(refused.contains("key was rotated"), "{refused}");
        // The list of keys alone is lost: nothing is started that laptops could not follow.
        put_back(&keys, &after);
        fs::remove_file(keys.join(SUCCESSIONS)).unwrap();
        assert!(world.refuses().await.to_string().len() > 10);
        // Somebody slips another successor in.
        put_back(&keys, &after);
        let signer = load_ledger_key(&world.keys(), &world.config().ledger_origin()).unwrap();
        let forged = begin_succession(&world.keys(), &signer, 1_000_000).unwrap();
        let all = [world.ledger_keys().successions(), &[forged]].concat();
        put_back(&keys, &after);
        fs::write(keys.join(SUCCESSIONS), succession::to_text(&all)).unwrap();
        let refused = world.refuses().await.to_string();
        assert!(refused.contains("made after that rotation"), "{refused}");
        put_back(&keys, &after);
        world.start().await.shutdown().await;
        assert!(signer.verifier() == world.ledger_keys().newest());
    });
}
