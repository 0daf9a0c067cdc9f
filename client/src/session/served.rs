//! The ledger as files, over the connection of the calls: the broker serves them beside each other.

use std::time::Duration;

use breakglass_tlog::TileId;
use http::{Request, StatusCode, header::RETRY_AFTER};
use http_body_util::{BodyExt as _, Limited};
use tonic::body::Body;
use tower::ServiceExt as _;

use super::Session;
use crate::{
    connect,
    error::{Error, Refusal},
    limits,
    mirror::{LARGEST, Source},
};

impl Source for Session {
    async fn checkpoint(&self) -> Result<String, Error> {
        let bytes = self.file("/checkpoint").await?;
        let bytes = bytes.ok_or_else(|| self.serves_no_files())?;
        String::from_utf8(bytes).map_err(|_| Error::unverified("the checkpoint is no text"))
    }

    async fn tile(&self, tile: TileId) -> Result<Option<Vec<u8>>, Error> {
        self.file(&format!("/{tile}")).await
    }
}

/// What came of one request.
enum Came {
    File(Vec<u8>),
    Nothing,
    Later(Duration),
}

impl Session {
    /// A file; `None` where there is none. Waits where the broker says that it was asked too often.
    async fn file(&self, path: &str) -> Result<Option<Vec<u8>>, Error> {
        for _ in 0..limits::MAX_LATERS {
            let asked = tokio::time::timeout(limits::FILE_TIMEOUT, self.ask(path)).await;
            match asked.unwrap_or_else(|_| Err(self.broke("it did not come in time")))? {
                Came::File(bytes) => return Ok(Some(bytes)),
                Came::Nothing => return Ok(None),
                Came::Later(pause) => tokio::time::sleep(pause).await,
            }
        }
        Err(Error::refused(
            "TOO_MANY",
            "the broker is asked for too many files at once",
            "run it again later: it goes on where it stopped",
        ))
    }

    async fn ask(&self, path: &str) -> Result<Came, Error> {
        let request = Request::get(path).body(Body::empty());
        let request = request.map_err(|error| self.broke(&error.to_string()))?;
        let server = &self.context().server;
        let answer = self.channel().oneshot(request).await;
        let answer = answer.map_err(|error| connect::of_transport(server, &error))?;
        let (head, body) = answer.into_parts();
        match head.status {
            StatusCode::NOT_FOUND => return Ok(Came::Nothing),
            StatusCode::TOO_MANY_REQUESTS => {
                let seconds = head.headers.get(RETRY_AFTER);
                let seconds = seconds.and_then(|text| text.to_str().ok()?.parse().ok());
                let pause = Duration::from_secs(seconds.unwrap_or(1)).min(limits::LONGEST_LATER);
                return Ok(Came::Later(pause));
            }
            _ => {}
        }
        // A broker from before this answers a path that is no call as gRPC does: OK, and no body.
        if head.headers.contains_key("grpc-status") {
            return Err(self.serves_no_files());
        }
        let body = Limited::new(body, LARGEST).collect().await;
        let body = body.map_err(|error| self.broke(&error.to_string()))?;
        let bytes = body.to_bytes().to_vec();
        match head.status {
            StatusCode::OK => Ok(Came::File(bytes)),
            StatusCode::FORBIDDEN => Err(forbidden(&bytes)),
            status => Err(self.broke(&format!("it answered with {status}"))),
        }
    }

    fn broke(&self, why: &str) -> Error {
        let server = &self.context().server;
        Error::Unreachable {
            what: format!("a file of the ledger did not come from {server}: {why}"),
            next: "run it again: it goes on where it stopped".to_owned(),
        }
    }

    fn serves_no_files(&self) -> Error {
        Error::setup(
            format!(
                "the broker {} serves no ledger as files",
                self.context().server
            ),
            "compare the versions: `glass --version` and `glass status`",
        )
    }
}

/// The broker's own words: what happened, and behind `next: ` what to do.
fn forbidden(said: &[u8]) -> Error {
    let said = String::from_utf8_lossy(said);
    let mut lines = said.lines();
    let message = lines.next().unwrap_or_default().to_owned();
    let next = lines.find_map(|line| line.strip_prefix("next: "));
    Error::Refused(Box::new(Refusal {
        reason: "NOT_PERMITTED".to_owned(),
        message,
        next: next.map(str::to_owned),
    }))
}
