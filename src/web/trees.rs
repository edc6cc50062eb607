//! The pages of trees.

use super::{
    Site,
    views::{Frame, Texts, TreeLine, write},
};
use crate::{
    answer,
    content::{Entry, Link},
    error::Result,
    problem::Problem,
    tree::{
        self, Answer, Branch, Change, Ending, Forest, Kind, Question, State, Tree, Verdict, Walk,
    },
};
use askama::Template;
use jiff::civil::Date;
use regex::Regex;
use std::sync::LazyLock;

#[derive(Template)]
#[template(path = "trees.html")]
struct Trees<'a> {
    frame: Frame<'a>,
    trees: Vec<TreeLine<'a>>,
    broken: &'a [(String, String, Vec<Problem>)],
}

#[derive(Template)]
#[template(path = "tree.html")]
struct TreePage<'a> {
    frame: Frame<'a>,
    walk: &'a Walk<'a>,
    /// Something was recorded just now.
    thanks: bool,
    /// The id of the tree and its outcome.
    outcome: String,
    verdict: &'static str,
    /// What is to be done, each step in pieces: text, and where it leads.
    work: Vec<Vec<(String, String)>>,
    cites: Vec<Entry>,
    remarks: Vec<String>,
    confirm: Option<&'a Link>,
    changes: Vec<Change<'a>>,
    asked: Option<Asked<'a>>,
    /// All answers, also those that do not count yet.
    kept: Vec<(String, String)>,
    branches: &'a [Branch<'a>],
    /// How the customer finds out what is not known.
    find_out: Vec<&'a str>,
    steps: Vec<StepLine<'a>>,
    /// Titles and addresses of trees that go on here.
    next: Vec<(&'a str, String)>,
    /// What was said, as plain text.
    note: String,
    texts: Texts,
    /// The address before the last answer.
    back: String,
    all: String,
    graph: String,
}

/// A question with its form.
struct Asked<'a> {
    question: &'a Question,
    /// HTML.
    control: String,
    /// Whether every option is a button that leads on.
    buttons: bool,
    /// The address for "I do not know".
    unsure: String,
    /// What can be answered with the address of each answer, where there is nobody to send a form to.
    links: Vec<(String, String)>,
}

impl Asked<'_> {
    /// Whether more than one answer can be true.
    fn several(&self) -> bool {
        matches!(self.question.kind, Kind::Multi(..))
    }
}

struct StepLine<'a> {
    ask: &'a str,
    label: &'a str,
    /// The address at which the question is asked again.
    change: String,
    /// More that can be true, with addresses, where there is nobody to send a form to.
    more: Vec<(String, String)>,
}

#[derive(Template)]
#[template(path = "questions.html")]
struct Questions<'a> {
    frame: Frame<'a>,
    tree: &'a Tree,
    questions: Vec<Asked<'a>>,
}

#[derive(Template)]
#[template(path = "graph.html")]
struct Graph<'a> {
    frame: Frame<'a>,
    tree: &'a Tree,
    svg: String,
    outline: String,
    back: String,
}

#[derive(Template)]
#[template(path = "control.html")]
struct Control<'a> {
    kind: &'static str,
    name: &'a str,
    ask: &'a str,
    options: Vec<(String, String)>,
    min: i64,
    max: i64,
    unit: &'a str,
    heard: String,
    /// Whether it is the only question of the page.
    focus: bool,
}

/// All trees.
pub(super) fn trees(site: Site<'_>) -> Result<String> {
    let forest = site.library.index.forest()?;
    let trees = forest.trees.values().map(|tree| TreeLine::new(tree)).collect();
    Ok(write(&Trees { frame: Frame::new(site, ""), trees, broken: &forest.broken }))
}

/// Where a walk stands. With `thanks`, something was recorded just now.
pub(super) fn tree(site: Site<'_>, walk: &Walk<'_>, thanks: bool) -> Result<String> {
    let forest = site.library.index.forest()?;
    let ending = walk.ending();
    let cites = ending.map_or(Ok(Vec::new()), |ending| site.library.cited(ending.outcome))?;
    let given = walk.given();
    // Answers to later questions count again once this one is answered.
    let parked =
        walk.parked.iter().map(|(asked, answer, _)| (asked.id.clone(), answer.to_string()));
    let kept: Vec<_> = given.iter().cloned().chain(parked).collect();
    let asked = match &walk.state {
        State::Ask(question, heard, _) => {
            let unsure = [&kept[..], &[(question.id.clone(), "unsure".to_owned())]].concat();
            let classes = walk.classes.iter().filter(|class| !class.is_combined());
            let options = classes.flat_map(|class| class.options(forest, question));
            let links = options.map(|(id, label)| {
                let answer = (question.id.clone(), id);
                (label, walk.tree.address(&[&given[..], &[answer]].concat()))
            });
            Some(Asked {
                question,
                control: control(forest, question, heard.as_ref(), true),
                buttons: is_single(question),
                unsure: walk.tree.address(&unsure),
                links: links.collect(),
            })
        }
        _ => None,
    };
    let open = walk.steps.iter().filter(|step| step.answer == Answer::Unsure);
    let find_out = open.map(|step| &*step.question.find_out).filter(|text| !text.is_empty());
    let steps = walk.steps.iter().enumerate().map(|(index, step)| {
        let others = given.iter().enumerate().filter(|(other, _)| *other != index);
        let others: Vec<_> = others.map(|(_, pair)| pair.clone()).collect();
        let more = match &step.answer {
            Answer::Ids(ids) if site.files && !ids.is_empty() => {
                let options = forest.options(step.question).into_iter();
                let options = options.filter(|(id, _)| id != "none" && !ids.contains(id));
                let more = options.map(|(id, label)| {
                    let ids = ids.iter().cloned().chain([id]).collect();
                    let mut given = given.clone();
                    given[index].1 = Answer::Ids(ids).to_string();
                    (label, walk.tree.address(&given))
                });
                more.collect()
            }
            _ => Vec::new(),
        };
        let change = walk.tree.address(&others);
        StepLine { ask: &step.question.ask, label: &step.label, change, more }
    });
    let next = ending.into_iter().flat_map(|ending| &ending.next).filter_map(|(id, set)| {
        let tree = forest.trees.get(id)?;
        let set: Vec<_> = set.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
        Some((&*tree.title, tree.address(&set)))
    });
    let note = note(walk, &cites, site.day);
    let before = given.split_last().map_or(&[][..], |(_, before)| before);
    let page = TreePage {
        frame: Frame::new(site, ""),
        thanks,
        outcome: ending
            .map_or(String::new(), |ending| format!("{}/{}", walk.tree.id, ending.outcome.id)),
        verdict: ending.map_or("", |ending| match ending.outcome.verdict {
            Verdict::Yes => "yes",
            Verdict::No => "no",
            Verdict::Go => "go",
            Verdict::Depends => "depends",
        }),
        work: ending
            .map_or(Vec::new(), |ending| ending.steps.iter().map(|step| pieces(step)).collect()),
        remarks: cites.first().map_or(Vec::new(), |entry| answer::remarks(entry, site.day)),
        confirm: ending.and_then(|ending| forest.link(ending.outcome.confirm.as_ref()?)),
        changes: tree::changes(forest, walk),
        asked,
        branches: match &walk.state {
            State::Open(branches) => branches,
            _ => &[],
        },
        find_out: find_out.collect(),
        steps: steps.collect(),
        next: next.collect(),
        texts: Texts {
            say: ending.map_or(String::new(), |ending| ending.say.clone()),
            chat: ending.map_or(String::new(), chat),
            ticket: note.clone(),
        },
        note,
        back: walk.tree.address(before),
        all: format!("{}?all=1", walk.tree.url()),
        graph: walk.url().replacen(&walk.tree.url(), &format!("{}/graph", walk.tree.url()), 1),
        kept,
        cites,
        walk,
    };
    Ok(write(&page))
}

/// All questions of a tree on one page.
pub(super) fn questions(site: Site<'_>, tree: &Tree) -> Result<String> {
    let forest = site.library.index.forest()?;
    let questions = tree.questions.values().map(|question| Asked {
        question,
        control: control(forest, question, None, false),
        buttons: false,
        unsure: String::new(),
        links: Vec::new(),
    });
    Ok(write(&Questions { frame: Frame::new(site, ""), tree, questions: questions.collect() }))
}

/// The drawing of a tree with the way taken.
pub(super) fn graph(site: Site<'_>, walk: &Walk<'_>) -> Result<String> {
    let forest = site.library.index.forest()?;
    Ok(write(&Graph {
        frame: Frame::new(site, ""),
        tree: walk.tree,
        svg: tree::svg(forest, walk.tree, &walk.answers()),
        outline: tree::outline(forest, walk.tree),
        back: walk.url(),
    }))
}

/// Whether one option is the answer.
fn is_single(question: &Question) -> bool {
    matches!(question.kind, Kind::Choice(_) | Kind::Bool)
}

/// The form for a question; with `focus` it is the only one of the page.
fn control(forest: &Forest, question: &Question, heard: Option<&Answer>, focus: bool) -> String {
    let (min, max, unit) = match &question.kind {
        Kind::Int(min, max, unit) => (*min, *max, &**unit),
        _ => (0, 0, ""),
    };
    write(&Control {
        kind: match question.kind {
            _ if focus && is_single(question) => "button",
            Kind::Choice(_) | Kind::Bool => "radio",
            Kind::Multi(..) => "checkbox",
            Kind::Domain(_) => "select",
            Kind::Int(..) => "number",
            Kind::Date => "date",
            Kind::Text(_) => "text",
        },
        name: &question.id,
        ask: &question.ask,
        options: forest.options(question),
        min,
        max,
        unit,
        heard: heard.map_or(String::new(), ToString::to_string),
        focus,
    })
}

/// A step cut at its links.
fn pieces(step: &str) -> Vec<(String, String)> {
    static LINK: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"\[([^\]]*)\]\((https?://[^)]*)\)").expect("a valid pattern"));
    let (mut pieces, mut at) = (Vec::new(), 0);
    for found in LINK.captures_iter(step) {
        let whole = found.get(0).map_or(0..0, |whole| whole.range());
        pieces.push((step[at..whole.start].to_owned(), String::new()));
        pieces.push((found[1].to_owned(), found[2].to_owned()));
        at = whole.end;
    }
    pieces.push((step[at..].to_owned(), String::new()));
    pieces
}

/// What to write to the customer: what was said, what to do.
fn chat(ending: &Ending<'_>) -> String {
    let steps = ending.steps.iter().enumerate();
    let steps = steps.map(|(index, step)| format!("{}. {}", index + 1, tree::plain(step)));
    let lines = [ending.say.clone()].into_iter().chain(steps).chain(ending.notes.iter().cloned());
    lines.collect::<Vec<_>>().join("\n")
}

/// What to write down after the call: answers, outcome, steps, sources, day.
fn note(walk: &Walk<'_>, cites: &[Entry], day: Date) -> String {
    let Some(ending) = walk.ending() else { return String::new() };
    let mut lines = vec![format!("{}（{day}）", walk.tree.title)];
    lines.extend(
        walk.steps.iter().map(|step| format!("问：{} 答：{}", step.question.ask, step.label)),
    );
    lines.push(format!("结论：{}。{}", ending.outcome.title, ending.say));
    lines.extend(
        ending
            .steps
            .iter()
            .enumerate()
            .map(|(index, step)| format!("{}. {}", index + 1, tree::plain(step))),
    );
    lines.extend(ending.notes.iter().map(|note| format!("· {note}")));
    for entry in cites {
        let date = entry.as_of.map_or(String::new(), |date| format!("，{date}"));
        lines.push(format!("依据：{}（{}{date}）", entry.title, entry.id));
    }
    lines.join("\n")
}
