//! One HTTPS request to STS. Nothing is followed, nothing is kept open, nothing is tried twice: the
//! SDK that runs us does that.

use std::{io, path::Path, sync::Arc};

use http::{Method, Request, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, crypto::ring as provider};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;

use super::{Assume, Keys, endpoint::Endpoint, read_answer};
use crate::{
    error::Error,
    limits::{MAX_STS_ANSWER_BYTES, STS_TIMEOUT},
    roots,
};

/// Trades a JWT for keys. `bundle` is the file of authorities that TLS trusts.
///
/// # Errors
/// As [`read_answer`]; [`Error::Unreachable`] where nobody answers in time.
pub async fn assume(
    endpoint: &Endpoint,
    bundle: &Path,
    assume: &Assume<'_>,
) -> Result<Keys, Error> {
    let asked = timeout(STS_TIMEOUT, ask(endpoint, bundle, assume)).await;
    let answer = asked.map_err(|_| unreachable(endpoint, &"it does not answer in time"))?;
    let (status, body) = answer?;
    read_answer(status, &body)
}

async fn ask(
    endpoint: &Endpoint,
    bundle: &Path,
    assume: &Assume<'_>,
) -> Result<(u16, String), Error> {
    // A name of TLS is checked before anything is looked up.
    let tls = match endpoint.tls {
        true => Some((tls_config(bundle)?, endpoint.tls_name()?)),
        false => None,
    };
    let address = (endpoint.host.as_str(), endpoint.port);
    let tcp = TcpStream::connect(address)
        .await
        .map_err(|why| unreachable(endpoint, &why))?;
    match tls {
        None => exchange(endpoint, tcp, assume).await,
        Some((config, name)) => {
            let stream = TlsConnector::from(Arc::new(config)).connect(name, tcp);
            let stream = stream.await.map_err(|why| of_tls(endpoint, &why))?;
            exchange(endpoint, stream, assume).await
        }
    }
}

async fn exchange(
    endpoint: &Endpoint,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    assume: &Assume<'_>,
) -> Result<(u16, String), Error> {
    let failed = |why: hyper::Error| unreachable(endpoint, &why);
    let shaken = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = shaken.map_err(failed)?;
    let request = request(endpoint, assume)?;
    let answer = async {
        let answer = sender.send_request(request).await.map_err(failed)?;
        let status = answer.status().as_u16();
        body_of(endpoint, answer.into_body())
            .await
            .map(|body| (status, body))
    };
    tokio::pin!(answer);
    // The connection has to be driven for the answer to come, and is dropped with it.
    tokio::select! {
        biased;
        answer = &mut answer => answer,
        ended = connection => match ended {
            Ok(()) => answer.await,
            Err(why) => Err(failed(why)),
        },
    }
}

fn request(endpoint: &Endpoint, assume: &Assume<'_>) -> Result<Request<Full<Bytes>>, Error> {
    Request::builder()
        .method(Method::POST)
        .uri(&endpoint.path)
        .header(header::HOST, endpoint.authority())
        .header(
            header::CONTENT_TYPE,
            "application/x-www-form-urlencoded; charset=utf-8",
        )
        .header(header::ACCEPT, "text/xml")
        .header(
            header::USER_AGENT,
            concat!("glass/", env!("CARGO_PKG_VERSION")),
        )
        .header(header::CONNECTION, "close")
        .body(Full::from(assume.body().as_bytes().to_vec()))
        .map_err(|why| Error::usage(format!("AWS STS cannot be asked: {why}"), ""))
}

async fn body_of(endpoint: &Endpoint, body: Incoming) -> Result<String, Error> {
    let body = Limited::new(body, MAX_STS_ANSWER_BYTES).collect().await;
    let bytes = body.map_err(|why| unreachable(endpoint, &why))?.to_bytes();
    String::from_utf8(bytes.to_vec()).map_err(|_| unreachable(endpoint, &"its answer is no text"))
}

fn tls_config(bundle: &Path) -> Result<ClientConfig, Error> {
    let roots = roots::read(bundle)?;
    let config = ClientConfig::builder_with_provider(Arc::new(provider::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .expect("ring has cipher suites for both");
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

fn of_tls(endpoint: &Endpoint, why: &io::Error) -> Error {
    let tls = why.get_ref().and_then(|why| why.downcast_ref());
    match tls {
        Some(rustls::Error::InvalidCertificate(_)) => Error::unverified(format!(
            "{} is not AWS STS as far as this system's authorities know: {why}; no token was sent",
            endpoint.authority()
        )),
        _ => unreachable(endpoint, why),
    }
}

fn unreachable(endpoint: &Endpoint, why: &dyn std::fmt::Display) -> Error {
    Error::Unreachable {
        what: format!(
            "AWS STS at {} cannot be reached: {why}",
            endpoint.authority()
        ),
        next:
            "check the network; a proxy is not used: AWS_ENDPOINT_URL_STS can name another way in"
                .to_owned(),
    }
}
