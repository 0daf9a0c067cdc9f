//! `glass can`

use breakglass_proto::v1;

use crate::{
    commands::{DONE, Seat},
    error::{Error, exit},
    leads,
    output::Printer,
    session::Session,
    text,
    view::CanView,
};

/// What somebody can do, and the rule that decides
///
/// Asks the policy and nothing else: nothing is requested, nobody is disturbed.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  glass can                       what I can do
  glass can leon                  what leon can do
  glass can deploy-shop           whether I can, by which rule, who approves
  glass can leon migrate-shop-db  whether leon can

With a right, the exit code is 0 for yes and 82 for no.")]
pub struct Args {
    /// Whose rights; yours where it is left out
    #[arg(value_name = "PERSON")]
    first: Option<String>,
    /// Which right; all where it is left out
    #[arg(value_name = "RIGHT")]
    second: Option<String>,
}

/// Asks, and shows the answer.
///
/// # Errors
/// [`Error::Refused`] for a person or a right that is not in the policy.
pub async fn run(args: Args, seat: &Seat) -> Result<u8, Error> {
    let first = args
        .first
        .map(|word| text::id("the person or right", &word))
        .transpose()?;
    let second = args.second.map(|word| text::right_id(&word)).transpose()?;
    let session = seat.session().await?;
    let (can, is_one_right) = match (first, second) {
        (None, _) => (session.can("", "").await?, false),
        (Some(person), Some(right)) => (session.can(&person, &right).await?, true),
        (Some(word), None) => person_or_right(&session, &word).await?,
    };
    seat.printer.answer(&CanView::from(&can), |printer| {
        say_all(printer, &can, is_one_right);
    });
    let is_no = is_one_right && !can.verdicts.iter().any(|verdict| verdict.allowed);
    Ok(if is_no { exit::DENIED } else { DONE })
}

/// One word may be either; people win, as they stand first.
async fn person_or_right(session: &Session, word: &str) -> Result<(v1::PersonCan, bool), Error> {
    match session.can(word, "").await {
        Err(error) if error.reason() == "UNKNOWN_PERSON" => {}
        answer => return answer.map(|can| (can, false)),
    }
    match session.can("", word).await {
        Err(error) if error.reason() == "UNKNOWN_RIGHT" => Err(Error::usage(
            format!("`{word}` is neither a person nor a right of this policy"),
            "see both: glass people list, glass policy show",
        )),
        answer => answer.map(|can| (can, true)),
    }
}

/// One sentence for each right, and the duties besides.
pub fn say(printer: &Printer, can: &v1::PersonCan) {
    say_all(printer, can, false);
}

/// The same; `token` where it is said whom a right's token is for, to those who look at that one.
fn say_all(printer: &Printer, can: &v1::PersonCan, token: bool) {
    printer.heading(format!("{} ({})", can.name, can.person));
    for verdict in &can.verdicts {
        let sentence = match verdict.explanation.as_str() {
            "" => verdict.sentence.as_str(),
            explanation => explanation,
        };
        let line = format!(
            "  {:<3}  {:<20}  {}",
            word(verdict),
            verdict.right,
            text::plain(sentence)
        );
        if verdict.allowed {
            printer.line(line);
            if !verdict.held_up.is_empty() {
                printer.bad(format!(
                    "{INDENT}NOT NOW: {}",
                    text::plain(&verdict.held_up)
                ));
                printer.line(format!(
                    "{INDENT}next: {}",
                    text::plain(&verdict.held_up_next)
                ));
            }
            for way in verdict.access.iter().flat_map(leads::ways) {
                printer.line(format!("{INDENT}{way}"));
            }
            let audience = verdict.access.iter().map(|access| &access.audience);
            for audience in audience.filter(|audience| token && !audience.is_empty()) {
                printer.line(format!("{INDENT}token for {}", text::plain(audience)));
            }
        } else {
            printer.aside(line);
        }
    }
    if !can.duties.is_empty() {
        let duties = crate::grant::listed(&can.duties, "and");
        printer.line(format!("  may also {}", text::plain(&duties)));
    }
}

/// Under the explanation of a right.
const INDENT: &str = "                             ";

fn word(verdict: &v1::Verdict) -> &'static str {
    if verdict.allowed { "yes" } else { "no" }
}
