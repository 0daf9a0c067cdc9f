//! `kubectl`, with what `glass exec` lays for it and with `glass` as its plugin.

use breakglass_client::ephemeral::EphemeralKey;
use breakglass_client::exec::place::kubernetes::{Kubernetes, Way};
use breakglass_client::exec::place::{Given, Place};
use breakglass_tests::cluster::{Cluster, Seen};
use breakglass_tests::laid::{LaidOut, bare};
use breakglass_tests::papers::Papers;
use breakglass_tests::playground::{Output, Playground, Process, binary};
use breakglass_tests::{https, jwt};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::{Value, json};

const PODS: [&str; 4] = ["get", "pods", "-o", "name"];

/// The cluster as the policy would have it.
fn place(cluster: &Cluster, way: Way) -> Place {
    Place::Kubernetes(Kubernetes {
        target: "prod".into(),
        server: cluster.url(),
        authority: Some(cluster.authority().to_owned()),
        namespace: Some("shop".into()),
        way,
    })
}

fn shows_pods(said: &Output) {
    assert_eq!(
        (said.code, said.out.as_str()),
        (0, "pod/worker-1\n"),
        "{said}"
    );
}

fn is_turned_away(said: &Output) {
    assert_ne!(said.code, 0, "{said}");
    assert!(!said.out.contains("worker-1"), "{said}");
}

#[test]
fn kubectl_shows_the_token_in_the_file_and_the_renewed_one_after() {
    let good = |seen: &Seen| {
        let tokens = ["one.one.one", "two.two.two"];
        seen.token
            .as_deref()
            .is_some_and(|token| tokens.contains(&token))
    };
    let cluster = Cluster::begins(&Papers::of("nobody"), good);
    let mut laid = LaidOut::with(place(&cluster, Way::Token), Given::Jwt("one.one.one"));
    shows_pods(&laid.runs("kubectl", &PODS));
    let seen = cluster.asked_for_pods();
    assert_eq!(seen.path, "/api/v1/namespaces/shop/pods");
    assert_eq!(seen.token.as_deref(), Some("one.one.one"));
    assert_eq!(seen.certificate, None);

    laid.is_renewed(Given::Jwt("two.two.two"));
    shows_pods(&laid.runs("kubectl", &PODS));
    let seen = cluster.asked_for_pods();
    assert_eq!(seen.token.as_deref(), Some("two.two.two"));

    laid.is_renewed(Given::Jwt("not.good.any-more"));
    is_turned_away(&laid.runs("kubectl", &PODS));
}

#[test]
fn kubectl_shows_the_certificate_of_the_targets_authority_and_no_other_gets_in() {
    let papers = Papers::of("targets");
    let cluster = Cluster::begins(&papers, |seen| seen.certificate.is_some());
    let key = EphemeralKey::generate().expect("a key");
    let chain = papers.client("mia", key.point());
    let given = |chain| Given::X509 {
        chain,
        key: Box::leak(key.pem().to_string().into_boxed_str()),
        login: "mia",
    };
    let mut laid = LaidOut::with(place(&cluster, Way::Certificate), given(&chain));
    shows_pods(&laid.runs("kubectl", &PODS));
    let seen = cluster.asked_for_pods();
    let shown = CertificateDer::from_pem_slice(chain.as_bytes()).expect("a certificate");
    assert_eq!((seen.certificate, seen.token), (Some(shown), None));

    let other = Papers::of("targets").client("mia", key.point());
    laid.is_renewed(given(&other));
    is_turned_away(&laid.runs("kubectl", &PODS));
}

#[test]
fn kubectl_shows_nothing_to_a_server_of_another_authority() {
    let cluster = Cluster::begins(&Papers::of("nobody"), |_| true);
    let Place::Kubernetes(mut place) = place(&cluster, Way::Token) else {
        panic!("it is a cluster");
    };
    place.authority = Some(Papers::of("the cluster").pem());
    let laid = LaidOut::with(Place::Kubernetes(place), Given::Jwt("one.one.one"));
    let said = laid.runs("kubectl", &PODS);
    is_turned_away(&said);
    assert!(said.err.contains("x509"), "{said}");
}

/// A kubeconfig of somebody who has `glass` as a plugin.
fn plugin(cluster: &Cluster, version: &str, words: &[&str]) -> Value {
    use base64::Engine as _;
    let words = [&["credential", "kubernetes"], words].concat();
    let authority = base64::engine::general_purpose::STANDARD.encode(cluster.authority());
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{ "name": "prod", "cluster": {
            "server": cluster.url(),
            "certificate-authority-data": authority,
        }}],
        "users": [{ "name": "glass", "user": { "exec": {
            "apiVersion": format!("client.authentication.k8s.io/{version}"),
            "command": binary("glass"),
            "args": words,
            "interactiveMode": "Never",
        }}}],
        "contexts": [{ "name": "prod", "context": {
            "cluster": "prod", "user": "glass", "namespace": "shop",
        }}],
        "current-context": "prod",
    })
}

/// Mia runs `kubectl` with that.
fn kubectl(playground: &Playground, config: &Value) -> Output {
    let path = playground.path("kubeconfig");
    std::fs::write(&path, config.to_string()).expect("it is written");
    let mut command = bare("kubectl", &playground.path("home"));
    command
        .args(PODS)
        .env("KUBECONFIG", path)
        .env("GLASS_CONFIG_DIR", playground.contexts())
        .env("GLASS_CONTEXT", "mia");
    Process::spawn(command).finishes()
}

/// The versions that both this kubectl and the plugin speak: `v1` came with 1.22.
fn versions() -> Vec<&'static str> {
    let mut command = bare("kubectl", std::path::Path::new("/"));
    command.args(["version", "--client", "-o", "json"]);
    let said = Process::spawn(command).finishes().json();
    let minor = said["clientVersion"]["minor"].as_str().expect("a version");
    let digits = minor.trim_end_matches(|c: char| !c.is_ascii_digit());
    match digits.parse::<u32>().expect("a number") {
        ..22 => vec!["v1beta1"],
        _ => vec!["v1", "v1beta1"],
    }
}

#[tokio::test]
async fn kubectl_fetches_a_token_by_itself_while_the_grant_lives() {
    let playground = Playground::begins();
    let authority = playground.glassd(&["authority"]).out;
    let web = ([127, 0, 0, 1], playground.ports().web).into();
    let keys = https::get(web, &authority, "/jwks.json").await.json();
    let good = move |seen: &Seen| {
        let token = seen.token.as_deref().unwrap_or_default();
        jwt::check(token, &keys).is_ok_and(|token| {
            token.claims["sub"] == "mia" && token.claims["aud"] == "https://config.shop.example"
        })
    };
    let cluster = Cluster::begins(&Papers::of("nobody"), good);
    let incident = playground.opens("the worker floods");
    let asks = |right: &str| {
        let words = ["request", right, "--incident", &incident, "-m", "look"];
        playground.done("mia", &words);
    };

    let config = plugin(&cluster, "v1beta1", &["revert-config"]);
    let said = kubectl(&playground, &config);
    is_turned_away(&said);
    assert!(
        said.err
            .contains("you have no live grant for revert-config"),
        "{said}"
    );
    assert!(said.err.contains("glass request revert-config"), "{said}");

    asks("revert-config");
    for version in versions() {
        let config = plugin(&cluster, version, &["revert-config"]);
        shows_pods(&kubectl(&playground, &config));
        assert!(cluster.asked_for_pods().token.is_some(), "{version}");
    }
    // One of another right is made out for another audience.
    asks("restart-worker");
    is_turned_away(&kubectl(
        &playground,
        &plugin(&cluster, "v1beta1", &["restart-worker"]),
    ));

    playground.done("leon", &["incident", "close", &incident, "-m", "done"]);
    is_turned_away(&kubectl(&playground, &config));
}

#[test]
fn a_kubectl_that_asks_for_another_version_is_told_what_to_write() {
    let playground = Playground::empty(breakglass_tests::playground::Rules::default());
    let mut command =
        playground.glass_command("mia", &["credential", "kubernetes", "read-cluster"]);
    command.env(
        "KUBERNETES_EXEC_INFO",
        r#"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1alpha1","spec":{}}"#,
    );
    let said = Process::spawn(command).finishes();
    assert_eq!((said.code, said.out.as_str()), (2, ""), "{said}");
    assert!(
        said.err
            .contains("apiVersion: client.authentication.k8s.io/v1"),
        "{said}"
    );
}
