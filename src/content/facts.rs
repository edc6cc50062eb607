//! Facts that stand once and are shown in many entries: `facts/*.toml`.
//!
//! A table says what depends on a province, a product, a kind of filing; its cells are typed, each knows the section
//! on which it rests, and each column has the sentence that answers from a cell. `figure.toml` has what depends on
//! nothing.

use super::{
    File, Problem,
    domain::Domain,
    entry::{Block, Changed, Citation, Disputed, Entry},
    ours::{Frame, shape},
};
use crate::packed::Packed;
use indexmap::IndexMap;
use jiff::civil::Date;
use regex::{Captures, Regex};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, HashSet},
    sync::LazyLock,
};

/// Everything of `facts/`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Facts {
    pub(crate) figures: Packed<IndexMap<String, Figure>>,
    pub(crate) tables: BTreeMap<String, Packed<Table>>,
    /// What is needed to tell whether a cell is asked for.
    pub(crate) asked: Packed<Vec<Asked>>,
}

/// The columns of a table that answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Asked {
    pub(crate) table: String,
    pub(crate) key: Vec<String>,
    /// With their numbers: they are counted through all tables.
    pub(crate) columns: Vec<(String, usize)>,
}

/// A fact that depends on nothing.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Figure {
    /// The number with its unit.
    pub(crate) text: String,
    /// The number alone, for comparisons.
    pub(crate) number: Option<i64>,
    pub(crate) source: Citation,
    pub(crate) changed: Option<Changed>,
    pub(crate) disputed: Option<Disputed>,
}

/// Facts that depend on the values of some domains.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Table {
    /// The domains.
    pub(crate) key: Vec<String>,
    /// What the domains are called.
    pub(crate) key_titles: Vec<String>,
    pub(crate) columns: IndexMap<String, Column>,
    /// In the order of the file.
    pub(crate) rows: Vec<Row>,
    /// By row and column; no row means all of them.
    changed: Vec<(Option<String>, String, Changed)>,
    disputed: Vec<(Option<String>, String, Disputed)>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Column {
    pub(crate) title: String,
    /// `int`, `bool`, `date`, `text`, `words` or `domain:…`.
    pub(crate) kind: String,
    pub(crate) unit: String,
    source: Citation,
    absent: Option<Absent>,
    /// How people ask for it once the keys are named.
    ask: Vec<String>,
    say: Option<String>,
    say_absent: Option<String>,
}

/// What an empty cell means, with what is shown for it.
#[derive(Debug, Clone, Serialize, Deserialize)]
enum Absent {
    /// The sources do not say.
    Unknown(String),
    /// It is not so.
    No(String),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Row {
    /// For each key the values for which the row holds.
    pub(crate) keys: Vec<Keys>,
    /// For each key what these are called.
    pub(crate) labels: Vec<String>,
    cells: BTreeMap<String, Cell>,
    /// For the row of a part: only these cells differ from the whole.
    own: Option<HashSet<String>>,
}

/// The values of a key for which a row holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Keys {
    Any,
    /// All that no other row names.
    Others,
    These(Vec<String>),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Cell {
    value: Value,
    /// On what it rests, if not on what its column rests.
    source: Option<Citation>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Value {
    Int(i64),
    Bool(bool),
    Date(Date),
    Text(String),
    Words(Vec<String>),
    /// The value of a domain, with its label.
    Id(String, String),
}

/// What the cells of a column hold.
enum Kind<'f> {
    Int,
    Bool,
    Date,
    Text,
    Words,
    Domain(&'f Domain),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FiguresFile {
    row: IndexMap<String, FigureShape>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FigureShape {
    text: String,
    n: Option<i64>,
    what: String,
    source: String,
    was: Option<String>,
    #[serde(default)]
    was_sources: Vec<String>,
    disputed: Option<FigureDisputedShape>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FigureDisputedShape {
    says: Vec<String>,
    sources: Vec<String>,
    decision: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TableShape {
    key: Vec<String>,
    column: IndexMap<String, ColumnShape>,
    /// A table by id, or an array of tables with the keys as columns.
    row: toml::Value,
    #[serde(default)]
    cell: Vec<CellShape>,
    #[serde(default)]
    changed: Vec<ChangedShape>,
    #[serde(default)]
    disputed: Vec<DisputedShape>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ColumnShape {
    title: String,
    #[serde(default)]
    kind: String,
    source: String,
    #[serde(default)]
    unit: String,
    absent: Option<AbsentShape>,
    #[serde(default)]
    ask: Vec<String>,
    say: Option<String>,
    say_absent: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AbsentShape {
    #[serde(default)]
    means: String,
    #[serde(default)]
    text: String,
    value: Option<toml::Value>,
}

/// A cell that rests on another section than its column.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CellShape {
    row: String,
    column: String,
    source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangedShape {
    row: Option<String>,
    column: String,
    was: String,
    sources: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DisputedShape {
    row: Option<String>,
    column: String,
    what: String,
    says: Vec<String>,
    sources: Vec<String>,
    decision: String,
}

/// Where problems of one file go.
struct Report<'p> {
    path: &'p str,
    problems: &'p mut Vec<Problem>,
}

impl Report<'_> {
    fn error(&mut self, message: String) {
        self.problems.push(Problem::error(self.path, 0, message));
    }
}

impl Facts {
    pub(super) fn read(files: &[File], frame: &Frame, problems: &mut Vec<Problem>) -> Self {
        let mut facts = Self::default();
        for path in files.iter().map(|file| &*file.path) {
            let Some(name) =
                path.strip_prefix("facts/").and_then(|path| path.strip_suffix(".toml"))
            else {
                continue;
            };
            if name == "figure" {
                let figures = shape(files, path, problems)
                    .map_or(IndexMap::new(), |file: FiguresFile| file.row);
                let read = |(id, figure): (String, FigureShape)| {
                    Some((id, figure.read(path, frame, problems)?))
                };
                facts.figures =
                    figures.into_iter().filter_map(read).collect::<IndexMap<_, _>>().into();
            } else if let Some(table) = shape::<TableShape>(files, path, problems) {
                let report = &mut Report { path, problems };
                facts.tables.insert(name.to_owned(), table.read(frame, report).into());
            }
        }
        let mut number = 0..;
        let asked = facts.tables.iter().map(|(name, table)| Asked {
            table: name.clone(),
            key: table.key.clone(),
            columns: table.asked().map(|(id, _)| id.clone()).zip(number.by_ref()).collect(),
        });
        facts.asked = asked.collect::<Vec<_>>().into();
        facts
    }

    /// How people ask for each column that answers, in the order of their numbers.
    pub(crate) fn asks(&self) -> impl Iterator<Item = &[String]> {
        self.tables.values().flat_map(|table| table.asked()).map(|(_, column)| &*column.ask)
    }

    /// A cell as an entry: `fact:province/zhejiang/sms_since`, with the sentence that answers from it.
    pub(crate) fn entry(&self, id: &str) -> Option<Entry> {
        let [table, keys, column] =
            id.strip_prefix(FACT)?.split('/').collect::<Vec<_>>().try_into().ok()?;
        let row = self.tables.get(table)?.rows.iter().find(|row| row.id() == keys)?;
        self.cell(table, row, column)
    }

    /// A cell of this row as an entry, if its column has a sentence.
    pub(crate) fn cell(&self, name: &str, row: &Row, column: &str) -> Option<Entry> {
        let table = self.tables.get(name)?;
        let shape = table.columns.get(column)?;
        let say = table.say(row, column)?.ok()?;
        let source = table.source(row, column);
        let label = row.text("label").unwrap_or_else(|| row.labels.join("、"));
        let keys = table.key.iter().zip(&row.keys).filter_map(|(key, keys)| match keys {
            Keys::These(ids) => Some((key.clone(), ids.clone())),
            Keys::Any | Keys::Others => None,
        });
        Some(Entry {
            id: format!("{FACT}{name}/{}/{column}", row.id()),
            title: format!("{label}：{}", shape.title),
            file: format!("facts/{name}.toml"),
            line: 1,
            ask: shape.ask.clone(),
            sources: vec![source.clone()],
            as_of: source.date,
            scope: keys.collect(),
            changed: table.changed(row, column).cloned().collect(),
            disputed: table.disputed(row, column).cloned().collect(),
            blocks: vec![Block {
                kind: super::Kind::Paragraph,
                level: 0,
                text: say,
                marks: Vec::new(),
                line: 1,
            }],
            ..Entry::default()
        })
    }
}

/// With which the id of a cell begins.
pub(crate) const FACT: &str = "fact:";

impl FigureShape {
    fn read(self, path: &str, frame: &Frame, problems: &mut Vec<Problem>) -> Option<Figure> {
        let changed = self.was.map(|was| Changed {
            what: self.what.clone(),
            was,
            sources: frame.citations(path, &self.was_sources, problems),
        });
        let disputed = self.disputed.map(|disputed| Disputed {
            what: self.what,
            says: disputed.says,
            sources: frame.citations(path, &disputed.sources, problems),
            decision: disputed.decision,
        });
        let source = frame.cited(path, &self.source, problems)?;
        Some(Figure { text: self.text, number: self.n, source, changed, disputed })
    }
}

impl TableShape {
    fn read(self, frame: &Frame, report: &mut Report<'_>) -> Table {
        let unknown = self.key.iter().find(|key| !frame.domains.contains_key(*key));
        if let Some(key) = unknown {
            report.error(format!("没有 domains/{key}.toml；请加上 `{key}`，或改正 key"));
        }
        let titles = self.key.iter().map(|key| {
            frame.domains.get(key).map_or_else(|| key.clone(), |domain| domain.title.clone())
        });
        let mut table = Table {
            key_titles: titles.collect(),
            key: self.key,
            columns: IndexMap::new(),
            rows: Vec::new(),
            changed: Vec::new(),
            disputed: Vec::new(),
        };
        let mut kinds = IndexMap::new();
        let mut fillers = BTreeMap::new();
        for (id, shape) in self.column {
            let Some(kind) = Kind::read(&shape.kind, frame) else {
                report.error(format!(
                    "列 `{id}` 的 kind 不能是 `{}`；可以是 int、bool、date、text、words 或 domain:值域",
                    shape.kind
                ));
                continue;
            };
            let filler = shape.absent.as_ref().and_then(|absent| absent.value.clone());
            if let Some(column) = shape.read(&id, frame, report) {
                fillers.extend(filler.map(|value| (id.clone(), value)));
                kinds.insert(id.clone(), kind);
                table.columns.insert(id, column);
            }
        }
        table.read_rows(self.row, &kinds, &fillers, frame, report);
        for CellShape { row, column, source } in self.cell {
            if let Some(source) = frame.cited(report.path, &source, report.problems) {
                let mine = table.rows.iter_mut().find(|other| other.is(&row));
                match mine.and_then(|row| row.cells.get_mut(&column)) {
                    Some(cell) => cell.source = Some(source),
                    None => report.error(format!("`{row}` 的 `{column}` 没有值；请改正 [[cell]]")),
                }
            }
        }
        for ChangedShape { row, column, was, sources } in self.changed {
            if let Some(what) = table.place(row.as_deref(), &column, report) {
                let sources = frame.citations(report.path, &sources, report.problems);
                table.changed.push((row, column, Changed { what, was, sources }));
            }
        }
        for DisputedShape { row, column, what, says, sources, decision } in self.disputed {
            if table.place(row.as_deref(), &column, report).is_some() {
                let sources = frame.citations(report.path, &sources, report.problems);
                table.disputed.push((row, column, Disputed { what, says, sources, decision }));
            }
        }
        table.check_sentences(report);
        table
    }
}

impl ColumnShape {
    fn read(self, id: &str, frame: &Frame, report: &mut Report<'_>) -> Option<Column> {
        if !self.ask.is_empty() && self.say.is_none() {
            report.error(format!("列 `{id}` 有 ask 没有 say；请写上用格子作答的句子"));
        }
        let absent = self.absent.and_then(|absent| match (&*absent.means, absent.value) {
            (_, Some(_)) => None,
            ("unknown" | "", None) => Some(Absent::Unknown(absent.text)),
            ("no", None) => Some(Absent::No(absent.text)),
            (means, None) => {
                report.error(format!(
                    "列 `{id}` 的 absent 不能是 `{means}`；可以是 unknown、no，或写 value"
                ));
                None
            }
        });
        Some(Column {
            source: frame.cited(report.path, &self.source, report.problems)?,
            title: self.title,
            kind: if self.kind.is_empty() { "text".to_owned() } else { self.kind },
            unit: self.unit,
            absent,
            ask: self.ask,
            say: self.say,
            say_absent: self.say_absent,
        })
    }
}

impl<'f> Kind<'f> {
    fn read(text: &str, frame: &'f Frame) -> Option<Self> {
        Some(match text {
            "int" => Self::Int,
            "bool" => Self::Bool,
            "date" => Self::Date,
            "text" | "" => Self::Text,
            "words" => Self::Words,
            other => Self::Domain(frame.domains.get(other.strip_prefix("domain:")?)?),
        })
    }

    fn value(&self, value: &toml::Value) -> Option<Value> {
        Some(match (self, value) {
            (Self::Int, toml::Value::Integer(number)) => Value::Int(*number),
            (Self::Bool, toml::Value::Boolean(yes)) => Value::Bool(*yes),
            (Self::Date, toml::Value::Datetime(date)) => {
                Value::Date(date.to_string().parse().ok()?)
            }
            (Self::Text, toml::Value::String(text)) => Value::Text(text.clone()),
            (Self::Words, toml::Value::Array(_)) => Value::Words(strings(value)?),
            (Self::Domain(domain), toml::Value::String(id)) => {
                Value::Id(id.clone(), domain.label(id)?.to_owned())
            }
            _ => return None,
        })
    }
}

fn strings(value: &toml::Value) -> Option<Vec<String>> {
    let items = value.as_array()?.iter();
    items.map(|item| item.as_str().map(str::to_owned)).collect()
}

impl Table {
    fn read_rows(
        &mut self,
        rows: toml::Value,
        kinds: &IndexMap<String, Kind<'_>>,
        fillers: &BTreeMap<String, toml::Value>,
        frame: &Frame,
        report: &mut Report<'_>,
    ) {
        // One key: `[row]` by id. Several: `[[row]]` with the keys as columns.
        let rows: Vec<(Vec<Keys>, toml::Table)> = match rows {
            toml::Value::Table(rows) if self.key.len() == 1 => rows
                .into_iter()
                .map(|(id, row)| {
                    let cells = row.as_table().cloned().unwrap_or_default();
                    (vec![Keys::These(vec![id])], cells)
                })
                .collect(),
            toml::Value::Array(rows) => rows
                .into_iter()
                .filter_map(|row| row.as_table().cloned())
                .map(|mut row| {
                    (self.key.iter().map(|key| Keys::read(row.remove(key))).collect(), row)
                })
                .collect(),
            _ => {
                report.error("一个键的表写 [row]，每行一个值；几个键的表写 [[row]]".to_owned());
                return;
            }
        };
        for (keys, cells) in rows {
            let mut row = Row {
                labels: self.labels(&keys, frame, report),
                keys,
                cells: BTreeMap::new(),
                own: None,
            };
            let name = row.labels.join("、");
            for (id, value) in &cells {
                let read = kinds.get(id).map(|kind| kind.value(value));
                match read {
                    Some(Some(value)) => {
                        row.cells.insert(id.clone(), Cell { value, source: None });
                    }
                    Some(None) => report.error(format!(
                        "{name}的 `{id}` 不能是 `{}`；请照这一列的 kind 改正",
                        value.to_string().trim_matches('"')
                    )),
                    None => report.error(format!(
                        "{name}这一行里的 `{id}` 不是列；请在 [column.{id}] 里写明，或改正"
                    )),
                }
            }
            self.inherit(&mut row, frame);
            for (id, column) in &self.columns {
                if row.cells.contains_key(id) {
                    continue;
                }
                let value = fillers.get(id).map(|value| kinds[id].value(value));
                match value {
                    Some(Some(value)) => {
                        row.cells.insert(id.clone(), Cell { value, source: None });
                    }
                    Some(None) => {
                        report.error(format!("列 `{id}` 的 absent 不合它的 kind；请改正"))
                    }
                    None if column.absent.is_none() => report.error(format!(
                        "{name}的 `{id}` 是空的；请填上，或在 [column.{id}] 里写 absent"
                    )),
                    None => {}
                }
            }
            if self.rows.iter().any(|other| other.overlaps(&row)) {
                report.error(format!("{name}写了两行；请留一行"));
            }
            self.rows.push(row);
        }
    }

    /// The row of a part takes from the row of the whole what it does not say itself.
    fn inherit(&self, row: &mut Row, frame: &Frame) {
        let [Keys::These(ids)] = &*row.keys else { return };
        let part = frame.domains.get(&self.key[0]).and_then(|domain| domain.part.get(&ids[0]));
        let Some(part) = part else { return };
        row.own = Some(row.cells.keys().cloned().collect());
        if let Some(whole) = self.rows.iter().find(|other| other.is(&part.of)) {
            for (id, cell) in &whole.cells {
                row.cells.entry(id.clone()).or_insert_with(|| cell.clone());
            }
        }
    }

    fn labels(&self, keys: &[Keys], frame: &Frame, report: &mut Report<'_>) -> Vec<String> {
        let mut labels = Vec::new();
        for (name, keys) in self.key.iter().zip(keys) {
            let Some(domain) = frame.domains.get(name) else { continue };
            labels.push(match keys {
                Keys::Any => "不限".to_owned(),
                Keys::Others => domain.others.clone(),
                Keys::These(ids) => {
                    let mut names = Vec::new();
                    for id in ids {
                        match domain.label(id) {
                            Some(label) => names.push(label),
                            None => report.error(format!(
                                "`{id}` 不在 domains/{name}.toml 里；请加上，或改正这一行"
                            )),
                        }
                    }
                    names.join("、")
                }
            });
        }
        labels
    }

    /// What a place of the table is called; an error if there is no such place.
    fn place(&self, row: Option<&str>, column: &str, report: &mut Report<'_>) -> Option<String> {
        let title = self.columns.get(column).map(|column| &column.title);
        let label = row.map(|id| self.rows.iter().find(|row| row.is(id)));
        match (title, label) {
            (Some(title), None) => Some(title.clone()),
            (Some(title), Some(Some(row))) => {
                let label = row.text("label").unwrap_or_else(|| row.labels.join("、"));
                Some(format!("{label}{title}"))
            }
            _ => {
                let row = row.map_or(String::new(), |row| format!("`{row}` 这一行或 "));
                report.error(format!("没有 {row}`{column}` 这一列；请改正"));
                None
            }
        }
    }

    /// Sentences can be made of every cell.
    fn check_sentences(&self, report: &mut Report<'_>) {
        for (id, column) in &self.columns {
            let empty = self.rows.iter().any(|row| !row.cells.contains_key(id));
            if column.say.is_some() && empty && column.say_absent.is_none() {
                report.error(format!("列 `{id}` 有空格子，要写 say_absent：空着的时候怎么答"));
            }
            for row in &self.rows {
                match self.say(row, id) {
                    Some(Err(name)) => {
                        report.error(format!(
                            "列 `{id}` 的句子里的 `{{{name}}}` 不是键，也不是列；请改正"
                        ));
                        break;
                    }
                    Some(Ok(say)) if super::ours::length(&say) > super::ours::SAY_LIMIT => {
                        let limit = super::ours::SAY_LIMIT;
                        report.error(format!("列 `{id}` 的句子超过 {limit} 字：“{say}”；请改短"));
                    }
                    _ => {}
                }
            }
        }
    }

    /// The sentence that answers from a cell; nothing for a column that has none.
    ///
    /// Fails with the name in braces that is neither a key nor a column.
    fn say(&self, row: &Row, column: &str) -> Option<Result<String, String>> {
        static NAME: LazyLock<Regex> =
            LazyLock::new(|| Regex::new(r"\{([a-z_-]+)\}").expect("a valid pattern"));
        let shape = &self.columns[column];
        let value = row.cells.get(column).map(|cell| &cell.value);
        let no = value.is_none_or(|value| *value == Value::Bool(false));
        let template = if no { shape.say_absent.as_ref()? } else { shape.say.as_ref()? };
        let mut unknown = None;
        let said = NAME.replace_all(template, |found: &Captures<'_>| {
            let name = if &found[1] == "value" { column } else { &found[1] };
            let key = self.key.iter().position(|key| key == name);
            if let Some(key) = key {
                return row.labels.get(key).cloned().unwrap_or_default();
            }
            if !self.columns.contains_key(name) {
                unknown = Some(name.to_owned());
            }
            row.text(name).unwrap_or_default()
        });
        Some(unknown.map_or(Ok(said.into_owned()), Err))
    }

    /// The older values of a cell.
    pub(super) fn changed(&self, row: &Row, column: &str) -> impl Iterator<Item = &Changed> {
        at(&self.changed, row, column)
    }

    /// The disputes about a cell.
    pub(super) fn disputed(&self, row: &Row, column: &str) -> impl Iterator<Item = &Disputed> {
        at(&self.disputed, row, column)
    }

    /// The cell as it stands in a table: the value with its unit, or what stands for an empty one.
    pub(crate) fn shown(&self, row: &Row, column: &str) -> String {
        let shape = &self.columns[column];
        match (row.text(column), &shape.absent) {
            (Some(text), _) if shape.unit.is_empty() => text,
            (Some(text), _) => format!("{text} {}", shape.unit),
            (None, Some(Absent::Unknown(text) | Absent::No(text))) => text.clone(),
            (None, None) => String::new(),
        }
    }

    /// The row for these values of the keys, one each. A part falls back to the whole, then to the others.
    pub(crate) fn row(
        &self,
        values: &[&str],
        domains: &BTreeMap<String, Packed<Domain>>,
    ) -> Option<&Row> {
        let whole = |(key, value): (&String, &&str)| {
            let part = domains.get(key).and_then(|domain| domain.part.get(*value));
            part.map_or_else(|| (*value).to_owned(), |part| part.of.clone())
        };
        let wholes: Vec<String> = self.key.iter().zip(values).map(whole).collect();
        let wholes: Vec<&str> = wholes.iter().map(|id| &**id).collect();
        [values, &wholes].into_iter().find_map(|values| {
            let named = self.rows.iter().find(|row| row.fits(values, false));
            named
                .or_else(|| self.rows.iter().find(|row| values == wholes && row.fits(values, true)))
        })
    }

    /// The rows for these values of the keys, as far as they are named.
    pub(crate) fn rows(
        &self,
        values: &[Option<&str>],
        domains: &BTreeMap<String, Packed<Domain>>,
    ) -> Vec<&Row> {
        if let Some(all) = values.iter().copied().collect::<Option<Vec<&str>>>() {
            return self.row(&all, domains).into_iter().collect();
        }
        let fits = |(keys, value): (&Keys, &Option<&str>)| match (keys, value) {
            (_, None) | (Keys::Any, _) => true,
            (Keys::Others, _) => false,
            (Keys::These(ids), Some(value)) => ids.iter().any(|id| id == value),
        };
        self.rows.iter().filter(|row| row.keys.iter().zip(values).all(fits)).collect()
    }

    /// The columns that answer.
    fn asked(&self) -> impl Iterator<Item = (&String, &Column)> {
        self.columns.iter().filter(|(_, column)| !column.ask.is_empty())
    }

    /// On what a cell rests; an empty one on what its column rests.
    pub(crate) fn source<'t>(&'t self, row: &'t Row, column: &str) -> &'t Citation {
        let own = row.cells.get(column).and_then(|cell| cell.source.as_ref());
        own.unwrap_or(&self.columns[column].source)
    }
}

/// What is noted for a row or for all rows of a column.
fn at<'t, T>(
    noted: &'t [(Option<String>, String, T)],
    row: &Row,
    column: &str,
) -> impl Iterator<Item = &'t T> {
    let here = move |(place, other, _): &&(Option<String>, String, T)| {
        column == other && place.as_ref().is_none_or(|id| row.is(id))
    };
    noted.iter().filter(here).map(|(.., what)| what)
}

impl Keys {
    fn read(value: Option<toml::Value>) -> Self {
        match value {
            None => Self::Any,
            Some(toml::Value::String(text)) if text == "others" => Self::Others,
            Some(toml::Value::String(text)) => Self::These(vec![text]),
            Some(value) => Self::These(strings(&value).unwrap_or_default()),
        }
    }
}

impl Row {
    /// The ids of its keys: `hubei+person,organisation`.
    fn id(&self) -> String {
        let ids = self.keys.iter().map(|keys| match keys {
            Keys::Any => "any".to_owned(),
            Keys::Others => "others".to_owned(),
            Keys::These(ids) => ids.join(","),
        });
        ids.collect::<Vec<_>>().join("+")
    }

    /// Whether this is the row of a table with one key that holds for this value.
    pub(crate) fn is(&self, key: &str) -> bool {
        matches!(&*self.keys, [Keys::These(ids)] if *ids == [key])
    }

    fn fits(&self, values: &[&str], others: bool) -> bool {
        self.keys.iter().zip(values).all(|(keys, value)| match keys {
            Keys::Any => true,
            Keys::Others => others,
            Keys::These(ids) => ids.iter().any(|id| id == value),
        })
    }

    fn overlaps(&self, other: &Self) -> bool {
        self.keys.iter().zip(&other.keys).all(|pair| match pair {
            (Keys::These(a), Keys::These(b)) => a.iter().any(|id| b.contains(id)),
            (Keys::Others, Keys::These(_)) | (Keys::These(_), Keys::Others) => false,
            _ => true,
        })
    }

    /// Whether the row has a value of its own in this column.
    pub(crate) fn has(&self, column: &str) -> bool {
        self.value(column).is_some() && self.is_own(column)
    }

    /// Whether the row says something about this column that the row of the whole does not.
    pub(crate) fn is_own(&self, column: &str) -> bool {
        self.own.as_ref().is_none_or(|own| own.contains(column))
    }

    pub(crate) fn value(&self, column: &str) -> Option<&Value> {
        self.cells.get(column).map(|cell| &cell.value)
    }

    /// The value of a cell as it is written in running text.
    pub(crate) fn text(&self, column: &str) -> Option<String> {
        self.value(column).map(Value::text)
    }
}

impl Value {
    fn text(&self) -> String {
        match self {
            Self::Int(number) => number.to_string(),
            Self::Bool(yes) => if *yes { "是" } else { "否" }.to_owned(),
            Self::Date(date) => {
                format!("{} 年 {} 月 {} 日", date.year(), date.month(), date.day())
            }
            Self::Text(text) | Self::Id(_, text) => text.clone(),
            Self::Words(words) => words.join("、"),
        }
    }

    /// Whether this is the value that a directive writes as `text`.
    pub(crate) fn is(&self, text: &str) -> bool {
        match self {
            Self::Int(number) => number.to_string() == text,
            Self::Bool(yes) => text == if *yes { "yes" } else { "no" },
            Self::Date(date) => date.to_string() == text,
            Self::Text(value) | Self::Id(value, _) => value == text,
            Self::Words(words) => words.iter().any(|word| word == text),
        }
    }

    /// By which values are put in order; nothing for those that stay in the order of the file.
    pub(crate) fn order(&self) -> Option<(i64, Date)> {
        match self {
            Self::Int(number) => Some((*number, Date::ZERO)),
            Self::Date(date) => Some((0, *date)),
            _ => None,
        }
    }
}
