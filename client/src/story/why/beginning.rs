//! Why a grant began, and how its end was set.

use breakglass_proto::statement::{Act, Statement};
use jiff::Timestamp;

use super::later;
use crate::{
    entry::Entry,
    rules::{Given, List},
    story::{InForce, Moment, Story, Voice, told::list, voice::length},
};

pub(super) fn reasons(story: &Story, moment: &Moment, voice: Voice) -> Vec<String> {
    let entry = &moment.entry;
    let mut because = match entry.text("basis").unwrap_or_default() {
        "fast-path" => vec![
            "it was asked for in the entry before, and the rule asks nobody".to_owned(),
            paid(story),
        ],
        "approved" => approved(story, moment),
        "self-granted" => alone(story, moment, voice),
        "called" => called(story, moment),
        _ => Vec::new(),
    };
    because.push(still_in_force(story, moment));
    because.push(end(story, moment, voice));
    because
}

/// No answer was late.
fn paid(story: &Story) -> String {
    match story.debts {
        None => "the policy makes nobody wait for answers about earlier incidents".to_owned(),
        Some((0, _)) => "no incident had closed before it, so no answer was owed".to_owned(),
        Some((closed, false)) => {
            format!("no answer about the incidents that had closed ({closed} in all) held it up")
        }
        Some((closed, true)) => format!(
            "no answer about the {closed} incidents that closed last held it up; whether an older one \
             did: glass ledger verify"
        ),
    }
}

/// The approver was one.
fn approved(story: &Story, moment: &Moment) -> Vec<String> {
    let by = &moment.entry.by;
    vec![
        format!("{by} signed a yes to the sentence that stands in the request"),
        approver(story, moment, by),
    ]
}

/// That somebody is among those whose yes counts, and why.
fn approver(story: &Story, moment: &Moment, by: &str) -> String {
    let asked = &story.asked;
    let rule = asked.text("rule").unwrap_or_default();
    let meant = |lists: List| {
        let policy = moment.policy.as_deref()?;
        policy.rules.why_meant(rule, lists, by)
    };
    if list(asked.body.get("approvers")).iter().any(|it| it == by) {
        let meant = meant(List::Approvers).unwrap_or_default();
        return format!(
            "{by} is one whom the request of entry {} asks: {meant}",
            asked.index
        );
    }
    let escalates = |it: &&Entry| {
        it.kind == "grant.escalated"
            && it.text("grant") == Some(&story.grant)
            && it.index < moment.entry.index
    };
    match story.entry(escalates) {
        Some(escalated) => format!(
            "{by} is one to whom it went when nobody had answered (entry {}): {}",
            escalated.index,
            meant(List::ThenApprovers).unwrap_or_default()
        ),
        None => format!("{by} handed it over, and may approve it"),
    }
}

fn alone(story: &Story, moment: &Moment, voice: Voice) -> Vec<String> {
    let pinned = story.asked.body.get("self_grant");
    let from = pinned.and_then(|alone| alone["from"].as_str()?.parse().ok());
    let from = from.map_or_else(String::new, |from: Timestamp| voice.at(from));
    let mut because = vec![
        format!(
            "the request of entry {} lets {} begin it alone from {from}{}, and it was {}",
            story.asked.index,
            moment.entry.by,
            moment.moved(),
            voice.at(moment.entry.at)
        ),
        "nobody had vetoed it under this incident".to_owned(),
    ];
    if let Some(before) = moment.entry.number("alone_before") {
        because.push(format!(
            "{before} had been begun alone before it under this incident, and everybody had as much time again \
             since the last was over"
        ));
    }
    because
}

/// What it waited for, and in which entries it came.
fn called(story: &Story, moment: &Moment) -> Vec<String> {
    let before = |moment_of: &&Moment| moment_of.entry.index < moment.entry.index;
    let before = story.moments.iter().filter(before);
    let mut because: Vec<String> = before
        .filter_map(|it| {
            let (by, place) = (&it.entry.by, it.entry.index);
            match it.entry.kind.as_str() {
                "call.recorded" => Some(format!("{by} had the call and signed it (entry {place})")),
                "grant.approved" => Some(format!(
                    "{by} had said yes (entry {place}): {}",
                    approver(story, it, by)
                )),
                _ => None,
            }
        })
        .collect();
    let noted = story.at(story.footing.noted);
    because.extend(noted.map(|it| format!("{} had noted it (entry {})", it.by, it.index)));
    because
}

/// The policy says now what was pinned.
fn still_in_force(story: &Story, moment: &Moment) -> String {
    let then = story
        .moments
        .iter()
        .find(|it| it.entry.index == story.asked.index);
    let then = then.and_then(|it| it.policy.as_deref()).map(|it| it.entry);
    match moment.policy.as_deref() {
        Some(now) if then == Some(now.entry) => {
            format!("the policy of entry {} was still in force", now.entry)
        }
        Some(now) => format!(
            "by then the policy of entry {} was in force, and it says the same of this right for {}",
            now.entry,
            story.asked.text("person").unwrap_or_default()
        ),
        None => String::new(),
    }
}

/// The bounds of the end, of which the earliest counts.
fn end(story: &Story, moment: &Moment, voice: Voice) -> String {
    let (entry, asked) = (&moment.entry, &story.asked);
    let begins = entry.at;
    let mut bounds = Vec::new();
    let mut bound = |name: String, at: Timestamp| bounds.push((name, at));
    bound(
        "what was asked for".to_owned(),
        later(begins, asked.number("length_ms").unwrap_or_default()),
    );
    if let Some(given) = given(story, moment.policy.as_deref()) {
        let longest = length(given.longest);
        // Handed over: it counts from when the first of them began.
        let since = asked.time("since").unwrap_or(begins);
        bound(
            format!("the right's {longest}"),
            later(since, given.longest),
        );
    }
    if entry.text("basis") == Some("self-granted") {
        let longest = asked.body.get("self_grant");
        let longest = longest.and_then(|alone| alone["longest_ms"].as_i64());
        let longest = longest.unwrap_or_default();
        bound(format!("{} alone", length(longest)), later(begins, longest));
    }
    for (by, until) in agreed(story, moment) {
        bound(format!("what {by} signed"), until);
    }
    if let Some(until) = asked.time("until") {
        bound(
            "the end of the one it was handed over from".to_owned(),
            until,
        );
    }
    if let Some(closes) = moment.closes_at {
        bound("the end of its incident".to_owned(), closes);
    }
    told(entry, bounds, voice)
}

/// The end, what set it, and what would have allowed more.
fn told(entry: &Entry, mut bounds: Vec<(String, Timestamp)>, voice: Voice) -> String {
    bounds.sort_by_key(|(_, at)| *at);
    let ends = entry.time("ends_at").unwrap_or_default();
    let said = |(name, at): &(String, Timestamp)| format!("{name}: {}", voice.at(*at));
    let (first, others): (Vec<_>, Vec<_>) = bounds.iter().partition(|(_, at)| *at <= ends);
    let first: Vec<_> = first.into_iter().map(said).collect();
    let others: Vec<_> = others.into_iter().map(said).collect();
    let set = match first.as_slice() {
        [] => "earlier than anything asks for".to_owned(),
        first => format!("the earliest of all bounds ({})", first.join(", ")),
    };
    let others = match others.as_slice() {
        [] => String::new(),
        others => format!("; later would have been {}", others.join(", ")),
    };
    format!("it ends at {}, {set}{others}", voice.at(ends))
}

/// Who agreed to which end.
fn agreed(story: &Story, moment: &Moment) -> Vec<(String, Timestamp)> {
    let until = story.moments.iter().filter_map(|it| {
        let entry = &it.entry;
        let counts = entry.index <= moment.entry.index
            && matches!(entry.kind.as_str(), "grant.started" | "grant.approved");
        let signed = entry.signed.as_ref().filter(|_| counts)?;
        match Statement::parse(&signed.text).ok()?.act {
            Act::Approve { until, .. } => Some((entry.by.clone(), until)),
            _ => None,
        }
    });
    let mut each: Vec<_> = until.collect();
    // Of several that counted, the latest is the bound.
    each.sort_by_key(|(_, until)| *until);
    each.pop().into_iter().collect()
}

fn given(story: &Story, policy: Option<&InForce>) -> Option<Given> {
    let text = |name| story.asked.text(name).unwrap_or_default();
    policy?.rules.given(text("person"), text("right"))
}

/// Why it got more time.
pub(super) fn reasons_of_more(story: &Story, moment: &Moment, voice: Voice) -> Vec<String> {
    let entry = &moment.entry;
    let holder = story.asked.text("person").unwrap_or_default();
    let who = match entry.by == holder {
        true => format!("{holder} may extend what began without anybody's yes"),
        false => approver(story, moment, &entry.by),
    };
    let begun = |it: &&Moment| it.entry.kind == "grant.started";
    let begun = story.moments.iter().find(begun);
    let since = story.asked.time("since");
    let since = since.or(begun.map(|it| it.entry.at)).unwrap_or(entry.at);
    let alone = begun.is_some_and(|it| it.entry.text("basis") == Some("self-granted"));
    let mut bounds = Vec::new();
    if let Some(given) = given(story, moment.policy.as_deref()) {
        let pinned = story.asked.body.get("self_grant");
        let pinned = pinned.and_then(|it| it["longest_ms"].as_i64());
        let longest = match (alone, pinned) {
            (true, Some(pinned)) => given.longest.min(pinned),
            _ => given.longest,
        };
        let name = format!("{} from its beginning", length(longest));
        bounds.push((name, later(since, longest)));
    }
    bounds.extend(asked_more(story, moment));
    bounds.extend(
        moment
            .closes_at
            .map(|at| ("the end of its incident".to_owned(), at)),
    );
    vec![who, told(entry, bounds, voice)]
}

/// The end before, and so much more as was signed.
fn asked_more(story: &Story, moment: &Moment) -> Option<(String, Timestamp)> {
    let signed = moment.entry.signed.as_ref()?;
    let Act::Extend { by: more, .. } = Statement::parse(&signed.text).ok()?.act else {
        return None;
    };
    let before = story.moments.iter().rev().find(|it| {
        it.entry.index < moment.entry.index
            && matches!(it.entry.kind.as_str(), "grant.started" | "grant.extended")
    });
    let ended = before?.entry.time("ends_at")?;
    Some((
        "what was asked for".to_owned(),
        ended.checked_add(more).ok()?,
    ))
}
