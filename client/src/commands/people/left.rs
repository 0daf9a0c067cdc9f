//! What somebody leaves behind who is removed or frozen: requests, and invitations they made.

use breakglass_proto::v1;

use crate::{output::Printer, show, text};

/// Says which of their invitations work no more, and which requests nobody is left to answer.
pub(super) fn say(printer: &Printer, person: &str, withdrawn: &[String], waiting: &[v1::Grant]) {
    if !withdrawn.is_empty() {
        let made = show::counted(withdrawn.len() as u64, "invitation");
        let works = if withdrawn.len() == 1 {
            "works"
        } else {
            "work"
        };
        printer.line(format!(
            "{made} made by {person} no longer {works}: {}",
            names(withdrawn)
        ));
    }
    for waiting in waiting {
        printer.bad(format!(
            "{}{} of {} waits, and nobody is left who can answer it: take it back, and ask again when \
             the policy names somebody",
            show::drill_mark(waiting.drill),
            waiting.id,
            waiting.person
        ));
    }
}

/// Each name once, however often somebody was invited.
fn names(whom: &[String]) -> String {
    let mut names: Vec<_> = whom.iter().map(|whom| text::plain(whom)).collect();
    names.sort();
    names.dedup();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_named_twice() {
        let whom = ["anna", "otto", "anna", "anna\u{1b}[2J"].map(str::to_owned);
        assert_eq!(names(&whom), "anna, anna\\u{1b}[2J, otto");
    }
}
