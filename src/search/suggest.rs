//! Completions of what somebody has begun to type: titles, other ways to ask, terms; in characters, pinyin, first
//! letters, or a mixture.

use crate::{
    content::Entry,
    error::Result,
    index::{Index, readings},
    text::{is_han, normalise},
};
use std::collections::HashSet;

/// Of what has been typed only so many characters are read.
const PREFIX_LIMIT: usize = 40;

/// No entry has many more names than so many.
const NAMES: usize = 60;

/// What somebody may be about to ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    pub text: String,
    pub kind: Kind,
    /// The entry it is a name of; nothing for a term.
    pub id: Option<String>,
}

/// What is suggested; the earlier kind comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Title,
    Term,
    /// Another way to ask.
    Ask,
}

/// How what was typed was found in a name; the earlier one is surer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum How {
    Characters,
    Syllables,
    Initials,
}

/// All that can be suggested, ready to be looked through.
///
/// Every name is looked at for every prefix: some thousand names take a fraction of a millisecond, and a name is
/// found by any of its characters.
#[derive(Debug)]
pub struct Suggester {
    names: Vec<Named>,
}

#[derive(Debug)]
struct Named {
    suggestion: Suggestion,
    sounds: Vec<Sound>,
    /// The marks of all its characters: most names are seen at a glance not to have those that were typed.
    marks: u64,
}

/// A normalised character.
#[derive(Debug, Clone, Copy)]
struct Sound {
    c: char,
    /// Bits for the letters with which what stands for it may begin.
    initials: u32,
}

impl Suggester {
    /// Reads the names of all entries, and the terms that an entry has.
    pub fn new(index: &Index) -> Result<Self> {
        let mut names = Vec::new();
        let mut seen = HashSet::new();
        let mut add = |text: &str, kind: Kind, id: Option<&Entry>| {
            let letters = letters(text);
            if !seen.contains(&letters) {
                let id = id.map(|entry| entry.id.clone());
                let suggestion = Suggestion { text: text.to_owned(), kind, id };
                let marks = letters.chars().fold(0, |all, c| all | mark(c));
                names.push(Named { suggestion, sounds: sounds(&letters), marks });
                seen.insert(letters);
            }
        };
        for entry in index.entries() {
            let entry = entry?;
            for (at, name) in entry.names().enumerate() {
                add(name, if at == 0 { Kind::Title } else { Kind::Ask }, Some(&entry));
            }
        }
        let terms = &index.overview.terms;
        let labels = index.overview.domains.values().flat_map(|domain| domain.value.values());
        let labels = labels.filter_map(|names| names.first());
        for term in labels.chain(&terms.word) {
            let known = index.sounds.documents(normalise(term).as_str()).unwrap_or(0) > 0;
            if known && term.chars().count() > 1 {
                add(term, Kind::Term, None);
            }
        }
        Ok(Self { names })
    }

    /// At most `limit` completions of `typed`, the best first; of each entry one. None for an empty prefix.
    ///
    /// First come those with the very characters, then those that sound so, then those with these first letters;
    /// among them those that begin so; then titles, terms and other ways to ask; then short ones.
    pub fn complete(&self, typed: &str, limit: usize) -> Vec<&Suggestion> {
        let typed: String = typed.chars().take(PREFIX_LIMIT).collect();
        let typed: Vec<char> = letters(&typed).chars().collect();
        let Some(first) = typed.first() else { return Vec::new() };
        let bit = initial(*first);
        let needed = typed.iter().filter(|c| is_han(**c)).fold(0, |all, c| all | mark(*c));
        let mut found = Vec::new();
        for (order, Named { suggestion, sounds, marks }) in self.names.iter().enumerate() {
            if marks & needed != needed {
                continue;
            }
            let begins = |sound: &Sound| sound.c == *first || sound.initials & bit != 0;
            // One letter is somewhere in almost every name, so it has to be the first.
            let last = if bit != 0 && typed.len() == 1 { 1 } else { sounds.len() };
            let starts = (0..last.min(sounds.len()))
                .filter(|at| begins(&sounds[*at]) && !inside(sounds, *at));
            let best = starts.filter_map(|at| Some((reach(&typed, &sounds[at..])?, at > 0))).min();
            if let Some((how, later)) = best {
                found.push(((how, later, suggestion.kind, sounds.len(), order), suggestion));
            }
        }
        // Every entry has some names, and of each only the best is shown.
        if found.len() > limit * NAMES {
            found.select_nth_unstable_by_key(limit * NAMES, |(rank, _)| *rank);
            found.truncate(limit * NAMES);
        }
        found.sort_unstable_by_key(|(rank, _)| *rank);
        let mut seen = HashSet::new();
        let mut best: Vec<&Suggestion> =
            found.into_iter().map(|(_, suggestion)| suggestion).collect();
        best.retain(|suggestion| suggestion.id.as_ref().is_none_or(|id| seen.insert(id)));
        best.truncate(limit);
        best
    }
}

/// The characters that are compared: normalised, without spaces and punctuation.
fn letters(text: &str) -> String {
    normalise(text).as_str().chars().filter(|c| c.is_alphanumeric()).collect()
}

fn sounds(letters: &str) -> Vec<Sound> {
    let sound = |c: char| {
        let initials = readings(c).filter_map(|reading| reading.chars().next());
        Sound { c, initials: initials.map(initial).fold(0, |all, bit| all | bit) }
    };
    letters.chars().map(sound).collect()
}

/// One of 64 bits for a character, the same for every 64th.
fn mark(c: char) -> u64 {
    1 << (c as u32 % 64)
}

/// The bit of a small Latin letter; 0 for anything else.
fn initial(c: char) -> u32 {
    if c.is_ascii_lowercase() { 1 << (c as u32 - 'a' as u32) } else { 0 }
}

/// Whether a Latin word or number goes on here: nothing begins in its middle.
fn inside(sounds: &[Sound], at: usize) -> bool {
    at > 0 && !is_han(sounds[at].c) && !is_han(sounds[at - 1].c)
}

/// How `typed` can be read as the beginning of a name: each character by itself, by its sound, or its first letter.
fn reach(typed: &[char], name: &[Sound]) -> Option<How> {
    let Some(first) = typed.first() else { return Some(How::Characters) };
    let (sound, rest) = name.split_first()?;
    if sound.c == *first {
        return reach(&typed[1..], rest);
    }
    if sound.initials & initial(*first) == 0 {
        return None;
    }
    let by_sound = readings(sound.c).filter_map(|reading| {
        let same = reading.chars().zip(typed).take_while(|(a, b)| a == *b).count();
        // The last syllable may not be finished.
        let whole = same == reading.len() || same == typed.len() && same > 1;
        let spelled =
            whole.then(|| reach(&typed[same..], rest)).flatten().map(|how| how.max(How::Syllables));
        let short = || (same > 0).then(|| reach(&typed[1..], rest)).flatten();
        spelled.or_else(|| short().map(|_| How::Initials))
    });
    by_sound.min()
}
