//! A request that goes to others when nobody answers.

use breakglass_domain::policy::Risk;
use breakglass_domain::{Change, Escalation, Lifetime, PersonId};

use super::golden::{at, key, line, of};

pub(super) fn changes() -> Vec<(&'static str, Change)> {
    let person = |id: &str| -> PersonId { id.parse().expect("an id") };
    vec![
        (
            "mia",
            Change::GrantRequested {
                of: of(),
                sentence: line("change the shop's database"),
                risk: Risk::High,
                reason: line("revert the migration"),
                length: Lifetime::from_secs(900),
                rule: "database".parse().expect("a name"),
                approvers: vec![person("leon")],
                lapses_at: at(20),
                self_grant: None,
                held: false,
                key: Some(key()),
                audience: line("https://db.shop.example"),
                call: Vec::new(),
                escalation: Some(Escalation {
                    at: at(10),
                    to: vec![person("founder"), person("support")],
                }),
                handed: None,
            },
        ),
        (
            "breakglass",
            Change::GrantEscalated {
                of: of(),
                to: vec![person("founder"), person("support")],
            },
        ),
    ]
}
