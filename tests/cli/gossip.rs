//! Two brokers on copies of one data folder: one is shown to Mia, the other to Leon. Each is consistent in itself,
//! and signed by the same key; what people sign carries the heads from one to the other.

use std::fs;
use std::path::PathBuf;

use breakglass_tests::Playground;
use breakglass_tests::backup::copied;
use breakglass_tests::playground::{Output, Ports, Process, binary};
use breakglass_tlog::{SignedCheckpoint, VerifierKey};
use serde_json::Value;

/// The broker everybody enrolled with, and another one on a copy of its folder.
struct Two {
    here: Playground,
    elsewhere: String,
    data: PathBuf,
    _kept: Ports,
    _other: Process,
}

impl Two {
    fn begin() -> Self {
        let mut here = Playground::begins();
        here.opens("the worker floods");
        here.stops();
        let folder = here.path("another broker");
        fs::create_dir(&folder).unwrap();
        let data = folder.join("data");
        copied(&here.data(), &data);
        copied(&here.policy(), &folder.join("policy.toml"));
        let ports = Ports::reserve();
        let config = folder.join("glassd.toml");
        let text = format!(
            "data_dir = {:?}\nlisten = \"127.0.0.1:{}\"\nweb_listen = \"127.0.0.1:{}\"\n\
             metrics_listen = \"127.0.0.1:{}\"\nledger_origin = {:?}\n",
            data.to_string_lossy(),
            ports.grpc,
            ports.web,
            ports.metrics,
            origin(&here),
        );
        fs::write(&config, text).unwrap();
        let mut serve = here.command(binary("glassd"));
        serve.arg("serve").arg("--config").arg(&config);
        let mut other = Process::spawn(serve);
        other.says("serving");
        here.serves();
        Self {
            here,
            elsewhere: format!("https://localhost:{}", ports.grpc),
            data,
            _kept: ports,
            _other: other,
        }
    }

    /// Somebody is shown the other broker, as by whoever controls the name it is found under.
    fn elsewhere(&self, who: &str, words: &[&str]) -> Output {
        let mut command = self.here.glass_command(who, words);
        command.env("GLASS_SERVER", &self.elsewhere);
        Process::spawn(command).finishes()
    }

    /// Each side has a story of its own.
    fn tell_two_stories(&self) {
        for number in 0..4 {
            let text = format!("as Mia saw it, {number}");
            self.here.done("mia", &["incident", "note", &text]);
            let text = format!("as Leon saw it, {number}");
            let said = self.elsewhere("leon", &["incident", "note", &text]);
            assert_eq!(said.code, 0, "{said}");
        }
    }

    fn evidence(&self, who: &str) -> PathBuf {
        let place = format!("contexts/{who}/evidence");
        self.here.contexts().join(place)
    }

    /// Somebody stops, with both heads: each signed by the key that everybody pinned.
    fn finds_out(&self, who: &str, said: &Output) {
        assert_eq!(said.code, 86, "{said}");
        assert!(said.err.contains("VERIFICATION FAILED"), "{said}");
        let mut kept: Vec<_> = fs::read_dir(self.evidence(who)).unwrap().collect();
        let folder = kept.pop().unwrap().unwrap().path();
        assert!(said.err.contains(self.evidence(who).to_str().unwrap()));
        let vkey = fs::read_to_string(self.here.data().join("keys/ledger.vkey")).unwrap();
        let vkey = VerifierKey::parse(vkey.trim()).unwrap();
        for name in ["remembered.checkpoint", "received.checkpoint"] {
            let note = fs::read_to_string(folder.join(name)).unwrap();
            SignedCheckpoint::verify(&note, &vkey).unwrap();
        }
    }
}

fn origin(playground: &Playground) -> String {
    let vkey = fs::read_to_string(playground.data().join("keys/ledger.vkey")).unwrap();
    vkey.split('+').next().unwrap().to_owned()
}

fn refused(playground: &Playground) -> Value {
    playground.entries_of("refused").pop().expect("a refusal")
}

#[test]
fn leons_approval_brings_his_head_to_mias_broker() {
    let two = Two::begin();
    two.tell_two_stories();
    let asked = [
        "request",
        "migrate-shop-db",
        "-m",
        "the table is broken",
        "--no-wait",
    ];
    assert_eq!(two.here.glass("mia", &asked).code, 81);
    // He answers at last, over the way that leads to hers.
    let said = two.here.glass("leon", &["approve", "G-1", "--yes"]);
    two.finds_out("leon", &said);
    assert!(two.here.entries_of("grant.started").is_empty());
    let said = two
        .here
        .glass("leon", &["incident", "note", "did you get my yes?"]);
    two.finds_out("leon", &said);
    assert!(said.err.contains("The broker refuses for it"), "{said}");
    let refused = refused(&two.here);
    assert_eq!(refused["reason"], "LEDGER_FORKED");
    assert!(
        refused["checkpoint"]
            .as_str()
            .unwrap()
            .starts_with(&origin(&two.here))
    );
    // Everybody who looks is told, and whoever reads it holds it against what they know.
    let said = two.here.done("support", &["status"]);
    assert!(said.out.contains("ANOTHER HISTORY"), "{said}");
    let said = two
        .here
        .glass("mia", &["ledger", "list", "--kind", "refused"]);
    two.finds_out("mia", &said);
    assert!(
        said.out.contains("another history"),
        "it is shown first: {said}"
    );
    let index = refused["index"].to_string();
    let said = two.here.glass("support", &["ledger", "show", &index]);
    two.finds_out("support", &said);
    assert!(
        said.out.contains("LEDGER_FORKED"),
        "it is shown first: {said}"
    );
    // The ledger itself is whole, and says what it knows.
    let said = two.here.done("founder", &["ledger", "verify"]);
    assert!(
        said.err.contains("ANOTHER HISTORY") || said.out.contains("ANOTHER HISTORY"),
        "{said}"
    );
    assert!(said.out.contains("is whole"), "{said}");
}

/// An entry that was signed by somebody who saw the other side, in the ledger of a broker that takes it: one of
/// its owner's own.
#[test]
fn what_a_broker_took_all_the_same_is_found_by_whoever_reads_it() {
    let two = Two::begin();
    two.tell_two_stories();
    let theirs = two.data.join("ledger/journal");
    let lines = fs::read_dir(theirs).unwrap();
    let texts: String = lines
        .map(|file| fs::read_to_string(file.unwrap().path()).unwrap())
        .collect();
    let seen = texts.lines().filter(|line| line.contains("\\nseen: "));
    assert!(seen.count() >= 4, "each act brings along what was seen");
    // Leon comes over with what he knows, and ends what only ends.
    let asked = [
        "request",
        "migrate-shop-db",
        "-m",
        "the table is broken",
        "--no-wait",
    ];
    assert_eq!(two.here.glass("mia", &asked).code, 81);
    let said = two
        .here
        .glass("leon", &["deny", "G-1", "-m", "not on this one"]);
    two.finds_out("leon", &said);
    assert!(said.err.contains("done all the same"), "{said}");
    let ended = two.here.entries_of("grant.ended").pop().unwrap();
    assert_eq!(
        (&ended["ending"], &ended["by"]),
        (&"denied".into(), &"leon".into())
    );
}

#[test]
fn who_follows_hears_of_it_at_once() {
    let two = Two::begin();
    two.tell_two_stories();
    let next = two.here.entries().len().to_string();
    let mut follows = two
        .here
        .spawns("mia", &["ledger", "follow", "--from", &next]);
    two.here
        .done("support", &["incident", "note", "two customers wrote"]);
    follows.says("two customers wrote");
    let said = two.here.glass("leon", &["incident", "note", "am I alone?"]);
    assert_eq!(said.code, 86, "{said}");
    let said = follows.finishes();
    two.finds_out("mia", &said);
}

#[test]
fn who_enrols_again_says_what_the_laptop_knew() {
    let two = Two::begin();
    two.tell_two_stories();
    let invited = two
        .here
        .done("founder", &["-o", "json", "people", "invite", "leon"]);
    let line = invited.json()["enrolment"].as_str().unwrap().to_owned();
    // What leon's laptop has seen is of the address it was shown: the other broker's.
    let words = ["enroll", &line, "--device", "laptop", "--replace"];
    let said = two.here.glass("leon", &words);
    assert_eq!(said.code, 86, "{said}");
    assert!(said.err.contains("another history"), "{said}");
    let said = two.here.done("support", &["status"]);
    assert!(said.out.contains("somebody who enrols"), "{said}");
}
