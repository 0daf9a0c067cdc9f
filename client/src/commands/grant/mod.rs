//! Requests and grants.

pub mod agent;
pub mod approve;
pub mod call;
pub mod deny;
pub mod drop;
pub mod exec;
pub mod extend;
pub mod handover;
pub mod list;
pub mod request;
pub mod revoke;
pub mod self_grant;
pub mod ssh;
pub mod veto;

mod asking;

pub use asking::{Asking, own_grant, until_begun};
