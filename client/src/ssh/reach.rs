//! Which right leads to a host.

use super::destination::{Address, Destination};
use crate::{error::Error, grant::listed};

/// A right of somebody's that is for SSH hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    /// Its id.
    pub right: String,
    /// As whom.
    pub principals: Vec<String>,
    /// Where.
    pub targets: Vec<Target>,
}

/// A target of kind `ssh`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Its id.
    pub id: String,
    /// Where it is.
    pub address: Address,
}

/// The way to a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found<'a> {
    /// By which right.
    pub right: &'a str,
    /// To which target.
    pub target: &'a Target,
    /// As whom: what was typed, or else the right's first principal.
    pub login: &'a str,
}

/// Finds the one right that leads to what was typed: a target's id, else where a target is. Where
/// several do, the login that was typed may decide, and `--right` always does.
///
/// # Errors
/// [`Error::Usage`] where none leads there, or more than one.
pub fn find<'a>(
    destination: &'a Destination,
    rights: &'a [Reach],
    wanted: Option<&str>,
) -> Result<Found<'a>, Error> {
    let rights = || {
        let chosen = move |reach: &&Reach| wanted.is_none_or(|wanted| reach.right == wanted);
        rights.iter().filter(chosen)
    };
    let ways = |leads: &dyn Fn(&Target) -> bool| -> Vec<(&'a Reach, &'a Target)> {
        let way = |reach: &'a Reach| Some((reach, reach.targets.iter().find(|it| leads(it))?));
        rights().filter_map(way).collect()
    };
    let typed = &destination.address;
    let mut found = ways(&|target| typed.port.is_none() && target.id == typed.host);
    if found.is_empty() {
        found = ways(&|target| is_at(typed, &target.address));
    }
    if found.len() > 1
        && let Some(login) = &destination.login
    {
        let as_typed = |(reach, _): &(&Reach, &Target)| reach.principals.contains(login);
        let narrower: Vec<_> = found.iter().copied().filter(as_typed).collect();
        if !narrower.is_empty() {
            found = narrower;
        }
    }
    match found[..] {
        [(reach, target)] => Ok(Found {
            right: &reach.right,
            target,
            login: login(destination, reach)?,
        }),
        [] => Err(nowhere(typed, rights())),
        [..] => Err(several(typed, &found)),
    }
}

/// The same host, and the same port where one was typed; ssh's own is 22.
fn is_at(typed: &Address, target: &Address) -> bool {
    let same_port = |port| port == target.port.unwrap_or(22);
    typed.host == target.host && typed.port.is_none_or(same_port)
}

fn login<'a>(destination: &'a Destination, reach: &'a Reach) -> Result<&'a str, Error> {
    let typed = destination.login.as_ref();
    let first = typed.or_else(|| reach.principals.first());
    first
        .map(String::as_str)
        .ok_or_else(|| Error::broken_answer("the right names nobody to log in as"))
}

fn nowhere<'a>(typed: &Address, rights: impl Iterator<Item = &'a Reach>) -> Error {
    let known = rights.flat_map(|reach| &reach.targets);
    let mut known: Vec<String> = known.map(|target| target.id.clone()).collect();
    known.sort_unstable();
    known.dedup();
    let next = if known.is_empty() {
        "see what you may ask for: glass can".to_owned()
    } else {
        format!("you may ask for {}", listed(&known, "or"))
    };
    Error::usage(format!("no right of yours leads to {typed}"), next)
}

fn several(typed: &Address, found: &[(&Reach, &Target)]) -> Error {
    let rights: Vec<String> = found.iter().map(|(reach, _)| reach.right.clone()).collect();
    Error::usage(
        format!("{} lead to {typed}", listed(&rights, "and")),
        format!("say which: glass ssh --right {} {typed}", rights[0]),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reach(right: &str, principals: &[&str], targets: &[(&str, &str)]) -> Reach {
        let target = |(id, address): &(&str, &str)| Target {
            id: (*id).to_owned(),
            address: Address::parse(address).unwrap(),
        };
        Reach {
            right: right.to_owned(),
            principals: principals.iter().map(|it| (*it).to_owned()).collect(),
            targets: targets.iter().map(target).collect(),
        }
    }

    fn rights() -> Vec<Reach> {
        let web = [("web-1", "web-1.shop.example:2222"), ("web-2", "10.0.0.2")];
        let db = [("db", "db.shop.example")];
        vec![
            reach("shell-web", &["deploy", "ops"], &web),
            reach("root-web", &["root"], &web[..1]),
            reach("shell-db", &["postgres"], &db),
        ]
    }

    fn goes(typed: &str, wanted: Option<&str>) -> Result<(String, String, String), Error> {
        let (destination, rights) = (Destination::parse(typed)?, rights());
        let found = find(&destination, &rights, wanted)?;
        let (right, login) = (found.right.to_owned(), found.login.to_owned());
        Ok((right, found.target.id.clone(), login))
    }

    #[test]
    fn an_id_or_an_address_leads_to_a_target() {
        for (typed, right, target, login) in [
            ("web-2", "shell-web", "web-2", "deploy"),
            ("10.0.0.2", "shell-web", "web-2", "deploy"),
            ("10.0.0.2:22", "shell-web", "web-2", "deploy"),
            ("DB.shop.example", "shell-db", "db", "postgres"),
            ("ops@web-2", "shell-web", "web-2", "ops"),
            ("mapped@web-2", "shell-web", "web-2", "mapped"),
        ] {
            let expected = (right.to_owned(), target.to_owned(), login.to_owned());
            assert_eq!(goes(typed, None).unwrap(), expected, "{typed}");
        }
    }

    #[test]
    fn where_several_rights_lead_one_has_to_be_said() {
        let error = goes("web-1", None).unwrap_err();
        assert_eq!(error.to_string(), "shell-web and root-web lead to web-1");
        assert_eq!(
            error.next().unwrap(),
            "say which: glass ssh --right shell-web web-1"
        );
        assert_eq!(goes("web-1", Some("root-web")).unwrap().2, "root");
        assert_eq!(goes("root@web-1", None).unwrap().0, "root-web");
        assert_eq!(
            goes("ops@web-1.shop.example:2222", None).unwrap().0,
            "shell-web"
        );
        assert!(goes("other@web-1", None).is_err());
    }

    #[test]
    fn where_none_leads_it_says_what_there_is() {
        for (typed, wanted) in [
            ("web-3", None),
            ("web-1:22", None),
            ("web-1.shop.example:22", None),
            ("db.shop.example:23", None),
        ] {
            let error = goes(typed, wanted).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("no right of yours leads to {typed}")
            );
            assert_eq!(error.next().unwrap(), "you may ask for db, web-1 or web-2");
        }
        let error = goes("db", Some("shell-web")).unwrap_err();
        assert_eq!(error.next().unwrap(), "you may ask for web-1 or web-2");
        let error = goes("db", Some("none")).unwrap_err();
        assert!(error.next().unwrap().contains("glass can"));
    }
}
