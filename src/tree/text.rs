//! What can be said about a text without understanding it.

use super::Parser;
use regex::Regex;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::LazyLock,
};

/// The properties of a text that somebody typed, or of all texts that have them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Profile {
    pub(super) properties: BTreeMap<String, Property>,
    /// The lists of which the text contains a word, and those of which it begins with one.
    pub(super) contains: BTreeSet<Vec<String>>,
    pub(super) starts: BTreeSet<Vec<String>>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Property {
    Int(i64),
    Bool(bool),
    Id(&'static str),
}

/// What kind of property a parser yields.
pub(super) enum Form {
    Int,
    Bool,
    Ids(&'static [&'static str]),
    /// Tested for the words that it contains, or with which it begins.
    Contains,
    Starts,
}

impl Parser {
    pub(super) fn read(name: &str) -> Option<Self> {
        (name == "site_name").then_some(Self::SiteName)
    }

    /// The properties that this parser yields.
    pub(super) fn forms(self) -> [(&'static str, Form); 7] {
        match self {
            Self::SiteName => [
                ("hanzi", Form::Int),
                ("only", Form::Ids(&["digits", "latin", "mixed"])),
                ("special", Form::Bool),
                ("domain", Form::Bool),
                ("form", Form::Ids(&["blog", "home", "other"])),
                ("words", Form::Contains),
                ("start", Form::Starts),
            ],
        }
    }

    /// The properties of a text; of words, `Profile` has none, because they are looked for in the text itself.
    pub(super) fn parse(self, text: &str) -> BTreeMap<String, Property> {
        static DOMAIN: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new(r"(?i)^(https?://)?([a-z0-9-]+\.)+[a-z]{2,}/?$").expect("a valid pattern")
        });
        let text = text.trim();
        let all = |fits: fn(char) -> bool| !text.is_empty() && text.chars().all(fits);
        let only = match () {
            () if all(|c| c.is_ascii_digit()) => "digits",
            () if all(|c| c.is_ascii_alphabetic() || c.is_ascii_whitespace()) => "latin",
            () => "mixed",
        };
        let ends = |ending: &str| text.strip_suffix(ending).is_some_and(|name| !name.is_empty());
        let form = match () {
            () if ends("的个人博客") => "blog",
            () if ends("的个人主页") => "home",
            () => "other",
        };
        let plain = |c: char| c.is_alphanumeric() || c == ' ';
        let is_domain = DOMAIN.is_match(text);
        let properties = [
            (
                "hanzi",
                Property::Int(text.chars().filter(|c| crate::text::is_han(*c)).count() as i64),
            ),
            ("only", Property::Id(only)),
            ("special", Property::Bool(!is_domain && !text.chars().all(plain))),
            ("domain", Property::Bool(is_domain)),
            ("form", Property::Id(form)),
        ];
        properties.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// Whether any text can have these properties at once.
    pub(super) fn possible(self, properties: &BTreeMap<String, Property>) -> bool {
        let is = |name: &str, value: Property| properties.get(name) == Some(&value);
        let letters = is("only", Property::Id("digits")) || is("only", Property::Id("latin"));
        let chinese = matches!(properties.get("hanzi"), Some(Property::Int(number)) if *number > 0);
        let formed = is("form", Property::Id("blog")) || is("form", Property::Id("home"));
        let short = matches!(properties.get("hanzi"), Some(Property::Int(number)) if *number < 5);
        !(letters
            && (chinese
                || formed
                || is("special", Property::Bool(true))
                || is("domain", Property::Bool(true))))
            && !(formed && (short || is("domain", Property::Bool(true))))
            && !(is("domain", Property::Bool(true))
                && (chinese || is("special", Property::Bool(true))))
    }
}

/// `hanzi=3&only=mixed&…`
impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts: Vec<String> = self
            .properties
            .iter()
            .map(|(name, value)| match value {
                Property::Int(number) => format!("{name}:{number}"),
                Property::Bool(yes) => format!("{name}:{}", if *yes { "yes" } else { "no" }),
                Property::Id(id) => format!("{name}:{id}"),
            })
            .collect();
        let first = |list: &Vec<String>| list.first().cloned().unwrap_or_default();
        parts.extend(self.starts.iter().map(|list| format!("start:{}", first(list))));
        parts.extend(self.contains.iter().map(|list| format!("words:{}", first(list))));
        f.write_str(&parts.join(","))
    }
}
