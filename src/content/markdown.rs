//! Markdown text → blocks.

use super::{
    dialect::{self, Line},
    entry::{Block, Kind, Mark, Style},
    html, strong,
};
use crate::text::is_han;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use regex::Regex;
use std::sync::LazyLock;

/// The blocks of a markdown text and the anchors of its headings.
pub(super) struct Parsed {
    pub(super) blocks: Vec<Block>,
    /// Lines with the anchors that the text gives them.
    pub(super) anchors: Vec<(u32, String)>,
}

/// Reads the lines of a markdown text.
///
/// Every word of the text ends up in the text of a block. Addresses in links are as they were written.
pub(super) fn parse(lines: &[Line<'_>]) -> Parsed {
    // By name: `Options::all()` reads 价格$5和$6 as mathematics and swallows {省份} in headings.
    let options = Options::ENABLE_TABLES | Options::ENABLE_FOOTNOTES | Options::ENABLE_GFM;
    let rewritten = dialect::rewrite(lines);
    let mut builder = Builder::default();
    let events = Parser::new_ext(&rewritten.text, options).into_offset_iter().collect();
    for (event, range) in strong::repair(events, &rewritten.text) {
        builder.take(event, rewritten.line(range.start));
    }
    builder.end_block();
    Parsed { blocks: builder.blocks, anchors: rewritten.anchors }
}

/// Folds events into blocks.
#[derive(Default)]
struct Builder {
    blocks: Vec<Block>,
    /// The block that text goes to, and the indices of its marks that are still open.
    current: Option<Block>,
    open: Vec<usize>,
    /// The next number of each list around, `None` for a list with bullets.
    lists: Vec<Option<u64>>,
    /// A list item has begun and has no block yet; with its number.
    item: Option<Option<u64>>,
    /// The kinds of the block quotes around.
    quotes: Vec<Kind>,
    /// How many cells of the row have begun.
    cells: usize,
    /// What stands before the next paragraph: the name of a footnote.
    prefix: String,
    /// A line has ended within a paragraph.
    soft_break: bool,
}

impl Builder {
    fn take(&mut self, event: Event<'_>, line: u32) {
        match event {
            Event::Start(tag) => self.start(tag, line),
            Event::End(tag) => self.end(tag),
            Event::Text(text) => self.text(&text, line),
            Event::Code(code) => self.marked(Style::Code, &code, line),
            Event::Html(html) => {
                if let Some(Block { kind: Kind::Html(raw), .. }) = &mut self.current {
                    raw.push_str(&html);
                }
            }
            Event::InlineHtml(tag) => self.inline_html(&tag, line),
            Event::SoftBreak => self.soft_break = true,
            Event::HardBreak => self.text("\n", line),
            Event::FootnoteReference(name) => self.text(&format!("[{name}]"), line),
            // A rule says nothing; the others belong to extensions that are off.
            Event::Rule
            | Event::TaskListMarker(_)
            | Event::InlineMath(_)
            | Event::DisplayMath(_) => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>, line: u32) {
        match tag {
            Tag::Paragraph => self.begin_text(line),
            Tag::Heading { level, .. } => self.begin(Kind::Heading(level as u8), line),
            Tag::BlockQuote(kind) => {
                self.end_block();
                self.quotes.push(if kind.is_some() { Kind::Note } else { Kind::Quote });
            }
            Tag::CodeBlock(_) => self.begin(Kind::Code, line),
            Tag::HtmlBlock => self.begin(Kind::Html(String::new()), line),
            Tag::List(first) => {
                self.end_block();
                self.lists.push(first);
            }
            Tag::Item => {
                self.end_block();
                let number = self.lists.last_mut().and_then(|next| next.as_mut());
                self.item = Some(number.map(|next| {
                    *next += 1;
                    *next - 1
                }));
            }
            Tag::FootnoteDefinition(name) => self.prefix = format!("[{name}] "),
            Tag::TableHead => self.begin(Kind::Head, line),
            Tag::TableRow => self.begin(Kind::Row, line),
            Tag::TableCell => {
                if let Some(block) = &mut self.current
                    && self.cells > 0
                {
                    block.text.push('\t');
                }
                self.cells += 1;
            }
            Tag::Emphasis => self.mark(Style::Emphasis, line),
            Tag::Strong => self.mark(Style::Strong, line),
            Tag::Link { dest_url, .. } => self.mark(Style::Link(dest_url.into_string()), line),
            Tag::Image { dest_url, .. } => self.mark(Style::Image(dest_url.into_string()), line),
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Emphasis | TagEnd::Strong | TagEnd::Link | TagEnd::Image => self.close(),
            TagEnd::BlockQuote(_) => {
                self.end_block();
                self.quotes.pop();
            }
            TagEnd::List(_) => {
                self.end_block();
                self.lists.pop();
            }
            TagEnd::TableCell => {}
            _ => self.end_block(),
        }
    }

    /// Begins a block of running text: the item that has just begun, else a paragraph.
    fn begin_text(&mut self, line: u32) {
        let around = self.quotes.last().cloned().unwrap_or(Kind::Paragraph);
        let kind = self.item.take().map_or(around, Kind::Item);
        self.begin(kind, line);
        let prefix = std::mem::take(&mut self.prefix);
        self.push(&prefix);
    }

    fn begin(&mut self, kind: Kind, line: u32) {
        self.end_block();
        // An item that begins with a table or code still has its bullet.
        if let Some(number) = self.item.take() {
            self.blocks.push(self.block(Kind::Item(number), line));
        }
        self.cells = 0;
        self.current = Some(self.block(kind, line));
    }

    fn block(&self, kind: Kind, line: u32) -> Block {
        Block { kind, level: self.lists.len() as u8, text: String::new(), marks: Vec::new(), line }
    }

    fn text(&mut self, text: &str, line: u32) {
        if self.current.is_none() {
            self.begin_text(line);
        }
        self.settle_break(text.chars().next());
        self.push(text);
    }

    fn push(&mut self, text: &str) {
        match &mut self.current {
            // A tab parts the cells of a row.
            Some(Block { kind: Kind::Head | Kind::Row, text: row, .. }) => {
                row.push_str(&text.replace('\t', " "));
            }
            Some(block) => block.text.push_str(text),
            None => {}
        }
    }

    /// Turns the end of a line into a space, except between Chinese characters.
    fn settle_break(&mut self, next: Option<char>) {
        let wide =
            |c: char| is_han(c) || matches!(c, '\u{3000}'..='\u{303F}' | '\u{FF00}'..='\u{FFEF}');
        let last = self.current.as_ref().and_then(|block| block.text.chars().next_back());
        let chinese = last.is_some_and(wide) && next.is_none_or(wide);
        if std::mem::take(&mut self.soft_break) && !chinese && last.is_some_and(|last| last != '\n')
        {
            self.push(" ");
        }
    }

    fn mark(&mut self, kind: Style, line: u32) {
        if self.current.is_none() {
            self.begin_text(line);
        }
        self.settle_break(None);
        if let Some(block) = &mut self.current {
            self.open.push(block.marks.len());
            block.marks.push(Mark { kind, start: block.text.len(), end: block.text.len(), line });
        }
    }

    fn close(&mut self) {
        if let (Some(block), Some(index)) = (&mut self.current, self.open.pop()) {
            block.marks[index].end = block.text.len();
        }
    }

    fn marked(&mut self, kind: Style, text: &str, line: u32) {
        self.mark(kind, line);
        self.text(text, line);
        self.close();
    }

    /// The tags that stand for what markdown has too; all others vanish and leave their text.
    fn inline_html(&mut self, tag: &str, line: u32) {
        static TAG: LazyLock<Regex> =
            LazyLock::new(|| Regex::new(r"^<(/?)([a-zA-Z]+)([\s\S]*)>$").expect("a valid pattern"));
        static ATTRIBUTE: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new(r#"\b(href|src|alt)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+))"#)
                .expect("a valid pattern")
        });
        let Some(parts) = TAG.captures(tag) else { return };
        let attribute = |name: &str| {
            let found = ATTRIBUTE.captures_iter(&parts[3]).find(|found| &found[1] == name);
            found
                .and_then(|found| (2..5).find_map(|group| found.get(group)))
                .map_or("", |value| value.as_str())
        };
        let style = match &*parts[2].to_ascii_lowercase() {
            "br" => return self.text("\n", line),
            "img" => {
                return self.marked(
                    Style::Image(attribute("src").to_owned()),
                    attribute("alt"),
                    line,
                );
            }
            "b" | "strong" => Style::Strong,
            "i" | "em" => Style::Emphasis,
            "code" => Style::Code,
            "a" => Style::Link(attribute("href").to_owned()),
            _ => return,
        };
        let is_link = matches!(style, Style::Link(_));
        let open =
            self.open.last().zip(self.current.as_ref()).map(|(at, block)| &block.marks[*at].kind);
        match &parts[1] {
            // `<a name>` marks a place, and its end ends no link.
            "/" if is_link && !matches!(open, Some(Style::Link(_))) => {}
            "/" => self.close(),
            _ if is_link && !parts[3].contains("href") => {}
            _ => self.mark(style, line),
        }
    }

    /// Finishes the block and keeps it if it says something.
    fn end_block(&mut self) {
        self.soft_break = false;
        let Some(mut block) = self.current.take() else { return };
        for index in std::mem::take(&mut self.open) {
            block.marks[index].end = block.text.len();
        }
        if block.kind != Kind::Row && block.kind != Kind::Head {
            block.text.truncate(block.text.trim_end().len());
        }
        let end = block.text.len();
        for mark in &mut block.marks {
            (mark.start, mark.end) = (mark.start.min(end), mark.end.min(end));
        }
        match &block.kind {
            Kind::Html(raw) => {
                let clean = html::sanitise(raw);
                block.text = html::plain(&clean);
                block.kind = Kind::Html(clean);
            }
            Kind::Paragraph if is_note(&block) => block.kind = Kind::Note,
            Kind::Paragraph | Kind::Quote | Kind::Item(_) if only_images(&block) => {
                return self.images(block);
            }
            _ => {}
        }
        let bare = block.text.trim().is_empty() && block.marks.is_empty();
        if !bare || matches!(block.kind, Kind::Item(_)) {
            self.blocks.push(block);
        }
    }

    /// A paragraph of nothing but images becomes a block for each.
    fn images(&mut self, block: Block) {
        if matches!(block.kind, Kind::Item(_)) {
            self.blocks.push(Block { text: String::new(), marks: Vec::new(), ..block.clone() });
        }
        for Mark { kind, start, end, line } in block.marks {
            if let Style::Image(address) = kind {
                let text = block.text[start..end].to_owned();
                let kind = Kind::Image(address);
                self.blocks.push(Block { kind, level: block.level, text, marks: Vec::new(), line });
            }
        }
    }
}

/// Whether a paragraph opens with a bold 说明、注意 or the like.
fn is_note(block: &Block) -> bool {
    const NAMES: [&str; 9] =
        ["说明", "注意", "提示", "重要", "警告", "备注", "须知", "note", "important"];
    block.marks.iter().any(|mark| {
        let name =
            block.text[mark.start..mark.end].trim_end_matches(['：', ':', ' ']).to_lowercase();
        mark.start == 0
            && mark.kind == Style::Strong
            && NAMES.iter().any(|note| name.ends_with(note))
    })
}

fn only_images(block: &Block) -> bool {
    let image = |mark: &&Mark| matches!(mark.kind, Style::Image(_));
    let shown: String =
        block.marks.iter().filter(image).map(|mark| &block.text[mark.start..mark.end]).collect();
    block.marks.iter().any(|mark| image(&mark))
        && block.text.split_whitespace().eq(shown.split_whitespace())
}
