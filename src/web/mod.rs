//! Questions over HTTP: pages for people, JSON for programs.
//!
//! [`routes`] is the way in: a plain function from a request to a response, so pages are tested without a socket.
//! `views` has the pages, [`serve`] the sockets. Pages are whole without JavaScript and ask no other host for
//! anything.

mod head;
mod server;
mod trees;
mod views;

pub use server::{Limits, serve};

use crate::{
    answer::{self, Asking},
    content::link,
    error::Result,
    library::Library,
    search, wire,
};
use jiff::civil::Date;
use percent_encoding::percent_decode_str;
use serde::Serialize;

/// How many hits a page and the API show unless asked for more, and at most.
const TOP: usize = 10;
const TOP_LIMIT: usize = 100;

/// What pages are made from.
#[derive(Clone, Copy)]
pub struct Site<'a> {
    pub library: &'a Library,
    pub day: Date,
    /// Whether feedback can be left.
    pub recording: bool,
    /// Whether the pages become files, so that nothing may ask a server.
    pub files: bool,
}

impl<'a> Site<'a> {
    /// Pages of a server that records nothing.
    pub fn new(library: &'a Library, day: Date) -> Self {
        Self { library, day, recording: false, files: false }
    }
}

/// A request as the routes see it.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// Such as `GET`; a `HEAD` arrives as `GET`, and the server leaves out the body.
    pub method: String,
    /// Origin form, ASCII, percent-encoded: `/search?q=%E5%A4%87`; or the `*` of `OPTIONS *`.
    pub target: String,
    /// Names in lower case, in the order they came.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// What is sent back.
#[derive(Debug, Clone, Default)]
pub struct Response {
    pub status: u16,
    /// `Connection`, `Content-Length`, `Date` and `Server` are the server's own.
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

/// The style sheet and the script; their addresses change with them, so they can be kept for good.
const STYLE: &str = include_str!("../../assets/style.css");
const SCRIPT: &str = include_str!("../../assets/page.js");

/// An error for programs: RFC 9457 problem details.
#[derive(Serialize)]
struct Details<'a> {
    r#type: &'a str,
    title: &'a str,
    status: u16,
    detail: &'a str,
}

#[derive(Serialize)]
struct Readiness<'a> {
    content: &'a str,
    version: &'a str,
    entries: usize,
    problems: usize,
}

/// Answers a request. A failure inside becomes a page or JSON with status 500.
pub fn routes(site: Site<'_>, request: &Request) -> Response {
    let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
    let path = percent_decode_str(path).decode_utf8_lossy();
    let mut response = if request.method == "GET" {
        route(site, &path, query).unwrap_or_else(|error| failed(&path, &error))
    } else {
        let mut response = refused(&path, 405, "这里只接受 GET 和 HEAD");
        response.headers.push(("Allow", "GET, HEAD".to_owned()));
        response
    };
    let policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
    let policy = if path.starts_with("/media/") {
        "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    } else {
        policy
    };
    response.headers.push(("Content-Security-Policy", policy.to_owned()));
    response.headers.push(("X-Content-Type-Options", "nosniff".to_owned()));
    response.headers.push(("Referrer-Policy", "no-referrer".to_owned()));
    response
}

fn route(site: Site<'_>, path: &str, query: &str) -> Result<Response> {
    let Site { library, day, .. } = site;
    let parameter = |name: &str| {
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    };
    let question = parameter("q").unwrap_or_default();
    let unheard: Vec<String> = form_urlencoded::parse(query.as_bytes())
        .filter(|(key, _)| key == "not")
        .map(|(_, value)| value.into_owned())
        .collect();
    let thanks = parameter("thanks").is_some();
    let exact = parameter("exact").is_some_and(|exact| exact != "0");
    let top = parameter("top").and_then(|top| top.parse().ok()).unwrap_or(TOP).min(TOP_LIMIT);
    let asking = Asking { question: &question, day, top, exact, unheard: &unheard };
    match path {
        "/" => page(200, &views::home(site)?),
        "/search" if question.trim().is_empty() => Ok(moved("/")),
        "/topics" => Ok(moved("/")),
        "/search" => {
            let answer = answer::answer(library, &asking)?;
            page(200, &views::search(site, &answer, &unheard, thanks)?)
        }
        "/api/v1/ask" | "/api/v1/search" if question.trim().is_empty() => Ok(refused(
            path,
            400,
            "问题是空的；请用参数 q 写上要问的话，例如 ?q=香港服务器要备案吗",
        )),
        "/api/v1/ask" => {
            let answer = answer::answer(library, &asking)?;
            let walk = answer.walk(library)?;
            Ok(json(200, "application/json", &wire::answer(library, &answer, walk.as_ref())?))
        }
        "/api/v1/search" => {
            let found = search::search(&library.index, &question, day, top, exact)?;
            Ok(json(200, "application/json", &wire::found(library, &found, day)))
        }
        "/api/v1/suggest" => {
            let suggestions = library.suggest(&question, wire::SUGGESTIONS)?;
            Ok(json(200, "application/json", &wire::suggestions(&question, &suggestions)))
        }
        "/healthz" => Ok(text(200, "ok\n")),
        "/readyz" => {
            let overview = &library.index.overview;
            let (entries, problems) = (overview.entries, overview.problems.len());
            let ready =
                Readiness { content: "current", version: &overview.version, entries, problems };
            Ok(json(200, "application/json", &ready))
        }
        "/robots.txt" => Ok(text(200, "User-agent: *\nDisallow: /\n")),
        _ if path == style_address() => {
            Ok(kept("text/css; charset=utf-8", STYLE.as_bytes().to_vec()))
        }
        _ if path == script_address() => {
            Ok(kept("text/javascript; charset=utf-8", SCRIPT.as_bytes().to_vec()))
        }
        "/sources" => page(200, &views::sources(site)?),
        "/trees" => page(200, &trees::trees(site)?),
        "/api/v1/trees" => Ok(json(200, "application/json", &wire::trees(library)?)),
        _ if path.starts_with("/trees/") || path.starts_with("/api/v1/trees/") => {
            tree(site, path, query)
        }
        _ => below(site, path, thanks),
    }
}

/// One tree: where the walk of the address stands, all its questions, its drawing, or JSON.
fn tree(site: Site<'_>, path: &str, query: &str) -> Result<Response> {
    let library = site.library;
    let api = path.starts_with("/api/");
    let name =
        path.trim_start_matches("/api/v1").trim_start_matches("/trees/").trim_end_matches('/');
    let (id, drawn) = name.strip_suffix("/graph").map_or((name, false), |id| (id, true));
    let forest = library.index.forest()?;
    if let Some((_, title, problems)) = forest.broken.iter().find(|(broken, ..)| broken == id) {
        let why: Vec<String> = problems.iter().map(ToString::to_string).collect();
        let why = format!("“{title}”有错误，修好以前不能用：{}", why.join("；"));
        return Ok(refused(path, 503, &why));
    }
    let Some(tree) = forest.trees.get(id) else {
        return if api {
            Ok(refused(path, 404, &format!("没有树 `{id}`；/api/v1/trees 列出所有的树")))
        } else {
            page(404, &views::missing(site, path)?)
        };
    };
    let mut given: Vec<(String, String)> = Vec::new();
    let mut day = site.day;
    for (key, value) in form_urlencoded::parse(query.as_bytes()) {
        match (&*key, &*value) {
            ("all" | "thanks", _) => {}
            ("day", value) => match value.parse() {
                Ok(other) => day = other,
                Err(_) => {
                    return Ok(refused(path, 400, "`day` 不是日期；请写成 2026-11-22 的样子"));
                }
            },
            (_, "") => {}
            // The boxes of one question come one by one.
            _ => match given.iter_mut().find(|(other, _)| *other == key) {
                Some((_, all)) => *all = format!("{all},{value}"),
                None => given.push((key.into_owned(), value.into_owned())),
            },
        }
    }
    let thanks = query.split('&').any(|pair| pair == "thanks=1");
    let walk = crate::tree::walk(forest, tree, &given);
    if api {
        if let Some(wrong) = walk.wrong.first() {
            return Ok(refused(path, 400, wrong));
        }
        return Ok(json(200, "application/json", &wire::walk(library, &walk, day)?));
    }
    let status = if walk.wrong.is_empty() { 200 } else { 400 };
    if drawn {
        return page(status, &trees::graph(site, &walk)?);
    }
    if query.split('&').any(|pair| pair == "all=1") {
        return page(status, &trees::questions(site, tree)?);
    }
    page(status, &trees::tree(Site { day, ..site }, &walk, thanks)?)
}

/// Entries, topics and pictures: addresses that end in an id.
fn below(site: Site<'_>, path: &str, thanks: bool) -> Result<Response> {
    let library = site.library;
    if let Some(id) = path.strip_prefix("/faq/") {
        if let Some(new) = library.index.overview.moved.get(id) {
            return Ok(moved(&link::url(new)));
        }
        if let Some(entry) = library.entry(id)? {
            return page(200, &views::entry(site, &entry, thanks)?);
        }
    }
    if let Some(id) = path.strip_prefix("/topics/")
        && let Some(html) = views::topic(site, id)?
    {
        return page(200, &html);
    }
    if let Some(bytes) = path.strip_prefix("/media/").and_then(|path| library.media(path)) {
        return Ok(response(200, media_type(path), bytes));
    }
    if let Some(shorter) = path.strip_suffix('/') {
        // One slash in front, for two would name another host.
        return Ok(moved(&format!("/{}", shorter.trim_start_matches('/'))));
    }
    if path.starts_with("/api/") {
        return Ok(refused(
            path,
            404,
            "没有这个接口；有 /api/v1/ask、/api/v1/search、/api/v1/suggest 和 /api/v1/trees",
        ));
    }
    page(404, &views::missing(site, path)?)
}

/// The address of the script.
fn script_address() -> String {
    format!("/assets/page-{:08x}.js", crc32fast::hash(SCRIPT.as_bytes()))
}

/// The address of the style sheet.
fn style_address() -> String {
    format!("/assets/style-{:08x}.css", crc32fast::hash(STYLE.as_bytes()))
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase()).as_deref() {
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("gif") => "image/gif",
        Some("webp") => "image/webp",
        Some("svg") => "image/svg+xml",
        _ => "application/pdf",
    }
}

fn response(status: u16, kind: &'static str, body: Vec<u8>) -> Response {
    Response { status, headers: vec![("Content-Type", kind.to_owned())], body }
}

fn page(status: u16, html: &str) -> Result<Response> {
    let mut response = response(status, "text/html; charset=utf-8", html.as_bytes().to_vec());
    response.headers.push(("Cache-Control", "no-cache".to_owned()));
    Ok(response)
}

fn text(status: u16, text: &str) -> Response {
    response(status, "text/plain; charset=utf-8", text.as_bytes().to_vec())
}

fn json(status: u16, kind: &'static str, value: &impl Serialize) -> Response {
    let mut body = serde_json::to_vec(value).expect("our shapes are plain data");
    body.push(b'\n');
    let mut response = response(status, kind, body);
    response.headers.push(("Cache-Control", "no-cache".to_owned()));
    response
}

fn kept(kind: &'static str, body: Vec<u8>) -> Response {
    let mut response = response(200, kind, body);
    response.headers.push(("Cache-Control", "public, max-age=31536000, immutable".to_owned()));
    response
}

fn moved(to: &str) -> Response {
    Response { status: 302, headers: vec![("Location", to.to_owned())], body: Vec::new() }
}

/// Says why a request is refused: to programs as JSON, to people as plain text.
fn refused(path: &str, status: u16, detail: &str) -> Response {
    if !path.starts_with("/api/") {
        return text(status, &format!("{detail}\n"));
    }
    let title = match status {
        400 => "Bad Request",
        404 => "Not Found",
        503 => "Service Unavailable",
        405 => "Method Not Allowed",
        _ => "Internal Server Error",
    };
    json(
        status,
        "application/problem+json",
        &Details { r#type: "about:blank", title, status, detail },
    )
}

fn failed(path: &str, error: &crate::Error) -> Response {
    refused(path, 500, &format!("出错了：{}", crate::error::chain(error)))
}
