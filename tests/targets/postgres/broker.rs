//! A whole broker and its database: what a grant brings, and what is left of it when it is over.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Stdio;
use std::sync::Arc;

use breakglass_domain::policy::STARTER;
use breakglass_tests::Playground;
use breakglass_tests::playground::{Process, Rules};
use breakglass_tests::postgres::Server;
use breakglass_tests::wait::until;
use serde_json::Value;

/// A broker whose policy leads into a server, and an open incident.
struct House {
    server: Arc<Server>,
    playground: Playground,
}

fn house(server: Arc<Server>) -> House {
    let broker = server.for_broker();
    let (port, ca) = (broker.port, &broker.ca);
    let policy = format!(
        r#"{STARTER}
[targets.shop-db]
kind = "postgres"
address = "127.0.0.1:{port}"
database = "shop"
ca = """
{ca}"""

[rights.mend-db]
sentence = "mend the shop's database"
risk = "low"
longest = "30m"
[rights.mend-db.postgres]
target = "shop-db"
way = "role"
role = "shop_migrator"

[[rules]]
name = "engineers-mend"
who = ["job:engineer"]
rights = ["mend-db"]
approvers = []
"#
    );
    let settings = format!(
        "[postgres.shop-db]\nuser = \"{}\"\npassword_file = {:?}\n",
        broker.user,
        broker.password_file.to_str().unwrap()
    );
    let playground = Playground::with(Rules {
        policy: Some(policy),
        settings,
        ..Rules::default()
    });
    playground.opens("the shop's database is in pieces");
    House { server, playground }
}

impl House {
    /// Somebody's right under `glass exec`, and what its tools were given, for somebody who took it
    /// away with them.
    fn holds(&self, who: &str) -> (Process, Loot) {
        let loot = self.playground.path(&format!("loot-{who}"));
        let steal = format!(
            "cat \"$PGPASSFILE\" > {loot:?}.new && mv {loot:?}.new {loot:?} && exec sleep 600"
        );
        let exec = ["exec", "mend-db", "-m", "mend it", "--", "sh", "-c", &steal];
        let held = self.playground.spawns(who, &exec);
        let line = until("the password is there", "a file tells nobody", || {
            std::fs::read_to_string(&loot).ok()
        });
        // host:port:database:user:password
        let line = line.lines().last().unwrap().to_owned();
        let mut fields = line.rsplit(':');
        let (password, user) = (fields.next().unwrap(), fields.next().unwrap());
        let loot = Loot {
            user: user.to_owned(),
            password: password.to_owned(),
        };
        (held, loot)
    }

    fn session(&self, loot: &Loot) -> Process {
        let mut psql = self.server.psql_as("shop", &loot.user, &loot.password);
        psql.stdin(Stdio::piped());
        let mut session = Process::spawn(psql);
        session.hears("SELECT 'here I am';\n");
        session.says("here I am");
        session
    }

    fn closes(&self) {
        self.playground
            .done("leon", &["incident", "close", "-m", "mended"]);
    }

    /// Roles of grants that the server has.
    fn roles(&self) -> String {
        let sql = "SELECT coalesce(string_agg(rolname, ','), '') FROM pg_roles
                   WHERE rolname LIKE 'breakglass\\_g%'";
        self.server.admin("shop", sql)
    }

    fn entries_of(&self, kind: &str) -> Vec<Value> {
        self.playground.entries_of(kind)
    }

    /// As Prometheus reads them.
    fn metrics(&self) -> String {
        let port = self.playground.ports().metrics;
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let asked = b"GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
        stream.write_all(asked).unwrap();
        let mut page = String::new();
        stream.read_to_string(&mut page).unwrap();
        page
    }

    fn problems(&self) -> String {
        self.playground.done("mia", &["status"]).out
    }
}

/// What somebody could have copied.
struct Loot {
    user: String,
    password: String,
}

#[test]
fn a_grant_brings_a_role_and_when_the_incident_closes_its_sessions_are_dead() {
    let house = house(Arc::new(Server::start()));
    let query = ["exec", "mend-db", "-m", "look", "--", "psql", "-XAtc"];
    let query = [&query[..], &["SELECT session_user, current_user"]].concat();
    let said = house.playground.done("mia", &query);
    assert_eq!(
        said.out.trim_end(),
        "breakglass_g1_1|shop_migrator",
        "{said}"
    );
    until("it is gone with its grant", "the broker's job", || {
        (house.roles().is_empty()).then_some(())
    });

    let (held, loot) = house.holds("mia");
    assert_eq!(loot.user, "breakglass_g2_1");
    let mut session = house.session(&loot);
    assert_eq!(house.roles(), "breakglass_g2_1");
    house.closes();
    let said = held.finishes();
    assert_eq!(said.code, 83, "{said}");
    let dropped = until("the drop is on record", "an entry tells nobody", || {
        house.entries_of("role.dropped").into_iter().nth(1)
    });
    assert_eq!(dropped["role"], "breakglass_g2_1");
    assert_eq!(dropped["sessions"], 1, "{dropped}");
    let took = dropped["took_ms"].as_i64().unwrap();
    assert!(took < 1_000, "{dropped}");
    session.hears("SELECT 'still here?';\n");
    let said = session.finishes();
    assert!(said.err.contains("terminating connection"), "{said}");
    assert!(house.roles().is_empty());
    let kinds = ["credential.issued", "role.created", "role.dropped"];
    assert!(kinds.iter().all(|kind| house.entries_of(kind).len() == 2));
    let metrics = house.metrics();
    assert!(
        metrics.contains("breakglass_database_roles 0.0\n"),
        "{metrics}"
    );
}

#[test]
fn a_database_that_is_down_at_the_close_is_told_and_rid_of_the_role_when_it_is_back() {
    let house = house(Arc::new(Server::start()));
    let (held, loot) = house.holds("mia");
    house.server.stops();
    house.closes();
    let ended = held.finishes();
    assert_ne!(ended.code, 0, "{ended}");
    let told = until("it is in the status", "the broker's job", || {
        let told = house.problems();
        told.contains("could not be dropped yet").then_some(told)
    });
    assert!(told.contains("breakglass_g1_1 at shop-db"), "{told}");
    assert!(told.contains("cannot be reached"), "{told}");
    let failed = house.entries_of("role.failed");
    assert_eq!(
        failed.len(),
        1,
        "{failed:?}: only what is new is worth an entry"
    );
    house.server.starts();
    until("it is gone", "the broker's job", || {
        (house.entries_of("role.dropped").len() == 1).then_some(())
    });
    assert!(house.roles().is_empty());
    let psql = house.server.psql_as("shop", &loot.user, &loot.password);
    assert_ne!(Process::spawn(psql).finishes().code, 0);
    let told = house.problems();
    assert!(!told.contains("could not be dropped"), "{told}");
}

#[test]
fn a_role_whose_broker_was_killed_before_it_was_on_record_is_dropped_by_the_next() {
    let mut house = house(Arc::new(Server::start()));
    // It is made, and cannot be committed while this lock is held.
    let mut admin = house.server.psql("shop");
    admin
        .env("PGHOST", house.server.path(""))
        .env("PGUSER", "postgres")
        .env_remove("PGHOSTADDR")
        .stdin(Stdio::piped());
    let mut admin = Process::spawn(admin);
    admin.hears("BEGIN; LOCK TABLE pg_db_role_setting IN SHARE MODE; SELECT 'locked';\n");
    admin.says("locked");
    let exec = ["exec", "mend-db", "-m", "mend it", "--", "true"];
    let asked = house.playground.spawns("mia", &exec);
    until(
        "the broker waits for the lock",
        "PostgreSQL tells nobody",
        || {
            let waiting = "SELECT count(*) FROM pg_stat_activity
                       WHERE usename = 'breakglass' AND wait_event_type = 'Lock'";
            (house.server.admin("shop", waiting) == "1").then_some(())
        },
    );
    house.playground.is_killed();
    admin.hears("COMMIT; SELECT 'free';\n");
    admin.says("free");
    until(
        "it is there all the same",
        "PostgreSQL tells nobody",
        || (house.roles() == "breakglass_g1_1").then_some(()),
    );
    // And one of a grant that this ledger has never had.
    let unknown = "SELECT breakglass.create_role('breakglass_g99_1', 'shop_migrator',
        now() + '1 hour', 'SCRAM-SHA-256$4096:AA==$AA==:AA==', 1,
        'breakglass ledger=localhost/ledger grant=G-99')";
    assert_eq!(house.server.as_broker("shop", unknown).code, 0);

    drop(asked);
    house.playground.serves();
    until("both are gone", "the broker's job", || {
        (house.roles().is_empty()).then_some(())
    });
    until("it is on record", "the broker's job", || {
        (house.entries_of("role.dropped").len() == 1).then_some(())
    });
    assert!(house.entries_of("role.created").is_empty());
    let told = house.playground.stops();
    assert!(
        told.err.contains("a role that the ledger does not know"),
        "{told}"
    );
}

#[test]
fn a_server_that_does_not_answer_keeps_no_broker_from_starting() {
    let house = house(Arc::new(Server::start()));
    house.server.stops();
    let mut house = house;
    house.playground.stops();
    house.playground.serves();
    let told = until("it is in the status", "the broker's job", || {
        let told = house.problems();
        told.contains("The database shop-db is not in order")
            .then_some(told)
    });
    assert!(told.contains("cannot be reached"), "{told}");
    let checked = house.playground.glassd(&["check"]);
    assert_eq!(checked.code, 1, "{checked}");
    assert!(checked.out.contains("bad  postgres.shop-db"), "{checked}");
    house.server.starts();
    let checked = house.playground.glassd(&["check"]);
    assert_eq!(checked.code, 0, "{checked}");
    assert!(checked.out.contains("ok   postgres.shop-db"), "{checked}");
    until("it is well again", "the broker's job", || {
        (!house.problems().contains("not in order")).then_some(())
    });
}
