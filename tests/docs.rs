//! What the documentation says is so.

// clippy.toml allows it in tests; clippy takes only functions with #[test] for one, not their helpers.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use breakglass_broker::api::status::DOMAIN;
use breakglass_broker::commands::Arguments;
use breakglass_broker::config::Settings;
use breakglass_client::cli::Cli;
use breakglass_domain::limits;
use breakglass_domain::policy::STARTER;
use breakglass_proto::statement::{Act, Statement};
use breakglass_tests::REASONS;
use clap::{CommandFactory as _, Parser as _};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn page(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|why| panic!("{path}: {why}"))
}

/// The text of each fenced block.
fn blocks(page: &str) -> Vec<String> {
    let parts: Vec<_> = page.split("\n```").collect();
    let inside = parts.iter().skip(1).step_by(2);
    // The rest of the fence's own line is its language.
    inside
        .map(|block| {
            block
                .split_once('\n')
                .map_or("", |(_, text)| text)
                .to_owned()
        })
        .collect()
}

/// First cells of the rows of all tables, without their backticks.
fn first_cells(page: &str) -> BTreeSet<String> {
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.filter_map(|row| row.split('`').next())
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_act_has_its_heading_and_every_example_is_a_statement() {
    let page = page("docs/reference/statements.md");
    let headings: BTreeSet<_> = page
        .lines()
        .filter_map(|line| line.strip_prefix("### "))
        .collect();
    assert_eq!(
        headings,
        Act::NAMES.iter().copied().collect::<BTreeSet<_>>()
    );
    let mut shown = BTreeSet::new();
    for block in blocks(&page)
        .iter()
        .filter(|block| block.starts_with("breakglass/v1 "))
    {
        let text = format!("{block}\n");
        let read = Statement::parse(&text).unwrap_or_else(|why| panic!("{why}:\n{text}"));
        assert_eq!(read.to_text(), text, "it is written back the same");
        shown.insert(read.act.name());
    }
    assert_eq!(shown, headings, "each act has an example");
}

#[test]
fn the_policy_page_holds_the_starter_policy() {
    let page = page("docs/policy.md");
    let holds = blocks(&page)
        .iter()
        .any(|block| block.trim_end() == STARTER.trim_end());
    assert!(
        holds,
        "docs/policy.md does not show broker/domain/src/policy/starter.toml as it is"
    );
}

/// Each budget of the rules, with the number there is at once and how soon there is one more.
#[test]
fn the_policy_page_says_how_often() {
    let page = page("docs/policy.md");
    let (_, table) = page.split_once("## How often").expect("the heading");
    let (table, _) = table.split_once("\n## ").expect("the next one");
    for (what, budget) in [
        ("notes and holds of one person", limits::NOTES),
        ("requests of one person", limits::REQUESTS),
        ("extensions by one person", limits::EXTENSIONS),
        ("exports by one person", limits::EXPORTS),
        ("invitations", limits::TEAM_CHANGES),
        ("certificates for one key", limits::RENEWALS_OF_KEY),
        ("credentials under one grant", limits::CREDENTIALS_OF_GRANT),
        ("reported uses of one grant", limits::USES_OF_GRANT),
        ("credentials (after each grant's", limits::UNDER_GRANTS),
        ("sessions that the guard", limits::SESSIONS_AT_TARGET),
        ("sessions of one person", limits::SESSIONS_OF_PERSON),
        ("drills that one person opens", limits::DRILLS),
        ("incidents that one alert source", limits::ALERTS),
        ("the same of one alert", limits::ALERTS_OF_ONE),
    ] {
        let row = table
            .lines()
            .find(|row| row.starts_with(&format!("| {what}")));
        let row = row.unwrap_or_else(|| panic!("no row `{what}`"));
        let cells: Vec<_> = row.split(" | ").skip(1).collect();
        let most = cells[0].replace(',', "");
        let every = cells[1].trim_end_matches(" |");
        assert_eq!(most, budget.most.to_string(), "{row}");
        assert_eq!(every, shown(budget.each().as_millis()), "{row}");
    }
}

/// A length as the table has it: `100 ms`, `1.7 s`, `17 s`, `6 m`.
fn shown(millis: i64) -> String {
    match millis {
        0..1_000 => format!("{millis} ms"),
        1_000..10_000 if millis % 1_000 != 0 => {
            format!("{}.{} s", millis / 1_000, millis / 100 % 10)
        }
        1_000..=60_000 => format!("{} s", millis / 1_000),
        _ => format!("{} m", millis / 60_000),
    }
}

#[test]
fn every_reason_has_its_row() {
    let page = page("docs/reference/errors.md");
    let listed = first_cells(&page);
    assert_eq!(listed, REASONS.into_iter().map(str::to_owned).collect());
    assert!(page.contains(&format!("\"{DOMAIN}\"")));
    let codes = self::page("docs/reference/exit-codes.md");
    for reason in [
        "NO_OPEN_INCIDENT",
        "GRANT_WAITING",
        "NOT_ALLOWED",
        "GRANT_ENDED",
    ] {
        assert!(codes.contains(reason), "{reason}");
    }
}

#[test]
fn every_reason_of_a_guard_has_its_row() {
    use breakglass_client::verify::Denied;
    let listed = first_cells(&page("docs/targets/http.md"));
    let ours = ["NO_TOKEN", "HEADER", "NOT_FOUND", "QUERY"];
    let known = ours.into_iter().chain(Denied::REASONS);
    assert_eq!(listed, known.map(str::to_owned).collect());
}

/// The guard's address in each of them is the one it listens on.
#[test]
fn every_proxy_is_told_where_the_guard_is() {
    for name in ["nginx.conf", "Caddyfile", "traefik.yml", "envoy.yaml"] {
        let snippet = page(&format!("deploy/http/{name}"));
        let (guard, says) = match name {
            "envoy.yaml" => ("port_value: 9470", "path_prefix: /check"),
            _ => ("127.0.0.1:9470", "/check"),
        };
        assert!(snippet.contains(guard) && snippet.contains(says), "{name}");
    }
}

#[test]
fn errors_say_the_exit_code_that_glass_has() {
    use breakglass_client::error::{Error, Refusal};
    let page = page("docs/reference/errors.md");
    for row in page.lines().filter(|line| line.starts_with("| `")) {
        // A cell may hold an escaped bar; ours do not.
        let cells: Vec<_> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [reason, .., code, _] = cells.as_slice() else {
            panic!("{row}")
        };
        let reason = reason.trim_matches(['|', ' ', '`']).to_owned();
        let refusal = Refusal {
            reason: reason.clone(),
            message: String::new(),
            next: None,
        };
        let says = Error::Refused(Box::new(refusal)).exit_code().to_string();
        assert_eq!(*code, says, "{reason}");
    }
}

#[test]
fn every_setting_has_its_row() {
    let page = page("docs/reference/config.md");
    let settings = serde_json::to_value(Settings::default()).unwrap();
    let mut known: BTreeSet<_> = settings.as_object().unwrap().keys().cloned().collect();
    for optional in ["public_url", "issuer", "ledger_origin"] {
        known.insert(optional.to_owned());
    }
    let listed = first_cells(&page);
    let missing: Vec<_> = known.difference(&listed).collect();
    assert!(
        missing.is_empty(),
        "docs/reference/config.md does not name {missing:?}"
    );
    let files = ["pem", "vkey", "crt", "json"];
    let is_file = |name: &&String| files.iter().any(|kind| name.ends_with(&format!(".{kind}")));
    let unknown: Vec<_> = listed
        .difference(&known)
        .filter(|name| !is_file(name))
        .collect();
    assert!(
        unknown.is_empty(),
        "docs/reference/config.md names {unknown:?}, which is no setting"
    );
}

/// Where the default stands as it would be written, and not in words.
#[test]
fn every_setting_is_told_with_its_default() {
    let page = page("docs/reference/config.md");
    let settings = serde_json::to_value(Settings::default()).unwrap();
    let mut told = 0;
    for row in page.lines().filter_map(|line| line.strip_prefix("| `")) {
        let mut cells = row.split(" | ");
        let name = cells.next().unwrap().trim_end_matches('`');
        let default = cells.next().and_then(|cell| cell.strip_prefix('`'));
        let default = default.and_then(|cell| cell.strip_suffix('`'));
        let default = default.and_then(|text| serde_json::from_str(text).ok());
        let Some(default): Option<serde_json::Value> = default else {
            continue;
        };
        assert_eq!(settings[name], default, "{name}");
        told += 1;
    }
    assert!(told >= 14, "{told} of them are found");
}

#[test]
fn every_variable_of_glass_is_told() {
    let page = page("docs/reference/environment.md");
    let help = Cli::command().render_long_help().to_string();
    for line in help
        .lines()
        .filter(|line| line.trim_start().starts_with("GLASS_"))
    {
        let name = line.split_whitespace().next().unwrap();
        assert!(page.contains(&format!("`{name}`")), "{name}");
    }
}

/// The readme and every page in these folders below `docs`.
fn pages(folders: &[&str]) -> Vec<String> {
    let mut pages = vec!["README.md".to_owned()];
    for folder in folders {
        for file in fs::read_dir(root().join(folder)).unwrap() {
            let name = file.unwrap().file_name().into_string().unwrap();
            pages.extend(name.ends_with(".md").then(|| format!("{folder}/{name}")));
        }
    }
    pages
}

/// Pages that say how it is today; a decision says how it was to be.
const OF_TODAY: [&str; 4] = ["docs", "docs/operating", "docs/reference", "docs/targets"];

/// Lines of shell blocks that begin with a word.
fn lines_of(program: &str) -> Vec<(String, String)> {
    let mut lines = Vec::new();
    for path in pages(&OF_TODAY) {
        for block in blocks(&page(&path)) {
            for line in block.replace("\\\n", " ").lines() {
                let line = line.trim_start().trim_start_matches("$ ");
                if line.split(' ').next() == Some(program) && !line.contains("--->") {
                    lines.push((path.clone(), line.to_owned()));
                }
            }
        }
    }
    lines
}

/// Commands that stand in a sentence, between backticks, but for those of no command in particular:
/// `glass COMMAND --help`.
fn named_in_sentences(program: &str) -> Vec<(String, String)> {
    let names_one = |span: &str| {
        let mut words = span.split([' ', '\n']);
        let of_it = words.next() == Some(program);
        of_it
            && words
                .next()
                .is_none_or(|word| word.starts_with(|c: char| c == '-' || c.is_lowercase()))
    };
    let mut named = Vec::new();
    for path in pages(&OF_TODAY) {
        let page = page(&path);
        for prose in page.split("\n```").step_by(2) {
            let spans = prose.split('`').skip(1).step_by(2);
            let spans = spans.filter(|span| names_one(span));
            let typed = spans.map(|span| span.replace('\n', " ").replace("VKEY", A_KEY));
            named.extend(typed.map(|span| (path.clone(), span)));
        }
    }
    named
}

/// Of a witness.
const A_KEY: &str = "witness.example/otto+73b0cf55+BP0XJDhaoMdbZPt4zWAvodmR/ev3axPFjtcC6sg16fYY";

#[test]
fn every_glass_command_in_the_documentation_is_one() {
    let taken = |words: &[String]| Cli::try_parse_from(words).map(drop);
    each_is_a_command(&lines_of("glass"), 20, taken);
}

#[test]
fn every_glassd_command_in_the_documentation_is_one() {
    let taken = |words: &[String]| Arguments::try_parse_from(words).map(drop);
    each_is_a_command(&lines_of("glassd"), 6, taken);
}

/// A sentence may leave out what has to stand behind it: `glass exec`.
#[test]
fn every_command_in_a_sentence_is_one() {
    use clap::error::ErrorKind::{
        DisplayHelpOnMissingArgumentOrSubcommand, MissingRequiredArgument, MissingSubcommand,
    };
    let cut = [
        DisplayHelpOnMissingArgumentOrSubcommand,
        MissingRequiredArgument,
        MissingSubcommand,
    ];
    let or_cut = |taken: Result<(), clap::Error>| match taken {
        Err(why) if cut.contains(&why.kind()) => Ok(()),
        Err(why) if why.to_string().contains("none was supplied") => Ok(()),
        taken => taken,
    };
    let taken = |words: &[String]| or_cut(Cli::try_parse_from(words).map(drop));
    each_is_a_command(&named_in_sentences("glass"), 200, taken);
    let taken = |words: &[String]| or_cut(Arguments::try_parse_from(words).map(drop));
    each_is_a_command(&named_in_sentences("glassd"), 50, taken);
}

/// There are at least so many, and each is one that the program takes.
fn each_is_a_command(
    lines: &[(String, String)],
    least: usize,
    taken: impl Fn(&[String]) -> Result<(), clap::Error>,
) {
    let mut wrong = Vec::new();
    assert!(lines.len() >= least, "they are found: {}", lines.len());
    for (path, line) in lines {
        if let Err(why) = taken(&words(line)) {
            use clap::error::ErrorKind::{DisplayHelp, DisplayVersion};
            if ![DisplayHelp, DisplayVersion].contains(&why.kind()) {
                let why = why.to_string();
                wrong.push(format!(
                    "{path}: {line}: {}",
                    why.lines().next().unwrap_or_default()
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The words of a line as a shell reads them, up to a comment, a pipe, or the explanation that our
/// pages write behind a command after several spaces.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote, mut any) = (Vec::new(), String::new(), None, false);
    let mut spaces = 0;
    for c in line.chars() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (Some(_), _) => word.push(c),
            (None, '\'' | '"') => (quote, any) = (Some(c), true),
            (None, ' ') => {
                spaces += 1;
                if any || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                    any = false;
                }
                if spaces > 2 {
                    break;
                }
                continue;
            }
            (None, '#' | '|' | ';' | '>' | '&') if word.is_empty() => break,
            (None, _) => word.push(c),
        }
        spaces = 0;
    }
    if any || !word.is_empty() {
        words.push(word);
    }
    words
}

#[test]
fn the_commands_of_the_readme_are_there() {
    use std::os::unix::fs::PermissionsExt as _;
    let page = page("README.md");
    for command in ["deploy/quickstart", "tests/run"] {
        assert!(page.contains(command), "{command}");
        let mode = fs::metadata(root().join(command))
            .expect(command)
            .permissions()
            .mode();
        assert!(mode & 0o111 != 0, "{command} can be run");
    }
}

/// The page is there, and on it the heading that the link names.
#[test]
fn every_link_leads_somewhere() {
    let mut pages = pages(&[&OF_TODAY[..], &["docs/decisions"]].concat());
    pages.push("CHANGELOG.md".to_owned());
    let mut wrong = Vec::new();
    for path in pages {
        let text = page(&path);
        let links = text.split("](").skip(1);
        for link in links.filter_map(|rest| rest.split(')').next()) {
            let (target, heading) = link.split_once('#').unwrap_or((link, ""));
            if target.contains("://") {
                continue;
            }
            let target = match target {
                "" => root().join(&path),
                _ => root().join(&path).parent().unwrap().join(target),
            };
            let leads = target.exists()
                && (heading.is_empty()
                    || anchors(&fs::read_to_string(target).unwrap()).contains(heading));
            if !leads {
                wrong.push(format!("{path}: {link}"));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "links that lead nowhere:\n{}",
        wrong.join("\n")
    );
}

/// What links call the headings of a page, as GitHub makes it of them.
fn anchors(page: &str) -> BTreeSet<String> {
    let prose = page.split("\n```").step_by(2);
    let lines = prose.flat_map(str::lines);
    let headings = lines.filter_map(|line| {
        let text = line.trim_start_matches('#');
        (text.len() < line.len()).then(|| text.strip_prefix(' '))?
    });
    let kept = |c: &char| c.is_alphanumeric() || "-_ ".contains(*c);
    headings
        .map(|heading| {
            heading
                .to_lowercase()
                .chars()
                .filter(kept)
                .collect::<String>()
        })
        .map(|anchor| anchor.replace(' ', "-"))
        .collect()
}
