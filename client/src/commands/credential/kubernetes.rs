//! `glass credential kubernetes`

use breakglass_proto::v1::{CredentialKind, Grant};
use zeroize::Zeroize as _;

use super::{compact, live::Live, pem, warn_of_screen};
use crate::{
    commands::{DONE, Seat},
    ephemeral::EphemeralKey,
    error::Error,
    kubectl::{EXEC_INFO, Proof, Version},
    session::Session,
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
    let (mut credential, key) = match is_by_certificate(&session, &grant).await? {
        false => (session.issue(&grant.id).await?, None),
        true => {
            let key = EphemeralKey::generate()?;
            let kind = CredentialKind::X509Certificate;
            let credential = session.issue_as(&grant.id, kind, key.point()).await?;
            (credential, Some(key.pem()))
        }
    };
    let expires_at = time::from_proto(credential.expires_at.as_ref())
        .ok_or_else(|| Error::broken_answer("a credential has no end"))?;
    let proof = match &key {
        None => Proof::Token(compact(&credential)?),
        Some(key) => Proof::Certificate {
            chain: pem(&credential)?,
            key,
        },
    };
    let answer = version.answer(proof, expires_at);
    credential.value.zeroize();
    warn_of_screen(seat);
    seat.printer.verbatim(&answer);
    Ok(DONE)
}

/// Whether the cluster of the grant's right takes certificates.
async fn is_by_certificate(session: &Session, grant: &Grant) -> Result<bool, Error> {
    let right = session.right(&grant.right).await?;
    let kubernetes = right.access.and_then(|access| access.kubernetes);
    Ok(kubernetes.is_some_and(|kubernetes| kubernetes.by_certificate))
}
