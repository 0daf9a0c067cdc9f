//! Somebody's terminal: tmux, from Debian's package, with one command on it.

use std::path::PathBuf;
use std::process::Command;

use breakglass_tests::Playground;
use breakglass_tests::wait::until;

/// A terminal of 110 columns and 40 rows, until it is dropped.
pub(crate) struct Terminal {
    socket: PathBuf,
}

impl Terminal {
    /// A command of somebody is run there.
    pub(crate) fn runs(playground: &Playground, who: &str, words: &[&str]) -> Self {
        let terminal = Self {
            // A socket's path has at most 107 bytes: not below a folder of a story.
            socket: std::env::temp_dir().join(format!("glass-tmux-{}-{who}", std::process::id())),
        };
        let glass = playground.glass_command(who, words);
        let mut command = playground.command("tmux".into());
        command
            .env("TERM", "screen-256color")
            .env("SHELL", "/bin/sh");
        let variables = glass
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?)));
        command
            .arg("-S")
            .arg(&terminal.socket)
            .args(["-f", "/dev/null", "new-session", "-d"]);
        command.args(["-x", "110", "-y", "40"]);
        for (name, value) in variables {
            let mut variable = name.to_os_string();
            variable.push("=");
            variable.push(value);
            command.arg("-e").arg(variable);
        }
        // More than one word: tmux runs them without a shell.
        command.arg(glass.get_program()).args(glass.get_args());
        let said = command.output().unwrap();
        assert!(said.status.success(), "tmux: {said:?}");
        terminal
    }

    /// Keys are pressed.
    pub(crate) fn types(&self, keys: &str) {
        let said = self.tmux(&["send-keys", "-l", "--", keys]);
        assert!(said.status.success(), "{said:?}");
    }

    /// Waits for the screen to show something; the screen.
    pub(crate) fn shows(&self, what: &str) -> String {
        until(what, "a screen is drawn when something comes", || {
            Some(self.screen()).filter(|screen| screen.contains(what))
        })
    }

    /// What stands there now.
    pub(crate) fn screen(&self) -> String {
        let said = self.tmux(&["capture-pane", "-p"]);
        String::from_utf8(said.stdout).unwrap()
    }

    /// Waits until the command has ended, and the terminal with it.
    pub(crate) fn is_left(&self) {
        until("the end", "what is left is no terminal", || {
            (!self.tmux(&["has-session"]).status.success()).then_some(())
        });
    }

    fn tmux(&self, words: &[&str]) -> std::process::Output {
        let mut tmux = Command::new("tmux");
        tmux.arg("-S")
            .arg(&self.socket)
            .args(words)
            .output()
            .unwrap()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.tmux(&["kill-server"]);
        let _ = std::fs::remove_file(&self.socket);
    }
}
