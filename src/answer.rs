//! From a question to the one answer that can be given.
//!
//! [`answer`] is the way in. "Is this hit good enough to show?" is asked by the page, the terminal and the
//! evaluation, and has its one reply here.

use crate::{
    content::Entry,
    error::Result,
    library::Library,
    search::{self, Hit, Passage, Question},
};
use jiff::{ToSpan, civil::Date};

/// From this confidence on, an entry is the answer. Of the development questions whose first hit lies between 0.35 and
/// this, more are wrong than right.
const ANSWERED: f32 = 0.44;

/// From this confidence on, two or more entries that lie close together are offered to choose from.
const CHOOSE: f32 = 0.38;

/// How much surer the answer must be if the question has words that no entry has.
const STRANGE: f32 = 0.15;

/// From this weight on, the words of a question say enough for an answer: one word that a tenth of the entries have.
/// A question with less in it (服务器, 阿里云备案) is only offered choices, one with nothing (为什么) not even that.
const SUBSTANCE: f32 = 1.5;

/// From this likeness on, the question is the title of an entry or another way to ask, word for word.
const ASKED: f32 = 0.97;

/// How close to the first an entry must come to be a choice: where the first could answer, and where it could not.
const TIE: f32 = 0.01;
const CLOSE: f32 = 0.06;

/// How many choices are offered.
const CHOICES: usize = 4;

/// A statement older than so many years is said to be old.
const OLD_YEARS: i32 = 2;

/// What can be said to a question.
#[derive(Debug)]
pub struct Answer {
    pub question: Question,
    pub day: Date,
    pub status: Status,
    /// How sure it is that the first hit answers, from 0 to 1: its score. What is covered anywhere counts in it, and
    /// what the entry is about counts too, for an entry that mentions every word in passing does not answer.
    pub confidence: f32,
    /// Best first; the first one holds the answer if there is one.
    pub hits: Vec<Hit>,
}

/// What kind of answer it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// The first hit answers, with this passage.
    Answered(Passage),
    /// The first so many hits are too close to call.
    Choose(usize),
    /// 库里没有.
    Unknown,
}

impl Answer {
    /// Whether there is something to show: an answer, or entries to choose from.
    pub fn is_known(&self) -> bool {
        self.status != Status::Unknown
    }
}

/// Answers `question` as of `day`, with at most `top` hits beside the answer.
pub fn answer(library: &Library, question: &str, day: Date, top: usize) -> Result<Answer> {
    let found = search::search(&library.index, question, day, top.max(CHOICES))?;
    let confidence = found.hits.first().map_or(0.0, |hit| hit.score);
    let strange = if found.question.unmatched().is_empty() { 0.0 } else { STRANGE };
    let substance = found.question.substance();
    let asked = found.hits.first().is_some_and(|hit| hit.likeness >= ASKED);
    let sure = confidence >= ANSWERED + strange && (substance >= SUBSTANCE || asked);
    let near = if sure { TIE } else { CLOSE };
    let close =
        found.hits.iter().take(CHOICES).take_while(|hit| confidence - hit.score <= near).count();
    let status = match found.hits.first() {
        Some(hit) if sure && close == 1 => {
            Status::Answered(search::best(&hit.entry, &found.question, library.is_ours()))
        }
        Some(_) if confidence >= CHOOSE + strange && close > 1 && substance > 0.0 => {
            Status::Choose(close)
        }
        _ => Status::Unknown,
    };
    let mut hits = found.hits;
    hits.truncate(top);
    Ok(Answer { question: found.question, day, status, confidence, hits })
}

/// What has to be said with an entry besides its answer, a sentence each.
pub fn remarks(entry: &Entry, day: Date) -> Vec<String> {
    let mut remarks = Vec::new();
    if let Some(review_by) = entry.review_by.filter(|review_by| *review_by < day) {
        remarks.push(format!("待复核：{review_by} 应已重新核对"));
    }
    match entry.as_of {
        None => remarks.push("资料未注明日期，请核对是否仍有效".to_owned()),
        Some(as_of) if as_of.saturating_add(OLD_YEARS.years()) < day => {
            remarks.push(format!("资料日期 {as_of}，请核对是否仍有效"));
        }
        Some(_) => {}
    }
    remarks
}
