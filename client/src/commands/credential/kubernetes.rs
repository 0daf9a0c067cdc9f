//! `glass credential kubernetes`

use zeroize::Zeroize as _;

use super::{compact, live::Live, warn_of_screen};
use crate::{
    commands::{DONE, Seat},
    error::Error,
    kubectl::{EXEC_INFO, Proof, Version},
    time,
};

/// Be kubectl's credential plugin, under a grant you already have
///
/// kubectl runs this by itself and keeps the answer until it ends. It never asks for access and
/// never waits for anybody: ask first, then use kubectl.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
In a kubeconfig:
  users:
  - name: glass
    user:
      exec:
        apiVersion: client.authentication.k8s.io/v1
        command: glass
        args: [credential, kubernetes, read-cluster]
        interactiveMode: Never

Then:
  glass request read-cluster -m \"why are pods restarting\"
  kubectl get pods                          runs: glass credential kubernetes read-cluster

`glass exec read-cluster -- kubectl ...` needs no such kubeconfig: it makes its own.")]
pub struct Args {
    #[command(flatten)]
    live: Live,
}

/// Answers kubectl.
///
/// # Errors
/// [`Error::Usage`] where it asks for an unknown version, [`Error::Refused`], [`Error::Ended`].
pub async fn run(args: Args, seat: &Seat) -> Result<u8, Error> {
    let version = Version::asked(std::env::var(EXEC_INFO).ok().as_deref())?;
    let wanted = args.live.wanted()?;
    let session = seat.session().await?;
    let grant = wanted.find(&session).await?;
    let mut credential = session.issue(&grant.id).await?;
    let expires_at = time::from_proto(credential.expires_at.as_ref())
        .ok_or_else(|| Error::broken_answer("a credential has no end"))?;
    let proof = Proof::Token(compact(&credential)?);
    let answer = version.answer(proof, expires_at);
    credential.value.zeroize();
    warn_of_screen(seat);
    seat.printer.verbatim(&answer);
    Ok(DONE)
}
