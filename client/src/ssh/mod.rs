//! `glass ssh HOST`, the parts that only think: which right leads to a host, and how the unchanged
//! OpenSSH client is told to use its certificate, to know the host, and to leave nothing open.

mod arguments;
mod destination;
mod known_hosts;
mod reach;

pub use arguments::Call;
pub use destination::{Address, Destination};
pub use known_hosts::{HostCa, is_certified};
pub use reach::{Found, Reach, Target, find};
