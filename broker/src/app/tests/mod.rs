//! Stories about the use cases, told with a small broker in memory and a held clock.

mod acts;
pub(crate) mod doubles;
mod feed;
mod index;
mod issuing;
mod outside;
mod people;
mod questions;
mod seen;
mod streams;
mod targets;
mod tell;
mod ticking;
mod witnessed;
pub(crate) mod world;
