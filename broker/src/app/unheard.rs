//! Alerts that were refused and are not sent again: whoever looks at the status learns of them.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use breakglass_domain::{SourceId, Time};

use super::App;
use super::limits::{UNHEARD_MOST, UNHEARD_TOLD};

/// Those of the last [`UNHEARD_TOLD`], by their source.
#[derive(Debug, Default)]
pub(super) struct Unheard(Mutex<BTreeMap<SourceId, Lately>>);

#[derive(Debug, Default)]
struct Lately {
    /// When, at most [`UNHEARD_MOST`].
    at: VecDeque<Time>,
    /// Why the newest was.
    why: String,
}

impl App {
    /// An alert of a source that has proven itself was refused, and the source does not try again.
    pub fn note_unheard(&self, source: &SourceId, why: String) {
        self.unheard.note(source, why, self.clock.now());
    }
}

impl Unheard {
    fn note(&self, source: &SourceId, why: String, now: Time) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let lately = all.entry(source.clone()).or_default();
        lately.at.push_back(now);
        lately.why = why;
        if lately.at.len() > UNHEARD_MOST {
            lately.at.pop_front();
        }
    }

    /// A sentence for each source of which some were.
    pub(super) fn told(&self, now: Time) -> Vec<String> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for lately in all.values_mut() {
            lately.at.retain(|at| now < at.plus(UNHEARD_TOLD));
        }
        all.retain(|_, lately| !lately.at.is_empty());
        all.iter()
            .map(|(source, lately)| lately.told(source))
            .collect()
    }
}

impl Lately {
    fn told(&self, source: &SourceId) -> String {
        let count = match self.at.len() {
            1 => "One alert".to_owned(),
            UNHEARD_MOST.. => format!("{UNHEARD_MOST} alerts or more"),
            many => format!("{many} alerts"),
        };
        format!(
            "{count} of {source} opened nothing within the last {UNHEARD_TOLD} and will not be sent \
             again. The newest: {}",
            self.why
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use breakglass_domain::Lifetime;

    #[test]
    fn what_was_refused_is_told_for_an_hour() {
        let (unheard, pager) = (Unheard::default(), "pager".parse().unwrap());
        let now = "2026-11-23T03:00:00Z".parse::<Time>().unwrap();
        let after = |minutes: u32| now.plus(Lifetime::from_secs(minutes * 60));
        assert_eq!(unheard.told(now), [""; 0]);
        unheard.note(&pager, "no severity for `else`".into(), now);
        unheard.note(&pager, "no severity for `Urgent`".into(), after(30));
        let both = "2 alerts of pager opened nothing within the last 1h and will not be sent again. \
                    The newest: no severity for `Urgent`";
        assert_eq!(unheard.told(after(59)), [both]);
        assert!(unheard.told(after(60))[0].starts_with("One alert of pager "));
        assert_eq!(unheard.told(after(90)), [""; 0]);
        for _ in 0..2 * UNHEARD_MOST {
            unheard.note(&pager, "x".into(), after(91));
        }
        assert!(unheard.told(after(91))[0].starts_with(&format!("{UNHEARD_MOST} alerts or more")));
    }
}
