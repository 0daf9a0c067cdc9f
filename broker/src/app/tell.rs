//! One plain sentence for each event, for people who watch.
//!
//! What somebody typed goes in as it is: a [`Line`](breakglass_domain::Line) cannot style a
//! terminal, and the newlines of a note are written as ` / `, so that a sentence stays on its line.

mod drill;
mod escalation;
mod review;
mod targets;

use breakglass_domain::grant::{Basis, Handed, HandedTo};
use breakglass_domain::text::nth;
use breakglass_domain::{
    Actor, Change, Ending, Event, Grant, GrantRef, Lifetime, PersonId, Policy, Prose, RightId,
    Time, WitnessWord,
};

/// What sentences are made of beside the event.
pub struct Words<'a> {
    /// What people are called.
    pub policy: &'a Policy,
    /// The grant the event is about, where it is known.
    pub grant: Option<&'a Grant>,
    /// Whether somebody holds its incident open, as of when it is told.
    pub held: bool,
}

/// The sentence: "Leon approved G-45: Mia can deploy the shop app until 03:20 UTC (INC-12)."
#[must_use]
pub fn tell(event: &Event, words: &Words<'_>) -> String {
    let sentence = plainly(event, words);
    match event.drill {
        true => format!("DRILL: {sentence}"),
        false => sentence,
    }
}

fn plainly(event: &Event, words: &Words<'_>) -> String {
    let told = Told {
        words,
        at: event.at,
        who: words.actor(&event.by),
        by: &event.by,
    };
    told.of_people(&event.change)
        .or_else(|| told.of_incidents(&event.change))
        .or_else(|| told.of_grants(&event.change))
        .or_else(|| told.of_credentials(&event.change))
        .or_else(|| told.of_targets(&event.change))
        .or_else(|| told.of_reviews(&event.change))
        .or_else(|| told.of_drills(&event.change))
        .unwrap_or_else(|| told.of_the_broker(&event.change))
}

struct Told<'a> {
    words: &'a Words<'a>,
    at: Time,
    who: String,
    by: &'a Actor,
}

impl Words<'_> {
    fn actor(&self, by: &Actor) -> String {
        match by {
            Actor::Broker => "The broker".to_owned(),
            Actor::Person(person) => self.name(person),
            Actor::Target(target) => format!("The guard of {target}"),
            Actor::Source(source) => format!("The alert source {source}"),
        }
    }

    fn name(&self, person: &PersonId) -> String {
        let known = self.policy.people.get(person);
        known.map_or_else(|| person.to_string(), |known| known.name.to_string())
    }

    /// As signed, else as the policy has it now, else the right itself.
    fn sentence(&self, right: &RightId) -> String {
        let signed = self.grant.map(|grant| &grant.sentence);
        let named = || Some(&self.policy.rights.get(right)?.sentence);
        let sentence = signed.or_else(named);
        sentence.map_or_else(|| format!("use {right}"), ToString::to_string)
    }

    fn names(&self, people: &[PersonId]) -> String {
        let names: Vec<_> = people.iter().map(|person| self.name(person)).collect();
        match names.split_last() {
            None => "nobody".to_owned(),
            Some((only, [])) => only.clone(),
            Some((last, others)) => format!("{} or {last}", others.join(", ")),
        }
    }
}

impl Told<'_> {
    fn of_the_broker(&self, change: &Change) -> String {
        match change {
            Change::BrokerStarted { version, .. } => {
                format!("The broker started (version {version}).")
            }
            Change::KeyAdded {
                id,
                succession: Some(_),
                ..
            } => format!("The ledger was handed over to another key: {id}."),
            Change::KeyAdded { purpose, id, .. } => {
                format!("The broker has a new {purpose} key: {id}.")
            }
            Change::KeyRetired { purpose, id } => {
                format!("The {purpose} key {id} no longer signs.")
            }
            Change::PolicyLoaded { policy, .. } => format!(
                "A new policy is in force: {} people, {} rights.",
                policy.people.len(),
                policy.rights.len()
            ),
            Change::Refused {
                act, text, count, ..
            } => {
                let times = if *count > 1 {
                    format!(", {count} times")
                } else {
                    String::new()
                };
                said(format!("{} was refused ({act}{times})", self.who), text)
            }
            Change::LedgerExported { from, to } => {
                format!(
                    "{} took a copy of the ledger: entries {from} up to {to}.",
                    self.who
                )
            }
            Change::StreamBegan {
                stream,
                kind,
                destination,
                from,
            } => format!(
                "Every entry is sent to {stream} ({kind}, {destination}), from entry {from} on."
            ),
            Change::StreamEnded { stream, kind } => {
                format!("Entries are no longer sent to {stream} ({kind}).")
            }
            Change::LedgerRepaired { cut_bytes } => format!(
                "After a crash the broker cut {cut_bytes} bytes that were never acknowledged off \
                 the ledger's end."
            ),
            Change::LedgerLost {} => {
                "What stood in this place is lost; the mark behind it says why.".to_owned()
            }
            Change::LedgerWitnessed { size, .. } => {
                format!("Enough witnesses have signed the ledger up to its first {size} entries.")
            }
            Change::LedgerUnwitnessed { witnessed } => format!(
                "TOO FEW WITNESSES sign the ledger: enough of them have signed its first {witnessed} \
                 entries, and no more. What is given from here on is marked."
            ),
            Change::LedgerRestored {
                kept,
                size,
                operator,
                reason,
                ..
            } => format!(
                "THE BROKER WENT ON FROM A COPY of {kept} entries: entries {kept} to {} of before are \
                 lost, says {operator} on its host: {reason}.",
                size.saturating_sub(1)
            ),
            _ => format!("{} did something this glassd has no words for.", self.who),
        }
    }

    fn of_people(&self, change: &Change) -> Option<String> {
        let who = &self.who;
        let name = |person| self.words.name(person);
        let itself = |person: &PersonId| self.by.person() == Some(person);
        Some(match change {
            Change::PersonInvited {
                person, expires_at, ..
            } => format!(
                "{who} invited {}; the invitation works until {}.",
                name(person),
                self.clock(*expires_at)
            ),
            Change::PersonEnrolled { person, device, .. } => {
                format!("{} enrolled the laptop {device}.", name(person))
            }
            Change::CertificateRenewed {
                person,
                certificate_expires_at,
                ..
            } => format!(
                "{}'s certificate was renewed, until {}.",
                name(person),
                self.clock(*certificate_expires_at)
            ),
            Change::PersonRemoved { person, reason } => {
                said(format!("{who} removed {}", name(person)), reason.as_str())
            }
            Change::PersonFrozen { person, reason } if itself(person) => {
                said(format!("{who} froze their own access"), reason.as_str())
            }
            Change::PersonFrozen { person, reason } => {
                said(format!("{who} froze {}", name(person)), reason.as_str())
            }
            Change::PersonUnfrozen { person, reason } => said(
                format!("{who} lifted the freeze of {}", name(person)),
                reason.as_str(),
            ),
            _ => return None,
        })
    }

    fn of_incidents(&self, change: &Change) -> Option<String> {
        let who = &self.who;
        Some(match change {
            Change::IncidentOpened {
                incident,
                severity,
                title,
                ..
            } => said(
                format!("{who} opened {incident} ({severity})"),
                title.as_str(),
            ),
            Change::IncidentNoted { incident, text } => {
                said(format!("{who} on {incident}"), &on_one_line(text))
            }
            Change::IncidentWarned {
                incident,
                closes_at,
            } => format!(
                "{incident} closes by itself at {}, and every grant under it ends.",
                self.clock(*closes_at)
            ),
            Change::IncidentResolved {
                incident,
                closes_at,
                ..
            } if self.words.held => format!(
                "The alert of {incident} is resolved. It stays open until {} all the same: it is held. \
                 When it is over: glass incident close {incident} -m \"what was done\"",
                self.clock(*closes_at)
            ),
            Change::IncidentResolved {
                incident,
                closes_at,
                ..
            } => format!(
                "The alert of {incident} is resolved: it closes at {}, and every grant under it ends. \
                 To keep it open: glass incident hold {incident} -m \"why\"",
                self.clock(*closes_at)
            ),
            Change::IncidentRefired {
                incident,
                closes_at,
                ..
            } => format!(
                "The alert of {incident} fires again: it stays open until {}.",
                self.clock(*closes_at)
            ),
            Change::IncidentHeld { incident, reason } => said(
                format!("{who} holds {incident} open, whatever becomes of its alert"),
                reason.as_str(),
            ),
            Change::IncidentClosed { incident, reason } if *self.by == Actor::Broker => {
                said(format!("{incident} closed by itself"), reason.as_str())
            }
            Change::IncidentClosed { incident, reason } => {
                said(format!("{who} closed {incident}"), reason.as_str())
            }
            _ => return None,
        })
    }

    fn of_grants(&self, change: &Change) -> Option<String> {
        let who = &self.who;
        Some(match change {
            Change::GrantRequested {
                of,
                length,
                reason,
                approvers,
                call,
                handed,
                escalation,
                ..
            } => {
                let asked = self.asked(of, *length, *handed);
                let asked = self.requested(&asked, reason.as_str(), approvers, call);
                self.with_escalation(asked, escalation.as_ref())
            }
            Change::GrantStarted {
                of,
                basis,
                ends_at,
                alone_before,
            } => self.started(of, (*basis, *alone_before), *ends_at),
            Change::CallRecorded { of, spoke_at } => format!(
                "{who} spoke with {} at {}, for {} ({}).",
                self.words.name(&of.person),
                self.clock(*spoke_at),
                of.grant,
                of.incident
            ),
            Change::GrantEscalated { of, to } => self.escalated(of, to),
            Change::GrantApproved { of, .. } => {
                format!("{who} said yes to {} ({}).", of.grant, of.incident)
            }
            Change::GrantExtended {
                of,
                ends_at,
                reason,
            } => {
                let extended = format!("{who} extended {}: {}", of.grant, self.can(of, *ends_at));
                said(extended, reason.as_str())
            }
            Change::GrantEnded {
                of,
                ending,
                reason,
                to,
            } => {
                let reason = reason.as_ref().map_or("", |reason| reason.as_str());
                said(self.ended(of, *ending, to.as_ref()), reason)
            }
            _ => return None,
        })
    }

    fn of_credentials(&self, change: &Change) -> Option<String> {
        Some(match change {
            Change::CredentialIssued {
                of,
                credential,
                audience,
                expires_at,
                witnesses,
                ..
            } => format!(
                "{} received credential {credential} for {audience}, valid until {} ({}).{}",
                self.words.name(&of.person),
                self.clock(*expires_at),
                of.incident,
                match witnesses {
                    Some(WitnessWord::Missing) => " TOO FEW WITNESSES signed.",
                    _ => "",
                }
            ),
            Change::GrantUsed { of, program } => {
                format!(
                    "{} used {} with {program} ({}).",
                    self.who, of.grant, of.incident
                )
            }
            _ => return None,
        })
    }

    /// Without its full stop.
    fn asked(&self, of: &GrantRef, length: Lifetime, handed: Option<Handed>) -> String {
        let (who, sentence) = (&self.who, self.words.sentence(&of.right));
        let place = format!("({}, {})", of.grant, of.incident);
        let Some(handed) = handed else {
            return format!("{who} asks to {sentence} for {length} {place}");
        };
        let (to, until) = (self.words.name(&of.person), self.clock(handed.until));
        let from = handed.from;
        format!("{who} hands {from} over to {to}, who is to {sentence} until {until} {place}")
    }

    fn requested(
        &self,
        asked: &str,
        reason: &str,
        approvers: &[PersonId],
        call: &[PersonId],
    ) -> String {
        let asked = said(asked.to_owned(), reason);
        let asked = match approvers {
            [] => asked,
            approvers => format!("{asked} {} can approve it.", self.words.names(approvers)),
        };
        match call {
            [] => asked,
            call => format!(
                "{asked} It needs a call with {}, and a note.",
                self.words.names(call)
            ),
        }
    }

    fn started(&self, of: &GrantRef, (basis, alone_before): (Basis, u32), ends_at: Time) -> String {
        let can = self.can(of, ends_at);
        let (grant, incident) = (of.grant, of.incident);
        match basis {
            Basis::FastPath => format!("{grant} began, no approval needed: {can} ({incident})."),
            Basis::Approved => format!("{} approved {grant}: {can} ({incident}).", self.who),
            Basis::Called => format!("{grant} began after a call and a note: {can} ({incident})."),
            Basis::SelfGranted => format!(
                "NOBODY ANSWERED: {} began {grant} alone{}, and {can} ({incident}). Anybody can end \
                 it: glass veto {grant}",
                self.who,
                again(alone_before, of)
            ),
        }
    }

    /// "Mia can deploy the shop app until 03:20 UTC"
    fn can(&self, of: &GrantRef, ends_at: Time) -> String {
        let (name, sentence) = (self.words.name(&of.person), self.words.sentence(&of.right));
        format!("{name} can {sentence} until {}", self.clock(ends_at))
    }

    /// Without its full stop.
    fn ended(&self, of: &GrantRef, ending: Ending, to: Option<&HandedTo>) -> String {
        let (grant, who) = (of.grant, &self.who);
        let holder = self.words.name(&of.person);
        let cannot = format!("{holder} can no longer {}", self.words.sentence(&of.right));
        let began = self.words.grant.is_none_or(|grant| !never_began(grant));
        match ending {
            Ending::Denied => format!("{who} denied {grant} to {holder}"),
            Ending::Lapsed if self.is_handed_over() => {
                format!("{grant} was not handed over to {holder}, and lapsed")
            }
            Ending::Lapsed => format!("Nobody answered {holder}'s request {grant}, and it lapsed"),
            Ending::Dropped if began => format!("{who} gave {grant} back ({})", of.incident),
            Ending::Dropped => format!("{who} took the request {grant} back"),
            Ending::Revoked => format!("{who} revoked {grant}: {cannot}"),
            Ending::Expired => format!("{grant} expired: {cannot}"),
            Ending::IncidentClosed => format!("{} closed, so {grant} ended: {cannot}", of.incident),
            Ending::PersonLeft if self.by.person().is_some() => {
                format!("{who} removed {holder}, so {grant} ended: {cannot}")
            }
            Ending::PersonLeft => format!("{grant} ended, {holder} may not have it: {cannot}"),
            Ending::PersonFrozen => format!("{grant} ended because {holder} was frozen: {cannot}"),
            Ending::Vetoed if began => {
                format!("{who} vetoed {grant}, which {holder} had begun alone: {cannot}")
            }
            Ending::Vetoed => {
                format!("{who} vetoed {grant}: {holder} does not begin it alone")
            }
            Ending::HandedOver => match to {
                Some(to) => format!(
                    "{grant} ended, and {} has {} instead, handed over: {cannot}",
                    self.words.name(&to.person),
                    to.grant
                ),
                None => format!("{grant} ended, handed over: {cannot}"),
            },
            Ending::Abandoned => format!("{holder}'s glass went away, so {grant} ended: {cannot}"),
        }
    }

    /// Whether the grant of the event is, or was to be, handed over.
    fn is_handed_over(&self) -> bool {
        self.words.grant.is_some_and(|grant| grant.handed.is_some())
    }

    /// `03:20 UTC`, with the day where it is another than the event's.
    fn clock(&self, time: Time) -> String {
        let day = |time: Time| time.timestamp().strftime("%F").to_string();
        let format = if day(time) == day(self.at) {
            "%H:%M UTC"
        } else {
            "%F %H:%M UTC"
        };
        time.timestamp().strftime(format).to_string()
    }
}

/// How often that happened: ", for the 2nd time under INC-12"; nothing the first time.
fn again(alone_before: u32, of: &GrantRef) -> String {
    match alone_before {
        0 => String::new(),
        before => format!(
            ", for the {} time under {}",
            nth(before.saturating_add(1)),
            of.incident
        ),
    }
}

fn never_began(grant: &Grant) -> bool {
    use breakglass_domain::grant::{Ended, Phase};
    matches!(
        &grant.phase,
        Phase::Waiting | Phase::Ended(Ended { was: None, .. })
    )
}

/// "What happened: what was said about it."
fn said(what: String, words: &str) -> String {
    let stop = if words.ends_with(['.', '!', '?']) {
        ""
    } else {
        "."
    };
    if words.is_empty() {
        format!("{what}.")
    } else {
        format!("{what}: {words}{stop}")
    }
}

fn on_one_line(text: &Prose) -> String {
    let lines = text.as_str().lines().map(str::trim);
    let lines: Vec<_> = lines.filter(|line| !line.is_empty()).collect();
    lines.join(" / ")
}
