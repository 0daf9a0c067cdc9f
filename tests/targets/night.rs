//! The example team's night, with everything that it takes: Alertmanager opens the incident, people are
//! written to by a mail server, whoever is asked answers at a terminal, and the real binaries do the rest.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use breakglass_domain::policy::STARTER;
use breakglass_tests::Playground;
use breakglass_tests::mailbox::{Mailbox, PASSWORD, USER};
use breakglass_tests::papers::Papers;
use breakglass_tests::playground::Rules;
use breakglass_tests::wait::until;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::alertmanager::Alertmanager;
use crate::tmux::Terminal;

const SECRET: &str = "alertmanager-secret-of-a-night-0123456789";

const SOURCE: &str = r#"
[sources.alertmanager]
kind = "alertmanager"
severity = { critical = "sev1" }
rights = ["restart-worker"]
grace = "10m"
"#;

/// The team, its shop, and what wakes and writes to them.
struct Night {
    // The mailbox outlives the broker, which would try again and again.
    playground: Playground,
    mailbox: Mailbox,
    shop: PathBuf,
    _secrets: TempDir,
}

impl Night {
    fn begins() -> Self {
        let (secrets, papers) = (tempfile::tempdir().unwrap(), Papers::of("an authority"));
        let mailbox = Mailbox::begins("starttls", &papers.server(), secrets.path());
        let keeps = |name: &str, text: &str| {
            let path = secrets.path().join(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
            path
        };
        let hook = keeps("alertmanager", SECRET);
        let (password, ca) = (keeps("password", PASSWORD), keeps("ca", &papers.pem()));
        let port = mailbox.port();
        let settings = format!(
            "[hooks.alertmanager]\nsecret_files = [{hook:?}]\n\
             [notify.mail]\nkind = \"smtp\"\nserver = \"localhost\"\nport = {port}\ntls = \"starttls\"\n\
             from = \"glass@shop.example\"\nuser = \"{USER}\"\npassword_file = {password:?}\n\
             ca_file = {ca:?}\nallow_private = true\n"
        );
        let playground = Playground::with(Rules {
            policy: Some(format!("{STARTER}{SOURCE}")),
            settings,
            ..Rules::default()
        });
        let shop = playground.path("the shop");
        fs::create_dir(&shop).unwrap();
        let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/example-shop");
        for name in ["worker", "revert-config"] {
            fs::copy(sample.join(name), shop.join(name)).unwrap();
        }
        fs::write(shop.join("worker.conf.before"), "batch_size = 50\n").unwrap();
        fs::write(shop.join("worker.conf"), "batch_size = 50\n").unwrap();
        Self {
            playground,
            mailbox,
            shop,
            _secrets: secrets,
        }
    }

    fn is_watched(&self) -> Alertmanager {
        let ca = self.playground.contexts().join("contexts/mia/ca.pem");
        let ca = fs::read_to_string(ca).unwrap();
        Alertmanager::tells(&ca, self.playground.ports().web, SECRET)
    }

    /// What the shop says of itself.
    fn worker(&self) -> String {
        let said = std::process::Command::new(self.shop.join("worker")).output();
        String::from_utf8(said.unwrap().stdout).unwrap()
    }

    fn entries(&self, kind: &str, count: usize) -> Vec<Value> {
        let because = "others tell when they like";
        until(kind, because, || {
            Some(self.playground.entries_of(kind)).filter(|all| all.len() >= count)
        })
    }

    /// Waits until a message that says this has gone to each of them; other mail is passed over.
    fn mail_says(&mut self, text: &str, to: &[&str]) {
        let mut all = Vec::new();
        while all.len() < to.len() {
            let message = self.mailbox.takes();
            let body = message["text"].as_str().unwrap().replace("\r\n ", " ");
            if body.contains(text) {
                all.push(message["to"][0].as_str().unwrap().to_owned());
            }
        }
        all.sort();
        let to: Vec<_> = to.iter().map(|who| format!("{who}@shop.example")).collect();
        assert_eq!(all, to, "{text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_config_change_floods_the_worker_and_the_team_is_over_it_before_breakfast() {
    let mut night = Night::begins();
    let alertmanager = night.is_watched();

    // Ten o'clock: somebody changes the config of a background job.
    fs::write(night.shop.join("worker.conf"), "batch_size = 5000\n").unwrap();
    assert!(night.worker().contains("41,200 jobs and growing"));
    alertmanager.has("shop", false).await;
    let opened = night.entries("incident.opened", 1);
    assert_eq!(
        (opened.len(), &opened[0]["by"], &opened[0]["severity"]),
        (1, &json!("source:alertmanager"), &json!("sev1"))
    );
    let title = "the queue of shop is full at last";
    night.mail_says(title, &["founder", "leon", "mia", "support"]);

    // An alert alone opens little.
    let shop = night.shop.clone();
    let revert = shop.join("revert-config");
    let revert = [
        "exec",
        "revert-config",
        "-m",
        "undo the ten o'clock change",
        "--",
        revert.to_str().unwrap(),
    ];
    let refused = night.playground.glass("mia", &revert);
    assert_eq!(refused.code, 82, "{refused}");
    assert!(refused.err.contains("has confirmed it"), "{refused}");
    assert!(refused.err.contains("glass incident note"), "{refused}");

    // Leon sits at his terminal; support and the designer, who can change nothing, say what they see.
    let leon = Terminal::runs(&night.playground, "leon", &["watch"]);
    leon.shows("INC-1");
    night.playground.done(
        "support",
        &[
            "note",
            "checkout takes nine seconds, twelve people wrote in",
        ],
    );
    leon.shows("twelve people wrote in");
    night
        .playground
        .done("designer", &["note", "pages of products are slow as well"]);
    leon.shows("pages of products are slow");
    for who in ["designer", "support"] {
        let denied = night
            .playground
            .glass(who, &["request", "restart-worker", "-m", "let me"]);
        assert_eq!(denied.code, 82, "{denied}");
    }

    // Mia reverts and restarts: low risks, nobody has to say yes.
    let reverted = night.playground.done("mia", &revert);
    assert!(
        reverted
            .out
            .contains("worker.conf is as it was before 10:00"),
        "{reverted}"
    );
    assert!(night.worker().contains("12 jobs"), "{}", night.worker());
    let restart = [
        "exec",
        "restart-worker",
        "-m",
        "take up the config",
        "--",
        "true",
    ];
    night.playground.done("mia", &restart);

    // The jobs that are in the queue twice are in the database: that needs a yes, and Leon gives it
    // from his screen.
    let script = night
        .playground
        .script("dedupe", "echo deduplicated $GLASS_GRANT");
    let script = script.to_str().unwrap().to_owned();
    let words = [
        "exec",
        "migrate-shop-db",
        "-m",
        "drop doubled jobs",
        "--",
        &script,
    ];
    let migrating = night.playground.spawns("mia", &words);
    night.mail_says("change the shop database", &["founder", "leon"]);
    leon.shows("FOR YOU");
    leon.types("a");
    leon.shows("mia asks to change");
    leon.shows("y yes, I sign it");
    leon.types("y");
    let migrated = migrating.finishes();
    assert_eq!(migrated.code, 0, "{migrated}");
    assert!(migrated.out.contains("deduplicated G-3"), "{migrated}");
    leon.shows("G-3: mia can change");

    // The alert is over, and the incident would close by itself; Mia closes it, and Leon sees it go.
    alertmanager.has("shop", true).await;
    night.entries("incident.resolved", 1);
    leon.shows("closes");
    night.playground.done(
        "mia",
        &["note", "reverted 10:00's batch size, queue is empty"],
    );
    let closed = night.playground.done(
        "mia",
        &["incident", "close", "-m", "reverted, queue is empty"],
    );
    assert!(closed.out.contains("INC-1"), "{closed}");
    leon.shows("none is open");
    leon.types("q");
    leon.is_left();
    let status = night.playground.done("founder", &["status"]);
    assert!(status.out.contains("INC-1"), "what is owed: {status}");

    // Afterwards: the review lists it, three answers pay the debt, and the ledger bears it out.
    let review = night
        .playground
        .done("support", &["-o", "json", "review", "INC-1"])
        .json();
    let text = review.to_string();
    for said in [
        "G-1",
        "G-2",
        "G-3",
        "undo the ten o'clock change",
        "drop doubled jobs",
    ] {
        assert!(text.contains(said), "{said}: {review:#}");
    }
    night
        .playground
        .done("mia", &["review", "INC-1", "--all", "--needed", "yes"]);
    assert_eq!(night.playground.entries_of("review.answered").len(), 3);
    let owed = night
        .playground
        .done("mia", &["-o", "json", "review"])
        .json();
    assert_eq!(owed, json!([]), "nothing is owed");
    night.playground.done("founder", &["ledger", "verify"]);
    let timeline = night
        .playground
        .done("designer", &["incident", "show", "INC-1"])
        .out;
    let order = [
        title,
        "twelve people",
        "products are slow",
        "ten o'clock",
        "doubled jobs",
        "Leon approved G-3",
        "Mia closed INC-1",
    ];
    let places: Vec<_> = order.map(|it| timeline.find(it)).into_iter().collect();
    assert!(
        places.is_sorted() && places.iter().all(Option::is_some),
        "{places:?}\n{timeline}"
    );
}
