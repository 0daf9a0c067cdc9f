//! Every page of help, frozen: what a person reads at three in the morning changes on purpose only.

use breakglass_broker::commands::Arguments;
use breakglass_client::cli::Cli;
use breakglass_tests::Playground;
use breakglass_tests::playground::{Process, Rules, binary};
use clap::CommandFactory as _;

use crate::golden;

/// The words of every command, hidden ones left out.
fn all_commands(command: &clap::Command, path: &[String], found: &mut Vec<Vec<String>>) {
    found.push(path.to_vec());
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        if sub.get_name() != "help" {
            let path = [path, &[sub.get_name().to_owned()]].concat();
            all_commands(sub, &path, found);
        }
    }
}

fn frozen(program: &str, command: &clap::Command) {
    let playground = Playground::empty(Rules::default());
    let mut commands = Vec::new();
    all_commands(command, &[], &mut commands);
    assert!(commands.len() > 5);
    for words in commands {
        let mut run = playground.command(binary(program));
        run.args(&words).arg("--help");
        let said = Process::spawn(run).finishes();
        assert_eq!(
            (said.code, said.err.as_str()),
            (0, ""),
            "{program} {words:?}"
        );
        assert!(
            said.out.lines().all(|line| line.chars().count() <= 100),
            "{words:?}: too wide"
        );
        let name = [&[program.to_owned()][..], &words].concat().join("-");
        golden::holds(&format!("help/{name}.txt"), &said.out);
    }
}

#[test]
fn the_help_of_glass_is_frozen() {
    frozen("glass", &Cli::command());
}

#[test]
fn the_help_of_glassd_is_frozen() {
    frozen("glassd", &Arguments::command());
}

#[test]
fn a_slip_of_the_finger_is_told_and_exits_2() {
    let playground = Playground::empty(Rules::default());
    for (program, words) in [
        ("glass", &["incidnet"][..]),
        ("glass", &["request"]),
        ("glass", &["exec", "deploy-shop", "-m", "why"]),
        ("glass", &["request", "deploy-shop", "--for", "soon"]),
        ("glassd", &["srve"]),
        ("glassd", &["init", "--listen", "nowhere"]),
    ] {
        let mut run = playground.command(binary(program));
        run.args(words);
        let said = Process::spawn(run).finishes();
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{words:?}: {said}");
        assert!(said.err.starts_with("error: "), "{said}");
    }
}

#[test]
fn completions_and_man_pages_are_there() {
    let playground = Playground::empty(Rules::default());
    for shell in ["bash", "zsh", "fish"] {
        let said = playground.done("nobody", &["completions", shell]);
        assert!(
            said.out.contains("glass") && said.out.len() > 1_000,
            "{shell}"
        );
    }
    let mut bash = playground.command("bash".into());
    bash.arg("-c")
        .arg("source /dev/stdin")
        .stdin(std::process::Stdio::piped());
    let mut bash = Process::spawn(bash);
    bash.hears(&playground.done("nobody", &["completions", "bash"]).out);
    let sourced = bash.finishes();
    assert_eq!(sourced.code, 0, "{sourced}");
}
