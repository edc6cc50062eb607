//! What the words of an index sound like, for questions with slips in them.
//!
//! One map from keys to how many entries have the word. Four kinds of keys, told apart by their first byte:
//! `'bei'an␀备案` by sound, `=bafwh␀备案服务号` by first letters, `*备案` the words themselves; and `+备案` how often the word,
//! or another for it, stands in how many entries. A second map of the first three kinds, and of syllables (`.bei`), has the
//! common words of Chinese, whatever the library is about; it is compiled in.

use super::readings;
use crate::text::Prefix;
use fst::{Map, raw::Node};
use std::{collections::BTreeSet, sync::LazyLock};
use tantivy::directory::OwnedBytes;

/// The common words of Chinese.
static COMMON: LazyLock<Map<&[u8]>> = LazyLock::new(|| {
    Map::new(include_bytes!(concat!(env!("OUT_DIR"), "/common.fst")).as_slice())
        .expect("build.rs wrote it")
});

#[derive(Debug)]
pub(crate) struct Sounds {
    map: Map<OwnedBytes>,
    /// The sum over all words of the entries that have them.
    pub(crate) total: u64,
}

/// Under which the total stands.
const TOTAL: &str = "#";

/// In how many entries a word or another for it stands, and how often in all.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Count {
    pub(crate) documents: u32,
    pub(crate) occurrences: u32,
}

impl Count {
    fn packed(self) -> u64 {
        u64::from(self.documents) << 32 | u64::from(self.occurrences)
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
    /// Writes down the sounds of `words`, each with the number of entries that have it, and the counts of words.
    pub(crate) fn write<'w>(
        words: impl IntoIterator<Item = (&'w str, u64)>,
        counts: impl IntoIterator<Item = (&'w str, Count)>,
    ) -> Self {
        let mut keys: Vec<(String, u64)> = Vec::new();
        let mut total = 0;
        let mut all = Count::default();
        for (word, count) in counts {
            keys.push((format!("+{word}"), count.packed()));
            all.documents = all.documents.saturating_add(count.documents);
            all.occurrences = all.occurrences.saturating_add(count.occurrences);
        }
        keys.push(("+".to_owned(), all.packed()));
        for (word, documents) in words {
            total += documents;
            for key in readings::keys(word) {
                keys.push((key, documents));
            }
        }
        keys.push((TOTAL.to_owned(), total));
        keys.sort_unstable();
        // Two readings of a word may have the same first letters.
        keys.dedup();
        let map = Map::from_iter(keys).expect("the keys are sorted and differ");
        let bytes = OwnedBytes::new(map.into_fst().into_inner());
        Self { map: Map::new(bytes).expect("it has just been made"), total }
    }

    pub(crate) fn read(bytes: OwnedBytes) -> Option<Self> {
        let map = Map::new(bytes).ok()?;
        let total = map.get(TOTAL)?;
        Some(Self { map, total })
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.map.as_fst().as_bytes()
    }

    /// In how many entries the word stands, if it is one of the index or a common one.
    pub(crate) fn documents(&self, word: &str) -> Option<u64> {
        let key = format!("*{word}");
        self.map.get(&key).or_else(|| COMMON.get(key))
    }

    /// How often the word, or another for it, stands in how many entries; of no word, the sums over all.
    pub(crate) fn count(&self, word: &str) -> Count {
        let both = self.map.get(format!("+{word}")).unwrap_or(0);
        Count { documents: (both >> 32) as u32, occurrences: both as u32 }
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
    pub(crate) fn saying<'s>(&'s self, heard: Prefix<'s>, found: impl FnMut(&str, u64)) {
        let map = self.map.as_fst();
        if let Some(all) = heard.and(map, b"\0") {
            all.each(map, found);
        }
    }

    /// Calls `found` with the words of the index and then the common ones that sound so, each syllable behind a `'`; one
    /// may come twice.
    pub(crate) fn sounding(&self, syllables: &str, found: impl FnMut(&str, u64)) {
        self.in_both(&format!("{syllables}\0"), found);
    }

    /// The words with these first letters.
    pub(crate) fn abbreviated(&self, initials: &str) -> BTreeSet<String> {
        let mut words = BTreeSet::new();
        self.in_both(&format!("={initials}\0"), |word, _| {
            words.insert(word.to_owned());
        });
        words
    }

    /// Calls `found` with the words with this key, of the index and then the common ones.
    fn in_both(&self, key: &str, mut found: impl FnMut(&str, u64)) {
        each(&self.map, key, &mut found);
        each(&COMMON, key, &mut found);
    }

    /// Calls `found` with what follows this character in the words of the index, and how many entries have them.
    pub(crate) fn beginning(&self, c: char, found: impl FnMut(&str, u64)) {
        each(&self.map, &format!("*{c}"), found);
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
            let documents = self.map.get(format!("*{word}"))?;
            Some(Sounding { word, documents })
        });
        known.collect()
    }
}

/// Calls `found` with what follows `start` in the keys that begin with it, and their values.
fn each<D: AsRef<[u8]>>(map: &Map<D>, start: &str, found: impl FnMut(&str, u64)) {
    let map = map.as_fst();
    if let Some(all) = Prefix::empty(map).and(map, start.as_bytes()) {
        all.each(map, found);
    }
}
