//! Prometheus Alertmanager, from Debian's package, with the file that `docs/operating/alerts.md` shows.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use breakglass_tests::World;
use breakglass_tests::alerts::{secret, watched};
use breakglass_tests::playground::Process;
use breakglass_tests::wait::until_async;
use serde_json::json;
use tempfile::TempDir;
use tokio::net::TcpStream;

/// An Alertmanager that tells a broker.
pub(crate) struct Alertmanager {
    address: SocketAddr,
    _process: Process,
    _folder: TempDir,
}

impl Alertmanager {
    /// With the sample, in which only addresses, paths and times are changed.
    pub(crate) fn tells(ca: &str, port: u16, secret: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("ca.crt"), ca).unwrap();
        fs::write(at("secret"), secret).unwrap();
        let sample = Path::new(env!("CARGO_MANIFEST_DIR"));
        let sample =
            fs::read_to_string(sample.join("../deploy/monitoring/alertmanager.yml")).unwrap();
        let mut text = sample;
        for (from, to) in [
            ("glass.example:7444", format!("localhost:{port}")),
            (
                "/etc/alertmanager/breakglass.secret",
                at("secret").display().to_string(),
            ),
            (
                "/etc/alertmanager/breakglass-ca.crt",
                at("ca.crt").display().to_string(),
            ),
            ("group_wait: 10s", "group_wait: 10ms".to_owned()),
            ("group_interval: 1m", "group_interval: 100ms".to_owned()),
            ("repeat_interval: 4h", "repeat_interval: 100ms".to_owned()),
        ] {
            assert!(text.contains(from), "the sample has {from}");
            text = text.replace(from, &to);
        }
        fs::write(at("alertmanager.yml"), text).unwrap();
        let mut run = Command::new("/usr/bin/prometheus-alertmanager");
        run.arg(format!(
            "--config.file={}",
            at("alertmanager.yml").display()
        ))
        .arg(format!("--storage.path={}", at("data").display()))
        .args([
            "--web.listen-address=127.0.0.1:0",
            "--cluster.listen-address=",
        ]);
        let mut process = Process::spawn(run);
        let line = process.says("Listening on");
        let (_, address) = line.trim().rsplit_once("address=").unwrap();
        Self {
            address: address.parse().unwrap(),
            _process: process,
            _folder: folder,
        }
    }

    /// An alert fires, or has ended.
    pub(crate) async fn has(&self, service: &str, ended: bool) {
        let labels = json!({"alertname": "QueueFull", "service": service, "severity": "critical",
            "instance": "web-1\u{1b}[31m"});
        let annotations = json!({"summary": format!("the queue of {service} is full\nat last")});
        let mut alert = json!({"labels": labels, "annotations": annotations});
        if ended {
            alert["endsAt"] = json!("2026-01-01T00:00:00Z");
            alert["startsAt"] = json!("2025-12-31T00:00:00Z");
        }
        let body = json!([alert]).to_string();
        let answer = self.post("/api/v2/alerts", &body).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }

    async fn post(&self, path: &str, body: &str) -> String {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let length = body.len();
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }
}

async fn until_there_are(world: &World, kind: &str, count: usize) {
    let because = "Alertmanager tells when it likes";
    until_async(kind, because, async || {
        (world.entries_of(kind).len() >= count).then_some(())
    })
    .await;
    assert_eq!(world.entries_of(kind).len(), count, "{kind}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_alertmanager_opens_repeats_and_resolves() {
    let world = watched().await;
    let (ca, port) = (world.ca_pem().await, world.web().port());
    let alertmanager = Alertmanager::tells(&ca, port, &secret("alertmanager"));
    alertmanager.has("shop", false).await;
    until_there_are(&world, "incident.opened", 1).await;
    let opened = &world.entries_of("incident.opened")[0];
    assert_eq!(opened["by"], "source:alertmanager");
    assert_eq!(opened["severity"], "sev1");
    assert_eq!(opened["title"], "the queue of shop is full at last");
    let key = opened["alert"].as_str().unwrap();
    assert!(
        key.contains("alertname=\"QueueFull\"") && key.contains("service=\"shop\""),
        "{key}"
    );

    // Another group opens its own; meanwhile the first is repeated several times a second.
    alertmanager.has("mail", false).await;
    until_there_are(&world, "incident.opened", 2).await;

    alertmanager.has("shop", true).await;
    until_there_are(&world, "incident.resolved", 1).await;
    world.minutes_pass(9).await;
    assert!(world.entries_of("incident.closed").is_empty());
    alertmanager.has("shop", false).await;
    until_there_are(&world, "incident.refired", 1).await;
    world.minutes_pass(2).await;
    assert!(
        world.entries_of("incident.closed").is_empty(),
        "it fires again"
    );

    alertmanager.has("mail", true).await;
    until_there_are(&world, "incident.resolved", 2).await;
    world.minutes_pass(10).await;
    let closed = world.entries_of("incident.closed");
    assert_eq!((closed.len(), &closed[0]["incident"]), (1, &json!("INC-2")));
    assert_eq!(world.entries_of("incident.opened").len(), 2);
    assert!(world.entries_of("refused").is_empty());
}
