//! What stands in front of every service, also of those that are not written yet: limits, who is
//! calling, how long it may take, and what a panic becomes.

use std::any::Any;
use std::hash::Hash;
use std::net::{IpAddr, Ipv4Addr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use breakglass_domain::Actor;
use breakglass_proto::v1::{
    enroll_service_server, guard_service_server, identity_service_server, ledger_service_server,
};
use http::Extensions;
use tokio::sync::{Semaphore, SemaphorePermit};
use tonic::server::NamedService;
use tonic::{Code, Status};

use super::caller::{self, Who};
use super::error::Error;
use super::limits::{
    CALL_TIMEOUT, CALLERS_REMEMBERED, CALLS_AT_ONCE, Limits, MESSAGE_HEAD, MESSAGE_MAX,
    STRANGER_CALLS, STRANGER_CALLS_PER_PEER, STRANGER_MESSAGE_TIMEOUT,
};
use super::rate::{AtOnce, Place};
use crate::app::{App, Caller, Guard};
use crate::listen::{Rate, peer_of};

/// The one service that strangers may call.
const OPEN: &str = <enroll_service_server::EnrollServiceServer<()> as NamedService>::NAME;

/// What guards may call, beside [`LEDGER_PROOF`], and nothing else.
const FOR_GUARDS: [&str; 2] = [
    <guard_service_server::GuardServiceServer<()> as NamedService>::NAME,
    <identity_service_server::IdentityServiceServer<()> as NamedService>::NAME,
];

/// Without it nobody can check that what they are shown extends what they have seen; it tells
/// nothing but hashes.
const LEDGER_PROOF: &str = "ProveConsistency";

/// What the front needs to know.
pub(super) struct Front {
    app: Arc<App>,
    in_flight: Semaphore,
    of_one: AtOnce,
    callers: Rate<Actor>,
    strangers: Strangers,
}

/// Who has no certificate has places of their own, so that no number of them takes one from
/// somebody on the team.
struct Strangers {
    in_flight: Semaphore,
    of_one: AtOnce<IpAddr>,
    rate: Rate<IpAddr>,
}

/// What a call takes up until it is answered: one place of those that all have together, and one
/// of the caller's own.
struct Places<'a, K: Hash + Eq> {
    _of_all: SemaphorePermit<'a>,
    _of_own: Place<K>,
}

impl Front {
    pub(super) fn new(app: Arc<App>, limits: &Limits) -> Arc<Self> {
        Arc::new(Self {
            app,
            in_flight: Semaphore::new(limits.in_flight),
            of_one: AtOnce::new(CALLS_AT_ONCE, "calls of one person at once"),
            callers: Rate::new(
                limits.calls_per_second,
                limits.calls_burst,
                CALLERS_REMEMBERED,
            ),
            strangers: Strangers {
                in_flight: Semaphore::new(STRANGER_CALLS),
                of_one: AtOnce::new(STRANGER_CALLS_PER_PEER, "enrolments of one address at once"),
                rate: Rate::new(
                    limits.enrolments_per_second,
                    limits.enrolments_burst,
                    CALLERS_REMEMBERED,
                ),
            },
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
    async fn pass(&self, request: Request, next: Next) -> Result<Response, Error> {
        if is_open(request.uri().path()) {
            self.pass_stranger(request, next).await
        } else {
            self.pass_member(request, next).await
        }
    }

    async fn pass_stranger(&self, request: Request, next: Next) -> Result<Response, Error> {
        let (address, now) = (address(request.extensions()), self.app.monotonic());
        let places = self.strangers.admit(address, now);
        let _places = places.inspect_err(|error| self.count(error))?;
        let whole = whole(request).await;
        let request = whole.inspect_err(|error| self.count(error))?;
        answer(request, next).await
    }

    async fn pass_member(&self, mut request: Request, next: Next) -> Result<Response, Error> {
        let who = self.take_member(request.extensions());
        let who = who.inspect_err(|error| self.count(error))?;
        let path = request.uri().path();
        let actor = match &who {
            Who::Person(caller) => {
                self.admit(caller, &call_of(path)).await?;
                Actor::from(&caller.person)
            }
            Who::Guard(guard) => {
                let let_in = self.admit_guard(guard, path);
                let_in.inspect_err(|error| self.count(error))?;
                Actor::from(&guard.target)
            }
        };
        let places = self.places(&actor);
        let _places = places.inspect_err(|error| self.count(error))?;
        match who {
            Who::Person(caller) => drop(request.extensions_mut().insert(Arc::new(caller))),
            Who::Guard(guard) => drop(request.extensions_mut().insert(Arc::new(guard))),
        }
        answer(request, next).await
    }

    fn count(&self, error: &Error) {
        self.app.count_refusal(error.reason());
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

    fn admit_guard(&self, guard: &Guard, path: &str) -> Result<(), Error> {
        self.app.admit_guard(guard)?;
        if is_for_guards(path) {
            return Ok(());
        }
        Err(Error::Certificate(
            "it is for a guard, and this call is for people",
        ))
    }

    fn places(&self, who: &Actor) -> Result<Places<'_, Actor>, Error> {
        let own = self.of_one.take(who)?;
        Ok(Places {
            _of_all: self.in_flight.try_acquire().map_err(|_| Error::Busy)?,
            _of_own: own,
        })
    }

    /// Who has a certificate and is not let in is put on record.
    async fn admit(&self, caller: &Caller, call: &str) -> Result<(), Error> {
        let Err(refused) = self.app.admit(&caller.person, &caller.key) else {
            return Ok(());
        };
        let error = Error::App(refused);
        let (reason, text) = (error.reason(), error.to_string());
        self.app
            .note_refusal(&Actor::from(&caller.person), call, reason, &text)
            .await;
        Err(error)
    }
}

impl Strangers {
    /// For somebody unknown, as often and as many at once as their network may.
    fn admit(&self, address: IpAddr, now: Duration) -> Result<Places<'_, IpAddr>, Error> {
        let peer = peer_of(address);
        self.rate.take(&peer, now)?;
        let own = self.of_one.take(&peer)?;
        Ok(Places {
            _of_all: self.in_flight.try_acquire().map_err(|_| Error::Busy)?,
            _of_own: own,
        })
    }
}

/// What the service answers, in time and without its panic.
async fn answer(request: Request, next: Next) -> Result<Response, Error> {
    let answer = Caught::new(Box::pin(next.run(request)));
    let answered = tokio::time::timeout(CALL_TIMEOUT, answer).await;
    let seconds = CALL_TIMEOUT.as_secs();
    answered.unwrap_or(Err(Error::Slow { seconds }))
}

/// Where a connection comes from.
fn address(extensions: &Extensions) -> IpAddr {
    caller::address(extensions).unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
}

/// A request with the whole of its message, which has to come at once: before it is here nobody
/// knows who is sending it.
async fn whole(request: Request) -> Result<Request, Error> {
    let (head, body) = request.into_parts();
    let read = axum::body::to_bytes(body, MESSAGE_HEAD + MESSAGE_MAX);
    let seconds = STRANGER_MESSAGE_TIMEOUT.as_secs();
    match tokio::time::timeout(STRANGER_MESSAGE_TIMEOUT, read).await {
        Ok(Ok(message)) => Ok(Request::from_parts(head, Body::from(message))),
        Ok(Err(_)) => Err(Error::TooLarge { limit: MESSAGE_MAX }),
        Err(_) => Err(Error::Late { seconds }),
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
fn is_for_guards(path: &str) -> bool {
    let ledger = <ledger_service_server::LedgerServiceServer<()> as NamedService>::NAME;
    let is_proof = is_of(path, ledger) && path.rsplit('/').next() == Some(LEDGER_PROOF);
    is_proof || FOR_GUARDS.iter().any(|service| is_of(path, service))
}

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
    use axum::http::StatusCode;
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
            .map(|_| front.places(&mia).unwrap())
            .collect();
        assert_eq!(refusal(front.places(&mia)), "TOO_MANY");
        front.places(&leon).unwrap();
        shares.pop();
        front.places(&mia).unwrap();
    }

    fn refusal<K: Hash + Eq>(place: Result<Places<'_, K>, Error>) -> &'static str {
        place.err().expect("no place").reason()
    }

    /// Networks of IPv6 that somebody has many of, and one address in each.
    fn networks() -> impl Iterator<Item = IpAddr> {
        (0..=u16::MAX).map(|net| format!("2001:db8:0:{net:x}::1").parse().unwrap())
    }

    #[tokio::test]
    async fn strangers_take_no_place_of_the_team() {
        let front = Front::new(World::new().await.app.clone(), &Limits::default());
        let mut inside = Vec::new();
        let full = networks().find_map(|address| {
            let place = front.strangers.admit(address, Duration::ZERO);
            place.map(|place| inside.push(place)).err()
        });
        assert!(matches!(full, Some(Error::Busy)));
        assert_eq!(inside.len(), STRANGER_CALLS);
        let mia = "mia".parse().unwrap();
        let _hers = front.places(&mia).unwrap();
        assert_eq!(
            front.in_flight.available_permits(),
            Limits::default().in_flight - 1
        );
        inside.pop();
        let other = "192.0.2.1".parse().unwrap();
        front.strangers.admit(other, Duration::ZERO).unwrap();
    }

    #[tokio::test]
    async fn one_network_of_strangers_is_one_peer_however_many_addresses_it_has() {
        let limits = Limits {
            enrolments_burst: 20,
            ..Limits::default()
        };
        let front = Front::new(World::new().await.app.clone(), &limits);
        let address = |host: usize| format!("2001:db8:0:1::{host:x}").parse().unwrap();
        let admit = |address| front.strangers.admit(address, Duration::ZERO);
        let at_once: Vec<_> = (0..STRANGER_CALLS_PER_PEER)
            .map(|host| admit(address(host)).unwrap())
            .collect();
        assert_eq!(refusal(admit(address(500))), "TOO_MANY");
        admit("2001:db8:0:2::1".parse().unwrap()).unwrap();
        drop(at_once);
        // One after the other, each from an address of its own: the bucket is the network's.
        let so_many = (1_000..2_000)
            .take_while(|host| admit(address(*host)).is_ok())
            .count();
        assert!(so_many < 20, "{so_many}");
        admit("2001:db8:0:2::2".parse().unwrap()).unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_of_a_stranger_that_never_comes_is_not_waited_for() {
        let world = World::new().await;
        let front = Front::new(world.app.clone(), &Limits::default());
        let service = || async { StatusCode::OK };
        let router = Router::new().route(ENROLMENT, post(service));
        let router = router.layer(from_fn_with_state(front.clone(), super::front));
        let never = tokio_stream::pending::<Result<Vec<u8>, std::io::Error>>();
        let request = Request::post(ENROLMENT)
            .body(Body::from_stream(never))
            .unwrap();
        let began = tokio::time::Instant::now();
        let response = router.oneshot(request).await.unwrap();
        assert_eq!(began.elapsed(), STRANGER_MESSAGE_TIMEOUT);
        let status = Status::from_header_map(response.headers()).unwrap();
        assert_eq!(
            (reason(&status).as_str(), status.code()),
            ("INVALID_ARGUMENT", Code::DeadlineExceeded)
        );
        assert_eq!(
            front.strangers.in_flight.available_permits(),
            STRANGER_CALLS
        );
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
