//! What every answer gets on its way out: safety headers, an entity tag, compression.

use super::{Request, Response};
use flate2::{Compression, write::GzEncoder};
use std::{
    hash::{DefaultHasher, Hash, Hasher},
    io::Write,
    sync::Arc,
};

/// What pages may load and who may show them: nothing but our own, and nobody.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// A picture of the content may bring its own style, and nothing else.
const MEDIA_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox";

const TAG: &str = "ETag";
const ENCODING: &str = "Content-Encoding";

/// Less than this fits one packet as it is.
const SMALL: usize = 1024;

/// Makes `response` ready to be sent as the answer to `request`, which may be [`unchanged`].
pub(super) fn finish(request: &Request, path: &str, mut response: Response) -> Response {
    let packs = response.body.len() > SMALL && is_text(&response);
    let packed = packs && accepts_gzip(request);
    if packs {
        response.headers.push(("Vary", "Accept-Encoding".into()));
    }
    if response.status == 200 && request.method == "GET" {
        response.headers.push((TAG, tag(&response.body, packed).into()));
    }
    if packed {
        response.body = response.packed.map_or_else(|| gzip(&response.body).into(), Arc::from);
        response.headers.push((ENCODING, "gzip".into()));
    }
    let policy = if path.starts_with("/media/") { MEDIA_POLICY } else { POLICY };
    response.headers.extend([
        ("Content-Security-Policy", policy.into()),
        ("X-Content-Type-Options", "nosniff".into()),
        // With `no-referrer` a form would not tell where it comes from, and could not be told from a foreign one.
        ("Referrer-Policy", "same-origin".into()),
        ("Cross-Origin-Opener-Policy", "same-origin".into()),
        ("Cross-Origin-Resource-Policy", "same-origin".into()),
    ]);
    response
}

/// What is sent instead of `response` to a client that has it already.
pub(super) fn unchanged(request: &Request, response: &Response) -> Option<Response> {
    let (_, tag) = response.headers.iter().find(|(name, _)| *name == TAG)?;
    let told = |name: &str| name != "Content-Type" && name != ENCODING;
    known(request, tag).then(|| Response {
        status: 304,
        headers: response.headers.iter().filter(|(name, _)| told(name)).cloned().collect(),
        record: response.record.clone(),
        route: response.route,
        answer: response.answer,
        ..Response::default()
    })
}

/// `bytes`, compressed.
pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 2), Compression::default());
    encoder.write_all(bytes).expect("writing to memory does not fail");
    encoder.finish().expect("writing to memory does not fail")
}

/// A strong entity tag: what a body is read from (content, program, day, question) shows in the body itself.
fn tag(body: &[u8], packed: bool) -> String {
    let mut hasher = DefaultHasher::new();
    body.hash(&mut hasher);
    let hash = hasher.finish();
    if packed { format!("\"{hash:016x}-gzip\"") } else { format!("\"{hash:016x}\"") }
}

/// Whether `If-None-Match` names this tag, so that the client has the body already.
fn known(request: &Request, tag: &str) -> bool {
    request.values("if-none-match").any(|list| {
        // Tags stand in quotes, which they cannot hold; `W/` in front makes no difference here.
        list.trim() == "*"
            || list.split('"').skip(1).step_by(2).any(|other| tag[1..tag.len() - 1] == *other)
    })
}

/// Whether the client would rather have the body compressed.
pub(super) fn accepts_gzip(request: &Request) -> bool {
    let (mut gzip, mut any, mut plain) = (None, None, None);
    for part in request.values("accept-encoding").flat_map(|value| value.split(',')) {
        let mut parameters = part.split(';').map(str::trim);
        let coding = parameters.next().unwrap_or_default().to_ascii_lowercase();
        let quality = quality(parameters);
        match &*coding {
            "gzip" | "x-gzip" => gzip = Some(quality),
            "identity" => plain = Some(quality),
            "*" => any = Some(quality),
            _ => {}
        }
    }
    let wanted = gzip.or(any).unwrap_or(0.0);
    wanted > 0.0 && wanted >= plain.unwrap_or(0.0)
}

/// The weight among the parameters of a coding: 1 unless given, 0 if it is none.
fn quality<'p>(mut parameters: impl Iterator<Item = &'p str>) -> f32 {
    let given = parameters.find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("q").then(|| value.trim().parse().unwrap_or(0.0))
    });
    let quality = given.unwrap_or(1.0);
    if (0.0..=1.0).contains(&quality) { quality } else { 0.0 }
}

fn is_text(response: &Response) -> bool {
    let mut kinds = response.headers.iter().filter(|(name, _)| *name == "Content-Type");
    kinds.any(|(_, kind)| {
        kind.starts_with("text/")
            || ["json", "xml"]
                .iter()
                .any(|ending| kind.split(';').next().is_some_and(|kind| kind.ends_with(ending)))
    })
}
