//! Our own form, for anything that can sign: `docs/operating/alerts.md`.

use breakglass_domain::policy::SourceKind;
use serde::Deserialize;

use super::super::text;
use super::{Read, Said, Unread, key, parsed, titled, unknown};
use crate::app::Alarm;

const KIND: SourceKind = SourceKind::Webhook;

/// Nothing else may stand there: a field that is misspelt must not be overlooked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    alert: String,
    state: String,
    title: Option<String>,
    severity: Option<String>,
}

pub(super) fn read(body: &[u8]) -> Result<Read, Unread> {
    let body: Body = parsed(KIND, body)?;
    let key = key(KIND, "alert", &body.alert)?;
    let alarm = match body.state.as_str() {
        "firing" => Alarm::Fires {
            key,
            title: titled([body.title.as_deref(), Some(&body.alert)]),
            words: body
                .severity
                .as_deref()
                .and_then(text::word)
                .into_iter()
                .collect(),
        },
        "resolved" => Alarm::Over { key },
        other => return Err(unknown("the state", other, "`firing` and `resolved`")),
    };
    // Its nonce stands in a header.
    Ok(Read {
        said: Said::Alarm(alarm),
        delivery: None,
    })
}
