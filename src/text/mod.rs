//! Chinese text: one spelling for everything ([`normalise()`]) and words to look up ([`Segmenter`]).
//!
//! Entries and questions go through these two functions and no others, so a question is cut exactly as the
//! entries were. Both know where in the original text a character came from, which is what highlighting needs.

mod normalise;
mod segment;
mod trie;

pub(crate) use normalise::add_normalised;
pub use normalise::{Normal, normalise};
pub use segment::{Segmenter, Word, commonness};
pub(crate) use trie::{Prefix, prefixes};

/// Whether `c` is a Chinese character.
pub fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{323AF}')
}

/// Pairs of neighbouring Chinese characters with the byte offset at which each pair starts in `text`.
///
/// They find what two different cuts would hide from each other.
pub fn bigrams(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut before = None;
    text.char_indices().filter_map(move |(at, c)| {
        let chinese = is_han(c).then_some(at);
        let start = std::mem::replace(&mut before, chinese)?;
        chinese.map(|at| (start, &text[start..at + c.len_utf8()]))
    })
}
