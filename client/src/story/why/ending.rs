//! Why a grant ended when it did, and why whoever ended it could.

use crate::{
    entry::Entry,
    story::{Moment, Story, Voice, told::list},
};

pub(super) fn reasons(story: &Story, moment: &Moment, voice: Voice) -> Vec<String> {
    let entry = &moment.entry;
    let by = &entry.by;
    let at = voice.at(entry.at);
    let mut because = vec![match entry.text("ending").unwrap_or_default() {
        "expired" => {
            let ends = ends_at(story, moment);
            let ends = ends.and_then(|it| it.time("ends_at"));
            let ends = ends.map_or_else(String::new, |ends| voice.at(ends));
            format!("it was to end at {ends}, and it was {at}")
        }
        "lapsed" => {
            let lapses = voice.time_of(&story.asked, "lapses_at");
            format!(
                "the request was to wait until {lapses} at most{}, or for a grant that was over",
                moment.moved()
            )
        }
        "denied" => format!("{by} is one whom the request asks"),
        "dropped" => match story.asked.text("person") == Some(by) {
            true => format!("it was {by}'s, to give back or to take back"),
            false => format!("{by} had handed it over, and takes that back"),
        },
        "revoked" => revoked(story, moment),
        "vetoed" => format!("it was begun alone, or could be, and anybody but its holder may veto that; {by} did"),
        "incident-closed" => closed(story, moment),
        "person-left" => match moment.policy.as_deref() {
            Some(policy) => format!(
                "somebody removed its holder, or the policy of entry {} does not give it to them any more",
                policy.entry
            ),
            None => "its holder left".to_owned(),
        },
        "person-frozen" => format!("{by} stopped {} from everything", story.asked.text("person").unwrap_or_default()),
        "abandoned" => "it was asked for as one that lives only while its holder's `glass` is there, and that was gone"
            .to_owned(),
        "handed-over" => "the grant it was handed over to began in the entry before".to_owned(),
        other => format!("this glass does not know the ending `{other}`; it ends something and gives nothing"),
    }];
    because.extend(of_an_act(story, entry));
    because
}

/// Where one act ended several grants: which entry bears its signature.
fn of_an_act(story: &Story, entry: &Entry) -> Option<String> {
    let bears = story.bearer(entry)?;
    if bears.index == entry.index {
        return None;
    }
    let about = ["grant", "incident", "person"];
    let about = about.iter().find_map(|name| bears.text(name));
    Some(format!(
        "it ended in one act with {}: {} signed that, and the signature stands in entry {}",
        about.unwrap_or_default(),
        bears.by,
        bears.index
    ))
}

/// The newest word on its end.
fn ends_at<'a>(story: &'a Story, moment: &Moment) -> Option<&'a Entry> {
    let sets = |it: &&Moment| {
        it.entry.index < moment.entry.index
            && matches!(it.entry.kind.as_str(), "grant.started" | "grant.extended")
    };
    let newest = story.moments.iter().rev().find(sets);
    newest.map(|it| &it.entry)
}

fn revoked(story: &Story, moment: &Moment) -> String {
    let by = &moment.entry.by;
    let policy = moment.policy.as_deref();
    let asked = |name: &str| list(story.asked.body.get(name)).iter().any(|it| it == by);
    match policy {
        Some(policy) if policy.rules.has_duty("revoke", by) => format!(
            "the policy of entry {} lets {by} revoke grants (`revoke` in `[duties]`)",
            policy.entry
        ),
        _ if asked("approvers") || asked("call") => {
            format!("{by} is one whom the request asks, and whoever may give it may end it")
        }
        _ => format!("it was begun alone, or had gone to {by} as well"),
    }
}

fn closed(story: &Story, moment: &Moment) -> String {
    let incident = story.asked.text("incident").unwrap_or_default();
    let closes =
        |it: &&Moment| it.entry.kind == "incident.closed" && it.entry.index > moment.entry.index;
    match story.moments.iter().find(closes) {
        Some(closed) => format!(
            "{} closed {incident} in the same act (entry {}), which ends every grant under it",
            closed.entry.by, closed.entry.index
        ),
        None => format!("{incident} closed, which ends every grant under it"),
    }
}
