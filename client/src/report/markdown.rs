//! A report as Markdown (CommonMark, and tables as GitHub has them).
//!
//! Words people typed are data: nothing in them is a link, an image, HTML or the end of a cell.

use super::{Report, Row, Section};
use crate::text::plain;

/// The whole report.
#[must_use]
pub fn render(report: &Report) -> String {
    let mut out = format!("# Report on the ledger {}\n\n", escaped(&report.ledger));
    out.push_str(&format!("{}\n\n", escaped(&report.span())));
    for sentence in &report.verified {
        out.push_str(&format!("- {}\n", escaped(sentence)));
    }
    out.push_str(&format!("\nRoot: `{}`\n", report.root));
    for section in &report.sections {
        render_section(&mut out, section);
    }
    out
}

fn render_section(out: &mut String, section: &Section) {
    out.push_str(&format!("\n## {}\n", section.question));
    for sentence in &section.answer {
        out.push_str(&format!("\n{}\n", escaped(sentence)));
    }
    if section.rows.is_empty() {
        return;
    }
    out.push_str(&format!(
        "\n| entries | {} |\n",
        section.columns.join(" | ")
    ));
    out.push_str(&format!(
        "|{}\n",
        " --- |".repeat(section.columns.len() + 1)
    ));
    for row in &section.rows {
        out.push_str(&line(row));
    }
    if section.more > 0 {
        out.push_str(&format!(
            "\nand {} more, which are in the export.\n",
            section.more
        ));
    }
}

fn line(row: &Row) -> String {
    let cells = row.cells.iter().map(|cell| escaped(cell));
    let cells: Vec<_> = std::iter::once(row.places()).chain(cells).collect();
    format!("| {} |\n", cells.join(" | "))
}

/// Text that stays text: one line, nothing in it means anything to a reader of Markdown, and no address
/// becomes a link by itself.
fn escaped(text: &str) -> String {
    let text = plain(text);
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(c) = rest.chars().next() {
        let is_address = rest.starts_with("://") || is_www(rest);
        if is_address && c != ':' {
            out.push_str(&rest[..3]);
            out.push('\\');
            rest = &rest[3..];
            continue;
        }
        if is_address || "\\`*_{}[]<>#!|~&@".contains(c) {
            out.push('\\');
        }
        out.push(c);
        rest = &rest[c.len_utf8()..];
    }
    out
}

fn is_www(text: &str) -> bool {
    let start = text.get(..4);
    start.is_some_and(|start| start.eq_ignore_ascii_case("www."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_was_typed_means_anything() {
        for (typed, told) in [
            (
                "<script>alert(1)</script>",
                r"\<script\>alert(1)\</script\>",
            ),
            ("a | b\n| c", r"a \| b\\n\| c"),
            (
                "[x](javascript:y) ![i](http://z)",
                r"\[x\](javascript:y) \!\[i\](http\://z)",
            ),
            (
                "see www.evil.example, WWW.e, me@e.example",
                r"see www\.evil.example, WWW\.e, me\@e.example",
            ),
            ("&lt;b&gt; `code` # *x*", r"\&lt;b\&gt; \`code\` \# \*x\*"),
            ("\u{1b}[31m\u{202e}", r"\\u\{1b\}\[31m\\u\{202e\}"),
            ("2026-11-27T03:00:00.000Z", "2026-11-27T03:00:00.000Z"),
        ] {
            assert_eq!(escaped(typed), told);
        }
    }
}
