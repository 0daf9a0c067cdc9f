//! Sentences about drills.

use breakglass_domain::Change;

use super::{Told, said};

impl Told<'_> {
    pub(super) fn of_drills(&self, change: &Change) -> Option<String> {
        let Change::DrillRecorded {
            incident,
            good,
            steps,
            failed,
        } = change
        else {
            return None;
        };
        let who = &self.who;
        if !good {
            let why = failed.as_ref().map_or("", |failed| failed.as_str());
            return Some(said(
                format!("{who} walked {incident}, and it was NOT GOOD"),
                why,
            ));
        }
        let took: i64 = steps.iter().map(|time| time.took.as_millis()).sum();
        let (count, seconds, millis) = (steps.len(), took / 1_000, took % 1_000);
        Some(format!(
            "{who} walked {incident}, and it was good: {count} steps in {seconds}.{millis:03} s."
        ))
    }
}
