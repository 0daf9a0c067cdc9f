//! The ledger as a static log (C2SP tlog-tiles): the checkpoint and the hashes under it.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path as UrlPath, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use breakglass_tlog::TileId;
use breakglass_tlog::tile::TileKind;
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};

use super::Site;
use super::pages::nothing_here;

/// A tile never changes once it is there, partial or not.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

pub(super) fn routes(site: Site) -> Router {
    let ledger: Arc<Path> = Arc::from(site.ledger.as_path());
    let tiles = Router::new().route("/tile/{*rest}", get(tile));
    let heads = Router::new().route("/checkpoint", get(checkpoint));
    heads.with_state(site).merge(tiles.with_state(ledger))
}

/// The published one: only that has its tiles beside it. Where witnesses have signed it, with what
/// they signed.
async fn checkpoint(State(site): State<Site>) -> Response {
    let (plain, fresh) = ("text/plain; charset=utf-8", "no-cache");
    let path = site.ledger.join("checkpoint");
    let published = tokio::fs::read_to_string(&path).await;
    match published.ok().and_then(|note| (site.cosigned)(&note)) {
        Some(cosigned) => {
            ([(CONTENT_TYPE, plain), (CACHE_CONTROL, fresh)], cosigned).into_response()
        }
        None => file(&path, plain, fresh).await,
    }
}

async fn tile(State(ledger): State<Arc<Path>>, UrlPath(rest): UrlPath<String>) -> Response {
    match TileId::parse(&format!("tile/{rest}")) {
        // There is one way to write a tile's path, and no way to leave the folder with it.
        Ok(tile) if matches!(tile.kind(), TileKind::Hashes(_)) => {
            file(
                &ledger.join(tile.to_string()),
                "application/octet-stream",
                FOR_EVER,
            )
            .await
        }
        // Entries say who did what: they are for people with a certificate, over gRPC.
        _ => nothing_here().await,
    }
}

async fn file(path: &Path, content_type: &'static str, cache: &'static str) -> Response {
    match tokio::fs::read(path).await {
        Ok(bytes) => (
            [(CONTENT_TYPE, content_type), (CACHE_CONTROL, cache)],
            bytes,
        )
            .into_response(),
        Err(error) if error.kind() == ErrorKind::NotFound => nothing_here().await,
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "a file of the ledger cannot be read");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}
