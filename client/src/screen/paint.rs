//! The model as lines of a terminal of any size.

use breakglass_proto::v1::{self, GetStatusResponse, GrantBasis};
use jiff::{SignedDuration, Timestamp};

use super::model::{Mode, Model, Row, What};
use crate::{
    asks::{goes_to, how_to_call, wants_call, wants_yes, why_no_yes},
    grant::{approvers, deadline, handed_from, listed, pending, still_needed},
    moments,
    output::canvas::{Line, Size, Tone, columns, cut, wrap},
    show,
    text::plain,
    time,
    view::severity_word,
};

/// Least lines of what happened, where anything else can give way for them.
const LEAST_HAPPENED: usize = 3;

/// The column in which the facts of a request stand.
const FACT: usize = 13;

/// Most lines of what is being typed, the newest.
const MOST_TYPED: usize = 3;

/// All lines of the screen, at most as many as it has.
pub(super) fn paint(model: &Model, now: Timestamp) -> Vec<Line> {
    let Size { width, height } = model.size;
    let mut lines = head(model, now, width);
    let foot = foot(model, width);
    let room = height.saturating_sub(lines.len() + foot.len());
    let mut body = match &model.mode {
        Mode::Help => help(),
        Mode::Deciding(_) => decision(model, now),
        _ => board(model, now, room),
    };
    body.resize(room, Line::new(Tone::Plain, ""));
    lines.extend(body);
    lines.extend(foot);
    lines.truncate(height);
    for line in &mut lines {
        line.text = cut(&line.text, width);
    }
    lines
}

/// Whether the request that is being decided on can be seen in full.
pub(super) fn fits(model: &Model, now: Timestamp) -> bool {
    let Size { width, height } = model.size;
    let around = head(model, now, width).len() + foot(model, width).len();
    matches!(model.mode, Mode::Deciding(_)) && decision(model, now).len() + around <= height
}

fn head(model: &Model, now: Timestamp, width: usize) -> Vec<Line> {
    let who = format!("glass watch  {} at {}", model.me, model.server);
    let mut lines = vec![Line::new(
        Tone::Strong,
        spread(&plain(&who), &time::clock(now), width),
    )];
    if let Some((since, why)) = &model.lost {
        let said = format!(
            "BROKER LOST since {} ({}): what follows is as of then. {why}",
            time::clock(*since),
            time::relative(*since, now),
        );
        lines.push(Line::new(Tone::Bad, plain(&said)));
    }
    lines
}

/// Left and right on one line; where there is no room for both, the left one.
fn spread(left: &str, right: &str, width: usize) -> String {
    let used = columns(left) + columns(right);
    match width.checked_sub(used + 1) {
        Some(between) => format!("{left}{}{right}", " ".repeat(between + 1)),
        None => left.to_owned(),
    }
}

fn foot(model: &Model, width: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    if let Some(said) = &model.said {
        let tone = if said.is_bad { Tone::Bad } else { Tone::Good };
        let said = wrap(&plain(&said.text), width).into_iter().take(MOST_TYPED);
        lines.extend(said.map(|text| Line::new(tone, text)));
    }
    let keys = match &model.mode {
        Mode::Looking => "a approve  d deny  n note  c close  up/down choose  ? help  q quit",
        Mode::Help => "q quit  any other key: back",
        Mode::Doing(what, _) => what,
        Mode::Deciding(it) if !wants_yes(&it.grant, &model.me) => {
            let mut why = why_no_yes(&it.grant, &model.me);
            if wants_call(&it.grant, &model.me) {
                why = format!("{why}: {}", how_to_call(&it.grant));
            }
            let why = wrap(&plain(&why), width).into_iter();
            lines.extend(why.map(|text| Line::new(Tone::Strong, text)));
            "n no (asks why)  any other key: leave it waiting"
        }
        Mode::Deciding(_) => "y yes, I sign it  n no (asks why)  any other key: leave it waiting",
        Mode::Typing(typing) => {
            lines.extend(typed(model, &typing.what, &typing.text, width));
            "Enter sends it  Esc does nothing  Ctrl-U erases it"
        }
        Mode::Sure { incident, reason } => {
            let drill = model.mark_of(incident);
            let question = format!("Close {drill}{incident}, with all access under it? {reason}");
            let question = wrap(&plain(&question), width);
            lines.extend(question.into_iter().map(|it| Line::new(Tone::Strong, it)));
            "y yes, I sign it  any other key: leave it open"
        }
    };
    lines.push(Line::new(Tone::Quiet, keys));
    lines
}

fn typed(model: &Model, what: &What, text: &str, width: usize) -> Vec<Line> {
    let question = match what {
        What::Deny(grant) => {
            let mut waiting = model.status.waiting.iter();
            let drill = show::drill_mark(waiting.any(|it| it.id == *grant && it.drill));
            format!("Why is {drill}{grant} denied")
        }
        What::Note(incident) => format!("Note for {}{incident}", model.mark_of(incident)),
        What::Close(incident) => format!("Why is {}{incident} closed", model.mark_of(incident)),
    };
    let lines = wrap(&format!("{question}: {}_", plain(text)), width);
    let hidden = lines.len().saturating_sub(MOST_TYPED);
    let lines = lines.into_iter().skip(hidden);
    lines.map(|line| Line::new(Tone::Strong, line)).collect()
}

fn help() -> Vec<Line> {
    const HELP: [&str; 17] = [
        "up, down (or k, j)   choose an incident, a request or live access",
        "a   approve: shows the chosen request in full, checked against what the",
        "    requester signed; y signs your yes with this laptop's key",
        "d   deny the chosen request; asks why",
        "n   note for the incident of the chosen line",
        "c   close that incident, and all access under it; asks why, then whether",
        "q   quit; so does Ctrl-C",
        "",
        "Without a chosen request a and d mean the only one that waits for you;",
        "without a chosen line n and c mean the only incident that is no drill, and",
        "ask which where there are several.",
        "Red: trouble, a yes that nobody gave, access that ends within a minute.",
        "",
        "ALONE: whoever asked may begin it without a yes. Anybody stops that: glass veto",
        "Everything else has a command: glass revoke, glass extend, glass freeze,",
        "glass incident open. One incident in full: glass incident show INC-12",
        "Times are this laptop's.",
    ];
    HELP.iter()
        .map(|line| Line::new(Tone::Plain, *line))
        .collect()
}

/// The request in full: nothing of it is cut off.
fn decision(model: &Model, now: Timestamp) -> Vec<Line> {
    let Mode::Deciding(decision) = &model.mode else {
        return Vec::new();
    };
    let lines = show::request(&decision.grant, &decision.incident, (true, now));
    let lines = lines.iter().flat_map(|line| hang(line, model.size.width));
    lines.map(|line| Line::new(Tone::Plain, line)).collect()
}

/// A line on as many as it needs, the others below its fact: so none of them looks like another fact.
fn hang(line: &str, width: usize) -> Vec<String> {
    if columns(line) <= width {
        return vec![line.to_owned()];
    }
    let below = FACT.min(width / 2);
    let lines = wrap(line, width - below).into_iter().enumerate();
    let indented = lines.map(|(at, line)| match at {
        0 => line,
        _ => format!("{}{line}", " ".repeat(below)),
    });
    indented.collect()
}

/// One part of the board.
struct Part {
    title: &'static str,
    rows: Vec<Line>,
    /// The row that must be seen.
    chosen: Option<usize>,
}

fn board(model: &Model, now: Timestamp, room: usize) -> Vec<Line> {
    let parts = parts(model, now);
    let titles = parts.len() + 1;
    let Some(spare) = room.checked_sub(titles + parts.len()) else {
        return without_titles(parts, room);
    };
    let wanted: Vec<_> = parts.iter().map(|part| part.rows.len()).collect();
    let given = shares(&wanted, parts.len() + spare.saturating_sub(LEAST_HAPPENED));
    let mut lines = Vec::new();
    for (part, shown) in parts.into_iter().zip(given) {
        lines.extend(part.lines(shown));
    }
    let rest = room.saturating_sub(lines.len() + 1);
    lines.push(Line::new(Tone::Strong, "LATEST"));
    let hidden = model.happened.len().saturating_sub(rest);
    lines.extend(model.happened.iter().skip(hidden).map(|item| {
        let tone = if item.is_loud() {
            Tone::Bad
        } else {
            Tone::Plain
        };
        let text = item.line(now);
        Line::new(tone, format!("  {text}"))
    }));
    lines.truncate(room);
    lines
}

/// For a terminal so low that titles would be all there is: the rows around the chosen one.
fn without_titles(parts: Vec<Part>, room: usize) -> Vec<Line> {
    let mut rows = Vec::new();
    let mut chosen = 0;
    for part in parts {
        chosen = part.chosen.map_or(chosen, |at| rows.len() + at);
        rows.extend(part.rows);
    }
    let from = (chosen + 1).saturating_sub(room);
    rows.into_iter().skip(from).take(room).collect()
}

/// How many rows each part gets: one after the other, as long as there is room.
fn shares(wanted: &[usize], room: usize) -> Vec<usize> {
    let mut given = vec![0; wanted.len()];
    let mut left = room.min(wanted.iter().sum());
    while left > 0 {
        for (given, wanted) in given.iter_mut().zip(wanted) {
            if left > 0 && *given < *wanted {
                *given += 1;
                left -= 1;
            }
        }
    }
    given
}

impl Part {
    fn lines(self, shown: usize) -> impl Iterator<Item = Line> {
        let all = self.rows.len();
        let title = match all == shown {
            true => self.title.to_owned(),
            false => format!("{} ({shown} of {all})", self.title),
        };
        let last = all - shown;
        let from = match self.chosen {
            Some(at) => (at + 1).saturating_sub(shown).min(last),
            None => 0,
        };
        let rows = self.rows.into_iter().skip(from).take(shown);
        std::iter::once(Line::new(Tone::Strong, title)).chain(rows)
    }
}

fn parts(model: &Model, now: Timestamp) -> Vec<Part> {
    let status = &model.status;
    let mut parts: Vec<_> = trouble(status, now).into_iter().collect();
    let rows = model.rows();
    let mut from = 0;
    for (title, none, count) in [
        ("INCIDENTS", "none is open", status.incidents.len()),
        ("WAITING", "nothing", status.waiting.len()),
        ("LIVE ACCESS", "none", status.active.len()),
    ] {
        let chosen = model.at().and_then(|at| at.checked_sub(from));
        let chosen = chosen.filter(|at| *at < count);
        let rows = rows[from..from + count].iter().enumerate();
        let rows = rows.map(|(at, row)| {
            let (tone, text) = line_of(*row, &model.me, now);
            match chosen == Some(at) {
                true => Line::new(Tone::Chosen, format!("> {}", plain(&text))),
                false => Line::new(tone, format!("  {}", plain(&text))),
            }
        });
        let mut rows: Vec<_> = rows.collect();
        if rows.is_empty() {
            rows.push(Line::new(Tone::Quiet, format!("  {none}")));
        }
        parts.push(Part {
            title,
            rows,
            chosen,
        });
        from += count;
    }
    parts
}

/// What is wrong, where anything is.
fn trouble(status: &GetStatusResponse, now: Timestamp) -> Option<Part> {
    let told = status.problems.iter();
    let mut problems: Vec<_> = told.map(|it| moments::of_problem(it, now)).collect();
    if !status.frozen.is_empty() {
        problems.push(format!("Frozen: {}", listed(&status.frozen, "and")));
    }
    let bad = |text: &String| Line::new(Tone::Bad, format!("  {}", plain(text)));
    (!problems.is_empty()).then(|| Part {
        title: "TROUBLE",
        rows: problems.iter().map(bad).collect(),
        chosen: None,
    })
}

/// What counts stands first: a narrow terminal cuts the rest off.
fn line_of(row: Row<'_>, me: &str, now: Timestamp) -> (Tone, String) {
    match row {
        Row::Incident(it) => {
            let opened = time::from_proto(it.opened_at.as_ref());
            let since = opened.map_or_else(String::new, |at| time::relative(at, now));
            let severity = severity_word(it.severity());
            let drill = show::drill_mark(it.drill);
            let alert = show::alert_over_or_held(it, now)
                .map_or_else(String::new, |stands| format!("  {stands}"));
            let text = format!("{drill}{}  {severity}  {since}{alert}  {}", it.id, it.title);
            (Tone::Plain, format!("{text}  (by {})", it.opened_by))
        }
        Row::Waiting(it) => {
            let is_mine = wants_yes(it, me) || wants_call(it, me);
            let whom = format!("{}{}", whom(it, me, now), alone(it, now));
            let left = left(deadline(it), now);
            let drill = show::drill_mark(it.drill);
            let text = format!("{drill}{}  lapses {left}  {whom}  {}", it.id, it.person);
            let tone = if is_mine { Tone::Strong } else { Tone::Plain };
            (
                tone,
                format!("{text} to {} ({}): {}", it.sentence, it.incident, it.reason),
            )
        }
        Row::Live(it) => {
            let ends = deadline(it);
            let is_alone = it.basis() == GrantBasis::SelfGranted;
            let alone = if is_alone { "SELF-GRANTED  " } else { "" };
            let is_short = ends.is_some_and(|end| end.duration_since(now) < MINUTE);
            let tone = match is_alone || is_short {
                true => Tone::Bad,
                false => Tone::Plain,
            };
            let left = left(ends, now);
            let drill = show::drill_mark(it.drill);
            let text = format!("{drill}{}  ends {left}  {alone}{}", it.id, it.person);
            let text = format!("{text} can {} ({})", it.sentence, it.incident);
            match handed_from(it).filter(|_| it.person == me) {
                Some(from) => (tone, format!("{text}, YOURS from {from}: {}", it.reason)),
                None => (tone, text),
            }
        }
    }
}

/// For whom a request waits, and with what.
fn whom(it: &v1::Grant, me: &str, now: Timestamp) -> String {
    match (wants_yes(it, me), wants_call(it, me)) {
        (true, true) => return format!("FOR YOU, and {}", how_to_call(it)),
        (true, false) => return "FOR YOU".to_owned(),
        (false, true) => return how_to_call(it).replacen("call", "CALL", 1),
        (false, false) => {}
    }
    let first = match still_needed(it) {
        Some(needed) => format!("needs {needed}"),
        None => format!("for {}", approvers(it)),
    };
    let Some(next) = pending(it) else {
        return first;
    };
    let then = match goes_to(it, me) {
        true => "YOU".to_owned(),
        false => listed(&next.approvers, "or"),
    };
    let left = left(time::from_proto(next.at.as_ref()), now);
    format!("{first}, for {then} in {left}")
}

/// From when its holder may begin it alone; everybody sees it before, because anybody may veto it.
fn alone(it: &v1::Grant, now: Timestamp) -> String {
    match time::from_proto(it.self_grant_at.as_ref()) {
        None => String::new(),
        Some(from) if from <= now => ", ALONE NOW".to_owned(),
        Some(from) => format!(", alone in {}", left(Some(from), now)),
    }
}

const MINUTE: SignedDuration = SignedDuration::from_mins(1);

/// A countdown: `14:59`, `1:02:03`.
fn left(until: Option<Timestamp>, now: Timestamp) -> String {
    let Some(until) = until else {
        return String::new();
    };
    let seconds = until.duration_since(now).as_secs().max(0);
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match hours {
        0 => format!("{minutes:02}:{seconds:02}"),
        _ => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}
