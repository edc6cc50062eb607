//! From what a person typed to answers.

use super::{
    Answer, Forest, Kind, Prefill, Tree,
    vocabulary::{self, Sense},
};
use crate::text::{Normal, normalise};
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

/// What in a question answers a question of a tree: both trees and questions by number.
struct Found {
    tree: usize,
    question: usize,
    said: Said,
    range: Range<usize>,
}

/// How it answers.
enum Said {
    /// By a word: the numbers of the answer and of the word among those of the answer.
    Word(usize, usize),
    /// By a number, a date or a text that a pattern found.
    Value(Answer),
}

/// Fills a tree of the forest in from what a person typed.
///
/// The longest word wins and eats the shorter ones inside it, over all questions of the tree. A word that is denied
/// answers nothing; a question with two different answers is not answered.
pub fn hear(forest: &Forest, tree: &Tree, typed: &str) -> Heard {
    let normal = normalise(typed);
    let number = forest.trees.get_index_of(&tree.id);
    let mut found = find(forest, typed, &normal);
    found.retain(|found| Some(found.tree) == number);
    fill(forest, tree, found, typed, &normal)
}

/// All that answers questions of any tree.
fn find(forest: &Forest, typed: &str, normal: &Normal) -> Vec<Found> {
    let word = |(Sense { tree, question, answer, word }, range)| Found {
        tree,
        question,
        said: Said::Word(answer, word),
        range,
    };
    let mut found: Vec<Found> =
        forest.vocabulary.find(normal.as_str()).into_iter().map(word).collect();
    for (pattern, range) in forest.vocabulary.captures(normal.as_str()) {
        let (tree, number) = (pattern.tree, pattern.question);
        let question = &forest.trees[tree].questions[number];
        // A text is taken as it was typed.
        let said = match question.kind {
            Kind::Text(_) => &typed[normal.origin(range.clone())],
            _ => &normal.as_str()[range.clone()],
        };
        let quotes = |c: char| c.is_whitespace() || "“”\"「」『』《》'，。？！".contains(c);
        if let Ok(answer) = Answer::parse(said.trim_matches(quotes), question, &forest.domains) {
            found.push(Found { tree, question: number, said: Said::Value(answer), range });
        }
    }
    found
}

/// Fills a tree in with what was found for it.
fn fill(
    forest: &Forest,
    tree: &Tree,
    mut found: Vec<Found>,
    typed: &str,
    normal: &Normal,
) -> Heard {
    let ranges: Vec<Range<usize>> = found.iter().map(|found| found.range.clone()).collect();
    let inside = |range: &Range<usize>| {
        ranges.iter().any(|other| {
            other.len() > range.len() && other.start <= range.start && range.end <= other.end
        })
    };
    found.retain(|found| !inside(&found.range));
    found.sort_by_key(|found| match found.said {
        Said::Word(answer, word) => (answer, word),
        Said::Value(_) => (usize::MAX, 0),
    });
    let mut heard = Heard::default();
    for (number, question) in tree.questions.values().enumerate() {
        let mine: Vec<&Found> = found.iter().filter(|found| found.question == number).collect();
        let said = mine.iter().filter_map(|found| {
            let denied =
                DENIALS.iter().any(|no| normal.as_str()[..found.range.start].ends_with(no));
            let answer = match &found.said {
                Said::Value(answer) => answer.clone(),
                Said::Word(answer, _) => question.answer(*answer, &forest.domains)?,
            };
            let stands =
                !denied || matches!(found.said, Said::Value(_)) || answer == Answer::Bool(false);
            stands.then(|| (answer, &typed[normal.origin(found.range.clone())]))
        });
        let (mut answers, mut words): (Vec<Answer>, Vec<&str>) = Default::default();
        for (answer, word) in said {
            add(&mut answers, answer);
            words.push(word);
        }
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
            (_, [answer]) => Some(answer.clone()),
            _ => None,
        };
        match (together, question.prefill) {
            (Some(answer), Prefill::Skip) => {
                drop(heard.sure.insert(question.id.clone(), (answer, words.join("、"))))
            }
            (Some(answer), Prefill::Suggest) => {
                drop(heard.suggested.insert(question.id.clone(), (answer, words.join("、"))))
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

/// The tree that a question wants most, if it fits at least so well.
///
/// A tree fits as far as the question is made of answers to it and of one of its names.
pub fn wanted(forest: &Forest, typed: &str, least: f32) -> Option<Wanted> {
    let normal = normalise(typed);
    let mut found = find(forest, typed, &normal);
    let letters = Letters::of(normal.as_str());
    let mut best: Option<(usize, f32)> = None;
    for (tree, names) in forest.vocabulary.names.iter().enumerate() {
        let mine = found.iter().filter(|found| found.tree == tree).map(|found| &found.range);
        let fit = letters.fit(mine, names);
        if fit >= least && best.is_none_or(|(_, most)| fit > most) {
            best = Some((tree, fit));
        }
    }
    let (number, fit) = best?;
    let tree = &forest.trees[number];
    found.retain(|found| found.tree == number);
    let heard = fill(forest, tree, found, typed, &normal);
    Some(Wanted { tree: tree.id.clone(), heard, fit })
}

/// The letters of a question, as names are compared with them.
///
/// A set of them is a bit for each, 64 in a number.
struct Letters {
    /// Where they stand.
    places: Vec<usize>,
    /// Each letter with the set of where it stands, sorted.
    sets: Vec<(char, Vec<u64>)>,
    /// The last bytes of the letters: what most letters of names do not have.
    lasts: [bool; 256],
    all: Vec<u64>,
}

impl Letters {
    fn of(text: &str) -> Self {
        let letters = vocabulary::letters(text);
        let mut all = vec![0; letters.len().div_ceil(64)];
        let mut sets: BTreeMap<char, Vec<u64>> = BTreeMap::new();
        for (at, (_, c)) in letters.iter().enumerate() {
            let set = sets.entry(*c).or_insert_with(|| vec![0; all.len()]);
            set[at / 64] |= 1 << (at % 64);
            all[at / 64] |= 1 << (at % 64);
        }
        let mut lasts = [false; 256];
        sets.keys().for_each(|c| lasts[last(*c)] = true);
        let places = letters.into_iter().map(|(place, _)| place).collect();
        Self { places, sets: sets.into_iter().collect(), lasts, all }
    }

    /// How well a tree fits whose words stand in these ranges, and that has these names, a line each.
    fn fit<'f>(&self, words: impl Iterator<Item = &'f Range<usize>>, names: &str) -> f32 {
        let mut rest = self.all.clone();
        for range in words {
            let first = self.places.partition_point(|place| *place < range.start);
            let end = self.places.partition_point(|place| *place < range.end);
            (first..end).for_each(|at| rest[at / 64] &= !(1 << (at % 64)));
        }
        let (count, left) = (self.places.len(), count(&rest));
        let mut row = Vec::new();
        let mut like = 0.0_f32;
        for name in names.lines() {
            like = like.max(self.alike(&self.all, count, name, &mut row));
            if left < count {
                like = like.max(self.alike(&rest, left, name, &mut row));
            }
        }
        let understood = (count - left) as f32 / count.max(1) as f32;
        understood + (1.0 - understood) * like
    }

    /// How alike a set of so many letters and a name are: the length of the longest common subsequence in both, from 0 to 1.
    ///
    /// One row of the usual table is a set: its zeros are where the length grows (Hyyrö 2004). `row` is memory to use.
    fn alike(&self, set: &[u64], count: usize, name: &str, row: &mut Vec<u64>) -> f32 {
        row.clear();
        row.resize(set.len(), u64::MAX);
        let mut length = 0;
        for c in name.chars() {
            length += 1;
            if !self.lasts[last(c)] {
                continue;
            }
            let Ok(at) = self.sets.binary_search_by_key(&c, |(c, _)| *c) else { continue };
            let mut carry = false;
            for ((row, c), set) in row.iter_mut().zip(&self.sets[at].1).zip(set) {
                let met = *row & c & set;
                let (sum, over) = row.overflowing_add(met);
                let (sum, again) = sum.overflowing_add(u64::from(carry));
                *row = sum | (*row & !met);
                carry = over || again;
            }
        }
        let common: u32 = row.iter().map(|row| row.count_zeros()).sum();
        2.0 * common as f32 / (count + length).max(1) as f32
    }
}

fn last(c: char) -> usize {
    c as usize % 256
}

/// How many a set has.
fn count(set: &[u64]) -> usize {
    set.iter().map(|bits| bits.count_ones() as usize).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The usual table.
    fn common(a: &[char], b: &[char]) -> usize {
        let mut row = vec![0_usize; b.len() + 1];
        for x in a {
            let mut before = 0;
            for (at, y) in b.iter().enumerate() {
                let above = row[at + 1];
                row[at + 1] = if x == y { before + 1 } else { above.max(row[at]) };
                before = above;
            }
        }
        row[b.len()]
    }

    proptest! {
        /// Letters that share their last byte, and questions of more than 64 letters, are among these.
        #[test]
        fn sets_of_bits_tell_the_longest_common_subsequence(
            text in "[备案份ab丂]{0,150}", name in "[备案份ab丂]{0,20}", gap in 0..150_usize, length in 0..90_usize
        ) {
            let letters = Letters::of(&text);
            let all: Vec<char> = text.chars().collect();
            let name_letters: Vec<char> = name.chars().collect();
            let end = (gap + length).min(all.len());
            let gap = gap.min(end);
            let rest = [&all[..gap], &all[end..]].concat();
            let like = |letters: &[char]| {
                let sum = (letters.len() + name.chars().count()).max(1) as f32;
                2.0 * common(letters, &name_letters) as f32 / sum
            };
            let understood = (all.len() - rest.len()) as f32 / all.len().max(1) as f32;
            let fit = understood + (1.0 - understood) * like(&all).max(like(&rest));
            let place = |at: usize| all[..at].iter().map(|c| c.len_utf8()).sum::<usize>();
            prop_assert_eq!(letters.fit([&(place(gap)..place(end))].into_iter(), &name), fit);
        }
    }
}
