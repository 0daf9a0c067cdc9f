//! The repository checks its own shape: who may name whom, and that nothing is left behind.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Modules of the broker and those of their siblings they may name (DESIGN, section 3).
const MAY_NAME: &[(&str, &[&str])] = &[
    ("ports", &[]),
    ("edge", &["ports", "issue"]),
    ("config", &[]),
    ("app", &["ports"]),
    ("ledger", &["ports"]),
    ("index", &["ports"]),
    ("issue", &["ports"]),
    ("effects", &["ports"]),
    ("listen", &["ports"]),
    ("api", &["app", "ports", "listen"]),
    ("web", &["app", "ports", "listen"]),
    ("hooks", &["app", "ports"]),
    ("jobs", &["app", "ports"]),
    ("notify", &["app", "ports", "config"]),
    ("witnesses", &["app", "ports", "config", "notify"]),
    ("telemetry", &["ports", "config"]),
];

/// Crates of ours and those of ours each may depend on.
const CRATES: &[(&str, &[&str])] = &[
    ("proto/tlog", &[]),
    ("proto", &[]),
    ("broker/domain", &[]),
    (
        "broker",
        &["breakglass-domain", "breakglass-proto", "breakglass-tlog"],
    ),
    // The domain is named in one place, for the policy's parser: decisions 0002 and 0006.
    (
        "client",
        &["breakglass-domain", "breakglass-proto", "breakglass-tlog"],
    ),
];

/// A file longer than this is more than one thing.
const LINES_MAX: usize = 600;

#[test]
fn each_module_names_only_what_it_may() {
    let mut wrong = Vec::new();
    for (module, allowed) in MAY_NAME {
        for file in module_files(module) {
            let text = code_of(&read(&file));
            for named in siblings_named(&text) {
                if named != *module && !allowed.contains(&named.as_str()) {
                    wrong.push(format!("{}: `{module}` names `{named}`", shown(&file)));
                }
            }
            for (krate, users) in [
                ("breakglass_proto", &["api"][..]),
                ("breakglass_client", &[][..]),
            ] {
                if text.contains(krate) && !users.contains(module) {
                    wrong.push(format!("{}: `{module}` names `{krate}`", shown(&file)));
                }
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "who may name whom (docs/architecture.md):\n{}",
        wrong.join("\n")
    );
}

#[test]
fn commands_are_named_by_nothing_but_main() {
    let naming: Vec<_> = rust_files(&root().join("broker/src"))
        .into_iter()
        .filter(|file| !file.starts_with(root().join("broker/src/commands")))
        .filter(|file| !file.ends_with("main.rs"))
        .filter(|file| code_of(&read(file)).contains("crate::commands"))
        .collect();
    assert_eq!(naming, Vec::<PathBuf>::new());
}

#[test]
fn crates_depend_only_on_what_they_may() {
    for (krate, allowed) in CRATES {
        let manifest = read(&root().join(krate).join("Cargo.toml"));
        let dependencies = manifest
            .split("[dev-dependencies]")
            .next()
            .unwrap_or_default();
        for line in dependencies
            .lines()
            .filter(|line| line.starts_with("breakglass-"))
        {
            let named = line.split(['.', ' ', '=']).next().unwrap_or_default();
            assert!(
                allowed.contains(&named),
                "{krate}/Cargo.toml depends on {named}"
            );
        }
    }
}

#[test]
fn the_domain_and_the_formats_touch_nothing_outside() {
    let banned = [
        "std::fs",
        "std::net",
        "std::env",
        "std::process",
        "std::thread",
        "tokio",
        "async ",
        "SystemTime",
        "Instant::now",
        "Timestamp::now",
        "println!",
        "tonic",
        "prost",
    ];
    for folder in ["broker/domain/src", "proto/tlog/src"] {
        for file in rust_files(&root().join(folder)) {
            let text = code_of(&read(&file));
            for word in banned {
                assert!(!text.contains(word), "{} names `{word}`", shown(&file));
            }
        }
    }
}

#[test]
fn the_client_names_the_domain_in_one_file() {
    let naming: Vec<_> = rust_files(&root().join("client/src"))
        .into_iter()
        .filter(|file| code_of(&read(file)).contains("breakglass_domain"))
        .map(|file| shown(&file))
        .collect();
    let only = "client/src/rules.rs";
    assert!(
        naming.iter().all(|file| file == only),
        "{naming:?}: only {only} may (decisions 0002 and 0006)"
    );
}

#[test]
fn time_is_read_in_one_file_each() {
    let edges = ["broker/src/edge.rs", "client/src/time.rs"];
    for file in all_rust_files() {
        let name = shown(&file);
        if edges.contains(&name.as_str()) || name.starts_with("tests/") {
            continue;
        }
        let text = code_of(&read(&file));
        for word in ["SystemTime::now(", "Timestamp::now(", "Zoned::now("] {
            assert!(
                !text.contains(word),
                "{name} reads the wall clock; only {edges:?} may"
            );
        }
    }
}

/// Over a function that is no test: the tests start their own program again with it, in place of
/// `glass`, and a runner that starts it too would wait for a command line.
const STAND_IN: &str = "#[ignore = \"the tests start it themselves\"]";

#[test]
fn nothing_is_left_undone() {
    let left = [
        "todo!",
        "unimplemented!",
        "FIXME",
        "XXX",
        "#[ignore",
        "dbg!(",
    ];
    for file in all_rust_files() {
        let name = shown(&file);
        if name == "tests/tidy.rs" {
            continue;
        }
        let text = read(&file).replace(STAND_IN, "");
        for word in left {
            assert!(!text.contains(word), "{name} has `{word}`");
        }
        let lines = text.lines().count();
        assert!(
            lines <= LINES_MAX,
            "{name} has {lines} lines: is it still one thing?"
        );
    }
}

#[test]
fn one_crypto_provider_only() {
    let lock = read(&root().join("Cargo.lock"));
    for banned in [
        "aws-lc-rs",
        "aws-lc-sys",
        "openssl",
        "openssl-sys",
        "native-tls",
        "rsa",
        "ed25519-dalek",
    ] {
        let line = format!("name = \"{banned}\"\n");
        assert!(
            !lock.contains(&line),
            "{banned} is in Cargo.lock; ring is the only provider"
        );
    }
}

#[test]
fn every_relative_link_in_the_docs_leads_somewhere() {
    let mut broken = Vec::new();
    for file in markdown_files() {
        let text = read(&file);
        for target in links(&text) {
            let path = target.split('#').next().unwrap_or_default();
            let elsewhere = target.contains("://") || target.starts_with("mailto:");
            if path.is_empty() || elsewhere {
                continue;
            }
            let folder = file.parent().unwrap_or(&file);
            if !folder.join(path).exists() {
                broken.push(format!("{}: {target}", shown(&file)));
            }
        }
    }
    assert!(
        broken.is_empty(),
        "links that lead nowhere:\n{}",
        broken.join("\n")
    );
}

#[test]
fn decisions_are_numbered_without_gaps() {
    let mut numbers: Vec<u32> = fs::read_dir(root().join("docs/decisions"))
        .expect("docs/decisions")
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.get(..4)?.parse().ok())
        .collect();
    numbers.sort_unstable();
    let wanted: Vec<u32> = (1..=numbers.len())
        .map(|n| u32::try_from(n).unwrap_or(0))
        .collect();
    assert_eq!(numbers, wanted);
}

fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests
        .parent()
        .expect("tests/ is inside the repository")
        .to_owned()
}

fn shown(file: &Path) -> String {
    file.strip_prefix(root())
        .unwrap_or(file)
        .display()
        .to_string()
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()))
}

/// The text without comments and without its unit tests, which may name anything.
fn code_of(text: &str) -> String {
    let code = text
        .split("#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or_default();
    let lines = code
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

fn module_files(module: &str) -> Vec<PathBuf> {
    let source = root().join("broker/src");
    let mut files = rust_files(&source.join(module));
    let single = source.join(format!("{module}.rs"));
    if single.exists() {
        files.push(single);
    }
    assert!(!files.is_empty(), "broker/src has no module {module}");
    // A module's test files may name anything, as its `mod tests` may.
    files.retain(|file| !shown(file).contains("/tests"));
    files
}

/// `crate::NAME` and the names in `use crate::{...}`.
fn siblings_named(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for part in text.split("crate::").skip(1) {
        if let Some(group) = part.strip_prefix('{') {
            let inside = group.split('}').next().unwrap_or_default();
            found.extend(inside.split(',').map(|name| first_word(name.trim())));
        } else {
            found.insert(first_word(part));
        }
    }
    found.retain(|name| !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase()));
    found
}

fn first_word(text: &str) -> String {
    text.chars()
        .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
        .collect()
}

fn all_rust_files() -> Vec<PathBuf> {
    ["proto", "broker", "client", "tests"]
        .iter()
        .flat_map(|folder| rust_files(&root().join(folder)))
        .collect()
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    files_ending(folder, "rs")
}

fn markdown_files() -> Vec<PathBuf> {
    let mut files = files_ending(&root().join("docs"), "md");
    files.extend([root().join("README.md"), root().join("CHANGELOG.md")]);
    files
}

fn files_ending(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut files = Vec::new();
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        if path.is_dir() && !path.ends_with("target") {
            files.extend(files_ending(&path, ending));
        } else if path.extension().is_some_and(|found| found == ending) {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// The targets of `[text](target)`.
fn links(text: &str) -> Vec<String> {
    let after = text.split("](").skip(1);
    after
        .filter_map(|rest| rest.split(')').next())
        .map(str::to_owned)
        .collect()
}

/// What the broker says in UTC `glass` shows as the clock of its laptop has it: two sorts of time on one
/// screen are read wrongly at three in the morning.
#[test]
fn no_screen_has_two_clocks() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/transcripts");
    for file in std::fs::read_dir(folder).expect("there are transcripts") {
        let path = file.expect("a file").path();
        let text = std::fs::read_to_string(&path).expect("a transcript");
        let wrong = text
            .lines()
            .find(|line| line.contains("HH:MM UTC") || line.contains("SS UTC"));
        assert_eq!(wrong, None, "{}", path.display());
    }
}
