//! Any folder of markdown, as vendors and teams keep it: nothing is required, everything is used.

use super::{
    Content, File, Problem, Topic,
    entry::{Block, Citation, Entry, Kind},
    front::{self, Loose},
    link::Targets,
    markdown,
};
use crate::cores;
use std::collections::{HashMap, HashSet};

/// The topic of files that stand in no folder.
const NO_FOLDER: &str = "-";

/// Reads all markdown files. What is broken is a problem; nothing is left out for it but what cannot be read.
pub(super) fn load(files: &[File]) -> Content {
    let mut content = Content { title: "解答".to_owned(), ..Content::default() };
    let mut targets = Targets::new(files.iter().map(|file| &*file.path));
    let mut taken = HashMap::new();
    let files: Vec<&File> = files.iter().filter(|file| super::is_markdown(&file.path)).collect();
    if files.is_empty() {
        let message = "这个文件夹里没有 .md 文件；请检查 `--content` 的路径";
        content.problems.push(Problem::error(".", 0, message));
    }
    let mut topics = HashSet::new();
    cores::in_order(
        &files,
        |file| entries(file),
        |read| {
            for ((entries, problems), file) in read.zip(&files) {
                content.problems.extend(problems);
                for (mut entry, anchors) in entries {
                    entry.id = free(entry.id, &mut taken);
                    targets.add(&file.path, anchors, &entry.id);
                    if entry.blocks.is_empty() {
                        let message = "标题下没有内容；请写上答案，或去掉标题";
                        content.problems.push(Problem::warning(&file.path, entry.line, message));
                    }
                    if topics.insert(entry.topic.clone()) {
                        content.topics.push(topic(&entry.topic));
                    }
                    content.entries.push(entry);
                }
            }
        },
    );
    for entry in &mut content.entries {
        targets.resolve(entry, &mut content.problems);
    }
    content
}

/// The entries of a file with the anchors that lead to them, and its problems.
fn entries(file: &File) -> (Vec<(Entry, Vec<String>)>, Vec<Problem>) {
    let mut problems = Vec::new();
    match file.text() {
        Ok(text) => (Document::new(&file.path, &text, &mut problems).entries(), problems),
        Err(problem) => (Vec::new(), vec![problem]),
    }
}

fn topic(id: &str) -> Topic {
    let title = if id == NO_FOLDER { "未分文件夹" } else { id };
    Topic { id: id.to_owned(), title: title.to_owned(), line: String::new() }
}

/// `id`, or the first of `id-2`, `id-3`, … that nothing has yet. `taken` has what is taken, each with the number that is tried
/// next, so that many of the same take no longer than many that differ.
fn free(id: String, taken: &mut HashMap<String, usize>) -> String {
    let mut free = id.clone();
    let mut number = taken.get(&id).copied().unwrap_or(2);
    while taken.contains_key(&free) {
        free = format!("{id}-{number}");
        number += 1;
    }
    taken.insert(id, number);
    taken.entry(free.clone()).or_insert(2);
    free
}

/// One file on its way to entries.
struct Document<'f> {
    path: &'f str,
    title: String,
    /// The line of the title.
    line: u32,
    front: Loose,
    blocks: Vec<Block>,
    anchors: Vec<(u32, String)>,
}

impl<'f> Document<'f> {
    fn new(path: &'f str, text: &str, problems: &mut Vec<Problem>) -> Self {
        let parted = front::split(text).and_then(|(fence, head, body, first)| {
            Some((front::loose(path, fence, head, problems)?, body, first))
        });
        let (front, body, first) = parted.unwrap_or((Loose::default(), text, 1));
        let lines: Vec<_> = (first..).zip(body.lines()).collect();
        let markdown::Parsed { mut blocks, anchors } = markdown::parse(&lines);
        let split = |block: &Block| block.level == 0 && matches!(block.kind, Kind::Heading(1 | 2));
        let heading =
            blocks.iter().position(split).filter(|at| blocks[*at].kind == Kind::Heading(1));
        let stem =
            path.rsplit('/').next().unwrap_or(path).rsplit_once('.').map_or(path, |(stem, _)| stem);
        let title = front
            .title
            .clone()
            .or_else(|| Some(blocks[heading?].text.clone()))
            .unwrap_or(stem.to_owned());
        let mut line = 1;
        // The heading that became the title is not said twice.
        if let Some(at) = heading.filter(|at| blocks[*at].text == title) {
            line = blocks.remove(at).line;
        }
        Self { path, title, line, front, blocks, anchors }
    }

    /// The entries, each with the anchors that lead to it, the title's own among them.
    ///
    /// A file is split at its second-level headings, and at further first-level ones; one without any is one entry.
    fn entries(self) -> Vec<(Entry, Vec<String>)> {
        let splits =
            self.blocks.iter().any(|block| block.level == 0 && block.kind == Kind::Heading(2));
        let mut parts: Vec<(Option<Block>, Vec<Block>)> = vec![(None, Vec::new())];
        for block in &self.blocks {
            match block.kind {
                Kind::Heading(1 | 2) if splits && block.level == 0 => {
                    parts.push((Some(block.clone()), Vec::new()))
                }
                _ => parts.last_mut().expect("there is the first one").1.push(block.clone()),
            }
        }
        if splits && parts[0].1.is_empty() {
            parts.remove(0);
        }
        parts.into_iter().map(|(heading, blocks)| self.entry(heading, blocks)).collect()
    }

    fn entry(&self, heading: Option<Block>, blocks: Vec<Block>) -> (Entry, Vec<String>) {
        let line = heading.as_ref().map_or(self.line, |block| block.line);
        let title = heading.as_ref().map_or(&self.title, |block| &block.text).clone();
        let stem = self.path.rsplit_once('.').map_or(self.path, |(stem, _)| stem);
        let folder = stem.rsplit_once('/').map(|(folder, _)| folder);
        // Anchors stand in the order of their lines.
        let from = |line: u32| self.anchors.partition_point(|(other, _)| *other < line);
        let given = |line: u32| {
            let anchor = self.anchors.get(from(line)).filter(|(other, _)| *other == line);
            anchor.map(|(_, anchor)| anchor.clone()).filter(|anchor| !anchor.is_empty())
        };
        let mut anchors = Vec::new();
        for (text, line) in headings(&blocks).chain([(&*title, line)]) {
            anchors.extend([Some(text.to_owned()), Some(super::slug(text)), given(line)]);
        }
        // Anchors in HTML belong to the block on or below their line.
        let lines = blocks.iter().map(|block| block.line);
        let inside = lines.clone().min().map_or(line, |first| first.min(line));
        let last = lines.max().unwrap_or(line);
        let html = self.anchors[from(inside)..from(last + 1)].iter();
        anchors.extend(html.map(|(_, anchor)| Some(anchor.clone())));
        let anchors = anchors.into_iter().flatten().collect();
        let mut trail: Vec<String> =
            folder.into_iter().flat_map(|folder| folder.split('/')).map(str::to_owned).collect();
        let id = match &heading {
            None => stem.to_owned(),
            Some(_) => {
                trail.push(self.title.clone());
                format!("{stem}/{}", given(line).unwrap_or_else(|| super::slug(&title)))
            }
        };
        let source = Citation {
            id: self.path.to_owned(),
            title: self.title.clone(),
            date: self.front.date,
            section: String::new(),
            section_title: heading.map_or(String::new(), |block| block.text),
        };
        let entry = Entry {
            id,
            title,
            topic: folder.unwrap_or(NO_FOLDER).to_owned(),
            trail,
            file: self.path.to_owned(),
            line,
            ask: self.front.about.clone(),
            sources: vec![source],
            as_of: self.front.date,
            internal: self.front.internal,
            blocks,
            ..Entry::default()
        };
        (entry, anchors)
    }
}

/// The headings among `blocks` with their lines.
fn headings(blocks: &[Block]) -> impl Iterator<Item = (&str, u32)> {
    let headings = blocks.iter().filter(|block| matches!(block.kind, Kind::Heading(_)));
    headings.map(|block| (&*block.text, block.line))
}
