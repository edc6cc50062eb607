//! The entries themselves, each read by itself.
//!
//! One flat file: where each begins, their places in the order of their ids, a dictionary of what entries have in common and
//! how long it is, and the entries in the order of the content, each packed with the dictionary by zstd.

use super::numbers::Numbers;
use crate::{content::Entry, cores};
use std::{cell::RefCell, cmp::Ordering, io};
use tantivy::directory::OwnedBytes;
use zstd::{
    bulk::Compressor,
    zstd_safe::{CParameter, DCtx, DDict, MAGICNUMBER, get_frame_content_size},
};

/// Reads entries from the bytes of the file.
pub(super) struct Entries {
    /// For each entry, and one more, where it begins.
    begins: Numbers,
    /// The places of the entries in the order of their ids.
    by_id: Numbers,
    dictionary: DDict<'static>,
    packed: OwnedBytes,
}

/// The bytes of the dictionary. Of less text there is none.
const DICTIONARY: usize = 64 << 10;

/// It is learned from so many entries, evenly chosen, or up to twice as many.
const SAMPLE: usize = 128;

/// How entries are packed that are fewer than [`FEW`]: as tightly as at zstd's level 9, in two thirds of its time.
const TIGHT: [CParameter; 3] =
    [CParameter::CompressionLevel(6), CParameter::SearchLog(5), CParameter::MinMatch(5)];

/// To pack so many tightly takes some tenths of a second.
const FEW: usize = 10_000;

/// What each packed entry begins with; it is left out.
const MAGIC: [u8; 4] = MAGICNUMBER.to_le_bytes();

/// In so many parts the entries are packed, each with tables of its own; or in more, so that no part is larger than [`PART`].
const PARTS: usize = 16;
const PART: usize = 512;

thread_local! {
    static UNPACKER: RefCell<DCtx<'static>> = RefCell::new(DCtx::create());
}

impl Entries {
    /// The bytes for these entries.
    pub(super) fn write(entries: &[Entry]) -> Vec<u8> {
        let text = |entry: &Entry| postcard::to_stdvec(entry).expect("an entry is plain data");
        let sample: Vec<Vec<u8>> =
            entries.iter().step_by(entries.len() / SAMPLE + 1).map(text).collect();
        let dictionary = dictionary(&sample);
        let mut by_id: Vec<u32> = (0..entries.len() as u32).collect();
        by_id.sort_by(|a, b| entries[*a as usize].id.cmp(&entries[*b as usize].id));
        let (mut begins, mut body) = (vec![0], Vec::<u8>::new());
        let parts: Vec<&[Entry]> =
            entries.chunks(entries.len().div_ceil(PARTS).clamp(1, PART)).collect();
        let settings: &[CParameter] = if entries.len() < FEW { &TIGHT } else { &[] };
        let pack = |entries: &&[Entry]| -> io::Result<Vec<Vec<u8>>> {
            let mut packer =
                Compressor::with_dictionary(zstd::DEFAULT_COMPRESSION_LEVEL, &dictionary)?;
            packer.include_dictid(false)?;
            settings.iter().try_for_each(|setting| packer.set_parameter(*setting))?;
            entries.iter().map(|entry| packer.compress(&text(entry))).collect()
        };
        cores::in_order(&parts, pack, |parts| {
            for packed in parts.flat_map(|part| part.expect("what is in memory can be packed")) {
                body.extend_from_slice(packed.strip_prefix(&MAGIC).expect("zstd writes it first"));
                begins.push(body.len() as u32);
            }
        });
        let mut bytes = Vec::new();
        Numbers::write(&begins, &mut bytes);
        Numbers::write(&by_id, &mut bytes);
        bytes.extend((dictionary.len() as u32).to_le_bytes());
        bytes.extend(dictionary);
        bytes.extend(body);
        bytes
    }

    /// Nothing if there are fewer bytes than are counted.
    pub(super) fn read(mut bytes: OwnedBytes) -> Option<Self> {
        let (begins, by_id) = (Numbers::take(&mut bytes)?, Numbers::take(&mut bytes)?);
        let end = 4 + u32::from_le_bytes(*bytes.first_chunk()?) as usize;
        let dictionary = DDict::try_create(bytes.get(4..end)?)?;
        Some(Self { begins, by_id, dictionary, packed: bytes.slice(end..bytes.len()) })
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
        let packed = [&MAGIC, self.packed.get(range)?].concat();
        let length = get_frame_content_size(&packed).ok()??;
        let mut text = Vec::new();
        text.try_reserve_exact(usize::try_from(length).ok()?).ok()?;
        let unpack = |unpacker: &mut DCtx<'_>| {
            unpacker.decompress_using_ddict(&mut text, &packed, &self.dictionary)
        };
        UNPACKER.with_borrow_mut(unpack).ok()?;
        Some(text)
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

/// What these texts have in common; nothing if they are few.
fn dictionary(texts: &[Vec<u8>]) -> Vec<u8> {
    let enough = texts.iter().map(Vec::len).sum::<usize>() > DICTIONARY;
    let learn = || zstd::dict::from_samples(texts, DICTIONARY).ok();
    enough.then(learn).flatten().unwrap_or_default()
}
