//! What gets in and, at greater length, what does not.

mod entries;
mod hostile;
mod live;
mod proofs;
mod setup;
mod tokens;

use serde_json::{Value, json};

use super::fixtures::*;
use super::*;
use crate::key::PrivateKey;
