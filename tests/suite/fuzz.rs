//! The targets of `fuzz/` on their seeds, and on what becomes of these by chance.

#[path = "../../fuzz/targets.rs"]
mod targets;

use super::{Random, enduring};
use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    path::Path,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

const MUTATIONS: usize = 2000;

/// No input becomes longer, in bytes.
const LONGEST: usize = 16 << 10;

/// What means something somewhere, or is often forgotten.
const TOKENS: &str = "\0¶\r\n¶\n\n¶\t¶ ¶\"¶\"\"\"¶'¶`¶```\n¶~~~¶|¶|-|-|\n¶](¶![¶<div>¶</div>¶<!--¶<table>¶+++\n¶---\n¶# ¶- ¶1. ¶> ¶:::¶\
{{ ¶ }}¶[[rule]]\n¶[x]\n¶ = ¶\\¶%¶%00¶%E5¶&¶?¶=¶/¶..¶#¶-1¶99999999999999999999¶\u{200b}¶\u{feff}¶備案¶１２¶未备案";

#[test]
fn markdown_withstands_chance() {
    run("markdown", targets::markdown);
}

#[test]
fn trees_withstand_chance() {
    run("trees", targets::trees);
}

#[test]
fn questions_withstand_chance() {
    run("questions", targets::questions);
}

#[test]
fn heads_withstand_chance() {
    run("heads", targets::heads);
}

#[test]
fn addresses_withstand_chance() {
    run("addresses", targets::addresses);
}

/// Tries all seeds, and then what becomes of them: 2,000 times the same, or as long as the tests are to endure.
#[track_caller]
fn run(name: &str, target: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(name);
    let mut paths: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let seeds: Vec<Vec<u8>> = paths.iter().map(|path| fs::read(path).unwrap()).collect();
    assert!(seeds.len() > 5, "few seeds for {name}");
    seeds.iter().for_each(|seed| attempt(name, target, seed));
    let tokens: Vec<&str> = TOKENS.split('¶').collect();
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
    let mut random = Random(enduring().map_or(1, |_| now()));
    let start = Instant::now();
    let (mut tried, mut slowest) = (0, (Duration::ZERO, Vec::new()));
    while enduring().map_or(tried < MUTATIONS, |length| start.elapsed() < length) {
        let input = mutate(&seeds, &tokens, &mut random);
        let begun = Instant::now();
        attempt(name, target, &input);
        slowest = slowest.max((begun.elapsed(), input));
        tried += 1;
    }
    let (slowest, input) = slowest;
    let path = keep(&format!("{name}-slowest"), &input);
    println!(
        "{name}: {tried} inputs in {:.0?}, the slowest {slowest:.0?}, {path}",
        start.elapsed()
    );
    // What grows without bound takes minutes.
    assert!(slowest < Duration::from_secs(60), "{name}: {slowest:?}");
}

/// Writes an input to a file, and returns its path.
fn keep(name: &str, input: &[u8]) -> String {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("fuzz-{name}"));
    fs::write(&path, input).unwrap();
    path.display().to_string()
}

/// Keeps an input that does harm, as a seed for the future.
fn attempt(name: &str, target: fn(&[u8]), input: &[u8]) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| target(input))) {
        let path = keep(name, input);
        println!("the input is in {path}; as a file of fuzz/seeds/{name} it stays a case");
        resume_unwind(panic);
    }
}

/// A seed, changed in one to six places, mostly in few.
fn mutate(seeds: &[Vec<u8>], tokens: &[&str], random: &mut Random) -> Vec<u8> {
    let mut bytes = seeds[random.below(seeds.len())].clone();
    for _ in 0..=random.below(6).min(random.below(6)) {
        let at = random.below(bytes.len() + 1);
        let end = at + random.below((bytes.len() - at).min(40) + 1);
        match random.below(8) {
            0 | 1 => drop(bytes.splice(at..at, tokens[random.below(tokens.len())].bytes())),
            2 => drop(bytes.drain(at..end)),
            3 => {
                let piece = bytes[at..end].repeat(1 + random.below(20));
                bytes.splice(at..at, piece);
            }
            4 => {
                let piece = bytes[at..end].to_vec();
                let to = random.below(bytes.len() + 1);
                bytes.splice(to..to, piece);
            }
            5 => {
                let other = &seeds[random.below(seeds.len())];
                let from = random.below(other.len() + 1);
                bytes.splice(at..end, other[from..].iter().take(200).copied());
            }
            6 => bytes[at..end].iter_mut().take(1).for_each(|byte| *byte ^= 1 << random.below(8)),
            _ => bytes[at..end].iter_mut().take(1).for_each(|byte| *byte = random.below(256) as u8),
        }
    }
    bytes.truncate(LONGEST);
    bytes
}
