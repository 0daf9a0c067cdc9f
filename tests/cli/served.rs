//! The ledger as files over HTTPS, as curl sees it: hashes for anybody, entries for people.

use std::fs;
use std::process::Command;

use breakglass_domain::policy::STARTER;
use breakglass_tests::Playground;
use breakglass_tests::playground::Rules;

/// What curl was told: the status, the headers, and how many bytes.
struct Told {
    status: String,
    head: String,
    body: Vec<u8>,
}

/// Asks the web listener, as somebody who is enrolled or as nobody.
fn asks(playground: &Playground, who: Option<&str>, path: &str, words: &[&str]) -> Told {
    let ca = playground.contexts().join("contexts/mia/ca.pem");
    let (head, body) = (playground.path("head"), playground.path("body"));
    let mut curl = playground.command("/usr/bin/curl".into());
    curl.args([
        "--silent",
        "--show-error",
        "--http1.1",
        "--write-out",
        "%{http_code}",
    ]);
    curl.arg("--cacert")
        .arg(ca)
        .arg("--dump-header")
        .arg(&head)
        .arg("--output")
        .arg(&body);
    if let Some(who) = who {
        let laptop = playground.contexts().join("contexts").join(who);
        curl.arg("--cert").arg(laptop.join("certificate.pem"));
        curl.arg("--key").arg(laptop.join("key.pem"));
    }
    let port = playground.ports().web;
    curl.args(words)
        .arg(format!("https://localhost:{port}{path}"));
    let _ = fs::remove_file(&body);
    let said = curl.output().unwrap();
    assert!(
        said.status.success(),
        "{}",
        String::from_utf8_lossy(&said.stderr)
    );
    Told {
        status: String::from_utf8(said.stdout).unwrap(),
        head: fs::read_to_string(head).unwrap().to_ascii_lowercase(),
        body: fs::read(body).unwrap_or_default(),
    }
}

/// The starter policy with an auditor in it.
fn with_auditor() -> String {
    format!("{STARTER}\n[people.auditor]\nname = \"Ada\"\njob = \"auditor\"\n")
}

#[test]
fn hashes_are_for_anybody_and_entries_for_people_of_the_policy() {
    let playground = Playground::with(Rules {
        policy: Some(with_auditor()),
        ..Rules::default()
    });
    let invite = ["-o", "json", "people", "invite", "auditor"];
    let invited = playground.done("founder", &invite).json();
    playground.enrols("auditor", invited["enrolment"].as_str().unwrap());
    playground.opens("the worker floods");
    let size = playground.published();
    let on_disk = |path: &str| fs::read(playground.data().join("ledger").join(path)).unwrap();
    let hashes = format!("tile/0/000.p/{size}");
    let entries = format!("tile/entries/000.p/{size}");

    for path in ["checkpoint", &hashes] {
        let told = asks(&playground, None, &format!("/{path}"), &[]);
        assert_eq!((told.status.as_str(), told.body), ("200", on_disk(path)));
    }
    let path = format!("/{entries}");
    let told = asks(&playground, None, &path, &[]);
    assert_eq!(told.status, "403");
    let text = String::from_utf8(told.body).unwrap();
    assert!(
        text.contains("for people with a client certificate"),
        "{text}"
    );
    assert!(text.contains("next: "), "{text}");
    for who in ["auditor", "designer"] {
        let told = asks(&playground, Some(who), &path, &[]);
        assert_eq!(
            (told.status.as_str(), told.body),
            ("200", on_disk(&entries)),
            "{who}"
        );
        assert!(
            told.head.contains("cache-control: private"),
            "{}",
            told.head
        );
    }
    // An auditor may look, and do nothing.
    let said = playground.glass("auditor", &["request", "deploy-shop", "-m", "why"]);
    assert_eq!(said.code, 82, "{said}");
    let mirror = playground.path("a mirror");
    playground.done("auditor", &["ledger", "mirror", mirror.to_str().unwrap()]);

    let told = asks(&playground, Some("auditor"), &path, &["--range", "0-1"]);
    assert_eq!(told.status, "206");
    assert_eq!(told.body, on_disk(&entries)[..2]);
    assert!(
        told.head.contains("content-range: bytes 0-1/"),
        "{}",
        told.head
    );
    let told = asks(
        &playground,
        Some("auditor"),
        &path,
        &["--range", "99999999-"],
    );
    assert_eq!(told.status, "416");
    let told = asks(&playground, None, "/checkpoint", &[]);
    let tag = told
        .head
        .lines()
        .find_map(|line| line.strip_prefix("etag: "));
    // curl was made to show its headers in lower case; the tag is as it was sent.
    assert!(tag.is_some());

    let told = asks(&playground, Some("auditor"), "/tile/entries/999", &[]);
    assert_eq!(told.status, "404");
}

#[test]
fn who_is_frozen_or_has_left_reads_nothing_and_is_put_on_record() {
    let playground = Playground::begins();
    playground.opens("the worker floods");
    let path = format!("/tile/entries/000.p/{}", playground.published());
    for who in ["designer", "support"] {
        assert_eq!(asks(&playground, Some(who), &path, &[]).status, "200");
    }
    playground.done("founder", &["freeze", "designer", "-m", "why"]);
    playground.done(
        "founder",
        &["people", "remove", "support", "-m", "why", "--yes"],
    );
    for who in ["designer", "support"] {
        let told = asks(&playground, Some(who), &path, &[]);
        assert_eq!(
            (told.status.as_str(), told.body.is_empty()),
            ("403", false),
            "{who}"
        );
    }
    playground.done("leon", &["incident", "list"]);
    breakglass_tests::wait::until("it is on record", "it is not", || {
        let refused = playground.entries_of("refused");
        let mut acts = refused
            .iter()
            .filter(|entry| entry["act"] == "read-entries");
        acts.any(|entry| entry["by"] == "designer").then_some(())
    });
}

/// Which authorities a browser is told of: it asks its user only where it has a certificate of one.
#[test]
fn a_certificate_is_asked_for_of_our_authority_alone() {
    let playground = Playground::begins();
    let mut openssl = Command::new("/usr/bin/openssl");
    let port = playground.ports().web;
    openssl.args([
        "s_client",
        "-tls1_3",
        "-servername",
        "localhost",
        "-connect",
    ]);
    let said = openssl
        .arg(format!("localhost:{port}"))
        .stdin(std::process::Stdio::null())
        .output();
    let said = String::from_utf8_lossy(&said.unwrap().stdout).into_owned();
    let (_, names) = said
        .split_once("Acceptable client certificate CA names\n")
        .unwrap();
    let names: Vec<_> = names
        .lines()
        .take_while(|line| !line.starts_with("Requested"))
        .collect();
    assert_eq!(names.len(), 1, "{names:?}");
    assert!(
        said.contains("Verify return code"),
        "the handshake went through without one"
    );
}
