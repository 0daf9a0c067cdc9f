//! What the words of a refusal name.

use jiff::Timestamp;

/// What stands in the places `{}` of a sentence; nothing where the text is another. Of several ways to read
/// it, each place but the last is as short as it can be.
pub(super) fn parts<'t, const N: usize>(text: &'t str, sentence: &str) -> Option<[&'t str; N]> {
    let mut between = sentence.split("{}");
    let mut rest = text.strip_prefix(between.next()?)?;
    let mut found = [""; N];
    let mut between = between.peekable();
    for place in &mut found {
        let behind = between.next()?;
        let end = match between.peek() {
            None => rest.len().checked_sub(behind.len())?,
            Some(_) => rest.find(behind)?,
        };
        let (here, behind) = (rest.get(..end)?, rest.get(end..)?.strip_prefix(behind)?);
        (*place, rest) = (here, behind);
    }
    (between.next().is_none() && rest.is_empty()).then_some(found)
}

/// A time as refusals tell it: `2026-11-24 00:02:23 UTC`, whole seconds.
pub(super) fn moment(text: &str) -> Option<Timestamp> {
    let (day, rest) = text.split_once(' ')?;
    let time = rest.strip_suffix(" UTC")?;
    format!("{day}T{time}Z").parse().ok()
}

/// A length as refusals tell it: `1h 30m`, in milliseconds.
pub(super) fn millis(text: &str) -> Option<i64> {
    let each = text.split(' ').map(|part| {
        let (number, unit) = part.split_at_checked(part.len().checked_sub(1)?)?;
        let seconds = match unit {
            "h" => 3_600,
            "m" => 60,
            "s" => 1,
            _ => return None,
        };
        number.parse::<i64>().ok()?.checked_mul(seconds * 1_000)
    });
    each.sum()
}

/// `G-45`, `INC-12`.
pub(super) fn is_numbered(before: &str, id: &str) -> bool {
    let number = id.strip_prefix(before).unwrap_or_default();
    (1..=19).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_is_read_by_what_stands_between() {
        let sentence = "{} belongs to {}, and only {} can do that";
        let text = "G-4 belongs to mia, and only mia can do that";
        assert_eq!(parts(text, sentence), Some(["G-4", "mia", "mia"]));
        assert_eq!(parts::<3>("G-4 belongs to mia", sentence), None);
        assert_eq!(parts::<2>(text, sentence), None, "too few places");
        assert_eq!(parts("no right `a` b`", "no right `{}`"), Some(["a` b"]));
        assert_eq!(parts::<1>("no right `é", "no right `{}`"), None);
        assert_eq!(parts::<1>("`", "`{}`"), None);
    }

    #[test]
    fn times_and_lengths_are_read_as_they_are_told() {
        let at = moment("2026-11-24 00:02:23 UTC").unwrap();
        assert_eq!(at.to_string(), "2026-11-24T00:02:23Z");
        assert_eq!(moment("yesterday"), None);
        assert_eq!(millis("1h 30m"), Some(5_400_000));
        assert_eq!(millis("0s"), Some(0));
        assert_eq!(millis("1d"), None);
        assert_eq!(millis(""), None);
        assert_eq!(millis("ü"), None);
    }
}
