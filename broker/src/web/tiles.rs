//! The ledger as a static log (C2SP tlog-tiles): the checkpoint, the hashes under it, and the entries.
//!
//! Hashes tell nothing of what was done and are for anybody. Entries say who did what: they are for
//! [`Readers`], asked at each request. How often one peer may ask is limited for all of them together.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path as UrlPath, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use breakglass_tlog::TileId;
use breakglass_tlog::tile::TileKind;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, RETRY_AFTER};
use http::{Extensions, HeaderMap, StatusCode};
use ring::digest::{SHA256, digest};
use tonic::transport::server::{TcpConnectInfo, TlsConnectInfo};

use super::file::{self, Kept, Places};
use super::limits::{FILES_BURST, FILES_PER_SECOND, PEERS_REMEMBERED};
use super::pages::nothing_here;
use crate::listen::{Rate, TooOften, peer_of};
use crate::ports::Clock;

/// Who may read entries.
pub trait Readers: Send + Sync {
    /// Whether whoever is behind this connection may, now. Must not block.
    ///
    /// # Errors
    /// [`NotRead`] says why not.
    fn admit(&self, connection: &Extensions) -> Result<(), NotRead>;
}

/// Why somebody may not read entries.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct NotRead {
    /// What happened, and why.
    pub what: String,
    /// What to do now.
    pub next: String,
}

/// The published checkpoint, given as it stands there, with the signatures of witnesses; nothing where it
/// has none. Must not block.
pub type Cosigned = Box<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// The ledger as files, on whichever listener: what one peer takes of one, it takes of all.
pub struct Served {
    folder: PathBuf,
    readers: Box<dyn Readers>,
    cosigned: Cosigned,
    clock: Arc<dyn Clock>,
    rate: Rate<IpAddr>,
    places: Places,
}

impl Served {
    /// Serves the published `checkpoint` and `tile` of this folder.
    #[must_use]
    pub fn new(
        folder: PathBuf,
        readers: Box<dyn Readers>,
        cosigned: Cosigned,
        clock: Arc<dyn Clock>,
    ) -> Arc<Self> {
        let rate = Rate::new(FILES_PER_SECOND, FILES_BURST, PEERS_REMEMBERED);
        Arc::new(Self {
            folder,
            readers,
            cosigned,
            clock,
            rate,
            places: Places::default(),
        })
    }

    /// Where witnesses have signed it, with what they signed.
    fn with_witnesses(&self, note: Vec<u8>) -> Vec<u8> {
        let text = std::str::from_utf8(&note).ok();
        let cosigned = text.and_then(|text| (self.cosigned)(text));
        cosigned.map_or(note, String::into_bytes)
    }

    fn take(&self, connection: &Extensions) -> Result<(), TooOften> {
        let address = address(connection).unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        self.rate.take(&peer_of(address), self.clock.monotonic())
    }
}

impl std::fmt::Debug for Served {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Served")
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}

pub(super) fn routes(ledger: Arc<Served>) -> Router {
    Router::new()
        .route("/checkpoint", get(checkpoint))
        .route("/tile/{*rest}", get(tile))
        .with_state(ledger)
}

async fn checkpoint(State(ledger): State<Arc<Served>>, request: Request) -> Response {
    if let Err(too_often) = ledger.take(request.extensions()) {
        return later(too_often);
    }
    let path = ledger.folder.join("checkpoint");
    match tokio::fs::read(&path).await {
        // The published one: only that has its tiles beside it.
        Ok(note) => newest(ledger.with_witnesses(note), request.headers()),
        Err(error) => unread(&path, &error).await,
    }
}

/// A checkpoint, or that it is still the one the caller has (RFC 9110 section 13.1.2).
fn newest(note: Vec<u8>, asked: &HeaderMap) -> Response {
    let tag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(digest(&SHA256, &note)));
    let had = asked.get_all(IF_NONE_MATCH).iter();
    let mut had = had.filter_map(|value| value.to_str().ok());
    let is_had = had.any(|tags| tags.split(',').any(|had| had.trim() == tag));
    let head = [(CACHE_CONTROL, "no-cache"), (ETAG, tag.as_str())];
    match is_had {
        // Without a length: it would have to be that of the note (RFC 9110 section 8.6).
        true => {
            let nothing = Body::from_stream(tokio_stream::empty::<std::io::Result<Vec<u8>>>());
            (StatusCode::NOT_MODIFIED, head, nothing).into_response()
        }
        false => {
            let text = [(CONTENT_TYPE, "text/plain; charset=utf-8")];
            (head, text, note).into_response()
        }
    }
}

async fn tile(
    State(ledger): State<Arc<Served>>,
    UrlPath(rest): UrlPath<String>,
    request: Request,
) -> Response {
    if let Err(too_often) = ledger.take(request.extensions()) {
        return later(too_often);
    }
    // There is one way to write a tile's path, and no way to leave the folder with it.
    let Ok(tile) = TileId::parse(&format!("tile/{rest}")) else {
        return nothing_here().await;
    };
    let kept = match tile.kind() {
        TileKind::Hashes(_) => Kept::ByAnybody,
        TileKind::Entries => match ledger.readers.admit(request.extensions()) {
            Ok(()) => Kept::ByWhoAsked,
            Err(not_read) => return forbidden(&not_read),
        },
    };
    let path = ledger.folder.join(tile.to_string());
    let asked = (request.method(), request.headers());
    let answer = file::answer(&path, kept, asked, &ledger.places).await;
    match answer {
        Ok(answer) => answer,
        Err(error) => unread(&path, &error).await,
    }
}

async fn unread(path: &Path, error: &std::io::Error) -> Response {
    if error.kind() == ErrorKind::NotFound {
        return nothing_here().await;
    }
    tracing::warn!(path = %path.display(), %error, "a file of the ledger cannot be read");
    StatusCode::SERVICE_UNAVAILABLE.into_response()
}

fn forbidden(not_read: &NotRead) -> Response {
    let text = format!("{}\nnext: {}\n", not_read.what, not_read.next);
    (StatusCode::FORBIDDEN, said(), text).into_response()
}

/// In whole seconds, rounded up (RFC 9110 section 10.2.3): whoever waits that long is answered.
fn later(too_often: TooOften) -> Response {
    let text = format!("too many files of the ledger: {too_often}\n");
    let seconds = too_often.again_in.saturating_add(ALMOST_A_SECOND).as_secs();
    let again = [(RETRY_AFTER, seconds.max(1).to_string())];
    (StatusCode::TOO_MANY_REQUESTS, again, said(), text).into_response()
}

const ALMOST_A_SECOND: Duration = Duration::from_millis(999);

fn said() -> [(http::HeaderName, &'static str); 2] {
    [
        (CONTENT_TYPE, "text/plain; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
    ]
}

/// Where the connection comes from.
fn address(connection: &Extensions) -> Option<IpAddr> {
    let info = connection.get::<TlsConnectInfo<TcpConnectInfo>>()?;
    info.get_ref().remote_addr().map(|address| address.ip())
}
