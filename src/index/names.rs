//! Titles and other ways to ask, cut and weighed, for comparing a question with each of them.
//!
//! One flat file for the whole index: documents lie in their order, so nothing is searched and nothing is parsed.

use crate::text::{Segmenter, Word, bigrams, normalise};
use std::{collections::HashSet, iter};

/// A word or a pair of characters of a name.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Token {
    pub(crate) hash: u32,
    /// How much it distinguishes entries; 0 for a part of a longer word.
    pub(crate) weight: f32,
}

/// A title or another way to ask: the bytes of its tokens.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Name<'b> {
    words: &'b [u8],
    pairs: &'b [u8],
}

impl<'b> Name<'b> {
    pub(crate) fn words(self) -> impl Iterator<Item = Token> + 'b {
        tokens(self.words)
    }

    /// Each pair of characters once.
    pub(crate) fn pairs(self) -> impl Iterator<Item = Token> + 'b {
        tokens(self.pairs)
    }
}

fn tokens(bytes: &[u8]) -> impl Iterator<Item = Token> + '_ {
    let number = |bytes: &[u8]| bytes.try_into().map_or(0, u32::from_le_bytes);
    bytes.chunks_exact(TOKEN).map(move |token| Token {
        hash: number(&token[..4]),
        weight: f32::from_bits(number(&token[4..])),
    })
}

/// What a token is known by.
pub(crate) fn hash(text: &str) -> u32 {
    crc32fast::hash(text.as_bytes())
}

/// Reads the names of documents from the bytes of the file.
#[derive(Debug, Default)]
pub(crate) struct Names {
    bytes: Vec<u8>,
}

const TOKEN: usize = 8;

impl Names {
    /// Writes the names of all documents. `weigh` tells how much a word and how much a pair distinguishes.
    pub(crate) fn write(
        documents: &[Vec<&String>],
        segmenter: &Segmenter,
        weigh: impl Fn(&str) -> f32,
        weigh_pair: impl Fn(&str) -> f32,
    ) -> Self {
        let mut offsets: Vec<u32> = Vec::new();
        let mut body: Vec<u8> = Vec::new();
        let start = 4 * (documents.len() + 1);
        for names in documents {
            offsets.push((start + body.len()) as u32);
            for name in names {
                let normal = normalise(name);
                let cut = segmenter.cut(&normal);
                let weight = |word: &Word| if word.is_part(&cut) { 0.0 } else { weigh(&word.text) };
                let words = cut.iter().map(|word| (hash(&word.text), weight(word))).collect();
                let mut seen = HashSet::new();
                let pairs: Vec<(u32, f32)> = bigrams(normal.as_str())
                    .filter(|(_, pair)| seen.insert(*pair))
                    .map(|(_, pair)| (hash(pair), weigh_pair(pair)))
                    .collect();
                for tokens in [words, pairs] {
                    let tokens = &tokens[..tokens.len().min(usize::from(u16::MAX))];
                    body.extend((tokens.len() as u16).to_le_bytes());
                    for (hash, weight) in tokens {
                        body.extend(hash.to_le_bytes());
                        body.extend(weight.to_le_bytes());
                    }
                }
            }
        }
        offsets.push((start + body.len()) as u32);
        let mut bytes: Vec<u8> = offsets.iter().flat_map(|offset| offset.to_le_bytes()).collect();
        bytes.extend(body);
        Self { bytes }
    }

    pub(crate) fn read(bytes: Vec<u8>) -> Self {
        Self { bytes }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The names of a document, the title first.
    pub(crate) fn of(&self, document: u32) -> impl Iterator<Item = Name<'_>> {
        let offset = |document: usize| {
            let bytes = self.bytes.get(4 * document..4 * document + 4);
            bytes.and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_le_bytes) as usize
        };
        let document = document as usize;
        let mut rest = self.bytes.get(offset(document)..offset(document + 1)).unwrap_or_default();
        let mut list = move || {
            let (count, bytes) = rest.split_first_chunk()?;
            let (list, after) =
                bytes.split_at_checked(usize::from(u16::from_le_bytes(*count)) * TOKEN)?;
            rest = after;
            Some(list)
        };
        iter::from_fn(move || Some(Name { words: list()?, pairs: list()? }))
    }
}
