//! What is answered afterwards: once, for a grant that began, when its incident is over.

use std::collections::HashMap;

use crate::entry::Entry;

/// Grants that began and are not answered for: each with the person, right and incident it is of.
#[derive(Default)]
pub(super) struct Reviews {
    begun: HashMap<String, [String; 3]>,
}

impl Reviews {
    /// Checks and folds; `is_open` says whether an incident is.
    pub(super) fn take(
        &mut self,
        entry: &Entry,
        is_open: impl Fn(&str) -> bool,
    ) -> Result<(), String> {
        let text = |name| entry.text(name).unwrap_or_default().to_owned();
        let (id, of) = (text("grant"), ["person", "right", "incident"].map(text));
        match entry.kind.as_str() {
            // Nothing was broken in a drill, so nobody is asked about it.
            "grant.started" if entry.is_drill() => Ok(()),
            "grant.started" => {
                self.begun.insert(id, of);
                Ok(())
            }
            "review.answered" if is_open(&of[2]) => {
                Err(format!("{id} is reviewed, and {} is open", of[2]))
            }
            "review.answered" => match self.begun.remove(&id) {
                Some(begun) if begun == of => Ok(()),
                Some(_) => Err(format!(
                    "{id} is reviewed as somebody else's, or as of something else"
                )),
                None => Err(format!(
                    "{id} is reviewed, and it never began or was reviewed before"
                )),
            },
            _ => Ok(()),
        }
    }
}
