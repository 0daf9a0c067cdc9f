//! What the published formats promise, told as stories, against published vectors and an oracle.

#![allow(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

mod adding;
mod checkpoints;
mod cosigned;
mod ledger;
mod notes;
mod proofs;
mod published;
mod receipts;
mod successions;
mod tiles;
mod trees;
