//! Webhooks and Slack, by a server that breaks, hangs, fails and leads elsewhere.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use breakglass_broker::notify::Notice;
use breakglass_domain::Time;
use breakglass_domain::policy::STARTER;
use breakglass_tests::World;
use breakglass_tests::papers::Papers;
use breakglass_tests::playground::{Output, Process, binary};
use breakglass_tests::receiver::{Answer, Posted, Receiver};
use breakglass_tests::wait::until_async;
use breakglass_tests::world::Ask;
use ring::hmac;
use serde_json::Value;

use super::{SECRET, Secrets, channel, configured};

/// A destination that hears everything unless `more` says otherwise.
fn webhook(name: &str, receiver: &Receiver, secrets: &Secrets, more: &str) -> String {
    let (address, secret) = (receiver.address(), secrets.of("secret", SECRET));
    format!(
        "[notify.{name}]\nkind = \"webhook\"\nurl = \"http://{address}/hook?team=1\"\n\
         secret_file = {secret:?}\nallow_private = true\n{more}\n"
    )
}

fn types(posted: &[Posted]) -> Vec<String> {
    let kind = |it: &Posted| it.json()["type"].as_str().unwrap_or_default().to_owned();
    posted.iter().map(kind).collect()
}

/// As a receiver checks it, with what the documentation says and nothing else.
fn is_signed(posted: &Posted) -> bool {
    let key = STANDARD
        .decode(SECRET.trim_start_matches("whsec_"))
        .unwrap();
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    let header = |name: &str| posted.headers[name].as_str();
    let mut text =
        format!("{}.{}.", header("webhook-id"), header("webhook-timestamp")).into_bytes();
    text.extend(&posted.body);
    let signature = header("webhook-signature").strip_prefix("v1,").unwrap();
    hmac::verify(&key, &text, &STANDARD.decode(signature).unwrap()).is_ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_night_reaches_a_webhook_in_order_signed_and_without_a_secret() {
    let (receiver, secrets) = (Receiver::begins().await, Secrets::new());
    let world = World::with(STARTER, &webhook("siem", &receiver, &secrets, "")).await;
    let incident = world.opens("support", "the worker floods").await;
    let answer = world
        .asks_for(&Ask::of("mia", "deploy-shop").with_jwt())
        .await
        .unwrap();
    let given = answer.credential.expect("a token came with it").value;
    let request = world.waits_for("mia", "migrate-shop-db").await;
    world.approves("leon", &request.id).await.unwrap();
    let token = world.takes_jwt("mia", &request.id).await.unwrap().value;
    world.revokes("founder", &request.id).await.unwrap();
    world.closes("leon", &incident).await.unwrap();

    let told = receiver.takes(6).await;
    assert_eq!(
        types(&told),
        [
            "breakglass.incident.opened",
            "breakglass.grant.started",
            "breakglass.approval.wanted",
            "breakglass.grant.started",
            "breakglass.grant.revoked",
            "breakglass.incident.closed",
        ]
    );
    let entries = world.entries();
    for posted in &told {
        assert!(is_signed(posted));
        assert_eq!(posted.path, "/hook?team=1");
        let event = posted.json();
        let place: usize = event["id"].as_str().unwrap().parse().unwrap();
        let entry = &entries[place];
        assert_eq!(
            event["time"], entry["at"],
            "the id is the place of its entry"
        );
        assert_eq!(posted.headers["webhook-id"], event["id"].as_str().unwrap());
        assert_eq!(event["source"], "glass.example/ledger");
        assert_eq!(
            posted.headers["content-type"],
            "application/cloudevents+json; charset=utf-8"
        );
        holds_no_secret(posted, [&given, &token]);
    }
}

/// Not a token, nor one of its parts, nor what notices are signed with.
fn holds_no_secret(posted: &Posted, tokens: [&String; 2]) {
    let body = String::from_utf8_lossy(&posted.body).into_owned();
    assert!(!body.contains("eyJ"), "the beginning of any JWT: {body}");
    let said = format!("{body} {:?}", posted.headers);
    assert!(!said.contains(&SECRET[6..]), "{said}");
    for part in tokens.into_iter().flat_map(|token| token.split('.')) {
        assert!(!said.contains(part), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_breaks_is_tried_again_and_nobody_waits_for_it() {
    let (bad, good) = (Receiver::begins().await, Receiver::begins().await);
    let secrets = Secrets::new();
    bad.answers([Answer::HangsUp, Answer::Says(500, "<html>trouble")]);
    let silent = Receiver::begins().await;
    silent.always(Answer::Hangs);
    let all = [
        webhook("bad", &bad, &secrets, ""),
        webhook("good", &good, &secrets, ""),
        webhook("silent", &silent, &secrets, ""),
    ];
    let world = World::with(STARTER, &all.concat()).await;
    world.opens("support", "the worker floods").await;
    silent.is_tried(1).await;
    // It hangs for ever, and neither a grant nor another destination does.
    world.gets("mia", "deploy-shop").await;
    let told = good.takes(2).await;
    assert_eq!(
        types(&told),
        ["breakglass.incident.opened", "breakglass.grant.started"]
    );
    let tried = bad.is_tried(4).await;
    let ids: Vec<_> = tried
        .iter()
        .map(|it| it.headers["webhook-id"].clone())
        .collect();
    assert!(
        ids[0] == ids[1] && ids[1] == ids[2] && ids[2] != ids[3],
        "{ids:?}"
    );
    assert!(tried.iter().all(is_signed));
    let metrics = until_async(
        "both are counted",
        "an answer is counted after the receiver has given it",
        async || {
            let text = world.broker().telemetry().metrics();
            let delivered = "breakglass_notices_delivered_total{destination=\"bad\"} 2.0";
            text.contains(delivered).then_some(text)
        },
    )
    .await;
    for line in [
        "breakglass_notices_failed_total{destination=\"bad\"} 2.0",
        "breakglass_notices_delivered_total{destination=\"good\"} 2.0",
        "breakglass_notices_delivered_total{destination=\"silent\"} 0.0",
        "breakglass_notices_lag_entries{destination=\"bad\"} 0.0",
    ] {
        assert!(metrics.contains(line), "{line}\n{metrics}");
    }
    let lag = metrics
        .lines()
        .find(|line| line.contains("lag_entries{destination=\"silent\"}"));
    assert!(!lag.unwrap().ends_with(" 0.0"), "{lag:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redirect_is_not_followed_and_status_says_what_does_not_get_through() {
    let (receiver, secrets) = (Receiver::begins().await, Secrets::new());
    receiver.always(Answer::Leads("http://169.254.169.254/latest/meta-data/"));
    let world = World::with(STARTER, &webhook("siem", &receiver, &secrets, "")).await;
    world.opens("support", "the worker floods").await;
    receiver.is_tried(2).await;
    let status = world.glass("mia", &["status"]).await;
    assert!(
        !status.out.contains("siem"),
        "not for a moment: {}",
        status.out
    );
    world.clock().passes(Duration::from_secs(301));
    let status = world.glass("mia", &["status"]).await;
    assert!(status.out.contains("Notices to `siem`"), "{}", status.out);
    assert!(
        status.out.contains("302") && status.out.contains("redirect"),
        "{}",
        status.out
    );
    assert!(!status.out.contains("team=1"), "{}", status.out);
    receiver.always(Answer::Takes);
    receiver.takes(1).await;
    until_async("it is well again", "the answer is on its way", async || {
        let status = world.glass("mia", &["status"]).await;
        (!status.out.contains("siem")).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_not_delivered_is_after_a_restart() {
    let (receiver, secrets) = (Receiver::begins().await, Secrets::new());
    receiver.always(Answer::Says(503, ""));
    let more = "events = [\"incident.opened\", \"incident.closed\"]";
    let mut world = World::with(STARTER, &webhook("siem", &receiver, &secrets, more)).await;
    let incident = world.opens("support", "the worker floods").await;
    receiver.is_tried(1).await;
    world.gets("mia", "deploy-shop").await;
    world.stops().await;
    receiver.always(Answer::Takes);
    world.starts().await;
    world.closes("leon", &incident).await.unwrap();
    let told = receiver.takes(2).await;
    assert_eq!(
        types(&told),
        ["breakglass.incident.opened", "breakglass.incident.closed"]
    );
    until_async(
        "both are counted",
        "an answer is counted after the receiver has given it",
        async || {
            let delivered = "breakglass_notices_delivered_total{destination=\"siem\"} 2.0";
            let text = world.broker().telemetry().metrics();
            text.contains(delivered).then_some(())
        },
    )
    .await;
    world.restarts().await;
    world.opens("mia", "mails are late").await;
    let told = types(&receiver.takes(3).await);
    assert_eq!(told.len(), 3, "nothing was told twice: {told:?}");
    assert_eq!(told[2], "breakglass.incident.opened");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_self_grant_reaches_also_who_wanted_to_hear_of_something_else() {
    let (receiver, secrets) = (Receiver::begins().await, Secrets::new());
    let more = "events = [\"ledger.trouble\"]";
    let world = World::with(STARTER, &webhook("siem", &receiver, &secrets, more)).await;
    world.opens("support", "the worker floods").await;
    let request = world.waits_for("mia", "migrate-shop-db").await;
    world.minutes_pass(11).await;
    world.grants_themselves("mia", &request.id).await.unwrap();
    let told = receiver.takes(1).await;
    assert_eq!(types(&told), ["breakglass.grant.self-granted"]);
    let text = told[0].json()["data"]["text"].as_str().unwrap().to_owned();
    assert!(
        text.starts_with("SELF-GRANT: nobody answered, and mia began alone"),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_away_for_a_night_is_told_how_much_there_was() {
    let (receiver, secrets) = (Receiver::begins().await, Secrets::new());
    receiver.always(Answer::HangsUp);
    let world = World::with(STARTER, &webhook("siem", &receiver, &secrets, "")).await;
    world.opens("support", "the worker floods").await;
    receiver.is_tried(1).await;
    for _ in 0..3 {
        world.gets("mia", "deploy-shop").await;
    }
    world.minutes_pass(6 * 60 + 1).await;
    world.gets("mia", "restart-worker").await;
    receiver.always(Answer::Takes);
    let told = receiver.takes(2).await;
    assert_eq!(
        types(&told),
        ["breakglass.notices.missed", "breakglass.grant.started"]
    );
    let data = told[0].json()["data"].clone();
    assert_eq!(
        (&data["count"], &data["self_grants"]),
        (&"4".into(), &"0".into())
    );
    let next = data["next"].as_str().unwrap().to_owned();
    let words: Vec<_> = next.split(' ').skip(1).collect();
    let listed = world.glass("mia", &words).await;
    assert_eq!(listed.code, 0, "what it says to type works: {}", listed.err);
    assert!(listed.out.contains("the worker floods"), "{}", listed.out);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slack_is_told_over_tls_and_what_people_typed_is_text_there() {
    let (papers, secrets) = (Papers::of("an authority"), Secrets::new());
    let receiver = Receiver::over_tls(&papers.server()).await;
    let port = receiver.address().port();
    let url = secrets.of(
        "url",
        &format!("https://localhost:{port}/services/T0/B0/XyZ"),
    );
    let ca = secrets.of("ca.pem", &papers.pem());
    let chat = format!(
        "[notify.chat]\nkind = \"slack\"\nurl_file = {url:?}\nca_file = {ca:?}\nallow_private = true\n"
    );
    let world = World::with(STARTER, &chat).await;
    world
        .opens("support", "<!channel> & @here [x](http://evil.example)")
        .await;
    let told = receiver.takes(1).await;
    assert_eq!(told[0].path, "/services/T0/B0/XyZ");
    let message: Value = told[0].json();
    let text = message["text"].as_str().unwrap();
    assert!(
        text.starts_with(
            "INC-1 opened by support, sev2: &lt;!channel&gt; &amp; ＠here [x] (http://evil.example)\n"
        ),
        "{text}"
    );
    assert!(text.contains("`glass incident show INC-1`"), "{text}");
}

fn glassd(world: &World, words: &[&str]) -> Output {
    let mut command = Command::new(binary("glassd"));
    command
        .args(words)
        .arg("--config")
        .arg(&world.config().file);
    tokio::task::block_in_place(|| Process::spawn(command).finishes())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_tries_a_destination_and_is_told_what_happened() {
    let (receiver, secrets) = (Receiver::begins().await, Secrets::new());
    let address = receiver.address();
    let url = secrets.of("url", &format!("http://{address}/services/XyZ"));
    let chat =
        format!("[notify.chat]\nkind = \"slack\"\nurl_file = {url:?}\nallow_private = true\n");
    let world = World::with(STARTER, &chat).await;
    let said = glassd(&world, &["notify-test", "chat"]);
    assert_eq!(said.code, 0, "{said}");
    let wanted = format!("a test notice went to `chat`: {address} answered 200\n");
    assert_eq!(said.out, wanted);
    let message = receiver.takes(1).await[0].json();
    assert_eq!(
        message["text"],
        "A test: notices of breakglass reach `chat`"
    );

    receiver.always(Answer::Says(404, "no_service"));
    let said = glassd(&world, &["notify-test", "chat"]);
    assert_eq!(said.code, 1, "{said}");
    assert!(
        said.err.contains("answers 404: no_service") && said.err.contains("next:"),
        "{said}"
    );
    // A page that repeats what was asked for is not shown.
    receiver.always(Answer::Says(404, "<p>/services/XyZ is not here</p>"));
    let said = glassd(&world, &["notify-test", "chat"]);
    assert!(
        said.err.contains("answers 404") && !said.err.contains("XyZ"),
        "{said}"
    );
    let said = glassd(&world, &["notify-test", "pager"]);
    assert_eq!(said.code, 2, "{said}");
    assert!(said.err.contains("it has: chat"), "{said}");

    let said = glassd(&world, &["check"]);
    assert!(
        said.out
            .contains(&format!("ok   notify.chat    {address} at 127.0.0.1\n")),
        "{said}"
    );
    fs::set_permissions(&url, Permissions::from_mode(0o644)).unwrap();
    let said = glassd(&world, &["check"]);
    assert_eq!(said.code, 1, "{said}");
    assert!(
        said.out.contains("bad  notify.chat") && said.out.contains("chmod 600"),
        "{said}"
    );
}

/// What somebody types must not keep a self-grant from being told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_notice_that_a_receiver_does_not_want_to_show_holds_up_no_later_one() {
    let (receiver, secrets) = (Receiver::begins().await, Secrets::new());
    let channel = channel(&configured(&webhook("pager", &receiver, &secrets, "")));
    let now = Time::from_millis(1_800_000_000_000);
    let notice = Notice {
        title: "mia opened INC-7: <script>".to_owned(),
        id: "213".to_owned(),
        ..Notice::test("pager", now)
    };
    receiver.answers((0..7).map(|_| Answer::Says(400, "")));
    for _ in 0..7 {
        let why = channel.tell(&notice, now).await.unwrap_err();
        assert!(why.to_string().ends_with("answers 400"), "{why}");
    }
    channel.tell(&notice, now).await.unwrap();
    let told = receiver.is_tried(8).await;
    let (first, last) = (told[0].json(), told.last().unwrap().json());
    assert_eq!(first["data"]["text"], "mia opened INC-7: <script>");
    assert_eq!(
        last["data"]["text"],
        "notice.test: what is said of 213 is not taken here"
    );
    assert_eq!(last["data"]["next"], "glass ledger show 213");
    assert_eq!(last["id"], "213");

    // What fails for another reason is told whole, however often.
    receiver.answers((0..9).map(|_| Answer::Says(503, "")));
    for _ in 0..9 {
        channel.tell(&notice, now).await.unwrap_err();
    }
    channel.tell(&notice, now).await.unwrap();
    let told = receiver.takes(2).await;
    assert_eq!(told.last().unwrap().json()["data"]["text"], notice.title);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_elses_certificate_is_told_nothing() {
    let (papers, others, secrets) = (Papers::of("ours"), Papers::of("theirs"), Secrets::new());
    let receiver = Receiver::over_tls(&others.server()).await;
    let url = secrets.of(
        "url",
        &format!("https://{}/services/T0/B0/XyZ", receiver.address()),
    );
    let ca = secrets.of("ca.pem", &papers.pem());
    let chat = format!(
        "[notify.chat]\nkind = \"slack\"\nurl_file = {url:?}\nca_file = {ca:?}\nallow_private = true\n"
    );
    let world = World::with(STARTER, &chat).await;
    world.opens("support", "the worker floods").await;
    let problem = until_async(
        "it fails",
        "it is counted after the handshake",
        async || {
            let text = world.broker().telemetry().metrics();
            let failed = "breakglass_notices_failed_total{destination=\"chat\"} ";
            let count = text.lines().find_map(|line| line.strip_prefix(failed));
            (count != Some("0.0")).then_some(())?;
            world.clock().passes(Duration::from_secs(301));
            let status = world.glass("mia", &["status"]).await;
            status.out.contains("`chat`").then_some(status.out)
        },
    )
    .await;
    assert!(problem.contains("TLS with 127.0.0.1"), "{problem}");
    assert!(!problem.contains("XyZ"), "the URL is a secret: {problem}");
    assert!(receiver.told().is_empty());
}
