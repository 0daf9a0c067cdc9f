//! What stands in the request and in the policy, against the words that were signed.
//!
//! What was signed is not in the entry: that it was something else is the broker's word. What the refusal
//! says stands here is looked up.

use super::{Again, Decided, looking::Looking, words::parts};
use crate::{
    entry::Entry,
    story::{InForce, Proven},
};

const SIGNED: &str = "that what was signed was something else is told by the broker: a statement that was \
                      refused is not in the ledger";

pub(super) async fn again<L: Proven>(it: &Looking<'_, L>) -> Decided {
    let text = it.text();
    if let Some([_, grant, differs]) = parts(text, "the policy changed since {} asked for {}: {}") {
        let Some(asked) = it.request(grant).await? else {
            return Ok(None);
        };
        return Ok(it.by_policy(|policy| differs_now(policy, &asked, differs)));
    }
    let Some([stands]) = parts(text, "what you signed is not what stands here: {}") else {
        return Ok(None);
    };
    if let Some([sentence]) = parts(stands, "the policy says `{}`") {
        return Ok(it.by_policy(|policy| says(policy, sentence)));
    }
    if let Some([grant, rule]) = parts(
        stands,
        "{} was asked for without a call, and the rule {} now asks for one",
    ) {
        let Some(asked) = it.request(grant).await? else {
            return Ok(None);
        };
        return Ok(it.by_policy(|policy| asks_now(policy, &asked, rule, true)));
    }
    if let Some([grant, rule]) = parts(
        stands,
        "{} began without a yes, and the rule {} now asks for one",
    ) {
        let Some(asked) = it.request(grant).await? else {
            return Ok(None);
        };
        return Ok(it.by_policy(|policy| asks_now(policy, &asked, rule, false)));
    }
    of_the_grant(it, stands).await
}

/// "G-45 is under INC-12"
async fn of_the_grant<L: Proven>(it: &Looking<'_, L>, stands: &str) -> Decided {
    for (sentence, field) in [
        ("{} is under {}", "incident"),
        ("{} was asked for by {}", "person"),
        ("{} is for the right {}", "right"),
        ("{} is to `{}`", "sentence"),
    ] {
        let Some([grant, said]) = parts(stands, sentence) else {
            continue;
        };
        let Some(asked) = it.request(grant).await? else {
            return Ok(None);
        };
        let (at, is) = (asked.index, asked.text(field).unwrap_or_default());
        return Ok(Some(match is == said {
            true => Again::Refused(vec![
                format!("the request of {grant} (entry {at}) has `{said}` for its {field}"),
                SIGNED.to_owned(),
            ]),
            false => Again::Given(format!(
                "it says that the {field} of {grant} is `{said}`, and by its request (entry {at}) it is `{is}`"
            )),
        }));
    }
    let about_end = parts::<1>(stands, "the end that you agreed to, {}, has passed").is_some()
        || parts::<2>(stands, "{} ends at {}").is_some();
    Ok(about_end.then(|| {
        let what = "the end that was signed stood in a statement, and one that was refused is not in the ledger";
        Again::NotHeld(what.to_owned())
    }))
}

fn says(policy: &InForce, sentence: &str) -> Again {
    let entry = policy.entry;
    match policy.rules.rights_to(sentence).first() {
        Some(right) => Again::Refused(vec![
            format!("the policy of entry {entry} has `{right}`: to {sentence}"),
            SIGNED.to_owned(),
        ]),
        None => Again::Given(format!(
            "it says that the policy says `{sentence}`, and the policy of entry {entry} says that of no right"
        )),
    }
}

/// "the rule was engineers, and is founders"
fn differs_now(policy: &InForce, asked: &Entry, differs: &str) -> Again {
    let text = |name: &str| asked.text(name).unwrap_or_default();
    let (at, entry) = (asked.index, policy.entry);
    let given = policy.rules.given(text("person"), text("right"));
    let same =
        given.is_some_and(|given| given.rule == text("rule") && given.sentence == text("sentence"));
    match same {
        false => Again::refused(format!(
            "the policy of entry {entry} does not say of `{}` what the request says (entry {at}): {differs}",
            text("right")
        )),
        true => Again::Given(format!(
            "it says that the policy changed, and the policy of entry {entry} says of `{}` what the request \
             says (entry {at})",
            text("right")
        )),
    }
}

/// "G-45 began without a yes, and the rule engineers now asks for one"
fn asks_now(policy: &InForce, asked: &Entry, rule: &str, for_call: bool) -> Again {
    let text = |name: &str| asked.text(name).unwrap_or_default();
    let given = policy.rules.given(text("person"), text("right"));
    let asks = given.is_some_and(|it| it.rule == rule && (it.calls || (it.asks && !for_call)));
    let (what, entry) = (if for_call { "a call" } else { "a yes" }, policy.entry);
    match asks {
        true => Again::refused(format!(
            "the rule `{rule}` of the policy of entry {entry} asks for {what}"
        )),
        false => Again::Given(format!(
            "it says that the rule `{rule}` asks for {what} now, and that of the policy of entry {entry} does \
             not"
        )),
    }
}
