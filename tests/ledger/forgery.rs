//! What a forgery is, and that both verifiers find it.

use breakglass_client::entry::Entry;

use crate::night::Night;
use crate::shelf::Shelf;
use crate::verifiers::verify;

/// One way to lie with the ledger's own key.
pub(crate) struct Forgery {
    /// What it pretends.
    pub(crate) name: &'static str,
    /// Writes it behind the beginning of a night.
    pub(crate) write: fn(&mut Night),
    /// What is wrong with the newest entry, in the words of `glass`.
    pub(crate) glass: &'static str,
    /// The same in the words of `verify_ledger.py`.
    pub(crate) python: &'static str,
}

/// Each is refused by both, who name its newest entry and the reason.
pub(crate) fn each_is_found(forgeries: &[Forgery]) {
    let mut missed = Vec::new();
    for forgery in forgeries {
        let mut night = Night::begins();
        (forgery.write)(&mut night);
        let place = format!("entry {}: ", night.last());
        let verdicts = verify(&night.lines);
        missed.extend(missed_by_story(forgery, &night));
        for (who, told, reason) in [
            ("glass", verdicts.glass, forgery.glass),
            ("python", verdicts.python, forgery.python),
        ] {
            let told = told.unwrap_or_else(|| "accepts it".to_owned());
            if !told.contains(&place) || !told.contains(reason) {
                missed.push(format!(
                    "{}: {who}: {told}\n    should say `{place}... {reason}`",
                    forgery.name
                ));
            }
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

/// What takes the tree, or every number that was given, to be found.
const OF_THE_WHOLE: [&str; 4] = [
    "had seen",
    "said to have seen another history",
    "that are said to have been seen",
    "may have been given before",
];

/// Of a grant, its story finds it without the rest of the ledger.
fn missed_by_story(forgery: &Forgery, night: &Night) -> Option<String> {
    if OF_THE_WHOLE.iter().any(|it| forgery.glass.contains(it)) {
        return None;
    }
    let newest = Entry::parse(night.lines.last()?.as_bytes()).ok()?;
    let grant = newest.text("grant")?;
    let shelf = Shelf::of(&night.lines);
    if !shelf.grants().iter().any(|asked| asked == grant) {
        return None;
    }
    let told = match shelf.story(grant).wrong {
        Some(wrong) if wrong.entry == Some(newest.index) && wrong.why.contains(forgery.glass) => {
            return None;
        }
        Some(wrong) => format!("{wrong:?}"),
        None => "takes it".to_owned(),
    };
    Some(format!("{}: the story of {grant}: {told}", forgery.name))
}

/// Rows of a table: what is pretended, how, and what `glass` and Python say to it.
macro_rules! forgeries {
    ($($name:literal, $write:expr => $glass:literal, $python:literal;)*) => {
        &[$($crate::forgery::Forgery {
            name: $name,
            write: $write,
            glass: $glass,
            python: $python,
        }),*]
    };
}
pub(crate) use forgeries;
