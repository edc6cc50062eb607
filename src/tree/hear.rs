//! From what a person typed to answers.

use super::{Answer, Forest, Kind, Prefill, Question, Tree};
use crate::{
    content::Domain,
    text::{Normal, normalise},
};
use regex::Regex;
use std::{collections::BTreeMap, ops::Range};

/// What was heard in a question.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Heard {
    /// Answers that count, with the words in which they were heard.
    pub sure: BTreeMap<String, (Answer, String)>,
    /// Answers that are proposed and still asked.
    pub suggested: BTreeMap<String, (Answer, String)>,
    /// Taken because nothing was said about them.
    pub assumed: BTreeMap<String, Answer>,
    /// The places of the words that were understood, in the normalised question.
    ranges: Vec<Range<usize>>,
}

impl Heard {
    /// Without what was heard or assumed for these questions.
    pub fn forget(&mut self, questions: &[String]) {
        let keep = |id: &String| !questions.contains(id);
        self.sure.retain(|id, _| keep(id));
        self.suggested.retain(|id, _| keep(id));
        self.assumed.retain(|id, _| keep(id));
    }

    /// What was heard and what is assumed, as a walk takes it.
    pub fn given(&self) -> Vec<(String, String)> {
        let sure = self.sure.iter().map(|(id, (answer, _))| (id.clone(), answer.to_string()));
        let assumed = self.assumed.iter().map(|(id, answer)| (id.clone(), answer.to_string()));
        let suggested =
            self.suggested.iter().map(|(id, (answer, _))| (format!("~{id}"), answer.to_string()));
        sure.chain(assumed).chain(suggested).collect()
    }
}

/// What directly before a word denies it.
const DENIALS: [&str; 8] = ["不是", "没有", "不用", "并非", "没用", "不在", "非", "别"];

/// A word of the question that answers one of the tree's questions.
struct Found<'t> {
    question: &'t Question,
    answer: Answer,
    range: Range<usize>,
    denied: bool,
}

/// The answers to a question with the words that give them, normalised.
pub(super) fn words(
    question: &Question,
    domains: &BTreeMap<String, Domain>,
) -> Vec<(Answer, Vec<String>)> {
    let plain = |words: &[String]| {
        words.iter().map(|word| normalise(word).as_str().to_owned()).collect::<Vec<_>>()
    };
    match &question.kind {
        Kind::Choice(options) => options
            .iter()
            .map(|option| {
                let label = [normalise(&option.label).as_str().to_owned()];
                (Answer::Id(option.id.clone()), [&plain(&option.hear)[..], &label].concat())
            })
            .collect(),
        Kind::Multi(options, _) => options
            .iter()
            .map(|option| {
                let label = [normalise(&option.label).as_str().to_owned()];
                (
                    Answer::Ids([option.id.clone()].into()),
                    [&plain(&option.hear)[..], &label].concat(),
                )
            })
            .collect(),
        Kind::Domain(domain) => domains.get(domain).map_or(Vec::new(), |domain| {
            domain.names().map(|(id, names)| (Answer::Id(id.to_owned()), plain(names))).collect()
        }),
        Kind::Bool => vec![
            (Answer::Bool(true), plain(&question.hear)),
            (Answer::Bool(false), plain(&question.hear_not)),
        ],
        Kind::Int(..) | Kind::Date | Kind::Text(_) => Vec::new(),
    }
}

/// Fills a tree in from what a person typed.
///
/// The longest word wins and eats the shorter ones inside it, over all questions of the tree. A word that is denied
/// answers nothing; a question with two different answers is not answered.
pub fn hear(tree: &Tree, typed: &str) -> Heard {
    let normal = normalise(typed);
    let text = normal.as_str();
    let mut found: Vec<Found<'_>> = Vec::new();
    for question in tree.questions.values() {
        for (answer, words) in &question.words {
            let no = matches!(answer, Answer::Bool(false));
            for word in words.iter().filter(|word| !word.is_empty()) {
                for (start, _) in text.match_indices(&**word) {
                    let range = start..start + word.len();
                    if cuts_latin(text, &range) {
                        continue;
                    }
                    let denied =
                        !no && DENIALS.iter().any(|denial| text[..start].ends_with(denial));
                    found.push(Found { question, answer: answer.clone(), range, denied });
                }
            }
        }
        found.extend(patterns(question, typed, &normal));
    }
    let lengths: Vec<Range<usize>> = found.iter().map(|found| found.range.clone()).collect();
    let inside = |range: &Range<usize>| {
        lengths.iter().any(|other| {
            other.len() > range.len() && other.start <= range.start && range.end <= other.end
        })
    };
    found.retain(|found| !inside(&found.range));
    let ranges = found.iter().map(|found| found.range.clone()).collect();
    let mut heard = Heard { ranges, ..Heard::default() };
    for question in tree.questions.values() {
        let mine: Vec<&Found<'_>> =
            found.iter().filter(|found| found.question.id == question.id).collect();
        let said = mine.iter().filter(|found| !found.denied);
        let mut answers: Vec<&Answer> = Vec::new();
        said.clone().for_each(|found| add(&mut answers, &found.answer));
        let together = match (&question.kind, &*answers) {
            (Kind::Multi(..), [_, ..]) => Some(Answer::Ids(
                answers
                    .iter()
                    .flat_map(|answer| match answer {
                        Answer::Ids(ids) => ids.iter().cloned().collect::<Vec<_>>(),
                        _ => Vec::new(),
                    })
                    .collect(),
            )),
            (_, [answer]) => Some((*answer).clone()),
            _ => None,
        };
        let words = said.map(|found| normal.origin(found.range.clone())).map(|range| &typed[range]);
        let words = words.collect::<Vec<_>>().join("、");
        match (together, question.prefill) {
            (Some(answer), Prefill::Skip) => {
                drop(heard.sure.insert(question.id.clone(), (answer, words)))
            }
            (Some(answer), Prefill::Suggest) => {
                drop(heard.suggested.insert(question.id.clone(), (answer, words)))
            }
            _ => {}
        }
        if mine.is_empty()
            && let Some(answer) = &question.assume
        {
            heard.assumed.insert(question.id.clone(), answer.clone());
        }
    }
    heard
}

/// Numbers, dates and texts that the patterns of a question find. A text is taken as it was typed.
fn patterns<'t>(question: &'t Question, typed: &str, normal: &Normal) -> Vec<Found<'t>> {
    let mut found = Vec::new();
    let compile = || question.hear_pattern.iter().filter_map(|it| Regex::new(it).ok()).collect();
    for pattern in question.patterns.get_or_init(compile) {
        for group in pattern.captures_iter(normal.as_str()).filter_map(|captures| captures.get(1)) {
            let said = match question.kind {
                Kind::Text(_) => &typed[normal.origin(group.range())],
                _ => group.as_str(),
            };
            let quotes = |c: char| c.is_whitespace() || "“”\"「」『』《》'，。？！".contains(c);
            if let Ok(answer) = Answer::parse(said.trim_matches(quotes), question, &BTreeMap::new())
            {
                found.push(Found { question, answer, range: group.range(), denied: false });
            }
        }
    }
    found
}

/// Whether a Latin word or a number goes on beyond the range.
fn cuts_latin(text: &str, range: &Range<usize>) -> bool {
    let letter = |c: char| c.is_ascii_alphanumeric();
    let joins = |before: Option<char>, after: Option<char>| matches!((before, after), (Some(before), Some(after)) if letter(before) && letter(after));
    joins(text[..range.start].chars().next_back(), text[range.clone()].chars().next())
        || joins(text[range.clone()].chars().next_back(), text[range.end..].chars().next())
}

/// Adds what is not there yet.
pub(super) fn add<T: PartialEq>(all: &mut Vec<T>, one: T) {
    if !all.contains(&one) {
        all.push(one);
    }
}

/// A tree that a question may want, with what was heard.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The id of the tree.
    pub tree: String,
    pub heard: Heard,
    /// How well the tree fits, from 0 to 1.
    pub fit: f32,
}

/// Words that say nothing about what is wanted.
const FILLERS: [&str; 17] = [
    "请问", "一下", "我们", "我的", "你们", "吗", "呢", "啊", "呀", "吧", "么", "的", "了", "我",
    "这", "那", "个",
];

/// The trees that a question may want, the best first.
///
/// A tree fits as far as the question is made of answers to it and of one of its names.
pub fn wanted(forest: &Forest, typed: &str) -> Vec<Wanted> {
    let normal = normalise(typed);
    let fit = |tree: &Tree| {
        let heard = hear(tree, typed);
        let inside = |at: usize| heard.ranges.iter().any(|range| range.contains(&at));
        let letters = |(at, c): (usize, char)| c.is_alphanumeric().then_some((at, c));
        let all: Vec<(usize, char)> =
            content(normal.as_str()).into_iter().filter_map(letters).collect();
        let rest: Vec<char> = all.iter().filter(|(at, _)| !inside(*at)).map(|(_, c)| *c).collect();
        let whole: Vec<char> = all.iter().map(|(_, c)| *c).collect();
        let names = tree.names.iter().map(|name| {
            let name: Vec<char> =
                content(name).into_iter().filter_map(letters).map(|(_, c)| c).collect();
            alike(&rest, &name).max(alike(&whole, &name))
        });
        let like = names.fold(0.0, f32::max);
        let understood = (all.len() - rest.len()) as f32 / all.len().max(1) as f32;
        Wanted { tree: tree.id.clone(), fit: understood + (1.0 - understood) * like, heard }
    };
    let mut wanted: Vec<Wanted> = forest.trees.values().map(fit).collect();
    wanted.sort_by(|a, b| b.fit.total_cmp(&a.fit));
    wanted
}

/// The characters of a text that are in no filler.
fn content(text: &str) -> Vec<(usize, char)> {
    let mut skipped: Vec<Range<usize>> = Vec::new();
    for filler in FILLERS {
        skipped.extend(text.match_indices(filler).map(|(start, _)| start..start + filler.len()));
    }
    text.char_indices().filter(|(at, _)| !skipped.iter().any(|range| range.contains(at))).collect()
}

/// How alike two texts are: the length of the longest common subsequence in both, from 0 to 1.
fn alike(a: &[char], b: &[char]) -> f32 {
    let mut row = vec![0_usize; b.len() + 1];
    for x in a {
        let mut before = 0;
        for (at, y) in b.iter().enumerate() {
            let above = row[at + 1];
            row[at + 1] = if x == y { before + 1 } else { above.max(row[at]) };
            before = above;
        }
    }
    2.0 * row[b.len()] as f32 / (a.len() + b.len()).max(1) as f32
}
