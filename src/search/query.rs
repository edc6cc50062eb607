use super::slips::{self, Correction};
use crate::{
    error::Result,
    index::{FUNCTION_WEIGHT, Index, Told, is_function, is_interrogative},
    text::{Normal, Word, bigrams, is_han, normalise},
};
use rustc_hash::FxHashSet;
use std::{collections::HashSet, ops::Range};
use tantivy::DocId;

/// Only so many characters of a question are read.
const QUESTION_LIMIT: usize = 500;

/// Only so many units of a question are looked up, the weightiest first.
pub(super) const UNIT_LIMIT: usize = 32;

/// How much a synonym counts beside the word itself, and a part of a compound beside the whole.
pub(super) const SYNONYM: f32 = 0.95;
const PART: f32 = 0.7;

/// Up to so many words about the subject are few.
const FEW: usize = 2;

/// What a field adds to finding a candidate.
const BOOSTS: [f32; 5] = [3.0, 2.5, 1.5, 1.0, 1.0];

/// Units of a question, each a bit.
pub(super) type Units = u32;

/// A question, cut and weighed.
#[derive(Debug)]
pub struct Question {
    /// As it was typed, at most 500 characters.
    pub asked: String,
    /// Whether something was cut off.
    pub cut: bool,
    normal: Normal,
    /// Words that were read as others.
    pub corrections: Vec<Correction>,
    pub units: Vec<Unit>,
    /// The words that mean something beyond themselves.
    pub(super) told: Vec<Told>,
}

/// A word of a question that stands in no longer word.
#[derive(Debug, Clone)]
pub struct Unit {
    /// Normalised.
    pub text: String,
    /// Its byte range in the normalised question.
    pub range: Range<usize>,
    /// How much it distinguishes entries: rare words much, function words little, from 0.
    pub weight: f32,
    /// Whether any entry has it, itself or by another name.
    pub known: bool,
    /// It says nothing about the subject.
    pub function: bool,
    /// Words to look up, with what each is worth from 0 to 1: itself, synonyms, parts.
    pub(super) terms: Vec<(String, f32)>,
}

impl Question {
    /// Cuts and weighs a question.
    pub(super) fn read(index: &Index, text: &str, exact: bool) -> Result<Self> {
        let asked: String = text.trim().chars().take(QUESTION_LIMIT).collect();
        let cut = text.trim().chars().count() > QUESTION_LIMIT;
        let typed = normalise(&asked);
        let (normal, corrections) =
            if exact { (typed, Vec::new()) } else { slips::mend(index, &asked, &typed) };
        let words = index.segmenter.cut(&normal);
        let mut units = Vec::new();
        for word in &words {
            if word.is_part(&words) {
                continue;
            }
            units.extend(Unit::read(index, word, &words));
        }
        let mut seen = HashSet::new();
        units.retain(|unit: &Unit| seen.insert(unit.text.clone()));
        units.sort_by(|a, b| b.weight.total_cmp(&a.weight));
        units.truncate(UNIT_LIMIT);
        units.sort_by_key(|unit| unit.range.start);
        let told = index.lexicon.told(normal.as_str());
        Ok(Self { asked, cut, normal, corrections, units, told })
    }

    /// The question as the search understands it.
    pub fn understood(&self) -> &str {
        self.normal.as_str()
    }

    /// The weight of all units together.
    pub(super) fn weight(&self) -> f32 {
        self.units.iter().map(|unit| unit.weight).sum()
    }

    /// The weight of these units together.
    pub(super) fn weight_of(&self, units: Units) -> f32 {
        let weights = self.units.iter().map(|unit| unit.weight).enumerate();
        weights.filter(|(at, _)| units & (1 << at) != 0).map(|(_, weight)| weight).sum()
    }

    /// The weight of all units that say something about the subject.
    pub fn substance(&self) -> f32 {
        self.units.iter().filter(|unit| !unit.function).map(|unit| unit.weight).sum()
    }

    /// Whether it asks for something: how long, how many, who.
    pub fn asks(&self) -> bool {
        self.units.iter().any(|unit| is_interrogative(&unit.text))
    }

    /// The words about the subject that no entry has, as they were typed.
    ///
    /// Single Chinese characters side by side are one word; alone they say too little to be named.
    pub fn unmatched(&self) -> Vec<&str> {
        let single =
            |range: &Range<usize>| self.understood()[range.clone()].chars().map(is_han).eq([true]);
        let mut words: Vec<(Range<usize>, bool)> = Vec::new();
        for Unit { range, .. } in self.units.iter().filter(|unit| !unit.known && !unit.function) {
            match words.last_mut() {
                Some((last, true)) if last.end == range.start && single(range) => {
                    last.end = range.end
                }
                _ => words.push((range.clone(), single(range))),
            }
        }
        words.retain(|(range, _)| !single(range));
        words.into_iter().map(|(range, _)| &self.asked[self.normal.origin(range)]).collect()
    }

    /// Documents that have something of the question, the most promising first.
    pub(super) fn candidates(&self, index: &Index, limit: usize) -> Result<Vec<DocId>> {
        // Function words are nearly everywhere, and find nothing that other words do not; but 备案要多久 says little else.
        let known = self.units.iter().filter(|unit| unit.known && !unit.function).count();
        let units = self.units.iter().filter(|unit| known <= FEW || !unit.function);
        let words = units.flat_map(|unit| {
            let scale = if unit.function { FUNCTION_WEIGHT } else { 1.0 };
            unit.terms.iter().flat_map(move |(term, worth)| {
                index.fields().map(move |(at, field)| (field, &**term, BOOSTS[at] * worth * scale))
            })
        });
        let mut found = index.bm25.best(words, limit)?;
        // Where words are not understood, or few, pairs of their characters may be.
        let strange = |at: usize, pair: &str| {
            let meets = |unit: &Unit| unit.range.start < at + pair.len() && at < unit.range.end;
            self.units.iter().any(|unit| !unit.known && !unit.function && meets(unit))
        };
        let pairs =
            bigrams(self.understood()).filter(|(at, pair)| known <= FEW || strange(*at, pair));
        let pairs = pairs.take(2 * UNIT_LIMIT).map(|(_, pair)| (index.fields.grams, pair, 1.0));
        found.extend(index.bm25.best(pairs, limit / 2)?);
        let mut seen = FxHashSet::default();
        found.retain(|document| seen.insert(*document));
        Ok(found)
    }
}

impl Unit {
    /// The unit for `word`, or units for its parts if the library knows those but not the whole.
    fn read(index: &Index, word: &Word, words: &[Word]) -> Vec<Self> {
        let mut terms = vec![(word.text.clone(), 1.0)];
        let others = index.lexicon.synonyms(&word.text).into_iter();
        terms.extend(others.map(|other| (other, SYNONYM)));
        let known = index.sounds.count(&word.text).documents > 0;
        let inside = |part: &&Word| {
            part.range != word.range
                && word.range.start <= part.range.start
                && part.range.end <= word.range.end
        };
        let parts: Vec<&Word> = words.iter().filter(inside).collect();
        if !known
            && covers(&parts, &word.range)
            && parts.iter().all(|part| index.sounds.count(&part.text).documents > 0)
        {
            return parts.into_iter().flat_map(|part| Self::read(index, part, &[])).collect();
        }
        let length = |word: &Word| word.text.chars().count() as f32;
        terms.extend(
            parts.iter().map(|part| (part.text.clone(), PART * length(part) / length(word))),
        );
        vec![Self {
            weight: index.weigh(&word.text),
            text: word.text.clone(),
            range: word.range.clone(),
            known,
            function: is_function(&word.text),
            terms,
        }]
    }
}

/// Whether the parts lie end to end over the whole range.
fn covers(parts: &[&Word], range: &Range<usize>) -> bool {
    let end = parts.iter().fold(range.start, |end, part| {
        if part.range.start <= end { end.max(part.range.end) } else { end }
    });
    end == range.end
}
