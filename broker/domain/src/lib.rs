//! The rules of breakglass, and nothing else: no I/O, no async, no clock, no protobuf.
//!
//! State is a fold over events. [`decide`](decide::decide) answers a [`Command`] at a time with the
//! events it leads to or a [`Refusal`]; [`State::apply`] folds an event in; [`due`](due::due) names
//! what time itself has brought about. Time and chance are handed in.

pub mod access_review;
pub mod actor;
mod alone;
pub mod apply;
pub mod budget;
pub mod command;
pub mod credential;
pub mod decide;
pub mod deliveries;
pub mod drill;
pub mod due;
pub mod event;
pub mod folding;
pub mod grant;
pub mod id;
pub mod incident;
pub mod invitation;
pub mod last;
mod leaving;
pub mod limits;
pub mod people;
pub mod played;
pub mod policy;
pub mod refusal;
pub mod restoring;
pub mod review;
pub mod state;
pub mod stream;
pub mod targets;
pub mod text;
pub mod time;
pub mod unlock;
pub mod witnessing;
pub mod word;

pub use actor::Actor;
pub use command::{Act, Command};
pub use credential::{CredentialKind, Subject};
pub use deliveries::Delivery;
pub use event::{Change, Event, Signed};
pub use grant::{Basis, Ending, Escalation, Grant, GrantRef};
pub use id::{
    CredentialId, GrantId, IncidentId, KeyId, Nonce, PersonId, RightId, RuleName, SessionId,
    SourceId, StreamName, TargetId, TokenHash, WitnessId,
};
pub use incident::{Alert, Incident, Severity};
pub use policy::Policy;
pub use refusal::Refusal;
pub use review::{Answer, Width};
pub use state::State;
pub use text::{Line, Prose};
pub use time::{Lifetime, Time};
pub use witnessing::WitnessWord;
