//! A report as one HTML file: no script, nothing fetched, and words people typed are text.

use super::{Report, Row, Section};
use crate::text::plain;

/// A browser that heeds it would run and fetch nothing even if something had slipped through.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

const STYLE: &str = "\
body{font:15px/1.5 system-ui,sans-serif;max-width:80rem;margin:2rem auto;padding:0 1rem;color:#1b1b1b;background:#fff}\
h1{font-size:1.6rem}h2{font-size:1.2rem;margin-top:2.5rem;border-top:1px solid #ccc;padding-top:1rem}\
table{border-collapse:collapse;width:100%;font-size:.85rem}\
th,td{text-align:left;vertical-align:top;padding:.3rem .6rem;border-bottom:1px solid #ddd;overflow-wrap:anywhere}\
th{background:#f4f4f4}code{overflow-wrap:anywhere}\
@media print{body{margin:0;max-width:none}h2{break-after:avoid}tr{break-inside:avoid}}";

/// The whole file.
#[must_use]
pub fn render(report: &Report) -> String {
    let title = escaped(&format!("Report on the ledger {}", report.ledger));
    let verified: String = report
        .verified
        .iter()
        .map(|sentence| format!("<li>{}</li>\n", escaped(sentence)))
        .collect();
    let sections: String = report.sections.iter().map(section).collect();
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n\
         <p>{}</p>\n<ul>\n{verified}</ul>\n<p>Root: <code>{}</code></p>\n{sections}</body>\n</html>\n",
        escaped(&report.span()),
        escaped(&report.root),
    )
}

fn section(section: &Section) -> String {
    let answer: String = section
        .answer
        .iter()
        .map(|sentence| format!("<p>{}</p>\n", escaped(sentence)))
        .collect();
    let mut out = format!("<h2>{}</h2>\n{answer}", escaped(section.question));
    if !section.rows.is_empty() {
        let columns = section.columns.iter();
        let columns: String = columns
            .map(|column| format!("<th scope=\"col\">{}</th>", escaped(column)))
            .collect();
        let rows: String = section.rows.iter().map(row).collect();
        out.push_str(&format!(
            "<table>\n<thead><tr><th scope=\"col\">entries</th>{columns}</tr></thead>\n\
             <tbody>\n{rows}</tbody>\n</table>\n"
        ));
    }
    if section.more > 0 {
        out.push_str(&format!(
            "<p>and {} more, which are in the export.</p>\n",
            section.more
        ));
    }
    out
}

fn row(row: &Row) -> String {
    let cells = row.cells.iter();
    let cells: String = cells
        .map(|cell| format!("<td>{}</td>", escaped(cell)))
        .collect();
    format!("<tr><td>{}</td>{cells}</tr>\n", row.places())
}

/// Text in an element or a quoted attribute (HTML, section 13.1.2).
fn escaped(text: &str) -> String {
    plain(text)
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_is_text() {
        let typed = "</td><script>alert('x')</script><img src=x onerror=\"y\">\u{1b}[0m&lt;";
        let told = "&lt;/td&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&lt;img src=x \
                    onerror=&quot;y&quot;&gt;\\u{1b}[0m&amp;lt;";
        assert_eq!(escaped(typed), told);
    }
}
