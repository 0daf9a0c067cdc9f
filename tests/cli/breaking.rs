//! The machine under the broker breaks: it is killed, its disk fails or is full. Nothing that was
//! acknowledged is lost, and nothing is issued that is not on record.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Mutex;

use breakglass_tests::Playground;
use breakglass_tests::backup::copied;
use breakglass_tests::playground::Rules;
use rustix::process::{Pid, Resource, Rlimit, prlimit};

#[test]
fn killed_under_load_it_loses_nothing_it_acknowledged() {
    let mut playground = Playground::begins();
    playground.opens("the worker floods");
    let acknowledged = Mutex::new(Vec::new());
    for round in 0..3 {
        let victim = Pid::from_raw(playground.broker().id().cast_signed()).unwrap();
        let noted_before = acknowledged.lock().unwrap().len();
        std::thread::scope(|scope| {
            for writer in 0..3 {
                let (playground, acknowledged) = (&playground, &acknowledged);
                scope.spawn(move || notes_until_refused(playground, acknowledged, round, writer));
            }
            // In the middle of it: after some notes of this round were acknowledged.
            let because = "what other processes were told is known when they end";
            breakglass_tests::wait::until("some notes", because, || {
                (acknowledged.lock().unwrap().len() >= noted_before + 5).then_some(())
            });
            rustix::process::kill_process(victim, rustix::process::Signal::KILL).unwrap();
        });
        playground.is_killed();
        playground.serves();
        let entries = playground.entries();
        for (index, text) in acknowledged.lock().unwrap().iter() {
            let entry = &entries[usize::try_from(*index).unwrap()];
            assert_eq!(entry["text"], **text, "note at {index}");
        }
    }
    playground.done("designer", &["ledger", "verify"]);
    playground.stops();
    let said = playground.glassd(&["fsck"]);
    assert_eq!(said.code, 0, "{said}");
}

fn notes_until_refused(
    playground: &Playground,
    acknowledged: &Mutex<Vec<(u64, String)>>,
    round: usize,
    writer: usize,
) {
    for number in 0.. {
        let text = format!("round {round} writer {writer} note {number}");
        let said = playground.glass("mia", &["-o", "json", "incident", "note", &text]);
        if said.code != 0 {
            assert_eq!(said.code, 84, "{said}");
            return;
        }
        let index = said.json()["entry"]
            .as_u64()
            .expect("the place of its entry");
        acknowledged.lock().unwrap().push((index, text));
    }
}

/// A broker whose files may not grow when the story says so, as on a disk that fails.
fn on_a_failing_disk() -> Playground {
    let ignore = "trap '' XFSZ; exec \"$0\" \"$@\"";
    let through = ["sh", "-c", ignore].map(str::to_owned).to_vec();
    let playground = Playground::with(Rules {
        through,
        ..Rules::default()
    });
    playground.opens("the worker floods");
    playground
}

fn disk_fails(playground: &mut Playground, fails: bool) {
    let pid = Pid::from_raw(playground.broker().id().cast_signed());
    let current = if fails { Some(0) } else { None };
    prlimit(
        pid,
        Resource::Fsize,
        Rlimit {
            current,
            maximum: None,
        },
    )
    .unwrap();
}

#[test]
fn no_entry_no_credential() {
    let mut playground = on_a_failing_disk();
    playground.done("mia", &["request", "deploy-shop", "-m", "before"]);
    let (size, issued) = (
        playground.entries().len(),
        playground.entries_of("credential.issued"),
    );
    disk_fails(&mut playground, true);
    for words in [
        &["-o", "json", "request", "deploy-shop", "-m", "why"][..],
        &["-o", "json", "credential", "jwt", "--grant", "G-1"],
        &[
            "-o",
            "json",
            "exec",
            "deploy-shop",
            "-m",
            "why",
            "--",
            "echo",
            "has it",
        ],
        &["-o", "json", "incident", "note", "hello"],
    ] {
        let said = playground.glass("mia", words);
        assert_eq!(
            (said.code, said.reason().as_str()),
            (85, "LEDGER_UNAVAILABLE"),
            "{said}"
        );
        assert_eq!(said.out, "", "nothing was issued and nothing ran: {said}");
    }
    let status = playground.done("designer", &["status"]);
    assert!(
        status.out.contains("nothing can be recorded"),
        "everybody sees it: {status}"
    );
    disk_fails(&mut playground, false);
    // It goes on by itself.
    playground.done("mia", &["exec", "deploy-shop", "-m", "after", "--", "true"]);
    assert_eq!(
        playground.entries_of("credential.issued").len(),
        issued.len() + 1
    );
    assert!(playground.entries().len() > size);
    playground.done("designer", &["ledger", "verify"]);
    playground.stops();
    let said = playground.glassd(&["fsck"]);
    assert_eq!(said.code, 0, "{said}");
}

/// A small disk of its own; `None` where this system lets us make none.
struct Disk(PathBuf);

impl Disk {
    fn of(megabytes: u32) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap().keep();
        let size = format!("size={megabytes}m");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
            .arg(&folder)
            .status();
        if mounted.is_ok_and(|status| status.success()) {
            return Some(Self(folder));
        }
        fs::remove_dir(&folder).unwrap();
        None
    }

    /// Fills it to the last byte.
    fn is_filled(&self) {
        use std::io::Write as _;
        let mut file = fs::File::create(self.0.join("filler")).unwrap();
        while file.write_all(&[0; 4096]).is_ok() {}
    }

    fn is_read_only(&self, yes: bool) {
        let mode = if yes { "remount,ro" } else { "remount,rw" };
        let mounted = Command::new("mount")
            .args(["-o", mode])
            .arg(&self.0)
            .status();
        assert!(mounted.unwrap().success());
    }

    fn is_freed(&self) {
        fs::remove_file(self.0.join("filler")).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
        let _ = fs::remove_dir(&self.0);
    }
}

#[test]
fn on_a_full_disk_nothing_begins_and_everything_can_end() {
    let Some(disk) = Disk::of(64) else {
        // Only root may make one; the ledger's own fault tests cover the writes themselves.
        return;
    };
    let data = Some(disk.0.join("data"));
    let mut playground = Playground::with(Rules {
        data,
        ..Rules::default()
    });
    playground.opens("the worker floods");
    playground.done("mia", &["request", "deploy-shop", "-m", "before"]);
    playground.done("mia", &["request", "deploy-shop", "-m", "before"]);
    disk.is_filled();
    let ask: &[&str] = &["-o", "json", "request", "deploy-shop", "-m", "why"];
    let said = playground.glass("mia", ask);
    assert_eq!(
        (said.code, said.reason().as_str()),
        (85, "LEDGER_FULL"),
        "{said}"
    );
    playground.done("mia", &["drop", "G-1"]);
    let status = playground.done("designer", &["status"]);
    assert!(status.out.contains("only endings are recorded"), "{status}");
    let health = |playground: &Playground| {
        let ca = fs::read_to_string(playground.contexts().join("contexts/mia/ca.pem")).unwrap();
        let web = std::net::SocketAddr::from(([127, 0, 0, 1], playground.ports().web));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime
            .block_on(breakglass_tests::https::get(web, &ca, "/healthz"))
            .status
    };
    assert_eq!(health(&playground), 503, "although the drop was recorded");
    playground.done("leon", &["incident", "close", "-m", "fixed"]);
    assert_eq!(
        playground.entries_of("grant.ended").len(),
        2,
        "there is a reserve for endings"
    );
    disk.is_freed();
    let because = "the broker looks every few seconds whether there is room again";
    breakglass_tests::wait::until("it goes on by itself", because, || {
        let opened = playground.glass("mia", &["incident", "open", "another"]);
        (opened.code == 0).then_some(())
    });
    playground.done("mia", &["request", "deploy-shop", "-m", "after"]);
    assert_eq!(health(&playground), 200);
    playground.stops();
    let said = playground.glassd(&["fsck"]);
    assert_eq!(said.code, 0, "{said}");
}

#[test]
fn a_data_folder_that_cannot_be_written_is_said_to_be_one() {
    let Some(disk) = Disk::of(64) else {
        // Only root may make one.
        return;
    };
    let data = Some(disk.0.join("data"));
    let mut playground = Playground::with(Rules {
        data,
        ..Rules::default()
    });
    playground.stops();
    disk.is_read_only(true);
    let said = playground.glassd(&["check"]);
    assert_eq!(said.code, 1, "{said}");
    assert!(
        said.out.contains("cannot be written by this user"),
        "{said}"
    );
    let said = playground.glassd(&["fsck"]);
    assert_eq!(said.code, 0, "the ledger can be read: {said}");
    assert!(said.out.contains("the index is left out"), "{said}");
    for said in [
        playground.tries_to_serve().finishes(),
        playground.glassd(&["rotate"]),
    ] {
        assert_eq!(said.code, 1, "{said}");
        assert!(said.err.contains("next:  glassd check"), "{said}");
    }
    disk.is_read_only(false);
    playground.serves();
}

#[test]
fn an_index_that_belongs_to_another_copy_of_the_ledger_is_not_believed() {
    let mut playground = Playground::begins();
    playground.opens("the worker floods");
    playground.stops();
    let (ledger, index) = (
        playground.data().join("ledger"),
        playground.data().join("index"),
    );
    let (yesterday, kept) = (playground.path("yesterday"), playground.path("kept"));
    copied(&ledger, &yesterday);
    playground.serves();
    playground.done("mia", &["incident", "close", "-m", "it drains"]);
    playground.stops();
    copied(&index, &kept);

    // The ledger comes back from the backup, and goes on otherwise.
    for folder in [&ledger, &index] {
        fs::remove_dir_all(folder).unwrap();
    }
    copied(&yesterday, &ledger);
    playground.serves();
    for note in ["it does not drain", "40k waiting", "50k waiting"] {
        playground.done("leon", &["incident", "note", note]);
    }
    let said = playground.stops();
    assert!(!said.err.contains("made again"), "{said}");

    fs::remove_dir_all(&index).unwrap();
    copied(&kept, &index);
    playground.serves();
    playground.done(
        "leon",
        &["incident", "note", "in this history it is still open"],
    );
    let said = playground.stops();
    assert!(
        said.err.contains("the index is made again from the ledger"),
        "{said}"
    );
    assert!(
        said.err
            .contains("it is of another history than this ledger's"),
        "{said}"
    );
    let said = playground.glassd(&["fsck"]);
    assert_eq!(said.code, 0, "{said}");
}
