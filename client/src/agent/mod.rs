//! An ssh-agent inside `glass` (draft-miller-ssh-agent): the key and the certificate of one
//! `glass exec`, in memory only.
//!
//! | file | what |
//! |---|---|
//! | `keys` | the key, the certificate, and giving them up |
//! | `protocol` | a request's bytes in, an answer's bytes out |
//! | `socket` | who may ask, how much, how often |
//! | `wire` | how SSH writes things down |
//!
//! What holds:
//!
//! - The private key never leaves this process: not to a file, not to a child, not over the socket.
//! - One identity is shown: the certificate. The bare key is not, because no host knows it, and each
//!   identity that is tried counts against `MaxAuthTries`.
//! - Nothing can be added, removed or locked from outside: only listing and signing is answered.
//! - Only this user's processes are heard. Whoever can act as this user can sign while `glass` runs,
//!   and not after.
//! - Nothing that passes here is traced.

mod keys;
mod protocol;
mod socket;
#[cfg(test)]
mod tests;
pub(crate) mod wire;

pub use keys::{LoginKey, certificate_line, point_of_line};
pub use socket::Agent;
