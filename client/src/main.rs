//! `glass`: see the library for everything.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(breakglass_client::main(std::env::args_os()))
}
