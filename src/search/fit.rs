//! Whether an entry is about what the question is about: its scope, the sides that exclude each other, and words of
//! other subjects.

use super::query::Question;
use crate::{
    content::Entry,
    index::{Index, Plain, Told, stands_alone},
    text::normalise,
};
use std::collections::BTreeMap;

/// What is left of the score of an entry about one product whose product the question does not name: an answer
/// about the wrong product is worse than none.
const UNNAMED: f32 = 0.9;

/// What is left of the score of an entry that says nothing of whether it holds for the product, province or kind of filing
/// that the question names: one that holds for it goes before.
const GENERAL: f32 = 0.95;

/// What is left of the score of an entry whose title is about the other side: 个人 where the question says 公司.
const OTHER_SIDE: f32 = 0.75;

/// What is left of the score of an entry without a word of the question that belongs to other subjects, or that does not
/// tell what is asked for.
const FOREIGN: f32 = 0.5;

/// What a question names: values of domains, sides of contrasts, words of other subjects.
pub(super) struct Named<'q> {
    /// By domain, those that are named.
    values: BTreeMap<&'q str, Vec<&'q str>>,
    /// By contrast the only side that is named.
    sides: BTreeMap<usize, usize>,
    foreign: Vec<&'q str>,
    /// What is asked for, by number.
    aspects: Vec<usize>,
}

impl<'q> Named<'q> {
    pub(super) fn read(question: &'q Question) -> Self {
        let mut values: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (domain, id) in question.told.iter().flat_map(|told| &told.meaning.values) {
            values.entry(domain).or_default().push(id);
        }
        let foreign = question.told.iter().filter(|told| told.meaning.foreign);
        let aspects = question.told.iter().flat_map(|told| &told.meaning.aspects);
        let mut aspects: Vec<usize> = aspects.copied().collect();
        aspects.sort_unstable();
        aspects.dedup();
        Self {
            values,
            sides: sides(&question.told),
            foreign: foreign.map(|told| &*told.word).collect(),
            aspects,
        }
    }

    /// Whether the entry holds for all products, or the question names one.
    pub(super) fn names_product(&self, entry: &Entry) -> bool {
        !entry.scope.contains_key("product") || self.values.contains_key("product")
    }

    /// What is left of the score of an entry, from 0 to 1; nothing if its scope excludes what the question names.
    pub(super) fn factor(&self, index: &Index, entry: &Entry, plain: &Plain) -> Option<f32> {
        let mut factor = if self.names_product(entry) { 1.0 } else { UNNAMED };
        let general = |domain: &&&str| {
            index.overview.scoped.contains(**domain) && !entry.scope.contains_key(**domain)
        };
        factor *= GENERAL.powi(self.values.keys().filter(general).count() as i32);
        for (domain, held) in &entry.scope {
            let Some(named) = self.values.get(&**domain) else { continue };
            let holds = |id: &str| held.iter().any(|held| held == id);
            let part_of = |id: &str| {
                let part = index.forest.domains.get(domain)?.part.get(id)?;
                Some(holds(&part.of))
            };
            if !named.iter().any(|id| holds(id) || part_of(id).unwrap_or(false)) {
                return None;
            }
        }
        if !self.sides.is_empty() {
            let titled = sides(&index.lexicon.told(plain.title()));
            let other = |(contrast, named): &(&usize, &usize)| {
                titled.get(contrast).is_some_and(|other| other != *named)
            };
            factor *= OTHER_SIDE.powi(self.sides.iter().filter(other).count() as i32);
        }
        let strange = |word: &&&str| {
            let names = || entry.names().any(|name| normalise(name).as_str().contains(**word));
            !plain.lines().any(|line| line.contains(**word)) && !names()
        };
        let tells =
            |word: &String| has(plain.title(), word) || plain.lines().any(|line| has(line, word));
        let untold = |aspect: &&usize| !index.overview.told[**aspect].iter().any(tells);
        let missing = self.foreign.iter().filter(strange).count()
            + self.aspects.iter().filter(untold).count();
        factor *= FOREIGN.powi(missing as i32);
        Some(factor)
    }
}

/// For each contrast the only side of which there is a word; nothing if it is none or several.
fn sides(told: &[Told]) -> BTreeMap<usize, usize> {
    let mut sides: BTreeMap<usize, Option<usize>> = BTreeMap::new();
    for (contrast, side) in told.iter().flat_map(|told| &told.meaning.sides) {
        let known = sides.entry(*contrast).or_insert(Some(*side));
        *known = known.filter(|known| known == side);
    }
    sides.into_iter().filter_map(|(contrast, side)| Some((contrast, side?))).collect()
}

/// Whether the text has the word; a Latin one not inside another.
fn has(text: &str, word: &str) -> bool {
    let mut places = text.match_indices(word).map(|(at, _)| at..at + word.len());
    places.any(|place| stands_alone(text, &place))
}
