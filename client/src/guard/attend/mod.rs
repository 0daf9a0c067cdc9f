//! What every guard does: it holds one stream to the broker across breaks, for ever, and believes of
//! it what the pinned key of the ledger has signed.
//!
//! | file | what it knows |
//! |---|---|
//! | `news` | what is heard, in words of our own |
//! | `hold` | the stream, opened again whenever it breaks |
//! | `post` | the real broker: the connection, the certificate that renews itself |
//! | `ticks` | whether a tick can be true; the evidence where it cannot |
//! | `limits` | how often, how long |
//!
//! State, not events: whatever is not in the newest [`Standing`] is over, so that nothing has to be
//! heard that was missed while the stream was broken.

mod hold;
mod limits;
mod news;
mod post;
#[cfg(test)]
mod tests;
mod ticks;

pub use self::{
    hold::{Attended, Attending, Heard, hold},
    limits::TICK_TIMEOUT,
    news::{EndedGrant, Live, News, Standing},
    post::{Post, Stream},
};
