//! From what the broker says of a right to the places of its credentials.

use std::path::Path;

use breakglass_proto::v1::{self, Access, Verdict};

use super::{
    Place, Placement, Unfit,
    address::Address,
    aws::{self, Aws},
    kubernetes::{self, Kubernetes},
    postgres::{self, Postgres, Trust},
    ssh::Ssh,
};
use crate::{
    error::Error,
    roots,
    ssh::{Address as Host, HostCa, is_certified},
};

/// The port of PostgreSQL.
const POSTGRES_PORT: u16 = 5432;

/// Variables that name a bundle of authorities.
const BUNDLES: [&str; 1] = ["SSL_CERT_FILE"];

impl Placement {
    /// The places of a right. The name of a session at AWS is given once the grant is known, see
    /// [`Placement::of_grant`].
    ///
    /// # Errors
    /// [`Error::Setup`] where something the policy says of a target cannot be used here: better
    /// before anybody is asked than after.
    pub fn of_right(right: &Verdict, folder: &Path) -> Result<Self, Error> {
        let Some(access) = &right.access else {
            return Ok(Self::default());
        };
        let mut places = Vec::new();
        if !access.audience.is_empty() {
            places.push(Place::Token);
        }
        if let Some(ssh) = &access.ssh {
            places.push(Place::Ssh(ssh_place(ssh, folder)?));
        }
        let others = unfit_said(others(access), right)?;
        places.extend(others);
        if places.is_empty() {
            return Ok(Self::default());
        }
        Ok(Self::new(places))
    }

    /// Whose grant it is: what AWS calls the session.
    pub fn of_grant(&mut self, person: &str, grant: &str) {
        for place in &mut self.0 {
            if let Place::Aws(aws) = place {
                aws.session_name = aws::session_name(person, grant);
            }
        }
    }

    /// What AWS calls the session, where there is one.
    pub(in crate::exec) fn aws_session(&self) -> Option<&str> {
        self.0.iter().find_map(|place| match place {
            Place::Aws(aws) => Some(aws.session_name.as_str()),
            _ => None,
        })
    }

    /// The role of AWS, where there is one.
    pub(in crate::exec) fn aws_role(&self) -> Option<&str> {
        self.0.iter().find_map(|place| match place {
            Place::Aws(aws) => Some(aws.role_arn.as_str()),
            _ => None,
        })
    }

    /// The socket of the agent, where hosts are among the places.
    pub(in crate::exec) fn socket(&self) -> Option<&Path> {
        self.0.iter().find_map(|place| match place {
            Place::Ssh(ssh) => Some(ssh.socket.as_path()),
            _ => None,
        })
    }
}

fn others(access: &Access) -> Result<Vec<Place>, Unfit> {
    let postgres = access.postgres.as_ref().map(postgres_place).transpose()?;
    let kubernetes = access.kubernetes.as_ref().map(kubernetes_place);
    let aws = access.aws.as_ref().map(aws_place);
    Ok(postgres.into_iter().chain(kubernetes).chain(aws).collect())
}

fn unfit_said<T>(made: Result<T, Unfit>, right: &Verdict) -> Result<T, Error> {
    made.map_err(|why| {
        Error::setup(
            format!("{} leads nowhere from here: {why}", right.right),
            format!("see what it says: glass can {}", right.right),
        )
    })
}

fn ssh_place(ssh: &v1::SshAccess, folder: &Path) -> Result<Ssh, Error> {
    let socket = folder.join(super::ssh::SOCKET);
    // sun_path(7) has room for a hundred bytes or so.
    if std::os::unix::net::SocketAddr::from_pathname(&socket).is_err() {
        return Err(Error::setup(
            format!("{} is too long for a socket's path", socket.display()),
            "set XDG_RUNTIME_DIR or TMPDIR to a folder with a shorter name",
        ));
    }
    Ok(Ssh {
        socket,
        known_hosts: known_hosts(ssh)?,
    })
}

/// The hosts that can show a certificate; nothing where none can.
fn known_hosts(ssh: &v1::SshAccess) -> Result<Option<String>, Error> {
    let certified = ssh.hosts.iter().filter(|host| is_certified(ssh, host));
    let certified: Vec<_> = certified
        .filter_map(|host| Host::parse(&host.address))
        .collect();
    if certified.is_empty() {
        return Ok(None);
    }
    let mut cas = vec![HostCa::parse(&ssh.host_ca)?];
    if !ssh.next_host_ca.is_empty() {
        cas.push(HostCa::parse(&ssh.next_host_ca)?);
    }
    let lines = |host| cas.iter().map(move |ca| ca.known_hosts(host));
    Ok(Some(certified.iter().flat_map(lines).collect()))
}

fn postgres_place(postgres: &v1::PostgresAccess) -> Result<Place, Unfit> {
    let trust = match postgres.ca.as_str() {
        "" => {
            let variable = |name: &str| std::env::var(name).ok();
            let bundle = roots::bundle(&BUNDLES, variable);
            Trust::System(bundle.map_err(|why| Unfit(why.to_string()))?)
        }
        pem => Trust::Authority(pem.to_owned()),
    };
    Ok(Place::Postgres(Postgres {
        address: Address::parse(&postgres.address, POSTGRES_PORT)?,
        database: some(&postgres.database),
        trust,
        way: match postgres.by_certificate {
            true => postgres::Way::Certificate,
            false => postgres::Way::Role,
        },
    }))
}

fn kubernetes_place(kubernetes: &v1::KubernetesAccess) -> Place {
    Place::Kubernetes(Kubernetes {
        target: kubernetes.target.clone(),
        server: kubernetes.server.clone(),
        authority: some(&kubernetes.ca),
        namespace: some(&kubernetes.namespace),
        way: match kubernetes.by_certificate {
            true => kubernetes::Way::Certificate,
            false => kubernetes::Way::Token,
        },
    })
}

fn aws_place(aws: &v1::AwsAccess) -> Place {
    Place::Aws(Aws {
        role_arn: aws.role_arn.clone(),
        region: some(&aws.region),
        session_name: String::new(),
    })
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: [&str; 2] = [
        "AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f",
        "AAAAC3NzaC1lZDI1NTE5AAAAIB8eHRwbGhkYFxYVFBMSERAPDg0MCwoJCAcGBQQDAgEA",
    ];

    /// Hosts are certified anew one after another, and each is believed all the while.
    #[test]
    fn while_one_authority_follows_another_hosts_of_both_are_believed() {
        let access = |next_host_ca: String| v1::SshAccess {
            hosts: vec![v1::SshHost {
                target: "web-1".into(),
                address: "web-1.shop.example".into(),
                certified_until: Some(prost_types::Timestamp::default()),
            }],
            host_ca: format!("ssh-ed25519 {} breakglass-host-ca", KEYS[0]),
            next_host_ca,
            ..v1::SshAccess::default()
        };
        let known = |access: &v1::SshAccess| {
            let place = ssh_place(access, Path::new("/run/x"));
            place.map(|place| place.known_hosts.unwrap_or_default())
        };
        let line = |key| format!("@cert-authority web-1.shop.example ssh-ed25519 {key}\n");
        assert_eq!(known(&access(String::new())).unwrap(), line(KEYS[0]));
        let next = format!("ssh-ed25519 {} breakglass-host-ca", KEYS[1]);
        assert_eq!(
            known(&access(next)).unwrap(),
            line(KEYS[0]) + &line(KEYS[1])
        );
        assert!(known(&access("* ssh-rsa AAAA".into())).is_err());
    }
}
