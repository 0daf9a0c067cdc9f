//! Stories with the programs people really use on their targets.

mod aws;
mod kubernetes;
