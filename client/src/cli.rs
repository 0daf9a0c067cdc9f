//! What can be typed: the top level alone; each command describes itself in its own file.

use clap::{Args as _, CommandFactory as _, Parser, Subcommand};

use crate::{
    commands::{
        context, credential, drill, grant, guard, incident, ledger, me, people, policy, review,
        shell, targets, witness,
    },
    config::Flags,
    exec::{keeper::Keep, shim::Become},
};

/// Time-limited emergency access, only while an incident is open.
///
/// `glass` asks the broker for a right, waits for the approver, uses it and gives it back.
#[derive(Debug, Parser)]
#[command(name = "glass", version, max_term_width = 100, after_help = AFTER_HELP)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub struct Cli {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub flags: Flags,
    #[command(subcommand)]
    #[allow(missing_docs)]
    pub command: Command,
}

const AFTER_HELP: &str = "\
Something is broken right now:
  glass incident open \"shop: checkout fails\"      say so; everything else needs it
  glass can                                       what you may do
  glass exec deploy-shop -m \"revert\" -- ./deploy  do it, and give the access back
  glass watch                                     all of it on one screen
  glass incident close -m \"reverted\"              ends every access under it

Environment (a flag wins over it, it wins over the files):
  GLASS_CONFIG_DIR  folder of all contexts; usually ~/.config/glass
  GLASS_CONTEXT     as --context
  GLASS_SERVER      as --server
  GLASS_CA_FILE     the broker's CA, in place of the one pinned at enrolment
  GLASS_INCIDENT    as --incident
  GLASS_OUTPUT      as --output
  NO_COLOR          no colours

Exit codes:
  0 done   1 something else   2 cannot be meant that way
  80 no open incident   81 waiting for the approver   82 denied, not allowed or lapsed
  83 ended: expired, revoked, incident closed   84 the broker does not answer
  85 no entry in the ledger, or too few witnesses: nothing is issued   86 VERIFICATION FAILED
  `glass exec` passes on the exit code of its command, or 128 + its signal.";

/// One command.
#[derive(Debug, Subcommand)]
#[allow(missing_docs)] // the help of each is what its own file says
pub enum Command {
    Enroll(me::enroll::Args),
    Whoami(me::whoami::Args),
    Can(me::can::Args),
    Status(me::status::Args),
    Doctor(me::doctor::Args),
    #[command(subcommand)]
    Context(context::Command),
    #[command(subcommand)]
    Incident(incident::Command),
    Note(incident::note::Args),
    Watch(me::watch::Args),
    Request(grant::request::Args),
    Exec(grant::exec::Args),
    Ssh(grant::ssh::Args),
    Agent(grant::agent::Args),
    #[command(subcommand)]
    Credential(credential::Command),
    Grants(grant::list::Args),
    Extend(grant::extend::Args),
    Handover(grant::handover::Args),
    Drop(grant::drop::Args),
    Approve(grant::approve::Args),
    Deny(grant::deny::Args),
    Call(grant::call::Args),
    Revoke(grant::revoke::Args),
    SelfGrant(grant::self_grant::Args),
    Veto(grant::veto::Args),
    #[command(subcommand)]
    Drill(drill::Command),
    Freeze(people::freeze::Args),
    #[command(subcommand)]
    Ledger(ledger::Command),
    #[command(subcommand)]
    People(people::Command),
    #[command(subcommand)]
    Policy(policy::Command),
    Review(review::Args),
    #[command(subcommand)]
    Targets(targets::Command),
    #[command(subcommand)]
    Guard(guard::Command),
    #[command(subcommand)]
    Witness(witness::Command),
    Completions(shell::completions::Args),
    #[command(hide = true)]
    Man(shell::man::Args),
    #[command(name = crate::exec::shim::BECOME, hide = true)]
    Become(Become),
    #[command(name = crate::exec::shim::KEEP, hide = true)]
    Keep(Keep),
}

/// What people can type: all but the helpers that `glass exec` starts itself as.
#[must_use]
pub fn for_people() -> clap::Command {
    let whole = Cli::command();
    let is_helper = |name: &str| name.starts_with("__");
    let commands = whole.get_subcommands().cloned();
    let commands = commands.filter(|command| !is_helper(command.get_name()));
    let mut told = clap::Command::new("glass")
        .version(env!("CARGO_PKG_VERSION"))
        .after_help(AFTER_HELP)
        .subcommand_required(true)
        .subcommands(commands);
    if let Some(about) = whole.get_about() {
        told = told.about(about.clone());
    }
    if let Some(about) = whole.get_long_about() {
        told = told.long_about(about.clone());
    }
    Flags::augment_args(told)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn helpers_are_not_for_people() {
        let names = |command: &clap::Command| -> Vec<String> {
            let all = command.get_subcommands();
            all.map(|sub| sub.get_name().to_owned()).collect()
        };
        let (whole, told) = (names(&Cli::command()), names(&for_people()));
        assert!(whole.iter().any(|name| name.starts_with("__")));
        assert!(!told.iter().any(|name| name.starts_with("__")), "{told:?}");
        assert_eq!(whole.len(), told.len() + 2);
    }

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_has_an_example() {
        fn check(command: &clap::Command, path: &str) {
            for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
                let path = format!("{path} {}", sub.get_name());
                assert!(sub.get_about().is_some(), "{path} says nothing");
                if sub.get_subcommands().next().is_none() {
                    let after = sub
                        .get_after_help()
                        .map(ToString::to_string)
                        .unwrap_or_default();
                    assert!(
                        after.contains(&format!("{path} "))
                            || after.contains(&format!("{path}\n"))
                            || after.ends_with(&path),
                        "{path} has no example of itself: {after}"
                    );
                }
                check(sub, &path);
            }
        }
        check(&Cli::command(), "glass");
    }

    #[test]
    fn common_flags_stand_anywhere() {
        for words in [
            &["glass", "--context", "work", "whoami"][..],
            &["glass", "whoami", "--context", "work"],
        ] {
            let cli = Cli::try_parse_from(words).unwrap();
            assert_eq!(cli.flags.context.as_deref(), Some("work"));
        }
    }

    #[test]
    fn everything_behind_two_dashes_belongs_to_the_command() {
        let words = [
            "glass",
            "exec",
            "deploy-shop",
            "-m",
            "why",
            "--",
            "./deploy",
            "--context",
            "prod",
        ];
        let cli = Cli::try_parse_from(words).unwrap();
        assert_eq!(cli.flags.context, None);
        let Command::Exec(args) = cli.command else {
            panic!("not exec")
        };
        assert_eq!(args.command, ["./deploy", "--context", "prod"]);
    }

    #[test]
    fn lengths_are_read_as_people_write_them() {
        let read = |length: &str| {
            let words = ["glass", "request", "deploy-shop", "--for", length];
            let Command::Request(args) = Cli::try_parse_from(words)?.command else {
                panic!()
            };
            Ok::<_, clap::Error>(args.asking.length.unwrap().as_secs())
        };
        for (text, seconds) in [
            ("15m", 900),
            ("1h30m", 5_400),
            ("90s", 90),
            ("PT20M", 1_200),
        ] {
            assert_eq!(read(text).unwrap(), seconds);
        }
        for text in ["15", "0s", "-5m", "soon", "", "9999999999h", "1.5s"] {
            let why = read(text).unwrap_err().to_string();
            assert!(!why.contains("unexpected argument"), "{text}: {why}");
        }
    }
}
