use crate::search::{Kind, Suggestion};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

/// How many completions there are at most.
pub const SUGGESTIONS: usize = 8;

/// Completions: `jieda suggest --json`, `/api/v1/suggest`.
#[derive(Serialize)]
pub struct Suggestions<'a> {
    /// As it was typed.
    query: &'a str,
    /// The best first.
    suggestions: Vec<SuggestionJson<'a>>,
}

#[derive(Serialize)]
struct SuggestionJson<'a> {
    text: &'a str,
    /// `title`, `ask` or `term`.
    kind: &'static str,
    /// The entry it is a name of; `null` for a term.
    id: Option<&'a str>,
    /// Where it is answered.
    url: String,
}

/// The completions of what somebody typed.
pub fn suggestions<'a>(typed: &'a str, suggestions: &[Suggestion<'a>]) -> Suggestions<'a> {
    let suggestion = |suggestion: &Suggestion<'a>| SuggestionJson {
        text: suggestion.text,
        kind: match suggestion.kind {
            Kind::Title => "title",
            Kind::Ask => "ask",
            Kind::Term => "term",
        },
        id: suggestion.id,
        url: format!("/search?q={}", utf8_percent_encode(suggestion.text, NON_ALPHANUMERIC)),
    };
    Suggestions { query: typed, suggestions: suggestions.iter().map(suggestion).collect() }
}

/// Completions as browsers want them for their address bar: what was typed, the texts, what there is to say about
/// each, the addresses.
pub type OpenSearch<'a> = (&'a str, Vec<&'a str>, Vec<&'static str>, Vec<String>);

/// The same completions for the address bar of a browser.
pub fn opensearch<'a>(suggestions: Suggestions<'a>) -> OpenSearch<'a> {
    let (mut texts, mut notes, mut urls) = (Vec::new(), Vec::new(), Vec::new());
    for suggestion in suggestions.suggestions {
        texts.push(suggestion.text);
        notes.push("");
        urls.push(suggestion.url);
    }
    (suggestions.query, texts, notes, urls)
}
