//! Titles and other ways to ask, cut and weighed, for comparing a question with each of them.
//!
//! One flat file for the whole index: for each document where its names begin, then the names. A name is three numbers of
//! tokens, two weights, and the tokens: words, words inside longer ones, pairs of characters.

use crate::{
    cores,
    text::{Segmenter, Word, bigrams, normalise},
};
use std::{collections::HashSet, iter};
use tantivy::directory::OwnedBytes;

/// A title or another way to ask.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Name<'b> {
    words: &'b [u8],
    parts: &'b [u8],
    pairs: &'b [u8],
    /// How much all words together distinguish entries, and all pairs.
    pub(crate) words_weight: f32,
    pub(crate) pairs_weight: f32,
}

impl<'b> Name<'b> {
    /// The words that stand in no longer one.
    pub(crate) fn words(self) -> impl Iterator<Item = u32> + 'b {
        tokens(self.words)
    }

    /// The words inside longer ones.
    pub(crate) fn parts(self) -> impl Iterator<Item = u32> + 'b {
        tokens(self.parts)
    }

    /// Each pair of characters once.
    pub(crate) fn pairs(self) -> impl Iterator<Item = u32> + 'b {
        tokens(self.pairs)
    }
}

fn tokens(bytes: &[u8]) -> impl Iterator<Item = u32> + '_ {
    bytes.as_chunks().0.iter().map(|[a, b, c]| u32::from_le_bytes([*a, *b, *c, 0]))
}

/// What a token is known by: 24 bits, so that of a million tokens six are mistaken for one of a question's hundred.
pub(crate) fn hash(text: &str) -> u32 {
    crc32fast::hash(text.as_bytes()) & 0x00FF_FFFF
}

/// The size of a token in the file.
const TOKEN: usize = 3;

/// So many tokens of a kind are kept of a name.
const MOST: usize = u8::MAX as usize;

/// Weights are whole numbers of such parts.
const PARTS: f32 = 64.0;

/// Reads the names of documents from the bytes of the file.
#[derive(Debug)]
pub(super) struct Names(OwnedBytes);

impl Names {
    /// The bytes for the names of all documents. `weigh` tells how much a word and how much a pair distinguishes.
    pub(super) fn write(
        documents: &[Vec<&String>],
        segmenter: &Segmenter,
        weigh: impl Fn(&str) -> f32 + Sync,
        weigh_pair: impl Fn(&str) -> f32 + Sync,
    ) -> Vec<u8> {
        let mut offsets: Vec<u32> = Vec::new();
        let mut body: Vec<u8> = Vec::new();
        let start = 4 * (documents.len() + 1);
        let all = |names: &Vec<&String>| {
            let each = names.iter().map(|name| one(name, segmenter, &weigh, &weigh_pair));
            each.collect::<Vec<_>>().concat()
        };
        cores::in_order(documents, all, |documents| {
            for names in documents {
                offsets.push((start + body.len()) as u32);
                body.extend(names);
            }
        });
        offsets.push((start + body.len()) as u32);
        let mut bytes: Vec<u8> = offsets.iter().flat_map(|offset| offset.to_le_bytes()).collect();
        bytes.extend(body);
        bytes
    }

    pub(super) fn read(bytes: OwnedBytes) -> Self {
        Self(bytes)
    }

    /// The names of a document, the title first.
    pub(super) fn of(&self, document: usize) -> impl Iterator<Item = Name<'_>> {
        let offset = |document: usize| {
            let bytes = self.0.get(4 * document..4 * document + 4);
            bytes.and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_le_bytes) as usize
        };
        let mut rest = self.0.get(offset(document)..offset(document + 1)).unwrap_or_default();
        let weight = |bytes: [u8; 2]| f32::from(u16::from_le_bytes(bytes)) / PARTS;
        iter::from_fn(move || {
            let ([words, parts, pairs, a, b, c, d], after) = rest.split_first_chunk()?;
            let (words, after) = after.split_at_checked(usize::from(*words) * TOKEN)?;
            let (parts, after) = after.split_at_checked(usize::from(*parts) * TOKEN)?;
            let (pairs, after) = after.split_at_checked(usize::from(*pairs) * TOKEN)?;
            rest = after;
            Some(Name {
                words,
                parts,
                pairs,
                words_weight: weight([*a, *b]),
                pairs_weight: weight([*c, *d]),
            })
        })
    }
}

/// The bytes of a name.
fn one(
    name: &str,
    segmenter: &Segmenter,
    weigh: impl Fn(&str) -> f32,
    weigh_pair: impl Fn(&str) -> f32,
) -> Vec<u8> {
    let normal = normalise(name);
    let cut = segmenter.cut(&normal);
    let (parts, words): (Vec<&Word>, Vec<&Word>) = cut.iter().partition(|word| word.is_part(&cut));
    let mut words: Vec<&str> = words.iter().map(|word| &*word.text).collect();
    let mut parts: Vec<&str> = parts.iter().map(|word| &*word.text).collect();
    let mut seen = HashSet::new();
    let mut pairs: Vec<&str> =
        bigrams(normal.as_str()).map(|(_, pair)| pair).filter(|pair| seen.insert(*pair)).collect();
    let mut bytes = Vec::new();
    for list in [&mut words, &mut parts, &mut pairs] {
        list.truncate(MOST);
        bytes.push(list.len() as u8);
    }
    let weights = [
        words.iter().map(|word| weigh(word)).sum::<f32>(),
        pairs.iter().map(|pair| weigh_pair(pair)).sum(),
    ];
    for weight in weights {
        // What is too large becomes the largest.
        bytes.extend(((weight * PARTS).round() as u16).to_le_bytes());
    }
    for text in words.iter().chain(&parts).chain(&pairs) {
        bytes.extend(&hash(text).to_le_bytes()[..TOKEN]);
    }
    bytes
}
