//! Whole numbers side by side in a file, in as few bits each as the largest needs.

use std::ops::Range;
use tantivy::directory::OwnedBytes;

/// Reads numbers from bytes.
#[derive(Debug)]
pub(super) struct Numbers {
    /// With [`BEHIND`] zeros at the end.
    bytes: OwnedBytes,
    count: usize,
    /// How many bits each has.
    width: usize,
}

/// So many bytes stand behind the numbers, so that eight can be read of each.
const BEHIND: usize = 7;

impl Numbers {
    /// Writes numbers behind what is there: how many there are in four bytes, how many bits each has in one, then themselves, the
    /// lowest bit first.
    pub(super) fn write(numbers: &[u32], to: &mut Vec<u8>) {
        let largest = numbers.iter().max().copied().unwrap_or(0);
        let width = (u32::BITS - largest.leading_zeros()).max(1);
        to.extend((numbers.len() as u32).to_le_bytes());
        to.push(width as u8);
        let (mut bits, mut count) = (0_u64, 0);
        for number in numbers {
            bits |= u64::from(*number) << count;
            count += width;
            while count >= u8::BITS {
                to.push(bits as u8);
                bits >>= u8::BITS;
                count -= u8::BITS;
            }
        }
        to.extend((count > 0).then_some(bits as u8));
        to.extend([0; BEHIND]);
    }

    /// Takes numbers from the front of `bytes`; nothing if there are fewer bytes than are counted.
    pub(super) fn take(bytes: &mut OwnedBytes) -> Option<Self> {
        let [a, b, c, d, width] = *bytes.first_chunk()?;
        let (count, width) = (u32::from_le_bytes([a, b, c, d]) as usize, usize::from(width));
        let end = 5 + (count * width).div_ceil(8) + BEHIND;
        let numbers =
            ((1..=32).contains(&width) && end <= bytes.len()).then(|| bytes.slice(5..end))?;
        *bytes = bytes.slice(end..bytes.len());
        Some(Self { bytes: numbers, count, width })
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// The first of `places` where the number is not less than `least`, or their end. There the numbers must be in order.
    pub(super) fn not_less(&self, least: u32, places: Range<usize>) -> usize {
        let Range { start: mut low, end: mut high } = places;
        while low < high {
            let middle = low.midpoint(high);
            let less = self.get(middle).is_some_and(|number| number < least);
            (low, high) = if less { (middle + 1, high) } else { (low, middle) };
        }
        low
    }

    /// The number at this place.
    #[inline]
    pub(super) fn get(&self, at: usize) -> Option<u32> {
        let from = at * self.width;
        let eight = self.bytes.get(from / 8..from / 8 + 8).filter(|_| at < self.count)?;
        let bits = u64::from_le_bytes(eight.try_into().ok()?);
        Some((bits >> (from % 8) & !(u64::MAX << self.width)) as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn nothing_is_lost(
            first in proptest::collection::vec(0..=300_u32, 0..20),
            second in proptest::collection::vec(any::<u32>(), 0..20),
        ) {
            let mut bytes = Vec::new();
            Numbers::write(&first, &mut bytes);
            Numbers::write(&second, &mut bytes);
            let mut bytes = OwnedBytes::new(bytes);
            for expected in [first, second] {
                let numbers = Numbers::take(&mut bytes).unwrap();
                let read: Vec<u32> = (0..numbers.len()).filter_map(|at| numbers.get(at)).collect();
                prop_assert_eq!(read, expected);
                prop_assert_eq!(numbers.get(numbers.len()), None);
            }
            prop_assert!(bytes.is_empty());
        }
    }

    #[test]
    fn too_few_bytes_are_nothing() {
        let mut bytes = Vec::new();
        Numbers::write(&[1, 2, 3], &mut bytes);
        for end in 0..bytes.len() {
            assert!(Numbers::take(&mut OwnedBytes::new(bytes[..end].to_vec())).is_none());
        }
    }
}
