//! The way to the databases of the config: who the broker is there stands in the config, where they are
//! in the policy.

use std::path::Path;

use breakglass_domain::policy::access::{Target, TargetKind};
use breakglass_domain::{Policy, TargetId};

use crate::config::{Config, PostgresLogin};
use crate::effects::postgres::Server;

/// What PostgreSQL listens on where nothing else is said.
const PORT: u16 = 5432;

/// The server of a target, as config and policy say now.
///
/// # Errors
/// A sentence that says what is missing, and where.
pub(super) fn server(config: &Config, policy: &Policy, id: &TargetId) -> Result<Server, String> {
    let login = config
        .settings
        .postgres
        .iter()
        .find(|(name, _)| name.id() == id);
    let (_, login) = login.ok_or_else(|| {
        format!(
            "{} says nothing of the database `{id}`: add [postgres.{id}] with user and \
             password_file, and start the broker again",
            config.file.display()
        )
    })?;
    let target = policy.targets.get(id);
    let target = target.filter(|target| target.kind == TargetKind::Postgres);
    let target = target.ok_or_else(|| {
        format!(
            "the policy has no target `{id}` of kind \"postgres\", so nobody knows where it is: add \
             [targets.{id}], or take [postgres.{id}] out of {} once its roles are gone",
            config.file.display()
        )
    })?;
    located(login, target, (&config.keys_dir, config.ledger_origin()))
        .ok_or_else(|| format!("the address of the target `{id}` is not HOST or HOST:PORT"))
}

fn located(
    login: &PostgresLogin,
    target: &Target,
    (keys_dir, ledger): (&Path, String),
) -> Option<Server> {
    let (host, port) = host_and_port(target.address.as_str())?;
    Some(Server {
        host,
        port,
        // The policy refuses a target of this kind without both.
        database: target.database.as_ref()?.to_string(),
        ca: target.ca.clone()?,
        user: login.user.to_string(),
        password_file: keys_dir.join(&login.password_file),
        ledger,
    })
}

/// `host`, `host:port`, `[v6]:port` or a bare IPv6 address.
fn host_and_port(address: &str) -> Option<(String, u16)> {
    let (host, port) = match address.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']')?;
            match port {
                "" => (host, None),
                port => (host, Some(port.strip_prefix(':')?)),
            }
        }
        None if address.parse::<std::net::IpAddr>().is_ok() => (address, None),
        None => match address.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (address, None),
        },
    };
    let port = match port {
        Some(port) => port.parse().ok()?,
        None => PORT,
    };
    (!host.is_empty()).then(|| (host.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_host_and_perhaps_a_port() {
        for (address, host, port) in [
            ("db.shop.example", "db.shop.example", 5432),
            ("db.shop.example:6432", "db.shop.example", 6432),
            ("10.0.0.7", "10.0.0.7", 5432),
            ("10.0.0.7:1", "10.0.0.7", 1),
            ("2001:db8::7", "2001:db8::7", 5432),
            ("[2001:db8::7]", "2001:db8::7", 5432),
            ("[2001:db8::7]:6432", "2001:db8::7", 6432),
        ] {
            assert_eq!(
                host_and_port(address),
                Some((host.to_owned(), port)),
                "{address}"
            );
        }
        for wrong in ["", ":5432", "db:", "db:x", "db:99999", "[::1", "[::1]x"] {
            assert_eq!(host_and_port(wrong), None, "{wrong}");
        }
    }
}
