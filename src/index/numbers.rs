//! Whole numbers side by side in a file, in as few bytes each as the largest needs.

use std::ops::Range;
use tantivy::directory::OwnedBytes;

/// Reads numbers from bytes.
#[derive(Debug)]
pub(super) struct Numbers {
    /// With [`BEHIND`] zeros at the end.
    bytes: OwnedBytes,
    count: usize,
    width: usize,
}

/// So many bytes stand behind the numbers, so that four can be read of each.
const BEHIND: usize = 3;

impl Numbers {
    /// Writes numbers behind what is there: how many there are in four bytes, how many bytes each has in one, then themselves, the
    /// lowest byte first.
    pub(super) fn write(numbers: &[u32], to: &mut Vec<u8>) {
        let largest = numbers.iter().max().copied().unwrap_or(0);
        let width = (4 - largest.leading_zeros() as usize / 8).max(1);
        to.extend((numbers.len() as u32).to_le_bytes());
        to.push(width as u8);
        for number in numbers {
            to.extend(&number.to_le_bytes()[..width]);
        }
        to.extend([0; BEHIND]);
    }

    /// Takes numbers from the front of `bytes`; nothing if there are fewer bytes than are counted.
    pub(super) fn take(bytes: &mut OwnedBytes) -> Option<Self> {
        let [a, b, c, d, width] = *bytes.first_chunk()?;
        let (count, width) = (u32::from_le_bytes([a, b, c, d]) as usize, usize::from(width));
        let end = 5 + count * width + BEHIND;
        let numbers =
            ((1..=4).contains(&width) && end <= bytes.len()).then(|| bytes.slice(5..end))?;
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
        let four = self.bytes.get(from..from + 4).filter(|_| at < self.count)?;
        let four = u32::from_le_bytes(four.try_into().ok()?);
        Some(four & u32::MAX >> (32 - 8 * self.width))
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
