//! `glass doctor` on a guard's host: what the broker says to this guard, and what it says of sshd.

use tokio::time::timeout;

use super::{Check, sshd};
use crate::{
    commands::Seat,
    error::Error,
    guard::attend::{Attended as _, Attending as _, News, Post, TICK_TIMEOUT},
};

/// Attends for a moment, as the guard does, and goes by what comes first.
pub(super) async fn check(seat: &Seat, checks: &mut Vec<Check>) {
    let news = match attend(seat).await {
        Ok(news) => news,
        Err(error) => {
            checks.push(error.into());
            // Whatever kind of target this is: sshd's part can be looked at without the broker.
            return sshd::check(None, None, checks).await;
        }
    };
    checks.push(match news.tick {
        Some(_) => Check::good(
            "the ledger's key signs the broker's ticks, and they go on from what was seen before",
        ),
        None => Check::bad(
            "the broker's tick is older than one that was heard already",
            "compare the clocks: glass doctor, on the broker's host timedatectl",
        ),
    });
    if let Some(standing) = &news.standing {
        let live = standing.live.len();
        checks.push(Check::good(format!(
            "live grants that lead here now: {live}"
        )));
    }
    if let Some(krl) = news.krl {
        sshd::check(Some(&krl), news.user_ca.as_deref(), checks).await;
    }
}

async fn attend(seat: &Seat) -> Result<News, Error> {
    let post = Post::of(&seat.settings, &seat.printer)?;
    let first = async { post.attend().await?.next().await };
    let silent = |_| Error::Unreachable {
        what: "the broker does not tell this guard how things stand".to_owned(),
        next: "look at the broker's tracing output".to_owned(),
    };
    timeout(TICK_TIMEOUT, first).await.map_err(silent)?
}
