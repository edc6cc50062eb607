//! By what trees are heard: words, patterns and names of all trees at once.

use super::{Domains, Forest, Kind, Question};
use crate::text::{normalise, prefixes};
use fst::raw::Fst;
use regex::Regex;
use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, Hir, HirKind};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, ops::Range, sync::OnceLock};

/// What a question is held against to find the trees that it may want, without looking at any of them.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Lexicon {
    /// A map from all words to where their senses begin.
    #[serde(with = "serde_bytes")]
    words: Vec<u8>,
    /// For each word the list of its senses.
    #[serde(with = "serde_bytes")]
    senses: Vec<u8>,
    patterns: Vec<Pattern>,
    /// For each tree its title and what people say, a line each, as far as it tells something ([`letters`]).
    pub(super) names: Vec<String>,
}

/// What a word answers, by numbers: the tree, its question, the answer, and which of the answer's words it is.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Sense {
    pub(super) tree: usize,
    pub(super) question: usize,
    pub(super) answer: usize,
    pub(super) word: usize,
}

/// A pattern with one group that holds a number, a date or a text.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Pattern {
    pub(super) tree: usize,
    pub(super) question: usize,
    text: String,
    /// It is nowhere found in a text that has no character of any one of these sets.
    needs: Vec<Vec<(char, char)>>,
    /// Compiled when it is first needed, which takes longer than a whole answer.
    #[serde(skip)]
    regex: OnceLock<Option<Regex>>,
}

impl Lexicon {
    pub(super) fn of(forest: &Forest) -> Self {
        let mut senses: BTreeMap<String, Vec<Sense>> = BTreeMap::new();
        let (mut patterns, mut names) = (Vec::new(), Vec::new());
        for (tree, kept) in forest.trees.values().enumerate() {
            for (question, asked) in kept.questions.values().enumerate() {
                for (answer, words) in words(asked, &forest.domains).into_iter().enumerate() {
                    for (word, text) in words.into_iter().enumerate() {
                        let sense = Sense { tree, question, answer, word };
                        senses.entry(text).or_default().push(sense);
                    }
                }
                let pattern = |text: &String| Pattern::new(tree, question, text);
                patterns.extend(asked.hear_pattern.iter().map(pattern));
            }
            let said = [&kept.title].into_iter().chain(&kept.ask).map(|name| {
                let name = normalise(name);
                letters(name.as_str()).into_iter().map(|(_, c)| c).collect::<String>()
            });
            names.push(said.collect::<Vec<_>>().join("\n"));
        }
        senses.remove("");
        let mut lists = Vec::new();
        let words = senses.into_iter().map(|(word, senses)| {
            let start = lists.len() as u64;
            lists.extend(postcard::to_allocvec(&senses).expect("numbers are plain data"));
            (word, start)
        });
        let words = fst::Map::from_iter(words).expect("the words are sorted and differ");
        let words = words.into_fst().into_inner();
        Self { words, senses: lists, patterns, names }
    }

    /// The words of trees that a normalised text has, each with its place, in the order of the text.
    pub(super) fn find(&self, text: &str) -> Vec<(Sense, Range<usize>)> {
        let mut found = Vec::new();
        // Where there are no trees there is no map.
        let Ok(words) = Fst::new(&*self.words) else { return found };
        for (start, _) in text.char_indices() {
            prefixes(&words, &text[start..], |word, senses| {
                let range = start..start + word.len();
                if !cuts_latin(text, &range) {
                    let senses: Vec<Sense> = postcard::from_bytes(&self.senses[senses..])
                        .expect("a list begins where the map says");
                    found.extend(senses.into_iter().map(|sense| (sense, range.clone())));
                }
            });
        }
        found
    }

    /// What the groups of the patterns hold.
    pub(super) fn captures(&self, text: &str) -> Vec<(&Pattern, Range<usize>)> {
        let mut found = Vec::new();
        for pattern in self.patterns.iter().filter(|pattern| pattern.may_match(text)) {
            let regex = pattern.regex.get_or_init(|| Regex::new(&pattern.text).ok());
            let captures = regex.iter().flat_map(|regex| regex.captures_iter(text));
            let groups = captures.filter_map(|captures| captures.get(1));
            found.extend(groups.map(|group| (pattern, group.range())));
        }
        found
    }
}

impl Pattern {
    fn new(tree: usize, question: usize, text: &str) -> Self {
        let pairs =
            |set: ClassUnicode| set.iter().map(|range| (range.start(), range.end())).collect();
        let needs = regex_syntax::parse(text).map_or(Vec::new(), |pattern| needs(&pattern));
        let needs = needs.into_iter().map(pairs).collect();
        Self { tree, question, text: text.to_owned(), needs, regex: OnceLock::new() }
    }

    fn may_match(&self, text: &str) -> bool {
        let has = |set: &Vec<(char, char)>| {
            text.chars().any(|c| set.iter().any(|(first, last)| (*first..=*last).contains(&c)))
        };
        self.needs.iter().all(has)
    }
}

/// A set of more characters than this says little about a text.
const LARGE: usize = 1_000;

/// Sets of characters of each of which there is one in every text in which the pattern is found.
fn needs(pattern: &Hir) -> Vec<ClassUnicode> {
    let size = |set: &ClassUnicode| set.iter().map(ClassUnicodeRange::len).sum::<usize>();
    match pattern.kind() {
        HirKind::Literal(literal) => {
            let one = |c| ClassUnicode::new([ClassUnicodeRange::new(c, c)]);
            String::from_utf8_lossy(&literal.0).chars().map(one).collect()
        }
        HirKind::Class(Class::Unicode(set)) if size(set) <= LARGE => vec![set.clone()],
        HirKind::Repetition(repeated) if repeated.min > 0 => needs(&repeated.sub),
        HirKind::Capture(group) => needs(&group.sub),
        HirKind::Concat(parts) => parts.iter().flat_map(needs).collect(),
        HirKind::Alternation(parts) => {
            let smallest = |part| needs(part).into_iter().min_by_key(size);
            let Some(sets) = parts.iter().map(smallest).collect::<Option<Vec<_>>>() else {
                return Vec::new();
            };
            vec![ClassUnicode::new(sets.iter().flat_map(ClassUnicode::iter).copied())]
        }
        _ => Vec::new(),
    }
}

/// The words of each answer to a question, normalised.
pub(super) fn words(question: &Question, domains: &Domains) -> Vec<Vec<String>> {
    let plain = |words: &[String]| -> Vec<String> {
        words.iter().map(|word| normalise(word).as_str().to_owned()).collect()
    };
    match &question.kind {
        Kind::Choice(options) | Kind::Multi(options, _) => {
            let words = options.iter().map(|option| {
                plain(&[&*option.hear, std::slice::from_ref(&option.label)].concat())
            });
            words.collect()
        }
        Kind::Domain(domain) => domains
            .get(domain)
            .map_or(Vec::new(), |domain| domain.names().map(|(_, names)| plain(names)).collect()),
        Kind::Bool => vec![plain(&question.hear), plain(&question.hear_not)],
        Kind::Int(..) | Kind::Date | Kind::Text(_) => Vec::new(),
    }
}

/// Words that say nothing about what is wanted.
const FILLERS: [&str; 17] = [
    "请问", "一下", "我们", "我的", "你们", "吗", "呢", "啊", "呀", "吧", "么", "的", "了", "我",
    "这", "那", "个",
];

/// The letters and digits of a text that are in no filler, with their places.
pub(super) fn letters(text: &str) -> Vec<(usize, char)> {
    let mut skipped: Vec<Range<usize>> = Vec::new();
    for filler in FILLERS {
        skipped.extend(text.match_indices(filler).map(|(start, _)| start..start + filler.len()));
    }
    let told = |(at, c): &(usize, char)| {
        c.is_alphanumeric() && !skipped.iter().any(|range| range.contains(at))
    };
    text.char_indices().filter(told).collect()
}

/// Whether a Latin word or a number goes on beyond the range.
fn cuts_latin(text: &str, range: &Range<usize>) -> bool {
    let letter = |c: char| c.is_ascii_alphanumeric();
    let joins = |before: Option<char>, after: Option<char>| matches!((before, after), (Some(before), Some(after)) if letter(before) && letter(after));
    joins(text[..range.start].chars().next_back(), text[range.clone()].chars().next())
        || joins(text[range.clone()].chars().next_back(), text[range.end..].chars().next())
}
