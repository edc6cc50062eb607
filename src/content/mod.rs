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
mod entry;
mod facts;
mod front;
mod html;
pub mod link;
mod markdown;
mod ours;
mod strong;

pub use entry::{Block, Changed, Citation, Disputed, Entry, Kind, Link, Mark, Style};
pub use html::render;

use crate::{
    error::{Error, Result},
    problem::Problem,
};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, path::Path};

/// A file of a content folder.
#[derive(Debug, Clone)]
pub struct File {
    /// The path below the folder, with `/`.
    pub path: String,
    /// Its bytes, or why they could not be read; empty for what is neither markdown nor TOML.
    pub bytes: std::result::Result<Vec<u8>, String>,
}

/// All that was read of a folder.
#[derive(Debug, Clone, Default)]
pub struct Content {
    /// What the whole is called.
    pub title: String,
    /// In the order in which they are shown.
    pub topics: Vec<Topic>,
    /// Empty for a folder that is not ours.
    pub sources: Vec<Source>,
    pub terms: Terms,
    /// The names of the values that a scope can have, by key and id.
    pub labels: BTreeMap<String, BTreeMap<String, String>>,
    /// Old ids with the new ones.
    pub moved: BTreeMap<String, String>,
    pub entries: Vec<Entry>,
    /// By file and line.
    pub problems: Vec<Problem>,
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
    /// Ids and titles.
    pub sections: Vec<(String, String)>,
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
}

impl File {
    /// The text, without a byte order mark and with `\n` at the ends of lines.
    fn text(&self) -> std::result::Result<String, Problem> {
        let problem = |message: String| Problem::error(&self.path, 0, message);
        let bytes = self
            .bytes
            .as_ref()
            .map_err(|why| problem(format!("读不了这个文件；请检查权限（{why}）")))?;
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let line = bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count()
                as u32
                + 1;
            Problem::error(
                &self.path,
                line,
                "不是 UTF-8 编码（可能是 GBK）；请用编辑器另存为 UTF-8",
            )
        })?;
        Ok(text.trim_start_matches('\u{FEFF}').replace("\r\n", "\n").replace('\r', "\n"))
    }
}

/// Reads the markdown and TOML files of `folder` and lists all others, by path. Hidden ones are left out.
///
/// Fails if there is no such folder; a file that cannot be read says so itself.
pub fn read(folder: &Path) -> Result<Vec<File>> {
    let bytes = |path: &Path| match is_text(&path.to_string_lossy()) {
        true => std::fs::read(path).map_err(|error| error.to_string()),
        false => Ok(Vec::new()),
    };
    let files = list(folder)?;
    Ok(files.into_iter().map(|path| File { bytes: bytes(&folder.join(&path)), path }).collect())
}

/// The paths of all files below `folder`, sorted, with `/`. Hidden ones are left out.
pub fn list(folder: &Path) -> Result<Vec<String>> {
    if !folder.is_dir() {
        return Err(Error::NoContent { path: folder.to_owned() });
    }
    let hidden = |entry: &walkdir::DirEntry| {
        entry.depth() > 0 && entry.file_name().to_string_lossy().starts_with('.')
    };
    let mut paths = Vec::new();
    for entry in walkdir::WalkDir::new(folder)
        .follow_links(true)
        .into_iter()
        .filter_entry(|entry| !hidden(entry))
    {
        match entry {
            Ok(entry) if entry.file_type().is_file() => paths.push(entry.into_path()),
            Ok(_) => {}
            // A folder that cannot be opened is named like a file that cannot be read.
            Err(error) => paths.extend(error.path().map(Path::to_owned)),
        }
    }
    let relative = paths.iter().filter_map(|path| path.strip_prefix(folder).ok());
    let mut paths: Vec<String> =
        relative.map(|path| path.to_string_lossy().replace('\\', "/")).collect();
    paths.sort();
    Ok(paths)
}

/// Reads the files of a folder.
pub fn load(files: &[File]) -> Content {
    let mut content = if files.iter().any(|file| file.path == "sources.toml") {
        ours::load(files)
    } else {
        any::load(files)
    };
    content.problems.sort();
    content.problems.dedup();
    content
}

fn is_markdown(path: &str) -> bool {
    path.rsplit_once('.')
        .is_some_and(|(_, ending)| ["md", "markdown"].contains(&&*ending.to_ascii_lowercase()))
}

fn is_text(path: &str) -> bool {
    is_markdown(path) || path.ends_with(".toml")
}

/// A heading as part of an id: letters, digits and hyphens.
fn slug(heading: &str) -> String {
    let words = heading.split(|c: char| !c.is_alphanumeric() && c != '-' && c != '_');
    let slug = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-");
    if slug.is_empty() { "section".to_owned() } else { slug }
}
