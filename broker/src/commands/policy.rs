//! `glassd policy`: check a policy, or read it in sentences, without a broker.

use std::path::PathBuf;

use super::stores::read_policy;
use super::{Failure, Printer};
use crate::config::Config;

/// Check a policy, or read it in sentences
#[derive(Debug, clap::Args)]
pub(super) struct PolicyCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Say what is wrong with a policy, with the line and the fix
    #[command(after_help = "Example:\n  glassd policy check policy.toml")]
    Check(File),
    /// Say for each person what they can do and cannot
    #[command(after_help = "Example:\n  glassd policy show policy.toml")]
    Show(File),
}

#[derive(Debug, clap::Args)]
struct File {
    /// The policy [default: the one in the config]
    file: Option<PathBuf>,
}

impl File {
    fn path(&self, config: impl Fn() -> Result<Config, Failure>) -> Result<PathBuf, Failure> {
        match &self.file {
            Some(file) => Ok(file.clone()),
            None => Ok(config()?.policy_file),
        }
    }
}

impl PolicyCommand {
    pub(super) fn run(
        &self,
        config: impl Fn() -> Result<Config, Failure>,
        printer: &mut Printer,
    ) -> Result<(), Failure> {
        match &self.what {
            What::Check(file) => {
                let file = file.path(config)?;
                let policy = read_policy(&file)?;
                for warning in policy.warnings() {
                    printer.note(format!("warning: {warning}"));
                }
                printer.line(format!("{} is fine: {}", file.display(), counted(&policy)));
            }
            What::Show(file) => printer.line(read_policy(&file.path(config)?)?.describe()),
        }
        Ok(())
    }
}

/// How much there is in it.
pub(super) fn counted(policy: &breakglass_domain::Policy) -> String {
    format!(
        "{} people, {} rights, {} rules",
        policy.people.len(),
        policy.rights.len(),
        policy.rules.len()
    )
}
