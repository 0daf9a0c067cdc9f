//! A request, as whoever answers it reads it.

use breakglass_proto::v1;
use jiff::Timestamp;

use super::{escalated, handed::asks, incident_line, when};
use crate::{
    grant::{handed_from, state_word, still_needed},
    text::plain,
    time,
};

/// What an approver reads of a request, on one screen; nothing the requester typed can style it. Whoever is
/// not asked for a yes reads when it would end if it began now.
#[must_use]
pub fn request(
    asked: &v1::Grant,
    incident: &v1::Incident,
    (is_for_yes, now): (bool, Timestamp),
) -> Vec<String> {
    let begins = match is_for_yes && !asked.approvers.is_empty() {
        true => "if you say yes now",
        false => "if it began now",
    };
    let length = time::length_from_proto(asked.length.as_ref()).unwrap_or_default();
    let until = now.saturating_add(length).unwrap_or(now);
    let until = time::from_proto(asked.until.as_ref()).map_or(until, |latest| until.min(latest));
    let lapses = when(asked.lapses_at.as_ref(), now);
    let mut lines = vec![String::new()];
    if asked.drill {
        lines.push("  DRILL: nothing is broken. Somebody practises; your yes is timed.".to_owned());
        lines.push(String::new());
    }
    lines.extend([
        asks(asked),
        String::new(),
        format!(
            "  request    {} ({}), {}",
            asked.id,
            plain(&asked.right),
            state_word(asked)
        ),
        format!("  incident   {}", incident_line(incident, now)),
        format!("  reason     {}", plain(&asked.reason)),
        format!(
            "  until      {}, {begins}",
            time::local_and_relative(until, now)
        ),
        format!("  rule       {}", plain(&asked.rule)),
    ]);
    if !lapses.is_empty() {
        lines.push(format!("  lapses     {lapses}, if nobody answers"));
    }
    if let Some(from) = handed_from(asked) {
        lines.push(format!(
            "  handed     over from {}, which ends then",
            plain(&from)
        ));
    }
    let escalated = escalated(asked, now);
    if !escalated.is_empty() {
        lines.push(format!("  escalated  {escalated}"));
    }
    if let Some(needed) = still_needed(asked) {
        lines.push(format!("  needed     {needed}"));
    }
    lines.push(String::new());
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_reads_of_a_yes_who_is_not_asked_for_one() {
        let now: Timestamp = "2026-11-23T03:05:00Z".parse().unwrap();
        let mut asked = v1::Grant {
            approvers: vec!["leon".into()],
            ..v1::Grant::default()
        };
        let until = |asked: &v1::Grant, is_for_yes| {
            let lines = request(asked, &v1::Incident::default(), (is_for_yes, now));
            lines
                .into_iter()
                .find(|line| line.starts_with("  until "))
                .unwrap()
        };
        assert!(until(&asked, true).ends_with("if you say yes now"));
        assert!(until(&asked, false).ends_with("if it began now"), "a call");
        asked.approvers.clear();
        assert!(
            until(&asked, true).ends_with("if it began now"),
            "no rule asks for one"
        );
    }
}
