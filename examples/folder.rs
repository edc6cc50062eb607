//! Makes a folder of markdown to measure with: the shipped entries, and as many sections again of made text.
//!
//! `cargo run --release --example folder -- FOLDER SECTIONS` writes `FOLDER/*/*.md`, four sections a file, about 1 kB each:
//! first each shipped entry as a section of its title and text, then sections whose title and sentences are walks
//! through the shipped ones, from a pair of characters to one that follows it there (a Markov chain of the second
//! order). So words and pairs of characters come about as often as in real text, no two sections are the same, and
//! the same number of sections always gives the same folder.

#![forbid(unsafe_code)]
#![allow(clippy::print_stderr)]

use jieda::{Library, Place};
use std::{collections::HashMap, fs, path::Path};

/// How many sections stand in a file.
const EACH: usize = 4;

/// How long a section is at least, in bytes.
const LENGTH: usize = 900;

/// So many sentences a paragraph has.
const SENTENCES: usize = 2;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (Some(folder), Some(Ok(sections))) =
        (arguments.next(), arguments.next().map(|count| count.parse()))
    else {
        eprintln!("usage: folder FOLDER SECTIONS");
        std::process::exit(2);
    };
    for (path, text) in files(sections) {
        let path = Path::new(&folder).join(path);
        let parent = path.parent().expect("it stands in the folder");
        fs::create_dir_all(parent)
            .and_then(|()| fs::write(&path, text))
            .expect("it can be written");
    }
}

/// The paths and texts of a folder with so many sections.
pub(crate) fn files(sections: usize) -> impl Iterator<Item = (String, String)> {
    let texts = sections_of(sections);
    (0..sections.div_ceil(EACH)).map(move |file| {
        let here = &texts[file * EACH..sections.min((file + 1) * EACH)];
        let text =
            here.iter().map(|(title, text)| format!("## {title}\n\n{text}\n")).collect::<Vec<_>>();
        (
            format!("part-{:02}/{file:05}.md", file % 20),
            format!("# 第 {file} 册\n\n{}", text.join("\n")),
        )
    })
}

/// Titles and texts.
fn sections_of(count: usize) -> Vec<(String, String)> {
    let files = Place::default().files().expect("the shipped content is compiled in");
    let library = Library::of(&files).expect("the shipped content is sound");
    let entries: Vec<_> =
        library.index.entries().map(|entry| entry.expect("it lies in memory")).collect();
    let real = entries.iter().map(|entry| {
        let lines = entry.blocks.iter().map(|block| block.text.replace(['\n', '\t'], " "));
        (entry.title.clone(), lines.collect::<Vec<_>>().join("\n\n"))
    });
    let mut titles = Chain::default();
    let mut sentences = Chain::default();
    for entry in &entries {
        entry.names().for_each(|name| titles.learn(name));
        let text = entry.text();
        text.split_inclusive(['。', '\n']).map(str::trim).for_each(|text| sentences.learn(text));
    }
    let mut dice = Dice(1);
    let made = (0..).map(|number| {
        let title = format!("{}（{number}）", titles.walk(&mut dice));
        let mut text = String::new();
        while text.len() < LENGTH {
            let paragraph: String = (0..SENTENCES).map(|_| sentences.walk(&mut dice)).collect();
            text += &format!("{paragraph}\n\n");
        }
        (title, text)
    });
    real.chain(made).take(count).collect()
}

/// What follows each pair of characters, once for each time.
#[derive(Default)]
struct Chain {
    begin: Vec<(char, char)>,
    after: HashMap<(char, char), Vec<Option<char>>>,
}

impl Chain {
    fn learn(&mut self, text: &str) {
        let chars: Vec<char> = text.chars().filter(|c| !"#*|`[]<>_".contains(*c)).collect();
        let [first, second, ..] = chars[..] else { return };
        self.begin.push((first, second));
        for at in 1..chars.len() {
            let next = chars.get(at + 1).copied();
            self.after.entry((chars[at - 1], chars[at])).or_default().push(next);
        }
    }

    fn walk(&self, dice: &mut Dice) -> String {
        let mut pair = *dice.pick(&self.begin);
        let mut text = String::from_iter([pair.0, pair.1]);
        while text.len() < LENGTH
            && let Some(next) = dice.pick(&self.after[&pair])
        {
            text.push(*next);
            pair = (pair.1, *next);
        }
        text
    }
}

/// Numbers without sense, the same each time: a linear congruential generator (Numerical Recipes).
struct Dice(u64);

impl Dice {
    fn pick<'t, T>(&mut self, from: &'t [T]) -> &'t T {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        &from[(self.0 >> 33) as usize % from.len()]
    }
}
