//! The stream to the broker, opened again whenever it breaks, for ever.

use std::{future::Future, sync::Arc, time::Duration};

use tokio::{
    sync::mpsc,
    time::{Instant, sleep, timeout},
};

use super::{
    limits::{FIRST_RETRY, LONGEST_RETRY, TICK_TIMEOUT},
    news::News,
};
use crate::error::Error;

/// Whoever can be attended: the broker, or in tests one that says what the test says.
pub trait Attended: Send + Sync + 'static {
    /// What comes over an open stream.
    type Attending: Attending;

    /// Opens the stream. Its first item has the standing, and the KRL where there is one.
    fn attend(&self) -> impl Future<Output = Result<Self::Attending, Error>> + Send;
}

/// An open stream of the broker.
pub trait Attending: Send + 'static {
    /// The next thing. Its end is [`Error::Unreachable`]. The stream is of no more use where the
    /// call is cancelled.
    fn next(&mut self) -> impl Future<Output = Result<News, Error>> + Send;
}

/// What came over it, and when.
#[derive(Debug)]
pub enum Heard {
    /// A message.
    News(Box<News>, Instant),
    /// It broke.
    Lost(Error),
}

/// Holds it until nobody listens to us. A broker that refuses us is asked again too: whoever took
/// this target out of the policy may put it back.
pub async fn hold<A: Attended>(broker: Arc<A>, heard: mpsc::Sender<Heard>) {
    let mut pause = Duration::ZERO;
    loop {
        sleep(pause).await;
        match attend(&*broker, &heard, &mut pause).await {
            None => return,
            Some(error) => {
                if heard.send(Heard::Lost(error)).await.is_err() {
                    return;
                }
            }
        }
        pause = (pause * 2).clamp(FIRST_RETRY, LONGEST_RETRY);
    }
}

/// Until it breaks; `None` where nobody listens.
async fn attend<A: Attended>(
    broker: &A,
    heard: &mpsc::Sender<Heard>,
    pause: &mut Duration,
) -> Option<Error> {
    let mut stream = match timeout(TICK_TIMEOUT, broker.attend()).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return Some(error),
        Err(_) => return Some(silent()),
    };
    loop {
        // It ticks: silence means that it is gone, though no packet says so.
        match timeout(TICK_TIMEOUT, stream.next()).await {
            Ok(Ok(news)) => {
                *pause = Duration::ZERO;
                let news = Heard::News(Box::new(news), Instant::now());
                heard.send(news).await.ok()?;
            }
            Ok(Err(error)) => return Some(error),
            Err(_) => return Some(silent()),
        }
    }
}

fn silent() -> Error {
    Error::Unreachable {
        what: "the broker has fallen silent".to_owned(),
        next: "it is called again".to_owned(),
    }
}
