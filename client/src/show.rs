//! What people see: the same few shapes on every screen.

mod handed;
mod request;

use breakglass_proto::v1;
use jiff::Timestamp;

use self::handed::{for_somebody, handed};
pub use self::{
    handed::{goes_over, is_yours},
    request::request,
};
use crate::{
    grant::{
        asked, asked_in_turn, basis_word, called_by, deadline, ending_sentence, hopeless, listed,
        next_asked, state_word, still_needed,
    },
    output::{
        Printer,
        canvas::{columns, cut},
    },
    text::plain,
    time, view,
};

/// One grant in full: one fact a line; what there is not is left out.
pub fn grant(printer: &Printer, grant: &v1::Grant, now: Timestamp) {
    let at = |time: Option<&prost_types::Timestamp>| when(time, now);
    let length = time::length_from_proto(grant.length.as_ref()).map(time::short);
    printer.heading(format!(
        "{}{}  {} to {}",
        drill_mark(grant.drill),
        grant.id,
        grant.person,
        plain(&grant.sentence)
    ));
    fact(printer, "state", state_word(grant));
    fact(printer, "right", &grant.right);
    fact(printer, "incident", &grant.incident);
    fact(printer, "reason", &grant.reason);
    fact(printer, "rule", &grant.rule);
    fact(printer, "handed", &handed(grant, now));
    fact(printer, "asked by", &for_somebody(grant));
    fact(printer, "asked", &at(grant.requested_at.as_ref()));
    fact(printer, "for", &length.unwrap_or_default());
    if grant.state() == v1::GrantState::Waiting {
        fact(printer, "waits for", &asked(grant));
        fact(printer, "but", &hopeless(grant).unwrap_or_default());
        fact(printer, "needed", &still_needed(grant).unwrap_or_default());
        fact(printer, "then", &next_asked(grant, now).unwrap_or_default());
        fact(printer, "lapses", &at(grant.lapses_at.as_ref()));
        fact(printer, "self-grant", &self_grant(grant, now));
    }
    fact(printer, "escalated", &escalated(grant, now));
    fact(printer, "began", &began(grant, now));
    if grant.state() == v1::GrantState::Ended {
        fact(printer, "ended", &at(grant.ended_at.as_ref()));
        fact(printer, "because", &ending_sentence(grant));
    } else {
        fact(printer, "ends", &at(grant.ends_at.as_ref()));
    }
    if grant.credentials > 0 {
        fact(printer, "issued", &counted(grant.credentials, "credential"));
    }
}

/// Grants, one a line.
pub fn grants(printer: &Printer, grants: &[v1::Grant], now: Timestamp) {
    let row = |grant: &v1::Grant| {
        let left = match deadline(grant) {
            Some(time) if grant.state() == v1::GrantState::Waiting => {
                format!("lapses {}", time::relative(time, now))
            }
            Some(time) => format!("ends {}", time::local_and_relative(time, now)),
            None => when(grant.ended_at.as_ref(), now),
        };
        let who = match grant.state() {
            v1::GrantState::Waiting => match still_needed(grant) {
                Some(needed) => match hopeless(grant) {
                    Some(why) => format!("needs {needed}; {why}"),
                    None => format!("needs {needed}"),
                },
                None => format!("waits for {}", asked_in_turn(grant)),
            },
            _ => yes(grant),
        };
        let who = match grant.from_grant.as_str() {
            "" => who,
            from if who.is_empty() => format!("from {from}"),
            from => format!("{who}, from {from}"),
        };
        vec![
            grant.id.clone(),
            grant.person.clone(),
            grant.right.clone(),
            format!("{}{}", drill_mark(grant.drill), grant.incident),
            state_word(grant).to_owned(),
            left,
            who,
        ]
    };
    let rows: Vec<_> = grants.iter().map(row).collect();
    printer.table(
        &[
            "GRANT", "PERSON", "RIGHT", "INCIDENT", "STATE", "WHEN", "YES FROM",
        ],
        &rows,
    );
}

/// What stands before everything that is of a drill.
#[must_use]
pub fn drill_mark(drill: bool) -> &'static str {
    if drill { "DRILL " } else { "" }
}

/// One line about an incident.
#[must_use]
pub fn incident_line(incident: &v1::Incident, now: Timestamp) -> String {
    incident_in(incident, now, usize::MAX)
}

/// The same in as many columns: what is cut is the title, and not what stands behind it.
#[must_use]
pub fn incident_in(incident: &v1::Incident, now: Timestamp, width: usize) -> String {
    let title = plain(&incident.title);
    let whole = incident_titled(incident, &title, now);
    let beyond = columns(&whole).saturating_sub(width);
    match beyond {
        0 => whole,
        beyond => {
            let room = columns(&title).saturating_sub(beyond).max(TITLE_LEAST);
            incident_titled(incident, &cut(&title, room), now)
        }
    }
}

/// Columns of a title that is cut, however narrow the terminal.
const TITLE_LEAST: usize = 16;

fn incident_titled(incident: &v1::Incident, title: &str, now: Timestamp) -> String {
    let head = format!(
        "{}{}  {}  {title}",
        drill_mark(incident.drill),
        incident.id,
        view::severity_word(incident.severity()),
    );
    if incident.state() == v1::IncidentState::Closed {
        let closed = ago(incident.closed_at.as_ref(), now);
        return format!("{head}  (closed by {}{closed})", incident.closed_by);
    }
    let opened = ago(incident.opened_at.as_ref(), now);
    let alert = alert_over_or_held(incident, now)
        .map(|stands| format!("; {stands}"))
        .unwrap_or_default();
    format!("{head}  (opened by {}{opened}{alert})", incident.opened_by)
}

/// What is to be known of an open incident at a glance: its alert is over, or somebody holds it open.
pub(crate) fn alert_over_or_held(incident: &v1::Incident, now: Timestamp) -> Option<String> {
    let fires_and_held = || {
        let held = incident.held && !incident.resolved;
        held.then(|| format!("held open by {}", holder(incident)))
    };
    alert_over(incident, now).or_else(fires_and_held)
}

/// That the alert of an open incident is over, and what becomes of the incident.
fn alert_over(incident: &v1::Incident, now: Timestamp) -> Option<String> {
    let closes = when(incident.closes_at.as_ref(), now);
    incident.resolved.then(|| match incident.held {
        true => format!("its alert is over, and {} holds it open", holder(incident)),
        false => format!("its alert is over: closes {closes}"),
    })
}

/// Who keeps it open, as far as the broker says.
fn holder(incident: &v1::Incident) -> String {
    match incident.held_by.as_str() {
        "" => "somebody".to_owned(),
        by => plain(by),
    }
}

/// One incident: what it is, and how it stands.
pub fn incident(printer: &Printer, incident: &v1::Incident, now: Timestamp) {
    let drill = drill_mark(incident.drill);
    printer.heading(format!(
        "{drill}{}  {}",
        incident.id,
        plain(&incident.title)
    ));
    if incident.drill {
        printer.line("  nothing is broken: it unlocks only what the policy lists for drills");
    }
    fact(
        printer,
        "severity",
        view::severity_word(incident.severity()),
    );
    fact(printer, "state", view::state_word(incident.state()));
    fact(
        printer,
        "opened",
        &by_at(&incident.opened_by, incident.opened_at.as_ref(), now),
    );
    if incident.state() == v1::IncidentState::Closed {
        fact(
            printer,
            "closed",
            &by_at(&incident.closed_by, incident.closed_at.as_ref(), now),
        );
        fact(printer, "because", &incident.closing_reason);
    } else {
        fact(printer, "closes", &when(incident.closes_at.as_ref(), now));
        fact(printer, "alert", &alert(incident));
    }
}

/// How the alert of an open incident stands; nothing where a person opened it.
fn alert(incident: &v1::Incident) -> String {
    let stands = match (incident.held, incident.resolved) {
        _ if incident.alert.is_empty() => return String::new(),
        (true, true) => format!("resolved, and {} holds the incident open", holder(incident)),
        (true, false) => format!("fires, and {} holds the incident open", holder(incident)),
        (false, true) => format!(
            "resolved; not over yet? glass incident hold {}",
            incident.id
        ),
        (false, false) => "fires".to_owned(),
    };
    format!("{stands} ({})", incident.alert)
}

/// One line about what is owed of an incident that is over.
#[must_use]
pub fn owed_review(owed: &v1::OwedReview, now: Timestamp) -> String {
    let grants = counted(owed.grants.len() as u64, "grant");
    let closed = ago(owed.closed_at.as_ref(), now);
    let late = match time::from_proto(owed.late_at.as_ref()) {
        Some(late) if late <= now => {
            "; LATE: nothing begins without an approver, but under a sev1".to_owned()
        }
        Some(late) => format!("; late {}", time::relative(late, now)),
        None => String::new(),
    };
    let id = &owed.incident;
    format!("{id}  {grants} to review (closed{closed}{late}): glass review {id}")
}

/// One line about drills: when the last good one was, and that there should be another.
#[must_use]
pub fn drills(drills: &v1::Drills, now: Timestamp) -> String {
    let good = match &drills.last_good {
        None => "No good drill yet".to_owned(),
        Some(good) => {
            let at = time::from_proto(good.at.as_ref()).unwrap_or(now);
            let days = days_since(at, now);
            format!(
                "Last good drill {}: {} by {}",
                match days {
                    0 => format!("at {}", time::local_and_relative(at, now)),
                    _ => format!("{} ago", counted(days, "day")),
                },
                good.incident,
                good.by
            )
        }
    };
    let failed = drills.last.as_ref().filter(|last| !last.good);
    let failed = failed.map(|last| {
        format!(
            "; the newest, {} by {}, was not good",
            last.incident, last.by
        )
    });
    let next = match drills.overdue {
        true => "; it is time: glass drill access -- COMMAND",
        false => "",
    };
    format!("{good}{}{next}", failed.unwrap_or_default())
}

/// Whole days.
#[must_use]
pub fn days_since(at: Timestamp, now: Timestamp) -> u64 {
    u64::try_from(now.duration_since(at).as_hours() / 24).unwrap_or_default()
}

/// One entry of the ledger on one line: its place, time, kind, who, and what it is about.
#[must_use]
pub fn entry_row(entry: &crate::entry::Entry, now: Timestamp) -> Vec<String> {
    const ABOUT: [&str; 13] = [
        "purpose", "grant", "incident", "person", "right", "basis", "title", "text", "ending",
        "program", "device", "reason", "failed",
    ];
    let about = ABOUT.iter().filter_map(|name| entry.text(name));
    let good = (entry.body.get("good") == Some(&true.into())).then_some("good");
    let about: Vec<_> = about.chain(good).collect();
    let mut about = format!(
        "{}{}",
        drill_mark(entry.is_drill()),
        plain(&about.join("  "))
    );
    if about.chars().count() > ABOUT_CHARS {
        about = about
            .chars()
            .take(ABOUT_CHARS)
            .chain(['.', '.', '.'])
            .collect();
    }
    vec![
        entry.index.to_string(),
        time::local(entry.at, now),
        entry.kind.clone(),
        entry.by.clone(),
        about,
    ]
}

/// The columns of [`entry_row`].
pub const ENTRY_COLUMNS: [&str; 5] = ["ENTRY", "WHEN", "KIND", "BY", "ABOUT"];

/// How much of what an entry is about fits beside the rest on a terminal of 120 columns.
const ABOUT_CHARS: usize = 72;

/// A number of things in words: `1 key`, `2 keys`.
#[must_use]
pub fn counted(number: impl Into<u64>, thing: &str) -> String {
    match number.into() {
        1 => format!("1 {thing}"),
        number => format!("{number} {thing}s"),
    }
}

/// A fact on its own line; nothing where there is none.
pub fn fact(printer: &Printer, name: &str, value: &str) {
    if !value.is_empty() {
        printer.line(format!("  {name:<11}{}", plain(value)));
    }
}

/// A time of the contract within brackets: ` at 14:05, 3m ago`.
fn ago(time: Option<&prost_types::Timestamp>, now: Timestamp) -> String {
    let at = time::from_proto(time);
    at.map(|at| {
        let (clock, distance) = (time::local(at, now), time::relative(at, now));
        format!(" at {clock}, {distance}")
    })
    .unwrap_or_default()
}

/// A time of the contract for people; empty where it is not set.
#[must_use]
pub fn when(time: Option<&prost_types::Timestamp>, now: Timestamp) -> String {
    time::from_proto(time)
        .map(|time| time::local_and_relative(time, now))
        .unwrap_or_default()
}

/// That it went to others, when and to whom; empty where it did not.
fn escalated(grant: &v1::Grant, now: Timestamp) -> String {
    let Some(next) = &grant.escalation else {
        return String::new();
    };
    let at = time::from_proto(next.escalated_at.as_ref());
    at.map(|at| {
        let (to, at) = (
            listed(&next.approvers, "or"),
            time::local_and_relative(at, now),
        );
        match next.escalated_at == grant.requested_at {
            true => format!("to {to}, at once: nobody else was there to answer"),
            false => format!("to {to} too, {at}: nobody had answered"),
        }
    })
    .unwrap_or_default()
}

/// Where the yes came from.
fn yes(grant: &v1::Grant) -> String {
    match grant.basis() {
        v1::GrantBasis::Unspecified => String::new(),
        v1::GrantBasis::FastPath => "nobody needed".to_owned(),
        v1::GrantBasis::Approved => grant.approved_by.clone(),
        v1::GrantBasis::SelfGranted => "SELF-GRANTED".to_owned(),
        v1::GrantBasis::Called => called_by(grant),
    }
}

fn began(grant: &v1::Grant, now: Timestamp) -> String {
    let when = when(grant.begins_at.as_ref(), now);
    match grant.basis() {
        v1::GrantBasis::Unspecified => when,
        v1::GrantBasis::Approved => format!("{when}, approved by {}", grant.approved_by),
        v1::GrantBasis::SelfGranted => format!("{when}, SELF-GRANTED: nobody said yes"),
        v1::GrantBasis::Called => format!("{when}, by {}", called_by(grant)),
        v1::GrantBasis::FastPath => format!("{when}, {}", basis_word(grant.basis())),
    }
}

fn self_grant(grant: &v1::Grant, now: Timestamp) -> String {
    match time::from_proto(grant.self_grant_at.as_ref()) {
        Some(time) if time <= now => format!("possible now: glass self-grant {}", grant.id),
        Some(time) => format!("possible {}", time::local_and_relative(time, now)),
        None => String::new(),
    }
}

fn by_at(by: &str, time: Option<&prost_types::Timestamp>, now: Timestamp) -> String {
    format!("by {by}, {}", when(time, now))
}

#[cfg(test)]
mod tests;
