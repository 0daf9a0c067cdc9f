//! Kubernetes by certificate, and proofs for HTTP services: what `glass credential` prints.

use std::fs;

use breakglass_tests::Playground;
use breakglass_tests::playground::{Process, Rules};
use serde_json::Value;

use super::policy;

#[test]
fn a_plugin_answers_with_a_certificate_where_the_right_says_so() {
    let ways = "[targets.prod]\nkind = \"kubernetes\"\naddress = \"https://prod.shop.example:6443\"\n\
                [rights.read-cluster]\nsentence = \"look at the cluster\"\nrisk = \"low\"\n\
                longest = \"30m\"\n[rights.read-cluster.kubernetes]\ntarget = \"prod\"\n\
                way = \"certificate\"\ngroups = [\"shop-readers\"]\n";
    let playground = Playground::with(Rules {
        policy: Some(policy("\"read-cluster\"", ways)),
        ..Rules::default()
    });
    playground.opens("pods restart");
    playground.done("mia", &["request", "read-cluster", "-m", "look"]);
    let said = playground.done("mia", &["credential", "kubernetes", "read-cluster"]);
    let answer: Value = serde_json::from_str(&said.out).unwrap();
    let status = &answer["status"];
    assert!(status["token"].is_null(), "{said}");
    let pem = |name: &str| status[name].as_str().unwrap().to_owned();
    assert!(pem("clientKeyData").starts_with("-----BEGIN PRIVATE KEY-----\n"));
    fs::write(playground.path("mia.crt"), pem("clientCertificateData")).unwrap();
    let authority = playground.glassd(&["targets-ca"]);
    fs::write(playground.path("targets.crt"), authority.out).unwrap();
    let mut openssl = playground.command("openssl".into());
    openssl.args([
        "verify",
        "-purpose",
        "sslclient",
        "-CAfile",
        "targets.crt",
        "mia.crt",
    ]);
    let verified = Process::spawn(openssl).finishes();
    assert_eq!(verified.code, 0, "{verified}");
    let mut openssl = playground.command("openssl".into());
    openssl.args([
        "x509", "-noout", "-subject", "-nameopt", "RFC2253", "-in", "mia.crt",
    ]);
    let subject = Process::spawn(openssl).finishes().out;
    assert!(
        subject.contains("CN=mia") && subject.contains("O=shop-readers"),
        "{subject}"
    );
}

#[test]
fn a_proof_is_made_for_the_token_of_the_command() {
    let playground = Playground::begins();
    playground.opens("the worker floods");
    let probe = playground.script(
        "probe",
        "\"$1\" credential dpop POST 'https://deploy.shop.example/rollback?now=1'",
    );
    let glass = breakglass_tests::playground::binary("glass");
    let words = ["exec", "deploy-shop", "-m", "revert", "--"];
    let command = [probe.to_str().unwrap(), glass.to_str().unwrap()];
    let said = playground.done("mia", &[&words[..], &command].concat());
    assert_eq!(said.out.trim_end().split('.').count(), 3, "{said}");
    let said = playground.glass("mia", &["credential", "dpop", "POST", "https://x.example/"]);
    assert_eq!(said.code, 2, "{said}");
    assert!(said.err.contains("no token is named"), "{said}");
}
