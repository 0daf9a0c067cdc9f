//! Where the ledger was copied to as it grew: each stream begins once before it ends.

use std::collections::HashMap;

use crate::entry::Entry;

/// Streams that go on, by name, with what each takes.
#[derive(Default)]
pub(super) struct Streams(HashMap<String, String>);

impl Streams {
    /// Checks and folds.
    pub(super) fn take(&mut self, entry: &Entry) -> Result<(), String> {
        let text = |name| entry.text(name).unwrap_or_default().to_owned();
        let (name, kind) = (text("stream"), text("stream_kind"));
        match entry.kind.as_str() {
            "stream.began" => {
                let from = entry.body.get("from").and_then(serde_json::Value::as_u64);
                if from.is_none_or(|from| from > entry.index) {
                    return Err(format!("the stream {name} begins after this entry"));
                }
                match self.0.insert(name.clone(), kind) {
                    None => Ok(()),
                    Some(_) => Err(format!("the stream {name} begins, and goes on already")),
                }
            }
            "stream.ended" => match self.0.remove(&name) {
                Some(begun) if begun == kind => Ok(()),
                _ => Err(format!(
                    "the stream {name} of {kind} ends, and does not go on"
                )),
            },
            _ => Ok(()),
        }
    }
}
