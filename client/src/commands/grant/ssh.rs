//! `glass ssh`

use std::ffi::OsString;

use breakglass_proto::v1;

use super::asking::Asking;
use crate::{
    commands::Seat,
    error::Error,
    exec::{self, Hop, Order, Task},
    session::Session,
    ssh::{Address, Destination, Reach, Target, find, is_certified},
    text,
};

/// Log in to a host, and give the access back when you leave
///
/// Finds the right that leads to the host, asks for it, waits for the yes, and runs the unchanged
/// `ssh` with a certificate that lives in memory only. Where the host has a certificate
/// (`glassd host-certificate`) you are not asked about its key; elsewhere `ssh` goes by your known
/// hosts, as ever. When the access ends first, so does the login.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  glass ssh web-1 -m \"what fills the disk\"
  glass ssh -m \"what fills the disk\" deploy@web-1 df -h
  glass ssh --right root-web --ssh-option=-L8080:localhost:80 -m \"look at the admin page\" web-1

From the first word of COMMAND on everything is for the host. scp, rsync, ansible and other tools
that call ssh run under the right itself: glass exec shell-web -- rsync -a web-1:/var/log/shop .

Exit codes: those of ssh (255 where it could not log in); 81 waiting (--no-wait), 82 denied or
lapsed, 83 the access ended first.")]
pub struct Args {
    /// The right, where more than one leads there
    #[arg(long, value_name = "RIGHT")]
    right: Option<String>,
    /// Incident, reason, length.
    #[command(flatten)]
    asking: Asking,
    /// Where nobody answers and the rule allows it: begin it yourself, for a shorter time, with
    /// everybody told
    #[arg(long)]
    self_grant: bool,
    /// For ssh itself, as it takes it; wins over what `glass` tells it
    #[arg(long, value_name = "OPTION", allow_hyphen_values = true)]
    ssh_option: Vec<OsString>,
    /// A target's id or address, perhaps with a login: web-1, deploy@web-1
    #[arg(value_name = "HOST")]
    host: String,
    /// What to run there; a shell where it is left out
    #[arg(trailing_var_arg = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// Finds the way, then hands over to [`exec::run`].
///
/// # Errors
/// [`Error::Usage`] where no right leads there, or several; and as [`exec::run`].
pub async fn run(args: Args, seat: &Seat) -> Result<u8, Error> {
    args.asking.check()?;
    let destination = Destination::parse(&args.host)?;
    let wanted = args.right.as_deref().map(text::right_id).transpose()?;
    let session = seat.session().await?;
    let rights = reaches(&session, wanted.as_deref()).await?;
    let found = find(&destination, &rights, wanted.as_deref())?;
    let asked = args
        .asking
        .look_up_to_use(seat, &session, found.right)
        .await?;
    let is_known = is_known(&asked.right, &found.target.id);
    if !is_known {
        seat.printer.note(by_known_hosts(&found.target.id));
    }
    let hop = Hop {
        address: found.target.address.clone(),
        login: found.login.to_owned(),
        is_known,
        options: args.ssh_option,
        command: args.command,
    };
    let order = Order {
        right: asked.right,
        incident: asked.incident,
        reason: asked.reason,
        length: asked.length,
        handed: asked.handed,
        task: Task::Ssh(hop),
        no_wait: args.asking.no_wait,
        self_grant_if_nobody: args.self_grant,
        drill: None,
    };
    let ended = exec::run(session, order, &seat.printer).await?;
    Ok(ended.code)
}

/// The rights that lead to hosts: those one has, and the one that was named in any case: asking for
/// what no rule gives is refused by the broker, and that stands in the ledger.
async fn reaches(session: &Session, wanted: Option<&str>) -> Result<Vec<Reach>, Error> {
    let can = session.can("", wanted.unwrap_or_default()).await?;
    let rights = can.verdicts.iter();
    let rights = rights.filter(|it| it.allowed || wanted == Some(it.right.as_str()));
    Ok(rights.filter_map(reach).collect())
}

fn reach(verdict: &v1::Verdict) -> Option<Reach> {
    let ssh = verdict.access.as_ref()?.ssh.as_ref()?;
    let target = |host: &v1::SshHost| {
        Some(Target {
            id: host.target.clone(),
            address: Address::parse(&host.address)?,
        })
    };
    Some(Reach {
        right: verdict.right.clone(),
        principals: ssh.principals.clone(),
        targets: ssh.hosts.iter().filter_map(target).collect(),
    })
}

/// Whether a target's host can show a certificate.
fn is_known(right: &v1::Verdict, target: &str) -> bool {
    let ssh = right.access.as_ref().and_then(|access| access.ssh.as_ref());
    ssh.is_some_and(|ssh| {
        let mut hosts = ssh.hosts.iter().filter(|host| host.target == target);
        hosts.any(|host| is_certified(ssh, host))
    })
}

fn by_known_hosts(target: &str) -> String {
    format!(
        "{target} has no host certificate, so ssh goes by your known hosts and may ask about its key. To \
         end that, on the broker's host: glassd host-certificate {target} KEY.pub"
    )
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Typed {
        #[command(flatten)]
        args: Args,
    }

    fn typed(words: &[&str]) -> Args {
        let words = std::iter::once("ssh").chain(words.iter().copied());
        Typed::try_parse_from(words).unwrap().args
    }

    #[test]
    fn from_the_command_on_everything_is_for_the_host() {
        let args = typed(&["web-1", "-m", "why", "ls", "-l", "--right", "x"]);
        assert_eq!(args.asking.reason.as_deref(), Some("why"));
        assert_eq!(args.host, "web-1");
        assert_eq!(args.command, ["ls", "-l", "--right", "x"]);
        assert_eq!(args.right, None);
        let args = typed(&["--ssh-option=-v", "--ssh-option", "-L1:a:2", "web-1"]);
        assert_eq!(args.ssh_option, ["-v", "-L1:a:2"]);
        assert!(args.command.is_empty());
    }

    #[test]
    fn a_right_without_hosts_leads_to_none() {
        let mut verdict = v1::Verdict::default();
        assert_eq!(reach(&verdict), None);
        verdict.access = Some(ways(&[
            ("web-1", "web-1.shop.example"),
            ("web-2", "not a host"),
        ]));
        assert_eq!(reach(&verdict).unwrap().targets.len(), 1);
    }

    fn ways(hosts: &[(&str, &str)]) -> v1::Access {
        let host = |(target, address): &(&str, &str)| v1::SshHost {
            target: (*target).into(),
            address: (*address).into(),
            certified_until: None,
        };
        let ssh = v1::SshAccess {
            hosts: hosts.iter().map(host).collect(),
            principals: vec!["deploy".into()],
            host_ca: "ssh-ed25519 AAAA breakglass-host-ca".into(),
            ..v1::SshAccess::default()
        };
        v1::Access {
            ssh: Some(ssh),
            ..v1::Access::default()
        }
    }

    #[test]
    fn only_a_host_that_can_show_a_certificate_is_held_to_it() {
        let mut access = ways(&[
            ("web-1", "web-1.shop.example"),
            ("web-2", "web-2.shop.example"),
        ]);
        if let Some(ssh) = &mut access.ssh {
            ssh.hosts[0].certified_until = Some(prost_types::Timestamp::default());
        }
        let mut verdict = v1::Verdict {
            access: Some(access),
            ..v1::Verdict::default()
        };
        assert!(is_known(&verdict, "web-1"));
        assert!(!is_known(&verdict, "web-2"), "it has none");
        assert!(!is_known(&verdict, "web-3"), "nobody knows it");
        assert!(by_known_hosts("web-2").contains("glassd host-certificate web-2 KEY.pub"));
        if let Some(ssh) = verdict
            .access
            .as_mut()
            .and_then(|access| access.ssh.as_mut())
        {
            ssh.host_ca.clear();
        }
        assert!(
            !is_known(&verdict, "web-1"),
            "nor does anybody vouch for it"
        );
    }
}
