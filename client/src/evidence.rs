//! What is kept when a ledger contradicts itself: enough for somebody else to see it too.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use breakglass_tlog::ConsistencyProof;
use jiff::Timestamp;

use crate::{error::Error, files, limits::EVIDENCE_KEPT};

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

/// Where evidence is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// A folder with two heads that contradict each other.
    pub place: PathBuf,
    /// Whether these two are in there. Otherwise there is enough evidence, and it is the oldest.
    pub is_this: bool,
}

/// Writes the evidence into a new folder below `folder`. The same two notes are kept once, whatever was told of
/// them, and of others no more than [`EVIDENCE_KEPT`]; the oldest stay.
///
/// # Errors
/// [`Error::File`].
pub fn save(folder: &Path, now: Timestamp, evidence: &Evidence<'_>) -> Result<Kept, Error> {
    let all = all(folder)?;
    if let Some(before) = all.iter().find(|place| has(place, evidence)) {
        let place = before.clone();
        return Ok(Kept {
            place,
            is_this: true,
        });
    }
    match all.first().filter(|_| all.len() >= EVIDENCE_KEPT) {
        Some(oldest) => Ok(Kept {
            place: oldest.clone(),
            is_this: false,
        }),
        None => Ok(Kept {
            place: write(folder, now, evidence)?,
            is_this: true,
        }),
    }
}

/// Puts away what was found so far, into a folder that is there: what is found from now on is evidence of something
/// else, and is counted anew.
///
/// # Errors
/// [`Error::File`].
pub fn put_away(folder: &Path, into: &Path) -> Result<(), Error> {
    for place in all(folder)? {
        let name = place.file_name().unwrap_or_default().to_string_lossy();
        fs::rename(&place, free(into, &name))
            .map_err(|error| Error::file("put away", &place, error))?;
    }
    Ok(())
}

/// The folders that were written, oldest first; what was given up by accepting a mark is not among them.
fn all(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::file("read", folder.to_owned(), error)),
    };
    let is_dated = |name: &str| name.starts_with(|first: char| first.is_ascii_digit());
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut all: Vec<_> = names.filter(|name| is_dated(name)).collect();
    all.sort_unstable();
    Ok(all.iter().map(|name| folder.join(name)).collect())
}

/// Whether a folder has these two. Signatures beside the ledger's may come and go.
fn has(place: &Path, evidence: &Evidence<'_>) -> bool {
    let is_there = |name: &str, note: &str| {
        let kept = fs::read_to_string(place.join(format!("{name}.{}", form(note))));
        kept.is_ok_and(|kept| said(&kept) == said(note))
    };
    is_there("remembered", evidence.remembered) && is_there("received", evidence.received)
}

/// What a signed note says (C2SP signed-note): all before its last empty line.
fn said(note: &str) -> &str {
    note.rsplit_once("\n\n").map_or(note, |(text, _)| text)
}

fn write(folder: &Path, now: Timestamp, evidence: &Evidence<'_>) -> Result<PathBuf, Error> {
    let place = free(folder, &now.strftime("%Y%m%dT%H%M%S").to_string());
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

/// A place of this name, or beside it: two in one second are two pieces of evidence.
fn free(folder: &Path, name: &str) -> PathBuf {
    let mut place = folder.join(name);
    for count in 2.. {
        if !place.exists() {
            break;
        }
        place = folder.join(format!("{name}-{count}"));
    }
    place
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

#[cfg(test)]
mod tests {
    use super::*;

    fn saved(folder: &Path, second: i64, remembered: &str, received: &str) -> Kept {
        let now = Timestamp::from_second(1_795_824_000 + second).unwrap();
        let evidence = Evidence {
            remembered,
            received,
            proof: None,
            why: "two trees",
            is_certain: true,
        };
        save(folder, now, &evidence).unwrap()
    }

    fn note(size: usize, signer: &str) -> String {
        format!("glass.example/ledger\n{size}\nAAAA\n\n\u{2014} {signer} AAAA\n")
    }

    #[test]
    fn the_same_two_heads_are_kept_once_however_often_they_are_met() {
        let folder = tempfile::tempdir().unwrap();
        let first = saved(folder.path(), 0, &note(7, "glass"), &note(9, "glass"));
        assert!(first.is_this);
        for second in 1..500 {
            // A witness has signed it since.
            let received = note(9, "otto");
            assert_eq!(
                saved(folder.path(), second, &note(7, "glass"), &received),
                first
            );
        }
        assert_eq!(all(folder.path()).unwrap().len(), 1);
        let other = saved(folder.path(), 500, &note(7, "glass"), &note(10, "glass"));
        assert!(other.is_this && other.place != first.place);
    }

    #[test]
    fn others_are_kept_up_to_a_limit_and_the_first_stays() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("accepted-7")).unwrap();
        let first = saved(folder.path(), 0, &note(7, "glass"), &note(8, "glass"));
        for size in 9..300 {
            saved(folder.path(), 1, &note(7, "glass"), &note(size, "glass"));
        }
        assert_eq!(all(folder.path()).unwrap().len(), EVIDENCE_KEPT);
        let more = saved(folder.path(), 2, &note(7, "glass"), &note(300, "glass"));
        assert_eq!((more.place, more.is_this), (first.place.clone(), false));
        let kept = fs::read_to_string(first.place.join("received.checkpoint"));
        assert_eq!(kept.unwrap(), note(8, "glass"));
    }
}
