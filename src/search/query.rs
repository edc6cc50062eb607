use crate::{
    error::Result,
    index::Index,
    text::{Normal, Word, bigrams, is_han, normalise},
};
use std::{collections::HashSet, ops::Range};
use tantivy::{
    DocAddress, Term,
    collector::TopDocs,
    query::{BooleanQuery, BoostQuery, Occur, Query, TermQuery},
    schema::{Field, IndexRecordOption},
};

/// Only so many characters of a question are read.
const QUESTION_LIMIT: usize = 500;

/// Only so many units of a question are looked up, the weightiest first.
const UNIT_LIMIT: usize = 32;

/// Words of questions that say nothing about their subject. They count a little: 多久 and 几个 ask different things.
const FUNCTION_WORDS: &str = "的 了 吗 呢 啊 呀 吧 么 嘛 哦 呗 什么 怎么 怎样 怎么样 怎么办 咋 咋办 咋样 如何 为什么 为何 为啥 啥 干嘛 \
    哪 哪里 哪儿 哪个 哪些 谁 是 是不是 有 有没有 在 和 与 或 或者 及 我 我们 你 你们 您 他 它 自己 请问 请 想 想要 能 能不能 \
    能否 可以 可不可以 可否 行 行不行 要 要不要 需要 需不需要 用不用 应该 该 得 必须 一定 一下 一个 1 个 这 那 这个 那个 这种 \
    这样 那样 这些 那些 就 就是 都 也 还 还是 还要 到 从 把 被 给 给我 对 对于 会 会不会 去 来 上 下 里 里面 做 办 弄 搞 用 \
    多少 几 几个 几天 几次 几台 几年 几月 几号 几家 几条 几种 几位 多久 多长时间 时候 什么时候 之后 以后 后 前 时 如果 但是 但 因为 所以 而 而且 并 以及 等 让 叫 说 看 吧 呗 \
    已经 现在 目前 老 老是 一直 总 总是 又 再 才 只 只有 跟 同 比 很 太 最 不 没 没有 无法 问题 情况 方法 原因 办法 what how \
    why where when which who is are do does can i my the a an to of in on for it and or need";

/// How much a function word weighs, and a word that the library calls weak.
const FUNCTION_WEIGHT: f32 = 0.1;
const WEAK_WEIGHT: f32 = 0.3;
/// A single Chinese character is seldom a word by itself.
const SINGLE_WEIGHT: f32 = 0.5;

/// Entries that are imagined besides those there are, none of which has the word. Without them, a word that one of
/// three entries has would weigh next to nothing beside one that none has.
const IMAGINED: f32 = 50.0;

/// How much a synonym counts beside the word itself, and a part of a compound beside the whole.
const SYNONYM: f32 = 0.95;
const PART: f32 = 0.7;

/// What a field adds to finding a candidate.
const BOOSTS: [f32; 5] = [3.0, 2.5, 1.5, 1.0, 1.0];
const GRAM_BOOST: f32 = 0.3;

/// A question, cut and weighed.
#[derive(Debug)]
pub struct Question {
    /// As it was typed, at most 500 characters.
    pub asked: String,
    /// Whether something was cut off.
    pub cut: bool,
    normal: Normal,
    pub units: Vec<Unit>,
}

/// A word of a question that stands in no longer word.
#[derive(Debug, Clone)]
pub struct Unit {
    /// Normalised.
    pub text: String,
    /// Its byte range in the normalised question.
    pub range: Range<usize>,
    /// How much it distinguishes entries: rare words much, function words little, from 0.
    pub weight: f32,
    /// Whether any entry has it, itself or by another name.
    pub known: bool,
    /// It says nothing about the subject.
    pub function: bool,
    /// Words to look up, with what each is worth from 0 to 1: itself, synonyms, parts.
    pub(super) terms: Vec<(String, f32)>,
}

impl Question {
    /// Cuts and weighs a question.
    pub(super) fn read(index: &Index, text: &str) -> Result<Self> {
        let asked: String = text.trim().chars().take(QUESTION_LIMIT).collect();
        let cut = text.trim().chars().count() > QUESTION_LIMIT;
        let normal = normalise(&asked);
        let words = index.segmenter.cut(&normal);
        let mut units = Vec::new();
        for word in &words {
            let inside = |other: &Word| {
                other.range.start <= word.range.start && other.range.end >= word.range.end
            };
            if words.iter().any(|other| other.range != word.range && inside(other)) {
                continue;
            }
            units.extend(Unit::read(index, word, &words)?);
        }
        let mut seen = HashSet::new();
        units.retain(|unit: &Unit| seen.insert(unit.text.clone()));
        units.sort_by(|a, b| b.weight.total_cmp(&a.weight));
        units.truncate(UNIT_LIMIT);
        units.sort_by_key(|unit| unit.range.start);
        Ok(Self { asked, cut, normal, units })
    }

    /// The question as the search understands it.
    pub fn understood(&self) -> &str {
        self.normal.as_str()
    }

    /// The weight of all units together.
    pub(super) fn weight(&self) -> f32 {
        self.units.iter().map(|unit| unit.weight).sum()
    }

    /// The weight of all units that say something about the subject.
    pub fn substance(&self) -> f32 {
        self.units.iter().filter(|unit| !unit.function).map(|unit| unit.weight).sum()
    }

    /// The words about the subject that no entry has, as they were typed.
    ///
    /// Single Chinese characters side by side are one word; alone they say too little to be named.
    pub fn unmatched(&self) -> Vec<&str> {
        let single =
            |range: &Range<usize>| self.understood()[range.clone()].chars().map(is_han).eq([true]);
        let mut words: Vec<(Range<usize>, bool)> = Vec::new();
        for Unit { range, .. } in self.units.iter().filter(|unit| !unit.known && !unit.function) {
            match words.last_mut() {
                Some((last, true)) if last.end == range.start && single(range) => {
                    last.end = range.end
                }
                _ => words.push((range.clone(), single(range))),
            }
        }
        words.retain(|(range, _)| !single(range));
        words.into_iter().map(|(range, _)| &self.asked[self.normal.origin(range)]).collect()
    }

    /// Documents that have something of the question, the most promising first.
    pub(super) fn candidates(&self, index: &Index, limit: usize) -> Result<Vec<DocAddress>> {
        let mut clauses: Vec<(Occur, Box<dyn Query>)> = Vec::new();
        let mut add = |field: Field, text: &str, boost: f32| {
            let term =
                TermQuery::new(Term::from_field_text(field, text), IndexRecordOption::WithFreqs);
            clauses.push((Occur::Should, Box::new(BoostQuery::new(Box::new(term), boost))));
        };
        for unit in &self.units {
            let scale = if unit.function { FUNCTION_WEIGHT } else { 1.0 };
            for (term, worth) in &unit.terms {
                for (field, boost) in super::rank::fields(index).into_iter().zip(BOOSTS) {
                    add(field, term, boost * worth * scale);
                }
            }
        }
        for (_, gram) in bigrams(self.understood()).take(2 * UNIT_LIMIT) {
            add(index.fields.grams, gram, GRAM_BOOST);
        }
        let found = index
            .searcher
            .search(&BooleanQuery::new(clauses), &TopDocs::with_limit(limit).order_by_score())?;
        Ok(found.into_iter().map(|(_, address)| address).collect())
    }
}

impl Unit {
    /// The unit for `word`, or units for its parts if the library knows those but not the whole.
    fn read(index: &Index, word: &Word, words: &[Word]) -> Result<Vec<Self>> {
        let same = &index.overview.terms.same;
        let groups = same.iter().filter(|group| group.contains(&word.text)).flatten();
        let others = groups.filter(|other| **other != word.text);
        let mut terms = vec![(word.text.clone(), 1.0)];
        terms.extend(others.map(|other| (other.clone(), SYNONYM)));
        let mut most = 0;
        for (term, _) in &terms {
            most = most.max(documents(index, term)?);
        }
        let inside = |part: &&Word| {
            part.range != word.range
                && word.range.start <= part.range.start
                && part.range.end <= word.range.end
        };
        let parts: Vec<&Word> = words.iter().filter(inside).collect();
        if most == 0 && covers(&parts, &word.range) && all_known(index, &parts)? {
            let units = parts.into_iter().map(|part| Self::read(index, part, &[]));
            return units.collect::<Result<Vec<_>>>().map(|units| units.concat());
        }
        let length = |word: &Word| word.text.chars().count() as f32;
        terms.extend(
            parts.iter().map(|part| (part.text.clone(), PART * length(part) / length(word))),
        );
        let function = FUNCTION_WORDS.split_whitespace().any(|function| function == word.text);
        Ok(vec![Self {
            weight: rarity(index, most) * scale(index, word, function),
            text: word.text.clone(),
            range: word.range.clone(),
            known: most > 0,
            function,
            terms,
        }])
    }
}

/// How much a word weighs for being rare: the inverse document frequency of BM25 (Robertson and Spärck Jones).
fn rarity(index: &Index, documents: u64) -> f32 {
    let (all, having) = (index.overview.entries as f32 + IMAGINED, documents as f32);
    (1.0 + (all - having + 0.5) / (having + 0.5)).ln()
}

/// What is left of a word's weight for the kind of word that it is.
fn scale(index: &Index, word: &Word, function: bool) -> f32 {
    if function {
        FUNCTION_WEIGHT
    } else if index.overview.terms.weak.contains(&word.text) {
        WEAK_WEIGHT
    } else if word.text.chars().map(is_han).eq([true]) {
        SINGLE_WEIGHT
    } else {
        1.0
    }
}

fn all_known(index: &Index, words: &[&Word]) -> Result<bool> {
    for word in words {
        if documents(index, &word.text)? == 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

/// In how many entries a word stands, at most: in the field that has it most often.
fn documents(index: &Index, word: &str) -> Result<u64> {
    let mut most = 0;
    for field in super::rank::fields(index) {
        most = most.max(index.searcher.doc_freq(&Term::from_field_text(field, word))?);
    }
    Ok(most)
}

/// Whether the parts lie end to end over the whole range.
fn covers(parts: &[&Word], range: &Range<usize>) -> bool {
    let end = parts.iter().fold(range.start, |end, part| {
        if part.range.start <= end { end.max(part.range.end) } else { end }
    });
    end == range.end
}
