//! Blocks → HTML.
//!
//! What [`render`] writes is safe by construction: text is escaped, tags are ours, addresses were judged when the
//! content was loaded. Raw HTML goes through ammonia.

use super::entry::{Block, Kind, Mark, Style};
use regex::Regex;
use std::{fmt::Write, sync::LazyLock};

/// So many elements within each other are no document; the time to read them grows with the square.
const DEEP: usize = 500;

/// `raw` with nothing in it that could run or reach out of its place; its text alone where it is nested too deeply.
pub(super) fn sanitise(raw: &str) -> String {
    match is_deep(raw) {
        true => plain(raw).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"),
        false => ammonia::clean(raw),
    }
}

/// Whether more elements are open at once than any document needs. Those that need no end tag do not count: they nest only
/// with others between them.
fn is_deep(raw: &str) -> bool {
    static TAG: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"<(/?)([A-Za-z][A-Za-z0-9]*)").expect("a valid pattern"));
    const ALONE: [&str; 14] = [
        "br", "img", "hr", "input", "wbr", "col", "p", "li", "td", "th", "tr", "dt", "dd", "option",
    ];
    let counted = TAG
        .captures_iter(raw)
        .filter(|tag| !ALONE.iter().any(|alone| tag[2].eq_ignore_ascii_case(alone)));
    let depths = counted.scan(0_usize, |open, tag| {
        *open = if tag[1].is_empty() { *open + 1 } else { open.saturating_sub(1) };
        Some(*open)
    });
    depths.max().unwrap_or(0) > DEEP
}

/// What can be read in sanitised HTML, one line for each block of it.
pub(super) fn plain(clean: &str) -> String {
    static BREAK: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"</(?:p|div|tr|li|h[1-6]|pre|blockquote|caption|summary)>|<br>")
            .expect("a valid pattern")
    });
    static TAG: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r#"<(?:[^>"]|"[^"]*")*>"#).expect("a valid pattern"));
    let broken = BREAK.replace_all(clean, "\n");
    let text = TAG.replace_all(&broken, " ");
    let text =
        text.replace("&lt;", "<").replace("&gt;", ">").replace("&nbsp;", " ").replace("&amp;", "&");
    let lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

/// What the heading number `at` of an entry, counted from 0, is called in an address.
pub fn anchor(at: usize) -> String {
    format!("s{}", at + 1)
}

/// The blocks as HTML. `base` stands before addresses of this site.
pub fn render(blocks: &[Block], base: &str) -> String {
    let mut out =
        Writer { html: String::new(), base, lists: Vec::new(), table: false, headings: 0 };
    blocks.iter().for_each(|block| out.block(block));
    out.close_table();
    out.close_lists(0);
    out.html
}

struct Writer<'b> {
    html: String,
    base: &'b str,
    /// The lists around, with the last number for ordered ones.
    lists: Vec<Option<u64>>,
    table: bool,
    /// How many headings there were.
    headings: usize,
}

impl Writer<'_> {
    fn block(&mut self, block: &Block) {
        if block.kind != Kind::Row {
            self.close_table();
        }
        match block.kind {
            Kind::Item(number) => self.item(number, block.level.max(1) as usize),
            _ => self.close_lists(block.level as usize),
        }
        match &block.kind {
            Kind::Heading(level) => {
                let (level, id) = (level.clamp(&2, &6), anchor(self.headings));
                self.headings += 1;
                self.wrapped(&format!("<h{level} id=\"{id}\">"), &format!("</h{level}>"), block);
            }
            Kind::Paragraph => self.element("p", block),
            Kind::Item(_) => self.inline(&block.text, &block.marks, 0),
            Kind::Note => self.wrapped(r#"<p class="note">"#, "</p>", block),
            Kind::Quote => self.wrapped("<blockquote><p>", "</p></blockquote>", block),
            Kind::Code => {
                self.html.push_str("<pre><code>");
                escape(&block.text, &mut self.html);
                self.html.push_str("</code></pre>");
            }
            Kind::Image(address) => {
                self.html.push_str("<p>");
                self.image(address, &block.text);
                self.html.push_str("</p>");
            }
            Kind::Html(clean) => self.html.push_str(clean),
            Kind::Head => {
                self.html.push_str(r#"<div class="table" tabindex="0" role="group" aria-label="表"><table><thead>"#);
                self.row("th", block);
                self.html.push_str("</thead><tbody>");
                self.table = true;
            }
            Kind::Row => self.row("td", block),
        }
        self.html.push('\n');
    }

    fn element(&mut self, name: &str, block: &Block) {
        self.wrapped(&format!("<{name}>"), &format!("</{name}>"), block);
    }

    fn wrapped(&mut self, open: &str, close: &str, block: &Block) {
        self.html.push_str(open);
        self.inline(&block.text, &block.marks, 0);
        self.html.push_str(close);
    }

    fn row(&mut self, cell_name: &str, block: &Block) {
        self.html.push_str("<tr>");
        for (start, cell) in block.cells() {
            let _ = write!(self.html, "<{cell_name}>");
            let inside = block
                .marks
                .iter()
                .filter(|mark| (start..=start + cell.len()).contains(&mark.start));
            self.inline(cell, &inside.cloned().collect::<Vec<_>>(), start);
            let _ = write!(self.html, "</{cell_name}>");
        }
        self.html.push_str("</tr>");
    }

    /// Begins an item at `level`, in the list that is open there or in a new one.
    fn item(&mut self, number: Option<u64>, level: usize) {
        self.close_lists(level);
        let follows = match (self.lists.get(level - 1), number) {
            (Some(None), None) => true,
            (Some(Some(last)), Some(number)) => number == last + 1,
            _ => false,
        };
        if follows {
            self.html.push_str("</li>\n");
            self.lists[level - 1] = number;
        } else {
            self.close_lists(level - 1);
            while self.lists.len() + 1 < level {
                self.html.push_str("<ul><li>");
                self.lists.push(None);
            }
            match number {
                None => self.html.push_str("<ul>"),
                Some(1) => self.html.push_str("<ol>"),
                Some(number) => drop(write!(self.html, r#"<ol start="{number}">"#)),
            }
            self.lists.push(number);
        }
        self.html.push_str("<li>");
    }

    fn close_lists(&mut self, level: usize) {
        while self.lists.len() > level {
            let ordered = self.lists.pop().flatten().is_some();
            self.html.push_str(if ordered { "</li></ol>\n" } else { "</li></ul>\n" });
        }
    }

    fn close_table(&mut self) {
        if std::mem::take(&mut self.table) {
            self.html.push_str("</tbody></table></div>\n");
        }
    }

    /// Text with its marks, which nest. `offset` is where `text` begins in the block.
    fn inline(&mut self, text: &str, marks: &[Mark], offset: usize) {
        let mut at = 0;
        let mut open: Vec<&Mark> = Vec::new();
        for mark in marks {
            self.close_marks(&mut open, mark.start, text, offset, &mut at);
            escape_lines(&text[at..mark.start - offset], &mut self.html);
            at = mark.start - offset;
            match &mark.kind {
                Style::Strong => self.html.push_str("<strong>"),
                Style::Emphasis => self.html.push_str("<em>"),
                Style::Code => self.html.push_str("<code>"),
                Style::Link(address) if address.is_empty() => {}
                Style::Link(address) => {
                    let outside = !address.starts_with('/');
                    let base = if outside { "" } else { self.base };
                    self.html.push_str("<a href=\"");
                    escape(&format!("{base}{address}"), &mut self.html);
                    self.html.push_str(if outside { "\" rel=\"noreferrer\">" } else { "\">" });
                }
                Style::Image(address) => {
                    self.image(address, &text[at..mark.end - offset]);
                    at = mark.end - offset;
                }
            }
            open.push(mark);
        }
        self.close_marks(&mut open, usize::MAX, text, offset, &mut at);
        escape_lines(&text[at..], &mut self.html);
    }

    /// Closes the marks that end at or before byte `until` of the block.
    fn close_marks(
        &mut self,
        open: &mut Vec<&Mark>,
        until: usize,
        text: &str,
        offset: usize,
        at: &mut usize,
    ) {
        while let Some(mark) = open.pop_if(|mark| mark.end <= until) {
            let end = (mark.end - offset).max(*at);
            escape_lines(&text[*at..end], &mut self.html);
            *at = end;
            self.html.push_str(match &mark.kind {
                Style::Strong => "</strong>",
                Style::Emphasis => "</em>",
                Style::Code => "</code>",
                Style::Link(address) if !address.is_empty() => "</a>",
                Style::Link(_) | Style::Image(_) => "",
            });
        }
    }

    /// A picture of this site is shown; one elsewhere is a link, since the page asks no other host.
    fn image(&mut self, address: &str, text: &str) {
        let text = if text.is_empty() { "图" } else { text };
        let (open, middle, close, base) = match address {
            "" => return escape(text, &mut self.html),
            _ if address.starts_with('/') => {
                ("<img loading=\"lazy\" src=\"", "\" alt=\"", "\">", self.base)
            }
            _ => ("<a class=\"image\" rel=\"noreferrer\" href=\"", "\">", "</a>", ""),
        };
        self.html.push_str(open);
        escape(&format!("{base}{address}"), &mut self.html);
        self.html.push_str(middle);
        escape(text, &mut self.html);
        self.html.push_str(close);
    }
}

/// Writes `text` as the text of an element or an attribute.
fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
}

/// Writes running text, in which the end of a line is a break.
fn escape_lines(text: &str, out: &mut String) {
    for (index, line) in text.split('\n').enumerate() {
        out.push_str(if index > 0 { "<br>" } else { "" });
        escape(line, out);
    }
}
