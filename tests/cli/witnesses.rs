//! The real `glass witness` and the real `glassd`: two of three have to sign.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;

use breakglass_domain::policy::STARTER;
use breakglass_tests::backup::copied;
use breakglass_tests::playground::{Output, Ports, Process, Rules};
use breakglass_tests::{Playground, TEAM, wait};
use breakglass_tlog::{
    AddCheckpoint, Checkpoint, Ed25519Signer, Hash, KeyName, NoteSigner as _, SignatureLine,
    SignedCheckpoint, StoredHashes, VerifierKey,
    tree::{prove_consistency, tree_hash},
};
use rustix::process::Signal;

const NAMES: [&str; 3] = ["otto", "nina", "paul"];

/// A broker, and three folders of witnesses; which of them run is up to the story.
struct Night {
    playground: Playground,
    ports: [u16; 3],
    vkeys: Vec<String>,
    running: [Option<Process>; 3],
    _kept: Ports,
}

impl Night {
    /// The starter's policy with two of three witnesses, without whom nobody deploys; these run.
    fn with(running: &[usize]) -> Self {
        let playground = Playground::empty(Rules::default());
        let kept = Ports::reserve();
        let mut night = Self {
            ports: [kept.grpc, kept.web, kept.metrics],
            vkeys: Vec::new(),
            running: [None, None, None],
            _kept: kept,
            playground,
        };
        for name in NAMES {
            let dir = night.dir(name);
            let named = format!("{name}.example/witness");
            let made = night.witness(&["-o", "json", "witness", "init", &named], &dir);
            assert_eq!(made.code, 0, "{made}");
            night
                .vkeys
                .push(made.json()["vkey"].as_str().unwrap().to_owned());
        }
        night.writes_policy_and_config();
        let words: Vec<_> = TEAM.iter().flat_map(|who| ["--invite", who]).collect();
        let made = night.playground.glassd(&[&["init"][..], &words].concat());
        assert_eq!(made.code, 0, "{made}");
        let log = night.log_vkey();
        for name in NAMES {
            let dir = night.dir(name);
            let added = night.witness(&["witness", "add-log", &log], &dir);
            assert_eq!(added.code, 0, "{added}");
        }
        for number in running {
            night.starts(*number);
        }
        night.playground.serves();
        for (who, line) in made.invitations() {
            night.playground.enrols(&who, &line);
        }
        night
    }

    fn writes_policy_and_config(&self) {
        let right = "[rights.deploy-shop]\n";
        assert!(STARTER.contains(right));
        let mut policy =
            STARTER.replace(right, &format!("{right}without_witnesses = \"refuse\"\n"));
        policy.push_str("\n[witnesses]\nneed = 2\n[witnesses.keys]\n");
        let mut config = fs::read_to_string(self.playground.config()).unwrap();
        for (number, name) in NAMES.iter().enumerate() {
            let (vkey, port) = (&self.vkeys[number], self.ports[number]);
            policy.push_str(&format!("{name} = \"{vkey}\"\n"));
            let url = format!("http://127.0.0.1:{port}");
            config.push_str(&format!("[witness.{name}]\nurl = \"{url}\"\n"));
        }
        fs::write(self.playground.policy(), policy).unwrap();
        fs::write(self.playground.config(), config).unwrap();
    }

    fn log_vkey(&self) -> String {
        let path = self.playground.data().join("keys/ledger.vkey");
        fs::read_to_string(path).unwrap().trim().to_owned()
    }

    fn dir(&self, name: &str) -> PathBuf {
        self.playground.path(&format!("the witness {name}"))
    }

    fn witness(&self, words: &[&str], dir: &Path) -> Output {
        let dir = dir.to_str().unwrap();
        self.playground
            .glass("nobody", &[words, &["--dir", dir]].concat())
    }

    fn starts(&mut self, number: usize) {
        let dir = self.dir(NAMES[number]);
        let address = format!("127.0.0.1:{}", self.ports[number]);
        let words = [
            "witness",
            "serve",
            "--dir",
            dir.to_str().unwrap(),
            "--listen",
            &address,
        ];
        let mut process = self.playground.spawns("nobody", &words);
        process.says("listens on");
        self.running[number] = Some(process);
    }

    fn is_killed(&mut self, number: usize) {
        let process = self.running[number].take().unwrap();
        process.signal(Signal::KILL);
        let _ = process.finishes();
    }

    fn deploys(&self) -> Output {
        let words = ["exec", "deploy-shop", "-m", "revert", "--", "true"];
        self.playground.glass("mia", &words)
    }

    fn problems(&self) -> Vec<String> {
        let status = self
            .playground
            .done("mia", &["-o", "json", "status"])
            .json();
        let problems = status["problems"].as_array().unwrap();
        let text = |it: &serde_json::Value| it.as_str().unwrap().to_owned();
        problems.iter().map(text).collect()
    }

    fn until_told(&self, what: &str) {
        wait::until(what, "witnesses are asked beside everything", || {
            self.problems()
                .iter()
                .any(|it| it.contains(what))
                .then_some(())
        });
    }

    fn until_well(&self) {
        wait::until(
            "all is well",
            "witnesses are asked beside everything",
            || self.problems().is_empty().then_some(()),
        );
    }

    fn verifies(&self, demanded: &[usize]) -> Output {
        let mut words = vec!["-o", "json", "ledger", "verify"];
        for number in demanded {
            words.extend(["--witness", &self.vkeys[*number]]);
        }
        self.playground.glass("mia", &words)
    }

    /// The other verifier, over the ledger's own folder.
    fn python(&self, demanded: &[usize]) -> std::process::Output {
        Command::new("/usr/bin/python3")
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/verify_ledger.py"))
            .arg(self.playground.data().join("ledger"))
            .arg(self.log_vkey())
            .args(demanded.iter().map(|number| &self.vkeys[*number]))
            .output()
            .unwrap()
    }

    fn metric(&self, name: &str) -> f64 {
        let port = self.playground.ports().metrics;
        let told = http(
            port,
            "GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        );
        let line = told
            .lines()
            .find(|line| line.starts_with(&format!("{name} ")));
        let line = line.unwrap_or_else(|| panic!("no {name} in {told}"));
        line.rsplit(' ').next().unwrap().parse().unwrap()
    }
}

/// Everything that comes back until the other side hangs up.
fn http(port: u16, request: &str) -> String {
    let mut stream = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], port))).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn two_of_three_sign_and_while_one_of_them_is_down_nobody_deploys() {
    let mut night = Night::with(&[0, 1]);
    night.playground.opens("the worker floods");
    // Two are enough, and the third has never been there.
    let deployed = night.deploys();
    assert_eq!(deployed.code, 0, "{deployed}");
    assert_eq!(night.metric("breakglass_ledger_unwitnessed"), 0.0);
    assert_eq!(night.metric("breakglass_witnesses_needed"), 2.0);
    let verified = night.verifies(&[0, 1]);
    assert_eq!(verified.code, 0, "{verified}");
    let names: Vec<_> = verified.json()["witnesses"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(names, ["otto.example/witness", "nina.example/witness"]);
    let demanded = night.verifies(&[2]);
    assert_eq!(demanded.code, 86, "{demanded}");
    assert!(
        demanded
            .err
            .contains("paul.example/witness has not signed it")
    );

    night.is_killed(1);
    let refused = night.deploys();
    assert_eq!(refused.code, 85, "{refused}");
    assert!(
        refused.err.contains("too few witnesses sign the ledger"),
        "{refused}"
    );
    assert!(refused.err.contains("glass status"), "{refused}");
    // The grant that began without its credential was given back.
    assert!(refused.err.contains("gave G-"), "{refused}");
    let (begun, ended) = ("grant.requested", "grant.ended");
    let grants = |kind| night.playground.entries_of(kind).len();
    assert_eq!(grants(begun), grants(ended));
    night.until_told("TOO FEW WITNESSES");
    assert_eq!(night.metric("breakglass_ledger_unwitnessed"), 1.0);
    // What does not need them goes on, and is marked.
    let words = ["exec", "restart-worker", "-m", "stuck", "--", "true"];
    night.playground.done("mia", &words);
    let marked = night.playground.entries_of("credential.issued");
    let words: Vec<_> = marked.iter().map(|it| it["witnesses"].as_str()).collect();
    assert_eq!(words.last(), Some(&Some("missing")));
    let refused = night.playground.entries_of("refused");
    assert!(
        refused.iter().any(|it| it["reason"] == "NOT_WITNESSED"),
        "{refused:?}"
    );

    night.starts(1);
    night.until_well();
    let deployed = night.deploys();
    assert_eq!(deployed.code, 0, "{deployed}");
    let verified = night.verifies(&[0, 1]);
    assert_eq!(verified.code, 0, "{verified}");
    assert_eq!(verified.json()["unwitnessed"].as_array().unwrap().len(), 1);
    night.playground.stops();
    let python = night.python(&[0, 1]);
    let told = String::from_utf8_lossy(&python.stdout);
    assert!(
        python.status.success(),
        "{told}{}",
        String::from_utf8_lossy(&python.stderr)
    );
    assert!(
        told.contains("cosigned by otto.example/witness at "),
        "{told}"
    );
    assert!(!night.python(&[2]).status.success());
}

#[test]
fn an_older_copy_of_the_ledger_is_not_signed_nor_what_it_grows_into() {
    let mut night = Night::with(&[0, 1]);
    night.playground.opens("the worker floods");
    night.playground.stops();
    let (data, backup) = (night.playground.data(), night.playground.path("a backup"));
    copied(&data, &backup);
    night.playground.serves();
    for number in 0..3 {
        let text = format!("what really happened, {number}");
        night.playground.done("mia", &["incident", "note", &text]);
    }
    assert_eq!(night.deploys().code, 0);
    night.playground.stops();
    fs::remove_dir_all(&data).unwrap();
    copied(&backup, &data);
    night.playground.serves();
    // Leon's laptop has seen nothing of it, and only the witnesses know.
    let status = || night.playground.glass("leon", &["-o", "json", "status"]);
    let told = |what: &str| {
        wait::until(what, "witnesses are asked beside everything", || {
            let said = status();
            (said.code == 0 && said.out.contains(what)).then_some(())
        });
    };
    told("an older copy of the ledger was put in its place");
    let refused = ["exec", "deploy-shop", "-m", "revert", "--", "true"];
    let refused = night.playground.glass("leon", &refused);
    assert_eq!(refused.code, 85, "{refused}");
    for number in 0..20 {
        let text = format!("what somebody wants to be believed, {number}");
        night.playground.done("leon", &["incident", "note", &text]);
    }
    told("it has signed another history of this ledger");
}

/// A ledger of the story's own, and the key that signs it.
struct Log {
    tree: StoredHashes,
    signer: Ed25519Signer,
}

impl Log {
    fn of(entries: &[&str]) -> Self {
        let mut tree = StoredHashes::new();
        for entry in entries {
            tree.push(Hash::of_leaf(entry.as_bytes()));
        }
        let name = KeyName::parse("glass.example/ledger").unwrap();
        let signer = Ed25519Signer::from_seed(name, &[7; 32]).unwrap();
        Self { tree, signer }
    }

    fn note(&self, size: u64) -> String {
        let root = tree_hash(size, &self.tree).unwrap();
        let head = Checkpoint::new(self.signer.name().as_str(), size, root).unwrap();
        let signed = SignedCheckpoint::sign(&head, &self.signer).unwrap();
        signed.note().to_owned()
    }

    fn request(&self, old: u64, new: u64) -> String {
        let proof = match old {
            0 => Vec::new(),
            old => prove_consistency(old, new, &self.tree).unwrap().hashes,
        };
        let note = self.note(new);
        let body = AddCheckpoint { old, proof, note }.to_string();
        format!(
            "POST /add-checkpoint HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        )
    }
}

/// One witness that runs, of that ledger.
struct Alone {
    playground: Playground,
    port: u16,
    vkey: VerifierKey,
    process: Option<Process>,
    _kept: Ports,
}

impl Alone {
    fn knows(log: &Log) -> Self {
        let playground = Playground::empty(Rules::default());
        let kept = Ports::reserve();
        let log = log.signer.verifier().to_string();
        let dir = playground.path("w").to_str().unwrap().to_owned();
        let words = [
            "-o",
            "json",
            "witness",
            "init",
            "w.example/w",
            "--dir",
            &dir,
            "--log",
            &log,
        ];
        let made = playground.done("nobody", &words);
        let vkey = made.json()["vkey"].as_str().unwrap().to_owned();
        let mut alone = Self {
            port: kept.grpc,
            vkey: VerifierKey::parse(&vkey).unwrap(),
            process: None,
            playground,
            _kept: kept,
        };
        alone.starts();
        alone
    }

    fn starts(&mut self) {
        let address = format!("127.0.0.1:{}", self.port);
        let dir = self.playground.path("w").to_str().unwrap().to_owned();
        let words = ["witness", "serve", "--dir", &dir, "--listen", &address];
        let mut process = self.playground.spawns("nobody", &words);
        process.says("listens on");
        self.process = Some(process);
    }

    fn state(&self) -> String {
        let logs = fs::read_dir(self.playground.path("w/logs")).unwrap();
        let file = logs
            .map(|it| it.unwrap().path())
            .find(|it| it.extension().is_none());
        fs::read_to_string(file.unwrap()).unwrap()
    }
}

#[test]
fn a_witness_killed_after_it_kept_and_before_it_answered_goes_on_from_there() {
    let log = Log::of(&["a", "b", "c", "d", "e"]);
    let mut alone = Alone::knows(&log);
    let mut stream = TcpStream::connect(("127.0.0.1", alone.port)).unwrap();
    stream.write_all(log.request(0, 3).as_bytes()).unwrap();
    wait::until("it is kept", "the disk tells nobody", || {
        alone.state().contains("cosigned 3\n").then_some(())
    });
    // The answer is never read: as if it had not been sent.
    let process = alone.process.take().unwrap();
    process.signal(Signal::KILL);
    let _ = process.finishes();
    drop(stream);

    alone.starts();
    let fork = Log::of(&["a", "b", "X", "d", "e"]);
    let told = http(alone.port, &log.request(0, 3));
    assert!(told.starts_with("HTTP/1.1 409 "), "{told}");
    assert!(
        told.contains("content-type: text/x.tlog.size\r\n"),
        "{told}"
    );
    assert!(told.ends_with("\r\n\r\n3\n"), "{told}");
    for (request, status) in [
        (fork.request(3, 3), "409"),
        (fork.request(3, 5), "422"),
        (fork.request(0, 5), "409"),
        (Log::of(&["a"]).request(0, 1), "409"),
    ] {
        let told = http(alone.port, &request);
        assert!(told.starts_with(&format!("HTTP/1.1 {status} ")), "{told}");
    }
    // The same once more, and on from there.
    for (old, new) in [(3, 3), (3, 5)] {
        let told = http(alone.port, &log.request(old, new));
        assert!(told.starts_with("HTTP/1.1 200 "), "{told}");
        let line = told.rsplit("\r\n").next().unwrap().trim_end();
        let text = log.note(new);
        let text = format!("{}\n", text.rsplit_once("\n\n").unwrap().0);
        let line = SignatureLine::parse(line).unwrap();
        alone.vkey.verify(&text, &line).unwrap();
    }
}

#[test]
fn a_witness_shuts_out_what_is_no_checkpoint_and_stops_when_told() {
    let log = Log::of(&["a"]);
    let mut alone = Alone::knows(&log);
    for (request, status) in [
        (
            "GET /add-checkpoint HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
            "405",
        ),
        (
            "POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
            "404",
        ),
        (
            "POST /add-checkpoint HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\nconnection: close\r\n\r\n\u{1b}[2",
            "400",
        ),
    ] {
        let told = http(alone.port, request);
        assert!(told.starts_with(&format!("HTTP/1.1 {status} ")), "{told}");
    }
    let long = "POST /add-checkpoint HTTP/1.1\r\nhost: x\r\ncontent-length: 200000\r\nconnection: close\r\n\r\n";
    let told = http(alone.port, long);
    assert!(told.starts_with("HTTP/1.1 413 "), "{told}");
    // While it serves nobody else works with its folder.
    let dir = alone.playground.path("w").to_str().unwrap().to_owned();
    let shown = alone
        .playground
        .glass("nobody", &["witness", "show", "--dir", &dir]);
    assert_eq!(shown.code, 1, "{shown}");
    assert!(
        shown.err.contains("another glass witness works with"),
        "{shown}"
    );
    let process = alone.process.take().unwrap();
    process.signal(Signal::TERM);
    let said = process.finishes();
    assert_eq!(said.code, 0, "{said}");
    let shown = alone
        .playground
        .done("nobody", &["witness", "show", "--dir", &dir]);
    assert!(shown.out.contains("glass.example/ledger"), "{shown}");
    // It remembers; what it remembers is damaged; it does not start.
    let logs = alone.playground.path("w/logs");
    let file = fs::read_dir(logs).unwrap().next().unwrap().unwrap().path();
    fs::write(file, "breakglass-witness/v1\n").unwrap();
    let words = ["witness", "serve", "--dir", &dir, "--listen", "127.0.0.1:0"];
    let said = alone.playground.glass("nobody", &words);
    assert_eq!(said.code, 1, "{said}");
    assert!(said.err.contains("could sign a second history"), "{said}");
}
