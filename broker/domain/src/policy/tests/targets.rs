//! Targets, and the rights that lead there.

use super::super::{Policy, Right};
use crate::event::CredentialKind;
use crate::policy::access::{Principal, SshExtension, TargetKind, host_of};
use crate::time::Lifetime;

const BASE: &str = r#"version = 1
[people.mia]
name = "Mia"
job = "engineer"
[targets.web-1]
kind = "ssh"
address = "web-1.shop.example:2222"
grace = "2m"
[targets.shop-db]
kind = "postgres"
address = "db.shop.example:5432"
database = "shop"
ca = """
-----BEGIN CERTIFICATE-----
AAAA
-----END CERTIFICATE-----
"""
[targets.prod]
kind = "kubernetes"
address = "https://k8s.shop.example:6443"
"#;

fn right(tables: &str) -> String {
    format!(
        "{BASE}[rights.way-in]\nsentence = \"go in\"\nrisk = \"low\"\nlongest = \"30m\"\n{tables}"
    )
}

fn parse(tables: &str) -> Policy {
    Policy::parse("policy.toml", &right(tables)).unwrap_or_else(|wrong| panic!("{wrong}"))
}

fn refused(tables: &str) -> String {
    let wrong = Policy::parse("policy.toml", &right(tables)).unwrap_err();
    wrong.to_string()
}

fn way_in(policy: &Policy) -> &Right {
    &policy.rights[&"way-in".parse().unwrap()]
}

#[test]
fn a_shell_on_some_hosts() {
    let policy = parse(
        "[rights.way-in.ssh]\ntargets = [\"web-1\"]\nprincipals = [\"deploy\"]\n\
         source_addresses = [\"10.0.0.0/8\", \"2001:db8::1\"]\n",
    );
    let right = way_in(&policy);
    let ssh = right.ssh.as_ref().unwrap();
    assert_eq!(ssh.principals, ["deploy".parse::<Principal>().unwrap()]);
    assert_eq!(
        ssh.extensions,
        [SshExtension::Pty],
        "a terminal and nothing else"
    );
    assert_eq!(right.kinds(), [CredentialKind::Ssh]);
    assert_eq!(
        right.audience.as_str(),
        "right:way-in",
        "nobody takes its name by chance"
    );
    let web = "web-1".parse().unwrap();
    let target = &policy.targets[&web];
    assert_eq!(
        (target.kind, target.grace),
        (TargetKind::Ssh, Lifetime::from_secs(120))
    );
    assert!(right.reaches(&web, target));
    let prod = "prod".parse().unwrap();
    assert!(!right.reaches(&prod, &policy.targets[&prod]));
}

#[test]
fn a_database_and_a_cluster() {
    let policy = parse(
        "audience = \"https://k8s.shop.example\"\n[rights.way-in.postgres]\ntarget = \"shop-db\"\n\
         way = \"role\"\nrole = \"shop_migrator\"\n[rights.way-in.kubernetes]\ntarget = \"prod\"\n\
         way = \"token\"\ngroups = [\"shop-readers\"]\n",
    );
    let kinds = [CredentialKind::Jwt, CredentialKind::Postgres];
    assert_eq!(way_in(&policy).kinds(), kinds);
    assert_eq!(way_in(&policy).groups().len(), 1);
}

#[test]
fn mistakes_are_told_with_the_fix() {
    for (tables, told) in [
        ("", "right `way-in` has no `audience`"),
        (
            "[rights.way-in.ssh]\ntargets = [\"web-2\"]\nprincipals = [\"deploy\"]\n",
            "did you mean `web-1`?",
        ),
        (
            "[rights.way-in.ssh]\ntargets = [\"prod\"]\nprincipals = [\"deploy\"]\n",
            "name a target of kind `ssh`",
        ),
        (
            "[rights.way-in.ssh]\ntargets = [\"web-1\"]\nprincipals = []\n",
            "between 1 and 32 are allowed",
        ),
        (
            "[rights.way-in.ssh]\ntargets = [\"web-1\"]\nprincipals = [\"a,b\"]\n",
            "write the login name on the host",
        ),
        (
            "[rights.way-in.ssh]\ntargets = [\"web-1\"]\nprincipals = [\"-oProxyCommand\"]\n",
            "does not begin with `-`",
        ),
        (
            "[rights.way-in.ssh]\ntargets = [\"web-1\"]\nprincipals = [\"root\"]\n\
             source_addresses = [\"10.0.0.0/33\"]\n",
            "write it like `10.0.0.0/8`",
        ),
        (
            "[rights.way-in.ssh]\ntargets = [\"web-1\"]\nprincipals = [\"root\"]\n\
             extensions = [\"permit-ptty\"]\n",
            "did you mean `permit-pty`?",
        ),
        (
            "[rights.way-in.kubernetes]\ntarget = \"prod\"\nway = \"token\"\ngroups = [\"a\"]\n",
            "has no `audience`",
        ),
        (
            "[rights.way-in.postgres]\ntarget = \"shop-db\"\nway = \"roles\"\nrole = \"x\"\n",
            "did you mean `role`?",
        ),
        (
            "[rights.way-in.postgres]\ntarget = \"shop-db\"\nway = \"role\"\nrole = \"public\"\n",
            "no role in PostgreSQL",
        ),
        (
            "[rights.way-in.aws]\nrole_arn = \"shop-deploy\"\n",
            "is not the ARN of a role",
        ),
        (
            "[rights.way-in.postgres]\ntarget = \"shop-db\"\nway = \"certificate\"\nrole = \"x\"\n\
             [rights.way-in.kubernetes]\ntarget = \"prod\"\nway = \"certificate\"\n\
             groups = [\"a\"]\n",
            "one certificate cannot name both",
        ),
    ] {
        let shown = refused(tables);
        assert!(shown.contains(told), "{tables}\n{shown}");
    }
}

#[test]
fn a_target_needs_what_its_kind_needs() {
    for (target, told) in [
        ("kind = \"ssh\"\n", "has no `address`"),
        ("kind = \"sssh\"\naddress = \"a\"\n", "did you mean `ssh`?"),
        (
            "kind = \"http\"\naddress = \"shop.example\"\n",
            "write `address = \"https://shop.example\"`",
        ),
        (
            "kind = \"postgres\"\naddress = \"db\"\n",
            "has no `database`",
        ),
        (
            "kind = \"postgres\"\naddress = \"db\"\ndatabase = \"shop\"\nca = \"/etc/ca.pem\"\n",
            "is not a certificate in PEM",
        ),
        (
            "kind = \"ssh\"\naddress = \"a\"\ngrace = \"2h\"\n",
            "at most 1h is allowed",
        ),
        (
            "kind = \"ssh\"\naddress = \"a b\"\n",
            "has white space in it",
        ),
    ] {
        let text = format!("{BASE}[targets.new]\n{target}");
        let wrong = Policy::parse("policy.toml", &text).unwrap_err().to_string();
        assert!(wrong.contains(told), "{target}\n{wrong}");
    }
}

/// What stands commented out in the sample is what it says: a target, and a right that leads there.
#[test]
fn the_sample_s_targets_can_be_used() {
    let (before, targets) = crate::policy::STARTER
        .split_once("# --- Targets ---")
        .unwrap();
    let used: String = targets
        .lines()
        .skip(1)
        .filter_map(|line| line.strip_prefix("# ").or(line.strip_prefix('#')))
        .skip_while(|line| !line.starts_with('['))
        .map(|line| format!("{line}\n"))
        .collect();
    let rule = "[[rules]]\nname = \"ways\"\nwho = [\"job:engineer\"]\n\
                rights = [\"shell-web\", \"change-shop-db\"]\napprovers = [\"founder\"]\n";
    let text = format!("{before}\n{used}\n{rule}");
    let policy = Policy::parse("policy.toml", &text).unwrap_or_else(|wrong| panic!("{wrong}"));
    assert_eq!(policy.targets.len(), 2);
}

#[test]
fn the_port_and_the_case_do_not_count() {
    for (address, host) in [
        ("web-1.shop.example:2222", "web-1.shop.example"),
        ("Web-1.Shop.Example", "web-1.shop.example"),
        ("10.0.0.7:22", "10.0.0.7"),
        ("[2001:db8::7]:22", "2001:db8::7"),
        ("2001:DB8::7", "2001:db8::7"),
    ] {
        assert_eq!(host_of(address).as_deref(), Some(host), "{address}");
    }
    for none in [
        "",
        ":22",
        "*",
        "web-?",
        "a b",
        "-oProxyCommand=x",
        "[::1",
        "a,b",
    ] {
        assert_eq!(host_of(none), None, "{none}");
    }
}
