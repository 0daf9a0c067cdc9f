//! How much of something the ledger has, against how much there may be.

use std::collections::BTreeSet;

use breakglass_proto::v1::ListEntriesRequest;
use jiff::SignedDuration;

use super::{
    Again, Decided,
    incidents::LONGEST,
    looking::{Looking, earlier, from_on},
    words::{millis, parts},
};
use crate::{entry::Entry, error::Error, limits::STORY_ENTRIES, story::Proven, time};

/// What comes back steadily, as refusals say it, and the kinds of entries that spend it.
const SPENT: [(&str, &[&str]); 5] = [
    ("requests of one person", &["grant.requested"]),
    ("notes of one person", &["incident.noted", "incident.held"]),
    ("extensions by one person", &["grant.extended"]),
    ("exports by one person", &["ledger.exported"]),
    ("drills opened by one person", &["incident.opened"]),
];

pub(super) async fn again<L: Proven>(it: &Looking<'_, L>) -> Decided {
    let text = it.text();
    let sentence = "{} opened {} incidents within an hour, and that is the most";
    if let Some([person, most]) = parts(text, sentence) {
        return opened(it, person, most).await;
    }
    if let Some([what, most, within]) = parts(text, "too many {}: at most {} within {}") {
        return spent(it, what, (most, within)).await;
    }
    if let Some([what, most]) = parts(text, "too many {}: at most {}") {
        return at_once(it, what, most).await;
    }
    Ok(Some(not_counted()))
}

/// Somebody's, or everybody's calls; streams; what is of one key, one grant or one target.
fn not_counted() -> Again {
    Again::NotHeld(
        "how much of it there was at that moment was counted in the broker's memory, and the entry has not \
         whose it was, or it is of what is never an entry"
            .to_owned(),
    )
}

async fn opened<L: Proven>(it: &Looking<'_, L>, person: &str, most: &str) -> Decided {
    let Ok(most) = most.parse::<usize>() else {
        return Ok(None);
    };
    let since = earlier(it.since, SignedDuration::from_hours(1));
    let found = it
        .all(from_on(since, "incident.opened"), STORY_ENTRIES)
        .await?;
    let theirs = found
        .iter()
        .filter(|entry| entry.by == person && !entry.is_drill());
    Ok(Some(enough(
        theirs.count(),
        most,
        &format!("{person} opened within an hour before it"),
    )))
}

fn enough(count: usize, most: usize, what: &str) -> Again {
    match count >= most {
        true => Again::refused(format!("{what}: {count}, and at most {most} may be")),
        false => Again::Given(format!(
            "it says that there were {most}, and by the entries before it {what}: {count}"
        )),
    }
}

/// What comes back steadily: whoever has used all of it has written at least as much within that time.
async fn spent<L: Proven>(
    it: &Looking<'_, L>,
    what: &str,
    (most, within): (&str, &str),
) -> Decided {
    let (Ok(most), Some(within)) = (most.parse::<usize>(), millis(within)) else {
        return Ok(None);
    };
    let Some((_, kinds)) = SPENT.iter().find(|(said, _)| *said == what) else {
        return Ok(Some(not_counted()));
    };
    let since = earlier(it.since, SignedDuration::from_millis(within));
    let by = &it.entry.by;
    let mut count = 0;
    for kind in *kinds {
        let filter = ListEntriesRequest {
            person: by.clone(),
            ..from_on(since, kind)
        };
        let found = it.all(filter, STORY_ENTRIES).await?;
        let counts =
            |entry: &&Entry| entry.by == *by && (*kind != "incident.opened" || entry.is_drill());
        count += found.iter().filter(counts).count();
    }
    let long = time::short(SignedDuration::from_millis(within));
    Ok(Some(enough(
        count,
        most,
        &format!("{what} ({by}) within {long} before it"),
    )))
}

async fn at_once<L: Proven>(it: &Looking<'_, L>, what: &str, most: &str) -> Decided {
    let Ok(most) = most.parse::<usize>() else {
        return Ok(Some(not_counted()));
    };
    let counts: fn(&Entry) -> bool = match what {
        "waiting and active grants of one person" => return live(it, most).await,
        "open incidents" => |entry| !entry.is_drill(),
        "open drills" => Entry::is_drill,
        "open incidents of alerts" => |entry| entry.text("alert").is_some(),
        _ => return Ok(Some(not_counted())),
    };
    let (opened, closed) =
        pair(it, None, ("incident.opened", "incident.closed"), "incident").await?;
    let open = opened
        .iter()
        .filter(|it| counts(it) && !closed.contains(id_of(it, "incident")));
    Ok(Some(enough(open.count(), most, what)))
}

async fn live<L: Proven>(it: &Looking<'_, L>, most: usize) -> Decided {
    let by = Some(&*it.entry.by);
    // Handed over to them counts as well, and then the limit is somebody else's.
    let (asked, over) = pair(it, by, ("grant.requested", "grant.ended"), "grant").await?;
    let theirs = asked.iter().filter(|asked| asked.text("person") == by);
    let live = theirs
        .filter(|it| !over.contains(id_of(it, "grant")))
        .count();
    let is_handover = it.entry.text("act") == Some("handover");
    Ok(Some(match live < most && is_handover {
        true => Again::NotHeld(
            "to whom it was to be handed over stood in a statement, and one that was refused is not in the \
             ledger"
                .to_owned(),
        ),
        false => enough(live, most, "waiting and active grants"),
    }))
}

/// What began within the longest time an incident may last, and the ids of what was over before.
async fn pair<L: Proven>(
    it: &Looking<'_, L>,
    person: Option<&str>,
    (begins, ends): (&str, &str),
    id: &str,
) -> Result<(Vec<Entry>, BTreeSet<String>), Error> {
    let since = earlier(it.since, LONGEST);
    let of = |kind: &str| ListEntriesRequest {
        person: person.unwrap_or_default().to_owned(),
        ..from_on(since, kind)
    };
    let begun = it.all(of(begins), STORY_ENTRIES).await?;
    let mut over = it.all(of(ends), STORY_ENTRIES).await?;
    // What ended while it gathered may have been there.
    over.retain(|over| over.at < it.since);
    let over = over.iter().map(|over| id_of(over, id).to_owned()).collect();
    Ok((begun, over))
}

fn id_of<'a>(entry: &'a Entry, id: &str) -> &'a str {
    entry.text(id).unwrap_or_default()
}
