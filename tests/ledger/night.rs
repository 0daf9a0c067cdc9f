//! A ledger written by hand, entry by entry, as somebody could who holds its key.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use breakglass_client::key::{PrivateKey, random};
use breakglass_proto::statement::{Act, Statement};
use breakglass_tlog::{
    Checkpoint, Ed25519Signer, Frontier, Hash, KeyName, NoteSigner as _, SignedCheckpoint,
    VerifierKey,
};
use jiff::{SignedDuration, Timestamp};
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};

pub(crate) const ORIGIN: &str = "glass.example/ledger";

/// Two engineers, who restart alone and touch the database on each other's word; one who looks.
pub(crate) const POLICY: &str = r#"
version = 1
[people.mia]
name = "Mia"
job = "engineer"
[people.leon]
name = "Leon"
job = "engineer"
[people.eve]
name = "Eve"
job = "designer"
[rights.restart]
sentence = "restart the shop"
risk = "low"
longest = "15m"
audience = "https://worker.example"
[rights.drop-db]
sentence = "drop the database"
risk = "high"
longest = "30m"
audience = "https://db.example"
[rights.read-secrets]
sentence = "read the secrets"
risk = "high"
longest = "30m"
audience = "https://vault.example"
[[rules]]
name = "alone"
who = ["job:engineer"]
rights = ["restart"]
approvers = []
[[rules]]
name = "database"
who = ["job:engineer"]
rights = ["drop-db"]
approvers = ["job:engineer"]
lapses_after = "1h"
if_nobody_answers = "self-grant"
self_grant_after = "10m"
self_grant_longest = "10m"
[[rules]]
name = "secrets"
who = ["job:engineer"]
rights = ["read-secrets"]
approvers = ["job:engineer"]
[duties]
open_incidents = ["job:engineer"]
close_incidents = ["job:engineer"]
revoke = ["job:engineer"]
freeze = ["job:engineer"]
invite = ["job:engineer"]
export_ledger = ["job:engineer"]
"#;

/// Entries a minute apart, and the keys of those who sign.
pub(crate) struct Night {
    pub(crate) lines: Vec<String>,
    keys: BTreeMap<String, PrivateKey>,
    at: Timestamp,
    tokens: u32,
}

impl Night {
    /// The policy loaded; Mia, Leon and Eve invited and enrolled; `INC-1` open.
    pub(crate) fn begins() -> Self {
        let mut night = Self::before();
        night.loads(POLICY);
        for who in ["mia", "leon", "eve"] {
            night.enrols(who);
        }
        night.opens("mia", "INC-1");
        night
    }

    /// Nothing but a broker.
    pub(crate) fn before() -> Self {
        let mut night = Self {
            lines: Vec::new(),
            keys: BTreeMap::new(),
            at: "2026-11-23T02:00:00Z".parse().unwrap(),
            tokens: 0,
        };
        night.by_broker("broker.started", json!({"version": "0.1.0"}));
        night
    }

    /// Nothing happens for so long.
    pub(crate) fn minutes_pass(&mut self, minutes: i64) {
        self.at += SignedDuration::from_mins(minutes);
    }

    /// The time of the next entry and a length more, as it is written.
    pub(crate) fn minutes(&self, minutes: i64) -> String {
        written(self.at + SignedDuration::from_mins(minutes + 1))
    }

    /// The place of the newest entry.
    pub(crate) fn last(&self) -> usize {
        self.lines.len() - 1
    }

    pub(crate) fn key(&mut self, who: &str) -> &PrivateKey {
        let new = || PrivateKey::generate().unwrap();
        self.keys.entry(who.to_owned()).or_insert_with(new)
    }

    /// Somebody gets a new laptop, and signs with that from here on.
    pub(crate) fn forgets_key(&mut self, who: &str) {
        self.keys.remove(who);
    }

    pub(crate) fn loads(&mut self, text: &str) {
        let sha256 = hex(digest(&SHA256, text.as_bytes()).as_ref());
        self.by_broker("policy.loaded", json!({"sha256": sha256, "text": text}));
    }

    pub(crate) fn invites(&mut self, who: &str) -> String {
        self.tokens += 1;
        let token = format!("{:064x}", self.tokens);
        let body = json!({"person": who, "token": token, "expires_at": self.minutes(1_440)});
        self.by_broker("person.invited", body);
        token
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
        let of = json!({"grant": grant, "person": "mia", "right": right, "incident": "INC-1"});
        let (sentence, risk, rule) = match right {
            "restart" => ("restart the shop", "low", "alone"),
            "drop-db" => ("drop the database", "high", "database"),
            _ => ("read the secrets", "high", "secrets"),
        };
        let audience = match right {
            "restart" => "https://worker.example",
            "drop-db" => "https://db.example",
            _ => "https://vault.example",
        };
        let approvers = if risk == "low" { vec![] } else { vec!["leon"] };
        let mut body = json!({"sentence": sentence, "risk": risk, "reason": "flood",
            "length_ms": 600_000, "rule": rule, "approvers": approvers,
            "lapses_at": self.minutes(60), "held": false, "key": self.key("mia").id(),
            "audience": audience});
        if right == "drop-db" {
            body["self_grant"] = json!({"from": self.minutes(10), "longest_ms": 600_000});
        }
        let act = Act::Request {
            right: right.into(),
            sentence: sentence.into(),
            incident: "INC-1".into(),
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
                _ => "read the secrets".into(),
            },
        };
        let started = json!({"basis": "self-granted", "ends_at": self.minutes(10)});
        let body = with(with(of.clone(), started), but);
        self.does("mia", act, "grant.started", body);
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
        let act = Act::Note {
            incident: "INC-1".into(),
            text: text.into(),
        };
        let body = json!({"incident": "INC-1", "text": text});
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

    /// An act under the signature of whoever does it.
    pub(crate) fn does(&mut self, who: &str, act: Act, kind: &str, body: Value) {
        let signed = self.signs(who, act);
        self.adds(kind, who, body, Some(signed));
    }

    pub(crate) fn signs(&mut self, who: &str, act: Act) -> Value {
        self.signs_as(who, act, ORIGIN, who)
    }

    pub(crate) fn signs_as(&mut self, who: &str, act: Act, origin: &str, by: &str) -> Value {
        let at = self.at + SignedDuration::from_mins(1);
        self.signs_at(who, act, origin, by, at)
    }

    pub(crate) fn signs_at(
        &mut self,
        who: &str,
        act: Act,
        origin: &str,
        by: &str,
        at: Timestamp,
    ) -> Value {
        let nonce = random().unwrap();
        let (origin, by) = (origin.to_owned(), by.to_owned());
        let statement = Statement {
            origin,
            by,
            at,
            act,
            nonce,
        };
        self.signs_statement(who, &statement)
    }

    pub(crate) fn signs_statement(&mut self, who: &str, statement: &Statement) -> Value {
        let at = statement.at;
        let signed = self.key(who).sign(statement).unwrap();
        let nonce = signed.text.lines().last().unwrap().replace("nonce: ", "");
        json!({"text": signed.text, "key": self.key(who).id(), "nonce": nonce,
            "signature": STANDARD.encode(signed.signature), "at": written(at)})
    }

    pub(crate) fn by_broker(&mut self, kind: &str, body: Value) {
        self.adds(kind, "breakglass", body, None);
    }

    /// The next entry, a minute later.
    pub(crate) fn adds(&mut self, kind: &str, by: &str, body: Value, signed: Option<Value>) {
        self.at += SignedDuration::from_mins(1);
        self.writes(kind, by, body, signed);
    }

    /// The next entry, at the same time.
    pub(crate) fn follows(&mut self, kind: &str, by: &str, body: Value) {
        self.writes(kind, by, body, None);
    }

    fn writes(&mut self, kind: &str, by: &str, body: Value, signed: Option<Value>) {
        let head = json!({"v": 1, "index": self.lines.len(), "at": written(self.at),
            "kind": kind, "by": by});
        let mut entry = with(head, body);
        if let Some(signed) = signed {
            entry["signed"] = signed;
        }
        self.lines.push(entry.to_string());
    }

    /// Changes an entry that was written; no signature is made anew.
    pub(crate) fn changes(&mut self, index: usize, change: impl FnOnce(&mut Value)) {
        let mut entry = serde_json::from_str(&self.lines[index]).unwrap();
        change(&mut entry);
        self.lines[index] = entry.to_string();
    }

    /// Takes a field out of the newest entry.
    pub(crate) fn leaves_out(&mut self, name: &str) {
        self.changes(self.last(), |entry| {
            entry.as_object_mut().unwrap().remove(name).unwrap();
        });
    }
}

/// Fields over others; `null` takes one away.
pub(crate) fn with(mut base: Value, over: Value) -> Value {
    let fields = base.as_object_mut().unwrap();
    for (name, value) in over.as_object().unwrap() {
        fields.remove(name);
        if !value.is_null() {
            fields.insert(name.clone(), value.clone());
        }
    }
    base
}

pub(crate) fn written(at: Timestamp) -> String {
    format!("{at:.3}")
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What each verifier says of a ledger: nothing where it is whole, else its complaint.
pub(crate) struct Verdicts {
    pub(crate) glass: Option<String>,
    pub(crate) python: Option<String>,
}

/// Signs the tree over these entries, lays them out, and asks both.
pub(crate) fn verify<L: AsRef<[u8]>>(lines: &[L]) -> Verdicts {
    let folder = tempfile::tempdir().unwrap();
    lay_out(folder.path(), lines);
    Verdicts {
        glass: glass(folder.path()).err(),
        python: python(folder.path()).err(),
    }
}

pub(crate) fn vkey() -> VerifierKey {
    signer().verifier().clone()
}

fn signer() -> Ed25519Signer {
    Ed25519Signer::from_seed(KeyName::parse(ORIGIN).unwrap(), &[7; 32]).unwrap()
}

/// An export and a journal of the same entries in one folder.
pub(crate) fn lay_out<L: AsRef<[u8]>>(folder: &Path, lines: &[L]) {
    let (mut tree, mut text) = (Frontier::new(), Vec::new());
    let first = commit(&head(&tree));
    for line in lines {
        tree.push(Hash::of_leaf(line.as_ref()));
        text.extend_from_slice(line.as_ref());
        text.push(b'\n');
    }
    let note = head(&tree);
    let journal = [first.as_bytes(), &text, commit(&note).as_bytes()].concat();
    fs::create_dir(folder.join("journal")).unwrap();
    let file = folder.join(format!("journal/{:020}.jsonl", 0));
    fs::write(file, journal).unwrap();
    fs::write(folder.join("entries.jsonl"), text).unwrap();
    fs::write(folder.join("checkpoint"), note).unwrap();
}

fn head(tree: &Frontier) -> String {
    let checkpoint = Checkpoint::new(ORIGIN, tree.size(), tree.root()).unwrap();
    let signed = SignedCheckpoint::sign(&checkpoint, &signer()).unwrap();
    signed.note().to_owned()
}

fn commit(note: &str) -> String {
    format!("{}\n", json!({ "commit": note }))
}

fn glass(folder: &Path) -> Result<(), String> {
    let report = breakglass_client::export::verify(folder, vkey());
    report.map(drop).map_err(|error| {
        assert_eq!(error.exit_code(), 86);
        error.to_string()
    })
}

pub(crate) fn python(folder: &Path) -> Result<(), String> {
    let told = Command::new("/usr/bin/python3")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/verify_ledger.py"))
        .arg(folder)
        .arg(vkey().to_string())
        .output()
        .unwrap();
    match told.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8(told.stderr).unwrap().trim().to_owned()),
    }
}
