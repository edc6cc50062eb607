//! The entries themselves, each read by itself.
//!
//! One flat file: where each begins, their places in the order of their ids, the table of symbols and how long it is, and the
//! entries in the order of the content, packed (`pack`).

use super::{
    numbers::Numbers,
    pack::{Packer, unpack},
};
use crate::{content::Entry, cores};
use std::cmp::Ordering;
use tantivy::directory::OwnedBytes;

/// Reads entries from the bytes of the file.
#[derive(Debug)]
pub(super) struct Entries {
    /// For each entry, and one more, where it begins.
    begins: Numbers,
    /// The places of the entries in the order of their ids.
    by_id: Numbers,
    symbols: OwnedBytes,
    packed: OwnedBytes,
}

/// The symbols are those that suit so many entries, evenly chosen, or up to twice as many.
const SAMPLE: usize = 1024;

impl Entries {
    /// The bytes for these entries.
    pub(super) fn write(entries: &[Entry]) -> Vec<u8> {
        let text = |entry: &Entry| postcard::to_stdvec(entry).expect("an entry is plain data");
        let sample: Vec<Vec<u8>> =
            entries.iter().step_by(entries.len() / SAMPLE + 1).map(text).collect();
        let packer = Packer::new(&sample);
        let mut by_id: Vec<u32> = (0..entries.len() as u32).collect();
        by_id.sort_by(|a, b| entries[*a as usize].id.cmp(&entries[*b as usize].id));
        let (mut begins, mut body) = (vec![0], Vec::new());
        let pack = |entry: &Entry| {
            let mut packed = Vec::new();
            packer.pack(&text(entry), &mut packed);
            packed
        };
        cores::in_order(entries, pack, |packed| {
            for packed in packed {
                body.extend(packed);
                begins.push(body.len() as u32);
            }
        });
        let symbols = packer.symbols();
        let mut bytes = Vec::new();
        Numbers::write(&begins, &mut bytes);
        Numbers::write(&by_id, &mut bytes);
        bytes.extend((symbols.len() as u32).to_le_bytes());
        bytes.extend(symbols);
        bytes.extend(body);
        bytes
    }

    /// Nothing if there are fewer bytes than are counted.
    pub(super) fn read(mut bytes: OwnedBytes) -> Option<Self> {
        let (begins, by_id) = (Numbers::take(&mut bytes)?, Numbers::take(&mut bytes)?);
        let end = 4 + u32::from_le_bytes(*bytes.first_chunk()?) as usize;
        let symbols = (end <= bytes.len()).then(|| bytes.slice(4..end))?;
        Some(Self { begins, by_id, symbols, packed: bytes.slice(end..bytes.len()) })
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// The entry at this place; nothing if there is none, or if it cannot be read.
    pub(super) fn get(&self, at: usize) -> Option<Entry> {
        postcard::from_bytes(&self.text(at)?).ok()
    }

    /// The entry at this place as it was before it was packed.
    fn text(&self, at: usize) -> Option<Vec<u8>> {
        let range = self.begins.get(at)? as usize..self.begins.get(at + 1)? as usize;
        Some(unpack(&self.symbols, self.packed.get(range)?))
    }

    /// The entry with this id.
    pub(super) fn find(&self, id: &str) -> Option<Entry> {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low.midpoint(high);
            let text = self.text(self.by_id.get(middle)? as usize)?;
            // The id stands first.
            match postcard::take_from_bytes::<&str>(&text).ok()?.0.cmp(id) {
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
                Ordering::Equal => return postcard::from_bytes(&text).ok(),
            }
        }
        None
    }
}
