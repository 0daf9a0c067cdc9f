//! This laptop and whoever sits before it.

pub mod can;
pub mod doctor;
pub mod enroll;
pub mod status;
pub mod watch;
pub mod whoami;
