//! What is said afterwards, one sentence each.

use breakglass_domain::{Change, Width};

use super::{Told, said};

impl Told<'_> {
    pub(super) fn of_reviews(&self, change: &Change) -> Option<String> {
        let Change::ReviewAnswered {
            of,
            needed,
            width,
            missing,
        } = change
        else {
            return None;
        };
        let (who, holder) = (&self.who, self.words.name(&of.person));
        let needed = match needed {
            true => "was needed",
            false => "was not needed",
        };
        let width = match width {
            Width::Right => "",
            Width::TooWide => ", and its right is too wide",
        };
        let answered = format!(
            "{who} reviewed {} of {holder} ({}): it {needed}{width}",
            of.grant, of.incident
        );
        Some(match missing {
            Some(missing) => said(format!("{answered}; missing"), missing.as_str()),
            None => said(answered, ""),
        })
    }
}
