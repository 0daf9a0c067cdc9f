//! How fast a whole ledger is verified: a mirror by `glass ledger verify`, the broker's own by `glassd fsck`,
//! against the bare hashing and checking of signatures that it cannot do without.

mod bare;
mod written;

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::Outcome;
use crate::team::{binary, init, measured};
use bare::Bare;
use written::Written;

/// How far.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Size {
    /// Entries in the ledger, at least
    #[arg(default_value_t = USUAL.entries)]
    entries: u64,
}

pub(crate) const USUAL: Size = Size { entries: 100_000 };

/// The ledger is written without a network and without waiting for anybody, then read by everybody.
pub(crate) async fn report(size: Size) -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let policy = folder.path().join("policy.toml");
    fs::write(&policy, written::policy())?;
    init(folder.path(), &policy, &[]).await?;
    let data = folder.path().join("broker");
    let written = Written::of(&data, size.entries).await?;
    let mirror = mirrored(folder.path(), &data)?;
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    println!(
        "a ledger of {} entries, {} statements, {} commits; {threads} processors",
        written.entries, written.statements, written.commits
    );
    println!();
    println!(
        "                              | seconds | entries a second | of bare | of signed | most memory"
    );
    let alone = Bare::measure(&data, 1)?;
    let together = Bare::measure(&data, threads)?;
    for (name, bare) in [("1 thread", &alone), ("all threads", &together)] {
        row(
            &format!("bare, {name}"),
            written.entries,
            bare.one_each,
            None,
            None,
        );
        row(
            &format!("signed, {name}"),
            written.entries,
            bare.signed,
            None,
            None,
        );
    }
    let glass: [OsString; 5] = [
        "ledger".into(),
        "verify".into(),
        mirror.into(),
        "--vkey".into(),
        written.vkey.clone().into(),
    ];
    let (took, memory) = measured(&binary("glass")?, folder.path(), &glass).await?;
    row(
        "glass ledger verify",
        written.entries,
        took,
        Some(&alone),
        Some(memory),
    );
    for (name, more) in [
        ("glassd fsck", None),
        ("glassd fsck --deep", Some("--deep")),
    ] {
        let config = data.join("glassd.toml");
        let mut words: Vec<OsString> = vec!["fsck".into(), "--no-index".into()];
        words.extend(more.map(OsString::from));
        words.extend(["--config".into(), config.into_os_string()]);
        let (took, memory) = measured(&binary("glassd")?, folder.path(), &words).await?;
        row(name, written.entries, took, Some(&together), Some(memory));
    }
    println!();
    println!(
        "bare: for each entry one SHA-256 over it and one Ed25519. signed: one SHA-256 over each entry, \
         one ECDSA P-256 for each statement, one Ed25519 for each commit. glass ledger verify is compared \
         with one thread, glassd fsck with all"
    );
    Ok(())
}

/// The ledger's folder as a mirror has it: its head and its tiles, and no journal.
fn mirrored(folder: &Path, data: &Path) -> Outcome<std::path::PathBuf> {
    let (mirror, ledger) = (folder.join("mirror"), data.join("ledger"));
    fs::create_dir(&mirror)?;
    fs::copy(ledger.join("checkpoint"), mirror.join("checkpoint"))?;
    std::os::unix::fs::symlink(ledger.join("tile"), mirror.join("tile"))?;
    Ok(mirror)
}

fn row(name: &str, entries: u64, took: Duration, bare: Option<&Bare>, memory: Option<f64>) {
    let rate = entries as f64 / took.as_secs_f64();
    let of = |ceiling: Duration| format!("{:.2}", ceiling.as_secs_f64() / took.as_secs_f64());
    let (of_bare, of_signed) = match bare {
        Some(bare) => (of(bare.one_each), of(bare.signed)),
        None => Default::default(),
    };
    let memory = memory.map_or_else(String::new, |memory| format!("{memory:.0} MiB"));
    println!(
        "{name:29} | {:7.2} | {rate:16.0} | {of_bare:>7} | {of_signed:>9} | {memory}",
        took.as_secs_f64()
    );
}
