//! The JSON shapes of trees: `jieda tree … --json`, `/api/v1/trees`.

use crate::{
    Library, Result,
    content::Citation,
    tree::{self, Answer, Kind, Question, State, Verdict, Walk},
};
use jiff::civil::Date;
use serde::Serialize;
use std::collections::BTreeMap;

/// A tree in a list.
#[derive(Serialize)]
pub struct TreeJson<'a> {
    id: &'a str,
    title: &'a str,
    url: String,
    questions: usize,
    outcomes: usize,
    /// Why it cannot be walked; empty if it can.
    broken: Vec<String>,
}

/// Where a walk stands.
#[derive(Serialize)]
pub struct WalkJson<'a> {
    /// The version of the content.
    version: &'a str,
    day: Date,
    id: &'a str,
    title: &'a str,
    /// The address of this place.
    url: String,
    /// The answers so far.
    steps: Vec<StepJson<'a>>,
    /// Answers to questions that do not come up any more.
    parked: Vec<StepJson<'a>>,
    /// What was given and is no question or no answer of this tree.
    wrong: &'a [String],
    next: Option<QuestionJson<'a>>,
    /// Outcomes that are still possible.
    possible: Vec<Possible<'a>>,
    outcome: Option<OutcomeJson<'a>>,
    /// What would follow from what the customer does not know.
    open: Vec<OpenJson<'a>>,
}

#[derive(Serialize)]
struct StepJson<'a> {
    question: &'a str,
    ask: &'a str,
    answer: String,
    label: String,
}

/// A question that is to be answered.
#[derive(Serialize)]
pub struct QuestionJson<'a> {
    question: &'a str,
    ask: &'a str,
    why: &'a str,
    find_out: &'a str,
    kind: &'static str,
    options: Vec<OptionJson>,
    min: Option<i64>,
    max: Option<i64>,
    unit: &'a str,
    /// Heard but not confirmed.
    heard: Option<String>,
}

#[derive(Serialize)]
struct OptionJson {
    id: String,
    label: String,
}

#[derive(Serialize)]
struct Possible<'a> {
    id: &'a str,
    title: &'a str,
}

#[derive(Serialize)]
struct OutcomeJson<'a> {
    id: &'a str,
    verdict: Verdict,
    title: &'a str,
    say: &'a str,
    steps: &'a [String],
    notes: &'a [String],
    find_out: &'a str,
    /// Where to make sure: name and address.
    confirm: Option<LinkJson<'a>>,
    rule: &'a str,
    because: Vec<Because<'a>>,
    /// Single answers that would lead elsewhere.
    changes: Vec<ChangeJson>,
    cites: Vec<CiteJson>,
    next: Vec<NextJson>,
}

#[derive(Serialize)]
struct LinkJson<'a> {
    title: &'a str,
    url: &'a str,
}

#[derive(Serialize)]
struct Because<'a> {
    question: &'a str,
    ask: &'a str,
    label: &'a str,
}

#[derive(Serialize)]
struct ChangeJson {
    question: String,
    label: String,
    outcome: String,
    title: String,
}

#[derive(Serialize)]
struct CiteJson {
    id: String,
    title: String,
    as_of: Option<Date>,
    url: String,
    sources: Vec<Citation>,
}

#[derive(Serialize)]
struct NextJson {
    tree: String,
    title: String,
    url: String,
    set: BTreeMap<String, String>,
}

#[derive(Serialize)]
struct OpenJson<'a> {
    answers: Vec<Because<'a>>,
    outcome: &'a str,
    title: &'a str,
}

/// All trees, those that cannot be walked last.
pub fn trees(library: &Library) -> Result<Vec<TreeJson<'_>>> {
    let forest = &library.index.forest;
    let whole = forest.trees.values().map(|tree| TreeJson {
        id: &tree.id,
        title: &tree.title,
        url: tree.url(),
        questions: tree.questions.len(),
        outcomes: tree.outcomes.len(),
        broken: Vec::new(),
    });
    let broken = forest.broken.iter().map(|(id, title, problems)| TreeJson {
        id,
        title,
        url: format!("/trees/{id}"),
        questions: 0,
        outcomes: 0,
        broken: problems.iter().map(ToString::to_string).collect(),
    });
    Ok(whole.chain(broken).collect())
}

/// Where a walk stands. Fails if an entry that an outcome cites cannot be read.
pub fn walk<'a>(library: &'a Library, walk: &'a Walk<'_>, day: Date) -> Result<WalkJson<'a>> {
    let steps = walk.steps.iter().map(|step| StepJson {
        question: &step.question.id,
        ask: &step.question.ask,
        answer: step.answer.to_string(),
        label: step.label.clone(),
    });
    let parked = walk.parked.iter().map(|(question, answer, label)| StepJson {
        question: &question.id,
        ask: &question.ask,
        answer: answer.to_string(),
        label: label.clone(),
    });
    let open = match &walk.state {
        State::Open(branches) => branches
            .iter()
            .map(|branch| OpenJson {
                answers: because(&branch.answers),
                outcome: &branch.outcome.id,
                title: &branch.outcome.title,
            })
            .collect(),
        _ => Vec::new(),
    };
    Ok(WalkJson {
        version: &library.index.overview.version,
        day,
        id: &walk.tree.id,
        title: &walk.tree.title,
        url: walk.url(),
        steps: steps.collect(),
        parked: parked.collect(),
        wrong: &walk.wrong,
        next: match &walk.state {
            State::Ask(question, heard, _) => {
                Some(self::question(library, question, heard.as_ref())?)
            }
            _ => None,
        },
        possible: walk
            .possible
            .iter()
            .map(|outcome| Possible { id: &outcome.id, title: &outcome.title })
            .collect(),
        outcome: outcome(library, walk)?,
        open,
    })
}

fn because<'a>(answers: &'a [(&Question, String)]) -> Vec<Because<'a>> {
    let because = answers.iter().map(|(question, label)| Because {
        question: &question.id,
        ask: &question.ask,
        label,
    });
    because.collect()
}

fn outcome<'a>(library: &'a Library, walk: &'a Walk<'_>) -> Result<Option<OutcomeJson<'a>>> {
    let Some(ending) = walk.ending() else { return Ok(None) };
    let forest = &library.index.forest;
    let mut cites = Vec::new();
    for entry in library.cited(ending.outcome)? {
        cites.push(CiteJson {
            url: entry.url(),
            sources: entry.sources,
            as_of: entry.as_of,
            title: entry.title,
            id: entry.id,
        });
    }
    let next = ending.next.iter().filter_map(|(id, set)| {
        let tree = forest.trees.get(id)?;
        let given: Vec<_> = set.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
        Some(NextJson {
            tree: id.clone(),
            title: tree.title.clone(),
            url: tree.address(&given),
            set: set.clone(),
        })
    });
    let changes = tree::changes(forest, walk).into_iter().map(|change| ChangeJson {
        question: change.question.id.clone(),
        label: change.label,
        outcome: change.outcome.id.clone(),
        title: change.outcome.title.clone(),
    });
    let confirm = ending.outcome.confirm.as_ref().and_then(|id| forest.links.get(id));
    Ok(Some(OutcomeJson {
        id: &ending.outcome.id,
        verdict: ending.outcome.verdict,
        title: &ending.outcome.title,
        say: &ending.say,
        steps: &ending.steps,
        notes: &ending.notes,
        find_out: &ending.find_out,
        confirm: confirm.map(|link| LinkJson { title: &link.title, url: &link.url }),
        rule: ending.rule,
        because: because(&ending.because),
        changes: changes.collect(),
        cites,
        next: next.collect(),
    }))
}

/// A question with its options. Fails if the trees cannot be read.
pub fn question<'a>(
    library: &Library,
    question: &'a Question,
    heard: Option<&Answer>,
) -> Result<QuestionJson<'a>> {
    let forest = &library.index.forest;
    let (kind, min, max, unit) = match &question.kind {
        Kind::Choice(_) => ("choice", None, None, ""),
        Kind::Multi(..) => ("multi", None, None, ""),
        Kind::Bool => ("bool", None, None, ""),
        Kind::Int(min, max, unit) => ("int", Some(*min), Some(*max), &**unit),
        Kind::Date => ("date", None, None, ""),
        Kind::Domain(_) => ("domain", None, None, ""),
        Kind::Text(_) => ("text", None, None, ""),
    };
    let options = forest.options(question);
    Ok(QuestionJson {
        question: &question.id,
        ask: &question.ask,
        why: &question.why,
        find_out: &question.find_out,
        kind,
        options: options.into_iter().map(|(id, label)| OptionJson { id, label }).collect(),
        min,
        max,
        unit,
        heard: heard.map(ToString::to_string),
    })
}
