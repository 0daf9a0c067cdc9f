//! The decision about one request.

use std::sync::Arc;

use http::header::ACCEPT;
use http::request::Parts;
use http::{HeaderMap, Response, StatusCode};

use super::answer::{Refused, passes, plain};
use super::asked::{Asked, Check, Shown};
use crate::verify::{Access, Denied, Newest, Origin, Presented, Standing, Verifier};

/// What the guard hears from the broker. Asked once for each request, so it must not wait.
pub trait Feed: Send + Sync {
    /// The newest standing; none where nothing was heard yet.
    fn standing(&self) -> Option<Standing>;
}

impl Feed for Newest {
    fn standing(&self) -> Option<Standing> {
        self.standing()
    }
}

/// Decides about requests: no network, no waiting.
pub struct Gate {
    /// Knows the keys, the audience and the rights.
    pub verifier: Arc<Verifier>,
    /// Knows what is live.
    pub feed: Arc<dyn Feed>,
    /// Under which people reach the service.
    pub origin: Origin,
    /// Whether a token alone is not enough.
    pub demand_proof: bool,
}

impl Gate {
    /// Answers the proxy. The body of its request is not looked at.
    #[must_use]
    pub fn answer(&self, head: &Parts) -> Response<String> {
        match Asked::of(head) {
            Ok(Asked::Health) => self.health(),
            Ok(Asked::Check(check)) => match self.decide(head, &check) {
                Ok(access) => passes(&access),
                Err(refused) => refused.answer(wants_json(&head.headers)),
            },
            Err(refused) => refused.answer(wants_json(&head.headers)),
        }
    }

    fn decide(&self, head: &Parts, check: &Check<'_>) -> Result<Access, Refused> {
        let shown = Shown::by(&head.headers)?;
        let (Shown::Bearer(token) | Shown::Proven { token, .. }) = shown;
        // Before the broker was heard nothing can be said about any token.
        if self.verifier.trusts_nobody() {
            return Err(Denied::Stale { age: None }.into());
        }
        let access = match self.feed.standing() {
            Some(standing) => self.verifier.verify_live(token, &standing)?,
            // A bad token is told as such, whether the broker is heard or not.
            None => {
                self.verifier.verify(token)?;
                return Err(Denied::Stale { age: None }.into());
            }
        };
        if !check.rights.is_empty() && !check.rights.contains(&access.right.as_str()) {
            let right = access.right;
            return Err(Denied::Right { right }.into());
        }
        match shown {
            Shown::Bearer(_) if self.demand_proof => return Err(Denied::NoProof.into()),
            Shown::Bearer(_) => {}
            Shown::Proven { proof, .. } => {
                let original = check.original(head)?;
                let shown = Presented {
                    proof,
                    method: original.method,
                    url: &self.origin.with_path(original.path),
                };
                self.verifier.verify_proof(&access, token, &shown)?;
            }
        }
        Ok(access)
    }

    /// Whether anybody can be let in: what a proxy or a monitor asks.
    fn health(&self) -> Response<String> {
        let never = || Denied::Stale { age: None };
        let standing = self.feed.standing().ok_or_else(never);
        match standing.and_then(|standing| self.verifier.demand_fresh(&standing)) {
            Ok(()) => plain(StatusCode::OK, "ok\n".into()),
            Err(denied) => Refused::from(denied).answer(false),
        }
    }
}

impl std::fmt::Debug for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gate")
            .field("verifier", &self.verifier)
            .field("origin", &self.origin)
            .finish_non_exhaustive()
    }
}

fn wants_json(headers: &HeaderMap) -> bool {
    let accepts = headers.get(ACCEPT).and_then(|value| value.to_str().ok());
    accepts.is_some_and(|accepts| accepts.contains("application/json"))
}
