//! The three answers: from flags, or asked for one after another.

use crate::{
    commands::Seat,
    error::Error,
    review::{Draft, Grant},
    session::Said,
    text,
};

/// What is said of a grant, as flags.
#[derive(Debug, Clone, clap::Args)]
pub struct Flags {
    /// The grant to answer for; can be given again
    #[arg(long, value_name = "GRANT", requires = "needed")]
    grant: Vec<String>,
    /// Answer for every grant that nobody has answered for
    #[arg(long, requires = "needed", conflicts_with = "grant")]
    all: bool,
    /// Whether it was needed
    #[arg(long, value_name = "ANSWER")]
    needed: Option<YesNo>,
    /// Whether its right was as wide as it had to be
    #[arg(
        long,
        value_name = "WIDTH",
        default_value = "right",
        requires = "needed"
    )]
    width: Width,
    /// What was missing
    #[arg(long, value_name = "TEXT", requires = "needed")]
    missing: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum YesNo {
    Yes,
    No,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Width {
    Right,
    TooWide,
}

impl Width {
    fn word(self) -> &'static str {
        match self {
            Self::Right => "right",
            Self::TooWide => "too-wide",
        }
    }
}

impl Flags {
    /// What the flags say, and of which of the grants that are owed an answer.
    ///
    /// # Errors
    /// [`Error::Usage`] where they say it of nothing.
    pub fn said(&self, incident: &str, owed: &[String]) -> Result<Vec<(String, Said)>, Error> {
        let Some(needed) = self.needed else {
            return Ok(Vec::new());
        };
        let missing = self.missing.as_deref().map(text::missing).transpose()?;
        let said = Said {
            needed: needed == YesNo::Yes,
            width: self.width.word(),
            missing: missing.unwrap_or_default(),
        };
        let grants = match (self.all, self.grant.is_empty()) {
            (true, _) => owed.to_vec(),
            (false, false) => self.named()?,
            (false, true) => {
                return Err(Error::usage(
                    "for which grant is not said",
                    format!("glass review {incident} --grant G-45 --needed yes, or --all"),
                ));
            }
        };
        Ok(grants.into_iter().map(|it| (it, said.clone())).collect())
    }

    /// The command with the incident that was left out.
    pub fn with_incident(&self) -> String {
        let of = match (self.all, self.grant.as_slice()) {
            (true, _) => "--all",
            (false, [grant]) => &format!("--grant {}", text::plain(&text::cut(grant))),
            (false, _) => "--grant G-45",
        };
        let needed = match self.needed {
            Some(YesNo::No) => "no",
            _ => "yes",
        };
        format!(
            "name it, as in: glass review INC-12 {of} --needed {needed}. Those that owe an answer: glass review"
        )
    }

    /// Whether anything is said.
    pub fn is_said(&self) -> bool {
        self.needed.is_some()
    }

    fn named(&self) -> Result<Vec<String>, Error> {
        self.grant.iter().map(|it| text::grant_id(it)).collect()
    }
}

/// Asks for the three answers of a grant that is owed one, where somebody is there; nothing for Ctrl-D:
/// what was answered before stays.
///
/// # Errors
/// [`Error::Usage`] where nobody is there to answer.
pub fn ask(seat: &Seat, draft: &Draft, grant: &str) -> Result<Option<Said>, Error> {
    let known = draft.grants.iter().find(|known| known.grant == grant);
    seat.printer.note("");
    seat.printer.note(question(grant, known));
    let Some(needed) = yes_or_no(seat, "Was it needed? [y/n] ", None)? else {
        return Ok(None);
    };
    let Some(is_wide) = yes_or_no(seat, "Was the right too wide? [y/N] ", Some(false))? else {
        return Ok(None);
    };
    let Some(missing) = missing(seat)? else {
        return Ok(None);
    };
    let width = if is_wide {
        Width::TooWide
    } else {
        Width::Right
    };
    Ok(Some(Said {
        needed,
        width: width.word(),
        missing,
    }))
}

/// Whether the same is said of all the others.
///
/// # Errors
/// As [`ask`].
pub fn same_for(seat: &Seat, left: usize) -> Result<bool, Error> {
    let question = match left {
        1 => "The same for the other one? [y/N] ".to_owned(),
        left => format!("The same for the other {left}? [y/N] "),
    };
    Ok(yes_or_no(seat, &question, Some(false))? == Some(true))
}

/// Yes or no; `usual` is what Enter means. Nothing for Ctrl-D.
fn yes_or_no(seat: &Seat, question: &str, usual: Option<bool>) -> Result<Option<bool>, Error> {
    loop {
        let Some(line) = seat.printer.hears(question)? else {
            return Ok(None);
        };
        match (line.trim().to_lowercase().as_str(), usual) {
            ("y" | "yes" | "1", _) => return Ok(Some(true)),
            ("n" | "no" | "2", _) => return Ok(Some(false)),
            ("", Some(usual)) => return Ok(Some(usual)),
            _ => seat.printer.note("y or n; Ctrl-D stops"),
        }
    }
}

/// What was missing; Enter means nothing was.
fn missing(seat: &Seat) -> Result<Option<String>, Error> {
    loop {
        let line = seat.printer.hears("What was missing? [Enter: nothing] ")?;
        let Some(line) = line else { return Ok(None) };
        match text::missing(&line) {
            Ok(missing) => return Ok(Some(missing)),
            Err(why) => seat.printer.error(&why),
        }
    }
}

fn question(grant: &str, known: Option<&Grant>) -> String {
    match known {
        Some(known) => format!(
            "{grant}: {} to {}",
            known.person,
            text::plain(&known.sentence)
        ),
        None => grant.to_owned(),
    }
}
