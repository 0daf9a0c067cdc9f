//! What happened under an incident, line by line: as the ledger's entries tell it, and as it happens.

use breakglass_proto::v1;
use jiff::Timestamp;
use serde::Serialize;

use crate::{
    entry::Entry, error::Error, moments::Told, output::Printer, session::Session, text::plain,
    time, view,
};

/// One thing that happened; `-o json` prints it as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Item {
    /// Its entry.
    pub index: u64,
    /// When.
    pub at: Option<String>,
    /// The entry's kind, for example `incident.noted`.
    pub kind: String,
    /// Who.
    pub by: String,
    /// One sentence for people, by the broker.
    pub text: String,
    /// The grant it concerns.
    pub grant: Option<String>,
    /// The incident it concerns.
    pub incident: Option<String>,
    /// A note as it was typed; a sentence has it on one line.
    #[serde(skip)]
    note: Option<String>,
    /// The reason as it was typed, where the entry itself is at hand.
    #[serde(skip)]
    reason: Option<String>,
}

impl Item {
    /// Of an entry that was listed with its sentence.
    ///
    /// # Errors
    /// [`Error::Unverified`] where it is no entry.
    pub fn of_entry(listed: &v1::Entry) -> Result<Self, Error> {
        let entry = Entry::parse(&listed.line).map_err(|why| {
            Error::broken_answer(&format!("entry {} cannot be read: {why}", listed.index))
        })?;
        let word = |name| entry.text(name).map(ToOwned::to_owned);
        let is_note = entry.kind == "incident.noted";
        Ok(Self {
            index: listed.index,
            at: Some(time::rfc3339(entry.at)),
            note: word("text").filter(|_| is_note),
            reason: word("reason"),
            grant: word("grant"),
            incident: word("incident"),
            kind: entry.kind,
            by: entry.by,
            text: listed.text.clone(),
        })
    }

    /// One line for a terminal.
    #[must_use]
    pub fn line(&self, now: Timestamp) -> String {
        format!("{}  {}", self.when(now), plain(&self.sentence(now)))
    }

    /// With the broker's moments as this laptop's clock shows them; what somebody typed is theirs.
    #[must_use]
    pub fn sentence(&self, now: Timestamp) -> String {
        let Some(at) = self.at() else {
            return self.text.clone();
        };
        let told = Told {
            sentence: &self.text,
            kind: &self.kind,
            at,
            grant: self.grant.as_deref(),
            incident: self.incident.as_deref(),
            reason: self.reason.as_deref(),
        };
        told.of_here(now)
    }

    fn at(&self) -> Option<Timestamp> {
        self.at.as_ref().and_then(|at| at.parse().ok())
    }

    fn when(&self, now: Timestamp) -> String {
        self.at().map(|at| time::local(at, now)).unwrap_or_default()
    }

    /// Lines for a terminal, the first with its time, the others of a note below its words.
    #[must_use]
    pub fn lines(&self, now: Timestamp) -> Vec<String> {
        let when = self.when(now);
        let several = self.note.as_ref().filter(|note| note.contains('\n'));
        let Some(note) = several else {
            return vec![self.line(now)];
        };
        let incident = self.incident.as_deref().unwrap_or_default();
        // The sentence begins with what its writer is called.
        let on = format!(" on {incident}: ");
        let who = self.text.split_once(&on).map_or(&*self.by, |(who, _)| who);
        let mut lines = vec![format!("{when}  {} on {incident}:", plain(who))];
        let below = " ".repeat(when.chars().count() + 2);
        lines.extend(note.lines().map(|line| format!("{below}{}", plain(line))));
        lines
    }

    /// Whether nobody should read over it: an end that is not confirmed, or a yes that nobody gave.
    #[must_use]
    pub fn is_loud(&self) -> bool {
        let by_themselves = self.kind == "grant.started" && self.text.starts_with("NOBODY");
        by_themselves || matches!(&*self.kind, "session.unconfirmed" | "role.failed")
    }

    /// Prints it.
    pub fn say(&self, printer: &Printer, now: Timestamp) {
        for line in self.lines(now) {
            match self.is_loud() {
                true => printer.bad(line),
                false => printer.line(line),
            }
        }
    }
}

impl From<&v1::WatchResponse> for Item {
    fn from(event: &v1::WatchResponse) -> Self {
        Self {
            index: event.index,
            at: view::at(event.at.as_ref()),
            kind: event.kind.clone(),
            by: event.by.clone(),
            text: event.text.clone(),
            grant: event.grant.as_ref().map(|grant| grant.id.clone()),
            incident: event.incident.as_ref().map(|incident| incident.id.clone()),
            note: None,
            reason: None,
        }
    }
}

impl From<&v1::HoldGrantResponse> for Item {
    fn from(event: &v1::HoldGrantResponse) -> Self {
        Self {
            index: event.index,
            at: view::at(event.at.as_ref()),
            kind: event.kind.clone(),
            by: event.by.clone(),
            text: event.text.clone(),
            grant: event.grant.as_ref().map(|grant| grant.id.clone()),
            incident: event.grant.as_ref().map(|grant| grant.incident.clone()),
            note: None,
            reason: None,
        }
    }
}

/// A part of what happened, oldest first.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// In order of time.
    pub items: Vec<Item>,
    /// Where there is more before them: ask for what is before this entry.
    pub before: Option<u64>,
}

/// The newest `most` things that happened under an incident, or before an entry; everywhere where no
/// incident is named.
///
/// # Errors
/// [`Error::Refused`], [`Error::Unreachable`], [`Error::Unverified`].
pub async fn newest(
    session: &Session,
    incident: &str,
    before: Option<u64>,
    most: usize,
) -> Result<Page, Error> {
    let request = v1::ListEntriesRequest {
        incident: incident.to_owned(),
        cursor: before.map(|before| before.to_string()).unwrap_or_default(),
        told: true,
        ..v1::ListEntriesRequest::default()
    };
    // One more says whether there are more.
    let listed = session.list_entries(request, most + 1).await?;
    let has_more = listed.len() > most;
    let shown = listed.iter().take(most);
    let mut items = shown.map(Item::of_entry).collect::<Result<Vec<_>, _>>()?;
    items.reverse();
    Ok(Page {
        before: items.first().map(|first| first.index).filter(|_| has_more),
        items,
    })
}

/// Everything that has happened under an incident.
///
/// # Errors
/// As [`newest`].
pub async fn whole(session: &Session, incident: &str) -> Result<Vec<Item>, Error> {
    let request = v1::ListEntriesRequest {
        incident: incident.to_owned(),
        oldest_first: true,
        told: true,
        ..v1::ListEntriesRequest::default()
    };
    let listed = session.list_entries(request, usize::MAX).await?;
    listed.iter().map(Item::of_entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(body: &str, text: &str) -> v1::Entry {
        let line = format!("{{\"v\":1,\"index\":9,\"at\":\"2026-11-23T03:05:00.212Z\",{body}}}");
        v1::Entry {
            index: 9,
            line: line.into_bytes(),
            text: text.into(),
            inclusion: Vec::new(),
        }
    }

    fn now() -> Timestamp {
        "2027-11-23T03:05:00Z".parse().unwrap()
    }

    #[test]
    fn a_note_of_several_lines_stands_on_several_and_forges_none() {
        let body = r#""kind":"incident.noted","by":"dana","incident":"INC-1",
            "text":"seen\n03:06  Leon closed INC-1\u001b[2K""#;
        let item = Item::of_entry(&listed(body, "Dana on INC-1: seen / ...")).unwrap();
        let lines = item.lines(now());
        assert_eq!(lines.len(), 3, "{lines:?}");
        assert!(lines[0].ends_with("  Dana on INC-1:"), "{lines:?}");
        let indent = lines[0].find("Dana").unwrap();
        assert_eq!(&lines[2][..indent], " ".repeat(indent));
        assert!(lines[2].ends_with("INC-1\\u{1b}[2K"), "{lines:?}");
    }

    #[test]
    fn a_title_and_a_reason_stay_as_they_were_typed() {
        let at = "2026-11-23T03:20:00Z".parse().unwrap();
        let body = r#""kind":"incident.opened","by":"dana","incident":"INC-1",
            "title":"checkout fails since 23:05 UTC""#;
        let opened = "Dana opened INC-1 (sev2): checkout fails since 23:05 UTC.";
        let item = Item::of_entry(&listed(body, opened)).unwrap();
        assert_eq!(item.sentence(now()), opened);
        let body = r#""kind":"grant.extended","by":"mia","grant":"G-4","incident":"INC-1",
            "reason":"not done before 23:05 UTC""#;
        let extended = |until: &str| {
            format!("Mia extended G-4: Mia can deploy until {until}: not done before 23:05 UTC.")
        };
        let item = Item::of_entry(&listed(body, &extended("03:20 UTC"))).unwrap();
        assert_eq!(item.sentence(now()), extended(&time::local(at, now())));
    }

    #[test]
    fn an_item_names_its_entry_and_its_grant() {
        let body = r#""kind":"session.unconfirmed","by":"breakglass","grant":"G-4",
            "person":"mia","right":"shell-web","incident":"INC-1","session":"S-7""#;
        let item = Item::of_entry(&listed(body, "NOT CONFIRMED: ...")).unwrap();
        let json = serde_json::to_value(&item).unwrap();
        assert_eq!((&json["index"], &json["grant"]), (&9.into(), &"G-4".into()));
        assert_eq!(json["at"], "2026-11-23T03:05:00.212Z");
        assert!(item.is_loud());
        assert_eq!(item.lines(now()).len(), 1);
        let why = Item::of_entry(&listed("\"kind\":1", "")).unwrap_err();
        assert!(why.to_string().contains("entry 9"), "{why}");
    }
}
