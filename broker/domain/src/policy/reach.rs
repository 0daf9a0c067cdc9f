//! The tables of a right that say what its credentials are for: `[rights.ID.ssh]` and its like.

use toml::Spanned;

use super::access::{
    AwsAccess, KubernetesAccess, KubernetesWay, PostgresAccess, PostgresWay, Principal, SshAccess,
    SshExtension, TargetKind,
};
use super::limits::{ADDRESS_MAX, GROUP_MAX, LIST_MAX, SQL_NAME_MAX};
use super::nearest;
use super::report::{Problems, quoted};
use super::section::Section;
use super::targets::Targets;
use super::value::{token, word};
use crate::id::TargetId;
use crate::text::Line;

/// What a right says of where it leads.
#[derive(Default)]
pub(super) struct Reach {
    pub(super) ssh: Option<SshAccess>,
    pub(super) postgres: Option<PostgresAccess>,
    pub(super) kubernetes: Option<KubernetesAccess>,
    pub(super) aws: Option<AwsAccess>,
    /// Whether any of the tables stands there, also with a mistake in it.
    pub(super) is_there: bool,
}

impl Reach {
    /// Whether what it leads to wants a JWT, so that the right has to say for whom.
    pub(super) fn needs_audience(&self) -> bool {
        let token = |it: &KubernetesAccess| it.way == KubernetesWay::Token;
        self.aws.is_some() || self.kubernetes.as_ref().is_some_and(token)
    }
}

pub(super) const TABLES: [&str; 4] = ["ssh", "postgres", "kubernetes", "aws"];

pub(super) fn read(right: &Section<'_>, targets: &Targets, problems: &mut Problems) -> Reach {
    let mut open = |name: &str| right.table(name, problems);
    let (ssh, postgres) = (open("ssh"), open("postgres"));
    let (kubernetes, aws) = (open("kubernetes"), open("aws"));
    let is_there = TABLES.iter().any(|name| right.value(name).is_some());
    let mut reader = Reader { targets, problems };
    let reach = Reach {
        ssh: ssh.and_then(|section| reader.ssh(&section)),
        postgres: postgres.and_then(|section| reader.postgres(&section)),
        kubernetes: kubernetes.and_then(|section| reader.kubernetes(&section)),
        aws: aws.and_then(|section| reader.aws(&section)),
        is_there,
    };
    refuse_two_names(right, &reach, problems);
    reach
}

/// An X.509 certificate has one common name: PostgreSQL takes it for the role, Kubernetes for the
/// person.
fn refuse_two_names(right: &Section<'_>, reach: &Reach, problems: &mut Problems) {
    let postgres = reach.postgres.as_ref().map(|it| it.way);
    let kubernetes = reach.kubernetes.as_ref().map(|it| it.way);
    let both = (
        Some(PostgresWay::Certificate),
        Some(KubernetesWay::Certificate),
    );
    if (postgres, kubernetes) == both {
        problems.add(
            right.at(),
            format!(
                "{} leads to PostgreSQL and to Kubernetes by certificate",
                right.title()
            ),
            "one certificate cannot name both",
            "make it two rights, or let one of the two go another way",
        );
    }
}

struct Reader<'a> {
    targets: &'a Targets,
    problems: &'a mut Problems,
}

impl Reader<'_> {
    fn ssh(&mut self, section: &Section<'_>) -> Option<SshAccess> {
        let known = ["targets", "principals", "extensions", "source_addresses"];
        section.refuse_others(&known, self.problems);
        let names = self.filled(section, "targets")?;
        let targets = names
            .iter()
            .filter_map(|text| self.target(section, "targets", text, TargetKind::Ssh));
        let targets = targets.collect();
        let principals = self.filled(section, "principals")?;
        let principals = principals
            .iter()
            .filter_map(|text| self.principal(section, text));
        Some(SshAccess {
            targets,
            principals: principals.collect(),
            extensions: self.extensions(section),
            source_addresses: self.networks(section),
        })
    }

    fn postgres(&mut self, section: &Section<'_>) -> Option<PostgresAccess> {
        section.refuse_others(&["target", "way", "role"], self.problems);
        let target = self.one_target(section, TargetKind::Postgres);
        let way = section.required_text("way", self.problems);
        let way = way.and_then(|text| {
            word::<PostgresWay>(&section.field("way"), &text, "ways", self.problems)
        });
        let role = section.required_text("role", self.problems);
        let role = role.and_then(|text| self.sql_role(section, &text));
        Some(PostgresAccess {
            target: target?,
            way: way?,
            role: role?,
        })
    }

    /// `public` and `none` are words wherever SQL expects a role, quoted or not.
    fn sql_role(&mut self, section: &Section<'_>, text: &Spanned<&str>) -> Option<Line> {
        let field = section.field("role");
        if ["public", "none"].contains(text.get_ref()) {
            self.problems.add(
                text.span(),
                format!("{field} is {}", quoted(text.get_ref())),
                "no role in PostgreSQL",
                "name the role whose rights are to be had, for example `shop_migrator`",
            );
            return None;
        }
        token(&field, text, SQL_NAME_MAX, self.problems)
    }

    fn kubernetes(&mut self, section: &Section<'_>) -> Option<KubernetesAccess> {
        let known = ["target", "way", "groups", "namespace"];
        section.refuse_others(&known, self.problems);
        let target = self.one_target(section, TargetKind::Kubernetes);
        let way = section.required_text("way", self.problems);
        let way = way.and_then(|text| {
            word::<KubernetesWay>(&section.field("way"), &text, "ways", self.problems)
        });
        let groups = self.filled(section, "groups")?;
        let groups = groups
            .iter()
            .filter_map(|text| token(&section.field("groups"), text, GROUP_MAX, self.problems));
        let groups = groups.collect();
        let namespace = section.text("namespace", self.problems);
        let namespace = namespace
            .and_then(|text| token(&section.field("namespace"), &text, GROUP_MAX, self.problems));
        Some(KubernetesAccess {
            target: target?,
            way: way?,
            groups,
            namespace,
        })
    }

    fn aws(&mut self, section: &Section<'_>) -> Option<AwsAccess> {
        section.refuse_others(&["role_arn", "region"], self.problems);
        let role_arn = section.required_text("role_arn", self.problems)?;
        let field = section.field("role_arn");
        if !role_arn.get_ref().starts_with("arn:") || !role_arn.get_ref().contains(":role/") {
            self.problems.add(
                role_arn.span(),
                format!("{field} is not the ARN of a role"),
                "not a role",
                "write it like `arn:aws:iam::123456789012:role/shop-deploy`",
            );
            return None;
        }
        let role_arn = token(&field, &role_arn, ADDRESS_MAX, self.problems)?;
        let region = section.text("region", self.problems);
        let region = region
            .and_then(|text| token(&section.field("region"), &text, GROUP_MAX, self.problems));
        Some(AwsAccess { role_arn, region })
    }

    /// A list that must be there, and have something in it, and not too much.
    fn filled<'t>(&mut self, section: &Section<'t>, name: &str) -> Option<Vec<Spanned<&'t str>>> {
        section.required(name, self.problems)?;
        let texts = section.texts(name, self.problems)?;
        let fits = (1..=LIST_MAX).contains(&texts.get_ref().len());
        if !fits && (section.is_empty_list(name) || texts.get_ref().len() > LIST_MAX) {
            self.problems.add(
                texts.span(),
                format!("{} names {}", section.field(name), texts.get_ref().len()),
                format!("between 1 and {LIST_MAX} are allowed"),
                format!("write it like `{}`", section.example(name)),
            );
            return None;
        }
        Some(texts.into_inner())
    }

    fn one_target(&mut self, section: &Section<'_>, kind: TargetKind) -> Option<TargetId> {
        let text = section.required_text("target", self.problems)?;
        self.target(section, "target", &text, kind)
    }

    fn target(
        &mut self,
        section: &Section<'_>,
        field: &str,
        text: &Spanned<&str>,
        kind: TargetKind,
    ) -> Option<TargetId> {
        let (word, field) = (*text.get_ref(), section.field(field));
        if !self.targets.ids.contains(word) {
            let known = self.targets.ids.iter().map(String::as_str);
            self.problems.add(
                text.span(),
                format!(
                    "{field} names {}, which the policy does not know",
                    quoted(word)
                ),
                "not in `targets`",
                nearest::help(word, known, "the targets"),
            );
            return None;
        }
        let id: TargetId = word.parse().ok()?;
        let found = self.targets.targets.get(&id)?;
        if found.kind == kind {
            return Some(id);
        }
        self.problems.add(
            text.span(),
            format!(
                "{field} names {}, which is of kind `{}`",
                quoted(word),
                found.kind
            ),
            format!("not of kind `{kind}`"),
            format!("name a target of kind `{kind}`"),
        );
        None
    }

    fn principal(&mut self, section: &Section<'_>, text: &Spanned<&str>) -> Option<Principal> {
        match text.get_ref().parse() {
            Ok(principal) => Some(principal),
            Err(wrong) => {
                let word = quoted(text.get_ref());
                self.problems.add(
                    text.span(),
                    format!("{} names {word}: {wrong}", section.field("principals")),
                    "not a principal",
                    "write the login name on the host, for example `deploy`",
                );
                None
            }
        }
    }

    /// A terminal and nothing else where the list is left out.
    fn extensions(&mut self, section: &Section<'_>) -> Vec<SshExtension> {
        let Some(texts) = section.texts("extensions", self.problems) else {
            return vec![SshExtension::Pty];
        };
        let field = section.field("extensions");
        let mut extensions: Vec<SshExtension> = texts
            .get_ref()
            .iter()
            .filter_map(|text| word(&field, text, "extensions", self.problems))
            .collect();
        extensions.sort_by_key(|extension| extension.as_str());
        extensions
    }

    fn networks(&mut self, section: &Section<'_>) -> Vec<Line> {
        let Some(texts) = section.texts("source_addresses", self.problems) else {
            return Vec::new();
        };
        let field = section.field("source_addresses");
        let mut networks = Vec::new();
        for text in texts.get_ref() {
            if is_network(text.get_ref()) {
                networks.extend(token(&field, text, ADDRESS_MAX, self.problems));
            } else {
                self.problems.add(
                    text.span(),
                    format!("{field} names {}", quoted(text.get_ref())),
                    "not an address or a network",
                    "write it like `10.0.0.0/8` or `2001:db8::/32`",
                );
            }
        }
        networks
    }
}

/// An address, or one with the length of a prefix (RFC 4632 section 3.1).
fn is_network(text: &str) -> bool {
    let (address, length) = text.split_once('/').unwrap_or((text, "0"));
    let Ok(address) = address.parse::<core::net::IpAddr>() else {
        return false;
    };
    let longest = if address.is_ipv4() { 32 } else { 128 };
    length.parse::<u8>().is_ok_and(|length| length <= longest)
}
