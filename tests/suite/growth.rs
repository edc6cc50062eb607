//! Nothing grows faster than the content: counted in instructions by valgrind, never in time.
//!
//! The program works on contents of three sizes; the step from the second to the third, four times the first step, may
//! not need much more than four times the instructions. Whatever starts the program and reads the dictionary falls
//! out of the difference. `scripts/endure` counts larger contents, in a release build.

use crate::Random;
use std::{
    fs::{self, File},
    path::Path,
    process::Command,
    time::{Duration, SystemTime},
};

/// How many times as much the second step may need; without growth faster than the content it is 1.
const MOST: f64 = 1.3;

/// Hash maps are seeded anew each time, so that the same work never needs exactly the same.
const NOISE: f64 = 0.01;

/// Files by path.
type Files = Vec<(String, String)>;

/// A name, how many to begin with, and a folder with so many.
type Shape = (&'static str, usize, fn(usize) -> Files);

/// What has been dangerous, or could be.
const SHAPES: [Shape; 12] = [
    ("sections in folders of their own", 5, |count| {
        let files = (0..count).map(|at| (format!("{at}/{at}.md"), section(at)));
        files.collect()
    }),
    ("sections of one file", 38, |count| {
        let sections: String =
            (0..count).map(|at| format!("## 第 {at} 节\n\n一句话。\n\n")).collect();
        vec![one(&format!("# 全书\n\n{sections}"))]
    }),
    ("sections that say the same", 5, |count| {
        vec![one(&"## 一样的标题\n\n一样的话。\n\n".repeat(count))]
    }),
    ("paragraphs of a section", 50, |count| vec![one(&words(count).join("\n\n"))]),
    ("lines of a paragraph", 50, |count| vec![one(&words(count).join("\n"))]),
    ("sentences of a line", 50, |count| vec![one(&words(count).join(""))]),
    ("items of a list", 50, |count| vec![one(&format!("- {}", words(count).join("\n- ")))]),
    ("rows of a table", 25, |count| {
        let row = |word: &String| format!("| {word} | {word} |\n");
        let rows: String = words(count).iter().map(row).collect();
        vec![one(&format!("| 甲 | 乙 |\n|---|---|\n{rows}"))]
    }),
    ("bold words of a line", 50, |count| {
        vec![one(&words(count).iter().map(|word| format!("**{word}**文")).collect::<String>())]
    }),
    ("asterisks and brackets that close nothing", 50, |count| {
        vec![one(&"**[`<a 文".repeat(count))]
    }),
    ("links that lead nowhere", 25, |count| {
        let link = |at: usize| format!("[文]({at}.md#nowhere)，");
        vec![one(&(0..count).map(link).collect::<String>())]
    }),
    ("other ways to ask", 25, |count| {
        let source = "[[source]]\nid = \"rules\"\ntitle = \"规则\"\ndate = 2024-03-05\nsection = [{ id = \"1\", title = \"节\" }]\n";
        let topic = "[[topic]]\nid = \"one\"\ntitle = \"一\"\n";
        let ask = words(count).join("\", \"");
        let entry = format!(
            "+++\ntitle = \"怎么办？\"\nask = [\"{ask}\"]\nsources = [\"rules#1\"]\n+++\n就这么办。\n"
        );
        let files = [("sources.toml", source), ("topics.toml", topic), ("faq/one/how.md", &entry)];
        files.map(|(path, text)| (path.to_owned(), text.to_owned())).into()
    }),
];

fn one(text: &str) -> (String, String) {
    ("one.md".to_owned(), text.to_owned())
}

fn section(at: usize) -> String {
    format!(
        "# 第 {at} 册\n\n## {}\n\n{}\n",
        words_of(at, 2).concat(),
        words_of(at, 12).join("。\n\n")
    )
}

fn words(count: usize) -> Vec<String> {
    words_of(0, count)
}

/// Sentences of eight characters from the most frequent thousand or so, not the same for another seed.
fn words_of(seed: usize, count: usize) -> Vec<String> {
    let mut random = Random(seed as u64 + 1);
    let mut character = || char::from_u32(0x5000 + 7 * random.below(1_000) as u32).unwrap();
    (0..count).map(|_| (0..8).map(|_| character()).collect()).collect()
}

#[test]
fn indexing_grows_with_the_content() {
    grow(&SHAPES[..some()], |folder| instructions(&program(folder, "index")));
}

#[test]
fn checking_grows_with_the_content() {
    grow(&SHAPES, |folder| instructions(&program(folder, "check")));
}

#[test]
fn a_cold_answer_grows_no_faster_than_the_content() {
    grow(&SHAPES[..some()], |folder| {
        assert!(program(folder, "index").output().unwrap().status.success());
        instructions(program(folder, "ask").arg("第 3 节怎么办"))
    });
}

/// How many shapes are counted for the commands that need an index, whose sounds alone take seconds under valgrind.
fn some() -> usize {
    if crate::enduring().is_some() { SHAPES.len() } else { 3 }
}

/// Counts what each shape needs in three sizes.
#[track_caller]
fn grow(shapes: &[Shape], needs: impl Fn(&Path) -> f64) {
    let factor = if crate::enduring().is_some() { 20 } else { 1 };
    let mut faster = Vec::new();
    for (name, count, files) in shapes {
        let needs = |count: usize| {
            let folder = tempfile::tempdir().unwrap();
            write(folder.path(), files(count));
            // Nothing is left out because there is too much of it.
            assert!(program(folder.path(), "check").output().unwrap().status.success(), "{name}");
            needs(folder.path())
        };
        let [first, second, third] = [1, 4, 16].map(|times| needs(times * factor * count));
        let growth = (third - second) / (4.0 * (second - first) + NOISE * first);
        let line = format!("{growth:.2} {name}: {first:.3e}, {second:.3e}, {third:.3e}");
        println!("{line}");
        if growth > MOST {
            faster.push(line);
        }
    }
    assert!(faster.is_empty(), "{}", faster.join("\n"));
}

/// Writes files as they would have been written an hour ago, so that their index is kept.
fn write(folder: &Path, files: Files) {
    let before = SystemTime::now() - Duration::from_secs(3600);
    for (path, text) in files {
        let path = folder.join("content").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        File::options().append(true).open(&path).unwrap().set_modified(before).unwrap();
    }
}

fn program(folder: &Path, command: &str) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_jieda"));
    program.arg("--content").arg(folder.join("content")).arg("--index").arg(folder.join("index"));
    program.arg(command);
    program
}

/// How many instructions a program executes.
fn instructions(program: &Command) -> f64 {
    let output = Command::new("valgrind")
        .args(["--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"])
        .arg(program.get_program())
        .args(program.get_args())
        .output()
        .expect("scripts/test installs valgrind");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() < Some(2), "{said}");
    let count = said.lines().find_map(|line| line.split_once("I   refs:"));
    let (_, count) = count.unwrap_or_else(|| panic!("{said}"));
    count.trim().replace(',', "").parse().unwrap()
}
