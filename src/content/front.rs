//! Front matter, and TOML with problems that a writer understands.

use super::Problem;
use crate::problem::Level;
use jiff::civil::Date;
use saphyr::{LoadableYamlNode, Yaml};
use serde::de::DeserializeOwned;

/// Splits `text` at its front matter: the fence's character, the front matter, the rest, and the rest's first line.
///
/// A fence that never closes is no front matter.
pub(super) fn split(text: &str) -> Option<(char, &str, &str, u32)> {
    let fence = ["+++", "---"]
        .into_iter()
        .find(|fence| text.lines().next().is_some_and(|line| line.trim_end() == *fence))?;
    let start = text.find('\n')? + 1;
    let mut at = start;
    for (index, line) in text[start..].split_inclusive('\n').enumerate() {
        if line.trim_end() == fence {
            return Some((
                fence.chars().next()?,
                &text[start..at],
                &text[at + line.len()..],
                index as u32 + 3,
            ));
        }
        at += line.len();
    }
    None
}

/// Reads TOML that begins on line `first` of `file`. A mistake is an error that names its line.
pub(super) fn toml<T: DeserializeOwned>(file: &str, text: &str, first: u32) -> Result<T, Problem> {
    toml::from_str(text).map_err(|error: toml::de::Error| {
        let offset = error.span().map_or(0, |span| span.start.min(text.len()));
        let line = first + text[..offset].matches('\n').count() as u32;
        Problem::error(file, line, explain(error.message(), &text[..offset]))
    })
}

/// What serde and toml say, in Chinese. `before` is the text up to the mistake.
fn explain(message: &str, before: &str) -> String {
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let table = before.lines().rev().find(|line| line.starts_with('['));
    match (message.split(' ').next(), &quoted[..]) {
        (Some("unknown"), [key, known @ ..]) => {
            let belongs = table.map_or(String::new(), |table| {
                format!("；`{}` 后面的键都属于它，顶层的键要写在它前面", table.trim())
            });
            format!("不认识 `{key}`；可用的有 {}{belongs}", known.join("、"))
        }
        (Some("missing"), [key]) => format!("缺少 `{key}`；请补上"),
        (Some("invalid"), _)
            if message.starts_with("invalid type") || message.starts_with("invalid value") =>
        {
            format!("值的类型不对，请对照格式说明改正（{message}）")
        }
        (Some("duplicate"), _) => format!("同一个键写了两次；请去掉一个（{message}）"),
        _ => format!(
            "TOML 写法有误，请检查引号、括号和等号（{}）",
            message.lines().next().unwrap_or("")
        ),
    }
}

/// What is used of the front matter of any markdown.
#[derive(Debug, Default)]
pub(super) struct Loose {
    pub(super) title: Option<String>,
    pub(super) date: Option<Date>,
    /// Description and tags: other words for what the file is about.
    pub(super) about: Vec<String>,
    /// For colleagues only.
    pub(super) internal: bool,
}

/// Reads the front matter of any markdown: title, date, description, tags, internal. Everything else is ignored.
///
/// What is between two rules and gives no value to any name is no front matter but text, and comes back as nothing.
/// Front matter that is broken is a warning, and so is a date that is none. In doubt a file is internal: if its front matter
/// is broken and speaks of it, or says anything but false.
pub(super) fn loose(
    file: &str,
    fence: char,
    text: &str,
    problems: &mut Vec<Problem>,
) -> Option<Loose> {
    let read = if fence == '+' { loose_toml(file, text) } else { loose_yaml(file, text) };
    let (mut loose, date) = match read {
        Ok(read) => read?,
        Err(problem) => {
            problems.push(Problem { level: Level::Warning, ..problem });
            return Some(Loose { internal: text.contains("internal"), ..Loose::default() });
        }
    };
    if let Some(date) = date {
        loose.date = day(&date);
        if loose.date.is_none() {
            let line =
                text.lines().position(|line| line.starts_with("date")).unwrap_or(0) as u32 + 2;
            let message = format!("`{date}` 不是日期；请写成 2026-11-22 的样子");
            problems.push(Problem::warning(file, line, message));
        }
    }
    Some(loose)
}

/// Front matter and the text of its date; nothing if the text is no table.
type Read = Result<Option<(Loose, Option<String>)>, Problem>;

fn loose_toml(file: &str, text: &str) -> Read {
    let table: toml::Table = toml(file, text, 2)?;
    let string = |value: &toml::Value| value.as_str().map(str::to_owned);
    let tags = table.get("tags").and_then(toml::Value::as_array).into_iter().flatten();
    let loose = Loose {
        title: table.get("title").and_then(string),
        date: None,
        about: table.get("description").into_iter().chain(tags).filter_map(string).collect(),
        internal: table.get("internal").is_some_and(|value| value.as_bool() != Some(false)),
    };
    let date = table.get("date").map(|date| date.to_string().trim_matches('"').to_owned());
    Ok(Some((loose, date)))
}

fn loose_yaml(file: &str, text: &str) -> Read {
    let documents = Yaml::load_from_str(text).map_err(|error| {
        let line = error.marker().line() as u32 + 1;
        let why = error.info();
        let message = format!("YAML 写法有误，这段前言没有用上；请检查缩进、冒号和引号（{why}）");
        Problem::warning(file, line, message)
    })?;
    let Some(yaml) = documents.first().filter(|yaml| yaml.is_mapping()) else { return Ok(None) };
    let string = |value: &Yaml<'_>| {
        value.as_str().map(str::to_owned).or_else(|| value.as_integer().map(|n| n.to_string()))
    };
    let tags = yaml.as_mapping_get("tags").and_then(|tags| tags.as_vec()).into_iter().flatten();
    let loose = Loose {
        title: yaml.as_mapping_get("title").and_then(string),
        date: None,
        about: yaml
            .as_mapping_get("description")
            .into_iter()
            .chain(tags)
            .filter_map(string)
            .collect(),
        internal: yaml
            .as_mapping_get("internal")
            .is_some_and(|value| value.as_bool() != Some(false)),
    };
    Ok(Some((loose, yaml.as_mapping_get("date").and_then(string))))
}

/// The day at the start of `2019-08-16T10:00:00+08:00`, `2019-08-16` or `2019/8/16`.
fn day(text: &str) -> Option<Date> {
    let mut numbers = text.split(|c: char| !c.is_ascii_digit()).map(str::parse::<i16>);
    let mut next = || numbers.next()?.ok();
    Date::new(next()?, next()?.try_into().ok()?, next()?.try_into().ok()?).ok()
}
