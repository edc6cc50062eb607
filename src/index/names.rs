//! Titles and other ways to ask, cut and weighed, for comparing a question with each of them.
//!
//! One flat file for the whole index: documents lie in their order, so nothing is searched and nothing is parsed.

use crate::text::{Segmenter, Word, bigrams, normalise};

/// A word or a pair of characters of a name.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Token {
    pub(crate) hash: u32,
    /// How much it distinguishes entries; 0 for a part of a longer word.
    pub(crate) weight: f32,
}

/// A title or another way to ask.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Name {
    pub(crate) words: Vec<Token>,
    pub(crate) pairs: Vec<Token>,
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
                let pairs: Vec<(u32, f32)> = bigrams(normal.as_str())
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
    pub(crate) fn of(&self, document: u32) -> Vec<Name> {
        let number = |at: usize| -> Option<u32> {
            Some(u32::from_le_bytes(self.bytes.get(at..at + 4)?.try_into().ok()?))
        };
        let offset = |document: u32| number(4 * document as usize).unwrap_or(0) as usize;
        let (mut at, end) = (offset(document), offset(document + 1));
        let tokens = |at: &mut usize| {
            let count =
                self.bytes.get(*at..*at + 2).map_or(0, |two| u16::from_le_bytes([two[0], two[1]]));
            *at += 2;
            let tokens = (0..usize::from(count)).map_while(|index| {
                let at = *at + index * TOKEN;
                Some(Token { hash: number(at)?, weight: f32::from_bits(number(at + 4)?) })
            });
            let tokens: Vec<Token> = tokens.collect();
            *at += usize::from(count) * TOKEN;
            tokens
        };
        let mut names = Vec::new();
        while at < end.min(self.bytes.len()) {
            let words = tokens(&mut at);
            names.push(Name { words, pairs: tokens(&mut at) });
        }
        names
    }
}
