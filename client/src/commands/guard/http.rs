//! `glass guard http`

use std::sync::Arc;

use sd_notify::NotifyState;
use tokio::sync::mpsc;

use crate::{
    commands::{DONE, Seat},
    error::Error,
    guard::{
        attend::{self, Heard, News, Post},
        http::{Gate, serve},
    },
    output::Printer,
    verify::Keys,
};

pub use crate::guard::http::Args;

/// Answers the proxy until SIGTERM or Ctrl-C.
///
/// # Errors
/// [`Error::Usage`] for what was typed, [`Error::Setup`] where this host is not enrolled or the port
/// cannot be had. That the broker is out of reach is none: nobody is let in meanwhile.
pub async fn run(args: Args, seat: &Seat) -> Result<u8, Error> {
    let post = Post::of(&seat.settings, &seat.printer)?;
    let gate = Arc::new(args.gate(post.issuer(), post.ledger(), post.newest().clone())?);
    let listener = args.listener().await?;
    let stop = super::stopped()?;
    seat.printer.note(format!(
        "the guard of {} listens on {} for {}",
        post.target(),
        args.listen,
        args.audience
    ));
    // Outside of systemd there is nobody to tell.
    let _ = sd_notify::notify(&[NotifyState::Ready]);
    let (said, mut news) = mpsc::channel(1);
    let holding = tokio::spawn(attend::hold(Arc::new(post), said));
    let hearing = async {
        let mut ear = Ear::new(Arc::clone(&gate), seat.printer.clone());
        while let Some(heard) = news.recv().await {
            ear.hears(heard);
        }
    };
    tokio::select! {
        () = serve(listener, Arc::clone(&gate), stop) => {}
        () = hearing => {}
    }
    holding.abort();
    Ok(DONE)
}

/// Passes on to the gate what the broker says; live grants and ticks reach it by themselves.
struct Ear {
    gate: Arc<Gate>,
    printer: Printer,
    said_lost: bool,
    was_heard: bool,
}

impl Ear {
    fn new(gate: Arc<Gate>, printer: Printer) -> Self {
        Self {
            gate,
            printer,
            said_lost: false,
            was_heard: false,
        }
    }

    fn hears(&mut self, heard: Heard) {
        match heard {
            Heard::Lost(error) => {
                if !std::mem::replace(&mut self.said_lost, true) {
                    self.printer.warn(format!("the broker is lost: {error}"));
                }
            }
            Heard::News(news, _) => {
                let first = !std::mem::replace(&mut self.was_heard, true);
                if std::mem::take(&mut self.said_lost) || first {
                    self.printer.note("the broker is heard");
                }
                self.takes_in(&news);
            }
        }
    }

    fn takes_in(&self, news: &News) {
        if let Some(grace) = news.grace {
            // A tick comes every two seconds, and one that is late is no reason to shut the door.
            let grace = grace.max(attend::TICK_TIMEOUT);
            self.gate.verifier.replace_fresh_for(grace);
        }
        if let Some(jwks) = &news.jwks {
            match Keys::parse(jwks) {
                Ok(keys) => self.gate.verifier.replace_keys(keys),
                Err(why) => self.printer.warn(format!(
                    "the broker's keys cannot be read, and those before them stay: {why}"
                )),
            }
        }
    }
}
