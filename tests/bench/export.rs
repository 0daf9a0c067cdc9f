//! How fast a ledger is taken away, checked and reported on, and with how much memory.

use std::path::Path;
use std::time::Duration;

use crate::team::{Team, binary};
use crate::{Outcome, PEOPLE, growth};

/// How far.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Size {
    /// Grants in the ledger
    #[arg(default_value_t = USUAL.grants)]
    grants: u64,
    /// People who asked
    #[arg(long, default_value_t = USUAL.people)]
    people: usize,
}

pub(crate) const USUAL: Size = Size {
    grants: 5_000,
    people: 3 * PEOPLE,
};

/// How long the ledger grows between two looks at it.
const RUN: Duration = Duration::from_millis(50);

/// The whole of it, each way.
pub(crate) async fn report(size: Size) -> Outcome<()> {
    let team = Team::start(size.people).await?;
    growth::grow(&team, size.grants, RUN).await?;
    let entries = team.entries().await?;
    let (glass, folder) = (binary("glass")?, team.place("taken"));
    let folder = folder.to_str().ok_or("a path")?;
    println!("a ledger of {entries} entries");
    println!();
    println!("                          | seconds | entries a second | most memory");
    let python = Path::new("/usr/bin/python3");
    let verifier = format!("{folder}/verify.py");
    let key = || std::fs::read_to_string(format!("{folder}/vkey"));
    let steps: [(&str, &Path, &[&str]); 4] = [
        ("glass ledger export", &glass, &["ledger", "export", folder]),
        ("glass ledger verify", &glass, &["ledger", "verify", folder]),
        ("glass ledger report", &glass, &["ledger", "report", folder]),
        ("python3 verify.py", python, &[&verifier]),
    ];
    for (name, program, words) in steps {
        let mut words = words.to_vec();
        let key = match program == python {
            true => key()?,
            false => String::new(),
        };
        words.extend((program == python).then_some(key.trim()));
        let (took, memory) = team.run(program, &words).await?;
        let rate = entries as f64 / took.as_secs_f64();
        println!(
            "{name:25} | {:7.1} | {rate:16.0} | {memory:.0} MiB",
            took.as_secs_f64()
        );
    }
    let mut team = team;
    team.stop().await
}
