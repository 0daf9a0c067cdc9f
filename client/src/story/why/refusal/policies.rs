//! What the policy in force refuses.

use super::{
    Again, Decided,
    looking::{Looking, of_kind},
    words::parts,
};
use crate::{
    error::Error,
    rules::Rules,
    story::{InForce, Proven},
};

/// Duties as refusals say them, and by their names in the file.
const DUTIES: [(&str, &str); 8] = [
    ("open incidents", "open_incidents"),
    (
        "hold incidents open (whoever may open them may)",
        "open_incidents",
    ),
    ("close incidents", "close_incidents"),
    ("revoke grants", "revoke"),
    ("freeze people", "freeze"),
    ("invite people", "invite"),
    ("remove people (whoever may invite them may)", "invite"),
    ("export the ledger", "export_ledger"),
];

pub(super) async fn again<L: Proven>(it: &Looking<'_, L>, reason: &str) -> Decided {
    let text = it.text();
    Ok(match reason {
        "NOT_ALLOWED" => return not_allowed(it).await,
        "NOT_PERMITTED" => return not_permitted(it).await,
        "NOT_WITNESSED" => return not_witnessed(it).await,
        "UNKNOWN_RIGHT" => unknown(it, "the policy has no right `{}`", Rules::has_right),
        "UNKNOWN_PERSON" => unknown(it, "the policy has nobody called `{}`", Rules::knows),
        "UNKNOWN_SOURCE" => unknown(it, "the policy has no alert source `{}`", |rules, name| {
            rules.knows(&format!("source:{name}"))
        }),
        "UNKNOWN_TARGET" => unknown(it, "the policy has no target `{}`", |rules, name| {
            rules.knows(&format!("target:{name}"))
        }),
        "UNKNOWN_SEVERITY" => {
            let [source, words] =
                match parts(text, "the policy gives alerts of {} no severity for {}") {
                    Some(named) => named,
                    None => return Ok(None),
                };
            it.by_policy(|policy| no_severity(policy, source, words))
        }
        "NO_DRILLS" => it.by_policy(no_drills),
        "NO_SUCH_CREDENTIAL" => {
            let [right, kind] = match parts(text, "`{}` comes with no credential of kind `{}`") {
                Some(named) => named,
                None => return Ok(None),
            };
            it.by_policy(|policy| no_such_credential(policy, &it.entry.by, right, kind))
        }
        _ => None,
    })
}

async fn not_allowed<L: Proven>(it: &Looking<'_, L>) -> Decided {
    let text = it.text();
    if let Some([rule, person]) = parts(
        text,
        "the rule {} asks for a call, and nobody but {} could have it",
    ) {
        return Ok(it.by_policy(|policy| nobody_to_call(policy, rule, person)));
    }
    if let Some([person, _, grant, _]) = parts(
        text,
        "the policy does not let {} {}, so {} is not handed over to them; these people could go on: {}",
    ) {
        let Some(asked) = it.request(grant).await? else {
            return Ok(None);
        };
        let right = asked.text("right").unwrap_or_default();
        return Ok(it.by_policy(|policy| not_given(policy, person, right)));
    }
    if let Some([grant, target]) = parts(text, "{} does not lead to {}") {
        let Some(asked) = it.request(grant).await? else {
            return Ok(None);
        };
        let right = asked.text("right").unwrap_or_default();
        return Ok(it.by_policy(|policy| match policy.rules.reaches(right, target) {
            false => Again::refused(format!(
                "the policy of entry {} has `{right}` of {grant} lead elsewhere",
                policy.entry
            )),
            true => Again::Given(format!(
                "it says that {grant} does not lead to {target}, and the policy of entry {} has `{right}` \
                 lead there",
                policy.entry
            )),
        }));
    }
    let Some([person, sentence]) = parts(text, "no rule lets {} {}") else {
        return Ok(None);
    };
    Ok(it.by_policy(|policy| no_rule(policy, person, sentence)))
}

/// "no rule lets mia deploy the shop app"
fn no_rule(policy: &InForce, person: &str, sentence: &str) -> Again {
    let rules = &policy.rules;
    let rights = rules.rights_to(sentence);
    if rights.is_empty() {
        return Again::Given(format!(
            "it says that no rule lets {person} {sentence}, and the policy of entry {} has no right to \
             do that",
            policy.entry
        ));
    }
    let lacks = |right: &&String| rules.given(person, right).is_none();
    let Some(right) = rights.iter().find(lacks) else {
        let given = rights.first().and_then(|right| rules.given(person, right));
        let rule = given.map_or_else(String::new, |given| given.rule);
        return Again::Given(format!(
            "it says that no rule lets {person} {sentence}, and the rule `{rule}` of the policy of entry \
             {} does",
            policy.entry
        ));
    };
    not_given(policy, person, right)
}

fn not_given(policy: &InForce, person: &str, right: &str) -> Again {
    let rules = &policy.rules;
    if let Some(given) = rules.given(person, right) {
        return Again::Given(format!(
            "it says that no rule gives `{right}` to {person}, and the rule `{}` of the policy of entry {} \
             does",
            given.rule, policy.entry
        ));
    }
    let mut because = vec![format!(
        "no rule of the policy of entry {} gives `{right}` to {person}",
        policy.entry
    )];
    for rule in rules.rules_for(right) {
        let line = rules.line_of_rule(&rule).unwrap_or_default();
        because.push(format!(
            "its rule `{rule}` (line {line}) gives it to others, and `who` names neither {person} nor \
             their job"
        ));
    }
    Again::Refused(because)
}

fn nobody_to_call(policy: &InForce, rule: &str, person: &str) -> Again {
    let entry = policy.entry;
    match policy.rules.has_nobody_to_call(rule, person) {
        Some(true) => Again::refused(format!(
            "`call` in the rule `{rule}` of the policy of entry {entry} names nobody but {person}"
        )),
        Some(false) => Again::Given(format!(
            "it says that nobody but {person} could have the call, and the rule `{rule}` of the policy of \
             entry {entry} names others, or asks for none"
        )),
        None => Again::Given(format!(
            "it names the rule `{rule}`, and the policy of entry {entry} has none of that name"
        )),
    }
}

async fn not_permitted<L: Proven>(it: &Looking<'_, L>) -> Decided {
    let (text, by) = (it.text(), &it.entry.by);
    if text == "nobody lifts their own freeze" {
        return super::people::frozen(it, by).await.map(Some);
    }
    if let Some([grant]) = parts(text, "{} is your own; a veto is somebody else's") {
        return super::grants::is_of_asker(it, grant).await;
    }
    let named = parts(text, "the policy does not let {} {}").and_then(|[person, words]| {
        let duty = DUTIES.iter().find(|(said, _)| *said == words)?;
        Some((person, words, duty.1))
    });
    let Some((person, words, duty)) = named else {
        return Ok(None);
    };
    Ok(it.by_policy(|policy| match policy.rules.has_duty(duty, person) {
        false => Again::refused(format!(
            "`{duty}` in `[duties]` of the policy of entry {} names neither {person} nor their job",
            policy.entry
        )),
        true => Again::Given(format!(
            "it says that the policy does not let {person} {words}, and `{duty}` in `[duties]` of the \
             policy of entry {} does",
            policy.entry
        )),
    }))
}

/// "the policy has no right `deploy`"
fn unknown<L: Proven>(
    it: &Looking<'_, L>,
    sentence: &str,
    has: fn(&Rules, &str) -> bool,
) -> Option<Again> {
    let [id] = parts(it.text(), sentence)?;
    it.by_policy(|policy| match has(&policy.rules, id) {
        false => Again::refused(format!(
            "the policy of entry {} has no `{id}`",
            policy.entry
        )),
        true => Again::Given(format!(
            "it says that the policy has no `{id}`, and the policy of entry {} has",
            policy.entry
        )),
    })
}

/// "`page` or `ticket`"
fn no_severity(policy: &InForce, source: &str, words: &str) -> Again {
    let inside = words.strip_prefix('`').and_then(|it| it.strip_suffix('`'));
    let each: Vec<&str> = inside.map_or_else(Vec::new, |it| it.split("` or `").collect());
    let entry = policy.entry;
    match policy.rules.severity(source, &each) {
        None => Again::refused(format!(
            "`severity` of `[sources.{source}]` in the policy of entry {entry} has no word for {words}"
        )),
        Some(severity) => Again::Given(format!(
            "it says that the policy has no severity for {words}, and that of entry {entry} has {severity}"
        )),
    }
}

fn no_drills(policy: &InForce) -> Again {
    let entry = policy.entry;
    match policy.rules.drill_budgets() {
        None => Again::refused(format!("the policy of entry {entry} has no `[drills]`")),
        Some(_) => Again::Given(format!(
            "it says that the policy has no `[drills]`, and the policy of entry {entry} has"
        )),
    }
}

fn no_such_credential(policy: &InForce, by: &str, right: &str, kind: &str) -> Again {
    let entry = policy.entry;
    match policy.rules.said(by, right, kind) {
        None => Again::refused(format!(
            "the policy of entry {entry} gives `{right}` nothing of the kind `{kind}`"
        )),
        Some(_) => Again::Given(format!(
            "it says that `{right}` comes with no credential of kind `{kind}`, and by the policy of entry \
             {entry} it does"
        )),
    }
}

async fn not_witnessed<L: Proven>(it: &Looking<'_, L>) -> Result<Option<Again>, Error> {
    let Some([right]) = parts(
        it.text(),
        "too few witnesses sign the ledger, and the policy gives no credential of `{}` without them",
    ) else {
        return Ok(None);
    };
    let needs = |policy: &&InForce| policy.rules.needs_witnesses(right);
    let Some(policy) = it.policies.iter().find(needs) else {
        return Ok(it.by_policy(|policy| {
            Again::Given(format!(
                "it says that the policy gives no credential of `{right}` without witnesses, and that of \
                 entry {} does",
                policy.entry
            ))
        }));
    };
    let lost = it.all(of_kind("ledger.unwitnessed"), 1).await?.pop();
    let signed = it.all(of_kind("ledger.witnessed"), 1).await?.pop();
    let is_lost = lost.filter(|lost| {
        let again = signed.as_ref().filter(|signed| signed.index > lost.index);
        again.is_none_or(|again| again.at >= it.since)
    });
    let needs = format!(
        "the policy of entry {} gives no credential of `{right}` unless enough witnesses have signed",
        policy.entry
    );
    Ok(Some(match is_lost {
        Some(lost) => Again::Refused(vec![
            needs,
            format!("too few of them signed since entry {}", lost.index),
        ]),
        None => Again::NotHeld(format!(
            "{needs}; which of them signed in time is not in the ledger"
        )),
    }))
}
