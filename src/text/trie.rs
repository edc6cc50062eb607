//! Walks through `fst` maps, from places that were reached before.

use fst::raw::{Fst, Node, Output, Transition};

/// What keys of a map begin with.
#[derive(Clone, Copy)]
pub(crate) struct Prefix<'d> {
    node: Node<'d>,
    output: Output,
}

impl<'d> Prefix<'d> {
    /// Nothing: all keys begin with it.
    pub(crate) fn empty<D: AsRef<[u8]>>(dict: &'d Fst<D>) -> Self {
        Self { node: dict.root(), output: Output::zero() }
    }

    /// This and `more`, if there are keys that begin so.
    pub(crate) fn and<D: AsRef<[u8]>>(self, dict: &'d Fst<D>, more: &[u8]) -> Option<Self> {
        more.iter().try_fold(self, |Self { node, output }, byte| {
            let next = node.transition(node.find_input(*byte)?);
            Some(Self { node: dict.node(next.addr), output: output.cat(next.out) })
        })
    }

    /// This and one byte more, with the byte.
    pub(crate) fn onward<D: AsRef<[u8]>>(
        self,
        dict: &'d Fst<D>,
    ) -> impl Iterator<Item = (u8, Self)> {
        (0..self.node.len()).map(move |at| {
            let next = self.node.transition(at);
            let output = self.output.cat(next.out);
            (next.inp, Self { node: dict.node(next.addr), output })
        })
    }

    /// What it is mapped to, if it is a key itself.
    pub(crate) fn value(self) -> Option<u64> {
        let is_key = self.node.is_final();
        is_key.then(|| self.output.cat(self.node.final_output()).value())
    }

    /// Calls `found` with what follows in each key that begins so, in their order, and its value.
    pub(crate) fn each<D: AsRef<[u8]>>(self, dict: &'d Fst<D>, mut found: impl FnMut(&str, u64)) {
        if let Some(value) = self.value() {
            found("", value);
        }
        let mut rest: Vec<u8> = Vec::new();
        // The ways on that are left, each with how much stands before it; the next one is the last.
        let mut ways: Vec<(usize, Transition)> = Vec::new();
        let Self { mut node, mut output } = self;
        loop {
            let onward = (0..node.len()).rev().map(|at| node.transition(at));
            let with = |next: Transition| Transition { out: output.cat(next.out), ..next };
            ways.extend(onward.map(|next| (rest.len(), with(next))));
            let Some((length, way)) = ways.pop() else { return };
            rest.truncate(length);
            rest.push(way.inp);
            (node, output) = (dict.node(way.addr), way.out);
            if node.is_final()
                && let Ok(rest) = std::str::from_utf8(&rest)
            {
                found(rest, output.cat(node.final_output()).value());
            }
        }
    }
}

/// Calls `found` with each key of `dict` that `text` begins with, and its value.
pub(crate) fn prefixes<'t, D: AsRef<[u8]>>(
    dict: &Fst<D>,
    text: &'t str,
    mut found: impl FnMut(&'t str, usize),
) {
    let mut prefix = Prefix::empty(dict);
    for end in 1..=text.len() {
        let Some(longer) = prefix.and(dict, &text.as_bytes()[end - 1..end]) else { return };
        prefix = longer;
        if let Some(value) = prefix.value()
            && text.is_char_boundary(end)
        {
            found(&text[..end], value as usize);
        }
    }
}
