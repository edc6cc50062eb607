//! `{{ … }}` in the text of an entry: facts, filled in before markdown is parsed.

use super::{
    entry::{Changed, Citation, Disputed},
    facts::{Column, Facts, Row, Table},
};

/// What a directive turns into, and what has to be told with it.
#[derive(Default)]
pub(super) struct Filled {
    /// Markdown; a table has several lines.
    pub(super) text: String,
    pub(super) sources: Vec<Citation>,
    pub(super) changed: Vec<Changed>,
    pub(super) disputed: Vec<Disputed>,
}

/// Which rows of a table are meant.
enum Filter<'d> {
    All,
    With(&'d str),
    Without(&'d str),
    Where(&'d str, &'d str),
}

const FORMS: &str = "写法是 `figure.名字`、`表.行.列`、`table 表: 列, 列`、`groups 表 列`、`list 表 with 列` 或 `count 表 with 列`";

/// What stands for `{{ directive }}`:
///
/// - `figure.sms_deadline`: a single figure; `product.ecs.sites`: a cell;
/// - `table product: label, sites where kind = server`: a table of these columns; a key is a column, too;
/// - `groups province sms_since`: a table with the keys for each value of a column;
/// - `list province without sms_since`: the keys, `count province with sms_since`: how many there are.
///
/// Rows are chosen with `with column`, `without column` or `where column = value`.
/// Fails with the reason, in Chinese, if the directive names something that is not there.
pub(super) fn fill(facts: &Facts, directive: &str) -> Result<Filled, String> {
    let (word, rest) = directive.split_once(' ').unwrap_or((directive, ""));
    match word {
        "table" => {
            let (name, rest) = rest.split_once(':').ok_or("`table 表` 后面要有冒号和列")?;
            let (columns, filter) = filter(rest)?;
            fill_table(table(facts, name)?, columns, &filter)
        }
        "groups" => {
            let (rest, filter) = filter(rest)?;
            let (name, column) = rest.trim().split_once(' ').ok_or(FORMS)?;
            fill_groups(table(facts, name)?, column.trim(), &filter)
        }
        "list" | "count" => {
            let (name, filter) = filter(rest)?;
            let table = table(facts, name)?;
            let mut filled = Filled::default();
            let mut labels = Vec::new();
            for row in rows(table, &filter)? {
                labels.extend(row.labels.first().map(|label| &**label));
                if let Some(column) = filter.column() {
                    filled.note(table, row, column);
                }
            }
            filled.text =
                if word == "list" { labels.join("、") } else { labels.len().to_string() };
            Ok(filled)
        }
        _ => fill_value(facts, directive),
    }
}

fn fill_value(facts: &Facts, directive: &str) -> Result<Filled, String> {
    let names: Vec<&str> = directive.split('.').collect();
    let mut filled = Filled::default();
    match *names {
        ["figure", id] => {
            let figure = facts.figures.get(id);
            let figure = figure.ok_or_else(|| format!("facts/figure.toml 里没有 `{id}`"))?;
            filled.text = figure.text.clone();
            filled.sources.push(figure.source.clone());
            filled.changed.extend(figure.changed.clone());
            filled.disputed.extend(figure.disputed.clone());
        }
        [name, id, column] => {
            let table = table(facts, name)?;
            known(table, column)?;
            let row = table.rows.iter().find(|row| row.is(id));
            let row = row.ok_or_else(|| format!("facts/{name}.toml 里没有 `{id}` 这一行"))?;
            filled.text = row.text(column).ok_or_else(|| format!("`{id}` 的 `{column}` 是空的"))?;
            filled.note(table, row, column);
        }
        _ => return Err(FORMS.to_owned()),
    }
    Ok(filled)
}

fn fill_table(table: &Table, columns: &str, filter: &Filter<'_>) -> Result<Filled, String> {
    let key = |column: &str| table.key.iter().position(|key| key == column);
    let columns: Vec<&str> = columns.split(',').map(str::trim).collect();
    let mut heads = Vec::new();
    for column in &columns {
        heads.push(match key(column) {
            Some(key) => &*table.key_titles[key],
            None => &*known(table, column)?.title,
        });
    }
    let mut filled = Filled { text: head(&heads), ..Filled::default() };
    for row in rows(table, filter)? {
        let facts = || columns.iter().filter(|column| key(column).is_none());
        if !facts().any(|column| row.is_own(column)) {
            continue;
        }
        let cells = columns.iter().map(|column| match key(column) {
            Some(key) => row.labels[key].clone(),
            None => table.shown(row, column),
        });
        filled.text.push_str(&line(cells));
        facts().for_each(|column| filled.note(table, row, column));
    }
    Ok(filled)
}

fn fill_groups(table: &Table, column: &str, filter: &Filter<'_>) -> Result<Filled, String> {
    let title = &known(table, column)?.title;
    let mut filled = Filled { text: head(&[title, &table.key_titles[0]]), ..Filled::default() };
    let mut groups: Vec<(&Row, Vec<&str>)> = Vec::new();
    for row in rows(table, filter)?.into_iter().filter(|row| row.has(column)) {
        filled.note(table, row, column);
        let label = &*row.labels[0];
        match groups.iter_mut().find(|(first, _)| first.value(column) == row.value(column)) {
            Some((_, labels)) => labels.push(label),
            None => groups.push((row, vec![label])),
        }
    }
    groups.sort_by_key(|(row, _)| row.value(column).and_then(super::facts::Value::order));
    for (row, labels) in groups {
        filled.text.push_str(&line([table.shown(row, column), labels.join("、")].into_iter()));
    }
    Ok(filled)
}

fn head(titles: &[&str]) -> String {
    format!(
        "{}|{}\n",
        line(titles.iter().map(|title| (*title).to_owned())),
        "---|".repeat(titles.len())
    )
}

fn line(cells: impl Iterator<Item = String>) -> String {
    let cells: Vec<String> = cells.map(|cell| cell.replace('|', "\\|")).collect();
    format!("|{}|\n", cells.join("|"))
}

/// Parts the choice of rows from what stands before it.
fn filter(text: &str) -> Result<(&str, Filter<'_>), String> {
    let parted = |word: &str| text.split_once(word).map(|(before, after)| (before, after.trim()));
    if let Some((before, column)) = parted(" with ") {
        return Ok((before, Filter::With(column)));
    }
    if let Some((before, column)) = parted(" without ") {
        return Ok((before, Filter::Without(column)));
    }
    if let Some((before, condition)) = parted(" where ") {
        let (column, value) = condition.split_once('=').ok_or("where 后面要写 `列 = 值`")?;
        return Ok((before, Filter::Where(column.trim(), value.trim())));
    }
    Ok((text, Filter::All))
}

fn table<'f>(facts: &'f Facts, name: &str) -> Result<&'f Table, String> {
    let name = name.trim();
    let table = facts.tables.get(name).map(|table| &**table);
    table.ok_or_else(|| format!("没有 facts/{name}.toml"))
}

fn known<'t>(table: &'t Table, column: &str) -> Result<&'t Column, String> {
    table.columns.get(column).ok_or_else(|| format!("没有 `{column}` 这一列"))
}

/// The rows that are meant. The row of a part only counts for what it says itself.
fn rows<'t>(table: &'t Table, filter: &Filter<'_>) -> Result<Vec<&'t Row>, String> {
    if let Some(column) = filter.column() {
        known(table, column)?;
    }
    let fits = |row: &&Row| match filter {
        Filter::All => true,
        Filter::With(column) => row.has(column),
        Filter::Without(column) => row.is_own(column) && !row.has(column),
        Filter::Where(column, value) => {
            row.is_own(column) && row.value(column).is_some_and(|cell| cell.is(value))
        }
    };
    let rows: Vec<&Row> = table.rows.iter().filter(fits).collect();
    match filter {
        Filter::Where(column, value) if rows.is_empty() => {
            Err(format!("没有一行的 `{column}` 是 `{value}`；是或否写 yes、no"))
        }
        _ => Ok(rows),
    }
}

impl<'d> Filter<'d> {
    fn column(&self) -> Option<&'d str> {
        match self {
            Self::All => None,
            Self::With(column) | Self::Without(column) | Self::Where(column, _) => Some(column),
        }
    }
}

impl Filled {
    /// Takes along what has to be told with a cell.
    fn note(&mut self, table: &Table, row: &Row, column: &str) {
        add(&mut self.sources, table.source(row, column));
        table.changed(row, column).for_each(|changed| add(&mut self.changed, changed));
        table.disputed(row, column).for_each(|disputed| add(&mut self.disputed, disputed));
    }
}

/// Adds what is not there yet.
pub(super) fn add<T: PartialEq + Clone>(all: &mut Vec<T>, one: &T) {
    if !all.contains(one) {
        all.push(one.clone());
    }
}
