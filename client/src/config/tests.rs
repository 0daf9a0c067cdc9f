//! Settings, as somebody with several brokers has them.

use std::fs;

use super::*;
use crate::files;

const VKEY: &str = "glass.example/ledger+00000000+AA==";

struct Laptop {
    folder: tempfile::TempDir,
}

impl Laptop {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn enrolled(self, name: &str, server: &str) -> Self {
        let name = ContextName::parse(name).unwrap();
        let folder = self.settings(Flags::default(), Environment::default()).home;
        let folder = folder.context_folder(&name);
        files::create_folder(&folder).unwrap();
        let context = Context {
            name,
            server: ServerUrl::parse(server).unwrap(),
            person: "mia".into(),
            device: "mia's \"old\" \\laptop".into(),
            issuer: String::new(),
            ledger_vkey: VKEY.into(),
            ca_file: Context::own_ca_file(&folder),
            folder: folder.clone(),
        };
        context.save(&folder).unwrap();
        assert_eq!(
            Context::load(context.name.clone(), folder).unwrap(),
            Some(context)
        );
        self
    }

    fn with_file(self, text: &str) -> Self {
        fs::write(self.folder.path().join("config.toml"), text).unwrap();
        self
    }

    fn settings(&self, flags: Flags, environment: Environment) -> Settings {
        let config_folder = Some(self.folder.path().to_owned());
        Settings::new(
            flags,
            Environment {
                config_folder,
                ..environment
            },
        )
        .unwrap()
    }
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn flag_wins_over_environment_over_file_over_default() {
    let laptop = Laptop::new()
        .enrolled("work", "https://work.example")
        .enrolled("home", "https://home.example")
        .enrolled("lab", "https://lab.example")
        .with_file("version = 1\ncontext = \"lab\"\noutput = \"json\"\n");
    let flags = Flags {
        context: some("work"),
        output: Some(Format::Text),
        ..Flags::default()
    };
    let environment = Environment {
        context: some("home"),
        output: some("json"),
        ..Environment::default()
    };

    let both = laptop.settings(flags, environment.clone());
    assert_eq!(both.context().unwrap().name.as_str(), "work");
    assert_eq!(both.format().unwrap(), Format::Text);
    let environment = laptop.settings(Flags::default(), environment);
    assert_eq!(environment.context().unwrap().name.as_str(), "home");
    let neither = laptop.settings(Flags::default(), Environment::default());
    assert_eq!(neither.context().unwrap().name.as_str(), "lab");
    assert_eq!(neither.format().unwrap(), Format::Json);
    let fresh = Laptop::new().settings(Flags::default(), Environment::default());
    assert_eq!(fresh.format().unwrap(), Format::Text);
}

#[test]
fn server_and_ca_can_be_replaced_for_one_command() {
    let laptop = Laptop::new().enrolled("work", "https://work.example:1");
    let environment = Environment {
        server: some("https://127.0.0.1:2"),
        ca_file: Some("/tmp/other.pem".into()),
        ..Environment::default()
    };
    let context = laptop
        .settings(Flags::default(), environment.clone())
        .context()
        .unwrap();
    assert_eq!(context.server.to_string(), "https://127.0.0.1:2");
    assert_eq!(context.ca_file.to_str(), Some("/tmp/other.pem"));
    let flags = Flags {
        server: some("https://[::1]:3"),
        ..Flags::default()
    };
    let context = laptop.settings(flags, environment).context().unwrap();
    assert_eq!(context.server.to_string(), "https://[::1]:3");
}

#[test]
fn another_broker_than_that_of_the_enrolment_is_noticed() {
    let laptop = Laptop::new().enrolled("work", "https://work.example:1");
    let named = |url: Option<&str>, variable: Option<&str>| {
        let flags = Flags {
            server: url.map(str::to_owned),
            ..Flags::default()
        };
        let environment = Environment {
            server: variable.map(str::to_owned),
            ..Environment::default()
        };
        laptop.settings(flags, environment).named_elsewhere()
    };
    let (own, other) = (Some("https://work.example:1"), Some("https://127.0.0.1:2"));
    assert_eq!(named(None, None), None);
    assert_eq!(named(None, own), None);
    let said = named(None, other).unwrap();
    assert!(
        said.starts_with("GLASS_SERVER ") && said.ends_with("https://work.example:1"),
        "{said}"
    );
    assert!(named(other, own).unwrap().starts_with("--server "));
}

#[test]
fn one_context_needs_no_choosing_and_two_do() {
    let laptop = Laptop::new();
    let settings = laptop.settings(Flags::default(), Environment::default());
    let error = settings.context().unwrap_err();
    assert!(
        error.next().unwrap().contains("glass people invite"),
        "{error}"
    );

    let laptop = laptop.enrolled("work", "https://work.example");
    assert_eq!(settings.context().unwrap().name.as_str(), "work");

    let _laptop = laptop.enrolled("home", "https://home.example");
    let error = settings.context().unwrap_err();
    assert_eq!(
        error.to_string(),
        "no context is in use; there are home and work"
    );
    settings
        .home
        .use_context(&ContextName::parse("home").unwrap())
        .unwrap();
    assert_eq!(settings.context().unwrap().name.as_str(), "home");
}

#[test]
fn an_unknown_field_is_shown_with_its_line() {
    let laptop = Laptop::new().with_file("version = 1\ncontxt = \"lab\"\n");
    let settings = laptop.settings(Flags::default(), Environment::default());
    let text = settings.format().unwrap_err().to_string();
    assert!(
        text.contains("config.toml") && text.contains("contxt"),
        "{text}"
    );
    assert!(text.contains("line 2"), "{text}");
}

#[test]
fn a_file_of_a_later_version_is_not_guessed_at() {
    let laptop = Laptop::new().with_file("version = 2\n");
    let settings = laptop.settings(Flags::default(), Environment::default());
    assert!(
        settings
            .format()
            .unwrap_err()
            .to_string()
            .contains("version 2")
    );
}

#[test]
fn names_that_could_leave_the_folder_are_refused() {
    for name in [
        "",
        ".",
        "..",
        "../x",
        "a/b",
        "-x",
        "a b",
        "a\u{1b}",
        &"x".repeat(64),
        "ü",
    ] {
        assert_eq!(
            ContextName::parse(name).unwrap_err().exit_code(),
            2,
            "{name:?}"
        );
    }
    let flags = Flags {
        context: some("../../etc"),
        ..Flags::default()
    };
    assert!(
        Laptop::new()
            .settings(flags, Environment::default())
            .context()
            .is_err()
    );
}

#[test]
fn an_unknown_context_lists_the_known_ones() {
    let laptop = Laptop::new().enrolled("work", "https://work.example");
    let flags = Flags {
        context: some("wrok"),
        ..Flags::default()
    };
    let error = laptop
        .settings(flags, Environment::default())
        .context()
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "there is no context `wrok`; there are work"
    );
}

#[test]
fn the_incident_is_a_flag_or_an_environment_variable() {
    let environment = Environment {
        incident: some("INC-1"),
        ..Environment::default()
    };
    let settings = Laptop::new().settings(Flags::default(), environment);
    assert_eq!(settings.incident(Some("INC-2")).unwrap(), some("INC-2"));
    assert_eq!(settings.incident(None).unwrap(), some("INC-1"));
    assert!(settings.incident(Some("x y")).is_err());
}
