//! What the published formats promise, told as stories, against published vectors and an oracle.

mod checkpoints;
mod ledger;
mod notes;
mod proofs;
mod receipts;
mod tiles;
mod trees;
