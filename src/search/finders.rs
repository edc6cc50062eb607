//! Which units of a question stand where in an entry.

use super::query::{Question, SYNONYM, Units};
use crate::index::Plain;
use memchr::memmem::Finder;

/// Finds the units of a question, under whatever name, in normalised text.
#[derive(Debug)]
pub(super) struct Finders<'q>(Vec<(Units, Finder<'q>)>);

/// The units of a question that stand in an entry.
#[derive(Debug)]
pub(super) struct Stands {
    pub(super) title: Units,
    /// For each block of its [`Plain`].
    pub(super) blocks: Vec<Units>,
}

impl<'q> Finders<'q> {
    pub(super) fn new(question: &'q Question) -> Self {
        let named = question.units.iter().enumerate().flat_map(|(at, unit)| {
            let names = unit.terms.iter().filter(|(_, worth)| *worth >= SYNONYM);
            names.map(move |(term, _)| (1 << at, Finder::new(term)))
        });
        Self(named.collect())
    }

    /// The units that stand in `text`.
    pub(super) fn find(&self, text: &str) -> Units {
        let found = self.0.iter().filter(|(_, finder)| finder.find(text.as_bytes()).is_some());
        found.fold(0, |units, (unit, _)| units | unit)
    }

    /// The units that stand in an entry.
    pub(super) fn each(&self, plain: &Plain) -> Stands {
        let ranges = plain.ranges();
        let mut units = vec![0; ranges.len()];
        for (unit, finder) in &self.0 {
            let mut line = 0;
            for at in finder.find_iter(plain.text().as_bytes()) {
                line += ranges[line..].partition_point(|range| range.end < at);
                units[line] |= unit;
            }
        }
        Stands { title: units.remove(0), blocks: units }
    }
}

impl Stands {
    /// The largest share of the question's weight that a block has together with the title.
    pub(super) fn block_share(&self, question: &Question) -> f32 {
        let shares = self.blocks.iter().map(|block| question.weight_of(block | self.title));
        shares.fold(0.0, f32::max) / question.weight().max(f32::EPSILON)
    }
}
