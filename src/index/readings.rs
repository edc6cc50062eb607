//! How words are read. `build.rs` uses this file too, for the common words of Chinese.

use pinyin::{ToPinyin, ToPinyinMulti};
use std::collections::BTreeSet;

/// Words with more ways to read them are known by the first so many.
pub(crate) const READINGS: usize = 8;

/// Longer words are not looked for by sound.
const LENGTH: usize = 8;

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

/// Under which keys of a map of sounds a word stands: itself and its sounds.
pub(crate) fn keys(word: &str) -> Vec<String> {
    let mut keys = vec![format!("*{word}")];
    if word.chars().count() > LENGTH {
        return keys;
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
        let syllables = sound.iter().flat_map(|syllable| ["'", syllable]);
        keys.push(format!("{}\0{word}", syllables.collect::<String>()));
    }
    keys
}
