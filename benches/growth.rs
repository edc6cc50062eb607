//! What grows with the content: answers, a plain search of the same sections beside them, and cutting the text.
//!
//! `cargo bench --bench growth -- answers INDEXES FOLDER…` answers the questions over each folder in turn, in as many
//! rounds as `ROUNDS` says (5), and prints a line of JSON for each: sections, median and 99th percentile of an answer and
//! of a plain tantivy search in milliseconds, answers a second on one thread and on two; then one for a step through
//! the shipped trees. All figures are medians over the rounds.
//!
//! `… -- cut FOLDER THREADS` cuts the text of a folder into words, section by section, and prints how many seconds that took.
//!
//! `scripts/bench` makes the folders, runs both, and puts the figures beside the goals.

#![forbid(unsafe_code)]
#![allow(clippy::print_stdout)]

mod shared;

use jieda::{
    Library, Place,
    index::Proof,
    text::{Segmenter, normalise},
    tree,
};
use serde_json::json;
use shared::{Bare, Stand, ask, places, questions};
use std::{env, hint::black_box, path::Path, thread, time::Instant};

fn main() {
    // `cargo bench` adds a flag of its own.
    let arguments: Vec<String> = env::args().skip(1).filter(|word| word != "--bench").collect();
    let arguments: Vec<&str> = arguments.iter().map(|word| &**word).collect();
    match *arguments {
        ["answers", indexes, ref folders @ ..] => answers(Path::new(indexes), folders),
        ["cut", folder, threads] => cut(folder, threads.parse().expect("THREADS is a number")),
        _ => println!("usage: growth answers INDEXES FOLDER… | growth cut FOLDER THREADS"),
    }
}

/// One round: a time in milliseconds for each input.
fn round<T>(inputs: &[T], mut run: impl FnMut(&T)) -> Vec<f64> {
    let time = |input| {
        let start = Instant::now();
        run(input);
        start.elapsed().as_secs_f64() * 1e3
    };
    let mut times: Vec<f64> = inputs.iter().map(time).collect();
    times.sort_by(f64::total_cmp);
    times
}

fn at(times: &[f64], share: f64) -> f64 {
    times[((times.len() - 1) as f64 * share).round() as usize]
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    at(&figures, 0.5)
}

/// The figures of a folder, one a round.
#[derive(Default)]
struct Figures {
    p50: Vec<f64>,
    p99: Vec<f64>,
    bare_p50: Vec<f64>,
    bare_p99: Vec<f64>,
    ratio: Vec<f64>,
    to_first: Vec<f64>,
    one: Vec<f64>,
    two: Vec<f64>,
    threads: Vec<f64>,
}

fn answers(indexes: &Path, folders: &[&str]) {
    let rounds = env::var("ROUNDS").map_or(5, |rounds| rounds.parse().expect("it is a number"));
    let questions = questions();
    let open = |folder: &&str| {
        let place = Place { content: Some(folder.into()), index: Some(indexes.to_owned()) };
        Library::open(&place, Proof::Quick).expect("the folder can be read")
    };
    let libraries: Vec<Library> = folders.iter().map(open).collect();
    let bare: Vec<Bare<'_>> =
        libraries.iter().map(|library| Bare::open(library, indexes)).collect();
    let shipped = Library::of(&Place::default().files().expect("it is compiled in"));
    let shipped = shipped.expect("it is sound");
    let forest = &shipped.index.forest;
    let places = places(forest);
    let step = |(tree, given): &Stand<'_>| drop(black_box(tree::walk(forest, tree, given)));

    let mut figures: Vec<Figures> = folders.iter().map(|_| Figures::default()).collect();
    let (mut step_p50, mut step_p99) = (Vec::new(), Vec::new());
    // The first round warms up.
    for number in 0..=rounds {
        let mut first = None;
        for ((library, bare), figures) in libraries.iter().zip(&bare).zip(&mut figures) {
            let answer = round(&questions, |question| ask(library, question));
            let plain = round(&questions, |question| bare.search(question));
            let one = rate(library, &questions, 1);
            let two = rate(library, &questions, 2);
            let first = *first.get_or_insert(at(&answer, 0.5));
            if number > 0 {
                figures.p50.push(at(&answer, 0.5));
                figures.p99.push(at(&answer, 0.99));
                figures.bare_p50.push(at(&plain, 0.5));
                figures.bare_p99.push(at(&plain, 0.99));
                figures.ratio.push(at(&answer, 0.5) / at(&plain, 0.5));
                figures.to_first.push(at(&answer, 0.5) / first);
                figures.one.push(one);
                figures.two.push(two);
                figures.threads.push(two / one);
            }
        }
        let steps = round(&places, step);
        if number > 0 {
            step_p50.push(at(&steps, 0.5));
            step_p99.push(at(&steps, 0.99));
        }
    }
    for (library, figures) in libraries.iter().zip(figures) {
        let line = json!({
            "sections": library.index.overview.entries,
            "p50": median(figures.p50),
            "p99": median(figures.p99),
            "bare_p50": median(figures.bare_p50),
            "bare_p99": median(figures.bare_p99),
            "ratio": median(figures.ratio),
            "to_first": median(figures.to_first),
            "one": median(figures.one),
            "two": median(figures.two),
            "threads": median(figures.threads),
        });
        println!("{line}");
    }
    let (p50, p99) = (median(step_p50), median(step_p99));
    println!("{}", json!({ "places": places.len(), "step_p50": p50, "step_p99": p99 }));
}

/// How many answers a second come from so many threads that each ask all questions.
fn rate(library: &Library, questions: &[String], threads: usize) -> f64 {
    let start = Instant::now();
    thread::scope(|scope| {
        for thread in 0..threads {
            let (before, after) = questions.split_at(thread * questions.len() / threads);
            let all = after.iter().chain(before);
            scope.spawn(move || all.for_each(|question| ask(library, question)));
        }
    });
    (threads * questions.len()) as f64 / start.elapsed().as_secs_f64()
}

fn cut(folder: &str, threads: usize) {
    let files = jieda::content::read(Path::new(folder)).expect("the folder can be read");
    let texts: Vec<String> = files
        .into_iter()
        .map(|file| String::from_utf8(file.bytes.expect("it can be read")).expect("it is UTF-8"))
        .collect();
    let sections: Vec<&str> = texts.iter().flat_map(|text| text.split("\n## ")).collect();
    let segmenter = Segmenter::new([""; 0]);
    let start = Instant::now();
    thread::scope(|scope| {
        for part in sections.chunks(sections.len().div_ceil(threads)) {
            let cut = |section: &&str| drop(black_box(segmenter.cut(&normalise(section))));
            scope.spawn(move || part.iter().for_each(cut));
        }
    });
    let seconds = start.elapsed().as_secs_f64();
    println!("{}", json!({ "sections": sections.len(), "seconds": seconds }));
}
