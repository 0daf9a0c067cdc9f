//! One table of the file while it is read: fields by type, and a problem for each that is not so.
//!
//! The tables are walked by hand and not by a derived `Deserialize`: that one stops at the first
//! wrong field and cannot point at the table in which a field is missing.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::nearest;
use super::report::{Problems, Span, quoted};

/// A table, and how problems call it.
pub(super) struct Section<'t> {
    title: String,
    at: Span,
    fields: &'t DeTable<'t>,
}

impl<'t> Section<'t> {
    /// The whole file.
    pub(super) fn root(fields: &'t DeTable<'t>) -> Self {
        Self {
            title: "the policy".into(),
            at: 0..0,
            fields,
        }
    }

    /// A table within; `title` is how problems call it, `at` where they point if a field is missing.
    pub(super) fn open(
        title: String,
        at: Span,
        value: &'t Spanned<DeValue<'t>>,
        problems: &mut Problems,
    ) -> Option<Self> {
        if let DeValue::Table(fields) = value.get_ref() {
            return Some(Self { title, at, fields });
        }
        problems.add(
            value.span(),
            format!("{title} is {}, not a table", kind(value.get_ref())),
            "not a table",
            "write its name in brackets on a line, and its fields below",
        );
        None
    }

    /// How problems call it: "person `mia`".
    pub(super) fn title(&self) -> &str {
        &self.title
    }

    /// How problems call one of its fields: "`job` of person `mia`".
    pub(super) fn field(&self, name: &str) -> String {
        format!("`{name}` of {}", self.title)
    }

    /// A problem for every field not among the known ones.
    pub(super) fn refuse_others(&self, known: &[&str], problems: &mut Problems) {
        for (key, _) in self.fields {
            let word: &str = key.get_ref();
            if !known.contains(&word) {
                problems.add(
                    key.span(),
                    format!("{} has no field {}", self.title, quoted(word)),
                    "unknown field",
                    nearest::help(word, known.iter().copied(), "the fields"),
                );
            }
        }
    }

    /// A field of any type.
    pub(super) fn value(&self, name: &str) -> Option<&'t Spanned<DeValue<'t>>> {
        self.fields.get(name)
    }

    /// Every field with its key, in order of the alphabet.
    pub(super) fn entries(
        &self,
    ) -> impl Iterator<Item = (Spanned<&'t str>, &'t Spanned<DeValue<'t>>)> {
        self.fields
            .iter()
            .map(|(key, value)| (Spanned::new(key.span(), &**key.get_ref()), value))
    }

    /// Where a problem of the whole section points.
    pub(super) fn at(&self) -> Span {
        self.at.clone()
    }

    /// A table within, such as `ssh` of a right; nothing where it is left out.
    pub(super) fn table(&self, name: &str, problems: &mut Problems) -> Option<Self> {
        let (key, value) = self.fields.get_key_value(name)?;
        let title = format!("`{name}` of {}", self.title);
        Self::open(title, key.span(), value, problems)
    }

    /// A table of tables within, such as `people`; nothing where it is left out.
    pub(super) fn tables(&self, name: &str, problems: &mut Problems) -> Option<Self> {
        let (key, value) = self.fields.get_key_value(name)?;
        Self::open(format!("`{name}`"), key.span(), value, problems)
    }

    /// A field that must be there.
    pub(super) fn required(
        &self,
        name: &str,
        problems: &mut Problems,
    ) -> Option<&'t Spanned<DeValue<'t>>> {
        let value = self.value(name);
        if value.is_none() {
            problems.add(
                self.at(),
                format!("{} has no `{name}`", self.title),
                format!("`{name}` is missing"),
                format!("add `{}`", self.example(name)),
            );
        }
        value
    }

    /// A text, where the field is there.
    pub(super) fn text(&self, name: &str, problems: &mut Problems) -> Option<Spanned<&'t str>> {
        let value = self.value(name)?;
        self.as_text(name, value, problems)
    }

    /// A text that must be there.
    pub(super) fn required_text(
        &self,
        name: &str,
        problems: &mut Problems,
    ) -> Option<Spanned<&'t str>> {
        let value = self.required(name, problems)?;
        self.as_text(name, value, problems)
    }

    /// A list of texts, where the field is there. Elements that are no texts, or stand there twice,
    /// are problems and left out.
    pub(super) fn texts(
        &self,
        name: &str,
        problems: &mut Problems,
    ) -> Option<Spanned<Vec<Spanned<&'t str>>>> {
        let value = self.value(name)?;
        let DeValue::Array(elements) = value.get_ref() else {
            self.wrong_type(name, value, "a list", problems);
            return None;
        };
        let mut texts: Vec<Spanned<&str>> = Vec::new();
        for element in elements.iter() {
            let Some(text) = self.as_text(name, element, problems) else {
                continue;
            };
            if texts
                .iter()
                .any(|earlier| earlier.get_ref() == text.get_ref())
            {
                problems.add(
                    text.span(),
                    format!(
                        "{} names {} twice",
                        self.field(name),
                        quoted(text.get_ref())
                    ),
                    "named before",
                    "remove one of them",
                );
                continue;
            }
            texts.push(text);
        }
        Some(Spanned::new(value.span(), texts))
    }

    /// Whether the field is there and is `[]`.
    pub(super) fn is_empty_list(&self, name: &str) -> bool {
        let elements = self
            .value(name)
            .and_then(|value| value.get_ref().as_array());
        elements.is_some_and(|elements| elements.is_empty())
    }

    fn as_text(
        &self,
        name: &str,
        value: &'t Spanned<DeValue<'t>>,
        problems: &mut Problems,
    ) -> Option<Spanned<&'t str>> {
        let text = value.get_ref().as_str();
        if text.is_none() {
            self.wrong_type(name, value, "a text", problems);
        }
        text.map(|text| Spanned::new(value.span(), text))
    }

    /// Notes that a field is not what it should be.
    pub(super) fn wrong_type(
        &self,
        name: &str,
        value: &Spanned<DeValue<'_>>,
        should_be: &str,
        problems: &mut Problems,
    ) {
        let found = kind(value.get_ref());
        problems.add(
            value.span(),
            format!(
                "{} holds {found} where {should_be} belongs",
                self.field(name)
            ),
            format!("not {should_be}"),
            format!("write it like `{}`", self.example(name)),
        );
    }

    /// How a field is written here.
    pub(super) fn example(&self, field: &str) -> &'static str {
        match field {
            "name" if self.title.starts_with("rule") => r#"name = "engineers-ship""#,
            "role" if self.title.starts_with("`postgres`") => r#"role = "shop_migrator""#,
            "way" if self.title.starts_with("`postgres`") => r#"way = "role""#,
            "kind" if self.title.starts_with("alert source") => r#"kind = "alertmanager""#,
            "grace" if self.title.starts_with("alert source") => r#"grace = "10m""#,
            field => example(field),
        }
    }
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

fn example(field: &str) -> &'static str {
    match field {
        "version" => "version = 1",
        "name" => r#"name = "Mia""#,
        "job" => r#"job = "engineer""#,
        "contact" => r#"contact = "mia@shop.example""#,
        "sentence" => r#"sentence = "deploy the shop app""#,
        "risk" => r#"risk = "high""#,
        "audience" => r#"audience = "https://deploy.shop.example""#,
        "people" => "[people.mia]",
        "rules" => "[[rules]]",
        "who" => r#"who = ["job:engineer"]"#,
        "rights" => r#"rights = ["deploy-shop"]"#,
        "approvers" => r#"approvers = ["founder"]"#,
        "kind" => r#"kind = "ssh""#,
        "address" => r#"address = "web-1.shop.example""#,
        "grace" => r#"grace = "1m""#,
        "database" => r#"database = "shop""#,
        "ca" => r#"ca = """-----BEGIN CERTIFICATE----- ...""""#,
        "target" => r#"target = "shop-db""#,
        "targets" => r#"targets = ["web-1"]"#,
        "principals" => r#"principals = ["deploy"]"#,
        "extensions" => r#"extensions = ["permit-pty"]"#,
        "source_addresses" => r#"source_addresses = ["10.0.0.0/8"]"#,
        "way" => r#"way = "token""#,
        "groups" => r#"groups = ["shop-readers"]"#,
        "namespace" => r#"namespace = "shop""#,
        "role_arn" => r#"role_arn = "arn:aws:iam::123456789012:role/shop-deploy""#,
        "region" => r#"region = "eu-central-1""#,
        "ssh" => "[rights.shell-web.ssh]",
        "postgres" => "[rights.migrate-shop-db.postgres]",
        "kubernetes" => "[rights.read-cluster.kubernetes]",
        "aws" => "[rights.deploy-aws.aws]",
        "lapses_after" => r#"lapses_after = "15m""#,
        "escalate_after" => r#"escalate_after = "5m""#,
        "then_approvers" => r#"then_approvers = ["founder"]"#,
        "if_nobody_answers" => r#"if_nobody_answers = "deny""#,
        "self_grant_after" => r#"self_grant_after = "10m""#,
        "self_grant_longest" => r#"self_grant_longest = "10m""#,
        "longest" => r#"longest = "30m""#,
        "severity" => r#"severity = "sev2""#,
        "need" => "need = 2",
        "keys" => "[witnesses.keys]",
        "without_witnesses" => r#"without_witnesses = "refuse""#,
        "days" => "days = 30",
        "budgets" => "[drills.budgets]",
        _ => r#"["job:engineer", "founder"]"#,
    }
}
