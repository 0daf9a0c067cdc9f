//! What goes wrong on the laptop itself.

use std::fs;

use breakglass_tests::Playground;

fn invited(playground: &Playground, who: &str) -> String {
    let invited = playground.done("founder", &["-o", "json", "people", "invite", who]);
    invited.json()["enrolment"].as_str().unwrap().to_owned()
}

#[test]
fn a_token_is_not_spent_where_nothing_can_be_written() {
    let playground = Playground::begins();
    let line = invited(&playground, "mia");
    let elsewhere = playground.path("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    fs::write(elsewhere.join("contexts"), "no folder").unwrap();
    let enrols = || {
        let mut glass = playground.glass_command("new", &["enroll", &line]);
        glass.env("GLASS_CONFIG_DIR", &elsewhere);
        breakglass_tests::playground::Process::spawn(glass).finishes()
    };
    let said = enrols();
    assert_eq!(said.code, 1, "{said}");
    assert!(
        said.err.contains("contexts/.new-new"),
        "it says what: {said}"
    );
    fs::remove_file(elsewhere.join("contexts")).unwrap();
    let said = enrols();
    assert_eq!(said.code, 0, "the line still works: {said}");

    let said = playground.glass("again", &["enroll", &line]);
    assert_eq!(said.code, 1, "{said}");
    assert!(said.err.contains("somebody else"), "a warning: {said}");
    let left: Vec<_> = fs::read_dir(playground.contexts().join("contexts"))
        .unwrap()
        .filter(|entry| {
            entry
                .as_ref()
                .unwrap()
                .file_name()
                .to_str()
                .unwrap()
                .contains("again")
        })
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_line_with_the_wrong_port_is_told_apart_from_a_wrong_broker() {
    let playground = Playground::begins();
    let line = invited(&playground, "mia");
    let (grpc, web) = (playground.ports().grpc, playground.ports().web);
    let to_web = line.replace(&format!(":{grpc}#"), &format!(":{web}#"));
    let said = playground.glass("new", &["enroll", &to_web]);
    assert_eq!(said.code, 84, "{said}");
    assert!(said.err.contains("not gRPC; is it the web port?"), "{said}");
    let (pin, rest) = line.split_once('.').unwrap();
    let last = if pin.ends_with('A') { "E" } else { "A" };
    let other = format!("{}{last}.{rest}", &pin[..pin.len() - 1]);
    let said = playground.glass("new", &["enroll", &other]);
    assert_eq!(said.code, 86, "{said}");
    assert!(
        said.err.contains("not the broker this line is for"),
        "{said}"
    );
    assert!(
        !said.err.contains("enrolled with"),
        "it is with none yet: {said}"
    );
    playground.done("new", &["enroll", &line]);
}

#[test]
fn a_refused_export_leaves_nothing() {
    let playground = Playground::begins();
    let copy = playground.path("a copy");
    let words = ["ledger", "export", copy.to_str().unwrap()];
    let said = playground.glass("support", &words);
    assert_eq!(said.code, 82, "{said}");
    assert!(!copy.exists());
    playground.done("founder", &words);
    let said = playground.glass("founder", &words);
    assert_eq!(said.code, 2, "it is not written over: {said}");
    assert!(copy.join("checkpoint").exists());
}

#[test]
fn an_answer_that_cannot_be_written_is_a_failure() {
    let playground = Playground::begins();
    for words in [&["status"][..], &["-o", "json", "whoami"], &["--help"]] {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let mut glass = playground.glass_command("mia", words);
        glass.stdout(full).stderr(std::process::Stdio::piped());
        let said = glass.output().unwrap();
        let err = String::from_utf8(said.stderr).unwrap();
        assert_eq!(said.status.code(), Some(1), "{words:?}: {err}");
        if words != ["--help"] {
            assert!(err.contains("cannot write the answer"), "{words:?}: {err}");
        }
    }
}
