//! Questions with known answers → figures.
//!
//! A question is a line of JSON: `{"id","q","kind","must":["regex",…],"must_not":[…]}`, with Python's patterns.
//! Before matching, runs of white space become one space and vanish between two Chinese characters or punctuation
//! marks. All shares are of all questions of the kind.

use crate::{
    answer::{self, Answer, Asking, Status},
    content::Entry,
    error::{Error, Result},
    library::Library,
    text::is_han,
};
use fancy_regex::Regex;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How many hits are looked at.
const HITS: usize = 10;

/// A question and what its answer must and must not say.
#[derive(Debug)]
pub struct Question {
    pub id: String,
    pub text: String,
    pub kind: String,
    must: Vec<Regex>,
    must_not: Vec<Regex>,
}

#[derive(Deserialize)]
struct Line {
    id: String,
    q: String,
    kind: String,
    #[serde(default)]
    must: Vec<String>,
    #[serde(default)]
    must_not: Vec<String>,
}

/// Counts over the questions of a kind.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    pub questions: usize,
    /// Answered, and title and text say what they must.
    pub right: usize,
    /// Answered, and they do not.
    pub wrong: usize,
    /// Said to be unknown.
    pub abstained: usize,
    /// The answer or the first hit, one of the first 3, of the first 10 says what it must.
    pub hit_1: usize,
    pub hit_3: usize,
    pub hit_10: usize,
    /// The sum over questions of one through the rank of the first such hit.
    pub reciprocal_rank: f64,
}

/// What must not become worse: right answers, wrong ones, and `none` questions said to be unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Baseline {
    pub right: usize,
    pub wrong: usize,
    pub abstained: usize,
}

impl Report {
    /// What must not become worse.
    pub fn baseline(&self) -> Baseline {
        let abstained = self.kinds.get(NONE).map_or(0, |figures| figures.abstained);
        Baseline { right: self.all.right, wrong: self.all.wrong, abstained }
    }
}

impl Baseline {
    /// Whether this is at least as good as another.
    pub fn holds(self, other: Self) -> bool {
        self.right >= other.right && self.wrong <= other.wrong && self.abstained >= other.abstained
    }
}

/// The kind of question to which unknown is the right answer.
pub const NONE: &str = "none";

/// How often questions are drawn anew for an interval.
const DRAWS: usize = 1_000;

impl Figures {
    /// The share of right answers between which 95 of 100 draws of as many questions lie (Efron's percentile
    /// bootstrap, from a fixed seed). For `none`, [`Figures::abstained`] counts as right.
    pub fn interval(&self, right: usize) -> (f64, f64) {
        let mut state = 0x9E37_79B9_7F4A_7C15_u64;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        let count = self.questions.max(1) as u64;
        let mut draw = || (0..count).filter(|_| next() % count < right as u64).count();
        let mut draws: Vec<usize> = (0..DRAWS).map(|_| draw()).collect();
        draws.sort_unstable();
        let share = |at: usize| draws[at] as f64 / count as f64;
        (share(DRAWS / 40), share(DRAWS - 1 - DRAWS / 40))
    }
}

/// What came of the questions: figures by kind and in all, and each question that was not answered right.
#[derive(Debug, Serialize)]
pub struct Report {
    pub kinds: BTreeMap<String, Figures>,
    /// All kinds but `none`.
    pub known: Figures,
    pub all: Figures,
    pub failures: Vec<Failure>,
}

/// A question that was not answered right.
#[derive(Debug, Serialize)]
pub struct Failure {
    pub id: String,
    pub kind: String,
    pub question: String,
    /// `wrong`, `choose` or `unknown`.
    pub status: &'static str,
    pub confidence: f32,
    /// The id of the first hit.
    pub first: Option<String>,
    /// The rank of the first hit that says what it must.
    pub rank: Option<usize>,
    pub answer: String,
}

/// Reads a file of questions.
///
/// Fails with the line that is no question.
pub fn read(file: &str, text: &str) -> Result<Vec<Question>> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let question = |(index, line): (usize, &str)| {
        let failed =
            |what: String| Error::Question { file: file.to_owned(), line: index + 1, what };
        let line: Line = serde_json::from_str(line).map_err(|error| {
            failed(format!("不是题目；每行要有 id、q、kind 和 must（{error}）"))
        })?;
        let compile = |patterns: Vec<String>| -> Result<Vec<Regex>> {
            let regex = |pattern: String| {
                Regex::new(&pattern)
                    .map_err(|error| failed(format!("`{pattern}` 不是正则表达式（{error}）")))
            };
            patterns.into_iter().map(regex).collect()
        };
        Ok(Question {
            id: line.id,
            text: line.q,
            kind: line.kind,
            must: compile(line.must)?,
            must_not: compile(line.must_not)?,
        })
    };
    lines.map(question).collect()
}

/// Asks all questions as of `day`.
pub fn evaluate(library: &Library, questions: &[Question], day: Date) -> Result<Report> {
    let mut report = Report {
        kinds: BTreeMap::new(),
        known: Figures::default(),
        all: Figures::default(),
        failures: Vec::new(),
    };
    for question in questions {
        let answer = answer::answer(
            library,
            &Asking { question: &question.text, day, top: HITS, exact: false, unheard: &[] },
        )?;
        let outcome = judge(question, &answer);
        report.kinds.entry(question.kind.clone()).or_default().count(&outcome);
        report.all.count(&outcome);
        if !question.is_none() {
            report.known.count(&outcome);
        }
        report.failures.extend(failure(question, &answer, &outcome));
    }
    Ok(report)
}

/// What came of one question.
struct Outcome {
    verdict: Verdict,
    /// The rank of the first hit that says what it must, from 1.
    rank: Option<usize>,
}

#[derive(PartialEq)]
enum Verdict {
    Right,
    Wrong,
    Abstained,
    Choose,
}

fn judge(question: &Question, answer: &Answer) -> Outcome {
    let verdict = match &answer.status {
        Status::Unknown => Verdict::Abstained,
        Status::Choose(_) | Status::Ask => Verdict::Choose,
        Status::Outcome(settled) => {
            question.verdict(&format!("{}\n{}", settled.title, settled.text))
        }
        Status::Answered(passage) => {
            question.verdict(&format!("{}\n{}", answer.hits[0].entry.title, passage.text))
        }
    };
    let hit = answer
        .hits
        .iter()
        .position(|hit| !question.is_none() && question.is_answered_by(&hit.entry))
        .map(|index| index + 1);
    let rank = if verdict == Verdict::Right { Some(1) } else { hit };
    Outcome { verdict, rank }
}

impl Question {
    /// Whether the right answer is that the library does not have it.
    pub fn is_none(&self) -> bool {
        self.kind == NONE
    }

    /// Whether what was said is right.
    fn verdict(&self, said: &str) -> Verdict {
        if !self.is_none() && self.fits(said) { Verdict::Right } else { Verdict::Wrong }
    }

    /// Whether the entry says somewhere what it must.
    pub fn is_answered_by(&self, entry: &Entry) -> bool {
        self.fits(&format!("{}\n{}", entry.title, entry.text()))
    }

    /// Whether the text says all that it must, and nothing that it must not.
    pub fn fits(&self, text: &str) -> bool {
        let text = squeeze(text);
        let found = |pattern: &Regex| pattern.is_match(&text).unwrap_or(false);
        self.must.iter().all(found) && !self.must_not.iter().any(found)
    }
}

/// Runs of white space as one space, and none between Chinese characters or punctuation marks.
fn squeeze(text: &str) -> String {
    let joins = |c: char| is_han(c) || (!c.is_alphanumeric() && !c.is_whitespace());
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut out = String::with_capacity(text.len());
    for word in words {
        let close =
            out.chars().next_back().is_none_or(joins) && word.chars().next().is_some_and(joins);
        out.push_str(if close { "" } else { " " });
        out.push_str(word);
    }
    out
}

fn failure(question: &Question, answer: &Answer, outcome: &Outcome) -> Option<Failure> {
    let status = match outcome.verdict {
        Verdict::Right => return None,
        Verdict::Abstained if question.is_none() => return None,
        Verdict::Wrong => "wrong",
        Verdict::Abstained => "unknown",
        Verdict::Choose => "choose",
    };
    let text = match &answer.status {
        Status::Answered(passage) => passage.text.clone(),
        _ => String::new(),
    };
    Some(Failure {
        id: question.id.clone(),
        kind: question.kind.clone(),
        question: question.text.clone(),
        status,
        confidence: answer.confidence,
        first: answer.hits.first().map(|hit| hit.entry.id.clone()),
        rank: outcome.rank,
        answer: text,
    })
}

impl Figures {
    fn count(&mut self, outcome: &Outcome) {
        self.questions += 1;
        match outcome.verdict {
            Verdict::Right => self.right += 1,
            Verdict::Wrong => self.wrong += 1,
            Verdict::Abstained => self.abstained += 1,
            Verdict::Choose => {}
        }
        let within = |limit: usize| usize::from(outcome.rank.is_some_and(|rank| rank <= limit));
        self.hit_1 += within(1);
        self.hit_3 += within(3);
        self.hit_10 += within(10);
        self.reciprocal_rank += outcome.rank.map_or(0.0, |rank| 1.0 / rank as f64);
    }
}
