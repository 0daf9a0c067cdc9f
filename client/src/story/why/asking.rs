//! Why somebody could ask: the rule that gives it, and what it makes the request wait for.

use crate::{
    entry::Entry,
    grant::listed,
    rules::{List, Rules},
    story::{InForce, Moment, Story, Voice, passage::Passage, told::list, voice::length},
};

pub(super) fn reasons(story: &Story, moment: &Moment, voice: Voice) -> Vec<String> {
    let entry = &moment.entry;
    let mut because = Vec::new();
    because.extend(incident(story, moment, voice));
    let Some(policy) = moment.policy.as_deref() else {
        return because;
    };
    because.extend(drill(entry, policy));
    because.extend(source(story, moment, policy));
    because.push(rule(entry, policy));
    because.push(yes(entry, &policy.rules));
    because.extend(call(entry, &policy.rules));
    because.extend(escalation(entry, voice));
    because.extend(alone(entry, voice));
    because.push(long(entry, &policy.rules));
    because
}

/// That its incident is open.
fn incident(story: &Story, moment: &Moment, voice: Voice) -> Option<String> {
    let opened = opening(story, moment)?;
    let closes = moment.closes_at.map(|at| voice.at(at));
    Some(format!(
        "{} was open: {} opened it{} (entry {}), and it closes by itself at {}",
        moment.entry.text("incident")?,
        opened.by,
        if opened.is_drill() { " as a drill" } else { "" },
        opened.index,
        closes.unwrap_or_else(|| "no time".to_owned())
    ))
}

fn opening<'a>(story: &'a Story, moment: &Moment) -> Option<&'a Entry> {
    let id = moment.entry.text("incident")?;
    story.entry(|it| it.kind == "incident.opened" && it.text("incident") == Some(id))
}

/// That a drill unlocks it.
fn drill(entry: &Entry, policy: &InForce) -> Option<String> {
    entry.is_drill().then(|| {
        format!(
            "a drill unlocks what `[drills]` lists, and the policy of entry {} lists `{}` there",
            policy.entry,
            entry.text("right").unwrap_or_default()
        )
    })
}

/// Where an alert opened the incident: that its word is enough, or who confirmed it.
fn source(story: &Story, moment: &Moment, policy: &InForce) -> Option<String> {
    let source = opening(story, moment)?.text("source")?;
    let right = moment.entry.text("right").unwrap_or_default();
    if policy.rules.unlocks(source, right) {
        return Some(format!(
            "the policy of entry {} lets `{right}` be asked for on the word of `{source}` alone (`rights` of \
             `[sources.{source}]`)",
            policy.entry
        ));
    }
    let word = story.at(story.footing.confirmed)?;
    Some(match word.kind.as_str() {
        "incident.held" => format!(
            "the word of `{source}` alone is not enough for `{right}`, and {} had held the incident open \
             (entry {})",
            word.by, word.index
        ),
        _ => format!(
            "the word of `{source}` alone is not enough for `{right}`, and {} had noted something (entry {}), \
             who may open incidents",
            word.by, word.index
        ),
    })
}

fn rule(entry: &Entry, policy: &InForce) -> String {
    let text = |name: &str| entry.text(name).unwrap_or_default();
    let (name, person) = (text("rule"), text("person"));
    let place = Passage::of(policy, name);
    let place = place.map_or_else(String::new, |it| format!(" ({})", it.lines()));
    let meant = policy.rules.why_meant(name, List::Who, person);
    format!(
        "the policy of entry {} gives `{}` to {person} by the rule `{name}`{place}: {}",
        policy.entry,
        text("right"),
        meant.unwrap_or_default()
    )
}

/// Who has to say yes.
fn yes(entry: &Entry, rules: &Rules) -> String {
    let approvers = list(entry.body.get("approvers"));
    let (rule, person) = (
        entry.text("rule").unwrap_or_default(),
        entry.text("person").unwrap_or_default(),
    );
    if approvers.is_empty() {
        let given = rules.given(person, entry.text("right").unwrap_or_default());
        return match given.is_some_and(|given| given.asks) {
            true => {
                format!("the rule asks for a yes, and names nobody but {person}, who cannot say it")
            }
            false => format!(
                "the rule asks nobody for a yes (`approvers = []`); the right is a {} risk",
                entry.text("risk").unwrap_or_default()
            ),
        };
    }
    let each = approvers.iter().filter_map(|approver| {
        let meant = rules.why_meant(rule, List::Approvers, approver)?;
        Some(format!("{approver} ({meant})"))
    });
    let each: Vec<_> = each.collect();
    format!(
        "it needs a yes of {}; never of {person}, who asks",
        listed(&each, "or")
    )
}

fn call(entry: &Entry, rules: &Rules) -> Option<String> {
    let callers = list(entry.body.get("call"));
    let rule = entry.text("rule").unwrap_or_default();
    let each = callers.iter().filter_map(|caller| {
        let meant = rules.why_meant(rule, List::Call, caller)?;
        Some(format!("{caller} ({meant})"))
    });
    let each: Vec<_> = each.collect();
    (!each.is_empty()).then(|| {
        format!(
            "it needs a call with {}, and a note in the incident by either",
            listed(&each, "or")
        )
    })
}

fn escalation(entry: &Entry, voice: Voice) -> Option<String> {
    let pinned = entry.body.get("escalation")?;
    let at = pinned["at"].as_str()?.parse().ok()?;
    let to = list(pinned.get("approvers"));
    Some(format!(
        "if nobody answers it goes to {} as well at {} (`then_approvers`)",
        listed(&to, "and"),
        voice.at(at)
    ))
}

fn alone(entry: &Entry, voice: Voice) -> Option<String> {
    let pinned = entry.body.get("self_grant")?;
    let from = pinned["from"].as_str()?.parse().ok()?;
    Some(format!(
        "if nobody answers {} may begin it alone from {}, for {} at most",
        entry.text("person").unwrap_or_default(),
        voice.at(from),
        length(pinned["longest_ms"].as_i64()?)
    ))
}

fn long(entry: &Entry, rules: &Rules) -> String {
    let text = |name: &str| entry.text(name).unwrap_or_default();
    let given = rules.given(text("person"), text("right"));
    format!(
        "{} was asked for, and the right lasts {} at most",
        length(entry.number("length_ms").unwrap_or_default()),
        length(given.map_or(0, |given| given.longest))
    )
}
