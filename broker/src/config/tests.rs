//! The sample says what the type says, and errors lead to the line.

use serde_json::Value;

use super::*;

fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse(Path::new("/etc/breakglass/glassd.toml"), text)
}

fn refused(text: &str) -> String {
    parse(text).unwrap_err().to_string()
}

/// The settings that stand commented out in the sample, in its order.
fn settings_of_the_sample() -> Vec<(&'static str, &'static str)> {
    let settings = SAMPLE
        .lines()
        .filter_map(|line| line.strip_prefix("# ")?.split_once(" = "));
    settings.filter(|(name, _)| !name.contains(' ')).collect()
}

#[test]
fn the_sample_names_every_setting_and_no_other() {
    let Value::Object(known) = serde_json::to_value(Settings::default()).unwrap() else {
        panic!("settings are a table");
    };
    let mut known: Vec<&str> = known.keys().map(String::as_str).collect();
    let mut named: Vec<&str> = settings_of_the_sample()
        .iter()
        .map(|(name, _)| *name)
        .collect();
    known.sort_unstable();
    named.sort_unstable();
    assert_eq!(named, known);
}

#[test]
fn the_sample_says_the_defaults() {
    let text: String = settings_of_the_sample()
        .iter()
        .map(|(name, value)| format!("{name} = {value}\n"))
        .collect();
    let said = parse(&text).unwrap();
    let meant = parse("").unwrap();
    assert_eq!(said.public_url(7443), meant.public_url(7443));
    assert_eq!(said.issuer(7444), meant.issuer(7444));
    assert_eq!(said.ledger_origin(), meant.ledger_origin());
    let plain = Settings {
        public_url: None,
        issuer: None,
        ledger_origin: None,
        ..said.settings
    };
    assert_eq!(plain, Settings::default());
    assert_eq!(parse(SAMPLE).unwrap().settings, Settings::default());
}

#[test]
fn what_is_chosen_stands_in_the_sample() {
    let text = sample_with(&[
        ("server_names", r#"["glass.example", "2001:db8::7"]"#.into()),
        ("listen", quoted("0.0.0.0:9")),
        ("data_dir", quoted("/srv/a \"b\" \\c")),
    ]);
    assert!(text.starts_with("# The settings of glassd."));
    let config = parse(&text).unwrap();
    assert_eq!(config.data_dir, Path::new("/srv/a \"b\" \\c"));
    assert_eq!(config.public_url(9), "https://glass.example:9");
    assert_eq!(config.ledger_origin(), "glass.example/ledger");
}

#[test]
fn paths_are_relative_to_the_file_and_to_the_data_folder() {
    let config = parse("data_dir = \"data\"").unwrap();
    assert_eq!(config.data_dir, Path::new("/etc/breakglass/data"));
    assert_eq!(config.keys_dir, Path::new("/etc/breakglass/data/keys"));
    assert_eq!(config.policy_file, Path::new("/etc/breakglass/policy.toml"));
    let config = parse("keys_dir = \"/run/keys\"\npolicy_file = \"/srv/p.toml\"").unwrap();
    assert_eq!(config.keys_dir, Path::new("/run/keys"));
    assert_eq!(config.policy_file, Path::new("/srv/p.toml"));
}

#[test]
fn databases_and_alert_sources_have_their_names_and_their_secrets_in_files() {
    let text = "[postgres.shop-db]\nuser = \"breakglass\"\npassword_file = \"shop-db.password\"\n\
                [hooks.alertmanager]\nsecret_files = [\"alertmanager.secret\"]\n";
    let settings = parse(text).unwrap().settings;
    let (name, login) = settings.postgres.first_key_value().unwrap();
    assert_eq!(name.id().as_str(), "shop-db");
    assert_eq!(login.user.to_string(), "breakglass");
    assert_eq!(login.password_file, Path::new("shop-db.password"));
    let (name, hook) = settings.hooks.first_key_value().unwrap();
    assert_eq!(name.id().as_str(), "alertmanager");
    assert_eq!(hook.secret_files, [Path::new("alertmanager.secret")]);
    // As the sample says it.
    let example: String = SAMPLE
        .lines()
        .filter_map(|line| Some(line.strip_prefix("#   ")?.to_owned() + "\n"))
        .collect();
    assert_eq!(
        parse(&example).unwrap().settings.postgres,
        settings.postgres
    );
}

#[test]
fn the_sample_has_a_destination_of_each_kind() {
    use notify::{Medium, Occasion, SmtpTls, Where};
    let example: String = SAMPLE
        .lines()
        .filter_map(|line| Some(line.strip_prefix("#   ")?.to_owned() + "\n"))
        .collect();
    let told = parse(&example).unwrap().settings.notify;
    let names: Vec<_> = told.keys().map(DestinationName::as_str).collect();
    assert_eq!(names, ["chat", "mail", "siem"]);
    let [chat, mail, siem] = <[_; 3]>::try_from(told.into_values().collect::<Vec<_>>()).unwrap();
    assert!(matches!(&chat.medium, Medium::Slack { url_file } if url_file == "chat.url"));
    assert_eq!((chat.events, chat.allow_private), (None, false));
    let Medium::Smtp(smtp) = mail.medium else {
        panic!("it is e-mail");
    };
    assert_eq!((smtp.port, smtp.tls), (587, SmtpTls::StartTls));
    assert_eq!(smtp.from.email.to_string(), "glass@shop.example");
    assert_eq!(
        smtp.login.unwrap(),
        ("glass".into(), "mail.password".into())
    );
    assert!(
        matches!(&siem.medium, Medium::Webhook { url: Where::Url(url), .. }
        if url == "https://hooks.shop.example/breakglass")
    );
    let events = siem.events.unwrap();
    assert_eq!(events.len(), 3);
    assert!(events.contains(&Occasion::LedgerTrouble));
}

#[test]
fn a_destination_that_cannot_be_is_refused_where_it_stands() {
    let webhook = "[notify.a]\nkind = \"webhook\"\nsecret_file = \"s\"\n";
    let smtp = "[notify.a]\nkind = \"smtp\"\nserver = \"m.example\"\n";
    for (text, why) in [
        ("[notify.A]\nkind = \"slack\"".to_owned(), "such as `chat`"),
        (
            "[notify.\"../a\"]\nkind = \"slack\"".to_owned(),
            "such as `chat`",
        ),
        (
            "[notify.a]\nkind = \"pager\"".to_owned(),
            "`webhook`, `slack`",
        ),
        (
            "[notify.a]\nkind = \"slack\"".to_owned(),
            "needs `url_file`",
        ),
        (
            "[notify.a]\nkind = \"slack\"\nurl_file = \"u\"\nurl = \"https://a/b\"".to_owned(),
            "has no `url`",
        ),
        (
            "[notify.a]\nkind = \"slack\"\ntoken = \"x\"".to_owned(),
            "unknown field `token`",
        ),
        (webhook.to_owned(), "either `url` or `url_file`"),
        (
            format!("{webhook}url = \"https://a/\"\nurl_file = \"u\""),
            "either",
        ),
        (format!("{webhook}url = \"http://a/\""), "it is not https"),
        (format!("{webhook}url = \"ftp://a/\""), "https://"),
        (format!("{webhook}url = \"https://me:pw@a/\""), "user name"),
        (format!("{webhook}url = \"/path\""), "no host"),
        (
            format!("{webhook}url = \"https://a/\"\nevents = []"),
            "`events` is empty",
        ),
        (
            format!("{webhook}url = \"https://a/\"\nevents = [\"x\"]"),
            "`incident.opened`",
        ),
        (smtp.to_owned(), "needs `from`"),
        (format!("{smtp}from = \"not one\""), "an e-mail address"),
        (
            format!("{smtp}from = \"a@b.example\\nBcc: x@y.example\""),
            "an e-mail address",
        ),
        (
            format!("{smtp}from = \"a@b.example\"\nuser = \"u\""),
            "go together",
        ),
        (
            format!("{smtp}from = \"a@b.example\"\ntls = \"none\""),
            "`starttls` or `tls`",
        ),
    ] {
        let error = refused(&text);
        assert!(error.contains(why), "{text}\n{error}");
        assert!(!error.contains("pw@"), "{error}");
        assert!(error.starts_with("/etc/breakglass/glassd.toml:"), "{error}");
    }
    parse(&format!(
        "{webhook}url = \"http://10.0.0.7/x\"\nallow_private = true"
    ))
    .unwrap();
}

#[test]
fn the_sample_has_a_stream_of_each_kind() {
    use stream::{Begin, Sink};
    let example: String = SAMPLE
        .lines()
        .filter_map(|line| Some(line.strip_prefix("#   ")?.to_owned() + "\n"))
        .collect();
    let streams = parse(&example).unwrap().settings.stream;
    let told = |name: &str| streams[&StreamKey::try_from(name.to_owned()).unwrap()].clone();
    let (siem, lake) = (told("siem"), told("lake"));
    assert_eq!(siem.from, Begin::Entry(0));
    assert_eq!(siem.ca_file.unwrap(), Path::new("logs-ca.pem"));
    assert_eq!(siem.sink.destination(), "logs.shop.example:6514");
    let Sink::Syslog(syslog) = siem.sink else {
        panic!("it is syslog");
    };
    assert!(syslog.tls && syslog.require_close_notify && syslog.identity.is_none());
    assert_eq!(syslog.enterprise_number, 32_473);
    assert_eq!((lake.from, lake.allow_private), (Begin::Now, false));
    assert_eq!(lake.sink.destination(), "lake.shop.example:443");
    assert!(matches!(lake.sink, Sink::Ocsf { .. }));
}

#[test]
fn a_stream_s_settings_come_back() {
    for text in [
        "[stream.a]\nkind = \"syslog\"\naddress = \"a.example\"\nrequire_close_notify = false\n\
         certificate_file = \"c\"\nkey_file = \"k\"\nenterprise_number = 7\nfrom = 12",
        "[stream.a]\nkind = \"syslog\"\naddress = \"[fd12::7]:514\"\ntls = false\nallow_private = true",
        "[stream.a]\nkind = \"ocsf\"\nurl_file = \"u\"\nsecret_file = \"s\"\nca_file = \"c\"",
        "[stream.a]\nkind = \"ocsf\"\nurl = \"https://a/b\"\nsecret_file = \"s\"\nfrom = \"now\"",
    ] {
        let settings = parse(text).unwrap().settings;
        let shown = serde_json::to_value(&settings).unwrap();
        let again: Settings = serde_json::from_value(shown).unwrap();
        assert_eq!(again, settings, "{text}");
    }
}

#[test]
fn a_stream_that_cannot_be_is_refused_where_it_stands() {
    let syslog = "[stream.a]\nkind = \"syslog\"\n";
    let ocsf = "[stream.a]\nkind = \"ocsf\"\nsecret_file = \"s\"\n";
    let local = "tls = false\nallow_private = true\n";
    for (text, why) in [
        ("[stream.A]\nkind = \"ocsf\"".to_owned(), "such as `siem`"),
        (
            "[stream.breakglass]\nkind = \"ocsf\"".to_owned(),
            "such as `siem`",
        ),
        (
            "[stream.\"../a\"]\nkind = \"ocsf\"".to_owned(),
            "such as `siem`",
        ),
        (
            "[stream.a]\nkind = \"splunk\"".to_owned(),
            "`syslog` or `ocsf`",
        ),
        (syslog.to_owned(), "needs `address`"),
        (
            format!("{syslog}address = \"a b\""),
            "such as `logs.shop.example:6514`",
        ),
        (
            format!("{syslog}address = \"a:0\""),
            "such as `logs.shop.example:6514`",
        ),
        (
            format!("{syslog}address = \"a:70000\""),
            "such as `logs.shop.example:6514`",
        ),
        (
            format!("{syslog}address = \"a:b:1\""),
            "such as `logs.shop.example:6514`",
        ),
        (
            format!("{syslog}address = \"a\"\n{local}"),
            "without TLS it needs a port",
        ),
        (
            format!("{syslog}address = \"a:1\"\ntls = false"),
            "with allow_private = true",
        ),
        (
            format!("{syslog}address = \"a:1\"\n{local}require_close_notify = true"),
            "is for TLS",
        ),
        (
            format!("{syslog}address = \"a:1\"\n{local}certificate_file = \"c\"\nkey_file = \"k\""),
            "is for TLS",
        ),
        (
            format!("{syslog}address = \"a\"\nkey_file = \"k\""),
            "go together",
        ),
        (
            format!("{syslog}address = \"a\"\nurl = \"https://a\""),
            "has no `url`",
        ),
        (
            format!("{syslog}address = \"a\"\nfrom = \"then\""),
            "\"now\"",
        ),
        (format!("{syslog}address = \"a\"\nfrom = -1"), "from"),
        (ocsf.to_owned(), "either `url` or `url_file`"),
        (
            format!("{ocsf}url = \"https://a\"\nurl_file = \"u\""),
            "either `url` or `url_file`",
        ),
        (format!("{ocsf}url = \"http://a\""), "it is not https"),
        (format!("{ocsf}url = \"https://me:pw@a/x\""), "user name"),
        (
            format!("{ocsf}url = \"https://a\"\ntls = false"),
            "has no `tls`",
        ),
        (
            "[stream.a]\nkind = \"ocsf\"\nurl = \"https://a\"".to_owned(),
            "needs `secret_file`",
        ),
    ] {
        let error = refused(&text);
        assert!(error.contains(why), "{text}\n{error}");
        assert!(!error.contains("pw@"), "{error}");
        assert!(error.starts_with("/etc/breakglass/glassd.toml:"), "{error}");
    }
}

#[test]
fn an_ipv6_address_stands_in_brackets_in_a_url() {
    let config = parse("server_names = [\"::1\"]").unwrap();
    assert_eq!(config.public_url(7443), "https://[::1]:7443");
}

#[test]
fn an_error_leads_to_its_line() {
    assert_eq!(
        refused("listen = \"127.0.0.1:1\"\nlisten_web = \"x\"\n")
            .lines()
            .collect::<Vec<_>>()[..4],
        [
            "/etc/breakglass/glassd.toml:2:1: unknown field `listen_web`, expected one of \
             `data_dir`, `keys_dir`, `policy_file`, `server_names`, `listen`, `web_listen`, \
             `metrics_listen`, `public_url`, `issuer`, `ledger_origin`, \
             `client_certificate_days`, `hold_grace_seconds`, `connections_per_peer`, \
             `connections_total`, `reflection`, `tracing_format`, `tracing_filter`, `postgres`, \
             `hooks`, `notify`, `stream`, `witness`",
            "  |",
            "2 | listen_web = \"x\"",
            "  | ^",
        ]
    );
}

#[test]
fn what_cannot_be_is_refused_where_it_stands() {
    for (text, place, why) in [
        ("listen = \"nowhere\"", ":1:10:", "socket address"),
        (
            "\nissuer = \"http://a\"",
            ":2:10:",
            "does not begin with https://",
        ),
        ("issuer = \"https://a/\"", ":1:10:", "ends in a slash"),
        ("public_url = \"https://me@a\"", ":1:14:", "user name"),
        ("server_names = [\"a\", \"b c\"]", ":1:16:", "found `b c`"),
        ("server_names = []", ":1:1:", "names nothing"),
        ("client_certificate_days = 0", ":1:27:", "from 1 to 365"),
        ("hold_grace_seconds = 9999", ":1:22:", "from 1 to 3600"),
        ("connections_per_peer = -1", ":1:24:", "-1"),
        ("ledger_origin = \"a b\"", ":1:17:", "glass.example/ledger"),
        ("tracing_format = \"xml\"", ":1:18:", "`text` or `json`"),
        ("tracing_filter = \"=/\"", ":1:18:", "expected `info`"),
        (
            "[postgres.\"a b\"]\nuser = \"x\"",
            ":1:11:",
            "such as `shop-db`",
        ),
        ("[postgres.db]\nuser = \"x\"", ":1:1:", "password_file"),
        (
            "[postgres.db]\nuser = \"\"",
            ":2:8:",
            "such as `breakglass`",
        ),
        ("[postgres.db]\npassword = \"x\"", ":2:1:", "password_file"),
        ("reflection = yes", ":1:14:", ""),
    ] {
        let error = refused(text);
        let place = format!("/etc/breakglass/glassd.toml{place}");
        assert!(
            error.starts_with(&place) && error.contains(why),
            "{text}: {error}"
        );
    }
}

#[test]
fn what_a_file_holds_does_not_restyle_a_terminal() {
    let error = refused("listen = \"\u{202E}\"\n\u{7}= 1");
    assert!(
        !error.contains(['\u{202E}', '\u{7}', '\u{1b}']),
        "{error:?}"
    );
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = Config::load(Path::new("/nonexistent/glassd.toml")).unwrap_err();
    assert!(matches!(&error, ConfigError::Unreadable { source, .. }
        if source.kind() == std::io::ErrorKind::NotFound));
    assert!(error.to_string().contains("/nonexistent/glassd.toml"));
}

#[test]
fn a_file_that_does_not_end_is_not_read_to_its_end() {
    let error = Config::load(Path::new("/dev/zero")).unwrap_err();
    assert!(error.to_string().contains("too long"), "{error}");
}
