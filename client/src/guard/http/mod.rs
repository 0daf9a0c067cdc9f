//! The guard of an HTTP service: a reverse proxy asks it about each request before it passes the
//! request on (nginx `auth_request`, Caddy `forward_auth`, Traefik `ForwardAuth`, Envoy `ext_authz`).
//!
//! | path | who asks | what the request was |
//! |---|---|---|
//! | `/check` | nginx, Caddy, Traefik | in `X-Original-*` or `X-Forwarded-*` headers |
//! | `/check/...` | Envoy, with `path_prefix: /check` | the method and the rest of the path themselves |
//! | `/healthz` | whoever watches the proxy | |
//!
//! Anything else is not found, and so denied: a proxy that passes on a path a stranger chose never
//! reaches `/healthz` with it.
//!
//! The guard sees requests, not connections. What a proxy has let through it does not cut: a
//! revocation is felt with the next request. `docs/targets/http.md` says what that means for
//! downloads and WebSockets.

mod answer;
mod args;
mod asked;
mod gate;
mod serve;
#[cfg(test)]
mod tests;

pub use answer::names;
pub use args::Args;
pub use gate::{Feed, Gate};
pub use serve::serve;
