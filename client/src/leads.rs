//! Where a right leads, in a line each.

use breakglass_proto::v1::{Access, SshAccess};

use crate::{grant::listed, text::plain};

/// As a person reads it: `ssh deploy@web-1`, `database shop at db.shop.example`. What a token is for
/// stands first, if there is one.
#[must_use]
pub fn leads(access: &Access) -> Vec<String> {
    let token = some(&access.audience);
    let token = token.map(|audience| plain(&format!("token for {audience}")));
    token.into_iter().chain(ways(access)).collect()
}

/// The same without the token, which every way that needs one takes by itself.
#[must_use]
pub fn ways(access: &Access) -> Vec<String> {
    let mut ways: Vec<_> = access.ssh.as_ref().map(ssh).into_iter().collect();
    if let Some(postgres) = &access.postgres {
        let database = some(&postgres.database).map(|name| format!(" {name}"));
        ways.push(format!(
            "database{} at {}",
            database.unwrap_or_default(),
            postgres.address
        ));
    }
    if let Some(kubernetes) = &access.kubernetes {
        let namespace = some(&kubernetes.namespace).map(|name| format!(", namespace {name}"));
        ways.push(format!(
            "cluster {} at {}{}",
            kubernetes.target,
            kubernetes.server,
            namespace.unwrap_or_default()
        ));
    }
    if let Some(aws) = &access.aws {
        let region = some(&aws.region).map(|region| format!(" in {region}"));
        ways.push(format!(
            "AWS role {}{}",
            aws.role_arn,
            region.unwrap_or_default()
        ));
    }
    ways.iter().map(|way| plain(way)).collect()
}

fn ssh(ssh: &SshAccess) -> String {
    let hosts: Vec<_> = ssh.hosts.iter().map(|host| host.target.clone()).collect();
    format!(
        "ssh {}@{}",
        listed(&ssh.principals, "or"),
        listed(&hosts, "or")
    )
}

fn some(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use breakglass_proto::v1::{AwsAccess, KubernetesAccess, PostgresAccess, SshHost};

    use super::*;

    #[test]
    fn each_way_is_one_short_line() {
        let host = |id: &str| SshHost {
            target: id.into(),
            address: format!("{id}.shop.example"),
            certified_until: None,
        };
        let access = Access {
            audience: "https://prod.shop.example".into(),
            ssh: Some(SshAccess {
                hosts: vec![host("web-1"), host("web-2")],
                principals: vec!["deploy".into()],
                ..SshAccess::default()
            }),
            postgres: Some(PostgresAccess {
                address: "db.shop.example".into(),
                database: "shop".into(),
                ..PostgresAccess::default()
            }),
            kubernetes: Some(KubernetesAccess {
                target: "prod".into(),
                server: "https://prod.shop.example".into(),
                namespace: "shop".into(),
                ..KubernetesAccess::default()
            }),
            aws: Some(AwsAccess {
                role_arn: "arn:aws:iam::123456789012:role/shop".into(),
                region: "eu-central-1".into(),
            }),
        };
        assert_eq!(
            leads(&access),
            [
                "token for https://prod.shop.example",
                "ssh deploy@web-1 or web-2",
                "database shop at db.shop.example",
                "cluster prod at https://prod.shop.example, namespace shop",
                "AWS role arn:aws:iam::123456789012:role/shop in eu-central-1",
            ]
        );
        assert!(ways(&Access::default()).is_empty());
        let hostile = Access {
            audience: "a\u{1b}[2J".into(),
            ..Access::default()
        };
        assert_eq!(leads(&hostile), ["token for a\\u{1b}[2J"]);
    }
}
