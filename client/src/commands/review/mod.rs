//! Looking at what happened, when it is over.

pub mod answers;
pub mod incident;
