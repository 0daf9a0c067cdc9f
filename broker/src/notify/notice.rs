//! What is said of an event, in the words of the domain, before any medium shapes it.

mod occasion;
mod other_history;

use breakglass_domain::grant::HandedTo;
use breakglass_domain::text::{hides, nth};
use breakglass_domain::{Basis, Change, Ending, GrantId, GrantRef, Line, PersonId, Time};
use serde_json::Value;

use super::courier::Span;
use crate::app::App;
use crate::app::feed::Told;
use crate::config::notify::Occasion;
use occasion::{is_answered, is_opening, occasion};
use other_history::has_seen_another;

/// One thing to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The same for every try: a number is the place of an entry.
    pub id: String,
    /// Of what.
    pub subject: Subject,
    /// When it happened.
    pub at: Time,
    /// One line.
    pub title: String,
    /// Names and values: a text, or a list of texts.
    pub facts: Vec<(&'static str, Value)>,
    /// What to type.
    pub next: Option<String>,
    /// Whether nobody may miss it.
    pub loud: bool,
    /// Who is to hear it, where the medium reaches people one by one.
    pub to: To,
    /// Whether nothing is broken: it is of a drill.
    pub drill: bool,
}

/// What a notice is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// Something that happened.
    Of(Occasion),
    /// Notices that got too old.
    Missed,
    /// Whether it works.
    Test,
}

impl Subject {
    /// As it stands in an event's `type`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Of(occasion) => occasion.as_str(),
            Self::Missed => "notices.missed",
            Self::Test => "notice.test",
        }
    }
}

/// Who is to hear a notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum To {
    /// Whoever the destination is for.
    Everybody,
    /// Only these.
    People(Vec<PersonId>),
}

impl Notice {
    /// What is said of an entry; `None` where people are not told of its kind.
    #[must_use]
    pub fn of(told: &Told, app: &App) -> Option<Self> {
        let has_seen_another = has_seen_another(told, app);
        let occasion = match has_seen_another {
            true => Occasion::LedgerTrouble,
            false => occasion(told.change())?,
        };
        if is_answered(told.change(), app) {
            return None;
        }
        let (at, entry) = (told.event().at, told.index());
        let mut notice = Self::at(entry.to_string(), Subject::Of(occasion), at);
        notice.fact("entry", entry.to_string());
        notice.fact("by", told.event().by.to_string());
        if let Some(incident) = told.change().incident() {
            notice.fact("incident", incident.to_string());
            let title = told.title.clone().or_else(|| app.title_of(incident));
            if let Some(title) = title.filter(|_| !is_opening(told.change())) {
                notice.fact("title", title.as_str());
            }
        }
        match told.change().grant() {
            None => notice.of_incident(told, app),
            Some(of) => {
                let sentence = app.allowed_by(of);
                let allowed = sentence.as_ref().map_or(of.right.as_str(), Line::as_str);
                notice.of_grant(told, of, allowed, app);
            }
        }
        if has_seen_another {
            notice.of_other_history(told);
        }
        if told.event().drill {
            notice.of_drill();
        }
        Some(notice)
    }

    /// What is said instead of notices that got too old.
    #[must_use]
    pub fn missed(span: &Span) -> Self {
        let Span {
            count, first, last, ..
        } = *span;
        let id = format!("missed-{first}-{last}");
        let mut notice = Self::at(id, Subject::Missed, span.until);
        let (since, until) = (minute(span.since), minute(span.until));
        let notices = if count == 1 { "notice" } else { "notices" };
        notice.title = format!("You missed {count} {notices} from {since} to {until}");
        if span.loud > 0 {
            notice.loud = true;
            notice.title += &format!(", self-grants among them: {}", span.loud);
        }
        notice.fact("count", count.to_string());
        notice.fact("self_grants", span.loud.to_string());
        notice.fact("first_entry", first.to_string());
        notice.fact("last_entry", last.to_string());
        notice.next = Some(format!("glass ledger list --since {}", span.since));
        notice
    }

    /// The same for everybody, because none of those it is for can be reached.
    pub(super) fn for_whom_nobody_reaches(mut self, people: &[PersonId]) -> Self {
        let people: Vec<_> = people.iter().map(|person| person.as_str()).collect();
        self.fact(
            "to_everybody",
            format!(
                "no e-mail address of {} is known: call them",
                people.join(", ")
            ),
        );
        self.to = To::Everybody;
        self
    }

    /// The same without anything that somebody typed, for where that is not taken.
    pub(super) fn withheld(&self) -> Self {
        let mut notice = Self::at(self.id.clone(), self.subject, self.at);
        let (id, subject) = (&self.id, self.subject.as_str());
        let loud = if self.loud { "SELF-GRANT: " } else { "" };
        notice.title = format!("{loud}{subject}: what is said of {id} is not taken here");
        notice.next = Some(match id.parse::<u64>() {
            Ok(entry) => format!("glass ledger show {entry}"),
            Err(_) => "glass status".to_owned(),
        });
        (notice.loud, notice.to, notice.drill) = (self.loud, self.to.clone(), self.drill);
        notice
    }

    /// Whether it works.
    #[must_use]
    pub fn test(destination: &str, at: Time) -> Self {
        let id = format!("test-{}", at.as_millis());
        let mut notice = Self::at(id, Subject::Test, at);
        notice.title = format!("A test: notices of breakglass reach `{destination}`");
        notice
    }

    /// Trouble with the ledger, which is no entry.
    pub(super) fn trouble(key: &str, text: &str, at: Time) -> Self {
        let id = format!("trouble-{key}-{}", at.as_millis());
        let mut notice = Self::at(id, Subject::Of(Occasion::LedgerTrouble), at);
        notice.title = text.to_owned();
        notice.fact("trouble", key);
        notice
    }

    /// Names and values as people read them, without those that the title has already.
    pub(super) fn shown_facts(&self) -> impl Iterator<Item = (String, String)> {
        let shown = self.facts.iter().map(|(name, value)| {
            let value = match value {
                Value::Array(all) => {
                    let all = all.iter().filter_map(Value::as_str);
                    all.collect::<Vec<_>>().join(", ")
                }
                value => value.as_str().unwrap_or_default().to_owned(),
            };
            (name.replace('_', " "), value)
        });
        shown.filter(|(name, value)| name != "entry" && !self.title.contains(value.as_str()))
    }

    fn at(id: String, subject: Subject, at: Time) -> Self {
        Self {
            id,
            subject,
            at,
            title: String::new(),
            facts: Vec::new(),
            next: None,
            loud: false,
            to: To::Everybody,
            drill: false,
        }
    }

    fn fact(&mut self, name: &'static str, value: impl AsRef<str>) {
        self.facts.push((name, plain(value.as_ref()).into()));
    }

    fn people(&mut self, name: &'static str, people: &[PersonId]) {
        let all = people.iter().map(PersonId::to_string);
        self.facts.push((name, all.collect()));
    }

    fn of_incident(&mut self, told: &Told, app: &App) {
        let by = &told.event().by;
        match told.change() {
            Change::IncidentOpened {
                incident,
                severity,
                title,
                closes_at,
                ..
            } => {
                self.title = plain(&format!("{incident} opened by {by}, {severity}: {title}"));
                self.fact("severity", severity.as_str());
                self.fact("title", title.as_str());
                self.fact("closes_at", closes_at.to_string());
                self.next = Some(format!("glass incident show {incident}"));
            }
            Change::IncidentClosed { incident, reason } => {
                self.title = plain(&format!("{incident} closed by {by}: {reason}"));
                self.fact("reason", reason.as_str());
                self.next = Some(format!("glass incident show {incident}"));
            }
            Change::DrillRecorded {
                incident,
                good,
                failed,
                ..
            } => {
                self.title = plain(&match failed {
                    Some(failed) => format!("{incident}, walked by {by}, was NOT GOOD: {failed}"),
                    None => format!("{incident}, walked by {by}, was good"),
                });
                self.fact("good", good.to_string());
                self.next = Some(format!("glass incident show {incident}"));
            }
            _ => self.of_alert(told, app),
        }
    }

    /// Nobody is to take it for the real thing, whatever else it says.
    fn of_drill(&mut self) {
        self.drill = true;
        self.loud = false;
        self.title.insert_str(0, "DRILL: ");
        self.facts.insert(0, ("drill", "true".into()));
    }

    fn of_alert(&mut self, told: &Told, app: &App) {
        let by = &told.event().by;
        match told.change() {
            Change::IncidentResolved {
                incident,
                closes_at,
                ..
            } if app.is_held(*incident) => {
                let until = minute(*closes_at);
                self.title = plain(&format!(
                    "{incident} is held, and stays open until {until}: its alert is over, says {by}"
                ));
                self.fact("closes_at", closes_at.to_string());
                self.next = Some(format!("glass incident close {incident} -m WHY"));
            }
            Change::IncidentResolved {
                incident,
                closes_at,
                ..
            } => {
                let closes = minute(*closes_at);
                self.title = plain(&format!(
                    "{incident} closes at {closes}: its alert is over, says {by}"
                ));
                self.fact("closes_at", closes_at.to_string());
                self.next = Some(format!("glass incident hold {incident} -m WHY"));
            }
            Change::IncidentRefired {
                incident,
                closes_at,
                ..
            } => {
                let closes = minute(*closes_at);
                self.title = plain(&format!(
                    "{incident} stays open, until {closes}: its alert fires again, says {by}"
                ));
                self.fact("closes_at", closes_at.to_string());
                self.next = Some(format!("glass incident show {incident}"));
            }
            Change::IncidentHeld { incident, reason } => {
                self.title = plain(&format!("{incident} is held open by {by}: {reason}"));
                self.fact("reason", reason.as_str());
                self.next = Some(format!("glass incident show {incident}"));
            }
            Change::LedgerRestored {
                kept,
                size,
                operator,
                reason,
                ..
            } => {
                self.title = plain(&format!(
                    "LEDGER TROUBLE: the broker went on from a copy of {kept} entries, and entries {kept} \
                     to {} of before are lost, says {operator}: {reason}",
                    size.saturating_sub(1)
                ));
                self.fact("trouble", "restored");
                self.fact("kept", kept.to_string());
                self.fact("size", size.to_string());
                self.fact("operator", operator.as_str());
                self.fact("reason", reason.as_str());
                self.next = Some("glass ledger accept".to_owned());
            }
            Change::LedgerUnwitnessed { witnessed } => {
                self.title =
                    "LEDGER TROUBLE: too few witnesses sign it; what is given is marked, and \
                              rights that need them are not given"
                        .to_owned();
                self.fact("trouble", "witnesses");
                self.fact("witnessed", witnessed.to_string());
                self.next = Some("glass status".to_owned());
            }
            Change::Refused { text, .. } => {
                self.title = plain(&format!(
                    "LEDGER TROUBLE: {by} has seen another history of it: {text}. Believe neither until \
                     it is clear which is right"
                ));
                self.fact("trouble", "another history");
                self.next = Some("glass ledger list --kind refused".to_owned());
            }
            _ => {}
        }
    }

    fn of_grant(&mut self, told: &Told, of: &GrantRef, allowed: &str, app: &App) {
        let GrantRef { grant, person, .. } = of;
        self.fact("grant", grant.to_string());
        self.fact("person", person.to_string());
        self.fact("right", of.right.to_string());
        self.fact("sentence", allowed);
        let targets = app.targets_of(&of.right);
        if !targets.is_empty() && told.change().target().is_none() {
            self.facts.push(("targets", targets.into()));
        }
        self.next = Some(format!("glass grants show {grant}"));
        match told.change() {
            Change::GrantRequested { .. } => self.of_request(told, of, allowed, app),
            Change::GrantEscalated { to, .. } => self.of_escalation(of, to, allowed, app),
            Change::GrantStarted {
                basis,
                ends_at,
                alone_before,
                ..
            } => {
                self.fact("basis", basis.as_str());
                self.fact("ends_at", ends_at.to_string());
                self.of_start(told, of, (allowed, *basis), *ends_at);
                if *alone_before > 0 {
                    let time = nth(alone_before.saturating_add(1));
                    self.title += &format!(", for the {time} time under {}", of.incident);
                    self.fact("alone_before", alone_before.to_string());
                }
            }
            Change::GrantEnded {
                to: Some(to),
                ending: Ending::HandedOver,
                ..
            } => self.of_handover(of, to, allowed),
            Change::GrantEnded { ending, reason, .. } => {
                let why = reason.as_ref().map(|it| format!(": {it}"));
                let (by, why) = (&told.event().by, why.unwrap_or_default());
                self.title = plain(&match ending {
                    Ending::Vetoed => {
                        format!("{grant} was vetoed by {by}, {person} is not to {allowed}{why}")
                    }
                    Ending::Denied => {
                        format!("{by} denied {person} to {allowed} ({grant}){why}")
                    }
                    _ => format!(
                        "{person} may no longer {allowed}: {grant} was revoked by {by}{why}"
                    ),
                });
                if let Some(reason) = reason {
                    self.fact("reason", reason.as_str());
                }
                if *ending == Ending::Denied {
                    self.to = To::People(vec![person.clone()]);
                }
            }
            Change::SessionUnconfirmed {
                session, target, ..
            } => {
                self.fact("session", session.to_string());
                self.fact("target", target.to_string());
                self.title = format!(
                    "KILL NOT CONFIRMED: {person}'s session {session} at {target} should be over \
                     with {grant}, and its guard has not said that it is"
                );
                self.next = Some("glass targets list".into());
            }
            Change::RoleFailed { target, role, .. } => {
                self.fact("target", target.to_string());
                self.fact("role", role.as_str());
                self.title = plain(&format!(
                    "The role {role} of {person} at {target} could not be dropped with {grant}; it \
                     is tried again until it is gone"
                ));
                self.next = Some("glass status".into());
            }
            _ => {}
        }
    }

    fn of_request(&mut self, told: &Told, of: &GrantRef, allowed: &str, app: &App) {
        let Change::GrantRequested {
            risk,
            reason,
            length,
            approvers,
            call,
            lapses_at,
            handed,
            escalation,
            ..
        } = told.change()
        else {
            return;
        };
        let GrantRef { grant, person, .. } = of;
        let by = &told.event().by;
        self.title = plain(&match handed {
            None => format!("{person} asks to {allowed} ({grant}): {reason}"),
            Some(handed) => format!(
                "{by} hands {} over to {person}, who is to {allowed} ({grant}): {reason}",
                handed.from
            ),
        });
        if let Some(handed) = handed {
            self.fact("from", handed.from.to_string());
            self.fact("until", handed.until.to_string());
        }
        self.fact("reason", reason.as_str());
        self.fact("risk", risk.as_str());
        self.fact("for", length.to_string());
        self.fact("lapses_at", lapses_at.to_string());
        self.people("approvers", approvers);
        if let Some(next) = escalation {
            self.people("then_approvers", &next.to);
            self.fact("escalates_at", next.at.to_string());
        }
        let others = call.iter().filter(|it| !approvers.contains(it));
        self.to = To::People(approvers.iter().chain(others).cloned().collect());
        self.next = Some(match approvers.is_empty() {
            true => format!("glass call {grant} {person}"),
            false => format!("glass approve {grant}"),
        });
        if !call.is_empty() {
            self.people("call", call);
            self.title += "; it needs a call and a note";
        }
        self.since(*grant, app);
    }

    /// To those it goes to now, who were not asked before.
    fn of_escalation(&mut self, of: &GrantRef, to: &[PersonId], allowed: &str, app: &App) {
        let GrantRef { grant, person, .. } = of;
        let asked = app.still_waiting(*grant);
        let reason = asked.as_ref().map(|asked| asked.reason.to_string());
        let why = reason.as_ref().map(|it| format!(": {it}"));
        self.title = plain(&format!(
            "nobody has answered {person}, who asks to {allowed} ({grant}){}",
            why.unwrap_or_default()
        ));
        if let Some(asked) = &asked {
            self.fact("reason", asked.reason.as_str());
            self.fact("risk", asked.risk.as_str());
            self.fact("for", asked.length.to_string());
            self.fact("lapses_at", asked.lapses_at.to_string());
        }
        self.people("approvers", to);
        self.to = To::People(to.to_vec());
        self.next = Some(format!("glass approve {grant}"));
        self.since(*grant, app);
    }

    /// Who reads it late is not asked for what is over.
    fn since(&mut self, grant: GrantId, app: &App) {
        if app.still_waiting(grant).is_none() {
            self.title += " (answered or over since)";
            self.next = Some(format!("glass grants show {grant}"));
        }
    }

    /// Told to both.
    fn of_handover(&mut self, of: &GrantRef, to: &HandedTo, allowed: &str) {
        let GrantRef { grant, person, .. } = of;
        let (new, receiver) = (to.grant, &to.person);
        self.title = plain(&format!(
            "{person} handed {grant} over to {receiver}, who may now {allowed} instead ({new})"
        ));
        self.fact("to", new.to_string());
        self.fact("to_person", receiver.to_string());
        self.next = Some(format!("glass grants show {new}"));
        self.to = To::People(vec![person.clone(), receiver.clone()]);
    }

    fn of_start(
        &mut self,
        told: &Told,
        of: &GrantRef,
        (allowed, basis): (&str, Basis),
        ends_at: Time,
    ) {
        let GrantRef { grant, person, .. } = of;
        let (by, until) = (&told.event().by, minute(ends_at));
        self.title = plain(&match basis {
            Basis::SelfGranted => format!(
                "SELF-GRANT: nobody answered, and {person} began alone to {allowed}, until {until} \
                 ({grant})"
            ),
            Basis::Approved => {
                format!("{person} may {allowed} until {until} ({grant}, approved by {by})")
            }
            Basis::Called => {
                format!("{person} may {allowed} until {until} ({grant}, after a call and a note)")
            }
            Basis::FastPath => {
                format!("{person} may {allowed} until {until} ({grant}, needs no approver)")
            }
        });
        if basis == Basis::SelfGranted {
            self.loud = true;
            self.next = Some(format!("glass veto {grant} -m WHY"));
        }
    }
}

/// What was taken once is read for ever, also what is refused today: nothing that could restyle a
/// terminal, begin a header, or hide text leaves here.
fn plain(text: &str) -> String {
    let safe = |c| if hides(c) { '\u{FFFD}' } else { c };
    text.chars().map(safe).collect()
}

fn minute(at: Time) -> String {
    at.timestamp().strftime("%F %H:%M UTC").to_string()
}
