//! A folder in our own formats, held to all their rules.

use super::{
    Content, File, Problem, Section, Source, Topic,
    directive::{self, Filled, add},
    domain::{self, Domain},
    entry::{Changed, Citation, Disputed, Entry, Kind, Link, Style},
    facts::Facts,
    front,
    link::Targets,
    markdown,
};
use jiff::civil::Date;
use regex::{Captures, Regex};
use serde::{Deserialize, de::DeserializeOwned};
use std::{
    collections::{BTreeMap, HashSet},
    sync::LazyLock,
};

/// The longest first paragraph that can be read out in one breath, in characters without spaces, and the longest
/// that should be.
pub(crate) const SAY_LIMIT: usize = 120;
const SAY_TARGET: usize = 90;
/// The longest first sentence.
pub(crate) const SENTENCE_LIMIT: usize = 60;

/// What everything else refers to.
pub(super) struct Frame {
    settings: Settings,
    sources: Vec<Source>,
    topics: Vec<Topic>,
    links: BTreeMap<String, LinkShape>,
    pub(super) domains: BTreeMap<String, Domain>,
    facts: Facts,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Settings {
    title: String,
    /// When an entry without a day of its own has to be looked at again.
    review_by: Option<Day>,
    /// The ids of the trees that the first page shows.
    #[serde(default)]
    trees: Vec<String>,
}

/// A date as TOML writes it.
#[derive(Clone, Copy, Deserialize)]
#[serde(try_from = "toml::value::Datetime")]
pub(super) struct Day(pub(super) Date);

impl TryFrom<toml::value::Datetime> for Day {
    type Error = String;

    fn try_from(value: toml::value::Datetime) -> Result<Self, String> {
        value.to_string().parse().map(Day).map_err(|_| format!("`{value}` 不是日期"))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SourcesFile {
    source: Vec<SourceShape>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SourceShape {
    id: String,
    title: String,
    #[serde(default)]
    publisher: String,
    date: Day,
    #[serde(default, rename = "note")]
    _note: String,
    section: Vec<SectionShape>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SectionShape {
    id: String,
    title: String,
    /// A long section is split; each part is written `id title` and cited as `#section/id`.
    #[serde(default)]
    part: Vec<String>,
    left_out: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct TopicsFile {
    topic: Vec<Topic>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct LinksFile {
    link: Vec<LinkShape>,
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
struct LinkShape {
    id: String,
    title: String,
    url: String,
    source: String,
    state: LinkState,
    #[serde(rename = "checked")]
    _checked: Option<Day>,
    #[serde(default, rename = "was")]
    _was: Vec<String>,
    #[serde(default)]
    was_source: Vec<String>,
}

#[derive(Deserialize, Clone, Copy, PartialEq)]
#[serde(rename_all = "lowercase")]
enum LinkState {
    Unchecked,
    Live,
    Dead,
}

/// The front matter of an entry.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EntryShape {
    title: String,
    #[serde(default)]
    ask: Vec<String>,
    #[serde(default)]
    messages: Vec<String>,
    sources: Vec<String>,
    #[serde(default)]
    related: Vec<String>,
    confirm: Option<String>,
    as_of: Option<Day>,
    review_by: Option<Day>,
    valid_until: Option<Day>,
    #[serde(default)]
    internal: bool,
    owner: Option<String>,
    #[serde(default)]
    scope: ScopeShape,
    #[serde(default)]
    disputed: Vec<DisputedShape>,
    #[serde(default)]
    changed: Vec<ChangedShape>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct ScopeShape {
    filing: Vec<String>,
    holder: Vec<String>,
    province: Vec<String>,
    product: Vec<String>,
    place: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DisputedShape {
    what: String,
    says: Vec<String>,
    sources: Vec<String>,
    decision: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangedShape {
    what: String,
    was: String,
    sources: Vec<String>,
}

/// Reads a folder in our formats.
pub(super) fn load(files: &[File]) -> Content {
    let mut problems = Vec::new();
    let frame = Frame::read(files, &mut problems);
    let mut content = Content {
        title: frame.settings.title.clone(),
        main: frame.settings.trees.clone(),
        topics: frame.topics.clone(),
        sources: frame.sources.clone(),
        domains: frame.domains.clone(),
        links: frame.links.iter().map(|(id, link)| (id.clone(), link.link())).collect(),
        terms: shape(files, "terms.toml", &mut problems).unwrap_or_default(),
        moved: shape(files, "moved.toml", &mut problems).unwrap_or_default(),
        ..Content::default()
    };
    let mut targets = Targets::new(files.iter().map(|file| &*file.path));
    let mut taken = HashSet::new();
    for file in
        files.iter().filter(|file| file.path.starts_with("faq/") && super::is_markdown(&file.path))
    {
        match file.text().and_then(|text| frame.entry(&file.path, &text, &mut problems)) {
            Ok(entry) if taken.insert(entry.id.clone()) => {
                targets.add(&file.path, Vec::new(), &entry.id);
                content.entries.push(entry);
            }
            Ok(entry) => {
                let message = format!("已经有条目 `{}`；请给这个文件换个名字", entry.id);
                problems.push(Problem::error(&file.path, 0, message));
            }
            Err(problem) => problems.push(problem),
        }
    }
    for entry in &mut content.entries {
        targets.resolve(entry, &mut problems);
        entry.related.retain(|id| {
            let tree = id.strip_prefix("tree:").map(|id| format!("trees/{id}.toml"));
            let there = match tree {
                Some(path) => files.iter().any(|file| file.path == path),
                None => taken.contains(id),
            };
            if !there {
                let message = format!(
                    "`{id}` 不是条目，不能写在 related 里；请写条目的编号，例如 `server/least-term`"
                );
                problems.push(Problem::error(&entry.file, 0, message));
            }
            there
        });
    }
    let order = |topic: &str| frame.topics.iter().position(|other| other.id == topic);
    content.entries.sort_by(|a, b| (order(&a.topic), &a.id).cmp(&(order(&b.topic), &b.id)));
    name_lines(&mut problems, files);
    content.problems = problems;
    content.facts = frame.facts;
    content
}

/// Gives each problem without a line the one on which stands what it names.
pub(crate) fn name_lines(problems: &mut [Problem], files: &[File]) {
    for problem in problems.iter_mut().filter(|problem| problem.line == 0) {
        problem.line = named_line(problem, files).unwrap_or(0);
    }
}

/// The line that a problem is about: where the table begins that it names (结论 `x`, 第 3 个案例), else the first line
/// with the value that it names first.
fn named_line(problem: &Problem, files: &[File]) -> Option<u32> {
    let text = files.iter().find(|file| file.path == problem.file)?.text().ok()?;
    let number = |index: usize| index as u32 + 1;
    let mut words = problem.message.split('`');
    let (before, value) = (words.next()?, words.next().unwrap_or(""));
    let mut starts = TABLES.iter().filter_map(|(word, table)| {
        let after = before.trim().strip_suffix(word);
        let id = after.is_some_and(str::is_empty).then(|| format!("\"{value}\""));
        let count = problem.message.strip_prefix("第 ").and_then(|rest| rest.split_once(" 个"));
        let count = count.filter(|(_, rest)| rest.starts_with(word));
        let count = count.and_then(|(count, _)| count.parse::<usize>().ok());
        let heads = text.lines().enumerate().filter(|(_, line)| line.trim() == *table);
        let mut heads = heads.map(|(index, _)| index);
        let is = |head: &usize, id: &str| {
            text.lines()
                .skip(head + 1)
                .take_while(|line| !line.starts_with('['))
                .any(|line| line.strip_prefix("id").is_some_and(|rest| rest.contains(id)))
        };
        match (id, count) {
            (Some(id), _) => heads.find(|head| is(head, &id)),
            (None, Some(count)) => heads.nth(count.checked_sub(1)?),
            (None, None) => None,
        }
    });
    if let Some(line) = starts.next() {
        return Some(number(line));
    }
    let quoted = format!("\"{value}\"");
    let holds = |what: &str| text.lines().position(|line| !what.is_empty() && line.contains(what));
    holds(&quoted).or_else(|| holds(value)).map(number)
}

/// The tables of a tree and of its cases, and what messages call them.
const TABLES: [(&str, &str); 5] = [
    ("问题", "[[question]]"),
    ("规则", "[[rule]]"),
    ("结论", "[[outcome]]"),
    ("案例", "[[case]]"),
    ("听写", "[[hear]]"),
];

/// Reads one TOML file of the folder; nothing if it is not there or cannot be used.
pub(super) fn shape<T: DeserializeOwned>(
    files: &[File],
    path: &str,
    problems: &mut Vec<Problem>,
) -> Option<T> {
    let file = files.iter().find(|file| file.path == path)?;
    super::toml(file).map_err(|problem| problems.push(problem)).ok()
}

impl Frame {
    fn read(files: &[File], problems: &mut Vec<Problem>) -> Self {
        let sources = shape(files, "sources.toml", problems)
            .map_or(Vec::new(), |file: SourcesFile| file.source);
        let sources = sources.into_iter().map(|source| Source {
            id: source.id,
            title: source.title,
            publisher: source.publisher,
            date: source.date.0,
            sections: source.section.into_iter().flat_map(SectionShape::sections).collect(),
        });
        let links: LinksFile = shape(files, "links.toml", problems).unwrap_or_default();
        let topics: TopicsFile = shape(files, "topics.toml", problems).unwrap_or_default();
        let mut frame = Self {
            settings: shape(files, "settings.toml", problems).unwrap_or_default(),
            sources: sources.collect(),
            topics: topics.topic,
            links: links.link.iter().map(|link| (link.id.clone(), link.clone())).collect(),
            domains: domain::read(files, problems),
            facts: Facts::default(),
        };
        if frame.settings.title.is_empty() {
            frame.settings.title = "解答".to_owned();
        }
        for link in &links.link {
            for source in link.was_source.iter().chain([&link.source]) {
                frame.cited("links.toml", source, problems);
            }
        }
        frame.facts = Facts::read(files, &frame, problems);
        frame
    }

    /// The place that `pc-guide-20190816#8.2` names.
    pub(super) fn citation(&self, text: &str) -> Result<Citation, String> {
        let (id, section) = text.split_once('#').unwrap_or((text, ""));
        let source = self.sources.iter().find(|source| source.id == id);
        let source = source
            .ok_or_else(|| format!("`{text}` 不在 sources.toml 里：没有资料 `{id}`；请改正"))?;
        let found = source.sections.iter().find(|other| other.id == section);
        let found = found.ok_or_else(|| {
            let under = format!("{section}/");
            let parts = source.sections.iter().filter(|other| other.id.starts_with(&under));
            match parts.map(|part| format!("`{id}#{}`", part.id)).collect::<Vec<_>>() {
                parts if parts.is_empty() => format!(
                    "`{text}` 不在 sources.toml 里：这份资料没有 `{section}` 这一节；请写成 `资料#节`"
                ),
                parts => format!(
                    "`{text}` 这一节很长，分成了几段；请写明是哪一段：{}",
                    parts.join("、")
                ),
            }
        })?;
        Ok(Citation {
            id: id.to_owned(),
            title: source.title.clone(),
            date: Some(source.date),
            section: section.to_owned(),
            section_title: found.title.clone(),
        })
    }

    /// The same, with an error of `file` where there is no such place.
    pub(super) fn cited(
        &self,
        file: &str,
        text: &str,
        problems: &mut Vec<Problem>,
    ) -> Option<Citation> {
        self.citation(text).map_err(|message| problems.push(Problem::error(file, 0, message))).ok()
    }

    /// All the places that are named rightly.
    pub(super) fn citations(
        &self,
        file: &str,
        names: &[String],
        problems: &mut Vec<Problem>,
    ) -> Vec<Citation> {
        names.iter().filter_map(|name| self.cited(file, name, problems)).collect()
    }

    /// Reads an entry. What spoils it altogether is the error; anything less joins `problems`.
    fn entry(&self, path: &str, text: &str, problems: &mut Vec<Problem>) -> Result<Entry, Problem> {
        let (_, head, body, first) =
            front::split(text).filter(|(fence, ..)| *fence == '+').ok_or_else(|| {
                Problem::error(path, 1, "开头要有 `+++` 包起来的前言，里面至少写 title 和 sources")
            })?;
        let shape: EntryShape = front::toml(path, head, 2)?;
        let stem = path.trim_start_matches("faq/").rsplit_once('.').map_or(path, |(stem, _)| stem);
        let topic = stem.rsplit_once('/').map_or("", |(topic, _)| topic);
        let known = self.topics.iter().find(|other| other.id == topic);
        let trail = known.ok_or_else(|| {
            Problem::error(
                path,
                0,
                format!("topics.toml 里没有主题 `{topic}`；请加上，或把文件放进已有的主题文件夹"),
            )
        })?;
        let mut cite = |names: &[String]| self.citations(path, names, problems);
        let mut sources = cite(&shape.sources);
        let disputed = shape.disputed.into_iter().map(|disputed| Disputed {
            sources: cite(&disputed.sources),
            what: disputed.what,
            says: disputed.says,
            decision: disputed.decision,
        });
        let mut disputed: Vec<Disputed> = disputed.collect();
        let changed = shape.changed.into_iter().map(|changed| Changed {
            sources: cite(&changed.sources),
            what: changed.what,
            was: changed.was,
        });
        let mut changed: Vec<Changed> = changed.collect();
        if sources.is_empty() {
            return Err(Problem::error(path, 1, "没有依据；请在 sources 里写上资料和节"));
        }
        let confirm = shape.confirm.and_then(|id| {
            let link = self.links.get(&id);
            if link.is_none() {
                problems.push(Problem::error(
                    path,
                    0,
                    format!("`{id}` 不在 links.toml 里；请加上，或改正 confirm"),
                ));
            }
            link.map(LinkShape::link)
        });
        let as_of = shape.as_of.map(|day| day.0).or(sources[0].date);
        let mut filled = Filled::default();
        let blocks = self.blocks(path, body, first, &mut filled, problems);
        filled.sources.iter().for_each(|source| add(&mut sources, source));
        filled.changed.iter().for_each(|older| add(&mut changed, older));
        filled.disputed.iter().for_each(|dispute| add(&mut disputed, dispute));
        let ScopeShape { filing, holder, province, product, place } = shape.scope;
        let scope = [
            ("filing", filing),
            ("holder", holder),
            ("province", province),
            ("product", product),
            ("place", place),
        ];
        let scope = scope.into_iter().filter(|(_, ids)| !ids.is_empty());
        let scope: BTreeMap<String, Vec<String>> =
            scope.map(|(key, ids)| (key.to_owned(), ids)).collect();
        for (key, id) in scope.iter().flat_map(|(key, ids)| ids.iter().map(move |id| (key, id))) {
            if self.domains.get(key).is_none_or(|domain| !domain.value.contains_key(id)) {
                problems.push(Problem::error(
                    path,
                    0,
                    format!("`{id}` 不在 domains/{key}.toml 里；请加上，或改正 scope"),
                ));
            }
        }
        let entry = Entry {
            id: stem.to_owned(),
            title: shape.title,
            topic: topic.to_owned(),
            trail: vec![trail.title.clone()],
            file: path.to_owned(),
            line: 1,
            ask: shape.ask,
            messages: shape.messages.iter().map(|message| unquoted(message).to_owned()).collect(),
            as_of,
            sources,
            related: shape.related,
            confirm,
            scope,
            disputed,
            changed,
            review_by: shape.review_by.or(self.settings.review_by).map(|day| day.0),
            valid_until: shape.valid_until.map(|day| day.0),
            internal: shape.internal,
            owner: shape.owner,
            blocks,
        };
        check_say(&entry, problems)?;
        Ok(entry)
    }

    /// The blocks of an entry's text, with directives and links filled in.
    ///
    /// What has to be told with the facts that the text shows joins `all`.
    fn blocks(
        &self,
        path: &str,
        body: &str,
        first: u32,
        all: &mut Filled,
        problems: &mut Vec<Problem>,
    ) -> Vec<super::Block> {
        static LINK: LazyLock<Regex> =
            LazyLock::new(|| Regex::new(r"\[([^\]]*)\]\(link:([^)]*)\)").expect("a valid pattern"));
        let mut lines: Vec<(u32, String)> = Vec::new();
        for (number, line) in (first..).zip(body.lines()) {
            let filled =
                DIRECTIVE.replace_all(line, |found: &Captures<'_>| {
                    match directive::fill(&self.facts, &found[1]) {
                        Ok(filled) => {
                            all.sources.extend(filled.sources);
                            all.changed.extend(filled.changed);
                            all.disputed.extend(filled.disputed);
                            filled.text
                        }
                        Err(why) => {
                            problems.push(Problem::error(
                                path,
                                number,
                                format!("`{}` 填不出来：{why}", &found[0]),
                            ));
                            String::new()
                        }
                    }
                });
            let linked =
                LINK.replace_all(&filled, |found: &Captures<'_>| match self.links.get(&found[2]) {
                    Some(link) if link.state == LinkState::Dead => {
                        format!("{}（`{}`，已打不开）", &found[1], link.url)
                    }
                    Some(link) => format!("[{}]({})", &found[1], link.url),
                    None => {
                        let message =
                            format!("links.toml 里没有 `{}`；请加上，或改正链接", &found[2]);
                        problems.push(Problem::error(path, number, message));
                        found[1].to_owned()
                    }
                });
            lines.extend(linked.lines().map(|line| (number, line.to_owned())));
            if linked.is_empty() {
                lines.push((number, String::new()));
            }
        }
        let lines: Vec<(u32, &str)> =
            lines.iter().map(|(number, line)| (*number, &**line)).collect();
        markdown::parse(&lines).blocks
    }
}

/// `{{ directive }}`
pub(super) static DIRECTIVE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\{\{\s*(.*?)\s*\}\}").expect("a valid pattern"));

impl SectionShape {
    /// The section, or its parts.
    fn sections(self) -> Vec<Section> {
        let Self { id, title, part, left_out } = self;
        if part.is_empty() {
            return vec![Section { id, title, left_out }];
        }
        let part = part.iter().map(|part| part.split_once(' ').unwrap_or((part, "")));
        part.map(|(name, what)| Section {
            id: format!("{id}/{name}"),
            title: format!("{title}：{what}"),
            left_out: left_out.clone(),
        })
        .collect()
    }
}

impl LinkShape {
    fn link(&self) -> Link {
        Link {
            title: self.title.clone(),
            url: self.url.clone(),
            dead: self.state == LinkState::Dead,
        }
    }
}

/// A message as it stands on the screen; writers may put it in 「」.
fn unquoted(message: &str) -> &str {
    message.strip_prefix('「').and_then(|rest| rest.strip_suffix('」')).unwrap_or(message)
}

/// How long a text is to read: its characters without spaces.
pub(crate) fn length(text: &str) -> usize {
    text.chars().filter(|c| !c.is_whitespace()).count()
}

/// Holds the first paragraph to what can be read out.
fn check_say(entry: &Entry, problems: &mut Vec<Problem>) -> Result<(), Problem> {
    let Some(first) = entry.blocks.first() else {
        return Err(Problem::error(
            &entry.file,
            1,
            "答案是空的；请在前言下面写一段可以念给客户的话",
        ));
    };
    let mut remark = |problem: fn(&str, u32, String) -> Problem, message: String| {
        problems.push(problem(&entry.file, first.line, message));
    };
    if first.kind != Kind::Paragraph {
        remark(Problem::error, "第一段要是一段话，不能是列表、表格或标题".to_owned());
    }
    if first.marks.iter().any(|mark| matches!(mark.kind, Style::Link(_))) {
        remark(Problem::error, "第一段是念给客户的，不能有链接；请移到后面".to_owned());
    }
    match length(&first.text) {
        long if long > SAY_LIMIT => {
            remark(Problem::error, format!("第一段有 {long} 字，最多 {SAY_LIMIT} 字；请改短"))
        }
        long if long > SAY_TARGET => remark(
            Problem::warning,
            format!("第一段有 {long} 字，超过 {SAY_TARGET} 字不好念；请改短"),
        ),
        _ => {}
    }
    let sentence = first.text.split_inclusive(['。', '！', '？']).next().map_or(0, length);
    if sentence > SENTENCE_LIMIT {
        remark(Problem::error, format!("第一句有 {sentence} 字，最多 {SENTENCE_LIMIT} 字；请断开"));
    }
    Ok(())
}
