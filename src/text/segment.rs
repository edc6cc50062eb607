use super::Normal;
use fst::{Streamer, raw::Fst};
use jieba_rs::Jieba;
use regex::Regex;
use std::{collections::HashMap, ops::Range, sync::LazyLock};

/// jieba's dictionary, made by `build.rs`.
static DICT: LazyLock<Fst<&[u8]>> = LazyLock::new(|| {
    Fst::new(include_bytes!(concat!(env!("OUT_DIR"), "/dict.fst")).as_slice())
        .expect("build.rs wrote it")
});

/// Words of jieba's dictionary that have been seen so often are common.
const COMMON: u64 = 1_000;

/// The common words of Chinese, whatever a library is about.
pub fn common_words() -> Vec<String> {
    let mut words = Vec::new();
    let mut stream = DICT.stream();
    while let Some((word, frequency)) = stream.next() {
        if frequency.value() >= COMMON {
            words.push(String::from_utf8_lossy(word).into_owned());
        }
    }
    words
}

/// The natural logarithm of how likely a word is in Chinese, whatever a library is about.
///
/// A word that jieba's dictionary does not have counts as if it had been seen once.
pub fn commonness(word: &str) -> f32 {
    let frequency = DICT.get(word).map_or(1, |frequency| frequency.value().max(1));
    (frequency as f32 / *DICT_TOTAL as f32).ln()
}

/// The sum of all frequencies in [`DICT`].
static DICT_TOTAL: LazyLock<usize> =
    LazyLock::new(|| env!("JIEDA_DICT_TOTAL").parse().expect("build.rs wrote a number"));

/// The frequency of a user word: high enough to win against any cut of its parts, since two words of this
/// frequency weigh (10⁴ / 6·10⁷)² and one weighs 10⁴ / 6·10⁷.
const TERM_FREQUENCY: usize = 10_000;

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
    /// The number of characters before it in the normalised text.
    pub position: usize,
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
#[derive(Debug, Clone)]
pub struct Segmenter {
    terms: fst::Map<Vec<u8>>,
    /// The total frequency of dictionary and terms.
    total: usize,
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
        let terms =
            fst::Map::from_iter(words.into_iter().map(|word| (word, TERM_FREQUENCY as u64)))
                .expect("the words are sorted and differ");
        Self::with(terms)
    }

    /// The segmenter with the terms that [`Segmenter::as_bytes`] gave; nothing if they are not those.
    pub(crate) fn read(bytes: Vec<u8>) -> Option<Self> {
        fst::Map::new(bytes).ok().map(Self::with)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.terms.as_fst().as_bytes()
    }

    fn with(terms: fst::Map<Vec<u8>>) -> Self {
        let mut known = 0;
        let mut stream = terms.keys();
        while let Some(word) = stream.next() {
            known += DICT.get(word).map_or(0, |output| output.value() as usize);
        }
        let total = *DICT_TOTAL + terms.len() * TERM_FREQUENCY - known;
        Self { terms, total }
    }

    /// The words of `text` in the order of their place; a compound stands beside its parts.
    ///
    /// Identifiers (京ICP备12345678号-1, domains, addresses, 3.16.0) are one word, with their parts beside them.
    /// Punctuation and white space are no words.
    pub fn cut(&self, text: &Normal) -> Vec<Word> {
        let whole = text.as_str();
        let jieba = self.jieba(whole);
        let tokens = jieba.cut_for_search(whole, false);
        let mut ranges: Vec<Range<usize>> =
            tokens.iter().map(|token| token.byte_start..token.byte_end).collect();
        for identifier in IDENTIFIER.find_iter(whole) {
            ranges.push(identifier.range());
            ranges.extend(
                parts(identifier.as_str())
                    .map(|part| identifier.start() + part.start..identifier.start() + part.end),
            );
        }
        ranges.extend(self.phrases(whole));
        ranges.retain(|range| whole[range.clone()].chars().any(char::is_alphanumeric));
        ranges.sort_unstable_by_key(|range| (range.start, range.end));
        ranges.dedup();
        let mut position = Positions { text: whole, at: 0, count: 0 };
        ranges
            .into_iter()
            .map(|range| Word {
                text: whole[range.clone()].to_owned(),
                position: position.of(range.start),
                origin: text.origin(range.clone()),
                range,
            })
            .collect()
    }

    /// Terms with a space in them, which jieba would cut there.
    fn phrases(&self, text: &str) -> Vec<Range<usize>> {
        let letter = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        let mut phrases = Vec::new();
        for (start, _) in text.char_indices() {
            if letter(text[..start].chars().next_back()) && letter(text[start..].chars().next()) {
                continue;
            }
            prefixes(self.terms.as_fst(), &text[start..], &mut |term: &str, _| {
                let end = start + term.len();
                let cuts = letter(term.chars().next_back()) && letter(text[end..].chars().next());
                if term.contains(' ') && !cuts {
                    phrases.push(start..end);
                }
            });
        }
        phrases
    }

    /// A jieba that knows just the words that occur in `text`, and cuts it as one with all words would.
    ///
    /// A cut depends on the frequencies of the words that occur and on the total, so one filler word carries the
    /// rest of it. Loading the whole dictionary instead takes 100 ms and 33 MB.
    fn jieba(&self, text: &str) -> Jieba {
        let mut words: HashMap<&str, usize> = HashMap::new();
        for (start, _) in text.char_indices() {
            let mut found = |word, frequency| {
                words.insert(word, frequency);
            };
            prefixes(&DICT, &text[start..], &mut found);
            // A term is after the dictionary's word, and takes its place.
            prefixes(self.terms.as_fst(), &text[start..], &mut found);
        }
        let known: usize = words.values().sum();
        let mut jieba = Jieba::empty();
        for (word, frequency) in words {
            jieba.add_word(word, Some(frequency), None);
        }
        jieba.add_word(FILLER, Some(self.total - known), None);
        jieba
    }
}

/// Calls `found` with each word of `dict` that `text` begins with, and what it is mapped to.
pub(crate) fn prefixes<'t, D: AsRef<[u8]>>(
    dict: &Fst<D>,
    text: &'t str,
    mut found: impl FnMut(&'t str, usize),
) {
    let mut node = dict.root();
    let mut sum = 0;
    for (at, byte) in text.bytes().enumerate() {
        let Some(index) = node.find_input(byte) else { return };
        let transition = node.transition(index);
        sum += transition.out.value();
        node = dict.node(transition.addr);
        if node.is_final() {
            found(&text[..=at], (sum + node.final_output().value()) as usize);
        }
    }
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

/// Counts the characters before rising byte offsets.
struct Positions<'t> {
    text: &'t str,
    at: usize,
    count: usize,
}

impl Positions<'_> {
    fn of(&mut self, offset: usize) -> usize {
        self.count += self.text[self.at..offset].chars().count();
        self.at = offset;
        self.count
    }
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
            .map(|word| (word.position, &text[word.origin.clone()]))
            .collect();
        assert_eq!(places, [(2, "備案"), (6, "備案")]);
    }

    /// The small dictionary of [`Segmenter::jieba`] must cut every text as the whole one does.
    #[test]
    fn cuts_as_the_whole_dictionary_does() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let terms = ["备案服务号", "管局", "二级域名"];
        let segmenter = Segmenter::new(terms);
        let mut whole = Jieba::with_dict(&mut std::io::BufReader::new(
            std::fs::File::open(root.join("assets/dict/dict.txt")).unwrap(),
        ))
        .unwrap();
        for term in terms {
            whole.add_word(term, Some(TERM_FREQUENCY), None);
        }
        let mut lines = 0;
        for file in ["tests/eval/dev.jsonl", "content/sources.toml", "content/domains/product.toml"]
        {
            for line in std::fs::read_to_string(root.join(file)).unwrap().lines() {
                let text = normalise(line);
                assert_eq!(
                    segmenter.jieba(text.as_str()).cut_for_search(text.as_str(), false),
                    whole.cut_for_search(text.as_str(), false)
                );
                lines += 1;
            }
        }
        assert!(lines > 250, "only {lines} lines compared");
    }
}
