//! The whole site as plain files, for any file server below any path.
//!
//! [`files`] begins with the page to begin with and goes wherever links lead. Pages come from the same views as a
//! server's; their links are relative. A tree becomes one page for each place that a walk can come to. `search.html`
//! searches in the browser, in an index that is made here.

use super::{
    Request, Site, base,
    views::{Frame, write},
};
use crate::{
    content::Entry,
    error::{Error, Result},
    tree::{self, State, Walk},
};
use askama::Template;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::Serialize;
use std::collections::{BTreeSet, HashMap};

/// A tree with more places than this is only drawn.
const PLACES: usize = 500;

/// What a file server shows for an address without a file.
const MISSING: &str = "/404.html";

/// The longest name of a file, in bytes; most file systems take 255.
const NAME: usize = 200;

/// What stays as it is in a relative address.
const SEGMENT: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'=').remove(b',');

const SCRIPT: &str = include_str!("../../assets/site.js");

/// The page that searches in the browser.
#[derive(Template)]
#[template(path = "find.html")]
struct Find<'a> {
    frame: Frame<'a>,
    entries: &'a str,
    search: &'a str,
}

/// What the browser searches in.
#[derive(Serialize)]
struct Entries {
    /// Words that mean the same.
    same: Vec<Vec<String>>,
    /// Title, address from the top folder, first paragraph, and other ways to ask.
    entries: Vec<(String, String, String, Vec<String>)>,
}

/// Makes all files and hands each with its path to `write`. The same content and day give the same files.
///
/// Fails if something cannot be read, or with what `write` fails with.
pub fn files(site: Site<'_>, mut write: impl FnMut(&str, &[u8]) -> Result<()>) -> Result<()> {
    let site = Site { files: true, recording: false, base: "", ..site };
    let places = Places::new(site)?;
    let mut known: BTreeSet<String> = ["/", MISSING].map(str::to_owned).into();
    let summaries = site.library.summaries()?;
    known.extend(summaries.iter().map(|entry| entry.url()));
    known.extend(site.library.index.overview.moved.keys().map(|id| crate::content::link::url(id)));
    let mut todo: Vec<String> = known.iter().cloned().collect();
    let mut relink = |file: &str, html: &str, todo: &mut Vec<String>| {
        base::relink(html, |address| {
            let page = address.split(['?', '#']).next().unwrap_or(address).to_owned();
            if known.insert(page.clone()) {
                todo.push(page);
            }
            let fragment = address.find('#').map_or("", |at| &address[at..]);
            relative(file, &places.file(address)) + fragment
        })
    };
    let search = Search::new(site)?;
    for (file, text) in [(&search.entries, &search.text), (&search.script, &SCRIPT.to_owned())] {
        write(file, text.as_bytes())?;
    }
    let html = search.page(site);
    write("search.html", relink("search.html", &html, &mut todo).as_bytes())?;
    for (file, walk) in &places.walks {
        let html = super::trees::tree(site, walk, false)?;
        write(file, relink(file, &html, &mut todo).as_bytes())?;
    }
    while let Some(address) = todo.pop() {
        let file = places.file(&address);
        if search.has(&file) || places.is_walk(&file) {
            continue;
        }
        let get = |target: &str| {
            let target = target.to_owned();
            super::routes(site, &Request { method: "GET".to_owned(), target, ..Request::default() })
        };
        let mut response = get(&places.source(&address));
        // What has moved is at both addresses.
        if let Some((_, to)) = response.headers.iter().find(|(name, _)| *name == "Location") {
            response = get(&to.clone());
        }
        if response.status != 200 && address != MISSING {
            let what = String::from_utf8_lossy(&response.body).into_owned();
            return Err(Error::Page { address, what });
        }
        let is_page = response
            .headers
            .iter()
            .any(|(name, value)| *name == "Content-Type" && value.starts_with("text/html"));
        if is_page {
            let html = String::from_utf8_lossy(&response.body);
            response.body = relink(&file, &html, &mut todo).into_bytes().into();
        }
        write(&file, &response.body)?;
    }
    Ok(())
}

/// The places of all trees, and where each page lies.
struct Places<'a> {
    /// By file.
    walks: Vec<(String, Walk<'a>)>,
    /// What is asked at the file of a place, if anything.
    asked: HashMap<String, Option<AskedAt<'a>>>,
}

/// A question, with the folder that each answer leads to.
type AskedAt<'a> = (&'a str, HashMap<String, String>);

impl<'a> Places<'a> {
    fn new(site: Site<'a>) -> Result<Self> {
        let forest = &site.library.index.forest;
        let mut places = Self { walks: Vec::new(), asked: HashMap::new() };
        for tree in forest.trees.values() {
            for walk in tree::spread(forest, tree, PLACES).into_iter().flatten() {
                let steps = walk.given();
                let steps = steps.iter().map(|(question, answer)| format!("{question}={answer}"));
                let folder: Vec<String> =
                    [format!("trees/{}", tree.id)].into_iter().chain(steps).collect();
                let file = format!("{}/index.html", folder.join("/"));
                let asked = match &walk.state {
                    State::Ask(question, ..) => {
                        let ways = walk.classes.iter().flat_map(|class| {
                            let to = format!("{}/{}={}", folder.join("/"), question.id, class.id);
                            let options = class.options(forest, question).into_iter();
                            options.map(move |(id, _)| (id, to.clone()))
                        });
                        Some((&*question.id, ways.collect()))
                    }
                    _ => None,
                };
                places.asked.insert(file.clone(), asked);
                places.walks.push((file, walk));
            }
        }
        Ok(places)
    }

    fn is_walk(&self, file: &str) -> bool {
        self.asked.contains_key(file)
    }

    /// The address to ask for: a tree without places is drawn.
    fn source(&self, address: &str) -> String {
        let tree = address.strip_prefix("/trees/").filter(|id| !id.contains('/'));
        tree.map_or_else(|| address.to_owned(), |id| format!("/trees/{id}/graph"))
    }

    /// The file in which the page of an address lies.
    fn file(&self, address: &str) -> String {
        let (path, query) = address.split_once('?').unwrap_or((address, ""));
        let (path, _) = path.split_once('#').unwrap_or((path, ""));
        let path = percent_decode_str(path.trim_matches('/')).decode_utf8_lossy();
        let parts = path.split('/').filter(|part| !matches!(*part, "" | "." | "..")).map(short);
        let path = parts.collect::<Vec<_>>().join("/");
        match &*path {
            "" => "index.html".to_owned(),
            "search" => "search.html".to_owned(),
            "404.html" => path,
            _ if path.starts_with("assets/") || path.starts_with("media/") => path,
            _ if !path.contains('/') && path.contains('.') => path,
            _ => self.walk(&path, query),
        }
    }

    /// The page of a tree as far as the answers of a query lead; the page itself if it is none of a tree.
    fn walk(&self, folder: &str, query: &str) -> String {
        let mut folder = folder.to_owned();
        loop {
            let file = format!("{folder}/index.html");
            let Some(Some((question, ways))) = self.asked.get(&file) else { return file };
            let answers: Vec<String> = form_urlencoded::parse(query.as_bytes())
                .filter(|(key, _)| key == question)
                .map(|(_, value)| value.into_owned())
                .collect();
            match ways.get(&answers.join(",")) {
                Some(next) => folder.clone_from(next),
                None => return file,
            }
        }
    }
}

/// A name that file systems take.
fn short(name: &str) -> String {
    if name.len() <= NAME {
        return name.to_owned();
    }
    let end = (0..=NAME - 10).rev().find(|end| name.is_char_boundary(*end)).unwrap_or(0);
    format!("{}-{:08x}", &name[..end], crc32fast::hash(name.as_bytes()))
}

/// The address of `to` as it stands in the page `from`, both from the top folder.
fn relative(from: &str, to: &str) -> String {
    let encoded: Vec<String> =
        to.split('/').map(|part| utf8_percent_encode(part, SEGMENT).to_string()).collect();
    "../".repeat(from.matches('/').count()) + &encoded.join("/")
}

/// The search in the browser: its index and script, with their addresses.
struct Search {
    entries: String,
    text: String,
    script: String,
}

impl Search {
    fn new(site: Site<'_>) -> Result<Self> {
        let places = Places { walks: Vec::new(), asked: HashMap::new() };
        let mut entries = Vec::new();
        for entry in site.library.index.entries() {
            let entry: Entry = entry?;
            if entry.valid_until.is_some_and(|last| last < site.day) {
                continue;
            }
            let address = relative("", &places.file(&entry.url()));
            let say = entry.say().to_owned();
            entries.push((entry.title, address, say, [entry.ask, entry.messages].concat()));
        }
        let entries = Entries { same: site.library.index.overview.terms.same.clone(), entries };
        let json = serde_json::to_string(&entries).expect("our shapes are plain data");
        // A script file can be read from a disk too; a browser fetches nothing from there.
        let text = format!("const library = {json};\n");
        let address = |name: &str, text: &str| {
            format!("assets/{name}-{:08x}.js", crc32fast::hash(text.as_bytes()))
        };
        Ok(Self { entries: address("entries", &text), script: address("site", SCRIPT), text })
    }

    fn has(&self, file: &str) -> bool {
        [&self.entries, &self.script].into_iter().any(|other| other == file)
            || file == "search.html"
    }

    fn page(&self, site: Site<'_>) -> String {
        write(&Find {
            frame: Frame::new(site, ""),
            entries: &format!("/{}", self.entries),
            search: &format!("/{}", self.script),
        })
    }
}
