use chinese_number::{ChineseCountMethod, ChineseToNumber};
use std::ops::Range;
use unicode_normalization::{UnicodeNormalization, char::canonical_combining_class};

/// Normalised text that knows where each of its characters came from.
#[derive(Debug, Clone, Default)]
pub struct Normal {
    text: String,
    /// In the order of the text, without gaps.
    pieces: Vec<Piece>,
}

/// A piece of normalised text, and where it came from: up to where the next one begins.
#[derive(Debug, Clone, Copy)]
struct Piece {
    /// Byte offset in the normalised text.
    at: usize,
    start: usize,
    end: usize,
    /// Nothing has changed, so each byte comes from its own; else all comes from the whole place.
    same: bool,
}

impl Piece {
    /// Byte offset in the original text of what stands at `at` in the normalised one.
    fn origin(&self, at: usize, otherwise: usize) -> usize {
        if self.same { self.start + (at - self.at) } else { otherwise }
    }
}

impl Normal {
    /// The normalised text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The text with other words in some places: byte ranges of the normalised text, rising and apart. A character of
    /// such a word comes from the whole place.
    pub fn with(&self, places: &[(Range<usize>, String)]) -> Self {
        let mut with = Self::default();
        let keep = |with: &mut Self, range: Range<usize>| {
            let moved = with.text.len();
            with.text.push_str(&self.text[range.clone()]);
            let ends = self.pieces.iter().skip(1).map(|next| next.at).chain([self.text.len()]);
            for (piece, end) in self.pieces.iter().zip(ends) {
                let (from, to) = (piece.at.max(range.start), end.min(range.end));
                if from < to {
                    let at = from - range.start + moved;
                    let (start, end) =
                        (piece.origin(from, piece.start), piece.origin(to, piece.end));
                    with.pieces.push(Piece { at, start, end, same: piece.same });
                }
            }
        };
        let mut at = 0;
        for (range, word) in places {
            keep(&mut with, at..range.start);
            with.push(word, self.origin(range.clone()), false);
            at = range.end;
        }
        keep(&mut with, at..self.text.len());
        with
    }

    /// Adds what became of the original text at `origin`, and whether it is what stood there.
    fn push(&mut self, text: &str, Range { start, end }: Range<usize>, same: bool) {
        self.pieces.push(Piece { at: self.text.len(), start, end, same });
        self.text.push_str(text);
    }

    /// The byte range of the original text from which `range` of the normalised text was made.
    ///
    /// An empty range, or one past the end, is empty.
    pub fn origin(&self, range: Range<usize>) -> Range<usize> {
        let (from, to) = (range.start, range.end.min(self.text.len()));
        if from >= to {
            return 0..0;
        }
        let before = |at: usize| self.pieces.partition_point(|piece| piece.at < at) - 1;
        let (first, last) = (self.pieces[before(from + 1)], self.pieces[before(to)]);
        first.origin(from, first.start)..last.origin(to, last.end)
    }
}

/// A character on its way to be normalised, with the bytes it stands for.
#[derive(Clone, Copy)]
struct Char {
    c: char,
    start: usize,
    end: usize,
}

/// Brings `text` to the one spelling in which entries and questions meet.
///
/// In this order: NFKC (full width becomes half width), lower case, no zero-width characters, traditional to
/// simplified (OpenCC's `t2s`), Chinese numerals before a measure word to digits (`三个月` → `3个月`).
/// White space and punctuation stay.
pub fn normalise(text: &str) -> Normal {
    let pieces = Vec::with_capacity(text.len() / 8);
    let mut normal = Normal { text: String::with_capacity(text.len()), pieces };
    pieces_of(text, |piece, origin, same| normal.push(piece, origin, same));
    normal
}

/// Adds `text` to `to` as [`normalise`] brings it into one spelling.
pub(crate) fn add_normalised(to: &mut String, text: &str) {
    to.reserve(text.len());
    pieces_of(text, |piece, _, _| to.push_str(piece));
}

/// Calls `found` with the pieces of the normalised text in turn: where each came from, and whether it is what stood there.
fn pieces_of(text: &str, mut found: impl FnMut(&str, Range<usize>, bool)) {
    let mut found = |piece: &str, origin: Range<usize>, same| {
        if !piece.is_empty() {
            found(piece, origin, same);
        }
    };
    // Up to where all is told, and where the stretch begins that is being read.
    let (mut told, mut begin, mut at) = (0, 0, 0);
    while let Some(first) = text.as_bytes().get(at) {
        // Nearly all are Chinese characters of three bytes.
        if let 0xE4..=0xE9 = first
            && let Some([a, b, c]) = text.as_bytes().get(at..at + 3)
            && let code = u32::from(a & 0x0F) << 12 | u32::from(b & 0x3F) << 6 | u32::from(c & 0x3F)
            && code >= 0x4E00
        {
            if !is_in(&SPECIAL, code) || !changes(&text[at..]) {
                at += 3;
                continue;
            }
        } else if let Some(c) = text[at..].chars().next()
            && let next = at + c.len_utf8()
            && let Some(other) = settled(c, &text[next..])
        {
            if other != c {
                found(&text[told..at], told..at, true);
                found(other.encode_utf8(&mut [0; 4]), at..next, false);
                told = next;
            }
            (begin, at) = (next, next);
            continue;
        }
        found(&text[told..begin], told..begin, true);
        let end = begin + stretch(&text[begin..]);
        for Char { c, start, end } in whole(&text[begin..end]) {
            found(c.encode_utf8(&mut [0; 4]), begin + start..begin + end, false);
        }
        (told, begin, at) = (end, end, end);
    }
    found(&text[told..], told..text.len(), true);
}

/// What becomes of a character, if that is so whatever stands around it.
fn settled(c: char, rest: &str) -> Option<char> {
    plain(c).filter(|_| !super::is_han(c) && !begins_with_mark(rest))
}

/// Whether the beginning of `text`, a Chinese character, changes by itself or together with what follows.
fn changes(text: &str) -> bool {
    let Some(c) = text.chars().next() else { return false };
    let rest = &text[c.len_utf8()..];
    is_numeral(c) && is_counting(rest)
        || phrases(c).iter().any(|(phrase, _)| text.starts_with(phrase))
}

/// The length of the beginning of `text` without settled characters. Words and numerals that change have none inside.
fn stretch(text: &str) -> usize {
    let is_settled = |(at, c): &(usize, char)| settled(*c, &text[at + c.len_utf8()..]).is_some();
    text.char_indices().find(is_settled).map_or(text.len(), |(at, _)| at)
}

/// What becomes of a stretch.
fn whole(text: &str) -> Vec<Char> {
    let mut chars = fold(text);
    simplify(&mut chars);
    if chars.iter().any(|char| is_numeral(char.c)) { digits(&chars) } else { chars }
}

/// NFKC and lower case, one starter with its combining marks at a time, without zero-width characters.
fn fold(text: &str) -> Vec<Char> {
    let mut chars = Vec::with_capacity(text.len() / 3 + 8);
    let mut rest = text.char_indices();
    while let Some((start, first)) = rest.next() {
        if let Some(c) = plain(first)
            && !begins_with_mark(rest.as_str())
        {
            chars.push(Char { c, start, end: rest.offset() });
            continue;
        }
        while begins_with_mark(rest.as_str()) {
            rest.next();
        }
        let end = rest.offset();
        let folded =
            text[start..end].nfkc().flat_map(char::to_lowercase).filter(|c| !is_zero_width(*c));
        chars.extend(folded.map(|c| Char { c, start, end }));
    }
    chars
}

fn begins_with_mark(text: &str) -> bool {
    match text.as_bytes() {
        // ASCII, Chinese characters and punctuation, full width.
        [] | [0..=0x7F | 0xE4..=0xE9, ..] | [0xE3, 0x80, 0x80..=0xA9, ..] => false,
        [0xE2, 0x80, ..] | [0xEF, 0xBC | 0xBD, ..] => false,
        _ => text.chars().next().is_some_and(|c| canonical_combining_class(c) != 0),
    }
}

/// What becomes of the most frequent characters, without looking it up.
fn plain(c: char) -> Option<char> {
    match c {
        '\0'..='\x7F' => Some(c.to_ascii_lowercase()),
        '\u{4E00}'..='\u{9FFF}' => Some(c),
        '、' | '。' | '《' | '》' | '「' | '」' | '“' | '”' | '—' | '·' | '→' | '×' => {
            Some(c)
        }
        // Full width.
        '！'..='～' => char::from_u32(c as u32 - 0xFEE0).map(|c| c.to_ascii_lowercase()),
        _ => (super::is_han(c) && !is_compatible(c)).then_some(c),
    }
}

/// Chinese characters that NFKC writes as others.
fn is_compatible(c: char) -> bool {
    matches!(c, '\u{F900}'..='\u{FAFF}' | '\u{2F800}'..='\u{2FA1F}')
}

fn is_zero_width(c: char) -> bool {
    matches!(c, '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{2060}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}')
}

include!(concat!(env!("OUT_DIR"), "/simplified.rs"));

/// Traditional to simplified, in place: at each place the longest of OpenCC's phrases and characters.
fn simplify(chars: &mut [Char]) {
    let mut rest = chars;
    while !rest.is_empty() {
        let length = simplify_first(rest);
        rest = &mut rest[length.max(1)..];
    }
}

/// Whether a character is in a set that has a bit for each.
fn is_in(set: &[u64], c: impl Into<u32>) -> bool {
    let code = c.into() as usize;
    set.get(code / 64).is_some_and(|bits| bits >> (code % 64) & 1 == 1)
}

/// The Chinese characters with which something that changes may begin: OpenCC's phrases, and numerals.
static SPECIAL: [u64; BEGIN.len()] = {
    let (mut set, mut at) = (BEGIN, 0);
    while at < NUMERALS.len() {
        let c = NUMERALS[at] as usize;
        set[c / 64] |= 1 << (c % 64);
        at += 1;
    }
    set
};

/// OpenCC's phrases that begin with a character, the longest first, and what becomes of them.
///
/// The characters with which phrases begin are numbered in their order: those before each 64 are counted, and the bits of the
/// 64 tell the rest.
fn phrases(first: char) -> &'static [(&'static str, &'static str)] {
    if !is_in(&BEGIN, first) {
        return &[];
    }
    let (word, bit) = (first as usize / 64, first as u32 % 64);
    let number =
        usize::from(BEFORE[word]) + (BEGIN[word] & !(u64::MAX << bit)).count_ones() as usize;
    &SIMPLIFIED[STARTS[number].into()..STARTS[number + 1].into()]
}

/// Simplifies what `chars` begin with, and returns its length; 0 if it is nothing.
fn simplify_first(chars: &mut [Char]) -> usize {
    let found = phrases(chars[0].c).iter().find(|(traditional, _)| {
        let mut chars = chars.iter().map(|char| char.c);
        traditional.chars().all(|c| chars.next() == Some(c))
    });
    let simple = found.map_or("", |(_, simple)| simple);
    chars.iter_mut().zip(simple.chars()).map(|(char, c)| char.c = c).count()
}

const NUMERALS: [char; 17] = [
    '〇', '零', '一', '二', '两', '三', '四', '五', '六', '七', '八', '九', '十', '百', '千', '万',
    '亿',
];

fn is_numeral(c: char) -> bool {
    NUMERALS.contains(&c)
}

/// What can be counted or dated. A numeral becomes digits only before one of these, so `统一` and `一般` stay.
const MEASURES: [&str; 24] = [
    "个",
    "天",
    "日",
    "月",
    "年",
    "周",
    "小时",
    "分钟",
    "秒",
    "次",
    "位",
    "台",
    "家",
    "张",
    "条",
    "份",
    "种",
    "项",
    "步",
    "元",
    "倍",
    "兆",
    "工作日",
    "分",
];

/// Characters that make one word with a numeral behind them: 统一个人信息, 唯一个人.
const JOINED: &str = "统唯单同之万其";

/// Chinese numerals before a measure word become digits; each digit stands for the whole numeral.
fn digits(chars: &[Char]) -> Vec<Char> {
    let mut out = Vec::with_capacity(chars.len());
    let mut at = 0;
    while let Some(next) = chars[at..].iter().position(|char| is_numeral(char.c)) {
        out.extend_from_slice(&chars[at..at + next]);
        at += next;
        let run = chars[at..].iter().take_while(|char| is_numeral(char.c)).count();
        let numeral = &chars[at..at + run];
        let joined = at > 0 && JOINED.contains(chars[at - 1].c);
        match number(numeral, &chars[at + run..]) {
            Some(number) if !joined => {
                let (start, end) = (numeral[0].start, numeral[run - 1].end);
                out.extend(number.chars().map(|c| Char { c, start, end }));
            }
            _ => out.extend(numeral),
        }
        at += run;
    }
    out.extend_from_slice(&chars[at..]);
    out
}

/// Whether a numeral before `text` may become digits: behind it stands something that is counted, or its next character.
fn is_counting(text: &str) -> bool {
    text.chars().next().is_some_and(is_numeral)
        || MEASURES.iter().any(|measure| text.starts_with(measure))
}

/// The digits for `numeral`, if `rest` begins with something that is counted.
fn number(numeral: &[Char], rest: &[Char]) -> Option<String> {
    let follows = |word: &str| {
        let mut rest = rest.iter();
        word.chars().all(|c| rest.next().is_some_and(|char| char.c == c))
    };
    if !MEASURES.iter().any(|measure| follows(measure)) {
        return None;
    }
    let text: String = numeral.iter().map(|char| char.c).collect();
    let plain = |c: char| "〇零一二三四五六七八九".chars().position(|digit| digit == c);
    // 二〇一九年 is read digit by digit; 三四个 means three or four and stays.
    if numeral.len() > 1 && text.chars().all(|c| plain(c).is_some()) {
        let digits =
            text.chars().filter_map(|c| char::from_digit(plain(c)?.saturating_sub(1) as u32, 10));
        return (numeral.len() == 4 && follows("年")).then(|| digits.collect());
    }
    let number: u64 = text.replace('两', "二").to_number(ChineseCountMethod::TenThousand).ok()?;
    Some(number.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferrous_opencc::{OpenCC, config::BuiltinConfig};
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(normalise(text).as_str(), expected);
    }

    #[test]
    fn one_spelling() {
        check("ＩＣＰ备案：１２３", "icp备案:123");
        check("備案\u{200B}服務號", "备案服务号");
        check("程序和域名", "程序和域名");
        check("包月三个月，二十天，十五个工作日", "包月3个月,20天,15个工作日");
        check("两个网站、一百零五台", "2个网站、105台");
        check("二〇一九年", "2019年");
        check("三四个网站，统一个人信息，一般", "三四个网站,统一个人信息,一般");
        check("", "");
    }

    /// Every character, every phrase, and both in each other's company are simplified as OpenCC does it.
    #[test]
    fn simplifies_as_opencc_does() {
        let opencc = OpenCC::from_config(BuiltinConfig::T2s).unwrap();
        let check = |text: &str| {
            let mut chars: Vec<Char> = text.chars().map(|c| Char { c, start: 0, end: 0 }).collect();
            simplify(&mut chars);
            let simple: String = chars.iter().map(|char| char.c).collect();
            assert_eq!(simple, opencc.convert(text));
        };
        for row in 0..0x323B0 / 64 {
            check(&(row * 64..row * 64 + 64).filter_map(char::from_u32).collect::<String>());
        }
        let mut mixed = String::new();
        for (at, (traditional, simple)) in SIMPLIFIED.iter().enumerate() {
            check(traditional);
            let cut = traditional.char_indices().next_back().map_or(0, |(last, _)| last);
            mixed.extend([&traditional[..cut], SIMPLIFIED[at * 7 % SIMPLIFIED.len()].0, simple]);
        }
        check(&mixed);
        check(include_str!("../../assets/dict/dict.txt"));
    }

    /// The short way leads where the long one does.
    #[test]
    fn plain_characters_are_what_they_become() {
        let both = |c: char| Some((plain(c)?, c.nfkc().flat_map(char::to_lowercase)));
        let all: Vec<_> = ('\0'..=char::MAX).filter_map(both).collect();
        assert!(all.len() > 20_000);
        for (plain, folded) in all {
            assert!(folded.eq([plain]), "{plain}");
        }
    }

    /// Combining marks are found by looking them up where the first bytes do not tell.
    #[test]
    fn marks_are_what_unicode_says() {
        for c in '\0'..=char::MAX {
            assert_eq!(
                begins_with_mark(&c.to_string()),
                canonical_combining_class(c) != 0,
                "{c:?}"
            );
        }
    }

    proptest! {
        /// Text is normalised piece by piece as it would be as a whole, and so are the places that it came from.
        #[test]
        fn pieces_are_as_the_whole(text in "[a-cA-C１，。、 备案個個臺網站在乾隆么麼有覆著\u{200B}\u{301}éⅢ…—零〇一二两三十百万统唯个天年月]{0,30}") {
            let (normal, chars) = (normalise(&text), whole(&text));
            let expected: String = chars.iter().map(|char| char.c).collect();
            prop_assert_eq!(normal.as_str(), &expected);
            for (char, (at, c)) in chars.iter().zip(expected.char_indices()) {
                prop_assert_eq!(normal.origin(at..at + c.len_utf8()), char.start..char.end);
            }
        }
    }

    #[test]
    fn every_character_knows_its_origin() {
        #[track_caller]
        fn check(text: &str, part: &str, expected: &str) {
            let normal = normalise(text);
            let start = normal.as_str().find(part).expect("the part is there");
            assert_eq!(&text[normal.origin(start..start + part.len())], expected);
        }
        check("請先備案\u{200B}，再ＡＢＣ", "备案", "備案");
        check("請先備案\u{200B}，再ＡＢＣ", "abc", "ＡＢＣ");
        check("买了二十个月", "20", "二十");
        check("cafe\u{301}店", "é店", "e\u{301}店");
        assert_eq!(normalise("备案").origin(6..9), 0..0);
    }
}
