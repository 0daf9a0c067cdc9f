//! `glass ledger verify`

use std::path::{Path, PathBuf};

use breakglass_tlog::{LedgerKeys, VerifierKey};
use serde::Serialize;

use crate::{
    audit::{Auditor, Report},
    commands::{DONE, Seat},
    error::Error,
    export::{self, Part},
    output::Printer,
    session::Session,
    show,
    trust::{Head, Trust},
    witnessed::{self, Cosigner},
};

/// Check the whole ledger, from the first entry, trusting nothing but its key
///
/// Recomputes the tree from every entry and checks it against the signed checkpoint; checks that
/// indexes and times only go forward, every signature of every person, that each entry says what
/// was signed, that the policy in force gave it, and that each grant lived once, with a yes, no
/// longer than it might, under an open incident. Compares it with what this laptop has seen before, and
/// tells which witnesses have signed it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  glass ledger verify                              the broker's, as it stands now
  glass ledger verify ./ledger-2026-11             an export; needs no broker
  glass ledger verify /srv/ledger                  a mirror, its hash tiles too; needs no broker
  glass ledger verify ./ledger-2026-11 --vkey 'glass.example/ledger+1a2b3c4d+AQ...'
  glass ledger verify --witness 'witness.example/otto+1a2b3c4d+B...'

The key is --vkey, else the one pinned at enrolment, else the one beside the copy, which is then
said. Exit code 86: something was changed.")]
pub struct Args {
    /// An export or a mirror, in place of the broker
    #[arg(value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// The same, as an option
    #[arg(long, value_name = "FOLDER", conflicts_with = "folder")]
    from: Option<PathBuf>,
    /// The ledger's verifier key
    #[arg(long, value_name = "KEY", value_parser = parse_key)]
    vkey: Option<VerifierKey>,
    /// A witness that must have signed it, by its verifier key; as often as there are such
    #[arg(long = "witness", value_name = "KEY", value_parser = parse_key)]
    witnesses: Vec<VerifierKey>,
}

/// Checks it, and says what was checked.
///
/// # Errors
/// [`Error::Unverified`].
pub async fn run(args: Args, seat: &Seat) -> Result<u8, Error> {
    let spinner = seat.printer.spinner("Checking the ledger");
    let view = match args.folder.or(args.from) {
        Some(folder) => verify_copy(seat, &folder, args.vkey, &args.witnesses)?,
        None => {
            let session = seat.session().await?;
            let keys = keys_of(session.trust(), args.vkey);
            let progress =
                |done, all| spinner.say(format!("Checking the ledger: {done} of {all} entries"));
            let (report, witnesses) = fetch(&session, keys, &args.witnesses, progress).await?;
            let size = report.entries;
            Verdict {
                report,
                witnesses,
                export: None,
                compared: Compared::With { size },
            }
        }
    };
    drop(spinner);
    seat.printer.answer(&view, |printer| say(printer, &view));
    Ok(DONE)
}

/// What was found.
#[derive(Serialize)]
struct Verdict {
    #[serde(flatten)]
    report: Report,
    witnesses: Vec<Cosigner>,
    /// Of an export.
    #[serde(flatten)]
    export: Option<Exported>,
    compared: Compared,
}

/// What is said of an export beside.
#[derive(Serialize)]
struct Exported {
    /// Which part it is, where it does not begin with the ledger.
    part: Option<Part>,
    /// Whether an entry from after the period shows that none of it is missing.
    is_end_shown: Option<bool>,
    /// Whether its `verify.py` is that of this `glass`.
    is_verifier_ours: Option<bool>,
}

/// Whether it is the history this laptop has seen before.
#[derive(Serialize)]
#[serde(tag = "with_what_was_seen", rename_all = "kebab-case")]
enum Compared {
    /// It is, as far as this laptop has seen it.
    With {
        /// So many entries.
        size: u64,
    },
    /// What this laptop has seen ends among entries that the export only has hashes of.
    Between {
        /// So many this laptop has seen.
        size: u64,
    },
    /// It ends before that.
    Shorter {
        /// So many this laptop has seen.
        size: u64,
    },
    /// This laptop has seen nothing that was signed with the key.
    Never,
}

/// Checks an export or a mirror, also against what this laptop remembers of the same ledger.
fn verify_copy(
    seat: &Seat,
    folder: &Path,
    given: Option<VerifierKey>,
    demanded: &[VerifierKey],
) -> Result<Verdict, Error> {
    let context = seat.settings.context();
    let trust = context.and_then(|context| Trust::of(&context)).ok();
    let keys = keys_for(seat, folder, given, trust.as_ref())?;
    let trust = trust.filter(|trust| trust.keys().all().any(|key| key == keys.newest()));
    let remembered = match &trust {
        Some(trust) => trust.remembered()?,
        None => None,
    };
    let size = remembered.as_ref().map_or(0, |seen| seen.size());
    let verified = export::verify_demanding(folder, keys, size, demanded)?;
    let compared = match (&trust, &remembered, verified.root) {
        (Some(trust), Some(remembered), Some(root)) => {
            trust.check_copy(remembered, &verified.checkpoint, root)?;
            Compared::With { size }
        }
        (_, Some(_), None) if size <= verified.checkpoint.size() => Compared::Between { size },
        (_, Some(_), None) => Compared::Shorter { size },
        _ => Compared::Never,
    };
    Ok(Verdict {
        report: verified.report,
        witnesses: verified.witnesses,
        export: Some(Exported {
            part: verified.part,
            is_end_shown: verified.is_end_shown,
            is_verifier_ours: verified.is_verifier_ours,
        }),
        compared,
    })
}

pub(super) fn parse_key(text: &str) -> Result<VerifierKey, String> {
    VerifierKey::parse(text.trim()).map_err(|error| error.to_string())
}

/// The keys of the ledger that a laptop knows; by a given one, where there is one, and what is joined to it.
pub(super) fn keys_of(trust: &Trust, given: Option<VerifierKey>) -> LedgerKeys {
    let known = trust.keys();
    match given {
        Some(given) if !known.all().any(|key| *key == given) => given.into(),
        _ => known,
    }
}

/// The keys to check a copy by: given, else pinned, else the one beside it.
pub(super) fn keys_for(
    seat: &Seat,
    folder: &Path,
    given: Option<VerifierKey>,
    pinned: Option<&Trust>,
) -> Result<LedgerKeys, Error> {
    match (pinned, given) {
        (Some(trust), given) => return Ok(keys_of(trust, given)),
        (None, Some(given)) => return Ok(given.into()),
        (None, None) => {}
    }
    let beside = export::key_beside(folder)?.ok_or_else(|| {
        Error::usage(
            "which key the ledger has is not known here",
            "give it: --vkey KEY (`glass whoami -o json` of somebody enrolled shows it)",
        )
    })?;
    seat.printer.warn(format!(
        "no key of your own: checking by the one beside the copy, {beside}. Compare it with one \
         from elsewhere"
    ));
    Ok(beside.into())
}

/// Reads every entry up to the newest checkpoint from the broker.
async fn fetch(
    session: &Session,
    keys: LedgerKeys,
    demanded: &[VerifierKey],
    progress: impl Fn(u64, u64),
) -> Result<(Report, Vec<Cosigner>), Error> {
    let (checkpoint, cosigned) = session.heads().await?;
    let size = session.trust().verify_checkpoint(&checkpoint)?.size();
    let signed = witnessed::size_of(cosigned.as_deref(), &keys)?;
    let mut auditor = Auditor::new(keys)
        .asking_root_at(size)
        .asking_root_at(signed);
    let mut stream = session.follow(Some(0)).await?;
    while auditor.size() < size {
        let item = stream
            .message()
            .await
            .map_err(|status| session.explain(&status))?;
        let entry = item
            .and_then(|item| item.entry)
            .ok_or_else(|| Error::broken_answer("the entries end before the checkpoint"))?;
        auditor
            .check(&entry.line)
            .map_err(|error| with_evidence(session, &auditor, &checkpoint, error))?;
        if auditor.size().is_multiple_of(PROGRESS_STEP) {
            progress(auditor.size(), size);
        }
    }
    let notes: Vec<_> = std::iter::once(checkpoint.as_str())
        .chain(cosigned.as_deref())
        .collect();
    let witnesses = witnessed::check(&auditor, auditor.keys(), &notes, demanded);
    // What was changed comes first: then nothing that was signed suits it.
    let report = auditor.finish(&checkpoint)?;
    Ok((report, witnesses?))
}

/// Where an entry shows that somebody had seen another history, both heads are kept.
fn with_evidence(session: &Session, auditor: &Auditor, checkpoint: &str, error: Error) -> Error {
    let trust = session.trust();
    let newest = trust.verify_checkpoint(checkpoint).ok();
    match (newest, auditor.other_history()) {
        (Some(newest), Some(other)) => {
            let (newest, other) = (Head::from(&*newest), Head::from(other));
            trust.contradiction(newest, other, None, &error.to_string())
        }
        _ => error,
    }
}

/// How many entries between two words about progress.
const PROGRESS_STEP: u64 = 500;

fn say(printer: &Printer, view: &Verdict) {
    let report = &view.report;
    let part = view.export.as_ref().and_then(|export| export.part.as_ref());
    printer.good(match part {
        None => format!("The ledger {} is whole.", report.origin),
        Some(part) => format!(
            "This part of the ledger {} is whole: entries {} to {}.",
            report.origin,
            part.from,
            part.to.saturating_sub(1)
        ),
    });
    let span = match (&report.first_at, &report.last_at) {
        (Some(first), Some(last)) => format!(", {first} to {last}"),
        _ => String::new(),
    };
    let entries = match part {
        None => report.entries.to_string(),
        Some(part) => format!("{} of the tree's {}", part.to - part.from, report.entries),
    };
    show::fact(printer, "entries", &format!("{entries}{span}"));
    show::fact(printer, "root", &format!("{}, as signed", report.root));
    show::fact(
        printer,
        "signed",
        &format!(
            "{} statements by {} enrolled keys, all verify",
            report.statements, report.keys
        ),
    );
    show::fact(
        printer,
        "grants",
        &format!(
            "{} asked for, {} ended, each once",
            report.requested, report.ended
        ),
    );
    if !report.handed_over_at.is_empty() {
        let places: Vec<_> = report.handed_over_at.iter().map(u64::to_string).collect();
        let told = format!("handed over to its next key by entry {}", places.join(", "));
        show::fact(printer, "rotated", &told);
    }
    show::fact(printer, "not ended", &report.open.join(" "));
    if let Some(export) = &view.export {
        say_exported(printer, export);
    }
    for one in &view.witnesses {
        let what = format!("{} up to {} entries, at {}", one.name, one.size, one.at);
        show::fact(printer, "cosigned", &what);
    }
    say_compared(printer, &view.compared);
    for lost in &report.restored {
        printer.bad(format!("  restored: {}", lost.sentence()));
    }
    if report.not_understood > 0 {
        printer.bad(format!(
            "  {} entries are of kinds this glass does not know: hashed, and their statements \
             checked. Use a newer one",
            report.not_understood
        ));
    }
    if !report.other_histories.is_empty() {
        let entries: Vec<_> = report.other_histories.iter().map(u64::to_string).collect();
        printer.bad(format!(
            "  ANOTHER HISTORY of this ledger, signed by its key, was seen on laptops: entries {}. See \
             which: glass ledger show ENTRY",
            entries.join(" ")
        ));
    }
    if !report.unwitnessed.is_empty() {
        printer.bad(format!(
            "  given while too few witnesses signed: {}",
            report.unwitnessed.join(" ")
        ));
    }
    if !report.self_granted.is_empty() {
        printer.bad(format!("  self-granted: {}", report.self_granted.join(" ")));
    }
}

/// What an export shows of what is not in it.
fn say_exported(printer: &Printer, export: &Exported) {
    if let Some(part) = &export.part {
        let before = format!(
            "{} of {} entries are shown, each proven to stand where it says; that nothing of importance \
             is among the others is not",
            part.shown_before, part.from
        );
        show::fact(printer, "before it", &before);
    }
    if export.is_end_shown == Some(false) {
        let what = "no later entry is here: that nothing more came before the period's end is the word of \
                    whoever took it";
        show::fact(printer, "its end", what);
    }
    if export.is_verifier_ours == Some(false) {
        printer.bad(
            "  verify.py is not the one of this glass: from another version, or changed. It is not \
             vouched for",
        );
    }
}

/// Whether it is one history, and the one that was seen before.
fn say_compared(printer: &Printer, compared: &Compared) {
    let what = match compared {
        Compared::With { size } => {
            let what = format!("its first {size} entries are those this laptop has seen");
            return show::fact(printer, "compared", &what);
        }
        Compared::Between { size } => format!(
            "the {size} entries that this laptop has seen end where the export has hashes only, so that \
             it is the same history could not be compared. The broker's own: glass ledger verify"
        ),
        Compared::Shorter { size } => format!(
            "it ends before the {size} entries that this laptop has seen, so that it is the same \
             history could not be compared. The broker's own: glass ledger verify"
        ),
        Compared::Never => "this laptop has seen nothing of this ledger before, so that it is the \
             only history could not be compared. Compare its root with a checkpoint somebody else kept"
            .to_owned(),
    };
    printer.bad(format!("  not compared: {what}"));
}
