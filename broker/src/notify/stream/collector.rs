//! Hands messages to a collector of syslog, and finds out whether it has read them.
//!
//! Syslog has no answer. What has been written may be in the buffers of two hosts, and is lost where the
//! collector falls before it reads it. So each batch has a connection of its own, and its end is the
//! answer:
//!
//! 1. We close our side: in TLS by `close_notify`, then in TCP.
//! 2. The collector reads to the end, and closes its side. RFC 5425 section 4.4 demands it in TLS:
//!    whoever gets a `close_notify` must reply with one. Nobody on the way can make that up. Some
//!    collectors do not; an operator may let the end of TCP do for them.
//! 3. We look whether the connection is over on both sides without a reset. A collector that goes
//!    without having read everything is told apart by that: its host answers what nobody reads with a
//!    reset (RFC 1122 section 4.2.2.13, RFC 2525 section 2.17), and what it never got, it does not
//!    acknowledge.
//!
//! Everything else is a failure, and the batch is sent again. This cannot tell who shuts its sending side
//! alone, unasked, and goes later without reading: no collector that we know does, each closes at once.
//! A proxy in between answers for itself. What the collector does with what it has
//! read is its own; how rsyslog is told to write before it goes on stands in `docs/operating/siem.md`.

use std::io::{self, ErrorKind};
use std::path::Path;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::config::stream::Syslog;
use crate::notify::courier::Failed;
use crate::notify::dial::Host;
use crate::notify::limits::{ANSWER, ANSWER_BYTES, OVER};
use crate::notify::tls::{Identity, Tls};

/// A collector of syslog.
pub(super) struct Collector {
    host: String,
    port: u16,
    tls: Option<Tls>,
    require_close_notify: bool,
    allow_private: bool,
}

impl Collector {
    pub(super) fn new(
        syslog: &Syslog,
        allow_private: bool,
        ca_file: Option<&Path>,
        identity: Option<Identity>,
    ) -> Result<Self, Failed> {
        let host = syslog.address.host.to_string();
        let tls = match syslog.tls {
            false => None,
            true => Some(Tls::new(&host, ca_file, identity, &[])?),
        };
        Ok(Self {
            host,
            port: syslog.address.port,
            tls,
            require_close_notify: syslog.require_close_notify,
            allow_private,
        })
    }

    pub(super) fn shown(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// The host, as it is judged.
    pub(super) fn host(&self) -> Host<'_> {
        Host {
            name: &self.host,
            port: self.port,
            allow_private: self.allow_private,
            tls: self.tls.is_some(),
        }
    }

    /// Sends frames; answers once they were read. Has a limit of time.
    pub(super) async fn take(&self, frames: &[u8]) -> Result<String, Failed> {
        let tcp = self.host().connect().await?;
        let shown = self.shown();
        let taken = match &self.tls {
            None => {
                let handing = hand_over(tcp, frames, |tcp| tcp, true);
                tokio::time::timeout(ANSWER, handing).await
            }
            Some(tls) => {
                let stream = tls.shake(tcp, &shown).await?;
                let under = |stream: tokio_rustls::client::TlsStream<TcpStream>| {
                    let (tcp, _) = stream.into_inner();
                    tcp
                };
                let handing = hand_over(stream, frames, under, self.require_close_notify);
                tokio::time::timeout(ANSWER, handing).await
            }
        };
        match taken {
            Ok(Ok(())) => Ok(format!("{shown} has read it")),
            Ok(Err(why)) => Err(Failed(format!(
                "{shown} did not read everything: {}",
                said(&why)
            ))),
            Err(_) => Err(Failed(format!(
                "{shown} did not close the connection when we had, so nobody knows whether it has \
                 read everything"
            ))),
        }
    }
}

/// Writes, closes, and waits for the other side to; `under` is what the stream is carried by. Whether the
/// stream has to be closed properly, or may just end with that.
async fn hand_over<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    frames: &[u8],
    under: impl FnOnce(S) -> TcpStream,
    properly: bool,
) -> io::Result<()> {
    stream.write_all(frames).await?;
    stream.shutdown().await?;
    match to_the_end(&mut stream).await {
        Err(why) if why.kind() == ErrorKind::UnexpectedEof && !properly => {}
        ended => ended?,
    }
    let mut tcp = under(stream);
    to_the_end(&mut tcp).await?;
    is_over(&tcp).await
}

/// Reads until the other side has closed. Whatever it says is no syslog and nothing to us.
async fn to_the_end(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<()> {
    let mut bytes = [0; 512];
    let mut room = ANSWER_BYTES;
    loop {
        match stream.read(&mut bytes).await? {
            0 => return Ok(()),
            read => {
                let left = room.checked_sub(read);
                room = left.ok_or_else(|| io::Error::other("it talks"))?;
            }
        }
    }
}

/// Both have closed. While what we wrote, or our closing, is not acknowledged, the connection still
/// has its peer; afterwards it has none, and an error where it was reset. Nothing tells when: looked for.
async fn is_over(tcp: &TcpStream) -> io::Result<()> {
    loop {
        if let Some(why) = tcp.take_error()? {
            return Err(why);
        }
        match tcp.peer_addr() {
            // Once more: a reset between the two looks.
            Err(why) if why.kind() == ErrorKind::NotConnected => {
                return tcp.take_error()?.map_or(Ok(()), Err);
            }
            Err(why) => return Err(why),
            Ok(_) => tokio::time::sleep(OVER).await,
        }
    }
}

fn said(why: &io::Error) -> String {
    match why.kind() {
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => {
            "it broke the connection off".to_owned()
        }
        ErrorKind::UnexpectedEof => {
            "it ended TLS without the close_notify that RFC 5425 demands (rsyslog: take the driver \
             ossl; what else there is: require_close_notify in the reference)"
                .to_owned()
        }
        _ => why.to_string(),
    }
}
