//! What the entries say of one grant.

use jiff::Timestamp;
use serde::Serialize;

use crate::entry::Entry;

/// One grant, from asking to what was said of it afterwards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Grant {
    /// Its id.
    pub grant: String,
    /// Who had it.
    pub person: String,
    /// Which right.
    pub right: String,
    /// In plain language.
    pub sentence: String,
    /// Why.
    pub reason: String,
    /// When it was asked for.
    #[serde(serialize_with = "crate::time::in_json")]
    pub asked_at: Timestamp,
    /// When it went to others as well, because nobody had answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[serde(serialize_with = "crate::time::in_json_if_known")]
    pub escalated_at: Option<Timestamp>,
    /// To whom.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub escalated_to: Vec<String>,
    /// `fast-path`, `approved`, `self-granted` or `called`; nothing where it never began.
    pub basis: Option<String>,
    /// Who said yes, where somebody did.
    pub approved_by: Option<String>,
    /// Whose calls are on record that it needed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<String>,
    /// Whose yes is on record that it needed beside a call.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub agreed: Vec<String>,
    /// When it began.
    #[serde(serialize_with = "crate::time::in_json_if_known")]
    pub began_at: Option<Timestamp>,
    /// When it ended.
    #[serde(serialize_with = "crate::time::in_json_if_known")]
    pub ended_at: Option<Timestamp>,
    /// How.
    pub ending: Option<String>,
    /// Who ended it.
    pub ended_by: Option<String>,
    /// For how many seconds it was there.
    pub had_seconds: Option<i64>,
    /// How many credentials were issued.
    pub credentials: u64,
    /// Whether it was used, as far as anybody said.
    pub used: Used,
    /// The programs it was used with.
    pub programs: Vec<String>,
    /// How many sessions were opened at targets.
    pub sessions: u64,
    /// For how many seconds they were open, together; those that are over.
    pub session_seconds: i64,
    /// What was said of it afterwards.
    pub answer: Option<Answered>,
    /// The grant it was handed over from; nothing where its holder asked for it.
    pub from_grant: Option<String>,
    /// Who handed it over.
    pub from_person: Option<String>,
    /// The grant it was handed over to.
    pub to_grant: Option<String>,
    /// Who had that.
    pub to_person: Option<String>,
    #[serde(skip)]
    open: Vec<(String, Timestamp)>,
}

/// Whether a grant was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Used {
    /// Not as much as a credential was taken.
    Never,
    /// A credential was, and nobody said what for.
    NotReported,
    /// It was.
    Yes,
}

/// What somebody said of a grant afterwards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Answered {
    /// Who.
    pub by: String,
    /// Whether that is who had it.
    pub by_holder: bool,
    /// When.
    #[serde(serialize_with = "crate::time::in_json")]
    pub at: Timestamp,
    /// Whether it was needed.
    pub needed: bool,
    /// `right` or `too-wide`.
    pub width: String,
    /// What was missing.
    pub missing: Option<String>,
}

impl Grant {
    pub(super) fn asked(entry: &Entry) -> Self {
        let text = |name| entry.text(name).unwrap_or_default().to_owned();
        Self {
            grant: text("grant"),
            person: text("person"),
            right: text("right"),
            sentence: text("sentence"),
            reason: text("reason"),
            asked_at: entry.at,
            escalated_at: None,
            escalated_to: Vec::new(),
            basis: None,
            approved_by: None,
            calls: Vec::new(),
            agreed: Vec::new(),
            began_at: None,
            ended_at: None,
            ending: None,
            ended_by: None,
            had_seconds: None,
            credentials: 0,
            used: Used::Never,
            programs: Vec::new(),
            sessions: 0,
            session_seconds: 0,
            answer: None,
            from_grant: entry.text("from").map(str::to_owned),
            from_person: entry.text("from").map(|_| entry.by.clone()),
            to_grant: None,
            to_person: None,
            open: Vec::new(),
        }
    }

    pub(super) fn take(&mut self, entry: &Entry) {
        let text = |name| entry.text(name).unwrap_or_default().to_owned();
        match entry.kind.as_str() {
            "grant.escalated" => {
                let to = entry.body["approvers"].as_array().into_iter().flatten();
                let to = to.filter_map(serde_json::Value::as_str);
                self.escalated_to = to.map(str::to_owned).collect();
                self.escalated_at = Some(entry.at);
            }
            "call.recorded" => self.calls.push(entry.by.clone()),
            "grant.approved" => self.agreed.push(entry.by.clone()),
            "grant.started" => {
                let basis = text("basis");
                self.approved_by = (basis == "approved").then(|| entry.by.clone());
                self.basis = Some(basis);
                self.began_at = Some(entry.at);
            }
            "grant.ended" => {
                self.ending = Some(text("ending"));
                self.ended_by = Some(entry.by.clone());
                self.to_grant = entry.text("to").map(str::to_owned);
                self.to_person = entry.text("to_person").map(str::to_owned);
                self.ended_at = Some(entry.at);
                let had = self.began_at.map(|began| seconds(began, entry.at));
                self.had_seconds = had;
            }
            "credential.issued" => {
                self.credentials += 1;
                if self.used == Used::Never {
                    self.used = Used::NotReported;
                }
            }
            "grant.used" => {
                self.used = Used::Yes;
                let program = text("program");
                if !self.programs.contains(&program) {
                    self.programs.push(program);
                }
            }
            "session.opened" => {
                self.used = Used::Yes;
                self.sessions += 1;
                self.open.push((text("session"), entry.at));
            }
            "session.ended" => self.close(&text("session"), entry.at),
            "review.answered" => self.answer = Some(self.answered(entry)),
            _ => {}
        }
    }

    fn close(&mut self, session: &str, at: Timestamp) {
        let open = self.open.iter().position(|(id, _)| id == session);
        if let Some(place) = open {
            let (_, opened) = self.open.swap_remove(place);
            self.session_seconds += seconds(opened, at);
        }
    }

    fn answered(&self, entry: &Entry) -> Answered {
        Answered {
            by: entry.by.clone(),
            by_holder: entry.by == self.person,
            at: entry.at,
            needed: entry
                .body
                .get("needed")
                .and_then(serde_json::Value::as_bool)
                == Some(true),
            width: entry.text("width").unwrap_or_default().to_owned(),
            missing: entry.text("missing").map(str::to_owned),
        }
    }
}

fn seconds(from: Timestamp, to: Timestamp) -> i64 {
    to.duration_since(from).as_secs().max(0)
}
