//! Who comes in.

use tokio::{
    sync::oneshot,
    time::{Instant, timeout},
};

use super::{Dying, Running, Watch};
use crate::{
    error::Error,
    guard::ssh::{
        Session,
        attend::Moment,
        broker::{Broker, How, Once},
        cgroup::Cgroup,
        demanded,
        doorbell::{Answer, Ring},
        kin::Kin,
        limits::OPEN_TIMEOUT,
        roster::Roster,
    },
    text::plain,
};

/// The broker was asked about a login.
pub(super) struct Asked {
    key: u64,
    answer: oneshot::Sender<Answer>,
    /// The session's name; `None` where the broker did not answer in time.
    said: Result<Option<String>, Error>,
}

impl<B: Broker> Watch<B> {
    /// A login rings: it is written down first and asked about then, so that no session the broker
    /// has recorded is unknown here, whatever happens in between.
    pub(super) fn rung(&mut self, ring: Ring) {
        if let Err(why) = demanded::demand(&self.ledger, &ring.login) {
            return self.refuse_unrecorded(ring, &why);
        }
        let now = Moment::now();
        let Ring {
            login,
            process,
            answer,
        } = ring;
        if let Some(key) = self.sessions.of_process(process) {
            // Its hook rings again: the guard was restarted while it waited.
            return self.rung_again(key, answer);
        }
        let over = self.view.over(&login.credential.grant).map(str::to_owned);
        if let Some(why) = self.view.lost(now).or(over) {
            return refuse(answer, why);
        }
        let once = match Once::draw() {
            Ok(once) => once,
            Err(why) => return refuse(answer, format!("the guard cannot let anybody in: {why}")),
        };
        let added = self.sessions.add(Session {
            id: None,
            credential: login.credential,
            login: login.login,
            origin: login.origin,
            opened_at: now.wall,
            process,
            marker: login.marker,
            group: None,
            strays: Vec::new(),
            late: false,
            once: Some(once),
            refused: false,
            over: None,
        });
        match added {
            Err(why) => {
                self.printer.warn(&why);
                refuse(
                    answer,
                    format!("the guard cannot take note of this session: {why}"),
                );
            }
            Ok(key) => {
                self.run_session(key, Some(now.passing));
                self.ask(key, answer);
            }
        }
    }

    /// Loud: the broker's key for users may be in somebody else's hands.
    fn refuse_unrecorded(&self, ring: Ring, why: &str) {
        let (login, origin) = (plain(&ring.login.login), plain(&ring.login.origin));
        let credential = plain(&ring.login.credential.credential);
        self.printer.warn(format!(
            "a login as {login} from {origin} with {credential} is refused: {why}. If the broker did \
             not make that certificate, its key for users is stolen: docs/targets/ssh.md"
        ));
        refuse(ring.answer, why.to_owned());
    }

    fn rung_again(&mut self, key: u64, answer: oneshot::Sender<Answer>) {
        let named = self.sessions.session(key).is_some_and(|s| s.id.is_some());
        if named {
            let text = self.welcome(key);
            admit(answer, text);
        } else if self.telling_about(key) {
            refuse(
                answer,
                "the broker is being asked already; try again".to_owned(),
            );
        } else {
            self.ask(key, answer);
        }
    }

    fn ask(&mut self, key: u64, answer: oneshot::Sender<Answer>) {
        let Some(session) = self.sessions.session(key) else {
            return;
        };
        let opening = session.opening();
        self.begin_telling(key);
        let broker = self.broker.clone();
        self.asked.spawn(async move {
            let said = match timeout(OPEN_TIMEOUT, broker.open(&opening)).await {
                Ok(Ok(id)) => Ok(Some(id)),
                Ok(Err(error)) if error.is_passing() => Ok(None),
                Ok(Err(error)) => Err(error),
                Err(_) => Ok(None),
            };
            Asked { key, answer, said }
        });
    }

    /// The broker has answered about a login, or not.
    pub(super) fn answered(&mut self, asked: Asked) {
        let Asked { key, answer, said } = asked;
        self.end_telling(key);
        let now = Moment::now();
        match said {
            Ok(Some(id)) => {
                if let Some(session) = self.sessions.session_mut(key) {
                    session.id = Some(id);
                    self.unsaved = true;
                }
                match self.view.lost(now) {
                    None => self.let_in(key, answer),
                    Some(why) => {
                        self.over(key, How::Gone, None);
                        refuse(answer, why);
                    }
                }
            }
            Err(why) => {
                self.forget(key);
                let next = why.next().map(|next| format!(". Next: {next}"));
                refuse(answer, format!("{why}{}", next.unwrap_or_default()));
            }
            Ok(None) => {
                let Some(session) = self.sessions.session_mut(key) else {
                    return;
                };
                match self.view.let_in_unasked(&session.credential.grant, now) {
                    Ok(()) => {
                        session.late = true;
                        self.let_in(key, answer);
                    }
                    Err(why) => {
                        self.keep_out(key);
                        refuse(answer, why);
                    }
                }
            }
        }
    }

    fn let_in(&mut self, key: u64, answer: oneshot::Sender<Answer>) {
        self.unsaved = true;
        if let Some(session) = self.sessions.session(key) {
            self.printer
                .note(format!("{} from {} is in", session.name(), session.origin));
        }
        let text = self.welcome(key);
        admit(answer, text);
    }

    fn welcome(&self, key: u64) -> String {
        let Some(session) = self.sessions.session(key) else {
            return String::new();
        };
        let credential = &session.credential;
        format!(
            "emergency access under {}: this session ends with grant {}",
            credential.incident, credential.grant
        )
    }

    fn forget(&mut self, key: u64) {
        if let Some(group) = self.running.remove(&key).and_then(|r| r.roster.group) {
            // sshd's process is still in it, with a sentence to show; the next start sweeps it up.
            group.remove();
        }
        self.sessions.remove(key);
        self.unsaved = true;
    }

    /// Nobody came in, and the broker may have put on record that they did: it is told.
    fn keep_out(&mut self, key: u64) {
        self.over(key, How::Gone, None);
        if let Some(session) = self.sessions.session_mut(key) {
            session.refused = true;
        }
    }

    /// Begins to watch over an open session.
    pub(super) fn run_session(&mut self, key: u64, admitted: Option<Instant>) {
        let Some(session) = self.sessions.session_mut(key) else {
            return;
        };
        let process = session.process;
        let group = match &session.group {
            Some(path) => Cgroup::at(path),
            None => (self.cgroups.as_ref()).and_then(|cgroups| cgroups.make(process).ok()),
        };
        session.group = group.as_ref().map(|group| group.path().to_owned());
        self.unsaved = true;
        let strays = session.strays.iter().copied();
        let roster = Roster {
            kin: Kin::new(process, strays),
            group,
            marker: session.marker.clone(),
        };
        let running = Running {
            roster,
            admitted,
            condemned: None,
            dying: Dying::No,
        };
        self.running.insert(key, running);
    }
}

fn admit(answer: oneshot::Sender<Answer>, text: String) {
    // A hook that went away does not come in: sshd's process is gone, or refuses.
    let _ = answer.send(Answer {
        admitted: true,
        text,
        proven: false,
    });
}

fn refuse(answer: oneshot::Sender<Answer>, text: String) {
    let _ = answer.send(Answer {
        admitted: false,
        text,
        proven: false,
    });
}
