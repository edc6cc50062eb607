//! Work on all cores that comes out in order.

use std::{num::NonZero, sync::mpsc, thread};

/// So many at most are made at a time by one core.
const CHUNK: usize = 64;

/// So many chunks of each core may wait, so that none has to wait for a slower one.
const WAITING: usize = 4;

/// Makes something of each of `items` on all cores, and hands it to `take` in the order of the items.
///
/// What is made before it is taken is bounded: a few chunks of each core wait.
pub(crate) fn in_order<T: Sync, M: Send, R>(
    items: &[T],
    make: impl Fn(&T) -> M + Sync,
    take: impl FnOnce(&mut dyn Iterator<Item = M>) -> R,
) -> R {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    // Few items are worth parting when each takes long.
    let chunk = items.len().div_ceil(64 * cores).clamp(1, CHUNK);
    let chunks = items.len().div_ceil(chunk);
    let cores = cores.min(chunks);
    let make = &make;
    thread::scope(|scope| {
        let channels = (0..cores).map(|core| {
            let (sender, made) = mpsc::sync_channel::<Vec<M>>(WAITING);
            scope.spawn(move || {
                for chunk in items.chunks(chunk).skip(core).step_by(cores) {
                    // Nobody waits any more once what could not be taken has ended all.
                    if sender.send(chunk.iter().map(make).collect()).is_err() {
                        break;
                    }
                }
            });
            made
        });
        let channels: Vec<_> = channels.collect();
        let made = channels.iter().cycle().take(chunks);
        take(&mut made.flat_map(|made| made.recv().expect("each core makes its chunks")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_comes_in_order() {
        for count in [0, 1, CHUNK, 10 * CHUNK + 1] {
            let items: Vec<usize> = (0..count).collect();
            let made: Vec<usize> = in_order(&items, |item| item * 2, |made| made.collect());
            assert_eq!(made, items.iter().map(|item| item * 2).collect::<Vec<_>>());
        }
    }

    #[test]
    fn who_takes_may_stop() {
        let items: Vec<usize> = (0..100 * CHUNK).collect();
        let first = in_order(&items, |item| *item, |made| made.next());
        assert_eq!(first, Some(0));
    }
}
