//! What the words of an index sound like, for questions with slips in them.
//!
//! One map from keys to how often the word stands where. Two kinds of keys, told apart by their first byte: `'bei'an␀备案` by
//! sound, `*备案` the words themselves. Most words share their counts with others, so what the map tells is a place in a table of
//! all counts. A second map of the same keys, and of syllables (`.bei`), has the common words of Chinese, whatever the library
//! is about; it is compiled in.
//!
//! One flat file: the sums over all words in four bytes each, the columns of the table, the map.

use super::{numbers::Numbers, readings};
use crate::text::Prefix;
use fst::{
    Map,
    raw::{Fst, Node},
};
use rustc_hash::FxHashMap;
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};
use tantivy::directory::OwnedBytes;

/// The common words of Chinese.
static COMMON: LazyLock<Map<&[u8]>> = LazyLock::new(|| {
    Map::new(include_bytes!(concat!(env!("OUT_DIR"), "/common.fst")).as_slice())
        .expect("build.rs wrote it")
});

#[derive(Debug)]
pub(crate) struct Sounds {
    map: Map<OwnedBytes>,
    /// The columns of the table, in the order of [`Count::all`].
    columns: [Numbers; 3],
    /// The sums over all words.
    pub(crate) all: Count,
}

/// The shortest word that is known by its first letters, in characters.
const INITIALS: usize = 3;

/// Where a word stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Count {
    /// In how many entries: in the field that has most.
    pub(crate) most: u32,
    /// In how many entries it or another for it stands, and how often in all.
    pub(crate) documents: u32,
    pub(crate) occurrences: u32,
}

impl Count {
    /// Both together; what is too large stays at the largest number.
    pub(super) fn and(self, other: Self) -> Self {
        let Self { most, documents, occurrences } = other;
        Self {
            most: self.most.saturating_add(most),
            documents: self.documents.saturating_add(documents),
            occurrences: self.occurrences.saturating_add(occurrences),
        }
    }

    fn all(self) -> [u32; 3] {
        let Self { most, documents, occurrences } = self;
        [most, documents, occurrences]
    }

    fn of([most, documents, occurrences]: [u32; 3]) -> Self {
        Self { most, documents, occurrences }
    }
}

/// A word of the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sounding {
    pub(crate) word: String,
    /// How many entries have it.
    pub(crate) documents: u64,
}

impl Sounds {
    /// The bytes of the file for these words; `all` has the sums over them.
    pub(super) fn write(words: &BTreeMap<&str, Count>, all: Count) -> Vec<u8> {
        let mut having: FxHashMap<Count, u32> = FxHashMap::default();
        for count in words.values() {
            *having.entry(*count).or_default() += 1;
        }
        let mut counts: Vec<Count> = having.keys().copied().collect();
        // What most words have gets the shortest numbers.
        counts.sort_unstable_by_key(|count| (Reverse(having[count]), *count));
        let places: FxHashMap<Count, u64> = counts.iter().copied().zip(0..).collect();
        let keys = words.iter().flat_map(|(word, count)| {
            readings::keys(word).into_iter().map(|key| (key, places[count]))
        });
        let mut keys: Vec<(String, u64)> = keys.collect();
        keys.sort_unstable();
        let mut bytes: Vec<u8> = all.all().into_iter().flat_map(u32::to_le_bytes).collect();
        for column in 0..all.all().len() {
            let column: Vec<u32> = counts.iter().map(|count| count.all()[column]).collect();
            Numbers::write(&column, &mut bytes);
        }
        bytes.extend(
            Map::from_iter(keys).expect("the keys are sorted and differ").as_fst().as_bytes(),
        );
        bytes
    }

    /// Nothing if the bytes are of no such file.
    pub(super) fn read(mut bytes: OwnedBytes) -> Option<Self> {
        let mut sum = || {
            let sum = bytes.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))?;
            bytes = bytes.slice(4..bytes.len());
            Some(sum)
        };
        let all = Count::of([sum()?, sum()?, sum()?]);
        let mut column = || Numbers::take(&mut bytes);
        let columns = [column()?, column()?, column()?];
        Some(Self { map: Map::new(bytes).ok()?, columns, all })
    }

    fn at(&self, place: u64) -> Count {
        Count::of(self.columns.each_ref().map(|column| column.get(place as usize).unwrap_or(0)))
    }

    /// The first of [`Count`] alone.
    fn most(&self, place: u64) -> u64 {
        self.columns[0].get(place as usize).unwrap_or(0).into()
    }

    /// In how many entries the word stands, if it is one of the index or a common one.
    pub(crate) fn documents(&self, word: &str) -> Option<u64> {
        let key = format!("*{word}");
        let known = self.map.get(&key).map(|place| self.most(place));
        known.or_else(|| COMMON.get(key))
    }

    /// Where the word stands.
    pub(crate) fn count(&self, word: &str) -> Count {
        self.map.get(format!("*{word}")).map_or(Count::default(), |place| self.at(place))
    }

    pub(crate) fn is_syllable(&self, letters: &str) -> bool {
        COMMON.contains_key(format!(".{letters}"))
    }

    /// What keys of the index begin with before anything is heard.
    pub(crate) fn unheard(&self) -> Prefix<'_> {
        Prefix::empty(self.map.as_fst())
    }

    /// What has been heard, and a further syllable; nothing if no word of the index begins so.
    pub(crate) fn heard<'s>(&'s self, before: Prefix<'s>, syllable: &str) -> Option<Prefix<'s>> {
        let map = self.map.as_fst();
        before.and(map, b"'")?.and(map, syllable.as_bytes())
    }

    /// Calls `found` with the words of the index that sound as what was heard, and how many entries have them.
    pub(crate) fn saying<'s>(&'s self, heard: Prefix<'s>, mut found: impl FnMut(&str, u64)) {
        let map = self.map.as_fst();
        if let Some(all) = heard.and(map, b"\0") {
            all.each(map, |word, place| found(word, self.most(place)));
        }
    }

    /// Calls `found` with the words of the index and then the common ones that sound so, each syllable behind a `'`; one
    /// may come twice.
    pub(crate) fn sounding(&self, syllables: &str, mut found: impl FnMut(&str, u64)) {
        let key = format!("{syllables}\0");
        each(&self.map, &key, |word, place| found(word, self.most(place)));
        each(&COMMON, &key, found);
    }

    /// The words whose syllables begin with these letters, at least three.
    pub(crate) fn abbreviated(&self, initials: &str) -> BTreeSet<String> {
        let mut words = BTreeSet::new();
        if initials.len() >= INITIALS {
            abbreviated(self.map.as_fst(), initials, &mut words);
            abbreviated(COMMON.as_fst(), initials, &mut words);
        }
        words
    }

    /// Calls `found` with what follows this character in the words of the index, and how many entries have them.
    pub(crate) fn beginning(&self, c: char, mut found: impl FnMut(&str, u64)) {
        each(&self.map, &format!("*{c}"), |word, place| found(word, self.most(place)));
    }

    /// The words of the index with one Latin letter more, less or other than `word`, which is ASCII.
    pub(crate) fn close(&self, word: &str) -> Vec<Sounding> {
        let fst = self.map.as_fst();
        let step = |node: Node<'_>, byte| Some(node.transition_addr(node.find_input(byte)?));
        let mut words = BTreeSet::new();
        let mut reached = step(fst.root(), b'*');
        for at in 0..=word.len() {
            let Some(node) = reached.map(|address| fst.node(address)) else { break };
            let (head, tail) = word.split_at(at);
            let shorter = tail.get(1..);
            words.extend(shorter.map(|tail| format!("{head}{tail}")));
            let next = node.transitions().map(|next| next.inp);
            for letter in next.filter(u8::is_ascii_alphabetic).map(char::from) {
                words.insert(format!("{head}{letter}{tail}"));
                words.extend(shorter.map(|tail| format!("{head}{letter}{tail}")));
            }
            reached = tail.bytes().next().and_then(|byte| step(node, byte));
        }
        let known = words.into_iter().filter(|other| other != word).filter_map(|word| {
            let place = self.map.get(format!("*{word}"))?;
            Some(Sounding { word, documents: self.most(place) })
        });
        known.collect()
    }
}

/// Adds the words of a map whose syllables begin with these letters.
fn abbreviated<D: AsRef<[u8]>>(map: &Fst<D>, initials: &str, words: &mut BTreeSet<String>) {
    let mut before = vec![Prefix::empty(map)];
    for initial in initials.bytes() {
        let begun = before.into_iter().filter_map(|before| before.and(map, &[b'\'', initial]));
        let mut inside: Vec<Prefix<'_>> = begun.collect();
        before = Vec::new();
        while let Some(syllable) = inside.pop() {
            before.push(syllable);
            let longer = syllable.onward(map).filter(|(byte, _)| !b"'\0".contains(byte));
            inside.extend(longer.map(|(_, longer)| longer));
        }
    }
    for said in before.into_iter().filter_map(|said| said.and(map, b"\0")) {
        said.each(map, |word, _| {
            words.insert(word.to_owned());
        });
    }
}

/// Calls `found` with what follows `start` in the keys that begin with it, and their values.
fn each<D: AsRef<[u8]>>(map: &Map<D>, start: &str, found: impl FnMut(&str, u64)) {
    let map = map.as_fst();
    if let Some(all) = Prefix::empty(map).and(map, start.as_bytes()) {
        all.each(map, found);
    }
}
