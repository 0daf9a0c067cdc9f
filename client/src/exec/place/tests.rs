//! What stands in each place, to the byte: other people's programs read it.

use std::ffi::OsStr;

use super::{
    address::Address,
    aws::{Aws, is_role_arn, session_name},
    kubernetes::{self, Kubernetes},
    postgres::{self, Postgres, Trust},
    ssh::Ssh,
    *,
};

const JWT: &str = "eyJ0.eyJz.c2ln";
const X509: Given<'static> = Given::X509 {
    chain: "CHAIN\n",
    key: "KEY\n",
    login: "shop_migrator",
};
const LOGIN: Given<'static> = Given::Password {
    role: "breakglass_g45_1",
    password: "p:w\\d # x",
};

fn lay(place: &Place, given: Given<'_>) -> Laid {
    place.lay(Path::new("/run/x"), given).unwrap()
}

/// Files, then variables, then what is taken away, as one page.
fn page(laid: &Laid) -> String {
    let files = laid
        .files
        .iter()
        .map(|file| format!("== {}\n{}", file.name, *file.content));
    let set = laid
        .environment
        .set
        .iter()
        .map(|(name, value)| format!("{name}={}\n", value.to_str().unwrap()));
    files.chain(set).collect()
}

fn removes(laid: &Laid, name: &str) -> bool {
    laid.environment.removed.contains(&name)
}

fn shop_db(way: postgres::Way) -> Place {
    Place::Postgres(Postgres {
        address: Address::parse("[::1]:6432", 5432).unwrap(),
        database: Some("shop".into()),
        trust: Trust::Authority("AUTHORITY\n".into()),
        way,
    })
}

fn cluster(way: kubernetes::Way) -> Kubernetes {
    Kubernetes {
        target: "prod".into(),
        server: "https://prod.shop.example:6443".into(),
        authority: Some("AUTHORITY\n".into()),
        namespace: Some("shop".into()),
        way,
    }
}

fn deploy() -> Aws {
    Aws {
        role_arn: "arn:aws:iam::123456789012:role/shop-deploy".into(),
        region: Some("eu-central-1".into()),
        session_name: session_name("mia", "G-45"),
    }
}

#[test]
fn a_token() {
    let laid = lay(&Place::Token, Given::Jwt(JWT));
    assert_eq!(
        page(&laid),
        "== token\neyJ0.eyJz.c2lnGLASS_TOKEN_FILE=/run/x/token\n"
    );
}

#[test]
fn a_database_with_a_role_of_its_own() {
    let laid = lay(&shop_db(postgres::Way::Role), LOGIN);
    assert_eq!(
        page(&laid),
        "\
== postgres-ca.crt
AUTHORITY
== pgpass
\\:\\:1:6432:*:breakglass_g45_1:p\\:w\\\\d # x
== pg_service.conf
[glass]
user=breakglass_g45_1
PGHOST=::1
PGPORT=6432
PGDATABASE=shop
PGSSLMODE=verify-full
PGSSLROOTCERT=/run/x/postgres-ca.crt
PGGSSENCMODE=disable
PGUSER=breakglass_g45_1
PGPASSFILE=/run/x/pgpass
PGSERVICEFILE=/run/x/pg_service.conf
PGSERVICE=glass
PGCHANNELBINDING=require
"
    );
    for name in ["PGPASSWORD", "PGHOSTADDR", "PGSSLKEY"] {
        assert!(removes(&laid, name), "{name}");
    }
}

#[test]
fn a_database_with_a_certificate() {
    let laid = lay(&shop_db(postgres::Way::Certificate), X509);
    assert_eq!(
        page(&laid),
        "\
== postgres-ca.crt
AUTHORITY
== postgres.crt
CHAIN
== postgres.key
KEY
PGHOST=::1
PGPORT=6432
PGDATABASE=shop
PGSSLMODE=verify-full
PGSSLROOTCERT=/run/x/postgres-ca.crt
PGGSSENCMODE=disable
PGUSER=shop_migrator
PGSSLCERT=/run/x/postgres.crt
PGSSLKEY=/run/x/postgres.key
"
    );
    for name in ["PGPASSWORD", "PGPASSFILE", "PGCHANNELBINDING"] {
        assert!(removes(&laid, name), "{name}");
    }
}

#[test]
fn a_database_with_a_public_certificate_is_checked_as_well() {
    let place = Place::Postgres(Postgres {
        address: Address::parse("db.shop.example", 5432).unwrap(),
        database: None,
        trust: Trust::System("/etc/ssl/cert.pem".into()),
        way: postgres::Way::Role,
    });
    let page = page(&lay(&place, LOGIN));
    assert!(page.contains("PGSSLROOTCERT=/etc/ssl/cert.pem\n"), "{page}");
    assert!(!page.contains("PGDATABASE"), "{page}");
}

#[test]
fn a_cluster_with_a_token() {
    let laid = lay(
        &Place::Kubernetes(cluster(kubernetes::Way::Token)),
        Given::Jwt(JWT),
    );
    assert_eq!(
        page(&laid),
        r#"== kubernetes-token
eyJ0.eyJz.c2ln== kubeconfig
{
  "apiVersion": "v1",
  "clusters": [
    {
      "cluster": {
        "certificate-authority-data": "QVVUSE9SSVRZCg==",
        "server": "https://prod.shop.example:6443"
      },
      "name": "prod"
    }
  ],
  "contexts": [
    {
      "context": {
        "cluster": "prod",
        "namespace": "shop",
        "user": "glass"
      },
      "name": "prod"
    }
  ],
  "current-context": "prod",
  "kind": "Config",
  "users": [
    {
      "name": "glass",
      "user": {
        "tokenFile": "/run/x/kubernetes-token"
      }
    }
  ]
}
KUBECONFIG=/run/x/kubeconfig
"#
    );
}

#[test]
fn a_cluster_with_a_certificate() {
    let laid = lay(
        &Place::Kubernetes(cluster(kubernetes::Way::Certificate)),
        X509,
    );
    let page = page(&laid);
    assert!(
        page.starts_with("== kubernetes.crt\nCHAIN\n== kubernetes.key\nKEY\n== kubeconfig\n"),
        "{page}"
    );
    for part in [
        r#""client-certificate": "/run/x/kubernetes.crt","#,
        r#""client-key": "/run/x/kubernetes.key""#,
        "KUBECONFIG=/run/x/kubeconfig\n",
    ] {
        assert!(page.contains(part), "{part} in {page}");
    }
}

#[test]
fn no_name_in_a_kubeconfig_is_read_as_anything_else() {
    let mut place = cluster(kubernetes::Way::Token);
    place.target = "a\", \"user\": {\n- x: no".into();
    place.authority = None;
    place.namespace = None;
    let laid = lay(&Place::Kubernetes(place.clone()), Given::Jwt(JWT));
    let config: serde_json::Value = serde_json::from_str(&laid.files[1].content).unwrap();
    assert_eq!(config["current-context"], place.target);
    assert_eq!(config["users"].as_array().unwrap().len(), 1);
    assert!(config["clusters"][0]["cluster"]["certificate-authority-data"].is_null());
}

#[test]
fn a_role_of_aws() {
    let laid = lay(&Place::Aws(deploy()), Given::Jwt(JWT));
    assert_eq!(
        page(&laid),
        "\
== aws-token
eyJ0.eyJz.c2ln== aws-config
[default]
role_arn = arn:aws:iam::123456789012:role/shop-deploy
web_identity_token_file = /run/x/aws-token
role_session_name = mia@G-45
region = eu-central-1
== aws-credentials
AWS_ROLE_ARN=arn:aws:iam::123456789012:role/shop-deploy
AWS_WEB_IDENTITY_TOKEN_FILE=/run/x/aws-token
AWS_ROLE_SESSION_NAME=mia@G-45
AWS_CONFIG_FILE=/run/x/aws-config
AWS_SHARED_CREDENTIALS_FILE=/run/x/aws-credentials
AWS_REGION=eu-central-1
AWS_DEFAULT_REGION=eu-central-1
"
    );
    for name in [
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_PROFILE",
    ] {
        assert!(removes(&laid, name), "{name}");
    }
}

#[test]
fn an_agent() {
    let socket = "/run/x/agent".into();
    let laid = lay(
        &Place::Ssh(Ssh {
            socket,
            known_hosts: Some("@cert-authority web-1 KEY\n".into()),
        }),
        Given::Ssh,
    );
    assert_eq!(
        page(&laid),
        "== known_hosts\n@cert-authority web-1 KEY\nSSH_AUTH_SOCK=/run/x/agent\n\
         GLASS_KNOWN_HOSTS=/run/x/known_hosts\n"
    );
    assert!(removes(&laid, "SSH_AGENT_PID"));
}

#[test]
fn a_session_of_aws_names_person_and_grant() {
    let long = "x".repeat(80);
    for (person, grant, name) in [
        ("mia", "G-45", "mia@G-45".to_owned()),
        ("mia o'neil é", "G-4", "mia_o_neil__@G-4".to_owned()),
        (&long, "G-45", format!("{}@G-45", "x".repeat(59))),
        ("", "", "@".to_owned()),
    ] {
        assert_eq!(session_name(person, grant), name);
    }
}

#[test]
fn only_roles_of_aws_are_taken_for_one() {
    for arn in [
        "arn:aws:iam::123456789012:role/shop-deploy",
        "arn:aws-cn:iam::123456789012:role/team/ops/a_b+c=d,e.f@g-h",
    ] {
        assert!(is_role_arn(arn), "{arn}");
    }
    for arn in [
        "",
        "shop-deploy",
        "arn:aws:iam::12345678901:role/x",
        "arn:aws:iam::123456789012:role/",
        "arn:aws:iam::123456789012:user/mia",
        "arn:aws:sts::123456789012:role/x",
        "arn:gcp:iam::123456789012:role/x",
        "arn:aws:iam::123456789012:role/x\nregion = y",
        "arn:aws:iam::123456789012:role/x:y",
    ] {
        assert!(!is_role_arn(arn), "{arn}");
        let mut place = deploy();
        place.role_arn = arn.into();
        let place = Place::Aws(place);
        assert!(place.lay(Path::new("/run/x"), Given::Jwt(JWT)).is_err());
    }
}

#[test]
fn what_cannot_be_written_safely_is_refused() {
    let refused = |place: &Place, given| place.lay(Path::new("/run/x"), given).unwrap_err().0;
    let login = Given::Password {
        role: "r",
        password: "one\ntwo",
    };
    let said = refused(&shop_db(postgres::Way::Role), login);
    assert!(said.contains("line break"), "{said}");
    let mut plain = cluster(kubernetes::Way::Token);
    plain.server = "http://prod".into();
    let said = refused(&Place::Kubernetes(plain), Given::Jwt(JWT));
    assert!(said.contains("https://"), "{said}");
    let mut region = deploy();
    region.region = Some("eu\nx = y".into());
    let said = refused(&Place::Aws(region), Given::Jwt(JWT));
    assert!(said.contains("no region"), "{said}");
    let folder = Path::new("/run/a\nb");
    assert!(Place::Aws(deploy()).lay(folder, Given::Jwt(JWT)).is_err());
}

#[test]
fn a_credential_of_another_kind_is_nothing_for_a_place() {
    let places = [
        (Place::Token, X509),
        (shop_db(postgres::Way::Role), Given::Jwt(JWT)),
        (Place::Kubernetes(cluster(kubernetes::Way::Token)), X509),
        (Place::Aws(deploy()), LOGIN),
    ];
    for (place, given) in places {
        assert_ne!(place.need(), given.feeds());
        assert!(place.lay(Path::new("/run/x"), given).is_err(), "{place:?}");
    }
}

#[test]
fn one_credential_feeds_every_place_that_takes_it_and_is_replaced_whole() {
    let place = tempfile::tempdir().unwrap();
    let base = super::super::folder::Base::open(place.path()).unwrap();
    let folder = Folder::create(&base).unwrap();
    let placement = Placement::new(vec![
        Place::Token,
        Place::Kubernetes(cluster(kubernetes::Way::Token)),
        Place::Aws(deploy()),
        shop_db(postgres::Way::Role),
    ]);
    assert_eq!(placement.needs(), [Need::Jwt, Need::Password]);
    let first = placement.put(&folder, Given::Jwt("one.one.one")).unwrap();
    let login = placement.put(&folder, LOGIN).unwrap();
    assert_eq!(
        placement.put(&folder, Given::Jwt("two.two.two")).unwrap(),
        first,
        "a running command's variables stay true"
    );
    for name in ["GLASS_TOKEN_FILE", "AWS_WEB_IDENTITY_TOKEN_FILE"] {
        let (_, path) = first.set.iter().find(|(known, _)| known == name).unwrap();
        assert_eq!(std::fs::read(path).unwrap(), b"two.two.two", "{name}");
    }
    assert!(login.set.iter().any(|(name, _)| name == "PGPASSFILE"));
    assert!(!login.set.iter().any(|(name, _)| name == "KUBECONFIG"));
}

#[test]
fn what_is_taken_away_is_gone_and_what_is_set_stays() {
    let mut environment = Environment {
        set: Vec::new(),
        removed: vec!["PGPASSWORD", "PGPASSFILE"],
    };
    environment.set("PGPASSFILE", "/run/x/pgpass");
    let mut command = std::process::Command::new("true");
    command.env("PGPASSWORD", "of old");
    environment.apply_to(&mut command);
    let seen: Vec<_> = command.get_envs().collect();
    assert!(seen.contains(&(OsStr::new("PGPASSWORD"), None)));
    let path = Some(OsStr::new("/run/x/pgpass"));
    assert!(seen.contains(&(OsStr::new("PGPASSFILE"), path)));
}

#[test]
fn secrets_are_not_shown_by_debug() {
    let laid = lay(&shop_db(postgres::Way::Role), LOGIN);
    let shown = format!("{laid:?} {LOGIN:?} {:?}", Given::Jwt(JWT));
    assert!(!shown.contains("p:w") && !shown.contains(JWT), "{shown}");
}
