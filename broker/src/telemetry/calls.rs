//! Counts gRPC calls by method and code.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{Request, Response};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use tonic::Code;
use tower::{Layer, Service};

/// Every service of the contract with its methods: the only labels there are. Whoever is refused
/// before a method is looked for may have asked for anything.
const METHODS: &[(&str, &[&str])] = &[
    ("EnrollService", &["Enroll"]),
    (
        "GrantService",
        &[
            "RequestGrant",
            "ApproveGrant",
            "DenyGrant",
            "SelfGrant",
            "RecordCall",
            "ExtendGrant",
            "DropGrant",
            "RevokeGrant",
            "VetoGrant",
            "IssueCredential",
            "ReportUse",
            "HoldGrant",
            "GetGrant",
            "ListGrants",
        ],
    ),
    ("IdentityService", &["WhoAmI", "RenewCertificate"]),
    (
        "IncidentService",
        &[
            "OpenIncident",
            "NoteIncident",
            "CloseIncident",
            "HoldIncident",
            "GetIncident",
            "ListIncidents",
        ],
    ),
    (
        "LedgerService",
        &[
            "GetCheckpoint",
            "GetEntry",
            "ListEntries",
            "FollowEntries",
            "ExportEntries",
            "ProveConsistency",
        ],
    ),
    (
        "PeopleService",
        &[
            "ListPeople",
            "InvitePerson",
            "RemovePerson",
            "FreezePerson",
            "UnfreezePerson",
        ],
    ),
    ("PolicyService", &["GetPolicy", "Can"]),
    ("GuardService", &["Attend", "OpenSession", "EndSession"]),
    ("DrillService", &["OpenDrill", "RecordDrill"]),
    (
        "ReviewService",
        &["AnswerReview", "ListReviews", "ReviewAccess"],
    ),
    ("StatusService", &["GetStatus"]),
    ("TargetService", &["ListTargets", "InviteTarget"]),
    ("WatchService", &["Watch"]),
];

/// The counters.
#[derive(Debug, Clone, Default)]
pub struct Calls(pub(super) Family<Call, Counter>);

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Call {
    method: String,
    code: &'static str,
}

impl Calls {
    /// Counts one answer, by the code it begins with. What a stream ends with is not seen here.
    fn count(&self, path: &str, headers: &http::HeaderMap) {
        if is_file(path) {
            return;
        }
        let code = match headers.get("grpc-status") {
            Some(code) => Code::from_bytes(code.as_bytes()),
            None => Code::Ok,
        };
        // Anybody may ask for methods that do not exist, each a new label: they are one.
        let method = known(path).unwrap_or("unknown");
        self.0
            .get_or_create(&Call {
                method: method.to_owned(),
                code: name_of(code),
            })
            .inc();
    }
}

/// The ledger as files is served beside the calls, and is none of them.
fn is_file(path: &str) -> bool {
    path == "/checkpoint" || path.starts_with("/tile/")
}

/// `SERVICE/METHOD` of a path, where the contract has it.
fn known(path: &str) -> Option<&str> {
    let name = path.strip_prefix("/breakglass.v1.")?;
    let (service, method) = name.split_once('/')?;
    let (_, methods) = METHODS.iter().find(|(known, _)| *known == service)?;
    methods.contains(&method).then_some(name)
}

/// As in the specification of gRPC (statuscodes.md).
fn name_of(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

/// Puts a counter around a server.
#[derive(Debug, Clone)]
pub struct CallsLayer(Calls);

impl CallsLayer {
    pub(super) fn new(calls: Calls) -> Self {
        Self(calls)
    }
}

impl<S> Layer<S> for CallsLayer {
    type Service = CountedCalls<S>;

    fn layer(&self, inner: S) -> Self::Service {
        CountedCalls {
            inner,
            calls: self.0.clone(),
        }
    }
}

/// What [`CallsLayer`] makes of a service.
#[derive(Debug, Clone)]
pub struct CountedCalls<S> {
    inner: S,
    calls: Calls,
}

impl<S, B, R> Service<Request<B>> for CountedCalls<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let path = request.uri().path().to_owned();
        let (answering, calls) = (self.inner.call(request), self.calls.clone());
        Box::pin(async move {
            let answer = answering.await?;
            calls.count(&path, answer.headers());
            Ok(answer)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_that_do_not_exist_make_no_labels() {
        let calls = Calls::default();
        let refused = |code: Code| {
            let code = i32::from(code).to_string().parse().unwrap();
            http::HeaderMap::from_iter([(http::HeaderName::from_static("grpc-status"), code)])
        };
        calls.count("/anything/Else", &refused(Code::Unimplemented));
        calls.count("/breakglass.v1.Nothing/Else", &refused(Code::Unimplemented));
        // The front answers before a method is looked for.
        for path in [
            "/",
            "//breakglass.v1.GrantService/ListGrants",
            "/x\"} 1\nevil 5",
        ] {
            calls.count(path, &refused(Code::Unauthenticated));
        }
        calls.count(
            "/breakglass.v1.GrantService/RequestGrant",
            &http::HeaderMap::new(),
        );
        let count = |method: &str, code| {
            calls
                .0
                .get_or_create(&Call {
                    method: method.to_owned(),
                    code,
                })
                .get()
        };
        assert_eq!(count("unknown", "UNIMPLEMENTED"), 2);
        assert_eq!(count("unknown", "UNAUTHENTICATED"), 3);
        assert_eq!(count("GrantService/RequestGrant", "OK"), 1);
    }
    #[test]
    fn every_method_of_the_contract_has_its_label() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../proto/breakglass/v1");
        let mut declared = Vec::new();
        for file in std::fs::read_dir(folder).unwrap() {
            let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
            let mut service = String::new();
            for line in text.lines().map(str::trim) {
                if let Some(name) = line.strip_prefix("service ") {
                    service = name.trim_end_matches(" {").to_owned();
                } else if let Some(rpc) = line.strip_prefix("rpc ") {
                    let method = rpc.split('(').next().unwrap();
                    declared.push(format!("/breakglass.v1.{service}/{method}"));
                }
            }
        }
        let listed: usize = METHODS.iter().map(|(_, methods)| methods.len()).sum();
        assert_eq!(declared.len(), listed);
        for path in declared {
            assert!(known(&path).is_some(), "{path}");
        }
    }
}
