//! The keys that targets trust, and what follows them.

use super::super::super::rotate_target::{Step, Which, rotate};
use super::super::super::target_keys::TargetKeys;
use super::*;
use crate::issue::keys::KeyFolder;

impl World {
    /// What the operator does while no broker runs.
    async fn rotates(&self, which: Which, step: Step) -> Result<String, Failure> {
        let (config, clock) = (self.config(), self.clock.clone());
        let rotating = tokio::task::spawn_blocking(move || {
            let said = Said::default();
            let mut printer = Printer::to(said.clone(), std::io::sink());
            let entropy = SystemEntropy::open().unwrap();
            rotate(&config, (which, step), clock, &entropy, &mut printer)?;
            Ok(said.text())
        });
        rotating.await.unwrap()
    }
}

/// What a command printed.
#[derive(Clone, Default)]
struct Said(Arc<Mutex<Vec<u8>>>);

impl Said {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl std::io::Write for Said {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The keys for a purpose that are on record and not retired.
fn believed(running: &Running, purpose: KeyPurpose) -> Vec<String> {
    let mut known: Vec<String> = Vec::new();
    for change in kinds(running) {
        match change {
            Change::KeyAdded {
                purpose: of, id, ..
            } if of == purpose => known.push(id),
            Change::KeyRetired { purpose: of, id } if of == purpose => known.retain(|it| *it != id),
            _ => {}
        }
    }
    known
}

const EACH: [(Which, KeyPurpose, &str); 3] = [
    (Which::SshUser, KeyPurpose::SshUser, "ssh-user"),
    (Which::SshHost, KeyPurpose::SshHost, "ssh-host"),
    (Which::Targets, KeyPurpose::Targets, "targets"),
];

#[test]
fn a_key_for_targets_is_followed_by_one_that_they_were_told_of_before() {
    story(|world| async move {
        let keys = world.config().keys_dir;
        for (which, purpose, name) in EACH {
            let running = world.start().await;
            let first = believed(&running, purpose);
            assert_eq!(first.len(), 1);
            let busy = world.rotates(which, Step::Next).await.unwrap_err();
            assert!(
                busy.next().unwrap().contains("systemctl stop glassd"),
                "{busy}"
            );
            running.shutdown().await;
            let early = world.rotates(which, Step::Switch).await.unwrap_err();
            assert_eq!(early.next().unwrap(), format!("glassd rotate --of {name}"));

            let said = world.rotates(which, Step::Next).await.unwrap();
            let again = world.rotates(which, Step::Next).await.unwrap_err();
            assert!(again.next().unwrap().ends_with("--switch"), "{again}");
            let running = world.start().await;
            let both = believed(&running, purpose);
            assert_eq!((both.len(), &both[0]), (2, &first[0]), "both are believed");
            assert!(said.contains(&both[1]), "{said}");
            let loaded = TargetKeys::load(&KeyFolder::open(&keys).unwrap()).unwrap();
            assert!(loaded.signs(purpose, &both[0]) && loaded.is_followed_by(purpose, &both[1]));
            running.shutdown().await;

            world.rotates(which, Step::Switch).await.unwrap();
            let running = world.start().await;
            assert_eq!(believed(&running, purpose), [both[1].clone()]);
            let loaded = TargetKeys::load(&KeyFolder::open(&keys).unwrap()).unwrap();
            assert!(loaded.signs(purpose, &both[1]) && !loaded.is_followed_by(purpose, &both[1]));
            running.shutdown().await;
        }
    });
}

#[test]
fn a_switch_that_was_broken_off_before_the_files_were_in_place_is_finished_by_the_next_start() {
    story(|world| async move {
        let keys = world.config().keys_dir;
        for (which, purpose, name) in EACH {
            world.start().await.shutdown().await;
            world.rotates(which, Step::Next).await.unwrap();
            let saved: Vec<_> = files(&keys, name).collect();
            world.rotates(which, Step::Switch).await.unwrap();
            // The entry is there, and the folder as it was before.
            for (path, bytes) in saved {
                std::fs::write(&path, bytes).unwrap();
                let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
                std::fs::set_permissions(&path, private).unwrap();
            }
            if which == Which::Targets {
                // Or half of it.
                std::fs::rename(keys.join("targets.next.crt"), keys.join("targets.crt")).unwrap();
            }
            let running = world.start().await;
            let believed = believed(&running, purpose);
            let loaded = TargetKeys::load(&KeyFolder::open(&keys).unwrap()).unwrap();
            assert!(loaded.signs(purpose, &believed[0]), "{name}");
            assert!(!loaded.is_followed_by(purpose, &believed[0]), "{name}");
            assert_eq!(files(&keys, &format!("{name}.next")).count(), 0);
            running.shutdown().await;
        }
    });
}

/// The files of a key, and what is in them.
fn files(
    keys: &std::path::Path,
    name: &str,
) -> impl Iterator<Item = (std::path::PathBuf, Vec<u8>)> {
    let prefix = format!("{name}.");
    let all = std::fs::read_dir(keys)
        .unwrap()
        .map(|file| file.unwrap().path());
    all.filter(move |path| {
        path.file_name()
            .unwrap()
            .to_string_lossy()
            .starts_with(&prefix)
    })
    .map(|path| {
        let bytes = std::fs::read(&path).unwrap();
        (path, bytes)
    })
}

#[test]
fn a_key_for_targets_that_is_lost_is_replaced_by_the_command_the_start_names() {
    story(|world| async move {
        let keys = world.config().keys_dir;
        for (which, purpose, name) in EACH {
            let running = world.start().await;
            let before = believed(&running, purpose);
            running.shutdown().await;
            std::fs::remove_file(keys.join(format!("{name}.pem"))).unwrap();
            let refused = world.refuses().await;
            let named = format!("glassd rotate --of {name} --compromised");
            assert!(refused.next().unwrap().ends_with(&named), "{refused}");
            let said = world.rotates(which, Step::AtOnce).await.unwrap();
            assert!(said.contains("no target believes it yet"), "{said}");
            let running = world.start().await;
            let after = believed(&running, purpose);
            assert_eq!(after.len(), 1);
            assert_ne!(after, before, "it is retired, and another one is there");
            running.shutdown().await;
        }
    });
}
