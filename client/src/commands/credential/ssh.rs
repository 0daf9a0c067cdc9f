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
/// For configurations that call it before each login. The key must be ECDSA P-256, the kind that
/// lives for one grant: ssh-keygen -t ecdsa -b 256. It never asks for access and never waits for
/// anybody. `glass ssh` and `glass agent` need no key on a disk.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  glass request shell-web -m \"what fills the disk\"
  glass credential ssh shell-web --key ~/.ssh/glass.pub --out ~/.ssh/glass-cert.pub

In ~/.ssh/config, for ssh and everything that calls it:
  Match host web-*.shop.example exec \"glass credential ssh shell-web --key ~/.ssh/glass.pub --out \\
      ~/.ssh/glass-cert.pub\"
    IdentityFile ~/.ssh/glass
    CertificateFile ~/.ssh/glass-cert.pub")]
pub struct Args {
    #[command(flatten)]
    live: Live,
    /// The public key, as ssh-keygen writes it
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Where to write the certificate, whole or not at all; left out: it is printed
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
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
    match &args.out {
        Some(path) => files::write(path, format!("{line}\n").as_bytes())?,
        None => seat.printer.verbatim(&line),
    }
    Ok(DONE)
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
