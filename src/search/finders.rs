//! Which units of a question stand where in an entry.

use super::query::{Question, SYNONYM};
use crate::index::Plain;
use memchr::memmem::Finder;

/// Units of a question, each a bit.
pub(super) type Units = u32;

/// Finds the units of a question, under whatever name, in normalised text.
#[derive(Debug)]
pub(super) struct Finders<'q> {
    finders: Vec<(Units, Finder<'q>)>,
    weights: Vec<f32>,
}

impl<'q> Finders<'q> {
    pub(super) fn new(question: &'q Question) -> Self {
        let named = question.units.iter().enumerate().flat_map(|(at, unit)| {
            let names = unit.terms.iter().filter(|(_, worth)| *worth >= SYNONYM);
            names.map(move |(term, _)| (1 << at, Finder::new(term)))
        });
        let weights = question.units.iter().map(|unit| unit.weight).collect();
        Self { finders: named.collect(), weights }
    }

    /// The units that stand in `text`.
    pub(super) fn find(&self, text: &str) -> Units {
        let found =
            self.finders.iter().filter(|(_, finder)| finder.find(text.as_bytes()).is_some());
        found.fold(0, |units, (unit, _)| units | unit)
    }

    /// The units that stand in the title, then those in each of its blocks.
    pub(super) fn each(&self, plain: &Plain) -> (Units, Vec<Units>) {
        let ranges = plain.ranges();
        let mut units = vec![0; ranges.len()];
        for (unit, finder) in &self.finders {
            let mut line = 0;
            for at in finder.find_iter(plain.text().as_bytes()) {
                line += ranges[line..].partition_point(|range| range.end < at);
                units[line] |= unit;
            }
        }
        let title = units.remove(0);
        (title, units)
    }

    /// The weight of these units together.
    pub(super) fn weight(&self, units: Units) -> f32 {
        let weights = self.weights.iter().enumerate();
        weights.filter(|(at, _)| units & (1 << at) != 0).map(|(_, weight)| weight).sum()
    }

    /// The largest share of the question's weight that a block of the entry has together with the title.
    pub(super) fn block_share(&self, plain: &Plain) -> f32 {
        let (title, lines) = self.each(plain);
        let most = lines.into_iter().map(|line| self.weight(line | title)).fold(0.0, f32::max);
        most / self.weights.iter().sum::<f32>().max(f32::EPSILON)
    }
}
