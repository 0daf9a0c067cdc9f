//! The one way to wait where nothing tells: look again and again, with a reason and an end.

use std::time::{Duration, Instant};

/// How often is looked.
const EVERY: Duration = Duration::from_millis(10);

/// The longest anything in a story may take on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Looks until there is something; `because` says why nothing tells us when.
///
/// # Panics
/// After [`PATIENCE`], saying what was waited for.
#[expect(clippy::disallowed_methods, reason = "the one place; see `because`")]
pub fn until<T>(what: &str, because: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(
            began.elapsed() < PATIENCE,
            "{what}: not within {PATIENCE:?} (polled: {because})"
        );
        std::thread::sleep(EVERY);
    }
}

/// The same for what has to be awaited to be looked at.
///
/// # Panics
/// As [`until`].
pub async fn until_async<T>(
    what: &str,
    because: &str,
    mut look: impl AsyncFnMut() -> Option<T>,
) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(
            began.elapsed() < PATIENCE,
            "{what}: not within {PATIENCE:?} (polled: {because})"
        );
        tokio::time::sleep(EVERY).await;
    }
}

/// Waits for an event, and not for ever.
///
/// # Panics
/// After [`PATIENCE`], saying what was waited for.
pub async fn soon<T>(what: &str, event: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, event).await {
        Ok(happened) => happened,
        Err(_) => panic!("{what}: not within {PATIENCE:?}"),
    }
}
