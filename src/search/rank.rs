use super::query::{Question, Unit};
use crate::{
    error::Result,
    index::Index,
    text::{bigrams, is_han},
};
use std::collections::HashMap;
use tantivy::{
    DocAddress, DocId, DocSet, SegmentOrdinal, TantivyDocument, TantivyError, Term,
    postings::SegmentPostings,
    schema::{Field, IndexRecordOption, Value},
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

/// The fields with words, in the order of [`PLACES`].
pub(super) fn fields(index: &Index) -> [Field; 5] {
    let fields = &index.fields;
    [fields.title, fields.ask, fields.lead, fields.body, fields.trail]
}

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
}

/// What coverage and likeness add to the score.
///
/// Coverage finds what the text says, likeness what the entry is about. Coverage has more, because imported text is
/// asked about in other words than its headings. A first guess, not tuned.
const COVERAGE_SHARE: f32 = 0.6;

/// A candidate with its score.
pub(super) struct Scored {
    pub(super) address: DocAddress,
    pub(super) score: f32,
    pub(super) coverage: f32,
    pub(super) likeness: f32,
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
    let mut scored = Vec::with_capacity(documents.len());
    for address in documents {
        let covers = covers.remove(&address).unwrap_or_default();
        let covered: f32 =
            question.units.iter().zip(&covers).map(|(unit, cover)| unit.weight * cover.value).sum();
        let coverage = if weight > 0.0 { covered / weight } else { 0.0 };
        let likeness = likeness(index, question, address)?;
        let score = COVERAGE_SHARE * coverage + (1.0 - COVERAGE_SHARE) * likeness;
        let twins = index.searcher.segment_reader(address.segment_ord).fast_fields().u64("twin")?;
        let twin = twins.first(address.doc_id).unwrap_or(0);
        scored.push(Scored { address, score, coverage, likeness, covers, twin });
    }
    scored.sort_by(|a, b| b.score.total_cmp(&a.score));
    Ok(scored)
}

/// For each document how well each unit is covered. `documents` are sorted.
fn covers(
    index: &Index,
    question: &Question,
    documents: &[DocAddress],
) -> Result<HashMap<DocAddress, Vec<Cover>>> {
    let nothing = vec![Cover { value: 0.0, place: None, by: None }; question.units.len()];
    let mut covers: HashMap<DocAddress, Vec<Cover>> =
        documents.iter().map(|address| (*address, nothing.clone())).collect();
    let mut improve =
        |address: DocAddress, unit: usize, value: f32, place: Place, by: Option<&str>| {
            let cover = &mut covers.get_mut(&address).expect("all documents are there")[unit];
            if value > cover.value {
                *cover = Cover { value, place: Some(place), by: by.map(str::to_owned) };
            }
        };
    for (at, unit) in question.units.iter().enumerate() {
        for (term, worth) in &unit.terms {
            let by = (*term != unit.text).then_some(&**term);
            for (field, place) in fields(index).into_iter().zip(PLACES) {
                for address in having(index, field, term, documents)? {
                    improve(address, at, worth * place.worth(), place, by);
                }
            }
        }
        let grams: Vec<&str> = bigrams(&unit.text).map(|(_, gram)| gram).collect();
        let mut found: HashMap<DocAddress, usize> = HashMap::new();
        for gram in &grams {
            for address in having(index, index.fields.grams, gram, documents)? {
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
            );
        }
    }
    Ok(covers)
}

/// Those of the sorted `documents` that have `word` in `field`.
fn having(
    index: &Index,
    field: Field,
    word: &str,
    documents: &[DocAddress],
) -> Result<Vec<DocAddress>> {
    let term = Term::from_field_text(field, word);
    let mut having = Vec::new();
    let mut open: Option<(SegmentOrdinal, Option<SegmentPostings>)> = None;
    for address in documents {
        if open.as_ref().is_none_or(|(segment, _)| *segment != address.segment_ord) {
            let inverted =
                index.searcher.segment_reader(address.segment_ord).inverted_index(field)?;
            let postings = inverted
                .read_postings(&term, IndexRecordOption::Basic)
                .map_err(TantivyError::from)?;
            open = Some((address.segment_ord, postings));
        }
        if let Some((_, Some(postings))) = &mut open
            && reaches(postings, address.doc_id)
        {
            having.push(*address);
        }
    }
    Ok(having)
}

/// Moves on to `doc`, and tells whether it is there. `doc` must not fall.
fn reaches(postings: &mut SegmentPostings, doc: DocId) -> bool {
    (if postings.doc() < doc { postings.seek(doc) } else { postings.doc() }) == doc
}

/// How much the question is like the title or another way to ask: the harmonic mean of how much of the question's
/// weight the name has and how much of the name the question has.
fn likeness(index: &Index, question: &Question, address: DocAddress) -> Result<f32> {
    let document: TantivyDocument = index.searcher.doc(address)?;
    let names =
        document.get_first(index.fields.names).and_then(|value| value.as_str()).unwrap_or("");
    let weight = question.weight();
    let like = names.lines().map(|name| {
        let shared = question.units.iter().filter_map(|unit| Some((unit, shares(unit, name)?)));
        let (mut recall, mut length) = (0.0, 0);
        for (unit, (worth, characters)) in shared {
            recall += unit.weight * worth;
            length += characters;
        }
        let content = name.chars().filter(|c| is_han(*c) || c.is_alphanumeric()).count().max(1);
        let (recall, precision) =
            (recall / weight.max(f32::EPSILON), (length as f32 / content as f32).min(1.0));
        2.0 * recall * precision / (recall + precision).max(f32::EPSILON)
    });
    Ok(like.fold(0.0, f32::max))
}

/// The best word of the unit that `name` has: what it is worth and its number of characters.
fn shares(unit: &Unit, name: &str) -> Option<(f32, usize)> {
    let found = unit.terms.iter().filter(|(term, _)| name.contains(&**term));
    found.map(|(term, worth)| (*worth, term.chars().count())).max_by(|a, b| a.0.total_cmp(&b.0))
}
