//! What `glass exec` says, on standard error. Beside the command's own output, so: little.

use std::{fmt::Display, path::Path};

use breakglass_proto::v1::{Grant, GrantBasis};
use jiff::Timestamp;

use super::{family::Member, terminal::undisturbed};
use crate::{
    error::Error, grant, output::Printer, spinner::Spinner, text::plain, time, timeline::Item, view,
};

/// The printer, used in a way that cannot stop us: the command may have the terminal.
#[derive(Clone, Copy)]
pub(super) struct Voice<'a>(pub(super) &'a Printer);

impl Voice<'_> {
    pub(super) fn note(self, text: impl Display) {
        undisturbed(|| self.0.note(text));
    }

    pub(super) fn warn(self, text: impl Display) {
        undisturbed(|| self.0.warn(text));
    }

    /// What happened to the incident: for whoever reads by the clock on their wall.
    pub(super) fn happened(self, item: &Item, now: Timestamp) {
        match self.0.is_json() {
            true => self.warn(&item.text),
            false => self.warn(item.sentence(now)),
        }
    }

    pub(super) fn loud(self, text: impl Display) {
        undisturbed(|| self.0.loud(text));
    }

    /// Where the agent is, as a line for a shell; how to end it, for whoever reads.
    pub(super) fn agent(self, grant: &Grant, socket: &Path, now: Timestamp) {
        let view = serde_json::json!({
            "grant": grant.id,
            "socket": socket,
            "ends_at": view::at(grant.ends_at.as_ref()),
        });
        undisturbed(|| {
            self.0.answer(&view, |printer| {
                printer.line(format!("export SSH_AUTH_SOCK={}", quoted(socket)));
            });
        });
        self.note(agent_ends(grant, now));
    }

    pub(super) fn spinner(self, text: impl Display) -> Spinner {
        self.0.spinner(text)
    }
}

/// What Ctrl-C does to an agent's grant: one that was handed over stays.
fn agent_ends(grant: &Grant, now: Timestamp) -> String {
    match grant.from_grant.as_str() {
        "" => format!(
            "the agent is there until this ends; Ctrl-C gives {} back",
            grant.id
        ),
        _ => format!(
            "the agent is there until this ends, or Ctrl-C; {}",
            goes_on(grant, now)
        ),
    }
}

/// A path as a POSIX shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    match text.chars().all(plain) {
        true => text.into_owned(),
        false => format!("'{}'", text.replace('\'', "'\\''")),
    }
}

/// What [`waiting`] tells of a request, but for the time that runs.
pub(super) type Needed = [Option<String>; 5];

/// Whose word a request waits for, and what else, as far as it may change while it waits.
pub(super) fn needed(grant: &Grant) -> Needed {
    let [alone, lapses] =
        [&grant.self_grant_at, &grant.lapses_at].map(|at| at.as_ref().map(ToString::to_string));
    [
        Some(grant::asked_in_turn(grant)),
        grant::still_needed(grant),
        grant::hopeless(grant),
        alone,
        lapses,
    ]
}

/// For whom the request waits, and what they have to do.
pub(super) fn waiting(grant: &Grant, now: Timestamp) -> String {
    let (id, who) = (&grant.id, grant::approvers(grant));
    let lapses = time::from_proto(grant.lapses_at.as_ref())
        .map(|at| format!("; it lapses at {}", time::local_and_relative(at, now)))
        .unwrap_or_default();
    let next = grant::next_asked(grant, now).map(|next| format!("; it {next}"));
    let lapses = next.unwrap_or_default() + &lapses;
    let drill = if grant.drill { "DRILL: " } else { "" };
    if grant::hopeless(grant).is_some() {
        let who = grant::asked(grant);
        return format!(
            "{drill}{id} waits for {who}, and nobody can answer: Ctrl-C, then ask again{lapses}"
        );
    }
    if let Some(needed) = grant::still_needed(grant) {
        return format!("{id}: still needed: {needed}{lapses}");
    }
    format!("{drill}{id}: waiting for {who} to run `glass approve {id}`{lapses}")
}

/// That it has begun: who said yes, to what, until when.
pub(super) fn begun(grant: &Grant, now: Timestamp) -> String {
    let yes = match grant.basis() {
        GrantBasis::Approved => format!("{} approved {}", grant.approved_by, grant.id),
        GrantBasis::Called => format!("{} began by {}", grant.id, grant::called_by(grant)),
        _ => grant.id.clone(),
    };
    let yes = match grant::handed_from(grant) {
        Some(from) => format!("{yes}, handed over from {from} ({})", plain(&grant.reason)),
        None => yes,
    };
    let until = time::from_proto(grant.ends_at.as_ref())
        .map(|at| format!(" until {}", time::local_and_relative(at, now)))
        .unwrap_or_default();
    let drill = if grant.drill { "DRILL: " } else { "" };
    let cut = match is_cut(grant) {
        true => format!(
            ". No longer, because {0} closes then: glass incident show {0}",
            grant.incident
        ),
        false => String::new(),
    };
    format!(
        "{drill}{yes}: you can {}{until}, for {}{cut}",
        grant.sentence, grant.incident
    )
}

/// Whether it is shorter than was asked for although nobody agreed to less: its incident closes before.
fn is_cut(grant: &Grant) -> bool {
    let length = time::length_from_proto(grant.length.as_ref());
    let [begins, ends] = [&grant.begins_at, &grant.ends_at].map(|at| time::from_proto(at.as_ref()));
    let whole = begins
        .zip(length)
        .and_then(|(at, it)| at.checked_add(it).ok());
    let shorter = whole.zip(ends).is_some_and(|(whole, ends)| ends < whole);
    // What was handed over ends with the grant it comes from.
    grant.basis() == GrantBasis::FastPath && grant.from_grant.is_empty() && shorter
}

/// That nobody is waited for.
pub(super) fn not_waiting(grant: &Grant) -> String {
    let (id, who) = (&grant.id, grant::asked_in_turn(grant));
    let becomes = match grant.from_grant.as_str() {
        "" => "the request is taken back",
        _ => "it waits on",
    };
    let needs = match grant::still_needed(grant) {
        Some(needed) => needed,
        None => format!("a yes from {who}"),
    };
    format!("{id} needs {needs}, and `--no-wait` was given: {becomes}")
}

/// That the command was not begun.
pub(super) fn stopped(grant: &Grant) -> String {
    let id = &grant.id;
    match grant.from_grant.as_str() {
        "" => format!("stopped before the command began: taking {id} back"),
        _ => format!("stopped before the command began; {id} stays as it is"),
    }
}

/// That a grant that was handed over is still there.
pub(super) fn goes_on(grant: &Grant, now: Timestamp) -> String {
    let id = &grant.id;
    let until = grant::deadline(grant)
        .map(|at| format!(" until {}", time::local_and_relative(at, now)))
        .unwrap_or_default();
    format!("{id} was handed over to you and stays{until}; to give it back: glass drop {id}")
}

/// That it was begun without anybody's yes. To be said loudly.
pub(super) fn self_granted(grant: &Grant) -> String {
    format!(
        "SELF-GRANTED: nobody answered, so you let yourself {}.\n\
         It stands so in the ledger, everybody on the team sees it, and anybody can veto it.",
        grant.sentence
    )
}

/// What a self-grant would mean, as a question.
pub(super) fn self_grant_question(grant: &Grant) -> String {
    format!(
        "nobody has answered {id}. You may let yourself {what}: for a shorter time, and everybody \
         on the team is told. Do it now? [y/N]",
        id = grant.id,
        what = grant.sentence
    )
}

/// That the broker is out of reach while the command runs.
pub(super) fn lost(why: &Error, until: Timestamp, now: Timestamp) -> String {
    format!(
        "{why}. The command goes on; without the broker it ends at {} at the latest",
        time::local_and_relative(until, now)
    )
}

/// Why the access is over and what happens to the command. To be said loudly.
pub(super) fn cut(why: &str, program: &str, sentence: &str) -> String {
    let can = if sentence.is_empty() {
        "you have no access any more"
    } else {
        ""
    };
    let cannot = format!("you can no longer {sentence}");
    let state = if can.is_empty() { &cannot } else { can };
    format!("{why}\n{state}: ending `{program}`")
}

/// What AWS may go on taking when the access is over.
pub(super) fn kept_by_aws(grant: &Grant, role: &str, until: Timestamp, now: Timestamp) -> String {
    format!(
        "{}: what AWS may have given you for it, {}, expires by {}; AWS can deny it before that \
         (docs/targets/aws.md)",
        grant.id,
        plain(role),
        time::local_and_relative(until, now)
    )
}

/// Who could not be ended.
pub(super) fn survivors(members: &[Member]) -> String {
    format!(
        "could not end {}: they belong to another user, or hang. End them by hand; the credential \
         is gone from here, and the broker accepts it no more",
        named(members)
    )
}

/// Processes by name and id.
pub(super) fn named(members: &[Member]) -> String {
    let names: Vec<_> = members
        .iter()
        .map(|member| format!("{} ({})", member.name, member.pid.as_raw_nonzero()))
        .collect();
    grant::listed(&names, "and")
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use breakglass_proto::v1::HoldGrantResponse;

    use super::*;
    use crate::output::Format;

    #[test]
    fn what_happens_under_it_is_told_by_the_clock_on_the_wall_and_to_scripts_in_utc() {
        let at: Timestamp = "2026-11-23T03:05:00Z".parse().unwrap();
        let told = |format, kind: &str, text: &str| {
            let item = Item::from(&HoldGrantResponse {
                at: Some(time::to_proto(at)),
                kind: kind.into(),
                text: text.into(),
                ..HoldGrantResponse::default()
            });
            let err = Arc::<Mutex<Vec<u8>>>::default();
            let printer = Printer::to_buffers(format, Arc::default(), err.clone());
            Voice(&printer).happened(&item, at);
            let told = err.lock().unwrap().clone();
            String::from_utf8(told).unwrap()
        };
        let (closes, here) = (
            "INC-8 closes by itself at 03:20 UTC, and",
            "2026-11-23T03:20:00Z",
        );
        let people = told(Format::Text, "incident.warned", closes);
        let here = time::local(here.parse().unwrap(), at);
        let by_the_wall = format!("INC-8 closes by itself at {here}, and");
        assert!(people.contains(&by_the_wall), "{people}");
        let scripts = told(Format::Json, "incident.warned", closes);
        assert!(scripts.contains(closes), "{scripts}");
        let typed = "Dana holds INC-8 open: until 03:20 UTC.";
        let held = told(Format::Text, "incident.held", typed);
        assert!(held.contains(typed), "{held}");
    }

    #[test]
    fn what_its_incident_cuts_short_is_said_at_the_beginning() {
        let at = |clock: &str| {
            let at = format!("2026-11-23T{clock}Z").parse().unwrap();
            Some(time::to_proto(at))
        };
        let mut grant = Grant {
            id: "G-45".into(),
            incident: "INC-8".into(),
            sentence: "restart the worker".into(),
            basis: GrantBasis::FastPath.into(),
            length: Some(prost_types::Duration {
                seconds: 900,
                nanos: 0,
            }),
            begins_at: at("03:00:00"),
            ends_at: at("03:15:00"),
            ..Grant::default()
        };
        let now = "2026-11-23T03:00:00Z".parse().unwrap();
        assert!(!begun(&grant, now).contains("closes"));
        grant.ends_at = at("03:00:05");
        let told = begun(&grant, now);
        let why = "for INC-8. No longer, because INC-8 closes then: glass incident show INC-8";
        assert!(told.ends_with(why), "{told}");
        grant.from_grant = "G-44".into();
        assert!(!begun(&grant, now).contains("closes"), "it was handed over");
    }

    #[test]
    fn an_agent_gives_back_only_what_was_asked_for_here() {
        let now = "2026-11-23T03:05:00Z".parse().unwrap();
        let mut grant = Grant {
            id: "G-4".into(),
            ..Grant::default()
        };
        assert!(agent_ends(&grant, now).ends_with("Ctrl-C gives G-4 back"));
        grant.from_grant = "G-2".into();
        let told = agent_ends(&grant, now);
        assert!(!told.contains("Ctrl-C gives"), "{told}");
        assert!(
            told.ends_with("G-4 was handed over to you and stays; to give it back: glass drop G-4"),
            "{told}"
        );
    }
}
