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
pub fn suggestions<'a>(typed: &'a str, suggestions: &[&'a Suggestion]) -> Suggestions<'a> {
    let suggestion = |suggestion: &&'a Suggestion| SuggestionJson {
        text: &suggestion.text,
        kind: match suggestion.kind {
            Kind::Title => "title",
            Kind::Ask => "ask",
            Kind::Term => "term",
        },
        id: suggestion.id.as_deref(),
        url: format!("/search?q={}", utf8_percent_encode(&suggestion.text, NON_ALPHANUMERIC)),
    };
    Suggestions { query: typed, suggestions: suggestions.iter().map(suggestion).collect() }
}
