//! TOML in, [`Policy`] out.

use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::limits::INCIDENT_MAX;
use super::report::{Finding, Problems, printable, quoted};
use super::rules::Known;
use super::section::Section;
use super::selectors::selectors;
use super::value::{Ceiling, length};
use super::{
    Duties, Policy, PolicyError, drills, review, rights, rules, sources, targets, team, witnesses,
};
use crate::limits::{INCIDENT_LONGEST, POLICY_MAX};
use crate::text::restyles;
use crate::time::Lifetime;

const FIELDS: [&str; 11] = [
    "version",
    "people",
    "targets",
    "rights",
    "rules",
    "duties",
    "incidents",
    "sources",
    "review",
    "witnesses",
    "drills",
];

/// The only version of the format there is.
const VERSION: &str = "1";

impl Policy {
    /// Reads a policy; `name` is what errors call the file.
    ///
    /// A byte order mark at the beginning is skipped, and lines may end as on any system. The text
    /// is kept as it is.
    ///
    /// # Errors
    /// [`PolicyError`] with every line that is wrong, a caret under it, and the fix. What is not
    /// TOML at all, is larger than [`POLICY_MAX`], holds characters that restyle a terminal, or is
    /// of another version is told alone.
    pub fn parse(name: &str, text: &str) -> Result<Self, PolicyError> {
        let body = text.strip_prefix('\u{FEFF}').unwrap_or(text);
        if let Some(finding) = unreadable(text, body) {
            return Err(PolicyError::undrawn(name, body, finding));
        }
        let mut problems = Problems::default();
        let policy = match DeTable::parse(body) {
            Ok(table) => read(text, table.get_ref(), &mut problems),
            Err(wrong) => {
                not_toml(&wrong, body, &mut problems);
                Self::nothing()
            }
        };
        match problems.into_error(name, body) {
            Some(error) => Err(error),
            None => Ok(policy),
        }
    }

    /// The policy before any was loaded: nobody, nothing.
    #[must_use]
    pub fn nothing() -> Self {
        Self {
            text: "".into(),
            people: Default::default(),
            targets: Default::default(),
            rights: Default::default(),
            rules: Vec::new(),
            duties: Default::default(),
            incident_longest: INCIDENT_LONGEST,
            sources: Default::default(),
            review_within: None,
            witnesses: None,
            drills: None,
        }
    }
}

/// What makes a text unfit to be read, or even shown.
fn unreadable(text: &str, body: &str) -> Option<Finding> {
    if text.len() > POLICY_MAX {
        return Some(Finding {
            span: 0..0,
            message: format!(
                "the policy has {} bytes, and at most {POLICY_MAX} are allowed",
                text.len()
            ),
            label: String::new(),
            help: "shorten it: the ledger keeps every policy whole, in one entry".into(),
        });
    }
    let (at, c) = body.char_indices().find(|&(at, c)| {
        let ends_line = c == '\r' && body[at..].starts_with("\r\n");
        restyles(c) && c != '\n' && c != '\t' && !ends_line
    })?;
    Some(Finding {
        span: at..at,
        message: format!(
            "the policy holds the character U+{:04X}, which can change what a terminal shows",
            u32::from(c)
        ),
        label: String::new(),
        help: "remove it; the line is not shown here for that reason".into(),
    })
}

fn not_toml(wrong: &toml::de::Error, body: &str, problems: &mut Problems) {
    let span = wrong.span().unwrap_or(body.len()..body.len());
    let message = printable(wrong.message());
    if message == "duplicate key" {
        let key = body.get(span.clone()).unwrap_or_default();
        return problems.add(
            span,
            format!("{} is defined twice", quoted(key)),
            "defined above",
            "keep one of the two, and remove or rename the other",
        );
    }
    let help = if message.contains("string") {
        r#"write texts in quotes, on one line: `name = "Mia"`"#
    } else {
        "write one `field = value` on a line, and texts in quotes (see https://toml.io)"
    };
    problems.add(span, format!("this is not TOML: {message}"), "here", help);
}

/// The policy in the table; what had to be left out of it has been noted as a problem.
fn read<'t>(text: &str, table: &'t DeTable<'t>, problems: &mut Problems) -> Policy {
    let root = Section::root(table);
    if is_of_another_version(&root, problems) {
        return Policy::nothing();
    }
    root.refuse_others(&FIELDS, problems);
    root.required("people", problems);
    let team = team::read(&root, problems);
    let targets = targets::read(&root, problems);
    let witnesses = witnesses::read(&root, problems);
    let rights = rights::read(&root, &targets, problems);
    let known = Known { team, rights };
    let rules = rules::read(&root, &known, problems);
    let duties = read_duties(&root, &known, problems).unwrap_or_default();
    let incident_longest = read_incidents(&root, problems).unwrap_or(INCIDENT_LONGEST);
    let sources = sources::read(&root, &known.rights, problems);
    let review_within = review::read(&root, problems);
    let drills = drills::read(&root, &known.rights, problems);
    Policy {
        text: Arc::from(text),
        people: known.team.people,
        targets: targets.targets,
        rights: known.rights.rights,
        rules,
        duties,
        incident_longest,
        sources,
        review_within,
        witnesses,
        drills,
    }
}

/// Notes what is wrong with the version; true where the rest may well mean something else.
fn is_of_another_version(root: &Section<'_>, problems: &mut Problems) -> bool {
    let Some(value) = root.value("version") else {
        problems.add(
            0..0,
            "the policy does not say in which version of the format it is written",
            "`version` is missing",
            "begin with `version = 1`",
        );
        return false;
    };
    let DeValue::Integer(number) = value.get_ref() else {
        root.wrong_type("version", value, "a number", problems);
        return false;
    };
    if number.radix() == 10 && number.as_str() == VERSION {
        return false;
    }
    problems.add(
        value.span(),
        format!("the policy is written in version {number}, and this program reads version 1"),
        "not known here",
        "write `version = 1`, or use a breakglass that knows this version",
    );
    true
}

fn read_duties(root: &Section<'_>, known: &Known, problems: &mut Problems) -> Option<Duties> {
    let section = root.tables("duties", problems)?;
    section.refuse_others(&Duties::FIELDS, problems);
    let mut people = |name: &str| {
        let texts = section.texts(name, problems);
        let texts = texts.map(Spanned::into_inner).unwrap_or_default();
        selectors(&section.field(name), &texts, known, problems)
    };
    Some(Duties {
        open_incidents: people("open_incidents"),
        close_incidents: people("close_incidents"),
        revoke: people("revoke"),
        freeze: people("freeze"),
        invite: people("invite"),
        export_ledger: people("export_ledger"),
    })
}

fn read_incidents(root: &Section<'_>, problems: &mut Problems) -> Option<Lifetime> {
    let section = root.tables("incidents", problems)?;
    section.refuse_others(&["longest"], problems);
    let text = section.text("longest", problems)?;
    let ceiling = Ceiling {
        longest: INCIDENT_MAX,
        why: "what takes longer is closed, looked at, and opened anew",
    };
    length(&section.field("longest"), &text, &ceiling, problems)
}
