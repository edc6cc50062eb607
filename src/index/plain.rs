//! An entry as questions are compared with it.

use crate::{content::Entry, text::normalise};
use rustc_hash::FxHasher;
use std::{hash::Hasher, ops::Range};

/// Title of an entry and blocks that say something by themselves, normalised.
#[derive(Debug)]
pub(crate) struct Plain {
    text: String,
    ranges: Vec<Range<usize>>,
    blocks: Vec<usize>,
    twin: u64,
}

impl Plain {
    pub(crate) fn of(entry: &Entry) -> Self {
        let mut plain =
            Self { text: String::new(), ranges: Vec::new(), blocks: Vec::new(), twin: 0 };
        plain.add(&entry.title);
        for (index, line) in entry.said() {
            plain.add(&line);
            plain.blocks.push(index);
        }
        let mut hasher = FxHasher::default();
        let chars = plain.text.chars().filter(|c| !c.is_whitespace());
        chars.for_each(|c| hasher.write_u32(c.into()));
        plain.twin = hasher.finish();
        plain
    }

    fn add(&mut self, text: &str) {
        let start = self.text.len();
        self.text.push_str(normalise(text).as_str());
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

    /// The same for entries whose title and text differ in nothing but white space.
    pub(crate) fn twin(&self) -> u64 {
        self.twin
    }
}
