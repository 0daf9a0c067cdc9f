//! For the shell and the manual.

pub mod completions;
pub mod man;
