//! What is known only when all documents are there: how often words stand where, and how much names weigh by that.

use super::{
    Fields,
    names::{self, Gathered, Kind, token},
    sounds::{Count, Sounds},
    weight::{FUNCTION_WORDS, Weigher},
};
use crate::{
    content::{Content, Terms},
    error::Result,
    text::{Segmenter, normalise},
};
use rustc_hash::FxHashMap;
use std::{
    collections::{BTreeMap, HashMap},
    slice,
    sync::Arc,
};
use tantivy::{
    InvertedIndexReader, Searcher, TantivyError, postings::TermInfo, schema::IndexRecordOption,
};

/// Where a word stands: in each field that has it.
type Postings = Vec<(Arc<InvertedIndexReader>, TermInfo)>;

/// The bytes of all names, and the sounds of all words. `names` are those of the documents; behind them come those of the columns
/// of facts that answer.
pub(super) fn weighed(
    content: &Content,
    terms: &Terms,
    segmenter: &Segmenter,
    mut names: Gathered,
    searcher: &Searcher,
) -> Result<(Vec<u8>, Sounds)> {
    let (_, fields) = Fields::schema();
    let mut words: BTreeMap<String, Postings> =
        FUNCTION_WORDS.split_whitespace().map(|word| (word.to_owned(), Vec::new())).collect();
    let mut pairs: FxHashMap<String, u64> = FxHashMap::default();
    for reader in searcher.segment_readers() {
        for field in fields.words() {
            let field = reader.inverted_index(field)?;
            each_word(&field, |word, info| {
                words.entry(word).or_default().push((field.clone(), info.clone()));
            })?;
        }
        each_word(&*reader.inverted_index(fields.grams)?, |pair, info| {
            pairs.insert(pair, u64::from(info.doc_freq));
        })?;
    }
    let documents = documents(terms, &words);
    let counts = counts(terms, &words, &documents)?;
    let sounds = Sounds::write(documents, counts);
    let weigher = Weigher { searcher, fields: &fields, weak: &terms.weak, sounds: &sounds };
    let weigh = |kind, text: &str| match kind {
        Kind::Pair => weigher.rarity(pairs.get(text).copied().unwrap_or(0)),
        Kind::Word | Kind::Part => weigher.weigh(text),
    };
    let mut weights: FxHashMap<u32, f32> = FxHashMap::default();
    let of_words = words.keys().map(|word| (Kind::Word, word));
    for (kind, text) in of_words.chain(pairs.keys().map(|pair| (Kind::Pair, pair))) {
        let weight = weigh(kind, text);
        // If two have one token, most names mean the more frequent one.
        let known = weights.entry(token(kind, text));
        known.and_modify(|least| *least = least.min(weight)).or_insert(weight);
    }
    for asks in content.facts.asks() {
        let tokens = |ask: &String| {
            let normal = normalise(ask);
            let texts = names::texts(normal.as_str(), &segmenter.ranges(normal.as_str()));
            let known = |(kind, text)| {
                let token = token(kind, text);
                // No entry may have it.
                weights.entry(token).or_insert_with(|| weigh(kind, text));
                token
            };
            texts.map(known).collect()
        };
        names.add(asks.iter().map(tokens).collect());
    }
    Ok((names.write(&weights), sounds))
}

/// Calls `found` with each word of a field.
fn each_word(field: &InvertedIndexReader, mut found: impl FnMut(String, &TermInfo)) -> Result<()> {
    let mut stream = field.terms().stream().map_err(TantivyError::from)?;
    while stream.advance() {
        found(String::from_utf8_lossy(stream.key()).into_owned(), stream.value());
    }
    Ok(())
}

/// In how many documents a word stands: in the field that has most. A word that means the same as one that is there stands in one.
fn documents<'w>(
    terms: &'w Terms,
    words: &'w BTreeMap<String, Postings>,
) -> BTreeMap<&'w str, u64> {
    let most = |postings: &Postings| postings.iter().map(|(_, info)| info.doc_freq.into()).max();
    let known = words.iter().map(|(word, postings)| (&**word, most(postings).unwrap_or(0)));
    let mut documents: BTreeMap<&str, u64> = known.collect();
    for group in &terms.same {
        let any = group.iter().any(|word| documents.get(&**word).is_some_and(|most| *most > 0));
        for word in group {
            let known = documents.entry(word).or_default();
            *known = (*known).max(any.into());
        }
    }
    documents
}

/// How often each of the words that stand anywhere does so, under whatever name.
fn counts<'w>(
    terms: &'w Terms,
    words: &BTreeMap<String, Postings>,
    documents: &BTreeMap<&'w str, u64>,
) -> Result<Vec<(&'w str, Count)>> {
    let mut same: HashMap<&str, Vec<&str>> = HashMap::new();
    for group in &terms.same {
        for word in group {
            same.entry(word).or_default().extend(group.iter().map(|other| &**other));
        }
    }
    for alike in same.values_mut() {
        alike.sort_unstable();
        alike.dedup();
    }
    let mut counts = Vec::new();
    // The words of a group mostly stand in no other, so they have one count.
    let mut counted: HashMap<&[&str], Count> = HashMap::new();
    for (word, _) in documents.iter().filter(|(_, documents)| **documents > 0) {
        let alike = same.get(word).map(|alike| &**alike);
        let count = match alike.and_then(|alike| counted.get(alike)) {
            Some(count) => *count,
            None => {
                let alike = alike.unwrap_or(slice::from_ref(word));
                count(alike.iter().filter_map(|word| words.get(*word)).flatten())?
            }
        };
        counted.extend(alike.map(|alike| (alike, count)));
        counts.push((*word, count));
    }
    Ok(counts)
}

/// In how many documents any of these words stands, and how often in all.
fn count<'p>(
    postings: impl Iterator<Item = &'p (Arc<InvertedIndexReader>, TermInfo)>,
) -> Result<Count> {
    let mut documents: Vec<u32> = Vec::new();
    let mut occurrences = 0;
    for (field, info) in postings {
        let block = field.read_block_postings_from_terminfo(info, IndexRecordOption::WithFreqs);
        let mut block = block.map_err(TantivyError::from)?;
        while block.block_len() > 0 {
            documents.extend(block.docs());
            occurrences += block.freqs().iter().sum::<u32>();
            block.advance();
        }
    }
    // Each field has its documents in order, and mostly it is one field.
    documents.sort();
    documents.dedup();
    Ok(Count { documents: documents.len() as u32, occurrences })
}
