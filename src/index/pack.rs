//! Texts made smaller, each so that it can be read by itself.
//!
//! A *symbol* is a character, or two that often stand side by side. The most frequent ones have codes of one byte, the
//! others of two. General compression needs blocks of many entries to become as small, and all of a block to be undone to
//! read one entry.

use rustc_hash::FxHashMap;

/// So many codes have one byte; the first bytes above begin codes of two.
const SHORT: usize = 192;

/// How many codes there are.
const CODES: usize = SHORT + (256 - SHORT) * 256;

/// At most so many symbols are pairs: more save less than it costs to name them.
const PAIRS: usize = 4096;

/// A pair is a symbol from so many occurrences on.
const OFTEN: u32 = 8;

/// So many bytes are looked at to choose the symbols.
const SAMPLE: usize = 1 << 20;

/// Up to eight bytes, the first one lowest, with their number.
type Key = (u64, u8);

/// Encodes texts.
#[derive(Debug)]
pub(super) struct Packer {
    codes: FxHashMap<Key, u16>,
    symbols: Vec<Key>,
}

impl Packer {
    /// The symbols that suit these texts, which may be any bytes.
    pub(super) fn new(texts: &[Vec<u8>]) -> Self {
        let total: usize = texts.iter().map(Vec::len).sum();
        let sample = || texts.iter().step_by(total / SAMPLE + 1);
        let mut singles: FxHashMap<Key, u32> = FxHashMap::default();
        let mut pairs: FxHashMap<Key, u32> = FxHashMap::default();
        for text in sample() {
            let mut before: Option<Key> = None;
            for unit in units(text) {
                *singles.entry(unit).or_default() += 1;
                if let Some(before) = before {
                    *pairs.entry(pair(before, unit)).or_default() += 1;
                }
                before = Some(unit);
            }
        }
        // Whatever comes can be written byte by byte.
        (0..=u8::MAX).for_each(|byte| {
            singles.entry((u64::from(byte), 1)).or_default();
        });
        let mut pairs: Vec<(Key, u32)> =
            pairs.into_iter().filter(|(_, count)| *count >= OFTEN).collect();
        let by_use = |a: &(Key, u32), b: &(Key, u32)| b.1.cmp(&a.1).then(a.0.cmp(&b.0));
        pairs.sort_by(by_use);
        pairs.truncate(PAIRS);
        let mut singles: Vec<(Key, u32)> = singles.into_iter().collect();
        let bytes_first = |(key, count): &(Key, u32)| (key.1 > 1, u32::MAX - count, *key);
        singles.sort_by_key(bytes_first);
        singles.truncate(CODES - pairs.len());
        let packer = Self::of(singles.into_iter().chain(pairs).map(|(key, _)| key));
        // What is written most gets the short codes.
        let mut uses = vec![0_u32; packer.symbols.len()];
        sample().for_each(|text| packer.each(text, |code| uses[usize::from(code)] += 1));
        let mut order: Vec<usize> = (0..uses.len()).collect();
        order.sort_by_key(|at| std::cmp::Reverse(uses[*at]));
        Self::of(order.into_iter().map(|at| packer.symbols[at]))
    }

    fn of(keys: impl IntoIterator<Item = Key>) -> Self {
        let symbols: Vec<Key> = keys.into_iter().collect();
        let codes = symbols.iter().enumerate().map(|(code, key)| (*key, code as u16)).collect();
        Self { codes, symbols }
    }

    /// The symbols, as [`unpack`] reads them.
    pub(super) fn symbols(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (symbol, length) in &self.symbols {
            bytes.push(*length);
            bytes.extend(symbol.to_le_bytes());
        }
        bytes
    }

    /// Writes `text` behind what is there.
    pub(super) fn pack(&self, text: &[u8], to: &mut Vec<u8>) {
        self.each(text, |code| match usize::from(code).checked_sub(SHORT) {
            None => to.push(code as u8),
            Some(long) => to.extend([(SHORT + long / 256) as u8, (long % 256) as u8]),
        });
    }

    /// Calls `found` with the codes of `text`: a pair where there is one, else a character, else its bytes.
    fn each(&self, text: &[u8], mut found: impl FnMut(u16)) {
        let mut rest = units(text).peekable();
        while let Some(unit) = rest.next() {
            let both = rest.peek().and_then(|next| self.codes.get(&pair(unit, *next)));
            if let Some(code) = both {
                rest.next();
                found(*code);
            } else if let Some(code) = self.codes.get(&unit) {
                found(*code);
            } else {
                let bytes = unit.0.to_le_bytes();
                let bytes = bytes[..usize::from(unit.1)].iter();
                bytes.for_each(|byte| found(self.codes[&(u64::from(*byte), 1)]));
            }
        }
    }
}

/// The bytes of a symbol in the table: its length, then itself.
const ROOM: usize = 9;

/// Undoes `Packer::pack`. `symbols` are those of the packer; what no packer wrote gives bytes without sense.
pub(super) fn unpack(symbols: &[u8], packed: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(packed.len() * 3);
    let mut bytes = packed.iter();
    while let Some(first) = bytes.next() {
        let first = usize::from(*first);
        let code = match first.checked_sub(SHORT) {
            None => first,
            Some(high) => SHORT + high * 256 + bytes.next().map_or(0, |low| usize::from(*low)),
        };
        let symbol = symbols.get(code * ROOM..).and_then(<[u8]>::first_chunk);
        let [length, symbol @ ..]: &[u8; ROOM] = symbol.unwrap_or(&[0; ROOM]);
        // So many bytes are written always, since that is one step.
        let end = text.len() + usize::from(*length);
        text.extend_from_slice(symbol);
        text.truncate(end);
    }
    text
}

/// The characters of `text`; where there is none, a byte.
fn units(text: &[u8]) -> impl Iterator<Item = Key> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = *rest.first()?;
        let length = match first {
            0xC2..=0xDF => 2,
            0xE0..=0xEF => 3,
            0xF0..=0xF4 => 4,
            _ => 1,
        };
        let is_char = |bytes: &&[u8]| bytes[1..].iter().all(|byte| byte & 0xC0 == 0x80);
        let length = rest.get(..length).filter(is_char).map_or(1, <[u8]>::len);
        let (unit, after) = rest.split_at(length);
        rest = after;
        let bytes = unit.iter().rev().fold(0, |bytes, byte| bytes << 8 | u64::from(*byte));
        Some((bytes, length as u8))
    })
}

/// Two units side by side.
fn pair(first: Key, second: Key) -> Key {
    (first.0 | second.0 << (8 * first.1), first.1 + second.1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn nothing_is_lost(
            known in proptest::collection::vec("[备案个人网站a-c]{0,40}", 0..20),
            any in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            let texts: Vec<Vec<u8>> = known.into_iter().map(String::into_bytes).collect();
            let packer = Packer::new(&texts);
            let symbols = packer.symbols();
            for text in texts.iter().chain([&any]) {
                let mut packed = Vec::new();
                packer.pack(text, &mut packed);
                prop_assert_eq!(&unpack(&symbols, &packed), text);
            }
        }
    }

    #[test]
    fn frequent_pairs_take_one_byte() {
        let texts = vec!["备案".repeat(100).into_bytes()];
        let packer = Packer::new(&texts);
        let mut packed = Vec::new();
        packer.pack(&texts[0], &mut packed);
        assert_eq!(packed.len(), 100);
    }
}
