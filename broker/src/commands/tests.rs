//! What an operator types, and what comes back.

mod folders;

use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use breakglass_domain::{Lifetime, Time};
use clap::CommandFactory as _;

use super::serve::{Broker, Running};
use super::*;
use crate::edge::{SystemClock, SystemEntropy};
use crate::ports::Clock;

/// What a command printed.
#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What came of a command.
struct Done {
    out: String,
    err: String,
    code: u8,
}

fn glassd(words: &[&str]) -> Done {
    let (out, err) = (Paper::default(), Paper::default());
    let mut printer = Printer::to(out.clone(), err.clone());
    let asked = Arguments::try_parse_from([&["glassd"], words].concat());
    let code = match asked {
        Err(wrong) => {
            printer.note(&wrong);
            2
        }
        Ok(arguments) => match run(&arguments, &mut printer) {
            Ok(()) => 0,
            Err(failure) => {
                printer.failure(&failure);
                failure.exit_code()
            }
        },
    };
    let text = |paper: &Paper| String::from_utf8(paper.0.lock().unwrap().clone()).unwrap();
    Done {
        out: text(&out),
        err: text(&err),
        code,
    }
}

/// A folder that is gone after the test, with a broker's data folder in it that is not made yet.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    /// Makes a broker that listens on any ports.
    fn init(&self, more: &[&str]) -> Done {
        let any = "127.0.0.1:0";
        let data = self.path("glass");
        let words = [
            "init",
            &data,
            "--listen",
            any,
            "--web-listen",
            any,
            "--metrics-listen",
            any,
        ];
        glassd(&[&words[..], more].concat())
    }

    fn glassd(&self, words: &[&str]) -> Done {
        let config = self.path("glass");
        glassd(&[&["--config", &config], words].concat())
    }

    fn config(&self) -> Config {
        Config::load(self.0.path().join("glass").as_path()).unwrap()
    }

    async fn start(&self) -> Result<Running, Failure> {
        let entropy = Arc::new(SystemEntropy::open().unwrap());
        Broker::start(&self.config(), Arc::new(SystemClock::start()), entropy).await
    }
}

/// The clock of a host that is set back later.
struct Ahead(SystemClock);

impl Clock for Ahead {
    fn now(&self) -> Time {
        self.0.now().plus(Lifetime::from_secs(3_600))
    }

    fn monotonic(&self) -> Duration {
        self.0.monotonic()
    }
}

/// A runtime of one thread, for what happens beside the commands.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

#[test]
fn what_targets_are_to_trust_is_printed_as_they_take_it() {
    let place = Place::new();
    assert_eq!(place.init(&[]).code, 0);
    let both = place.glassd(&["ssh-ca"]);
    let [users, hosts] = both.out.lines().collect::<Vec<_>>()[..] else {
        panic!("{}", both.out);
    };
    assert!(users.starts_with("ssh-ed25519 AAAA") && users.ends_with(" breakglass-user-ca"));
    assert!(hosts.starts_with("ssh-ed25519 AAAA") && hosts.ends_with(" breakglass-host-ca"));
    assert_eq!(place.glassd(&["ssh-ca", "--users"]).out.trim_end(), users);
    assert_eq!(place.glassd(&["ssh-ca", "--hosts"]).out.trim_end(), hosts);
    let certificate = place.glassd(&["targets-ca"]).out;
    assert!(
        certificate.starts_with("-----BEGIN CERTIFICATE-----\n"),
        "{certificate}"
    );
    assert!(
        certificate.ends_with("-----END CERTIFICATE-----\n"),
        "{certificate}"
    );
    assert_ne!(certificate, place.glassd(&["authority"]).out);
}

#[test]
fn a_host_is_certified_while_no_broker_runs() {
    let place = Place::new();
    assert_eq!(place.init(&[]).code, 0);
    let key = place.0.path().join("host.pub");
    let line = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGKzQ+BSJ3gs7K22pP4tiKmIKF+SvtMjVWTzxTWNGRkX x";
    std::fs::write(&key, line).unwrap();
    let words = ["host-certificate", "web-1", key.to_str().unwrap()];
    let refused = place.glassd(&words);
    assert_eq!(refused.code, 2, "{}", refused.err);
    assert!(
        refused.err.contains("no target `web-1` of kind \"ssh\""),
        "{}",
        refused.err
    );
    let policy = place.0.path().join("glass/policy.toml");
    let text = std::fs::read_to_string(&policy).unwrap();
    let target = "\n[targets.web-1]\nkind = \"ssh\"\naddress = \"web-1.shop.example:22\"\n";
    std::fs::write(&policy, text + target).unwrap();
    // Not before that policy is in force.
    let refused = place.glassd(&words);
    assert_eq!(refused.code, 1, "{}", refused.err);
    assert!(
        refused.err.contains("the policy has no target `web-1`"),
        "{}",
        refused.err
    );
    std::fs::write(&key, "not a key").unwrap();
    let refused = place.glassd(&words);
    assert!(
        refused
            .err
            .contains("is not a line like `ssh-ed25519 AAAA...`"),
        "{}",
        refused.err
    );
}

#[test]
fn a_broker_is_made_with_one_command_and_is_well() {
    let place = Place::new();
    let made = place.init(&["--invite", "founder", "--server-name", "glass.example"]);
    assert_eq!(made.code, 0, "{}", made.err);
    let line = made
        .out
        .lines()
        .find(|line| line.contains("glass enroll"))
        .unwrap();
    let (url, token) = line.trim().split_once('#').unwrap();
    assert_eq!(url, "glass enroll 'https://glass.example:0");
    let (pin, secret) = token.trim_end_matches('\'').split_once('.').unwrap();
    assert_eq!((pin.len(), secret.len()), (43, 32));
    assert!(made.out.contains("glassd serve --config"), "{}", made.out);
    let checked = place.glassd(&["check"]);
    assert_eq!(checked.code, 0, "{}", checked.out);
    let walked = place.glassd(&["fsck"]);
    assert_eq!(walked.code, 0, "{}{}", walked.out, walked.err);
    assert!(walked.out.contains("8 entries"), "{}", walked.out);
    assert!(
        walked.out.contains("the index is what the ledger says"),
        "{}",
        walked.out
    );
    let vkey = place.glassd(&["vkey"]);
    assert!(
        vkey.out.starts_with("glass.example/ledger+"),
        "{}",
        vkey.out
    );
    let authority = place.glassd(&["authority"]);
    assert!(
        authority.out.starts_with("-----BEGIN CERTIFICATE-----"),
        "{}",
        authority.out
    );
}

#[test]
fn a_journal_that_somebody_edited_is_in_the_way() {
    let place = Place::new();
    place.init(&[]);
    let name = "ledger/journal/00000000000000000000.jsonl";
    let journal = place.0.path().join("glass").join(name);
    let text = std::fs::read_to_string(&journal).unwrap();
    std::fs::write(&journal, text.replacen("\"v\":1", "\"v\":2", 1)).unwrap();
    let checked = place.glassd(&["check"]);
    assert_eq!(checked.code, 1, "{}", checked.out);
    assert!(checked.out.contains("bad  ledger"), "{}", checked.out);
    assert!(checked.out.contains("jsonl, line "), "{}", checked.out);
}

#[test]
fn a_clock_that_was_set_back_is_in_the_way() {
    let place = Place::new();
    place.init(&[]);
    block_on(async {
        let entropy = Arc::new(SystemEntropy::open().unwrap());
        let clock = Arc::new(Ahead(SystemClock::start()));
        let running = Broker::start(&place.config(), clock, entropy).await;
        running.unwrap().shutdown().await;
    });
    let checked = place.glassd(&["check"]);
    assert_eq!(checked.code, 1, "{}", checked.out);
    assert!(checked.out.contains("ok   ledger"), "{}", checked.out);
    assert!(checked.out.contains("bad  clock"), "{}", checked.out);
    assert!(checked.out.contains("set the clock"), "{}", checked.out);
}

#[test]
fn a_key_from_the_future_is_the_clocks_fault_and_nobody_elses() {
    let place = Place::new();
    place.init(&[]);
    block_on(async { place.start().await.unwrap().shutdown().await });
    let list = place.config().keys_dir.join("issuing.json");
    let mut keys: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(&list).unwrap()).unwrap();
    keys["keys"][0]["signs_from"] = "2999-01-01T00:00:00.000Z".into();
    std::fs::write(&list, keys.to_string()).unwrap();
    let checked = place.glassd(&["check"]);
    let found = checked.out.split("bad  keys").nth(1).unwrap();
    assert!(found.contains("signs from 2999-01-01"), "{}", checked.out);
    assert!(found.contains("set the clock"), "{}", checked.out);
    assert!(!checked.out.contains("--compromised"), "{}", checked.out);
}

#[test]
fn packagers_get_a_page_for_each_command() {
    let place = Place::new();
    let folder = place.path("man");
    std::fs::create_dir(&folder).unwrap();
    let made = place.glassd(&["man", &folder]);
    assert_eq!(made.code, 0, "{}", made.err);
    assert!(
        std::path::Path::new(&folder)
            .join("glassd-serve.1")
            .exists()
    );
    assert!(place.glassd(&["man"]).out.contains(".TH glassd"));
}

#[test]
fn nothing_is_written_over_and_nothing_half_made_stays() {
    let place = Place::new();
    let wrong = place.init(&["--invite", "nobody-we-know"]);
    assert_eq!(wrong.code, 2);
    assert!(
        wrong.err.contains("has nobody called `nobody-we-know`"),
        "{}",
        wrong.err
    );
    std::fs::write(
        place.path("bad.toml"),
        "version = 1\n[people.mia]\nnom = \"Mia\"\n",
    )
    .unwrap();
    let wrong = place.init(&["--policy", &place.path("bad.toml")]);
    assert_eq!(wrong.code, 1);
    assert!(wrong.err.contains("bad.toml:3"), "{}", wrong.err);
    let wrong = place.init(&["--server-name", "no name"]);
    assert_eq!(wrong.code, 2);
    assert!(!std::path::Path::new(&place.path("glass")).exists());

    assert_eq!(place.init(&[]).code, 0);
    let again = place.init(&[]);
    assert_eq!(again.code, 1);
    assert!(
        again.err.contains("a broker was made here"),
        "{}",
        again.err
    );
    std::fs::create_dir(place.path("full")).unwrap();
    std::fs::write(place.path("full/thesis.txt"), "").unwrap();
    let wrong = glassd(&["init", &place.path("full")]);
    assert!(
        wrong.err.contains("has something in it already"),
        "{}",
        wrong.err
    );
}

#[test]
fn a_config_that_is_there_is_used_as_it_is() {
    let place = Place::new();
    let (config, policy) = (place.path("glassd.toml"), place.path("policy.toml"));
    std::fs::write(
        &config,
        "data_dir = \"data\"\nserver_names = [\"glass.example\"]\n",
    )
    .unwrap();
    std::fs::write(&policy, breakglass_domain::policy::STARTER).unwrap();
    let wrong = glassd(&["init", "--config", &config, "--server-name", "x"]);
    assert_eq!(wrong.code, 2, "{}", wrong.out);
    assert!(
        wrong.err.contains("its settings are not written over"),
        "{}",
        wrong.err
    );
    let made = glassd(&["init", "--config", &config, "--invite", "mia"]);
    assert_eq!(made.code, 0, "{}", made.err);
    assert_eq!(made.out.matches("(was there)").count(), 2, "{}", made.out);
    assert!(std::path::Path::new(&place.path("data/ledger/journal")).is_dir());
}

#[test]
fn what_is_missing_says_what_to_do() {
    let nowhere = glassd(&["serve", "--config", "/nonexistent/glassd.toml"]);
    assert_eq!(nowhere.code, 1);
    assert!(
        nowhere.err.contains("make a broker with `glassd init DIR`"),
        "{}",
        nowhere.err
    );
    let place = Place::new();
    std::fs::write(place.path("glassd.toml"), "data_dir = \"gone\"").unwrap();
    let gone = glassd(&["vkey", "--config", &place.path("")]);
    assert!(
        gone.err.contains("next:  make a broker with: glassd init"),
        "{}",
        gone.err
    );
    assert_eq!(glassd(&["serve", "--no-such"]).code, 2);
    let misspelt = place.path("glassd.toml");
    std::fs::write(&misspelt, "listne = 1").unwrap();
    let wrong = glassd(&["check", "--config", &misspelt]);
    assert!(
        wrong
            .out
            .contains("glassd.toml:1:1: unknown field `listne`"),
        "{}",
        wrong.out
    );
}

#[test]
fn one_broker_at_a_time_and_operators_are_told_so() {
    let place = Place::new();
    place.init(&[]);
    block_on(async {
        let running = place.start().await.unwrap();
        let second = place.start().await.unwrap_err().to_string();
        assert!(second.contains("another glassd (process"), "{second}");
        let (config, told) = (place.path("glass"), tokio::task::spawn_blocking);
        let config = config.as_str().to_owned();
        let invited = told(move || glassd(&["--config", &config, "invite", "mia"]))
            .await
            .unwrap();
        assert_eq!(invited.code, 1);
        assert!(
            invited.err.contains("glass people invite mia"),
            "{}",
            invited.err
        );
        running.shutdown().await;
    });
    let invited = place.glassd(&["invite", "mia", "leon"]);
    assert_eq!(invited.code, 0, "{}", invited.err);
    assert_eq!(
        invited
            .out
            .matches("glass enroll 'https://localhost:0#")
            .count(),
        2
    );
    let frozen = place.glassd(&["unfreeze", "mia", "-m", "wiped"]);
    assert!(frozen.err.contains("mia is not frozen"), "{}", frozen.err);
    let reloaded = place.glassd(&["reload"]);
    assert!(
        reloaded.err.contains("no broker runs on"),
        "{}",
        reloaded.err
    );
}

#[test]
fn a_port_in_use_is_named_with_its_setting() {
    let place = Place::new();
    place.init(&[]);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut config = place.config();
    config.settings.web_listen = taken.local_addr().unwrap();
    let entropy = Arc::new(SystemEntropy::open().unwrap());
    let clock = Arc::new(SystemClock::start());
    let failure = block_on(Broker::start(&config, clock, entropy)).unwrap_err();
    let port = config.settings.web_listen.port();
    assert!(
        failure
            .to_string()
            .starts_with(&format!("port {port} is in use already (web_listen"))
    );
    assert!(failure.next().unwrap().contains("ss -ltnp"));
}

#[test]
fn a_rotated_key_signs_from_the_next_start_on() {
    let place = Place::new();
    place.init(&[]);
    let rotated = place.glassd(&["rotate", "--compromised"]);
    assert_eq!(rotated.code, 0, "{}", rotated.err);
    assert!(
        rotated.out.contains("no broker runs; it takes the key up"),
        "{}",
        rotated.out
    );
    let kid = rotated
        .out
        .split(['y', ','])
        .nth(1)
        .unwrap()
        .trim()
        .to_owned();
    let checked = place.glassd(&["check"]);
    assert!(
        checked.out.contains("from the next start on"),
        "{}",
        checked.out
    );
    block_on(async { place.start().await.unwrap().shutdown().await });
    let checked = place.glassd(&["check"]);
    assert!(
        checked.out.contains(&format!("signed by {kid}")),
        "{kid}\n{}",
        checked.out
    );
    let wrong = place.glassd(&["rotate", "--after", "-5m"]);
    assert_eq!(wrong.code, 2, "{}", wrong.err);
}

#[test]
fn a_policy_is_checked_and_read_without_a_broker() {
    let place = Place::new();
    let file = place.path("policy.toml");
    std::fs::write(&file, breakglass_domain::policy::STARTER).unwrap();
    let checked = glassd(&["policy", "check", &file]);
    assert_eq!(checked.code, 0, "{}", checked.err);
    assert!(
        checked.out.ends_with("5 people, 5 rights, 4 rules\n"),
        "{}",
        checked.out
    );
    let shown = glassd(&["policy", "show", &file]);
    assert!(
        shown.out.contains("Mia can deploy the shop app"),
        "{}",
        shown.out
    );
    std::fs::write(&file, "version = 1\n[people.mia\n").unwrap();
    let wrong = glassd(&["policy", "check", &file]);
    assert_eq!(wrong.code, 1);
    assert!(wrong.err.contains("policy.toml:2"), "{}", wrong.err);
    let missing = glassd(&["policy", "check", &place.path("none.toml")]);
    assert!(missing.err.contains("cannot be read"), "{}", missing.err);
    let endless = glassd(&["policy", "check", "/dev/zero"]);
    assert!(endless.err.contains("has more than"), "{}", endless.err);
}

#[test]
fn packagers_get_completions_and_a_manual_page() {
    for shell in ["bash", "zsh", "fish"] {
        assert!(
            glassd(&["completions", shell]).out.contains("glassd"),
            "{shell}"
        );
    }
    assert!(glassd(&["man"]).out.contains(".TH glassd 1"));
}

/// Each page as it is shown at a hundred columns.
#[test]
fn help_says_what_each_command_does_with_an_example() {
    let mut told = String::new();
    let mut glassd = Arguments::command().term_width(100);
    glassd.build();
    let mut pages = vec![glassd.clone()];
    while let Some(mut page) = pages.pop() {
        let sub = page
            .get_subcommands()
            .filter(|sub| sub.get_name() != "help");
        let sub: Vec<_> = sub.cloned().collect();
        pages.extend(sub.into_iter().rev());
        let name = page.get_bin_name().unwrap_or("glassd").to_owned();
        told.push_str(&format!("== {name}\n\n{}\n", page.render_long_help()));
    }
    let told = told.replace(VERSION, "VERSION");
    insta::assert_snapshot!("help", told);
}
