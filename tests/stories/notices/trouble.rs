//! Trouble with the ledger is told although it is no entry; and where notices never go.

use std::sync::Arc;

use breakglass_broker::config::notify::Destination;
use breakglass_broker::notify::{Herald, Lane, Notice, Notifier, Standing, Trouble};
use breakglass_domain::Time;
use breakglass_tests::World;
use breakglass_tests::papers::Papers;
use breakglass_tests::receiver::{Answer, Receiver};
use tokio::sync::watch;

use super::{SECRET, Secrets, channel, configured};

fn destination(text: &str) -> Destination {
    configured(&format!("[notify.a]\nkind = \"webhook\"\n{text}\n"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ledger_that_cannot_be_written_is_told_and_so_is_that_it_can_again() {
    let (receiver, secrets, world) = (
        Receiver::begins().await,
        Secrets::new(),
        World::of_strangers().await,
    );
    let secret = secrets.of("secret", SECRET);
    let destination = destination(&format!(
        "url = \"http://{}/\"\nsecret_file = {secret:?}\nallow_private = true",
        receiver.address()
    ));
    let app = world.broker().app().clone();
    let notifier = Notifier::new(Arc::new(channel(&destination)), Lane::Urgent, None, app);
    let (trouble, heard) = watch::channel(Trouble::new());
    let standing = Arc::new(Standing::new("a"));
    let herald = tokio::spawn(Herald::new(notifier, standing, heard).run());
    receiver.answers([Answer::Says(500, "")]);
    trouble.send_modify(|wrong| {
        wrong.insert("disk", "LEDGER TROUBLE: the disk");
    });
    let told = receiver.takes(1).await;
    assert_eq!(told[0].json()["type"], "breakglass.ledger.trouble");
    assert_eq!(told[0].json()["data"]["text"], "LEDGER TROUBLE: the disk");
    trouble.send_modify(|wrong| {
        wrong.insert("append", "LEDGER TROUBLE: no entries");
    });
    receiver.takes(2).await;
    trouble.send_modify(Trouble::clear);
    let told = receiver.takes(3).await;
    let texts: Vec<_> = told
        .iter()
        .map(|it| it.json()["data"]["text"].clone())
        .collect();
    assert_eq!(
        texts,
        [
            "LEDGER TROUBLE: the disk",
            "LEDGER TROUBLE: no entries",
            "The ledger takes entries again"
        ]
    );
    // The disk comes and goes, and was told of; what is new is told at once.
    trouble.send_modify(|wrong| {
        wrong.insert("disk", "LEDGER TROUBLE: the disk");
        wrong.insert("index", "LEDGER TROUBLE: the index");
    });
    let told = receiver.takes(4).await;
    assert_eq!(told[3].json()["data"]["text"], "LEDGER TROUBLE: the index");
    herald.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn this_host_private_networks_and_metadata_are_told_nothing_unless_that_is_meant() {
    let (receiver, secrets) = (Receiver::begins().await, Secrets::new());
    let (secret, port) = (secrets.of("secret", SECRET), receiver.address().port());
    let ca = secrets.of("ca.pem", &Papers::of("an authority").pem());
    let now = Time::from_millis(1_800_000_000_000);
    let told = async |url: &str, more: &str| {
        let text = format!("url = {url:?}\nsecret_file = {secret:?}\nca_file = {ca:?}\n{more}");
        let channel = channel(&destination(&text));
        channel.tell(&Notice::test("a", now), now).await
    };
    for url in [
        format!("https://127.0.0.1:{port}/"),
        format!("https://localhost:{port}/"),
        format!("https://[::1]:{port}/"),
        format!("https://[::ffff:127.0.0.1]:{port}/"),
        "https://10.0.0.7/".to_owned(),
        "https://192.168.1.1/".to_owned(),
        "https://[fd00::7]/".to_owned(),
    ] {
        let why = told(&url, "").await.unwrap_err().to_string();
        assert!(
            why.contains("which is private; if that is meant"),
            "{url}: {why}"
        );
    }
    for url in [
        "https://169.254.169.254/latest/meta-data/",
        "https://[fe80::1]/",
        "https://[::ffff:169.254.169.254]/",
        "https://0.0.0.0/",
        "https://168.63.129.16/",
        "http://169.254.169.254/",
    ] {
        let why = told(url, "allow_private = true")
            .await
            .unwrap_err()
            .to_string();
        assert!(why.contains("where nothing is ever sent"), "{url}: {why}");
    }
    // Other ways to write 127.0.0.1, which resolvers understand and no certificate names.
    for host in ["2130706433", "0x7f.1", "0177.0.0.1"] {
        let why = told(&format!("https://{host}:{port}/"), "").await;
        let why = why.unwrap_err().to_string();
        let refused = [
            "is no name of a host",
            "which is private",
            "cannot be looked up",
        ];
        assert!(refused.iter().any(|it| why.contains(it)), "{host}: {why}");
    }
    let plain = told("http://1.1.1.1/", "allow_private = true").await;
    assert!(plain.unwrap_err().to_string().contains("that needs https"));
    assert!(receiver.told().is_empty());
    let meant = told(&format!("http://127.0.0.1:{port}/"), "allow_private = true").await;
    assert_eq!(meant.unwrap(), format!("127.0.0.1:{port} answered 200"));
}
