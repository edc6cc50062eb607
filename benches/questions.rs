//! How long one question takes in a running program: ordinary ones, and what people and programs send by mistake.
//!
//! `cargo bench --bench questions` prints for each kind of input the median, the 99th percentile and the longest, in
//! milliseconds, over the shipped content in memory.

#![forbid(unsafe_code)]
#![allow(clippy::print_stdout)]

#[allow(dead_code, reason = "other benchmarks use the rest")]
mod shared;

use jieda::{Library, Place};
use shared::{ask, questions};
use std::{hint::black_box, time::Instant};

const ROUNDS: usize = 5;

fn main() {
    let library =
        Library::of(&Place::default().files().expect("it is compiled in")).expect("it is sound");
    let ask = |question: &str| ask(&library, question);
    let suggest = |typed: &str| {
        black_box(library.suggest(typed, 8).expect("an index in memory can be read"));
    };
    let questions = questions();
    let beginnings: Vec<String> =
        questions.iter().flat_map(|question| beginnings(question)).collect();
    println!("{:<28}{:>8}{:>10}{:>10}{:>10}", "input", "inputs", "p50 ms", "p99 ms", "max ms");
    measure("questions", &questions, ask);
    measure("bad input", &bad(), ask);
    measure("beginnings (suggest)", &beginnings, suggest);
}

/// What stands in the search box after each of the first eight characters.
fn beginnings(question: &str) -> Vec<String> {
    (1..=8).map(|length| question.chars().take(length).collect()).collect()
}

/// Long, repeated, mixed, without sense.
fn bad() -> Vec<String> {
    let bits = [
        "备案",
        "a",
        "zhuang",
        "𠀀",
        "😀",
        "%",
        "\u{200b}",
        "１",
        "\\",
        "备",
        "不",
        " ",
        "'",
        "案备",
        "一二三",
    ];
    let mut inputs = Vec::new();
    for bit in bits {
        inputs.extend([1, 20, 499, 5000].map(|count| bit.repeat(count)));
        inputs.extend(bits.map(|other| format!("{bit}{other}").repeat(120)));
    }
    // Chinese characters in an order that makes no words, by a linear congruential generator.
    let mut state = 1_u32;
    for _ in 0..50 {
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            char::from_u32(0x4E00 + (state >> 8) % 20_000).expect("all of these are characters")
        };
        inputs.push((0..500).map(|_| next()).collect());
    }
    inputs
}

fn measure(name: &str, inputs: &[String], run: impl Fn(&str)) {
    inputs.iter().for_each(|input| run(input));
    let mut times = Vec::new();
    for input in inputs {
        // The shortest of a few rounds: other programs run here too.
        let round = |_| {
            let start = Instant::now();
            run(input);
            start.elapsed().as_secs_f64() * 1e3
        };
        times.push((0..ROUNDS).map(round).fold(f64::INFINITY, f64::min));
    }
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    println!("{name:<28}{:>8}{:>10.3}{:>10.3}{:>10.3}", inputs.len(), at(0.5), at(0.99), at(1.0));
}
