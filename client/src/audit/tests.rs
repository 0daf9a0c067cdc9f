//! A night of two engineers, told as a ledger, and every way to tamper with it.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use breakglass_proto::statement::{Act, Statement};
use breakglass_tlog::{Checkpoint, Ed25519Signer, KeyName, NoteSigner as _};
use serde_json::{Value, json};

use super::*;
use crate::key::{PrivateKey, random};

const ORIGIN: &str = "glass.example/ledger";

/// Writes entries as the broker would, and signs the tree over them.
struct Night {
    lines: Vec<Value>,
    mia: PrivateKey,
    leon: PrivateKey,
}

impl Night {
    fn begin() -> Self {
        let keys = (
            PrivateKey::generate().unwrap(),
            PrivateKey::generate().unwrap(),
        );
        let mut night = Self {
            lines: Vec::new(),
            mia: keys.0,
            leon: keys.1,
        };
        night.add(
            "broker.started",
            "breakglass",
            json!({"version": "0.1.0"}),
            None,
        );
        night.enrol("mia");
        night.enrol("leon");
        night
    }

    /// The whole night: an incident, a request, its approval, use, and the closing.
    fn whole() -> Self {
        let mut night = Self::begin();
        night.opens("INC-1");
        night.asks("G-1");
        night.does("leon", approval(), "grant.started", grant("approved"));
        let issued =
            json!({"grant": "G-1", "person": "mia", "expires_at": "2026-11-23T03:20:00.000Z"});
        night.add("credential.issued", "mia", issued, None);
        night.closes();
        night
    }

    fn opens(&mut self, incident: &str) {
        let act = Act::OpenIncident {
            severity: "sev2".into(),
            title: "flood".into(),
        };
        let body = json!({"incident": incident, "severity": "sev2", "title": "flood"});
        self.does("mia", act, "incident.opened", body);
    }

    fn asks(&mut self, id: &str) {
        let body = json!({
            "grant": id, "person": "mia", "right": "deploy-shop", "incident": "INC-1",
            "sentence": "deploy the shop app", "reason": "revert", "length_ms": 900_000,
            "approvers": ["leon"], "held": true,
        });
        self.does("mia", request(), "grant.requested", body);
    }

    /// One act, two entries: the statement stands on the first.
    fn closes(&mut self) {
        let act = Act::CloseIncident {
            incident: "INC-1".into(),
            reason: "reverted".into(),
        };
        let ended = json!({"grant": "G-1", "person": "mia", "incident": "INC-1",
            "ending": "incident-closed", "reason": "reverted"});
        self.does("leon", act, "grant.ended", ended);
        let body = json!({"incident": "INC-1", "reason": "reverted"});
        self.add("incident.closed", "leon", body, None);
        let last = self.lines.len() - 1;
        self.lines[last]["at"] = self.lines[last - 1]["at"].clone();
    }

    fn key(&self, person: &str) -> &PrivateKey {
        if person == "mia" {
            &self.mia
        } else {
            &self.leon
        }
    }

    fn enrol(&mut self, person: &str) {
        let (key, public) = (
            self.key(person).id(),
            self.key(person).public_key().to_vec(),
        );
        let act = Act::Enroll {
            token_sha256: "00".into(),
            key: key.clone(),
            device: "laptop".into(),
        };
        let signed = self.sign(person, "", "", act);
        let body = json!({"person": person, "token": "00", "key": key,
            "public": STANDARD.encode(public), "device": "laptop"});
        self.add("person.enrolled", person, body, Some(signed));
    }

    fn does(&mut self, person: &str, act: Act, kind: &str, body: Value) {
        let signed = self.sign(person, person, ORIGIN, act);
        self.add(kind, person, body, Some(signed));
    }

    fn sign(&self, person: &str, by: &str, origin: &str, act: Act) -> Value {
        let at = "2026-11-23T03:05:00Z".parse().unwrap();
        let nonce = random().unwrap();
        let statement = Statement {
            origin: origin.into(),
            by: by.into(),
            at,
            act,
            nonce,
        };
        let signed = self.key(person).sign(&statement).unwrap();
        json!({
            "text": signed.text,
            "key": self.key(person).id(),
            "signature": STANDARD.encode(signed.signature),
        })
    }

    fn add(&mut self, kind: &str, by: &str, body: Value, signed: Option<Value>) {
        let index = self.lines.len();
        let at = format!("2026-11-23T03:{index:02}:00.000Z");
        let mut entry = json!({"v": 1, "index": index, "at": at, "kind": kind, "by": by});
        let fields = entry.as_object_mut().unwrap();
        fields.extend(body.as_object().unwrap().clone());
        fields.extend(signed.map(|signed| ("signed".to_owned(), signed)));
        self.lines.push(entry);
    }

    fn bytes(&self) -> Vec<Vec<u8>> {
        self.lines
            .iter()
            .map(|line| serde_json::to_vec(line).unwrap())
            .collect()
    }

    fn audit(&self) -> Result<Report, Error> {
        let lines = self.bytes();
        audit(&lines, &head(&lines))
    }

    /// What the audit says of it, as a thief would have to hear it: the tree is signed anew.
    fn complaint(&self) -> String {
        let error = self.audit().unwrap_err();
        assert_eq!(error.exit_code(), 86);
        error.to_string()
    }

    fn unsigned(mut self, index: usize) -> Self {
        self.lines[index].as_object_mut().unwrap().remove("signed");
        self
    }

    fn with(mut self, index: usize, field: &str, value: Value) -> Self {
        self.lines[index][field] = value;
        self
    }
}

fn grant(basis: &str) -> Value {
    json!({"grant": "G-1", "person": "mia", "right": "deploy-shop", "incident": "INC-1",
        "basis": basis, "ends_at": "2026-11-23T03:30:00.000Z"})
}

fn request() -> Act {
    Act::Request {
        right: "deploy-shop".into(),
        sentence: "deploy the shop app".into(),
        incident: "INC-1".into(),
        reason: "revert".into(),
        length: jiff::SignedDuration::from_mins(15),
        held: true,
    }
}

fn approval() -> Act {
    Act::Approve {
        grant: "G-1".into(),
        incident: "INC-1".into(),
        requester: "mia".into(),
        right: "deploy-shop".into(),
        sentence: "deploy the shop app".into(),
        until: "2026-11-23T03:30:00Z".parse().unwrap(),
    }
}

fn signer() -> Ed25519Signer {
    Ed25519Signer::from_seed(KeyName::parse(ORIGIN).unwrap(), &[9; 32]).unwrap()
}

fn head(lines: &[Vec<u8>]) -> String {
    let mut tree = Frontier::new();
    lines.iter().for_each(|line| tree.push(Hash::of_leaf(line)));
    let checkpoint = Checkpoint::new(ORIGIN, tree.size(), tree.root()).unwrap();
    SignedCheckpoint::sign(&checkpoint, &signer())
        .unwrap()
        .note()
        .to_owned()
}

fn audit(lines: &[Vec<u8>], checkpoint: &str) -> Result<Report, Error> {
    let mut auditor = Auditor::new(signer().verifier().clone());
    lines.iter().try_for_each(|line| auditor.check(line))?;
    auditor.finish(checkpoint)
}

#[test]
fn an_honest_night_is_whole() {
    let report = Night::whole().audit().unwrap();
    assert_eq!((report.entries, report.statements, report.keys), (9, 6, 2));
    assert_eq!((report.requested, report.ended), (1, 1));
    assert_eq!(report.open, Vec::<String>::new());
    assert_eq!(report.first_at.as_deref(), Some("2026-11-23T03:00:00.000Z"));
}

#[test]
fn a_changed_missing_or_added_line_breaks_the_root() {
    let lines = Night::whole().bytes();
    let checkpoint = head(&lines);
    let changed: Vec<_> = lines
        .iter()
        .map(|line| {
            String::from_utf8_lossy(line)
                .replace("0.1.0", "0.1.1")
                .into_bytes()
        })
        .collect();
    let says = |lines: &[Vec<u8>]| audit(lines, &checkpoint).unwrap_err().to_string();
    assert!(says(&changed).contains("at least one was changed"));
    assert!(says(&lines[..8]).contains("signs 9 entries, and there are 8"));
    let mut gap = lines.clone();
    gap.remove(3);
    assert!(says(&gap).starts_with("entry 3: it calls itself entry 4"));
}

#[test]
fn a_checkpoint_by_another_key_is_refused() {
    let lines = Night::whole().bytes();
    let other = Ed25519Signer::from_seed(KeyName::parse(ORIGIN).unwrap(), &[1; 32]).unwrap();
    let mut auditor = Auditor::new(other.verifier().clone());
    lines
        .iter()
        .try_for_each(|line| auditor.check(line))
        .unwrap();
    let error = auditor.finish(&head(&lines)).unwrap_err().to_string();
    assert!(error.contains("does not verify"), "{error}");
}

/// Even who holds the ledger's key cannot put words into somebody's mouth.
#[test]
fn a_broker_cannot_invent_an_approval() {
    let says = |night: Night, what: &str| {
        let complaint = night.complaint();
        assert!(complaint.contains(what), "{what}: {complaint}");
    };
    let whole = Night::whole;
    says(
        whole().unsigned(5),
        "grant.started by leon bears no statement of theirs",
    );
    let by_nobody = whole().unsigned(5).with(5, "by", json!("breakglass"));
    says(by_nobody, "bears no statement");
    says(
        whole().unsigned(5).with(5, "basis", json!("fast-path")),
        "bears no statement",
    );
    says(
        whole().with(4, "right", json!("migrate-shop-db")),
        "`right: deploy-shop` was signed",
    );
    says(
        whole().with(4, "length_ms", json!(901_000)),
        "`length_ms` was signed as 900000",
    );
    says(
        whole().with(5, "person", json!("leon")),
        "`person: mia` was signed, and leon recorded",
    );
    says(
        whole().with(5, "by", json!("mia")),
        "mia acts with the key of leon",
    );
    says(
        whole().with(4, "approvers", json!(["founder"])),
        "leon approved G-1 and is not among",
    );
    let later = json!("2026-11-23T03:30:00.001Z");
    says(
        whole().with(5, "ends_at", later),
        "yes was said until 2026-11-23T03:30:00Z",
    );

    let mut other_words = whole();
    let text = other_words.lines[5]["signed"]["text"].as_str().unwrap();
    other_words.lines[5]["signed"]["text"] = json!(text.replace("until: 2026", "until: 2027"));
    says(other_words, "the signature of leon does not verify");
}

#[test]
fn a_statement_counts_once_for_one_ledger_and_one_kind() {
    let mut twice = Night::whole();
    let signed = twice.lines[3]["signed"].clone();
    let body = json!({"incident": "INC-2", "severity": "sev2", "title": "flood"});
    twice.add("incident.opened", "mia", body, Some(signed));
    assert!(twice.complaint().contains("was used before"));

    let mut elsewhere = Night::begin();
    let act = Act::OpenIncident {
        severity: "sev2".into(),
        title: "flood".into(),
    };
    let signed = elsewhere.sign("mia", "mia", "other.example/ledger", act);
    elsewhere.add(
        "incident.opened",
        "mia",
        json!({"incident": "INC-1"}),
        Some(signed),
    );
    assert!(
        elsewhere
            .complaint()
            .contains("meant for the ledger `other.example/ledger`")
    );

    let other_kind = Night::whole().with(5, "kind", json!("grant.extended"));
    assert!(
        other_kind
            .complaint()
            .contains("`approve` was signed, grant.extended recorded")
    );

    let mut stranger = Night::whole();
    stranger.lines[3]["signed"]["key"] = json!("nobody");
    assert!(
        stranger
            .complaint()
            .contains("is not enrolled at this place")
    );

    let mut repeated = Night::whole();
    repeated.lines[3]["signed"]["nonce"] = json!("AAAAAAAAAAAAAAAAAAAAAA");
    assert!(repeated.complaint().contains("nonce is repeated wrongly"));
}

#[test]
fn a_closing_covers_what_it_ends_and_nothing_else() {
    let later = Night::whole().with(8, "at", json!("2026-11-23T03:09:00.000Z"));
    assert!(
        later
            .complaint()
            .contains("incident.closed by leon bears no statement")
    );
    let other = Night::whole().with(8, "reason", json!("whatever"));
    assert!(other.complaint().contains("`reason: reverted` was signed"));
    let mut left_over = Night::begin();
    left_over.opens("INC-1");
    left_over.asks("G-1");
    let act = Act::CloseIncident {
        incident: "INC-1".into(),
        reason: "done".into(),
    };
    let body = json!({"incident": "INC-1", "reason": "done"});
    left_over.does("leon", act, "incident.closed", body);
    assert!(
        left_over
            .complaint()
            .contains("INC-1 is closed, and G-1 under it lives on")
    );
}

#[test]
fn a_grant_lives_once_under_an_open_incident() {
    let mut ends_twice = Night::whole();
    let again = json!({"grant": "G-1", "person": "mia", "ending": "expired"});
    ends_twice.add("grant.ended", "breakglass", again, None);
    assert!(ends_twice.complaint().contains("G-1 has ended before"));

    let mut lives_again = Night::whole();
    lives_again.add("credential.issued", "mia", json!({"grant": "G-1"}), None);
    assert!(
        lives_again
            .complaint()
            .contains("G-1 has ended before: credential.issued")
    );

    let mut unasked = Night::begin();
    unasked.add("credential.issued", "mia", json!({"grant": "G-9"}), None);
    assert!(unasked.complaint().contains("G-9 was never asked for"));

    let mut too_early = Night::begin();
    too_early.opens("INC-1");
    too_early.asks("G-1");
    too_early.add("credential.issued", "mia", json!({"grant": "G-1"}), None);
    assert!(
        too_early
            .complaint()
            .contains("credential.issued of G-1, which waits")
    );

    let too_long = Night::whole().with(6, "expires_at", json!("2026-11-23T04:00:00.000Z"));
    assert!(too_long.complaint().contains("after its grant"));

    let mut no_incident = Night::begin();
    no_incident.asks("G-1");
    assert!(
        no_incident
            .complaint()
            .contains("under INC-1, which is not open")
    );

    let mut own_yes = Night::begin();
    own_yes.opens("INC-1");
    own_yes.asks("G-1");
    own_yes.does("mia", approval(), "grant.started", grant("approved"));
    assert!(
        own_yes
            .complaint()
            .contains("mia approved their own request G-1")
    );
}

#[test]
fn the_fast_path_needs_a_request_and_a_right_without_approvers() {
    let mut night = Night::begin();
    night.opens("INC-1");
    night.asks("G-1");
    night.lines[4]["approvers"] = json!([]);
    night.add("grant.started", "breakglass", grant("fast-path"), None);
    night.lines[5]["at"] = night.lines[4]["at"].clone();
    assert_eq!(night.audit().unwrap().open, ["G-1"]);
    let needs_a_yes = night.with(4, "approvers", json!(["leon"]));
    assert!(
        needs_a_yes
            .complaint()
            .contains("began without a yes, and needed one")
    );
}

#[test]
fn another_grants_credential_within_the_same_millisecond_is_no_lie() {
    let mut night = Night::begin();
    night.opens("INC-1");
    night.asks("G-1");
    night.does("leon", approval(), "grant.started", grant("approved"));
    let act = match request() {
        Act::Request {
            incident,
            reason,
            length,
            held,
            ..
        } => Act::Request {
            right: "restart-worker".into(),
            sentence: "restart the worker".into(),
            incident,
            reason,
            length,
            held,
        },
        other => other,
    };
    let body = json!({
        "grant": "G-2", "person": "mia", "right": "restart-worker", "incident": "INC-1",
        "sentence": "restart the worker", "reason": "revert", "length_ms": 900_000,
        "approvers": ["leon"], "held": true,
    });
    night.does("mia", act, "grant.requested", body);
    let issued = json!({"grant": "G-1", "person": "mia", "right": "deploy-shop",
        "incident": "INC-1", "expires_at": "2026-11-23T03:20:00.000Z"});
    night.add("credential.issued", "mia", issued, None);
    night.lines[7]["at"] = night.lines[6]["at"].clone();
    assert_eq!(night.audit().unwrap().open, ["G-1", "G-2"]);
}

#[test]
fn what_still_lives_and_what_was_self_granted_is_reported() {
    let mut night = Night::begin();
    night.opens("INC-1");
    night.asks("G-1");
    let act = Act::SelfGrant {
        grant: "G-1".into(),
        incident: "INC-1".into(),
        right: "deploy-shop".into(),
        sentence: "deploy the shop app".into(),
    };
    night.does("mia", act, "grant.started", grant("self-granted"));
    night.add("moon.landed", "mia", json!({}), None);
    let report = night.audit().unwrap();
    assert_eq!(report.open, ["G-1"]);
    assert_eq!(report.self_granted, ["G-1"]);
    assert_eq!(report.not_understood, 1);
}

#[test]
fn a_removed_person_signs_nothing_more() {
    let mut night = Night::begin();
    let act = Act::RemovePerson {
        person: "mia".into(),
        reason: "left".into(),
    };
    night.does(
        "leon",
        act,
        "person.removed",
        json!({"person": "mia", "reason": "left"}),
    );
    night.opens("INC-1");
    assert!(night.complaint().contains("is not enrolled at this place"));
}

#[test]
fn time_never_goes_back() {
    let night = Night::whole().with(6, "at", json!("2026-11-23T03:01:00.000Z"));
    assert!(night.complaint().starts_with("entry 6: its time"));
}

#[test]
fn an_enrolment_binds_its_key() {
    let other_key = Night::begin().with(1, "public", json!(STANDARD.encode([4; 65])));
    assert!(other_key.complaint().contains("not the one its id names"));
}

#[test]
fn an_export_is_checked_as_it_lies_there() {
    let lines = Night::whole().bytes();
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("export");
    let key = signer().verifier().clone();
    let mut writer = crate::export::Writer::begin(&place, &key).unwrap();
    lines.iter().for_each(|line| writer.entry(line).unwrap());
    let report = writer.finish(&head(&lines)).unwrap();

    assert_eq!(crate::export::verify(&place, key.clone()).unwrap(), report);
    assert_eq!(
        crate::export::key_beside(&place).unwrap(),
        Some(key.clone())
    );
    assert!(
        crate::export::Writer::begin(&place, &key).is_err(),
        "it is never mixed"
    );

    let path = place.join("entries.jsonl");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("\"flood\"", "\"drill\"")).unwrap();
    assert_eq!(
        crate::export::verify(&place, key.clone())
            .unwrap_err()
            .exit_code(),
        86
    );
    std::fs::write(&path, text.trim_end()).unwrap();
    let cut = crate::export::verify(&place, key.clone())
        .unwrap_err()
        .to_string();
    assert!(cut.contains("cut short"), "{cut}");
    std::fs::remove_file(place.join("checkpoint")).unwrap();
    let half = crate::export::verify(&place, key).unwrap_err().to_string();
    assert!(half.contains("not a whole export"), "{half}");
}
