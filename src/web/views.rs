//! The pages: structs of ready values; the templates only lay them out.

use super::{Site, assets};
use crate::{
    answer::{self, Answer, Status},
    content::{self, Changed, Citation, Disputed, Entry, Link},
    error::Result,
    library::{Summary, topic_url},
    search::{self, Correction, Passage},
    tree::State,
};
use askama::Template;
use jiff::civil::Date;

/// What every page has.
pub(super) struct Frame<'a> {
    pub(super) title: &'a str,
    pub(super) style: String,
    pub(super) script: String,
    pub(super) icon: String,
    /// What stands in the search box.
    pub(super) question: &'a str,
    pub(super) version: &'a str,
    /// From when to when the sources date.
    pub(super) dates: Option<(Date, Date)>,
    pub(super) entries: usize,
    pub(super) problems: usize,
    /// Whether the page becomes a file.
    pub(super) files: bool,
}

impl<'a> Frame<'a> {
    pub(super) fn new(site: Site<'a>, question: &'a str) -> Self {
        let overview = &site.library.index.overview;
        Self {
            title: &overview.title,
            style: assets::style(),
            script: assets::script(),
            icon: assets::icon(),
            question,
            version: &overview.version,
            dates: site.library.index.dates(),
            entries: overview.entries,
            problems: overview.problems.len(),
            files: site.files,
        }
    }
}

#[derive(Template)]
#[template(path = "home.html")]
struct Home<'a> {
    frame: Frame<'a>,
    topics: Vec<TopicLine<'a>>,
    /// Titles and addresses.
    trees: Vec<(&'a str, String)>,
}

struct TopicLine<'a> {
    title: &'a str,
    url: String,
    count: usize,
}

#[derive(Template)]
#[template(path = "topic.html")]
struct Topic<'a> {
    frame: Frame<'a>,
    title: &'a str,
    line: &'a str,
    entries: Vec<&'a Summary>,
}

#[derive(Template)]
#[template(path = "search.html")]
struct Search<'a> {
    frame: Frame<'a>,
    cut: bool,
    unmatched: Vec<&'a str>,
    corrections: &'a [Correction],
    /// The address of the question without corrections.
    exact: String,
    reply: Option<Reply<'a>>,
    /// Answers to other intentions.
    also: Vec<Reply<'a>>,
    tree: Option<Beside<'a>>,
    /// Entries to choose from.
    choices: Vec<Line<'a>>,
    unknown: bool,
    /// The hits that are not the answer or a choice.
    hits: Vec<Line<'a>>,
}

/// The answer on top of the page.
struct Reply<'a> {
    title: &'a str,
    url: String,
    say: &'a str,
    more: Vec<&'a str>,
    notes: Notes<'a>,
}

/// The tree that the question may want.
struct Beside<'a> {
    title: &'a str,
    /// Where the walk stands.
    url: String,
    /// What was heard or assumed: question, answer, whether it is assumed, and the address without it.
    chips: Vec<(&'a str, String, bool, String)>,
    /// The next question with its options and their addresses.
    next: Option<(&'a str, Vec<(String, String)>)>,
    /// Whether the tree answers or asks by itself.
    first: bool,
}

impl<'a> Beside<'a> {
    fn new(site: Site<'a>, answer: &Answer, unheard: &[String]) -> Result<Option<Self>> {
        let (Some(walk), Some(wanted)) = (answer.walk(site.library)?, &answer.tree) else {
            return Ok(None);
        };
        let (tree, given) = (walk.tree, walk.given());
        let without = |id: &str| {
            let ids: Vec<&str> = unheard.iter().map(|id| &**id).chain([id]).collect();
            address(&answer.question.asked, &ids)
        };
        let chips = walk.steps.iter().map(|step| {
            let id = &step.question.id;
            let assumed = wanted.heard.assumed.contains_key(id);
            (&*step.question.ask, step.label.clone(), assumed, without(id))
        });
        let next = match &walk.state {
            State::Ask(question, ..) => {
                let options = site.library.index.forest()?.options(question);
                let options = options.into_iter().map(|(id, label)| {
                    let set = [&given[..], &[(question.id.clone(), id)]].concat();
                    (label, tree.address(&set))
                });
                Some((&*question.ask, options.collect()))
            }
            _ => None,
        };
        Ok(Some(Self {
            title: &tree.title,
            url: walk.url(),
            chips: chips.collect(),
            next,
            first: matches!(answer.status, Status::Outcome(_) | Status::Ask),
        }))
    }
}

/// The address of a search without what was heard for these questions of trees.
fn address(question: &str, unheard: &[&str]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("q", question).extend_pairs(unheard.iter().map(|id| ("not", id)));
    format!("/search?{}", query.finish())
}

impl<'a> Reply<'a> {
    fn new(site: Site<'a>, entry: &'a Entry, passage: &'a Passage) -> Self {
        Self {
            title: &entry.title,
            url: entry.url(),
            say: &passage.say,
            more: passage.more().collect(),
            notes: Notes::new(site, entry),
        }
    }
}

/// A hit in a list.
struct Line<'a> {
    title: &'a str,
    url: String,
    trail: String,
    /// Pieces of the snippet, with whether the question has them.
    snippet: Vec<(bool, String)>,
    also_at: Vec<String>,
}

/// Source, date and all else that must be said with a statement.
struct Notes<'a> {
    sources: &'a [Citation],
    changed: &'a [Changed],
    scope: Vec<String>,
    remarks: Vec<String>,
    confirm: Option<&'a Link>,
}

impl<'a> Notes<'a> {
    fn new(site: Site<'_>, entry: &'a Entry) -> Self {
        Self {
            sources: &entry.sources,
            changed: &entry.changed,
            scope: site.library.scope(entry),
            remarks: answer::remarks(entry, site.day),
            confirm: entry.confirm.as_ref(),
        }
    }
}

#[derive(Template)]
#[template(path = "entry.html")]
struct EntryPage<'a> {
    frame: Frame<'a>,
    entry: &'a Entry,
    topic: TopicLine<'a>,
    trail: String,
    html: String,
    notes: Notes<'a>,
    related: Vec<&'a Summary>,
    /// Titles and addresses of trees that cite the entry, or that it names.
    trees: Vec<(&'a str, String)>,
}

impl EntryPage<'_> {
    fn disputed(&self) -> &[Disputed] {
        &self.entry.disputed
    }
}

#[derive(Template)]
#[template(path = "missing.html")]
struct Missing<'a> {
    frame: Frame<'a>,
}

#[derive(Template)]
#[template(path = "failure.html")]
struct Failure<'a> {
    frame: Frame<'a>,
    title: &'a str,
    detail: &'a str,
}

/// The page to begin with.
pub(super) fn home(site: Site<'_>) -> Result<String> {
    let summaries = site.library.summaries()?;
    let line = |topic: &'_ content::Topic| {
        summaries.iter().filter(|entry| entry.topic == topic.id).count()
    };
    let topics =
        site.library.index.overview.topics.iter().map(|topic| topic_line(topic, line(topic)));
    Ok(write(&Home {
        frame: Frame::new(site, ""),
        topics: topics.filter(|topic| topic.count > 0).collect(),
        trees: site
            .library
            .index
            .forest()?
            .trees
            .values()
            .map(|tree| (&*tree.title, tree.url()))
            .collect(),
    }))
}

/// The entries of a topic, or nothing if there is no such topic.
pub(super) fn topic(site: Site<'_>, id: &str) -> Result<Option<String>> {
    let Some(topic) = site.library.index.overview.topics.iter().find(|topic| topic.id == id) else {
        return Ok(None);
    };
    let entries = site.library.summaries()?.iter().filter(|entry| entry.topic == id).collect();
    Ok(Some(write(&Topic {
        frame: Frame::new(site, ""),
        title: &topic.title,
        line: &topic.line,
        entries,
    })))
}

/// The answer to a question, and what else was found.
pub(super) fn search(site: Site<'_>, answer: &Answer, unheard: &[String]) -> Result<String> {
    let (reply, choices) = match (&answer.status, answer.hits.first()) {
        (Status::Answered(passage), Some(hit)) => (Some(Reply::new(site, &hit.entry, passage)), 0),
        (Status::Outcome(settled), _) => {
            let reply = Reply {
                title: &settled.title,
                url: settled.url.clone(),
                say: &settled.say,
                more: settled.text.lines().skip(1).collect(),
                notes: Notes {
                    sources: &settled.sources,
                    changed: &[],
                    scope: Vec::new(),
                    remarks: settled.remarks.clone(),
                    confirm: None,
                },
            };
            (Some(reply), 0)
        }
        (Status::Choose(count), _) => (None, *count),
        _ => (None, 0),
    };
    let lines = || answer.hits.iter().map(|hit| line(hit, answer));
    let shown = if matches!(answer.status, Status::Answered(_)) { 1 } else { choices };
    Ok(write(&Search {
        frame: Frame::new(site, &answer.question.asked),
        cut: answer.question.cut,
        unmatched: answer.question.unmatched(),
        corrections: &answer.question.corrections,
        exact: format!("{}&exact=1", address(&answer.question.asked, &[])),
        also: answer.also.iter().map(|(entry, passage)| Reply::new(site, entry, passage)).collect(),
        unknown: !answer.is_known(),
        tree: Beside::new(site, answer, unheard)?,
        reply,
        choices: lines().take(choices).collect(),
        hits: lines().skip(shown).collect(),
    }))
}

/// One entry, whole.
pub(super) fn entry(site: Site<'_>, entry: &Entry) -> Result<String> {
    let topics = &site.library.index.overview.topics;
    let topic = topics.iter().find(|topic| topic.id == entry.topic);
    let page = EntryPage {
        frame: Frame::new(site, ""),
        topic: topic.map_or(TopicLine { title: "", url: String::new(), count: 0 }, |topic| {
            topic_line(topic, 0)
        }),
        trail: entry
            .trail
            .last()
            .filter(|last| topic.is_none_or(|topic| topic.title != **last))
            .cloned()
            .unwrap_or_default(),
        html: content::render(&entry.blocks, ""),
        notes: Notes::new(site, entry),
        related: site.library.related(entry)?,
        trees: site
            .library
            .trees_about(entry)?
            .into_iter()
            .map(|tree| (&*tree.title, tree.url()))
            .collect(),
        entry,
    };
    Ok(write(&page))
}

/// There is nothing at this address.
pub(super) fn missing(site: Site<'_>) -> Result<String> {
    Ok(write(&Missing { frame: Frame::new(site, "") }))
}

/// A request that cannot be answered; `question` is what of it can still be searched for.
pub(super) fn failure(site: Site<'_>, title: &str, detail: &str, question: &str) -> String {
    write(&Failure { frame: Frame::new(site, question), title, detail })
}

pub(super) fn write(page: &impl Template) -> String {
    page.render().expect("our templates only write to strings")
}

fn topic_line(topic: &content::Topic, count: usize) -> TopicLine<'_> {
    TopicLine { title: &topic.title, url: topic_url(&topic.id), count }
}

fn line<'a>(hit: &'a search::Hit, answer: &Answer) -> Line<'a> {
    let search::Snippet { text, marks } = search::snippet(&hit.entry, &answer.question);
    let mut snippet = Vec::new();
    let mut at = 0;
    for mark in marks {
        snippet.push((false, text[at..mark.start].to_owned()));
        snippet.push((true, text[mark.clone()].to_owned()));
        at = mark.end;
    }
    snippet.push((false, text[at..].to_owned()));
    Line {
        title: &hit.entry.title,
        url: hit.entry.url(),
        trail: hit.entry.trail.join(" › "),
        snippet,
        also_at: hit.also_at.iter().map(|id| content::link::url(id)).collect(),
    }
}
