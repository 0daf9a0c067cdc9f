//! A message as Slack's incoming webhooks take it, and what is compatible with them.
//!
//! What people typed is text there and nothing else: not a link, not a mention of everybody.

use serde_json::json;

use super::notice::Notice;

/// The body of a POST.
pub(super) fn body(notice: &Notice) -> Vec<u8> {
    let mut text = match notice.loud {
        true => format!(":rotating_light: *{}*", escaped(&notice.title)),
        false => escaped(&notice.title),
    };
    for (name, value) in notice.shown_facts() {
        text.push_str(&format!("\n• {name}: {}", escaped(&value)));
    }
    if let Some(next) = &notice.next {
        text.push_str(&format!("\n`{}`", escaped(next).replace('`', "'")));
    }
    let message = json!({
        "text": text,
        "mrkdwn": true,
        "link_names": false,
        "unfurl_links": false,
        "unfurl_media": false,
    });
    message.to_string().into_bytes()
}

/// `&`, `<` and `>` as Slack asks for it, which leaves no link and no mention in its own syntax. Others
/// find `@channel` and Markdown links in plain text: an `@` that begins a word becomes one that is only
/// looked at, and `](` is taken apart. So do `*` and the colons of an emoji: what somebody typed does not
/// look like what is loud.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        match c {
            '*' => safe.push('\u{FF0A}'),
            ':' if begins_emoji(&text[at + 1..]) => safe.push('\u{FF1A}'),
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '@' if !before.is_alphanumeric() => safe.push('\u{FF20}'),
            '(' if before == ']' => safe.push_str(" ("),
            c => safe.push(c),
        }
        before = c;
    }
    safe
}

/// Whether a colon before this makes an emoji of it, as `:rotating_light:`.
fn begins_emoji(rest: &str) -> bool {
    let named = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '+' | '-' | '\'');
    let end = rest.find(|c| !named(c)).unwrap_or(rest.len());
    rest[end..].starts_with(':') && rest[..end].contains(|c: char| !c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_typed_is_neither_a_link_nor_a_mention() {
        for (typed, said) in [
            ("a < b && c > d", "a &lt; b &amp;&amp; c &gt; d"),
            ("<!channel> wake up", "&lt;!channel&gt; wake up"),
            (
                "<https://evil.example|the runbook>",
                "&lt;https://evil.example|the runbook&gt;",
            ),
            ("@channel @here (@all)", "＠channel ＠here (＠all)"),
            (
                ":rotating_light: *SELF-GRANT* at 03:12:04, db:5432",
                "\u{FF1A}rotating_light: \u{FF0A}SELF-GRANT\u{FF0A} at 03:12:04, db:5432",
            ),
            ("write to mia@shop.example", "write to mia@shop.example"),
            (
                "![x](https://evil.example/p.png)",
                "![x] (https://evil.example/p.png)",
            ),
        ] {
            assert_eq!(escaped(typed), said);
        }
    }
}
