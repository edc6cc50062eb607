//! Fits [`crate::text`] to tantivy's tokenizers.

use crate::text::{Segmenter, bigrams, normalise};
use tantivy::tokenizer::{TextAnalyzer, Token, TokenStream, Tokenizer, TokenizerManager};

pub(super) const WORDS: &str = "words";
pub(super) const GRAMS: &str = "grams";

/// The tokenizers of an index. tantivy does not store them, so every open needs them again.
pub(super) fn tokenizers(segmenter: &Segmenter) -> TokenizerManager {
    let manager = TokenizerManager::default();
    manager.register(WORDS, TextAnalyzer::from(Words(segmenter.clone())));
    manager.register(GRAMS, TextAnalyzer::from(Grams));
    manager
}

/// Words with byte offsets in the original text; a word's position is the number of characters before it.
#[derive(Clone)]
struct Words(Segmenter);

/// Pairs of neighbouring Chinese characters.
#[derive(Clone)]
struct Grams;

impl Tokenizer for Words {
    type TokenStream<'a> = Tokens;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Tokens {
        let words = self.0.cut(&normalise(text)).into_iter().map(|word| Token {
            offset_from: word.origin.start,
            offset_to: word.origin.end,
            position: word.position,
            text: word.text,
            position_length: 1,
        });
        Tokens::new(words.collect())
    }
}

impl Tokenizer for Grams {
    type TokenStream<'a> = Tokens;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Tokens {
        let normal = normalise(text);
        let grams = bigrams(normal.as_str()).enumerate().map(|(position, (start, gram))| {
            let origin = normal.origin(start..start + gram.len());
            Token {
                offset_from: origin.start,
                offset_to: origin.end,
                position,
                text: gram.to_owned(),
                position_length: 1,
            }
        });
        Tokens::new(grams.collect())
    }
}

struct Tokens {
    tokens: Vec<Token>,
    /// One more than the index of the current token.
    next: usize,
}

impl Tokens {
    fn new(tokens: Vec<Token>) -> Self {
        Self { tokens, next: 0 }
    }
}

impl TokenStream for Tokens {
    fn advance(&mut self) -> bool {
        self.next += 1;
        self.next <= self.tokens.len()
    }

    fn token(&self) -> &Token {
        &self.tokens[self.next - 1]
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.tokens[self.next - 1]
    }
}
