//! Fits the weights of the score and of confidence to questions with known answers.
//!
//! `cargo run --release --example fit -- tests/eval/tune.jsonl tests/eval/dev.jsonl` prints the constants for
//! `src/search/mod.rs` (`WEIGHTS`) and `src/answer.rs` (`CONFIDENCE`), and how well they do on these questions.
//!
//! The score is fitted so that a hit with the right statement is likely to come first (a softmax over the first 30 hits),
//! confidence so that it is the chance that the answer is right (logistic regression). Run it again after it has changed
//! anything, for the hits follow from the weights.

#![allow(clippy::print_stdout)]

use jieda::{Library, Place, Result, answer, eval, search};
use jiff::civil::{Date, date};
use std::{env, fs};

const DAY: Date = date(2026, 11, 22);

/// Hits of a question that compete.
const HITS: usize = 30;

/// Steps of gradient descent, and their length.
const STEPS: usize = 4_000;
const LENGTH: f64 = 0.5;

/// Keeps weights small where the questions say nothing.
const DECAY: f64 = 1e-3;

/// What speaks for a hit, and whether it is right.
type Case = ([f64; 5], bool);

fn main() -> Result<()> {
    let place = Place { content: Some("content".into()), index: None };
    let library = Library::of(&place.files()?)?;
    let mut ranked: Vec<Vec<Case>> = Vec::new();
    let mut answers: Vec<Case> = Vec::new();
    for file in env::args().skip(1) {
        let text = fs::read_to_string(&file).expect("a file of questions");
        for question in eval::read(&file, &text)? {
            let found = search::search(&library.index, &question.text, DAY, HITS, false)?;
            let Some(first) = found.hits.first() else { continue };
            let passage = answer::passage(&library, first, &found);
            let said = format!("{}\n{}", first.entry.title, passage.text);
            let right = !question.is_none() && question.fits(&said);
            // What is asked by name needs no confidence.
            if !first.asked {
                answers.push((search::signals(&found.question, first).map(f64::from), right));
            }
            let hits = found.hits.iter().filter(|hit| !hit.is_cell()).map(|hit| {
                let grounds = hit.grounds.all().map(|ground| f64::from(ground * hit.factor));
                (grounds, !question.is_none() && question.is_answered_by(&hit.entry))
            });
            let hits: Vec<_> = hits.collect();
            if hits.iter().any(|(_, right)| *right) {
                ranked.push(hits);
            }
        }
    }
    let weights = descend([4.0; 5], |weights| rank(weights, &ranked));
    let sum: f64 = weights.iter().sum();
    println!("WEIGHTS     {:.2?}", weights.map(|weight| weight / sum));
    let first = ranked.iter().filter(|hits| {
        let score = |(grounds, _): &&Case| dot(&weights, grounds);
        hits.iter().max_by(|a, b| score(a).total_cmp(&score(b))).is_some_and(|(_, right)| *right)
    });
    println!("right first {} of {} that have a right hit", first.count(), ranked.len());
    let confidence = descend([0.0; 5], |weights| regress(weights, &answers));
    println!("CONFIDENCE  {confidence:.2?}");
    println!("threshold: right answers, wrong ones of {}", answers.len());
    for threshold in [0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8] {
        let sure = |(signals, _): &&Case| logistic(dot(&confidence, signals)) >= threshold;
        let (right, wrong): (Vec<&Case>, _) =
            answers.iter().filter(sure).partition(|(_, right)| *right);
        println!("{threshold:.2}: {} {}", right.len(), wrong.len());
    }
    Ok(())
}

/// Follows the gradient down from `weights`; steps become shorter where it has been steep (Adagrad).
fn descend(mut weights: [f64; 5], gradient: impl Fn(&[f64; 5]) -> [f64; 5]) -> [f64; 5] {
    let mut steep = [1e-9; 5];
    for _ in 0..STEPS {
        let slope = gradient(&weights);
        for at in 0..5 {
            steep[at] += slope[at] * slope[at];
            weights[at] -= LENGTH * slope[at] / steep[at].sqrt();
        }
    }
    weights
}

/// The gradient of the mean of -ln(chance that a right hit is drawn), and of what keeps weights small.
fn rank(weights: &[f64; 5], ranked: &[Vec<Case>]) -> [f64; 5] {
    let mut slope = weights.map(|weight| 2.0 * DECAY * weight);
    for hits in ranked {
        let chances: Vec<f64> =
            hits.iter().map(|(grounds, _)| dot(weights, grounds).exp()).collect();
        let all: f64 = chances.iter().sum();
        let right: f64 = chances
            .iter()
            .zip(hits)
            .filter(|(_, (_, right))| *right)
            .map(|(chance, _)| chance)
            .sum();
        for ((grounds, is_right), chance) in hits.iter().zip(&chances) {
            let by = chance / all - if *is_right { chance / right } else { 0.0 };
            for at in 0..5 {
                slope[at] += by * grounds[at] / ranked.len() as f64;
            }
        }
    }
    slope
}

/// The gradient of the mean log loss of a logistic regression.
fn regress(weights: &[f64; 5], answers: &[Case]) -> [f64; 5] {
    let mut slope = [0.0; 5];
    for (signals, right) in answers {
        let off = logistic(dot(weights, signals)) - if *right { 1.0 } else { 0.0 };
        for at in 0..5 {
            slope[at] += off * signals[at] / answers.len() as f64;
        }
    }
    slope
}

fn dot(a: &[f64; 5], b: &[f64; 5]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn logistic(sum: f64) -> f64 {
    1.0 / (1.0 + (-sum).exp())
}
