//! Files → entries.
//!
//! [`load`] is the way in: it takes the files of a folder ([`read`]) and gives what could be read of them together
//! with every [`Problem`]. A folder with `sources.toml` is *ours* and is held to its formats; any other folder of
//! markdown is taken as it is.
//!
//! A markdown text becomes blocks in three steps: `dialect` brings tables and headings to what the parser knows,
//! `strong` mends bold beside Chinese punctuation, `markdown` folds events into blocks. `link` then finds where
//! links lead, and `html` writes blocks for a page.
//!
//! **A bad file yields problems and never stops the others. No word of a text is lost.**

mod any;
mod dialect;
mod directive;
mod domain;
mod entry;
pub(crate) mod facts;
mod front;
mod html;
pub mod link;
mod lint;
mod markdown;
mod ours;
mod report;
mod strong;

pub use domain::{Domain, Part};
pub use entry::{Block, Changed, Citation, Disputed, Entry, Kind, Link, Mark, Style};
pub(crate) use facts::FACT;
pub use facts::Facts;
pub use html::{anchor, render};
pub use lint::lint;
pub(crate) use ours::{SAY_LIMIT, SENTENCE_LIMIT, length, name_lines};
pub use report::{Covered, Disagreements, coverage, disagreements};

use crate::{
    cores,
    error::{Error, Result},
    problem::Problem,
};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs::{self, Metadata, ReadDir},
    io::{self, Read},
    path::{Path, PathBuf},
};

/// The largest file that is read, in bytes: ten times the longest manual that we know.
pub const FILE_BYTES: u64 = 4 << 20;

/// The longest file that is read, in lines.
pub const FILE_LINES: usize = 50_000;

/// The largest picture or document that is given out, in bytes.
const MEDIA_BYTES: u64 = 32 << 20;

/// A file of a content folder.
#[derive(Debug, Clone)]
pub struct File {
    /// The path below the folder, with `/`.
    pub path: String,
    /// Its bytes, or why they could not be read, in words for people; empty for what is neither markdown nor TOML nor TSV.
    pub bytes: std::result::Result<Vec<u8>, String>,
}

/// All that was read of a folder.
#[derive(Debug, Clone, Default)]
pub struct Content {
    /// What the whole is called.
    pub title: String,
    /// The ids of the trees that most questions need.
    pub main: Vec<String>,
    /// In the order in which they are shown.
    pub topics: Vec<Topic>,
    /// Empty for a folder that is not ours.
    pub sources: Vec<Source>,
    pub terms: Terms,
    /// The values that a scope can have, by key.
    pub domains: BTreeMap<String, Domain>,
    /// What stands once and is shown in many places.
    pub facts: Facts,
    /// Outside addresses by id.
    pub links: BTreeMap<String, Link>,
    /// Old ids with the new ones.
    pub moved: BTreeMap<String, String>,
    pub entries: Vec<Entry>,
    /// By file and line.
    pub problems: Vec<Problem>,
}

/// Reads a TOML file. Fails with the line of the mistake.
pub(crate) fn toml<T: serde::de::DeserializeOwned>(file: &File) -> std::result::Result<T, Problem> {
    front::toml(&file.path, &file.text()?, 1)
}

/// What a folder of entries is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Topic {
    /// The folder below `faq/`, or below the content folder.
    pub id: String,
    pub title: String,
    #[serde(default)]
    pub line: String,
}

/// A dated document that statements rest on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    pub id: String,
    pub title: String,
    pub publisher: String,
    pub date: Date,
    pub sections: Vec<Section>,
}

/// A part of a source that can be cited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Section {
    pub id: String,
    pub title: String,
    /// Why no entry has to cite it.
    pub left_out: Option<String>,
}

/// What the search has to know about words: `terms.toml`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Terms {
    /// Words that are never cut.
    pub word: Vec<String>,
    /// Groups that mean the same.
    pub same: Vec<Vec<String>>,
    /// Words that say little because every question has them.
    pub weak: Vec<String>,
    /// Sides that exclude each other, each with its words: an entry about one does not answer for another.
    pub contrast: Vec<Vec<Vec<String>>>,
    /// Words of other subjects: an entry without such a word does not answer a question that has it.
    pub foreign: Vec<String>,
    /// What is asked for: an entry that does not tell it does not answer.
    pub aspect: Vec<Aspect>,
}

/// Something that is asked for, such as money, and by what it is seen that an entry tells it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Aspect {
    /// Words of questions that ask for it.
    pub asked: Vec<String>,
    /// Words of which title or text of an entry that tells it has one.
    pub told: Vec<String>,
}

impl File {
    /// The text, without a byte order mark and with `\n` at the ends of lines.
    fn text(&self) -> std::result::Result<String, Problem> {
        let problem = |message: String| Problem::error(&self.path, 0, message);
        let bytes = self.bytes.as_ref().map_err(|why| problem(why.clone()))?;
        let text = simdutf8::compat::from_utf8(bytes).map_err(|error| {
            let line = bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count();
            let wide = bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]);
            let guess = if wide { "是 UTF-16" } else { "可能是 GBK" };
            let message = format!("不是 UTF-8 编码（{guess}）；请用编辑器另存为 UTF-8");
            Problem::error(&self.path, line as u32 + 1, message)
        })?;
        let text = text.trim_start_matches('\u{FEFF}');
        let text = match text.contains('\r') {
            true => text.replace("\r\n", "\n").replace('\r', "\n"),
            false => text.to_owned(),
        };
        match text.lines().nth(FILE_LINES) {
            Some(_) => Err(problem(format!("太长；一个文件最多 {FILE_LINES} 行，请拆成几个"))),
            None => Ok(text),
        }
    }
}

/// Reads the markdown and TOML files of `folder` and lists all others, by path. Hidden ones are left out.
///
/// Fails if the folder is not there or cannot be opened; a file or folder in it that cannot be read says so itself.
pub fn read(folder: &Path) -> Result<Vec<File>> {
    let text = |path: &Path| match is_text(&path.to_string_lossy()) {
        true => bytes(path),
        false => Ok(Vec::new()),
    };
    let read = |(path, seen): &(PathBuf, std::result::Result<(), String>)| File {
        bytes: seen.clone().and_then(|()| text(path)),
        path: name(folder, path),
    };
    Ok(cores::in_order(&list(folder)?, read, |files| files.collect()))
}

/// The bytes of a file that is not too large.
fn bytes(path: &Path) -> std::result::Result<Vec<u8>, String> {
    let read = |path| {
        let file = fs::File::open(path)?;
        // One more than may be, so that a file that grows meanwhile is noticed.
        let most = FILE_BYTES + 1;
        let mut bytes = Vec::with_capacity(file.metadata()?.len().min(most) as usize + 1);
        file.take(most).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = read(path).map_err(|error: io::Error| unreadable(&error))?;
    match bytes.len() as u64 > FILE_BYTES {
        true => Err(format!("太大；一个文件最多 {} MB，请拆成几个", FILE_BYTES >> 20)),
        false => Ok(bytes),
    }
}

fn unreadable(error: &io::Error) -> String {
    format!("读不了；请检查权限，是链接的话看它指向的文件还在不在（{error}）")
}

/// The bytes of the picture or document at `path` below `folder`, if it is a file in there and not too large.
pub(crate) fn media(folder: &Path, path: &str) -> Option<Vec<u8>> {
    let whole = fs::canonicalize(folder.join(path)).ok()?;
    let meta = fs::metadata(&whole).ok()?;
    let hidden = path.split('/').any(|part| part.starts_with('.'));
    let inside = whole.starts_with(fs::canonicalize(folder).ok()?);
    (inside && !hidden && meta.is_file() && meta.len() <= MEDIA_BYTES)
        .then(|| fs::read(whole).ok())
        .flatten()
}

/// A file or folder: what the system knows of it, or why it cannot be opened.
pub(crate) type Seen = std::result::Result<Metadata, String>;

/// All files below `folder`, sorted, and what cannot be opened, with the reason. Hidden ones are left out.
pub fn list(folder: &Path) -> Result<Vec<(PathBuf, std::result::Result<(), String>)>> {
    let mut list = Vec::new();
    each(folder, &mut |path, seen| list.push((path, seen.map(drop))))?;
    list.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(list)
}

/// Calls `found` with the same in any order.
pub(crate) fn each(folder: &Path, found: &mut dyn FnMut(PathBuf, Seen)) -> Result<()> {
    if !folder.is_dir() {
        return Err(Error::NoContent { path: folder.to_owned() });
    }
    let failed = |source| Error::Read { path: folder.to_owned(), source };
    let whole = fs::canonicalize(folder).map_err(failed)?;
    each_below(folder, fs::read_dir(folder).map_err(failed)?, &mut vec![whole], found);
    Ok(())
}

/// Calls `found` with what is in `folder`. `above` are the real places of the folders that lead here, the outermost first.
fn each_below(
    folder: &Path,
    entries: ReadDir,
    above: &mut Vec<PathBuf>,
    found: &mut dyn FnMut(PathBuf, Seen),
) {
    for entry in entries {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                found(folder.to_owned(), Err(unreadable(&error)));
                continue;
            }
        };
        let name = entry.file_name();
        if name.to_string_lossy().starts_with('.') {
            continue;
        }
        let path = entry.path();
        // Where the folder is open, its entries are found without their whole path.
        let mut seen = entry.metadata();
        let mut place = None;
        if seen.as_ref().is_ok_and(Metadata::is_symlink) {
            seen = fs::metadata(&path);
            if let Ok(to) = fs::canonicalize(&path) {
                // A link that leads back up shows nothing that was not seen.
                if above.contains(&to) {
                    continue;
                }
                if !to.starts_with(&above[0]) {
                    let why = "是指向内容文件夹外面的链接，没有读；请把文件放进来";
                    found(path, Err(why.to_owned()));
                    continue;
                }
                place = Some(to);
            }
        }
        match seen {
            Ok(meta) if meta.is_dir() => match fs::read_dir(&path) {
                Ok(entries) => {
                    let parent = above.last().expect("the content folder is above all");
                    above.push(place.unwrap_or_else(|| parent.join(name)));
                    each_below(&path, entries, above, found);
                    above.pop();
                }
                Err(error) => found(path, Err(unreadable(&error))),
            },
            Ok(meta) if meta.is_file() => found(path, Ok(meta)),
            // Neither file nor folder.
            Ok(_) => {}
            Err(error) => found(path, Err(unreadable(&error))),
        }
    }
}

/// The path below `folder`, with `/`.
fn name(folder: &Path, path: &Path) -> String {
    let name = path.strip_prefix(folder).unwrap_or(path).to_string_lossy();
    if cfg!(windows) { name.replace('\\', "/") } else { name.into_owned() }
}

/// Reads the files of a folder.
pub fn load(files: &[File]) -> Content {
    let mut content = if files.iter().any(|file| file.path == "sources.toml") {
        ours::load(files)
    } else {
        any::load(files)
    };
    // A folder that cannot be opened has no name that tells what would have been in it.
    let closed = files.iter().filter(|file| !is_text(&file.path) && file.bytes.is_err());
    content.problems.extend(closed.filter_map(|file| file.text().err()));
    content.problems.sort();
    content.problems.dedup();
    content
}

fn is_markdown(path: &str) -> bool {
    path.rsplit_once('.')
        .is_some_and(|(_, ending)| ["md", "markdown"].contains(&&*ending.to_ascii_lowercase()))
}

fn is_text(path: &str) -> bool {
    is_markdown(path) || path.ends_with(".toml") || path.ends_with(".tsv")
}

/// A heading as part of an id: letters, digits and hyphens.
fn slug(heading: &str) -> String {
    let words = heading.split(|c: char| !c.is_alphanumeric() && c != '-' && c != '_');
    let slug = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-");
    if slug.is_empty() { "section".to_owned() } else { slug }
}
