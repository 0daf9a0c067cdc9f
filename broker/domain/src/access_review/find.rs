//! What is to be looked at.

use super::finding::{Finding, FindingKind, day, line_of};
use super::{AccessReview, Asked, HeldRight, PersonAccess, Roster, Standing, ends_at};
use crate::id::{PersonId, RightId};
use crate::last::Mark;
use crate::policy::access::TargetKind;
use crate::policy::{Duties, Places, Policy, Rule, Selector, listed};
use crate::time::Time;

/// Duties without which nobody who was stolen from is stopped, and nobody comes in any more.
const URGENT: [&str; 3] = ["revoke", "freeze", "invite"];

/// In order of kind, then of what they are about.
pub(super) fn findings(roster: &Roster, review: &AccessReview, asked: &Asked) -> Vec<Finding> {
    let search = Search {
        roster,
        policy: &roster.policy,
        places: Places::of(&roster.policy),
        review,
        asked,
    };
    let people = review.people.iter();
    let mut found: Vec<_> = people
        .filter_map(|person| search.of_person(person))
        .collect();
    found.extend(search.without_rights());
    found.extend(search.nobody_there());
    found.extend(search.of_rights());
    found.extend(search.unused());
    found.extend(search.of_guards());
    found.sort_by(|one, other| (one.kind, &one.about).cmp(&(other.kind, &other.about)));
    found
}

struct Search<'a> {
    roster: &'a Roster,
    policy: &'a Policy,
    places: Places,
    review: &'a AccessReview,
    asked: &'a Asked,
}

impl Search<'_> {
    /// Whether somebody could act, and if not, since when and why.
    fn of_person(&self, person: &PersonAccess) -> Option<Finding> {
        let (id, name) = (&person.id, &person.name);
        let line = self.places.person(id.as_str());
        let at = line_of(line);
        let finding = |kind, text, next, since| {
            let about = id.to_string();
            Some(Finding {
                kind,
                about,
                right: None,
                text,
                next,
                line,
                since,
            })
        };
        match person.standing {
            Standing::Enrolled => None,
            Standing::Removed => {
                let removed = person.removed.map(|mark| day(mark.at)).unwrap_or_default();
                let named = self.named_in(id);
                let others = if named.len() > 1 {
                    " and the other names"
                } else {
                    ""
                };
                let text = format!(
                    "{name} ({id}) was removed on {removed}, and the policy still names them: in {}",
                    listed(&named, "and")
                );
                let next = format!("take [people.{id}]{at}{others} out, then: glassd reload");
                finding(FindingKind::RemovedButNamed, text, next, person.removed)
            }
            Standing::Lapsed => {
                let ended = ends_at(&person.devices).map(day).unwrap_or_default();
                let text = format!(
                    "No certificate of {name} ({id}) works any more: the last one ended on {ended}"
                );
                let next = format!(
                    "if they left: glass people remove {id} -m \"why\", and take [people.{id}]{at} out; \
                     if not: glass people invite {id}"
                );
                finding(FindingKind::CertificateLapsed, text, next, person.acted)
            }
            Standing::NotEnrolled => {
                let until = person.invited_until.map(day);
                let invited = until.map_or_else(String::new, |until| {
                    format!(", and is invited until {until}")
                });
                let text = format!("{name} ({id}) has no laptop enrolled{invited}");
                let next = format!(
                    "glass people invite {id}; or, where they are not to come, take [people.{id}]{at} out"
                );
                finding(FindingKind::NeverEnrolled, text, next, person.removed)
            }
            Standing::Frozen => {
                let freeze = self.roster.frozen.get(id)?;
                let text = format!(
                    "{name} ({id}) is frozen since {} by {}: {}",
                    day(freeze.at),
                    freeze.by,
                    freeze.reason
                );
                let next = format!(
                    "glass freeze {id} --lift -m \"why\"; or glass people remove {id} -m \"why\", and take \
                     [people.{id}]{at} out"
                );
                finding(FindingKind::Frozen, text, next, None)
            }
        }
    }

    /// Everything that names somebody by their id.
    fn named_in(&self, id: &PersonId) -> Vec<String> {
        let mut named = vec![format!("[people.{id}]")];
        for rule in &self.policy.rules {
            let lists = lists(rule).into_iter();
            let lists = lists.filter(|(_, list)| list.contains(&Selector::Person(id.clone())));
            named.extend(lists.map(|(field, _)| format!("{field} of rule {}", rule.name)));
        }
        let duties = self.policy.duties.listed().into_iter();
        let duties = duties.filter(|(_, list)| list.contains(&Selector::Person(id.clone())));
        named.extend(duties.map(|(duty, _)| format!("the duty to {duty}")));
        named
    }

    fn without_rights(&self) -> Vec<Finding> {
        let nothing = |person: &&PersonAccess| {
            let asked = |rule: &Rule| {
                let mut lists = lists(rule).into_iter();
                lists.any(|(_, list)| self.policy.selects(list, &person.id))
            };
            person.rights.is_empty()
                && person.duties.is_empty()
                && !self.policy.rules.iter().any(asked)
        };
        let people = self.review.people.iter().filter(nothing);
        let found = people.map(|PersonAccess { id, name, .. }| {
            let line = self.places.person(id.as_str());
            Finding {
                kind: FindingKind::PersonWithoutRights,
                about: id.to_string(),
                right: None,
                text: format!(
                    "{name} ({id}) has no right and no duty, and nobody waits for their word: they can \
                     look, and add notes"
                ),
                next: format!(
                    "nothing, where they are only to look; where they are not, take [people.{id}]{} out",
                    line_of(line)
                ),
                line,
                since: None,
            }
        });
        found.collect()
    }

    /// A list of a rule, or of a duty that an emergency needs, that means people, and none of them could
    /// act now.
    fn nobody_there(&self) -> Vec<Finding> {
        let mut found = Vec::new();
        for rule in &self.policy.rules {
            for (field, list) in lists(rule) {
                found.extend(self.absent(rule, field, list));
            }
        }
        let lists = self.policy.duties.listed();
        let duties = Duties::FIELDS.iter().zip(lists);
        let urgent = duties.filter(|(duty, _)| URGENT.contains(duty));
        found.extend(urgent.filter_map(|(duty, (_, list))| self.idle(duty, list)));
        found
    }

    /// A duty that nobody who is there has.
    fn idle(&self, duty: &str, list: &[Selector]) -> Option<Finding> {
        let ids = self.nobody_of(list)?;
        Some(Finding {
            kind: FindingKind::NobodyThere,
            about: duty.to_owned(),
            right: None,
            text: format!("Nobody whom the duty `{duty}` means could act today: {ids}"),
            next: format!(
                "name somebody who is there in `{duty}` of [duties], or invite one of them; on the broker's \
                 host: glassd invite PERSON"
            ),
            line: None,
            since: None,
        })
    }

    /// Whom a list means, where none of them could act now.
    fn nobody_of(&self, list: &[Selector]) -> Option<String> {
        let meant = |person: &&PersonAccess| self.policy.selects(list, &person.id);
        let meant: Vec<_> = self.review.people.iter().filter(meant).collect();
        let is_there = |person: &&PersonAccess| person.standing == Standing::Enrolled;
        if list.is_empty() || meant.iter().any(is_there) {
            return None;
        }
        let ids: Vec<_> = meant.iter().map(|person| person.id.as_str()).collect();
        Some(listed(&ids, "and"))
    }

    fn absent(&self, rule: &Rule, field: &str, list: &[Selector]) -> Option<Finding> {
        let ids = self.nobody_of(list)?;
        let line = self.places.rule(rule.name.as_str());
        Some(Finding {
            kind: FindingKind::NobodyThere,
            about: rule.name.to_string(),
            right: None,
            text: format!(
                "Nobody whom {field} of rule {} means could act today: {ids}",
                rule.name
            ),
            next: format!(
                "name somebody who is there in {field} of rule {}{}, or invite one of them",
                rule.name,
                line_of(line)
            ),
            line,
            since: None,
        })
    }

    fn of_rights(&self) -> Vec<Finding> {
        let rights = self.review.rights.iter().filter_map(|right| {
            let (id, sentence) = (&right.id, &right.sentence);
            let line = self.places.right(id.as_str());
            let at = line_of(line);
            let (about, rules) = (id.to_string(), &right.rules);
            let used = right.used;
            let right = Some(id.clone());
            if rules.is_empty() {
                return Some(Finding {
                    kind: FindingKind::RightWithoutRule,
                    about,
                    right,
                    text: format!("No rule gives {id} ({sentence}), so nobody can have it"),
                    next: format!("take [rights.{id}]{at} out, or name it in a rule"),
                    line,
                    since: used,
                });
            }
            let since = used;
            let used = self.unused_right(id, since)?;
            let rules: Vec<_> = rules.iter().map(|rule| rule.as_str()).collect();
            Some(Finding {
                kind: FindingKind::RightNobodyUses,
                about,
                right,
                text: format!("Nobody has used {id} ({sentence}) {used}"),
                next: format!(
                    "if nobody needs it, take [rights.{id}]{at} out, and its name in {} {}",
                    if rules.len() == 1 { "rule" } else { "rules" },
                    listed(&rules, "and")
                ),
                line,
                since,
            })
        });
        rights.collect()
    }

    /// What others use and somebody does not. Of whoever could not act anything else is told.
    fn unused(&self) -> Vec<Finding> {
        let there = |person: &&PersonAccess| person.standing == Standing::Enrolled;
        let mut found = Vec::new();
        for person in self.review.people.iter().filter(there) {
            let held = person.rights.iter();
            found.extend(held.filter_map(|right| self.unused_by(person, right)));
        }
        found
    }

    fn unused_by(&self, person: &PersonAccess, right: &HeldRight) -> Option<Finding> {
        let (id, verdict) = (&person.id, &right.verdict);
        let by_anybody = self
            .review
            .rights
            .iter()
            .find(|it| it.id == verdict.right)?;
        // Told already, of everybody at once.
        if self.unused_right(&verdict.right, by_anybody.used).is_some() {
            return None;
        }
        if right.used.is_none() && !self.was_given_before(id, &verdict.right) {
            return None;
        }
        let enrolled_at = person.devices.first().map(|device| device.enrolled_at)?;
        let used = self.long_ago(right.used, enrolled_at)?;
        let rule = verdict.rule.as_ref()?;
        let line = self.places.rule(rule.as_str());
        Some(Finding {
            kind: FindingKind::RightUnused,
            about: id.to_string(),
            right: Some(verdict.right.clone()),
            text: format!(
                "{} ({id}) has not used {} ({}) {used}",
                person.name, verdict.right, verdict.sentence
            ),
            next: format!(
                "if they do not need it, take them out of who of rule {rule}{}",
                line_of(line)
            ),
            line,
            since: right.used,
        })
    }

    /// As [`Self::long_ago`], of a right that nobody has used; a right that nobody could have for so long
    /// is none.
    fn unused_right(&self, id: &RightId, used: Option<Mark>) -> Option<String> {
        let could_be_used = self.asked.before.as_ref().is_none_or(|before| {
            let mut rules = before.rules.iter();
            rules.any(|rule| rule.rights.contains(id))
        });
        if used.is_none() && !could_be_used {
            return None;
        }
        self.long_ago(used, self.asked.ledger_since)
    }

    fn was_given_before(&self, person: &PersonId, right: &RightId) -> bool {
        let before = self.asked.before.as_ref();
        before.is_none_or(|before| before.rule_for(person, right).is_some())
    }

    /// "since 2026-08-01" or "at all", where that is longer ago than asked for; what never was
    /// counts from `since`.
    fn long_ago(&self, used: Option<Mark>, since: Time) -> Option<String> {
        let at = used.map_or(since, |mark| mark.at);
        let is_long_ago = self.asked.now.since(at) >= self.asked.within;
        is_long_ago.then(|| match used {
            Some(mark) => format!("since {}", day(mark.at)),
            None => "at all".to_owned(),
        })
    }

    /// Hosts and HTTP services have guards; the broker itself sees to databases, and clusters end
    /// what they were given by its time.
    fn of_guards(&self) -> Vec<Finding> {
        let guarded = |kind| matches!(kind, TargetKind::Ssh | TargetKind::Http);
        let targets = self.review.targets.iter();
        let targets = targets.filter(|target| guarded(target.kind));
        let found = targets.filter_map(|target| {
            let id = &target.id;
            let heard = target.acted.map_or_else(
                || "it is nowhere in the ledger".to_owned(),
                |mark| format!("its last entry is of {}", day(mark.at)),
            );
            let (kind, text, next) = match target.standing {
                Standing::NotEnrolled => (
                    FindingKind::TargetWithoutGuard,
                    format!("No guard is enrolled at {id}, so what is open there outlives its grant"),
                    format!("glass targets invite {id}"),
                ),
                Standing::Enrolled if target.attended => return None,
                Standing::Enrolled => (
                    FindingKind::GuardAway,
                    format!("The guard of {id} does not attend now; {heard}"),
                    "on that host: glass doctor".to_owned(),
                ),
                _ => {
                    let ended = ends_at(&target.guards).map(day).unwrap_or_default();
                    (
                        FindingKind::GuardLapsed,
                        format!("No certificate of the guard of {id} works any more: it ended on {ended}"),
                        format!("glass targets invite {id}, and enrol it there anew"),
                    )
                }
            };
            Some(Finding {
                kind,
                about: id.to_string(),
                right: None,
                text,
                next,
                line: self.places.target(id.as_str()),
                since: target.acted,
            })
        });
        found.collect()
    }
}

/// What a rule lists people in, by the names of the file.
fn lists(rule: &Rule) -> [(&'static str, &[Selector]); 4] {
    let escalates = rule.escalates.as_ref();
    [
        ("who", &rule.who),
        ("approvers", &rule.approvers),
        (
            "then_approvers",
            escalates.map_or(&[], |escalates| &escalates.to),
        ),
        ("call", &rule.call),
    ]
}
