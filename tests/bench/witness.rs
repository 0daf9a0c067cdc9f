//! How long a witness takes to co-sign: a real `glass witness serve`, asked by one ledger for one
//! checkpoint after the other.
//!
//! The ceiling is what nobody can leave out, measured between the same questions: an HTTP round trip to
//! the same server, the newest checkpoint made durable (written beside, synced, renamed, the folder
//! synced), and one Ed25519 signature verified and one made.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use breakglass_tlog::{
    AddCheckpoint, Checkpoint, CosignatureSigner, Ed25519Signer, Hash, KeyName, Note,
    NoteSigner as _, SignatureLine, SignedCheckpoint, StoredHashes, VerifierKey,
    cosigned::{Cosigned, Quorum},
    tree::{prove_consistency, tree_hash},
};
use tokio::process::{Child, Command};

use crate::Outcome;
use crate::load::{Latencies, millis};
use crate::team::{binary, free_port, told};
use crate::tied::tied;

/// How much.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Size {
    /// Checkpoints, each of which has a few entries more
    #[arg(default_value_t = USUAL.checkpoints)]
    checkpoints: u64,
}

pub(crate) const USUAL: Size = Size { checkpoints: 300 };

/// Entries between two checkpoints.
const ENTRIES: u64 = 8;

/// One address may ask twenty times a second.
const PACE: Duration = Duration::from_millis(60);

/// The ledger that asks.
struct Log {
    tree: StoredHashes,
    signer: Ed25519Signer,
}

impl Log {
    fn new() -> Outcome<Self> {
        let name = KeyName::parse("bench.example/ledger")?;
        Ok(Self {
            tree: StoredHashes::new(),
            signer: Ed25519Signer::from_seed(name, &[7; 32])?,
        })
    }

    /// It has grown: the question to a witness that has signed `old` entries.
    fn grown_from(&mut self, old: u64) -> Outcome<AddCheckpoint> {
        let size = old + ENTRIES;
        for number in old..size {
            self.tree.push(Hash::of_leaf(&number.to_be_bytes()));
        }
        let root = tree_hash(size, &self.tree)?;
        let head = Checkpoint::new(self.signer.name().as_str(), size, root)?;
        let note = SignedCheckpoint::sign(&head, &self.signer)?
            .note()
            .to_owned();
        let proof = match old {
            0 => Vec::new(),
            old => prove_consistency(old, size, &self.tree)?.hashes,
        };
        Ok(AddCheckpoint { old, proof, note })
    }
}

/// One connection, kept.
struct Line(TcpStream);

impl Line {
    fn asks(&mut self, request: &str) -> Outcome<String> {
        self.0.write_all(request.as_bytes())?;
        let mut answer = Vec::new();
        loop {
            let mut some = [0; 4_096];
            let read = self.0.read(&mut some)?;
            if read == 0 {
                return Err("the witness closed the connection".into());
            }
            answer.extend_from_slice(&some[..read]);
            let text = String::from_utf8_lossy(&answer);
            let Some((head, body)) = text.split_once("\r\n\r\n") else {
                continue;
            };
            let head = head.to_ascii_lowercase();
            let length = head
                .lines()
                .find_map(|it| it.strip_prefix("content-length: "));
            if body.len() == length.ok_or("no content-length")?.parse::<usize>()? {
                return Ok(text.into_owned());
            }
        }
    }

    fn posts(&mut self, asked: &AddCheckpoint) -> Outcome<SignatureLine> {
        let body = asked.to_string();
        let length = body.len();
        let request =
            format!("POST /add-checkpoint HTTP/1.1\r\nhost: w\r\ncontent-length: {length}\r\n\r\n");
        let answer = self.asks(&(request + &body))?;
        let (head, line) = answer.split_once("\r\n\r\n").ok_or("no answer")?;
        if !head.starts_with("HTTP/1.1 200 ") {
            return Err(format!("the witness says: {answer}").into());
        }
        Ok(SignatureLine::parse(line.trim_end())?)
    }
}

/// The table.
pub(crate) async fn report(size: Size) -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let mut log = Log::new()?;
    let port = free_port()?;
    let vkey = log.signer.verifier().to_string();
    let (mut witness, key) = serves(folder.path(), &vkey, port).await?;
    let quorum = Quorum::new(1, vec![key]).map_err(|why| why.to_string())?;
    let stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut line = Line(stream);
    let mine = CosignatureSigner::from_seed(KeyName::parse("bench.example/alone")?, &[9; 32])?;
    let (mut cosigned, mut http, mut durable, mut signed) = (vec![], vec![], vec![], vec![]);
    for number in 0..size.checkpoints {
        let asked = log.grown_from(number * ENTRIES)?;
        let (took, answer) = timed(|| line.posts(&asked));
        let signed_by_both = format!("{}{}\n", asked.note, answer?);
        Cosigned::verify(&signed_by_both, log.signer.verifier(), &quorum)?;
        cosigned.push(took);
        let (took, answer) = timed(|| line.asks("GET /nothing HTTP/1.1\r\nhost: w\r\n\r\n"));
        drop(answer?);
        http.push(took);
        let (took, kept) = timed(|| keep(folder.path(), &asked.note));
        kept?;
        durable.push(took);
        let (took, done) = timed(|| verified_and_signed(&asked.note, &log, &mine));
        done?;
        signed.push(took);
        tokio::time::sleep(PACE).await;
    }
    witness.start_kill()?;
    witness.wait().await?;
    tell(size, [cosigned, http, durable, signed]);
    Ok(())
}

fn tell(size: Size, took: [Vec<Duration>; 4]) {
    println!(
        "{} checkpoints co-signed, one after the other",
        size.checkpoints
    );
    println!();
    println!("                                      |      p50 |      p99 |     last");
    let [cosigned, http, durable, signed] = took.map(Latencies::from);
    for (name, took) in [
        ("a question to a witness", &cosigned),
        ("an HTTP round trip to it", &http),
        ("a checkpoint made durable, alone", &durable),
        ("one signature verified, one made", &signed),
    ] {
        println!("{name:37} | {took}");
    }
    let p50 = |took: &Latencies| millis(took.quantile(0.5));
    let ceiling = p50(&http) + p50(&durable) + p50(&signed);
    println!();
    println!(
        "p50 is {:.2} of what cannot be left out",
        p50(&cosigned) / ceiling
    );
}

fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let began = Instant::now();
    let done = work();
    (began.elapsed(), done)
}

/// What a witness does on the disk before it signs.
fn keep(folder: &Path, note: &str) -> Outcome<()> {
    let (beside, file) = (folder.join("kept.new"), folder.join("kept"));
    let mut new = fs::File::create(&beside)?;
    new.write_all(note.as_bytes())?;
    new.sync_all()?;
    fs::rename(&beside, &file)?;
    fs::File::open(folder)?.sync_all()?;
    Ok(())
}

fn verified_and_signed(note: &str, log: &Log, mine: &CosignatureSigner) -> Outcome<()> {
    let read = Note::parse(note)?;
    read.verify(log.signer.verifier())?;
    mine.cosign(read.text(), 1)?;
    Ok(())
}

/// A witness that knows this ledger, and listens.
async fn serves(folder: &Path, log: &str, port: u16) -> Outcome<(Child, VerifierKey)> {
    let (glass, dir) = (binary("glass")?, folder.join("witness"));
    let made = Command::new(&glass)
        .args(["-o", "json", "witness", "init", "bench.example/witness"])
        .args(["--log", log])
        .arg("--dir")
        .arg(&dir)
        .output()
        .await?;
    let made: serde_json::Value = serde_json::from_str(&told(&made, "glass witness init")?)?;
    let key = VerifierKey::parse(made["vkey"].as_str().ok_or("no vkey")?)?;
    let witness = tied(&glass)?
        .args(["witness", "serve", "--listen"])
        .arg(format!("127.0.0.1:{port}"))
        .arg("--dir")
        .arg(&dir)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let began = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        if began.elapsed() > Duration::from_secs(10) {
            return Err("the witness does not listen".into());
        }
        tokio::task::yield_now().await;
    }
    Ok((witness, key))
}
