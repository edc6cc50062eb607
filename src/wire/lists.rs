//! The JSON shapes of what the library holds: `/api/v1/entries`, `topics`, `sources`.

use super::{EntryJson, entry};
use crate::{
    Library, Result, answer, content,
    library::{self, Summary},
};
use jiff::civil::Date;
use serde::Serialize;

/// All entries.
#[derive(Serialize)]
pub struct EntriesJson<'a> {
    /// The version of the content.
    version: &'a str,
    entries: Vec<SummaryJson<'a>>,
}

#[derive(Serialize)]
struct SummaryJson<'a> {
    id: &'a str,
    title: &'a str,
    topic: &'a str,
    say: &'a str,
    as_of: Option<Date>,
    url: String,
}

/// One entry with what its page shows beside it.
#[derive(Serialize)]
pub struct EntryPageJson<'a> {
    version: &'a str,
    day: Date,
    entry: EntryJson<'a>,
    /// For whom it holds, in words; empty if for all.
    holds_for: Vec<String>,
    /// That the statement is old, undated or due for review.
    remarks: Vec<String>,
    /// Where to make sure today.
    confirm: Option<ConfirmJson<'a>>,
    related: Vec<NamedJson<'a>>,
    /// The trees that cite it, or that it names.
    trees: Vec<NamedJson<'a>>,
}

#[derive(Serialize)]
struct ConfirmJson<'a> {
    title: &'a str,
    url: &'a str,
    /// Nobody answers there any more.
    dead: bool,
}

#[derive(Serialize)]
struct NamedJson<'a> {
    id: &'a str,
    title: &'a str,
    url: String,
}

/// All topics.
#[derive(Serialize)]
pub struct TopicsJson<'a> {
    version: &'a str,
    topics: Vec<TopicJson<'a>>,
}

#[derive(Serialize)]
struct TopicJson<'a> {
    id: &'a str,
    title: &'a str,
    line: &'a str,
    /// How many entries it has.
    entries: usize,
    url: String,
}

/// All sources.
#[derive(Serialize)]
pub struct SourcesJson<'a> {
    version: &'a str,
    sources: Vec<SourceJson<'a>>,
}

#[derive(Serialize)]
struct SourceJson<'a> {
    id: &'a str,
    title: &'a str,
    publisher: &'a str,
    date: Date,
    /// How many entries rest on it.
    entries: usize,
    sections: Vec<SectionJson<'a>>,
}

#[derive(Serialize)]
struct SectionJson<'a> {
    id: &'a str,
    title: &'a str,
    /// Why no entry rests on it.
    left_out: Option<&'a str>,
}

/// The shape of all entries, by topic and id. Fails if the index cannot be read.
pub fn entries<'a>(library: &'a Library) -> Result<EntriesJson<'a>> {
    let shape = |entry: &'a Summary| SummaryJson {
        id: &entry.id,
        title: &entry.title,
        topic: &entry.topic,
        say: &entry.say,
        as_of: entry.as_of,
        url: entry.url(),
    };
    Ok(EntriesJson {
        version: &library.index.overview.version,
        entries: library.summaries()?.iter().map(shape).collect(),
    })
}

/// The shape of an entry as its page shows it on `day`. Fails if the index cannot be read.
pub fn entry_page<'a>(
    library: &'a Library,
    entry: &'a content::Entry,
    day: Date,
) -> Result<EntryPageJson<'a>> {
    let related = library.related(entry)?.into_iter().map(|other| NamedJson {
        id: &other.id,
        title: &other.title,
        url: other.url(),
    });
    let trees = library.trees_about(entry).into_iter().map(|tree| NamedJson {
        id: &tree.id,
        title: &tree.title,
        url: tree.url(),
    });
    let confirm = entry.confirm.as_ref().map(|content::Link { title, url, dead }| ConfirmJson {
        title,
        url,
        dead: *dead,
    });
    Ok(EntryPageJson {
        version: &library.index.overview.version,
        day,
        entry: self::entry(entry),
        holds_for: library.scope(entry),
        remarks: answer::remarks(entry, day),
        confirm,
        related: related.collect(),
        trees: trees.collect(),
    })
}

/// The shape of all topics. Fails if the index cannot be read.
pub fn topics<'a>(library: &'a Library) -> Result<TopicsJson<'a>> {
    let entries = library.summaries()?;
    let shape = |topic: &'a content::Topic| TopicJson {
        id: &topic.id,
        title: &topic.title,
        line: &topic.line,
        entries: entries.iter().filter(|entry| entry.topic == topic.id).count(),
        url: library::topic_url(&topic.id),
    };
    let overview = &library.index.overview;
    Ok(TopicsJson {
        version: &overview.version,
        topics: overview.topics.iter().map(shape).collect(),
    })
}

/// The shape of all sources. Fails if the index cannot be read.
pub fn sources<'a>(library: &'a Library) -> Result<SourcesJson<'a>> {
    let entries = library.summaries()?;
    let section = |section: &'a content::Section| {
        let content::Section { id, title, left_out } = section;
        SectionJson { id, title, left_out: left_out.as_deref() }
    };
    let shape = |source: &'a content::Source| SourceJson {
        id: &source.id,
        title: &source.title,
        publisher: &source.publisher,
        date: source.date,
        entries: entries.iter().filter(|entry| entry.rests_on(source)).count(),
        sections: source.sections.iter().map(section).collect(),
    };
    let overview = &library.index.overview;
    Ok(SourcesJson {
        version: &overview.version,
        sources: overview.sources.iter().map(shape).collect(),
    })
}
