//! Somebody who is told by POST, on this machine: hears everything, and answers as the story wants.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::ServerConfig;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::papers::Paper;
use crate::wait::soon;

/// How a POST is answered.
#[derive(Debug, Clone)]
pub enum Answer {
    /// 200.
    Takes,
    /// With a status, and a body.
    Says(u16, &'static str),
    /// With a redirect.
    Leads(&'static str),
    /// Not at all: the connection breaks.
    HangsUp,
    /// Not at all: nothing comes.
    Hangs,
}

/// A POST.
#[derive(Debug, Clone)]
pub struct Posted {
    /// The path.
    pub path: String,
    /// Headers by their lower-case names.
    pub headers: BTreeMap<String, String>,
    /// The bytes.
    pub body: Vec<u8>,
    /// Whether it was taken.
    pub taken: bool,
}

impl Posted {
    /// The body as JSON.
    ///
    /// # Panics
    /// Where it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("the body is JSON")
    }
}

/// It listens until it is dropped.
pub struct Receiver {
    address: SocketAddr,
    heard: watch::Sender<Vec<Posted>>,
    next: Arc<Mutex<VecDeque<Answer>>>,
    always: watch::Sender<Answer>,
    task: JoinHandle<()>,
}

impl Receiver {
    /// In the clear.
    pub async fn begins() -> Self {
        Self::with(None).await
    }

    /// Over TLS.
    ///
    /// # Panics
    /// Where the papers are none.
    pub async fn over_tls(paper: &Paper) -> Self {
        let certificate = CertificateDer::from_pem_slice(paper.certificate.as_bytes());
        let key = PrivateKeyDer::from_pem_slice(paper.key.as_bytes()).expect("a key");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring has both versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.expect("a certificate")], key)
            .expect("they belong together");
        Self::with(Some(TlsAcceptor::from(Arc::new(config)))).await
    }

    async fn with(tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("it listens");
        let heard = watch::Sender::new(Vec::new());
        let (next, always) = (Arc::default(), watch::Sender::new(Answer::Takes));
        let desk = Desk {
            heard: heard.clone(),
            next: Arc::clone(&next),
            always: always.subscribe(),
        };
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (desk, tls) = (desk.clone(), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => desk.serve(stream).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                desk.serve(stream).await;
                            }
                        }
                    }
                });
            }
        });
        Self {
            address,
            heard,
            next,
            always,
            task,
        }
    }

    /// Where it is.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The next POSTs are answered like this, one after the other.
    pub fn answers(&self, answers: impl IntoIterator<Item = Answer>) {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        next.extend(answers);
    }

    /// All others like this.
    pub fn always(&self, answer: Answer) {
        self.always.send_replace(answer);
    }

    /// Everything it was told so far, also what it did not take.
    #[must_use]
    pub fn told(&self) -> Vec<Posted> {
        self.heard.borrow().clone()
    }

    /// What it has taken, once it has taken so many.
    ///
    /// # Panics
    /// Where it is not told in time.
    pub async fn takes(&self, count: usize) -> Vec<Posted> {
        let taken = |heard: &Vec<Posted>| heard.iter().filter(|it| it.taken).count();
        self.until("a notice is taken", |heard| taken(heard) >= count)
            .await
            .into_iter()
            .filter(|it| it.taken)
            .collect()
    }

    /// Everything, once it was tried so many times.
    ///
    /// # Panics
    /// Where it is not in time.
    pub async fn is_tried(&self, count: usize) -> Vec<Posted> {
        self.until("a notice is tried", |heard| heard.len() >= count)
            .await
    }

    async fn until(&self, what: &str, enough: impl FnMut(&Vec<Posted>) -> bool) -> Vec<Posted> {
        let mut heard = self.heard.subscribe();
        let all = soon(what, heard.wait_for(enough)).await;
        all.expect("it listens").clone()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[derive(Clone)]
struct Desk {
    heard: watch::Sender<Vec<Posted>>,
    next: Arc<Mutex<VecDeque<Answer>>>,
    always: watch::Receiver<Answer>,
}

impl Desk {
    fn answer(&self) -> Answer {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = next.pop_front();
        answer.unwrap_or_else(|| self.always.borrow().clone())
    }

    async fn serve(&self, mut stream: impl AsyncRead + AsyncWrite + Unpin + Send) {
        let Some(mut posted) = read(&mut stream).await else {
            return;
        };
        let (status, extra, body) = match self.answer() {
            Answer::Takes => (200, String::new(), "ok"),
            Answer::Says(status, body) => (status, String::new(), body),
            Answer::Leads(there) => (302, format!("location: {there}\r\n"), ""),
            Answer::HangsUp => (0, String::new(), ""),
            Answer::Hangs => (1, String::new(), ""),
        };
        posted.taken = (200..300).contains(&status);
        self.heard.send_modify(|heard| heard.push(posted));
        match status {
            0 => {}
            1 => std::future::pending().await,
            _ => {
                let length = body.len();
                let head =
                    format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\n{extra}\r\n");
                let _ = stream.write_all((head + body).as_bytes()).await;
                let _ = stream.shutdown().await;
            }
        }
    }
}

async fn read(stream: &mut (impl AsyncRead + Unpin + Send)) -> Option<Posted> {
    let mut bytes = Vec::new();
    let head = loop {
        let end = bytes.windows(4).position(|part| part == b"\r\n\r\n");
        if let Some(end) = end {
            break end;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let text = String::from_utf8(bytes[..head].to_vec()).ok()?;
    let mut lines = text.lines();
    let path = lines.next()?.split(' ').nth(1)?.to_owned();
    let headers: BTreeMap<_, _> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length: usize = headers.get("content-length")?.parse().ok()?;
    while bytes.len() < head + 4 + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    Some(Posted {
        path,
        headers,
        body: bytes[head + 4..].to_vec(),
        taken: false,
    })
}
