//! `glass credential ssh`

use std::path::{Path, PathBuf};

use breakglass_proto::v1::CredentialKind;
use zeroize::Zeroize as _;

use super::live::Live;
use crate::{
    agent::{certificate_line, point_of_line},
    commands::{DONE, Seat},
    error::Error,
    files,
};

/// Print an SSH certificate for a key of yours, under a grant you already have
///
/// For configurations that call it before each login. The key has to be ECDSA P-256. It never asks
/// for access and never waits for anybody. `glass ssh` and `glass agent` need no key on a disk.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Once:
  ssh-keygen -t ecdsa -b 256 -f ~/.ssh/glass

In ~/.ssh/config, for ssh and everything that calls it:
  Match host web-1.shop.example exec \"glass credential ssh shell-web --key ~/.ssh/glass.pub --write\"
    User deploy
    IdentityFile ~/.ssh/glass

Then:
  glass request shell-web -m \"what fills the disk\"
  ssh web-1.shop.example                    runs: glass credential ssh shell-web ...")]
pub struct Args {
    #[command(flatten)]
    live: Live,
    /// The public key, as ssh-keygen writes it
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Write it beside the key, where ssh looks for it (glass-cert.pub), instead of printing it
    #[arg(long)]
    write: bool,
}

/// Has the key certified.
///
/// # Errors
/// [`Error::Usage`] where the key is of another kind, [`Error::Refused`], [`Error::Ended`].
pub async fn run(args: Args, seat: &Seat) -> Result<u8, Error> {
    let wanted = args.live.wanted()?;
    let point = point(&args.key)?;
    let session = seat.session().await?;
    let grant = wanted.find(&session).await?;
    let kind = CredentialKind::SshCertificate;
    let mut credential = session.issue_as(&grant.id, kind, &point).await?;
    let line = certificate_line(&point, &credential.value)?;
    credential.value.zeroize();
    if args.write {
        files::write(&beside(&args.key), format!("{line}\n").as_bytes())?;
    } else {
        seat.printer.verbatim(&line);
    }
    Ok(DONE)
}

/// `glass-cert.pub` for `glass.pub`, as ssh-keygen(1) names it.
fn beside(key: &Path) -> PathBuf {
    let mut name = key.file_stem().unwrap_or_default().to_owned();
    name.push("-cert.pub");
    key.with_file_name(name)
}

fn point(path: &Path) -> Result<Vec<u8>, Error> {
    let missing = || {
        Error::usage(
            format!("there is no key at {}", path.display()),
            "make one: ssh-keygen -t ecdsa -b 256 -f ~/.ssh/glass",
        )
    };
    let text = files::read_text(path)?.ok_or_else(missing)?;
    point_of_line(&text).ok_or_else(|| {
        Error::usage(
            format!("{} is no public key of kind ECDSA P-256", path.display()),
            "make one: ssh-keygen -t ecdsa -b 256 -f ~/.ssh/glass, and name the .pub",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_lies_where_ssh_looks_for_it() {
        let path = beside(Path::new("/home/mia/.ssh/glass.pub"));
        assert_eq!(path, Path::new("/home/mia/.ssh/glass-cert.pub"));
    }

    #[test]
    fn another_kind_of_key_is_told_how_to_make_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("id.pub");
        let missing = point(&path).unwrap_err();
        assert!(missing.to_string().starts_with("there is no key at"));
        std::fs::write(&path, "ssh-ed25519 AAAA mia\n").unwrap();
        let other = point(&path).unwrap_err();
        assert!(
            other.next().unwrap().contains("ssh-keygen -t ecdsa"),
            "{other}"
        );
    }
}
