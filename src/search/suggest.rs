//! Completions of what somebody has begun to type: titles, other ways to ask, terms; in characters, pinyin, first
//! letters, or a mixture.

use crate::{
    error::Result,
    index::{Index, readings},
    text::{is_han, normalise},
};
use std::{
    collections::{HashMap, HashSet},
    hash::{DefaultHasher, Hash, Hasher},
};

/// Of what has been typed only so many characters are read.
const PREFIX_LIMIT: usize = 40;

/// No entry has many more names than so many.
const NAMES: usize = 60;

/// What somebody may be about to ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion<'a> {
    pub text: &'a str,
    pub kind: Kind,
    /// The entry it is a name of; nothing for a term.
    pub id: Option<&'a str>,
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
/// found by any of its characters. Texts and characters of all names stand one behind the other, since a text for each name
/// would take three times the room.
#[derive(Debug, Default)]
pub struct Suggester {
    names: Vec<Named>,
    /// The texts of all names.
    texts: String,
    /// The characters of all names: each its place in `known`.
    sounds: Vec<u16>,
    known: Vec<Sound>,
    /// The ids of the entries.
    ids: Vec<Box<str>>,
}

#[derive(Debug)]
struct Named {
    /// Where its text and its characters end; they begin where those of the name before end.
    text: u32,
    sounds: u32,
    kind: Kind,
    /// The place of its entry in `ids`; nothing for a term.
    entry: Option<u32>,
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

/// Gathers names, each once.
#[derive(Default)]
struct Gathering {
    all: Suggester,
    /// The checksums of those that are there.
    seen: HashSet<u64>,
    /// The places of characters in [`Suggester::known`].
    places: HashMap<char, usize>,
}

impl Gathering {
    fn add(&mut self, text: &str, kind: Kind, entry: Option<u32>) {
        let letters = letters(text);
        let mut hasher = DefaultHasher::new();
        letters.hash(&mut hasher);
        if !self.seen.insert(hasher.finish()) {
            return;
        }
        let Suggester { names, texts, sounds, known, .. } = &mut self.all;
        for c in letters.chars() {
            let new = known.len();
            let place = *self.places.entry(c).or_insert(new);
            if place == new {
                known.push(Sound::of(c));
            }
            // What has more different characters than that is no language.
            sounds.extend(u16::try_from(place));
        }
        texts.push_str(text);
        let marks = letters.chars().fold(0, |all, c| all | mark(c));
        let (text, sounds) = (texts.len() as u32, sounds.len() as u32);
        names.push(Named { text, sounds, kind, entry, marks });
    }
}

impl Suggester {
    /// Reads the names of all entries, and the terms that an entry has.
    pub fn new(index: &Index) -> Result<Self> {
        let mut gathering = Gathering::default();
        for entry in index.entries() {
            let entry = entry?;
            let place = gathering.all.ids.len() as u32;
            for (at, name) in entry.names().enumerate() {
                let kind = if at == 0 { Kind::Title } else { Kind::Ask };
                gathering.add(name, kind, Some(place));
            }
            gathering.all.ids.push(entry.id.into());
        }
        let terms = &index.overview.terms;
        let labels = index.forest.domains.values().flat_map(|domain| domain.value.values());
        let labels = labels.filter_map(|names| names.first());
        for term in labels.chain(&terms.word) {
            let known = index.sounds.documents(normalise(term).as_str()).unwrap_or(0) > 0;
            if known && term.chars().count() > 1 {
                gathering.add(term, Kind::Term, None);
            }
        }
        let mut all = gathering.all;
        all.names.shrink_to_fit();
        all.texts.shrink_to_fit();
        all.sounds.shrink_to_fit();
        Ok(all)
    }

    /// The characters of each name, in order.
    fn each(&self) -> impl Iterator<Item = (&Named, &[u16])> {
        let begins = [0].into_iter().chain(self.names.iter().map(|named| named.sounds));
        let named = self.names.iter().zip(begins);
        named.map(|(named, begin)| (named, &self.sounds[begin as usize..named.sounds as usize]))
    }

    fn suggestion(&self, at: usize) -> Suggestion<'_> {
        let Named { text, kind, entry, .. } = self.names[at];
        let begin = at.checked_sub(1).map_or(0, |before| self.names[before].text);
        Suggestion {
            text: &self.texts[begin as usize..text as usize],
            kind,
            id: entry.map(|entry| &*self.ids[entry as usize]),
        }
    }

    /// At most `limit` completions of `typed`, the best first; of each entry one. None for an empty prefix.
    ///
    /// First come those with the very characters, then those that sound so, then those with these first letters;
    /// among them those that begin so; then titles, terms and other ways to ask; then short ones.
    pub fn complete(&self, typed: &str, limit: usize) -> Vec<Suggestion<'_>> {
        let typed: String = typed.chars().take(PREFIX_LIMIT).collect();
        let typed: Vec<char> = letters(&typed).chars().collect();
        let Some(first) = typed.first() else { return Vec::new() };
        let bit = initial(*first);
        let needed = typed.iter().filter(|c| is_han(**c)).fold(0, |all, c| all | mark(*c));
        let mut found = Vec::new();
        // For each character, whether it can be the first that was typed.
        let begins = |sound: &Sound| sound.c == *first || sound.initials & bit != 0;
        let begins: Vec<bool> = self.known.iter().map(begins).collect();
        let mut name: Vec<Sound> = Vec::new();
        for (order, (named, sounds)) in self.each().enumerate() {
            if named.marks & needed != needed {
                continue;
            }
            // One letter is somewhere in almost every name, so it has to be the first.
            let last = if bit != 0 && typed.len() == 1 { 1 } else { sounds.len() };
            let mut starts = (0..last.min(sounds.len()))
                .filter(|at| begins[usize::from(sounds[*at])])
                .peekable();
            if starts.peek().is_none() {
                continue;
            }
            name.clear();
            name.extend(sounds.iter().map(|place| self.known[usize::from(*place)]));
            let starts = starts.filter(|at| !inside(&name, *at));
            let best = starts.filter_map(|at| Some((reach(&typed, &name[at..])?, at > 0))).min();
            if let Some((how, later)) = best {
                found.push((how, later, named.kind, sounds.len(), order));
            }
        }
        // Every entry has some names, and of each only the best is shown.
        if found.len() > limit * NAMES {
            found.select_nth_unstable(limit * NAMES);
            found.truncate(limit * NAMES);
        }
        found.sort_unstable();
        let mut seen = HashSet::new();
        let best = found.into_iter().map(|(.., order)| self.suggestion(order));
        best.filter(|suggestion| suggestion.id.is_none_or(|id| seen.insert(id)))
            .take(limit)
            .collect()
    }
}

/// The characters that are compared: normalised, without spaces and punctuation.
fn letters(text: &str) -> String {
    normalise(text).as_str().chars().filter(|c| c.is_alphanumeric()).collect()
}

impl Sound {
    fn of(c: char) -> Self {
        let initials = readings(c).filter_map(|reading| reading.chars().next());
        Self { c, initials: initials.map(initial).fold(0, |all, bit| all | bit) }
    }
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
