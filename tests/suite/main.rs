//! What a user sees, room by room.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test that cannot go on has failed")]

mod answer;
mod api;
mod console;
mod content;
mod hostile;
mod index;
mod internal;
mod licences;
mod page;
mod running;
mod server;
mod shipped;
mod site;
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
};

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
