//! Kubernetes by certificate, and proofs for HTTP services: what `glass credential` prints.

use std::fs;

use breakglass_tests::Playground;
use breakglass_tests::cluster::{Cluster, Seen};
use breakglass_tests::playground::{Process, binary};
use serde_json::json;

use super::policy;

const PODS: [&str; 5] = ["kubectl", "get", "pods", "-o", "name"];

/// A cluster that takes certificates of the broker's authority for targets, and Mia's right to look.
fn prod() -> (Playground, Cluster) {
    let playground = Playground::begins();
    let authority = playground.glassd(&["targets-ca"]).out;
    let cluster = Cluster::with_client_ca(&authority, |seen| seen.certificate.is_some());
    let ways = format!(
        "[targets.prod]\nkind = \"kubernetes\"\naddress = \"{}\"\nca = \"\"\"\n{}\"\"\"\n\
         [rights.read-cluster]\nsentence = \"look at the cluster\"\nrisk = \"low\"\n\
         longest = \"30m\"\n[rights.read-cluster.kubernetes]\ntarget = \"prod\"\n\
         way = \"certificate\"\ngroups = [\"shop-readers\"]\nnamespace = \"shop\"\n",
        cluster.url(),
        cluster.authority()
    );
    fs::write(playground.policy(), policy("\"read-cluster\"", &ways)).unwrap();
    let reloaded = playground.glassd(&["reload"]);
    assert_eq!(reloaded.code, 0, "{reloaded}");
    playground.opens("pods restart");
    (playground, cluster)
}

/// Whom the API server takes them for: the person, and the groups.
fn is_mia_the_reader(playground: &Playground, seen: &Seen) {
    assert_eq!(seen.path, "/api/v1/namespaces/shop/pods");
    assert_eq!(seen.token, None);
    let shown = seen.certificate.as_ref().unwrap();
    fs::write(playground.path("mia.der"), shown).unwrap();
    let mut openssl = playground.command("openssl".into());
    openssl.args(["x509", "-noout", "-subject", "-nameopt", "RFC2253"]);
    openssl.args(["-inform", "DER", "-in", "mia.der"]);
    let subject = Process::spawn(openssl).finishes().out;
    assert_eq!(subject.trim_end(), "subject=CN=mia,O=shop-readers");
}

#[test]
fn kubectl_under_exec_shows_a_certificate_of_the_broker() {
    let (playground, cluster) = prod();
    let words = ["exec", "read-cluster", "-m", "why do they restart", "--"];
    let said = playground.done("mia", &[&words[..], &PODS].concat());
    assert_eq!(said.out, "pod/worker-1\n", "{said}");
    is_mia_the_reader(&playground, &cluster.asked_for_pods());
}

#[test]
fn kubectl_shows_the_certificate_that_the_plugin_answers_with() {
    let (playground, cluster) = prod();
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{ "name": "prod", "cluster": {
            "server": cluster.url(),
            "certificate-authority": playground.path("cluster.crt"),
        }}],
        "users": [{ "name": "glass", "user": { "exec": {
            "apiVersion": "client.authentication.k8s.io/v1beta1",
            "command": binary("glass"),
            "args": ["credential", "kubernetes", "read-cluster"],
            "interactiveMode": "Never",
        }}}],
        "contexts": [{ "name": "prod", "context": {
            "cluster": "prod", "user": "glass", "namespace": "shop",
        }}],
        "current-context": "prod",
    });
    fs::write(playground.path("cluster.crt"), cluster.authority()).unwrap();
    fs::write(playground.path("kubeconfig"), config.to_string()).unwrap();
    let kubectl = || {
        let mut command = playground.command("kubectl".into());
        command
            .args(&PODS[1..])
            .env("KUBECONFIG", playground.path("kubeconfig"))
            .env("GLASS_CONTEXT", "mia");
        Process::spawn(command).finishes()
    };
    let said = kubectl();
    assert_ne!(said.code, 0, "{said}");
    assert!(said.err.contains("glass request read-cluster"), "{said}");

    playground.done("mia", &["request", "read-cluster", "-m", "look"]);
    let said = kubectl();
    assert_eq!(said.out, "pod/worker-1\n", "{said}");
    is_mia_the_reader(&playground, &cluster.asked_for_pods());

    let said = playground.done("mia", &["credential", "kubernetes", "read-cluster"]);
    let status = &said.json()["status"];
    assert!(status["token"].is_null(), "{said}");
    let key = status["clientKeyData"].as_str().unwrap();
    assert!(key.starts_with("-----BEGIN PRIVATE KEY-----\n"));
}

#[test]
fn a_proof_is_made_for_the_token_of_the_command() {
    let playground = Playground::begins();
    playground.opens("the worker floods");
    let probe = playground.script(
        "probe",
        "\"$1\" credential dpop POST 'https://deploy.shop.example/rollback?now=1'",
    );
    let glass = binary("glass");
    let words = ["exec", "deploy-shop", "-m", "revert", "--"];
    let command = [probe.to_str().unwrap(), glass.to_str().unwrap()];
    let said = playground.done("mia", &[&words[..], &command].concat());
    assert_eq!(said.out.trim_end().split('.').count(), 3, "{said}");
    let said = playground.glass("mia", &["credential", "dpop", "POST", "https://x.example/"]);
    assert_eq!(said.code, 2, "{said}");
    assert!(said.err.contains("no token is named"), "{said}");
}
