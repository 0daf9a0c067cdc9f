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
        let missing = self.missing.as_deref().map(text::reason).transpose()?;
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

    fn named(&self) -> Result<Vec<String>, Error> {
        self.grant.iter().map(|it| text::grant_id(it)).collect()
    }
}

/// Asks for the three answers of each grant that is owed one, where somebody is there.
///
/// # Errors
/// [`Error::Usage`] where Ctrl-D is the answer: what was answered before stays.
pub fn ask(seat: &Seat, draft: &Draft, grant: &str) -> Result<Said, Error> {
    let known = draft.grants.iter().find(|known| known.grant == grant);
    let (missing, otherwise) = ("an answer is missing", hint(&draft.incident, grant));
    let choose = |question: &str, choices: [&str; 2]| {
        let choices = choices.map(str::to_owned);
        seat.printer.choose(question, &choices, missing, &otherwise)
    };
    seat.printer.note("");
    seat.printer.note(question(grant, known));
    let needed = choose("Was it needed", ["yes", "no"])? == 0;
    let width = match choose(
        "Was the right too wide",
        ["as wide as it had to be", "too wide"],
    )? {
        0 => Width::Right,
        _ => Width::TooWide,
    };
    let line = seat
        .printer
        .ask("What was missing (- for nothing)", missing, &otherwise)?;
    let missing = match line.trim() {
        "-" => String::new(),
        line => text::reason(line)?,
    };
    Ok(Said {
        needed,
        width: width.word(),
        missing,
    })
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

fn hint(incident: &str, grant: &str) -> String {
    format!("say it in flags: glass review {incident} --grant {grant} --needed yes")
}
