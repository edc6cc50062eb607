use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, collections::BTreeMap};

/// One question with its answer.
///
/// Everything that shows an entry (page, terminal, passage, snippet, export) is made from its blocks.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Entry {
    /// The path below the content folder, for instance `sms/deadline`. Stands first: the index finds entries by it.
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
    #[serde(with = "blocks")]
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
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    pub kind: Kind,
    /// How many lists the block stands in.
    pub level: u8,
    pub text: String,
    pub marks: Vec<Mark>,
    /// The line of the file, counted from 1.
    pub line: u32,
}

/// How blocks are written: first the texts of all, then all else. What is alike packs better side by side.
mod blocks {
    use super::{Block, Kind, Mark};
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    /// Stands behind each text, and in none: markdown has no such character.
    const END: char = '\0';

    pub(super) fn serialize<S: Serializer>(blocks: &[Block], to: S) -> Result<S::Ok, S::Error> {
        let mut texts =
            String::with_capacity(blocks.iter().map(|block| block.text.len() + 1).sum());
        let mut line = 0;
        let rest = blocks.iter().map(|block| {
            texts.push_str(&block.text.replace(END, " "));
            texts.push(END);
            let after = block.line.wrapping_sub(line);
            line = block.line;
            (&block.kind, block.level, &block.marks, after)
        });
        let rest: Vec<_> = rest.collect();
        // As the bytes that are read, without counting them one by one.
        (texts, rest).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Block>, D::Error> {
        let (texts, rest) = <(&[u8], Vec<(Kind, u8, Vec<Mark>, u32)>)>::deserialize(from)?;
        let texts = simdutf8::basic::from_utf8(texts).map_err(D::Error::custom)?;
        let mut line: u32 = 0;
        let block = |(text, (kind, level, marks, after)): (&str, (Kind, u8, Vec<Mark>, u32))| {
            line = line.wrapping_add(after);
            Block { kind, level, text: text.to_owned(), marks, line }
        };
        Ok(texts.split_terminator(END).zip(rest).map(block).collect())
    }
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

impl Citation {
    /// The section by number and title; empty where the source has none.
    pub fn place(&self) -> String {
        let number = self.section.split('/').next().unwrap_or_default();
        let titled = self.section_title.split(' ').next() == Some(number);
        let number = if titled { "" } else { &self.section };
        format!("{number} {}", self.section_title).trim().to_owned()
    }
}

impl Changed {
    /// The newest of the sources that say so.
    pub fn newest(&self) -> Option<&Citation> {
        self.sources.iter().max_by_key(|source| source.date)
    }
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

    /// The block as a line, as a row of the table with these heads.
    fn line(&self, heads: &[&str]) -> Cow<'_, str> {
        match &self.kind {
            Kind::Item(Some(number)) => format!("{number}. {}", self.text).into(),
            Kind::Item(None) => format!("· {}", self.text).into(),
            Kind::Head => self.text.replace('\t', "；").replace('\n', " ").into(),
            Kind::Row => {
                let cells = self.cells().enumerate().filter(|(_, (_, cell))| !cell.is_empty());
                let named = cells.map(|(column, (_, cell))| match heads.get(column) {
                    Some(head) if column > 0 && !head.is_empty() => {
                        format!("{head}：{}", cell.replace('\n', " "))
                    }
                    _ => cell.replace('\n', " "),
                });
                named.collect::<Vec<_>>().join("；").into()
            }
            _ => (&*self.text).into(),
        }
    }
}

impl Entry {
    /// Everything that the entry or something in it rests on.
    pub(crate) fn citations(&self) -> impl Iterator<Item = &Citation> {
        let disputed = self.disputed.iter().flat_map(|disputed| &disputed.sources);
        let changed = self.changed.iter().flat_map(|changed| &changed.sources);
        self.sources.iter().chain(disputed).chain(changed)
    }

    /// What it is asked by: the title, other ways to ask, and messages.
    pub fn names(&self) -> impl Iterator<Item = &String> {
        [&self.title].into_iter().chain(&self.ask).chain(&self.messages)
    }

    /// The first paragraph: for entries of ours the answer that can be read out. Empty if there is none.
    pub fn say(&self) -> &str {
        let first = self
            .blocks
            .iter()
            .find(|block| matches!(block.kind, Kind::Paragraph | Kind::Note | Kind::Quote));
        first.map_or("", |block| &block.text)
    }

    /// For each block the headings above it, the outermost first.
    pub fn headings(&self) -> impl Iterator<Item = Vec<&str>> {
        self.blocks.iter().scan(Vec::new(), |above: &mut Vec<(u8, &str)>, block| {
            if let Kind::Heading(level) = block.kind {
                above.retain(|(other, _)| *other < level);
            }
            let texts = above.iter().map(|(_, text)| *text).collect();
            if let Kind::Heading(level) = block.kind {
                above.push((level, &block.text));
            }
            Some(texts)
        })
    }

    /// For each block the heads of the table of which it is a row; none for anything else.
    pub fn heads(&self) -> impl Iterator<Item = Vec<&str>> {
        self.blocks.iter().scan(Vec::new(), |heads: &mut Vec<&str>, block| {
            match block.kind {
                Kind::Row => return Some(heads.clone()),
                Kind::Head => *heads = block.cells().map(|(_, cell)| cell).collect(),
                _ => heads.clear(),
            }
            Some(Vec::new())
        })
    }

    /// Each block as a line that makes sense by itself: an item with its number, a row with its heads.
    pub fn lines(&self) -> impl Iterator<Item = Cow<'_, str>> {
        self.blocks.iter().zip(self.heads()).map(|(block, heads)| block.line(&heads))
    }

    /// The blocks that say something by themselves, with their index, as lines.
    pub(crate) fn said(&self) -> impl Iterator<Item = (usize, Cow<'_, str>)> {
        let says = |(index, line): &(usize, Cow<'_, str>)| {
            let kind = &self.blocks[*index].kind;
            let beside = matches!(kind, Kind::Heading(_) | Kind::Head | Kind::Image(_));
            !beside && !line.trim().is_empty()
        };
        self.lines().enumerate().filter(says)
    }

    /// The whole entry as plain text, without its title.
    pub fn text(&self) -> String {
        self.lines().filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
    }

    /// The address of its page, percent-encoded, without a base path.
    pub fn url(&self) -> String {
        super::link::url(&self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_come_back_and_no_text_ends_early() {
        let block = |kind, text: &str, line| {
            let mark = Mark { kind: Style::Strong, start: 0, end: text.len(), line: 0 };
            Block { kind, level: 1, text: text.to_owned(), marks: vec![mark], line }
        };
        let blocks = |broken: &str| {
            vec![
                block(Kind::Item(Some(3)), "", 7),
                block(Kind::Paragraph, &format!("备案{broken}号"), 9),
                block(Kind::Html("<i>".to_owned()), "字", 2),
            ]
        };
        let read = |written: Vec<Block>| {
            let bytes =
                postcard::to_stdvec(&Entry { blocks: written, ..Entry::default() }).unwrap();
            postcard::from_bytes::<Entry>(&bytes).unwrap().blocks
        };
        assert_eq!(read(vec![]), vec![]);
        assert_eq!(read(blocks("")), blocks(""));
        assert_eq!(read(blocks("\0")), blocks(" "));
    }
}
