//! What is kept when a ledger contradicts itself: enough for somebody else to see it too.

use std::path::{Path, PathBuf};

use breakglass_tlog::ConsistencyProof;
use jiff::Timestamp;

use crate::{error::Error, files};

/// Two signed tree heads that cannot both be true of one append-only ledger.
#[derive(Debug)]
pub struct Evidence<'a> {
    /// The signed note that had been accepted before.
    pub remembered: &'a str,
    /// The signed note that came now.
    pub received: &'a str,
    /// The proof that did not join them, where one came.
    pub proof: Option<&'a ConsistencyProof>,
    /// What does not hold.
    pub why: &'a str,
    /// Whether it does not hold for sure, or could only not be compared.
    pub is_certain: bool,
}

/// Writes the evidence into a new folder below `folder`, which is returned.
///
/// # Errors
/// [`Error::File`].
pub fn save(folder: &Path, now: Timestamp, evidence: &Evidence<'_>) -> Result<PathBuf, Error> {
    let name = now.strftime("%Y%m%dT%H%M%S").to_string();
    let mut place = folder.join(&name);
    // Two in one second are two pieces of evidence.
    for count in 2.. {
        if !place.exists() {
            break;
        }
        place = folder.join(format!("{name}-{count}"));
    }
    files::create_folder(&place)?;
    for (name, note) in [
        ("remembered", evidence.remembered),
        ("received", evidence.received),
    ] {
        let file = format!("{name}.{}", form(note));
        files::write(&place.join(file), note.as_bytes())?;
    }
    if let Some(proof) = evidence.proof {
        files::write(
            &place.join("consistency-proof.txt"),
            proof_text(proof).as_bytes(),
        )?;
    }
    files::write(&place.join("README.txt"), readme(evidence).as_bytes())?;
    Ok(place)
}

fn proof_text(proof: &ConsistencyProof) -> String {
    let hashes: String = proof
        .hashes
        .iter()
        .map(|hash| format!("{hash}\n"))
        .collect();
    format!("old {}\nnew {}\n{hashes}", proof.old, proof.new)
}

/// What a signed note is: a guard hears ticks, everybody else checkpoints, and both which key follows
/// another.
fn form(note: &str) -> &'static str {
    if note.starts_with(breakglass_proto::tick::DOMAIN) {
        return "tick";
    }
    match note.starts_with(breakglass_tlog::succession::DOMAIN) {
        true => "succession",
        false => "checkpoint",
    }
}

fn readme(evidence: &Evidence<'_>) -> String {
    let (head, tail) = match evidence.is_certain {
        true => (
            "A breakglass ledger contradicted itself",
            "An append-only ledger cannot\nhave signed both.",
        ),
        false => (
            "A breakglass ledger could not be compared with what was seen before",
            "One should extend\nthe other, and that is not proven.",
        ),
    };
    let what = match form(evidence.remembered) {
        "succession" => "signed word on which key follows another, as",
        _ => "signed tree head",
    };
    let old = format!("remembered.{}", form(evidence.remembered));
    let new = format!("received.{}", form(evidence.received));
    format!(
        "{head}: {}.\n\n\
         {old:<23} {what} this laptop had accepted before\n\
         {new:<23} {what} that came now: from the broker, or as somebody\n\
         \x20                       else's laptop had seen it (then their statement has it)\n\
         consistency-proof.txt   what the broker sent to join them, if it sent anything: the two\n\
         \x20                       sizes, then the hashes of RFC 9162 section 2.1.4 in base64\n\n\
         Both are C2SP signed notes by the ledger's own key, or the one that followed it (`successions` in\n\
         the context's folder). {tail} Keep this folder, and\n\
         compare with what other laptops remember (contexts/NAME/checkpoint in their settings).\n",
        evidence.why
    )
}
