//! What real targets make of the credentials: other people's servers, started by the tests.

// clippy.toml allows it in tests; clippy takes only functions with #[test] for one, not their helpers.
#![allow(clippy::unwrap_used)]

mod ssh;
