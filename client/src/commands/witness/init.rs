//! `glass witness init`

use std::path::PathBuf;

use breakglass_tlog::{KeyName, VerifierKey};
use serde_json::json;

use crate::{
    commands::{DONE, Seat},
    error::Error,
    witness::Folder,
};

/// Make a witness: a folder with a new key
///
/// The name is for people and programs to tell witnesses apart, like `witness.example/otto`; nothing
/// has to answer there.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  glass witness init witness.example/otto --dir ./witness
  glass witness init witness.example/otto --dir ./w --log 'glass.example/ledger+1a2b3c4d+AQ...'

What it prints goes into the broker's policy. The ledger's key: glass whoami -o json, by somebody
enrolled with the broker.")]
pub struct Args {
    /// What the witness is called
    #[arg(value_name = "NAME", value_parser = parse_name)]
    name: KeyName,
    /// A new or empty folder
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// A ledger to witness, by its verifier key; more of them later with `add-log`
    #[arg(long = "log", value_name = "VKEY", value_parser = super::parse_key)]
    logs: Vec<VerifierKey>,
}

/// Makes it.
///
/// # Errors
/// [`Error::Usage`] where there is one already, [`Error::File`].
pub fn run(args: Args, seat: &Seat) -> Result<u8, Error> {
    let folder = Folder::init(&args.dir, &args.name)?;
    for log in args.logs {
        folder.add(log, Vec::new())?;
    }
    let vkey = folder.vkey()?.to_string();
    let view = json!({ "dir": args.dir, "name": args.name.as_str(), "vkey": vkey });
    seat.printer.answer(&view, |printer| {
        printer.good(format!(
            "The witness {} is in {}.",
            args.name,
            args.dir.display()
        ));
        printer.line("For the policy of a broker, in [witnesses.keys], under a name of yours:");
        printer.line(format!("  {} = \"{vkey}\"", short(args.name.as_str())));
    });
    Ok(DONE)
}

/// The last part of a name, as an id.
fn short(name: &str) -> String {
    let last = name.rsplit('/').next().unwrap_or_default();
    let plain = |c: &char| c.is_ascii_lowercase() || c.is_ascii_digit() || *c == '-';
    let id: String = last.to_lowercase().chars().filter(plain).take(40).collect();
    match id.trim_start_matches('-') {
        "" => "witness".to_owned(),
        id => id.to_owned(),
    }
}

fn parse_name(text: &str) -> Result<KeyName, String> {
    let name = KeyName::parse(text).map_err(|why| why.to_string())?;
    match text.len() <= 200 && !text.chars().any(crate::text::is_unsafe) {
        true => Ok(name),
        false => Err("at most 200 bytes, and nothing that changes what a terminal shows".into()),
    }
}
