//! Every call to the disk is once the last one of a run.

use std::{
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use super::*;

/// A disk on which the call of some number fails, in some way; the program ends with it, so that no
/// call after it happens either.
struct Breaking {
    calls: Arc<AtomicUsize>,
    fails_at: usize,
    how: How,
}

#[derive(Debug, Clone, Copy)]
enum How {
    /// Nothing happens.
    Cleanly,
    /// It happens, and fails all the same.
    Landed,
    /// Half of a file is written.
    Torn,
}

impl Breaking {
    fn call(&self, half: impl FnOnce(), whole: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        let number = self.calls.fetch_add(1, Ordering::Relaxed);
        if number < self.fails_at {
            return whole();
        }
        if number == self.fails_at {
            match self.how {
                How::Cleanly => {}
                How::Landed => whole()?,
                How::Torn => half(),
            }
        }
        Err(io::Error::other("the disk of the story"))
    }
}

impl Disk for Breaking {
    fn create(&self, folder: &Path, mode: u32) -> io::Result<()> {
        self.call(|| (), || System.create(folder, mode))
    }
    fn write(&self, path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
        let half = || System.write(path, &bytes[..bytes.len() / 2], mode).unwrap();
        self.call(half, || System.write(path, bytes, mode))
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.call(|| (), || System.rename(from, to))
    }
    fn sync(&self, folder: &Path) -> io::Result<()> {
        self.call(|| (), || System.sync(folder))
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        self.call(|| (), || System.remove(path))
    }
}

/// From nothing, and from an older head, each call to the disk is the last one of a run.
#[tokio::test]
async fn a_run_that_ends_at_any_call_leaves_a_whole_mirror_and_the_next_goes_on() {
    for (old, new) in [(0, 300), (200, 530)] {
        for how in [How::Cleanly, How::Landed, How::Torn] {
            let mut broken = 0;
            for fails_at in 0.. {
                let host = Host::new();
                let served = Served::of(600).at(old);
                if old > 0 {
                    host.keeps(&served).await.unwrap();
                }
                let served = served.at(new);
                let calls = Arc::new(AtomicUsize::new(0));
                let disk = Breaking {
                    calls: Arc::clone(&calls),
                    fails_at,
                    how,
                };
                let run = host.keeps_on(Box::new(disk), &served).await;
                if calls.load(Ordering::Relaxed) <= fails_at {
                    run.unwrap();
                    break;
                }
                broken += 1;
                let what = format!("call {fails_at} from {old} {how:?}");
                assert_eq!(run.unwrap_err().reason(), "FILE", "{what}");
                let whole_for = host.is_whole_for();
                assert!(whole_for == old || whole_for == new, "{what}: {whole_for}");
                let kept = host.keeps(&served).await.unwrap();
                assert_eq!(kept.mended, Vec::<String>::new(), "{what}");
                let (found, wanted) = (host.files(), served.files(new));
                for (name, bytes) in &wanted {
                    assert_eq!(found.get(name), Some(bytes), "{what}: {name}");
                }
                assert_eq!(host.is_whole_for(), new);
            }
            assert!(broken > 20, "{broken}");
        }
    }
}
