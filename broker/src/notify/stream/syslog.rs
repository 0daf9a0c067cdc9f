//! One entry as one message of syslog (RFC 5424), in a frame that says its length (RFC 5425 section
//! 4.3, RFC 6587 section 3.4.1).

use breakglass_domain::Time;
use serde_json::json;

use super::about::{Weight, person, weight};
use crate::app::feed::Told;

/// Security and authorization messages. 13, "log audit", fits as well; but 10 has a name everywhere
/// (`authpriv`), and who has no rule for it keeps it where not everybody reads.
const FACILITY: u8 = 10;

/// What a message in UTF-8 begins with (RFC 5424 section 6.4). ASCII needs none, and JSON that begins with
/// it is refused by most readers: so only where there is more than ASCII.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// The message's kind where it is a test.
const TEST: &str = "stream.test";

/// Who sends.
pub(super) struct Origin<'a> {
    /// What the broker's host is called.
    pub(super) host: &'a str,
    /// The ledger's name.
    pub(super) ledger: &'a str,
    /// What stands behind the `@` of structured data that is ours.
    pub(super) enterprise_number: u32,
}

/// A name and a value of structured data.
type Param = (&'static str, String);

/// The entry, as it stands in the ledger, and beside it what is filtered by.
pub(super) fn frame(told: &Told, origin: &Origin<'_>) -> Vec<u8> {
    let (event, change) = (told.event(), told.change());
    let mut params: Vec<Param> = vec![
        ("ledger", origin.ledger.to_owned()),
        ("index", told.index().to_string()),
        ("by", event.by.to_string()),
    ];
    let mut add = |name, value: Option<String>| params.extend(value.map(|value| (name, value)));
    add("incident", change.incident().map(|it| it.to_string()));
    add("grant", change.grant().map(|of| of.grant.to_string()));
    add("person", person(change).map(ToString::to_string));
    add("right", change.grant().map(|of| of.right.to_string()));
    add("target", change.target().map(ToString::to_string));
    let head = (weight(event), event.at, told.kind());
    framed(&message(head, &params, &told.recorded.line, origin))
}

/// A message that is no entry.
pub(super) fn test(name: &str, origin: &Origin<'_>, now: Time) -> Vec<u8> {
    let text = json!({ "test": format!("the stream {name} of breakglass gets through") });
    let params = [("ledger", origin.ledger.to_owned())];
    let head = (Weight::Routine, now, TEST);
    framed(&message(head, &params, text.to_string().as_bytes(), origin))
}

fn message(
    (weight, at, kind): (Weight, Time, &str),
    params: &[Param],
    text: &[u8],
    origin: &Origin<'_>,
) -> Vec<u8> {
    let (priority, host) = (FACILITY * 8 + weight.syslog(), origin.host);
    let data = structured(params, origin.enterprise_number);
    // A number of a process says nothing here, and would make the same entry another message.
    let mut message = format!("<{priority}>1 {at} {host} glassd - {kind} {data} ").into_bytes();
    if !text.is_ascii() {
        message.extend_from_slice(BOM);
    }
    message.extend_from_slice(text);
    message
}

/// `[breakglass@32473 index="17"]`, with what RFC 5424 section 6.3.3 wants escaped.
fn structured(params: &[Param], enterprise_number: u32) -> String {
    let mut data = format!("[breakglass@{enterprise_number}");
    for (name, value) in params {
        data.push_str(&format!(" {name}=\""));
        for c in value.chars() {
            if matches!(c, '"' | '\\' | ']') {
                data.push('\\');
            }
            data.push(c);
        }
        data.push('"');
    }
    data.push(']');
    data
}

fn framed(message: &[u8]) -> Vec<u8> {
    [message.len().to_string().as_bytes(), b" ", message].concat()
}
