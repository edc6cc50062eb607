//! What readers say about answers, and what was asked and not answered: append, read, merge.
//!
//! A *record* is one line of JSON. Each process appends to a file of its own, so processes share nothing; [`read`]
//! reads the files of a folder, [`gaps`] merges them.
//!
//! **What is written has been masked:** a [`Record`] cannot hold a telephone number, a domain or an address.

use crate::{
    error::{Error, Result},
    text::normalise,
};
use jiff::Timestamp;
use regex::Regex;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
    process,
    sync::{LazyLock, Mutex, PoisonError},
};
use unicode_normalization::UnicodeNormalization;

/// How large a file of records becomes before the next is begun: some ten thousand records.
pub const FILE_BYTES: u64 = 8 << 20;

/// So much of a question is kept, in characters; the search reads no more of it either.
const LONGEST: usize = 500;

/// What a record says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The entry was of use.
    Yes,
    /// The entry was of no use.
    No,
    /// A reader says that the question was not answered.
    Gap,
    /// The question was answered with "not in the library".
    Unknown,
}

/// Something that is written down.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    kind: Kind,
    /// What was judged: an entry, or an outcome of a tree.
    id: Option<String>,
    question: Option<String>,
    /// The version of the content.
    version: String,
}

/// A record with its time.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Line {
    time: Timestamp,
    #[serde(flatten)]
    record: Record,
}

impl Record {
    /// A record of at most the first 500 characters of `question`, masked; an empty text is none.
    pub fn new(kind: Kind, id: &str, question: &str, version: &str) -> Self {
        let question: String = mask(question).trim().chars().take(LONGEST).collect();
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Self { kind, id: text(id), question: text(&question), version: version.to_owned() }
    }
}

/// The file to which this process appends; another is begun when it is full, or when somebody has removed it.
pub struct Records {
    folder: PathBuf,
    /// How large a file becomes, in bytes.
    limit: u64,
    open: Mutex<Open>,
}

struct Open {
    path: PathBuf,
    file: File,
    bytes: u64,
    /// The last line may be incomplete.
    torn: bool,
}

impl Records {
    /// Makes a file for this process in `folder`, which is made if it is not there; it becomes about `limit` bytes large.
    ///
    /// Fails if nothing can be written there.
    pub fn open(folder: &Path, limit: u64, now: Timestamp) -> Result<Self> {
        let open = Open::begin(folder, now)?;
        Ok(Self { folder: folder.to_owned(), limit, open: Mutex::new(open) })
    }

    /// Appends a record; when this returns, it is on the disk.
    pub fn append(&self, record: &Record, now: Timestamp) -> io::Result<()> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.bytes >= self.limit || !open.path.exists() {
            *open = Open::begin(&self.folder, now).map_err(io::Error::other)?;
        }
        let mut line = if open.torn { b"\n".to_vec() } else { Vec::new() };
        serde_json::to_writer(&mut line, &Line { time: now, record: record.clone() })?;
        line.push(b'\n');
        open.torn = true;
        // One call, so that a line is whole or the last.
        if open.file.write(&line)? < line.len() {
            return Err(ErrorKind::WriteZero.into());
        }
        open.file.sync_data()?;
        open.torn = false;
        open.bytes += line.len() as u64;
        Ok(())
    }
}

impl Open {
    fn begin(folder: &Path, now: Timestamp) -> Result<Self> {
        // In containers all processes may have the same number, but do not start in the same nanosecond.
        let name = format!("{}-{}.jsonl", now.strftime("%Y%m%dT%H%M%S.%9fZ"), process::id());
        let path = folder.join(name);
        let file = fs::create_dir_all(folder)
            .and_then(|()| OpenOptions::new().append(true).create_new(true).open(&path))
            .and_then(|file| keep_names(folder).map(|()| file));
        match file {
            Ok(file) => Ok(Self { path, file, bytes: 0, torn: false }),
            Err(source) => Err(Error::Write { path, source }),
        }
    }
}

/// Brings the names of the files in `folder` to the disk; without its name a file is lost when the power fails.
#[cfg(unix)]
fn keep_names(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// A folder cannot be opened here.
#[cfg(not(unix))]
fn keep_names(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Replaces what could tell who asked: numbers, e-mail addresses, domains and addresses of machines.
///
/// Where it cannot be told apart from something harmless it is replaced too.
pub fn mask(question: &str) -> String {
    static MASKS: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
        let masks = [
            (r"(?i)[a-z0-9._%+-]+@[a-z0-9.-]+", "［邮箱］"),
            (r"\d{1,3}(?:\.\d{1,3}){3}", "［地址］"),
            (r"(?i)(?:[0-9a-f]{1,4}:){4,7}[0-9a-f:]*|(?:[0-9a-f]{1,4}:)+:[0-9a-f:]+", "［地址］"),
            // With what stands before and after it in an address.
            (
                r"(?i)(?:[a-z]+://)?(?:[a-z0-9_][a-z0-9_-]*\.)+[a-z][a-z0-9-]+(?::\d+)?(?:[/?#][^\s\p{Han}，。；！？]*)?",
                "［域名］",
            ),
            (
                r"(?i)[\p{Han}a-z0-9-]+\.(?:中国|中國|公司|网络|網絡|网址|商标|在线|集团|中文网|我爱你|手机|信息|商城|网店)",
                "［域名］",
            ),
            (r"(?i)[\p{Han}a-z0-9-]+\.［域名］", "［域名］"),
            (r"(?i)[\p{Han}a-z0-9._%+-]+@［域名］", "［邮箱］"),
            // Telephones and cards, however they are grouped.
            (r"\+?\d(?:[ \-.()]{0,2}\d){10,}[xX]?", "［号码］"),
            // The codes of companies, and what else is long and has a run of digits.
            (r"(?i)[a-z0-9]{2}\d{6}[a-z0-9]{10}", "［号码］"),
            (r"(?i)[a-z]{0,3}\d{7,}x?", "［号码］"),
            (r"[零〇一二三四五六七八九幺两]{7,}", "［号码］"),
        ];
        let compiled =
            |(pattern, mask): (&str, _)| (Regex::new(pattern).expect("a valid pattern"), mask);
        masks.map(compiled).into()
    });
    let plain: String = question
        .chars()
        .filter(|c| c.is_whitespace() || !is_unseen(*c))
        .map(|c| if c.is_whitespace() { ' ' } else { narrow(c) })
        .collect();
    MASKS.iter().fold(plain, |text, (pattern, mask)| pattern.replace_all(&text, *mask).into_owned())
}

/// Nothing invisible can part a number.
fn is_unseen(c: char) -> bool {
    c.is_control() || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}

/// Full-width letters, digits and what parts them, as half-width ones; punctuation stays.
fn narrow(c: char) -> char {
    match c {
        '０'..='９' | 'Ａ'..='Ｚ' | 'ａ'..='ｚ' | '＠' | '．' | '－' | '＋' => {
            c.nfkc().next().unwrap_or(c)
        }
        _ => c,
    }
}

/// All records of a folder, oldest first, and how many lines could not be read, as the last of a process that was
/// killed.
///
/// Fails if the folder or a file cannot be read.
pub fn read(folder: &Path) -> Result<(Vec<Line>, usize)> {
    let unreadable = |path: &Path| {
        let path = path.to_owned();
        move |source| Error::Read { path, source }
    };
    let (mut lines, mut torn) = (Vec::new(), 0);
    for file in fs::read_dir(folder).map_err(unreadable(folder))? {
        let path = file.map_err(unreadable(folder))?.path();
        if path.extension().is_none_or(|ending| ending != "jsonl") {
            continue;
        }
        let bytes = fs::read(&path).map_err(unreadable(&path))?;
        for line in bytes.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
            match serde_json::from_slice(line) {
                Ok(line) => lines.push(line),
                Err(_) => torn += 1,
            }
        }
    }
    lines.sort_by_key(|line: &Line| line.time);
    Ok((lines, torn))
}

/// A question that was asked and not answered.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Gap {
    /// As it was asked last.
    pub question: String,
    /// How often nothing was found, or how often readers said so, whichever is more: who says so has asked before.
    pub count: usize,
    /// How often nothing was found.
    pub unknown: usize,
    /// How often a reader said that the question was not answered, or an answer of no use.
    pub reported: usize,
    /// What was shown and of no use.
    pub ids: BTreeSet<String>,
    pub first: Timestamp,
    pub last: Timestamp,
}

/// What readers said about an entry or an outcome.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Judged {
    pub id: String,
    pub yes: usize,
    pub no: usize,
}

/// The questions that were not answered, most frequent first, and what was judged, least useful first.
///
/// Questions that differ only in width, case, script or punctuation are the same.
pub fn gaps(lines: &[Line]) -> (Vec<Gap>, Vec<Judged>) {
    let mut gaps: BTreeMap<String, Gap> = BTreeMap::new();
    let mut judged: BTreeMap<&str, Judged> = BTreeMap::new();
    for Line { time, record: Record { kind, id, question, .. } } in lines {
        if let (Kind::Yes | Kind::No, Some(id)) = (kind, id) {
            let new = || Judged { id: id.clone(), yes: 0, no: 0 };
            let judged = judged.entry(id).or_insert_with(new);
            *(if *kind == Kind::Yes { &mut judged.yes } else { &mut judged.no }) += 1;
        }
        let Some(question) = question.as_ref().filter(|_| *kind != Kind::Yes) else { continue };
        let key = normalise(question).as_str().chars().filter(|c| c.is_alphanumeric()).collect();
        let gap = gaps.entry(key).or_insert_with(|| Gap {
            question: String::new(),
            count: 0,
            unknown: 0,
            reported: 0,
            ids: BTreeSet::new(),
            first: *time,
            last: *time,
        });
        (gap.question, gap.last) = (question.clone(), *time);
        *(if *kind == Kind::Unknown { &mut gap.unknown } else { &mut gap.reported }) += 1;
        gap.count = gap.unknown.max(gap.reported);
        gap.ids.extend(id.clone());
    }
    let mut gaps: Vec<Gap> = gaps.into_values().collect();
    // The order is the same however the files are named.
    gaps.sort_by(|a, b| {
        b.count.cmp(&a.count).then(b.last.cmp(&a.last)).then(a.question.cmp(&b.question))
    });
    let mut judged: Vec<Judged> = judged.into_values().collect();
    judged.sort_by(|a, b| b.no.cmp(&a.no).then(a.yes.cmp(&b.yes)));
    (gaps, judged)
}
