//! `glass guard login`: PAM runs it, nobody types it.

use crate::{
    commands::Seat,
    guard::ssh::login::{self, Told},
};

pub use crate::guard::ssh::login::Args;

/// Decides about the login; PAM refuses it on any exit code but 0.
pub async fn run(args: &Args, seat: &Seat) -> u8 {
    login::run(args, &Told::of_process(), &seat.printer).await
}
