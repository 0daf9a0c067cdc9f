//! One HTTPS POST. Redirects are not followed, nothing is kept open, nothing is tried twice.

use std::path::Path;

use http::{HeaderMap, Method, Request, Uri, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

use super::courier::Failed;
use super::dial::Host;
use super::limits::{ANSWER, ANSWER_BYTES};
use super::tls::Tls;

/// Where a POST goes.
pub(super) struct Target {
    uri: Uri,
    host: String,
    port: u16,
    tls: Option<Tls>,
    allow_private: bool,
}

/// What was said to it: the status, and a word such as Slack's `no_service`.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    word: String,
}

impl Answer {
    /// Whether it is about what was sent, and not about whoever sends: the next may be taken.
    pub(super) fn is_of_the_content(&self) -> bool {
        matches!(self.status, 400 | 413 | 422)
    }
}

impl Target {
    /// A URL that [`check_url`](crate::config::notify::check_url) lets through, and the authorities
    /// of its certificate.
    pub(super) fn new(
        url: &str,
        allow_private: bool,
        ca_file: Option<&Path>,
    ) -> Result<Self, Failed> {
        crate::config::notify::check_url(url, allow_private).map_err(Failed)?;
        let none = || Failed("the URL names no host".into());
        let uri: Uri = url.parse().map_err(|_| none())?;
        let host = uri.host().ok_or_else(none)?;
        let host = host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned();
        let is_https = uri.scheme_str() == Some("https");
        let usual = if is_https { 443 } else { 80 };
        let tls = match is_https {
            false => None,
            true => Some(Tls::new(&host, ca_file, None, &[b"http/1.1"])?),
        };
        Ok(Self {
            port: uri.port_u16().unwrap_or(usual),
            uri,
            host,
            tls,
            allow_private,
        })
    }

    /// Where it is: without its path, which may be a secret.
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

    /// Posts; whatever is no 2xx is a failure.
    pub(super) async fn post(&self, headers: HeaderMap, body: Vec<u8>) -> Result<Answer, Failed> {
        let answer = self.ask(headers, body).await?;
        self.judge(answer)
    }

    /// Posts; answers whatever was said.
    pub(super) async fn ask(&self, headers: HeaderMap, body: Vec<u8>) -> Result<Answer, Failed> {
        let posting = tokio::time::timeout(ANSWER, self.exchange(headers, body));
        let late = |_| Failed(format!("{} does not answer in time", self.shown()));
        posting.await.map_err(late)?
    }

    /// An answer, where it is a 2xx.
    pub(super) fn judge(&self, answer: Answer) -> Result<Answer, Failed> {
        let (shown, status) = (self.shown(), answer.status);
        match status {
            200..=299 => Ok(answer),
            300..=399 => Err(Failed(format!(
                "{shown} answers {status}, a redirect, and those are not followed: give the URL \
                 where it leads"
            ))),
            _ => Err(Failed(match answer.word.as_str() {
                "" => format!("{shown} answers {status}"),
                word => format!("{shown} answers {status}: {word}"),
            })),
        }
    }

    async fn exchange(&self, headers: HeaderMap, body: Vec<u8>) -> Result<Answer, Failed> {
        let tcp = self.host().connect().await?;
        let request = self.request(headers, body)?;
        match &self.tls {
            None => self.send(tcp, request).await,
            Some(tls) => {
                let stream = tls.shake(tcp, &self.shown()).await?;
                self.send(stream, request).await
            }
        }
    }

    fn request(&self, headers: HeaderMap, body: Vec<u8>) -> Result<Request<Full<Bytes>>, Failed> {
        let none = |_| Failed("the URL cannot be asked for".into());
        let path = self.uri.path_and_query().map_or("/", |it| it.as_str());
        let authority = self.uri.authority().map_or("", |it| it.as_str());
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(path)
            .header(header::HOST, authority)
            .header(
                header::USER_AGENT,
                concat!("glassd/", env!("CARGO_PKG_VERSION")),
            )
            .header(header::CONNECTION, "close")
            .body(Full::from(body))
            .map_err(none)?;
        request.headers_mut().extend(headers);
        Ok(request)
    }

    async fn send(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        request: Request<Full<Bytes>>,
    ) -> Result<Answer, Failed> {
        let broken = |why: hyper::Error| Failed(format!("{} hangs up: {why}", self.shown()));
        let shaken = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = shaken.map_err(broken)?;
        let answer = async {
            let answer = sender.send_request(request).await.map_err(broken)?;
            let status = answer.status().as_u16();
            let word = word(answer.into_body()).await;
            Ok(Answer { status, word })
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

/// An answer that is one short word, as Slack's are. Anything longer is a page of somebody's, and may
/// repeat a URL that is a secret.
async fn word(body: Incoming) -> String {
    let Ok(body) = Limited::new(body, ANSWER_BYTES).collect().await else {
        return String::new();
    };
    let bytes = body.to_bytes();
    let plain = |byte: &u8| byte.is_ascii_lowercase() || *byte == b'_';
    match bytes.len() <= 40 && bytes.iter().all(plain) {
        true => String::from_utf8_lossy(&bytes).into_owned(),
        false => String::new(),
    }
}
