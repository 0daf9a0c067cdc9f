//! Rows of a table that a spreadsheet opens (RFC 4180): derived from entries, never the proof.
//!
//! What people typed can neither restyle a terminal nor be a formula.

use serde_json::Value;

use crate::text::{no_formula, plain};

/// The columns of `entries.csv`: fields of an entry, as they stand in it.
pub(super) const OF_ENTRY: &[&str] = &[
    "index",
    "at",
    "kind",
    "by",
    "person",
    "right",
    "incident",
    "grant",
    "target",
    "session",
    "credential",
    "basis",
    "ends_at",
    "ending",
    "act",
    "reason",
    "count",
    "title",
    "text",
];

/// The columns of `keys.csv`.
pub(super) const OF_KEY: &[&str] = &["index", "at", "whose", "what", "key", "public"];

/// The names of columns, as a row.
pub(super) fn header(columns: &[&str]) -> String {
    row(columns.iter().map(|name| (*name).to_owned()))
}

/// An entry's row. A policy's text is a file of its own.
pub(super) fn entry(entry: &Value) -> String {
    row(OF_ENTRY.iter().map(|name| match *name {
        "text" if entry["kind"] == "policy.loaded" => String::new(),
        name => cell(&entry[name]),
    }))
}

/// The row of an entry that gives somebody a key; nothing for others.
pub(super) fn key(entry: &Value) -> Option<String> {
    let [whose, what, key] = match entry["kind"].as_str()? {
        "person.enrolled" | "target.enrolled" => ["by", "device", "key"],
        "key.added" => ["by", "purpose", "id"],
        _ => return None,
    };
    let fields = ["index", "at", whose, what, key, "public"];
    Some(row(fields.map(|name| cell(&entry[name])).into_iter()))
}

fn cell(value: &Value) -> String {
    match value {
        Value::String(text) => plain(text),
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        _ => String::new(),
    }
}

fn row(cells: impl Iterator<Item = String>) -> String {
    let cells: Vec<_> = cells.map(quoted).collect();
    format!("{}\r\n", cells.join(","))
}

fn quoted(cell: String) -> String {
    let cell = no_formula(&cell);
    match cell.contains([',', '"']) {
        true => format!("\"{}\"", cell.replace('"', "\"\"")),
        false => cell,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_somebody_typed_is_neither_a_formula_nor_a_row_of_its_own() {
        let hostile = json!({
            "index": 7, "kind": "incident.noted", "by": "mia",
            "text": "=HYPERLINK(\"http://x\",\"a\")\r\n8,now\u{1b}[31m\u{202e}",
        });
        let row = entry(&hostile);
        let told = r#""'=HYPERLINK(""http://x"",""a"")\r\n8,now\u{1b}[31m\u{202e}""#;
        assert!(row.starts_with("7,,incident.noted,mia,"), "{row}");
        assert!(row.ends_with(&format!("{told}\r\n")), "{row}");
        assert_eq!(row.matches('\n').count(), 1);
        for beginning in ["=1", "+1", "-1", "@a"] {
            assert_eq!(quoted(beginning.to_owned()), format!("'{beginning}"));
        }
        assert_eq!(quoted("a;=1; @b;c".to_owned()), "a;'=1;' @b;c");
    }

    #[test]
    fn a_policy_is_no_cell_and_a_key_is_a_row() {
        let policy = json!({"index": 1, "kind": "policy.loaded", "text": "[people]"});
        assert!(!entry(&policy).contains("people"));
        assert_eq!(key(&policy), None);
        let enrolled = json!({"index": 2, "at": "T", "kind": "person.enrolled", "by": "mia",
            "device": "a, b", "key": "K", "public": "BP=="});
        assert_eq!(key(&enrolled).unwrap(), "2,T,mia,\"a, b\",K,BP==\r\n");
    }
}
