//! `/api/v1`: everything the pages have, as JSON.
//!
//! `assets/openapi.json` describes it, and a test holds it to [`ROUTES`] and to what is answered.

use super::{Answered, Query, Refused, Site, asking, json, moved, walk};
use crate::{answer, content::link, search, wire};

/// An address of the API.
struct Route {
    /// An `{id}` at the end may hold slashes.
    path: &'static str,
    /// What may be given; `*` for anything.
    parameters: &'static [&'static str],
    /// Takes the parameters and the id.
    answer: fn(Site<'_>, &Query, &str) -> Answered,
}

impl Route {
    /// The id at the end of `path`, empty where the address has none; nothing if this is another address.
    fn id<'p>(&self, path: &'p str) -> Option<&'p str> {
        match self.path.strip_suffix("{id}") {
            Some(before) => path.strip_prefix(before).filter(|id| !id.is_empty()),
            None => (path == self.path).then_some(""),
        }
    }
}

const ROUTES: [Route; 9] = [
    Route { path: "/api/v1/ask", parameters: &["q", "top", "exact", "not"], answer: ask },
    Route { path: "/api/v1/search", parameters: &["q", "top", "exact"], answer: found },
    Route { path: "/api/v1/suggest", parameters: &["q", "format"], answer: suggest },
    Route { path: "/api/v1/entries", parameters: &[], answer: entries },
    Route { path: "/api/v1/entries/{id}", parameters: &[], answer: entry },
    Route { path: "/api/v1/topics", parameters: &[], answer: topics },
    Route { path: "/api/v1/sources", parameters: &[], answer: sources },
    Route { path: "/api/v1/trees", parameters: &[], answer: trees },
    Route { path: "/api/v1/trees/{id}", parameters: &["day", "*"], answer: tree },
];

/// Every address of the API with its parameters; `*` stands for the questions of a tree.
pub fn routes() -> impl Iterator<Item = (&'static str, &'static [&'static str])> {
    ROUTES.iter().map(|route| (route.path, route.parameters))
}

/// The pattern of an address of the API.
pub(super) fn pattern(path: &str) -> Option<&'static str> {
    ROUTES.iter().find(|route| route.id(path).is_some()).map(|route| route.path)
}

/// Answers a request for `path`, which begins with `/api/`.
pub(super) fn route(site: Site<'_>, path: &str, query: &Query) -> Answered {
    for route in &ROUTES {
        let Some(id) = route.id(path) else { continue };
        let Route { parameters, answer, .. } = route;
        if !parameters.contains(&"*") {
            query.only(parameters)?;
        }
        return answer(site, query, id);
    }
    let known = ROUTES.iter().map(|route| route.path).collect::<Vec<_>>().join("、");
    Err(Refused::new(404, format!("没有这个接口；有 {known}，/openapi.json 有说明")))
}

fn ask(site: Site<'_>, query: &Query, _: &str) -> Answered {
    let question = question(query)?;
    let unheard: Vec<String> = query.all("not").map(str::to_owned).collect();
    let answer = answer::answer(site.library, &asking(site, query, question, &unheard)?)?;
    let walk = answer.walk(site.library);
    let mut response = json(&wire::answer(site.library, &answer, walk.as_ref())?);
    response.record = super::unanswered(site, &answer);
    response.answer = Some(answer.status.name());
    Ok(response)
}

fn found(site: Site<'_>, query: &Query, _: &str) -> Answered {
    let asking = asking(site, query, question(query)?, &[])?;
    let index = &site.library.index;
    let found = search::search(index, asking.question, site.day, asking.top, asking.exact)?;
    Ok(json(&wire::found(site.library, &found, site.day)))
}

fn suggest(site: Site<'_>, query: &Query, _: &str) -> Answered {
    // Nothing typed has no completions, which is no mistake.
    let typed = query.one("q")?.unwrap_or_default();
    let suggestions = site.library.suggest(typed, wire::SUGGESTIONS)?;
    let suggestions = wire::suggestions(typed, &suggestions);
    match query.one("format")? {
        None | Some("json") => Ok(json(&suggestions)),
        Some("opensearch") => {
            let mut response = json(&wire::opensearch(suggestions));
            response.headers[0].1 = "application/x-suggestions+json".into();
            Ok(response)
        }
        Some(other) => {
            Err(Refused::new(400, format!("`format` 不能是 `{other}`；请写 json 或 opensearch")))
        }
    }
}

fn entries(site: Site<'_>, _: &Query, _: &str) -> Answered {
    Ok(json(&wire::entries(site.library)?))
}

fn entry(site: Site<'_>, _: &Query, id: &str) -> Answered {
    if let Some(new) = site.library.index.overview.moved.get(id) {
        return Ok(moved(&link::url(new).replacen("/faq/", "/api/v1/entries/", 1)));
    }
    match site.library.entry(id)? {
        Some(entry) => Ok(json(&wire::entry_page(site.library, &entry, site.day)?)),
        None => Err(Refused::new(
            404,
            format!("没有条目 `{id}`；/api/v1/entries 列出所有的条目，/api/v1/search?q= 可以查找"),
        )),
    }
}

fn topics(site: Site<'_>, _: &Query, _: &str) -> Answered {
    Ok(json(&wire::topics(site.library)?))
}

fn sources(site: Site<'_>, _: &Query, _: &str) -> Answered {
    Ok(json(&wire::sources(site.library)?))
}

fn trees(site: Site<'_>, _: &Query, _: &str) -> Answered {
    Ok(json(&wire::trees(site.library)?))
}

fn tree(site: Site<'_>, query: &Query, id: &str) -> Answered {
    let Some((walk, day)) = walk(site, query, id, &["day"])? else {
        return Err(Refused::new(404, format!("没有树 `{id}`；/api/v1/trees 列出所有的树")));
    };
    match walk.wrong.first() {
        Some(wrong) => Err(Refused::new(400, wrong.clone())),
        None => Ok(json(&wire::walk(site.library, &walk, day)?)),
    }
}

/// What is asked; without it there is nothing to answer.
fn question(query: &Query) -> Result<&str, Refused> {
    let question = query.one("q")?.unwrap_or_default();
    if question.trim().is_empty() {
        return Err(Refused::new(
            400,
            "问题是空的；请用参数 q 写上要问的话，例如 ?q=香港服务器要备案吗",
        ));
    }
    Ok(question)
}
