//! As much of XML 1.0 as AWS's query services answer with: elements, attributes nobody needs, text,
//! the five named entities and numbered ones. Document types, and with them every entity somebody
//! could define, are refused, as is what is not closed.

/// How deep elements may stand in each other; STS's go to four.
const DEPTH_MAX: usize = 16;

/// It is not the XML we read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is not XML of the kind AWS answers with")]
pub struct NotXml;

/// The text of the one element at this path, from the root on; `None` where there is none or it is
/// empty. Namespaces are not looked at.
///
/// # Errors
/// [`NotXml`], also where the path leads to two.
pub fn text_at(document: &str, path: &[&str]) -> Result<Option<String>, NotXml> {
    let mut found: Option<String> = None;
    let mut open: Vec<&str> = Vec::new();
    let mut done = false;
    let mut rest = document.trim_start_matches('\u{feff}').trim_start();
    while !rest.is_empty() {
        let (text, tag) = match rest.split_once('<') {
            Some((text, tag)) => (text, Some(tag)),
            None => (rest, None),
        };
        if open.is_empty() && !text.trim().is_empty() {
            return Err(NotXml);
        }
        if open == path {
            found.get_or_insert_default().push_str(&unescaped(text)?);
        }
        let Some(tag) = tag else { break };
        rest = match tag.as_bytes().first() {
            Some(b'?') => after(tag, "?>")?,
            Some(b'!') => after(tag.strip_prefix("!--").ok_or(NotXml)?, "-->")?,
            Some(b'/') => {
                let (name, rest) = tag[1..].split_once('>').ok_or(NotXml)?;
                if open.pop() != Some(name.trim_end()) {
                    return Err(NotXml);
                }
                done = open.is_empty();
                rest
            }
            _ => {
                let start = Start::read(tag)?;
                open.push(start.name);
                if done || open.len() > DEPTH_MAX || (open == path && found.is_some()) {
                    return Err(NotXml);
                }
                if open == path {
                    found = Some(String::new());
                }
                if start.is_empty {
                    open.pop();
                    done = open.is_empty();
                }
                start.rest
            }
        };
    }
    match done {
        true => Ok(found.filter(|text| !text.is_empty())),
        false => Err(NotXml),
    }
}

/// A start tag, read up to its end.
struct Start<'a> {
    name: &'a str,
    is_empty: bool,
    rest: &'a str,
}

impl<'a> Start<'a> {
    /// `name attribute="value" ... >` or `/>`; a value may hold `>`.
    fn read(tag: &'a str) -> Result<Self, NotXml> {
        let end = tag
            .find(|c: char| c.is_ascii_whitespace() || c == '>' || c == '/')
            .ok_or(NotXml)?;
        let (name, mut rest) = tag.split_at(end);
        let fits = |c: char| c.is_ascii_alphanumeric() || "-._:".contains(c);
        if name.is_empty() || !name.chars().all(fits) {
            return Err(NotXml);
        }
        loop {
            rest = rest.trim_start();
            if let Some(rest) = rest.strip_prefix('>') {
                let is_empty = false;
                return Ok(Self {
                    name,
                    is_empty,
                    rest,
                });
            }
            if let Some(rest) = rest.strip_prefix("/>") {
                let is_empty = true;
                return Ok(Self {
                    name,
                    is_empty,
                    rest,
                });
            }
            let (attribute, value) = rest.split_once('=').ok_or(NotXml)?;
            if attribute.is_empty() || !attribute.chars().all(fits) {
                return Err(NotXml);
            }
            let value = value.strip_prefix('"').map(|rest| (rest, '"')).or_else(|| {
                let rest = value.strip_prefix('\'')?;
                Some((rest, '\''))
            });
            let (value, quote) = value.ok_or(NotXml)?;
            rest = value.split_once(quote).ok_or(NotXml)?.1;
        }
    }
}

fn after<'a>(text: &'a str, end: &str) -> Result<&'a str, NotXml> {
    text.split_once(end).map(|(_, rest)| rest).ok_or(NotXml)
}

/// Text with its entities replaced.
fn unescaped(text: &str) -> Result<String, NotXml> {
    let mut parts = text.split('&');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (entity, rest) = part.split_once(';').ok_or(NotXml)?;
        plain.push(match entity {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            _ => numbered(entity.strip_prefix('#').ok_or(NotXml)?)?,
        });
        plain.push_str(rest);
    }
    Ok(plain)
}

fn numbered(entity: &str) -> Result<char, NotXml> {
    let (digits, radix) = match entity.strip_prefix('x') {
        Some(digits) => (digits, 16),
        None => (entity, 10),
    };
    if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(NotXml);
    }
    let number = u32::from_str_radix(digits, radix).map_err(|_| NotXml)?;
    char::from_u32(number).filter(|c| *c != '\0').ok_or(NotXml)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(document: &str, path: &[&str]) -> Result<Option<String>, NotXml> {
        text_at(document, path)
    }

    #[test]
    fn text_is_found_at_its_path_and_nowhere_else() {
        let document = "<?xml version=\"1.0\"?>\n<a xmlns=\"https://x/?a>b\"><!-- <b>no</b> -->\
            <c><b>not this</b></c> <b k='1'\n>one &amp; &#116;w&#x6f;</b><d/></a>\n";
        assert_eq!(at(document, &["a", "b"]), Ok(Some("one & two".into())));
        assert_eq!(at(document, &["a", "d"]), Ok(None));
        assert_eq!(at(document, &["b"]), Ok(None));
        assert_eq!(at(document, &["a", "c", "b"]), Ok(Some("not this".into())));
    }

    #[test]
    fn whatever_else_comes_is_refused() {
        let deep = format!("{}{}", "<a>".repeat(20), "</a>".repeat(20));
        for document in [
            "",
            "text",
            "<a>",
            "<a></b>",
            "<a></a></a>",
            "<a></a><a></a>",
            "<a></a>x",
            "<a><b>1</b><b>2</b></a>",
            "<a><b/><b>2</b></a>",
            "<!DOCTYPE a [<!ENTITY x \"y\">]><a><b>&x;</b></a>",
            "<a><b><![CDATA[1]]></b></a>",
            "<a><b>&unknown;</b></a>",
            "<a><b>&#0;</b></a>",
            "<a><b>&#+65;</b></a>",
            "<a><b>&#x110000;</b></a>",
            "<a><b>&amp</b></a>",
            "<a b=c></a>",
            "<a b=></a>",
            "<a b></a>",
            "<a b=\"c></a>",
            "<é></é>",
            "< a></a>",
            "<a><",
            "<a></a",
            "<a></a><",
            deep.as_str(),
        ] {
            assert_eq!(at(document, &["a", "b"]), Err(NotXml), "{document}");
        }
    }

    #[test]
    fn no_cut_of_an_answer_is_taken_for_a_whole_one_nor_panics() {
        let document = "<a x='é'><b>&amp;é</b></a>";
        for (end, _) in document.char_indices() {
            assert_eq!(at(&document[..end], &["a", "b"]), Err(NotXml), "{end}");
        }
    }
}
