//! What the stories share.
//!
//! | module | what |
//! |---|---|
//! | [`world`] | a broker in this process with a clock that is held, and the team enrolled with it |
//! | [`playground`] | the real `glassd` and `glass` as processes in a folder of their own |
//! | [`held`] | the clock that is held, and chance from a seed |
//! | [`https`], [`jwt`] | what a target does: fetch keys, check a token; with code of our own |
//! | [`wait`] | the one way to wait where nothing tells |

pub mod held;
pub mod https;
pub mod jwt;
pub mod playground;
pub mod wait;
pub mod world;

pub use playground::Playground;
pub use world::World;

/// The example team, as the starter policy has it.
pub const TEAM: [&str; 5] = ["mia", "leon", "founder", "designer", "support"];
