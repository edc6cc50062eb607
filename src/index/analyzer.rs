//! Hands tantivy texts that are cut already.
//!
//! Texts are cut on all cores and indexed on one, so what tantivy gets are words with a mark behind each, and all that is left
//! to do there is to part them.

use crate::text::bigrams;
use std::{iter, ops::Range};
use tantivy::tokenizer::{TextAnalyzer, Token, TokenStream, Tokenizer, TokenizerManager};

/// The name of the tokenizer for what [`add_words`] wrote.
pub(super) const CUT: &str = "cut";

/// The name of the tokenizer for pairs of neighbouring Chinese characters of normalised texts.
pub(super) const GRAMS: &str = "grams";

/// What stands behind each word, and in none.
const END: char = '\u{1}';

pub(super) fn tokenizers() -> TokenizerManager {
    let manager = TokenizerManager::default();
    let cut = Parted(|text| Box::new(words(text)));
    let grams = Parted(|text| Box::new(bigrams(text).map(|(_, pair)| pair)));
    manager.register(CUT, TextAnalyzer::from(cut));
    manager.register(GRAMS, TextAnalyzer::from(grams));
    manager
}

/// Adds the words of a normalised text, which are at `ranges`.
pub(super) fn add_words(normal: &str, ranges: &[Range<usize>], to: &mut String) {
    to.reserve(ranges.iter().map(|range| range.len() + END.len_utf8()).sum());
    for range in ranges {
        to.push_str(&normal[range.clone()]);
        to.push(END);
    }
}

/// The words that [`add_words`] wrote. They are short, so that looking at byte after byte is faster than `str::split`.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    iter::from_fn(move || {
        let (word, after) = rest.split_at(rest.bytes().position(|byte| byte == END as u8)?);
        rest = &after[END.len_utf8()..];
        Some(word)
    })
}

type Parts<'a> = Box<dyn Iterator<Item = &'a str> + 'a>;

/// A way to part a text.
#[derive(Clone)]
struct Parted(for<'a> fn(&'a str) -> Parts<'a>);

impl Tokenizer for Parted {
    type TokenStream<'a> = Tokens<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Tokens<'a> {
        Tokens { parts: self.0(text), token: Token::default() }
    }
}

struct Tokens<'a> {
    parts: Parts<'a>,
    token: Token,
}

impl TokenStream for Tokens<'_> {
    fn advance(&mut self) -> bool {
        let Some(part) = self.parts.next() else { return false };
        self.token.text.clear();
        self.token.text.push_str(part);
        // The first one comes after what tantivy calls the position before all.
        self.token.position = self.token.position.wrapping_add(1);
        true
    }

    fn token(&self) -> &Token {
        &self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.token
    }
}
