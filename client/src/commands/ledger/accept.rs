//! `glass ledger accept`

use std::path::{Path, PathBuf};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use breakglass_proto::v1;
use serde_json::json;

use crate::{
    commands::{DONE, Seat},
    error::Error,
    files,
    json::read,
    output::Printer,
    session::Session,
    show,
    text::plain,
    trust::{GoingOn, Head, MARK, Trust},
};

/// Go on with a ledger that was restored from an older copy
///
/// Where a broker goes on from a backup, what came after the backup is lost, and every laptop that had seen
/// some of it stops with exit code 86: from here, that cannot be told from somebody who erased the last hours.
/// If you know from the operator, and not from a message, that it was restored, this accepts it. It is possible
/// only where an entry of the ledger says so and names what is lost (`glassd recover`); that entry stays, and
/// everybody who verifies the ledger is told. What this laptop had seen is kept in its evidence.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  glass ledger accept                          finds the mark that names what this laptop has seen
  glass ledger accept 812
  glass ledger accept --receipt mark.json      without the broker, as for the host of a guard
  glass ledger show 812 -o json > mark.json    how somebody who has accepted it makes that file")]
pub struct Args {
    /// The mark: an entry `ledger.restored`
    #[arg(value_name = "ENTRY", conflicts_with = "receipt")]
    index: Option<u64>,
    /// The mark with its proof, as `glass ledger show ENTRY -o json` writes it
    #[arg(long, value_name = "FILE")]
    receipt: Option<PathBuf>,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// Shows what is lost, asks, and goes on.
///
/// # Errors
/// [`Error::Unverified`] where no mark names what this laptop has seen, [`Error::Usage`] where there is nothing
/// to accept.
pub async fn run(args: Args, seat: &Seat) -> Result<u8, Error> {
    let context = seat.settings.context()?;
    let (trust, going) = match &args.receipt {
        Some(file) => {
            let trust = Trust::of(&context)?;
            let going = trust.consider(proven(&trust, &from_file(file)?)?)?;
            (trust, going)
        }
        None => {
            // Renewing a certificate, or following the ledger's key, would compare first, and stop.
            let session = Session::open_apart(context).await?;
            let going = from_broker(&session, args.index).await?;
            let (trust, handed_over) = (session.trust(), &session.who().ledger_keys);
            trust
                .is_handed_over_in(&going, handed_over, &session)
                .await?;
            (trust.clone(), going)
        }
    };
    if !args.yes {
        say(&seat.printer, &trust, &going);
        let question = "Has the operator told you so, other than by this ledger? Go on with it?";
        let otherwise = format!(
            "if you are sure: glass ledger accept {} --yes",
            going.restored.entry
        );
        if !seat.printer.confirm(question, &otherwise)? {
            return Ok(DONE);
        }
    }
    let kept = trust.go_on(&going)?;
    let (restored, seen) = (&going.restored, &going.seen);
    let view = json!({
        "accepted": restored,
        "seen": { "size": seen.size(), "root": seen.root().to_string() },
        "size": going.size(),
        "kept_in": kept,
    });
    seat.printer.answer(&view, |printer| {
        printer.good(format!(
            "This laptop goes on with the ledger as it is: {} entries, {} of which it had seen are lost.",
            going.size(),
            going.lost()
        ));
        printer.line(format!("What it had seen is kept in {}", kept.display()));
    });
    Ok(DONE)
}

/// What is given up, and who says why.
fn say(printer: &Printer, trust: &Trust, going: &GoingOn) {
    let (restored, seen) = (&going.restored, &going.seen);
    printer.heading(format!(
        "The ledger {} went on from an older copy.",
        trust.origin()
    ));
    show::fact(
        printer,
        "mark",
        &format!("entry {}, {}", restored.entry, restored.at),
    );
    show::fact(printer, "kept", &format!("{} entries", restored.kept));
    show::fact(
        printer,
        "lost",
        &format!(
            "entries {} to {}, and whatever came after that nobody brought",
            restored.kept,
            restored.size - 1
        ),
    );
    show::fact(
        printer,
        "seen here",
        &format!("{} entries, root {}", seen.size(), seen.root()),
    );
    show::fact(printer, "operator", &plain(&restored.operator));
    show::fact(printer, "reason", &plain(&restored.reason));
}

/// The mark that was named, or the one that names the very head that this laptop has seen, or else the newest that may.
async fn from_broker(session: &Session, index: Option<u64>) -> Result<GoingOn, Error> {
    let trust = session.trust();
    if let Some(index) = index {
        let receipt = session.receipt(index).await?;
        need_apart(session, &receipt).await?;
        return trust.consider(receipt);
    }
    let asked = v1::ListEntriesRequest {
        kind: MARK.to_owned(),
        ..v1::ListEntriesRequest::default()
    };
    let (mut may, mut why) = (Vec::new(), None);
    for listed in session.list_entries(asked, MOST).await? {
        let receipt = session.receipt(listed.index).await?;
        need_apart(session, &receipt).await?;
        match trust.consider(receipt) {
            Ok(going) => may.push(going),
            Err(error) => why = why.or(Some(error)),
        }
    }
    if let Some(going) = GoingOn::nearest(may) {
        return Ok(going);
    }
    Err(why.unwrap_or_else(|| {
        Error::usage(
            "the ledger has no mark that it was restored, so there is nothing to accept",
            "where `glass` stops with 86, nobody has said why: call the founder",
        )
    }))
}

/// Most marks that are looked through.
const MOST: usize = 20;

/// Where this laptop agrees with the ledger as it is, there is nothing to accept.
async fn need_apart(session: &Session, receipt: &breakglass_tlog::Receipt) -> Result<(), Error> {
    let trust = session.trust();
    let head = Head::from(&**receipt.checkpoint());
    let is_one = match trust.remembered()? {
        None => false,
        Some(_) => trust.is_one_history(head, session).await?,
    };
    match is_one {
        false => Ok(()),
        true => Err(Error::usage(
            "the ledger goes on from what this laptop has seen, so there is nothing to accept",
            "go on: glass status",
        )),
    }
}

/// A mark with its proof, and how the ledger's keys follow each other as far as its maker knew.
struct Filed {
    receipt: v1::Receipt,
    successions: String,
}

/// Checks it by the keys that are known, and where the ledger was handed over since, by those it brings.
fn proven(trust: &Trust, filed: &Filed) -> Result<breakglass_tlog::Receipt, Error> {
    let receipt = &filed.receipt;
    if trust.verify_checkpoint(&receipt.checkpoint).is_ok() {
        return trust.verify_receipt(receipt);
    }
    let size = receipt.checkpoint.lines().nth(1);
    let size = size.and_then(|it| it.parse().ok()).unwrap_or_default();
    trust
        .supposes_noted(&filed.successions, size)
        .map_err(|why| Error::unverified(format!("the keys that the file brings: {why}")))?;
    trust.verify_receipt(receipt).map_err(|error| {
        error.and(&format!(
            "Where the ledger's key was rotated since, take a file that says so, made by somebody who has accepted \
             it: glass ledger show {0} -o json; or accept it from the broker: glass ledger accept {0}",
            receipt.index
        ))
    })
}

/// A receipt as `glass ledger show -o json` writes it.
fn from_file(path: &Path) -> Result<Filed, Error> {
    let wrong = |why: &str| {
        Error::usage(
            format!("{} is no mark with its proof: {why}", path.display()),
            "make it where the mark is accepted: glass ledger show ENTRY -o json > mark.json",
        )
    };
    let text = files::read_up_to(path, LARGEST)?.ok_or_else(|| wrong("there is no such file"))?;
    let view = read(&text).map_err(|why| wrong(&why))?;
    let entry = view["line"]
        .as_str()
        .ok_or_else(|| wrong("it has no `line`"))?;
    let index = view["entry"]["index"].as_u64();
    let inclusion = view["inclusion"].as_array();
    let inclusion = inclusion.ok_or_else(|| wrong("it has no `inclusion`"))?;
    let inclusion = inclusion
        .iter()
        .map(|hash| STANDARD.decode(hash.as_str().unwrap_or_default()))
        .collect::<Result<_, _>>()
        .map_err(|_| wrong("a hash of its proof is no base64"))?;
    let receipt = v1::Receipt {
        index: index.ok_or_else(|| wrong("its entry has no `index`"))?,
        entry: entry.as_bytes().to_vec(),
        inclusion,
        checkpoint: view["checkpoint"].as_str().unwrap_or_default().to_owned(),
    };
    Ok(Filed {
        receipt,
        successions: view["successions"].as_str().unwrap_or_default().to_owned(),
    })
}

/// Most bytes of such a file: an entry has 60 KiB at most, and stands in it twice.
const LARGEST: u64 = 1 << 20;
