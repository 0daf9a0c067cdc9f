//! `glass policy check`

use std::{fs, io::Read as _, path::PathBuf};

use serde_json::json;

use crate::{
    commands::{DONE, Seat},
    error::Error,
    rules::{POLICY_MAX, Rules},
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
    let rules = match Rules::parse(&name, &text) {
        Ok(rules) => rules,
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
    let warnings = rules.warnings();
    let [people, rights, count] = rules.counts();
    let view = json!({ "ok": true, "people": people, "rights": rights, "rules": count,
        "warnings": warnings });
    seat.printer.answer(&view, |printer| {
        printer.line(format!(
            "{name} can be loaded: {people} people, {rights} rights, {count} rules"
        ));
        for warning in &warnings {
            printer.line(format!("warning: {warning}"));
        }
        if args.sentences {
            printer.line("");
            printer.line(rules.describe().trim_end());
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
