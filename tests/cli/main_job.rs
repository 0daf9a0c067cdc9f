//! The main job, typed, and everything it prints.

use std::fmt::Write as _;

use breakglass_tests::Playground;

use crate::golden;

#[test]
fn the_main_job_as_it_is_read() {
    let playground = Playground::begins();
    let mut transcript = String::new();
    let mut types = |who: &str, words: &[&str]| {
        transcript.push_str(&typed(&playground, who, words));
    };
    let revert: &[&str] = &[
        "exec",
        "revert-config",
        "-m",
        "batch size back to 20",
        "--",
        "true",
    ];
    types("mia", &["whoami"]);
    types("mia", revert);
    types("support", &["incident", "open", "shop is slow since 10:00"]);
    types(
        "support",
        &[
            "incident",
            "note",
            "three users report pages that take nine seconds",
        ],
    );
    types("mia", &["can"]);
    types("mia", &["can", "support", "deploy-shop"]);
    types("mia", revert);
    types(
        "mia",
        &[
            "request",
            "migrate-shop-db",
            "-m",
            "delete doubled jobs",
            "--no-wait",
        ],
    );
    types("mia", &["approve", "G-2", "--yes"]);
    types("leon", &["approve"]);
    types("leon", &["approve", "G-2", "--yes"]);
    types("designer", &["status"]);
    types("designer", &["request", "deploy-shop", "-m", "let me"]);
    types("mia", &["grants", "show", "G-2"]);
    types(
        "leon",
        &[
            "incident",
            "close",
            "-m",
            "config reverted, queue is draining",
        ],
    );
    types("mia", &["credential", "jwt", "--grant", "G-2"]);
    types("mia", &["drop", "G-2"]);
    types("founder", &["incident", "show", "INC-1"]);
    types("founder", &["ledger", "verify"]);
    golden::holds("transcripts/main-job.txt", &transcript);
}

/// What somebody types, and all that it prints.
pub(crate) fn typed(playground: &Playground, who: &str, words: &[&str]) -> String {
    let said = playground.glass(who, words);
    let shown: Vec<_> = words.iter().map(|word| quoted(word)).collect();
    let mut transcript = format!("{who}$ glass {}\n", shown.join(" "));
    for (side, text) in [(' ', &said.out), ('!', &said.err)] {
        for line in text.lines() {
            let line = settled(playground, line);
            let _ = writeln!(transcript, "{side} {}", line.trim_end());
        }
    }
    let _ = writeln!(transcript, "= {}\n", said.code);
    transcript
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{word}'")
    }
}

/// What differs from run to run, by what it is: times, lengths, hashes, ports, folders.
fn settled(playground: &Playground, line: &str) -> String {
    let folder = playground
        .path("")
        .to_string_lossy()
        .trim_end_matches('/')
        .to_owned();
    let port = playground.ports().grpc.to_string();
    let line = line.replace(&folder, "PLAYGROUND").replace(&port, "PORT");
    let mut settled = String::new();
    for word in line.split_inclusive([' ', '(', ')', ',', ';', '`']) {
        let end = word.len()
            - word.chars().last().map_or(0, |c| {
                if " (),;`".contains(c) {
                    c.len_utf8()
                } else {
                    0
                }
            });
        let (text, after) = word.split_at(end);
        settled.push_str(&kind_of(text));
        settled.push_str(after);
    }
    without_days_and_widths(&settled)
}

/// A day before a time, how long ago something was, and how wide that made a column.
fn without_days_and_widths(line: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    let indent = line.len() - line.trim_start().len();
    for word in line.split_whitespace() {
        let is_time = word.starts_with("HH:MM");
        let is_day = |day: &[String]| {
            let [day, month] = day else { return false };
            day.parse::<u8>().is_ok() && month.len() == 3
        };
        let before = words.len().saturating_sub(2);
        if is_time && is_day(&words[before..]) {
            // Whether it is told depends on the hour at which the test runs.
            words.truncate(before);
        }
        words.push(word.to_owned());
    }
    let line = format!("{}{}", " ".repeat(indent), words.join(" "));
    line.replace("LENGTH ago", "AGO")
        .replace("(now)", "(AGO)")
        .replace(", now)", ", AGO)")
}

fn kind_of(word: &str) -> String {
    let trimmed = word.trim_end_matches(['.', ':']);
    let tail = &word[trimmed.len()..];
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let is_clock = trimmed.len() == 5
        && trimmed
            .split_once(':')
            .is_some_and(|(hour, minute)| digits(hour) && digits(minute));
    let is_length = trimmed.len() > 1
        && trimmed.starts_with(|c: char| c.is_ascii_digit())
        && trimmed.ends_with(['s', 'm', 'h', 'd'])
        && trimmed
            .bytes()
            .all(|b| b.is_ascii_digit() || b"smhd".contains(&b));
    let hash = |c: char| c.is_ascii_alphanumeric() || "+/=-_".contains(c);
    let is_hash = trimmed.len() >= 20
        && trimmed.chars().all(hash)
        && trimmed.bytes().any(|b| b.is_ascii_uppercase());
    let hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    let is_hash = is_hash || trimmed.len() == 64 && trimmed.chars().all(hex);
    let is_moment = trimmed.len() == 24 && trimmed.ends_with('Z') && trimmed.as_bytes()[10] == b'T';
    let parts = |by: char, widths: &[usize]| {
        let found: Vec<_> = trimmed.split(by).collect();
        found.len() == widths.len()
            && found
                .iter()
                .zip(widths)
                .all(|(part, width)| digits(part) && part.len() == *width)
    };
    match () {
        () if parts('-', &[4, 2, 2]) => format!("DATE{tail}"),
        () if parts(':', &[2, 2, 2]) => format!("HH:MM:SS{tail}"),
        () if is_moment => format!("MOMENT{tail}"),
        () if is_clock && trimmed != "10:00" => format!("HH:MM{tail}"),
        () if is_length => format!("LENGTH{tail}"),
        () if is_hash => format!("HASH{tail}"),
        () => word.to_owned(),
    }
}
