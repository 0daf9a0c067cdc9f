//! The draft for people.

use jiff::{SignedDuration, Timestamp};

use super::{Borrowed, Draft, Grant, Kill, Used};
use crate::{
    grant::by_call,
    output::Printer,
    show::{counted, drill_mark},
    text::plain,
    time,
};

/// Shows it: who had what, then what stands out.
pub fn say(printer: &Printer, draft: &Draft, now: Timestamp) {
    printer.heading(format!(
        "{}{}  {}  {}",
        drill_mark(draft.drill),
        draft.incident,
        draft.severity,
        plain(&draft.title)
    ));
    printer.aside(lasted(draft, now));
    if draft.grants.is_empty() {
        printer.line("Nobody asked for anything.");
    }
    for grant in &draft.grants {
        say_grant(printer, draft, grant);
    }
    part(
        printer,
        "Self-granted, nobody said yes",
        &draft.self_granted,
    );
    part(printer, "Never used", &draft.never_used);
    part(
        printer,
        "Had to borrow",
        &draft.borrowed.iter().map(borrowed).collect::<Vec<_>>(),
    );
    part(
        printer,
        "Cut at targets",
        &draft.kills.iter().map(kill).collect::<Vec<_>>(),
    );
    let refused = draft.refused.iter().map(|refused| {
        let times = match refused.count {
            1 => String::new(),
            count => format!(", {count} times"),
        };
        let (who, act) = (&refused.person, &refused.act);
        format!("{who}: {} ({act}{times})", refused.text)
    });
    part(printer, "Refused", &refused.collect::<Vec<_>>());
    for doubt in &draft.unsure {
        printer.aside(doubt);
    }
}

fn part(printer: &Printer, title: &str, lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    printer.line("");
    printer.heading(title);
    for line in lines {
        printer.line(format!("  {}", plain(line)));
    }
}

fn lasted(draft: &Draft, now: Timestamp) -> String {
    let at = |at: Option<Timestamp>| at.map(|at| time::local(at, now)).unwrap_or_default();
    let opened = format!("opened by {} at {}", draft.opened_by, at(draft.opened_at));
    match (&draft.closed_by, draft.opened_at, draft.closed_at) {
        (Some(by), Some(from), Some(to)) => format!(
            "{opened}, closed by {by} at {} after {}: {}",
            at(Some(to)),
            time::short(to.duration_since(from)),
            plain(draft.closing_reason.as_deref().unwrap_or_default())
        ),
        _ => format!("{opened}, still open"),
    }
}

fn say_grant(printer: &Printer, draft: &Draft, grant: &Grant) {
    printer.line("");
    printer.heading(format!(
        "{}  {} to {}",
        grant.grant,
        grant.person,
        plain(&grant.sentence)
    ));
    let fact = |name: &str, value: &str| crate::show::fact(printer, name, value);
    fact("why", &grant.reason);
    fact("handed", &handed(grant));
    fact("escalated", &escalated(grant));
    fact("yes from", &yes(grant));
    fact("had for", &had(grant));
    if grant.began_at.is_some() {
        fact("used", &used(grant));
        fact("review", &answered(draft, grant));
    }
}

fn yes(grant: &Grant) -> String {
    match (grant.basis.as_deref(), &grant.approved_by) {
        (Some("approved"), Some(by)) => by.clone(),
        (Some("fast-path"), _) => "nobody needed".to_owned(),
        (Some("called"), _) => by_call(&grant.agreed, &grant.calls),
        (Some("self-granted"), _) => "NOBODY: SELF-GRANTED".to_owned(),
        (Some(basis), _) => basis.to_owned(),
        (None, _) => "nobody, it never began".to_owned(),
    }
}

/// Where it came from and where it went, where it was handed over.
fn handed(grant: &Grant) -> String {
    let from = grant.from_grant.as_ref().zip(grant.from_person.as_ref());
    let to = grant.to_grant.as_ref().zip(grant.to_person.as_ref());
    let from = from.map(|(from, by)| format!("over from {by}'s {from}"));
    let to = to.map(|(to, whom)| format!("over to {whom}, as {to}"));
    let parts: Vec<_> = from.into_iter().chain(to).collect();
    parts.join(", then ")
}

fn escalated(grant: &Grant) -> String {
    let Some(at) = grant.escalated_at else {
        return String::new();
    };
    let to = crate::grant::listed(&grant.escalated_to, "and");
    match at.duration_since(grant.asked_at).as_secs() {
        0 => format!("to {to} at once: nobody else was there to answer"),
        waited => format!("to {to} after {}: nobody had answered", length(waited)),
    }
}

fn had(grant: &Grant) -> String {
    let ending = grant.ending.as_deref().unwrap_or("not over");
    let by = grant.ended_by.as_deref().unwrap_or_default();
    // The broker writes that ending, and it is its holder's doing.
    let (ending, by) = match ending {
        "handed-over" => ("handed over", grant.person.as_str()),
        ending => (ending, by),
    };
    match grant.had_seconds {
        Some(seconds) => format!("{}, then {ending} by {by}", length(seconds)),
        None if grant.began_at.is_some() => ending.to_owned(),
        None => format!("no time: {ending} by {by}"),
    }
}

fn used(grant: &Grant) -> String {
    let credentials = counted(grant.credentials, "credential");
    if grant.used == Used::Never {
        return "never: not even a credential was taken".to_owned();
    }
    let mut parts = vec![credentials];
    if !grant.programs.is_empty() {
        parts.push(format!("with {}", grant.programs.join(", ")));
    }
    if grant.sessions > 0 {
        let sessions = counted(grant.sessions, "session");
        parts.push(format!("{sessions} of {}", length(grant.session_seconds)));
    }
    if grant.used == Used::NotReported {
        parts.push("no use reported".to_owned());
    }
    parts.join(", ")
}

fn answered(draft: &Draft, grant: &Grant) -> String {
    let Some(answer) = &grant.answer else {
        return match draft.owes_nothing() {
            Some(why) => format!("nothing is owed: {why}"),
            None => "not answered".to_owned(),
        };
    };
    let needed = match answer.needed {
        true => "needed",
        false => "not needed",
    };
    let width = match answer.width.as_str() {
        "right" => String::new(),
        wide => format!(", {}", wide.replace('-', " ")),
    };
    let missing = match &answer.missing {
        Some(missing) => format!(", missing: {missing}"),
        None => String::new(),
    };
    let whose = match answer.by_holder {
        true => ", whose it was",
        false => "",
    };
    format!("{needed}{width}{missing} (said {}{whose})", answer.by)
}

fn borrowed(borrowed: &Borrowed) -> String {
    format!(
        "{} may not {}, and {} did it under {}",
        borrowed.person, borrowed.sentence, borrowed.done_by, borrowed.grant
    )
}

fn kill(kill: &Kill) -> String {
    let (what, target, person) = (&kill.what, &kill.target, &kill.person);
    let how = match (kill.confirmed, kill.took_ms) {
        (true, Some(took)) => format!("over after {took} ms"),
        (true, None) => "over".to_owned(),
        (false, _) => "NOT CONFIRMED".to_owned(),
    };
    format!("{what} of {person} at {target}: {how}")
}

fn length(seconds: i64) -> String {
    time::short(SignedDuration::from_secs(seconds))
}
