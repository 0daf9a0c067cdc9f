//! Guards: what runs beside a target, lets in who has a live grant, and cuts who has none any more.
//!
//! | module | what it knows |
//! |---|---|
//! | [`attend`] | the line to the broker that every guard holds |
//! | [`entries`] | the ledger that credentials have to prove their entries in |
//! | [`http`] | the guard of an HTTP service, which a proxy asks |
//! | [`ssh`] | the guard beside an sshd |

pub mod attend;
pub mod entries;
pub mod http;
#[cfg(target_os = "linux")]
pub mod ssh;
