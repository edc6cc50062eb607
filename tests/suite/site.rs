//! The site as plain files, and pages below a base path.

use headless_chrome::protocol::cdp::{Log::LogEntryLevel, types::Event};
use jieda::{
    Library, Place, content, search,
    tree::{self, Kind, State},
    web::{self, Base, Request, Response, Site, routes},
};
use jiff::civil::{Date, date};
use percent_encoding::percent_decode_str;
use regex::Regex;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::{Arc, LazyLock, Mutex},
    thread,
};

const DAY: Date = date(2026, 11, 22);

/// Files by path.
type Files = BTreeMap<String, Vec<u8>>;

static SHIPPED: LazyLock<Library> =
    LazyLock::new(|| Library::of(&Place::default().files().unwrap()).unwrap());

static FILES: LazyLock<Files> = LazyLock::new(|| files(&SHIPPED));

fn files(library: &Library) -> Files {
    let mut files = Files::new();
    let write = |path: &str, bytes: &[u8]| {
        assert!(files.insert(path.to_owned(), bytes.to_vec()).is_none(), "{path} twice");
        Ok(())
    };
    web::files(Site::new(library, DAY), write).unwrap();
    files
}

/// A small library with a tree of numbers and days and one that is too large.
fn small() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/site")
}

fn text(files: &Files, path: &str) -> String {
    let bytes = files.get(path).unwrap_or_else(|| panic!("no {path}"));
    String::from_utf8(bytes.clone()).unwrap()
}

/// The links of a page: attribute and address.
fn links(html: &str) -> Vec<(String, String)> {
    let mut links = Vec::new();
    for (at, _) in html.match_indices("=\"") {
        let name = html[..at].rsplit([' ', '\n']).next().unwrap();
        if ["href", "src", "action", "formaction"].contains(&name) || name.starts_with("data-") {
            let address = html[at + 2..].split('"').next().unwrap();
            links.push((name.to_owned(), address.replace("&amp;", "&").replace("&#38;", "&")));
        }
    }
    links
}

/// Where a relative address leads from a file; nothing if above the top folder.
fn resolve(from: &str, address: &str) -> Option<String> {
    let path = address.split(['?', '#']).next().unwrap();
    let path = percent_decode_str(path).decode_utf8().unwrap().into_owned();
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in path.split('/') {
        match part {
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// The links of a page of files with their words.
fn anchors(html: &str) -> Vec<(String, String)> {
    static ANCHOR: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r#"<a [^>]*href="([^"]*)"[^>]*>([^<]*)</a>"#).unwrap());
    ANCHOR.captures_iter(html).map(|found| (found[2].to_owned(), found[1].to_owned())).collect()
}

#[test]
fn every_link_of_the_site_leads_to_one_of_its_files() {
    let outside = Regex::new("^(https?:|mailto:|tel:|data:)").unwrap();
    let pages = FILES.keys().filter(|path| path.ends_with(".html"));
    let (mut seen, mut count, mut marked) = (BTreeSet::new(), 0, 0);
    for page in pages {
        for (attribute, address) in links(&text(&FILES, page)) {
            let is_address = matches!(&*attribute, "href" | "src" | "action" | "formaction")
                || address.starts_with(['/', '.']);
            if !is_address || outside.is_match(&address) || address.starts_with('#') {
                continue;
            }
            assert!(!address.starts_with('/'), "{page}: {address} is absolute");
            let file = resolve(page, &address).unwrap_or_else(|| panic!("{page}: {address}"));
            assert!(FILES.contains_key(&file), "{page}: {address} leads to {file}");
            if let Some((_, mark)) = address.split_once('#') {
                let id = format!(" id=\"{mark}\"");
                assert!(text(&FILES, &file).contains(&id), "{page}: {address} leads to no place");
                marked += 1;
            }
            count += 1;
            seen.insert(file);
        }
    }
    assert!(marked > 500, "only {marked} links lead to a place of a page");
    // Nothing lies about to which nothing leads, but the page for what is not there.
    let unseen: Vec<&String> = FILES.keys().filter(|path| !seen.contains(*path)).collect();
    assert_eq!(unseen, ["404.html"]);
    let bytes: usize = FILES.values().map(Vec::len).sum();
    let entries = FILES.keys().find(|path| path.starts_with("assets/entries-")).unwrap();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(&FILES[entries]).unwrap();
    let packed = packed.finish().unwrap().len();
    println!("{} files, {bytes} bytes, {count} links", FILES.len());
    println!("index: {} bytes, {packed} compressed", FILES[entries].len());
    for tree in SHIPPED.index.forest.trees.keys() {
        let folder = format!("trees/{tree}/");
        let places = FILES.keys().filter(|path| path.starts_with(&folder)).count();
        assert!(places <= 501, "{tree}: {places}");
        println!("{tree}: {places}");
    }
    assert!(FILES[entries].len() < 1_000_000, "the index has {} bytes", FILES[entries].len());
}

/// Wherever a walk through the files ends, the same answers end with the same outcome on the server.
#[test]
fn walks_in_files_end_as_on_the_server() {
    let forest = &SHIPPED.index.forest;
    let (mut ends, mut number) = (0, 7_u64);
    // A tree that is only drawn has no ways.
    let is_walked = |id: &str| {
        FILES.keys().any(|path| path.starts_with(&format!("trees/{id}/")) && path.contains('='))
    };
    for tree in forest.trees.values().filter(|tree| is_walked(&tree.id)) {
        for _ in 0..12 {
            let (mut file, mut given) = (format!("trees/{}/index.html", tree.id), Vec::new());
            loop {
                let html = text(&FILES, &file);
                let walk = tree::walk(forest, tree, &given);
                let State::Ask(question, ..) = &walk.state else {
                    let Some(ending) = walk.ending() else { break };
                    assert!(html.contains(&ending.outcome.title), "{file}: {}", ending.outcome.id);
                    ends += 1;
                    break;
                };
                assert!(html.contains(&question.ask), "{file} does not ask {}", question.id);
                number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let number = (number >> 33) as usize;
                let answer = match &question.kind {
                    Kind::Int(min, max, _) => (min + number as i64 % (max - min + 1)).to_string(),
                    Kind::Date => ["2018-01-01", "2024-03-05"][number % 2].to_owned(),
                    Kind::Text(_) => "abc".to_owned(),
                    _ => {
                        let options = forest.options(question);
                        options[number % options.len()].0.clone()
                    }
                };
                given.push((question.id.clone(), answer.clone()));
                // Files have classes where the server has numbers, days and texts, and a page for several options.
                let prefix = format!("/{}=", question.id);
                let label = forest.options(question).into_iter().find(|(id, _)| *id == answer);
                let next = anchors(&html).into_iter().filter_map(|(label, address)| {
                    let next = resolve(&file, &address)?;
                    let (before, id) = next.strip_suffix("/index.html")?.rsplit_once(&prefix)?;
                    let inside = file.strip_suffix("/index.html") == Some(before);
                    (inside && !id.contains('/')).then(|| (id.to_owned(), label, next.clone()))
                });
                let fits = |id: &str, text: &str| match (&label, &question.kind) {
                    (Some((_, label)), _) => label == text,
                    (_, Kind::Int(..)) => {
                        let (from, to) = id.split_once("..").unwrap_or((id, id));
                        let range = || Some(from.parse::<i64>().ok()?..=to.parse::<i64>().ok()?);
                        range().is_some_and(|range| range.contains(&answer.parse().unwrap()))
                    }
                    // The first class of a name has all that is forbidden.
                    _ => id == "1",
                };
                let Some((.., next)) = next.into_iter().find(|(id, text, _)| fits(id, text)) else {
                    panic!("{file} has no way for {}={answer}", question.id)
                };
                file = next;
            }
        }
    }
    assert!(ends > 150, "only {ends} walks ended");
}

/// A page of a tree without forms: numbers and days by classes, with the sentence of the class.
#[test]
fn numbers_and_days_are_links() {
    let files = files(&Library::of(&content::read(&small()).unwrap()).unwrap());
    let labels = |path: &str| -> Vec<String> {
        anchors(&text(&files, path)).into_iter().map(|(label, _)| label).collect()
    };
    for label in ["0 到 19 岁", "20 到 45 岁", "46 岁以上", "不清楚"] {
        assert!(labels("trees/t/index.html").iter().any(|other| other == label), "{label}");
    }
    let old = "trees/t/age=46..120";
    for label in ["2024-03-04 以前（含）", "2024-03-05 以后（含）"] {
        let labels = labels(&format!("{old}/index.html"));
        assert!(labels.iter().any(|other| other == label), "{label}: {labels:?}");
    }
    let end = text(&files, "trees/t/age=20..45/index.html");
    assert!(end.contains("20 到 45 岁，能退款。"), "{end}");
    assert!(!end.contains("<form class=\"ask\""));
}

/// A name of a site is chosen by what can be seen of it; what it does wrong depends, and is said so.
#[test]
fn texts_are_chosen_by_what_can_be_seen() {
    let person = "trees/site-name/holder=person/province=beijing";
    let page = text(&FILES, &format!("{person}/index.html"));
    let labels: Vec<String> = anchors(&page).into_iter().map(|(label, _)| label).collect();
    let seen = |label: &str| labels.iter().any(|other| other.contains(label));
    assert!(seen("汉字不到 3 个，或有汉字、字母、数字以外的符号，或以“中国、"), "{labels:?}");
    assert!(seen("以上都没有，但含有“博客、") && seen("以上都没有"), "{labels:?}");
    let end = text(&FILES, &format!("{person}/name=1/index.html"));
    assert!(end.contains("看情况：字数不够"), "{end}");
}

#[test]
fn a_tree_with_too_many_places_is_drawn() {
    let files = files(&Library::of(&content::read(&small()).unwrap()).unwrap());
    let mut places = files.keys().filter(|path| path.starts_with("trees/large/"));
    assert_eq!(places.next().unwrap(), "trees/large/index.html");
    assert_eq!(places.next(), None);
    let page = text(&files, "trees/large/index.html");
    assert!(page.contains("<svg") && page.contains("→ 能退款"), "{page}");
}

fn export(content: &Path, to: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_jieda"))
        .args(["export", "--format", "site", "--content"])
        .arg(content)
        .arg("-o")
        .arg(to)
        .arg("--index")
        .arg(content.with_extension("index"))
        .env("JIEDA_TODAY", "2026-11-22")
        .output()
        .unwrap()
}

/// All files of a folder.
fn disk(folder: &Path) -> Files {
    let mut files = Files::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        if entry.file_type().unwrap().is_dir() {
            let below = disk(&entry.path()).into_iter();
            files.extend(below.map(|(path, bytes)| (format!("{name}/{path}"), bytes)));
        } else {
            files.insert(name, fs::read(entry.path()).unwrap());
        }
    }
    files
}

#[test]
fn a_second_export_removes_what_is_gone_and_leaves_the_rest() {
    let scratch = tempfile::tempdir().unwrap();
    let (content, site) = (scratch.path().join("content"), scratch.path().join("site"));
    fs::create_dir(&content).unwrap();
    fs::write(content.join("a.md"), "# 甲\n\n怎么退款？退回原卡。\n").unwrap();
    fs::write(content.join("b.md"), "# 乙\n\n多久到账？三天。\n\n![图](x.png)\n").unwrap();
    fs::write(content.join("x.png"), "PNG").unwrap();
    let out = export(&content, &site);
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let first = disk(&site);
    assert_eq!(first["media/x.png"], b"PNG");
    assert!(first.contains_key("faq/b/index.html"), "{:?}", first.keys());
    assert!(export(&content, &site).status.success());
    assert_eq!(disk(&site), first);
    fs::write(site.join("faq/note.txt"), "mine").unwrap();
    fs::remove_file(content.join("b.md")).unwrap();
    assert!(export(&content, &site).status.success());
    let second = disk(&site);
    assert!(!second.contains_key("faq/b/index.html") && !site.join("faq/b").exists());
    assert_eq!(second["faq/note.txt"], b"mine");
    assert!(second.contains_key("faq/a/index.html") && !second.contains_key("media/x.png"));
}

#[test]
fn a_folder_with_other_things_is_refused() {
    let scratch = tempfile::tempdir().unwrap();
    let site = scratch.path().join("site");
    fs::create_dir(&site).unwrap();
    fs::write(site.join("thesis.txt"), "years of work").unwrap();
    let content = scratch.path().join("content");
    fs::create_dir(&content).unwrap();
    fs::write(content.join("a.md"), "# 甲\n\n怎么退款？退回原卡。\n").unwrap();
    let out = export(&content, &site);
    let message = String::from_utf8(out.stderr).unwrap();
    assert_eq!(out.status.code(), Some(2), "{message}");
    assert!(message.contains("里有不是 jieda 导出的东西；请换一个空的文件夹"), "{message}");
    assert_eq!(disk(&site).len(), 1);
}

fn below(base: &Base, target: &str) -> Response {
    let headers = vec![("host".into(), "help.example".into())];
    let request =
        Request { method: "GET".into(), target: target.into(), headers, ..Request::default() };
    routes(Site { base, ..Site::new(&SHIPPED, DAY) }, &request)
}

fn location(response: &Response) -> &str {
    &response.headers.iter().find(|(name, _)| *name == "Location").unwrap().1
}

#[test]
fn below_a_base_path_every_link_stays_below_it() {
    let base: Base = "/kb".parse().unwrap();
    let mut todo: Vec<String> = [
        "/kb/",
        "/kb/search?q=短信核验要多久",
        "/kb/search?q=专利年费",
        "/kb/search?q=被案服务号",
        "/kb/search?q=香港服务器要备案吗",
        "/kb/trees/needs-filing?location=hongkong&cdn=no",
        "/kb/trees/server-eligible?all=1",
        "/kb/none",
    ]
    .map(str::to_owned)
    .into();
    let mut known: BTreeSet<String> = todo.iter().cloned().collect();
    while let Some(target) = todo.pop() {
        // What stands behind `#` is not sent.
        let response = below(&base, target.split('#').next().unwrap());
        assert!(response.status < 400 || target == "/kb/none", "{target}: {}", response.status);
        if response.status == 302 {
            assert!(location(&response).starts_with("/kb/"), "{target}: {}", location(&response));
        }
        for (_, address) in links(&String::from_utf8_lossy(&response.body)) {
            if !address.starts_with('/') {
                continue;
            }
            assert!(address.starts_with("/kb/"), "{target} links to {address}");
            // Where addresses have questions there is no end of them; one step is enough.
            let deep = target.contains('?') && address.contains('?');
            if !deep && !address.starts_with("/kb/feedback") && known.insert(address.clone()) {
                todo.push(address);
            }
        }
    }
    assert!(known.len() > 500, "only {} addresses", known.len());
}

#[test]
fn outside_of_the_base_path_there_is_nothing() {
    let base: Base = "/kb".parse().unwrap();
    assert_eq!(location(&below(&base, "/kb")), "/kb/");
    assert_eq!(location(&below(&base, "/kb?q=1")), "/kb/?q=1");
    assert_eq!(location(&below(&base, "/kb/search?q=")), "/kb/");
    for target in ["/", "/kbx", "/faq/server/ens", "/healthz"] {
        let response = below(&base, target);
        let body = String::from_utf8(response.body.to_vec()).unwrap();
        assert!(response.status == 404 && body.contains("/kb/"), "{target}: {body}");
    }
    let ask = below(&base, "/kb/api/v1/ask?q=ens能备几个网站");
    let ask: serde_json::Value = serde_json::from_slice(&ask.body).unwrap();
    let search = String::from_utf8(below(&base, "/kb/opensearch.xml").body.to_vec()).unwrap();
    assert!(search.contains("\"http://help.example/kb/search?q={searchTerms}\""), "{search}");
    let url = ask["answer"]["url"].as_str().unwrap();
    assert!(url.starts_with("/faq/"), "{url}");
    let out = Command::new(env!("CARGO_BIN_EXE_jieda"))
        .args(["serve", "--base-path", "kb"])
        .output()
        .unwrap();
    let message = String::from_utf8(out.stderr).unwrap();
    assert!(out.status.code() == Some(2) && message.contains("要以 / 开头"), "{message}");
}

/// A file server that knows nothing but files, at `/help/kb/`.
fn file_server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            thread::spawn(move || {
                let (mut head, mut buffer) = (Vec::new(), [0; 4096]);
                while !head.windows(4).any(|end| end == b"\r\n\r\n") {
                    match stream.read(&mut buffer) {
                        Ok(0) | Err(_) => return,
                        Ok(count) => head.extend(&buffer[..count]),
                    }
                }
                let head = String::from_utf8_lossy(&head).into_owned();
                let target = head.split(' ').nth(1).unwrap_or_default();
                let path = target.split('?').next().unwrap();
                let path = percent_decode_str(path).decode_utf8_lossy();
                let path = path.strip_prefix("/help/kb/").unwrap_or("none");
                let path = match path.ends_with('/') || path.is_empty() {
                    true => format!("{path}index.html"),
                    false => path.to_owned(),
                };
                let kind = match path.rsplit_once('.').map(|(_, ending)| ending) {
                    Some("css") => "text/css",
                    Some("js") => "text/javascript",
                    Some("svg") => "image/svg+xml",
                    _ => "text/html",
                };
                let (status, body) = match FILES.get(&path) {
                    Some(body) => ("200 OK", &body[..]),
                    None => ("404 Not Found", &b"none"[..]),
                };
                let head = format!(
                    "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                    body.len()
                );
                let _ = stream.write_all(head.as_bytes());
                let _ = stream.write_all(body);
            });
        }
    });
    address
}

/// So many of 100 questions have to find in the browser what the server finds first.
const SAME_FIRST: usize = 66;

#[test]
fn files_are_searched_in_the_browser() {
    assert!(FILES.contains_key("search.html"));
    let browser = super::page::browser();
    let tab = super::page::tab(&browser);
    let complaints: Arc<Mutex<Vec<String>>> = Arc::default();
    let heard = Arc::clone(&complaints);
    tab.enable_log().unwrap().enable_runtime().unwrap();
    tab.add_event_listener(Arc::new(move |event: &Event| match event {
        Event::LogEntryAdded(entry) if entry.params.entry.level != LogEntryLevel::Info => {
            heard.lock().unwrap().push(format!("{:?}", entry.params.entry))
        }
        Event::RuntimeExceptionThrown(thrown) => {
            heard.lock().unwrap().push(format!("{:?}", thrown.params.exception_details))
        }
        _ => {}
    }))
    .unwrap();
    let ask = |expression: &str| tab.evaluate(expression, true).unwrap().value.unwrap();
    let open = |address: &str| {
        tab.navigate_to(address).unwrap().wait_until_navigated().unwrap();
    };
    let first = "document.querySelector('#hits a')?.getAttribute('href') ?? ''";

    // From home by keyboard to an entry.
    let address = file_server();
    open(&format!("http://{address}/help/kb/"));
    tab.find_element("input[name=q]").unwrap().click().unwrap();
    tab.type_str("ens能备几个网站").unwrap().press_key("Enter").unwrap();
    tab.wait_for_element("#hits a").unwrap();
    assert_eq!(ask(first), "faq/server/ens/index.html");
    assert!(ask("document.querySelector('#hits p').innerText").as_str().unwrap().contains("ENS"));
    assert_eq!(ask("document.querySelector('input[name=q]').value"), "ens能备几个网站");
    tab.find_element("#hits a").unwrap().click().unwrap();
    tab.wait_for_element("article").unwrap();
    assert!(tab.get_url().ends_with("/help/kb/faq/server/ens/index.html"), "{}", tab.get_url());

    // On to the source that it rests on, and through a tree by keyboard.
    tab.find_element(".notes a").unwrap().click().unwrap();
    tab.wait_for_element(".source:target").unwrap();
    open(&format!("http://{address}/help/kb/trees/needs-filing/index.html"));
    for (key, then) in [("2", ".steps"), ("2", ".verdict")] {
        tab.press_key(key).unwrap();
        tab.wait_for_element(then).unwrap();
    }
    assert_eq!(ask("document.querySelector('.verdict').innerText"), "不用备案");

    // From a disk, without a server.
    let disk = tempfile::tempdir().unwrap();
    for (path, bytes) in FILES.iter().filter(|(path, _)| !path.starts_with("trees/")) {
        let path = disk.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    open(&format!("file://{}/search.html?q=接口异常", disk.path().display()));
    tab.wait_for_element("#hits a").unwrap();
    assert_eq!(ask(first), "faq/verify-product/interface-error/index.html");

    // How often it finds first what the server finds first.
    let (mut same, mut near, mut all) = (0, 0, 0);
    let three = "[...document.querySelectorAll('#hits a')].slice(0, 3).map(a => a.getAttribute('href')).join(' ')";
    for file in ["dev", "tune"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/eval/{file}.jsonl"));
        for line in fs::read_to_string(path).unwrap().lines() {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            let question = line["q"].as_str().unwrap();
            let found = search::search(&SHIPPED.index, question, DAY, 1, false).unwrap();
            let Some(hit) = found.hits.first() else { continue };
            let typed = serde_json::to_string(question).unwrap();
            let urls = ask(&format!(
                "(() => {{ const input = document.querySelector('input[name=q]'); input.value = {typed}; \
                 input.dispatchEvent(new Event('input')); return {three}; }})()"
            ));
            let urls: Vec<&str> = urls.as_str().unwrap().split(' ').collect();
            let wanted = format!("{}/index.html", &hit.entry.url()[1..]);
            all += 1;
            same += usize::from(urls[0] == wanted);
            near += usize::from(urls.contains(&&*wanted));
        }
    }
    println!(
        "the server's first hit is first in the browser for {same} of {all} questions, among three for {near}"
    );
    assert!(same * 100 >= SAME_FIRST * all, "{same} of {all}");
    let complaints = complaints.lock().unwrap();
    assert!(complaints.is_empty(), "{complaints:?}");
}
