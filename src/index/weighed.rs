//! What is known only when all documents are there: how often words stand where, and how much names weigh by that.

use super::{
    Fields,
    names::{self, Gathered, Kind, token},
    sounds::{Count, Sounds},
    weight::{FUNCTION_WORDS, Weigher, rarity},
};
use crate::{
    content::{Content, Terms},
    error::Result,
    text::{Segmenter, normalise},
};
use rustc_hash::FxHashMap;
use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
    slice,
    sync::Arc,
    thread,
};
use tantivy::{
    InvertedIndexReader, Searcher, TantivyError, postings::TermInfo, schema::IndexRecordOption,
};

/// Where a word stands: in each field that has it.
type Postings = Vec<(Arc<InvertedIndexReader>, TermInfo)>;

/// The bytes of all names, and of the sounds of all words. `names` are those of the documents; behind them come those of the columns
/// of facts that answer.
pub(super) fn weighed(
    content: &Content,
    terms: &Terms,
    segmenter: &Segmenter,
    mut names: Gathered,
    searcher: &Searcher,
) -> Result<(Vec<u8>, Vec<u8>)> {
    let (_, fields) = Fields::schema();
    let rarity = |documents| rarity(searcher.num_docs(), documents);
    let mut words: BTreeMap<String, Postings> =
        FUNCTION_WORDS.split_whitespace().map(|word| (word.to_owned(), Vec::new())).collect();
    let mut weights: FxHashMap<u32, f32> = FxHashMap::default();
    for reader in searcher.segment_readers() {
        for field in fields.words() {
            let field = reader.inverted_index(field)?;
            each_word(&field, |word, info| {
                words.entry(word.into_owned()).or_default().push((field.clone(), info.clone()));
            })?;
        }
        each_word(&*reader.inverted_index(fields.grams)?, |pair, info| {
            keep(&mut weights, token(Kind::Pair, &pair), rarity(info.doc_freq.into()));
        })?;
    }
    let counts = counts(terms, &words)?;
    let all = counts.values().copied().fold(Count::default(), Count::and);
    thread::scope(|scope| {
        let sounds = scope.spawn(|| Sounds::write(&counts, all));
        let weigher = Weigher { weak: &terms.weak, entries: searcher.num_docs(), all };
        for word in words.keys() {
            let weight = weigher.weigh(word, counts[&**word]);
            keep(&mut weights, token(Kind::Word, word), weight);
        }
        for asks in content.facts.asks() {
            let tokens = |ask: &String| {
                let normal = normalise(ask);
                let texts = names::texts(normal.as_str(), &segmenter.ranges(normal.as_str()));
                let known = |(kind, text): (Kind, &str)| {
                    let token = token(kind, text);
                    // No entry may have it.
                    weights.entry(token).or_insert_with(|| match kind {
                        Kind::Pair => rarity(0),
                        Kind::Word | Kind::Part => weigher.weigh(text, Count::default()),
                    });
                    token
                };
                texts.map(known).collect()
            };
            names.add(asks.iter().map(tokens).collect());
        }
        let names = names.write(&weights);
        Ok((names, sounds.join().expect("sounds can be written")))
    })
}

/// If two texts have one token, most names mean the more frequent one.
fn keep(weights: &mut FxHashMap<u32, f32>, token: u32, weight: f32) {
    let known = weights.entry(token);
    known.and_modify(|least| *least = least.min(weight)).or_insert(weight);
}

/// Calls `found` with each word of a field.
fn each_word(
    field: &InvertedIndexReader,
    mut found: impl FnMut(Cow<'_, str>, &TermInfo),
) -> Result<()> {
    let mut stream = field.terms().stream().map_err(TantivyError::from)?;
    while stream.advance() {
        found(String::from_utf8_lossy(stream.key()), stream.value());
    }
    Ok(())
}

/// Where each word stands. One that means the same as one that is there stands in a document, too.
fn counts<'w>(
    terms: &'w Terms,
    words: &'w BTreeMap<String, Postings>,
) -> Result<BTreeMap<&'w str, Count>> {
    let most = |postings: &Postings| postings.iter().map(|(_, info)| info.doc_freq).max();
    let count = |postings| Count { most: most(postings).unwrap_or(0), ..Count::default() };
    let mut counts: BTreeMap<&str, Count> =
        words.iter().map(|(word, postings)| (&**word, count(postings))).collect();
    let mut same: HashMap<&str, Vec<&str>> = HashMap::new();
    for group in &terms.same {
        let any = group.iter().any(|word| counts.get(&**word).is_some_and(|count| count.most > 0));
        for word in group {
            let most = &mut counts.entry(word).or_default().most;
            *most = (*most).max(any.into());
            same.entry(word).or_default().extend(group.iter().map(|other| &**other));
        }
    }
    for alike in same.values_mut() {
        alike.sort_unstable();
        alike.dedup();
    }
    // The words of a group mostly stand in no other, so they have one count.
    let mut counted: HashMap<&[&str], (u32, u32)> = HashMap::new();
    for (word, count) in counts.iter_mut().filter(|(_, count)| count.most > 0) {
        let alike = same.get(word).map(|alike| &**alike);
        let both = match alike.and_then(|alike| counted.get(alike)) {
            Some(both) => *both,
            None => {
                let alike = alike.unwrap_or(slice::from_ref(word));
                together(alike.iter().filter_map(|word| words.get(*word)).flatten())?
            }
        };
        counted.extend(alike.map(|alike| (alike, both)));
        (count.documents, count.occurrences) = both;
    }
    Ok(counts)
}

/// In how many documents any of these words stands, and how often in all.
fn together<'p>(
    postings: impl Iterator<Item = &'p (Arc<InvertedIndexReader>, TermInfo)>,
) -> Result<(u32, u32)> {
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
    Ok((documents.len() as u32, occurrences))
}
