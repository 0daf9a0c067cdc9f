//! From the words typed to the exit code.

use std::{ffi::OsString, io};

use clap::{Parser as _, ValueEnum as _};

use crate::{
    cli::{Cli, Command},
    commands::{self, DONE, Seat},
    config::{Environment, Flags, Settings},
    error::{Error, exit},
    exec::shim,
    output::{Format, Printer},
};

/// Runs what was typed; the exit code is returned.
pub fn main(words: impl Iterator<Item = OsString>) -> u8 {
    let words: Vec<_> = words.collect();
    let cli = match Cli::try_parse_from(&words) {
        Ok(cli) => cli,
        Err(error) => return not_meant(&error, &words),
    };
    if let Command::Become(order) = &cli.command {
        // Only a handful of steps from here to the command; nothing of ours is set up.
        let error = shim::become_command(order);
        Printer::new(Format::Text).error(&Error::setup(error.to_string(), ""));
        return error.exit_code();
    }
    let printer = Printer::new(cli.flags.output.unwrap_or_default());
    match act(cli.flags, cli.command) {
        Ok(code) => code,
        Err((error, told)) => {
            told.unwrap_or(printer).error(&error);
            error.exit_code()
        }
    }
}

/// Help and version are errors to clap too; what is really one is told as every other error is.
fn not_meant(error: &clap::Error, words: &[OsString]) -> u8 {
    let code = u8::try_from(error.exit_code()).unwrap_or(exit::USAGE);
    let format = wanted_format(words);
    if code != 0 && format == Format::Json {
        let (what, next) = in_words(error);
        Printer::new(format).error(&Error::usage(what, next));
        return code;
    }
    match error.print() {
        Err(why) if why.kind() != io::ErrorKind::BrokenPipe => exit::OTHER,
        _ => code,
    }
}

/// How to print where the words cannot be read as a whole: what stands behind `-o`, else what the
/// environment and the files say.
fn wanted_format(words: &[OsString]) -> Format {
    let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
    let ours = words.iter().take_while(|word| *word != "--");
    let mut typed = None;
    let mut is_next = false;
    for word in ours {
        let value = match &**word {
            word if is_next => Some(word),
            word => word
                .strip_prefix("--output=")
                .or_else(|| word.strip_prefix("-o").filter(|rest| !rest.is_empty())),
        };
        is_next = !is_next && matches!(&**word, "-o" | "--output");
        typed = value.map(|value| value.trim_start_matches('=')).or(typed);
    }
    let flags = Flags {
        output: typed.and_then(|word| Format::from_str(word, true).ok()),
        ..Flags::default()
    };
    let settings = Settings::new(flags, Environment::of_process());
    settings
        .and_then(|settings| settings.format())
        .unwrap_or_default()
}

/// What clap says, in our two parts: what is wrong, and what to do.
fn in_words(error: &clap::Error) -> (String, String) {
    let text = error.render().to_string();
    let said = text.split("\n\n").next().unwrap_or_default();
    let what = said.strip_prefix("error: ").unwrap_or(said);
    let what: Vec<_> = what.split_whitespace().collect();
    let tip = text
        .lines()
        .find_map(|line| line.trim_start().strip_prefix("tip: "));
    let next = tip.unwrap_or("`--help` shows what can be typed");
    (what.join(" "), next.to_owned())
}

/// An error, and how to print it where that was found out.
type Failure = (Error, Option<Printer>);

fn act(flags: Flags, command: Command) -> Result<u8, Failure> {
    let settings =
        Settings::new(flags, Environment::of_process()).map_err(|error| (error, None))?;
    let printer = Printer::new(settings.format().map_err(|error| (error, None))?);
    let told = |error| (error, Some(printer.clone()));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|error| {
        told(Error::setup(
            format!("the system gives no event queue: {error}"),
            "try again",
        ))
    })?;
    let seat = Seat {
        settings,
        printer: printer.clone(),
    };
    let code = runtime
        .block_on(commands::run(command, &seat))
        .map_err(told)?;
    if code == DONE {
        printer.written().map_err(told)?;
    }
    Ok(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(words: &[&str]) -> Format {
        wanted_format(&words.iter().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn scripts_are_told_of_what_was_mistyped_as_they_asked() {
        for words in [
            &["glass", "-o", "json", "nonsense"][..],
            &["glass", "nonsense", "--output", "json"],
            &["glass", "-ojson"],
            &["glass", "--output=json", "-x"],
            &["glass", "-o", "text", "-o=json"],
        ] {
            assert_eq!(wanted(words), Format::Json, "{words:?}");
        }
        for words in [
            &["glass", "-o", "text", "nonsense"][..],
            &["glass", "exec", "x", "--", "tool", "-o", "json"],
        ] {
            assert_eq!(wanted(words), Format::Text, "{words:?}");
        }
    }

    #[test]
    fn what_clap_says_fits_our_two_lines() {
        let said = |words: &[&str]| in_words(&Cli::try_parse_from(words).unwrap_err());
        let (what, next) = said(&["glass", "reqest", "G-1"]);
        assert_eq!(what, "unrecognized subcommand 'reqest'");
        assert_eq!(next, "a similar subcommand exists: 'request'");
        let (what, next) = said(&["glass", "grants", "show"]);
        assert!(what.contains("<GRANT>"), "{what}");
        assert!(next.contains("--help"), "{next}");
    }
}
