//! Why somebody was refused: whether the policy in force, or what the ledger says, refuses it.
//!
//! The entry says who, which act, and in words why; so what the words name is looked up. Refusals that
//! repeat become one entry within a minute (`count`), with the newest words: a policy that was in force
//! within that time counts as well.
//!
//! | reason | from what it is decided again |
//! |---|---|
//! | `NOT_ALLOWED`, `NOT_PERMITTED`, `UNKNOWN_RIGHT`, `UNKNOWN_PERSON` | the policy |
//! | `SELF_APPROVAL`, `NOT_APPROVER` | the request |
//! | `NO_OPEN_INCIDENT`, `INCIDENT_CLOSED` | openings and closings |
//! | all others | nothing: clocks, statements, who had what at that moment. Said so, and told as it stands |

use breakglass_proto::v1::ListEntriesRequest;
use jiff::{SignedDuration, Timestamp};

use super::{Decision, PolicyAt, Why};
use crate::{
    entry::Entry,
    error::Error,
    rules::Rules,
    story::{InForce, Proven, Voice, Wrong, told::list},
    time,
};

/// How long refusals gather before they become an entry, twice over: the broker's clock may step.
const GATHERED_WITHIN: SignedDuration = SignedDuration::from_mins(2);

/// Policies looked back through: nobody loads more within two minutes.
const POLICIES: usize = 10;

/// Incidents that are looked at for one that was open, of those opened within the longest one may last.
const OPENED: usize = 50;

/// The longest an incident may last, whatever a policy says.
const INCIDENT_LONGEST: SignedDuration = SignedDuration::from_hours(24);

/// What came of deciding it again.
enum Again {
    /// It is refused, for these reasons.
    Refused(Vec<String>),
    /// It is not.
    Given(String),
    /// There is nothing to decide it from.
    OfTheMoment,
}

/// Why an entry of the kind `refused` says no.
///
/// # Errors
/// What reading the ledger says.
pub async fn refused(ledger: &impl Proven, entry: &Entry, voice: Voice) -> Result<Why, Error> {
    let policies = in_force(ledger, entry).await?;
    let again = again(ledger, entry, &policies).await?;
    let (because, follows, why) = match again {
        Again::Refused(because) => (because, Some(true), None),
        Again::Given(why) => (Vec::new(), Some(false), Some(why)),
        Again::OfTheMoment => {
            let moment = "this reason is not in the policy: it is about what was so at that moment, as a \
                          clock, a statement, a limit or the state of a grant. It stands here as it was \
                          told, and was not decided again";
            (vec![moment.to_owned()], None, None)
        }
    };
    let policy = policies.first();
    let text = |name| entry.text(name).unwrap_or_default();
    let count = entry.number("count").unwrap_or(1);
    let often = match count {
        1 => String::new(),
        count => format!(" ({count} times; the newest words)"),
    };
    let what = format!(
        "{} was refused `{}` at {}{often}: {}",
        entry.by,
        text("act"),
        voice.at(entry.at),
        text("text")
    );
    Ok(Why {
        grant: None,
        decisions: vec![Decision {
            entry: entry.index,
            at: time::rfc3339(entry.at),
            kind: entry.kind.clone(),
            what,
            policy: policy.map(PolicyAt::from),
            rule: None,
            because,
        }],
        signatures: Vec::new(),
        entries_read: 1 + policies.len(),
        statements_checked: 0,
        follows,
        wrong: why.map(|why| Wrong {
            entry: Some(entry.index),
            why,
        }),
    })
}

/// The policies that were in force while it gathered, the newest first.
async fn in_force(ledger: &impl Proven, entry: &Entry) -> Result<Vec<InForce>, Error> {
    let loaded = ListEntriesRequest {
        kind: "policy.loaded".to_owned(),
        cursor: entry.index.to_string(),
        ..ListEntriesRequest::default()
    };
    let since = began_to_gather(entry);
    let mut policies: Vec<InForce> = Vec::new();
    for loaded in ledger.entries(loaded, POLICIES).await? {
        // What was loaded earlier was in force when it began to gather.
        let is_enough = policies.last().is_some_and(|newer| newer.at < since);
        if is_enough {
            break;
        }
        policies.extend(InForce::read(&loaded));
    }
    Ok(policies)
}

fn began_to_gather(entry: &Entry) -> Timestamp {
    entry
        .at
        .checked_sub(GATHERED_WITHIN)
        .unwrap_or(Timestamp::MIN)
}

async fn again(ledger: &impl Proven, entry: &Entry, policies: &[InForce]) -> Result<Again, Error> {
    let text = entry.text("text").unwrap_or_default();
    let by_policy = |refuses: &dyn Fn(&InForce) -> Again| {
        let mut each = policies.iter().map(refuses);
        let newest = each.next().unwrap_or(Again::OfTheMoment);
        match newest {
            Again::Given(why) => each
                .find(|older| matches!(older, Again::Refused(_)))
                .unwrap_or(Again::Given(why)),
            decided => decided,
        }
    };
    Ok(match entry.text("reason").unwrap_or_default() {
        "NOT_ALLOWED" => by_policy(&|policy| not_allowed(policy, text)),
        "NOT_PERMITTED" => by_policy(&|policy| not_permitted(policy, text)),
        "UNKNOWN_RIGHT" => by_policy(&|policy| {
            unknown(policy, text, "the policy has no right `", Rules::has_right)
        }),
        "UNKNOWN_PERSON" => by_policy(&|policy| {
            unknown(policy, text, "the policy has nobody called `", Rules::knows)
        }),
        "SELF_APPROVAL" => self_approval(ledger, entry, text).await?,
        "NOT_APPROVER" => not_approver(ledger, entry, text).await?,
        "NO_OPEN_INCIDENT" => none_open(ledger, entry).await?,
        "INCIDENT_CLOSED" => closed(ledger, entry, text).await?,
        _ => Again::OfTheMoment,
    })
}

/// "no rule lets mia deploy the shop app"
fn not_allowed(policy: &InForce, text: &str) -> Again {
    let told = text.strip_prefix("no rule lets ");
    let Some((person, sentence)) = told.and_then(|told| told.split_once(' ')) else {
        return Again::OfTheMoment;
    };
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

/// "the policy does not let sam open incidents"
fn not_permitted(policy: &InForce, text: &str) -> Again {
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
    let told = text.strip_prefix("the policy does not let ");
    let told = told.and_then(|told| told.split_once(' '));
    let known = told.and_then(|(person, words)| {
        let duty = DUTIES.iter().find(|(said, _)| *said == words)?;
        Some((person, words, duty.1))
    });
    let Some((person, words, duty)) = known else {
        return Again::OfTheMoment;
    };
    match policy.rules.has_duty(duty, person) {
        false => Again::Refused(vec![format!(
            "`{duty}` in `[duties]` of the policy of entry {} names neither {person} nor their job",
            policy.entry
        )]),
        true => Again::Given(format!(
            "it says that the policy does not let {person} {words}, and `{duty}` in `[duties]` of the \
             policy of entry {} does",
            policy.entry
        )),
    }
}

/// "the policy has no right `deploy`"
fn unknown(policy: &InForce, text: &str, before: &str, has: fn(&Rules, &str) -> bool) -> Again {
    let id = text
        .strip_prefix(before)
        .and_then(|rest| rest.strip_suffix('`'));
    let Some(id) = id else {
        return Again::OfTheMoment;
    };
    match has(&policy.rules, id) {
        false => Again::Refused(vec![format!(
            "the policy of entry {} has no `{id}`",
            policy.entry
        )]),
        true => Again::Given(format!(
            "it says that the policy has no `{id}`, and the policy of entry {} has",
            policy.entry
        )),
    }
}

/// "G-45 is your own request; nobody approves their own"
async fn self_approval(ledger: &impl Proven, entry: &Entry, text: &str) -> Result<Again, Error> {
    let grant = text.split(' ').next().unwrap_or_default();
    let Some(asked) = request(ledger, entry, grant).await? else {
        return Ok(Again::OfTheMoment);
    };
    let (at, person) = (asked.index, asked.text("person").unwrap_or_default());
    Ok(match person == entry.by || asked.by == entry.by {
        true => Again::Refused(vec![format!(
            "{} asked for {grant} (entry {at}), and nobody approves their own",
            asked.by
        )]),
        false => Again::Given(format!(
            "it says that {grant} is {}'s own request, and it is of {person} (entry {at})",
            entry.by
        )),
    })
}

/// "eve is not an approver of G-45; these people are: leon"
async fn not_approver(ledger: &impl Proven, entry: &Entry, text: &str) -> Result<Again, Error> {
    let Some((person, rest)) = text.split_once(" is not an approver of ") else {
        return Ok(Again::OfTheMoment);
    };
    let grant = rest.split(';').next().unwrap_or_default();
    let Some(asked) = request(ledger, entry, grant).await? else {
        return Ok(Again::OfTheMoment);
    };
    let at = asked.index;
    let asks = list(asked.body.get("approvers"));
    Ok(match asks.iter().any(|it| it == person) {
        false => Again::Refused(vec![format!(
            "the request of {grant} (entry {at}) asks {}",
            match asks.as_slice() {
                [] => "nobody".to_owned(),
                asks => asks.join(", "),
            }
        )]),
        true => Again::Given(format!(
            "it says that {person} is not an approver of {grant}, and the request (entry {at}) asks them"
        )),
    })
}

async fn request(ledger: &impl Proven, entry: &Entry, grant: &str) -> Result<Option<Entry>, Error> {
    if !grant.starts_with("G-") {
        return Ok(None);
    }
    let filter = ListEntriesRequest {
        grant: grant.to_owned(),
        kind: "grant.requested".to_owned(),
        cursor: entry.index.to_string(),
        ..ListEntriesRequest::default()
    };
    Ok(ledger.entries(filter, 1).await?.pop())
}

/// No incident was open all the while.
async fn none_open(ledger: &impl Proven, entry: &Entry) -> Result<Again, Error> {
    let since = began_to_gather(entry).checked_sub(INCIDENT_LONGEST);
    let opened = ListEntriesRequest {
        kind: "incident.opened".to_owned(),
        cursor: entry.index.to_string(),
        since: since.ok().map(time::to_proto),
        ..ListEntriesRequest::default()
    };
    let opened = ledger.entries(opened, OPENED).await?;
    for opened in &opened {
        let id = opened.text("incident").unwrap_or_default();
        let is_over = ran_out(opened, entry) || closing(ledger, entry, id).await?.is_some();
        if !is_over && opened.at < began_to_gather(entry) {
            return Ok(Again::Given(format!(
                "it says that no incident was open, and {id} was (entry {})",
                opened.index
            )));
        }
    }
    Ok(Again::Refused(vec![match opened.first() {
        None => "no incident was opened within a day before it".to_owned(),
        Some(newest) => format!(
            "of the incidents opened within a day before it ({} in all, the newest is {}) none was open \
             all the while",
            opened.len(),
            newest.text("incident").unwrap_or_default()
        ),
    }]))
}

/// "INC-12 is closed"
async fn closed(ledger: &impl Proven, entry: &Entry, text: &str) -> Result<Again, Error> {
    let Some(id) = text.strip_suffix(" is closed") else {
        return Ok(Again::OfTheMoment);
    };
    if let Some(closed) = closing(ledger, entry, id).await? {
        let (by, at) = (&closed.by, closed.index);
        return Ok(Again::Refused(vec![format!(
            "{by} had closed {id} (entry {at})"
        )]));
    }
    let opened = ListEntriesRequest {
        incident: id.to_owned(),
        kind: "incident.opened".to_owned(),
        cursor: entry.index.to_string(),
        ..ListEntriesRequest::default()
    };
    let opened = ledger.entries(opened, 1).await?.pop();
    let Some(opened) = opened else {
        // Its number may be one of those that are passed over where a part of the ledger was lost.
        return Ok(Again::OfTheMoment);
    };
    Ok(match Some(opened).filter(|opened| ran_out(opened, entry)) {
        Some(opened) => Again::Refused(vec![format!(
            "the time of {id} had run out (entry {})",
            opened.index
        )]),
        None => Again::Given(format!(
            "it says that {id} is closed, and no entry before it closes {id}"
        )),
    })
}

/// Whether the time of an incident had run out, as it was opened.
fn ran_out(opened: &Entry, entry: &Entry) -> bool {
    opened.time("closes_at").is_some_and(|at| at <= entry.at)
}

/// The entry before this one that closes an incident.
async fn closing(ledger: &impl Proven, entry: &Entry, id: &str) -> Result<Option<Entry>, Error> {
    let filter = ListEntriesRequest {
        incident: id.to_owned(),
        kind: "incident.closed".to_owned(),
        cursor: entry.index.to_string(),
        ..ListEntriesRequest::default()
    };
    Ok(ledger.entries(filter, 1).await?.pop())
}
