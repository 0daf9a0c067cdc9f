//! What openings, closings and notes say.

use jiff::SignedDuration;

use super::{
    Again, Decided,
    looking::{Looking, earlier, from_on, under},
    words::{is_numbered, parts},
};
use crate::{entry::Entry, error::Error, story::Proven};

/// Incidents that are looked at for one that was open, of those opened within the longest one may last.
const OPENED: usize = 50;

/// The longest an incident may last, whatever a policy says.
pub(super) const LONGEST: SignedDuration = SignedDuration::from_hours(24);

/// Notes of an incident that are looked through for one that confirms it.
const NOTES: usize = 1_000;

/// Incidents looked through for drills that came after one.
const AFTER: usize = 1_000;

/// Drills that a broker remembers (`RECENT_DRILLS`).
const REMEMBERED: usize = 64;

pub(super) async fn again<L: Proven>(it: &Looking<'_, L>, reason: &str) -> Decided {
    match reason {
        "NO_OPEN_INCIDENT" => none_open(it).await.map(Some),
        "INCIDENT_CLOSED" => closed(it).await,
        "UNKNOWN_INCIDENT" => unknown(it).await,
        "INCIDENT_OPEN" => still_open(it).await,
        "INCIDENT_UNCONFIRMED" => unconfirmed(it).await,
        "NOTHING_TO_HOLD" => nothing_to_hold(it).await,
        "DRILL_RIGHT" => drill_right(it).await,
        _ => drill_record(it).await,
    }
}

async fn opening<L: Proven>(it: &Looking<'_, L>, id: &str) -> Result<Option<Entry>, Error> {
    it.of_incident("incident.opened", id).await
}

async fn closing<L: Proven>(it: &Looking<'_, L>, id: &str) -> Result<Option<Entry>, Error> {
    it.of_incident("incident.closed", id).await
}

/// No incident was open all the while.
async fn none_open<L: Proven>(it: &Looking<'_, L>) -> Result<Again, Error> {
    let opened = from_on(earlier(it.since, LONGEST), "incident.opened");
    let opened = it.all(opened, OPENED).await?;
    for opened in &opened {
        let id = opened.text("incident").unwrap_or_default();
        let is_over = ran_out(it, opened) || closing(it, id).await?.is_some();
        if !is_over && opened.at < it.since {
            return Ok(Again::Given(format!(
                "it says that no incident was open, and {id} was (entry {})",
                opened.index
            )));
        }
    }
    Ok(Again::refused(match opened.first() {
        None => "no incident was opened within a day before it".to_owned(),
        Some(newest) => format!(
            "of the incidents opened within a day before it ({} in all, the newest is {}) none was open \
             all the while",
            opened.len(),
            newest.text("incident").unwrap_or_default()
        ),
    }))
}

/// "INC-12 is closed"
async fn closed<L: Proven>(it: &Looking<'_, L>) -> Decided {
    let Some([id]) = parts(it.text(), "{} is closed") else {
        return Ok(None);
    };
    if let Some(closed) = closing(it, id).await? {
        let (by, at) = (&closed.by, closed.index);
        return Ok(Some(Again::refused(format!(
            "{by} had closed {id} (entry {at})"
        ))));
    }
    Ok(Some(match opening(it, id).await? {
        None => Again::NotHeld(format!(
            "no entry opens {id}; where a part of the ledger was lost, its numbers are passed over"
        )),
        Some(opened) if ran_out(it, &opened) => Again::refused(format!(
            "the time of {id} had run out (entry {})",
            opened.index
        )),
        Some(_) => Again::Given(format!(
            "it says that {id} is closed, and no entry before it closes {id}"
        )),
    }))
}

/// "there is no incident INC-99"
async fn unknown<L: Proven>(it: &Looking<'_, L>) -> Decided {
    let Some([id]) = parts(it.text(), "there is no incident {}") else {
        return Ok(None);
    };
    Ok(Some(match opening(it, id).await? {
        Some(opened) if opened.at < it.since => Again::Given(format!(
            "it says that there is no incident {id}, and entry {} opens it",
            opened.index
        )),
        _ => Again::refused(format!("no entry before it opens {id}")),
    }))
}

/// "INC-12 is still open, and is reviewed when it is over"
async fn still_open<L: Proven>(it: &Looking<'_, L>) -> Decided {
    let Some([id]) = parts(
        it.text(),
        "{} is still open, and is reviewed when it is over",
    ) else {
        return Ok(None);
    };
    open_lately(it, id).await.map(Some)
}

async fn open_lately<L: Proven>(it: &Looking<'_, L>, id: &str) -> Result<Again, Error> {
    let (opened, closed) = (opening(it, id).await?, closing(it, id).await?);
    Ok(match (&opened, &closed) {
        (Some(begins), ends) if it.was_so(Some(begins), ends.as_ref()) => Again::refused(format!(
            "{} had opened {id} (entry {}), and nobody had closed it",
            begins.by, begins.index
        )),
        _ => Again::Given(format!(
            "it says that {id} is still open, and by the entries before it it is not"
        )),
    })
}

/// Only an alert said that something was broken, and nobody who may open incidents had looked.
async fn unconfirmed<L: Proven>(it: &Looking<'_, L>) -> Decided {
    let Some([id, source, sentence]) = parts(
        it.text(),
        "{} was opened by {}, and nobody who may open incidents has confirmed it; until then nobody can \
         {} under it",
    ) else {
        return Ok(None);
    };
    let Some(opened) = opening(it, id).await? else {
        return Ok(None);
    };
    if opened.text("source") != Some(source) {
        return Ok(Some(Again::Given(format!(
            "it says that {source} opened {id}, and {} did (entry {})",
            opened.by, opened.index
        ))));
    }
    let mut confirmed = it.all(under(id, "incident.held"), 1).await?;
    confirmed.extend(it.all(under(id, "incident.noted"), NOTES).await?);
    confirmed.retain(|entry| entry.at < it.since);
    Ok(it.by_policy(|policy| {
        let may = |entry: &&Entry| {
            entry.kind == "incident.held" || policy.rules.has_duty("open_incidents", &entry.by)
        };
        if let Some(entry) = confirmed.iter().find(may) {
            return Again::Given(format!(
                "it says that nobody who may open incidents has confirmed {id}, and {} had (entry {})",
                entry.by, entry.index
            ));
        }
        let mut rights = policy.rules.rights_to(sentence).into_iter();
        if let Some(right) = rights.find(|right| policy.rules.unlocks(source, right)) {
            return Again::Given(format!(
                "it says that nobody can {sentence} on the word of {source} alone, and the policy of entry \
                 {} lets `{right}` be asked for",
                policy.entry
            ));
        }
        Again::Refused(vec![
            format!(
                "{source} had opened {id} (entry {}), and no entry before the refusal is a note by somebody \
                 who may open incidents, or holds it open",
                opened.index
            ),
            format!(
                "`rights` of `[sources.{source}]` in the policy of entry {} does not unlock it",
                policy.entry
            ),
        ])
    }))
}

/// "INC-12 was not opened by an alert, so none closes it: it stays open to its usual age"
async fn nothing_to_hold<L: Proven>(it: &Looking<'_, L>) -> Decided {
    let Some([id]) = parts(
        it.text(),
        "{} was not opened by an alert, so none closes it: it stays open to its usual age",
    ) else {
        return Ok(None);
    };
    let opened = opening(it, id).await?;
    Ok(opened.map(|opened| match opened.text("alert") {
        None => Again::refused(format!(
            "{} opened {id} (entry {})",
            opened.by, opened.index
        )),
        Some(_) => Again::Given(format!(
            "it says that no alert opened {id}, and one of {} did (entry {})",
            opened.by, opened.index
        )),
    }))
}

/// "INC-12 is a drill, and the policy lets no drill unlock `deploy-shop`"
async fn drill_right<L: Proven>(it: &Looking<'_, L>) -> Decided {
    let sentence = "{} is a drill, and the policy lets no drill unlock `{}`";
    let Some([id, right]) = parts(it.text(), sentence) else {
        return Ok(None);
    };
    let Some(opened) = opening(it, id).await? else {
        return Ok(None);
    };
    let place = opened.index;
    if !opened.is_drill() {
        return Ok(Some(Again::Given(format!(
            "it says that {id} is a drill, and entry {place} opens it as none"
        ))));
    }
    Ok(
        it.by_policy(|policy| match policy.rules.drills_unlock(right) {
            false => Again::Refused(vec![
                format!("{id} was opened as a drill (entry {place})"),
                format!(
                    "`[drills]` of the policy of entry {} does not list `{right}`, or is not there",
                    policy.entry
                ),
            ]),
            true => Again::Given(format!(
                "it says that no drill unlocks `{right}`, and by the policy of entry {} one does",
                policy.entry
            )),
        }),
    )
}

/// "that is not how the drill went: INC-12 was walked by leon"
async fn drill_record<L: Proven>(it: &Looking<'_, L>) -> Decided {
    let Some([why]) = parts(it.text(), "that is not how the drill went: {}") else {
        return Ok(None);
    };
    if let Some([id, person]) = parts(why, "{} was walked by {}") {
        let opened = opening(it, id).await?;
        return Ok(opened.map(
            |opened| match opened.by == person && person != it.entry.by {
                true => Again::refused(format!("{person} opened {id} (entry {})", opened.index)),
                false => Again::Given(format!(
                    "it says that {id} was walked by {person}, and {} opened it (entry {})",
                    opened.by, opened.index
                )),
            },
        ));
    }
    if let Some([id]) = parts(why, "{} is still open") {
        return open_lately(it, id).await.map(Some);
    }
    if let Some([id]) = parts(why, "how {} went is on record already") {
        let recorded = it.of_incident("drill.recorded", id).await?;
        return Ok(Some(match recorded {
            Some(recorded) => Again::refused(format!(
                "{} had said how {id} went (entry {})",
                recorded.by, recorded.index
            )),
            None => Again::Given(format!(
                "it says that how {id} went is on record, and no entry before it says so"
            )),
        }));
    }
    if let Some([id]) = parts(why, "{} is no drill, or too many others came after it") {
        return no_drill(it, id).await;
    }
    Ok(Some(Again::NotHeld(
        "what was said of the drill stood in a statement, and one that was refused is not in the ledger"
            .to_owned(),
    )))
}

async fn no_drill<L: Proven>(it: &Looking<'_, L>, id: &str) -> Decided {
    if !is_numbered("INC-", id) {
        return Ok(None);
    }
    let opened = match opening(it, id).await? {
        Some(opened) if opened.is_drill() => opened,
        Some(opened) => {
            let place = opened.index;
            return Ok(Some(Again::refused(format!(
                "entry {place} opens {id} as no drill"
            ))));
        }
        None => {
            return Ok(Some(Again::refused(format!(
                "no entry before it opens {id}"
            ))));
        }
    };
    let after = it.all(from_on(opened.at, "incident.opened"), AFTER).await?;
    let is_all = after.len() < AFTER;
    let drills = after
        .iter()
        .filter(|it| it.is_drill() && it.index > opened.index)
        .count();
    Ok(Some(match drills {
        many if many >= REMEMBERED => Again::refused(format!(
            "{many} drills came after {id}, and the newest {REMEMBERED} are remembered"
        )),
        few if is_all => Again::Given(format!(
            "it says that {id} is no drill, or that too many came after it; entry {} opens it as one, and \
             {few} came after it",
            opened.index
        )),
        _ => Again::NotHeld(format!(
            "more than {AFTER} incidents came after {id}, and how many of them were drills takes more of the \
             ledger than one question reads"
        )),
    }))
}

/// Whether the time of an incident had run out, as it was opened.
fn ran_out<L: Proven>(it: &Looking<'_, L>, opened: &Entry) -> bool {
    opened.time("closes_at").is_some_and(|at| at <= it.entry.at)
}
