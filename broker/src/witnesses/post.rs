//! One POST. Redirects are not followed, nothing is kept open.
//!
//! A witness may be reached without TLS: what is sent is public and a cosignature is verified. That it
//! refuses is signed by nobody: who is in between can keep cosignatures away, and raise a false alarm.

use std::path::Path;
use std::sync::Arc;

use http::{Request, Uri, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;

use super::limits::{ANSWER_BYTES, CONNECT, EXCHANGE};
use crate::notify::{authorities, connect};

/// Where a witness is.
pub(super) struct Door {
    uri: Uri,
    host: String,
    port: u16,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

/// What it said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) status: u16,
    pub(super) content_type: String,
    pub(super) body: String,
}

impl Door {
    /// A URL that the config has let through, and the authorities of its certificate.
    pub(super) fn new(url: &str, ca_file: Option<&Path>) -> Result<Self, String> {
        let uri: Uri = format!("{url}/add-checkpoint")
            .parse()
            .map_err(|_| "its URL cannot be asked for".to_owned())?;
        let host = uri.host().unwrap_or_default();
        let host = host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned();
        let is_https = uri.scheme_str() == Some("https");
        let tls = match is_https {
            false => None,
            true => {
                let name = ServerName::try_from(host.clone())
                    .map_err(|_| format!("{host} is no name of a host"))?;
                Some((TlsConnector::from(Arc::new(client(ca_file)?)), name))
            }
        };
        Ok(Self {
            port: uri.port_u16().unwrap_or(if is_https { 443 } else { 80 }),
            uri,
            host,
            tls,
        })
    }

    /// Posts, and answers whatever came back.
    pub(super) async fn post(&self, body: String) -> Result<Said, String> {
        let late = |_| "it does not answer in time".to_owned();
        tokio::time::timeout(EXCHANGE, self.exchange(body))
            .await
            .map_err(late)?
    }

    async fn exchange(&self, body: String) -> Result<Said, String> {
        let connecting = connect(&self.host, self.port, CONNECT);
        let stream = tokio::time::timeout(CONNECT, connecting).await;
        let stream = stream
            .map_err(|_| "it cannot be reached in time".to_owned())?
            .map_err(|why| format!("it cannot be reached: {why}"))?;
        match &self.tls {
            None => self.send(stream, body).await,
            Some((connector, name)) => {
                let shaken = connector.connect(name.clone(), stream).await;
                self.send(shaken.map_err(|why| format!("TLS: {why}"))?, body)
                    .await
            }
        }
    }

    fn request(&self, body: String) -> Result<Request<Full<Bytes>>, String> {
        let path = self.uri.path_and_query().map_or("/", |it| it.as_str());
        let authority = self.uri.authority().map_or("", |it| it.as_str());
        let agent = concat!("glassd/", env!("CARGO_PKG_VERSION"));
        Request::post(path)
            .header(header::HOST, authority)
            .header(header::USER_AGENT, agent)
            .header(header::CONTENT_TYPE, "text/plain; charset=utf-8")
            .header(header::CONNECTION, "close")
            .body(Full::from(body))
            .map_err(|_| "its URL cannot be asked for".to_owned())
    }

    async fn send(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        body: String,
    ) -> Result<Said, String> {
        let request = self.request(body)?;
        let broken = |why: hyper::Error| format!("it hangs up: {why}");
        let shaken = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = shaken.map_err(broken)?;
        let answer = async {
            let answer = sender.send_request(request).await.map_err(broken)?;
            let (head, body) = answer.into_parts();
            let content_type = head.headers.get(header::CONTENT_TYPE);
            let content_type = content_type.and_then(|it| it.to_str().ok());
            Ok(Said {
                status: head.status.as_u16(),
                content_type: content_type.unwrap_or_default().to_owned(),
                body: text(body).await?,
            })
        };
        tokio::pin!(answer);
        // The connection has to be driven for the answer to come, and is dropped with it.
        tokio::select! {
            biased;
            answer = &mut answer => answer,
            ended = connection => match ended {
                Ok(()) => answer.await,
                Err(why) => Err(broken(why)),
            },
        }
    }
}

async fn text(body: Incoming) -> Result<String, String> {
    let body = Limited::new(body, ANSWER_BYTES).collect().await;
    let bytes = body.map_err(|_| "its answer is cut short or too long".to_owned())?;
    String::from_utf8(bytes.to_bytes().into()).map_err(|_| "its answer is no text".to_owned())
}

fn client(ca_file: Option<&Path>) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(authorities(ca_file).map_err(|why| why.to_string())?);
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(|why| why.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
