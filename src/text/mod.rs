//! Chinese text: one spelling for everything ([`normalise()`]) and words to look up ([`Segmenter`]).
//!
//! Entries and questions go through these two functions and no others, so a question is cut exactly as the
//! entries were. Both know where in the original text a character came from, which is what highlighting needs.

use std::{iter, mem};

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
    let (mut at, mut before) = (0, None);
    iter::from_fn(move || {
        loop {
            let (chinese, length) = match text.as_bytes().get(at)? {
                // Most Chinese characters, and nothing else.
                0xE5..=0xE9 => (true, 3),
                _ => text[at..].chars().next().map(|c| (is_han(c), c.len_utf8()))?,
            };
            let (start, end) = (at, at + length);
            at = end;
            if let Some(first) =
                mem::replace(&mut before, chinese.then_some(start)).filter(|_| chinese)
            {
                return Some((first, &text[first..end]));
            }
        }
    })
}
