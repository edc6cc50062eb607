use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, ops::Range};

/// One question with its answer.
///
/// Everything that shows an entry (page, terminal, passage, snippet, export) is made from its blocks.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Entry {
    /// The path below the content folder, for instance `sms/deadline`.
    pub id: String,
    /// The question.
    pub title: String,
    /// The id of the topic: the folder.
    pub topic: String,
    /// The way down to the entry: topic, then file.
    pub trail: Vec<String>,
    /// The file, relative to the content folder, and the line of the title.
    pub file: String,
    pub line: u32,
    /// Other ways people say it.
    pub ask: Vec<String>,
    /// Exact texts on a screen.
    pub messages: Vec<String>,
    /// What the entry rests on; the first one carries the first paragraph.
    pub sources: Vec<Citation>,
    /// Ids of entries.
    pub related: Vec<String>,
    /// Where to make sure today.
    pub confirm: Option<Link>,
    /// Closed keys (filing, holder, province, product, place) with the ids of their values.
    pub scope: BTreeMap<String, Vec<String>>,
    pub disputed: Vec<Disputed>,
    /// Older values, from the entry itself and from the facts it shows.
    pub changed: Vec<Changed>,
    /// The day of which the first paragraph speaks.
    pub as_of: Option<Date>,
    pub review_by: Option<Date>,
    /// After this day the entry answers nothing.
    pub valid_until: Option<Date>,
    /// For colleagues, not for customers.
    pub internal: bool,
    pub owner: Option<String>,
    pub blocks: Vec<Block>,
}

/// A place in a source that a statement rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Citation {
    /// The id of the source; for imported markdown the file.
    pub id: String,
    pub title: String,
    pub date: Option<Date>,
    /// The id of the section, empty where the source has none.
    pub section: String,
    pub section_title: String,
}

/// An outside address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    pub title: String,
    pub url: String,
    /// Nobody answers there any more: print it, do not link it.
    pub dead: bool,
}

/// Two statements that cannot be ranked, and what was decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disputed {
    pub what: String,
    pub says: Vec<String>,
    pub sources: Vec<Citation>,
    pub decision: String,
}

/// An older value of something that the entry says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    pub what: String,
    pub was: String,
    pub sources: Vec<Citation>,
}

/// A paragraph, list item, table row or the like.
///
/// The plain text is the text; what stands out in it (bold, links, code, images) is beside it in `marks`.
/// The cells of a table row are parted by tabs, lines within a cell by line feeds; neither occurs elsewhere but in
/// code and at hard breaks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Block {
    pub kind: Kind,
    /// How many lists the block stands in.
    pub level: u8,
    pub text: String,
    pub marks: Vec<Mark>,
    /// The line of the file, counted from 1.
    pub line: u32,
}

/// What a [`Block`] is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// With its level, 1 to 6.
    Heading(u8),
    Paragraph,
    /// With its number, if it has one.
    Item(Option<u64>),
    /// The heads of a table's columns.
    Head,
    /// A row of a table, below its [`Kind::Head`].
    Row,
    /// 说明、注意 and the like.
    Note,
    Quote,
    Code,
    /// With its address; the text says what is on it.
    Image(String),
    /// Sanitised HTML; the text is what can be read in it.
    Html(String),
}

/// Something that stands out in a block's text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    pub kind: Style,
    /// Byte range in the text of the block.
    pub start: usize,
    pub end: usize,
    /// The line of the file; only while content is loaded.
    #[serde(skip)]
    pub line: u32,
}

/// How a [`Mark`] stands out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Style {
    Strong,
    Emphasis,
    Code,
    /// With its address: `/faq/…` for an entry, empty if it leads nowhere.
    Link(String),
    /// With its address; the marked text says what is on it.
    Image(String),
}

impl Block {
    /// The cells of a row with the byte offset of each in the text; any other block is one cell.
    pub fn cells(&self) -> impl Iterator<Item = (usize, &str)> {
        let mut at = 0;
        self.text.split('\t').map(move |cell| {
            let start = at;
            at += cell.len() + 1;
            (start, cell)
        })
    }
}

impl Entry {
    /// The first paragraph: for entries of ours the answer that can be read out. Empty if there is none.
    pub fn say(&self) -> &str {
        let first = self
            .blocks
            .iter()
            .find(|block| matches!(block.kind, Kind::Paragraph | Kind::Note | Kind::Quote));
        first.map_or("", |block| &block.text)
    }

    /// The headings above block `index`, the outermost first.
    pub fn headings(&self, index: usize) -> Vec<&str> {
        let mut above: Vec<(u8, &str)> = Vec::new();
        for block in &self.blocks[..index] {
            if let Kind::Heading(level) = block.kind {
                above.retain(|(other, _)| *other < level);
                above.push((level, &block.text));
            }
        }
        above.into_iter().map(|(_, text)| text).collect()
    }

    /// The heads of the table in which row `index` stands.
    pub fn heads(&self, index: usize) -> Vec<&str> {
        let head = self.blocks[..index].iter().rev().find(|block| block.kind != Kind::Row);
        head.filter(|block| block.kind == Kind::Head)
            .map_or(Vec::new(), |block| block.cells().map(|(_, cell)| cell).collect())
    }

    /// Block `index` as a line that makes sense by itself: an item with its number, a row with its heads.
    pub fn line(&self, index: usize) -> String {
        let block = &self.blocks[index];
        match &block.kind {
            Kind::Item(Some(number)) => format!("{number}. {}", block.text),
            Kind::Item(None) => format!("· {}", block.text),
            Kind::Head => block.text.replace('\t', "；").replace('\n', " "),
            Kind::Row => {
                let heads = self.heads(index);
                let cells = block.cells().enumerate().filter(|(_, (_, cell))| !cell.is_empty());
                let named = cells.map(|(column, (_, cell))| match heads.get(column) {
                    Some(head) if column > 0 && !head.is_empty() => {
                        format!("{head}：{}", cell.replace('\n', " "))
                    }
                    _ => cell.replace('\n', " "),
                });
                named.collect::<Vec<_>>().join("；")
            }
            _ => block.text.clone(),
        }
    }

    /// The lines of the blocks in `range`, one a line, without empty ones.
    pub fn lines(&self, range: Range<usize>) -> String {
        range
            .map(|index| self.line(index))
            .filter(|line| !line.is_empty())
            .collect::<Vec<_>>()
            .join("\n")
    }

    /// The whole entry as plain text, without its title.
    pub fn text(&self) -> String {
        self.lines(0..self.blocks.len())
    }

    /// The address of its page, percent-encoded, without a base path.
    pub fn url(&self) -> String {
        super::link::url(&self.id)
    }
}
