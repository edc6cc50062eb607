//! From a question to the one answer that can be given.
//!
//! [`answer`] is the way in. "Is this hit good enough to show?" is asked by the page, the terminal and the
//! evaluation, and has its one reply here.

use crate::{
    content::{Citation, Entry},
    error::Result,
    library::Library,
    search::{self, Found, Hit, Passage, Question},
    tree::{self, State, Walk, Wanted},
};
use jiff::{ToSpan, civil::Date};

/// From this confidence on, an entry is the answer: right more often than wrong among the tuning questions.
const ANSWERED: f32 = 0.57;

/// From this confidence on, two or more entries that lie close together are offered to choose from.
const CHOOSE: f32 = 0.55;

/// How confidence follows from the first hit: a logistic regression of "the answer says what it must" over the tuning
/// questions (`cargo run --release --example fit`). Its signals are 1, the score, the logarithm of the number of words (long questions
/// never match as well as short ones), what scope and contrast leave of the score, and the share of the words about the
/// subject that stand in the entry, each counted once.
const CONFIDENCE: [f32; 5] = [-12.82, 7.56, 2.09, 3.34, 3.99];

/// From this confidence on, a part of a question counts as a question of its own.
const INTENTION: f32 = 0.7;

/// From this weight on, the words of a question say enough for an answer: one word that a tenth of the entries have.
/// A question with less in it (服务器, 阿里云备案) is only offered choices, unless it asks for something (备案要多久); one with
/// nothing (为什么) not even that.
const SUBSTANCE: f32 = 1.5;

/// From this score on, entries are offered to a question with less, or that does not name their product: they are about
/// its one word. 备案收费吗 is about none.
const BARE: f32 = 0.65;

/// How close to the score of the first an entry must come to be a choice.
const CLOSE: f32 = 0.06;

/// From this fit on, a tree stands beside the entries, and its settled outcome answers. Of the questions that trees
/// are to hear, nine in ten find their own tree; of the development questions that no library can answer, none
/// reaches the second.
const BESIDE: f32 = 0.6;
const OUTCOME: f32 = 0.7;

/// From this score on, an entry stands behind the cell of a table that answers.
const BEHIND: f32 = 0.5;

/// How close to the score of the first the second must come for its first sentence to be said too.
const NEAR: f32 = 0.1;

/// The longest text of an answer, in characters.
const TEXT_LIMIT: usize = 400;

/// How many choices are offered at most.
pub const CHOICES: usize = 4;

/// A statement older than so many years is said to be old.
const OLD_YEARS: i32 = 2;

/// What can be said to a question.
#[derive(Debug)]
pub struct Answer {
    pub question: Question,
    pub day: Date,
    pub status: Status,
    /// How likely it is that the first hit answers, from 0 to 1.
    pub confidence: f32,
    /// Answers to other intentions of the question.
    pub also: Vec<(Entry, Passage)>,
    /// The tree that the question may want, with what was heard.
    pub tree: Option<Wanted>,
    /// Best first; the first one holds the answer if an entry answers.
    pub hits: Vec<Hit>,
}

/// What kind of answer it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// The first hit answers, with this passage.
    Answered(Passage),
    /// The tree answers: with what was heard, its outcome is settled.
    Outcome(Box<Settled>),
    /// No entry answers, but the tree goes on with a question.
    Ask,
    /// The first so many hits are too close to call.
    Choose(usize),
    /// 库里没有.
    Unknown,
}

impl Status {
    /// Its name in JSON, logs and metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Answered(_) | Self::Outcome(_) => "answered",
            Self::Ask => "ask",
            Self::Choose(_) => "choose",
            Self::Unknown => "unknown",
        }
    }
}

/// The outcome of a tree as an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// `needs-filing/not-needed`: the tree and its outcome.
    pub id: String,
    pub title: String,
    /// The sentence to read out.
    pub say: String,
    /// That, the notes that hold, and the reason; at most 400 characters.
    pub text: String,
    /// The oldest day of what it rests on.
    pub as_of: Option<Date>,
    /// The address of the walk.
    pub url: String,
    /// What the cited entries rest on.
    pub sources: Vec<Citation>,
    /// Ids of the cited entries.
    pub cites: Vec<String>,
    pub remarks: Vec<String>,
}

impl Settled {
    fn of(library: &Library, walk: &Walk<'_>, day: Date) -> Result<Option<Self>> {
        let Some(ending) = walk.ending() else { return Ok(None) };
        let cited = library.cited(ending.outcome)?;
        let because =
            ending.because.iter().map(|(question, label)| format!("{}{label}", question.ask));
        let because = format!("因为：{}", because.collect::<Vec<_>>().join("，"));
        let lines = [&ending.say].into_iter().chain(&ending.notes).chain([&because]);
        let text: String =
            lines.cloned().collect::<Vec<_>>().join("\n").chars().take(TEXT_LIMIT).collect();
        let mut sources: Vec<Citation> = Vec::new();
        for source in cited.iter().filter_map(|entry| entry.sources.first()) {
            if !sources.contains(source) {
                sources.push(source.clone());
            }
        }
        let oldest = cited.iter().min_by_key(|entry| entry.as_of);
        Ok(Some(Self {
            id: format!("{}/{}", walk.tree.id, ending.outcome.id),
            title: ending.outcome.title.clone(),
            say: ending.say.clone(),
            text,
            as_of: oldest.and_then(|entry| entry.as_of),
            url: walk.url(),
            sources,
            cites: cited.iter().map(|entry| entry.id.clone()).collect(),
            remarks: oldest.map_or(Vec::new(), |entry| remarks(entry, day)),
        }))
    }
}

impl Answer {
    /// Where the walk of the tree stands.
    pub fn walk<'l>(&self, library: &'l Library) -> Option<Walk<'l>> {
        let wanted = self.tree.as_ref()?;
        let forest = &library.index.forest;
        let tree = forest.trees.get(&wanted.tree)?;
        Some(tree::walk(forest, tree, &wanted.heard.given()))
    }

    /// Whether there is something to show: an answer, a question, or entries to choose from.
    pub fn is_known(&self) -> bool {
        self.status != Status::Unknown
    }
}

/// What is asked, and how.
#[derive(Debug, Clone, Copy)]
pub struct Asking<'a> {
    pub question: &'a str,
    pub day: Date,
    /// At most so many hits beside the answer.
    pub top: usize,
    /// Take every word as it was typed.
    pub exact: bool,
    /// Questions of trees to which nothing was heard, whatever the question says.
    pub unheard: &'a [String],
}

/// Answers a question.
pub fn answer(library: &Library, asking: &Asking<'_>) -> Result<Answer> {
    let Asking { question, day, top, exact, unheard } = *asking;
    let found = search::search(&library.index, question, day, top.max(CHOICES), exact)?;
    let confidence = confidence(&found);
    let substance = found.question.substance();
    let asked = found.hits.first().is_some_and(|hit| hit.asked);
    let is_cell = found.hits.first().is_some_and(Hit::is_cell);
    let named = found.hits.first().is_some_and(|hit| hit.named);
    let enough = substance >= SUBSTANCE || substance > 0.0 && found.question.asks();
    let sure = confidence >= ANSWERED && enough && named || asked;
    let best = found.hits.first().map_or(0.0, |hit| hit.score);
    let close = found.hits.iter().take(CHOICES).take_while(|hit| best - hit.score <= CLOSE).count();
    // A bare 服务器 may mean anything, however near one entry is.
    let close = if enough { close } else { close.max(2).min(found.hits.len()) };
    let forest = &library.index.forest;
    let mut tree = tree::wanted(forest, &found.question.asked, BESIDE);
    if let Some(wanted) = &mut tree {
        wanted.heard.forget(unheard);
    }
    let walk = tree
        .as_ref()
        .map(|wanted| tree::walk(forest, &forest.trees[&wanted.tree], &wanted.heard.given()));
    let fits = tree.as_ref().is_some_and(|wanted| wanted.fit >= OUTCOME);
    let settled = match &walk {
        Some(walk) if fits && (!asked || is_cell) => Settled::of(library, walk, day)?,
        _ => None,
    };
    let goes_on = walk.is_some_and(|walk| matches!(walk.state, State::Ask(..)));
    let status = match (settled, found.hits.first()) {
        (Some(settled), _) => Status::Outcome(Box::new(settled)),
        (_, Some(hit)) if sure => Status::Answered(passage(library, hit, &found)),
        (_, Some(_))
            if confidence >= CHOOSE
                && close > 1
                && substance > 0.0
                && (enough && named || best >= BARE) =>
        {
            Status::Choose(close)
        }
        _ if fits && goes_on => Status::Ask,
        _ => Status::Unknown,
    };
    let also = match &status {
        Status::Answered(_) => also(library, asking, &found.hits[0].entry.id)?,
        _ => Vec::new(),
    };
    let mut hits = found.hits;
    hits.truncate(top);
    Ok(Answer { question: found.question, day, status, confidence, also, tree, hits })
}

/// What is said of the first hit: a cell says one thing, and the entry behind it what goes with it; what lies close to
/// an entry is said too, unless the question is the entry's own.
pub fn passage(library: &Library, first: &Hit, found: &Found) -> Passage {
    let least = if first.is_cell() { BEHIND } else { first.score - NEAR };
    let is_own = first.asked && !first.is_cell();
    let near = found.hits.get(1).filter(|next| !is_own && next.score >= least);
    let near = near.map(|next| &next.entry);
    search::best(first, &found.question, library.is_ours(), near)
}

/// How likely it is that the first hit answers.
fn confidence(found: &Found) -> f32 {
    let Some(first) = found.hits.first() else { return 0.0 };
    let signals = search::signals(&found.question, first);
    let sum: f32 = CONFIDENCE.iter().zip(signals).map(|(weight, signal)| weight * signal).sum();
    1.0 / (1.0 + (-sum).exp())
}

/// What answers the parts of a question that ask for something else than the whole.
fn also(library: &Library, asking: &Asking<'_>, answered: &str) -> Result<Vec<(Entry, Passage)>> {
    let parts: Vec<&str> = parts(asking.question);
    let mut also: Vec<(Entry, Passage)> = Vec::new();
    if parts.len() < 2 {
        return Ok(also);
    }
    for part in parts {
        let found = search::search(&library.index, part, asking.day, CHOICES, asking.exact)?;
        let sure = confidence(&found) >= INTENTION && found.question.substance() >= SUBSTANCE;
        let Some(hit) = found.hits.into_iter().next().filter(|_| sure) else { continue };
        if hit.entry.id != answered && also.iter().all(|(entry, _)| entry.id != hit.entry.id) {
            let passage = search::best(&hit, &found.question, library.is_ours(), None);
            also.push((hit.entry, passage));
        }
    }
    Ok(also)
}

/// The sentences of a question, and what stands on both sides of a word that begins another question.
fn parts(question: &str) -> Vec<&str> {
    let ends = ['？', '?', '。', '；', ';', '！', '!', '\n'];
    let sentences = question.split(ends).flat_map(|sentence| {
        JOINTS
            .iter()
            .find_map(|joint| sentence.split_once(joint))
            .map_or_else(|| vec![sentence], |(before, after)| vec![before, after])
    });
    sentences.map(str::trim).filter(|part| !part.is_empty()).collect()
}

/// Words with which a further question begins.
const JOINTS: [&str; 6] = ["另外", "还有就是", "顺便问", "再问", "还想问", "，还有"];

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
