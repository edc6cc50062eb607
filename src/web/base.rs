//! Our own addresses on the way out.
//!
//! Pages are written as if they stood at the root of a host: `href="/faq/…"`. Below a base path and in files, these
//! addresses are rewritten here, and nowhere else.

use super::{Request, Response};
use std::{borrow::Cow, str::FromStr};

/// The attributes that hold addresses, besides `data-…`.
const ADDRESSES: [&str; 4] = ["href", "src", "action", "formaction"];

/// The page with `to(address)` for each of our own addresses in it.
///
/// Addresses stand in tags; text cannot look like one, because `<` is escaped in it.
pub(super) fn relink(html: &str, mut to: impl FnMut(&str) -> String) -> String {
    const BEGIN: &str = "=\"/";
    let mut out = String::with_capacity(html.len() * 5 / 4);
    let mut rest = html;
    while let Some(at) = rest.find(BEGIN) {
        let (before, value) = rest.split_at(at + BEGIN.len() - 1);
        out.push_str(before);
        let (value, after) = value.split_at(value.find('"').unwrap_or(value.len()));
        let name = rest[..at].rsplit(char::is_whitespace).next().unwrap_or_default();
        let is_address = ADDRESSES.contains(&name) || name.starts_with("data-");
        let in_tag = out.rfind(['<', '>']).is_some_and(|at| out[at..].starts_with('<'));
        if is_address && in_tag && !value.starts_with("//") {
            let address = value.replace("&#38;", "&").replace("&amp;", "&");
            out.push_str(&to(&address).replace('&', "&amp;"));
        } else {
            out.push_str(value);
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// The path below which a server's pages stand, such as `/kb`; empty at the root.
#[derive(Debug, Clone, Default)]
pub struct Base(String);

impl FromStr for Base {
    type Err = crate::Error;

    /// Reads `/kb` or `/kb/`; `/` is the root.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let path = text.strip_suffix('/').unwrap_or(text);
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~');
        let named = |part: &str| part.chars().all(plain) && !matches!(part, "" | "." | "..");
        let good = match path.strip_prefix('/') {
            Some(rest) => rest.split('/').all(named),
            None => path.is_empty() && !text.is_empty(),
        };
        match good {
            true => Ok(Self(path.to_owned())),
            false => Err(crate::Error::BasePath { path: text.to_owned() }),
        }
    }
}

impl std::fmt::Display for Base {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::ops::Deref for Base {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// The request as it would be at the root, or what is answered outside of the base path.
pub(super) fn enter<'r>(
    base: &str,
    request: &'r Request,
) -> Result<Cow<'r, Request>, Box<Response>> {
    // `*` asks about the server, not about a page.
    if base.is_empty() || request.target == "*" {
        return Ok(Cow::Borrowed(request));
    }
    match request.target.strip_prefix(base) {
        Some(rest) if rest.starts_with('/') => {
            Ok(Cow::Owned(Request { target: rest.to_owned(), ..request.clone() }))
        }
        Some(rest) if rest.is_empty() || rest.starts_with('?') => {
            Err(Box::new(super::moved(&format!("{base}/{rest}"))))
        }
        _ => {
            let text = super::text(&format!("这里没有网页；网页都在 {base}/ 下面\n"));
            Err(Box::new(Response { status: 404, ..text }))
        }
    }
}

/// The response with the base path before our own addresses.
pub(super) fn leave(base: &str, mut response: Response) -> Response {
    if base.is_empty() {
        return response;
    }
    let mut is_page = false;
    for (name, value) in &mut response.headers {
        is_page |= *name == "Content-Type" && value.starts_with("text/html");
        if *name == "Location" && value.starts_with('/') && !value.starts_with("//") {
            value.to_mut().insert_str(0, base);
        }
    }
    if is_page {
        let html = String::from_utf8_lossy(&response.body);
        response.body = relink(&html, |address| format!("{base}{address}")).into_bytes().into();
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_addresses_are_rewritten() {
        #[track_caller]
        fn check(html: &str, expected: &str) {
            assert_eq!(relink(html, |address| format!("/kb{address}")), expected);
        }
        check(r#"<a class="b" href="/">"#, r#"<a class="b" href="/kb/">"#);
        check(
            r#"<form action="/search" data-url="/x?a=1&#38;b=2">"#,
            r#"<form action="/kb/search" data-url="/kb/x?a=1&amp;b=2">"#,
        );
        check(r#"<a href="https://example.org/">"#, r#"<a href="https://example.org/">"#);
        check(r#"<a href="//example.org/">"#, r#"<a href="//example.org/">"#);
        check(r#"<p>写 href="/faq" 就行</p>"#, r#"<p>写 href="/faq" 就行</p>"#);
    }

    #[test]
    fn base_paths() {
        for (text, base) in [("/", ""), ("/kb", "/kb"), ("/a/b.c/", "/a/b.c")] {
            assert_eq!(text.parse::<Base>().expect(text).to_string(), base);
        }
        for text in ["", "kb", "//", "/a//b", "/..", "/a b", "/备案", "/a?b", "/a%20"] {
            assert!(text.parse::<Base>().is_err(), "{text}");
        }
    }
}
