//! From a reader's question to ranked hits.
//!
//! [`search`] is the way in. A question passes through three steps:
//!
//! 1. `query` cuts the question into units, weighs them and builds the index query;
//! 2. `rank` says for each candidate which units it covers and where, and makes one score of it;
//! 3. `passage` picks the blocks worth showing.
//!
//! A *hit* is an entry that may hold the answer. Whether it is good enough to show is decided in
//! [`mod@crate::answer`], not here.
//!
//! This room reads the index and writes nothing.

mod cell;
mod finders;
mod fit;
mod passage;
mod query;
mod rank;
mod slips;
mod suggest;

pub use passage::{Passage, Snippet, best, snippet};
pub use query::{Question, Unit};
pub use rank::{Cover, Place};
pub use slips::Correction;
pub use suggest::{Kind, Suggester, Suggestion};

use crate::{
    content::{Entry, FACT},
    error::Result,
    index::{Index, Plain},
    text::normalise,
};
use finders::{Finders, Stands};
use jiff::civil::Date;

/// How many candidates are fetched from the index before they are scored.
const CANDIDATES: usize = 200;

/// So many hits are judged by their text at least: of 100 questions, with 99 the best hit is among the first 10.
const DEPTH: usize = 20;

/// What a question found.
#[derive(Debug)]
pub struct Found {
    pub question: Question,
    /// Best first.
    pub hits: Vec<Hit>,
}

/// An entry that may hold the answer.
#[derive(Debug)]
pub struct Hit {
    pub entry: Entry,
    /// From 0 to 1: what speaks for it, weighed; 1 if it was asked for by name.
    pub score: f32,
    pub grounds: Grounds,
    /// What is left of the score for scope, contrasts and other subjects, from 0 to 1.
    pub factor: f32,
    /// Whether the question is the title, another way to ask or a message, but for punctuation.
    pub asked: bool,
    /// Whether the entry holds for all products, or for one that the question names.
    pub named: bool,
    /// For each unit of the question how well it is covered, and where.
    pub covers: Vec<Cover>,
    /// Ids of entries with the same title and text.
    pub also_at: Vec<String>,
    plain: Plain,
    stands: Stands,
}

impl Hit {
    /// Whether it is a cell of a table of facts.
    pub fn is_cell(&self) -> bool {
        self.entry.id.starts_with(FACT)
    }
}

/// What speaks for a hit, each from 0 to 1.
#[derive(Debug, Clone, Copy, Default)]
pub struct Grounds {
    /// The share of the question's weight that the entry covers anywhere, by place.
    pub coverage: f32,
    /// How much the question is like the nearest title or other way to ask, by pairs of characters.
    pub nearest: f32,
    /// How much it is like the nearest ones on average, by words and pairs.
    pub likeness: f32,
    /// The largest share that a single block has together with the title.
    pub block: f32,
    /// The share of the question's weight that the entry has, by how often it has it.
    pub typical: f32,
}

/// How much each of [`Grounds`] adds to the score; they sum to 1. Found by `examples/fit.rs` over the tuning questions.
const WEIGHTS: [f32; 5] = [0.27, 0.21, 0.18, 0.11, 0.23];

impl Grounds {
    /// In the order of the weights.
    pub fn all(self) -> [f32; 5] {
        let Self { coverage, nearest, likeness, block, typical } = self;
        [coverage, nearest, likeness, block, typical]
    }

    fn score(self) -> f32 {
        WEIGHTS.iter().zip(self.all()).map(|(a, b)| a * b).sum()
    }
}

/// What confidence rests on: 1, the score, the logarithm of the number of words and one, what is left of the score for
/// scope and contrasts, and the share of the words about the subject that stand in the entry.
pub fn signals(question: &Question, hit: &Hit) -> [f32; 5] {
    let words = question.units.iter().zip(&hit.covers).filter(|(unit, _)| !unit.function);
    let (mut all, mut there) = (0.0_f32, 0.0);
    for (_, cover) in words {
        all += 1.0;
        there += if cover.times > 0.0 { 1.0 } else { 0.0 };
    }
    let length = (1.0 + question.units.len() as f32).ln();
    [1.0, hit.score, length, hit.factor, there / all.max(1.0)]
}

/// Whether the question is the title, another way to ask or a message, but for punctuation and spaces.
fn is_asked(question: &Question, entry: &Entry) -> bool {
    let bare = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
    let asked = bare(question.understood());
    !asked.is_empty() && entry.names().any(|name| bare(normalise(name).as_str()) == asked)
}

/// The entries that may answer `question` on `day`, at most `top`, best first.
///
/// Entries past their last valid day are left out, and those whose scope excludes what the question names. A question
/// without words finds nothing. With `exact`, slips are not mended.
pub fn search(index: &Index, question: &str, day: Date, top: usize, exact: bool) -> Result<Found> {
    let question = Question::read(index, question, exact)?;
    let candidates = question.candidates(index, CANDIDATES)?;
    let ranked = rank::rank(index, &question, &candidates)?;
    let mut hits: Vec<Hit> = Vec::new();
    let fits = fit::Named::read(&question);
    let finders = Finders::new(&question);
    // The scores of the best so far, rising.
    let mut best: Vec<f32> = Vec::new();
    // How many are judged, or need not be.
    let mut judged = 0;
    for scored in &ranked.scored {
        let most = scored.grounds.score();
        let behind = best.len() == top && most < best[0];
        if (behind || judged >= top.max(DEPTH)) && !scored.near {
            judged += 1;
            continue;
        }
        let entry = index.entry_at(scored.document)?;
        if entry.valid_until.is_some_and(|last| last < day) {
            continue;
        }
        let plain = Plain::of(&entry);
        if let Some(twin) = hits.iter_mut().find(|hit| hit.plain.is_twin(&plain)) {
            twin.also_at.push(entry.id);
            continue;
        }
        let Some(factor) = fits.factor(index, &entry, &plain) else { continue };
        judged += 1;
        let stands = finders.each(&plain);
        let grounds = Grounds { block: stands.block_share(&question), ..scored.grounds };
        let asked = scored.near && is_asked(&question, &entry);
        let score = if asked { 1.0 } else { grounds.score() * factor };
        debug_assert!(asked || score <= most, "what is left out might be a hit");
        best.insert(best.partition_point(|other| *other < score), score);
        best.drain(..best.len().saturating_sub(top));
        hits.push(Hit {
            asked,
            named: fits.names_product(&entry),
            entry,
            score,
            grounds,
            factor,
            covers: ranked.covers(&question, scored),
            also_at: Vec::new(),
            plain,
            stands,
        });
    }
    hits.sort_by(|a, b| b.score.total_cmp(&a.score));
    if let Some(entry) = cell::asked(index, &question)? {
        let plain = Plain::of(&entry);
        hits.insert(
            0,
            Hit {
                score: 1.0,
                grounds: Grounds::default(),
                factor: 1.0,
                asked: true,
                named: true,
                covers: vec![Cover::NONE; question.units.len()],
                also_at: Vec::new(),
                stands: finders.each(&plain),
                plain,
                entry,
            },
        );
    }
    hits.truncate(top);
    Ok(Found { question, hits })
}
