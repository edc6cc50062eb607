//! The pages: structs of ready values; the templates only lay them out.

use super::{Site, assets};
use crate::{
    answer::{self, Answer, Status},
    content::{self, Changed, Citation, Disputed, Entry, Kind, Link, Section},
    error::Result,
    library::{Summary, topic_url},
    search::{self, Correction, Hit, Question},
    tree::{State, Tree},
};
use askama::Template;
use jiff::civil::Date;
use std::{borrow::Cow, cmp::Reverse, sync::LazyLock};

/// How many near entries the page for a wrong address shows.
const NEAREST: usize = 5;

/// What every page has.
pub(super) struct Frame<'a> {
    pub(super) title: &'a str,
    pub(super) style: String,
    pub(super) script: String,
    pub(super) icon: String,
    /// What stands in the search box.
    pub(super) question: &'a str,
    /// Whether one types at once.
    pub(super) focus: bool,
    pub(super) recording: bool,
    pub(super) version: &'a str,
    /// From when to when the sources date.
    pub(super) dates: Option<(Date, Date)>,
    pub(super) entries: usize,
    pub(super) problems: usize,
    /// How many problems newer content has because of which it is not shown.
    pub(super) stale: Option<usize>,
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
            focus: false,
            recording: site.recording,
            version: &overview.version,
            dates: site.library.index.dates(),
            entries: overview.entries,
            problems: overview.problems.len(),
            stale: site.stale,
            files: site.files,
        }
    }
}

#[derive(Template)]
#[template(path = "home.html")]
struct Home<'a> {
    frame: Frame<'a>,
    /// The trees that most calls need.
    main: Vec<TreeLine<'a>>,
    /// How many trees there are.
    trees: usize,
    topics: Vec<TopicLine<'a>>,
    recent: Vec<Entry>,
}

/// A tree in a list.
pub(super) struct TreeLine<'a> {
    pub(super) title: &'a str,
    pub(super) url: String,
    /// What it asks first.
    pub(super) first: &'a str,
}

impl<'a> TreeLine<'a> {
    pub(super) fn new(tree: &'a Tree) -> Self {
        let first = tree.questions.values().next();
        Self {
            title: &tree.title,
            url: tree.url(),
            first: first.map_or("", |question| &question.ask),
        }
    }
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
    /// Something was recorded just now.
    thanks: bool,
    cut: bool,
    unmatched: Vec<&'a str>,
    corrections: &'a [Correction],
    /// The address of the question without corrections.
    exact: String,
    /// The address of this page.
    back: String,
    /// The answer, then answers to other intentions.
    replies: Vec<Reply<'a>>,
    tree: Option<Beside<'a>>,
    /// Whether the tree asks because nothing answers.
    asks: bool,
    /// Entries to choose from, each with its first paragraph.
    choices: Vec<(Line<'a>, &'a str)>,
    unknown: bool,
    /// What goes with the answer.
    related: Vec<&'a Summary>,
    /// The hits that are not the answer or a choice.
    hits: Vec<Line<'a>>,
}

/// An answer.
struct Reply<'a> {
    /// The id of the entry, or of the tree and its outcome.
    id: &'a str,
    title: &'a str,
    url: String,
    more: Vec<&'a str>,
    notes: Notes<'a>,
    texts: Texts,
    /// Why it was found.
    why: Option<Why<'a>>,
}

impl<'a> Reply<'a> {
    fn entry(
        site: Site<'a>,
        question: &'a Question,
        entry: &'a Entry,
        passage: &'a search::Passage,
    ) -> Self {
        let more: Vec<&str> = passage.more().collect();
        let notes = Notes::new(site, entry);
        let texts = Texts::new(
            site,
            &question.asked,
            (&entry.title, &entry.id),
            &passage.say,
            &more,
            &notes,
        );
        Self { id: &entry.id, title: &entry.title, url: entry.url(), more, notes, texts, why: None }
    }

    fn outcome(site: Site<'a>, question: &'a Question, settled: &'a answer::Settled) -> Self {
        let more: Vec<&str> = settled.text.lines().skip(1).collect();
        let notes = Notes {
            sources: &settled.sources,
            listed: true,
            changed: &[],
            scope: Vec::new(),
            remarks: settled.remarks.clone(),
            confirm: None,
        };
        let texts = Texts::new(
            site,
            &question.asked,
            (&settled.title, &settled.id),
            &settled.say,
            &more,
            &notes,
        );
        Self {
            id: &settled.id,
            title: &settled.title,
            url: settled.url.clone(),
            more,
            notes,
            texts,
            why: None,
        }
    }
}

/// What can be copied, as plain text.
pub(super) struct Texts {
    /// The sentence to read out.
    pub(super) say: String,
    /// For a chat with the customer.
    pub(super) chat: String,
    /// For the record of the call, with everything it rests on.
    pub(super) ticket: String,
}

impl Texts {
    fn new(
        site: Site<'_>,
        question: &str,
        (title, id): (&str, &str),
        say: &str,
        more: &[&str],
        notes: &Notes<'_>,
    ) -> Self {
        let cited = |source: &Citation| {
            let date = source.date.map_or("未注明日期".to_owned(), |date| date.to_string());
            format!("《{}》{}（{date}）", source.title, source.place())
        };
        let confirm = notes.confirm.filter(|link| !link.dead);
        let confirm = confirm.map(|link| format!("办理前请核对：{} {}", link.title, link.url));
        let answer: Vec<&str> = [say].into_iter().chain(more.iter().copied()).collect();
        let mut chat: Vec<String> = answer.iter().map(|line| (*line).to_owned()).collect();
        chat.extend(notes.sources.first().map(|source| format!("\n依据{}", cited(source))));
        chat.extend(confirm.clone());
        let mut ticket = Vec::new();
        if !question.is_empty() {
            ticket.push(format!("问题：{question}"));
        }
        ticket.push(format!("答复：{}", answer.join("\n")));
        ticket.push(format!("条目：{title}（{id}）"));
        ticket.extend(notes.sources.iter().map(|source| format!("依据：{}", cited(source))));
        if !notes.scope.is_empty() {
            ticket.push(format!("适用：{}", notes.scope.join("、")));
        }
        ticket.extend(notes.changed.iter().map(|old| format!("从前：{}：{}", old.what, old.was)));
        ticket.extend(notes.remarks.iter().map(|remark| format!("注意：{remark}")));
        ticket.extend(confirm);
        ticket
            .push(format!("查询：{}，内容版本 {}", site.day, site.library.index.overview.version));
        Self { say: say.to_owned(), chat: chat.join("\n"), ticket: ticket.join("\n") }
    }
}

/// How the score of a hit came about.
struct Why<'a> {
    score: Cow<'static, str>,
    grounds: [(&'static str, Cow<'static, str>); 5],
    words: Vec<Word<'a>>,
}

/// A word of the question, and where the entry has it.
struct Word<'a> {
    text: &'a str,
    weight: Cow<'static, str>,
    place: Cow<'static, str>,
    value: Cow<'static, str>,
}

/// A number with two digits behind the point. A page has hundreds of them, nearly all from 0 to 1.
fn number(value: f32) -> Cow<'static, str> {
    static HUNDREDTHS: LazyLock<Vec<String>> = LazyLock::new(|| {
        (0..=100_u8).map(|count| format!("{:.2}", f32::from(count) / 100.0)).collect()
    });
    let count = (f64::from(value) * 100.0).round_ties_even();
    match HUNDREDTHS.get(count as usize).filter(|_| value >= 0.0) {
        Some(text) => Cow::Borrowed(text),
        None => Cow::Owned(format!("{value:.2}")),
    }
}

impl<'a> Why<'a> {
    fn new(hit: &Hit, question: &'a Question) -> Self {
        let search::Grounds { coverage, nearest, likeness, block, typical } = hit.grounds;
        let words = question.units.iter().zip(&hit.covers).map(|(unit, cover)| Word {
            text: &unit.text,
            weight: number(unit.weight),
            place: match (&cover.place, &cover.by) {
                (None, _) => Cow::Borrowed("没有对上"),
                (Some(place), None) => Cow::Borrowed(place.name()),
                (Some(place), Some(by)) => Cow::Owned(format!("{}「{by}」", place.name())),
            },
            value: number(cover.value),
        });
        Self {
            score: number(hit.score),
            grounds: [
                ("问题的词有多少在条目里", number(coverage)),
                ("和最像的一种问法", number(nearest)),
                ("和最像的几种问法平均", number(likeness)),
                ("标题加一段里有多少", number(block)),
                ("条目说得有多频繁", number(typical)),
            ],
            words: words.collect(),
        }
    }
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
    /// The address for "I do not know".
    unsure: String,
}

impl<'a> Beside<'a> {
    fn new(site: Site<'a>, answer: &Answer, unheard: &[String]) -> Result<Option<Self>> {
        let (Some(walk), Some(wanted)) = (answer.walk(site.library), &answer.tree) else {
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
        let (mut next, mut unsure) = (None, String::new());
        if let State::Ask(question, ..) = &walk.state {
            let with =
                |id: String| tree.address(&[&given[..], &[(question.id.clone(), id)]].concat());
            let options = site.library.index.forest.options(question);
            let options = options.into_iter().map(|(id, label)| (label, with(id)));
            next = Some((&*question.ask, options.collect()));
            unsure = with("unsure".to_owned());
        }
        Ok(Some(Self { title: &tree.title, url: walk.url(), chips: chips.collect(), next, unsure }))
    }
}

/// The address of a search without what was heard for these questions of trees.
fn address(question: &str, unheard: &[&str]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("q", question).extend_pairs(unheard.iter().map(|id| ("not", id)));
    format!("/search?{}", query.finish())
}

/// A hit in a list.
struct Line<'a> {
    title: &'a str,
    url: String,
    trail: String,
    /// Pieces of the snippet, with whether the question has them.
    snippet: Vec<(bool, String)>,
    also_at: Vec<String>,
    why: Why<'a>,
}

impl<'a> Line<'a> {
    fn new(hit: &'a Hit, question: &'a Question) -> Self {
        let search::Snippet { text, marks } = search::snippet(hit, question);
        let mut snippet = Vec::new();
        let mut at = 0;
        for mark in marks {
            snippet.push((false, text[at..mark.start].to_owned()));
            snippet.push((true, text[mark.clone()].to_owned()));
            at = mark.end;
        }
        snippet.push((false, text[at..].to_owned()));
        Self {
            title: &hit.entry.title,
            url: hit.entry.url(),
            trail: hit.entry.trail.join(" › "),
            snippet,
            also_at: hit.also_at.iter().map(|id| content::link::url(id)).collect(),
            why: Why::new(hit, question),
        }
    }
}

/// Source, date and all else that must be said with a statement.
struct Notes<'a> {
    sources: &'a [Citation],
    /// Whether there is a page of sources.
    listed: bool,
    changed: &'a [Changed],
    scope: Vec<String>,
    remarks: Vec<String>,
    confirm: Option<&'a Link>,
}

impl<'a> Notes<'a> {
    fn new(site: Site<'_>, entry: &'a Entry) -> Self {
        Self {
            sources: &entry.sources,
            listed: site.library.is_ours(),
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
    /// Something was recorded just now.
    thanks: bool,
    entry: &'a Entry,
    topic: TopicLine<'a>,
    trail: String,
    html: String,
    /// The headings: level, anchor, text.
    contents: Vec<(u8, String, &'a str)>,
    texts: Texts,
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
#[template(path = "sources.html")]
struct Sources<'a> {
    frame: Frame<'a>,
    sources: Vec<SourcePart<'a>>,
}

/// A source with what rests on it.
struct SourcePart<'a> {
    id: &'a str,
    title: &'a str,
    publisher: &'a str,
    date: Date,
    entries: usize,
    sections: Vec<SectionPart<'a>>,
}

struct SectionPart<'a> {
    title: &'a str,
    left_out: Option<&'a str>,
    entries: Vec<&'a Summary>,
}

#[derive(Template)]
#[template(path = "missing.html")]
struct Missing<'a> {
    frame: Frame<'a>,
    nearest: Vec<&'a Summary>,
}

#[derive(Template)]
#[template(path = "failure.html")]
struct Failure<'a> {
    frame: Frame<'a>,
    title: &'a str,
    detail: &'a str,
}

/// The page to begin with. It reads no more than it shows, for it is the first that is asked for.
pub(super) fn home(site: Site<'_>) -> Result<String> {
    let overview = &site.library.index.overview;
    let count = |topic: &content::Topic| *overview.counts.get(&topic.id).unwrap_or(&0);
    let topics = overview.topics.iter().map(|topic| topic_line(topic, count(topic)));
    let forest = &site.library.index.forest;
    let main = overview.main.iter().filter_map(|id| forest.trees.get(id));
    let recent = overview.recent.iter().filter_map(|id| site.library.entry(id).transpose());
    Ok(write(&Home {
        frame: Frame { focus: true, ..Frame::new(site, "") },
        main: main.map(|tree| TreeLine::new(tree)).collect(),
        trees: forest.trees.len(),
        topics: topics.filter(|topic| topic.count > 0).collect(),
        recent: recent.collect::<Result<_>>()?,
    }))
}

/// The entries of a topic, or nothing if there is no such topic.
pub(super) fn topic(site: Site<'_>, id: &str) -> Result<Option<String>> {
    let library = site.library;
    let Some(topic) = library.index.overview.topics.iter().find(|topic| topic.id == id) else {
        return Ok(None);
    };
    let entries = library.summaries()?.iter().filter(|entry| entry.topic == id).collect();
    Ok(Some(write(&Topic {
        frame: Frame::new(site, ""),
        title: &topic.title,
        line: &topic.line,
        entries,
    })))
}

/// The answer to a question, and what else was found. With `thanks`, something was recorded just now.
pub(super) fn search(
    site: Site<'_>,
    answer: &Answer,
    unheard: &[String],
    thanks: bool,
) -> Result<String> {
    let question = &answer.question;
    let (mut replies, mut related) = (Vec::new(), Vec::new());
    let (mut shown, mut choices) = (0, 0);
    match (&answer.status, answer.hits.first()) {
        (Status::Answered(passage), Some(hit)) => {
            let why = Some(Why::new(hit, question));
            replies.push(Reply { why, ..Reply::entry(site, question, &hit.entry, passage) });
            related = site.library.related(&hit.entry)?;
            shown = 1;
        }
        (Status::Outcome(settled), _) => replies.push(Reply::outcome(site, question, settled)),
        (Status::Choose(count), _) => (shown, choices) = (*count, *count),
        _ => {}
    }
    let also = answer.also.iter();
    replies.extend(also.map(|(entry, passage)| Reply::entry(site, question, entry, passage)));
    let unheard_ids: Vec<&str> = unheard.iter().map(|id| &**id).collect();
    let choices = answer.hits.iter().take(choices);
    let hits = answer.hits.iter().skip(shown);
    Ok(write(&Search {
        frame: Frame::new(site, &question.asked),
        thanks,
        cut: question.cut,
        unmatched: question.unmatched(),
        corrections: &question.corrections,
        exact: format!("{}&exact=1", address(&question.asked, &[])),
        back: address(&question.asked, &unheard_ids),
        replies,
        tree: Beside::new(site, answer, unheard)?,
        asks: answer.status == Status::Ask,
        choices: choices.map(|hit| (Line::new(hit, question), hit.entry.say())).collect(),
        unknown: !answer.is_known(),
        related,
        hits: hits.map(|hit| Line::new(hit, question)).collect(),
    }))
}

/// One entry, whole. With `thanks`, something was recorded just now.
pub(super) fn entry(site: Site<'_>, entry: &Entry, thanks: bool) -> Result<String> {
    let topics = &site.library.index.overview.topics;
    let topic = topics.iter().find(|topic| topic.id == entry.topic);
    let headings = entry.blocks.iter().filter_map(|block| match block.kind {
        Kind::Heading(level) => Some((level, &*block.text)),
        _ => None,
    });
    let contents =
        headings.enumerate().map(|(at, (level, text))| (level, content::anchor(at), text));
    let notes = Notes::new(site, entry);
    let page = EntryPage {
        frame: Frame::new(site, ""),
        thanks,
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
        contents: contents.collect(),
        texts: Texts::new(site, "", (&entry.title, &entry.id), entry.say(), &[], &notes),
        notes,
        related: site.library.related(entry)?,
        trees: site
            .library
            .trees_about(entry)
            .into_iter()
            .map(|tree| (&*tree.title, tree.url()))
            .collect(),
        entry,
    };
    Ok(write(&page))
}

/// All sources, the newest first, each with the entries that rest on it.
pub(super) fn sources(site: Site<'_>) -> Result<String> {
    let summaries = site.library.summaries()?;
    let mut sources: Vec<&content::Source> = site.library.index.overview.sources.iter().collect();
    sources.sort_by_key(|source| Reverse(source.date));
    let part = |source: &'_ content::Source| {
        let citing = |section: &Section| {
            let cites = |entry: &&Summary| {
                entry.cites.iter().any(|(id, at)| *id == source.id && *at == section.id)
            };
            summaries.iter().filter(cites).collect()
        };
        (
            summaries.iter().filter(|entry| entry.rests_on(source)).count(),
            source.sections.iter().map(citing).collect::<Vec<Vec<_>>>(),
        )
    };
    let sources = sources.into_iter().map(|source| {
        let (entries, citing) = part(source);
        let sections = source.sections.iter().zip(citing).map(|(section, entries)| SectionPart {
            title: &section.title,
            left_out: section.left_out.as_deref(),
            entries,
        });
        SourcePart {
            id: &source.id,
            title: &source.title,
            publisher: &source.publisher,
            date: source.date,
            entries,
            sections: sections.collect(),
        }
    });
    Ok(write(&Sources { frame: Frame::new(site, ""), sources: sources.collect() }))
}

/// There is nothing at this address, but perhaps at one with the same words.
pub(super) fn missing(site: Site<'_>, path: &str) -> Result<String> {
    let words = |id: &str| -> Vec<String> {
        let words = id.split(|c: char| !c.is_alphanumeric()).filter(|word| word.len() > 2);
        words.map(str::to_lowercase).collect()
    };
    let asked = words(path);
    let shared =
        |entry: &Summary| words(&entry.id).iter().filter(|word| asked.contains(word)).count();
    let mut nearest: Vec<(usize, &Summary)> =
        site.library.summaries()?.iter().map(|entry| (shared(entry), entry)).collect();
    nearest.retain(|(count, _)| *count > 0);
    nearest.sort_by_key(|(count, _)| Reverse(*count));
    nearest.truncate(NEAREST);
    Ok(write(&Missing {
        frame: Frame::new(site, ""),
        nearest: nearest.into_iter().map(|(_, entry)| entry).collect(),
    }))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_two_digits() {
        for count in 0..=4000_u16 {
            let value = f32::from(count) / 1600.0;
            assert_eq!(number(value), format!("{value:.2}"));
        }
        assert_eq!(number(-0.125), "-0.12");
    }
}
