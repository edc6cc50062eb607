//! The words by which questions are read: what means the same, what names a value of a domain, what excludes what.

use crate::{
    content::{Domain, Terms},
    text::{is_han, normalise, prefixes},
    tree::Domains,
};
use fst::raw::Fst;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, HashSet},
    ops::Range,
};
use tantivy::directory::OwnedBytes;

/// Reads words of a library from the bytes of the file: the length of a map, the map from words to where what they mean
/// begins, and that.
pub(crate) struct Lexicon {
    words: Fst<OwnedBytes>,
    lists: OwnedBytes,
}

/// What a word says of a question.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Meaning {
    /// Where the groups begin that it belongs to.
    groups: Vec<usize>,
    /// Domains and the ids of their values that it names.
    pub(crate) values: Vec<(String, String)>,
    /// Contrasts, by number, and the sides to which it belongs.
    pub(crate) sides: Vec<(usize, usize)>,
    /// It belongs to another subject.
    pub(crate) foreign: bool,
    /// What it asks for, by number.
    pub(crate) aspects: Vec<usize>,
}

/// A word of a text that means something, with its first place.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) word: String,
    pub(crate) range: Range<usize>,
    pub(crate) meaning: Meaning,
}

impl Lexicon {
    /// The bytes for these terms, which are normalised, and the values of these domains.
    pub(super) fn write(terms: &Terms, domains: &Domains) -> Vec<u8> {
        let mut lists = Vec::new();
        let mut words: BTreeMap<&str, Meaning> = BTreeMap::new();
        for group in &terms.same {
            for word in group {
                let groups = &mut words.entry(word).or_default().groups;
                if !groups.contains(&lists.len()) {
                    groups.push(lists.len());
                }
            }
            lists.extend(postcard::to_stdvec(group).expect("words are plain data"));
        }
        let named = domains.iter().flat_map(|(domain, values)| {
            named(values, terms).into_iter().map(move |(name, id)| (name, (domain.clone(), id)))
        });
        let named: Vec<(String, (String, String))> = named.collect();
        for (name, value) in &named {
            words.entry(name).or_default().values.push(value.clone());
        }
        for (contrast, sides) in terms.contrast.iter().enumerate() {
            for (side, word) in sides
                .iter()
                .enumerate()
                .flat_map(|(at, side)| side.iter().map(move |word| (at, word)))
            {
                words.entry(word).or_default().sides.push((contrast, side));
            }
        }
        for word in &terms.foreign {
            words.entry(word).or_default().foreign = true;
        }
        for (at, aspect) in terms.aspect.iter().enumerate() {
            for word in &aspect.asked {
                words.entry(word).or_default().aspects.push(at);
            }
        }
        words.remove("");
        let words = words.into_iter().map(|(word, meaning)| {
            let start = lists.len() as u64;
            lists.extend(postcard::to_stdvec(&meaning).expect("a meaning is plain data"));
            (word, start)
        });
        let words = fst::Map::from_iter(words).expect("the words are sorted and differ");
        let words = words.into_fst().into_inner();
        [&(words.len() as u32).to_le_bytes()[..], &words, &lists].concat()
    }

    /// Nothing if these are not the bytes of a lexicon.
    pub(super) fn read(bytes: &OwnedBytes) -> Option<Self> {
        let length = u32::from_le_bytes(*bytes.first_chunk()?) as usize;
        let words = (bytes.len() >= 4 + length).then(|| bytes.slice(4..4 + length))?;
        let lists = bytes.slice(4 + length..bytes.len());
        Some(Self { words: Fst::new(words).ok()?, lists })
    }

    /// The other words that mean the same as this one; one that is in two groups comes twice.
    pub(crate) fn synonyms(&self, word: &str) -> Vec<String> {
        let Some(start) = self.words.get(word) else { return Vec::new() };
        let groups = self.list::<Meaning>(start.value() as usize).groups;
        let words = groups.into_iter().flat_map(|group| self.list::<Vec<String>>(group));
        words.filter(|other| other != word).collect()
    }

    /// The words of a normalised text that mean something, each once; a Latin one not inside another.
    pub(crate) fn told(&self, text: &str) -> Vec<Told> {
        let mut told = Vec::new();
        let mut seen = HashSet::new();
        for (start, _) in text.char_indices() {
            prefixes(&self.words, &text[start..], |word, list| {
                let range = start..start + word.len();
                if stands_alone(text, &range) && seen.insert(word) {
                    told.push(Told { word: word.to_owned(), range, meaning: self.list(list) });
                }
            });
        }
        told
    }

    fn list<'l, T: Deserialize<'l> + Default>(&'l self, start: usize) -> T {
        let list = self.lists.get(start..).and_then(|bytes| postcard::from_bytes(bytes).ok());
        list.unwrap_or_default()
    }
}

/// Whether the range of the text is Chinese, or no part of a longer Latin word.
pub(crate) fn stands_alone(text: &str, range: &Range<usize>) -> bool {
    let letter = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    text[range.clone()].chars().any(is_han)
        || !letter(text[..range.start].chars().next_back())
            && !letter(text[range.end..].chars().next())
}

/// The names of the values of a domain, normalised, and the words that mean the same, with the values.
fn named(domain: &Domain, terms: &Terms) -> Vec<(String, String)> {
    let mut named: Vec<(String, String)> = Vec::new();
    for (id, names) in domain.names() {
        for name in names {
            let name = normalise(name).as_str().to_owned();
            let same = terms.same.iter().filter(|group| group.contains(&name)).flatten();
            named.extend(same.chain([&name]).map(|name| (name.clone(), id.to_owned())));
        }
    }
    named.sort_unstable();
    named.dedup();
    named
}
