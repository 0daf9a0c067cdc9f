//! `glass witness serve`

use std::{net::SocketAddr, path::PathBuf};

use sd_notify::NotifyState;
use tokio::net::TcpListener;

use crate::{
    commands::{DONE, Seat, guard::stopped},
    error::Error,
    time,
    witness::{self, Folder, Server},
};

/// Co-sign checkpoints until SIGTERM or Ctrl-C (C2SP tlog-witness)
///
/// What it signs is on the disk before it answers, so it can be ended at any moment. It never goes
/// back: put no older copy of its folder in its place.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  glass witness serve --dir ./witness --listen 0.0.0.0:7446
  glass witness serve --dir ./witness --tls-certificate chain.pem --tls-key key.pem

Brokers send to http(s)://HOST:PORT/add-checkpoint. Without TLS nothing is given away and nothing can
be forged: checkpoints are public, and what comes back is signed.")]
pub struct Args {
    /// The folder of the witness
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// Where brokers reach it
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7446")]
    listen: SocketAddr,
    /// A certificate chain, PEM; read once
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_certificate: Option<PathBuf>,
    /// Its private key, PEM
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    tls_key: Option<PathBuf>,
}

/// Answers until it is told to stop.
///
/// # Errors
/// [`Error::Setup`] where the folder is damaged or in use, or the port cannot be had.
pub async fn run(args: Args, seat: &Seat) -> Result<u8, Error> {
    let stop = stopped()?;
    let tls = match (&args.tls_certificate, &args.tls_key) {
        (Some(certificate), Some(key)) => Some(witness::tls(certificate, key)?),
        _ => None,
    };
    let book = Folder::open(&args.dir)?.into_book(seconds)?;
    let listener = TcpListener::bind(args.listen).await.map_err(|why| {
        Error::setup(
            format!("cannot listen on {}: {why}", args.listen),
            "see who does: ss -ltnp; or choose another address with --listen",
        )
    })?;
    let address = listener.local_addr().unwrap_or(args.listen);
    seat.printer.note(format!(
        "the witness {} listens on {address} for {}",
        book.vkey(),
        crate::show::counted(book.logs() as u64, "ledger")
    ));
    let server = Server::new(book, tls, seat.printer.clone());
    // Outside of systemd there is nobody to tell.
    let _ = sd_notify::notify(&[NotifyState::Ready]);
    server.serve(listener, stop).await;
    Ok(DONE)
}

/// The time of a cosignature: seconds since 1970-01-01 UTC.
fn seconds() -> u64 {
    u64::try_from(time::now().as_second()).unwrap_or(0)
}
