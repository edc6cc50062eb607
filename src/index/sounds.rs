//! What the words of an index sound like, for questions with slips in them.
//!
//! One map from keys to how many entries have the word. Five kinds of keys, told apart by their first byte:
//! `~bei'an␀备案` by sound, `=bafwh␀备案服务号` by first letters, `*备案` the words themselves, `.bei` syllables; and
//! `+备案` how often the word, or another for it, stands in how many entries.

use fst::{Automaton, IntoStreamer, Map, Streamer, automaton::Levenshtein};
use pinyin::{ToPinyin, ToPinyinMulti};
use std::collections::{BTreeMap, BTreeSet};
use tantivy::directory::OwnedBytes;

/// Words with more ways to read them are known by the first so many.
const READINGS: usize = 8;

/// Longer words are not looked for by sound.
const LENGTH: usize = 8;

/// The shortest word that is known by its first letters, in characters.
const INITIALS: usize = 3;

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
        let mut keys: BTreeMap<String, u64> = BTreeMap::new();
        for code in '\u{4E00}'..='\u{9FA5}' {
            for reading in readings(code) {
                keys.insert(format!(".{reading}"), 0);
            }
        }
        let mut total = 0;
        let mut all = Count::default();
        for (word, count) in counts {
            keys.insert(format!("+{word}"), count.packed());
            all.documents = all.documents.saturating_add(count.documents);
            all.occurrences = all.occurrences.saturating_add(count.occurrences);
        }
        keys.insert("+".to_owned(), all.packed());
        for (word, documents) in words {
            total += documents;
            let mut add = |key: String| {
                let count = keys.entry(key).or_default();
                *count = (*count).max(documents);
            };
            add(format!("*{word}"));
            let length = word.chars().count();
            if length > LENGTH {
                continue;
            }
            // Rare readings of single characters are not what is meant: 给 is not read jǐ by itself.
            let mut chars = word.chars();
            let sounds = match (chars.next(), chars.next()) {
                (Some(only), None) => {
                    only.to_pinyin().map(|reading| vec![reading.plain()]).into_iter().collect()
                }
                _ => sounds(word),
            };
            for sound in sounds {
                add(format!("~{}\0{word}", sound.join("'")));
                if length >= INITIALS {
                    let initials: String =
                        sound.iter().filter_map(|syllable| syllable.chars().next()).collect();
                    add(format!("={initials}\0{word}"));
                }
            }
        }
        keys.insert(TOTAL.to_owned(), total);
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

    /// In how many entries the word stands, if it is one.
    pub(crate) fn documents(&self, word: &str) -> Option<u64> {
        self.map.get(format!("*{word}"))
    }

    /// How often the word, or another for it, stands in how many entries; of no word, the sums over all.
    pub(crate) fn count(&self, word: &str) -> Count {
        let both = self.map.get(format!("+{word}")).unwrap_or(0);
        Count { documents: (both >> 32) as u32, occurrences: both as u32 }
    }

    pub(crate) fn is_syllable(&self, letters: &str) -> bool {
        self.map.contains_key(format!(".{letters}"))
    }

    /// The words that sound so, syllables parted by `'`.
    pub(crate) fn sounding(&self, sound: &str) -> Vec<Sounding> {
        self.below(&format!("~{sound}\0"))
    }

    /// The words with these first letters.
    pub(crate) fn abbreviated(&self, initials: &str) -> Vec<Sounding> {
        self.below(&format!("={initials}\0"))
    }

    /// The words that begin with this character.
    pub(crate) fn beginning(&self, c: char) -> Vec<Sounding> {
        self.found(fst::automaton::Str::new(&format!("*{c}")).starts_with(), "*")
    }

    /// The words with one letter more, less or other. For Latin letters: `fst`'s automaton misses Chinese characters
    /// that share their first byte.
    pub(crate) fn close(&self, word: &str) -> Vec<Sounding> {
        let Ok(automaton) = Levenshtein::new(&format!("*{word}"), 1) else { return Vec::new() };
        self.found(automaton, "*")
    }

    fn below(&self, prefix: &str) -> Vec<Sounding> {
        self.found(fst::automaton::Str::new(prefix).starts_with(), prefix)
    }

    /// The words of the keys that the automaton takes, without what stands before them.
    fn found(&self, automaton: impl Automaton, prefix: &str) -> Vec<Sounding> {
        let mut found = Vec::new();
        let mut stream = self.map.search(automaton).into_stream();
        while let Some((key, documents)) = stream.next() {
            if let Some(word) =
                std::str::from_utf8(key).ok().and_then(|key| key.strip_prefix(prefix))
            {
                found.push(Sounding { word: word.to_owned(), documents });
            }
        }
        found
    }
}

/// The ways to read a character, without tones; one may come more than once.
pub(crate) fn readings(c: char) -> impl Iterator<Item = &'static str> {
    let many = c.to_pinyin_multi().into_iter().flatten().map(|reading| reading.plain());
    many.chain(c.to_pinyin().map(|reading| reading.plain()))
}

/// The ways to read a word, the syllables of each; none if a character has no sound.
pub(crate) fn sounds(word: &str) -> Vec<Vec<&'static str>> {
    let mut sounds: Vec<Vec<&'static str>> = vec![Vec::new()];
    for c in word.chars() {
        let readings: BTreeSet<&str> = readings(c).collect();
        sounds = sounds
            .iter()
            .flat_map(|before| {
                readings.iter().map(move |reading| [&before[..], &[*reading]].concat())
            })
            .take(READINGS)
            .collect();
    }
    sounds.retain(|sound| !sound.is_empty());
    sounds
}
