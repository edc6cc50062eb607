//! The content that ships with the program, held to what was read in its sources.

use jieda::content::{self, Citation, Content, Entry};
use std::{path::Path, process::Command, sync::LazyLock};

static SHIPPED: LazyLock<Content> = LazyLock::new(|| {
    content::load(&content::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("content")).unwrap())
});

/// The lines of a table below `cases`, without its head, each cut at its tabs.
fn table(name: &str) -> Vec<Vec<String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(name);
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().skip(1).map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

fn entry<'c>(content: &'c Content, id: &str) -> Option<&'c Entry> {
    content.entries.iter().find(|entry| entry.id == id)
}

/// Each fact was read in a source: the entry tells it and names the section.
#[test]
fn facts_of_the_sources_are_told() {
    let facts = table("facts.tsv");
    assert!(facts.len() >= 120, "only {} facts", facts.len());
    let mut missing = Vec::new();
    for line in &facts {
        let [question, fact, source, id] = &line[..] else { panic!("{line:?}") };
        let Some(entry) = entry(&SHIPPED, id) else {
            missing.push(format!("{question}: no entry {id}"));
            continue;
        };
        let text = format!("{}\n{}", entry.title, entry.text()).replace('\n', " ");
        if !fact.split('|').any(|fact| text.contains(fact)) {
            missing.push(format!("{question}: {id} does not say {fact}"));
        }
        let cites =
            |citation: &Citation| format!("{}#{}", citation.id, citation.section) == *source;
        let older = entry.changed.iter().flat_map(|changed| &changed.sources);
        let disputed = entry.disputed.iter().flat_map(|disputed| &disputed.sources);
        if !entry.sources.iter().chain(older).chain(disputed).any(cites) {
            missing.push(format!("{question}: {id} does not cite {source}"));
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

/// Each place where the sources disagree is told, as an older value, as a dispute or in the text.
#[test]
fn disagreements_of_the_sources_are_told() {
    let places = table("disagreements.tsv");
    let mut missing = Vec::new();
    for line in &places {
        let [place, id, kind, text] = &line[..] else { panic!("{line:?}") };
        let told = entry(&SHIPPED, id).is_some_and(|entry| match &**kind {
            "changed" => entry
                .changed
                .iter()
                .any(|older| older.was.contains(text) || older.what.contains(text)),
            "disputed" => entry.disputed.iter().any(|other| {
                other.decision.contains(text) || other.says.iter().any(|said| said.contains(text))
            }),
            _ => format!("{}\n{}", entry.title, entry.text()).contains(text),
        });
        if !told {
            missing.push(format!("{place}: {id} has no {kind} with {text}"));
        }
    }
    for (part, count) in [("replaced", 29), ("unranked", 24), ("silent", 9)] {
        for number in 1..=count {
            let place = format!("{part}-{number}");
            if !places.iter().any(|line| line[0] == place) {
                missing.push(format!("{place} is told nowhere"));
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

fn jieda(args: &[&str]) -> (Option<i32>, String) {
    let index = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_jieda"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(args)
        .env("JIEDA_INDEX", index.path())
        .env("JIEDA_TODAY", "2026-11-22")
        .output()
        .unwrap();
    (output.status.code(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
}

#[test]
fn the_shipped_content_has_no_problem() {
    let (status, out) = jieda(&["check", "--strict"]);
    assert_eq!(status, Some(0), "{out}");
}

#[test]
fn every_section_of_the_sources_is_told() {
    let (status, out) = jieda(&["check", "--coverage"]);
    assert_eq!(status, Some(0), "{out}");
    let sections: usize = SHIPPED.sources.iter().map(|source| source.sections.len()).sum();
    assert_eq!(out.lines().count(), sections + 1);
}

/// `docs/disagreements.md` is what the content says; `UPDATE=1` writes it.
#[test]
fn the_list_of_disagreements_is_up_to_date() {
    let (_, out) = jieda(&["check", "--disagreements"]);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/disagreements.md");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &out).unwrap();
    }
    snapbox::assert_data_eq!(out, snapbox::Data::read_from(&path, None));
}
