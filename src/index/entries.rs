//! The entries themselves, each read by itself.
//!
//! One flat file: the entries in the order of the content, packed (`pack`), and the order of their ids for finding one by
//! its id.

use super::pack::{Packer, unpack};
use crate::{content::Entry, cores};
use std::cmp::Ordering;
use tantivy::directory::OwnedBytes;

/// Reads entries from the bytes of the file.
#[derive(Debug)]
pub(super) struct Entries(OwnedBytes);

/// The symbols are those that suit so many entries, evenly chosen, or up to twice as many.
const SAMPLE: usize = 1024;

/// The size of a number in the file.
const NUMBER: usize = 4;

impl Entries {
    /// The bytes for these entries: their number, the length of the table of symbols, for each where it begins, for each in the
    /// order of the ids its place, the table, and themselves.
    pub(super) fn write(entries: &[Entry]) -> Vec<u8> {
        let text = |entry: &Entry| postcard::to_stdvec(entry).expect("an entry is plain data");
        let sample: Vec<Vec<u8>> =
            entries.iter().step_by(entries.len() / SAMPLE + 1).map(text).collect();
        let packer = Packer::new(&sample);
        let symbols = packer.symbols();
        let mut by_id: Vec<usize> = (0..entries.len()).collect();
        by_id.sort_by(|a, b| entries[*a].id.cmp(&entries[*b].id));
        let mut body = Vec::new();
        let mut numbers = vec![entries.len(), symbols.len()];
        let pack = |entry: &Entry| {
            let mut packed = Vec::new();
            packer.pack(&text(entry), &mut packed);
            packed
        };
        cores::in_order(entries, pack, |packed| {
            for packed in packed {
                numbers.push(body.len());
                body.extend(packed);
            }
        });
        numbers.push(body.len());
        numbers.extend(by_id);
        let mut bytes: Vec<u8> =
            numbers.into_iter().flat_map(|number| (number as u32).to_le_bytes()).collect();
        bytes.extend(symbols);
        bytes.extend(body);
        bytes
    }

    pub(super) fn read(bytes: OwnedBytes) -> Self {
        Self(bytes)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.number(0)
    }

    /// The entry at this place; nothing if there is none, or if it cannot be read.
    pub(super) fn get(&self, at: usize) -> Option<Entry> {
        postcard::from_bytes(&self.text(at)?).ok()
    }

    /// The entry at this place as it was before it was packed.
    fn text(&self, at: usize) -> Option<Vec<u8>> {
        let (count, table) = (self.len(), self.number(1));
        if at >= count {
            return None;
        }
        let symbols = NUMBER * (2 * count + 3);
        let body = symbols + table;
        let range = body + self.number(2 + at)..body + self.number(3 + at);
        Some(unpack(self.0.get(symbols..body)?, self.0.get(range)?))
    }

    /// The entry with this id.
    pub(super) fn find(&self, id: &str) -> Option<Entry> {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low.midpoint(high);
            let text = self.text(self.number(3 + self.len() + middle))?;
            // The id stands first.
            match postcard::take_from_bytes::<&str>(&text).ok()?.0.cmp(id) {
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
                Ordering::Equal => return postcard::from_bytes(&text).ok(),
            }
        }
        None
    }

    fn number(&self, at: usize) -> usize {
        let bytes = self.0.get(NUMBER * at..NUMBER * (at + 1));
        bytes.and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_le_bytes) as usize
    }
}
