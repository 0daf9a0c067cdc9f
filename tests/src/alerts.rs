//! Alert sources of a story: their part of the policy and the config, their secrets, and how each signs.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use breakglass_domain::policy::STARTER;
use ring::hmac;

use crate::World;
use crate::https::{Answer, post};

/// Four sources, one of each kind, beside the starter policy.
const SOURCES: &str = r#"
[sources.alertmanager]
kind = "alertmanager"
severity = { critical = "sev1", warning = "sev3" }
rights = ["restart-worker"]
grace = "10m"

[sources.pagerduty]
kind = "pagerduty"
severity = { P1 = "sev1", high = "sev2", low = "sev3" }

[sources.grafana]
kind = "grafana"
severity = "sev2"

[sources.deploys]
kind = "webhook"
severity = { page = "sev1", "*" = "sev3" }
"#;

const SETTINGS: &str = r#"
[hooks.alertmanager]
secret_files = ["alertmanager.secret"]
[hooks.pagerduty]
secret_files = ["old.secret", "pagerduty.secret"]
[hooks.grafana]
secret_files = ["grafana.secret"]
[hooks.deploys]
secret_files = ["deploys.secret"]
"#;

/// A header of a request.
pub type Header = (String, String);

/// A world with alert sources.
///
/// # Panics
/// Where it does not begin.
pub async fn watched() -> World {
    let world = World::with(&policy(), SETTINGS).await;
    for name in ["alertmanager", "old", "pagerduty", "grafana", "deploys"] {
        keeps(&world, name);
    }
    let reloaded = world.broker().reload().await;
    reloaded.expect("the secrets are taken up");
    world
}

/// The policy of [`watched`].
#[must_use]
pub fn policy() -> String {
    format!("{STARTER}{SOURCES}")
}

/// The secret of this name is in its file.
fn keeps(world: &World, name: &str) {
    let file = world.data().join(format!("keys/{name}.secret"));
    fs::write(&file, format!("{}\n", secret(name))).expect("a secret is written");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("and closed");
}

/// A secret of a story.
#[must_use]
pub fn secret(name: &str) -> String {
    format!("{name}-secret-of-a-story-0123456789")
}

/// HMAC-SHA256 in hex.
#[must_use]
pub fn signature(secret: &str, parts: &[&[u8]]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, &parts.concat());
    tag.as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// A bearer token.
#[must_use]
pub fn bearer(secret: &str) -> Vec<Header> {
    vec![("authorization".into(), format!("Bearer {secret}"))]
}

/// As PagerDuty signs.
#[must_use]
pub fn pagerduty(secret: &str, body: &str) -> Vec<Header> {
    let signature = signature(secret, &[body.as_bytes()]);
    let name = "x-pagerduty-signature".to_owned();
    vec![(name, format!("v1={},v1={signature}", "0".repeat(64)))]
}

/// As `docs/operating/alerts.md` says that anybody signs.
#[must_use]
pub fn ours(source: &str, secret: &str, (at, nonce): (i64, &str), body: &str) -> Vec<Header> {
    let head = format!("glass-hook v1\n{source}\n{at}\n{nonce}\n");
    let signature = signature(secret, &[head.as_bytes(), body.as_bytes()]);
    vec![
        ("glass-timestamp".into(), at.to_string()),
        ("glass-nonce".into(), nonce.to_owned()),
        ("glass-signature".into(), format!("v1={signature}")),
    ]
}

impl World {
    /// Something is posted to a hook.
    pub async fn is_told(&self, source: &str, headers: &[Header], body: &str) -> Answer {
        let ca = self.ca_pem().await;
        let path = format!("/hooks/{source}");
        post(self.web(), &ca, &path, headers, body.as_bytes()).await
    }
}
