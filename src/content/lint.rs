//! What only `jieda check` looks for: mistakes that spoil no answer by themselves.

use super::{Content, Entry, File, Problem, facts::Value, front, ours};
use crate::text::{Segmenter, is_han, normalise};
use jiff::civil::Date;
use std::collections::{HashMap, HashSet};

/// First paragraphs that share this part of their words say the same.
const ALIKE: f64 = 0.8;

/// A title in which so many single characters follow each other lacks a term.
const SINGLES: usize = 4;

/// Single characters that are words by themselves.
const GRAMMAR: &str = "的了吗呢过要先前后做能都还再也就不没在和把被给用到从有是几多怎";

/// Where the files of a folder in our formats could be better, by file and line. Nothing for any other folder.
///
/// `files` are those from which `content` was loaded; entries due for review by `today` are named.
pub fn lint(files: &[File], content: &Content, today: Date) -> Vec<Problem> {
    let mut problems = Vec::new();
    if content.sources.is_empty() {
        return problems;
    }
    let segmenter = Segmenter::new(&content.terms.word);
    for entry in &content.entries {
        wording(entry, &segmenter, &mut problems);
        if let Some(day) = entry.review_by.filter(|day| *day < today) {
            let message = format!("该在 {day} 以前重新核对；核对以后把 review_by 改成下一次的日子");
            problems.push(Problem::warning(&entry.file, 1, message));
        }
    }
    alike(&content.entries, &segmenter, &mut problems);
    sections(content, &mut problems);
    terms(content, &segmenter, &mut problems);
    by_hand(files, content, &mut problems);
    ours::name_lines(&mut problems, files);
    problems.sort();
    problems.dedup();
    problems
}

/// What a question says, whatever its spelling and punctuation.
fn bare(text: &str) -> String {
    normalise(text).as_str().chars().filter(|c| c.is_alphanumeric()).collect()
}

fn wording(entry: &Entry, segmenter: &Segmenter, problems: &mut Vec<Problem>) {
    let mut warn = |message: String| problems.push(Problem::warning(&entry.file, 0, message));
    if !entry.title.ends_with('？') {
        warn(format!("标题 `{}` 不是问句；请写成客户会问的话，用“？”结尾", entry.title));
    }
    let mut seen = HashSet::from([bare(&entry.title)]);
    for ask in &entry.ask {
        if !seen.insert(bare(ask)) {
            warn(format!("ask 里的 `{ask}` 和标题或另一句一样；请去掉"));
        }
    }
    let mut singles = String::new();
    for word in segmenter.cut(&normalise(&entry.title)) {
        let single = word.text.chars().map(is_han).eq([true]);
        if single && !GRAMMAR.contains(&word.text) {
            singles.push_str(&word.text);
        } else {
            singles.clear();
        }
        if singles.chars().count() == SINGLES {
            warn(format!("标题里的 `{singles}` 被切成了单字；是词的话请加进 terms.toml 的 word"));
        }
    }
}

/// Entries that answer the same question, or give the same answer.
fn alike(entries: &[Entry], segmenter: &Segmenter, problems: &mut Vec<Problem>) {
    let mut asked: HashMap<String, &str> = HashMap::new();
    let mut said: Vec<(&str, HashSet<String>)> = Vec::new();
    for entry in entries {
        for question in [&entry.title].into_iter().chain(&entry.ask) {
            let other = *asked.entry(bare(question)).or_insert(&entry.id);
            if other != entry.id {
                let message = format!(
                    "`{question}` 也是 `{other}` 的问法；请只留在一处，或写明各自问的是什么"
                );
                problems.push(Problem::warning(&entry.file, 0, message));
            }
        }
        let words = segmenter.cut(&normalise(entry.say()));
        let words: HashSet<String> = words.into_iter().map(|word| word.text).collect();
        for (other, theirs) in &said {
            let most = words.len().max(theirs.len()) as f64;
            if words.intersection(theirs).count() as f64 >= ALIKE * most {
                let message = format!("第一段和 `{other}` 的差不多；请合并，或写出不同的地方");
                problems.push(Problem::warning(&entry.file, 0, message));
            }
        }
        said.push((&entry.id, words));
    }
}

/// Sections on which nothing rests, and such as are left out and yet cited.
fn sections(content: &Content, problems: &mut Vec<Problem>) {
    for covered in super::report::coverage(content) {
        let name = format!("{}#{}", covered.source.id, covered.section.id);
        let message = match (covered.section.left_out.is_some(), covered.entries.is_empty()) {
            (false, true) => format!(
                "`{name}`（{}）没有条目引用；请写条目，或在这一节写明 left_out = \"为什么\"",
                covered.section.title
            ),
            (true, false) => {
                format!("`{name}` 写了 left_out，但 `{}` 引用了它；请去掉一个", covered.entries[0])
            }
            _ => continue,
        };
        problems.push(Problem::warning("sources.toml", 0, message));
    }
}

/// Terms that stand nowhere in the content.
fn terms(content: &Content, segmenter: &Segmenter, problems: &mut Vec<Problem>) {
    let mut text = String::new();
    for entry in &content.entries {
        for part in
            [&entry.title, &entry.text()].into_iter().chain(&entry.ask).chain(&entry.messages)
        {
            text.push_str(normalise(part).as_str());
            text.push('\n');
        }
    }
    let words: HashSet<String> = text
        .lines()
        .flat_map(|line| segmenter.cut(&normalise(line)))
        .map(|word| word.text)
        .collect();
    let occurs = |term: &String| {
        let term = normalise(term);
        words.contains(term.as_str()) || text.contains(term.as_str())
    };
    let mut warn = |message: String| problems.push(Problem::warning("terms.toml", 0, message));
    for word in content.terms.word.iter().chain(&content.terms.weak) {
        if !occurs(word) {
            warn(format!("`{word}` 在内容里没有出现过；请去掉"));
        }
    }
    for group in content.terms.same.iter().filter(|group| !group.iter().any(occurs)) {
        warn(format!("`{}` 这一组在内容里一个也没有出现过；请去掉", group.join("、")));
    }
}

/// Values of a fact table that stand by hand beside the name of their row.
fn by_hand(files: &[File], content: &Content, problems: &mut Vec<Problem>) {
    let squeeze = |text: &str| text.split_whitespace().collect::<String>().to_lowercase();
    // The value and the names of its row, without spaces; what to write instead.
    let mut values: Vec<(String, Vec<String>, String)> = Vec::new();
    for (name, table) in &content.facts.tables {
        let [key] = &*table.key else { continue };
        let Some(domain) = content.domains.get(key) else { continue };
        for (id, names) in domain.names() {
            let Some(row) = table.rows.iter().find(|row| row.is(id)) else { continue };
            for column in table.columns.keys().filter(|column| row.has(column)) {
                let told = match row.value(column) {
                    Some(Value::Int(_)) => !table.columns[column].unit.is_empty(),
                    Some(Value::Date(_)) => true,
                    _ => false,
                };
                if told {
                    let names = names.iter().map(|name| squeeze(name)).collect();
                    let directive = format!("{{{{ {name}.{id}.{column} }}}}");
                    values.push((squeeze(&table.shown(row, column)), names, directive));
                }
            }
        }
    }
    for entry in &content.entries {
        let file = files.iter().find(|file| file.path == entry.file);
        let Some(text) = file.and_then(|file| file.text().ok()) else { continue };
        let Some((_, _, body, first)) = front::split(&text) else { continue };
        for (number, line) in (first..).zip(body.lines()) {
            let line = ours::DIRECTIVE.replace_all(line, "");
            for sentence in line.split(['。', '；']).map(squeeze) {
                let told = values.iter().find(|(value, names, _)| {
                    stands_in(&sentence, value) && names.iter().any(|name| sentence.contains(name))
                });
                if let Some((value, _, directive)) = told {
                    let message =
                        format!("“{value}”是事实表里的值；请写 `{directive}`，资料变了只改一处");
                    problems.push(Problem::warning(&entry.file, number, message));
                }
            }
        }
    }
}

/// Whether `value` stands in `text` and is not the end of a longer number.
fn stands_in(text: &str, value: &str) -> bool {
    text.match_indices(value)
        .any(|(at, _)| !text[..at].ends_with(|c: char| c.is_ascii_digit() || c == '.'))
}
