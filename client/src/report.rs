//! An auditor's questions, answered from an export.
//!
//! The export is verified first; then its entries are read once more, one after another, and each topic
//! keeps what its answer needs. Every finding names the entries it stands on. Rows are capped
//! ([`limits`](crate::limits::MAX_FINDINGS)), and what is left out is counted.
//!
//! | module | what |
//! |---|---|
//! | `lives` | each grant from asking to the last thing left of it at a target |
//! | `population` `sample` `endings` `refused` `approvals` `lengths` `changes` `trouble` `drills` `reviews` | a question each |
//! | `markdown`, `html` | how it is shown; words people typed are escaped in both |

mod approvals;
mod changes;
mod drills;
mod endings;
pub mod html;
mod lengths;
mod lives;
pub mod markdown;
mod population;
mod refused;
mod reviews;
mod sample;
mod section;
mod trouble;

use std::path::Path;

use breakglass_tlog::LedgerKeys;
use jiff::Timestamp;
use serde::Serialize;

pub use self::section::{Row, Section, Topic};
use self::{
    approvals::Approvals, changes::Changes, drills::Drills, endings::Endings, lengths::Lengths,
    lives::Lives, population::Population, refused::Refused, reviews::Reviews, sample::Sample,
    trouble::Trouble,
};
use crate::{
    entry::Entry,
    error::Error,
    export::{self, Folder, Piece, Verified},
    time,
};

/// The answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The ledger's name.
    pub ledger: String,
    /// From when on, RFC 3339; nothing where it begins with the ledger.
    pub since: Option<String>,
    /// Until before when; nothing where it goes to the newest entry.
    pub until: Option<String>,
    /// The entries of the export it was read from: the first, and one past the last.
    pub entries: [u64; 2],
    /// The root that was signed over everything up to there, base64.
    pub root: String,
    /// What was verified, in sentences.
    pub verified: Vec<String>,
    /// A section a question.
    pub sections: Vec<Section>,
}

impl Report {
    /// Which part of the ledger it is about, in a sentence.
    pub(crate) fn span(&self) -> String {
        let [from, to] = self.entries;
        let since = self.since.as_deref().unwrap_or("its beginning");
        let until = self.until.as_deref().unwrap_or("its newest entry");
        format!(
            "From {since} to {until}; read from entries {from} to {}.",
            to.saturating_sub(1)
        )
    }
}

/// Which time is reported on.
#[derive(Debug, Clone, Copy, Default)]
pub struct Span {
    /// From then on.
    pub since: Option<Timestamp>,
    /// Until before then.
    pub until: Option<Timestamp>,
}

impl Span {
    fn has(&self, at: Timestamp) -> bool {
        self.since.is_none_or(|since| at >= since) && self.until.is_none_or(|until| at < until)
    }
}

/// Verifies an export and answers the questions, all or one of them.
///
/// # Errors
/// [`Error::Unverified`] where it does not verify, [`Error::Usage`] where the span is not within it.
pub fn of(
    folder: &Path,
    keys: impl Into<LedgerKeys>,
    asked: Span,
    only: Option<Topic>,
) -> Result<Report, Error> {
    let keys = keys.into();
    let verified = export::verify(folder, keys.clone(), 0)?;
    let span = within(asked, &verified)?;
    let mut gathering = Gathering::new(span, &verified);
    Folder::open(folder, keys)?.walk(|piece| match piece {
        Piece::Hidden { .. } => Ok(()),
        Piece::Before(line) => gathering.read(line, false),
        Piece::Within(line) => gathering.read(line, true),
    })?;
    let mut sections = gathering.finish();
    sections.retain(|section| only.is_none_or(|only| section.topic == only));
    let checkpoint = &verified.checkpoint;
    Ok(Report {
        ledger: checkpoint.origin().to_owned(),
        since: span.since.map(time::rfc3339),
        until: span.until.map(time::rfc3339),
        entries: [from(&verified), checkpoint.size()],
        root: checkpoint.root().to_string(),
        verified: sentences(&verified),
        sections,
    })
}

fn from(verified: &Verified) -> u64 {
    verified.part.as_ref().map_or(0, |part| part.from)
}

/// The asked span, within that of the export.
fn within(asked: Span, verified: &Verified) -> Result<Span, Error> {
    let about = verified.about.as_ref();
    let (since, until) = match about {
        Some(about) => (about.since_time()?, about.until_time()?),
        None => (None, None),
    };
    let is_before = asked
        .since
        .is_some_and(|asked| since.is_some_and(|since| asked < since));
    let is_after = asked
        .until
        .is_some_and(|asked| until.is_some_and(|until| asked > until));
    if is_before || is_after {
        return Err(Error::usage(
            "the export is of a shorter period than was asked for",
            "leave --since and --until out, or take a longer one: glass ledger export",
        ));
    }
    Ok(Span {
        since: asked.since.or(since),
        until: asked.until.or(until),
    })
}

/// What a reader can rely on, and what not.
fn sentences(verified: &Verified) -> Vec<String> {
    let report = &verified.report;
    let mut told = vec![format!(
        "Every entry from {} to {} is here and unchanged, under a checkpoint that the ledger's key signed; \
         {} statements of people verify under {} enrolled keys; what was recorded is what was signed and what \
         the policy in force allowed.",
        from(verified),
        verified.checkpoint.size().saturating_sub(1),
        report.statements,
        report.keys
    )];
    if let Some(part) = &verified.part {
        told.push(format!(
            "Entries before it: {}. Read: {}, each proven to stand where it says. Hashed only, so that nobody can say \
             what they are: {}.",
            part.from, part.shown_before, part.hashed_before
        ));
    }
    if verified.is_end_shown == Some(false) {
        told.push(
            "No entry from after the period is here: that none of it is missing at its end is the word of \
             whoever took the export."
                .to_owned(),
        );
    }
    if report.not_understood > 0 {
        told.push(format!(
            "{} entries are of kinds this glass does not know: hashed, and their statements checked.",
            report.not_understood
        ));
    }
    told.push(
        "That this is the only history of this ledger is not shown by it: compare the checkpoint with one \
         that somebody else kept."
            .to_owned(),
    );
    told
}

/// All topics, on the way through the entries.
struct Gathering {
    span: Span,
    lives: Lives,
    population: Population,
    sample: Sample,
    endings: Endings,
    refused: Refused,
    approvals: Approvals,
    lengths: Lengths,
    changes: Changes,
    trouble: Trouble,
    drills: Drills,
    reviews: Reviews,
}

impl Gathering {
    fn new(span: Span, verified: &Verified) -> Self {
        Self {
            span,
            lives: Lives::default(),
            population: Population::default(),
            sample: Sample::seeded(verified.checkpoint.root()),
            endings: Endings::default(),
            refused: Refused::default(),
            approvals: Approvals::default(),
            lengths: Lengths::default(),
            changes: Changes::default(),
            trouble: Trouble::default(),
            drills: Drills::default(),
            reviews: Reviews::default(),
        }
    }

    fn read(&mut self, line: &[u8], is_of_export: bool) -> Result<(), Error> {
        let entry = Entry::parse(line)
            .map_err(|why| Error::unverified(format!("an entry cannot be read: {why}")))?;
        let is_within = is_of_export && self.span.has(entry.at);
        if let Some(life) = self.lives.take(&entry) {
            self.meet(&life);
        }
        self.approvals.take(&entry, is_within);
        self.reviews.take(&entry, is_within);
        if !is_within {
            return Ok(());
        }
        self.population.take(&entry);
        self.refused.take(&entry);
        self.changes.take(&entry);
        self.trouble.take(&entry);
        self.drills.take(&entry);
        Ok(())
    }

    /// A grant of which nothing is left, or the ledger ends.
    fn meet(&mut self, life: &lives::Life) {
        self.sample.meet(life, self.span);
        self.endings.meet(life, self.span);
        self.lengths.meet(life, self.span);
    }

    fn finish(mut self) -> Vec<Section> {
        for life in std::mem::take(&mut self.lives).left() {
            self.meet(&life);
        }
        vec![
            self.population.section(),
            self.sample.section(),
            self.endings.section(),
            self.refused.section(),
            self.approvals.section(),
            self.lengths.section(),
            self.changes.section(),
            self.trouble.section(),
            self.drills.section(),
            self.reviews.section(),
        ]
    }
}
