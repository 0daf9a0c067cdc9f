//! What stands in front of every service, also of those that are not written yet: limits, who is
//! calling, how long it may take, and what a panic becomes.

use std::any::Any;
use std::net::{IpAddr, Ipv4Addr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use breakglass_domain::Actor;
use breakglass_proto::v1::{enroll_service_server, guard_service_server, identity_service_server};
use http::Extensions;
use tokio::sync::Semaphore;
use tonic::server::NamedService;
use tonic::{Code, Status};

use super::caller::{self, Who};
use super::error::Error;
use super::limits::{CALL_TIMEOUT, Limits, MESSAGE_MAX};
use super::rate::{OpenStream, Rate, Streams};
use crate::app::{App, Caller, Guard};

/// The one service that strangers may call.
const OPEN: &str = <enroll_service_server::EnrollServiceServer<()> as NamedService>::NAME;

/// What guards may call, and nothing else; and what nobody but guards may.
const FOR_GUARDS: [&str; 2] = [
    GUARDED,
    <identity_service_server::IdentityServiceServer<()> as NamedService>::NAME,
];
const GUARDED: &str = <guard_service_server::GuardServiceServer<()> as NamedService>::NAME;

/// Calls of one person at once, out of [`Limits::in_flight`]: one stolen laptop that begins calls and
/// never sends them must not keep the others from freezing it.
const CALLS_AT_ONCE: usize = 128;

/// What the front needs to know.
pub(super) struct Front {
    app: Arc<App>,
    in_flight: Semaphore,
    of_one: Streams,
    callers: Rate<Actor>,
    strangers: Rate<IpAddr>,
}

impl Front {
    pub(super) fn new(app: Arc<App>, limits: &Limits) -> Arc<Self> {
        Arc::new(Self {
            app,
            in_flight: Semaphore::new(limits.in_flight),
            of_one: Streams::new(CALLS_AT_ONCE),
            callers: Rate::new(limits.calls_per_second, limits.calls_burst),
            strangers: Rate::new(limits.enrolments_per_second, limits.enrolments_burst),
        })
    }
}

/// Lets a request through to its service, or answers it.
pub(super) async fn front(
    State(front): State<Arc<Front>>,
    request: Request,
    next: Next,
) -> Response {
    match front.pass(request, next).await {
        Ok(response) => in_our_words(response),
        Err(error) => Status::from(error).into_http(),
    }
}

impl Front {
    async fn pass(&self, mut request: Request, next: Next) -> Result<Response, Error> {
        let _place = self.in_flight.try_acquire().map_err(|_| Error::Busy)?;
        let _share = if is_open(request.uri().path()) {
            self.take_stranger(request.extensions())
                .inspect_err(|error| self.count(error))?;
            None
        } else {
            let who = self.take_member(request.extensions());
            let who = who.inspect_err(|error| self.count(error))?;
            Some(self.let_in(who, &mut request).await?)
        };
        let answer = Caught::new(Box::pin(next.run(request)));
        let answered = tokio::time::timeout(CALL_TIMEOUT, answer).await;
        let seconds = CALL_TIMEOUT.as_secs();
        answered.unwrap_or(Err(Error::Slow { seconds }))
    }

    fn count(&self, error: &Error) {
        self.app.count_refusal(error.reason());
    }

    fn take_stranger(&self, extensions: &Extensions) -> Result<(), Error> {
        let unknown = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        let address = caller::address(extensions).unwrap_or(unknown);
        self.strangers.take(&address, self.app.monotonic())
    }

    fn take_member(&self, extensions: &Extensions) -> Result<Who, Error> {
        let who = caller::of_connection(extensions, self.app.now())?;
        let actor = match &who {
            Who::Person(caller) => Actor::from(&caller.person),
            Who::Guard(guard) => Actor::from(&guard.target),
        };
        self.callers.take(&actor, self.app.monotonic())?;
        Ok(who)
    }

    /// Answers with a place of their own share.
    async fn let_in(&self, who: Who, request: &mut Request) -> Result<OpenStream, Error> {
        let path = request.uri().path();
        match who {
            Who::Person(caller) => {
                self.admit(&caller, &call_of(path)).await?;
                let share = self.share(&Actor::from(&caller.person));
                let share = share.inspect_err(|error| self.count(error))?;
                request.extensions_mut().insert(Arc::new(caller));
                Ok(share)
            }
            Who::Guard(guard) => {
                let let_in = self.admit_guard(&guard, path);
                let_in.inspect_err(|error| self.count(error))?;
                let share = self.share(&Actor::from(&guard.target));
                let share = share.inspect_err(|error| self.count(error))?;
                request.extensions_mut().insert(Arc::new(guard));
                Ok(share)
            }
        }
    }

    fn admit_guard(&self, guard: &Guard, path: &str) -> Result<(), Error> {
        self.app.admit_guard(guard)?;
        if FOR_GUARDS.iter().any(|service| is_of(path, service)) {
            return Ok(());
        }
        Err(Error::Certificate(
            "it is for a guard, and this call is for people",
        ))
    }

    /// A place of one caller's own share, until it is dropped.
    fn share(&self, who: &Actor) -> Result<OpenStream, Error> {
        let full = |_| Error::TooMany {
            what: "calls of one person at once",
            limit: format!("at most {CALLS_AT_ONCE}"),
        };
        self.of_one.open(who).map_err(full)
    }

    /// Who has a certificate and is not let in is put on record.
    async fn admit(&self, caller: &Caller, call: &str) -> Result<(), Error> {
        let Err(refused) = self.app.admit(&caller.person, &caller.key) else {
            return Ok(());
        };
        let error = Error::App(refused);
        let (reason, text) = (error.reason(), error.to_string());
        self.app
            .note_refusal(&caller.person, call, reason, &text)
            .await;
        Err(error)
    }
}

/// The method of a call in the spelling of an act (`RequestGrant` is `request-grant`), for the
/// record; a path that a client made up is not believed.
fn call_of(path: &str) -> String {
    let method = path.rsplit('/').next().unwrap_or_default();
    let mut call = String::new();
    for c in method.chars().filter(char::is_ascii_alphanumeric).take(40) {
        if c.is_ascii_uppercase() && !call.is_empty() {
            call.push('-');
        }
        call.push(c.to_ascii_lowercase());
    }
    call
}

fn is_open(path: &str) -> bool {
    is_of(path, OPEN)
}

/// Whether a path is of a service's methods.
fn is_of(path: &str, service: &str) -> bool {
    let mut parts = path.split('/');
    (parts.next(), parts.next()) == (Some(""), Some(service))
}

/// What tonic refuses by itself, before one of our services sees it, in our own form.
fn in_our_words(response: Response) -> Response {
    let headers = response.headers();
    if !headers.contains_key(Status::GRPC_STATUS)
        || headers.contains_key(Status::GRPC_STATUS_DETAILS)
    {
        return response;
    }
    let error = match Status::from_header_map(headers).map(|status| status.code()) {
        Some(Code::OutOfRange) => Error::TooLarge { limit: MESSAGE_MAX },
        Some(Code::Internal) => Error::Unreadable,
        _ => return response,
    };
    Status::from(error).into_http::<Body>()
}

/// A future whose panic is an error, and in our diagnostics.
pub(super) struct Caught<F>(F);

impl<F: Future + Unpin> Caught<F> {
    pub(super) fn new(future: F) -> Self {
        Self(future)
    }
}

impl<F: Future + Unpin> Future for Caught<F> {
    type Output = Result<F::Output, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // After a panic the future is not polled again: what it left half done is dropped with it.
        match catch_unwind(AssertUnwindSafe(|| Pin::new(&mut self.0).poll(cx))) {
            Ok(poll) => poll.map(Ok),
            Err(panic) => {
                tracing::error!(panic = words_of(&*panic), "a call panicked");
                Poll::Ready(Err(Error::Panicked))
            }
        }
    }
}

fn words_of(panic: &(dyn Any + Send)) -> &str {
    let words = panic.downcast_ref::<&str>().copied();
    words
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no words")
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::middleware::from_fn_with_state;
    use axum::routing::post;
    use tonic_types::StatusExt as _;
    use tower::ServiceExt as _;

    use super::*;
    use crate::app::tests::world::World;

    const ENROLMENT: &str = "/breakglass.v1.EnrollService/Enroll";

    /// What a call to a service becomes that does `answer`.
    async fn called<F: Future<Output = Response> + Send>(
        answer: impl Fn() -> F + Clone + Send + Sync + 'static,
    ) -> Status {
        let world = World::new().await;
        let front = Front::new(world.app.clone(), &Limits::default());
        let router = Router::new().route(ENROLMENT, post(answer));
        let router = router.layer(from_fn_with_state(front, super::front));
        let request = Request::post(ENROLMENT).body(Body::empty()).unwrap();
        let response = router.oneshot(request).await.unwrap();
        Status::from_header_map(response.headers()).unwrap()
    }

    fn reason(status: &Status) -> String {
        status.get_details_error_info().unwrap().reason
    }

    #[tokio::test]
    async fn a_panic_is_an_answer_that_says_nothing_of_the_inside() {
        let status = called(|| async { panic!("the price of /dev/sda1") }).await;
        assert_eq!(
            (reason(&status).as_str(), status.code()),
            ("INTERNAL", Code::Internal)
        );
        assert!(!format!("{status:?}").contains("/dev/sda1"));
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_ever() {
        let status = called(std::future::pending).await;
        let told = (reason(&status), status.code());
        assert_eq!(
            told,
            ("LEDGER_UNAVAILABLE".to_owned(), Code::DeadlineExceeded)
        );
    }

    #[tokio::test]
    async fn what_tonic_refuses_by_itself_is_said_in_our_words() {
        let of_tonic = |code: Code| async move { Status::new(code, "h2 internals").into_http() };
        let large = called(move || of_tonic(Code::OutOfRange)).await;
        assert_eq!(
            (reason(&large).as_str(), large.code()),
            ("INVALID_TEXT", Code::InvalidArgument)
        );
        let garbage = called(move || of_tonic(Code::Internal)).await;
        assert_eq!(reason(&garbage), "INVALID_ARGUMENT");
        assert!(!garbage.message().contains("h2"));
        let unknown = called(move || of_tonic(Code::Unimplemented)).await;
        assert_eq!(unknown.code(), Code::Unimplemented);
    }

    #[tokio::test]
    async fn one_person_leaves_room_for_the_others() {
        let front = Front::new(World::new().await.app.clone(), &Limits::default());
        let [mia, leon] = ["mia", "leon"].map(|id| id.parse::<Actor>().unwrap());
        let mut shares: Vec<_> = (0..CALLS_AT_ONCE)
            .map(|_| front.share(&mia).unwrap())
            .collect();
        let refused = front.share(&mia).unwrap_err();
        assert_eq!(refused.reason(), "TOO_MANY");
        front.share(&leon).unwrap();
        shares.pop();
        front.share(&mia).unwrap();
    }

    #[test]
    fn only_enrolment_is_open() {
        for (path, open) in [
            (ENROLMENT, true),
            ("/breakglass.v1.EnrollService/", true),
            ("/breakglass.v1.GrantService/RequestGrant", false),
            ("//breakglass.v1.EnrollService/Enroll", false),
            ("/breakglass.v1.EnrollServiceX/Enroll", false),
            ("/x/breakglass.v1.EnrollService/Enroll", false),
            ("breakglass.v1.EnrollService/Enroll", false),
            ("", false),
        ] {
            assert_eq!(is_open(path), open, "{path}");
        }
    }

    #[test]
    fn a_call_is_named_like_an_act_whatever_its_path() {
        assert_eq!(
            call_of("/breakglass.v1.GrantService/RequestGrant"),
            "request-grant"
        );
        assert_eq!(call_of("/x/\u{1b}[31mRed%0AGrant"), "31m-red0-a-grant");
        assert_eq!(call_of("/x/"), "");
    }
}
