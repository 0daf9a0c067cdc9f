//! What happens, what is typed and what time it is, one after the other, until somebody quits.

use std::{future::Future, io, pin::Pin, time::Duration};

use breakglass_proto::v1;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    time::{Instant, MissedTickBehavior, interval, sleep_until, timeout},
};

use super::{
    errand::{self, Outcome},
    keys::{Key, Keys},
    model::{Model, Wish},
    paint::{fits, paint},
    terminal::{self, Terminal},
};
use crate::{
    error::Error,
    keyboard,
    session::Session,
    stream::{News, Resumed},
    timeline::{self, Item},
    watching::Watching,
};

/// Exit code where somebody ended us: as if by SIGTERM.
const TERMINATED: u8 = 128 + 15;

/// How often countdowns move.
const TICK: Duration = Duration::from_secs(1);

/// How often how things stand is asked for where nothing happens: troubles come without an entry.
const ASKED_AGAIN: Duration = Duration::from_secs(10);

/// The same while the broker is lost.
const TRIED_AGAIN: Duration = Duration::from_secs(2);

/// How long the broker may be silent until it is called lost: countdowns of a screen are believed.
const SILENT: Duration = Duration::from_secs(5);

/// How long a lone Escape waits for the rest of a sequence: a slow line sends it in parts.
const ESCAPE_WAITS: Duration = Duration::from_millis(50);

/// As much of the past as there is to begin with.
const PAST: usize = 100;

type Happening = Result<News<v1::WatchResponse>, Error>;

type Errand<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Everything that goes on.
struct Live<'a> {
    session: &'a Session,
    terminal: &'a Terminal,
    model: Model,
    typed: UnboundedReceiver<Vec<u8>>,
    keys: Keys,
    /// When a lone Escape is taken for the key.
    escape_at: Option<Instant>,
    doing: Option<Errand<Result<Outcome, Error>>>,
    asking: Option<Errand<Result<v1::GetStatusResponse, Error>>>,
    ask_at: Instant,
}

/// Shows it until somebody quits; the exit code.
///
/// # Errors
/// What waiting does not mend.
pub(super) async fn until_quit(session: &Session, terminal: &Terminal) -> Result<u8, Error> {
    // The place first: what happens afterwards comes as an event.
    let from = session.next_index().await?;
    let past = timeline::newest(session, "", Some(from), PAST).await?;
    let (me, server) = (session.person(), &session.context().server);
    let mut model = Model::new(me.to_owned(), server.to_string(), terminal::size());
    past.items.into_iter().for_each(|item| model.happens(item));
    let mut live = Live {
        session,
        terminal,
        model,
        typed: typed(),
        keys: Keys::default(),
        escape_at: None,
        doing: None,
        asking: None,
        ask_at: Instant::now(),
    };
    live.stands(asked(session.clone()).await?);
    live.go_on(from).await
}

impl Live<'_> {
    async fn go_on(&mut self, from: u64) -> Result<u8, Error> {
        let mut ends = ends().map_err(|why| lost_terminal(&why))?;
        let mut resized = hear(SignalKind::window_change())?;
        let mut continued = hear(SignalKind::from_raw(rustix::process::Signal::CONT.as_raw()))?;
        let mut events = events(self.session.clone(), from);
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            self.draw()?;
            tokio::select! {
                biased;
                () = one_of(&mut ends) => return Ok(TERMINATED),
                bytes = self.typed.recv() => {
                    // Without a keyboard nobody sits there any more.
                    let Some(bytes) = bytes else { return Ok(TERMINATED) };
                    if let Some(code) = self.typed(&bytes)? {
                        return Ok(code);
                    }
                }
                () = until(self.escape_at) => {
                    self.escape_at = None;
                    if let Some(key) = self.keys.settle()
                        && let Some(code) = self.key(key)?
                    {
                        return Ok(code);
                    }
                }
                _ = resized.recv() => self.model.size = terminal::size(),
                _ = continued.recv() => self.enter_again()?,
                outcome = done(&mut self.doing) => self.did(outcome)?,
                stands = done(&mut self.asking) => self.heard(stands)?,
                Some(news) = events.recv() => self.happens(news?),
                _ = tick.tick() => {}
            }
            if Instant::now() >= self.ask_at && self.asking.is_none() {
                self.asking = Some(Box::pin(asked(self.session.clone())));
            }
        }
    }

    fn draw(&self) -> Result<(), Error> {
        let lines = paint(&self.model, self.session.now());
        let shown = self.terminal.show(&lines, self.model.size);
        shown.map_err(|why| lost_terminal(&why))
    }

    fn enter_again(&mut self) -> Result<(), Error> {
        self.model.size = terminal::size();
        self.terminal.enter().map_err(|why| lost_terminal(&why))
    }

    /// The exit code, where one of the keys means an end.
    fn typed(&mut self, bytes: &[u8]) -> Result<Option<u8>, Error> {
        let keys = self.keys.feed(bytes);
        let waits = self.keys.is_waiting();
        self.escape_at = waits.then(|| Instant::now() + ESCAPE_WAITS);
        for key in keys {
            if let Some(code) = self.key(key)? {
                return Ok(Some(code));
            }
        }
        Ok(None)
    }

    /// The exit code, where the key means an end.
    fn key(&mut self, key: Key) -> Result<Option<u8>, Error> {
        let fits = fits(&self.model, self.session.now());
        match self.model.key(key, fits) {
            None => {}
            Some(Wish::Quit) => return Ok(Some(0)),
            Some(Wish::Redraw) => self.enter_again()?,
            Some(wish) => self.doing = Some(Box::pin(errand::run(self.session.clone(), wish))),
        }
        Ok(None)
    }

    fn did(&mut self, outcome: Result<Outcome, Error>) -> Result<(), Error> {
        match outcome {
            Ok(Outcome::Shown(decision)) => {
                // What was typed before the request stood there answers nothing.
                keyboard::forget_typed_ahead();
                while self.typed.try_recv().is_ok() {}
                self.keys = Keys::default();
                self.model.looked(Ok(*decision));
            }
            Ok(Outcome::Done(text, status)) => {
                if let Some(status) = status {
                    self.stands(*status);
                }
                self.model.did(Ok(text));
            }
            Err(error @ Error::Unverified { .. }) => return Err(error),
            Err(error) => self.model.did(Err(in_words(&error))),
        }
        Ok(())
    }

    fn happens(&mut self, news: News<v1::WatchResponse>) {
        match news {
            News::Came(event) => {
                self.model.happens(Item::from(&event));
                self.ask_at = Instant::now();
            }
            News::Lost(error) => self.loses(&error),
        }
    }

    fn heard(&mut self, stands: Result<v1::GetStatusResponse, Error>) -> Result<(), Error> {
        match stands {
            Ok(stands) => self.stands(stands),
            Err(error) if error.is_passing() => self.loses(&error),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn stands(&mut self, status: v1::GetStatusResponse) {
        self.model.stands(status);
        self.ask_at = Instant::now() + ASKED_AGAIN;
    }

    fn loses(&mut self, error: &Error) {
        self.model.loses(self.session.now(), error.to_string());
        self.ask_at = Instant::now() + TRIED_AGAIN;
    }
}

fn in_words(error: &Error) -> String {
    match error.next() {
        Some(next) => format!("{error}. {next}"),
        None => error.to_string(),
    }
}

async fn asked(session: Session) -> Result<v1::GetStatusResponse, Error> {
    let silent = |_| Error::Unreachable {
        what: format!("the broker has said nothing for {} s", SILENT.as_secs()),
        next: String::new(),
    };
    timeout(SILENT, session.status()).await.map_err(silent)?
}

/// The result of what is being done; never, where nothing is.
async fn done<T>(errand: &mut Option<Errand<T>>) -> T {
    let Some(running) = errand else {
        return std::future::pending().await;
    };
    let result = running.await;
    *errand = None;
    result
}

async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

/// What happens, from a place in the ledger on. A task of its own, so that nothing here breaks off
/// its pauses before it tries again.
fn events(session: Session, from: u64) -> UnboundedReceiver<Happening> {
    let (send, events) = unbounded_channel();
    tokio::spawn(async move {
        let mut stream = Resumed::new(&session, Watching::default(), Some(from));
        loop {
            let mut news = stream.next().await;
            if let Ok(News::Came(event)) = &news
                && let Err(another) = session.compare_told(event.index, &event.by).await
            {
                news = Err(another);
            }
            let is_over = news.is_err();
            if send.send(news).is_err() || is_over {
                return;
            }
        }
    });
    events
}

/// What is typed, as it comes; ends with the keyboard.
fn typed() -> UnboundedReceiver<Vec<u8>> {
    let (send, typed) = unbounded_channel();
    // A read of a terminal cannot be awaited without changing it for the shell too; so it has a
    // thread of its own, which ends with the program.
    std::thread::spawn(move || {
        let mut bytes = [0; 1024];
        loop {
            match rustix::io::read(io::stdin(), &mut bytes) {
                Ok(0) => return,
                Ok(read) if send.send(bytes[..read].to_vec()).is_ok() => {}
                Err(rustix::io::Errno::INTR) => {}
                _ => return,
            }
        }
    });
    typed
}

/// Ctrl-C is a key here; as signals they come from elsewhere.
fn ends() -> io::Result<[Signal; 3]> {
    Ok([
        signal(SignalKind::terminate())?,
        signal(SignalKind::hangup())?,
        signal(SignalKind::interrupt())?,
    ])
}

async fn one_of([terminate, hangup, interrupt]: &mut [Signal; 3]) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
        _ = interrupt.recv() => {}
    }
}

fn hear(kind: SignalKind) -> Result<Signal, Error> {
    signal(kind).map_err(|why| lost_terminal(&why))
}

fn lost_terminal(why: &io::Error) -> Error {
    Error::setup(
        format!("the terminal is gone: {why}"),
        "start it again: glass watch",
    )
}
