//! All of one content version, open and immutable.

use crate::{
    content::{self, Content, Entry, File, link},
    error::{Error, Result},
    index::{self, Index, Key, Proof},
    problem::Problem,
    search::{Suggester, Suggestion},
    tree::{self, Forest, Tree},
};
use include_dir::{Dir, include_dir};
use jiff::civil::Date;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use std::{
    collections::HashSet,
    env, fs,
    path::{Component, Path, PathBuf},
    sync::OnceLock,
    thread,
    time::Duration,
};

static BUILTIN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/content");

/// Where content comes from and where its index lies.
#[derive(Debug, Clone, Default)]
pub struct Place {
    /// A folder, or the content that is compiled in.
    pub content: Option<PathBuf>,
    /// The folder of all indexes, or the usual one: `index/` in a checkout of this project, else the cache folder of
    /// the user.
    pub index: Option<PathBuf>,
}

impl Place {
    /// The content as people know it.
    pub fn name(&self) -> String {
        self.content
            .as_ref()
            .map_or("内置内容".to_owned(), |folder| format!("`{}`", folder.display()))
    }

    /// The files of the content.
    ///
    /// Fails if the folder is not there.
    pub fn files(&self) -> Result<Vec<File>> {
        match &self.content {
            Some(folder) => content::read(folder),
            None => {
                let mut files = Vec::new();
                collect(&BUILTIN, &mut files);
                files.sort_by(|a, b| a.path.cmp(&b.path));
                Ok(files)
            }
        }
    }

    /// What tells one state of the content from another, without reading it.
    ///
    /// Fails if the folder is not there.
    pub fn key(&self) -> Result<Key> {
        self.content.as_ref().map_or_else(|| Ok(Key::builtin()), |folder| Key::of(folder))
    }

    /// The files of the content once nothing has changed for two seconds, nor while they were read.
    fn settled(&self) -> Result<(Key, Vec<File>)> {
        loop {
            let key = self.key()?;
            if key.settled {
                let files = self.files()?;
                if self.key()? == key {
                    return Ok((key, files));
                }
            }
            thread::sleep(Duration::from_millis(100));
        }
    }

    fn root(&self) -> PathBuf {
        match &self.index {
            Some(folder) => folder.clone(),
            None if is_checkout() => PathBuf::from("index"),
            None => cache_folder().join("jieda"),
        }
    }
}

/// Whether the current folder is a checkout of this project.
pub fn is_checkout() -> bool {
    Path::new("Cargo.toml").is_file() && Path::new("index/README.md").is_file()
}

fn cache_folder() -> PathBuf {
    let named = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = || {
        named("HOME").map(|home| {
            home.join(if cfg!(target_os = "macos") { "Library/Caches" } else { ".cache" })
        })
    };
    named("XDG_CACHE_HOME")
        .or_else(|| named("LOCALAPPDATA"))
        .or_else(home)
        .unwrap_or_else(env::temp_dir)
}

fn collect(folder: &Dir<'_>, files: &mut Vec<File>) {
    files.extend(folder.files().map(|file| File {
        path: file.path().to_string_lossy().into_owned(),
        bytes: Ok(file.contents().to_vec()),
    }));
    folder.dirs().for_each(|folder| collect(folder, files));
}

/// The address of the page of a topic, percent-encoded, without a base path.
pub fn topic_url(id: &str) -> String {
    let id = utf8_percent_encode(id, NON_ALPHANUMERIC).to_string().replace("%2F", "/");
    format!("/topics/{id}")
}

/// What lists show of an entry.
#[derive(Debug, Clone)]
pub struct Summary {
    pub id: String,
    pub title: String,
    pub topic: String,
    /// The first paragraph.
    pub say: String,
    pub as_of: Option<Date>,
    /// What it rests on: sources with sections.
    pub cites: Vec<(String, String)>,
}

impl Summary {
    /// The address of its page, percent-encoded, without a base path.
    pub fn url(&self) -> String {
        link::url(&self.id)
    }

    /// Whether the entry rests on any section of the source.
    pub fn rests_on(&self, source: &content::Source) -> bool {
        self.cites.iter().any(|(id, _)| *id == source.id)
    }
}

/// All of one content version: its entries, problems and index.
pub struct Library {
    pub index: Index,
    /// What happened on opening that the user should know, a line each.
    pub notices: Vec<String>,
    place: Place,
    /// The addresses of the pictures and documents that may be shown; nothing if all may.
    shown: Option<HashSet<String>>,
    summaries: OnceLock<Vec<Summary>>,
    suggester: OnceLock<Suggester>,
}

/// What has become of the content since a library was opened.
pub enum Change {
    /// Nothing, or nothing but times.
    Same,
    /// It is new, and sound.
    New(Box<Library>),
    /// It has errors: all its problems.
    Refused(Vec<Problem>),
}

impl Library {
    fn new(index: Index, notices: Vec<String>, place: &Place) -> Self {
        Self {
            index,
            notices,
            place: place.clone(),
            shown: None,
            summaries: OnceLock::new(),
            suggester: OnceLock::new(),
        }
    }

    /// Opens the index of the content as it is now, and builds it first if it is missing, stale or damaged.
    ///
    /// Where nothing can be written, or a file has changed within the last two seconds, the index is in memory.
    /// Fails if the content is not there, or if no index can be built.
    pub fn open(place: &Place, proof: Proof) -> Result<Self> {
        Self::open_at(place, &place.key()?, proof)
    }

    /// The same of content whose key is known.
    pub fn open_at(place: &Place, key: &Key, proof: Proof) -> Result<Self> {
        Self::at(place, key, proof, || Ok(load(&place.files()?)))
    }

    /// Opens the index of `key`, and builds it of what `load` gives if it is missing or damaged.
    fn at(
        place: &Place,
        key: &Key,
        proof: Proof,
        load: impl FnOnce() -> Result<Loaded>,
    ) -> Result<Self> {
        let folder = key.folder(&place.root());
        let mut notices = Vec::new();
        if key.settled && folder.exists() {
            match Index::open(&folder, proof) {
                Ok(index) => return Ok(Self::new(index, notices, place)),
                Err(error) => {
                    let what = match &error {
                        Error::Damaged { what, .. } => what.clone(),
                        error => crate::error::chain(error),
                    };
                    let folder = folder.display();
                    notices.push(format!("索引 `{folder}` 不完整（{what}），重建了索引"));
                    drop(fs::remove_dir_all(key.folder(&place.root())));
                }
            }
        } else if key.settled && key.has_older(&place.root()) {
            notices.push("内容或程序变了，重建了索引".to_owned());
        }
        let index = build(place, key, load()?, &mut notices)?;
        Ok(Self::new(index, notices, place))
    }

    /// Builds the index anew, on disk, after everything has been still for two seconds.
    ///
    /// Fails if the index folder cannot be written.
    pub fn rebuild(place: &Place) -> Result<Self> {
        let (key, files) = place.settled()?;
        let root = place.root();
        let (content, forest, version) = load(&files);
        // Large folders need not lie in memory twice.
        drop(files);
        let draft = key.draft(&root);
        index::write(&content, &forest, &version, &draft)?;
        let folder = key.folder(&root);
        if folder.exists() {
            fs::remove_dir_all(&folder)
                .map_err(|source| Error::Write { path: folder.clone(), source })?;
        }
        let index = settle(&key, &root, &draft)?;
        Ok(Self::new(index, Vec::new(), place))
    }

    /// The library of the content as it is once it has been still for two seconds, if it is new and has no errors.
    ///
    /// Its index is proven. Fails if the content is not there, or if no index can be built.
    pub fn renew(&self) -> Result<Change> {
        let (key, files) = self.place.settled()?;
        if version(&files) == self.index.overview.version {
            return Ok(Change::Same);
        }
        let loaded = load(&files);
        if loaded.0.problems.iter().any(Problem::is_error) {
            return Ok(Change::Refused(loaded.0.problems));
        }
        let library = Self::at(&self.place, &key, Proof::Full, || Ok(loaded))?;
        Ok(Change::New(Box::new(library)))
    }

    /// What everybody may see: a library in memory, made of all that is neither internal nor speaks of what is; nothing if that
    /// is everything.
    ///
    /// A tree that cites an internal entry is internal as well, for its texts say what the entry says. Of pictures and
    /// documents, those are left that an entry shows.
    pub fn public(&self) -> Result<Option<Self>> {
        if !self.index.overview.internal {
            return Ok(None);
        }
        let entries = self.index.entries().collect::<Result<Vec<_>>>()?;
        let (internal, mut entries): (Vec<Entry>, Vec<Entry>) =
            entries.into_iter().partition(|entry| entry.internal);
        let (mut forest, mut overview) = (self.index.forest.clone(), self.index.overview.clone());
        let is_internal = |id: &str| internal.iter().any(|entry| entry.id == id);
        let trees = forest.hide(is_internal);
        let hidden = |id: &str| match id.strip_prefix("tree:") {
            Some(tree) => trees.contains(tree),
            None => is_internal(id),
        };
        let leads_there = |address: &str| {
            let page = address.split(['#', '?']).next().unwrap_or(address);
            internal.iter().any(|entry| entry.url() == page)
                || page.strip_prefix("/trees/").is_some_and(|tree| trees.contains(tree))
        };
        let cites = |entry: &Entry, source: &str| entry.citations().any(|cited| cited.id == source);
        overview.main.retain(|tree| !trees.contains(tree));
        overview.moved.retain(|_, id| !is_internal(id));
        let mut problems = overview.problems.to_vec();
        problems.retain(|problem| {
            internal.iter().all(|entry| {
                entry.file != problem.file && !problem.message.contains(&format!("`{}`", entry.id))
            })
        });
        overview.problems = problems.into();
        let any = |entries: &[Entry], found: &dyn Fn(&Entry) -> bool| entries.iter().any(found);
        overview.topics.retain(|topic| {
            let about = |entry: &Entry| entry.topic == topic.id;
            any(&entries, &about) || !any(&internal, &about)
        });
        let mut sources = overview.sources.to_vec();
        sources.retain(|source| {
            let cites = |entry: &Entry| cites(entry, &source.id);
            any(&entries, &cites) || !any(&internal, &cites)
        });
        overview.sources = sources.into();
        let mut shown = HashSet::new();
        for entry in &mut entries {
            entry.related.retain(|id| !hidden(id));
            link::each(entry, |address| {
                if leads_there(address) {
                    address.clear();
                }
                shown.insert(address.clone());
            });
        }
        let index = Index::narrowed(entries, overview, forest)?;
        let library = Self::new(index, Vec::new(), &self.place);
        Ok(Some(Self { shown: Some(shown), ..library }))
    }

    /// Whether it is what everybody may see of another.
    pub fn is_narrowed(&self) -> bool {
        self.shown.is_some()
    }

    /// Reads what is otherwise read when it is first asked for, so that nobody waits for it, and nothing is missed when the
    /// index folder is removed.
    pub fn warm(&self) -> Result<()> {
        self.summaries()?;
        self.suggest("", 0).map(drop)
    }

    /// A library in memory, of files that need not be on disk.
    pub fn of(files: &[File]) -> Result<Self> {
        let (content, forest, version) = load(files);
        let index = Index::in_memory(&content, forest, &version)?;
        Ok(Self::new(index, Vec::new(), &Place::default()))
    }

    /// The entry with this id, or with the id that it had before it moved; or the cell of a table of facts.
    pub fn entry(&self, id: &str) -> Result<Option<Entry>> {
        if id.starts_with(content::FACT) {
            return Ok(self.index.forest.facts.entry(id));
        }
        let id = self.index.overview.moved.get(id).map_or(id, |moved| moved);
        self.index.entry(id)
    }

    /// The entries that an outcome cites.
    pub fn cited(&self, outcome: &tree::Outcome) -> Result<Vec<Entry>> {
        let entries = outcome.cite.iter().filter_map(|id| self.entry(id).transpose());
        entries.collect()
    }

    /// All entries as lists show them, by topic and id. Read once.
    pub fn summaries(&self) -> Result<&[Summary]> {
        if let Some(summaries) = self.summaries.get() {
            return Ok(summaries);
        }
        let summary = |entry: Entry| Summary {
            say: entry.say().to_owned(),
            as_of: entry.as_of,
            cites: entry.sources.into_iter().map(|cited| (cited.id, cited.section)).collect(),
            id: entry.id,
            title: entry.title,
            topic: entry.topic,
        };
        let summaries =
            self.index.entries().map(|entry| entry.map(summary)).collect::<Result<Vec<_>>>()?;
        Ok(self.summaries.get_or_init(|| summaries))
    }

    /// At most `limit` completions of what somebody has begun to type, the best first. All names are read once.
    pub fn suggest(&self, typed: &str, limit: usize) -> Result<Vec<Suggestion<'_>>> {
        if self.suggester.get().is_none() {
            // Whoever is first keeps it.
            drop(self.suggester.set(Suggester::new(&self.index)?));
        }
        Ok(self.suggester.get().map_or(Vec::new(), |suggester| suggester.complete(typed, limit)))
    }

    /// What an entry names as related, in that order.
    pub fn related(&self, entry: &Entry) -> Result<Vec<&Summary>> {
        let summaries = self.summaries()?;
        let related = entry.related.iter();
        Ok(related.filter_map(|id| summaries.iter().find(|other| other.id == *id)).collect())
    }

    /// The trees that cite an entry, or that it names.
    pub fn trees_about(&self, entry: &Entry) -> Vec<&Tree> {
        let named =
            |tree: &Tree| entry.related.iter().any(|id| id.strip_prefix("tree:") == Some(&tree.id));
        let trees = self.index.forest.trees.values().map(|tree| &**tree);
        trees.filter(|tree| named(tree) || tree.cites(&entry.id)).collect()
    }

    /// Whether the folder is in our own formats: the first paragraph of an entry is its answer.
    pub fn is_ours(&self) -> bool {
        self.index.overview.ours
    }

    /// For whom the entry holds, in words; empty if for all.
    pub fn scope(&self, entry: &Entry) -> Vec<String> {
        let label =
            |key: &str, id: &str| self.index.forest.domains.get(key)?.label(id).map(str::to_owned);
        let named = |(key, ids): (&String, &Vec<String>)| {
            ids.iter().map(|id| label(key, id).unwrap_or_else(|| id.clone())).collect::<Vec<_>>()
        };
        entry.scope.iter().flat_map(named).collect()
    }

    /// The picture or document of the content with this path, if there is one that pages may show.
    pub fn media(&self, path: &str) -> Option<Vec<u8>> {
        let inside = Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
        let shown = |shown: &HashSet<String>| shown.contains(&link::media_url(path));
        if !inside || !link::is_media(path) || !self.shown.as_ref().is_none_or(shown) {
            return None;
        }
        match &self.place.content {
            Some(folder) => content::media(folder, path),
            None => BUILTIN.get_file(path).map(|file| file.contents().to_vec()),
        }
    }
}

/// Builds the index on disk, or in memory where that is not to be.
fn build(place: &Place, key: &Key, loaded: Loaded, notices: &mut Vec<String>) -> Result<Index> {
    let (content, forest, version) = loaded;
    if !key.settled {
        return Index::in_memory(&content, forest, &version);
    }
    let root = place.root();
    let draft = key.draft(&root);
    match index::write(&content, &forest, &version, &draft)
        .and_then(|()| settle(key, &root, &draft))
    {
        Ok(index) => Ok(index),
        Err(error) => {
            drop(fs::remove_dir_all(&draft));
            notices.push(format!(
                "{}；这次的索引只在内存里，要留下来请用 `--index` 指定可写的文件夹",
                crate::error::chain(&error)
            ));
            Index::in_memory(&content, forest, &version)
        }
    }
}

/// Gives the finished draft its name and opens it. If another process was faster, its index is as good.
fn settle(key: &Key, root: &Path, draft: &Path) -> Result<Index> {
    let folder = key.folder(root);
    if let Err(source) = fs::rename(draft, &folder) {
        drop(fs::remove_dir_all(draft));
        if !folder.exists() {
            return Err(Error::Write { path: folder, source });
        }
    }
    key.clean(root);
    Index::open(&folder, Proof::Quick)
}

/// What was read of the files, with their version.
type Loaded = (Content, Forest, String);

fn load(files: &[File]) -> Loaded {
    let mut content = content::load(files);
    let forest = tree::load(files, &content);
    content.problems.extend(forest.problems().cloned());
    (content, forest, version(files))
}

/// The checksum over paths and bytes of all files, as eight hexadecimal digits.
fn version(files: &[File]) -> String {
    let mut hasher = crc32fast::Hasher::new();
    for file in files {
        hasher.update(file.path.as_bytes());
        hasher.update(file.bytes.as_deref().unwrap_or_default());
    }
    format!("{:08x}", hasher.finalize())
}
