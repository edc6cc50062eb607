//! Front matter, and TOML with problems that a writer understands.

use super::Problem;
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
}

/// Reads the front matter of any markdown: title, date, description, tags. Everything else is ignored.
pub(super) fn loose(file: &str, fence: char, text: &str) -> Result<Loose, Problem> {
    if fence == '+' {
        let table: toml::Table = toml(file, text, 2)?;
        let string = |value: &toml::Value| value.as_str().map(str::to_owned);
        let tags = table.get("tags").and_then(toml::Value::as_array);
        return Ok(Loose {
            title: table.get("title").and_then(string),
            date: table.get("date").and_then(|date| day(&date.to_string())),
            about: table
                .get("description")
                .and_then(string)
                .into_iter()
                .chain(tags.into_iter().flatten().filter_map(string))
                .collect(),
        });
    }
    let documents = Yaml::load_from_str(text).map_err(|error| {
        let line = error.marker().line() as u32 + 1;
        Problem::warning(
            file,
            line,
            format!("YAML 写法有误，这段前言没有用上；请检查缩进、冒号和引号（{}）", error.info()),
        )
    })?;
    let get = |key: &str| documents.first().and_then(|yaml| yaml.as_mapping_get(key));
    let string = |value: &Yaml<'_>| {
        value.as_str().map(str::to_owned).or_else(|| value.as_integer().map(|n| n.to_string()))
    };
    let tags = get("tags").and_then(|tags| tags.as_vec()).into_iter().flatten();
    Ok(Loose {
        title: get("title").and_then(string),
        date: get("date").and_then(string).and_then(|date| day(&date)),
        about: get("description").into_iter().chain(tags).filter_map(string).collect(),
    })
}

/// The day at the start of `2019-08-16T10:00:00+08:00`, `2019-08-16` or `2019/8/16`.
fn day(text: &str) -> Option<Date> {
    let mut numbers =
        text.trim_matches('"').split(|c: char| !c.is_ascii_digit()).map(str::parse::<i16>);
    let mut next = || numbers.next()?.ok();
    Date::new(next()?, next()?.try_into().ok()?, next()?.try_into().ok()?).ok()
}
