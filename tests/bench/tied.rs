//! Programs that end with the bench, however it ends: a broker that a killed bench left behind would
//! keep its cores and its memory, and be measured along with the next one.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::path::Path;

use rustix::process::{Pid, Signal, getppid, set_parent_process_death_signal};
use tokio::process::Command;

use crate::Outcome;

/// How to start a program so. It has the id that the command tells: the process asks the kernel to be
/// killed with its parent (`PR_SET_PDEATHSIG` of prctl(2)), and becomes the program then.
pub(crate) fn tied(program: &Path) -> Outcome<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    let parent = std::process::id().to_string();
    command.args(["tied", &parent]).arg(program).arg("--");
    Ok(command)
}

/// The process in between. Ends at once where the bench did before the kernel was asked.
pub(crate) fn become_it(parent: i32, program: &Path, arguments: &[OsString]) -> Outcome<()> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    if getppid() != Pid::from_raw(parent) {
        return Err("the bench is over".into());
    }
    let mut command = std::process::Command::new(program);
    // Where it is another program now, this does not return.
    Err(command.args(arguments).exec().into())
}
