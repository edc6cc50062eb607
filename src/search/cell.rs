//! Whether a question asks for one cell of a table of facts: it names the keys, and is like what the column is asked by.

use super::{fit, query::Question, rank::Asked};
use crate::{content::Entry, error::Result, index::Index};
use std::{collections::BTreeMap, ops::Range};

/// From this likeness on, a question that names the keys asks for the column.
const LIKE: f32 = 0.6;

/// The cell that the question asks for, as an entry.
pub(super) fn asked(index: &Index, question: &Question) -> Result<Option<Entry>> {
    let named = named(index, question.understood());
    if named.is_empty() {
        return Ok(None);
    }
    let facts = index.facts()?;
    let mut best: Option<(f32, Entry)> = None;
    for (column, (name, id, _)) in facts.asked().enumerate() {
        let table = &facts.tables[name];
        let values: Vec<Option<&str>> =
            table.key.iter().map(|key| named.get(&**key).map(|(id, _)| *id)).collect();
        let places = table.key.iter().filter_map(|key| Some(named.get(&**key)?.1.clone()));
        let places: Vec<Range<usize>> = places.collect();
        if places.is_empty() {
            continue;
        }
        let [row] = table.rows(&values, &index.overview.domains)[..] else { continue };
        let asked = Asked::new(index, question, &places)?;
        let likes = index.column_names(column).map(|name| asked.like(name).mean());
        let like = likes.fold(0.0, f32::max);
        if like >= LIKE && best.as_ref().is_none_or(|(most, _)| like > *most) {
            best = facts.cell(name, row, id).map(|entry| (like, entry)).or(best);
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
