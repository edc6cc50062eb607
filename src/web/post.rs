//! `POST /feedback`: what a reader says about an answer.

use super::{Answered, Query, Refused, Request, Response, Site};
use crate::feedback::{Kind, Record};

/// Takes a form and leads back to where it stood; what is to be written down goes with the answer.
pub(super) fn feedback(site: Site<'_>, request: &Request) -> Answered {
    if is_foreign(request) {
        return Err(Refused::new(
            403,
            "这个表单不是从本站的网页提交的，没有记下来；请在本站的网页上再按一次",
        ));
    }
    let mut kinds = request.values("content-type");
    let kind = kinds.next().unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") || kinds.next().is_some() {
        return Err(Refused::new(
            415,
            "只接受网页表单（application/x-www-form-urlencoded）；请在网页上提交",
        ));
    }
    let unreadable = |_| Refused::new(400, "提交的内容不是 UTF-8 编码；请在网页上提交");
    let form = Query::parse(std::str::from_utf8(&request.body).map_err(unreadable)?)?;
    let field = |name| Ok::<_, Refused>(form.one(name)?.unwrap_or_default().trim());
    let (id, question, back) = (field("id")?, field("q")?, field("back")?);
    let kind = match field("useful")? {
        "yes" => Kind::Yes,
        "no" => Kind::No,
        "gap" => Kind::Gap,
        _ => return Err(Refused::new(400, "没有写明有没有用；`useful` 要写 yes、no 或 gap")),
    };
    if id.is_empty() && (question.is_empty() || kind != Kind::Gap) {
        return Err(Refused::new(400, "没有写明说的是哪一条；请写 `id`，没有答上的问题请写 `q`"));
    }
    if !id.is_empty() && !is_known(site, id)? {
        return Err(Refused::new(400, format!("没有条目或结论 `{id}`；请在条目的网页上提交")));
    }
    // Two slashes in front would name another host, and browsers read `\` as `/`.
    let inside = back.strip_prefix('/').is_some_and(|rest| !rest.starts_with(['/', '\\']));
    if !inside || back.contains(char::is_control) {
        return Err(Refused::new(400, "`back` 要写本站的地址，以一个 / 开头"));
    }
    let version = &site.library.index.overview.version;
    Ok(Response {
        status: 303,
        headers: vec![("Location", thanked(back).into())],
        record: Some(Record::new(kind, id, question, version)),
        ..Response::default()
    })
}

/// Whether another site made the browser send this.
///
/// Programs that are no browsers say nothing about it, and have nothing that another site could abuse.
fn is_foreign(request: &Request) -> bool {
    let one = |name| request.values(name).next();
    let fetched = one("sec-fetch-site");
    if fetched.is_some_and(|site| !matches!(site, "same-origin" | "none")) {
        return true;
    }
    let host = |text: &str| {
        let text = text.to_ascii_lowercase();
        let bare = text.strip_suffix(":80").or_else(|| text.strip_suffix(":443"));
        bare.map_or(text.clone(), str::to_owned)
    };
    match one("origin") {
        None => false,
        Some(origin) => match origin.split_once("://") {
            Some((_, origin)) => one("host").is_none_or(|own| host(own) != host(origin)),
            None => true,
        },
    }
}

/// Whether there is such an entry, or such an outcome, written `tree/outcome`.
fn is_known(site: Site<'_>, id: &str) -> crate::Result<bool> {
    let forest = &site.library.index.forest;
    let outcome = id.split_once('/').is_some_and(|(tree, outcome)| {
        forest.trees.get(tree).is_some_and(|tree| tree.outcomes.contains_key(outcome))
    });
    Ok(outcome || site.library.entry(id)?.is_some())
}

/// The address with `thanks=1`, before the fragment.
fn thanked(back: &str) -> String {
    let (address, fragment) = back.find('#').map_or((back, ""), |at| back.split_at(at));
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    let others = query.split('&').filter(|pair| !pair.is_empty() && *pair != "thanks=1");
    let query: Vec<&str> = others.chain(["thanks=1"]).collect();
    format!("{path}?{}{fragment}", query.join("&"))
}
