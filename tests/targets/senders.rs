//! The senders that `docs/operating/alerts.md` shows, as they stand there.

use std::path::Path;
use std::process::Command;

use breakglass_tests::World;
use breakglass_tests::alerts::{secret, watched};
use breakglass_tests::playground::{Output, Process};

/// The first block of a language on the page.
fn shown(language: &str) -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/operating/alerts.md");
    let page = std::fs::read_to_string(page).unwrap();
    let begin = format!("\n```{language}\n");
    let (_, rest) = page.split_once(&begin).expect("the page shows it");
    rest.split_once("\n```\n").unwrap().0.to_owned()
}

/// Runs a sender with one word.
async fn sends(world: &World, program: &[&str], language: &str, state: &str) -> Output {
    let ca = world.scratch("hook-ca.crt");
    std::fs::write(&ca, world.ca_pem().await).unwrap();
    let mut run = Command::new(program[0]);
    run.args(&program[1..]).arg(shown(language));
    if language == "sh" {
        run.arg("sender");
    }
    run.arg(state)
        .env(
            "HOOK",
            format!("https://localhost:{}/hooks/deploys", world.web().port()),
        )
        .env("NAME", "deploys")
        .env("SECRET", secret("deploys"))
        .env("CA", ca);
    let running = Process::spawn(run);
    tokio::task::spawn_blocking(|| running.finishes())
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_senders_are_understood() {
    for (program, language) in [
        (&["/usr/bin/python3", "-c"][..], "python"),
        (&["/bin/bash", "-c"], "sh"),
    ] {
        let world = watched().await;
        let fires = sends(&world, program, language, "firing").await;
        assert_eq!(
            (fires.code, fires.out.as_str()),
            (0, "opened INC-1\n"),
            "{fires}"
        );
        let opened = &world.entries_of("incident.opened")[0];
        assert_eq!(
            (&opened["title"], &opened["alert"]),
            (&"the queue is full".into(), &"queue".into())
        );
        assert_eq!(opened["severity"], "sev1");
        let over = sends(&world, program, language, "resolved").await;
        assert!(over.out.starts_with("INC-1 closes at "), "{over}");
        let strange = sends(&world, program, language, "strange").await;
        assert_ne!(strange.code, 0, "{strange}");
        assert_eq!(world.entries_of("refused").len(), 1);
    }
}

#[test]
fn the_page_shows_the_file_that_alertmanager_is_tried_with() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/monitoring/alertmanager.yml");
    assert_eq!(
        format!("{}\n", shown("yaml")),
        std::fs::read_to_string(file).unwrap()
    );
}
