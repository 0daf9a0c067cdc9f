//! Lists of people and jobs: `["mia", "job:engineer"]`.

use toml::Spanned;

use super::report::{Problems, quoted};
use super::rules::Known;
use super::{Selector, nearest};
use crate::text::Line;

/// The people and jobs named; unknown ones are problems and left out. `field` is how problems call
/// the list.
pub(super) fn selectors(
    field: &str,
    texts: &[Spanned<&str>],
    known: &Known,
    problems: &mut Problems,
) -> Vec<Selector> {
    let mut selected = Vec::new();
    for text in texts {
        let word = *text.get_ref();
        selected.extend(match word.strip_prefix("job:") {
            // Where a job or an id is not fit to be one, that was said where it is defined.
            Some(job) if known.team.jobs.contains(job) => Line::parse(job).ok().map(Selector::Job),
            None if known.team.ids.contains(word) => word.parse().ok().map(Selector::Person),
            Some(_) => {
                unknown_selector(field, text, "nobody has this job", known, problems);
                None
            }
            None => {
                unknown_selector(field, text, "not in `people`", known, problems);
                None
            }
        });
    }
    selected
}

fn unknown_selector(
    field: &str,
    text: &Spanned<&str>,
    label: &str,
    known: &Known,
    problems: &mut Problems,
) {
    let word = *text.get_ref();
    let jobs: Vec<String> = known
        .team
        .jobs
        .iter()
        .map(|job| format!("job:{job}"))
        .collect();
    let job = jobs
        .iter()
        .find(|job| job.strip_prefix("job:") == Some(word));
    let person = word
        .strip_prefix("job:")
        .filter(|id| known.team.ids.contains(*id));
    let help = match (job.map(String::as_str), person) {
        (Some(meant), _) | (None, Some(meant)) => format!("did you mean {}?", quoted(meant)),
        (None, None) => {
            let ids = known.team.ids.iter().map(String::as_str);
            let all = jobs.iter().map(String::as_str).chain(ids);
            nearest::help(word, all, "the people and jobs")
        }
    };
    let message = format!(
        "{field} names {}, which the policy does not know",
        quoted(word)
    );
    problems.add(text.span(), message, label, help);
}
