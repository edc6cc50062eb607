//! By what trees are heard: words, patterns and names of all trees at once.

use super::{Domains, Forest, Kind, Question};
use crate::{
    lazy::{Lazy, OwnedBytes},
    text::{normalise, prefixes},
};
use fst::raw::Fst;
use regex::Regex;
use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, Hir, HirKind};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, ops::Range, sync::OnceLock};

/// What a question is held against to find the trees that it may want, without looking at any of them.
#[derive(Debug, Clone)]
pub(super) struct Vocabulary {
    /// A map from all words to where their senses begin.
    words: OwnedBytes,
    /// For each word the list of its senses.
    senses: OwnedBytes,
    patterns: Lazy<Vec<Pattern>>,
    /// For each tree its title and what people say, a line each, as far as it tells something ([`letters`]).
    pub(super) names: Lazy<Vec<String>>,
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
    needs: Vec<Vec<(u32, u32)>>,
    /// Compiled when it is first needed, which takes longer than a whole answer.
    #[serde(skip)]
    regex: OnceLock<Option<Regex>>,
}

/// Without words, for a forest without trees.
impl Default for Vocabulary {
    fn default() -> Self {
        let (words, senses) = (OwnedBytes::empty(), OwnedBytes::empty());
        Self { words, senses, patterns: Lazy::default(), names: Lazy::default() }
    }
}

impl Vocabulary {
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
        Self {
            words: OwnedBytes::new(words),
            senses: OwnedBytes::new(lists),
            patterns: patterns.into(),
            names: names.into(),
        }
    }

    /// What [`Vocabulary::take`] takes, by name.
    pub(super) fn pieces(&self) -> Vec<(String, Vec<u8>)> {
        let pieces = [
            ("words", self.words.to_vec()),
            ("senses", self.senses.to_vec()),
            ("patterns", self.patterns.to_bytes()),
            ("names", self.names.to_bytes()),
        ];
        pieces.map(|(name, bytes)| (name.to_owned(), bytes)).into()
    }

    pub(super) fn take(&mut self, name: &str, bytes: OwnedBytes) {
        match name {
            "words" => self.words = bytes,
            "senses" => self.senses = bytes,
            "patterns" => self.patterns = Lazy::read(bytes),
            _ => self.names = Lazy::read(bytes),
        }
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
        let pairs = |set: ClassUnicode| {
            set.iter().map(|range| (range.start().into(), range.end().into())).collect()
        };
        let needs = regex_syntax::parse(text).map_or(Vec::new(), |pattern| needs(&pattern));
        let needs = needs.into_iter().map(pairs).collect();
        Self { tree, question, text: text.to_owned(), needs, regex: OnceLock::new() }
    }

    fn may_match(&self, text: &str) -> bool {
        let has = |set: &Vec<(u32, u32)>| {
            let within = |c| set.iter().any(|(first, last)| (*first..=*last).contains(&c));
            text.chars().map(u32::from).any(within)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Place, content, lazy::OwnedBytes, tree};

    /// One pass over a question finds what looking for each word by itself finds, and no pattern is passed over that matches.
    #[test]
    fn nothing_that_is_said_is_missed() {
        let files = Place::default().files().unwrap();
        let forest = tree::load(&files, &content::load(&files));
        let vocabulary = Forest::read(&OwnedBytes::new(forest.to_bytes())).unwrap().vocabulary;
        let mut all = Vec::new();
        for (tree, kept) in forest.trees.values().enumerate() {
            for (question, asked) in kept.questions.values().enumerate() {
                for (answer, words) in words(asked, &forest.domains).into_iter().enumerate() {
                    for (word, text) in words.into_iter().enumerate() {
                        all.push(((tree, question, answer, word), text));
                    }
                }
            }
        }
        let (mut said, mut matched) = (0, 0);
        for line in include_str!("../../tests/eval/tune.jsonl").lines() {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            let text = normalise(line["q"].as_str().unwrap());
            let text = text.as_str();
            let number = |Sense { tree, question, answer, word }| (tree, question, answer, word);
            let found = vocabulary.find(text).into_iter();
            let mut found: Vec<_> = found.map(|(sense, range)| (number(sense), range)).collect();
            found.sort_by_key(|(sense, range)| (*sense, range.start));
            let each = all.iter().flat_map(|(sense, word)| {
                let places =
                    text.match_indices(&**word).map(|(start, _)| start..start + word.len());
                places.map(|range| (*sense, range))
            });
            let mut each: Vec<_> = each.filter(|(_, range)| !cuts_latin(text, range)).collect();
            each.sort_by_key(|(sense, range)| (*sense, range.start));
            said += each.len();
            assert_eq!(found, each, "{text}");
            for pattern in vocabulary.patterns.iter() {
                let regex = pattern.regex.get_or_init(|| Regex::new(&pattern.text).ok());
                let matches = regex.as_ref().unwrap().is_match(text);
                matched += usize::from(matches);
                assert!(pattern.may_match(text) || !matches, "{} in {text}", pattern.text);
            }
        }
        assert!(said > 1_000 && matched > 10, "{said} {matched}");
    }

    #[test]
    fn a_pattern_needs_what_it_cannot_do_without() {
        #[track_caller]
        fn check(pattern: &str, text: &str, expected: bool) {
            assert_eq!(Pattern::new(0, 0, pattern).may_match(text), expected, "{pattern} {text}");
        }
        check(r"(\d+)\s*(?:元|块)", "一百元", false);
        check(r"(\d+)\s*(?:元|块)", "100", false);
        check(r"(\d+)\s*(?:元|块)", "100块", true);
        check(r"(?:买|包月)?(\d+)", "3", true);
        check("(?i)(ecs)", "ECS", true);
        check("([^a])", "b", true);
        check("(?:|a)(b)", "c", false);
    }
}
