//! Bytes → the head of a request.
//!
//! [`parse`] reads it with `httparse` and says how its body is framed. Whatever two readers could understand
//! differently is refused. An error is the status with which the request is refused.

use super::{Limits, Request};
use percent_encoding::{AsciiSet, percent_encode};

/// Browsers send about twenty, and proxies add a few; more are an attack.
const HEADERS: usize = 64;

/// Nothing but bytes from 0x80 up, which `percent_encode` always encodes.
const NOT_ASCII: &AsciiSet = &AsciiSet::EMPTY;

/// What a head says; the request's body is still empty.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) request: Request,
    /// The body is left out of the answer.
    pub(super) is_head: bool,
    /// The minor version: HTTP/1.0 or HTTP/1.1.
    pub(super) minor: u8,
    pub(super) keep_alive: bool,
    /// The client waits for `100 Continue` before it sends the body.
    pub(super) expects: bool,
    pub(super) framing: Framing,
}

/// How long the body of a request is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Framing {
    Length(usize),
    Chunked,
}

/// Drops the line ends at the start of `buffer`, which some clients send after a body.
pub(super) fn skip_empty_lines(buffer: &mut Vec<u8>) {
    let mut rest = buffer.as_slice();
    while let Some(next) = rest.strip_prefix(b"\r\n").or_else(|| rest.strip_prefix(b"\n")) {
        rest = next;
    }
    let skipped = buffer.len() - rest.len();
    buffer.drain(..skipped);
}

/// Percent-encodes bytes from 0x80 up behind the method, as `curl` sends them when one types `/search?q=备案`.
pub(super) fn encode_target(buffer: &mut Vec<u8>) {
    let end = buffer.iter().position(|&byte| byte == b'\n').unwrap_or(buffer.len());
    let start = buffer[..end].iter().position(|&byte| byte == b' ').unwrap_or(end);
    if !buffer[start..end].is_ascii() {
        let encoded = percent_encode(&buffer[start..end], NOT_ASCII).to_string();
        buffer.splice(start..end, encoded.into_bytes());
    }
}

/// Returns the head at the start of `buffer` and its length, or nothing while it is incomplete.
pub(super) fn parse(buffer: &[u8], limits: &Limits) -> Result<Option<(Head, usize)>, u16> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut parsed = httparse::Request::new(&mut headers);
    let within = &buffer[..buffer.len().min(limits.head_bytes)];
    let length = match parsed.parse(within) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) if within.len() < limits.head_bytes => return Ok(None),
        Ok(httparse::Status::Partial) => {
            return Err(if within.contains(&b'\n') { 431 } else { 414 });
        }
        Err(httparse::Error::TooManyHeaders) => return Err(431),
        Err(httparse::Error::Version) if names_http(within) => return Err(505),
        Err(_) => return Err(400),
    };
    Ok(Some((understand(&parsed, limits)?, length)))
}

/// Whether the first line speaks of HTTP at all, though not of a version known here.
fn names_http(buffer: &[u8]) -> bool {
    let line = buffer.split(|&byte| byte == b'\n').next().unwrap_or_default();
    line.windows(6).any(|window| window == b" HTTP/")
}

/// Turns a complete head into what the server needs to know, or the status with which it is refused.
fn understand(parsed: &httparse::Request, limits: &Limits) -> Result<Head, u16> {
    let (Some(method), Some(target), Some(minor)) = (parsed.method, parsed.path, parsed.version)
    else {
        return Err(400);
    };
    let target = origin_form(method, target).ok_or(400u16)?;
    let lossy = |header: &httparse::Header| {
        (header.name.to_ascii_lowercase(), String::from_utf8_lossy(header.value).into_owned())
    };
    let headers: Vec<_> = parsed.headers.iter().map(lossy).collect();
    let hosts = values(&headers, "host").count();
    if hosts > 1 || (hosts == 0 && minor == 1) {
        return Err(400);
    }
    let framing = framing(&headers, minor, limits)?;
    let expects = minor == 1 && values(&headers, "expect").next().is_some();
    if expects
        && !values(&headers, "expect").all(|value| value.eq_ignore_ascii_case("100-continue"))
    {
        return Err(417);
    }
    let wants = |option: &str| {
        let mut options = values(&headers, "connection").flat_map(|value| value.split(','));
        options.any(|value| value.trim().eq_ignore_ascii_case(option))
    };
    let keep_alive = !wants("close") && (minor == 1 || wants("keep-alive"));
    let is_head = method == "HEAD";
    let method = if is_head { "GET" } else { method }.to_owned();
    let request = Request { method, target, headers, ..Request::default() };
    Ok(Head { request, is_head, minor, keep_alive, expects, framing })
}

/// All values of the header `name`, which is in lower case.
fn values<'h>(headers: &'h [(String, String)], name: &str) -> impl Iterator<Item = &'h str> {
    headers.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.trim())
}

/// Takes scheme and host off a target in absolute form, as proxies send it.
///
/// Nothing comes back for what a server of pages has no answer to: `*` outside
/// `OPTIONS`, and the `host:port` of `CONNECT`.
fn origin_form(method: &str, target: &str) -> Option<String> {
    if target.starts_with('/') || (target == "*" && method == "OPTIONS") {
        return Some(target.to_owned());
    }
    let (scheme, rest) = target.split_once("://")?;
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return None;
    }
    let path = rest.find(['/', '?']).map_or("", |at| &rest[at..]);
    Some(if path.starts_with('/') { path.to_owned() } else { format!("/{path}") })
}

/// How long the body is.
///
/// Whatever two readers could understand differently is refused, for that is
/// how a request is smuggled past a proxy.
fn framing(headers: &[(String, String)], minor: u8, limits: &Limits) -> Result<Framing, u16> {
    let mut lengths = values(headers, "content-length");
    let length = lengths.next();
    if lengths.any(|other| Some(other) != length) {
        return Err(400);
    }
    let mut codings = values(headers, "transfer-encoding");
    match (length, codings.next()) {
        (None, None) => Ok(Framing::Length(0)),
        (Some(length), None) => content_length(length, limits).map(Framing::Length),
        (Some(_), Some(_)) => Err(400),
        (None, Some(_)) if minor == 0 => Err(400),
        (None, Some(coding)) => {
            let known = coding.eq_ignore_ascii_case("chunked") && codings.next().is_none();
            if known { Ok(Framing::Chunked) } else { Err(501) }
        }
    }
}

/// Reads a `Content-Length`: 400 unless all are digits, 413 if the number is too large, or too large to be one.
fn content_length(value: &str, limits: &Limits) -> Result<usize, u16> {
    if value.is_empty() || !value.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(400);
    }
    let length = value.parse().unwrap_or(usize::MAX);
    if length > limits.body_bytes { Err(413) } else { Ok(length) }
}

/// Reads the line before a chunk: a number in hexadecimal, perhaps an extension after `;`; too large a one is the largest.
pub(super) fn chunk_length(line: &[u8]) -> Option<usize> {
    let digits = line.split(|&byte| byte == b';').next()?.trim_ascii();
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let digits = std::str::from_utf8(digits).ok()?;
    Some(usize::from_str_radix(digits, 16).unwrap_or(usize::MAX))
}
