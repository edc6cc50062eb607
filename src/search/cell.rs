//! Whether a question asks for one cell of a table of facts: it names the keys, and is like what the column is asked by.

use super::{query::Question, rank::Asked};
use crate::{content::Entry, error::Result, index::Index, tree::Forest};
use std::{collections::BTreeMap, ops::Range};

/// From this likeness on, a question that names the keys asks for the column.
const LIKE: f32 = 0.6;

/// The cell that the question asks for, as an entry.
pub(super) fn asked(index: &Index, question: &Question) -> Result<Option<Entry>> {
    let named = named(question);
    if named.is_empty() {
        return Ok(None);
    }
    let Forest { facts, domains, .. } = &index.forest;
    let mut best: Option<(f32, Entry)> = None;
    for table in facts.asked.iter() {
        let keys = || table.key.iter().map(|key| named.get(&**key));
        let places: Vec<Range<usize>> = keys().flatten().map(|(_, range)| range.clone()).collect();
        if places.is_empty() {
            continue;
        }
        let mut asked = Asked::new(index, question, &places)?;
        for (column, number) in &table.columns {
            let likes = asked.likes(index.overview.entries + number);
            let like = likes.map(|like| like.mean()).fold(0.0, f32::max);
            if like < LIKE || best.as_ref().is_some_and(|(most, _)| like <= *most) {
                continue;
            }
            let values: Vec<Option<&str>> = keys().map(|key| Some(key?.0)).collect();
            let [row] = facts.tables[&table.table].rows(&values, domains)[..] else { continue };
            best = facts.cell(&table.table, row, column).map(|entry| (like, entry)).or(best);
        }
    }
    Ok(best.map(|(_, entry)| entry))
}

/// For each domain the only value that the question names, and where.
fn named(question: &Question) -> BTreeMap<&str, (&str, Range<usize>)> {
    let mut told: Vec<_> = question.told.iter().collect();
    // The longest name counts: 云虚拟主机 does not name what is called 虚拟主机.
    told.sort_by(|a, b| b.word.len().cmp(&a.word.len()).then(a.word.cmp(&b.word)));
    let mut found: BTreeMap<&str, Vec<(&str, Range<usize>)>> = BTreeMap::new();
    for (told, (domain, id)) in
        told.iter().flat_map(|told| told.meaning.values.iter().map(move |value| (told, value)))
    {
        let apart = found.entry(domain).or_default();
        let range = &told.range;
        if apart.iter().all(|(_, other)| range.end <= other.start || other.end <= range.start) {
            apart.push((id, range.clone()));
        }
    }
    let only = found.into_iter().filter_map(|(domain, found)| match &found[..] {
        [only] => Some((domain, only.clone())),
        _ => None,
    });
    only.collect()
}
