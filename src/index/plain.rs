//! An entry as questions are compared with it.

use crate::{content::Entry, text::add_normalised};
use std::ops::Range;

/// Title of an entry and blocks that say something by themselves, normalised.
#[derive(Debug)]
pub(crate) struct Plain {
    text: String,
    ranges: Vec<Range<usize>>,
    blocks: Vec<usize>,
}

impl Plain {
    pub(crate) fn of(entry: &Entry) -> Self {
        let mut plain = Self { text: String::new(), ranges: Vec::new(), blocks: Vec::new() };
        plain.add(&entry.title);
        for (index, line) in entry.said() {
            plain.add(&line);
            plain.blocks.push(index);
        }
        plain
    }

    fn add(&mut self, text: &str) {
        let start = self.text.len();
        add_normalised(&mut self.text, text);
        self.ranges.push(start..self.text.len());
        self.text.push('\n');
    }

    /// Title and blocks, parted by line feeds.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Where in that the title stands, and then the blocks.
    pub(crate) fn ranges(&self) -> &[Range<usize>] {
        &self.ranges
    }

    pub(crate) fn title(&self) -> &str {
        &self.text[self.ranges[0].clone()]
    }

    /// What the blocks say.
    pub(crate) fn lines(&self) -> impl Iterator<Item = &str> {
        self.ranges[1..].iter().map(|range| &self.text[range.clone()])
    }

    /// The indexes of the blocks in the entry.
    pub(crate) fn blocks(&self) -> &[usize] {
        &self.blocks
    }

    /// Whether title and text differ in nothing but white space.
    pub(crate) fn is_twin(&self, other: &Self) -> bool {
        self.printed().eq(other.printed())
    }

    fn printed(&self) -> impl Iterator<Item = char> {
        self.text.chars().filter(|c| !c.is_whitespace())
    }
}
