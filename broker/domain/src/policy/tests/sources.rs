//! Alert sources.

use super::super::{STARTER, Severities, SourceKind};
use super::{parsed, refused};
use crate::incident::Severity;
use crate::text::Line;
use crate::time::Lifetime;

fn starter(sources: &str) -> String {
    format!("{STARTER}\n{sources}")
}

fn words(words: &[&str]) -> Vec<Line> {
    words
        .iter()
        .map(|word| Line::parse(word).unwrap())
        .collect()
}

#[test]
fn a_source_says_how_bad_what_it_unlocks_and_how_long_it_stays_open() {
    let policy = parsed(&starter(
        "[sources.pager]\nkind = \"pagerduty\"\ngrace = \"5m\"\nrights = [\"deploy-shop\"]\n\
         severity = { P1 = \"sev1\", low = \"sev3\", \"*\" = \"sev2\" }\n",
    ));
    let source = &policy.sources[&"pager".parse().unwrap()];
    assert_eq!(source.kind, SourceKind::PagerDuty);
    assert_eq!(source.grace, Lifetime::from_secs(300));
    let unlocks = |right: &str| {
        let id = right.parse().unwrap();
        source.unlocks(&id, &policy.rights[&id])
    };
    assert!(unlocks("deploy-shop") && !unlocks("restart-worker") && !unlocks("read-secrets"));
    let of = |said: &[&str]| source.severity.of(&words(said));
    assert_eq!(of(&["low", "P1"]), Some(Severity::Sev1));
    assert_eq!(of(&["low", "odd"]), Some(Severity::Sev3));
    assert_eq!(of(&["odd"]), Some(Severity::Sev2));
    assert_eq!(of(&[]), Some(Severity::Sev2));
}

#[test]
fn left_out_it_unlocks_low_risks_and_stays_open_ten_minutes() {
    let policy = parsed(&starter(
        "[sources.am]\nkind = \"alertmanager\"\nseverity = \"sev2\"\n\
         [sources.none]\nkind = \"webhook\"\nseverity = { page = \"sev1\" }\nrights = []\n",
    ));
    let [am, none] = ["am", "none"].map(|id| &policy.sources[&id.parse().unwrap()]);
    assert_eq!(am.severity, Severities::Always(Severity::Sev2));
    assert_eq!(am.grace, Lifetime::from_secs(600));
    assert_eq!(none.severity.of(&words(&["else"])), None);
    for (id, right) in &policy.rights {
        assert_eq!(
            am.unlocks(id, right),
            right.risk == crate::policy::Risk::Low
        );
        assert!(!none.unlocks(id, right));
    }
}

#[test]
fn every_mistake_is_told_with_its_fix() {
    for (source, told) in [
        (
            "kind = \"alertmanger\"\nseverity = \"sev2\"",
            "did you mean `alertmanager`?",
        ),
        ("severity = \"sev2\"", "add `kind = \"alertmanager\"`"),
        ("kind = \"grafana\"", "add `severity = \"sev2\"`"),
        ("kind = \"grafana\"\nseverity = \"sev4\"", "not a severity"),
        ("kind = \"grafana\"\nseverity = 2", "where a text belongs"),
        ("kind = \"grafana\"\nseverity = {}", "has 0 words"),
        (
            "kind = \"grafana\"\nseverity = { P1 = \"high\" }",
            "not a severity",
        ),
        (
            "kind = \"grafana\"\nseverity = { P1 = 1 }",
            "where a text belongs",
        ),
        (
            "kind = \"grafana\"\nseverity = { \"\" = \"sev1\" }",
            "it is empty",
        ),
        (
            "kind = \"grafana\"\nseverity = \"sev2\"\nrights = [\"fly\"]",
            "gives the right `fly`",
        ),
        (
            "kind = \"grafana\"\nseverity = \"sev2\"\ngrace = \"25h\"",
            "at most 24h is allowed",
        ),
        (
            "kind = \"grafana\"\nseverity = \"sev2\"\nsecret = \"x\"",
            "secret",
        ),
    ] {
        let refused = refused(&starter(&format!("[sources.pager]\n{source}\n"))).to_string();
        assert!(refused.contains(told), "{source}:\n{refused}");
    }
    let name = refused(&starter(
        "[sources.Pager]\nkind = \"grafana\"\nseverity = \"sev1\"\n",
    ));
    assert!(name.to_string().contains("write `pager`"), "{name}");
}

#[test]
fn a_high_risk_on_an_alerts_word_alone_is_warned_of() {
    let source = "[sources.pager]\nkind = \"grafana\"\nseverity = \"sev1\"\n";
    let of_sources = |text: &str| {
        let warnings = parsed(&starter(text)).warnings();
        warnings
            .into_iter()
            .filter(|it| it.contains("pager"))
            .collect::<Vec<_>>()
    };
    assert!(of_sources(source).is_empty());
    let risky = format!("{source}rights = [\"deploy-shop\", \"read-secrets\"]\n");
    let told = of_sources(&risky);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].contains("enough to ask for `read-secrets`"),
        "{told:?}"
    );
}

#[test]
fn a_source_of_which_some_alerts_would_be_refused_is_warned_of() {
    for (severity, warned) in [
        ("{ page = \"sev1\" }", true),
        ("{ page = \"sev1\", \"*\" = \"sev2\" }", false),
        ("\"sev2\"", false),
    ] {
        let source = format!("[sources.pager]\nkind = \"grafana\"\nseverity = {severity}\n");
        let warnings = parsed(&starter(&source)).warnings();
        let told = warnings.iter().any(|it| it.contains("opens nothing"));
        assert_eq!(told, warned, "{severity}: {warnings:?}");
    }
}
