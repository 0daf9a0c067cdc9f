//! What is shown of witnesses, and what is not given without them.

use breakglass_client::{export, witnessed::Cosigner};
use breakglass_tlog::{CosignatureSigner, Frontier, Hash, KeyName, VerifierKey};
use serde_json::{Value, json};

use crate::forgery::{each_is_found, forgeries};
use crate::night::{Night, POLICY};
use crate::verifiers::{self, head, lay_out, signer, verify, vkey};

/// What goes into the policy in place of the line it begins with: two of three witnesses.
pub(crate) const WITNESSED: &str = "grace = \"5m\"
[witnesses]
need = 2
[witnesses.keys]
otto = \"w1.example/ledger+7b9f571f+BP0XJDhaoMdbZPt4zWAvodmR/ev3axPFjtcC6sg16fYY\"
nina = \"w2.example/ledger+63f91c0a+BEOnLnFEAXYt9mtowm373yaCquyfJHTspGE+QkoPuv08\"
paul = \"w3.example/ledger+d10d59e0+BGa+fjMsekUzMr2dCn99sFX1xe8aBq2mbZizn7aBDEc6\"
";

/// Witnesses by their number in the policy above.
pub(crate) fn witness(number: u8) -> CosignatureSigner {
    let name = KeyName::parse(&format!("w{number}.example/ledger")).unwrap();
    CosignatureSigner::from_seed(name, &[8 + number; 32]).unwrap()
}

/// A checkpoint over these entries, signed by the ledger and by these.
pub(crate) fn signed<L: AsRef<[u8]>>(lines: &[L], by: &[u8]) -> (u64, String) {
    let mut tree = Frontier::new();
    for line in lines {
        tree.push(Hash::of_leaf(line.as_ref()));
    }
    let note = head(&tree);
    let text = format!("{}\n", note.rsplit_once("\n\n").unwrap().0);
    let lines = by.iter().map(|number| {
        let line = witness(*number).cosign(&text, 1_795_402_200).unwrap();
        format!("{line}\n")
    });
    (tree.size(), format!("{note}{}", lines.collect::<String>()))
}

impl Night {
    /// The policy asks two of three; deploying is refused without them, or marked.
    fn asks_witnesses(&mut self, without: &str) {
        let right = "[rights.drop-db]\n";
        let text = POLICY.replace("grace = \"5m\"\n", WITNESSED);
        let says = format!("{right}without_witnesses = \"{without}\"\n");
        self.loads(&text.replace(right, &says));
    }

    /// So many of the newest entries are not signed yet.
    fn shows(&mut self, back: usize, by: &[u8]) {
        let upto = self.lines.len() - back;
        let (size, checkpoint) = signed(&self.lines[..upto], by);
        let body = json!({"size": size, "checkpoint": checkpoint});
        self.by_broker("ledger.witnessed", body);
    }

    fn loses_witnesses(&mut self) {
        self.by_broker("ledger.unwitnessed", json!({"witnessed": 0}));
    }

    /// A credential that needs them.
    fn issues_needing(&mut self) -> Value {
        self.asks_witnesses("refuse");
        let of = self.approved("G-1");
        self.issues_but("mia", &of, json!({"witnesses": "needed"}));
        of
    }

    fn used(&mut self, of: &Value) {
        let mut body = of.clone();
        body["program"] = json!("psql");
        self.adds("grant.used", "mia", body, None);
    }
}

#[test]
fn the_keys_of_the_policy_are_those_of_the_witnesses() {
    for number in [1, 2, 3] {
        let vkey = witness(number).verifier().to_string();
        assert!(WITNESSED.contains(&vkey), "{vkey}");
    }
}

#[test]
fn what_needs_witnesses_is_used_when_they_have_signed() {
    let mut night = Night::begins();
    let of = night.issues_needing();
    night.shows(0, &[1, 3]);
    night.used(&of);
    night.loses_witnesses();
    night.shows(1, &[1, 2, 3]);
    let verdicts = verify(&night.lines);
    assert_eq!((verdicts.glass, verdicts.python), (None, None));
}

#[test]
fn what_is_given_without_them_is_marked_and_told() {
    let mut night = Night::begins();
    night.asks_witnesses("mark");
    let of = night.approved("G-1");
    night.loses_witnesses();
    night.issues_but("mia", &of, json!({"witnesses": "missing"}));
    night.used(&of);
    let verdicts = verify(&night.lines);
    assert_eq!((verdicts.glass, verdicts.python), (None, None));
    let folder = tempfile::tempdir().unwrap();
    lay_out(folder.path(), &night.lines);
    let report = export::verify(folder.path(), vkey(), 0).unwrap().report;
    assert_eq!(report.unwitnessed, ["G-1.1"]);
}

#[test]
fn nothing_pretends_that_witnesses_have_signed() {
    each_is_found(forgeries! {
        "fewer than the policy asks for", |night| {
            night.asks_witnesses("mark");
            night.shows(0, &[2]);
        } => "1 of the witnesses have signed it, and 2 are needed", "1 witnesses have signed, and 2 are needed";
        "one of them twice", |night| {
            night.asks_witnesses("mark");
            night.shows(0, &[2, 2]);
        } => "1 of the witnesses have signed it", "1 witnesses have signed";
        "strangers", |night| {
            night.asks_witnesses("mark");
            night.shows(0, &[4, 5]);
        } => "0 of the witnesses have signed it", "0 witnesses have signed";
        "another time than they signed", |night| {
            night.asks_witnesses("mark");
            night.shows(0, &[1, 2]);
            night.changes(night.last(), |entry| {
                let note = entry["checkpoint"].as_str().unwrap();
                let (note, stamp) = (note.replace("AAABrA6nY", "AAABrA6nZ"), note.contains("rA6nY"));
                assert!(stamp, "the time is where it was");
                entry["checkpoint"] = json!(note);
            });
        } => "is wrong", "does not verify";
        "a history that they have not seen", |night| {
            night.asks_witnesses("mark");
            let (size, checkpoint) = signed(&["another"].repeat(night.lines.len()), &[1, 2]);
            night.by_broker("ledger.witnessed", json!({"size": size, "checkpoint": checkpoint}));
        } => "witnesses have signed another history", "witnesses have signed another history";
        "a size of its own", |night| {
            night.asks_witnesses("mark");
            night.shows(1, &[1, 2]);
            let size = night.lines.len() - 1;
            night.changes(night.last(), |entry| entry["size"] = json!(size));
        } => "it says another size than its checkpoint", "it says another size than its checkpoint";
        "less than they had signed before", |night| {
            night.asks_witnesses("mark");
            night.shows(0, &[1, 2]);
            night.shows(2, &[1, 2]);
        } => "entries were signed before", "entries were signed before";
        "witnesses that nobody asks", |night| {
            night.shows(0, &[1, 2]);
        } => "the policy in force asks no witnesses", "the policy in force asks no witnesses";
        "that some were lost that nobody asked", |night| {
            night.loses_witnesses();
        } => "nobody is asked to sign", "nobody is asked to sign";
        "that they were lost, twice", |night| {
            night.asks_witnesses("mark");
            night.loses_witnesses();
            night.loses_witnesses();
        } => "or too few did already", "or too few did already";
        "a person's word for it", |night| {
            night.asks_witnesses("mark");
            night.shows(0, &[1, 2]);
            night.changes(night.last(), |entry| entry["by"] = json!("mia"));
        } => "no ledger.witnessed is ever by mia", "no ledger.witnessed is ever by mia";
    });
}

#[test]
fn nothing_is_given_without_those_it_needs() {
    each_is_found(forgeries! {
        "a use before they signed", |night| {
            let of = night.issues_needing();
            night.used(&of);
        } => "G-1.1 needs witnesses, and it is used before", "G-1.1 is used before enough witnesses";
        "a use when they had signed what was before it", |night| {
            let of = night.issues_needing();
            night.shows(1, &[1, 2]);
            night.used(&of);
        } => "G-1.1 needs witnesses, and it is used before", "G-1.1 is used before enough witnesses";
        "a role before they signed", |night| {
            night.asks_witnesses("refuse");
            let of = night.approved("G-1");
            let subject = json!({"target": "shop-db", "role": "breakglass_g1_1", "member_of": "shop_owner"});
            night.issues_but("mia", &of, json!({"credential_kind": "postgres", "subject": subject, "witnesses": "needed"}));
            let mut role = of.clone();
            role["target"] = json!("shop-db");
            role["role"] = json!("breakglass_g1_1");
            night.by_broker("role.created", role);
        } => "G-1.1 needs witnesses, and it is used before", "G-1.1 is used before enough witnesses";
        "a credential that does not say that it needs them", |night| {
            night.asks_witnesses("refuse");
            let of = night.approved("G-1");
            night.issues(&of);
        } => "`witnesses: nothing`, and here it is needed", "`witnesses: None`, and here it is needed";
        "one that says so without a reason", |night| {
            night.asks_witnesses("mark");
            let of = night.approved("G-1");
            night.issues_but("mia", &of, json!({"witnesses": "needed"}));
        } => "`witnesses: needed`, and here it is nothing", "`witnesses: needed`, and here it is None";
        "one that needs them while they are lost", |night| {
            night.asks_witnesses("refuse");
            let of = night.approved("G-1");
            night.loses_witnesses();
            night.issues_but("mia", &of, json!({"witnesses": "needed"}));
        } => "it needs witnesses, and too few of them sign", "it needs witnesses, and too few of them sign";
        "one that is not marked while they are lost", |night| {
            night.asks_witnesses("mark");
            let of = night.approved("G-1");
            night.loses_witnesses();
            night.issues(&of);
        } => "`witnesses: nothing`, and here it is missing", "`witnesses: None`, and here it is missing";
        "one that is marked when all is well", |night| {
            night.asks_witnesses("mark");
            let of = night.approved("G-1");
            night.issues_but("mia", &of, json!({"witnesses": "missing"}));
        } => "`witnesses: missing`, and here it is nothing", "`witnesses: missing`, and here it is None";
    });
}

#[test]
fn an_export_says_who_has_signed_it_and_a_witness_can_be_demanded() {
    let mut night = Night::begins();
    night.asks_witnesses("mark");
    let folder = tempfile::tempdir().unwrap();
    lay_out(folder.path(), &night.lines);
    let keys: Vec<VerifierKey> = [1, 2, 4].map(|it| witness(it).verifier().clone()).into();
    let found =
        |demanded: &[VerifierKey]| export::verify_demanding(folder.path(), vkey(), 0, demanded);
    assert_eq!(found(&[]).unwrap().witnesses, []);
    let missing = found(&keys[..1]).unwrap_err();
    assert!(
        missing
            .to_string()
            .contains("w1.example/ledger has not signed it")
    );

    // Not the newest that is there, and by one that the policy does not name.
    let upto = night.lines.len() - 2;
    let (size, note) = signed(&night.lines[..upto], &[1, 4]);
    std::fs::write(folder.path().join("witnessed"), &note).unwrap();
    let names = |found: Vec<Cosigner>| -> Vec<(String, u64)> {
        found.into_iter().map(|it| (it.name, it.size)).collect()
    };
    let otto = ("w1.example/ledger".to_owned(), size);
    assert_eq!(
        names(found(&[]).unwrap().witnesses),
        std::slice::from_ref(&otto)
    );
    let four = ("w4.example/ledger".to_owned(), size);
    let demanded = [keys[2].clone(), keys[0].clone()];
    assert_eq!(names(found(&demanded).unwrap().witnesses), [four, otto]);
    assert!(found(&keys[1..2]).is_err());
    let python = |demanded: &[VerifierKey]| verifiers::python_demanding(folder.path(), demanded);
    let told = python(&demanded).unwrap();
    assert!(
        told.contains(&format!("cosigned by w4.example/ledger at {size}")),
        "{told}"
    );
    assert!(
        python(&keys[1..2])
            .unwrap_err()
            .contains("w2.example/ledger has not signed it")
    );
    assert_eq!(
        found(&[signer_key()]).unwrap_err().exit_code(),
        2,
        "no witness at all"
    );

    // What they signed is no part of this ledger.
    let (_, other) = signed(&["another"].repeat(upto), &[1]);
    std::fs::write(folder.path().join("witnessed"), other).unwrap();
    assert!(
        found(&[])
            .unwrap_err()
            .to_string()
            .contains("another history")
    );
    assert!(python(&[]).unwrap_err().contains("another tree"));
}

fn signer_key() -> VerifierKey {
    use breakglass_tlog::NoteSigner as _;
    signer().verifier().clone()
}
