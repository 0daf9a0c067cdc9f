//! `glassd` as its operator sees it.

use std::os::unix::fs::MetadataExt as _;

use breakglass_domain::policy::STARTER;
use breakglass_tests::Playground;
use breakglass_tests::playground::Rules;
use rustix::process::Signal;

#[test]
fn a_port_in_use_is_named_with_its_setting() {
    let playground = Playground::empty(Rules::default());
    assert_eq!(playground.glassd(&["init"]).code, 0);
    let ports = playground.ports();
    for (setting, port) in [
        ("listen", ports.grpc),
        ("web_listen", ports.web),
        ("metrics_listen", ports.metrics),
    ] {
        let taken = std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();
        let said = playground.tries_to_serve().finishes();
        assert_eq!(said.code, 1, "{said}");
        assert!(
            said.err.contains(&format!("port {port} is in use")),
            "{said}"
        );
        assert!(
            said.err.contains(setting) && said.err.contains("next:"),
            "{said}"
        );
        drop(taken);
    }
    let before = playground.entries_of("broker.started").len();
    assert_eq!(before, 0, "nothing was put on record");
}

#[test]
fn a_port_of_somebody_else_is_not_taken_for_ours() {
    let playground = Playground::begins();
    let said = playground.glassd(&["check"]);
    assert_eq!(said.code, 0, "{said}");
    if said.out.contains("cannot see whether") {
        // The broker lets only root look into it.
        return;
    }
    assert_eq!(said.out.matches(", process ").count(), 3, "{said}");
    let other = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let taken = other.local_addr().unwrap().port();
    let text = std::fs::read_to_string(playground.config()).unwrap();
    let ours = format!("127.0.0.1:{}", playground.ports().web);
    let theirs = text.replace(&ours, &format!("127.0.0.1:{taken}"));
    std::fs::write(playground.config(), theirs).unwrap();
    let said = playground.glassd(&["check"]);
    assert_eq!(said.code, 1, "{said}");
    assert!(
        said.out.contains(&format!("port {taken} is in use")),
        "{said}"
    );
    drop(other);
    let said = playground.glassd(&["check"]);
    assert_eq!(said.code, 0, "{said}");
    assert!(said.out.contains("listens elsewhere"), "{said}");
}

#[test]
fn a_second_broker_on_the_data_folder_is_refused() {
    let mut playground = Playground::begins();
    let other = playground.path("other.toml");
    let config = std::fs::read_to_string(playground.config()).unwrap();
    let config = config
        .lines()
        .map(|line| match line.split_once(" = \"127.0.0.1:") {
            Some((name, _)) => format!("{name} = \"127.0.0.1:0\"\n"),
            None => format!("{line}\n"),
        })
        .collect::<String>();
    std::fs::write(
        &other,
        format!("policy_file = {:?}\n{config}", playground.policy()),
    )
    .unwrap();
    let mut second = playground.command(breakglass_tests::playground::binary("glassd"));
    second.arg("serve").arg("--config").arg(&other);
    let said = breakglass_tests::playground::Process::spawn(second).finishes();
    assert_eq!(said.code, 1, "{said}");
    assert!(said.err.contains("another glassd"), "{said}");
    assert!(
        said.err.contains(&playground.broker().id().to_string()),
        "it says which: {said}"
    );
    playground.done("mia", &["status"]);
}

#[test]
fn a_policy_with_a_mistake_is_shown_and_never_taken() {
    let playground = Playground::begins();
    let wrong = STARTER.replace("longest = \"30m\"", "longets = \"30m\"");
    std::fs::write(playground.policy(), &wrong).unwrap();
    for words in [&["check"][..], &["reload"]] {
        let said = playground.glassd(words);
        assert_eq!(said.code, 1, "{words:?}: {said}");
        let shown = format!("{}{}", said.out, said.err);
        assert!(
            shown.contains("policy.toml:") && shown.contains("longets"),
            "{said}"
        );
        assert!(!shown.contains("error: error"), "{said}");
        assert!(
            shown.contains("^^^^^^^") && shown.contains("did you mean"),
            "{said}"
        );
        let stays = shown.contains("what is in force stays");
        assert_eq!(stays, words == ["reload"], "{said}");
    }
    let said = playground.glass(
        "mia",
        &["policy", "check", playground.policy().to_str().unwrap()],
    );
    assert_ne!(said.code, 0);
    assert!(
        said.err.contains("longets") || said.out.contains("longets"),
        "{said}"
    );
    assert_eq!(playground.entries_of("policy.loaded").len(), 1);
    playground.opens("the worker floods");
    playground.done(
        "mia",
        &["request", "deploy-shop", "-m", "the old one is in force"],
    );
}

#[test]
fn sighup_and_reload_put_a_changed_policy_into_force() {
    let mut playground = Playground::begins();
    let changed = STARTER.replace(
        "[people.support]",
        "[people.sam]\nname = \"Sam\"\njob = \"support\"\n\n[people.support]",
    );
    std::fs::write(playground.policy(), &changed).unwrap();
    let said = playground.glassd(&["reload"]);
    assert_eq!(said.code, 0, "{said}");
    assert!(said.out.contains("in force"), "{said}");
    playground.done("founder", &["people", "invite", "sam"]);
    std::fs::write(playground.policy(), STARTER).unwrap();
    playground.broker().signal(Signal::HUP);
    playground.broker().says("in force");
    assert_eq!(
        playground
            .glass("founder", &["people", "invite", "sam"])
            .code,
        1
    );
    assert_eq!(playground.entries_of("policy.loaded").len(), 3);
}

#[test]
fn a_config_with_a_mistake_is_shown_with_its_line() {
    let playground = Playground::empty(Rules {
        settings: "reflecton = true".into(),
        ..Rules::default()
    });
    let said = playground.glassd(&["init"]);
    assert_ne!(said.code, 0);
    assert!(
        said.err.contains("reflecton") && said.err.contains('^'),
        "{said}"
    );
    assert!(!playground.data().exists(), "nothing is made");
}

#[test]
fn init_writes_nothing_over() {
    let playground = Playground::begins();
    let size = playground.entries().len();
    let said = playground.glassd(&["init", "--invite", "mia"]);
    assert_eq!(said.code, 1, "{said}");
    assert_eq!(playground.entries().len(), size);
    playground.done("mia", &["status"]);
}

#[test]
fn everything_is_checked_and_found_good() {
    let mut playground = Playground::begins();
    playground.opens("the worker floods");
    playground.done(
        "mia",
        &["exec", "deploy-shop", "-m", "revert", "--", "true"],
    );
    let said = playground.glassd(&["check"]);
    assert_eq!(said.code, 0, "{said}");
    playground.stops();
    let said = playground.glassd(&["fsck"]);
    assert_eq!(said.code, 0, "{said}");
    let vkey = playground.glassd(&["vkey"]);
    assert!(vkey.out.starts_with("localhost/ledger+"), "{vkey}");
}

#[test]
fn rotated_keys_overlap() {
    let playground = Playground::begins();
    playground.opens("the worker floods");
    playground.done("mia", &["request", "deploy-shop", "-m", "why"]);
    let token = |grant: &str| {
        let words = ["credential", "jwt", "--grant", grant];
        playground.done("mia", &words).out.trim().to_owned()
    };
    let old = token("G-1");
    let said = playground.glassd(&["rotate"]);
    assert_eq!(said.code, 0, "{said}");
    let ca = std::fs::read_to_string(playground.contexts().join("contexts/mia/ca.pem")).unwrap();
    let web = std::net::SocketAddr::from(([127, 0, 0, 1], playground.ports().web));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let keys = runtime
        .block_on(breakglass_tests::https::get(web, &ca, "/jwks.json"))
        .json();
    assert_eq!(
        keys["keys"].as_array().unwrap().len(),
        2,
        "the next one is published before it signs"
    );
    for token in [old, token("G-1")] {
        breakglass_tests::jwt::check(&token, &keys).unwrap();
    }
    assert_eq!(playground.entries_of("key.added").len(), 7);
}

#[test]
fn frozen_by_everybody_is_lifted_on_the_host() {
    let mut playground = Playground::begins();
    for who in ["leon", "founder"] {
        playground.done("mia", &["freeze", who, "-m", "laptop stolen"]);
    }
    let running = playground.glassd(&["unfreeze", "leon", "-m", "he has it back"]);
    assert_eq!(running.code, 1, "only while no broker runs: {running}");
    playground.stops();
    let said = playground.glassd(&["unfreeze", "leon", "-m", "he has it back"]);
    assert_eq!(said.code, 0, "{said}");
    let invited = playground.glassd(&["invite", "founder"]);
    assert_eq!(invited.code, 0, "{invited}");
    playground.serves();
    playground.done("leon", &["status"]);
    assert_eq!(
        playground.entries_of("person.unfrozen")[0]["by"],
        "breakglass"
    );
}

/// Everything in a folder that others on the host could read, with its mode.
fn open_to_others(folder: &std::path::Path) -> Vec<String> {
    let mut found = Vec::new();
    for inside in std::fs::read_dir(folder).unwrap() {
        let inside = inside.unwrap();
        let mode = inside.metadata().unwrap().mode() & 0o7777;
        if mode & 0o077 != 0 {
            found.push(format!("{mode:04o} {}", inside.path().display()));
        }
        if inside.file_type().unwrap().is_dir() {
            found.extend(open_to_others(&inside.path()));
        }
    }
    found
}

#[test]
fn what_the_broker_writes_is_its_own_whatever_it_was_started_with() {
    let careless = "umask 000; exec \"$0\" \"$@\"";
    let mut playground = Playground::with(Rules {
        through: ["sh", "-c", careless].map(str::to_owned).to_vec(),
        ..Rules::default()
    });
    playground.opens("the worker floods");
    playground.done("mia", &["request", "deploy-shop", "-m", "why"]);
    assert_eq!(playground.glassd(&["reload"]).code, 0);
    let data = playground.data();
    assert_eq!(open_to_others(&data), Vec::<String>::new(), "while it runs");
    let reloaded = std::fs::metadata(data.join("reloaded.json")).unwrap();
    assert_eq!(reloaded.mode() & 0o7777, 0o600);
    let index = std::fs::metadata(data.join("index/db")).unwrap();
    assert_eq!(index.mode() & 0o7777, 0o600);
    playground.stops();
    assert_eq!(open_to_others(&data), Vec::<String>::new(), "afterwards");
}

#[test]
fn a_host_key_is_certified_beside_the_running_broker_and_without_it() {
    let policy = format!(
        "{STARTER}\n[targets.web-1]\nkind = \"ssh\"\naddress = \"Web-1.shop.example:2222\"\n"
    );
    let mut playground = Playground::with(Rules {
        policy: Some(policy),
        ..Rules::default()
    });
    let key = playground.path("ssh_host_ed25519_key.pub");
    let line =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGKzQ+BSJ3gs7K22pP4tiKmIKF+SvtMjVWTzxTWNGRkX web";
    std::fs::write(&key, line).unwrap();
    let words = ["host-certificate", "web-1", key.to_str().unwrap()];
    for runs in [true, false] {
        if !runs {
            playground.stops();
        }
        let said = playground.glassd(&words);
        assert_eq!(said.code, 0, "{said}");
        assert!(
            said.out
                .starts_with("ssh-ed25519-cert-v01@openssh.com AAAA"),
            "{said}"
        );
        assert_eq!(said.out.lines().count(), 1, "{said}");
    }
    let certified = playground.entries_of("host.certified");
    assert_eq!(certified.len(), 2);
    for entry in &certified {
        assert_eq!(entry["by"], "breakglass");
        assert_eq!(entry["target"], "web-1");
        assert_eq!(entry["host"], "web-1.shop.example");
        assert!(entry["key"].as_str().unwrap().starts_with("SHA256:"));
    }
    assert_ne!(certified[0]["serial"], certified[1]["serial"]);
    // Of a host that nobody logs in to there is none, and nothing is put on record.
    let said = playground.glassd(&["host-certificate", "web-2", key.to_str().unwrap()]);
    assert_eq!(said.code, 2, "{said}");
    assert!(said.err.contains("no target `web-2`"), "{said}");
    playground.serves();
    playground.done("founder", &["ledger", "verify"]);
    assert_eq!(playground.entries_of("host.certified").len(), 2);
}
