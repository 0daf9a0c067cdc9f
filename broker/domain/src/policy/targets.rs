//! `[targets.ID]`: what accepts credentials.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use toml::Spanned;
use toml::de::DeValue;

use super::access::{Target, TargetKind};
use super::limits::{ADDRESS_MAX, CA_MAX, GRACE, GRACE_MAX, SQL_NAME_MAX, TARGETS_MAX};
use super::report::{Problems, quoted};
use super::section::Section;
use super::value::{Ceiling, id, length, line, token, word};
use crate::id::TargetId;
use crate::time::Lifetime;

const FIELDS: [&str; 5] = ["kind", "address", "grace", "database", "ca"];

/// The targets, and which names may be used for them further down.
#[derive(Default)]
pub(super) struct Targets {
    /// Those nothing is wrong with.
    pub(super) targets: BTreeMap<TargetId, Target>,
    /// Every id that stands there: a target with a mistake in a field is still a known one.
    pub(super) ids: BTreeSet<String>,
}

pub(super) fn read(root: &Section<'_>, problems: &mut Problems) -> Targets {
    let mut read = Targets::default();
    let Some(targets) = root.tables("targets", problems) else {
        return read;
    };
    for (key, value) in targets.entries() {
        read.ids.insert((*key.get_ref()).to_owned());
        let target = read_target(&key, value, problems);
        if let (Some(id), Some(target)) = (id(&key, problems), target) {
            read.targets.insert(id, target);
        }
    }
    if read.ids.len() > TARGETS_MAX {
        problems.add(
            targets.at(),
            format!("the policy has {} targets", read.ids.len()),
            format!("at most {TARGETS_MAX} are allowed"),
            "give hosts that are the same to everybody one name and one guard each, or a broker \
             of their own",
        );
    }
    read
}

fn read_target<'t>(
    key: &Spanned<&str>,
    value: &'t Spanned<DeValue<'t>>,
    problems: &mut Problems,
) -> Option<Target> {
    let title = format!("target {}", quoted(key.get_ref()));
    let section = Section::open(title, key.span(), value, problems)?;
    section.refuse_others(&FIELDS, problems);
    let kind = section.required_text("kind", problems);
    let kind =
        kind.and_then(|text| word::<TargetKind>(&section.field("kind"), &text, "kinds", problems));
    let address = section.required_text("address", problems);
    let address =
        address.and_then(|text| token(&section.field("address"), &text, ADDRESS_MAX, problems));
    let database = section.text("database", problems);
    let database =
        database.and_then(|text| line(&section.field("database"), &text, SQL_NAME_MAX, problems));
    let target = Target {
        kind: kind?,
        address: address?,
        grace: read_grace(&section, problems),
        database,
        ca: read_ca(&section, problems),
    };
    match target.kind {
        TargetKind::Postgres => {
            section.required("database", problems);
            section.required("ca", problems);
        }
        TargetKind::Kubernetes | TargetKind::Http => need_url(&section, &target, problems),
        TargetKind::Ssh => {}
    }
    Some(target)
}

fn read_grace(section: &Section<'_>, problems: &mut Problems) -> Lifetime {
    let ceiling = Ceiling {
        longest: GRACE_MAX,
        why: "nobody can be cut off meanwhile",
    };
    let text = section.text("grace", problems);
    let grace = text.and_then(|text| length(&section.field("grace"), &text, &ceiling, problems));
    grace.unwrap_or(GRACE)
}

fn read_ca(section: &Section<'_>, problems: &mut Problems) -> Option<Arc<str>> {
    let text = section.text("ca", problems)?;
    let pem = text.get_ref().trim();
    let is_pem = pem.starts_with("-----BEGIN CERTIFICATE-----")
        && pem.ends_with("-----END CERTIFICATE-----");
    if !is_pem || pem.len() > CA_MAX {
        problems.add(
            text.span(),
            format!("{} is not a certificate in PEM", section.field("ca")),
            "not a certificate",
            "paste the authority's certificate between three quotes: ca = \"\"\"...\"\"\"",
        );
        return None;
    }
    Some(format!("{pem}\n").into())
}

fn need_url(section: &Section<'_>, target: &Target, problems: &mut Problems) {
    if target.address.as_str().contains("://") {
        return;
    }
    problems.add(
        section.value("address").map_or(section.at(), Spanned::span),
        format!("{} is not a URL", section.field("address")),
        "not a URL",
        format!("write `address = \"https://{}\"`", target.address),
    );
}
