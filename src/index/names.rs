//! Titles and other ways to ask, cut and weighed, for comparing a question with each of them.
//!
//! One flat file for the whole index, of numbers only: for each document the number of its first name; for each name two
//! weights; the tokens in order, and where the list of each begins; the lists of names that have a token.

use super::numbers::Numbers;
use crate::{
    cores,
    text::{Segmenter, Word, bigrams, normalise},
};
use std::{collections::HashSet, ops::Range};
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
        if self.head < names.start {
            // The next one is mostly near.
            let (mut near, mut far) = (0, 1);
            while self.name(self.at + far) < names.start {
                (near, far) = (far, 2 * far);
            }
            while near + 1 < far {
                let middle = near.midpoint(far);
                let before = self.name(self.at + middle) < names.start;
                *(if before { &mut near } else { &mut far }) = middle;
            }
            self.skip(far);
        }
        let name = Some(self.head).filter(|head| *head < names.end)?;
        self.skip(1);
        Some(name)
    }

    fn skip(&mut self, names: usize) {
        self.at += names;
        self.head = self.name(self.at);
    }

    fn name(&self, at: usize) -> u32 {
        if at < self.end { self.lists.get(at).unwrap_or(u32::MAX) } else { u32::MAX }
    }
}

/// What a text is known by: its kind and 24 bits, so that of a million tokens six are mistaken for one of a question's hundred.
fn token(kind: Kind, text: &str) -> u32 {
    (kind as u32) << 24 | crc32fast::hash(text.as_bytes()) & 0x00FF_FFFF
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

impl Names {
    /// The bytes for the names of all documents. `weigh` tells how much a word and how much a pair distinguishes.
    pub(super) fn write(
        documents: &[Vec<&String>],
        segmenter: &Segmenter,
        weigh: impl Fn(&str) -> f32 + Sync,
        weigh_pair: impl Fn(&str) -> f32 + Sync,
    ) -> Vec<u8> {
        let mut firsts: Vec<u32> = vec![0];
        let mut weights: Vec<u32> = Vec::new();
        // By token, then by name.
        let mut having: Vec<(u32, u32)> = Vec::new();
        let all = |names: &Vec<&String>| {
            let each = names.iter().map(|name| one(name, segmenter, &weigh, &weigh_pair));
            each.collect::<Vec<_>>()
        };
        cores::in_order(documents, all, |documents| {
            for names in documents {
                for (tokens, [words, pairs]) in names {
                    let name = weights.len() as u32;
                    having.extend(tokens.into_iter().map(|token| (token, name)));
                    weights.push(u32::from(words) | u32::from(pairs) << 16);
                }
                firsts.push(weights.len() as u32);
            }
        });
        having.sort_unstable();
        let lists = || having.chunk_by(|(token, _), (other, _)| token == other);
        let tokens: Vec<u32> = lists().map(|list| list[0].0).collect();
        let mut starts = vec![0];
        lists().for_each(|list| starts.push(starts[starts.len() - 1] + list.len() as u32));
        let names: Vec<u32> = having.iter().map(|(_, name)| *name).collect();
        let mut bytes = Vec::new();
        for numbers in [firsts, weights, tokens, starts, names] {
            Numbers::write(&numbers, &mut bytes);
        }
        bytes
    }

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
        let (mut low, mut high) = (0, self.tokens.len());
        while low < high {
            let middle = low.midpoint(high);
            let before = self.tokens.get(middle).is_some_and(|other| other < token);
            (low, high) = if before { (middle + 1, high) } else { (low, middle) };
        }
        let start = |at| self.starts.get(at).map_or(0, |start| start as usize);
        let here = self.tokens.get(low) == Some(token);
        List::new(&self.lists, if here { start(low)..start(low + 1) } else { 0..0 })
    }
}

/// The tokens of a name, and the weights of its words and its pairs.
fn one(
    name: &str,
    segmenter: &Segmenter,
    weigh: impl Fn(&str) -> f32,
    weigh_pair: impl Fn(&str) -> f32,
) -> (Vec<u32>, [u16; 2]) {
    let normal = normalise(name);
    let cut = segmenter.cut(&normal);
    let (parts, words): (Vec<&Word>, Vec<&Word>) = cut.iter().partition(|word| word.is_part(&cut));
    let mut words: Vec<&str> = words.iter().map(|word| &*word.text).collect();
    let mut parts: Vec<&str> = parts.iter().map(|word| &*word.text).collect();
    let mut seen = HashSet::new();
    let mut pairs: Vec<&str> =
        bigrams(normal.as_str()).map(|(_, pair)| pair).filter(|pair| seen.insert(*pair)).collect();
    let mut tokens = Vec::new();
    for (kind, list) in
        [(Kind::Word, &mut words), (Kind::Part, &mut parts), (Kind::Pair, &mut pairs)]
    {
        list.truncate(MOST);
        tokens.extend(list.iter().map(|text| token(kind, text)));
    }
    let weights =
        [words.into_iter().map(weigh).sum::<f32>(), pairs.into_iter().map(weigh_pair).sum()];
    // What is too large becomes the largest.
    (tokens, weights.map(|weight| (weight * PARTS).round() as u16))
}
