//! Entries → an index on disk, and back.
//!
//! [`write()`] builds an index in a folder, [`Index::open`] opens one that is finished, [`Index::in_memory`] is for
//! where nothing can be written. An index holds whole entries, so whoever opens it parses no content. It is never
//! changed: other content makes another index (`place`).
//!
//! **What is opened has been proven: a damaged index is an error, never a wrong answer.**

mod analyzer;
mod bm25;
mod entries;
mod frozen;
mod lexicon;
mod names;
mod numbers;
mod place;
mod plain;
mod readings;
mod sounds;
mod weighed;
mod weight;

use bm25::Bm25;
use entries::Entries;
use lexicon::Lexicon;
pub(crate) use lexicon::{Told, stands_alone};
use names::{Gathered, token};
pub(crate) use names::{Kind, List, Names};
pub use place::Key;
pub(crate) use plain::Plain;
pub(crate) use readings::{READINGS, readings};
pub(crate) use sounds::Sounding;
use sounds::Sounds;
use weighed::weighed;
use weight::Weigher;
pub(crate) use weight::{FUNCTION_WEIGHT, is_function, is_interrogative};

use crate::{
    content::{Aspect, Content, Domain, Entry, Source, Terms, Topic},
    cores,
    error::{Error, Result},
    lazy::Lazy,
    problem::Problem,
    text::{Segmenter, add_normalised, normalise},
    tree::Forest,
};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    fs,
    ops::Range,
    path::{Path, PathBuf},
    thread,
};
use tantivy::{
    Directory, DocId, IndexReader, ReloadPolicy, Searcher, TantivyDocument, Term,
    directory::{MmapDirectory, OwnedBytes, RamDirectory},
    schema::{Field, IndexRecordOption, Schema, TextFieldIndexing, TextOptions},
};

/// What is checked of an index before it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// Sizes, and checksums up to 16 MB.
    Quick,
    /// All checksums, the number of documents, and that entries are found by their own titles.
    Full,
}

/// How much [`Proof::Quick`] reads at most: whole indexes of some thousand entries.
const QUICK_BYTES: u64 = 16 << 20;

/// How many entries [`Proof::Full`] looks up. That all is as it was written, the checksums show; that what was written is found
/// by this code, a few titles do.
const SAMPLE: usize = 25;

/// With how much memory tantivy begins to gather documents.
const WRITER_BYTES: usize = 1 << 20;

const OVERVIEW: &str = "overview.bin";
const LEXICON: &str = "lexicon.bin";
const TREES: &str = "trees.bin";
const ENTRIES: &str = "entries.bin";
const NAMES: &str = "names.bin";
const SOUNDS: &str = "sounds.bin";
const TERMS: &str = "terms.fst";
const MANIFEST: &str = "manifest.json";

/// What an index knows besides its entries.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Overview {
    pub title: String,
    /// The checksum of all content that was read.
    pub version: String,
    /// The ids of the trees that most questions need.
    pub main: Vec<String>,
    pub topics: Vec<Topic>,
    pub sources: Lazy<Vec<Source>>,
    /// Normalised.
    pub terms: Lazy<Terms>,
    pub moved: BTreeMap<String, String>,
    pub problems: Lazy<Vec<Problem>>,
    pub entries: usize,
    /// How many of them a topic has, by its id.
    pub counts: BTreeMap<String, usize>,
    /// The ids of those that have older values, the newest first; at most five.
    pub recent: Vec<String>,
    /// Whether any is internal.
    pub(crate) internal: bool,
    /// Whether the folder is in our own formats, with sources.
    pub(crate) ours: bool,
    /// The words that every question has, normalised.
    pub(crate) weak: Vec<String>,
    /// For each aspect the words by which an entry tells it, normalised.
    pub(crate) told: Vec<Vec<String>>,
    /// The domains that the scope of any entry names.
    pub(crate) scoped: BTreeSet<String>,
    /// How many titles and other ways to ask an entry has on average.
    pub(crate) names_each: f32,
}

/// How many entries [`Overview::recent`] names.
const RECENT: usize = 5;

impl Overview {
    /// The same of these entries: what is counted of them, so that nobody has to read them all for it.
    fn counted(self, entries: &[Entry]) -> Self {
        let mut counts = BTreeMap::new();
        for entry in entries {
            *counts.entry(entry.topic.clone()).or_default() += 1;
        }
        let mut recent: Vec<&Entry> =
            entries.iter().filter(|entry| !entry.changed.is_empty()).collect();
        recent.sort_by_key(|entry| Reverse(entry.as_of));
        Self {
            entries: entries.len(),
            counts,
            recent: recent.iter().take(RECENT).map(|entry| entry.id.clone()).collect(),
            internal: entries.iter().any(|entry| entry.internal),
            ..self
        }
    }
}

/// The files of an index with sizes and checksums.
#[derive(Serialize, Deserialize)]
struct Manifest {
    files: BTreeMap<String, (u64, u32)>,
}

/// The fields of a document. Nothing is stored: an entry has the place of its document in `entries.bin`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields {
    pub(crate) title: Field,
    /// Other ways to ask, and messages.
    pub(crate) ask: Field,
    /// The first paragraph.
    pub(crate) lead: Field,
    /// Everything else.
    pub(crate) body: Field,
    /// Topic, file and headings above.
    pub(crate) trail: Field,
    /// Pairs of Chinese characters of all of the above.
    pub(crate) grams: Field,
}

impl Fields {
    /// Those with words.
    pub(crate) fn words(&self) -> [Field; 5] {
        [self.title, self.ask, self.lead, self.body, self.trail]
    }

    /// Those that have any, each with its number in [`Fields::words`].
    fn with_words(&self, overview: &Overview) -> impl Iterator<Item = (usize, Field)> + use<> {
        // tantivy takes longer to look into a field without words than into one with.
        let (ask, asks) = (self.ask, overview.names_each > 1.0);
        self.words().into_iter().enumerate().filter(move |(_, field)| asks || *field != ask)
    }

    fn schema() -> (Schema, Self) {
        let mut builder = Schema::builder();
        // Short fields are ranked better without norms, and K1 and B cannot be set.
        let text = |tokenizer: &str, option: IndexRecordOption, norms: bool| {
            let indexing = TextFieldIndexing::default().set_tokenizer(tokenizer);
            TextOptions::default()
                .set_indexing_options(indexing.set_index_option(option).set_fieldnorms(norms))
        };
        let words = |norms: bool| text(analyzer::CUT, IndexRecordOption::WithFreqs, norms);
        let fields = Self {
            title: builder.add_text_field("title", words(false)),
            ask: builder.add_text_field("ask", words(false)),
            lead: builder.add_text_field("lead", words(false)),
            body: builder.add_text_field("body", words(true)),
            trail: builder.add_text_field("trail", words(false)),
            grams: builder
                .add_text_field("grams", text(analyzer::GRAMS, IndexRecordOption::Basic, true)),
        };
        (builder.build(), fields)
    }

    /// The document for an entry, cut: each text is normalised and cut once. And for each of its names the tokens.
    fn document(&self, entry: &Entry, segmenter: &Segmenter) -> (TantivyDocument, Vec<Vec<u32>>) {
        let [mut title, mut ask, mut lead, mut body, mut trail, mut grams] =
            [const { String::new() }; 6];
        // Where the text stands in `grams`, and its words in there.
        let mut add = |text: &str, field: &mut String| {
            let start = grams.len();
            add_normalised(&mut grams, text);
            let end = grams.len();
            let ranges = segmenter.ranges(&grams[start..]);
            analyzer::add_words(&grams[start..], &ranges, field);
            grams.push('\n');
            (start..end, ranges)
        };
        let mut names = vec![add(&entry.title, &mut title)];
        names.extend(entry.names().skip(1).map(|name| add(name, &mut ask)));
        let say = entry.say();
        add(say, &mut lead);
        for (block, line) in entry.blocks.iter().zip(entry.lines()) {
            if block.text != say {
                add(&line, &mut body);
            }
        }
        for name in &entry.trail {
            let normal = normalise(name);
            analyzer::add_words(normal.as_str(), &segmenter.ranges(normal.as_str()), &mut trail);
        }
        let tokens = |(place, ranges): (Range<usize>, Vec<Range<usize>>)| {
            names::texts(&grams[place], &ranges).map(|(kind, text)| token(kind, text)).collect()
        };
        let names = names.into_iter().map(tokens).collect();
        let mut document = TantivyDocument::new();
        document.add_text(self.title, title);
        document.add_text(self.ask, ask);
        document.add_text(self.lead, lead);
        document.add_text(self.body, body);
        document.add_text(self.trail, trail);
        document.add_text(self.grams, grams);
        (document, names)
    }
}

/// An open index.
pub struct Index {
    pub(crate) searcher: Searcher,
    pub(crate) fields: Fields,
    pub overview: Overview,
    pub segmenter: Segmenter,
    pub(crate) lexicon: Lexicon,
    /// Where it lies; nowhere if it is in memory.
    pub folder: Option<PathBuf>,
    /// The decision trees, each read when it is first looked at.
    pub forest: Forest,
    entries: Entries,
    /// Of all documents title and other ways to ask; behind them, how people ask for each column of facts that answers.
    pub(crate) names: Names,
    pub(crate) bm25: Bm25,
    pub(crate) sounds: Sounds,
}

/// Builds the index of `content` and its trees in `folder`, which must not exist yet, and proves it.
///
/// Fails if the folder cannot be written, or if what was written is not what was meant.
pub fn write(content: &Content, forest: &Forest, version: &str, folder: &Path) -> Result<()> {
    let failed = |source| Error::Write { path: folder.to_owned(), source };
    fs::create_dir_all(folder).map_err(failed)?;
    let overview = overview(content, version);
    let directory = MmapDirectory::open(folder).map_err(tantivy::TantivyError::from)?;
    let segmenter = segmenter(&overview.terms);
    let (_, Beside { entries, names, sounds }) = fill(content, &overview, &segmenter, directory)?;
    fs::write(folder.join(TERMS), segmenter.as_bytes()).map_err(failed)?;
    fs::write(folder.join(ENTRIES), entries).map_err(failed)?;
    fs::write(folder.join(NAMES), names).map_err(failed)?;
    fs::write(folder.join(SOUNDS), sounds).map_err(failed)?;
    let lexicon = Lexicon::write(&overview.terms, &forest.domains);
    fs::write(folder.join(LEXICON), lexicon).map_err(failed)?;
    let bytes = postcard::to_stdvec(&overview).expect("an overview is plain data");
    fs::write(folder.join(OVERVIEW), bytes).map_err(failed)?;
    fs::write(folder.join(TREES), forest.to_bytes()).map_err(failed)?;
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name =
            path.file_name().map_or(String::new(), |name| name.to_string_lossy().into_owned());
        if name.ends_with(".lock") {
            fs::remove_file(&path).map_err(failed)?;
            continue;
        }
        let bytes = fs::read(&path).map_err(failed)?;
        files.insert(name, (bytes.len() as u64, crc32fast::hash(&bytes)));
    }
    let manifest = serde_json::to_vec(&Manifest { files }).expect("a manifest is plain data");
    fs::write(folder.join(MANIFEST), manifest).map_err(failed)?;
    Index::open(folder, Proof::Full).map(drop)
}

/// Writes all entries as one segment, in their order; and then weighs their names.
fn fill<D: tantivy::Directory>(
    content: &Content,
    overview: &Overview,
    segmenter: &Segmenter,
    directory: D,
) -> Result<(tantivy::Index, Beside)> {
    let (schema, fields) = Fields::schema();
    let builder = tantivy::Index::builder().schema(schema).tokenizers(analyzer::tokenizers());
    let mut writer = builder.single_segment_index_writer(directory, WRITER_BYTES)?;
    let mut names = Gathered::default();
    let document = |entry: &Entry| fields.document(entry, segmenter);
    cores::in_order(&content.entries, document, |documents| {
        for (document, tokens) in documents {
            writer.add_document(document)?;
            names.add(tokens);
        }
        tantivy::Result::Ok(())
    })?;
    thread::scope(|scope| {
        let entries = scope.spawn(|| Entries::write(&content.entries));
        let index = writer.finalize()?;
        let (names, sounds) =
            weighed(content, &overview.terms, segmenter, names, &searcher(&index)?)?;
        let entries = entries.join().expect("entries can be written");
        let [entries, names, sounds] = [entries, names, sounds].map(OwnedBytes::new);
        Ok((index, Beside { entries, names, sounds }))
    })
}

/// Looks into an index as it is now. By default tantivy would watch its files with a thread of its own, and open them again
/// whenever somebody touches them.
fn searcher(index: &tantivy::Index) -> Result<Searcher> {
    let reader: IndexReader =
        index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
    Ok(reader.searcher())
}

/// By what questions are understood.
struct Asked {
    segmenter: Segmenter,
    lexicon: Lexicon,
    forest: Forest,
}

/// What lies beside the tantivy index.
struct Beside {
    entries: OwnedBytes,
    names: OwnedBytes,
    sounds: OwnedBytes,
}

fn overview(content: &Content, version: &str) -> Overview {
    let terms = spelled(&content.terms, &content.domains);
    Overview {
        title: content.title.clone(),
        version: version.to_owned(),
        main: content.main.clone(),
        topics: content.topics.clone(),
        ours: !content.sources.is_empty(),
        sources: content.sources.clone().into(),
        weak: terms.weak.clone(),
        told: terms.aspect.iter().map(|aspect| aspect.told.clone()).collect(),
        terms: terms.into(),
        moved: content.moved.clone(),
        problems: content.problems.clone().into(),
        entries: 0,
        counts: BTreeMap::new(),
        recent: Vec::new(),
        internal: false,
        scoped: content.entries.iter().flat_map(|entry| entry.scope.keys().cloned()).collect(),
        names_each: content.entries.iter().map(|entry| entry.names().count()).sum::<usize>() as f32
            / content.entries.len().max(1) as f32,
    }
    .counted(&content.entries)
}

/// The terms in the one spelling in which questions are compared with them. The names of a value of a domain are
/// words of one group.
fn spelled(terms: &Terms, domains: &BTreeMap<String, Domain>) -> Terms {
    let spell = |words: &Vec<String>| -> Vec<String> {
        words.iter().map(|word| normalise(word).as_str().to_owned()).collect()
    };
    Terms {
        word: spell(&terms.word),
        same: terms
            .same
            .iter()
            .chain(domains.values().flat_map(|domain| domain.value.values()))
            .map(spell)
            .collect(),
        weak: spell(&terms.weak),
        contrast: terms.contrast.iter().map(|sides| sides.iter().map(spell).collect()).collect(),
        foreign: spell(&terms.foreign),
        aspect: terms
            .aspect
            .iter()
            .map(|aspect| Aspect { asked: spell(&aspect.asked), told: spell(&aspect.told) })
            .collect(),
    }
}

/// The segmenter for these terms: words and everything that means the same as something.
fn segmenter(terms: &Terms) -> Segmenter {
    Segmenter::new(terms.word.iter().chain(terms.same.iter().flatten()).chain(&terms.weak))
}

impl Index {
    /// Opens a finished index.
    ///
    /// Fails with [`Error::Damaged`] if a file is missing or is not what was written.
    pub fn open(folder: &Path, proof: Proof) -> Result<Self> {
        let damaged = |what: String| Error::Damaged { dir: folder.to_owned(), what };
        let directory = MmapDirectory::open(folder).map_err(tantivy::TantivyError::from)?;
        let read = |name: &str| {
            let file = directory.open_read(Path::new(name)).map_err(|error| error.to_string());
            file.and_then(|file| file.read_bytes().map_err(|error| error.to_string()))
                .map_err(|error| damaged(format!("读不了 {name}（{error}）")))
        };
        let manifest: Manifest = serde_json::from_slice(&read(MANIFEST)?)
            .map_err(|_| damaged(format!("{MANIFEST} 不对")))?;
        let mut budget = if proof == Proof::Full { u64::MAX } else { QUICK_BYTES };
        // Kept until all is open, so that each file is mapped once.
        let mut files = BTreeMap::new();
        // Small ones first, so that all but a few large ones are always proven.
        let mut listed: Vec<_> = manifest.files.iter().collect();
        listed.sort_by_key(|(_, (size, _))| *size);
        for (name, (size, checksum)) in listed {
            let bytes = read(name)?;
            if bytes.len() as u64 != *size {
                return Err(damaged(format!("{name} 的大小不对")));
            }
            if *size <= budget && crc32fast::hash(&bytes) != *checksum {
                return Err(damaged(format!("{name} 的内容不对")));
            }
            budget = budget.saturating_sub(*size);
            files.insert(&**name, bytes);
        }
        let read = |name: &str| {
            files.get(name).cloned().ok_or_else(|| damaged(format!("{MANIFEST} 里没有 {name}")))
        };
        let overview: Overview = postcard::from_bytes(&read(OVERVIEW)?)
            .map_err(|_| damaged(format!("{OVERVIEW} 不对")))?;
        let lexicon =
            Lexicon::read(&read(LEXICON)?).ok_or_else(|| damaged(format!("{LEXICON} 不对")))?;
        let segmenter = Segmenter::read(read(TERMS)?.to_vec())
            .ok_or_else(|| damaged(format!("{TERMS} 不对")))?;
        let forest = Forest::read(&read(TREES)?).ok_or_else(|| damaged(format!("{TREES} 不对")))?;
        let beside = Beside { entries: read(ENTRIES)?, names: read(NAMES)?, sounds: read(SOUNDS)? };
        let index = tantivy::Index::open(frozen::Frozen(directory))?;
        let asked = Asked { segmenter, lexicon, forest };
        let index = Self::new(index, overview, asked, beside, Some(folder.to_owned()))?;
        if proof == Proof::Full {
            index.prove().map_err(damaged)?;
        }
        Ok(index)
    }

    /// Builds an index that lasts as long as the program, and proves it.
    pub fn in_memory(content: &Content, forest: Forest, version: &str) -> Result<Self> {
        Self::of(content, overview(content, version), forest)
    }

    /// An index in memory of these entries, with an overview and trees that fit them.
    pub(crate) fn narrowed(
        entries: Vec<Entry>,
        overview: Overview,
        forest: Forest,
    ) -> Result<Self> {
        let content = Content { entries, facts: forest.facts.clone(), ..Content::default() };
        let overview = overview.counted(&content.entries);
        Self::of(&content, overview, forest)
    }

    fn of(content: &Content, overview: Overview, forest: Forest) -> Result<Self> {
        let segmenter = segmenter(&overview.terms);
        let (index, beside) = fill(content, &overview, &segmenter, RamDirectory::create())?;
        let lexicon = OwnedBytes::new(Lexicon::write(&overview.terms, &forest.domains));
        let lexicon = Lexicon::read(&lexicon).expect("it has just been written");
        let asked = Asked { segmenter, lexicon, forest };
        let index = Self::new(index, overview, asked, beside, None)?;
        index.prove().map_err(|what| Error::Damaged { dir: PathBuf::new(), what })?;
        Ok(index)
    }

    /// How much a word distinguishes entries, from 0.
    pub(crate) fn weigh(&self, word: &str) -> f32 {
        let entries = self.searcher.num_docs();
        let weigher = Weigher { weak: &self.overview.weak, entries, all: self.sounds.all };
        weigher.weigh(word, self.sounds.count(word))
    }

    /// How much a pair of characters distinguishes entries, from 0.
    pub(crate) fn weigh_pair(&self, pair: &str) -> Result<f32> {
        let term = Term::from_field_text(self.fields.grams, pair);
        Ok(weight::rarity(self.searcher.num_docs(), self.searcher.doc_freq(&term)?))
    }

    /// The fields that have words, each with its number in [`Fields::words`].
    pub(crate) fn fields(&self) -> impl Iterator<Item = (usize, Field)> + use<> {
        self.fields.with_words(&self.overview)
    }

    fn new(
        index: tantivy::Index,
        overview: Overview,
        Asked { segmenter, lexicon, forest }: Asked,
        beside: Beside,
        folder: Option<PathBuf>,
    ) -> Result<Self> {
        let (_, fields) = Fields::schema();
        let searcher = searcher(&index)?;
        let Beside { entries, names, sounds } = beside;
        let damaged = |name: &str| Error::Damaged {
            dir: folder.clone().unwrap_or_default(),
            what: format!("{name} 不对"),
        };
        let entries = Entries::read(entries).ok_or_else(|| damaged(ENTRIES))?;
        let names = Names::read(names).ok_or_else(|| damaged(NAMES))?;
        let sounds = Sounds::read(sounds).ok_or_else(|| damaged(SOUNDS))?;
        let with_words = fields.with_words(&overview).map(|(_, field)| field).chain([fields.grams]);
        Ok(Self {
            entries,
            names,
            bm25: Bm25::new(&searcher, with_words)?,
            searcher,
            fields,
            overview,
            segmenter,
            lexicon,
            folder,
            forest,
            sounds,
        })
    }

    /// All documents are there, and evenly chosen entries are found by every word of their own titles.
    fn prove(&self) -> std::result::Result<(), String> {
        let documents = self.searcher.num_docs() as usize;
        if documents != self.overview.entries {
            return Err(format!("应有 {} 个条目，只有 {documents} 个", self.overview.entries));
        }
        let step = documents.div_ceil(SAMPLE).max(1);
        for at in (0..documents).step_by(step) {
            let entry = self.entry_at(at as DocId).map_err(|error| error.to_string())?;
            let held = self.holds(self.fields.title, &entry.title, at as DocId);
            if !held.map_err(|error| error.to_string())? {
                return Err(format!("用标题找不到条目 `{}`", entry.id));
            }
        }
        Ok(())
    }

    /// Whether the document is found in `field` by each word of `text`.
    fn holds(&self, field: Field, text: &str, document: DocId) -> Result<bool> {
        for word in self.segmenter.cut(&normalise(text)) {
            let mut held = false;
            let found = |other: DocId, _| held |= other == document;
            self.bm25.near(field, &word.text, &[document], found)?;
            if !held {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// All entries in the order in which they were written: by topic, then by id.
    pub fn entries(&self) -> impl Iterator<Item = Result<Entry>> + '_ {
        (0..self.entries.len()).map(|at| self.entry_at(at as DocId))
    }

    /// The entry with this id.
    pub fn entry(&self, id: &str) -> Result<Option<Entry>> {
        Ok(self.entries.find(id))
    }

    /// The entry that a document is made of.
    pub(crate) fn entry_at(&self, document: DocId) -> Result<Entry> {
        self.entries.get(document as usize).ok_or_else(|| Error::Damaged {
            dir: self.folder.clone().unwrap_or_default(),
            what: format!("条目 {document} 读不出来"),
        })
    }

    /// From when to when the sources of all entries date.
    pub fn dates(&self) -> Option<(Date, Date)> {
        let dates = || self.overview.sources.iter().map(|source| source.date);
        Some((dates().min()?, dates().max()?))
    }
}
