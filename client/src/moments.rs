//! Moments in sentences of the broker's: it writes `2026-11-23 03:05:00 UTC`, or `03:05 UTC` of the day
//! of an entry, and whoever reads them has a clock of their own on the wall. What somebody typed may read
//! like one, and stays as it is: one is looked for only where the broker itself writes it.

use jiff::{Timestamp, civil, tz::TimeZone};

use crate::{error::Error, rules::ending_in_words, time};

const UTC: &str = " UTC";

/// Kinds of entries whose sentence has one moment, after everything that somebody chose the words of.
const MOMENT_LAST: [&str; 11] = [
    "person.invited",
    "certificate.renewed",
    "target.invited",
    "target.renewed",
    "host.certified",
    "incident.warned",
    "incident.resolved",
    "incident.refired",
    "call.recorded",
    "grant.started",
    "credential.issued",
];

/// Reasons whose texts have moments, and nothing that somebody typed.
const REASONS: [&str; 9] = [
    "APPROVAL_TOO_EARLY",
    "CALL_TIME",
    "CLOCK_BEHIND",
    "REVIEW_DEBT",
    "SELF_GRANT_TOO_EARLY",
    "STATEMENT_STALE",
    "TOKEN_EXPIRED",
    "TOO_LONG_A_TIME",
    "TOO_MANY",
];

/// How a grant ends, as entries say it.
const ENDINGS: [&str; 11] = [
    "denied",
    "lapsed",
    "dropped",
    "revoked",
    "expired",
    "incident-closed",
    "person-left",
    "person-frozen",
    "abandoned",
    "vetoed",
    "handed-over",
];

/// What stands in a problem of the broker's before its moments, where nobody typed a word of it.
const PROBLEMS: [&str; 3] = [
    "TOO FEW WITNESSES have signed the ledger since ",
    "The broker's clock says ",
    "Alerts of ",
];

/// An entry's sentence, and what of the entry says where its moments stand.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Told<'a> {
    pub(crate) sentence: &'a str,
    pub(crate) kind: &'a str,
    pub(crate) at: Timestamp,
    pub(crate) grant: Option<&'a str>,
    pub(crate) incident: Option<&'a str>,
    /// As typed, where the entry itself is at hand.
    pub(crate) reason: Option<&'a str>,
}

impl Told<'_> {
    /// The sentence with its moments as this laptop's clock shows them. Where it cannot be told whose a
    /// moment is, it stays in UTC.
    pub(crate) fn of_here(self, now: Timestamp) -> String {
        // Of a refusal on record `reason` is the stable word.
        if self.kind == "refused" && self.reason.is_some_and(|reason| REASONS.contains(&reason)) {
            return dated(self.sentence, now);
        }
        let here = self.broker_part().and_then(|length| {
            let (broker, typed) = self.sentence.split_at(length);
            Some(last(broker, Some(self.at), now)? + typed)
        });
        here.unwrap_or_else(|| self.sentence.to_owned())
    }

    /// Up to where nothing typed stands after the moment.
    fn broker_part(self) -> Option<usize> {
        match self.kind {
            "grant.extended" => self.before_reason(),
            "grant.requested" => self.before_place().or_else(|| self.whom_it_goes_to()),
            kind => MOMENT_LAST.contains(&kind).then_some(self.sentence.len()),
        }
    }

    /// "Mia extended G-45: Mia can deploy the shop app until 03:20 UTC: still at it."
    fn before_reason(self) -> Option<usize> {
        let reason = self.reason.filter(|reason| !reason.is_empty())?;
        let whole = self.sentence;
        let without = |text: &str| text.strip_suffix(reason)?.strip_suffix(": ").map(str::len);
        let length = without(whole).or_else(|| without(whole.strip_suffix('.')?))?;
        at_end(&whole[..length], Some(self.at)).map(|_| length)
    }

    /// "... (G-45, INC-12): tired. Leon can approve it. If nobody answers, it goes to Founder as well at 03:20 UTC."
    fn whom_it_goes_to(self) -> Option<usize> {
        let (reason, whole) = (self.reason?, self.sentence.strip_suffix('.')?);
        let is_typed = whole
            .trim_end_matches('.')
            .ends_with(reason.trim_end_matches('.'));
        let (start, _) = at_end(whole, Some(self.at)).filter(|_| !is_typed)?;
        whole[..start]
            .ends_with(" as well at ")
            .then_some(whole.len())
    }

    /// "Mia hands G-45 over to Leon, who is to deploy the shop app until 03:20 UTC (G-46, INC-12): tired."
    fn before_place(self) -> Option<usize> {
        let place = format!(" ({}, {})", self.grant?, self.incident?);
        let length = self.sentence.find(&place)?;
        at_end(&self.sentence[..length], Some(self.at)).map(|_| length)
    }
}

/// Whether it says how a grant ended, and when, and nothing more: "G-45 is over already: vetoed at ...".
fn says_how_it_ended(text: &str) -> bool {
    let words = || {
        let rest = text.strip_prefix("G-")?.split_once(" is over")?.1;
        let rest = rest.strip_prefix(" already").unwrap_or(rest);
        rest.strip_prefix(": ")?.rsplit_once(" at ")
    };
    words().is_some_and(|(words, at)| {
        let is_known = |ending: &str| ending_in_words(ending) == Some(words);
        ENDINGS.iter().any(|ending| is_known(ending))
            && at_end(at, None).is_some_and(|(start, _)| start == 0)
    })
}

/// What an error says, or what comes next, with its moments as this laptop's clock shows them.
#[must_use]
pub(crate) fn of_error(error: &Error, text: &str, now: Timestamp) -> String {
    match error {
        Error::Waiting { .. } => dated(text, now),
        Error::Refused(refusal) if REASONS.contains(&&*refusal.reason) => dated(text, now),
        Error::Refused(_) if says_how_it_ended(text) => dated(text, now),
        _ => text.to_owned(),
    }
}

/// A problem as the broker tells it, with its moments as this laptop's clock shows them.
#[must_use]
pub(crate) fn of_problem(problem: &str, now: Timestamp) -> String {
    if PROBLEMS.iter().any(|begins| problem.starts_with(begins)) {
        return dated(problem, now);
    }
    // An alert's key is whatever its source calls it, and stands before the moment.
    let alert = problem.starts_with("The alert `");
    let told = alert.then(|| last(problem, None, now)).flatten();
    told.unwrap_or_else(|| problem.to_owned())
}

/// With each moment that has a date.
fn dated(text: &str, now: Timestamp) -> String {
    let mut told = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(end) = rest.find(UTC).map(|place| place + UTC.len()) {
        let (before, after) = rest.split_at(end);
        told.push_str(&here(before, after, None, now).unwrap_or_else(|| before.to_owned()));
        rest = after;
    }
    told + rest
}

/// With the last of its moments.
fn last(text: &str, of: Option<Timestamp>, now: Timestamp) -> Option<String> {
    text.rmatch_indices(UTC).find_map(|(place, _)| {
        let (before, after) = text.split_at(place + UTC.len());
        Some(here(before, after, of, now)? + after)
    })
}

/// A text that ends with a moment, with that as this laptop's clock shows it.
fn here(text: &str, after: &str, of: Option<Timestamp>, now: Timestamp) -> Option<String> {
    let ends = !after.starts_with(|c: char| c.is_alphanumeric());
    let (start, at) = at_end(text, of).filter(|_| ends)?;
    Some(text[..start].to_owned() + &time::local(at, now))
}

/// The moment a text ends with, and where that begins.
fn at_end(text: &str, of: Option<Timestamp>) -> Option<(usize, Timestamp)> {
    let text = text.strip_suffix(UTC)?;
    let dated = |text: &str, form: &str| civil::DateTime::strptime(form, text).ok();
    let of_day = |text: &str| {
        let clock = civil::Time::strptime("%H:%M", text).ok()?;
        let day = of?.to_zoned_datetime(TimeZone::UTC).date();
        Some(day.to_datetime(clock))
    };
    let longest_first = [
        ("2026-11-23 03:05:00".len(), Some("%Y-%m-%d %H:%M:%S")),
        ("2026-11-23 03:05".len(), Some("%Y-%m-%d %H:%M")),
        ("03:05".len(), None),
    ];
    longest_first.into_iter().find_map(|(length, form)| {
        let start = text.len().checked_sub(length)?;
        let (before, moment) = (text.get(..start)?, text.get(start..)?);
        let begins = !before.ends_with(|c: char| c.is_alphanumeric() || ":-".contains(c));
        let wall = match form {
            Some(form) => dated(moment, form),
            None => of_day(moment),
        };
        let at = TimeZone::UTC.to_timestamp(wall.filter(|_| begins)?).ok()?;
        Some((start, at))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-23T03:30:00Z".parse().unwrap()
    }

    /// What this laptop's clock shows then; whoever runs this may be anywhere.
    fn clock(at: &str) -> String {
        time::local(at.parse().unwrap(), now())
    }

    fn told(kind: &str, reason: Option<&str>, sentence: &str) -> String {
        let told = Told {
            sentence,
            kind,
            at: now(),
            grant: Some("G-4"),
            incident: Some("INC-1"),
            reason,
        };
        told.of_here(now())
    }

    #[test]
    fn each_moment_is_told_as_the_clock_on_the_wall_has_it() {
        let (three, ten) = (clock("2026-11-23T03:05:00Z"), clock("2026-11-24T10:00:00Z"));
        for (kind, before, moment, here, after) in [
            (
                "grant.started",
                "Leon approved G-4: Mia can run the 23:05 UTC job until ",
                "03:05 UTC",
                &three,
                " (INC-1).",
            ),
            (
                "person.invited",
                "Leon invited Mia; the invitation works until ",
                "2026-11-24 10:00 UTC",
                &ten,
                ".",
            ),
            (
                "incident.warned",
                "INC-1 closes by itself at ",
                "03:05 UTC",
                &three,
                ", and every grant under it ends.",
            ),
            (
                "grant.requested",
                "Mia hands G-3 over to Leon, who is to deploy until ",
                "03:05 UTC",
                &three,
                " (G-4, INC-1): off at 23:05 UTC.",
            ),
        ] {
            assert_eq!(
                told(kind, None, &[before, moment, after].concat()),
                [before, here, after].concat()
            );
        }
    }

    #[test]
    fn what_somebody_typed_is_never_rewritten() {
        let typed = "off since 23:05 UTC, or 2026-11-22 23:05:00 UTC";
        for (kind, sentence) in [
            (
                "incident.opened",
                format!("Dana opened INC-1 (sev2): {typed}."),
            ),
            ("incident.noted", format!("Dana on INC-1: {typed}.")),
            (
                "incident.held",
                format!("Dana holds INC-1 open, whatever becomes of its alert: {typed}."),
            ),
            ("incident.closed", format!("Dana closed INC-1: {typed}.")),
            (
                "grant.requested",
                format!("Mia asks to deploy for 15m (G-4, INC-1): {typed} (G-4, INC-1)."),
            ),
            (
                "grant.extended",
                format!("Mia extended G-4: Mia can deploy until 03:05 UTC: {typed}."),
            ),
            ("grant.ended", format!("Leon denied G-4: {typed}.")),
            (
                "role.failed",
                format!("The role x at db could not be made (G-4): {typed}."),
            ),
            ("a.kind.of.next.year", format!("Something: {typed}.")),
        ] {
            assert_eq!(told(kind, None, &sentence), sentence);
        }
        let three = clock("2026-11-23T03:05:00Z");
        for (reason, stop) in [(typed, "."), ("until 23:05 UTC.", ""), ("a", ".")] {
            let extended =
                |moment| format!("Mia extended G-4: Mia can deploy until {moment}: {reason}{stop}");
            let here = told("grant.extended", Some(reason), &extended("03:05 UTC"));
            assert_eq!(here, extended(&three));
        }
    }

    #[test]
    fn whom_a_request_goes_to_and_until_when_others_are_asked() {
        let three = clock("2026-11-23T03:05:00Z");
        let asks = |reason: &str, behind: &str| {
            format!("Mia asks to deploy (G-4, INC-1): {reason}.{behind}")
        };
        let goes =
            |moment: &str| format!(" If nobody answers, it goes to Leon as well at {moment}.");
        let told_of = |reason, sentence: &str| told("grant.requested", Some(reason), sentence);
        for reason in ["since 23:05 UTC", "it goes to Leon as well at 23:05 UTC"] {
            let said = told_of(reason, &asks(reason, &goes("03:05 UTC")));
            assert_eq!(said, asks(reason, &goes(&three)));
            assert_eq!(told_of(reason, &asks(reason, "")), asks(reason, ""));
        }
        let refused = |moment: &str| {
            format!("Leon was refused (approve): G-4 is asked of mia until {moment}: x")
        };
        let sentence = refused("2026-11-23 03:05:00 UTC");
        assert_eq!(
            told("refused", Some("APPROVAL_TOO_EARLY"), &sentence),
            refused(&three)
        );
        assert_eq!(told("refused", Some("NOT_ALLOWED"), &sentence), sentence);
    }

    #[test]
    fn of_errors_those_are_converted_that_have_no_typed_word() {
        let (text, three) = (
            "not before 2026-11-23 03:05:00 UTC, 23:05 UTC",
            clock("2026-11-23T03:05:00Z"),
        );
        let of = |error: &Error| of_error(error, text, now());
        let (what, next) = (text.to_owned(), String::new());
        let denied = Error::Denied {
            what: what.clone(),
            next: next.clone(),
        };
        assert_eq!(of(&denied), text);
        for typed in [
            "GRANT_ENDED",
            "INVALID_TEXT",
            "NOT_ALLOWED",
            "SENTENCE_CHANGED",
        ] {
            assert_eq!(of(&Error::refused(typed, text, "")), text);
        }
        let over = |ending: &str, moment: &str| format!("G-2 is over: {ending} at {moment}");
        for (ending, is_known) in [
            ("its incident closed", true),
            ("at 23:05 UTC it was", false),
        ] {
            let told = over(ending, "2026-11-23 03:05:00 UTC");
            let here = if is_known {
                over(ending, &three)
            } else {
                told.clone()
            };
            let error = Error::refused("GRANT_ENDED", told.clone(), "");
            assert_eq!(of_error(&error, &told, now()), here);
        }
        let here = format!("not before {three}, 23:05 UTC");
        assert_eq!(of(&Error::Waiting { what, next }), here);
        assert_eq!(of(&Error::refused("SELF_GRANT_TOO_EARLY", text, "")), here);
    }

    #[test]
    fn of_a_problem_the_alert_that_it_names_stays() {
        let moment = "2026-11-23 03:05:00 UTC";
        let three = clock("2026-11-23T03:05:00Z");
        for (before, after) in [
            (
                "The alert `late at 2026-11-22 23:05:00 UTC` of pager opens too often: it is refused until ",
                ". Others of pager are taken.",
            ),
            (
                "Alerts of pager come too fast: what it tells is refused until ",
                ". People open",
            ),
            (
                "TOO FEW WITNESSES have signed the ledger since ",
                ": 2 of 3 have to.",
            ),
        ] {
            let told = of_problem(&[before, moment, after].concat(), now());
            assert_eq!(told, [before, &three, after].concat());
        }
        let failed = format!("The role x at db could not be dropped yet: at {moment}");
        assert_eq!(of_problem(&failed, now()), failed);
    }

    #[test]
    fn what_is_no_moment_stays() {
        for sentence in [
            "",
            " UTC",
            "times are UTC",
            "99:99 UTC",
            "13:03:05 UTC",
            "03:05 UTCs",
            "v03:05 UTC",
            "2026-13-23 03:05:00 UTC",
            "\u{e4}3:05 UTC",
            "\u{1f525} UTC, 03:05 CET",
        ] {
            assert_eq!(told("grant.started", None, sentence), sentence);
            assert_eq!(dated(sentence, now()), sentence);
        }
    }
}
