//! `[drills]`: what a drill may unlock, how often there is to be one, and how long each step may take.

use std::collections::BTreeSet;

use toml::Spanned;
use toml::de::DeValue;

use super::report::Problems;
use super::rights::Rights;
use super::rules::defined;
use super::section::Section;
use super::value::{Ceiling, length};
use super::{DrillRules, Policy};
use crate::drill::Step;
use crate::id::RightId;
use crate::time::Lifetime;

/// The longest: who has not walked the way for a year does not know whether it is there.
const DAYS_MAX: u32 = 365;

/// Where the policy does not say: once a month.
const DAYS: u32 = 30;

const DAY: u32 = 24 * 3_600;

/// The longest a step may take: the drill closes by itself then.
const BUDGET_MAX: Lifetime = Lifetime::from_secs(3_600);

impl DrillRules {
    /// How long a step may take.
    #[must_use]
    pub fn budget(&self, step: Step) -> Lifetime {
        self.budgets[step.place()]
    }
}

impl Policy {
    /// Whether a drill may unlock a right.
    #[must_use]
    pub fn drills_unlock(&self, right: &RightId) -> bool {
        let drills = self.drills.as_ref();
        drills.is_some_and(|drills| drills.rights.contains(right))
    }
}

/// How long a step may take where the policy does not say.
fn usual(step: Step) -> Lifetime {
    Lifetime::from_secs(match step {
        Step::Open | Step::Ask | Step::Credential | Step::Close | Step::Ended => 5,
        // An approver who sleeps is awake, has read it, and has answered.
        Step::Approve => 300,
        Step::Use => 60,
        // The broker puts it on record after ten that an end was not confirmed.
        Step::Kill => 10,
        Step::Verify => 30,
    })
}

/// Nothing where the policy does not say: then there are no drills.
pub(super) fn read(
    root: &Section<'_>,
    rights: &Rights,
    problems: &mut Problems,
) -> Option<DrillRules> {
    let section = root.tables("drills", problems)?;
    section.refuse_others(&["rights", "days", "budgets"], problems);
    section.required("rights", problems);
    let texts = section.texts("rights", problems)?;
    let span = texts.span();
    let right = |text| defined(&section, rights, text, problems);
    let unlocked = texts.get_ref().iter().filter_map(right);
    let unlocked: BTreeSet<_> = unlocked.map(Spanned::into_inner).collect();
    if texts.get_ref().is_empty() {
        problems.add(
            span,
            format!("{} is empty", section.field("rights")),
            "nothing to unlock",
            "name a right that leads to a target where nothing can break",
        );
    }
    Some(DrillRules {
        rights: unlocked,
        within: Lifetime::from_secs(days(&section, problems) * DAY),
        budgets: budgets(&section, problems),
    })
}

fn days(section: &Section<'_>, problems: &mut Problems) -> u32 {
    let Some(value) = section.value("days") else {
        return DAYS;
    };
    let DeValue::Integer(number) = value.get_ref() else {
        section.wrong_type("days", value, "a number", problems);
        return DAYS;
    };
    let days = u32::from_str_radix(number.as_str(), number.radix()).unwrap_or_default();
    if !(1..=DAYS_MAX).contains(&days) {
        problems.add(
            value.span(),
            format!("{} is {number}", section.field("days")),
            "not taken",
            format!("write a number from 1 to {DAYS_MAX}: `days = {DAYS}`"),
        );
        return DAYS;
    }
    days
}

/// In the order of the steps.
fn budgets(section: &Section<'_>, problems: &mut Problems) -> Vec<Lifetime> {
    let names = Step::ALL.iter().map(|step| step.as_str());
    let names: Vec<_> = names.collect();
    let written = section.table("budgets", problems);
    if let Some(written) = &written {
        written.refuse_others(&names, problems);
    }
    let ceiling = Ceiling {
        longest: BUDGET_MAX,
        why: "a drill closes by itself then",
    };
    let budget = |step: &Step| {
        let written = written.as_ref()?;
        let text = written.text(step.as_str(), problems)?;
        length(&written.field(step.as_str()), &text, &ceiling, problems)
    };
    let read: Vec<_> = Step::ALL.iter().map(budget).collect();
    let all = Step::ALL.iter().zip(read);
    all.map(|(step, read)| read.unwrap_or_else(|| usual(*step)))
        .collect()
}
