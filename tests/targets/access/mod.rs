//! From `glass` to the target and back, with the real `glassd`: everything a right gives, laid where
//! the tools look for it, and over when the grant is.

mod cloud;
mod cluster;
mod database;
mod host;

use breakglass_domain::policy::STARTER;

/// The starter policy with targets, rights and a rule that gives them to Mia without anybody's yes.
fn policy(rights: &str, ways: &str) -> String {
    format!(
        "{STARTER}\n{ways}\n[[rules]]\nname = \"on-duty\"\nwho = [\"mia\"]\nrights = [{rights}]\n\
         approvers = []\n"
    )
}
