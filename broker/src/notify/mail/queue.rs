//! Messages of one notice on their way, to several recipients at once: whoever is slow keeps nobody else
//! waiting.

use std::collections::{BTreeSet, VecDeque};

use breakglass_domain::text::hides;
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::{AsyncSmtpTransport, Error};
use lettre::{Address, AsyncTransport as _, Tokio1Executor};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::super::courier::Failed;
use super::super::limits::{MAIL, MAIL_AT_ONCE, MAIL_LEFT};

type Transport = AsyncSmtpTransport<Tokio1Executor>;

/// What became of one message.
pub(super) enum Sent {
    Taken,
    /// For good, for this recipient alone.
    Refused(String),
    /// For now, for this recipient alone.
    PutOff(String),
    /// The same, after all the time there is for one message.
    Slow(String),
}

/// What is still to be sent, and what is under way.
#[derive(Default)]
pub(super) struct Queue {
    due: VecDeque<(Mailbox, Message)>,
    to: BTreeSet<Address>,
    under_way: JoinSet<Done>,
    /// Given up on, and not told yet.
    left: BTreeSet<Address>,
}

type Done = (Mailbox, Result<Sent, Failed>);

impl Queue {
    pub(super) fn waits(&mut self, to: Mailbox, message: Message) {
        self.due.push_back((to, message));
    }

    /// As many as may be sent at once are.
    pub(super) fn fill(&mut self, transport: &Transport, server: &str) {
        while self.under_way.len() < MAIL_AT_ONCE
            && let Some((to, message)) = self.due.pop_front()
        {
            self.to.insert(to.email.clone());
            let (transport, server) = (transport.clone(), server.to_owned());
            self.under_way.spawn(async move {
                let sent = send(&transport, &server, message, &to).await;
                (to, sent)
            });
        }
    }

    /// The next that is done; nothing once all are. Those under way that nobody has to wait for are
    /// given up together, after a moment.
    pub(super) async fn next(
        &mut self,
        may_be_left: impl Fn(&BTreeSet<Address>) -> bool,
    ) -> Option<Done> {
        let patience = match self.due.is_empty() && may_be_left(&self.to) {
            true => MAIL_LEFT,
            // Each has its own limit.
            false => MAIL * 2,
        };
        match timeout(patience, self.under_way.join_next()).await {
            Ok(Some(Ok(done))) => {
                self.to.remove(&done.0.email);
                return Some(done);
            }
            Ok(None) => {}
            Ok(Some(Err(_))) | Err(_) => {
                self.under_way = JoinSet::new();
                self.left.append(&mut self.to);
            }
        }
        let slow = self.left.pop_first()?;
        let why = Sent::Slow("it does not answer in time".into());
        Some((Mailbox::new(None, slow), Ok(why)))
    }

    /// What is under way is still heard of.
    pub(super) fn sends_no_more(&mut self) {
        self.due.clear();
    }
}

async fn send(
    transport: &Transport,
    server: &str,
    message: Message,
    to: &Mailbox,
) -> Result<Sent, Failed> {
    let Ok(sent) = timeout(MAIL, transport.send(message)).await else {
        return Ok(Sent::Slow(format!("{server} does not answer in time")));
    };
    match sent {
        Ok(_) => Ok(Sent::Taken),
        Err(why) if is_of_all(&why) => Err(Failed(format!("{server}: {}", shown(&why)))),
        Err(why) if why.is_permanent() => Ok(Sent::Refused(shown(&why))),
        Err(why) if why.is_transient() || is_of_the_address(&why, to) => {
            Ok(Sent::PutOff(shown(&why)))
        }
        Err(why) => Err(Failed(format!("{server}: {}", shown(&why)))),
    }
}

/// Answers that are for everybody, and not to be tried with the next: to a login (RFC 4954 section 6), to
/// STARTTLS (RFC 3207 section 4), and that the server closes (RFC 5321 section 4.2.2).
fn is_of_all(why: &Error) -> bool {
    let code = why.status().map(u16::from);
    code.is_some_and(|code| matches!(code, 421 | 432 | 454 | 530..=539))
}

/// The library sends nothing to an address that needs SMTPUTF8 (RFC 6531) where the server has none.
fn is_of_the_address(why: &Error, to: &Mailbox) -> bool {
    why.is_client() && !AsRef::<str>::as_ref(&to.email).is_ascii()
}

/// A server may say anything.
fn shown(why: &Error) -> String {
    let safe = |c| if hides(c) { '\u{FFFD}' } else { c };
    why.to_string().chars().take(300).map(safe).collect()
}
