//! `[rights.ID]`: what can be asked for.

use std::collections::{BTreeMap, BTreeSet};

use toml::Spanned;
use toml::de::DeValue;

use super::access::audience_of;
use super::limits::{AUDIENCE_MAX, SENTENCE_MAX};
use super::report::{Problems, printable, quoted};
use super::section::Section;
use super::targets::Targets;
use super::value::{Ceiling, id, length, line};
use super::{Right, Risk, nearest, reach, witnesses};
use crate::id::RightId;
use crate::limits::{LENGTH_MAX, RIGHTS_MAX};
use crate::text::Line;

const FIELDS: [&str; 9] = [
    "sentence",
    "risk",
    "longest",
    "audience",
    "ssh",
    "postgres",
    "kubernetes",
    "aws",
    "without_witnesses",
];

/// The rights, and which names may be used for them further down.
#[derive(Default)]
pub(super) struct Rights {
    /// Those nothing is wrong with.
    pub(super) rights: BTreeMap<RightId, Right>,
    /// Every id that stands there: a right with a mistake in a field is still a known one.
    pub(super) ids: BTreeSet<String>,
}

pub(super) fn read(root: &Section<'_>, targets: &Targets, problems: &mut Problems) -> Rights {
    let mut read = Rights::default();
    let Some(rights) = root.tables("rights", problems) else {
        return read;
    };
    let mut sentences = BTreeSet::new();
    for (key, value) in rights.entries() {
        read.ids.insert((*key.get_ref()).to_owned());
        let right = read_right(&key, value, (root, targets, &mut sentences), problems);
        if let (Some(id), Some(right)) = (id(&key, problems), right) {
            read.rights.insert(id, right);
        }
    }
    if read.ids.len() > RIGHTS_MAX {
        problems.add(
            rights.at(),
            format!("the policy has {} rights", read.ids.len()),
            format!("at most {RIGHTS_MAX} are allowed"),
            "keep those somebody needs in an emergency",
        );
    }
    read
}

fn read_right<'t>(
    key: &Spanned<&str>,
    value: &'t Spanned<DeValue<'t>>,
    (root, targets, sentences): (&Section<'_>, &Targets, &mut BTreeSet<String>),
    problems: &mut Problems,
) -> Option<Right> {
    let title = format!("right {}", quoted(key.get_ref()));
    let section = Section::open(title, key.span(), value, problems)?;
    section.refuse_others(&FIELDS, problems);
    let sentence = read_sentence(&section, sentences, problems);
    let risk = read_risk(&section, problems);
    let longest = section.required_text("longest", problems).and_then(|text| {
        let ceiling = Ceiling {
            longest: LENGTH_MAX,
            why: "emergency access is not daily access",
        };
        length(&section.field("longest"), &text, &ceiling, problems)
    });
    let without_witnesses = witnesses::read_without(root, &section, problems);
    let reach = reach::read(&section, targets, problems);
    let has_audience = section.value("audience").is_some();
    let audience = if reach.is_there && !has_audience && !reach.needs_audience() {
        key.get_ref().parse().ok().map(|id| audience_of(&id))
    } else {
        read_audience(&section, problems)
    };
    Some(Right {
        sentence: sentence?,
        risk: risk?,
        longest: longest?,
        audience: audience?,
        has_audience,
        ssh: reach.ssh,
        postgres: reach.postgres,
        kubernetes: reach.kubernetes,
        aws: reach.aws,
        without_witnesses,
    })
}

/// The sentence is all an approver sees of the right, so no two may read alike.
fn read_sentence(
    section: &Section<'_>,
    sentences: &mut BTreeSet<String>,
    problems: &mut Problems,
) -> Option<Line> {
    let text = section.required_text("sentence", problems)?;
    let field = section.field("sentence");
    let sentence = line(&field, &text, SENTENCE_MAX, problems)?;
    if let Some(begun) = sentence.as_str().strip_suffix('.') {
        problems.add(
            text.span(),
            format!("{field} ends with a period, but stands in the middle of longer ones"),
            "ends with a period",
            format!(
                "write `\"{}\"`",
                printable(begun.trim_end_matches(['.', ' ']))
            ),
        );
        return None;
    }
    if !sentences.insert(sentence.as_str().to_lowercase()) {
        problems.add(
            text.span(),
            format!("{field} is the sentence of another right too"),
            "an approver could not tell them apart",
            "say what this right does and the other does not",
        );
        return None;
    }
    Some(sentence)
}

fn read_risk(section: &Section<'_>, problems: &mut Problems) -> Option<Risk> {
    let text = section.required_text("risk", problems)?;
    let risk = text.get_ref().parse();
    if risk.is_err() {
        let words = Risk::ALL.iter().map(|risk| risk.as_str());
        problems.add(
            text.span(),
            format!("{} is {}", section.field("risk"), quoted(text.get_ref())),
            "not a risk",
            nearest::help(text.get_ref(), words, "the risks"),
        );
    }
    risk.ok()
}

fn read_audience(section: &Section<'_>, problems: &mut Problems) -> Option<Line> {
    let text = section.required_text("audience", problems)?;
    let field = section.field("audience");
    let audience = line(&field, &text, AUDIENCE_MAX, problems)?;
    if audience.as_str().contains(char::is_whitespace) {
        problems.add(
            text.span(),
            format!("{field} has white space in it"),
            "white space",
            "write the URL or the name that the target expects as `aud`",
        );
        return None;
    }
    Some(audience)
}
