//! What a user sees, room by room.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test that cannot go on has failed")]

mod answer;
mod api;
mod attack;
mod console;
mod content;
mod crash;
mod fuzz;
mod growth;
mod hostile;
mod index;
mod internal;
mod licences;
mod page;
mod proxy;
mod running;
mod server;
mod shipped;
mod site;
mod soak;
mod tree;
mod web;

use jieda::{
    Library,
    answer::{Answer, Asking},
};
use jiff::civil::Date;
use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

/// Whether the tests that have a long form run it (`scripts/endure`), and how long those take that have no other end:
/// `JIEDA_ENDURE` is the number of minutes.
fn enduring() -> Option<Duration> {
    let minutes = std::env::var("JIEDA_ENDURE").ok()?;
    Some(Duration::from_secs(
        60 * minutes.parse::<u64>().expect("JIEDA_ENDURE is a number of minutes"),
    ))
}

/// Numbers that look random and are the same in every run.
struct Random(u64);

impl Random {
    /// The next number below `bound`, which is not 0.
    fn below(&mut self, bound: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }
}

/// The files or folders of `tests/cases/<room>`, without the expected results.
#[track_caller]
fn cases(room: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(room);
    let mut cases: Vec<PathBuf> =
        fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.retain(|path| path.extension().is_none_or(|ending| ending != "out"));
    cases.sort();
    assert!(!cases.is_empty(), "no cases in {}", folder.display());
    cases
}

/// What the library says to a question, with at most five hits.
fn answer(library: &Library, question: &str, day: Date) -> Answer {
    jieda::answer(library, &Asking { question, day, top: 5, exact: false, unheard: &[] }).unwrap()
}

/// Compares `actual` with the file beside `case` that ends in `.out`; `UPDATE=1` writes it.
#[track_caller]
fn expect(case: &Path, actual: &str) {
    let golden = case.with_extension("out");
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&golden, actual).unwrap();
    }
    let expected = fs::read_to_string(&golden).unwrap_or_default();
    snapbox::assert_data_eq!(actual, snapbox::Data::text(expected).raw());
}
