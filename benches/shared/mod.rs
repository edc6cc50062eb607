//! What the benchmarks share: questions, an answer to one, and a plain search to compare it with.

use jieda::{
    Library,
    answer::Asking,
    text::normalise,
    tree::{self, Forest, Kind, State, Tree},
    web::BUILD,
};
use jiff::civil::{Date, date};
use std::{fs, hint::black_box, path::Path};
use tantivy::{
    Index, IndexWriter, Searcher, TantivyDocument, Term,
    collector::TopDocs,
    query::BooleanQuery,
    schema::{Field, IndexRecordOption, STORED, Schema, TextFieldIndexing, TextOptions, Value},
    tokenizer::{PreTokenizedString, Token},
};

const DAY: Date = date(2026, 11, 22);

/// The memory in which the plain index gathers sections.
const WRITER_BYTES: usize = 64 << 20;

/// How often each tree is walked through.
const WALKS: usize = 50;

/// The questions that may be looked at.
pub(crate) fn questions() -> Vec<String> {
    let lines = |file: &str| fs::read_to_string(file).expect("run it at the top of the checkout");
    let files = lines("tests/eval/tune.jsonl") + &lines("tests/eval/dev.jsonl");
    let question = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).expect("a line is JSON");
        line["q"].as_str().expect("a question is text").to_owned()
    };
    files.lines().map(question).collect()
}

/// Answers a question as terminal and page do.
pub(crate) fn ask(library: &Library, question: &str) {
    let asking = Asking { question, day: DAY, top: 10, exact: false, unheard: &[] };
    black_box(jieda::answer(library, &asking).expect("the index can be read"));
}

/// A tree, and the answers with which a walk through it stands somewhere.
pub(crate) type Stand<'t> = (&'t Tree, Vec<(String, String)>);

/// The places of walks through all trees that choose at random, the same ones each time.
pub(crate) fn places(forest: &Forest) -> Vec<Stand<'_>> {
    let mut places = Vec::new();
    let mut state = 1_u64;
    // A linear congruential generator (Numerical Recipes).
    let mut below = |bound: usize| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % bound
    };
    for tree in forest.trees.values() {
        let tree: &Tree = tree;
        for _ in 0..WALKS {
            let mut given = Vec::new();
            loop {
                places.push((tree, given.clone()));
                let State::Ask(question, ..) = tree::walk(forest, tree, &given).state else {
                    break;
                };
                let options = forest.options(question);
                let answer = match &question.kind {
                    _ if below(10) == 0 => "unsure".to_owned(),
                    Kind::Int(from, to, _) => {
                        (from + below((to - from + 1) as usize) as i64).to_string()
                    }
                    Kind::Date => format!("20{}-0{}-01", 15 + below(10), 1 + below(9)),
                    Kind::Text(_) => "小明的个人网站".to_owned(),
                    _ => options[below(options.len())].0.clone(),
                };
                given.push((question.id.clone(), answer));
            }
        }
    }
    places
}

/// The same sections in an index of plain tantivy: two fields with norms, cut by the same segmenter, one segment on disk.
pub(crate) struct Bare<'a> {
    library: &'a Library,
    searcher: Searcher,
    title: Field,
    body: Field,
}

impl<'a> Bare<'a> {
    /// Opens the plain index of a library below `root`, and builds it first if it is not there.
    pub(crate) fn open(library: &'a Library, root: &Path) -> Self {
        let mut builder = Schema::builder();
        let words = TextFieldIndexing::default().set_index_option(IndexRecordOption::WithFreqs);
        let words = TextOptions::default().set_indexing_options(words);
        let title = builder.add_text_field("title", words.clone() | STORED);
        let body = builder.add_text_field("body", words);
        let folder = root.join(format!("bare-{}-{BUILD}", library.index.overview.version));
        if !folder.exists() {
            let draft = folder.with_extension("tmp");
            drop(fs::remove_dir_all(&draft));
            fs::create_dir_all(&draft).expect("it can be written");
            fill(&Index::create_in_dir(&draft, builder.build()), library, title, body);
            fs::rename(&draft, &folder).expect("it can be renamed");
        }
        let index = Index::open_in_dir(folder).expect("it is finished");
        let searcher = index.reader().expect("it can be read").searcher();
        assert_eq!(searcher.num_docs() as usize, library.index.overview.entries);
        Self { library, searcher, title, body }
    }

    /// Finds the ten best sections by BM25 and fetches their titles.
    pub(crate) fn search(&self, question: &str) {
        let words = self.library.index.segmenter.cut(&normalise(question));
        let fields = [self.title, self.body];
        let terms = words
            .iter()
            .flat_map(|word| fields.map(|field| Term::from_field_text(field, &word.text)));
        let query = BooleanQuery::new_multiterms_query(terms.collect());
        let found = self.searcher.search(&query, &TopDocs::with_limit(10).order_by_score());
        for (score, address) in found.expect("it can be searched") {
            let document: TantivyDocument = self.searcher.doc(address).expect("it is stored");
            let title = document.get_first(self.title).and_then(|value| value.as_str());
            black_box((score, title.expect("each has a title")));
        }
    }
}

fn fill(index: &tantivy::Result<Index>, library: &Library, title: Field, body: Field) {
    let index = index.as_ref().expect("the folder is empty");
    let mut writer: IndexWriter =
        index.writer_with_num_threads(1, WRITER_BYTES).expect("there is memory");
    let cut = |text: &str| PreTokenizedString {
        text: text.to_owned(),
        tokens: library.index.segmenter.cut(&normalise(text)).into_iter().map(token).collect(),
    };
    for entry in library.index.entries() {
        let entry = entry.expect("the index can be read");
        let mut document = TantivyDocument::new();
        document.add_pre_tokenized_text(title, cut(&entry.title));
        document.add_pre_tokenized_text(body, cut(&entry.text()));
        writer.add_document(document).expect("it can be written");
    }
    writer.commit().expect("it can be written");
    let segments = index.searchable_segment_ids().expect("it is committed");
    if segments.len() > 1 {
        writer.merge(&segments).wait().expect("they can be merged");
    }
    writer.wait_merging_threads().expect("they end");
}

fn token(word: jieda::text::Word) -> Token {
    Token {
        offset_from: word.origin.start,
        offset_to: word.origin.end,
        position: word.range.start,
        text: word.text,
        position_length: 1,
    }
}
