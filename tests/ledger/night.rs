//! A ledger written by hand, entry by entry, as somebody could who holds its key.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use breakglass_client::key::{PrivateKey, random};
use breakglass_proto::statement::{Act, Seen, Statement};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

pub(crate) const ORIGIN: &str = "glass.example/ledger";

/// Two engineers, who restart alone, touch the database on each other's word, and the keys and the vault
/// after a call; one who looks, and whose yes counts for a backup when theirs does not come; and one who
/// has no laptop yet, and the same job.
pub(crate) const POLICY: &str = r#"
version = 1
[people.dan]
name = "Dan"
job = 'designer'
[people.mia]
name = "Mia"
job = "engineer"
[people.leon]
name = "Leon"
job = "engineer"
[people.eve]
name = "Eve"
job = "designer"
[targets.web-1]
kind = "ssh"
address = "web-1.example"
[targets.shop-db]
kind = "postgres"
address = "db.example"
database = "shop"
ca = '''
-----BEGIN CERTIFICATE-----
AAAA
-----END CERTIFICATE-----
'''
[rights.restart]
sentence = "restart the shop"
risk = "low"
longest = "15m"
audience = "https://worker.example"
[rights.restart.ssh]
targets = ["web-1"]
principals = ["deploy"]
extensions = ["permit-pty", "permit-agent-forwarding"]
[rights.drop-db]
sentence = "drop the database"
risk = "high"
longest = "30m"
audience = "https://db.example"
[rights.drop-db.postgres]
target = "shop-db"
way = "role"
role = "shop_owner"
[rights.read-secrets]
sentence = "read the secrets"
risk = "high"
longest = "30m"
audience = "https://vault.example"
[rights.rotate-keys]
sentence = "rotate the keys"
risk = "high"
longest = "30m"
audience = "https://vault.example"
[rights.open-vault]
sentence = "open the vault"
risk = "high"
longest = "30m"
audience = "https://vault.example"
[rights.restore]
sentence = "restore the backup"
risk = "high"
longest = "30m"
audience = "https://backup.example"
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
[[rules]]
name = "keys"
who = ["job:engineer"]
rights = ["rotate-keys"]
approvers = []
call = ["job:engineer"]
[[rules]]
name = "vault"
who = ["job:engineer"]
rights = ["open-vault"]
approvers = ["job:engineer"]
call = ["job:engineer"]
[[rules]]
name = "backups"
who = ["job:engineer"]
rights = ["restore"]
approvers = ["job:engineer"]
lapses_after = "1h"
if_nobody_answers = "self-grant"
self_grant_after = "10m"
self_grant_longest = "10m"
escalate_after = "5m"
then_approvers = ["job:designer"]
[duties]
open_incidents = ["job:engineer"]
close_incidents = ["job:engineer"]
revoke = ["job:engineer"]
freeze = ["job:engineer"]
invite = ["job:engineer"]
export_ledger = ["job:engineer"]
[sources.pager]
kind = "webhook"
severity = { page = "sev1", ticket = "sev3" }
grace = "5m"
[drills]
rights = ["restart", "drop-db"]
[drills.budgets]
approve = "2m"
"#;

/// Entries a minute apart, and the keys of those who sign.
pub(crate) struct Night {
    pub(crate) lines: Vec<String>,
    keys: BTreeMap<String, PrivateKey>,
    pub(crate) at: Timestamp,
    pub(crate) tokens: u32,
    /// What the laptop of whoever signs next has seen.
    pub(crate) seen: Option<Seen>,
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
            seen: None,
        };
        night.by_broker("broker.started", json!({"version": "0.1.0", "rules": 2}));
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
            seen: self.seen.clone(),
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
