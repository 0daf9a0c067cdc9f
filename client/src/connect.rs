//! The connection to a broker: our own TCP and TLS beneath tonic's channel.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use hyper_util::rt::TokioIo;
use rustls::{AlertDescription, CertificateError, ClientConfig, Error as TlsError};
use rustls_pki_types::UnixTime;
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};
use tonic::transport::{Channel, Endpoint, Uri};

use crate::{config::ServerUrl, error::Error, key, limits, time};

/// Dials a broker and waits until TLS stands. The channel dials again by itself when it breaks.
///
/// # Errors
/// [`Error::Unreachable`] where nobody answers in time, [`Error::Unverified`] where somebody else
/// answers, [`Error::Setup`] where certificates do not suit.
pub async fn connect(server: &ServerUrl, tls: ClientConfig) -> Result<Channel, Error> {
    let dialer = Arc::new(Dialer {
        server: server.clone(),
        tls: Arc::new(tls),
        stood: AtomicBool::new(false),
    });
    let (is_known, heard) = (
        dialer.tls.client_auth_cert_resolver.has_certs(),
        dialer.clone(),
    );
    let connector = tower::service_fn(move |_: Uri| {
        let dialer = Arc::clone(&dialer);
        async move { dialer.dial().await.map(TokioIo::new) }
    });
    let channel = endpoint(server)?.connect_with_connector(connector).await;
    channel.map_err(|error| match of_transport(server, &error) {
        error if is_known && heard.stood.load(Ordering::Relaxed) => perhaps_not_taken(error),
        error => error,
    })
}

/// A broker that does not take our certificate says so after its own part of the handshake is over
/// (RFC 8446 section 4.4.2.4), so we may have written already and hear only that nobody reads.
#[must_use]
pub fn perhaps_not_taken(error: Error) -> Error {
    match error {
        Error::Unreachable { what, next } if !is_slow(&what) => Error::Unreachable {
            what,
            next: format!(
                "{next}; or the broker does not take this laptop's certificate: it expired, or one \
                 of the clocks is wrong"
            ),
        },
        other => other,
    }
}

fn is_slow(what: &str) -> bool {
    ["in time", "imeout", "timed out"]
        .iter()
        .any(|word| what.contains(word))
}

/// Why no connection came to be, read from the chain of causes behind a transport's error.
#[must_use]
pub fn of_transport(server: &ServerUrl, error: &(dyn std::error::Error + 'static)) -> Error {
    if let Some(error) = cause::<TlsError>(error) {
        return of_tls(server, error);
    }
    if let Some(alert) = told_alert(error) {
        return of_tls(server, &TlsError::AlertReceived(alert));
    }
    let what = match cause::<io::Error>(error) {
        Some(error) if error.kind() == io::ErrorKind::TimedOut => {
            format!("the broker {server} did not answer in time")
        }
        Some(error) => format!("the broker {server} cannot be reached: {error}"),
        None => format!("the broker {server} does not answer: {}", innermost(error)),
    };
    Error::Unreachable {
        what,
        next: unreachable_step(server),
    }
}

/// An alert about our certificate that came once HTTP/2 was spoken: h2 keeps of it the text alone.
fn told_alert(error: &(dyn std::error::Error + 'static)) -> Option<AlertDescription> {
    let texts = std::iter::successors(Some(error), |error| error.source()).map(ToString::to_string);
    let text = texts.collect::<Vec<_>>().join("\n");
    let is_told =
        |alert: &&AlertDescription| text.contains(&TlsError::AlertReceived(**alert).to_string());
    ABOUT_US.iter().find(is_told).copied()
}

/// The cause at the end of the chain: the others only say that something failed.
fn innermost<'a>(error: &'a (dyn std::error::Error + 'static)) -> String {
    let mut deepest: &'a (dyn std::error::Error + 'static) = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    match deepest.downcast_ref::<tonic::Status>() {
        Some(status) => format!("{} ({})", status.message(), status.code()),
        // rustls explains a missing goodbye with a link; a broker that died left none.
        None => match deepest.to_string() {
            text if text.contains("close_notify") => "the connection broke".to_owned(),
            text => text,
        },
    }
}

fn of_tls(server: &ServerUrl, error: &TlsError) -> Error {
    match error {
        TlsError::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => Error::setup(
            format!("the broker's certificate is not for `{}`", server.host()),
            "use the host name the broker was set up with (its config's `server_names`), see --server",
        ),
        TlsError::InvalidCertificate(
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. },
        ) => Error::setup(
            format!(
                "the certificate of {server} is not valid now: {}",
                validity(error)
            ),
            "check this laptop's clock first, then the broker's (`glassd check`)",
        ),
        TlsError::InvalidCertificate(_) => Error::unverified(format!(
            "{server} is not the broker this laptop is enrolled with: its certificate was not \
             issued by the pinned CA"
        )),
        // One that has not begun yet is told in the same way (RFC 8446 section 6.2 has no other), and
        // whoever uses one that is over by the clock here is told so before.
        TlsError::AlertReceived(AlertDescription::CertificateExpired) => Error::setup(
            "by the broker's clock this laptop's certificate is not valid now (CertificateExpired)",
            format!(
                "check this laptop's clock first, then the broker's (`glassd check`); if both are \
                 right, {}",
                key::enrol_again()
            ),
        ),
        TlsError::AlertReceived(alert) if ABOUT_US.contains(alert) => Error::setup(
            format!("the broker does not accept this laptop's certificate ({alert:?})"),
            key::enrol_again(),
        ),
        other => Error::Unreachable {
            what: format!("the broker {server} cannot be spoken to: {other}"),
            next: unreachable_step(server),
        },
    }
}

/// Since or until when, and what this laptop's clock says.
fn validity(error: &TlsError) -> String {
    let moment = |time: &UnixTime| {
        let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        jiff::Timestamp::from_second(seconds).map_or_else(|_| "?".to_owned(), time::rfc3339)
    };
    match error {
        TlsError::InvalidCertificate(CertificateError::ExpiredContext { time, not_after }) => {
            format!(
                "it expired at {}, and this laptop's clock says {}",
                moment(not_after),
                moment(time)
            )
        }
        TlsError::InvalidCertificate(CertificateError::NotValidYetContext { time, not_before }) => {
            format!(
                "it begins at {}, and this laptop's clock says {}",
                moment(not_before),
                moment(time)
            )
        }
        other => other.to_string(),
    }
}

/// Alerts a server sends about a client's certificate (RFC 8446 section 6.2).
const ABOUT_US: [AlertDescription; 9] = [
    // What rustls says where the authority has the name of ours and another key: a broker that was
    // made anew, or another one of the same name.
    AlertDescription::DecryptError,
    AlertDescription::BadCertificate,
    AlertDescription::UnsupportedCertificate,
    AlertDescription::CertificateRevoked,
    AlertDescription::CertificateExpired,
    AlertDescription::CertificateUnknown,
    AlertDescription::UnknownCA,
    AlertDescription::AccessDenied,
    AlertDescription::CertificateRequired,
];

/// What to check where nobody answers.
pub(crate) fn unreachable_step(server: &ServerUrl) -> String {
    format!(
        "check the network, and that glassd runs on {} and listens on port {}",
        server.host(),
        server.port()
    )
}

/// The first error of type `E` among an error and its causes, also inside an [`io::Error`].
fn cause<'a, E: std::error::Error + 'static>(
    error: &'a (dyn std::error::Error + 'static),
) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        let inside = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        next = match inside {
            Some(inside) => Some(inside as &(dyn std::error::Error + 'static)),
            None => error.source(),
        };
    }
    None
}

fn endpoint(server: &ServerUrl) -> Result<Endpoint, Error> {
    let unusable = |_| {
        Error::usage(
            format!("{server} cannot be dialled"),
            "it looks like https://host:7443",
        )
    };
    // tonic refuses https without its own TLS, so it is told http and the true origin.
    let plain = server.to_string().replacen("https://", "http://", 1);
    let origin: Uri = server.to_string().parse().map_err(|_| {
        Error::usage(
            format!("{server} cannot be dialled"),
            "it looks like https://host:7443",
        )
    })?;
    Ok(Endpoint::from_shared(plain)
        .map_err(unusable)?
        .origin(origin)
        .user_agent(concat!("glass/", env!("CARGO_PKG_VERSION")))
        .map_err(unusable)?
        .connect_timeout(limits::CONNECT_TIMEOUT)
        .timeout(limits::ANSWER_TIMEOUT)
        .http2_keep_alive_interval(limits::KEEPALIVE_INTERVAL)
        .keep_alive_timeout(limits::KEEPALIVE_TIMEOUT)
        .keep_alive_while_idle(true))
}

struct Dialer {
    server: ServerUrl,
    tls: Arc<ClientConfig>,
    /// Whether our part of a handshake was ever done.
    stood: AtomicBool,
}

impl Dialer {
    async fn dial(&self) -> io::Result<TlsStream<TcpStream>> {
        let dialled = tokio::time::timeout(limits::CONNECT_TIMEOUT, self.dial_and_greet()).await;
        dialled.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }

    async fn dial_and_greet(&self) -> io::Result<TlsStream<TcpStream>> {
        let tcp = TcpStream::connect((self.server.host(), self.server.port())).await?;
        tcp.set_nodelay(true)?;
        let connector = TlsConnector::from(Arc::clone(&self.tls));
        let stream = connector.connect(self.server.tls_name(), tcp).await?;
        self.stood.store(true, Ordering::Relaxed);
        if stream.get_ref().1.alpn_protocol() != Some(b"h2") {
            return Err(io::Error::other(
                "it does not speak HTTP/2; is this the gRPC port?",
            ));
        }
        Ok(stream)
    }
}

#[cfg(test)]
mod tests;
