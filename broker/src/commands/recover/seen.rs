//! A head in a statement or an entry, for who has no checkpoint of what is lost.

use serde_json::Value;

/// The checkpoint that a statement says its signer had seen (docs/reference/statements.md), or that an entry shows, as
/// a signed note; nothing where the text is neither. Who signed it is for others to check.
pub(super) fn head_in(text: &str, origin: &str) -> Option<String> {
    if !text.trim_start().starts_with('{') {
        return of_statement(text, origin);
    }
    let read: Value = serde_json::from_str(text).ok()?;
    // As `glass ledger show` answers, or the entry alone.
    let entry = read.get("entry").unwrap_or(&read);
    if let Some(note) = entry.get("checkpoint").and_then(Value::as_str) {
        return Some(note.to_owned());
    }
    of_statement(entry["signed"]["text"].as_str()?, origin)
}

fn of_statement(text: &str, origin: &str) -> Option<String> {
    if !text.starts_with("breakglass/v1 ") {
        return None;
    }
    let line = text.lines().rev().nth(1)?.strip_prefix("seen: ")?;
    let mut parts = line.splitn(3, ' ');
    let (size, root, signature) = (parts.next()?, parts.next()?, parts.next()?);
    Some(format!(
        "{origin}\n{size}\n{root}\n\n\u{2014} {origin} {signature}\n"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_and_an_entry_show_what_was_seen() {
        let statement = "breakglass/v1 note\norigin: o\nseen: 9 AAAA BBBB\nnonce: n\n";
        let note = "o\n9\nAAAA\n\n\u{2014} o BBBB\n";
        assert_eq!(head_in(statement, "o").as_deref(), Some(note));
        let entry = serde_json::json!({"signed": {"text": statement}});
        assert_eq!(head_in(&entry.to_string(), "o").as_deref(), Some(note));
        let shown = serde_json::json!({"entry": {"checkpoint": note}, "checkpoint": "the newest"});
        assert_eq!(head_in(&shown.to_string(), "o").as_deref(), Some(note));
        for none in [note, "", "{", "{}", "breakglass/v1 note\nnonce: n\n"] {
            assert_eq!(head_in(none, "o"), None, "{none}");
        }
    }
}
