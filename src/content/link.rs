//! Where links lead.

use super::{
    Problem,
    entry::{Block, Entry, Kind, Style},
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use regex::{Captures, Regex};
use std::{
    collections::{HashMap, HashSet},
    iter,
    sync::LazyLock,
};

/// What stays as it is in the path of an address.
const PATH: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Files that a page may show or offer.
const MEDIA: [&str; 7] = ["png", "jpg", "jpeg", "gif", "webp", "svg", "pdf"];

/// The address of the page of entry `id`, percent-encoded, without a base path.
pub fn url(id: &str) -> String {
    format!("/faq/{}", utf8_percent_encode(id, PATH))
}

/// The address of a picture or document of the content, percent-encoded, without a base path.
pub fn media_url(path: &str) -> String {
    format!("/media/{}", utf8_percent_encode(path, PATH))
}

/// Calls `see` with each address to which `entry` leads or whose picture it shows; one that is emptied leads nowhere.
pub(crate) fn each(entry: &mut Entry, mut see: impl FnMut(&mut String)) {
    for Block { kind, marks, .. } in &mut entry.blocks {
        match kind {
            Kind::Image(address) => see(address),
            Kind::Html(clean) => *clean = each_in_html(clean, |address, _| see(address)),
            _ => {}
        }
        for mark in marks {
            if let Style::Link(address) | Style::Image(address) = &mut mark.kind {
                see(address);
            }
        }
    }
}

/// Sanitised HTML with what `see` makes of each address, and whether that is a picture's; entities in addresses stand
/// as ammonia writes them.
fn each_in_html(clean: &str, mut see: impl FnMut(&mut String, bool)) -> String {
    static ADDRESS: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r#" (href|src)="([^"]*)""#).expect("a valid pattern"));
    let seen = ADDRESS.replace_all(clean, |found: &Captures<'_>| {
        let mut address = found[2].replace("&amp;", "&");
        see(&mut address, &found[1] == "src");
        match address.is_empty() {
            true => String::new(),
            false => format!(" {}=\"{}\"", &found[1], address.replace('&', "&amp;")),
        }
    });
    seen.into_owned()
}

/// Whether `path` names a file that a page may show.
pub fn is_media(path: &str) -> bool {
    path.rsplit_once('.').is_some_and(|(_, ending)| MEDIA.contains(&&*ending.to_ascii_lowercase()))
}

/// What links can lead to: the files of a folder, and the entries by file and anchor.
#[derive(Default)]
pub(super) struct Targets<'c> {
    files: HashSet<&'c str>,
    /// The files by their last names.
    named: HashMap<&'c str, Vec<&'c str>>,
    /// For each file with entries, the entry to which each anchor leads. The empty anchor leads to the first.
    entries: HashMap<&'c str, HashMap<String, String>>,
}

impl<'c> Targets<'c> {
    pub(super) fn new(files: impl Iterator<Item = &'c str>) -> Self {
        let mut targets = Self::default();
        for file in files {
            targets.files.insert(file);
            targets.named.entry(last(file)).or_default().push(file);
        }
        targets
    }

    /// `file#anchor` leads to entry `id` for each of these, unless it leads somewhere already; so does the file itself.
    pub(super) fn add(&mut self, file: &'c str, anchors: Vec<String>, id: &str) {
        let entries = self.entries.entry(file).or_default();
        for anchor in iter::once(String::new()).chain(anchors) {
            entries.entry(anchor).or_insert_with(|| id.to_owned());
        }
    }

    /// Gives every link and image of `entry` its address on the pages. One that leads nowhere loses its address.
    pub(super) fn resolve(&self, entry: &mut Entry, problems: &mut Vec<Problem>) {
        let file = entry.file.clone();
        for block in &mut entry.blocks {
            let Block { kind, marks, line, .. } = block;
            match kind {
                Kind::Image(address) => self.settle(&file, address, *line, true, problems),
                Kind::Html(clean) => {
                    *clean = each_in_html(clean, |address, image| {
                        self.settle(&file, address, *line, image, problems);
                    });
                }
                _ => {}
            }
            for mark in marks {
                match &mut mark.kind {
                    Style::Link(address) => self.settle(&file, address, mark.line, false, problems),
                    Style::Image(address) => self.settle(&file, address, mark.line, true, problems),
                    _ => {}
                }
            }
        }
    }

    fn settle(
        &self,
        file: &str,
        address: &mut String,
        line: u32,
        image: bool,
        problems: &mut Vec<Problem>,
    ) {
        match self.target(file, address) {
            Ok(target) => *address = target,
            Err(why) => {
                let what = if image { "图片" } else { "链接" };
                problems.push(Problem::warning(file, line, format!("{what} `{address}` {why}")));
                address.clear();
            }
        }
    }

    /// The address on the pages for `address` as it stands in `file`, or why there is none.
    fn target(&self, file: &str, address: &str) -> Result<String, String> {
        if let Some((scheme, _)) = address.split_once(':').filter(|(scheme, _)| is_scheme(scheme)) {
            return match &*scheme.to_ascii_lowercase() {
                "http" | "https" | "mailto" | "tel" => Ok(address.to_owned()),
                _ => {
                    Err("不是可以打开的地址；请用 http、https、mailto、tel 或文件的相对路径"
                        .to_owned())
                }
            };
        }
        if address.trim().is_empty() {
            return Err("是空的；请写上地址，或去掉".to_owned());
        }
        if address.starts_with("//") {
            return Ok(format!("https:{address}"));
        }
        let (path, anchor) = address.split_once('#').unwrap_or((address, ""));
        let path = percent_decode_str(path.split('?').next().unwrap_or("")).decode_utf8_lossy();
        let anchor = percent_decode_str(anchor).decode_utf8_lossy();
        let found = if path.is_empty() { Some(file) } else { self.file(file, &path) };
        let found = found.ok_or("没有指向任何文件；请改成现有文件的路径，或去掉链接")?;
        let entries = match self.entries.get(found) {
            Some(entries) => entries,
            None if is_media(found) => return Ok(media_url(found)),
            None => {
                return Err(format!("指向 `{found}`，页面上打不开这种文件；请改成网址或条目"));
            }
        };
        let id = entries.get(&*anchor).or_else(|| entries.get(&super::slug(&anchor)));
        id.map(|id| url(id))
            .ok_or_else(|| format!("里的 `#{anchor}` 在 `{found}` 里没有；请改成那里有的标题"))
    }

    /// The file that `path` names: relative to `from`, else to the content folder, else the only one that ends so.
    fn file(&self, from: &str, path: &str) -> Option<&str> {
        let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
        let exact = |path: String| {
            let candidates = [
                path.clone(),
                format!("{path}.md"),
                format!("{path}/README.md"),
                format!("{path}/index.md"),
            ];
            candidates.iter().find_map(|path| self.files.get(path.trim_start_matches('/')).copied())
        };
        let ending = || {
            let parts: Vec<&str> =
                path.split('/').filter(|part| !matches!(*part, "" | "." | "..")).collect();
            (0..parts.len()).find_map(|skip| {
                let ending = parts[skip..].join("/");
                let ends = |file: &&&str| {
                    let before = file.strip_suffix(&*ending);
                    before.is_some_and(|before| before.is_empty() || before.ends_with('/'))
                };
                let mut named = self.named.get(last(&ending))?.iter().filter(ends);
                named.next().filter(|_| named.next().is_none()).copied()
            })
        };
        exact(clean(&format!("{folder}/{path}"))).or_else(|| exact(clean(path))).or_else(ending)
    }
}

/// The last name of a path.
fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
}

/// `a/./b/../c` → `a/c`. Steps above the content folder stay, so that such a path names nothing.
fn clean(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}
