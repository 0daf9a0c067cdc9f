//! The arguments of `ssh` (ssh(1), ssh_config(5)).

use std::{ffi::OsString, path::Path};

use super::destination::Address;
use crate::error::Error;

/// One call of the unchanged OpenSSH client.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// The socket of our agent.
    pub agent: &'a Path,
    /// Where.
    pub address: &'a Address,
    /// As whom.
    pub login: &'a str,
    /// A file that [`HostCa::known_hosts`](super::HostCa::known_hosts) gave, for a host that can show a
    /// certificate; for any other ssh knows hosts the way it is configured, and may ask.
    pub known_hosts: Option<&'a Path>,
    /// What was typed for ssh itself, `-v`, `-L ...`; it wins over ours.
    pub options: &'a [OsString],
    /// What to run there; a shell where empty.
    pub command: &'a [OsString],
}

/// What a configuration could say to keep our certificate from being used, or to keep the access
/// open when it is over. ssh takes the first value it hears, and hears us before its files. Nothing
/// here is younger than OpenSSH 7.0.
const ALWAYS: [&str; 9] = [
    // The certificate or nothing: no key that lies on the disk anyway, no password. The name of the
    // option is the one from before OpenSSH 8.5, which later ones know too.
    "PubkeyAuthentication=yes",
    "PreferredAuthentications=publickey",
    "PubkeyAcceptedKeyTypes=ecdsa-sha2-nistp256-cert-v01@openssh.com",
    // Whatever the agent shows, and no question for the passphrase of a key that is not wanted.
    "IdentitiesOnly=no",
    "IdentityFile=none",
    // Who is root there could sign with it as long as it lives.
    "ForwardAgent=no",
    // A connection that is there already was not opened with this certificate, and one that stays
    // would outlive this command.
    "ControlMaster=no",
    "ControlPath=none",
    "ControlPersist=no",
];

/// What goes with an authority for hosts: no question, and nothing learnt.
const FLEET: [&str; 2] = ["StrictHostKeyChecking=yes", "UpdateHostKeys=no"];

/// Where ssh finds the hosts everybody on this machine knows (ssh_config(5), `GlobalKnownHostsFile`).
const SYSTEM_WIDE: &str = "/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2";

impl Call<'_> {
    /// Everything behind `ssh`.
    ///
    /// # Errors
    /// [`Error::Setup`] where one of our paths cannot be written into an option.
    pub fn arguments(&self) -> Result<Vec<OsString>, Error> {
        let mut arguments = self.options.to_vec();
        let mut option = |text: &str| arguments.extend(["-o".into(), text.into()]);
        option(&format!("IdentityAgent={}", quoted(self.agent)?));
        ALWAYS.iter().for_each(|text| option(text));
        if let Some(known_hosts) = self.known_hosts {
            FLEET.iter().for_each(|text| option(text));
            // Beside the system's own, and the person's stay as they are configured: a host whose
            // plain key somebody knows is no stranger, though its certificate was never installed.
            let known_hosts = in_quotes(known_hosts)?;
            option(&format!("GlobalKnownHostsFile={known_hosts} {SYSTEM_WIDE}"));
            // The host's certificate names the host, whatever the port and the name it is
            // configured to be reached by.
            option(&format!("HostKeyAlias={}", self.address.host));
        }
        if let Some(port) = self.address.port {
            option(&format!("Port={port}"));
        }
        option(&format!("User={}", self.login));
        // Behind `--` nothing is an option any more, neither the host nor the command.
        arguments.extend(["--".into(), OsString::from(&self.address.host)]);
        arguments.extend_from_slice(self.command);
        Ok(arguments)
    }
}

/// A path as `IdentityAgent` takes it: with `%` doubled, which would begin a token (ssh_config(5),
/// "TOKENS").
fn quoted(path: &Path) -> Result<String, Error> {
    Ok(in_quotes(path)?.replace('%', "%%"))
}

/// A path as an option's value takes it. `$` would begin a variable, `\` an escape; neither can be
/// escaped.
fn in_quotes(path: &Path) -> Result<String, Error> {
    let text = path.to_str().filter(|text| {
        let plain = |c: char| !c.is_control() && !"\"\\$".contains(c);
        path.is_absolute() && text.chars().all(plain)
    });
    let text = text.ok_or_else(|| {
        Error::setup(
            format!("ssh cannot be told of {}", path.display()),
            "set XDG_RUNTIME_DIR or TMPDIR to a folder without quotes, `$` and `\\` in its name",
        )
    })?;
    Ok(format!("\"{text}\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(call: &Call<'_>) -> Vec<String> {
        let arguments = call.arguments().unwrap();
        arguments
            .into_iter()
            .map(|it| it.into_string().unwrap())
            .collect()
    }

    #[test]
    fn what_was_typed_comes_first_and_the_command_last() {
        let address = Address::parse("web-1.shop.example:2222").unwrap();
        let (options, command) = (["-v".into()], ["uptime".into(), "-p".into()]);
        let mut call = Call {
            agent: Path::new("/run/user/1000/glass/agent.sock"),
            address: &address,
            login: "deploy",
            known_hosts: Some(Path::new("/run/50% full/known_hosts")),
            options: &options,
            command: &command,
        };
        let mut expected = vec!["-v"];
        let agent = "IdentityAgent=\"/run/user/1000/glass/agent.sock\"";
        let known_hosts =
            format!("GlobalKnownHostsFile=\"/run/50% full/known_hosts\" {SYSTEM_WIDE}");
        let ours = [agent].into_iter().chain(ALWAYS);
        let ours = ours.chain(FLEET).chain([
            &known_hosts,
            "HostKeyAlias=web-1.shop.example",
            "Port=2222",
            "User=deploy",
        ]);
        ours.for_each(|option| expected.extend(["-o", option]));
        expected.extend(["--", "web-1.shop.example", "uptime", "-p"]);
        assert_eq!(words(&call), expected);

        call.known_hosts = None;
        assert!(!words(&call).iter().any(|word| word.contains("HostKey")));
    }

    #[test]
    fn a_path_that_would_mean_something_else_is_refused() {
        for wrong in ["relative", "/a\"b", "/a\\b", "/a${HOME}", "/a\nb"] {
            let error = quoted(Path::new(wrong)).unwrap_err();
            assert!(error.next().unwrap().contains("XDG_RUNTIME_DIR"), "{wrong}");
        }
    }
}
