//! Whether an entry is about what the question is about: its scope, the sides that exclude each other, and words of
//! other subjects.

use super::{plain::Plain, query::Question};
use crate::{
    content::{Aspect, Entry},
    index::Index,
    text::{is_han, normalise},
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
pub(super) struct Named<'i> {
    /// By domain, those that are named.
    values: BTreeMap<String, Vec<String>>,
    /// For each contrast the only side that is named.
    sides: Vec<Option<usize>>,
    foreign: Vec<&'i String>,
    /// What is asked for.
    aspects: Vec<&'i Aspect>,
}

impl<'i> Named<'i> {
    pub(super) fn read(index: &'i Index, question: &Question) -> Self {
        let text = question.understood();
        let overview = &index.overview;
        let values = overview.names.iter().map(|(domain, names)| {
            let named = names.iter().filter(|(name, _)| has(text, name)).map(|(_, id)| id.clone());
            (domain.clone(), named.collect())
        });
        let sides = overview.terms.contrast.iter().map(|sides| side(sides, text));
        let foreign = overview.terms.foreign.iter().filter(|word| has(text, word));
        Self {
            values: values.collect(),
            sides: sides.collect(),
            foreign: foreign.collect(),
            aspects: overview
                .terms
                .aspect
                .iter()
                .filter(|aspect| aspect.asked.iter().any(|word| has(text, word)))
                .collect(),
        }
    }

    /// Whether the entry holds for all products, or the question names one.
    pub(super) fn names_product(&self, entry: &Entry) -> bool {
        !entry.scope.contains_key("product")
            || self.values.get("product").is_none_or(|named| !named.is_empty())
    }

    /// What is left of the score of an entry, from 0 to 1; nothing if its scope excludes what the question names.
    pub(super) fn factor(&self, index: &Index, entry: &Entry, plain: &Plain) -> Option<f32> {
        let mut factor = if self.names_product(entry) { 1.0 } else { UNNAMED };
        let general = |(domain, named): &(&String, &Vec<String>)| {
            !named.is_empty()
                && index.overview.scoped.contains(*domain)
                && !entry.scope.contains_key(*domain)
        };
        factor *= GENERAL.powi(self.values.iter().filter(general).count() as i32);
        for (domain, held) in &entry.scope {
            let named = self.values.get(domain).map_or(&[][..], |named| &**named);
            let part_of = |id: &String| {
                let part = index.overview.domains.get(domain)?.part.get(id)?;
                Some(held.contains(&part.of))
            };
            if !named.is_empty()
                && !named.iter().any(|id| held.contains(id) || part_of(id).unwrap_or(false))
            {
                return None;
            }
        }
        for (sides, named) in index.overview.terms.contrast.iter().zip(&self.sides) {
            let other = side(sides, plain.title());
            if let (Some(named), Some(other)) = (named, other)
                && *named != other
            {
                factor *= OTHER_SIDE;
            }
        }
        let strange = |word: &&&String| {
            let names = || entry.names().any(|name| normalise(name).as_str().contains(&****word));
            !plain.lines().any(|line| line.contains(&****word)) && !names()
        };
        let tells =
            |word: &String| has(plain.title(), word) || plain.lines().any(|line| has(line, word));
        let untold = |aspect: &&&Aspect| !aspect.told.iter().any(tells);
        let missing = self.foreign.iter().filter(strange).count()
            + self.aspects.iter().filter(untold).count();
        factor *= FOREIGN.powi(missing as i32);
        Some(factor)
    }
}

/// The only side of which the text has a word; nothing if it is none or several.
fn side(sides: &[Vec<String>], text: &str) -> Option<usize> {
    let mut named =
        sides.iter().enumerate().filter(|(_, words)| words.iter().any(|word| has(text, word)));
    match (named.next(), named.next()) {
        (Some((only, _)), None) => Some(only),
        _ => None,
    }
}

/// Whether the text has the word; a Latin one not inside another.
fn has(text: &str, word: &str) -> bool {
    find(text, word).is_some()
}

/// Where the text has the word first; a Latin one not inside another.
pub(super) fn find(text: &str, word: &str) -> Option<usize> {
    if word.chars().any(is_han) {
        return text.find(word);
    }
    let letter = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    let alone = |at: &usize| {
        !letter(text[..*at].chars().next_back()) && !letter(text[at + word.len()..].chars().next())
    };
    text.match_indices(word).map(|(at, _)| at).find(alone)
}
