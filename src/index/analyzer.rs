//! Hands tantivy texts that are cut already.
//!
//! Texts are cut on all cores and indexed on one, so what tantivy gets are words with a mark behind each, and all that is left
//! to do there is to part them.

use crate::text::{Segmenter, bigrams};
use tantivy::tokenizer::{TextAnalyzer, Token, TokenStream, Tokenizer, TokenizerManager};

/// The name of our tokenizer.
pub(super) const CUT: &str = "cut";

/// What stands behind each word, and in none.
const END: char = '\u{1}';

pub(super) fn tokenizers() -> TokenizerManager {
    let manager = TokenizerManager::default();
    manager.register(CUT, TextAnalyzer::from(Cut));
    manager
}

/// Adds the words of a normalised text.
pub(super) fn add_words(segmenter: &Segmenter, normal: &str, to: &mut String) {
    segmenter.ranges(normal).into_iter().for_each(|range| add(&normal[range], to));
}

/// Adds the pairs of neighbouring Chinese characters of a normalised text.
pub(super) fn add_grams(normal: &str, to: &mut String) {
    bigrams(normal).for_each(|(_, pair)| add(pair, to));
}

fn add(word: &str, to: &mut String) {
    to.push_str(word);
    to.push(END);
}

#[derive(Clone)]
struct Cut;

impl Tokenizer for Cut {
    type TokenStream<'a> = Words<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Words<'a> {
        Words { rest: text, token: Token::default() }
    }
}

struct Words<'a> {
    rest: &'a str,
    token: Token,
}

impl TokenStream for Words<'_> {
    fn advance(&mut self) -> bool {
        let Some((word, rest)) = self.rest.split_once(END) else { return false };
        self.rest = rest;
        self.token.text.clear();
        self.token.text.push_str(word);
        // The first word comes after what tantivy calls the position before all.
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
