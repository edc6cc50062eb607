//! Chinese text: one spelling for everything ([`normalise()`]) and words to look up ([`Segmenter`]).
//!
//! Entries and questions go through these two functions and no others, so a question is cut exactly as the
//! entries were. Both know where in the original text a character came from, which is what highlighting needs.

mod normalise;
mod segment;

pub use normalise::{Normal, normalise};
pub(crate) use segment::prefixes;
pub use segment::{Segmenter, Word, common_words, commonness};

/// Whether `c` is a Chinese character.
pub fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{323AF}')
}

/// Pairs of neighbouring Chinese characters with the byte offset at which each pair starts in `text`.
///
/// They find what two different cuts would hide from each other.
pub fn bigrams(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let pairs = text.char_indices().zip(text.char_indices().skip(1));
    let chinese = pairs.filter(|((_, first), (_, second))| is_han(*first) && is_han(*second));
    chinese.map(|((start, _), (middle, second))| (start, &text[start..middle + second.len_utf8()]))
}
