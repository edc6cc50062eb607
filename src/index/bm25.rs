//! How much documents say of words, by Okapi BM25 (Robertson, Walker and others, "Okapi at TREC-3", 1994).
//!
//! tantivy's own queries make an object of some kB for each word of each field, and go through all of them document by
//! document. Here the postings of one word after the other are added to the scores of all documents.

use crate::error::Result;
use std::{array, collections::BTreeMap, io, sync::Arc};
use tantivy::{
    DocId, InvertedIndexReader, Searcher, TantivyError, Term,
    collector::{TopNComputer, sort_key::NaturalComparator},
    fieldnorm::FieldNormReader,
    postings::BlockSegmentPostings,
    schema::{Field, IndexRecordOption},
};

/// How soon more of a word says no more, and how much the length of a field counts: what tantivy and Lucene have.
const K1: f32 = 1.2;
const B: f32 = 0.75;

/// The fields of the one segment.
pub(crate) struct Bm25 {
    fields: BTreeMap<Field, Words>,
    documents: usize,
}

/// The words of a field.
struct Words {
    inverted: Arc<InvertedIndexReader>,
    lengths: FieldNormReader,
    /// By the code of a length: `K1 · (1 − B + B · length / average)`.
    norms: [f32; 256],
}

impl Bm25 {
    /// Reads these fields, which should have words.
    pub(super) fn new(searcher: &Searcher, fields: impl Iterator<Item = Field>) -> Result<Self> {
        let documents = searcher.num_docs() as usize;
        let Some(segment) = searcher.segment_readers().first() else {
            return Ok(Self { fields: BTreeMap::new(), documents });
        };
        let words = |field: Field| -> tantivy::Result<(Field, Words)> {
            let inverted = segment.inverted_index(field)?;
            let average = inverted.total_num_tokens() as f32 / documents as f32;
            let norm = |code: usize| {
                let length = FieldNormReader::id_to_fieldnorm(code as u8) as f32;
                K1 * (1.0 - B + B * length / average)
            };
            let lengths = segment.fieldnorms_readers().get_field(field)?;
            // Where lengths do not count, all are the same.
            let lengths = lengths.unwrap_or_else(|| FieldNormReader::constant(documents as u32, 1));
            Ok((field, Words { inverted, lengths, norms: array::from_fn(norm) }))
        };
        Ok(Self { fields: fields.map(words).collect::<tantivy::Result<_>>()?, documents })
    }

    /// The documents that say most of these words, at most `limit`, best first. A word is looked for in a field, and its
    /// score counts so many times.
    pub(crate) fn best<'w>(
        &self,
        words: impl IntoIterator<Item = (Field, &'w str, f32)>,
        limit: usize,
    ) -> Result<Vec<DocId>> {
        let mut words = words.into_iter().peekable();
        if words.peek().is_none() {
            return Ok(Vec::new());
        }
        let mut scores = vec![0.0; self.documents];
        for (field, word, times) in words {
            self.add(field, word, times, &mut scores).map_err(TantivyError::from)?;
        }
        let mut best = TopNComputer::new_with_comparator(limit, NaturalComparator);
        for (document, score) in scores.into_iter().enumerate().filter(|(_, score)| *score > 0.0) {
            best.push(score, document as DocId);
        }
        Ok(best.into_sorted_vec().into_iter().map(|found| found.doc).collect())
    }

    fn add(&self, field: Field, word: &str, times: f32, scores: &mut [f32]) -> io::Result<()> {
        let Some(words) = self.fields.get(&field) else { return Ok(()) };
        let Some(mut postings) = words.postings(field, word)? else { return Ok(()) };
        let (all, having) = (self.documents as f32, postings.doc_freq() as f32);
        let weight = times * rarity(all, having) * (1.0 + K1);
        while postings.block_len() > 0 {
            for (at, document) in postings.docs().iter().enumerate() {
                let often = postings.freq(at) as f32;
                let norm = words.norms[usize::from(words.lengths.fieldnorm_id(*document))];
                scores[*document as usize] += weight * often / (often + norm);
            }
            postings.advance();
        }
        Ok(())
    }

    /// Calls `found` with those of `documents` that have `word` in `field`, and how often; and with others that lie beside
    /// them, which cost less than to be told apart. `documents` rise, and so do those that are found.
    pub(crate) fn near(
        &self,
        field: Field,
        word: &str,
        documents: &[DocId],
        mut found: impl FnMut(DocId, u32),
    ) -> Result<()> {
        let Some(words) = self.fields.get(&field) else { return Ok(()) };
        let postings = words.postings(field, word).map_err(TantivyError::from)?;
        let Some(mut postings) = postings else { return Ok(()) };
        let mut rest = documents;
        while let Some(next) = rest.first() {
            let from = postings.seek(*next);
            let beside = postings.docs().get(from..).unwrap_or_default();
            let Some(last) = beside.last() else { break };
            for (at, document) in (from..).zip(beside) {
                found(*document, postings.freq(at));
            }
            rest = &rest[rest.partition_point(|document| document <= last)..];
        }
        Ok(())
    }
}

impl Words {
    fn postings(&self, field: Field, word: &str) -> io::Result<Option<BlockSegmentPostings>> {
        let term = Term::from_field_text(field, word);
        self.inverted.read_block_postings(&term, IndexRecordOption::WithFreqs)
    }
}

/// The inverse document frequency of a word that so many of all documents have (Robertson and Spärck Jones).
pub(super) fn rarity(all: f32, having: f32) -> f32 {
    (1.0 + (all - having + 0.5) / (having + 0.5)).ln()
}

#[cfg(test)]
mod tests {
    use crate::{content::File, index::Index, library::Library};
    use tantivy::{
        DocId, DocSet, Score, SegmentReader, TERMINATED, Term,
        collector::TopDocs,
        postings::Postings,
        query::{BooleanQuery, BoostQuery, Query, TermQuery},
        schema::IndexRecordOption,
    };

    /// 3,000 sections that have ten words in different ways.
    fn sections() -> Index {
        let words =
            ["个人网站", "备案", "域名", "材料", "服务器", "注销", "接入", "核验", "法人", "证件"];
        let word = |at: usize| words[at % words.len()];
        let section = |at: usize| {
            let title = format!("{}{}{}", word(at), word(at / 7), word(at / 31));
            let text: String = (0..at % 23).map(|next| word(at / (next + 1))).collect();
            format!("## {title}\n\n{text}。\n\n{}说明。\n\n", word(at / 3))
        };
        let text = format!("# 甲\n\n{}", (0..3000).map(section).collect::<String>());
        let file = File { path: "a.md".to_owned(), bytes: Ok(text.into_bytes()) };
        Library::of(&[file]).unwrap().index
    }

    #[test]
    fn what_is_near_has_all_that_is_asked_for() {
        let index = sections();
        let fields = index.fields;
        for (field, word) in [
            (fields.title, "注销"),
            (fields.body, "备案"),
            (fields.lead, "材料"),
            (fields.grams, "案域"),
            (fields.body, "没有"),
        ] {
            let segment = index.searcher.segment_reader(0).inverted_index(field).unwrap();
            let term = Term::from_field_text(field, word);
            let postings = segment.read_postings(&term, IndexRecordOption::WithFreqs).unwrap();
            let mut all = Vec::new();
            if let Some(mut postings) = postings {
                while postings.doc() != TERMINATED {
                    all.push((postings.doc(), postings.term_freq()));
                    postings.advance();
                }
            }
            assert_eq!(all.is_empty(), word == "没有", "{word}");
            for step in [1, 2, 7, 299, 3000] {
                for first in [0, 1, 2999] {
                    let documents: Vec<DocId> = (first..3000).step_by(step).collect();
                    let mut found = Vec::new();
                    let keep = |document, times| found.push((document, times));
                    index.bm25.near(field, word, &documents, keep).unwrap();
                    assert!(
                        found.is_sorted_by(|a, b| a.0 < b.0)
                            && found.iter().all(|one| all.contains(one))
                    );
                    let asked = |one: &&(DocId, u32)| documents.contains(&one.0);
                    let expected: Vec<_> = all.iter().filter(asked).collect();
                    assert_eq!(found.iter().filter(asked).collect::<Vec<_>>(), expected);
                }
            }
        }
    }

    /// With all scores; tantivy's pruning (block-max WAND) leaves better ones out of many.
    #[test]
    fn the_best_are_those_that_tantivy_scores_best() {
        let index = sections();
        let (title, body, grams) = (index.fields.title, index.fields.body, index.fields.grams);
        for asked in [
            vec![(title, "注销", 3.0)],
            vec![(body, "备案", 1.0), (body, "材料", 0.5)],
            vec![(grams, "案域", 1.0), (grams, "名材", 1.0), (grams, "没有", 1.0)],
            vec![
                (title, "域名", 3.0),
                (body, "域名", 1.0),
                (body, "核验", 1.0),
                (title, "法人", 0.3),
            ],
        ] {
            let clause = |(field, word, times): &(_, &str, f32)| {
                let term = Term::from_field_text(*field, word);
                let term = TermQuery::new(term, IndexRecordOption::WithFreqs);
                Box::new(BoostQuery::new(Box::new(term), *times)) as Box<dyn Query>
            };
            let query = BooleanQuery::union(asked.iter().map(clause).collect());
            let best = TopDocs::with_limit(200)
                .tweak_score(|_: &SegmentReader| |_: DocId, score: Score| score);
            let expected = index.searcher.search(&query, &best).unwrap().into_iter();
            let expected: Vec<DocId> = expected.map(|(_, address)| address.doc_id).collect();
            assert_eq!(index.bm25.best(asked.iter().copied(), 200).unwrap(), expected, "{asked:?}");
            assert_eq!(expected.len(), 200);
        }
        assert!(index.bm25.best([], 200).unwrap().is_empty());
    }
}
