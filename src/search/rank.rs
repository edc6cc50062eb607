use super::{
    Grounds,
    query::{Question, SYNONYM, Unit},
};
use crate::{
    error::Result,
    index::{Index, Kind, List, Names},
    text::bigrams,
};
use indexmap::IndexMap;
use std::ops::Range;
use tantivy::DocId;

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

/// A name that is the question is at least so like it, from 0 to 1: by pairs of characters, or by words where it has no pairs.
const NEAR: f32 = 0.9;

/// A candidate with what speaks for it.
pub(super) struct Scored {
    pub(super) document: DocId,
    /// Of the block, which only the text tells, the most that it can be.
    pub(super) grounds: Grounds,
    /// Whether a name is so near that it may be the question itself.
    pub(super) near: bool,
    /// Its row in [`Ranked::covers`].
    row: usize,
}

/// The candidates, and how well each covers the question.
pub(super) struct Ranked {
    /// Best first. Equal ones keep the order of the index.
    pub(super) scored: Vec<Scored>,
    /// A row of units for each candidate.
    covers: Vec<Found>,
}

/// Scores the candidates.
pub(super) fn rank(index: &Index, question: &Question, candidates: &[DocId]) -> Result<Ranked> {
    let mut documents: Vec<DocId> = candidates.to_vec();
    documents.sort_unstable();
    let covers = covers(index, question, &documents)?;
    let weight = question.weight().max(f32::EPSILON);
    let mut asked = Asked::new(index, question, &[])?;
    let enough = (1.0 + (TYPICAL * index.overview.names_each).max(1.0)).ln();
    let mut scored = Vec::with_capacity(documents.len());
    let width = question.units.len();
    let mut likes: Vec<f32> = Vec::new();
    // Where such a unit stands, all its pairs do.
    let paired: Vec<bool> = question.units.iter().map(is_paired).collect();
    for (row, document) in documents.into_iter().enumerate() {
        let (mut coverage, mut typical, mut block) = (0.0, 0.0, 0.0);
        for ((unit, cover), paired) in
            question.units.iter().zip(&covers[row * width..]).zip(&paired)
        {
            if !paired
                || cover.place.is_some_and(|place| place != Place::Grams)
                || cover.value >= Place::Grams.worth()
            {
                block += unit.weight;
            }
            coverage += unit.weight * cover.value;
            if cover.times > 0.0 {
                typical += unit.weight * ((1.0 + cover.times).ln() / enough).min(1.0);
            }
        }
        let (mut nearest, mut by_words) = (0.0_f32, 0.0_f32);
        likes.clear();
        for like in asked.likes(document as usize) {
            nearest = nearest.max(like.pairs);
            by_words = by_words.max(like.words);
            likes.push(like.mean());
        }
        if likes.len() > NAMES {
            likes.select_nth_unstable_by(NAMES, |a, b| b.total_cmp(a));
            likes.truncate(NAMES);
        }
        let likeness = likes.iter().sum::<f32>() / likes.len().max(1) as f32;
        let [coverage, block, typical] = [coverage, block, typical].map(|sum| sum / weight);
        let near = NEAR < if asked.all_pairs > 0.0 { nearest } else { by_words };
        let grounds = Grounds { coverage, nearest, likeness, block, typical };
        scored.push(Scored { document, grounds, near, row });
    }
    scored.sort_by(|a, b| b.first().total_cmp(&a.first()));
    Ok(Ranked { scored, covers })
}

/// Whether the unit has no other name, and pairs of Chinese characters.
fn is_paired(unit: &Unit) -> bool {
    let names = unit.terms.iter().filter(|(_, worth)| *worth >= SYNONYM).count();
    names == 1 && bigrams(&unit.text).next().is_some()
}

impl Ranked {
    /// For each unit of the question how well it is covered by the candidate, and where.
    pub(super) fn covers(&self, question: &Question, scored: &Scored) -> Vec<Cover> {
        let units = &question.units;
        let found = units.iter().zip(&self.covers[scored.row * units.len()..]);
        let cover = |(unit, found): (&Unit, &Found)| Cover {
            value: found.value,
            place: found.place,
            by: found.term.map(|term| unit.terms[term].0.clone()).filter(|by| *by != unit.text),
            times: found.times,
        };
        found.map(cover).collect()
    }
}

/// How well a unit is covered by a candidate; `term` is its name that matched.
#[derive(Clone, Default)]
struct Found {
    value: f32,
    times: f32,
    place: Option<Place>,
    term: Option<usize>,
}

impl Found {
    fn improve(&mut self, value: f32, place: Place, term: Option<usize>) {
        if value > self.value {
            (self.value, self.place, self.term) = (value, Some(place), term);
        }
    }
}

/// For each document a row that tells how well each unit is covered. `documents` rise.
fn covers(index: &Index, question: &Question, documents: &[DocId]) -> Result<Vec<Found>> {
    let width = question.units.len();
    let mut covers = vec![Found::default(); width * documents.len()];
    // For each document of the index its row and one, or nothing. To look there is faster than to seek each candidate; of those
    // there are some hundred.
    let mut rows = vec![0_u16; index.searcher.num_docs() as usize];
    for (row, document) in (1..).zip(documents) {
        rows[*document as usize] = row;
    }
    let each = |field, word: &str, found: &mut dyn FnMut(usize, u32)| {
        index.bm25.near(field, word, documents, |document, times| {
            if let Some(row) = rows[document as usize].checked_sub(1) {
                found(row.into(), times);
            }
        })
    };
    for (at, unit) in question.units.iter().enumerate() {
        for (which, (term, worth)) in unit.terms.iter().enumerate() {
            for (field, place) in index.fields().map(|(at, field)| (field, PLACES[at])) {
                each(field, term, &mut |row, times| {
                    let found = &mut covers[row * width + at];
                    // A part of a word says little of the whole, however often it comes.
                    found.times += if *worth >= SYNONYM { times as f32 } else { 0.0 };
                    found.improve(worth * place.worth(), place, Some(which));
                })?;
            }
        }
        let grams: Vec<&str> = bigrams(&unit.text).map(|(_, gram)| gram).collect();
        let mut shared = vec![0; documents.len()];
        for gram in &grams {
            each(index.fields.grams, gram, &mut |row, _| shared[row] += 1)?;
        }
        for (row, count) in shared.into_iter().enumerate().filter(|(_, count)| *count > 0) {
            let value = Place::Grams.worth() * count as f32 / grams.len() as f32;
            covers[row * width + at].improve(value, Place::Grams, None);
        }
    }
    Ok(covers)
}

/// A question as it is compared with names, document by document.
pub(super) struct Asked<'i> {
    names: &'i Names,
    words: Vec<Word<'i>>,
    /// How much each unit weighs.
    units: Vec<f32>,
    /// The names with each pair, and how much it weighs.
    pairs: Vec<(List<'i>, f32)>,
    all_pairs: f32,
    /// For each name of the document what it shares of words and of pairs.
    shared: Vec<(f32, f32)>,
    /// For each name how well each unit is matched.
    best: Vec<f32>,
}

/// A word that matches units of the question.
struct Word<'i> {
    /// The names that have it as a word, and inside one.
    whole: List<'i>,
    part: List<'i>,
    /// How much it distinguishes entries, times the most that it is worth for a unit.
    weight: f32,
    /// The units that it matches, and what it is worth for each.
    units: Vec<(usize, f32)>,
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
        Grounds { block: 0.0, ..self.grounds }.score()
    }
}

impl<'i> Asked<'i> {
    /// The question but for what stands at `without`.
    pub(super) fn new(
        index: &'i Index,
        question: &Question,
        without: &[Range<usize>],
    ) -> Result<Self> {
        let left_out = |range: &Range<usize>| {
            without.iter().any(|other| range.start < other.end && other.start < range.end)
        };
        let units = || question.units.iter().filter(|unit| !left_out(&unit.range));
        let mut words: IndexMap<&str, Vec<(usize, f32)>> = IndexMap::new();
        for (at, unit) in units().enumerate() {
            for (term, worth) in &unit.terms {
                words.entry(term).or_default().push((at, *worth));
            }
        }
        let with = |kind, text: &str| index.names.with(kind, text);
        let words = words.into_iter().map(|(word, units)| Word {
            whole: with(Kind::Word, word),
            part: with(Kind::Part, word),
            weight: units.iter().map(|(_, worth)| *worth).fold(0.0, f32::max) * index.weigh(word),
            units,
        });
        let mut pairs: IndexMap<&str, f32> = IndexMap::new();
        for (at, pair) in bigrams(question.understood()) {
            if !left_out(&(at..at + pair.len())) && !pairs.contains_key(pair) {
                pairs.insert(pair, index.weigh_pair(pair)?);
            }
        }
        Ok(Self {
            names: &index.names,
            words: words.collect(),
            units: units().map(|unit| unit.weight).collect(),
            all_pairs: pairs.values().sum(),
            pairs: pairs.iter().map(|(pair, weight)| (with(Kind::Pair, pair), *weight)).collect(),
            shared: Vec::new(),
            best: Vec::new(),
        })
    }

    /// How much it is like each name of a document. Each time it has to be a later document: the lists of names are read once.
    pub(super) fn likes(&mut self, document: usize) -> impl Iterator<Item = Like> {
        let names = self.names.of(document);
        let units = self.units.len();
        let Self { shared, best, .. } = self;
        shared.clear();
        shared.resize(names.len(), (0.0, 0.0));
        best.clear();
        best.resize(names.len() * units, 0.0);
        let mut matched = |name: usize, of: &[(usize, f32)]| {
            for (unit, worth) in of {
                let best = &mut best[name * units + unit];
                *best = best.max(*worth);
            }
        };
        let start = names.start;
        let place = move |name: u32| (name - start) as usize;
        for Word { whole, part, weight, units } in &mut self.words {
            while let Some(name) = whole.next(&names).map(place) {
                matched(name, units);
                shared[name].0 += *weight;
            }
            while let Some(name) = part.next(&names).map(place) {
                matched(name, units);
            }
        }
        for (list, weight) in &mut self.pairs {
            while let Some(name) = list.next(&names).map(place) {
                shared[name].1 += *weight;
            }
        }
        let this = &*self;
        let asked: f32 = this.units.iter().sum();
        names.zip(&this.shared).map(move |(name, (words, pairs))| {
            let (all_words, all_pairs) = this.names.weights(name);
            let best = this.best[place(name) * units..].iter().zip(&this.units);
            let covered = || best.map(|(best, weight)| best * weight).sum();
            Like {
                words: mean(*words, all_words, covered, asked),
                pairs: mean(*pairs, all_pairs, || *pairs, this.all_pairs),
            }
        })
    }
}

/// The harmonic mean of the share of a name that the question has, and of the share of the question that the name has.
fn mean(of_name: f32, name: f32, of_question: impl FnOnce() -> f32, question: f32) -> f32 {
    if of_name == 0.0 {
        return 0.0;
    }
    let recall = of_question() / question.max(f32::EPSILON);
    let precision = of_name / name.max(f32::EPSILON);
    2.0 * recall * precision / (recall + precision).max(f32::EPSILON)
}
