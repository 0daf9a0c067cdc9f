//! What happens in a night, each as the broker would write it, and with what a forger changes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use breakglass_proto::statement::Act;
use jiff::SignedDuration;
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};

use crate::night::{Night, hex, with, written};

impl Night {
    pub(crate) fn loads(&mut self, text: &str) {
        let sha256 = hex(digest(&SHA256, text.as_bytes()).as_ref());
        self.by_broker("policy.loaded", json!({"sha256": sha256, "text": text}));
    }

    pub(crate) fn invites(&mut self, who: &str) -> String {
        let token = self.token();
        let body = json!({"person": who, "token": token, "expires_at": self.minutes(1_440)});
        self.by_broker("person.invited", body);
        token
    }

    /// By somebody on the team.
    pub(crate) fn invites_by(&mut self, by: &str, who: &str) -> String {
        let (token, person) = (self.token(), who.to_owned());
        let act = Act::Invite { person };
        let body = json!({"person": who, "token": token, "expires_at": self.minutes(1_440)});
        self.does(by, act, "person.invited", body);
        token
    }

    /// The same, for the guard of a target.
    pub(crate) fn invites_guard_by(&mut self, by: &str, target: &str) -> String {
        let token = self.token();
        let act = Act::InviteTarget {
            target: target.into(),
        };
        let body = json!({"target": target, "token": token, "expires_at": self.minutes(1_440)});
        self.does(by, act, "target.invited", body);
        token
    }

    fn token(&mut self) -> String {
        self.tokens += 1;
        format!("{:064x}", self.tokens)
    }

    pub(crate) fn enrols(&mut self, who: &str) {
        let token = self.invites(who);
        self.redeems(who, &token);
    }

    pub(crate) fn redeems(&mut self, who: &str, token: &str) {
        self.redeems_as(who, token, "", "");
    }

    /// The same, with an origin and a person in the statement.
    pub(crate) fn redeems_as(&mut self, who: &str, token: &str, origin: &str, by: &str) {
        let (id, public) = (self.key(who).id(), self.key(who).public_key().to_vec());
        let act = Act::Enroll {
            token_sha256: token.into(),
            key: id.clone(),
            device: "laptop".into(),
        };
        let signed = self.signs_as(who, act, origin, by);
        let body = json!({"person": who, "token": token, "key": id,
            "public": STANDARD.encode(public), "device": "laptop", "serial": "0a",
            "certificate_expires_at": self.minutes(43_200)});
        self.adds("person.enrolled", who, body, Some(signed));
    }

    /// The guard of a target is invited, and enrolled on a key of its own.
    pub(crate) fn guard_enrols(&mut self, target: &str) {
        let token = self.token();
        let body = json!({"target": target, "token": token, "expires_at": self.minutes(1_440)});
        self.by_broker("target.invited", body);
        self.guard_redeems(target, &token);
    }

    pub(crate) fn guard_redeems(&mut self, target: &str, token: &str) {
        let guard = format!("target:{target}");
        self.redeems_as(&guard, token, "", "");
        self.changes(self.last(), |entry| {
            entry.as_object_mut().unwrap().remove("person");
            entry["kind"] = json!("target.enrolled");
            entry["target"] = json!(target);
        });
    }

    pub(crate) fn opens(&mut self, who: &str, incident: &str) {
        let act = Act::OpenIncident {
            severity: "sev2".into(),
            title: "the worker floods".into(),
        };
        let body = json!({"incident": incident, "severity": "sev2", "title": "the worker floods",
            "closes_at": self.minutes(480)});
        self.does(who, act, "incident.opened", body);
    }

    /// Mia asks for a right that needs a yes, or none, for ten minutes.
    pub(crate) fn asks(&mut self, grant: &str, right: &str) -> Value {
        self.asks_but(grant, right, json!({}))
    }

    /// The same, with some fields of the entry otherwise than the policy says.
    pub(crate) fn asks_but(&mut self, grant: &str, right: &str, but: Value) -> Value {
        self.asks_under("INC-1", (grant, right), but)
    }

    /// The same under another incident.
    pub(crate) fn asks_under(
        &mut self,
        incident: &str,
        (grant, right): (&str, &str),
        but: Value,
    ) -> Value {
        let of = json!({"grant": grant, "person": "mia", "right": right, "incident": incident});
        let (sentence, risk, rule) = match right {
            "restart" => ("restart the shop", "low", "alone"),
            "drop-db" => ("drop the database", "high", "database"),
            "rotate-keys" => ("rotate the keys", "high", "keys"),
            "open-vault" => ("open the vault", "high", "vault"),
            "restore" => ("restore the backup", "high", "backups"),
            _ => ("read the secrets", "high", "secrets"),
        };
        let audience = match right {
            "restart" => "https://worker.example",
            "drop-db" => "https://db.example",
            "restore" => "https://backup.example",
            _ => "https://vault.example",
        };
        let asks_nobody = risk == "low" || right == "rotate-keys";
        let approvers = if asks_nobody { vec![] } else { vec!["leon"] };
        let mut body = json!({"sentence": sentence, "risk": risk, "reason": "flood",
            "length_ms": 600_000, "rule": rule, "approvers": approvers,
            "lapses_at": self.minutes(60), "held": false, "key": self.key("mia").id(),
            "audience": audience});
        if right == "restore" {
            let to = json!({"at": self.minutes(5), "approvers": ["dan", "eve"]});
            body["escalation"] = to;
        }
        if ["drop-db", "restore"].contains(&right) {
            body["self_grant"] = json!({"from": self.minutes(10), "longest_ms": 600_000});
        }
        if ["rotate-keys", "open-vault"].contains(&right) {
            body["call"] = json!(["leon"]);
        }
        let act = Act::Request {
            right: right.into(),
            sentence: sentence.into(),
            incident: incident.into(),
            reason: "flood".into(),
            length: SignedDuration::from_mins(10),
            held: false,
        };
        let body = with(with(of.clone(), body), but);
        self.does("mia", act, "grant.requested", body);
        of
    }

    /// Leon says yes to what was asked for.
    pub(crate) fn approves(&mut self, of: &Value) {
        self.approves_but("leon", of, json!({}), |_| {});
    }

    /// Somebody says yes, with some fields of the entry and some words otherwise.
    pub(crate) fn approves_but(
        &mut self,
        who: &str,
        of: &Value,
        but: Value,
        words: impl FnOnce(&mut Act),
    ) {
        let text = |name: &str| of[name].as_str().unwrap().to_owned();
        let sentence = match of["right"].as_str() {
            Some("drop-db") => "drop the database",
            Some("restore") => "restore the backup",
            _ => "read the secrets",
        };
        let mut act = Act::Approve {
            grant: text("grant"),
            incident: text("incident"),
            requester: text("person"),
            right: text("right"),
            sentence: sentence.into(),
            until: self.minutes(10).parse().unwrap(),
        };
        words(&mut act);
        let started = json!({"basis": "approved", "ends_at": self.minutes(10)});
        let body = with(with(of.clone(), started), but);
        self.does(who, act, "grant.started", body);
    }

    /// A grant for the database, approved by Leon.
    pub(crate) fn approved(&mut self, grant: &str) -> Value {
        let of = self.asks(grant, "drop-db");
        self.approves(&of);
        of
    }

    /// What the broker writes at once behind a request that needs nobody.
    pub(crate) fn begins_at_once(&mut self, of: &Value, but: Value) {
        let ends_at = written(self.at + SignedDuration::from_mins(10));
        let started = json!({"basis": "fast-path", "ends_at": ends_at});
        let body = with(with(of.clone(), started), but);
        self.follows("grant.started", "breakglass", body);
    }

    pub(crate) fn begins_alone(&mut self, of: &Value, but: Value) {
        let text = |name: &str| of[name].as_str().unwrap().to_owned();
        let act = Act::SelfGrant {
            grant: text("grant"),
            incident: text("incident"),
            right: text("right"),
            sentence: match of["right"].as_str() {
                Some("drop-db") => "drop the database".into(),
                Some("restore") => "restore the backup".into(),
                _ => "read the secrets".into(),
            },
        };
        let started = json!({"basis": "self-granted", "ends_at": self.minutes(10)});
        let body = with(with(of.clone(), started), but);
        self.does("mia", act, "grant.started", body);
    }

    pub(crate) fn vetoes(&mut self, who: &str, of: &Value) {
        let act = Act::Veto {
            grant: of["grant"].as_str().unwrap().into(),
            reason: "wait".into(),
        };
        let body = with(of.clone(), json!({"ending": "vetoed", "reason": "wait"}));
        self.does(who, act, "grant.ended", body);
    }

    pub(crate) fn extends(&mut self, who: &str, of: &Value, seconds: i64, ends_at: String) {
        let act = Act::Extend {
            grant: of["grant"].as_str().unwrap().into(),
            by: SignedDuration::from_secs(seconds),
            reason: "not done".into(),
        };
        let body = with(
            of.clone(),
            json!({"ends_at": ends_at, "reason": "not done"}),
        );
        self.does(who, act, "grant.extended", body);
    }

    pub(crate) fn issues(&mut self, of: &Value) {
        self.issues_but("mia", of, json!({}));
    }

    pub(crate) fn issues_but(&mut self, who: &str, of: &Value, but: Value) {
        let audience = match of["right"].as_str() {
            Some("restart") => "https://worker.example",
            Some("drop-db") => "https://db.example",
            _ => "https://vault.example",
        };
        let id = of["grant"].as_str().unwrap();
        let issued = json!({"credential": format!("{id}.1"), "credential_kind": "jwt",
            "audience": audience, "expires_at": self.minutes(5), "key": self.key("mia").id()});
        let body = with(with(of.clone(), issued), but);
        self.adds("credential.issued", who, body, None);
    }

    pub(crate) fn ends(&mut self, of: &Value, ending: &str) {
        self.by_broker("grant.ended", with(of.clone(), json!({"ending": ending})));
    }

    /// Somebody stops, removes or lifts somebody.
    pub(crate) fn about(&mut self, who: &str, kind: &str, person: &str) {
        let (person, reason) = (person.to_owned(), "stolen".to_owned());
        let body = json!({"person": person, "reason": reason});
        let act = match kind {
            "person.frozen" => Act::Freeze { person, reason },
            "person.unfrozen" => Act::Unfreeze { person, reason },
            _ => Act::RemovePerson { person, reason },
        };
        self.does(who, act, kind, body);
    }

    /// Somebody closes `INC-1`: the endings of these, then the closing, under one statement.
    pub(crate) fn closes(&mut self, who: &str, under: &[&Value]) {
        let act = Act::CloseIncident {
            incident: "INC-1".into(),
            reason: "over".into(),
        };
        let closed = json!({"incident": "INC-1", "reason": "over"});
        let ended = json!({"ending": "incident-closed", "reason": "over"});
        let Some((first, rest)) = under.split_first() else {
            return self.does(who, act, "incident.closed", closed);
        };
        self.does(
            who,
            act,
            "grant.ended",
            with((*first).clone(), ended.clone()),
        );
        for of in rest {
            self.follows("grant.ended", who, with((*of).clone(), ended.clone()));
        }
        self.follows("incident.closed", who, closed);
    }

    /// Mia does something that needs no signature.
    pub(crate) fn by_person(&mut self, kind: &str, of: &Value, more: Value) {
        self.adds(kind, "mia", with(of.clone(), more), None);
    }

    pub(crate) fn does_note(&mut self, who: &str, text: &str) {
        self.note_under("INC-1", who, text);
    }

    pub(crate) fn note_under(&mut self, incident: &str, who: &str, text: &str) {
        let act = Act::Note {
            incident: incident.into(),
            text: text.into(),
        };
        let body = json!({"incident": incident, "text": text});
        self.does(who, act, "incident.noted", body);
    }

    /// The ending of a grant, with the statement of an act that it is the first entry of.
    pub(crate) fn ends_signed(
        &mut self,
        who: &str,
        act: Act,
        of: &Value,
        ending: &str,
        reason: &str,
    ) {
        let body = with(of.clone(), json!({"ending": ending, "reason": reason}));
        self.does(who, act, "grant.ended", body);
    }
}
