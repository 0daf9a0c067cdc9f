//! E-mail, by a real mail server that wants TLS and a login.

use std::path::Path;

use breakglass_broker::notify::Notice;
use breakglass_domain::Time;
use breakglass_domain::policy::STARTER;
use breakglass_tests::World;
use breakglass_tests::mailbox::{Mailbox, PASSWORD, USER};
use breakglass_tests::papers::Papers;
use serde_json::Value;

use super::{Secrets, channel, channel_to, configured};

fn settings(mode: &str, port: u16, ca: &Path, password: &Path, more: &str) -> String {
    format!(
        "[notify.mail]\nkind = \"smtp\"\nserver = \"localhost\"\nport = {port}\ntls = \"{mode}\"\n\
         from = \"breakglass <glass@shop.example>\"\nuser = \"{USER}\"\npassword_file = {password:?}\n\
         ca_file = {ca:?}\nallow_private = true\n{more}\n"
    )
}

fn header(message: &Value, name: &str) -> String {
    let text = message["text"].as_str().unwrap();
    let head = text.split("\r\n\r\n").next().unwrap().replace("\r\n ", " ");
    let start = format!("{name}: ");
    let line = head
        .lines()
        .find_map(|line| line.strip_prefix(&start).map(str::to_owned));
    line.unwrap_or_else(|| panic!("no {name} in {text}"))
}

fn recipients(mailbox: &mut Mailbox, count: usize) -> Vec<String> {
    let mut all: Vec<_> = (0..count)
        .map(|_| mailbox.takes()["to"][0].as_str().unwrap().to_owned())
        .collect();
    all.sort();
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_are_written_to_by_their_contact_and_approvers_alone_of_their_request() {
    let (papers, secrets) = (Papers::of("an authority"), Secrets::new());
    let paper = papers.server();
    let mut mailbox = Mailbox::begins("starttls", &paper, secrets.0.path());
    let ca = secrets.of("ca.pem", &papers.pem());
    let password = secrets.of("password", PASSWORD);
    let settings = settings("starttls", mailbox.port(), &ca, &password, "");
    let world = World::with(STARTER, &settings).await;

    world.opens("support", "naïve \"worker\" floods").await;
    let everybody = ["founder", "leon", "mia", "support"].map(|who| format!("{who}@shop.example"));
    let first = mailbox.takes();
    assert_eq!(first["tls"], true);
    assert_eq!(first["login"], true);
    assert_eq!(first["from"], "glass@shop.example");
    assert!(header(&first, "From").contains("<glass@shop.example>"));
    assert_eq!(header(&first, "Auto-Submitted"), "auto-generated");
    let id = header(&first, "Message-ID");
    assert!(id.ends_with(".glass.example.ledger@localhost>"), "{id}");
    let mut told = recipients(&mut mailbox, 3);
    told.push(first["to"][0].as_str().unwrap().to_owned());
    told.sort();
    assert_eq!(told, everybody);

    world.waits_for("mia", "migrate-shop-db").await;
    let approvers = ["founder", "leon"].map(|who| format!("{who}@shop.example"));
    assert_eq!(recipients(&mut mailbox, 2), approvers);
    world.minutes_pass(11).await;
    world.grants_themselves("mia", "G-1").await.unwrap();
    let loud = mailbox.takes();
    let subject = header(&loud, "Subject");
    assert!(
        subject.starts_with("[breakglass] SELF-GRANT: nobody answered"),
        "{subject}"
    );
    let text = loud["text"].as_str().unwrap();
    assert!(text.contains("glass veto G-1 -m WHY"), "{text}");
    assert!(!text.contains(PASSWORD));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_no_approver_has_an_address_everybody_is_told_to_call_them() {
    let (papers, secrets) = (Papers::of("an authority"), Secrets::new());
    let mut mailbox = Mailbox::begins("tls", &papers.server(), secrets.0.path());
    let (ca, password) = (
        secrets.of("ca.pem", &papers.pem()),
        secrets.of("password", PASSWORD),
    );
    let more = "events = [\"approval.wanted\"]";
    let settings = settings("tls", mailbox.port(), &ca, &password, more);
    let by_telephone = STARTER
        .replace("founder@shop.example", "+49 30 1234567")
        .replace("leon@shop.example", "+49 30 7654321");
    let world = World::with(&by_telephone, &settings).await;
    world.opens("support", "the worker floods").await;
    world.waits_for("mia", "migrate-shop-db").await;
    let told = mailbox.takes();
    let text = told["text"].as_str().unwrap();
    assert!(
        text.contains("no e-mail address of founder, leon is known: call them"),
        "{text}"
    );
    let mut all = recipients(&mut mailbox, 1);
    all.push(told["to"][0].as_str().unwrap().to_owned());
    all.sort();
    assert_eq!(all, ["mia@shop.example", "support@shop.example"]);

    let contacts = [("mia", "mia@shop.example"), ("leon", "+49 30 7654321")];
    let channel = channel_to(&configured(&settings), &contacts);
    let checked = channel.check().await.unwrap();
    let expected = "for 1 address; the `contact` of leon is no e-mail address";
    assert!(checked.ends_with(expected), "{checked}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mailbox_that_is_gone_keeps_nobody_else_waiting() {
    let (papers, secrets) = (Papers::of("an authority"), Secrets::new());
    let mut mailbox = Mailbox::begins("tls", &papers.server(), secrets.0.path());
    let (ca, password) = (
        secrets.of("ca.pem", &papers.pem()),
        secrets.of("password", PASSWORD),
    );
    let more =
        "to = [\"gone@shop.example\", \"Ops <ops@shop.example>\"]\nevents = [\"incident.opened\"]";
    let settings = settings("tls", mailbox.port(), &ca, &password, more);
    let world = World::with(STARTER, &settings).await;
    world.opens("support", "one").await;
    world.opens("mia", "two").await;
    for title in ["one", "two"] {
        let message = mailbox.takes();
        assert_eq!(message["to"], serde_json::json!(["ops@shop.example"]));
        assert!(header(&message, "Subject").ends_with(title));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mailbox_that_is_busy_keeps_nobody_else_waiting_and_gets_it_later() {
    let (papers, secrets) = (Papers::of("an authority"), Secrets::new());
    let mut mailbox = Mailbox::begins("tls", &papers.server(), secrets.0.path());
    let (ca, password) = (
        secrets.of("ca.pem", &papers.pem()),
        secrets.of("password", PASSWORD),
    );
    let more = "to = [\"busy@shop.example\", \"ops@shop.example\"]\nevents = [\"incident.opened\"]";
    let settings = settings("tls", mailbox.port(), &ca, &password, more);
    let world = World::with(STARTER, &settings).await;
    world.opens("support", "one").await;
    world.opens("mia", "two").await;
    let told = |mailbox: &mut Mailbox| {
        let message = mailbox.takes();
        let to = message["to"][0].as_str().unwrap().to_owned();
        let subject = header(&message, "Subject");
        let title = subject.rsplit(' ').next().unwrap().to_owned();
        (to, title)
    };
    let of = |who: &str, title: &str| (format!("{who}@shop.example"), title.to_owned());
    assert_eq!(told(&mut mailbox), of("ops", "one"));
    assert_eq!(told(&mut mailbox), of("busy", "one"));
    let mut second = [told(&mut mailbox), told(&mut mailbox)];
    second.sort();
    assert_eq!(second, [of("busy", "two"), of("ops", "two")]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mailbox_that_never_answers_holds_up_nobody_and_nothing_urgent() {
    let (papers, secrets) = (Papers::of("an authority"), Secrets::new());
    let mut mailbox = Mailbox::begins("tls", &papers.server(), secrets.0.path());
    let (ca, password) = (
        secrets.of("ca.pem", &papers.pem()),
        secrets.of("password", PASSWORD),
    );
    let more = "to = [\"slow@shop.example\", \"ops@shop.example\"]";
    let settings = settings("tls", mailbox.port(), &ca, &password, more);
    let world = World::with(STARTER, &settings).await;
    world.opens("support", "one").await;
    let first = mailbox.takes();
    assert_eq!(first["to"], serde_json::json!(["ops@shop.example"]));
    // The other is still waited for: what comes behind it waits, and what is urgent does not.
    world.waits_for("mia", "migrate-shop-db").await;
    let urgent = mailbox.takes();
    assert_eq!(urgent["to"], serde_json::json!(["ops@shop.example"]));
    let subject = header(&urgent, "Subject");
    assert!(subject.contains("mia asks to change"), "{subject}");
    let place = |folder: &str| world.config().notify_dir().join(folder).join("mail.place");
    assert!(place("").is_file() && place("urgent").is_file());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mailbox_that_is_full_holds_up_one_notice_for_a_while_and_no_later_one() {
    let (papers, secrets) = (Papers::of("an authority"), Secrets::new());
    let mut mailbox = Mailbox::begins("starttls", &papers.server(), secrets.0.path());
    let (ca, password) = (
        secrets.of("ca.pem", &papers.pem()),
        secrets.of("password", PASSWORD),
    );
    // The server does not take addresses like the second (SMTPUTF8).
    for (number, put_off) in ["full@shop.example", "jörg@shop.example"]
        .iter()
        .enumerate()
    {
        let more = format!("to = [\"{put_off}\", \"ops@shop.example\"]");
        let settings = settings("starttls", mailbox.port(), &ca, &password, &more);
        let channel = channel(&configured(&settings));
        let notice = |second: i64| {
            let at = 1_800_000_000_000 + 1_000 * second + 100_000 * number as i64;
            Notice::test("a", Time::from_millis(at))
        };
        let now = Time::from_millis(1_800_000_000_000);
        for _ in 0..7 {
            let why = channel.tell(&notice(1), now).await.unwrap_err().to_string();
            assert!(
                why.contains("took it for 1 address, and wants to be asked again for one"),
                "{why}"
            );
        }
        for second in [1, 2] {
            let told = channel.tell(&notice(second), now).await.unwrap();
            assert!(told.contains("for 1 address, and not for one"), "{told}");
        }
        let ids = [1, 2].map(|_| {
            let message = mailbox.takes();
            assert_eq!(message["to"], serde_json::json!(["ops@shop.example"]));
            header(&message, "Message-ID")
        });
        assert_ne!(ids[0], ids[1], "each notice once");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_notice_that_nobody_takes_is_a_failure_however_often_it_is_tried() {
    let (papers, secrets) = (Papers::of("an authority"), Secrets::new());
    let mailbox = Mailbox::begins("tls", &papers.server(), secrets.0.path());
    let (ca, password) = (
        secrets.of("ca.pem", &papers.pem()),
        secrets.of("password", PASSWORD),
    );
    let more = "to = [\"gone@shop.example\", \"full@shop.example\"]";
    let settings = settings("tls", mailbox.port(), &ca, &password, more);
    let channel = channel(&configured(&settings));
    let now = Time::from_millis(1_800_000_000_000);
    for _ in 0..12 {
        let why = channel.tell(&Notice::test("a", now), now).await;
        let why = why.unwrap_err().to_string();
        assert!(why.contains("refuses everybody"), "{why}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_that_is_wrong_is_mended_while_the_broker_runs() {
    let (papers, secrets) = (Papers::of("an authority"), Secrets::new());
    let mut mailbox = Mailbox::begins("starttls", &papers.server(), secrets.0.path());
    let (ca, password) = (
        secrets.of("ca.pem", &papers.pem()),
        secrets.of("password", "wrong"),
    );
    let more = "to = [\"ops@shop.example\"]";
    let settings = settings("starttls", mailbox.port(), &ca, &password, more);
    let world = World::with(STARTER, &settings).await;
    world.opens("support", "the worker floods").await;
    breakglass_tests::wait::until("it is refused", "a refusal is only counted", || {
        let text = world.broker().telemetry().metrics();
        let none = "breakglass_notices_failed_total{destination=\"mail\"} 0.0";
        (!text.contains(none)).then_some(())
    });
    world.clock().passes(std::time::Duration::from_secs(301));
    let status = world.glass("mia", &["status"]).await.out;
    assert!(
        status.contains("`mail`") && status.contains("535"),
        "{status}"
    );
    secrets.of("password", PASSWORD);
    assert_eq!(mailbox.takes()["to"][0], "ops@shop.example");
}
