//! glassd: the broker.

use std::process::ExitCode;

use breakglass_broker::commands;

fn main() -> ExitCode {
    commands::main()
}
