//! Content and questions that were made to do harm: deep, long, endless, or markup where text belongs.

use jieda::{
    Library,
    content::{self, File},
    feedback,
    web::{Request, Site, routes},
};
use jiff::civil::date;
use std::{
    thread,
    time::{Duration, Instant},
};

/// What grows with the square of 100 kB takes minutes; what does not, not even a second on a slow machine.
const PATIENCE: Duration = Duration::from_secs(20);

fn file(path: &str, text: String) -> File {
    File { path: path.into(), bytes: Ok(text.into_bytes()) }
}

fn get(library: &Library, target: &str) -> (u16, String) {
    let request = Request { method: "GET".into(), target: target.into(), ..Request::default() };
    let response = routes(Site::new(library, date(2026, 11, 22)), &request);
    (response.status, String::from_utf8(response.body.to_vec()).unwrap())
}

/// What nests ten thousand times is loaded, indexed and shown with all its text, in the little stack of a connection.
#[test]
fn content_may_nest_as_deep_as_it_likes() {
    let deep = |open: &str, close: &str| open.repeat(10_000) + "最里面" + &close.repeat(10_000);
    let list: String = (0..1000).map(|level| format!("{}- 层\n", "  ".repeat(level))).collect();
    let cases = [
        deep("> ", ""),
        deep("- ", ""),
        list + &"  ".repeat(1000) + "- 最里面",
        deep("*a **b ", ""),
        deep("[", "]"),
        deep("[", "](b.md)"),
        deep("<div>", "</div>"),
        deep("<b>", ""),
        deep("<ul><li>", ""),
        deep("`", "`"),
        deep("|", "|"),
    ];
    for case in cases {
        let begin = case.chars().take(8).collect::<String>();
        let show = move || {
            let library = Library::of(&[file("a.md", format!("# 甲\n\n{case}\n"))]).unwrap();
            let (status, page) = get(&library, "/faq/a");
            assert_eq!(status, 200);
            assert!(page.contains("最里面"), "not on the page");
            assert_eq!(get(&library, "/search?q=最里面").0, 200);
        };
        let small = thread::Builder::new().stack_size(2 << 20).spawn(show).unwrap();
        assert!(small.join().is_ok(), "{begin}");
    }
}

/// Front matter that nests or multiplies without end is a warning, and the text below it is kept.
#[test]
fn front_matter_may_not_blow_up() {
    let bomb: String = ('b'..='j')
        .zip('a'..)
        .map(|(name, of)| format!("{name}: &{name} [{}]\n", format!("*{of},").repeat(9)))
        .collect();
    let nested = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    for front in [
        format!("---\ntitle: {nested}\n---\n"),
        format!("+++\ntitle = {nested}\n+++\n"),
        format!("---\na: &a [x,x,x,x,x,x,x,x,x]\n{bomb}---\n"),
    ] {
        let content = content::load(&[file("a.md", format!("{front}# 甲\n\n正文。\n"))]);
        let problems: Vec<String> = content.problems.iter().map(ToString::to_string).collect();
        assert!(problems.len() == 1 && problems[0].contains("写法有误"), "{problems:?}");
        assert!(content.entries[0].text().contains("正文。"));
    }
}

/// A file that is too large or too long is a problem that says so, and the others are read.
#[test]
fn files_have_a_largest_size() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: String| std::fs::write(folder.path().join(name), text).unwrap();
    let row = "|1|\n";
    write("a.md", "# 甲\n\n好。\n".to_owned());
    write("line.md", "x".repeat(100_000_000));
    write("rows.md", format!("|a|\n|-|\n{}", row.repeat(1_000_000)));
    write("heads.md", "## 一\n\n1\n".repeat(20_000));
    write("full.md", format!("# 乙\n\n{}", "字".repeat(content::FILE_BYTES as usize / 3 - 4)));
    let content = content::load(&content::read(folder.path()).unwrap());
    let problems: Vec<String> = content.problems.iter().map(ToString::to_string).collect();
    let expected = [
        "heads.md: 太长；一个文件最多 50000 行，请拆成几个",
        "line.md: 太大；一个文件最多 4 MB，请拆成几个",
        "rows.md: 太长；一个文件最多 50000 行，请拆成几个",
    ];
    assert_eq!(problems, expected);
    let ids: Vec<&str> = content.entries.iter().map(|entry| &*entry.id).collect();
    assert_eq!(ids, ["a", "full"]);
}

/// No pattern of ours takes longer for a worse text.
#[test]
fn long_questions_take_no_time() {
    let library = Library::of(&[
        file("a.md", "# 退款多久到账\n\n退款在三天内到账。\n".to_owned()),
        file("b.md", "# 换货\n\n京ICP备12345678号-1。\n".to_owned()),
    ])
    .unwrap();
    for piece in [
        "1",
        "1-",
        "1 ",
        "1.",
        "a.",
        "a-",
        "a@",
        "a@a.",
        "%",
        ":",
        "f:",
        "://",
        "零",
        "三个月",
        "京ICP备",
        "备",
        " ",
        "\u{200b}",
        "１",
        "[",
        "(",
        "<",
        "不",
        "a1",
        "、",
        "gongxinbu",
        "。？",
    ] {
        let text = piece.repeat(100_000 / piece.len());
        let start = Instant::now();
        drop(feedback::mask(&text));
        let query =
            form_urlencoded::Serializer::new(String::new()).append_pair("q", &text).finish();
        for route in ["/search", "/api/v1/ask", "/api/v1/search", "/api/v1/suggest"] {
            let (status, body) = get(&library, &format!("{route}?{query}"));
            assert!(status < 500, "{piece}: {status} {body}");
        }
        let took = start.elapsed();
        assert!(took < PATIENCE, "{piece:?} took {took:?}");
    }
}

/// What looks like a template or markup in the content is text on every page.
#[test]
fn content_cannot_become_markup() {
    let evil = "{{ 77777 * 77777 }}{% raw %}\"><script>alert(1)</script>";
    let text = format!(
        "---\ntitle: '{evil}'\ntags: ['{evil}']\n---\n# 乙\n\n退款 {evil}\n\n<img src=x onerror=alert(1)><a href=\"javascript:alert(1)\">x</a>\n\n[x](javascript:alert(1)) ![x](data:text/html,x)\n"
    );
    let library = Library::of(&[file("a.md", text)]).unwrap();
    for target in ["/", "/faq/a", "/topics/-", "/search?q=退款", "/sources"] {
        let (status, page) = get(&library, target);
        assert_eq!(status, 200, "{target}");
        for harm in
            ["<script>alert", "onerror", "href=\"javascript", "src=\"data:text", "6049261729"]
        {
            assert!(!page.contains(harm), "{target} has {harm}: {page}");
        }
        assert!(
            ["/", "/sources"].contains(&target) || page.contains("{{ 77777 * 77777 }}"),
            "{target}: {page}"
        );
    }
}
