//! Several credentials at once: each laid, each renewed in time, all gone in the end.

use std::{os::unix::fs::FileTypeExt as _, path::Path};

use breakglass_proto::v1::{
    Access, AwsAccess, KubernetesAccess, PostgresAccess, SshAccess, SshHost,
};
use jiff::SignedDuration;

use super::{
    super::{
        Task,
        fake::{FakeDesk, Said, refused},
    },
    Scene, go, until, visit, word,
};
use crate::error::exit;

const KEY: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";

fn hosts() -> Option<SshAccess> {
    Some(SshAccess {
        hosts: vec![SshHost {
            target: "web-1".into(),
            address: "web-1.shop.example:2222".into(),
            certified_until: Some(crate::time::to_proto(
                "2027-11-23T03:00:00Z".parse().unwrap(),
            )),
        }],
        principals: vec!["deploy".into()],
        host_ca: format!("ssh-ed25519 {KEY} breakglass-host-ca"),
        next_host_ca: String::new(),
    })
}

fn database(by_certificate: bool) -> Option<PostgresAccess> {
    Some(PostgresAccess {
        target: "shop-db".into(),
        address: "db.shop.example:6432".into(),
        database: "shop".into(),
        ca: "AUTHORITY\n".into(),
        by_certificate,
    })
}

fn cluster() -> Option<KubernetesAccess> {
    Some(KubernetesAccess {
        target: "prod".into(),
        server: "https://prod.shop.example".into(),
        ca: "AUTHORITY\n".into(),
        by_certificate: true,
        namespace: String::new(),
    })
}

fn role_at_aws() -> Option<AwsAccess> {
    Some(AwsAccess {
        role_arn: "arn:aws:iam::123456789012:role/shop".into(),
        region: "eu-central-1".into(),
    })
}

#[tokio::test]
async fn each_kind_is_asked_for_laid_renewed_and_gone_in_the_end() {
    let mut scene = Scene::set();
    let desk = FakeDesk::active();
    let mut order = scene.order(
        "echo $PGUSER $PGHOST $(cat $PGPASSFILE) $(tail -n 1 $PGSERVICEFILE) > W
         called() { env | sed -n \"s/^[A-Z_]*$1=//p\"; }
         echo $(called SESSION_NAME) $(cat $(called IDENTITY_TOKEN_FILE)) > W
         echo $(cat $(called _HOSTS)) > W; echo $SSH_AUTH_SOCK > W
         echo $KUBECONFIG > W; read line < GO",
    );
    order.right.access = Some(Access {
        audience: "https://sts.shop.example".into(),
        ssh: hosts(),
        postgres: database(false),
        kubernetes: cluster(),
        aws: role_at_aws(),
    });
    let (place, printer) = (scene.place(), scene.printer());
    let (wire, sender) = (&mut scene.wire, &mut scene.go);
    let (ended, socket) = tokio::join!(visit(&desk, &order, &place, &printer), async {
        assert_eq!(
            word(wire).await,
            "breakglass_g45_3 db.shop.example db.shop.example:6432:*:breakglass_g45_3:password-3 \
             user=breakglass_g45_3"
        );
        assert_eq!(word(wire).await, "mia@G-45 token-1");
        let known = format!("@cert-authority web-1.shop.example ssh-ed25519 {KEY}");
        assert_eq!(word(wire).await, known);
        let socket = word(wire).await;
        assert!(std::fs::metadata(&socket).unwrap().file_type().is_socket());
        let config = word(wire).await;
        let chain = Path::new(&config).with_file_name("kubernetes.crt");
        assert_eq!(std::fs::read(&chain).unwrap(), b"chain-2");
        desk.pass(10);
        until(|| std::fs::read(&chain).unwrap() == b"chain-6").await;
        go(sender).await;
        socket
    });
    assert_eq!(ended.unwrap().code, 0);
    // The second token was made at 03:10, for a quarter of an hour.
    let said = scene.said();
    let kept = said
        .lines()
        .find(|line| line.contains("AWS may have given"));
    let kept = kept.unwrap_or_else(|| panic!("{said}"));
    assert!(kept.contains("role/shop, expires by"), "{kept}");
    assert!(kept.contains("(in 1h15m)"), "{kept}");
    assert_eq!(
        desk.diary(),
        [
            "requested at 03:00",
            "issued x509 at 03:00",
            "issued role at 03:00",
            "issued ssh at 03:00",
            "used by sh at 03:00",
            "issued at 03:10",
            "issued x509 at 03:10",
            "issued ssh at 03:10",
            "given back at 03:10"
        ],
        "a role that lives as long as the grant is not made again"
    );
    assert!(!Path::new(&socket).exists());
    assert_eq!(scene.folders(), 0);
    for secret in ["token-", "password-", "chain-"] {
        assert!(!scene.said().contains(secret), "{}", scene.said());
    }
}

#[tokio::test]
async fn a_right_without_an_audience_asks_for_no_token() {
    let mut scene = Scene::set();
    let desk = FakeDesk::active();
    let mut order = scene.order("echo [$GLASS_TOKEN_FILE] $PGUSER $(cat $PGSSLCERT) > W");
    order.right.access = Some(Access {
        postgres: database(true),
        ..Access::default()
    });
    let (place, printer) = (scene.place(), scene.printer());
    let wire = &mut scene.wire;
    let (ended, ()) = tokio::join!(visit(&desk, &order, &place, &printer), async {
        assert_eq!(word(wire).await, "[] shop_migrator chain-1");
    });
    assert_eq!(ended.unwrap().code, 0);
    assert_eq!(desk.diary()[1], "issued x509 at 03:00");
}

#[tokio::test]
async fn more_time_means_another_role_where_the_next_login_finds_it() {
    let mut scene = Scene::set();
    let desk = FakeDesk::active();
    let mut order = scene.order("echo $PGSERVICEFILE > W; read line < GO");
    order.right.access = Some(Access {
        postgres: database(false),
        ..Access::default()
    });
    let (place, printer) = (scene.place(), scene.printer());
    let (wire, sender) = (&mut scene.wire, &mut scene.go);
    let (ended, ()) = tokio::join!(visit(&desk, &order, &place, &printer), async {
        let services = word(wire).await;
        desk.pass(25);
        desk.say(Said::ExtendedTo(SignedDuration::from_mins(50)));
        let renewed = || {
            std::fs::read_to_string(&services)
                .unwrap()
                .contains("g45_2")
        };
        until(renewed).await;
        go(sender).await;
    });
    assert_eq!(ended.unwrap().code, 0);
    let made = desk.diary();
    let made = made.iter().filter(|line| line.starts_with("issued role"));
    assert_eq!(made.count(), 2);
}

#[tokio::test]
async fn one_that_is_not_renewed_is_asked_for_again_alone() {
    let mut scene = Scene::set();
    let desk = FakeDesk::active();
    let mut order = scene.order("echo $GLASS_TOKEN_FILE > W; read line < GO");
    order.right.access = Some(Access {
        audience: "https://prod.shop.example".into(),
        kubernetes: cluster(),
        ..Access::default()
    });
    let (place, printer, said) = (scene.place(), scene.printer(), scene.said.clone());
    let (wire, sender) = (&mut scene.wire, &mut scene.go);
    let heard = |what: &str| {
        String::from_utf8(said.lock().unwrap().clone())
            .unwrap()
            .contains(what)
    };
    let (ended, ()) = tokio::join!(visit(&desk, &order, &place, &printer), async {
        let token = word(wire).await;
        desk.refuse_to_issue(refused("TOO_MANY"));
        desk.pass(10);
        until(|| heard("is not renewed: the broker says TOO_MANY")).await;
        assert_eq!(
            std::fs::read(&token).unwrap(),
            b"token-1",
            "the old one stands"
        );
        desk.pass(1);
        until(|| std::fs::read(&token).unwrap() != b"token-1").await;
        go(sender).await;
    });
    assert_eq!(ended.unwrap().code, 0);
    let diary = desk.diary();
    let late = diary.iter().filter(|line| line.ends_with("at 03:11"));
    assert_eq!(
        late.collect::<Vec<_>>(),
        ["issued at 03:11", "given back at 03:11"]
    );
}

#[tokio::test]
async fn what_cannot_work_here_is_told_before_anybody_is_asked() {
    let scene = Scene::set();
    let desk = FakeDesk::active();
    let mut order = scene.order("echo ran > W");
    let mut wrong = database(false);
    wrong.as_mut().unwrap().address = "/var/run/postgresql".into();
    order.right.access = Some(Access {
        postgres: wrong,
        ..Access::default()
    });
    let why = visit(&desk, &order, &scene.place(), &scene.printer()).await;
    let why = why.unwrap_err();
    assert_eq!(
        why.to_string(),
        "deploy-shop leads nowhere from here: `/var/run/postgresql` is no HOST:PORT"
    );
    assert!(desk.diary().is_empty());
    assert_eq!(scene.folders(), 0);
}

#[tokio::test]
async fn an_agent_alone_says_where_it_is_and_ends_with_the_grant() {
    let scene = Scene::set();
    let desk = FakeDesk::active();
    let link = scene.dir.path().join("glass.sock");
    let mut order = scene.order("");
    order.task = Task::Agent {
        link: Some(link.clone()),
    };
    order.right.access = Some(Access {
        ssh: hosts(),
        ..Access::default()
    });
    let (place, printer) = (scene.place(), scene.printer());
    let (ended, ()) = tokio::join!(visit(&desk, &order, &place, &printer), async {
        until(|| scene.said().contains("the agent is there until this ends")).await;
        assert!(std::fs::metadata(&link).unwrap().file_type().is_socket());
        desk.say(Said::Closed("leon", "worker reverted"));
    });
    assert_eq!(ended.unwrap().code, exit::ENDED);
    let said = scene.said();
    assert!(said.contains("leon closed INC-12"), "{said}");
    assert!(said.contains("ending `glass agent`"), "{said}");
    assert!(
        std::fs::symlink_metadata(&link).is_err(),
        "the link is gone"
    );
    assert_eq!(scene.folders(), 0);
}
