//! Titles and other ways to ask, cut and weighed, for comparing a question with each of them.
//!
//! One flat file for the whole index, of numbers only: for each document the number of its first name; for each name two
//! weights; the tokens in order, and where the list of each begins; the lists of names that have a token.

use super::numbers::Numbers;
use crate::text::bigrams;
use rustc_hash::{FxHashMap, FxHashSet};
use std::{iter, ops::Range};
use tantivy::directory::OwnedBytes;

/// What of a name a token stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A word that stands in no longer one. A name that has it twice is twice in its list.
    Word,
    /// A word inside a longer one.
    Part,
    /// A pair of characters, each once.
    Pair,
}

/// The names that have a token, in order.
#[derive(Debug, Clone, Copy)]
pub(crate) struct List<'b> {
    lists: &'b Numbers,
    at: usize,
    end: usize,
    /// The number at `at`, or [`u32::MAX`] behind the last.
    head: u32,
}

impl<'b> List<'b> {
    fn new(lists: &'b Numbers, Range { start, end }: Range<usize>) -> Self {
        let mut list = Self { lists, at: start, end, head: 0 };
        list.skip(0);
        list
    }

    /// Takes the next of these names from the list, and whatever stands before it.
    #[inline]
    pub(crate) fn next(&mut self, names: &Range<u32>) -> Option<u32> {
        // Of most documents no name is in the list.
        if self.head < names.end { self.next_from(names) } else { None }
    }

    fn next_from(&mut self, names: &Range<u32>) -> Option<u32> {
        if self.head < names.start {
            // The next one is mostly near.
            let mut step = 1;
            while self.name(self.at + step) < names.start {
                step *= 2;
            }
            let end = self.end.min(self.at + step);
            let next = self.lists.not_less(names.start, self.at..end);
            self.skip(next - self.at);
        }
        let name = Some(self.head).filter(|head| *head < names.end)?;
        self.skip(1);
        Some(name)
    }

    #[inline]
    fn skip(&mut self, names: usize) {
        self.at += names;
        self.head = self.name(self.at);
    }

    #[inline]
    fn name(&self, at: usize) -> u32 {
        if at < self.end { self.lists.get(at).unwrap_or(u32::MAX) } else { u32::MAX }
    }
}

/// What a text is known by: its kind and 24 bits, so that of a million tokens six are mistaken for one of a question's hundred.
pub(super) fn token(kind: Kind, text: &str) -> u32 {
    (kind as u32) << 24 | crc32fast::hash(text.as_bytes()) & 0x00FF_FFFF
}

/// The kind of a token.
fn kind(token: u32) -> Kind {
    match token >> 24 {
        0 => Kind::Word,
        1 => Kind::Part,
        _ => Kind::Pair,
    }
}

/// So many tokens of a kind are kept of a name.
const MOST: usize = u8::MAX as usize;

/// Weights are whole numbers of such parts.
const PARTS: f32 = 64.0;

/// Reads the names of documents from the bytes of the file.
#[derive(Debug)]
pub(crate) struct Names {
    /// For each document, and one more, the number of its first name.
    firsts: Numbers,
    /// For each name the weights of its words, and of its pairs in the upper half.
    weights: Numbers,
    tokens: Numbers,
    /// For each token, and one more, where its list begins.
    starts: Numbers,
    lists: Numbers,
}

/// The names of documents as they are gathered, before it is known how much their words distinguish.
#[derive(Default)]
pub(super) struct Gathered {
    /// For each document where its names end.
    ends: Vec<u32>,
    names: u32,
    /// The tokens of all names, with the name.
    having: Vec<(u32, u32)>,
}

impl Gathered {
    /// Adds a document: for each of its names the tokens.
    pub(super) fn add(&mut self, names: Vec<Vec<u32>>) {
        for tokens in names {
            self.having.extend(tokens.into_iter().map(|token| (token, self.names)));
            self.names += 1;
        }
        self.ends.push(self.names);
    }

    /// The bytes of the file. `weights` tells how much words and pairs distinguish, by token.
    pub(super) fn write(self, weights: &FxHashMap<u32, f32>) -> Vec<u8> {
        let Self { ends, names, mut having } = self;
        let mut sums = vec![(0.0, 0.0); names as usize];
        for (token, name) in &having {
            let (words, pairs) = &mut sums[*name as usize];
            let weight = weights.get(token).copied().unwrap_or(0.0);
            match kind(*token) {
                Kind::Word => *words += weight,
                Kind::Pair => *pairs += weight,
                Kind::Part => {}
            }
        }
        // What is too large becomes the largest.
        let part = |weight: f32| u32::from((weight * PARTS).round() as u16);
        let weights = sums.into_iter().map(|(words, pairs)| part(words) | part(pairs) << 16);
        having.sort_unstable();
        let lists = || having.chunk_by(|(token, _), (other, _)| token == other);
        let tokens = lists().map(|list| list[0].0);
        let starts = lists().scan(0, |end, list| {
            *end += list.len() as u32;
            Some(*end)
        });
        let with_zero =
            |numbers: &mut dyn Iterator<Item = u32>| iter::once(0).chain(numbers).collect();
        let all: [Vec<u32>; 5] = [
            with_zero(&mut ends.into_iter()),
            weights.collect(),
            tokens.collect(),
            with_zero(&mut { starts }),
            having.iter().map(|(_, name)| *name).collect(),
        ];
        let mut bytes = Vec::new();
        all.iter().for_each(|numbers| Numbers::write(numbers, &mut bytes));
        bytes
    }
}

impl Names {
    /// Nothing if there are fewer bytes than are counted.
    pub(super) fn read(mut bytes: OwnedBytes) -> Option<Self> {
        let mut next = || Numbers::take(&mut bytes);
        let [firsts, weights, tokens, starts, lists] =
            [next()?, next()?, next()?, next()?, next()?];
        Some(Self { firsts, weights, tokens, starts, lists })
    }

    /// The numbers of the names of a document, the title first.
    pub(crate) fn of(&self, document: usize) -> Range<u32> {
        let first = |at| self.firsts.get(at).unwrap_or(0);
        first(document)..first(document + 1)
    }

    /// How much all words of a name together distinguish entries, and all its pairs.
    pub(crate) fn weights(&self, name: u32) -> (f32, f32) {
        let both = self.weights.get(name as usize).unwrap_or(0);
        ((both & 0xFFFF) as f32 / PARTS, (both >> 16) as f32 / PARTS)
    }

    /// The names that have the text in this way.
    pub(crate) fn with(&self, kind: Kind, text: &str) -> List<'_> {
        let token = token(kind, text);
        let at = self.tokens.not_less(token, 0..self.tokens.len());
        let start = |at| self.starts.get(at).map_or(0, |start| start as usize);
        let here = self.tokens.get(at) == Some(token);
        List::new(&self.lists, if here { start(at)..start(at + 1) } else { 0..0 })
    }
}

/// The words of a normalised name, which are at `ranges`, and its pairs of characters: at most [`MOST`] of a kind.
pub(super) fn texts<'n>(
    normal: &'n str,
    ranges: &[Range<usize>],
) -> impl Iterator<Item = (Kind, &'n str)> + use<'n> {
    let mut words = Vec::new();
    let mut parts = Vec::new();
    let mut end = 0;
    for (at, range) in ranges.iter().enumerate() {
        // Ranges are in order, a longer one behind those that begin where it does.
        let longer = ranges.get(at + 1).is_some_and(|next| next.start == range.start);
        let list = if longer || range.end <= end { &mut parts } else { &mut words };
        list.push(&normal[range.clone()]);
        end = end.max(range.end);
    }
    let mut seen = FxHashSet::default();
    let pairs = bigrams(normal).map(|(_, pair)| pair).filter(move |pair| seen.insert(*pair));
    let of = |kind| move |text| (kind, text);
    let words = words.into_iter().take(MOST).map(of(Kind::Word));
    let parts = parts.into_iter().take(MOST).map(of(Kind::Part));
    words.chain(parts).chain(pairs.take(MOST).map(of(Kind::Pair)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_list_gives_the_names_of_each_document_in_turn(
            mut having in proptest::collection::vec(0..200_u32, 0..60),
            mut bounds in proptest::collection::vec(0..220_u32, 2..20),
        ) {
            having.sort_unstable();
            bounds.sort_unstable();
            let mut bytes = Vec::new();
            Numbers::write(&having, &mut bytes);
            let numbers = Numbers::take(&mut OwnedBytes::new(bytes)).unwrap();
            let mut list = List::new(&numbers, 0..having.len());
            for pair in bounds.windows(2).step_by(2) {
                let names = pair[0]..pair[1];
                let mut found = Vec::new();
                while let Some(name) = list.next(&names) {
                    found.push(name);
                }
                let expected = having.iter().copied().filter(|name| names.contains(name));
                let expected: Vec<u32> = expected.collect();
                prop_assert_eq!(found, expected);
            }
        }
    }
}
