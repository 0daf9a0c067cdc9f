//! The pages that are made here.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};

use super::{Page, Site};

/// How long a target may keep keys and discovery: shorter than a new key waits before it signs.
const KEPT: &str = "public, max-age=300";

pub(super) fn routes(site: Site) -> Router {
    Router::new()
        .route("/.well-known/openid-configuration", get(discovery))
        .route("/jwks.json", get(keys))
        .route("/healthz", get(health))
        .with_state(site)
}

pub(super) fn metrics(page: Page, content_type: &'static str) -> Router {
    let answer = move || async move { text(content_type, "no-store", page()) };
    Router::new().route("/metrics", get(answer))
}

/// For everything else.
pub(super) async fn nothing_here() -> Response {
    (
        StatusCode::NOT_FOUND,
        text(
            "text/plain; charset=utf-8",
            "no-store",
            "there is nothing here\n",
        ),
    )
        .into_response()
}

async fn discovery(State(site): State<Site>) -> Response {
    text("application/json", KEPT, (site.discovery)())
}

async fn keys(State(site): State<Site>) -> Response {
    text("application/json", KEPT, (site.keys)())
}

async fn health(State(site): State<Site>) -> Response {
    let (code, says) = if (site.healthy)() {
        (StatusCode::OK, "ok\n")
    } else {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            "not well: see `glass status` and the tracing\n",
        )
    };
    (code, text("text/plain; charset=utf-8", "no-store", says)).into_response()
}

fn text(content_type: &'static str, cache: &'static str, body: impl IntoResponse) -> Response {
    ([(CONTENT_TYPE, content_type), (CACHE_CONTROL, cache)], body).into_response()
}
