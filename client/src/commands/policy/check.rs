//! `glass policy check`: the one file that names the domain (decision 0002), so that a policy is read
//! here by the very parser that decides on the broker.

use std::{fs, io::Read as _, path::PathBuf};

use breakglass_domain::{limits::POLICY_MAX, policy::Policy};
use serde_json::json;

use crate::{
    commands::{DONE, Seat},
    error::Error,
    text::plain,
};

/// Whether a policy file can be loaded, without a broker
///
/// Shows every mistake with its line and the fix, and what would be strange at three in the morning.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  glass policy check policy.toml
  glass policy check policy.toml --sentences     and what each person could do then")]
pub struct Args {
    /// The TOML file
    file: PathBuf,
    /// For each person, what they could and could not do
    #[arg(long)]
    sentences: bool,
}

/// Checks it.
///
/// # Errors
/// [`Error::File`] where it cannot be read. Mistakes in it are the answer, with exit code 1.
pub fn run(args: &Args, seat: &Seat) -> Result<u8, Error> {
    let name = plain(&args.file.to_string_lossy());
    let text = read(args)?;
    let policy = match Policy::parse(&name, &text) {
        Ok(policy) => policy,
        Err(mistakes) => {
            let problems: Vec<_> = mistakes
                .problems()
                .iter()
                .map(|it| json!({ "line": it.line, "column": it.column, "message": it.message, "help": it.help }))
                .collect();
            let view = json!({ "ok": false, "problems": problems });
            seat.printer
                .answer(&view, |printer| printer.line(mistakes.to_string()));
            return Ok(1);
        }
    };
    let warnings = policy.warnings();
    let view = json!({ "ok": true, "people": policy.people.len(), "rights": policy.rights.len(),
        "rules": policy.rules.len(), "warnings": warnings });
    seat.printer.answer(&view, |printer| {
        let (people, rights) = (policy.people.len(), policy.rights.len());
        let rules = policy.rules.len();
        printer.line(format!(
            "{name} can be loaded: {people} people, {rights} rights, {rules} rules"
        ));
        for warning in &warnings {
            printer.line(format!("warning: {warning}"));
        }
        if args.sentences {
            printer.line("");
            printer.line(policy.describe().trim_end());
        }
    });
    Ok(DONE)
}

/// One byte more than a policy may have is enough to say that it has too many.
fn read(args: &Args) -> Result<String, Error> {
    let cannot = |error| Error::file("read", args.file.clone(), error);
    let file = fs::File::open(&args.file).map_err(cannot)?;
    let mut bytes = Vec::new();
    file.take(POLICY_MAX as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(cannot)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
