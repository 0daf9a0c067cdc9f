//! Whom a request asks, for a yes or a call.

use jiff::SignedDuration;

use super::{
    Again, Decided,
    looking::{Looking, earlier, of_kind},
    words::{moment, parts},
};
use crate::{
    entry::Entry,
    error::Error,
    rules::List,
    story::{Proven, told::list},
};
use breakglass_proto::v1::ListEntriesRequest;

/// How long ago a call may have been (`CALL_WITHIN`).
const CALL_WITHIN: SignedDuration = SignedDuration::from_mins(30);

/// How far the clock a statement is signed by may be from the broker's (`STATEMENT_SKEW`), and a second: what
/// is told has whole ones.
const SKEW: SignedDuration = SignedDuration::from_secs(301);

/// Yeses to one grant that are looked through.
const YESES: usize = 200;

pub(super) async fn again<L: Proven>(it: &Looking<'_, L>, reason: &str) -> Decided {
    let text = it.text();
    match reason {
        "SELF_APPROVAL" => match parts(text, "{} is your own request; nobody approves their own") {
            Some([grant]) => Ok(own(super::grants::is_of_asker(it, grant).await?)),
            None => Ok(None),
        },
        "NOT_APPROVER" => not_approver(it).await,
        "APPROVAL_TOO_EARLY" => too_early(it).await,
        "APPROVED_ALREADY" => approved_already(it).await,
        "NOT_CALLER" => not_caller(it).await,
        "NO_CALL_WANTED" => no_call(it).await,
        "CALL_RECORDED" => recorded(it).await,
        _ => Ok(call_time(it)),
    }
}

fn own(decided: Option<Again>) -> Option<Again> {
    decided.map(|again| match again {
        Again::Refused(mut because) => {
            because.push("nobody approves their own, whatever the policy says".to_owned());
            Again::Refused(because)
        }
        other => other,
    })
}

async fn not_approver<L: Proven>(it: &Looking<'_, L>) -> Decided {
    let text = it.text();
    if let Some([grant, _]) = parts(
        text,
        "{} was approved, so an approver extends it; these people can: {}",
    ) {
        return not_alone(it, grant).await;
    }
    if let Some([grant, person, _, _]) = parts(
        text,
        "{} waits for no yes of {}, but for a call of {} with one of these people: {}",
    ) {
        let Some(asked) = it.request(grant).await? else {
            return Ok(None);
        };
        if !list(asked.body.get("call")).is_empty() {
            return whose_yes(it, grant, person, &asked).await.map(Some);
        }
        return Ok(Some(Again::Given(format!(
            "it says that {grant} waits for a call, and its request (entry {}) asks for none",
            asked.index
        ))));
    }
    let Some([person, grant, _]) = parts(text, "{} is not an approver of {}; {}") else {
        return Ok(None);
    };
    let Some(asked) = it.request(grant).await? else {
        return Ok(None);
    };
    whose_yes(it, grant, person, &asked).await.map(Some)
}

/// That somebody's yes does not count: the request asks others, or the policy came to.
async fn whose_yes<L: Proven>(
    it: &Looking<'_, L>,
    grant: &str,
    person: &str,
    asked: &Entry,
) -> Result<Again, Error> {
    let text = |name: &str| asked.text(name).unwrap_or_default();
    let (at, rule) = (asked.index, text("rule"));
    let mut asks = list(asked.body.get("approvers"));
    let escalated = it.of_grant("grant.escalated", grant).await?;
    let escalated = escalated.filter(|it_went| it_went.at < it.since);
    if let Some(escalated) = &escalated {
        asks.extend(list(escalated.body.get("approvers")));
    }
    let act = it.entry.text("act").unwrap_or_default();
    let callers = list(asked.body.get("call"));
    // Whoever has the call may say no; and more time is theirs to give where nobody else is asked.
    let of_callers = act == "deny" || (act == "extend" && asks.is_empty());
    if of_callers {
        asks.extend(callers);
    }
    if !asks.iter().any(|it| it == person) {
        return Ok(Again::refused(format!(
            "the request of {grant} (entry {at}) asks {}",
            match asks.as_slice() {
                [] => "nobody".to_owned(),
                asks => asks.join(", "),
            }
        )));
    }
    let lists = match (&escalated, of_callers) {
        (_, true) => [List::Approvers, List::Call],
        (Some(_), _) => [List::Approvers, List::ThenApprovers],
        (None, _) => [List::Approvers, List::Approvers],
    };
    let no_more = it.policies.iter().find(|policy| {
        let means = |of: &List| policy.rules.why_meant(rule, *of, person).is_some();
        act != "deny" && !lists.iter().any(means)
    });
    Ok(match no_more {
        Some(policy) => Again::refused(format!(
            "the request of {grant} (entry {at}) asks {person}, and the rule `{rule}` of the policy of \
             entry {} does not any more",
            policy.entry
        )),
        None => Again::Given(format!(
            "it says that {person} is not an approver of {grant}, and the request (entry {at}) asks them"
        )),
    })
}

/// "G-45 was approved, so an approver extends it"
async fn not_alone<L: Proven>(it: &Looking<'_, L>, grant: &str) -> Decided {
    let begun = it.of_grant("grant.started", grant).await?;
    let agreed = |begun: &Entry| matches!(begun.text("basis"), Some("approved" | "called"));
    Ok(begun.map(|begun| {
        let is_theirs = begun.text("person") == Some(&*it.entry.by);
        match is_theirs && agreed(&begun) {
            true => Again::refused(format!(
                "{grant} is {}'s own, and began on the word of others (entry {})",
                it.entry.by, begun.index
            )),
            false => Again::Given(format!(
                "it says that an approver extends {grant}, and by entry {} that is not so of {}",
                begun.index, it.entry.by
            )),
        }
    }))
}

/// "G-45 is asked of these people until ...: leon; of otto only from then on"
async fn too_early<L: Proven>(it: &Looking<'_, L>) -> Decided {
    let sentence = "{} is asked of these people until {}: {}; of {} only from then on";
    let Some([grant, _, _, person]) = parts(it.text(), sentence) else {
        return Ok(None);
    };
    let Some(asked) = it.request(grant).await? else {
        return Ok(None);
    };
    let pinned = asked.body.get("escalation");
    let later = list(pinned.and_then(|it| it.get("approvers")));
    let went = it.of_grant("grant.escalated", grant).await?;
    let has_gone = went.is_some_and(|went| went.at < it.since);
    Ok(Some(
        match later.iter().any(|it| it == person) && !has_gone {
            true => Again::refused(format!(
                "by its request (entry {}) {grant} goes to {} only if nobody answers, and it had not yet",
                asked.index,
                later.join(", ")
            )),
            false => Again::Given(format!(
                "it says that {grant} does not ask {person} yet, and by its request (entry {}) that is not so",
                asked.index
            )),
        },
    ))
}

/// "you said yes to G-45 already; it waits for more than that"
async fn approved_already<L: Proven>(it: &Looking<'_, L>) -> Decided {
    let Some([grant]) = parts(
        it.text(),
        "you said yes to {} already; it waits for more than that",
    ) else {
        return Ok(None);
    };
    let said = by_asker(it, "grant.approved", grant, YESES).await?;
    let counts = |yes: &&Entry| yes.time("until").is_some_and(|until| until > it.since);
    Ok(Some(match said.iter().find(counts) {
        Some(yes) => Again::refused(format!("{} had said yes (entry {})", yes.by, yes.index)),
        None => Again::Given(format!(
            "it says that {} said yes to {grant}, and no entry before it says so, or their yes had run out",
            it.entry.by
        )),
    }))
}

/// "a call with otto does not unlock G-45; one with these people does: leon"
async fn not_caller<L: Proven>(it: &Looking<'_, L>) -> Decided {
    let sentence = "a call with {} does not unlock {}; one with these people does: {}";
    let Some([person, grant, _]) = parts(it.text(), sentence) else {
        return Ok(None);
    };
    let Some(asked) = it.request(grant).await? else {
        return Ok(None);
    };
    let (at, rule) = (asked.index, asked.text("rule").unwrap_or_default());
    let callers = list(asked.body.get("call"));
    if !callers.iter().any(|it| it == person) {
        let whose = callers.join(", ");
        let because = format!("the request of {grant} (entry {at}) asks for a call with {whose}");
        return Ok(Some(Again::refused(because)));
    }
    Ok(it.by_policy(|policy| match policy.rules.why_meant(rule, List::Call, person) {
        None => Again::refused(format!(
            "`call` in the rule `{rule}` of the policy of entry {} does not name {person} any more",
            policy.entry
        )),
        Some(_) => Again::Given(format!(
            "it says that a call with {person} does not unlock {grant}, and by its request (entry {at}) one \
             does"
        )),
    }))
}

/// "G-45 needs no call"
async fn no_call<L: Proven>(it: &Looking<'_, L>) -> Decided {
    let Some([grant]) = parts(it.text(), "{} needs no call") else {
        return Ok(None);
    };
    let asked = it.request(grant).await?;
    Ok(asked.map(|asked| match list(asked.body.get("call")).as_slice() {
        [] => Again::refused(format!("its request (entry {}) asks for no call", asked.index)),
        callers => Again::Given(format!(
            "it says that {grant} needs no call, and its request (entry {}) asks for one with {}",
            asked.index,
            callers.join(", ")
        )),
    }))
}

/// "your call for G-45 is on record already"
async fn recorded<L: Proven>(it: &Looking<'_, L>) -> Decided {
    let Some([grant]) = parts(it.text(), "your call for {} is on record already") else {
        return Ok(None);
    };
    let calls = by_asker(it, "call.recorded", grant, YESES).await?;
    Ok(Some(match calls.first() {
        Some(call) => Again::refused(format!(
            "{} had recorded it (entry {})",
            call.by, call.index
        )),
        None => Again::Given(format!(
            "it says that a call of {} for {grant} is on record, and no entry before it records one",
            it.entry.by
        )),
    }))
}

/// What whoever was refused did of a kind about a grant, the newest first.
async fn by_asker<L: Proven>(
    it: &Looking<'_, L>,
    kind: &str,
    grant: &str,
    most: usize,
) -> Result<Vec<Entry>, Error> {
    if !super::words::is_numbered("G-", grant) {
        return Ok(Vec::new());
    }
    let filter = ListEntriesRequest {
        grant: grant.to_owned(),
        ..of_kind(kind)
    };
    let mut found = it.all(filter, most).await?;
    found.retain(|entry| entry.by == it.entry.by);
    Ok(found)
}

/// By the clock of the signer, which may be so far from the broker's.
fn call_time<L: Proven>(it: &Looking<'_, L>) -> Option<Again> {
    let sentence = "the call is said to have been at {}; it must have been within the last {}, and before \
                    it is recorded";
    let [spoke, _] = parts(it.text(), sentence)?;
    let spoke = moment(spoke)?;
    let last = it.entry.at.checked_add(SKEW).ok()?;
    let first = earlier(it.since, SKEW);
    let oldest = earlier(first, CALL_WITHIN);
    let at = it.voice.at(spoke);
    Some(if spoke > last {
        Again::refused(format!("{at} was yet to come"))
    } else if spoke < oldest {
        Again::refused(format!("{at} was more than 30 minutes ago"))
    } else if spoke < first && spoke > earlier(last, CALL_WITHIN) {
        Again::Given(format!(
            "it says that a call at {at} was not within the last 30 minutes, and it was, by every clock that \
             may have been asked"
        ))
    } else {
        Again::NotHeld(
            "it is counted by the clock of the statement, and one that was refused is not in the ledger"
                .to_owned(),
        )
    })
}
