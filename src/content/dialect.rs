//! Markdown as people keep it → markdown as CommonMark and GFM read it.
//!
//! [`rewrite`] works on lines, outside of fenced code: it takes `{#anchor .class}` off headings, brings a table
//! whose rows run over several lines to one line a row, and gives rows with too many or too few cells the number
//! that their table has.

use regex::Regex;
use std::{borrow::Cow, sync::LazyLock};

/// Markdown that the parser understands, with the way back to the lines of the file.
pub(super) struct Rewritten {
    pub(super) text: String,
    /// Byte offsets in `text`, rising, each with the line of the file that begins there.
    lines: Vec<(usize, u32)>,
    /// Lines with the anchors on them: of headings, and of HTML.
    pub(super) anchors: Vec<(u32, String)>,
}

impl Rewritten {
    /// The line of the file, counted from 1, that byte `offset` of `text` came from.
    pub(super) fn line(&self, offset: usize) -> u32 {
        let after = self.lines.partition_point(|(start, _)| *start <= offset);
        self.lines[after.saturating_sub(1)].1
    }

    fn begin(&mut self, line: u32) {
        self.lines.push((self.text.len(), line));
    }
}

/// A row that has not closed after so many lines never will. The longest one seen in vendors' tables has 13.
const ROW_LINES: usize = 100;

/// A line with its number in the file.
pub(super) type Line<'t> = (u32, &'t str);

/// Rewrites `lines`.
pub(super) fn rewrite(lines: &[Line<'_>]) -> Rewritten {
    let mut out = Rewritten { text: String::new(), lines: vec![(0, 1)], anchors: Vec::new() };
    let mut fence: Option<&str> = None;
    let mut at = 0;
    while at < lines.len() {
        let (number, line) = lines[at];
        if let Some(mark) = fence_mark(line) {
            match fence {
                None => fence = Some(mark),
                Some(open) if mark.starts_with(open) && line.trim() == mark => fence = None,
                Some(_) => {}
            }
        } else if fence.is_none()
            && let Some(length) = table(&lines[at..], &mut out)
        {
            at += length;
            continue;
        }
        out.begin(number);
        // Most lines have no such bracket, and need not be searched by pattern.
        if fence.is_none() && line.contains('<') {
            out.anchors.extend(html_anchors(line).map(|anchor| (number, anchor)));
        }
        match heading_anchor(line, lines.get(at + 1)).filter(|_| fence.is_none()) {
            Some((heading, anchor)) => {
                out.text.push_str(heading);
                out.anchors.push((number, anchor.to_owned()));
            }
            None if fence.is_none() => out.text.push_str(&spaced_links(line)),
            None => out.text.push_str(line),
        }
        out.text.push('\n');
        at += 1;
    }
    out
}

/// What `<a name="x">` and `id="x"` name.
fn html_anchors(line: &str) -> impl Iterator<Item = String> {
    static ANCHOR: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r#"<[a-zA-Z][^<>]*\s(?:id|name)=["']([^"']+)["']"#).expect("a valid pattern")
    });
    ANCHOR.captures_iter(line).map(|found| found[1].to_owned())
}

/// Puts the path of a file that has spaces in it between `<` and `>`, as CommonMark wants it.
fn spaced_links(line: &str) -> Cow<'_, str> {
    static SPACED: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"\]\(([^()<>]*\s[^()<>]*\.(?:md|png|jpe?g|gif|webp|svg|pdf)(?:#[^()<>\s]*)?)\)")
            .expect("a valid pattern")
    });
    if line.contains("](") { SPACED.replace_all(line, "](<$1>)") } else { line.into() }
}

/// The run of backticks or tildes that opens or closes a fenced block.
fn fence_mark(line: &str) -> Option<&str> {
    let rest = line.trim_start();
    let mark = rest.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let length = rest.chars().take_while(|c| *c == mark).count();
    (length >= 3).then(|| &rest[..length])
}

/// `## 标题 {#x .y}` → the heading without its attributes, and `x`.
///
/// Braces without `#` or `.` are text. Attributes without an anchor are taken off too, with an empty anchor.
fn heading_anchor<'t>(line: &'t str, below: Option<&Line<'_>>) -> Option<(&'t str, &'t str)> {
    let underlined = below.is_some_and(|(_, next)| {
        let next = next.trim();
        !next.is_empty() && (next.bytes().all(|b| b == b'=') || next.bytes().all(|b| b == b'-'))
    });
    if !underlined && !line.trim_start().starts_with('#') {
        return None;
    }
    let inner = line.trim_end().trim_end_matches('#').trim_end().strip_suffix('}')?;
    let open = inner.rfind('{')?;
    let mut attributes = inner[open + 1..].split_whitespace().peekable();
    attributes.peek()?;
    let mut anchor = "";
    for attribute in attributes {
        match attribute.strip_prefix('#') {
            Some(name) => anchor = name,
            None if attribute.starts_with('.') => {}
            None => return None,
        }
    }
    Some((line[..open].trim_end(), anchor))
}

/// Writes the table that `lines` begin with, one line a row, and returns how many lines it took.
///
/// A row ends with the line on which its last cell closes; until then, blank lines and lists belong to a cell.
fn table(lines: &[Line<'_>], out: &mut Rewritten) -> Option<usize> {
    let head = lines[0].1;
    let barred = head.trim_start().starts_with('|');
    if !head.contains('|') || !is_delimiter(lines.get(1)?.1) {
        return None;
    }
    let heads = cells(head).len();
    let mut rows = Vec::new();
    let mut at = 2;
    // Without outer bars, a row is a line.
    let is_row =
        |line: &str| if barred { line.trim_start().starts_with('|') } else { line.contains('|') };
    while at < lines.len() && is_row(lines[at].1) {
        let (length, row) =
            if barred { row(&lines[at..], heads) } else { (1, lines[at].1.trim().to_owned()) };
        rows.push((&lines[at..at + length], row));
        at += length;
    }
    let indent = &head[..head.len() - head.trim_start().len()];
    out.begin(lines[0].0);
    out.text.push_str(&format!("{head}\n{indent}{}\n", delimiter(lines[1].1, heads)));
    for (lines, row) in rows {
        out.text.push_str(indent);
        push_row(lines, &row, heads, out);
    }
    // Text right below would be read as one more row.
    out.text.push('\n');
    Some(at)
}

/// The row that `lines` begin with, its lines joined by line feeds, and how many lines it takes.
///
/// A row that no line closes is its first line.
fn row(lines: &[Line<'_>], heads: usize) -> (usize, String) {
    let mut text = String::new();
    for (at, (_, line)) in lines.iter().enumerate().take(ROW_LINES) {
        if at > 0 && line.trim_start().starts_with('#') {
            break;
        }
        text.push_str(line.trim());
        let below = lines.get(at + 1).map(|(_, next)| next.trim());
        let row_follows = || {
            let next =
                lines[at + 1..].iter().map(|(_, next)| next.trim()).find(|next| !next.is_empty());
            next.is_none_or(|next| next.starts_with('|'))
        };
        let closed = text.len() > 1 && text.ends_with('|') && !text.ends_with("\\|");
        let full = cells(&text).len() >= heads;
        if closed && (full || row_follows() || below == Some("")) {
            return (at + 1, text);
        }
        // GFM lets the last bar of a row away.
        if at == 0 && full && below.is_none_or(|next| next.is_empty() || next.starts_with('|')) {
            return (1, text);
        }
        text.push('\n');
    }
    (1, lines[0].1.trim().to_owned())
}

/// Writes a row of exactly `heads` cells. Lines of a cell are joined by `<br>`, surplus cells go into the last one.
fn push_row(lines: &[Line<'_>], row: &str, heads: usize, out: &mut Rewritten) {
    let cells = cells(row);
    out.begin(lines[0].0);
    let mut at = 0;
    for (column, cell) in cells.iter().enumerate() {
        out.text.push_str(if column < heads { "|" } else { " / " });
        let mut written = false;
        for (index, part) in cell.split('\n').enumerate() {
            at += usize::from(index > 0);
            let part = part.trim();
            if part.is_empty() {
                continue;
            }
            out.text.push_str(if written { "<br>" } else { "" });
            out.begin(lines[at].0);
            match ["- ", "* ", "+ "].iter().find_map(|bullet| part.strip_prefix(bullet)) {
                Some(item) => out.text.push_str(&format!("· {}", spaced_links(item.trim_start()))),
                None => out.text.push_str(&spaced_links(part)),
            }
            written = true;
        }
    }
    out.text.push_str(&"|".repeat(heads.saturating_sub(cells.len()) + 1));
    out.text.push('\n');
}

/// The cells of `| a | b |`: what stands between bars that are not escaped. As in GFM, code does not hide a bar.
fn cells(row: &str) -> Vec<&str> {
    let row = row.trim();
    let inner = row.strip_prefix('|').unwrap_or(row);
    let inner =
        if inner.ends_with("\\|") { inner } else { inner.strip_suffix('|').unwrap_or(inner) };
    let mut cells = Vec::new();
    let (mut start, mut escaped) = (0, false);
    for (at, c) in inner.char_indices() {
        if c == '|' && !escaped {
            cells.push(&inner[start..at]);
            start = at + 1;
        }
        escaped = c == '\\' && !escaped;
    }
    cells.push(&inner[start..]);
    cells
}

fn is_delimiter(line: &str) -> bool {
    let line = line.trim();
    line.contains('|')
        && line.contains('-')
        && line.chars().all(|c| matches!(c, '|' | '-' | ':' | ' ' | '\t'))
}

/// The line below the heads, with as many columns as there are heads.
fn delimiter(line: &str, heads: usize) -> String {
    let mut columns = cells(line);
    columns.retain(|column| column.contains('-'));
    columns.resize(heads, "---");
    format!("|{}|", columns.join("|"))
}
