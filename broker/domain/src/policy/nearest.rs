//! "Did you mean": the known word nearest to an unknown one.

use super::report::quoted;
use crate::limits::ID_MAX;

/// Words listed where none is near: every field of anything in a policy, and a line or two.
const LISTED: usize = 12;

/// The fix for a word that is not among the known ones: the nearest, or else what there is.
/// `what` is what they are called together, for example "the fields".
pub(super) fn help<'k>(
    word: &str,
    known: impl Iterator<Item = &'k str> + Clone,
    what: &str,
) -> String {
    if let Some(near) = nearest(word, known.clone()) {
        return format!("did you mean {}?", quoted(near));
    }
    let total = known.clone().count();
    let listed: Vec<_> = known.take(LISTED).map(quoted).collect();
    match (listed.len(), total) {
        (0, _) => format!("there are none of {what} yet"),
        (shown, all) if shown < all => {
            format!("{what} are {} and {} more", listed.join(", "), all - shown)
        }
        _ => format!("{what} are {}", listed.join(", ")),
    }
}

/// The known word with the fewest slips, where they are few enough to be slips: one in three
/// letters. Capitals count for nothing.
pub(super) fn nearest<'k>(word: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    let word: Vec<char> = word.to_lowercase().chars().take(2 * ID_MAX).collect();
    let slips = |candidate: &str| {
        let candidate: Vec<char> = candidate.to_lowercase().chars().collect();
        let allowed = word.len().max(candidate.len()).div_ceil(3);
        let near = word.len().abs_diff(candidate.len()) <= allowed && candidate.len() <= 2 * ID_MAX;
        let slips = if near {
            distance(&word, &candidate)
        } else {
            allowed + 1
        };
        (slips <= allowed).then_some(slips)
    };
    let ranked = known.filter_map(|candidate| slips(candidate).map(|slips| (slips, candidate)));
    ranked.min().map(|(_, candidate)| candidate)
}

/// How many letters were added, left out, changed, or swapped with their neighbour (the "optimal
/// string alignment" distance).
fn distance(from: &[char], to: &[char]) -> usize {
    let mut before = vec![0; to.len() + 1];
    let mut above: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in to.iter().enumerate() {
            let changed = above[j] + usize::from(a != b);
            let mut least = changed.min(above[j + 1] + 1).min(row[j] + 1);
            let swapped = i > 0 && j > 0 && from[i - 1] == *b && to[j - 1] == *a;
            if swapped {
                least = least.min(before[j - 1] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    const RIGHTS: [&str; 3] = ["deploy-shop", "migrate-shop-db", "read-secrets"];

    #[test]
    fn a_slip_finds_its_word() {
        for slip in [
            "deploy-shp",
            "deploy-shopp",
            "depoly-shop",
            "Deploy-Shop",
            "deploy_shop",
        ] {
            assert_eq!(
                nearest(slip, RIGHTS.into_iter()),
                Some("deploy-shop"),
                "{slip}"
            );
        }
    }

    #[test]
    fn another_word_finds_nothing() {
        assert_eq!(nearest("billing", RIGHTS.into_iter()), None);
        assert_eq!(nearest("", RIGHTS.into_iter()), None);
        assert_eq!(
            help("billing", RIGHTS.into_iter(), "the rights"),
            "the rights are `deploy-shop`, `migrate-shop-db`, `read-secrets`"
        );
    }

    #[test]
    fn slips_are_counted() {
        let count = |from: &str, to: &str| {
            let letters = |word: &str| word.chars().collect::<Vec<_>>();
            distance(&letters(from), &letters(to))
        };
        assert_eq!(count("", "abc"), 3);
        assert_eq!(count("abc", ""), 3);
        assert_eq!(count("jbo", "job"), 1);
        assert_eq!(count("kitten", "sitting"), 3);
    }
}
