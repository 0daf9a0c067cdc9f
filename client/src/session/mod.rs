//! An open connection to a broker that was checked: what a command works with.
//!
//! Every act is signed here, sent as it was signed, and its receipt checked on the way back: the
//! signature of the checkpoint, that the entry is in the tree, that it records what was signed, and
//! that the tree extends what this laptop has seen before.

mod act;
mod drills;
mod grants;
mod guards;
mod incidents;
mod ledger;
mod people;
mod policy;
mod proven;
mod recorded;
mod reviews;
mod seen;
mod served;
mod targets;

pub use drills::Went;
pub use reviews::Said;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use breakglass_proto::{
    statement::{Act, Seen, Statement},
    v1::{self, identity_service_client::IdentityServiceClient},
};
use jiff::{SignedDuration, Timestamp, Unit};
use tonic::{Response, Status, transport::Channel};

use crate::{
    config::{Context, Settings},
    connect::{self, connect},
    entry::Entry,
    error::Error,
    files,
    identity::Identity,
    key, limits,
    output::Printer,
    refusal,
    time::{self, BrokerClock},
    tls,
    trust::Trust,
};

/// An open, verified connection for one context. Cheap to clone; clones share the connection.
#[derive(Clone)]
pub struct Session(Arc<Open>);

struct Open {
    context: Context,
    identity: Identity,
    trust: Trust,
    channel: Channel,
    clock: Mutex<BrokerClock>,
    who: v1::WhoAmIResponse,
    compared: seen::Compared,
}

impl Session {
    /// Connects, asks the broker for whom it takes us and for its time, checks that it is the
    /// broker of the context, and renews the certificate where it is time to.
    ///
    /// # Errors
    /// [`Error::Setup`] where this laptop is not enrolled or its certificate has expired,
    /// [`Error::Unreachable`], [`Error::Unverified`].
    pub async fn open(settings: &Settings, printer: &Printer) -> Result<Self, Error> {
        let context = settings.context()?;
        let session = Self::open_context(context).await;
        let session = session.map_err(|error| match settings.named_elsewhere() {
            Some(first) => error.look_first(&first),
            None => error,
        })?;
        session.renew_if_due(printer).await?;
        Ok(session)
    }

    /// Like [`Session::open`] for a context at hand, without renewing anything.
    ///
    /// # Errors
    /// As [`Session::open`].
    pub async fn open_context(context: Context) -> Result<Self, Error> {
        let session = Self::connected(context).await?;
        session.follow_key(&session.0.who).await?;
        Ok(session)
    }

    /// Like [`Session::open_context`] where the ledger may not go on from what this laptop has seen: the keys that the
    /// broker names are proven by themselves, and kept nowhere.
    ///
    /// # Errors
    /// As [`Session::open`].
    pub(crate) async fn open_apart(context: Context) -> Result<Self, Error> {
        let session = Self::connected(context).await?;
        let who = session.who();
        let trust = session.trust();
        trust.supposes(&who.ledger_vkey, &who.ledger_keys)?;
        Ok(session)
    }

    /// Connected to the broker of the context, whose ledger's key nobody has followed yet.
    async fn connected(context: Context) -> Result<Self, Error> {
        let identity = Identity::load(&context)?;
        identity.certificate.check_alive(time::now())?;
        let trust = Trust::of(&context)?;
        let ca = files::read_text(&context.ca_file)?.ok_or_else(|| {
            let what = format!("the CA file {} is missing", context.ca_file.display());
            Error::setup(what, key::enrol_again())
        })?;
        let channel = connect(&context.server, tls::enrolled(&ca, &identity)?).await?;

        let stopwatch = time::stopwatch();
        let mut client = IdentityServiceClient::new(channel.clone());
        let answer = client.who_am_i(v1::WhoAmIRequest {}).await;
        let who = answer.map_err(|status| {
            connect::perhaps_not_taken(refusal::explain(&context.server, &status))
        })?;
        let who = who.into_inner();
        check_broker(&who, &identity, &trust)?;
        let said = time::from_proto(who.broker_time.as_ref())
            .ok_or_else(|| Error::broken_answer("it does not tell its time"))?;
        let clock = BrokerClock::set(said, stopwatch());
        Ok(Self(Arc::new(Open {
            context,
            identity,
            trust,
            channel,
            clock: Mutex::new(clock),
            who,
            compared: seen::Compared::default(),
        })))
    }

    /// Follows the ledger's key to the one that the broker names, by its proof.
    async fn follow_key(&self, who: &v1::WhoAmIResponse) -> Result<(), Error> {
        let (said, receipts) = (&who.ledger_vkey, &who.ledger_keys);
        self.0.trust.follow(said, receipts, self).await
    }

    /// Asks once more which key the ledger has: the broker was restarted with another one while this
    /// session was open, perhaps. Answers whether there is news.
    async fn meets_another_key(&self) -> bool {
        let before = self.trust().keys();
        self.trust().read_again();
        let mut client = IdentityServiceClient::new(self.channel());
        if let Ok(answer) = client.who_am_i(v1::WhoAmIRequest {}).await {
            // What does not follow changes nothing, and the first error is told.
            let _ = self.follow_key(answer.get_ref()).await;
        }
        self.trust().keys() != before
    }

    /// Checks by the keys that are known, and where that fails, by those that are then learnt.
    async fn by_its_key<T>(&self, check: impl Fn(&Trust) -> Result<T, Error>) -> Result<T, Error> {
        match check(self.trust()) {
            Err(error @ Error::Unverified { .. }) => match self.meets_another_key().await {
                true => check(self.trust()),
                false => Err(error),
            },
            other => other,
        }
    }

    /// The id of the person this laptop speaks for; `target:` and an id for a guard.
    #[must_use]
    pub fn person(&self) -> &str {
        &self.0.identity.certificate.person
    }

    /// What the broker said of us when the session was opened.
    #[must_use]
    pub fn who(&self) -> &v1::WhoAmIResponse {
        &self.0.who
    }

    /// The context it was opened for.
    #[must_use]
    pub fn context(&self) -> &Context {
        &self.0.context
    }

    /// The key and the certificate.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.0.identity
    }

    /// What this laptop believes of the ledger.
    #[must_use]
    pub fn trust(&self) -> &Trust {
        &self.0.trust
    }

    /// The broker's time now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock().now()
    }

    /// How far the broker's clock is ahead of this laptop's.
    #[must_use]
    pub fn skew(&self) -> SignedDuration {
        self.clock().skew()
    }

    /// Takes the time that the broker gave in an answer: a laptop that slept has missed what its own
    /// clock would have counted.
    fn hears_the_time(&self, said: Option<&prost_types::Timestamp>, round_trip: Duration) {
        if let Some(said) = time::from_proto(said) {
            *self.clock() = BrokerClock::set(said, round_trip);
        }
    }

    fn clock(&self) -> MutexGuard<'_, BrokerClock> {
        self.0.clock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Signs an act as of now, for this broker alone, with what this laptop has seen of the ledger.
    ///
    /// # Errors
    /// [`Error::Setup`] where the system gives no randomness.
    pub fn statement(&self, act: Act) -> Result<v1::Signed, Error> {
        self.sign(act, self.seen())
    }

    fn sign(&self, act: Act, seen: Option<Seen>) -> Result<v1::Signed, Error> {
        // The broker's time, so that a laptop whose clock is wrong can still act.
        let at = self
            .now()
            .round(Unit::Millisecond)
            .unwrap_or_else(|_| self.now());
        self.0.identity.key.sign(&Statement {
            origin: self.0.trust.origin(),
            by: self.person().to_owned(),
            at,
            act,
            seen,
            nonce: key::random()?,
        })
    }

    /// Checks a receipt and believes its checkpoint; what the entry's signer had seen has to be of one history
    /// with it.
    ///
    /// # Errors
    /// [`Error::Unverified`], or [`Error::Unreachable`] where the proof that the ledger only grew
    /// cannot be had.
    pub async fn accept(&self, receipt: Option<&v1::Receipt>) -> Result<Entry, Error> {
        let entry = self.accept_alone(receipt).await?;
        self.compare_seen([&entry]).await?;
        Ok(entry)
    }

    /// The same, but for what the entry's signer had seen.
    async fn accept_alone(&self, receipt: Option<&v1::Receipt>) -> Result<Entry, Error> {
        let receipt = receipt.ok_or_else(|| Error::broken_answer("it has no receipt"))?;
        let receipt = self
            .by_its_key(|trust| trust.verify_receipt(receipt))
            .await?;
        self.0.trust.accept(receipt.checkpoint(), self).await?;
        let entry = Entry::parse(receipt.entry()).map_err(|why| {
            Error::broken_answer(&format!("entry {} cannot be read: {why}", receipt.index()))
        })?;
        if entry.index == receipt.index() {
            return Ok(entry);
        }
        Err(Error::unverified(format!(
            "entry {} of the ledger calls itself entry {}",
            receipt.index(),
            entry.index
        )))
    }

    /// Like [`Session::accept`], for the entry that records what was just signed.
    ///
    /// # Errors
    /// As [`Session::accept`].
    pub async fn accept_act(
        &self,
        receipt: Option<&v1::Receipt>,
        signed: &v1::Signed,
    ) -> Result<Entry, Error> {
        let entry = self.accept(receipt).await?;
        entry.check_signed(self.person(), &self.0.identity.key.id(), signed)?;
        Ok(entry)
    }

    /// Checks that the ledger's key signed the entry that records what was just signed, and not that the
    /// ledger only grew: for who may not ask for that any more.
    ///
    /// # Errors
    /// [`Error::Unverified`].
    pub(crate) fn check_act(
        &self,
        receipt: Option<&v1::Receipt>,
        signed: &v1::Signed,
    ) -> Result<Entry, Error> {
        let receipt = receipt.ok_or_else(|| Error::broken_answer("it has no receipt"))?;
        let receipt = self.0.trust.verify_receipt(receipt)?;
        let entry = Entry::parse(receipt.entry()).map_err(|why| Error::broken_answer(&why))?;
        entry.check_signed(self.person(), &self.0.identity.key.id(), signed)?;
        Ok(entry)
    }

    /// Checks a checkpoint on its own and believes it.
    ///
    /// # Errors
    /// As [`Session::accept`].
    pub async fn accept_checkpoint(&self, note: &str) -> Result<(), Error> {
        let checkpoint = self
            .by_its_key(|trust| trust.verify_checkpoint(note))
            .await?;
        self.0.trust.accept(&checkpoint, self).await
    }

    /// Renews the certificate at two thirds of its life. That it cannot be renewed just now is no
    /// reason not to work while it is still good: it is only said.
    async fn renew_if_due(&self, printer: &Printer) -> Result<(), Error> {
        let certificate = &self.0.identity.certificate;
        if self.now() < certificate.renew_at() {
            return Ok(());
        }
        match self.renew().await {
            Err(error @ Error::Unverified { .. }) => Err(error),
            Err(error) => {
                let until = time::local_and_relative(certificate.expires_at, self.now());
                printer.warn(format!(
                    "the certificate could not be renewed and expires {until}: {error}"
                ));
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    /// Renews the certificate: the next session that is opened shows the new one.
    ///
    /// # Errors
    /// [`Error::Unverified`], [`Error::Refused`], [`Error::Unreachable`].
    pub(crate) async fn renew(&self) -> Result<(), Error> {
        let request = v1::RenewCertificateRequest {};
        let mut client = IdentityServiceClient::new(self.channel());
        let answer = self.answer(client.renew_certificate(request).await)?;
        let entry = self.accept(answer.receipt.as_ref()).await?;
        let kind = match self.identity().certificate.target() {
            Some(_) => "target.renewed",
            None => "certificate.renewed",
        };
        if entry.kind != kind || entry.by != self.person() {
            return Err(Error::unverified(
                "the renewal is not what the ledger recorded",
            ));
        }
        self.0
            .identity
            .renew(&self.0.context, &answer.certificate)
            .map(drop)
    }

    fn compared(&self) -> &seen::Compared {
        &self.0.compared
    }

    /// The connection, for a client of one service.
    fn channel(&self) -> Channel {
        self.0.channel.clone()
    }

    /// The answer inside a response, or why there is none.
    fn answer<T>(&self, response: Result<Response<T>, Status>) -> Result<T, Error> {
        response
            .map(Response::into_inner)
            .map_err(|status| self.explain(&status))
    }

    /// What a failed call or a broken stream means.
    #[must_use]
    pub fn explain(&self, status: &Status) -> Error {
        refusal::explain(&self.0.context.server, status)
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Session({} at {})", self.person(), self.0.context.server)
    }
}

/// The largest answer taken, see [`limits::MAX_ANSWER_BYTES`].
const LARGEST: usize = limits::MAX_ANSWER_BYTES;

/// Checks that the broker is the one the context is pinned to, and takes us for whom we are.
fn check_broker(who: &v1::WhoAmIResponse, identity: &Identity, trust: &Trust) -> Result<(), Error> {
    if who.origin != trust.origin() {
        let pinned = trust.key();
        return Err(Error::unverified(format!(
            "the broker's ledger is {} with key {}; this laptop is pinned to {pinned}",
            who.origin, who.ledger_vkey
        )));
    }
    if who.person != identity.certificate.person {
        return Err(Error::unverified(format!(
            "the broker takes this laptop for `{}`; its certificate says `{}`",
            who.person, identity.certificate.person
        )));
    }
    Ok(())
}

pub use grants::Asked;
pub use ledger::Listed;

#[cfg(test)]
mod tests;
