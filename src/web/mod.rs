//! Questions over HTTP: pages for people, JSON for programs.
//!
//! [`routes`] is the way in: a plain function from a request to a response, so pages are tested without a socket.
//! Each request passes through three steps:
//!
//! 1. `query` reads the address and refuses what would have to be guessed;
//! 2. `views` and `trees` fill templates, `api` shapes JSON, `post` takes a form, `assets` has what is compiled in;
//! 3. `deliver` adds entity tag, compression and safety headers.
//!
//! [`Cache`] stands in front of them and keeps the pages that were asked before; [`Makers`] make the others. [`serve`] has the sockets, [`Metrics`] counts. Pages are whole without JavaScript and ask no other host for anything.

mod api;
mod assets;
mod base;
mod cache;
mod deliver;
mod head;
mod makers;
mod metrics;
mod post;
mod query;
mod server;
mod site;
mod trees;
mod views;

pub use api::routes as api_routes;
pub use base::Base;
pub use cache::{Cache, Found};
pub use makers::Makers;
pub use metrics::Metrics;
pub use server::{Control, Limits, serve};
pub use site::files;

use crate::{
    answer::{self, Answer, Asking},
    content::link,
    feedback::{self, Record},
    library::Library,
    tree::Walk,
};
use askama::Template;
use jiff::civil::Date;
use query::{Query, decode};
use serde::Serialize;
use std::{borrow::Cow, net::IpAddr, sync::Arc};

/// How many hits a page and the API show unless asked for more, and at most.
const TOP: usize = 10;
const TOP_LIMIT: usize = 100;

/// This program: its version, and the checksum of the code that writes an index.
pub const BUILD: &str = concat!(env!("CARGO_PKG_VERSION"), "+", env!("JIEDA_SCHEMA"));

/// What pages are made from.
#[derive(Clone, Copy)]
pub struct Site<'a> {
    pub library: &'a Library,
    pub day: Date,
    /// Whether feedback can be left.
    pub recording: bool,
    /// Whether the pages become files, so that nothing may ask a server.
    pub files: bool,
    /// The path below which the pages stand, such as `/kb`; empty at the root.
    pub base: &'a str,
    /// How many problems newer content has because of which it is not served.
    pub stale: Option<usize>,
    /// Whether the server finishes what runs and takes nothing new.
    pub stopping: bool,
    /// What is counted, as `/metrics` shows it.
    pub metrics: Option<&'a (dyn Fn() -> String + Sync)>,
}

impl<'a> Site<'a> {
    /// Pages of a server that records nothing.
    pub fn new(library: &'a Library, day: Date) -> Self {
        Self {
            library,
            day,
            recording: false,
            files: false,
            base: "",
            stale: None,
            stopping: false,
            metrics: None,
        }
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
    /// The status with which the server refuses the request; then of the rest there is only what could be read of
    /// `target`.
    pub refused: Option<u16>,
    /// Who sent it: the client or a proxy.
    pub peer: Option<IpAddr>,
}

impl Request {
    /// All values of a header; `name` is in lower case.
    pub fn values<'r>(&'r self, name: &str) -> impl Iterator<Item = &'r str> {
        self.headers.iter().filter(move |(other, _)| other == name).map(|(_, value)| value.trim())
    }
}

/// What is sent back.
#[derive(Debug, Clone, Default)]
pub struct Response {
    pub status: u16,
    /// `Connection`, `Content-Length`, `Date` and `Server` are the server's own.
    pub headers: Vec<(&'static str, Cow<'static, str>)>,
    pub body: Arc<[u8]>,
    /// The body, compressed beforehand.
    pub packed: Option<&'static [u8]>,
    /// What has to be written down before this is sent.
    pub record: Option<Record>,
    /// The pattern of the address, such as `/faq/{id}`; `other` for what is none of ours.
    pub route: &'static str,
    /// What became of the question, if one was asked: `answered`, `choose`, `ask` or `unknown`.
    pub answer: Option<&'static str>,
}

impl Response {
    /// Keeps what is for one reader out of caches that others use; assets are for all.
    pub fn keep_private(&mut self) {
        if self.route != "/assets/{name}" {
            self.headers.retain(|(name, _)| *name != "Cache-Control");
            self.headers.push(("Cache-Control", "private, no-cache".into()));
        }
    }
}

/// Why a request is not answered: a page for people, problem details for programs.
#[derive(Debug)]
struct Refused {
    status: u16,
    /// What is wrong and what to do, without a full stop.
    detail: String,
    /// The methods that would be answered, with 405.
    allow: &'static str,
}

/// An answer, or why there is none.
type Answered = std::result::Result<Response, Refused>;

impl Refused {
    fn new(status: u16, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), allow: "" }
    }

    fn method(allow: &'static str) -> Self {
        Self { status: 405, detail: format!("这个地址只接受 {allow}"), allow }
    }
}

impl From<crate::Error> for Refused {
    fn from(error: crate::Error) -> Self {
        Self::new(500, format!("出错了：{}；请重试，再不行请找管理员", crate::error::chain(&error)))
    }
}

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
    build: &'a str,
    entries: usize,
    problems: usize,
    stopping: bool,
}

/// Answers a request; nothing but what it is given decides what comes back.
///
/// A failure inside becomes a page or problem details with status 500.
pub fn routes(site: Site<'_>, request: &Request) -> Response {
    let response = made(site, request);
    deliver::unchanged(request, &response).unwrap_or(response)
}

/// The answer to a request, whether or not the client has it already.
fn made(site: Site<'_>, request: &Request) -> Response {
    let path = request.target.split('?').next().unwrap_or_default();
    let route = pattern(path.strip_prefix(site.base).unwrap_or(path));
    Response { route, ..respond(site, request) }
}

/// Answers a request before there is any content: everything is unavailable, but the process is alive.
pub fn starting(base: &Base, metrics: &dyn Fn() -> String, request: &Request) -> Response {
    let path = request.target.split('?').next().unwrap_or_default();
    let path = path.strip_prefix(&**base).unwrap_or(path);
    let mut response = match path {
        "/healthz" => text("ok\n"),
        "/metrics" => openmetrics(metrics()),
        "/readyz" => json(&Readiness {
            content: "none",
            version: "",
            build: BUILD,
            entries: 0,
            problems: 0,
            stopping: false,
        }),
        _ => text("内容还在载入，请稍后重试\n"),
    };
    if !["/healthz", "/metrics"].contains(&path) {
        response.status = 503;
        response.headers.push(("Retry-After", "1".into()));
    }
    Response { route: pattern(path), ..deliver::finish(request, path, response) }
}

/// The kind of an address below the base path, one of a closed list.
fn pattern(path: &str) -> &'static str {
    const WHOLE: [&str; 13] = [
        "/",
        "/topics",
        "/search",
        "/sources",
        "/trees",
        "/feedback",
        "/opensearch.xml",
        "/openapi.json",
        "/robots.txt",
        "/favicon.ico",
        "/healthz",
        "/readyz",
        "/metrics",
    ];
    const BEGIN: [(&str, &str); 5] = [
        ("/faq/", "/faq/{id}"),
        ("/topics/", "/topics/{id}"),
        ("/trees/", "/trees/{id}"),
        ("/media/", "/media/{path}"),
        ("/assets/", "/assets/{name}"),
    ];
    let whole = WHOLE.into_iter().find(|known| path == *known);
    let begun = || BEGIN.into_iter().find(|(begin, _)| path.starts_with(begin));
    whole
        .or_else(|| begun().map(|(_, pattern)| pattern))
        .or_else(|| api::pattern(path))
        .unwrap_or("other")
}

fn respond(site: Site<'_>, request: &Request) -> Response {
    let request = match base::enter(site.base, request) {
        Ok(inside) => inside,
        Err(_) if request.refused.is_some() => Cow::Borrowed(request),
        Err(outside) => return deliver::finish(request, "", *outside),
    };
    let request = &*request;
    let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
    let response = taken(request)
        .and_then(|()| Ok((decode(path)?, Query::parse(query)?)))
        .and_then(|(path, query)| route(site, request, &path, &query))
        .unwrap_or_else(|refused| refuse(site, request, &refused));
    deliver::finish(request, path, base::leave(site.base, response))
}

/// What is sent when what should have been written down could not be.
pub fn not_recorded(site: Site<'_>, request: &Request) -> Response {
    let refused = Refused::new(500, "没有记下来，可能是磁盘满了；请重试，再不行请找管理员");
    deliver::finish(request, "", base::leave(site.base, refuse(site, request, &refused)))
}

fn route(site: Site<'_>, request: &Request, path: &str, query: &Query) -> Answered {
    match (&*request.method, path) {
        ("POST", "/feedback") if site.recording => post::feedback(site, request),
        (_, "/feedback") if site.recording => Err(Refused::method("POST")),
        (_, "/feedback") => Ok(html(404, views::missing(site, path)?)),
        ("GET", _) if path.starts_with("/api/") => match shorter(request) {
            Some(response) => Ok(response),
            None => api::route(site, path, query),
        },
        ("GET", _) => page(site, request, path, query),
        _ => Err(Refused::method("GET, HEAD")),
    }
}

/// Pages, and what belongs to them.
fn page(site: Site<'_>, request: &Request, path: &str, query: &Query) -> Answered {
    if let Some(asset) = assets::find(path) {
        return Ok(asset);
    }
    match path {
        "/" => Ok(html(200, views::home(site)?)),
        "/topics" => Ok(moved("/")),
        "/search" => searched(site, query),
        "/sources" => Ok(html(200, views::sources(site)?)),
        "/trees" => Ok(html(200, trees::trees(site)?)),
        "/opensearch.xml" => opensearch(site, request),
        "/healthz" => Ok(text("ok\n")),
        "/readyz" => {
            let overview = &site.library.index.overview;
            let mut response = json(&Readiness {
                content: if site.stale.is_some() { "stale" } else { "current" },
                version: &overview.version,
                build: BUILD,
                entries: overview.entries,
                problems: site.stale.unwrap_or(overview.problems.len()),
                stopping: site.stopping,
            });
            response.status = if site.stopping { 503 } else { 200 };
            Ok(response)
        }
        "/robots.txt" => Ok(text("User-agent: *\nDisallow: /\n")),
        "/metrics" => match site.metrics {
            Some(metrics) => Ok(openmetrics(metrics())),
            None => below(site, request, path, query),
        },
        _ => below(site, request, path, query),
    }
}

fn searched(site: Site<'_>, query: &Query) -> Answered {
    let question = query.one("q")?.unwrap_or_default();
    if question.trim().is_empty() {
        return Ok(moved("/"));
    }
    let unheard: Vec<String> = query.all("not").map(str::to_owned).collect();
    let answer = answer::answer(site.library, &asking(site, query, question, &unheard)?)?;
    let mut response = html(200, views::search(site, &answer, &unheard, query.flag("thanks")?)?);
    // Whoever comes back from leaving feedback has not asked again.
    if query.one("thanks")?.is_none() {
        response.record = unanswered(site, &answer);
        response.answer = Some(answer.status.name());
    }
    Ok(response)
}

/// The parameters of a question.
fn asking<'q>(
    site: Site<'_>,
    query: &Query,
    question: &'q str,
    unheard: &'q [String],
) -> Result<Asking<'q>, Refused> {
    let top = match query.one("top")? {
        None => TOP,
        Some(given) => match given.parse() {
            Ok(top) if (1..=TOP_LIMIT).contains(&top) => top,
            _ => {
                let detail = format!("`top` 不能是 `{given}`；请写 1 到 {TOP_LIMIT} 的整数");
                return Err(Refused::new(400, detail));
            }
        },
    };
    Ok(Asking { question, day: site.day, top, exact: query.flag("exact")?, unheard })
}

/// A question without an answer is written down.
fn unanswered(site: Site<'_>, answer: &Answer) -> Option<Record> {
    let version = &site.library.index.overview.version;
    let record = || Record::new(feedback::Kind::Unknown, "", &answer.question.asked, version);
    (site.recording && !answer.is_known()).then(record)
}

/// Where the walk of an address stands and on which day, or nothing if there is no such tree; `own` are parameters that
/// are no questions.
fn walk<'a>(
    site: Site<'a>,
    query: &Query,
    id: &str,
    own: &[&str],
) -> Result<Option<(Walk<'a>, Date)>, Refused> {
    let forest = &site.library.index.forest;
    if let Some((_, title, problems)) = forest.broken.iter().find(|(broken, ..)| broken == id) {
        let why: Vec<String> = problems.iter().map(ToString::to_string).collect();
        let why = format!("“{title}”有错误，修好以前不能用：{}", why.join("；"));
        return Err(Refused::new(503, why));
    }
    let Some(tree) = forest.trees.get(id) else { return Ok(None) };
    let day = match query.one("day")? {
        None => site.day,
        Some(day) => day
            .parse()
            .map_err(|_| Refused::new(400, "`day` 不是日期；请写成 2026-11-22 的样子"))?,
    };
    let mut given: Vec<(String, String)> = Vec::new();
    let answers = query.iter().filter(|(name, value)| !own.contains(name) && !value.is_empty());
    for (name, value) in answers {
        // The boxes of one question come one by one.
        match given.iter_mut().find(|(other, _)| other == name) {
            Some((_, all)) => *all = format!("{all},{value}"),
            None => given.push((name.to_owned(), value.to_owned())),
        }
    }
    Ok(Some((crate::tree::walk(forest, tree, &given), day)))
}

/// The page of a tree: where a walk stands, all its questions, or its drawing.
fn tree(site: Site<'_>, query: &Query, name: &str) -> Answered {
    let (id, drawn) = name.strip_suffix("/graph").map_or((name, false), |id| (id, true));
    let Some((walk, day)) = walk(site, query, id, &["day", "all", "thanks"])? else {
        return Ok(html(404, views::missing(site, id)?));
    };
    let site = Site { day, ..site };
    let status = if walk.wrong.is_empty() { 200 } else { 400 };
    if drawn {
        return Ok(html(status, trees::graph(site, &walk)?));
    }
    if query.flag("all")? {
        return Ok(html(status, trees::questions(site, walk.tree)?));
    }
    Ok(html(status, trees::tree(site, &walk, query.flag("thanks")?)?))
}

/// Entries, topics, trees and pictures: addresses that end in an id.
fn below(site: Site<'_>, request: &Request, path: &str, query: &Query) -> Answered {
    let library = site.library;
    if let Some(id) = path.strip_prefix("/faq/") {
        if let Some(new) = library.index.overview.moved.get(id) {
            return Ok(moved(&link::url(new)));
        }
        if let Some(entry) = library.entry(id)? {
            return Ok(html(200, views::entry(site, &entry, query.flag("thanks")?)?));
        }
    }
    if let Some(id) = path.strip_prefix("/topics/")
        && let Some(page) = views::topic(site, id)?
    {
        return Ok(html(200, page));
    }
    if let Some(bytes) = path.strip_prefix("/media/").and_then(|path| library.media(path)) {
        return Ok(response(media_type(path), bytes));
    }
    if let Some(response) = shorter(request) {
        return Ok(response);
    }
    match path.strip_prefix("/trees/") {
        Some(name) => tree(site, query, name),
        None => Ok(html(404, views::missing(site, path)?)),
    }
}

/// Leads to the same address without slashes at its end.
fn shorter(request: &Request) -> Option<Response> {
    let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
    path.strip_suffix('/')?;
    // One slash in front, for two would name another host, and browsers read `\` as `/`.
    let path = format!("/{}", path.trim_end_matches('/').trim_start_matches(['/', '\\']));
    Some(moved(&if query.is_empty() { path } else { format!("{path}?{query}") }))
}

#[derive(Template)]
#[template(path = "opensearch.xml")]
struct OpenSearch<'a> {
    title: &'a str,
    /// Scheme, host and base path.
    origin: String,
    icon: String,
}

/// Tells a browser how to search here from its address bar.
fn opensearch(site: Site<'_>, request: &Request) -> Answered {
    let mut hosts = request.values("host");
    let host = hosts
        .next()
        .filter(|host| is_host(host))
        .ok_or_else(|| Refused::new(400, "请求头 Host 不是主机名，写不出地址；请用浏览器打开"))?;
    let secure = request.values("x-forwarded-proto").any(|scheme| scheme == "https");
    let page = OpenSearch {
        title: &site.library.index.overview.title,
        origin: format!("{}://{host}{}", if secure { "https" } else { "http" }, site.base),
        icon: assets::icon(),
    };
    let mut response =
        response("application/opensearchdescription+xml", views::write(&page).into_bytes());
    response.headers.push(("Cache-Control", "no-cache".into()));
    Ok(response)
}

/// Whether this is a name or number of a host, perhaps with a port.
fn is_host(host: &str) -> bool {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
        _ => (host, None),
    };
    let number = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    let named = match number {
        Some(number) => number.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            let label = |label: &str| {
                !label.is_empty()
                    && label
                        .bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
            };
            name.len() <= 253 && name.split('.').all(label)
        }
    };
    named && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
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

fn response(kind: &'static str, body: Vec<u8>) -> Response {
    let headers = vec![("Content-Type", kind.into())];
    Response { status: 200, headers, body: body.into(), ..Response::default() }
}

fn html(status: u16, page: String) -> Response {
    let mut response = response("text/html; charset=utf-8", page.into_bytes());
    response.status = status;
    response.headers.push(("Cache-Control", "no-cache".into()));
    response
}

fn text(text: &str) -> Response {
    response("text/plain; charset=utf-8", text.as_bytes().to_vec())
}

fn openmetrics(metrics: String) -> Response {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    response(kind, metrics.into_bytes())
}

fn json(value: &impl Serialize) -> Response {
    let mut body = serde_json::to_vec(value).expect("our shapes are plain data");
    body.push(b'\n');
    let mut response = response("application/json", body);
    response.headers.push(("Cache-Control", "no-cache".into()));
    response
}

fn moved(to: &str) -> Response {
    Response {
        status: 302,
        headers: vec![("Location", to.to_owned().into())],
        ..Response::default()
    }
}

/// Nothing, or why the server did not take the request.
fn taken(request: &Request) -> Result<(), Refused> {
    let Some(status) = request.refused else { return Ok(()) };
    let detail = match status {
        408 => "请求没有在限定时间内发完，请重试",
        413 => "提交的内容太长，请缩短后重试",
        414 => "地址太长，请缩短后重试；要问的话写几句就够",
        417 => "不支持请求里的 Expect，请去掉后重试",
        431 => "请求头太长，请清除本站的 Cookie 后重试",
        500 => "服务器内部出错，请重试，再不行请找管理员",
        501 => "不支持请求的传输编码，请改用 chunked",
        503 => "服务器正忙，请过几秒再刷新",
        505 => "只支持 HTTP/1.0 和 HTTP/1.1",
        _ => "请求的格式不对，请检查地址和请求头",
    };
    Err(Refused::new(status, detail))
}

/// Says why a request is refused: to people with a page that leads on, to programs with problem details.
fn refuse(site: Site<'_>, request: &Request, refused: &Refused) -> Response {
    let Refused { status, detail, allow } = refused;
    let (title, heading) = match status {
        400 => ("Bad Request", "这个地址看不懂"),
        403 => ("Forbidden", "没有接受"),
        404 => ("Not Found", "没有这一页"),
        405 => ("Method Not Allowed", "不能这样打开"),
        408 => ("Request Timeout", "没有收完"),
        413 => ("Content Too Large", "太长了"),
        414 => ("URI Too Long", "太长了"),
        415 => ("Unsupported Media Type", "没有接受"),
        417 => ("Expectation Failed", "没有接受"),
        431 => ("Request Header Fields Too Large", "太长了"),
        501 => ("Not Implemented", "没有接受"),
        503 => ("Service Unavailable", "现在不能用"),
        505 => ("HTTP Version Not Supported", "没有接受"),
        _ => ("Internal Server Error", "出错了"),
    };
    let mut response = if request.target.starts_with("/api/") {
        let mut response = json(&Details { r#type: "about:blank", title, status: *status, detail });
        response.headers[0].1 = "application/problem+json".into();
        response.status = *status;
        response
    } else {
        let (_, query) = request.target.split_once('?').unwrap_or_default();
        // Whatever can be read of the question stays in the search box.
        let question = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "q");
        let question = question.map_or(String::new(), |(_, question)| question.into_owned());
        html(*status, views::failure(site, heading, detail, &question))
    };
    if !allow.is_empty() {
        response.headers.push(("Allow", (*allow).into()));
    }
    response
}
