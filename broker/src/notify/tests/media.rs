//! How each medium writes a notice: bytes that others read and check.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use breakglass_domain::Time;
use serde_json::Value;

use crate::config::notify::Occasion;
use crate::notify::{Notice, Subject, To, slack, webhook};

fn notice(title: &str) -> Notice {
    Notice {
        id: "17".into(),
        subject: Subject::Of(Occasion::ApprovalWanted),
        at: "2026-11-23T03:05:00Z".parse().unwrap(),
        title: title.into(),
        facts: vec![
            ("entry", "17".into()),
            ("grant", "G-1".into()),
            ("reason", "a <b> & @here".into()),
            ("approvers", serde_json::json!(["leon", "founder"])),
        ],
        next: Some("glass approve G-1".into()),
        loud: false,
        to: To::Everybody,
        drill: false,
    }
}

#[test]
fn a_cloud_event_is_frozen() {
    let body = webhook::body(&notice("mia asks (G-1)"), "glass.example/ledger");
    assert_eq!(
        String::from_utf8(body).unwrap(),
        r#"{"data":{"approvers":["leon","founder"],"entry":"17","grant":"G-1","next":"glass approve G-1","reason":"a <b> & @here","text":"mia asks (G-1)"},"datacontenttype":"application/json","id":"17","source":"glass.example/ledger","specversion":"1.0","time":"2026-11-23T03:05:00.000Z","type":"breakglass.approval.wanted"}"#
    );
}

#[test]
fn a_signature_is_what_a_library_of_others_computes() {
    // Made with Python's hmac module, over the example of the Standard Webhooks libraries.
    let (secret, body) = (
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        br#"{"test": 2432232314}"#,
    );
    let now = Time::from_millis(1_614_265_330_000);
    let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    let headers = webhook::headers(id, body, secret, now).unwrap();
    let header = |name: &str| headers[name].to_str().unwrap().to_owned();
    assert_eq!(header("webhook-id"), id);
    assert_eq!(header("webhook-timestamp"), "1614265330");
    assert_eq!(
        header("webhook-signature"),
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    );
    let later = webhook::headers(id, body, secret, Time::from_millis(1_614_265_331_000)).unwrap();
    assert_ne!(later["webhook-signature"], headers["webhook-signature"]);
}

#[test]
fn a_secret_is_long_enough_to_sign() {
    let now = Time::from_millis(0);
    let why = |secret: &str| {
        webhook::headers("1", b"{}", secret, now)
            .unwrap_err()
            .to_string()
    };
    assert!(why("fifteen bytes..").contains("fewer than 16 bytes"));
    assert!(why(&format!("whsec_{}", STANDARD.encode([7; 15]))).contains("fewer than 16"));
    assert!(why("whsec_%%%").contains("not base64"));
    assert!(webhook::headers("1", b"{}", "sixteen bytes...", now).is_ok());
}

#[test]
fn slack_reads_text_where_somebody_typed_markup() {
    let body = slack::body(&notice("<!channel> mia asks *now* (G-1)"));
    let message: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(
        message["text"],
        "&lt;!channel&gt; mia asks ＊now＊ (G-1)\n• reason: a &lt;b&gt; &amp; ＠here\n• approvers: \
         leon, founder\n`glass approve G-1`"
    );
    assert_eq!(message["link_names"], false);
    let loud = Notice {
        loud: true,
        ..notice("SELF-GRANT")
    };
    let message: Value = serde_json::from_slice(&slack::body(&loud)).unwrap();
    let text = message["text"].as_str().unwrap();
    assert!(
        text.starts_with(":rotating_light: *SELF-GRANT*\n"),
        "{text}"
    );
}
