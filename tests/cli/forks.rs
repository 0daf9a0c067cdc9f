//! A ledger that was swapped for another history, signed by the very same key. Only who has seen
//! the first one can tell: every laptop has.

use std::fs;

use breakglass_tests::Playground;
use breakglass_tests::backup::copied;

/// A night that happened, of which the broker then knows nothing any more.
fn rolled_back() -> Playground {
    let mut playground = Playground::begins();
    playground.opens("the worker floods");
    playground.stops();
    let (data, before) = (playground.data(), playground.path("a backup"));
    copied(&data, &before);
    playground.serves();
    for number in 0..5 {
        let text = format!("what really happened, {number}");
        playground.done("mia", &["incident", "note", &text]);
    }
    playground.stops();
    fs::remove_dir_all(&data).unwrap();
    copied(&before, &data);
    playground.serves();
    playground
}

fn is_found_out(playground: &Playground, words: &[&str]) {
    let said = playground.glass("mia", words);
    assert_eq!(said.code, 86, "{said}");
    assert!(said.err.contains("VERIFICATION FAILED"), "{said}");
    assert!(said.err.contains("rewritten or forked"), "{said}");
    let evidence = playground.contexts().join("contexts/mia/evidence");
    assert!(
        said.err.contains(evidence.to_str().unwrap()),
        "it says where: {said}"
    );
    let saved: Vec<_> = fs::read_dir(&evidence).unwrap().collect();
    let folder = saved[0].as_ref().unwrap().path();
    for file in ["remembered.checkpoint", "received.checkpoint", "README.txt"] {
        assert!(folder.join(file).is_file(), "{file}");
    }
}

#[test]
fn a_ledger_that_lost_its_end_is_found_out() {
    let playground = rolled_back();
    is_found_out(&playground, &["status"]);
    // Again and again: the laptop does not get used to it.
    is_found_out(&playground, &["status"]);
}

#[test]
fn a_ledger_with_another_story_is_found_out() {
    let playground = rolled_back();
    for number in 0..9 {
        let text = format!("what somebody wants to be believed, {number}");
        playground.done("leon", &["incident", "note", &text]);
    }
    is_found_out(&playground, &["incident", "note", "am I the only one?"]);
    let said = playground.glass("mia", &["ledger", "verify"]);
    assert_eq!(said.code, 86, "{said}");
    // Who has seen only the second story cannot know.
    playground.done("leon", &["ledger", "verify"]);
}

#[test]
fn exec_trusts_no_broker_that_contradicts_itself() {
    let playground = rolled_back();
    for number in 0..9 {
        let text = format!("what somebody wants to be believed, {number}");
        playground.done("leon", &["incident", "note", &text]);
    }
    let said = playground.glass(
        "mia",
        &["exec", "deploy-shop", "-m", "why", "--", "echo", "ran"],
    );
    assert_eq!((said.code, said.out.as_str()), (86, ""), "{said}");
}

/// An export is compared with what this laptop has seen, as the broker's answers are.
#[test]
fn a_copy_of_another_history_is_found_out() {
    let playground = rolled_back();
    let copies = playground.path("copies");
    fs::create_dir(&copies).unwrap();
    let export = |name: &str| {
        let folder = copies.join(name).display().to_string();
        playground.done("founder", &["ledger", "export", &folder]);
        folder
    };
    // It ends before what mia has seen: nobody can say which history it is of.
    let short = export("short");
    let said = playground.glass("mia", &["ledger", "verify", "--from", &short]);
    assert_eq!(said.code, 0, "{said}");
    assert!(said.out.contains("could not be compared"), "{said}");
    for number in 0..9 {
        let text = format!("what somebody wants to be believed, {number}");
        playground.done("founder", &["incident", "note", &text]);
    }
    let long = export("long");
    is_found_out(&playground, &["ledger", "verify", "--from", &long]);
    // Who has seen only this history finds it whole, and the same.
    let said = playground.glass("founder", &["ledger", "verify", "--from", &long]);
    assert_eq!(said.code, 0, "{said}");
    assert!(
        said.out.contains("are those this laptop has seen"),
        "{said}"
    );
}
