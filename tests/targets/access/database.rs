//! PostgreSQL: `glass exec RIGHT -- psql` with one word, and what is left of it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use breakglass_tests::Playground;
use breakglass_tests::playground::Rules;
use breakglass_tests::postgres::Server;
use breakglass_tests::wait::until;

use super::policy;

/// A broker that makes roles in a server of its own.
struct Shop {
    playground: Playground,
    server: Server,
    _secrets: tempfile::TempDir,
}

impl Shop {
    fn opens() -> Self {
        let server = Server::start();
        let known = server.for_broker();
        let secrets = tempfile::tempdir().unwrap();
        let password = secrets.path().join("password");
        fs::copy(known.password_file, &password).unwrap();
        fs::set_permissions(&password, fs::Permissions::from_mode(0o600)).unwrap();
        let ways = format!(
            "[targets.shop-db]\nkind = \"postgres\"\naddress = \"{}:{}\"\ndatabase = \"shop\"\n\
             ca = \"\"\"\n{}\"\"\"\n\
             [rights.change-shop-db]\nsentence = \"change the shop's data\"\nrisk = \"low\"\n\
             longest = \"30m\"\n[rights.change-shop-db.postgres]\ntarget = \"shop-db\"\n\
             way = \"role\"\nrole = \"shop_migrator\"\n\
             [rights.read-shop-db]\nsentence = \"read the shop's data\"\nrisk = \"low\"\n\
             longest = \"30m\"\n[rights.read-shop-db.postgres]\ntarget = \"shop-db\"\n\
             way = \"certificate\"\nrole = \"shop_reader\"\n",
            known.host, known.port, known.ca
        );
        let playground = Playground::with(Rules {
            policy: Some(policy("\"change-shop-db\", \"read-shop-db\"", &ways)),
            settings: format!(
                "[postgres.shop-db]\nuser = \"{}\"\npassword_file = {password:?}\n",
                known.user
            ),
            ..Rules::default()
        });
        playground.opens("orders hang");
        Self {
            playground,
            server,
            _secrets: secrets,
        }
    }

    /// How many roles of grants there are.
    fn roles(&self) -> String {
        let sql = "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'breakglass_g%'";
        self.server.admin("shop", sql)
    }

    fn all_roles_are_gone(&self) {
        until(
            "the role is dropped",
            "the broker drops it by itself",
            || (self.roles() == "0").then_some(()),
        );
    }
}

const WHO: [&str; 6] = ["psql", "-X", "-A", "-t", "-c", "SELECT session_user"];

#[test]
fn psql_needs_not_one_word_and_its_role_is_gone_afterwards() {
    let shop = Shop::opens();
    let words = ["exec", "change-shop-db", "-m", "unlock", "--"];
    let said = shop.playground.glass("mia", &[&words[..], &WHO].concat());
    assert_eq!(
        (said.code, said.out.as_str()),
        (0, "breakglass_g1_1\n"),
        "{said}"
    );
    shop.all_roles_are_gone();
    assert!(!shop.playground.entries_of("role.dropped").is_empty());
}

#[test]
fn a_certificate_is_taken_for_its_fixed_role() {
    let shop = Shop::opens();
    let authority = shop.playground.glassd(&["targets-ca"]);
    assert_eq!(authority.code, 0, "{authority}");
    let trusted = shop.server.path("data/breakglass-targets.crt");
    fs::write(trusted, authority.out).unwrap();
    shop.server.admin("shop", "SELECT pg_reload_conf()");
    let words = ["exec", "read-shop-db", "-m", "look", "--"];
    let psql = [
        "psql",
        "-X",
        "-A",
        "-t",
        "-c",
        "SELECT session_user, name FROM customers",
    ];
    let said = shop.playground.glass("mia", &[&words[..], &psql].concat());
    assert_eq!(
        (said.code, said.out.as_str()),
        (0, "shop_reader|a customer\n"),
        "{said}"
    );
    assert_eq!(shop.roles(), "0", "no role is made for it");
}

#[test]
fn a_session_in_psql_is_dead_when_the_incident_is_closed() {
    let shop = Shop::opens();
    let words = [
        "exec",
        "change-shop-db",
        "-m",
        "unlock",
        "--",
        "psql",
        "-X",
        "-A",
        "-t",
        "-c",
    ];
    let sql = ["SELECT 'up'", "-c", "SELECT pg_sleep(1000)"];
    let mut mia = shop.playground.spawns("mia", &[&words[..], &sql].concat());
    mia.says("up");
    shop.playground
        .done("leon", &["incident", "close", "-m", "orders flow"]);
    let said = mia.finishes();
    assert_eq!(said.code, 83, "{said}");
    shop.all_roles_are_gone();
    let sessions = "SELECT count(*) FROM pg_stat_activity WHERE usename LIKE 'breakglass_g%'";
    assert_eq!(shop.server.admin("shop", sessions), "0");
}

#[test]
fn more_time_means_another_role_for_the_next_login_of_the_same_command() {
    let shop = Shop::opens();
    let script = shop.playground.script(
        "twice",
        "psql -X -A -t -c 'SELECT session_user'\n\
         until psql -X -A -t -c 'SELECT session_user' | grep g1_2; do :; done",
    );
    let words = [
        "exec",
        "change-shop-db",
        "-m",
        "unlock",
        "--for",
        "6s",
        "--",
    ];
    let words = [&words[..], &[script.to_str().unwrap()]].concat();
    let mut mia = shop.playground.spawns("mia", &words);
    mia.says("breakglass_g1_1");
    shop.playground
        .done("mia", &["extend", "G-1", "--for", "10m", "-m", "not done"]);
    let said = mia.finishes();
    assert_eq!(said.code, 0, "{said}");
    assert!(said.out.contains("breakglass_g1_2"), "{said}");
    shop.all_roles_are_gone();
}
