//! The JSON shapes, shared by terminal, API and export.
//!
//! All fields are always there, `null` or `[]` where empty. Dates are `2019-08-16`. Addresses start with `/` and
//! leave the base path out.

mod lists;
mod suggestions;
mod trees;

pub use lists::{
    EntriesJson, EntryPageJson, SourcesJson, TopicsJson, entries, entry_page, sources, topics,
};
pub use suggestions::{OpenSearch, SUGGESTIONS, Suggestions, opensearch, suggestions};
pub use trees::{QuestionJson, TreeJson, WalkJson, question, trees, walk};

use crate::{
    Result,
    answer::{self, Status},
    content::{Block, Changed, Citation, Entry, FACT, Kind},
    library::Library,
    search::{self, Hit, Question},
    tree::{self, Heard, State, Walk},
};
use jiff::civil::Date;
use serde::Serialize;
use std::collections::BTreeMap;

/// What was asked of what.
#[derive(Serialize)]
struct Asked<'a> {
    /// The version of the content.
    version: &'a str,
    day: Date,
    query: &'a str,
    /// Only the first 500 characters of the question were read.
    cut: bool,
    /// The question as the search understands it.
    understood: &'a str,
    /// Words that were read as others.
    corrections: Vec<CorrectionJson<'a>>,
    /// Words about the subject that no entry has.
    unmatched: Vec<&'a str>,
}

#[derive(Serialize)]
struct CorrectionJson<'a> {
    from: &'a str,
    to: &'a str,
}

impl<'a> Asked<'a> {
    fn new(library: &'a Library, question: &'a Question, day: Date) -> Self {
        Self {
            version: &library.index.overview.version,
            day,
            query: &question.asked,
            cut: question.cut,
            understood: question.understood(),
            corrections: question
                .corrections
                .iter()
                .map(|correction| CorrectionJson { from: &correction.from, to: &correction.to })
                .collect(),
            unmatched: question.unmatched(),
        }
    }
}

/// The answer to a question: `jieda ask --json`, `/api/v1/ask`.
#[derive(Serialize)]
pub struct Answer<'a> {
    #[serde(flatten)]
    asked: Asked<'a>,
    /// `answered`, `choose` or `unknown`.
    status: &'static str,
    /// From 0 to 1.
    confidence: f32,
    answer: Option<Reply<'a>>,
    /// Answers to other intentions of the question.
    also: Vec<Reply<'a>>,
    /// Ids of entries to choose from.
    choices: Vec<&'a str>,
    /// The tree that the question may want.
    tree: Option<TreePart<'a>>,
    hits: Vec<HitJson<'a>>,
}

/// The tree that a question may want: what was heard, and where its walk stands.
#[derive(Serialize)]
struct TreePart<'a> {
    id: &'a str,
    title: &'a str,
    url: String,
    heard: BTreeMap<&'a str, String>,
    suggested: BTreeMap<&'a str, String>,
    /// Taken because nothing was said about it.
    assumed: BTreeMap<&'a str, String>,
    next: Option<QuestionJson<'a>>,
    /// Ids of outcomes.
    possible: Vec<&'a str>,
    outcome: Option<&'a str>,
}

/// What answers.
#[derive(Serialize)]
struct Reply<'a> {
    /// `entry`, `outcome` or `fact`.
    kind: &'static str,
    id: &'a str,
    title: &'a str,
    /// The sentence to read out.
    say: &'a str,
    /// That, and what the question asks beyond it; at most 400 characters.
    text: &'a str,
    as_of: Option<Date>,
    scope: BTreeMap<String, Vec<String>>,
    url: String,
    sources: Vec<Source<'a>>,
    changed: Vec<ChangedJson<'a>>,
    /// That the statement is old, undated or due for review.
    remarks: Vec<String>,
}

#[derive(Serialize)]
struct Source<'a> {
    id: &'a str,
    title: &'a str,
    date: Option<Date>,
    section: &'a str,
    section_title: &'a str,
}

#[derive(Serialize)]
struct ChangedJson<'a> {
    /// The day of the newest source that says so.
    until: Option<Date>,
    what: &'a str,
    was: &'a str,
    /// The id of that source.
    source: Option<&'a str>,
}

#[derive(Serialize)]
struct HitJson<'a> {
    rank: usize,
    id: &'a str,
    title: &'a str,
    trail: &'a [String],
    score: f32,
    /// The whole entry as plain text.
    text: String,
    snippet: String,
    url: String,
    also_at: &'a [String],
}

/// Ranked hits: `jieda search --json`, `/api/v1/search`.
#[derive(Serialize)]
pub struct Hits<'a> {
    #[serde(flatten)]
    asked: Asked<'a>,
    hits: Vec<HitJson<'a>>,
}

/// A whole entry: `jieda show --json`, a line of `jieda export --format jsonl`.
#[derive(Serialize)]
pub struct EntryJson<'a> {
    id: &'a str,
    title: &'a str,
    topic: &'a str,
    trail: &'a [String],
    file: &'a str,
    line: u32,
    ask: &'a [String],
    messages: &'a [String],
    say: &'a str,
    text: String,
    as_of: Option<Date>,
    review_by: Option<Date>,
    valid_until: Option<Date>,
    scope: &'a BTreeMap<String, Vec<String>>,
    url: String,
    sources: Vec<Source<'a>>,
    related: &'a [String],
    changed: Vec<ChangedJson<'a>>,
    disputed: Vec<DisputedJson<'a>>,
    blocks: Vec<BlockJson<'a>>,
}

#[derive(Serialize)]
struct DisputedJson<'a> {
    what: &'a str,
    says: &'a [String],
    decision: &'a str,
    sources: Vec<Source<'a>>,
}

#[derive(Serialize)]
struct BlockJson<'a> {
    /// `heading`, `paragraph`, `item`, `head`, `row`, `note`, `quote`, `code`, `image` or `html`.
    kind: &'static str,
    /// How many lists the block stands in.
    level: u8,
    line: u32,
    headings: Vec<&'a str>,
    /// The heads of the columns, for a row.
    heads: Vec<&'a str>,
    text: &'a str,
}

/// The shape of an answer; `walk` is where its tree stands ([`answer::Answer::walk`]).
///
/// Fails if the trees cannot be read.
pub fn answer<'a>(
    library: &'a Library,
    answer: &'a answer::Answer,
    walk: Option<&'a Walk<'_>>,
) -> Result<Answer<'a>> {
    let (reply, choices) = match (&answer.status, answer.hits.first()) {
        (Status::Answered(passage), Some(hit)) => (Some(said(&hit.entry, passage, answer.day)), 0),
        (Status::Outcome(settled), _) => (Some(concluded(settled)), 0),
        (Status::Choose(count), _) => (None, *count),
        _ => (None, 0),
    };
    let tree = match (walk, &answer.tree) {
        (Some(walk), Some(wanted)) => Some(beside(library, walk, &wanted.heard)?),
        _ => None,
    };
    Ok(Answer {
        asked: Asked::new(library, &answer.question, answer.day),
        status: answer.status.name(),
        confidence: round(answer.confidence),
        answer: reply,
        also: answer.also.iter().map(|(entry, passage)| said(entry, passage, answer.day)).collect(),
        choices: answer.hits.iter().take(choices).map(|hit| &*hit.entry.id).collect(),
        tree,
        hits: hits(&answer.hits, &answer.question),
    })
}

fn said<'a>(entry: &'a Entry, passage: &'a search::Passage, day: Date) -> Reply<'a> {
    Reply {
        kind: if entry.id.starts_with(FACT) { "fact" } else { "entry" },
        id: &entry.id,
        title: &entry.title,
        say: &passage.say,
        text: &passage.text,
        as_of: entry.as_of,
        scope: entry.scope.clone(),
        url: entry.url(),
        sources: citations(&entry.sources),
        changed: changed(&entry.changed),
        remarks: answer::remarks(entry, day),
    }
}

fn concluded(settled: &answer::Settled) -> Reply<'_> {
    Reply {
        kind: "outcome",
        id: &settled.id,
        title: &settled.title,
        say: &settled.say,
        text: &settled.text,
        as_of: settled.as_of,
        scope: BTreeMap::new(),
        url: settled.url.clone(),
        sources: citations(&settled.sources),
        changed: Vec::new(),
        remarks: settled.remarks.clone(),
    }
}

fn beside<'a>(library: &'a Library, walk: &'a Walk<'_>, heard: &'a Heard) -> Result<TreePart<'a>> {
    let taken: Vec<&str> = walk.steps.iter().map(|step| &*step.question.id).collect();
    let said = |answers: &'a BTreeMap<String, (tree::Answer, String)>| {
        answers.iter().map(|(id, (answer, _))| (&**id, answer.to_string())).collect()
    };
    let assumed = heard.assumed.iter().filter(|(id, _)| taken.contains(&&***id));
    let next = match &walk.state {
        State::Ask(next, heard, _) => Some(question(library, next, heard.as_ref())?),
        _ => None,
    };
    Ok(TreePart {
        id: &walk.tree.id,
        title: &walk.tree.title,
        url: walk.url(),
        heard: said(&heard.sure),
        suggested: said(&heard.suggested),
        assumed: assumed.map(|(id, answer)| (&**id, answer.to_string())).collect(),
        next,
        possible: walk.possible.iter().map(|outcome| &*outcome.id).collect(),
        outcome: walk.ending().map(|ending| &*ending.outcome.id),
    })
}

/// The shape of a list of hits.
pub fn found<'a>(library: &'a Library, found: &'a search::Found, day: Date) -> Hits<'a> {
    Hits {
        asked: Asked::new(library, &found.question, day),
        hits: hits(&found.hits, &found.question),
    }
}

/// The shape of an entry.
pub fn entry(entry: &Entry) -> EntryJson<'_> {
    EntryJson {
        id: &entry.id,
        title: &entry.title,
        topic: &entry.topic,
        trail: &entry.trail,
        file: &entry.file,
        line: entry.line,
        ask: &entry.ask,
        messages: &entry.messages,
        say: entry.say(),
        text: entry.text(),
        as_of: entry.as_of,
        review_by: entry.review_by,
        valid_until: entry.valid_until,
        scope: &entry.scope,
        url: entry.url(),
        sources: citations(&entry.sources),
        related: &entry.related,
        changed: changed(&entry.changed),
        disputed: entry
            .disputed
            .iter()
            .map(|disputed| DisputedJson {
                what: &disputed.what,
                says: &disputed.says,
                decision: &disputed.decision,
                sources: citations(&disputed.sources),
            })
            .collect(),
        blocks: (entry.blocks.iter().zip(entry.headings()).zip(entry.heads()))
            .map(|((block, headings), heads)| shape(block, headings, heads))
            .collect(),
    }
}

fn shape<'a>(block: &'a Block, headings: Vec<&'a str>, heads: Vec<&'a str>) -> BlockJson<'a> {
    let kind = match block.kind {
        Kind::Heading(_) => "heading",
        Kind::Paragraph => "paragraph",
        Kind::Item(_) => "item",
        Kind::Head => "head",
        Kind::Row => "row",
        Kind::Note => "note",
        Kind::Quote => "quote",
        Kind::Code => "code",
        Kind::Image(_) => "image",
        Kind::Html(_) => "html",
    };
    BlockJson { kind, level: block.level, line: block.line, headings, heads, text: &block.text }
}

fn hits<'a>(hits: &'a [Hit], question: &Question) -> Vec<HitJson<'a>> {
    let shape = |(index, hit): (usize, &'a Hit)| HitJson {
        rank: index + 1,
        id: &hit.entry.id,
        title: &hit.entry.title,
        trail: &hit.entry.trail,
        score: round(hit.score),
        text: hit.entry.text(),
        snippet: search::snippet(hit, question).text,
        url: hit.entry.url(),
        also_at: &hit.also_at,
    };
    hits.iter().enumerate().map(shape).collect()
}

fn citations(citations: &[Citation]) -> Vec<Source<'_>> {
    let source = |citation| {
        let Citation { id, title, date, section, section_title }: &Citation = citation;
        Source { id, title, date: *date, section, section_title }
    };
    citations.iter().map(source).collect()
}

fn changed(changed: &[Changed]) -> Vec<ChangedJson<'_>> {
    changed
        .iter()
        .map(|change| {
            let newest = change.newest();
            let until = newest.and_then(|source| source.date);
            ChangedJson {
                until,
                what: &change.what,
                was: &change.was,
                source: newest.map(|source| &*source.id),
            }
        })
        .collect()
}

/// Three digits: more would pretend.
fn round(value: f32) -> f32 {
    (value * 1000.0).round() / 1000.0
}
