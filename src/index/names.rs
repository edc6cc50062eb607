//! Titles and other ways to ask, cut and weighed, for comparing a question with each of them.
//!
//! One flat file for the whole index, its numbers in little-endian order: how many documents, names and tokens there are; for
//! each document the number of its first name; for each name two weights; the tokens in order, and where the list of each
//! begins; the lists of names that have a token.

use crate::{
    cores,
    text::{Segmenter, Word, bigrams, normalise},
};
use rustc_hash::FxHashMap;
use std::{collections::HashSet, iter, ops::Range};
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
pub(crate) struct List<'b>(&'b [[u8; NUMBER]]);

impl List<'_> {
    /// Takes the next of these names from the list, and whatever stands before it.
    pub(crate) fn next(&mut self, names: &Range<u32>) -> Option<u32> {
        let mut name = number(self.0.first()?);
        if name < names.start {
            // The next candidate is mostly near.
            let mut end = 1;
            while self.0.get(end).is_some_and(|other| number(other) < names.start) {
                end *= 2;
            }
            let near = &self.0[..end.min(self.0.len())];
            self.0 = &self.0[near.partition_point(|other| number(other) < names.start)..];
            name = number(self.0.first()?);
        }
        (name < names.end).then(|| {
            self.0 = &self.0[1..];
            name
        })
    }
}

/// What a text is known by: its kind and 24 bits, so that of a million tokens six are mistaken for one of a question's hundred.
fn token(kind: Kind, text: &str) -> u32 {
    (kind as u32) << 24 | crc32fast::hash(text.as_bytes()) & 0x00FF_FFFF
}

/// The size of the number of a name in a list.
const NUMBER: usize = 3;

fn number([a, b, c]: &[u8; NUMBER]) -> u32 {
    u32::from_le_bytes([*a, *b, *c, 0])
}

/// So many tokens of a kind are kept of a name.
const MOST: usize = u8::MAX as usize;

/// Weights are whole numbers of such parts.
const PARTS: f32 = 64.0;

/// Reads the names of documents from the bytes of the file.
#[derive(Debug)]
pub(crate) struct Names {
    /// For each document, and one more, the number of its first name.
    firsts: OwnedBytes,
    /// For each name the weights of its words and its pairs.
    weights: OwnedBytes,
    tokens: OwnedBytes,
    /// For each token, and one more, where its list begins.
    starts: OwnedBytes,
    lists: OwnedBytes,
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
        let mut weights: Vec<u16> = Vec::new();
        // By token, then by name.
        let mut having: Vec<(u32, u32)> = Vec::new();
        let all = |names: &Vec<&String>| {
            let (mut weigh, mut weigh_pair) = (remembered(&weigh), remembered(&weigh_pair));
            let each = names.iter().map(|name| one(name, segmenter, &mut weigh, &mut weigh_pair));
            each.collect::<Vec<_>>()
        };
        cores::in_order(documents, all, |documents| {
            for names in documents {
                for (name, (tokens, both)) in (firsts[firsts.len() - 1]..).zip(&names) {
                    having.extend(tokens.iter().map(|token| (*token, name)));
                    weights.extend(both);
                }
                firsts.push(firsts[firsts.len() - 1] + names.len() as u32);
            }
        });
        having.sort_unstable();
        let lists = || having.chunk_by(|(token, _), (other, _)| token == other);
        let counts = [documents.len(), weights.len() / 2, lists().count()];
        let mut bytes: Vec<u8> =
            counts.iter().flat_map(|count| (*count as u32).to_le_bytes()).collect();
        bytes.extend(firsts.iter().flat_map(|first| first.to_le_bytes()));
        bytes.extend(weights.iter().flat_map(|weight| weight.to_le_bytes()));
        bytes.extend(lists().flat_map(|list| list[0].0.to_le_bytes()));
        let ends = lists().scan(0, |end, list| {
            *end += list.len() as u32;
            Some(*end)
        });
        bytes.extend(iter::once(0).chain(ends).flat_map(u32::to_le_bytes));
        for (_, name) in having {
            bytes.extend(&name.to_le_bytes()[..NUMBER]);
        }
        bytes
    }

    /// Nothing if there are fewer bytes than are counted.
    pub(super) fn read(bytes: OwnedBytes) -> Option<Self> {
        let counts = bytes.first_chunk::<12>()?.as_chunks().0;
        let [documents, names, tokens] = *counts else { return None };
        let [documents, names, tokens] =
            [documents, names, tokens].map(|count| u32::from_le_bytes(count) as usize);
        let mut rest = bytes.slice(12..bytes.len());
        let mut next = |numbers: usize| {
            let all = (4 * numbers <= rest.len()).then(|| rest.clone())?;
            let (part, behind) = all.split(4 * numbers);
            rest = behind;
            Some(part)
        };
        Some(Self {
            firsts: next(documents + 1)?,
            weights: next(names)?,
            tokens: next(tokens)?,
            starts: next(tokens + 1)?,
            lists: rest,
        })
    }

    /// The numbers of the names of a document, the title first.
    pub(crate) fn of(&self, document: usize) -> Range<u32> {
        let firsts = self.firsts.as_chunks().0;
        let first = |at: usize| firsts.get(at).map_or(0, |first| u32::from_le_bytes(*first));
        first(document)..first(document + 1)
    }

    /// How much all words of a name together distinguish entries, and all its pairs.
    pub(crate) fn weights(&self, name: u32) -> (f32, f32) {
        let weight = |bytes| f32::from(u16::from_le_bytes(bytes)) / PARTS;
        let both = self.weights.as_chunks().0.get(name as usize);
        both.map_or((0.0, 0.0), |[a, b, c, d]| (weight([*a, *b]), weight([*c, *d])))
    }

    /// The names that have the text in this way.
    pub(crate) fn with(&self, kind: Kind, text: &str) -> List<'_> {
        let found = || {
            let at = self
                .tokens
                .as_chunks()
                .0
                .binary_search_by_key(&token(kind, text), |token| u32::from_le_bytes(*token))
                .ok()?;
            let starts = self.starts.as_chunks().0.get(at..at + 2)?;
            let [start, end] =
                [starts[0], starts[1]].map(|start| u32::from_le_bytes(start) as usize);
            self.lists.as_chunks().0.get(start..end)
        };
        List(found().unwrap_or_default())
    }
}

/// The same weights, each found once: the names of a document mostly share their words.
fn remembered(weigh: impl Fn(&str) -> f32) -> impl FnMut(&str) -> f32 {
    let mut known: FxHashMap<String, f32> = FxHashMap::default();
    move |text| match known.get(text) {
        Some(weight) => *weight,
        None => *known.entry(text.to_owned()).or_insert(weigh(text)),
    }
}

/// The tokens of a name, and the weights of its words and its pairs.
fn one(
    name: &str,
    segmenter: &Segmenter,
    weigh: impl FnMut(&str) -> f32,
    weigh_pair: impl FnMut(&str) -> f32,
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
