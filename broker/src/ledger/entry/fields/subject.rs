//! What a credential says beside whom it is for: an object whose fields tell which kind it is of.
//! It is left out where there is nothing to say, as in every entry from before there were others
//! than JWTs.

use breakglass_domain::policy::access::{Principal, SshExtension};
use breakglass_domain::{Line, Subject, TargetId};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Fields {
    Role {
        #[serde(with = "super::shown")]
        target: TargetId,
        #[serde(with = "super::line")]
        role: Line,
        #[serde(with = "super::line")]
        member_of: Line,
    },
    Name {
        serial: String,
        #[serde(with = "super::line")]
        common_name: Line,
        #[serde(with = "super::lines")]
        organizations: Vec<Line>,
    },
    Login {
        serial: u64,
        #[serde(with = "super::all_shown")]
        principals: Vec<Principal>,
        #[serde(with = "super::all_shown")]
        extensions: Vec<SshExtension>,
        #[serde(with = "super::lines")]
        source_addresses: Vec<Line>,
    },
    Bearer {
        #[serde(with = "super::lines")]
        groups: Vec<Line>,
    },
}

pub(in super::super) fn serialize<S: Serializer>(
    subject: &Subject,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let fields = match subject.clone() {
        Subject::Bearer { groups } => Fields::Bearer { groups },
        Subject::Login {
            serial,
            principals,
            extensions,
            source_addresses,
        } => Fields::Login {
            serial,
            principals,
            extensions,
            source_addresses,
        },
        Subject::Name {
            serial,
            common_name,
            organizations,
        } => Fields::Name {
            serial,
            common_name,
            organizations,
        },
        Subject::Role {
            target,
            role,
            member_of,
        } => Fields::Role {
            target,
            role,
            member_of,
        },
    };
    fields.serialize(serializer)
}

pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Subject, D::Error> {
    Ok(match Fields::deserialize(deserializer)? {
        Fields::Bearer { groups } => Subject::Bearer { groups },
        Fields::Login {
            serial,
            principals,
            extensions,
            source_addresses,
        } => Subject::Login {
            serial,
            principals,
            extensions,
            source_addresses,
        },
        Fields::Name {
            serial,
            common_name,
            organizations,
        } => Subject::Name {
            serial,
            common_name,
            organizations,
        },
        Fields::Role {
            target,
            role,
            member_of,
        } => Subject::Role {
            target,
            role,
            member_of,
        },
    })
}

/// What an entry without the field says.
pub(in super::super) fn nothing() -> Subject {
    Subject::Bearer { groups: Vec::new() }
}

pub(in super::super) fn is_nothing(subject: &Subject) -> bool {
    *subject == nothing()
}
