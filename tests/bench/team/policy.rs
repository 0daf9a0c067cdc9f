//! What the people of a bench may do.

use jiff::SignedDuration;

/// A right of low risk, as people ask for it.
pub(crate) struct Right {
    pub(crate) id: &'static str,
    pub(crate) sentence: &'static str,
}

/// What "request + issue" asks for.
pub(crate) const RESTART: Right = Right {
    id: "restart-worker",
    sentence: "restart the worker",
};

/// A grant lives a second: as long as it takes to be used by a script, and short enough that the
/// number of live ones stays what a busy day has.
pub(crate) const A_SECOND: SignedDuration = SignedDuration::from_secs(1);

/// The same, where something else may hold up the machine for longer than that.
pub(crate) const A_MOMENT: SignedDuration = SignedDuration::from_secs(3);

/// A grant that somebody ends.
pub(crate) const A_WHILE: SignedDuration = SignedDuration::from_mins(10);

/// What opens sessions on the targets.
pub(crate) const SHELL: Right = Right {
    id: "shell-web",
    sentence: "open a shell on the web servers",
};

/// Everybody may do everything.
pub(crate) fn policy_of(names: &[String], targets: &[String]) -> String {
    let mut policy = String::from("version = 1\n");
    for name in names {
        policy += &format!("[people.{name}]\nname = \"{name}\"\njob = \"engineer\"\n");
    }
    for target in targets {
        policy += &format!("[targets.{target}]\nkind = \"ssh\"\naddress = \"{target}.example\"\n");
    }
    policy += &right(&RESTART);
    policy += "audience = \"https://worker.example\"\n";
    if targets.is_empty() {
        return policy + &rule(RESTART.id);
    }
    policy += &right(&SHELL);
    policy += &format!("ssh = {{ targets = {targets:?}, principals = [\"deploy\"] }}\n");
    policy + &rule(&format!("{}\", \"{}", RESTART.id, SHELL.id))
}

fn right(right: &Right) -> String {
    let Right { id, sentence } = right;
    format!("[rights.{id}]\nsentence = \"{sentence}\"\nrisk = \"low\"\nlongest = \"15m\"\n")
}

fn rule(rights: &str) -> String {
    let engineers = "[\"job:engineer\"]";
    format!(
        "[[rules]]\nname = \"engineers\"\nwho = {engineers}\nrights = [\"{rights}\"]\n\
         approvers = []\n\
         [duties]\nopen_incidents = {engineers}\nclose_incidents = {engineers}\n\
         revoke = {engineers}\ninvite = {engineers}\nexport_ledger = {engineers}\n"
    )
}
