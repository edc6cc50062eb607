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

mod passage;
mod query;
mod rank;

pub use passage::{Passage, Snippet, best, snippet};
pub use query::{Question, Unit};
pub use rank::{Cover, Place};

use crate::{content::Entry, error::Result, index::Index, text::normalise};
use jiff::civil::Date;

/// How many candidates are fetched from the index before they are scored.
const CANDIDATES: usize = 200;

/// How many hits are judged by their scope at least, so that the best one does not depend on how many are asked for.
const DEPTH: usize = 20;

/// What is left of the score of an entry about one product whose product the question does not name: an answer
/// about the wrong product is worse than none.
const UNNAMED: f32 = 0.6;

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
    /// From 0 to 1: [`Hit::coverage`] and [`Hit::likeness`] together.
    pub score: f32,
    /// The share of the question's weight that the entry covers, from 0 to 1.
    pub coverage: f32,
    /// How much the question is like the title or another way to ask, from 0 to 1.
    pub likeness: f32,
    /// For each unit of the question how well it is covered, and where.
    pub covers: Vec<Cover>,
    /// Ids of entries with the same title and text.
    pub also_at: Vec<String>,
}

/// The entries that may answer `question` on `day`, at most `top`, best first.
///
/// Entries past their last valid day are left out. A question without words finds nothing.
pub fn search(index: &Index, question: &str, day: Date, top: usize) -> Result<Found> {
    let question = Question::read(index, question)?;
    let candidates = question.candidates(index, CANDIDATES)?;
    let ranked = rank::rank(index, &question, &candidates)?;
    let mut hits: Vec<Hit> = Vec::new();
    let mut twins: Vec<u64> = Vec::new();
    for scored in ranked {
        let twin = twins.iter().position(|twin| *twin == scored.twin);
        if twin.is_none() && hits.len() == top.max(DEPTH) {
            break;
        }
        let entry = index.entry_at(scored.address)?;
        if entry.valid_until.is_some_and(|last| last < day) {
            continue;
        }
        match twin {
            Some(at) => hits[at].also_at.push(entry.id),
            None => {
                twins.push(scored.twin);
                let named = names_product(index, &question, &entry);
                hits.push(Hit {
                    entry,
                    score: scored.score * if named { 1.0 } else { UNNAMED },
                    coverage: scored.coverage,
                    likeness: scored.likeness,
                    covers: scored.covers,
                    also_at: Vec::new(),
                });
            }
        }
    }
    hits.sort_by(|a, b| b.score.total_cmp(&a.score));
    hits.truncate(top);
    Ok(Found { question, hits })
}

/// Whether the question names a product for which the entry holds, or the entry holds for all.
fn names_product(index: &Index, question: &Question, entry: &Entry) -> bool {
    let (Some(products), Some(domain)) =
        (entry.scope.get("product"), index.overview.domains.get("product"))
    else {
        return true;
    };
    let named = |id: &String| {
        let names =
            domain.names().find(|(other, _)| other == id).map_or(&[][..], |(_, names)| names);
        let mut names = names.iter().map(|name| normalise(name));
        names.any(|name| question.understood().contains(name.as_str()))
    };
    products.iter().any(named)
}
