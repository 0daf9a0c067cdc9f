//! `[review]`: how long answers about an incident may be owed.

use toml::de::DeValue;

use super::report::Problems;
use super::section::Section;
use crate::time::Lifetime;

/// The longest: who has not looked after a quarter of a year does not remember.
const DAYS_MAX: u32 = 90;

const DAY: u32 = 24 * 3_600;

/// Nothing where the policy does not say: then nothing is ever shut.
pub(super) fn read(root: &Section<'_>, problems: &mut Problems) -> Option<Lifetime> {
    let section = root.tables("review", problems)?;
    section.refuse_others(&["days"], problems);
    let value = section.required("days", problems)?;
    let DeValue::Integer(number) = value.get_ref() else {
        section.wrong_type("days", value, "a number", problems);
        return None;
    };
    let days = u32::from_str_radix(number.as_str(), number.radix()).unwrap_or_default();
    if (1..=DAYS_MAX).contains(&days) {
        return Some(Lifetime::from_secs(days * DAY));
    }
    problems.add(
        value.span(),
        format!("{} is {number}", section.field("days")),
        "not taken",
        format!("write a number from 1 to {DAYS_MAX}: `days = 7`"),
    );
    None
}
