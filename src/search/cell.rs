//! Whether a question asks for one cell of a table of facts: it names the keys, and is like what the column is asked by.

use super::{fit, query::Question, rank::Asked};
use crate::{content::Entry, error::Result, index::Index, tree::Forest};
use std::{collections::BTreeMap, ops::Range};

/// From this likeness on, a question that names the keys asks for the column.
const LIKE: f32 = 0.6;

/// The cell that the question asks for, as an entry.
pub(super) fn asked(index: &Index, question: &Question) -> Result<Option<Entry>> {
    let named = named(index, question.understood());
    if named.is_empty() {
        return Ok(None);
    }
    let Forest { facts, domains, .. } = index.forest()?;
    let mut best: Option<(f32, Entry)> = None;
    for table in facts.asked.iter() {
        let keys = || table.key.iter().map(|key| named.get(&**key));
        let places: Vec<Range<usize>> = keys().flatten().map(|(_, range)| range.clone()).collect();
        if places.is_empty() {
            continue;
        }
        let asked = Asked::new(index, question, &places)?;
        for (column, number) in &table.columns {
            let likes = index.column_names(*number).map(|name| asked.like(name).mean());
            let like = likes.fold(0.0, f32::max);
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

/// For each domain the only value that the text names, and where.
fn named<'i>(index: &'i Index, text: &str) -> BTreeMap<&'i str, (&'i str, Range<usize>)> {
    let mut named = BTreeMap::new();
    for (domain, names) in &index.overview.names {
        let mut found: Vec<(&str, Range<usize>)> = names
            .iter()
            .filter_map(|(name, id)| {
                let at = fit::find(text, name)?;
                Some((&**id, at..at + name.len()))
            })
            .collect();
        // The longest name counts: 云虚拟主机 does not name what is called 虚拟主机.
        found.sort_by_key(|(_, range)| std::cmp::Reverse(range.len()));
        let mut apart: Vec<(&str, Range<usize>)> = Vec::new();
        for (id, range) in found {
            if apart.iter().all(|(_, other)| range.end <= other.start || other.end <= range.start) {
                apart.push((id, range));
            }
        }
        if let [(only, range)] = &apart[..] {
            named.insert(&**domain, (*only, range.clone()));
        }
    }
    named
}
