//! Witnesses.

use super::super::{STARTER, WithoutWitnesses};
use super::{parsed, refused};

const OTTO: &str = "w.example/otto+73b0cf55+BP0XJDhaoMdbZPt4zWAvodmR/ev3axPFjtcC6sg16fYY";
const NINA: &str = "w.example/nina+00000000+BPUXJDhaoMdbZPt4zWAvodmR/ev3axPFjtcC6sg16fYY";

fn starter(witnesses: &str) -> String {
    format!("{STARTER}\n{witnesses}")
}

fn two(need: &str) -> String {
    starter(&format!(
        "[witnesses]\nneed = {need}\n[witnesses.keys]\notto = \"{OTTO}\"\nnina = \"{NINA}\"\n"
    ))
}

#[test]
fn a_policy_says_who_they_are_how_many_and_what_is_given_without_them() {
    let text = two("2").replace(
        "[rights.deploy-shop]\n",
        "[rights.deploy-shop]\nwithout_witnesses = \"refuse\"\n",
    );
    let policy = parsed(&text);
    let asked = policy.witnesses.as_ref().unwrap();
    assert_eq!((asked.need, asked.keys.len()), (2, 2));
    assert_eq!(asked.keys[&"otto".parse().unwrap()].as_str(), OTTO);
    for (id, right) in &policy.rights {
        let refuses = right.without_witnesses == WithoutWitnesses::Refuse;
        assert_eq!(refuses, id.as_str() == "deploy-shop", "{id}");
    }
    assert_eq!(parsed(STARTER).witnesses, None);
}

#[test]
fn what_makes_no_quorum_is_told_with_the_fix() {
    let of = |key: &str| {
        starter(&format!(
            "[witnesses]\nneed = 1\nkeys = {{ otto = \"{key}\" }}\n"
        ))
    };
    let ledger = OTTO.replace("+BP0X", "+AepK");
    let pq = format!("w.example/otto+73b0cf55+B{}", "gAAA".repeat(438));
    for (text, told) in [
        (two("0"), "`need` of `witnesses` is 0"),
        (two("3"), "3 of 2 witnesses are needed"),
        (two("\"2\""), "where a number belongs"),
        (
            two("1").replace(NINA, OTTO),
            "have the same key or the same name",
        ),
        (
            two("1").replace("nina+0", "otto+0"),
            "have the same key or the same name",
        ),
        (of(&ledger), "a key for plain signatures, as a ledger has"),
        (of(&pq[..250]), "ML-DSA-44, which is not verified yet"),
        (
            of(&OTTO.replace("+73b0cf55", "")),
            "not written NAME+ID+KEY",
        ),
        (
            of(&OTTO[..OTTO.len() - 4]),
            "not an Ed25519 key for cosignatures",
        ),
        (of(""), "otto"),
        (starter("[witnesses]\nneed = 1\n"), "has no `keys`"),
        (starter("[witnesses]\nkeys = {}\n"), "has no `need`"),
        (two("1").replace("need", "ned"), "has no field `ned`"),
        (
            STARTER.replace(
                "[rights.deploy-shop]\n",
                "[rights.deploy-shop]\nwithout_witnesses = \"refuse\"\n",
            ),
            "needs witnesses, and the policy names none",
        ),
        (
            two("1").replace(
                "[rights.deploy-shop]\n",
                "[rights.deploy-shop]\nwithout_witnesses = \"refuses\"\n",
            ),
            "did you mean `refuse`",
        ),
    ] {
        let drawn = refused(&text).to_string();
        assert!(drawn.contains(told), "{told}:\n{drawn}");
    }
}
