//! Facts that stand once and are shown in many entries: `facts/*.toml`.

use super::{
    File, Problem,
    entry::Changed,
    ours::{Frame, shape},
};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The single figures of `facts/figure.toml` and the tables of all other files of `facts/`.
#[derive(Default)]
pub(super) struct Facts {
    figures: BTreeMap<String, FigureShape>,
    tables: BTreeMap<String, TableShape>,
    /// Older values by table, row and column; figures are the table `figure`, with an empty column.
    changed: Vec<((String, String, String), Changed)>,
}

/// What a directive turns into.
pub(super) struct Filled {
    /// Markdown; a table has several lines.
    pub(super) text: String,
    /// Older values of what is shown.
    pub(super) changed: Vec<Changed>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FiguresFile {
    row: BTreeMap<String, FigureShape>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FigureShape {
    text: String,
    what: String,
    source: String,
    was: Option<String>,
    #[serde(default)]
    was_sources: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TableShape {
    /// What a row is named after.
    #[serde(rename = "key")]
    _key: Vec<String>,
    column: BTreeMap<String, ColumnShape>,
    /// In the order of the file.
    row: toml::Table,
    #[serde(default)]
    cell: Vec<CellShape>,
    #[serde(default)]
    changed: Vec<ChangedShape>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ColumnShape {
    title: String,
    source: String,
    #[serde(default)]
    unit: String,
    /// What an empty cell says.
    #[serde(default)]
    absent: String,
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
    row: String,
    column: String,
    was: String,
    sources: Vec<String>,
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
                    .map_or(BTreeMap::new(), |file: FiguresFile| file.row);
                facts.add_figures(path, figures, frame, problems);
            } else if let Some(table) = shape(files, path, problems) {
                facts.add_table(path, name, table, frame, problems);
            }
        }
        facts
    }

    fn add_figures(
        &mut self,
        path: &str,
        figures: BTreeMap<String, FigureShape>,
        frame: &Frame,
        problems: &mut Vec<Problem>,
    ) {
        for (id, figure) in &figures {
            frame.cited(path, &figure.source, problems);
            let sources = frame.citations(path, &figure.was_sources, problems);
            if let Some(was) = &figure.was {
                let changed = Changed { what: figure.what.clone(), was: was.clone(), sources };
                self.changed.push((("figure".to_owned(), id.clone(), String::new()), changed));
            }
        }
        self.figures = figures;
    }

    fn add_table(
        &mut self,
        path: &str,
        name: &str,
        table: TableShape,
        frame: &Frame,
        problems: &mut Vec<Problem>,
    ) {
        let mut error = |message: String| problems.push(Problem::error(path, 0, message));
        let named = table.cell.iter().map(|cell| (&cell.row, &cell.column));
        for (row, column) in
            named.chain(table.changed.iter().map(|changed| (&changed.row, &changed.column)))
        {
            if !table.row.contains_key(row) || !table.column.contains_key(column) {
                error(format!("没有 `{row}` 这一行或 `{column}` 这一列；请改正"));
            }
        }
        for (id, row) in &table.row {
            for column in row.as_table().into_iter().flat_map(|row| row.keys()) {
                if !table.column.contains_key(column) {
                    error(format!(
                        "行 `{id}` 里的 `{column}` 不是列；请在 [column.{column}] 里写明，或改正"
                    ));
                }
            }
        }
        let columns = table.column.values().map(|column| &column.source);
        for source in columns.chain(table.cell.iter().map(|cell| &cell.source)) {
            frame.cited(path, source, problems);
        }
        for changed in &table.changed {
            let title = table.column.get(&changed.column).map_or("", |column| &column.title);
            let label = table.text(&changed.row, "label").unwrap_or_else(|| changed.row.clone());
            let older = Changed {
                what: format!("{label}{title}"),
                was: changed.was.clone(),
                sources: frame.citations(path, &changed.sources, problems),
            };
            self.changed
                .push(((name.to_owned(), changed.row.clone(), changed.column.clone()), older));
        }
        self.tables.insert(name.to_owned(), table);
    }

    /// What stands for `{{ directive }}`: a figure (`figure.sms_deadline`), a cell (`product.ecs.sites`) or a table
    /// (`table product: label, sites where kind = server`).
    ///
    /// Fails with the reason, in Chinese, if the directive names something that is not there.
    pub(super) fn fill(&self, directive: &str) -> Result<Filled, String> {
        if let Some(table) = directive.strip_prefix("table ") {
            return self.fill_table(table);
        }
        let mut names = directive.split('.');
        match (names.next(), names.next(), names.next(), names.next()) {
            (Some("figure"), Some(id), None, _) => {
                let figure = self
                    .figures
                    .get(id)
                    .ok_or_else(|| format!("facts/figure.toml 里没有 `{id}`"))?;
                Ok(Filled { text: figure.text.clone(), changed: self.changed("figure", id, "") })
            }
            (Some(table), Some(row), Some(column), None) => {
                let found = self.table(table)?;
                found.known(column)?;
                if !found.row.contains_key(row) {
                    return Err(format!("facts/{table}.toml 里没有 `{row}` 这一行"));
                }
                let text = found
                    .text(row, column)
                    .ok_or_else(|| format!("`{row}` 的 `{column}` 是空的"))?;
                Ok(Filled { text, changed: self.changed(table, row, column) })
            }
            _ => {
                Err("写法是 `figure.名字`、`表.行.列` 或 `table 表: 列, 列 where 列 = 值`"
                    .to_owned())
            }
        }
    }

    fn fill_table(&self, directive: &str) -> Result<Filled, String> {
        let (name, rest) = directive.split_once(':').ok_or("`table 表` 后面要有冒号和列")?;
        let (columns, condition) = rest
            .split_once(" where ")
            .map_or((rest, None), |(columns, condition)| (columns, Some(condition)));
        let table = self.table(name.trim())?;
        let columns: Vec<&str> = columns.split(',').map(str::trim).collect();
        let heads = columns.iter().map(|column| table.known(column).map(|shape| &*shape.title));
        let heads = heads.collect::<Result<Vec<_>, _>>()?;
        let wanted = condition
            .map(|condition| condition.split_once('=').ok_or("where 后面要写 `列 = 值`"))
            .transpose()?;
        let wanted = wanted.map(|(column, value)| (column.trim(), value.trim()));
        if let Some((column, _)) = wanted {
            table.known(column)?;
        }
        let mut filled = Filled {
            text: format!("|{}|\n|{}\n", heads.join("|"), "---|".repeat(heads.len())),
            changed: Vec::new(),
        };
        let fits = |row: &str| {
            wanted.is_none_or(|(column, value)| table.text(row, column).as_deref() == Some(value))
        };
        for row in table.row.keys().filter(|row| fits(row)) {
            let cells = columns.iter().map(|column| table.cell_text(row, column));
            filled.text.push_str(&format!("|{}|\n", cells.collect::<Vec<_>>().join("|")));
            filled
                .changed
                .extend(columns.iter().flat_map(|column| self.changed(name.trim(), row, column)));
        }
        Ok(filled)
    }

    fn table(&self, name: &str) -> Result<&TableShape, String> {
        self.tables.get(name).ok_or_else(|| format!("没有 facts/{name}.toml"))
    }

    fn changed(&self, table: &str, row: &str, column: &str) -> Vec<Changed> {
        let mine =
            self.changed.iter().filter(|((t, r, c), _)| (&**t, &**r, &**c) == (table, row, column));
        mine.map(|(_, changed)| changed.clone()).collect()
    }
}

impl TableShape {
    fn known(&self, column: &str) -> Result<&ColumnShape, String> {
        self.column.get(column).ok_or_else(|| format!("没有 `{column}` 这一列"))
    }

    /// The value of a cell as it is written in running text.
    fn text(&self, row: &str, column: &str) -> Option<String> {
        Some(self.row.get(row)?.get(column)?)
            .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    }

    /// The value of a cell with its unit, as it stands in a table.
    fn cell_text(&self, row: &str, column: &str) -> String {
        let shape = &self.column[column];
        match self.text(row, column) {
            None => shape.absent.clone(),
            Some(text) if shape.unit.is_empty() => text,
            Some(text) => format!("{text} {}", shape.unit),
        }
    }
}
