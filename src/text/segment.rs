use super::{
    Normal,
    trie::{Prefix, prefixes},
};
use fst::raw::Fst;
use jieba_rs::Jieba;
use regex::Regex;
use rustc_hash::FxBuildHasher;
use std::{
    collections::HashSet,
    ops::Range,
    sync::{LazyLock, Mutex, MutexGuard, OnceLock, PoisonError},
};

/// jieba's dictionary, made by `build.rs`.
static DICT: LazyLock<Fst<&[u8]>> = LazyLock::new(|| {
    Fst::new(include_bytes!(concat!(env!("OUT_DIR"), "/dict.fst")).as_slice())
        .expect("build.rs wrote it")
});

/// The natural logarithm of how likely a word is in Chinese, whatever a library is about.
///
/// A word that jieba's dictionary does not have counts as if it had been seen once.
pub fn commonness(word: &str) -> f32 {
    let frequency = DICT.get(word).map_or(1, |frequency| frequency.value().max(1));
    (frequency as f32 / *DICT_TOTAL as f32).ln()
}

/// The sum of all frequencies in [`DICT`].
static DICT_TOTAL: LazyLock<u64> =
    LazyLock::new(|| env!("JIEDA_DICT_TOTAL").parse().expect("build.rs wrote a number"));

/// The frequency of a user word: high enough to win against any cut of its parts, since two words of this
/// frequency weigh (10⁴ / 6·10⁷)² and one weighs 10⁴ / 6·10⁷.
const TERM_FREQUENCY: u64 = 10_000;

/// A character that no text has, for the word that carries the frequency of all words that do not occur.
const FILLER: &str = "\u{10FFFD}";

/// Filing numbers, e-mail addresses, domains and versions, phone numbers: kept whole.
static IDENTIFIER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        r"[京津冀晋蒙辽吉黑沪苏浙皖闽赣鲁豫鄂湘粤桂琼渝蜀川黔贵滇云藏陕陇甘青宁新]icp[备证][0-9]{6,10}号?(?:-[0-9]+)?",
        r"|[a-z0-9._%+-]+@[a-z0-9-]+(?:\.[a-z0-9-]+)+",
        r"|[a-z0-9_-]+(?:\.[a-z0-9_-]+)+",
        r"|[0-9]{3,4}-[0-9]{5,8}",
    ))
    .expect("a valid pattern")
});

/// A word of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// The normalised word.
    pub text: String,
    /// Its byte range in the normalised text.
    pub range: Range<usize>,
    /// Its byte range in the original text.
    pub origin: Range<usize>,
}

impl Word {
    /// Whether it stands inside a longer one of the words.
    pub fn is_part(&self, words: &[Self]) -> bool {
        words.iter().any(|other| {
            other.range != self.range
                && other.range.start <= self.range.start
                && self.range.end <= other.range.end
        })
    }
}

/// Cuts text into words: jieba's search mode without HMM, over jieba's dictionary and the terms of a library.
#[derive(Debug)]
pub struct Segmenter {
    /// The terms; under the empty one the total frequency of dictionary and terms.
    terms: fst::Map<Vec<u8>>,
    total: usize,
    /// The first characters of terms with a space in them.
    phrase_starts: OnceLock<HashSet<char, FxBuildHasher>>,
    /// What has been learned of both, one for each thread that cuts texts of an index.
    learned: Mutex<Vec<Learned>>,
}

impl Segmenter {
    /// A segmenter that keeps `terms` whole. They are normalised first; their order does not matter.
    pub fn new<S: AsRef<str>>(terms: impl IntoIterator<Item = S>) -> Self {
        let mut words: Vec<String> = terms
            .into_iter()
            .map(|term| super::normalise(term.as_ref().trim()).as_str().to_owned())
            .collect();
        words.retain(|word| !word.is_empty());
        words.sort_unstable();
        words.dedup();
        let known: u64 = words.iter().filter_map(|word| DICT.get(word)).map(|f| f.value()).sum();
        let total = *DICT_TOTAL + words.len() as u64 * TERM_FREQUENCY - known;
        let words = words.into_iter().map(|word| (word, TERM_FREQUENCY));
        let terms = fst::Map::from_iter([(String::new(), total)].into_iter().chain(words))
            .expect("the words are sorted and differ");
        Self::with(terms, total)
    }

    /// The segmenter with the terms that [`Segmenter::as_bytes`] gave; nothing if they are not those.
    pub(crate) fn read(bytes: Vec<u8>) -> Option<Self> {
        let terms = fst::Map::new(bytes).ok()?;
        let total = terms.get("")?;
        Some(Self::with(terms, total))
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.terms.as_fst().as_bytes()
    }

    fn with(terms: fst::Map<Vec<u8>>, total: u64) -> Self {
        let phrase_starts = OnceLock::new();
        Self { terms, total: total as usize, phrase_starts, learned: Mutex::default() }
    }

    /// The words of `text` in the order of their place; a compound stands beside its parts.
    ///
    /// Identifiers (京ICP备12345678号-1, domains, addresses, 3.16.0) are one word, with their parts beside them.
    /// Punctuation and white space are no words.
    ///
    /// Texts of several threads are cut one after the other: for a question that takes a thirtieth of its answer, and what
    /// has been learned takes a megabyte.
    pub fn cut(&self, text: &Normal) -> Vec<Word> {
        let mut pool = self.pool();
        let mut learned = pool.pop().unwrap_or_else(|| Learned::new(self.total));
        let ranges = self.ranges_by(&mut learned, text.as_str());
        keep(&mut pool, learned);
        let word = |range: Range<usize>| Word {
            text: text.as_str()[range.clone()].to_owned(),
            origin: text.origin(range.clone()),
            range,
        };
        ranges.into_iter().map(word).collect()
    }

    /// The byte ranges of the words of a normalised text, as [`Segmenter::cut`] gives them; threads do not wait for each other.
    pub(crate) fn ranges(&self, whole: &str) -> Vec<Range<usize>> {
        let mut learned = self.pool().pop().unwrap_or_else(|| Learned::new(self.total));
        let ranges = self.ranges_by(&mut learned, whole);
        keep(&mut self.pool(), learned);
        ranges
    }

    fn pool(&self) -> MutexGuard<'_, Vec<Learned>> {
        self.learned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ranges_by(&self, learned: &mut Learned, whole: &str) -> Vec<Range<usize>> {
        let mut ranges = learned.cut(whole, self.terms.as_fst());
        // The pattern is looked for only where something of it stands.
        if whole.contains(['.', '-']) || whole.contains("icp") {
            for identifier in IDENTIFIER.find_iter(whole) {
                ranges.push(identifier.range());
                ranges
                    .extend(parts(identifier.as_str()).map(|part| {
                        identifier.start() + part.start..identifier.start() + part.end
                    }));
            }
        }
        ranges.extend(self.phrases(whole));
        // Brackets and marks of Chinese texts are neither, and come often.
        let marks = |c: char| matches!(c, '、'..='〃' | '〈'..='〟');
        let says = |c: char| matches!(c, '一'..='龥') || !marks(c) && c.is_alphanumeric();
        ranges.retain(|range| whole[range.clone()].chars().any(says));
        ranges.sort_unstable_by_key(|range| (range.start, range.end));
        ranges.dedup();
        ranges
    }

    /// Terms with a space in them, which jieba would cut there.
    fn phrases(&self, text: &str) -> Vec<Range<usize>> {
        let mut phrases = Vec::new();
        if !text.contains(' ') {
            return phrases;
        }
        let starts = self.phrase_starts.get_or_init(|| {
            let mut starts = HashSet::default();
            Prefix::empty(self.terms.as_fst()).each(self.terms.as_fst(), |term, _| {
                starts.extend(term.chars().next().filter(|_| term.contains(' ')));
            });
            starts
        });
        let letter = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        for (start, _) in text.char_indices().filter(|(_, c)| starts.contains(c)) {
            if letter(text[..start].chars().next_back()) && letter(text[start..].chars().next()) {
                continue;
            }
            prefixes(self.terms.as_fst(), &text[start..], |term, _| {
                let end = start + term.len();
                let cuts = letter(term.chars().next_back()) && letter(text[end..].chars().next());
                if term.contains(' ') && !cuts {
                    phrases.push(start..end);
                }
            });
        }
        phrases
    }
}

/// Keeps what has been learned for the next text.
fn keep(pool: &mut Vec<Learned>, learned: Learned) {
    if learned.pairs.len() < LEARNED_PAIRS && pool.len() < LEARNED_KEPT {
        pool.push(learned);
    }
}

/// Who has learned so much is forgotten, so that memory has a bound: some MB each.
const LEARNED_PAIRS: usize = 1 << 16;

/// So many are kept for the next texts.
const LEARNED_KEPT: usize = 8;

/// A jieba that knows each word that begins as any text did that it has cut, and cuts as one with all words would.
///
/// A cut depends on the frequencies of the words that occur and on the total, so one filler word carries the rest of it.
/// Loading the whole dictionary instead takes 100 ms and 33 MB.
#[derive(Debug)]
struct Learned {
    jieba: Jieba,
    /// The pairs of characters whose words it knows.
    pairs: HashSet<[char; 2], FxBuildHasher>,
    /// The frequency of the words that it does not know.
    rest: usize,
}

impl Learned {
    fn new(total: usize) -> Self {
        let mut jieba = Jieba::empty();
        jieba.add_word(FILLER, Some(total), None);
        Self { jieba, pairs: HashSet::default(), rest: total }
    }

    /// The byte ranges of the tokens of jieba's search mode.
    fn cut(&mut self, text: &str, terms: &Fst<Vec<u8>>) -> Vec<Range<usize>> {
        self.learn(text, terms);
        let tokens = self.jieba.cut_for_search(text, false).into_iter();
        tokens.map(|token| token.byte_start..token.byte_end).collect()
    }

    /// Learns all words of the dictionary and of `terms` that may occur in `text`.
    fn learn(&mut self, text: &str, terms: &Fst<Vec<u8>>) {
        let before = self.rest;
        let seconds = text.chars().skip(1).chain(['\0']);
        for pair in text.chars().zip(seconds).map(<[char; 2]>::from) {
            if self.pairs.insert(pair) {
                let mut found = |word: &str, frequency: u64| {
                    if !self.jieba.has_word(word) {
                        self.jieba.add_word(word, Some(frequency as usize), None);
                        self.rest -= frequency as usize;
                    }
                };
                // A term is before the dictionary's word, and takes its place.
                around(terms, pair, &mut found);
                around(&DICT, pair, &mut found);
            }
        }
        if self.rest != before {
            self.jieba.add_word(FILLER, Some(self.rest), None);
        }
    }
}

/// Calls `found` with each word of `dict` that `pair`, two characters, begins with, or that begins with it, and its frequency.
fn around<D: AsRef<[u8]>>(dict: &Fst<D>, pair: [char; 2], found: &mut impl FnMut(&str, u64)) {
    let mut word = String::from(pair[0]);
    let Some(first) = Prefix::empty(dict).and(dict, word.as_bytes()) else { return };
    if let Some(frequency) = first.value() {
        found(&word, frequency);
    }
    let length = word.len();
    word.push(pair[1]);
    let Some(both) = first.and(dict, &word.as_bytes()[length..]) else { return };
    let length = word.len();
    both.each(dict, |rest, frequency| {
        word.truncate(length);
        word.push_str(rest);
        found(&word, frequency);
    });
}

/// The runs of letters and digits of an identifier, without single Chinese characters.
fn parts(identifier: &str) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    identifier.split(|c: char| !c.is_ascii_alphanumeric()).filter_map(move |part| {
        let start = identifier[at..].find(part).map_or(at, |found| at + found);
        at = start + part.len();
        (part.len() > 1).then_some(start..at)
    })
}

#[cfg(test)]
mod tests {
    use super::super::normalise;
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let segmenter = Segmenter::new(["备案服务号", "管局", "未备案"]);
        let words = segmenter.cut(&normalise(text));
        assert_eq!(
            words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join("/"),
            expected
        );
    }

    #[test]
    fn words() {
        check("怎么申请备案服务号", "怎么/申请/备案/备案服务号/服务");
        check("未备案", "未备案/备案");
        check("请问：管局？", "请问/管局");
        check("", "");
    }

    #[test]
    fn identifiers_stay_whole_with_their_parts() {
        check("京ICP备12345678号-1", "京/京icp备12345678号-1/icp/备/12345678/号/1");
        check("打开beian.aliyun.com看", "打开/beian/beian.aliyun.com/aliyun/com/看");
        check("发到a.b@example.com。", "发到/a/a.b@example.com/b/example/com");
        check("升到3.16.0", "升/到/3/3.16.0/16/0");
        check("拨0571-88158388", "拨/0571/0571-88158388/88158388");
    }

    #[test]
    fn a_word_knows_its_place() {
        let text = "請先備案，再備案";
        let words = Segmenter::new(["备案"]).cut(&normalise(text));
        let places: Vec<_> = words
            .iter()
            .filter(|word| word.text == "备案")
            .map(|word| (word.origin.start, &text[word.origin.clone()]))
            .collect();
        assert_eq!(places, [(6, "備案"), (18, "備案")]);
    }

    /// What [`Learned`] knows must cut every text as the whole dictionary does, whatever was cut before.
    #[test]
    fn cuts_as_the_whole_dictionary_does() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let terms = ["备案服务号", "管局", "二级域名"];
        let segmenter = Segmenter::new(terms);
        let new = || Learned::new(segmenter.total);
        let mut learned = new();
        let mut whole = Jieba::with_dict(&mut std::io::BufReader::new(
            std::fs::File::open(root.join("assets/dict/dict.txt")).unwrap(),
        ))
        .unwrap();
        for term in terms {
            whole.add_word(term, Some(TERM_FREQUENCY as usize), None);
        }
        let mut lines = 0;
        for file in ["tests/eval/dev.jsonl", "content/sources.toml", "content/domains/product.toml"]
        {
            for line in std::fs::read_to_string(root.join(file)).unwrap().lines() {
                let text = normalise(line);
                let tokens = whole.cut_for_search(text.as_str(), false).into_iter();
                let expected: Vec<_> =
                    tokens.map(|token| token.byte_start..token.byte_end).collect();
                let terms = segmenter.terms.as_fst();
                assert_eq!(learned.cut(text.as_str(), terms), expected);
                assert_eq!(new().cut(text.as_str(), terms), expected);
                lines += 1;
            }
        }
        assert!(lines > 250, "only {lines} lines compared");
    }
}
