//! What one thing costs in a running program, over a made folder of 2,300 sections: `cargo bench --bench parts`.
//!
//! The folder and its index are made below `target/bench` and kept. An iteration is one question, section or place, one
//! after the other, so what is printed is the mean over all of them; medians, 99th percentiles and what grows are
//! printed by `benches/growth.rs`.

#![forbid(unsafe_code)]

#[path = "../examples/folder.rs"]
#[allow(dead_code, reason = "its `main` is not wanted here")]
mod folder;
mod shared;

use criterion::{Criterion, criterion_group, criterion_main};
use jieda::{
    Library, Place,
    content::File,
    index::Proof,
    text::normalise,
    tree::{self, Forest},
};
use shared::{Bare, ask, places, questions};
use std::{fs, hint::black_box, path::Path, time::Duration};

const SECTIONS: usize = 2_300;

/// A smaller folder, for what takes long.
const FEW: usize = 460;

/// Runs each benchmark over inputs that come round again and again.
fn each<T>(criterion: &mut Criterion, name: &str, inputs: &[T], mut run: impl FnMut(&T)) {
    let mut next = inputs.iter().cycle();
    criterion.bench_function(name, |bencher| {
        bencher.iter(|| run(next.next().expect("it goes round")));
    });
}

fn search(criterion: &mut Criterion) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench");
    let content = root.join(format!("parts-{SECTIONS}"));
    if !content.exists() {
        for (path, text) in folder::files(SECTIONS) {
            let path = content.join(path);
            fs::create_dir_all(path.parent().expect("it stands in the folder"))
                .and_then(|()| fs::write(&path, text))
                .expect("it can be written");
        }
    }
    let place = Place { content: Some(content), index: Some(root.join("index")) };
    // Waits until the files are old enough to be trusted.
    let open = || Library::open(&place, Proof::Quick).expect("the folder can be read");
    let library = Some(open()).filter(|library| library.index.folder.is_some());
    let library = library.unwrap_or_else(|| Library::rebuild(&place).expect("it can be written"));
    let bare = Bare::open(&library, &root.join("index"));
    let questions = questions();
    each(criterion, "answer", &questions, |question| ask(&library, question));
    each(criterion, "bare search", &questions, |question| bare.search(question));
    each(criterion, "open an index", &[()], |()| drop(black_box(open())));
    each(criterion, "complete", &questions, |question| {
        let typed: String = question.chars().take(3).collect();
        drop(black_box(library.suggest(&typed, 8).expect("the index can be read")));
    });
}

fn build(criterion: &mut Criterion) {
    let file = |(path, text): (String, String)| File { path, bytes: Ok(text.into_bytes()) };
    let files: Vec<File> = folder::files(FEW).map(file).collect();
    let library = Library::of(&files).expect("the folder is sound");
    let texts: Vec<String> =
        library.index.entries().map(|entry| entry.expect("it lies in memory").text()).collect();
    each(criterion, "cut a section", &texts, |text| {
        drop(black_box(library.index.segmenter.cut(&normalise(text))));
    });
    each(criterion, "normalise a section", &texts, |text| drop(black_box(normalise(text))));
    each(criterion, &format!("read {FEW} sections"), &[()], |()| {
        drop(black_box(jieda::content::load(&files)));
    });
    each(criterion, &format!("build a library of {FEW} sections"), &[()], |()| {
        drop(black_box(Library::of(&files)));
    });
}

fn trees(criterion: &mut Criterion) {
    let files = Place::default().files().expect("it is compiled in");
    let library = Library::of(&files).expect("it is sound");
    let forest: &Forest = &library.index.forest;
    each(criterion, "step through a tree", &places(forest), |(tree, given)| {
        drop(black_box(tree::walk(forest, tree, given)));
    });
}

criterion_group! {
    name = parts;
    config = Criterion::default().sample_size(20).measurement_time(Duration::from_secs(4));
    targets = search, build, trees
}
criterion_main!(parts);
