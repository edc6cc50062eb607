//! What a writer wants to see of the whole: which section is told where, and where the sources disagree.

use super::{Changed, Citation, Content, Disputed, Entry, Section, Source};
use std::collections::HashMap;

/// A section of a source with the entries that cite it.
#[derive(Debug)]
pub struct Covered<'c> {
    pub source: &'c Source,
    pub section: &'c Section,
    /// Ids of entries.
    pub entries: Vec<&'c str>,
}

/// Every section of every source, in their order.
pub fn coverage(content: &Content) -> Vec<Covered<'_>> {
    let mut cited: HashMap<(&str, &str), Vec<&str>> = HashMap::new();
    for entry in &content.entries {
        for Citation { id, section, .. } in grounds(entry) {
            let entries = cited.entry((id, section)).or_default();
            if entries.last() != Some(&&*entry.id) {
                entries.push(&entry.id);
            }
        }
    }
    let sections = content
        .sources
        .iter()
        .flat_map(|source| source.sections.iter().map(move |section| (source, section)));
    let covered = sections.map(|(source, section)| {
        let entries = cited.remove(&(&*source.id, &*section.id)).unwrap_or_default();
        Covered { source, section, entries }
    });
    covered.collect()
}

/// All on which an entry rests, older values and disputes included.
fn grounds(entry: &Entry) -> impl Iterator<Item = &Citation> {
    let changed = entry.changed.iter().flat_map(|changed| &changed.sources);
    let disputed = entry.disputed.iter().flat_map(|disputed| &disputed.sources);
    entry.sources.iter().chain(changed).chain(disputed)
}

/// Where the sources disagree with each other or with themselves; each with the ids of the entries that tell it.
#[derive(Debug, Default)]
pub struct Disagreements<'c> {
    /// Older values that a newer source replaces.
    pub changed: Vec<(&'c Changed, Vec<&'c str>)>,
    /// Statements that cannot be ranked.
    pub disputed: Vec<(&'c Disputed, Vec<&'c str>)>,
    /// Sentences that say that a newer source is silent.
    pub silent: Vec<(String, Vec<&'c str>)>,
}

/// What such a sentence says.
const SILENT: &str = "没有再提";

/// All disagreements that the entries tell, in their order.
pub fn disagreements(content: &Content) -> Disagreements<'_> {
    let mut all = Disagreements::default();
    for entry in &content.entries {
        entry.changed.iter().for_each(|changed| add(&mut all.changed, changed, &entry.id));
        entry.disputed.iter().for_each(|disputed| add(&mut all.disputed, disputed, &entry.id));
        for line in entry.lines() {
            let sentences = line.split_inclusive(['。', '；']);
            for sentence in sentences.filter(|sentence| sentence.contains(SILENT)) {
                add(&mut all.silent, sentence.trim().to_owned(), &entry.id);
            }
        }
    }
    all
}

fn add<'c, T: PartialEq>(all: &mut Vec<(T, Vec<&'c str>)>, one: T, id: &'c str) {
    match all.iter_mut().find(|(other, _)| *other == one) {
        Some((_, ids)) if ids.last() == Some(&id) => {}
        Some((_, ids)) => ids.push(id),
        None => all.push((one, vec![id])),
    }
}
