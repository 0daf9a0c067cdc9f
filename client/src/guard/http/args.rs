//! What `glass guard http` is told.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;

use super::gate::{Feed, Gate};
use crate::error::Error;
use crate::guard::entries::Witnesses;
use crate::text::{plain, right_id};
use crate::verify::{Ledger, Origin, SetupError, Verifier};

/// Decide about the requests of an HTTP service, for the proxy before it
///
/// nginx, Caddy, Traefik and Envoy ask it about each request. It says yes to tokens of live grants
/// only, and to nobody once it has not heard from the broker for the target's grace.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Examples:
  glass guard http --audience https://deploy.shop.example
  glass guard http --audience https://deploy.shop.example --right deploy-shop --demand-proof
  glass guard http --audience https://deploy.shop.example --demand-entry
  glass guard http --audience shop-admin --url https://admin.shop.example --listen 127.0.0.1:9471

The host is enrolled as the target first: glass targets invite TARGET, on a laptop of whoever may.
How to tell your proxy: docs/targets/http.md. Snippets to copy: deploy/http/")]
pub struct Args {
    /// The audience of the right in the policy; tokens for another one are refused
    #[arg(long, value_name = "URL")]
    pub audience: String,
    /// Under which URL people reach the service, for proofs; usually the audience
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// Take tokens for this right only; can be given several times
    #[arg(long = "right", value_name = "RIGHT")]
    pub rights: Vec<String>,
    /// Take no token without a proof that its sender holds its key (DPoP)
    #[arg(long)]
    pub demand_proof: bool,
    /// Take no token that does not prove that the ledger has its entry
    ///
    /// It carries the proof itself, and is refused without one even where the broker's key for tokens
    /// has signed it: that one may be stolen. Nobody is asked about it.
    #[arg(long)]
    pub demand_entry: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub witnesses: Witnesses,
    /// Where the proxy asks
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9470")]
    pub listen: SocketAddr,
    /// Listen on another address than loopback: the proxy's tokens cross a network without TLS
    ///
    /// Whoever can reach the guard can try tokens at it, and whoever can listen on the way can take
    /// them. Only with TLS in front, or on a network that is the proxy's and the guard's alone.
    #[arg(long)]
    pub listen_anywhere: bool,
}

impl Args {
    /// Opens the port.
    ///
    /// # Errors
    /// [`Error::Usage`] for an address that is not loopback, unless it was said so;
    /// [`Error::Setup`] where the port cannot be had.
    pub async fn listener(&self) -> Result<TcpListener, Error> {
        let address = self.listen;
        if !address.ip().is_loopback() && !self.listen_anywhere {
            return Err(Error::usage(
                format!("{address} is not loopback, and tokens would reach it without TLS"),
                "run the guard beside the proxy, on 127.0.0.1; with TLS in front of it, or a \
                 network of their own, add --listen-anywhere",
            ));
        }
        TcpListener::bind(address).await.map_err(|why| {
            Error::setup(
                format!("cannot listen on {address}: {why}"),
                "see who does: ss -ltnp; or choose another port with --listen",
            )
        })
    }

    /// What decides about tokens of `issuer`, whose ledger has this key. It trusts nobody until it is given keys through its
    /// verifier.
    ///
    /// # Errors
    /// [`Error::Usage`] for what was typed, [`Error::Setup`] for what enrolment gave.
    pub fn gate(&self, issuer: &str, ledger: Ledger, feed: Arc<dyn Feed>) -> Result<Gate, Error> {
        let mut builder = Verifier::builder(issuer, &self.audience).without_keys();
        for right in &self.rights {
            builder = builder.right(&right_id(right)?);
        }
        let ledger = self.witnesses.of(ledger)?;
        if self.demand_entry {
            builder = builder.demand_entry(ledger);
        } else if !self.witnesses.witnesses.is_empty() {
            return Err(Error::usage(
                "witnesses are of no use where no entry is demanded",
                "add --demand-entry, or leave --witness out",
            ));
        }
        Ok(Gate {
            verifier: Arc::new(builder.build().map_err(wrong)?),
            feed,
            origin: self.origin()?,
            demand_proof: self.demand_proof,
        })
    }

    fn origin(&self) -> Result<Origin, Error> {
        let url = self.url.as_ref().unwrap_or(&self.audience);
        Origin::of(url).ok_or_else(|| {
            Error::usage(
                format!(
                    "`{}` is no URL under which people reach a service",
                    plain(url)
                ),
                "say it with --url, for example --url https://deploy.shop.example",
            )
        })
    }
}

fn wrong(why: SetupError) -> Error {
    let next = "ask the broker: glass doctor";
    match why {
        SetupError::Empty("audience") => Error::usage(
            "the audience is empty",
            "it stands in the right's `audience` in the policy: glass policy show",
        ),
        why => Error::setup(format!("this guard cannot decide: {why}"), next),
    }
}
