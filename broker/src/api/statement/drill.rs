//! The steps of a drill as they are signed: `open 14/5000, ask 21/5000`.

use breakglass_domain::Lifetime;
use breakglass_domain::drill::{Step, StepTime};

use super::super::error::Error;

/// A drill closes by itself within an hour; a laptop that slept meanwhile may say a day.
const MILLIS_MAX: u32 = 24 * 3_600 * 1_000;

/// Reads them; an empty line is none.
///
/// # Errors
/// [`Error::Text`] for anything but what [`Step`] names, written as above.
pub(super) fn steps(text: &str) -> Result<Vec<StepTime>, Error> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let parts: Vec<_> = text.split(", ").collect();
    if parts.len() > Step::ALL.len() {
        return Err(not_taken(format!(
            "there are more than {} of them",
            Step::ALL.len()
        )));
    }
    parts.into_iter().map(step).collect()
}

fn step(text: &str) -> Result<StepTime, Error> {
    let wrong = || not_taken("each is written like `open 14/5000`, by its milliseconds".to_owned());
    let (name, times) = text.split_once(' ').ok_or_else(wrong)?;
    let (took, budget) = times.split_once('/').ok_or_else(wrong)?;
    let time = StepTime {
        step: name.parse().map_err(|_| wrong())?,
        took: millis(took).ok_or_else(wrong)?,
        budget: millis(budget).ok_or_else(wrong)?,
    };
    Ok(time)
}

/// Digits alone, and no zero before them: each number is written in one way.
fn millis(text: &str) -> Option<Lifetime> {
    let number: u32 = text.parse().ok()?;
    let is_plain = number.to_string() == text && number <= MILLIS_MAX;
    is_plain.then(|| Lifetime::from_millis(i64::from(number)))
}

fn not_taken(why: String) -> Error {
    let field = "steps";
    Error::Text { field, why }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_read_as_they_are_signed() {
        let read = steps("open 14/5000, use 0/60000").unwrap();
        let said = read.iter().map(|it| (it.step, it.took, it.budget));
        let millis = Lifetime::from_millis;
        assert_eq!(
            said.collect::<Vec<_>>(),
            [
                (Step::Open, millis(14), millis(5_000)),
                (Step::Use, millis(0), millis(60_000)),
            ]
        );
        assert_eq!(steps("").unwrap(), []);
    }

    #[test]
    fn nothing_else_is_read() {
        for text in [
            "open",
            "open 14",
            "open 14/",
            "open 014/5000",
            "open +14/5000",
            "open -1/5000",
            "open 14/99999999999",
            "fly 14/5000",
            "open 14/5000,ask 1/2",
            "open 14/5000, ",
            " open 14/5000",
        ] {
            assert!(steps(text).is_err(), "{text}");
        }
        let many = ["open 1/1"; 10].join(", ");
        assert!(steps(&many).is_err());
    }
}
