use jieda::content::{self, Entry, FILE_LINES, File, Kind, Style};
use std::{fmt::Write, fs, path::Path};

/// Beside each markdown file or folder of `cases/content` a `.out` lists its entries and problems.
#[test]
fn markdown_becomes_entries() {
    for case in super::cases("content") {
        super::expect(&case, &describe(&content::load(&files(&case))));
    }
}

/// Beside each folder of `cases/lint` a `.out` lists what `jieda check` finds in it, on one day.
#[test]
fn a_folder_is_looked_over_as_a_whole() {
    for case in super::cases("lint") {
        let files = files(&case);
        let content = content::load(&files);
        let mut problems = content.problems.clone();
        problems.extend(content::lint(&files, &content, jiff::civil::date(2026, 11, 22)));
        problems.sort();
        let lines: String = problems.iter().map(|problem| format!("{problem}\n")).collect();
        super::expect(&case, &lines);
    }
}

/// Links are followed once: those that lead back up, even by way of each other, show nothing new, and one that leads nowhere
/// says so.
#[cfg(unix)]
#[test]
fn links_in_a_folder_are_followed_once() {
    let folder = tempfile::tempdir().unwrap();
    let at = |path: &str| folder.path().join(path);
    let link = |from: &str, to: &str| std::os::unix::fs::symlink(at(to), at(from)).unwrap();
    for path in ["a", "b", ".hidden"] {
        fs::create_dir(at(path)).unwrap();
        fs::write(at(path).join("one.md"), "# 一\n\n一句。\n").unwrap();
    }
    fs::write(at(".secret.md"), "# 二\n").unwrap();
    link("a/up", "");
    link("a/self", "a");
    link("a/to-b", "b");
    link("b/to-a", "a");
    link("again.md", "a/one.md");
    link("nowhere.md", "gone.md");
    let read = content::read(folder.path()).unwrap();
    let seen: Vec<(&str, bool)> =
        read.iter().map(|file| (&*file.path, file.bytes.is_ok())).collect();
    let expected = [
        ("a/one.md", true),
        ("a/to-b/one.md", true),
        ("again.md", true),
        ("b/one.md", true),
        ("b/to-a/one.md", true),
        ("nowhere.md", false),
    ];
    assert_eq!(seen, expected);
}

/// Once each heading was tried with all numbers that those before it had, and 12,400 took half a minute.
#[test]
fn many_sections_may_have_the_same_heading() {
    let text = "## 注意\n\n先登录。\n\n".repeat(FILE_LINES / 4);
    let bytes = Ok(text.into_bytes());
    let content = content::load(&[File { path: "manual.md".into(), bytes }]);
    let ids: Vec<&str> = content.entries.iter().map(|entry| &*entry.id).collect();
    assert_eq!(ids[..3], ["manual/注意", "manual/注意-2", "manual/注意-3"]);
    assert_eq!(ids.last(), Some(&&*format!("manual/注意-{}", FILE_LINES / 4)));
}

/// A folder, or a single file as the only one of its folder.
fn files(case: &Path) -> Vec<File> {
    if case.is_dir() {
        return content::read(case).unwrap();
    }
    vec![File {
        path: case.file_name().unwrap().to_string_lossy().into(),
        bytes: Ok(fs::read(case).unwrap()),
    }]
}

fn describe(content: &content::Content) -> String {
    let mut out = String::new();
    for entry in &content.entries {
        writeln!(
            out,
            "{} 「{}」 {}:{} {}",
            entry.id,
            entry.title,
            entry.file,
            entry.line,
            entry.trail.join(" › ")
        )
        .unwrap();
        for source in &entry.sources {
            let date = source.date.map_or(String::new(), |date| date.to_string());
            writeln!(
                out,
                "  source {} {} {} {} {date}",
                source.id, source.title, source.section, source.section_title
            )
            .unwrap();
        }
        for ask in &entry.ask {
            writeln!(out, "  ask {ask}").unwrap();
        }
        for changed in &entry.changed {
            let sources: Vec<&str> = changed.sources.iter().map(|source| &*source.id).collect();
            writeln!(out, "  changed {}: {} ({})", changed.what, changed.was, sources.join(", "))
                .unwrap();
        }
        for disputed in &entry.disputed {
            writeln!(out, "  disputed {}: {}", disputed.what, disputed.says.join(" / ")).unwrap();
        }
        for index in 0..entry.blocks.len() {
            describe_block(entry, index, &mut out);
        }
        writeln!(out).unwrap();
    }
    for problem in &content.problems {
        writeln!(out, "{problem}").unwrap();
    }
    out
}

/// The line, what the block is, what stands out in it: `7 Item(None) level 1 请[先登录：strong]再退款`.
fn describe_block(entry: &Entry, index: usize, out: &mut String) {
    let block = &entry.blocks[index];
    let mut places: Vec<(usize, bool, usize, String)> = Vec::new();
    for (order, mark) in block.marks.iter().enumerate() {
        let name = match &mark.kind {
            Style::Strong => "strong".to_owned(),
            Style::Emphasis => "em".to_owned(),
            Style::Code => "code".to_owned(),
            Style::Link(address) => format!("→ {address}"),
            Style::Image(address) => format!("image {address}"),
        };
        places.push((mark.start, true, order, "⟦".to_owned()));
        places.push((mark.end, false, usize::MAX - order, format!("|{name}⟧")));
    }
    places.sort_by_key(|(at, opens, order, _)| (*at, *opens, *order));
    let mut text = block.text.clone();
    for (at, _, _, piece) in places.into_iter().rev() {
        text.insert_str(at, &piece);
    }
    let text = text.replace('\n', "⏎").replace('\t', " ⇥ ");
    let kind = match &block.kind {
        Kind::Html(clean) => format!("Html {}", clean.replace('\n', "⏎").trim_end()),
        kind => format!("{kind:?}"),
    };
    let headings = entry.headings().nth(index).unwrap().join(" › ");
    let under = if headings.is_empty() { headings } else { format!(" under {headings}") };
    writeln!(
        out,
        "  {} {kind} {}{under} {text}",
        block.line,
        ["", "level 1", "level 2", "level 3"][block.level as usize]
    )
    .unwrap();
}

/// Pieces of markdown; `%` stands for a word that occurs nowhere else.
const PIECES: [&str; 25] = [
    "%\n",
    "%，**%：**%\n",
    "# % {#%x .concept}\n",
    "## %\n",
    "### % {%}\n",
    "%\n===\n",
    "- %\n- %\n  - %\n",
    "1. %\n\n   %\n\n2. ![%](https://example.com/%x.png)\n",
    "> %\n",
    "> [!NOTE]\n> %\n",
    "```\n%\n\n**%：**%\n```\n",
    "    %\n",
    "|%|%|\n|---|---|\n|%|%|\n|%|\n|%|%|%|\n",
    "|%|%|\n|:---|:---|\n|%| -   %\n\n-   %\n\n ** %： **\n\n |\n|%|%|\n%\n",
    "|%|%|\n|---|---|\n|%|%\n",
    "%|%\n---|---\n%|%|%\n%\n",
    "|%|%|\n|---|\n|%\n",
    "|%|不是表\n",
    "[%](%x.md) `%` <b>%</b><br>% ![](a.png)\n",
    "<div><p>%</p><table><tr><td>%</td></tr></table></div>\n",
    "%[^%x]\n\n[^%x]: % %\n",
    "**说明：** %\n",
    "**%**%**%\n",
    "%  \n%\\\n%\n",
    "* * *\n",
];

/// All words of an entry.
fn said(entry: &Entry) -> String {
    format!("{}\n{}\n{}\n", entry.trail.join("\n"), entry.title, entry.text())
}

proptest::proptest! {
    /// Whatever the markdown, each of its words is in an entry's title or text.
    #[test]
    fn no_word_is_lost(pieces in proptest::collection::vec((0..PIECES.len(), proptest::bool::ANY), 1..12)) {
        let mut markdown = String::new();
        let mut words = Vec::new();
        for (piece, blank) in pieces {
            let mut parts = PIECES[piece].split('%');
            markdown.push_str(parts.next().unwrap());
            for part in parts {
                let word = format!("词{}尾", words.len());
                markdown.push_str(&word);
                // `%x` stands in an address or a name, which is no text.
                words.push((!part.starts_with('x')).then_some(word));
                markdown.push_str(part);
            }
            markdown.push_str(if blank { "\n" } else { "" });
        }
        let content = content::load(&[File { path: "a.md".into(), bytes: Ok(markdown.clone().into_bytes()) }]);
        let text: String = content.entries.iter().map(said).collect();
        for word in words.into_iter().flatten() {
            proptest::prop_assert!(text.contains(&word), "{word} is not in\n{text}\nfrom\n{markdown}");
        }
    }
}

/// The three files of the vendor sample: every run of characters between markup is in an entry.
#[test]
fn no_sentence_of_the_vendor_sample_is_lost() {
    let folder = super::cases("content").into_iter().find(|case| case.ends_with("vendor")).unwrap();
    let files = content::read(&folder).unwrap();
    let squeeze = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
    let entries = content::load(&files).entries;
    let text = squeeze(&entries.iter().map(said).collect::<String>());
    let markup =
        regex::Regex::new(r"\]\([^\n]*?\)|\{#[^}]*\}|[*|>\[\]\\`]|(?m:^\s*[0-9]+\.)").unwrap();
    let mut sentences = 0;
    for file in &files {
        let source = String::from_utf8(file.bytes.clone().unwrap()).unwrap();
        for sentence in
            markup.replace_all(&source, "。").split(['。', '；', '：', '\n', '！', '？'])
        {
            let sentence = squeeze(sentence);
            assert!(text.contains(&sentence), "lost: {sentence}");
            sentences += 1;
        }
    }
    assert!(sentences > 500, "only {sentences} runs compared");
}
