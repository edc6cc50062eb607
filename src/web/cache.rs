//! Pages that were asked before, ready to be sent again.
//!
//! [`Cache::routes`] answers as [`routes`](super::routes) does, to the byte. A page is kept under all that it was made
//! of, the version of the content among it, so an old one is never taken for a new one: nothing has to be thrown away
//! when the content changes, and nothing can be forgotten. What goes with a page is kept too, so a question is counted
//! and written down as often as it is asked.

use super::{
    Request, Response, Site, deliver, made, pattern,
    query::{Query, decode},
};
use jiff::civil::Date;
use lru::LruCache;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// So many pages are kept, and so many bytes of them; those that were not asked for longest go first.
const PAGES: usize = 1000;
const BYTES: usize = 1 << 20;

/// A page that is larger is not kept, for it would drive out too many others.
const LARGEST: usize = BYTES / 8;

/// Pages that were asked before.
pub struct Cache(Mutex<Kept>);

/// What there is for a request.
pub enum Found {
    Page(Response),
    /// It has to be made and will be kept.
    New,
    /// It is made each time.
    Never,
}

struct Kept {
    pages: LruCache<Key, Arc<Response>>,
    /// Of all pages, as [`size`] counts them.
    bytes: usize,
}

/// All that a page is made of, and how it is packed.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    version: String,
    narrowed: bool,
    day: Date,
    recording: bool,
    files: bool,
    base: String,
    stale: Option<usize>,
    path: String,
    query: Query,
    packed: bool,
}

impl Key {
    /// Nothing for what must be made anew each time: it tells the state of the server or rests on more than its address
    /// and the content. Nor for an address that cannot be read.
    fn of(site: Site<'_>, request: &Request) -> Option<Self> {
        let Site { library, day, recording, files, base, stale, stopping: _, metrics: _ } = site;
        let target = request.target.strip_prefix(base)?;
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let kept = match pattern(path) {
            "/" | "/search" | "/faq/{id}" | "/topics/{id}" | "/trees" | "/trees/{id}"
            | "/sources" => true,
            route => route.starts_with("/api/"),
        };
        if !kept || request.method != "GET" || request.refused.is_some() {
            return None;
        }
        Some(Self {
            version: library.index.overview.version.clone(),
            narrowed: library.is_narrowed(),
            day,
            recording,
            files,
            base: base.to_owned(),
            stale,
            path: decode(path).ok()?,
            query: Query::parse(query).ok()?,
            packed: deliver::accepts_gzip(request),
        })
    }
}

impl Default for Cache {
    /// Keeps nothing yet.
    fn default() -> Self {
        Self(Mutex::new(Kept { pages: LruCache::unbounded(), bytes: 0 }))
    }
}

impl Cache {
    /// What [`routes`](super::routes) answers, made only if it was not asked before.
    pub fn routes(&self, site: Site<'_>, request: &Request) -> Response {
        let Some(key) = Key::of(site, request) else { return super::routes(site, request) };
        if let Some(page) = self.page(&key, request) {
            return page;
        }
        let page = Arc::new(made(site, request));
        if page.status == 200 && size(&page) <= LARGEST {
            self.lock().keep(key, Arc::clone(&page));
        }
        to_send(request, &page)
    }

    /// The page, if it was asked before.
    pub fn find(&self, site: Site<'_>, request: &Request) -> Found {
        match Key::of(site, request) {
            Some(key) => self.page(&key, request).map_or(Found::New, Found::Page),
            None => Found::Never,
        }
    }

    fn page(&self, key: &Key, request: &Request) -> Option<Response> {
        let page = self.lock().pages.get(key).cloned();
        page.map(|page| to_send(request, &page))
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn keep(&mut self, key: Key, page: Arc<Response>) {
        self.bytes += size(&page);
        // Somebody may have asked for the same at the same time.
        if let Some((_, old)) = self.pages.push(key, page) {
            self.bytes -= size(&old);
        }
        while self.bytes > BYTES || self.pages.len() > PAGES {
            let Some((_, old)) = self.pages.pop_lru() else { return };
            self.bytes -= size(&old);
        }
    }
}

fn to_send(request: &Request, page: &Response) -> Response {
    deliver::unchanged(request, page).unwrap_or_else(|| page.clone())
}

/// What a page takes, in bytes; its key and head are about a kilobyte.
fn size(page: &Response) -> usize {
    page.body.len() + 1024
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Library, content::File};
    use jiff::civil::date;

    fn library() -> Library {
        let bytes = Ok("# 退款多久到账\n\n三天。\n".as_bytes().to_vec());
        Library::of(&[File { path: "a.md".to_owned(), bytes }]).unwrap()
    }

    #[test]
    fn what_is_asked_again_is_kept_and_nothing_else() {
        let (library, cache) = (library(), Cache::default());
        let ask = |method: &str, target: &str| {
            let (method, target) = (method.to_owned(), target.to_owned());
            let request = Request { method, target, ..Request::default() };
            cache.routes(Site::new(&library, date(2026, 11, 22)), &request);
            cache.lock().pages.len()
        };
        for target in [
            "/healthz",
            "/readyz",
            "/metrics",
            "/robots.txt",
            "/opensearch.xml",
            "/openapi.json",
            "/media/a.png",
            "/faq/none",
            "/search?q=",
            "/search?q=%ff",
            "/search?q=a&q=b",
            "/api/v1/ask",
            "/api/v2",
            "/trees/none",
        ] {
            assert_eq!(ask("GET", target), 0, "{target}");
        }
        assert_eq!(ask("POST", "/search?q=a"), 0);
        assert_eq!(ask("GET", "/search?q=a+b"), 1);
        assert_eq!(ask("GET", "/search?&q=%61%20b"), 1, "the same question");
        assert_eq!(ask("GET", "/search?q=ab"), 2);
        for (count, target) in ["/", "/trees", "/sources", "/api/v1/entries"].iter().enumerate() {
            assert_eq!(ask("GET", target), 3 + count, "{target}");
        }
    }

    #[test]
    fn what_was_not_asked_for_longest_goes_first() {
        let library = library();
        let site = Site::new(&library, date(2026, 11, 22));
        let key = |number: usize| {
            let target = format!("/search?q={number}");
            let request = Request { method: "GET".to_owned(), target, ..Request::default() };
            Key::of(site, &request).unwrap()
        };
        let page =
            |length| Arc::new(Response { body: vec![0; length].into(), ..Response::default() });
        let check = |length: usize, kept: usize| {
            let cache = Cache::default();
            let mut cache = cache.lock();
            for number in 0..3000 {
                cache.keep(key(number), page(length));
                cache.keep(key(number), page(length));
                assert!(cache.pages.get(&key(0)).is_some(), "asked for again and again");
            }
            assert_eq!((cache.pages.len(), cache.bytes), (kept, kept * size(&page(length))));
            assert!(cache.pages.contains(&key(2999)) && !cache.pages.contains(&key(1)));
        };
        check(0, PAGES);
        check(20_000, BYTES / (20_000 + 1024));
    }
}
