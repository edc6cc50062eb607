//! Slips in a question: other characters of the same sound, letters left out or swapped, pinyin, first letters.
//!
//! Only what the index does not know is mended, so a slip never stands above a word that was meant. Each correction
//! is shown, and the question can be asked again as it was typed.

use crate::{
    index::{Index, READINGS, Sounding, is_function, is_interrogative, readings},
    text::{Normal, Prefix, Word, commonness, is_han, normalise},
};
use std::{cell::LazyCell, collections::BTreeSet, ops::Range};

/// A word that was read as another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Correction {
    /// As it was typed.
    pub from: String,
    pub to: String,
}

/// A question with more characters of which nothing is made is no question with slips.
const UNREADABLE: usize = 32;

/// Longer words are not looked for.
const LONGEST: usize = 6;

/// The shortest word in which one character may be another, be missing or be too many: in Chinese characters and in
/// Latin letters.
const LEAST_HAN: usize = 3;
const LEAST_LATIN: usize = 5;

/// A run of pinyin has at least so many syllables; a single word of Latin letters more, since `page` is two.
const SYLLABLES: usize = 2;
const SYLLABLES_ALONE: usize = 3;

/// Longer runs of Latin letters are neither pinyin nor a word with a slip.
const RUN: usize = 64;

/// The longest pinyin syllable, in letters: `zhuang`.
const SYLLABLE: usize = 6;

/// So many ways to part a word into syllables are looked at.
const WAYS: usize = 8;

/// No word of so many syllables is longer.
const WORD_SYLLABLES: usize = 8;

/// A place in the normalised question and what it is read as.
type Mend = (Range<usize>, String);

/// The question with its slips mended, and what was done.
pub(super) fn mend(index: &Index, asked: &str, normal: &Normal) -> (Normal, Vec<Correction>) {
    let mut mends = latin(index, normal.as_str());
    mends.extend(chinese(index, normal));
    mends.sort_by_key(|(range, _)| range.start);
    let corrections = mends.iter().map(|(range, to)| Correction {
        from: asked[normal.origin(range.clone())].to_owned(),
        to: to.clone(),
    });
    let corrections = corrections.collect();
    (normal.with(&mends), corrections)
}

/// Characters of the right sound or nearly the right word, where the index knows no word: a noisy channel. A window of
/// the question is read as a word of the index if that word, times the chance of such a slip, is likelier than
/// the characters as they stand.
fn chinese(index: &Index, normal: &Normal) -> Vec<Mend> {
    let text = normal.as_str();
    let words = index.segmenter.cut(normal);
    let chars: Vec<(usize, char)> = text.char_indices().collect();
    let known = words.iter().filter(|word| is_known(index, word));
    let known: Vec<Range<usize>> = known.map(|word| word.range.clone()).collect();
    let is_covered = |at: usize| known.iter().any(|range| range.contains(&at));
    let covered: Vec<bool> = chars.iter().map(|(at, _)| is_covered(*at)).collect();
    let open = chars.iter().zip(&covered).filter(|((_, c), covered)| is_han(*c) && !**covered);
    let open = open.count();
    if open == 0 || open > UNREADABLE {
        return Vec::new();
    }
    let strange: Vec<bool> = chars.iter().map(|(_, c)| is_strange(index, *c)).collect();
    let said = |(_, c): &(usize, char)| {
        let c = *c;
        LazyCell::new(move || readings(c).collect::<BTreeSet<&str>>())
    };
    let said: Vec<_> = chars.iter().map(said).collect();
    let mut found: Vec<(f32, Mend)> = Vec::new();
    for start in 0..chars.len() {
        let longest = chars[start..].iter().take(LONGEST).take_while(|(_, c)| is_han(*c)).count();
        if covered[start..start + longest].iter().all(|covered| *covered) {
            continue;
        }
        let beginning = LazyCell::new(|| beginning(index, chars[start].1));
        let mut heard = vec![Some(index.sounds.unheard())];
        for end in start + 1..=start + longest {
            // What no word sounds like stays so, whatever is said after it.
            if heard.iter().any(Option::is_some) {
                heard = further(index, &heard, &said[end - 1]);
            }
            let (covered, strange) = (&covered[start..end], &strange[start..end]);
            if end - start < 2 || covered.iter().all(|covered| *covered) {
                continue;
            }
            let range = chars[start].0..chars.get(end).map_or(text.len(), |(at, _)| *at);
            let window = Window { text: &text[range.clone()], covered, strange };
            let as_typed = LazyCell::new(|| likely(&words, &range, text));
            window.meant(index, &heard, &beginning, &mut |word, documents, slip| {
                if is_function(word) || documents == 0 {
                    return;
                }
                let meant = (documents as f32 / index.sounds.all.most as f32).ln();
                let gain = meant + slip - *as_typed;
                // 不用 is no more likely here than anywhere.
                if gain > GAIN && meant - commonness(word) > OWN {
                    found.push((gain, (range.clone(), word.to_owned())));
                }
            });
        }
    }
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut mends: Vec<Mend> = Vec::new();
    for (_, (range, word)) in found {
        if mends.iter().all(|(other, _)| other.end <= range.start || range.end <= other.start) {
            mends.push((range, word));
        }
    }
    mends
}

/// The words of the index that begin with `c`, as characters and whole, and how many entries have each.
fn beginning(index: &Index, c: char) -> Vec<(Vec<char>, String, u64)> {
    let mut words = Vec::new();
    index.sounds.beginning(c, |rest, documents| {
        let word = format!("{c}{rest}");
        words.push((word.chars().collect(), word, documents));
    });
    words
}

/// What may have been heard when one of these readings is said after it. Where no word of the index goes on there is nothing any
/// more.
fn further<'i>(
    index: &'i Index,
    heard: &[Option<Prefix<'i>>],
    readings: &BTreeSet<&str>,
) -> Vec<Option<Prefix<'i>>> {
    let ways =
        heard.iter().flat_map(|before| readings.iter().map(move |reading| (before, reading)));
    let further = ways.map(|(before, reading)| index.sounds.heard((*before)?, reading));
    further.take(READINGS).collect()
}

/// Some characters of a question, for each of which it is told whether it was understood, and whether it is a word of no entry.
struct Window<'q> {
    text: &'q str,
    covered: &'q [bool],
    strange: &'q [bool],
}

impl Window<'_> {
    /// Whether this character and the next were not both understood.
    fn open(&self, at: usize) -> bool {
        self.covered[at..].iter().take(2).any(|covered| !covered)
    }

    /// Calls `found` with words of the index that may have been meant, how many entries have them, and the natural logarithm
    /// of the chance of such a slip. What was understood stays as it was typed. `heard` is what the window sounds like, and
    /// `beginning` are the words with its first character.
    fn meant(
        &self,
        index: &Index,
        heard: &[Option<Prefix<'_>>],
        beginning: &[(Vec<char>, String, u64)],
        found: &mut dyn FnMut(&str, u64, f32),
    ) {
        let typed: Vec<char> = self.text.chars().collect();
        let slip = |c: char, slip: f32| {
            slip + if is_function(c.encode_utf8(&mut [0; 4])) { MEANT_SO } else { 0.0 }
        };
        for sound in heard.iter().flatten() {
            index.sounds.saying(*sound, |word, documents| {
                let changed = || {
                    word.chars().zip(&typed).zip(self.covered).filter(|((c, typed), _)| c != *typed)
                };
                let same_length = word.chars().count() == typed.len();
                if same_length
                    && changed().next().is_some()
                    && changed().all(|(_, covered)| !covered)
                {
                    found(
                        word,
                        documents,
                        changed().map(|((_, typed), _)| slip(*typed, SOUNDS_ALIKE)).sum(),
                    );
                }
            });
        }
        if typed.len() < LEAST_HAN {
            return;
        }
        for (other, word, documents) in beginning {
            if other.len().abs_diff(typed.len()) > 1 {
                continue;
            }
            let at = typed.iter().zip(other).take_while(|(a, b)| a == b).count();
            let tails = |typed_from: usize, other_from: usize| {
                typed.get(typed_from..).is_some_and(|tail| Some(tail) == other.get(other_from..))
            };
            let wrong = at < typed.len() && self.strange[at] && !self.covered[at];
            if tails(at + 1, at + 1) && wrong {
                found(word, *documents, slip(typed[at], LOOKS_ALIKE));
            } else if tails(at, at + 1)
                || tails(at + 1, at) && typed.get(at) == typed.get(at - 1)
                || self.open(at)
                    && tails(at + 2, at + 2)
                    && typed[at..at + 2].iter().rev().eq(&other[at..at + 2])
            {
                found(word, *documents, LEFT_OUT);
            }
        }
        // Words whose second character stands before the first.
        if self.open(0) {
            let swapped: String = [typed[1], typed[0]].iter().chain(&typed[2..]).collect();
            found(&swapped, index.sounds.documents(&swapped).unwrap_or(0), LEFT_OUT);
        }
    }
}

/// The natural logarithm of the chance that somebody types another character of the same sound, another one, or leaves
/// one out, swaps two or types one twice.
const SOUNDS_ALIKE: f32 = -4.0;
const LOOKS_ALIKE: f32 = -8.0;
const LEFT_OUT: f32 = -7.0;

/// What is added if the character is a common word by itself.
const MEANT_SO: f32 = -3.0;

/// By how much the word must be likelier, and how much likelier in this library than anywhere, as natural logarithms.
const GAIN: f32 = 2.5;
const OWN: f32 = 1.5;

/// How likely these characters are as they stand: the words that begin in the range, one after the other.
fn likely(words: &[Word], range: &Range<usize>, text: &str) -> f32 {
    let mut at = range.start;
    let mut sum = 0.0;
    while at < range.end {
        let inside =
            words.iter().filter(|word| word.range.start == at && word.range.end <= range.end);
        let longest = inside.map(|word| word.range.end).max();
        let end =
            longest.unwrap_or_else(|| at + text[at..].chars().next().map_or(1, char::len_utf8));
        sum += commonness(&text[at..end]);
        at = end;
    }
    sum
}

/// Whether no entry has the character as a word by itself.
fn is_strange(index: &Index, c: char) -> bool {
    let word = c.to_string();
    !is_function(&word) && index.sounds.count(&word).documents == 0
}

/// Whether it is a word of two and more characters that the index knows, or that is common.
fn is_known(index: &Index, word: &Word) -> bool {
    word.text.chars().count() > 1
        && (is_function(&word.text) || index.sounds.documents(&word.text).is_some())
}

/// The word that most entries have; of equals the first.
fn most(found: impl Iterator<Item = Sounding>) -> Option<String> {
    let best = found.reduce(|best, next| if next.documents > best.documents { next } else { best });
    best.map(|best| best.word)
}

/// Pinyin, slips and first letters among Latin words.
fn latin(index: &Index, text: &str) -> Vec<Mend> {
    let runs = runs(text);
    let unknown = |range: &Range<usize>| {
        let word = &text[range.clone()];
        !is_function(word) && index.sounds.documents(word).is_none_or(|documents| documents == 0)
    };
    // Known words in front (ipv6zhuanhuan) are not part of the pinyin.
    let pieces: Vec<Range<usize>> = runs.iter().map(|run| rest(index, text, run.clone())).collect();
    let read: Vec<Option<Vec<&str>>> =
        pieces.iter().map(|range| syllables(index, &text[range.clone()])).collect();
    // `can` and `you` may be either.
    let clear = |at: &usize| unknown(&pieces[*at]);
    let letters = |at: usize| pieces[at].len();
    let latin = |at: &usize| read[*at].is_none() && letters(*at) >= LEAST_LATIN - 1;
    let all: usize = (0..pieces.len()).filter(|at| clear(at) || latin(at)).map(letters).sum();
    let pinyin: usize =
        (0..pieces.len()).filter(clear).filter(|at| read[*at].is_some()).map(letters).sum();
    let count: usize = read.iter().flatten().map(Vec::len).sum();
    let is_pinyin = pinyin > 0
        && pinyin * 5 >= all * 4
        && (count >= SYLLABLES && pieces.len() > 1 || count >= SYLLABLES_ALONE);
    let mut mends = Vec::new();
    let mut at = 0;
    while at < pieces.len() {
        let run = (at..pieces.len())
            .take_while(|next| is_pinyin && read[*next].is_some())
            .take_while(|next| *next == at || apart(text, &pieces[next - 1], &pieces[*next]))
            .count();
        if run > 0 {
            let parts = at..at + run;
            let syllables: Vec<&str> =
                parts.clone().flat_map(|at| read[at].clone().unwrap_or_default()).collect();
            let range = pieces[parts.start].start..pieces[parts.end - 1].end;
            mends.push((range, normalise(&spoken(index, &syllables).1).as_str().to_owned()));
            at += run;
            continue;
        }
        let range = runs[at].clone();
        if unknown(&range)
            && let Some(word) = latin_word(index, &text[range.clone()])
        {
            mends.push((range, word));
        }
        at += 1;
    }
    mends
}

/// Runs of Latin letters and digits that have a letter.
fn runs(text: &str) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for (at, c) in text.char_indices().filter(|(_, c)| c.is_ascii_alphanumeric() || *c == '\'') {
        match runs.last_mut() {
            Some(last) if last.end == at => last.end = at + c.len_utf8(),
            _ => runs.push(at..at + c.len_utf8()),
        }
    }
    runs.retain(|run| text[run.clone()].contains(|c: char| c.is_ascii_alphabetic()));
    runs
}

/// Whether only white space lies between two runs.
fn apart(text: &str, before: &Range<usize>, after: &Range<usize>) -> bool {
    text[before.end..after.start].trim().is_empty()
}

/// The run without a known word with digits at its beginning: `zhuanhuan` of `ipv6zhuanhuan`.
fn rest(index: &Index, text: &str, run: Range<usize>) -> Range<usize> {
    let word = &text[run.clone()];
    let digits = word.rfind(|c: char| c.is_ascii_digit()).map_or(0, |at| at + 1);
    if digits > 0 && digits < word.len() && index.sounds.documents(&word[..digits]).is_some() {
        run.start + digits..run.end
    } else {
        run
    }
}

/// The syllables of a word in pinyin: of the ways with the fewest the likeliest. Nothing if it is none, or a Latin word
/// of the index.
fn syllables<'t>(index: &Index, word: &'t str) -> Option<Vec<&'t str>> {
    if word.len() > RUN {
        return None;
    }
    let mut ways: Vec<Vec<Vec<&str>>> = vec![Vec::new(); word.len() + 1];
    ways[0].push(Vec::new());
    for start in 0..word.len() {
        if word.as_bytes()[start] == b'\'' {
            ways[start + 1] = ways[start].clone();
        }
        for end in start + 1..=word.len().min(start + SYLLABLE) {
            let syllable = word.get(start..end)?;
            if index.sounds.is_syllable(syllable) {
                let longer: Vec<Vec<&str>> =
                    ways[start].iter().map(|way| [&way[..], &[syllable]].concat()).collect();
                ways[end].extend(longer);
                ways[end].sort_by_key(Vec::len);
                ways[end].truncate(WAYS);
            }
        }
    }
    let ways = ways.pop()?;
    let fewest = ways.iter().map(Vec::len).min().filter(|fewest| *fewest > 0)?;
    let ways =
        ways.into_iter().filter(|way| way.len() == fewest).map(|way| (spoken(index, &way), way));
    let ((score, _), way) =
        ways.reduce(|best, next| if next.0.0 > best.0.0 { next } else { best })?;
    let is_latin = index.sounds.documents(word).is_some_and(|documents| documents > 0);
    // Somebody may have written pinyin into the library.
    (!is_latin || way.len() == 1 || score > (way.len() * way.len()) as f32).then_some(way)
}

/// A function word counts as if so many entries had it, a single character as if no more had it.
const COMMON: u64 = 20;

/// The words that syllables most likely stand for: long ones and ones that many entries have.
fn spoken(index: &Index, syllables: &[&str]) -> (f32, String) {
    let mut best: Vec<(f32, String)> = vec![(0.0, String::new())];
    for end in 1..=syllables.len() {
        // A syllable without a word stays as it is.
        let last = &best[end - 1];
        let mut here = (last.0 - 2.0, format!("{} {} ", last.1, syllables[end - 1]));
        for start in end.saturating_sub(WORD_SYLLABLES)..end {
            let Some((word, documents)) = said(index, &syllables[start..end]) else { continue };
            let length = (end - start) as f32;
            let known = documents.max(if is_function(&word) { COMMON } else { 2 });
            // Many single characters are everywhere, and none of them is likelier than a word.
            let known = if length > 1.0 { known } else { known.min(COMMON) };
            let score = best[start].0 + length * length + 0.5 * (known as f32 + 1.0).ln();
            if score > here.0 {
                here = (score, format!("{}{word}", best[start].1));
            }
        }
        best.push(here);
    }
    best.pop().unwrap_or_default()
}

/// The word that syllables most likely are, if they are one, and how many entries have it.
fn said(index: &Index, syllables: &[&str]) -> Option<(String, u64)> {
    let mut best: Option<(String, u64)> = None;
    let syllables: String = syllables.iter().flat_map(|syllable| ["'", syllable]).collect();
    index.sounds.sounding(&syllables, |word, documents| {
        // Who asks means 哪个, whatever the entries say more often.
        let rank = |word: &str, documents: u64| (is_interrogative(word), documents);
        if best.as_ref().is_none_or(|(other, most)| rank(word, documents) > rank(other, *most)) {
            best = Some((word.to_owned(), documents));
        }
    });
    best
}

/// What an unknown Latin word may stand for: the first letters of one word only, or a word with one letter wrong.
fn latin_word(index: &Index, word: &str) -> Option<String> {
    let mut abbreviated = index.sounds.abbreviated(word).into_iter();
    if let (Some(only), None) = (abbreviated.next(), abbreviated.next()) {
        return Some(only);
    }
    let is_word = |found: &Sounding| {
        found.documents > 0 && found.word.chars().all(|c| c.is_ascii_alphabetic())
    };
    (LEAST_LATIN..=RUN)
        .contains(&word.len())
        .then(|| most(index.sounds.close(word).into_iter().filter(is_word)))
        .flatten()
}
