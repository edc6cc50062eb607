use super::{
    WEIGHTS,
    query::{Question, SYNONYM},
};
use crate::{
    error::Result,
    index::{Index, Name, Token, hash},
    text::bigrams,
};
use std::{collections::HashMap, ops::Range};
use tantivy::{
    DocAddress, DocId, DocSet, SegmentOrdinal, TantivyError, Term,
    postings::{Postings, SegmentPostings},
    schema::{Field, IndexRecordOption},
};

/// Where in an entry a word stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Title,
    /// Another way to ask, or a message.
    Ask,
    /// The first paragraph.
    Lead,
    Body,
    /// Topic, file or headings above.
    Trail,
    /// Only pairs of its characters are there.
    Grams,
}

impl Place {
    /// What it is worth to stand here, from 0 to 1.
    fn worth(self) -> f32 {
        match self {
            Self::Title | Self::Ask => 1.0,
            Self::Lead => 0.9,
            Self::Body => 0.8,
            Self::Trail => 0.7,
            Self::Grams => 0.5,
        }
    }

    /// Its name for readers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Title => "标题",
            Self::Ask => "问法",
            Self::Lead => "第一段",
            Self::Body => "正文",
            Self::Trail => "上级标题",
            Self::Grams => "相邻两字",
        }
    }
}

/// The places of the fields with words, in their order.
const PLACES: [Place; 5] = [Place::Title, Place::Ask, Place::Lead, Place::Body, Place::Trail];

/// How well a unit of the question is covered by an entry.
#[derive(Debug, Clone)]
pub struct Cover {
    /// From 0, not at all, to 1.
    pub value: f32,
    /// Where the best match stands.
    pub place: Option<Place>,
    /// The word that matched, if it is not the unit itself.
    pub by: Option<String>,
    /// How often the unit stands there, under whatever name.
    pub times: f32,
}

impl Cover {
    /// Nothing of the unit is there.
    pub(super) const NONE: Self = Self { value: 0.0, place: None, by: None, times: 0.0 };
}

/// What an entry is about stands in so large a share of its names, or as often elsewhere.
const TYPICAL: f32 = 0.25;

/// So many of an entry's names, those most like the question, are taken together.
const NAMES: usize = 6;

/// A candidate with what speaks for it.
pub(super) struct Scored {
    pub(super) address: DocAddress,
    pub(super) coverage: f32,
    pub(super) nearest: f32,
    pub(super) likeness: f32,
    pub(super) typical: f32,
    pub(super) covers: Vec<Cover>,
    pub(super) twin: u64,
}

/// Scores the candidates, best first. Equal ones keep the order of the index.
pub(super) fn rank(
    index: &Index,
    question: &Question,
    candidates: &[DocAddress],
) -> Result<Vec<Scored>> {
    let mut documents: Vec<DocAddress> = candidates.to_vec();
    documents.sort();
    let mut covers = covers(index, question, &documents)?;
    let weight = question.weight();
    let asked = Asked::new(index, question, &[])?;
    let enough = (TYPICAL * index.overview.names_each).max(1.0);
    let mut scored = Vec::with_capacity(documents.len());
    for address in documents {
        let covers = covers.remove(&address).unwrap_or_default();
        let share = |value: &dyn Fn(&Cover) -> f32| {
            let units = question.units.iter().zip(&covers);
            let sum: f32 = units.map(|(unit, cover)| unit.weight * value(cover)).sum();
            if weight > 0.0 { sum / weight } else { 0.0 }
        };
        let coverage = share(&|cover| cover.value);
        let typical = share(&|cover| ((1.0 + cover.times).ln() / (1.0 + enough).ln()).min(1.0));
        let likes: Vec<Like> = index.names(address).map(|name| asked.like(name)).collect();
        let nearest = likes.iter().map(|like| like.pairs).fold(0.0, f32::max);
        let mut both: Vec<f32> = likes.iter().map(Like::mean).collect();
        both.sort_by(|a, b| b.total_cmp(a));
        both.truncate(NAMES);
        let likeness = both.iter().sum::<f32>() / both.len().max(1) as f32;
        let twins = index.searcher.segment_reader(address.segment_ord).fast_fields().u64("twin")?;
        let twin = twins.first(address.doc_id).unwrap_or(0);
        scored.push(Scored { address, coverage, nearest, likeness, typical, covers, twin });
    }
    scored.sort_by(|a, b| b.first().total_cmp(&a.first()));
    Ok(scored)
}

/// For each document how well each unit is covered. `documents` are sorted.
fn covers(
    index: &Index,
    question: &Question,
    documents: &[DocAddress],
) -> Result<HashMap<DocAddress, Vec<Cover>>> {
    let nothing = vec![Cover::NONE; question.units.len()];
    let mut covers: HashMap<DocAddress, Vec<Cover>> =
        documents.iter().map(|address| (*address, nothing.clone())).collect();
    let mut improve = |address: DocAddress,
                       unit: usize,
                       value: f32,
                       place: Place,
                       by: Option<&str>,
                       times: f32| {
        let cover = &mut covers.get_mut(&address).expect("all documents are there")[unit];
        cover.times += times;
        if value > cover.value {
            (cover.value, cover.place, cover.by) = (value, Some(place), by.map(str::to_owned));
        }
    };
    for (at, unit) in question.units.iter().enumerate() {
        for (term, worth) in &unit.terms {
            let by = (*term != unit.text).then_some(&**term);
            for (field, place) in index.fields.words().into_iter().zip(PLACES) {
                for (address, times) in having(index, field, term, documents)? {
                    // A part of a word says little of the whole, however often it comes.
                    let times = if *worth >= SYNONYM { times as f32 } else { 0.0 };
                    improve(address, at, worth * place.worth(), place, by, times);
                }
            }
        }
        let grams: Vec<&str> = bigrams(&unit.text).map(|(_, gram)| gram).collect();
        let mut found: HashMap<DocAddress, usize> = HashMap::new();
        for gram in &grams {
            for (address, _) in having(index, index.fields.grams, gram, documents)? {
                *found.entry(address).or_default() += 1;
            }
        }
        for (address, count) in found {
            improve(
                address,
                at,
                Place::Grams.worth() * count as f32 / grams.len() as f32,
                Place::Grams,
                None,
                0.0,
            );
        }
    }
    Ok(covers)
}

/// Those of the sorted `documents` that have `word` in `field`, and how often.
fn having(
    index: &Index,
    field: Field,
    word: &str,
    documents: &[DocAddress],
) -> Result<Vec<(DocAddress, u32)>> {
    let term = Term::from_field_text(field, word);
    let mut having = Vec::new();
    let mut open: Option<(SegmentOrdinal, Option<SegmentPostings>)> = None;
    for address in documents {
        if open.as_ref().is_none_or(|(segment, _)| *segment != address.segment_ord) {
            let inverted =
                index.searcher.segment_reader(address.segment_ord).inverted_index(field)?;
            let postings = inverted
                .read_postings(&term, IndexRecordOption::WithFreqs)
                .map_err(TantivyError::from)?;
            open = Some((address.segment_ord, postings));
        }
        if let Some((_, Some(postings))) = &mut open
            && reaches(postings, address.doc_id)
        {
            having.push((*address, postings.term_freq()));
        }
    }
    Ok(having)
}

/// Moves on to `doc`, and tells whether it is there. `doc` must not fall.
fn reaches(postings: &mut SegmentPostings, doc: DocId) -> bool {
    (if postings.doc() < doc { postings.seek(doc) } else { postings.doc() }) == doc
}

/// So many values of the last bits of a hash are told apart at first sight.
const SEEN: usize = 1 << 12;

/// A question as it is compared with names: which units a word matches, and what it is worth.
pub(super) struct Asked {
    /// Whether a hash with these last bits is among words or pairs; most are not, and need no further look.
    seen: Vec<bool>,
    words: HashMap<u32, Vec<(usize, f32)>>,
    units: Vec<f32>,
    pairs: HashMap<u32, f32>,
    all_pairs: f32,
}

/// How much a question is like a name, from 0 to 1 each: by words and by pairs of characters.
///
/// The harmonic mean of how much of the question's weight the name has and how much of the name's the question has.
pub(super) struct Like {
    words: f32,
    pairs: f32,
}

impl Like {
    pub(super) fn mean(&self) -> f32 {
        (self.words + self.pairs) / 2.0
    }
}

impl Scored {
    /// What is known of a candidate before its text is read.
    fn first(&self) -> f32 {
        WEIGHTS[0] * self.coverage
            + WEIGHTS[1] * self.nearest
            + WEIGHTS[2] * self.likeness
            + WEIGHTS[4] * self.typical
    }
}

impl Asked {
    /// The question but for what stands at `without`.
    pub(super) fn new(
        index: &Index,
        question: &Question,
        without: &[Range<usize>],
    ) -> Result<Self> {
        let left_out = |range: &Range<usize>| {
            without.iter().any(|other| range.start < other.end && other.start < range.end)
        };
        let mut words: HashMap<u32, Vec<(usize, f32)>> = HashMap::new();
        let units = || question.units.iter().filter(|unit| !left_out(&unit.range));
        for (at, unit) in units().enumerate() {
            for (term, worth) in &unit.terms {
                words.entry(hash(term)).or_default().push((at, *worth));
            }
        }
        let mut pairs = HashMap::new();
        for (at, pair) in bigrams(question.understood()) {
            if left_out(&(at..at + pair.len())) {
                continue;
            }
            pairs.insert(hash(pair), index.weigher().weigh_pair(pair)?);
        }
        let units = units().map(|unit| unit.weight).collect();
        let mut seen = vec![false; SEEN];
        for hash in words.keys().chain(pairs.keys()) {
            seen[*hash as usize % SEEN] = true;
        }
        Ok(Self { seen, words, units, all_pairs: pairs.values().sum(), pairs })
    }

    pub(super) fn like(&self, name: Name<'_>) -> Like {
        let may = |token: &Token| self.seen[token.hash as usize % SEEN];
        let mut best = vec![0.0_f32; self.units.len()];
        let (mut shared, mut all) = (0.0, 0.0);
        for token in name.words() {
            all += token.weight;
            if !may(&token) {
                continue;
            }
            let mut most = 0.0_f32;
            for (unit, worth) in self.words.get(&token.hash).into_iter().flatten() {
                best[*unit] = best[*unit].max(*worth);
                most = most.max(*worth);
            }
            shared += most * token.weight;
        }
        let covered: f32 = best.iter().zip(&self.units).map(|(best, weight)| best * weight).sum();
        let asked: f32 = self.units.iter().sum();
        let (mut pairs, mut all_pairs) = (0.0, 0.0);
        for token in name.pairs() {
            all_pairs += token.weight;
            let shared = may(&token) && self.pairs.contains_key(&token.hash);
            pairs += if shared { token.weight } else { 0.0 };
        }
        let mean = |shared: f32, of: f32, with: f32, all: f32| {
            let (recall, precision) = (shared / of.max(f32::EPSILON), with / all.max(f32::EPSILON));
            2.0 * recall * precision / (recall + precision).max(f32::EPSILON)
        };
        Like {
            words: mean(covered, asked, shared, all),
            pairs: mean(pairs, self.all_pairs, pairs, all_pairs),
        }
    }
}
