//! What is tried with any bytes, and what must hold for all of them.
//!
//! Both `cargo fuzz` (`fuzz_targets/`) and the tests (`tests/suite/fuzz.rs`) call these.

use jieda::{
    Library,
    content::{self, Content, File},
    lazy::OwnedBytes,
    tree::{self, Forest, State},
    web::{Control, Limits, Request, Response, Site, routes, serve},
};
use jiff::civil::{Date, date};
use std::{
    collections::BTreeSet,
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::LazyLock,
    thread,
    time::Duration,
};

const DAY: Date = date(2026, 11, 22);

/// Files of a case below `tests/cases`.
macro_rules! folder {
    ($case:literal: $($name:literal)*) => {
        vec![$((
            $name,
            include_str!(concat!("../tests/cases/", $case, "/", $name)),
        )),*]
    };
}

fn ours() -> Vec<(&'static str, &'static str)> {
    folder!("content/ours": "sources.toml" "topics.toml" "settings.toml" "links.toml" "terms.toml"
        "domains/way.toml" "domains/holder.toml" "domains/speed.toml"
        "facts/way.toml" "facts/figure.toml" "facts/limit.toml"
        "faq/money/arrives.md" "faq/money/facts.md" "faq/money/freight.md")
}

/// What the trees of `cases/bad-trees` rest on.
fn shop() -> Vec<(&'static str, &'static str)> {
    folder!("bad-trees/assume": "sources.toml" "topics.toml" "settings.toml" "links.toml"
        "domains/way.toml" "domains/city.toml" "domains/speed.toml"
        "facts/way.toml" "facts/figure.toml" "faq/money/arrives.md")
}

/// These files and one more.
fn with(folder: Vec<(&str, &str)>, path: &str, bytes: &[u8]) -> Vec<File> {
    let file = |path: &str, bytes: &[u8]| File { path: path.to_owned(), bytes: Ok(bytes.to_vec()) };
    let others = folder.iter().filter(|(other, _)| *other != path);
    let mut files: Vec<File> = others.map(|(path, text)| file(path, text.as_bytes())).collect();
    files.push(file(path, bytes));
    files
}

/// Markdown, in a folder of any kind and in one of ours.
pub(crate) fn markdown(data: &[u8]) {
    check_content(&with(Vec::new(), "a.md", data));
    check_content(&with(ours(), "faq/money/a.md", data));
}

fn check_content(files: &[File]) {
    let content = content::load(files);
    let again = content::load(files);
    assert_eq!(format!("{content:?}"), format!("{again:?}"), "the same files, something else");
    let ids: BTreeSet<_> = content.entries.iter().map(|entry| &entry.id).collect();
    assert_eq!(ids.len(), content.entries.len(), "an id twice");
    check_problems(&content, files);
    for entry in &content.entries {
        for block in &entry.blocks {
            for mark in &block.marks {
                assert!(block.text.get(mark.start..mark.end).is_some(), "{mark:?} in {block:?}");
            }
        }
        let html = content::render(&entry.blocks, "").to_ascii_lowercase();
        for harm in ["<script", "<iframe", "href=\"javascript:", "src=\"data:text"] {
            assert!(!html.contains(harm), "{harm} in {html}");
        }
    }
}

/// Every problem says where, and what, without a full stop.
fn check_problems(content: &Content, files: &[File]) {
    for problem in &content.problems {
        assert!(!problem.message.is_empty() && !problem.message.ends_with('。'), "{problem}");
        let file = files.iter().find(|file| file.path == problem.file);
        let text = file.and_then(|file| file.bytes.as_ref().ok());
        // Other encodings have other line ends.
        if let Some(text) = text.and_then(|bytes| std::str::from_utf8(bytes).ok()) {
            let lines = text.split(['\n', '\r']).count();
            assert!(problem.line as usize <= lines, "{problem} of {lines}");
        }
    }
}

/// A tree: it is refused, or every walk comes to an end.
pub(crate) fn trees(data: &[u8]) {
    static CONTENT: LazyLock<Content> =
        LazyLock::new(|| content::load(&with(shop(), "a.txt", b"")));
    let files = with(Vec::new(), "trees/t.toml", data);
    let forest = tree::load(&files, &CONTENT);
    let stored = forest.to_bytes();
    let read = Forest::read(&OwnedBytes::new(stored.clone())).expect("what was stored");
    assert_eq!(read.to_bytes(), stored);
    for tree in forest.trees.values() {
        for choice in 0..4 {
            let mut given = Vec::new();
            // Each step answers one more question.
            for step in 0..=tree.questions.len() {
                let walk = tree::walk(&forest, tree, &given);
                assert!(walk.wrong.is_empty(), "{:?} of {given:?}", walk.wrong);
                let State::Ask(question, ..) = walk.state else { break };
                assert!(step < tree.questions.len(), "asked again after {given:?}");
                let options = forest.options(question);
                let answer = match options.get((choice * 7 + step) % (options.len() + 1)) {
                    Some((id, _)) => id.clone(),
                    None => "unsure".to_owned(),
                };
                given.push((question.id.clone(), answer));
            }
        }
    }
}

static LIBRARY: LazyLock<Library> = LazyLock::new(|| {
    let tree = include_str!("seeds/trees/whole");
    let files = with(
        [shop(), vec![("faq/money/freight.md", "+++\ntitle = \"退款退运费吗？\"\nask = [\"运费谁出\"]\nsources = [\"rules-2024#2\"]\n+++\n不退。\n\n- 钱包：1 天\n- 信用卡：3 天\n")]].concat(),
        "trees/t.toml",
        tree.as_bytes(),
    );
    let library = Library::of(&files).expect("it is sound");
    assert_eq!(*library.index.overview.problems, []);
    library
});

fn get(request: &Request) -> Response {
    let response = routes(Site { recording: true, ..Site::new(&LIBRARY, DAY) }, request);
    let whole = || String::from_utf8_lossy(&response.body).into_owned();
    assert!(
        matches!(response.status, 200 | 302 | 303 | 304 | 400 | 403 | 404 | 405 | 415)
            || request.refused == Some(response.status),
        "{}: {}",
        response.status,
        whole()
    );
    assert!(!response.route.is_empty());
    for (name, value) in &response.headers {
        // One slash in front: two, or a backslash, would name another host.
        let inside = value.strip_prefix('/').is_some_and(|rest| !rest.starts_with(['/', '\\']));
        assert!(*name != "Location" || inside, "leads to {value}");
    }
    response
}

/// A question, answered on the page and over JSON, the same each time.
pub(crate) fn questions(data: &[u8]) {
    let question = String::from_utf8_lossy(data);
    let query =
        form_urlencoded::Serializer::new(String::new()).append_pair("q", &question).finish();
    let ask = |route: &str| {
        let target = format!("{route}?{query}");
        get(&Request { method: "GET".to_owned(), target, ..Request::default() })
    };
    let response = ask("/api/v1/ask");
    assert_eq!(ask("/api/v1/ask").body, response.body);
    let json: serde_json::Value = serde_json::from_slice(&response.body).expect("it is JSON");
    if response.status == 200 {
        let status = json["status"].as_str().expect("every answer has a status");
        assert!(["answered", "choose", "ask", "unknown"].contains(&status), "{status}");
        let text = json["answer"]["text"].as_str().unwrap_or_default();
        assert!(text.chars().count() <= 401, "{text}");
    }
    ask(["/search", "/api/v1/search", "/api/v1/suggest"][data.len() % 3]);
}

/// A request after its head has been read: method and address, headers, and a body below an empty line.
pub(crate) fn addresses(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (head, body) = text.split_once("\n\n").unwrap_or((&text, ""));
    let mut lines = head.lines();
    let (method, target) = lines.next().unwrap_or_default().split_once(' ').unwrap_or_default();
    // So much is certain of what the server hands on.
    let target = percent_encoding::utf8_percent_encode(target, percent_encoding::CONTROLS);
    let target = target.to_string().replace(' ', "%20");
    if !target.starts_with('/') {
        return;
    }
    let headers = lines.filter_map(|line| line.split_once(':'));
    let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()));
    let (method, body) = (method.to_owned(), body.as_bytes().to_vec());
    let api = target.starts_with("/api/");
    let request =
        Request { method, target, headers: headers.collect(), body, ..Request::default() };
    let response = get(&request);
    let packed = response.headers.iter().any(|(name, _)| *name == "Content-Encoding");
    if api && !packed && !matches!(response.status, 302 | 304) {
        serde_json::from_slice::<serde_json::Value>(&response.body).expect("it is JSON");
    }
}

/// All that a client may send on a connection.
pub(crate) fn heads(data: &[u8]) {
    static ADDRESS: LazyLock<SocketAddr> = LazyLock::new(|| {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a port");
        let address = listener.local_addr().expect("it has an address");
        thread::spawn(|| serve(listener, Limits::default(), &Control::default(), taken));
        address
    });
    let mut stream = TcpStream::connect(*ADDRESS).expect("it listens");
    // Longer than any limit of the server, so an answer that does not come is a failure.
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("it is not zero");
    // The server may have refused, and closed, before all has been sent.
    let sent = stream.write_all(data).and_then(|()| stream.shutdown(Shutdown::Write));
    let mut answers = Vec::new();
    match stream.read_to_end(&mut answers) {
        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{sent:?}"),
        Ok(_) => assert!(answers.is_empty() || answers.starts_with(b"HTTP/1.1 ")),
    }
    let answers = String::from_utf8_lossy(&answers);
    assert!(!answers.contains("HTTP/1.1 500 ") && !answers.contains(FAILED), "{answers}");
}

/// What the server says when not even its refusal could be worded.
const FAILED: &str = "服务器内部出错";

/// Panics, which becomes a 500, unless the request is as [`routes`] may expect it. What the server refuses is worded by
/// [`routes`] itself.
fn taken(request: &Request) -> Response {
    if let Some(status) = request.refused {
        assert!((400..600).contains(&status) && request.method.is_empty());
        return get(request);
    }
    let Request { method, target, headers, body, .. } = request;
    assert!(!method.is_empty() && method.bytes().all(|byte| byte.is_ascii_graphic()));
    assert!(target.starts_with('/') || (target == "*" && method == "OPTIONS"), "{target}");
    assert!(target.bytes().all(|byte| byte.is_ascii_graphic()), "{target}");
    assert!(headers.len() <= 64 && body.len() <= 64 * 1024);
    for (name, value) in headers {
        assert!(!name.is_empty() && !name.contains(|c: char| c.is_ascii_uppercase() || c == ' '));
        assert!(!value.contains(['\r', '\n', '\0']), "{name}: {value}");
    }
    Response { status: 200, body: target.as_bytes().into(), ..Response::default() }
}
