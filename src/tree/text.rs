//! What can be said about a text without understanding it.

use super::{Answer, Parser};
use regex::Regex;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Arc, LazyLock},
};

/// The properties of a text that somebody typed, or of all texts that have them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Profile {
    pub(super) properties: Arc<BTreeMap<String, Property>>,
    /// The lists of which the text contains a word, and those of which it begins with one.
    pub(super) contains: Arc<BTreeSet<Vec<String>>>,
    pub(super) starts: Arc<BTreeSet<Vec<String>>>,
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

/// Something that can be seen of a text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Flag {
    /// A property with some of its values.
    Has(String, BTreeSet<Property>),
    Starts(Vec<String>),
    Contains(Vec<String>),
}

impl Flag {
    fn holds(&self, profile: &Profile) -> bool {
        match self {
            Self::Has(name, values) => {
                profile.properties.get(name).is_some_and(|value| values.contains(value))
            }
            Self::Starts(list) => profile.starts.contains(list),
            Self::Contains(list) => profile.contains.contains(list),
        }
    }

    /// In words; `all` are the values of which the property has some.
    fn say(&self, all: &BTreeSet<Property>) -> String {
        match self {
            Self::Starts(list) => format!("以“{}”开头", list.join("、")),
            Self::Contains(list) => format!("含有“{}”", list.join("、")),
            Self::Has(_, values) => {
                let said = |value: &Property| match (value, self.name()) {
                    (Property::Id("digits"), _) => "全是数字".to_owned(),
                    (Property::Id("latin"), _) => "全是英文".to_owned(),
                    (Property::Id("mixed"), _) => "不全是数字或英文".to_owned(),
                    (Property::Id("blog"), _) => "写成“……的个人博客”".to_owned(),
                    (Property::Id("home"), _) => "写成“……的个人主页”".to_owned(),
                    (Property::Id(_), _) => "不是“……的个人博客”或“……的个人主页”".to_owned(),
                    (Property::Bool(true), "special") => "有汉字、字母、数字以外的符号".to_owned(),
                    (Property::Bool(false), "special") => "没有符号".to_owned(),
                    (Property::Bool(true), _) => "像是域名".to_owned(),
                    (Property::Bool(false), _) => "不像域名".to_owned(),
                    (Property::Int(number), _) if values.first() == all.first() => {
                        format!("汉字不到 {} 个", number + 1)
                    }
                    (Property::Int(_), _) => match values.first() {
                        Some(Property::Int(least)) => format!("汉字 {least} 个以上"),
                        _ => String::new(),
                    },
                };
                match values.last() {
                    Some(last @ Property::Int(_)) => said(last),
                    _ => values.iter().map(said).collect::<Vec<_>>().join("，或"),
                }
            }
        }
    }

    fn name(&self) -> &str {
        match self {
            Self::Has(name, _) => name,
            Self::Starts(_) | Self::Contains(_) => "",
        }
    }
}

/// Names classes of texts by what can be seen of them. Each name but the first takes for granted that those before
/// it do not hold.
pub(super) fn named(classes: Vec<Vec<Answer>>) -> Vec<(String, Vec<Answer>)> {
    let profiles = |class: &Vec<Answer>| -> Vec<Profile> {
        let texts = class.iter().filter_map(|answer| match answer {
            Answer::Texts(profile) => Some(profile.clone()),
            _ => None,
        });
        texts.collect()
    };
    let mut rest: Vec<(Vec<Profile>, Vec<Answer>)> =
        classes.into_iter().map(|class| (profiles(&class), class)).collect();
    let mut named: Vec<(String, Vec<Answer>)> = Vec::new();
    while !rest.is_empty() {
        let all: Vec<&Profile> = rest.iter().flat_map(|(profiles, _)| profiles).collect();
        let only = rest.len() == 1;
        let found = rest.iter().enumerate().find_map(|(at, (profiles, _))| {
            let flags = telling(profiles, &all);
            let told =
                profiles.iter().all(|profile| flags.iter().any(|(flag, _)| flag.holds(profile)));
            (told && !only).then_some((at, flags))
        });
        let (at, name) = match found {
            Some((at, flags)) => {
                let said: Vec<String> = flags.iter().map(|(flag, all)| flag.say(all)).collect();
                (at, said.join("，或"))
            }
            None if only => (0, String::new()),
            None => (0, format!("其他写法（{}）", named.len() + 1)),
        };
        let name = match (named.is_empty(), name.is_empty()) {
            (true, true) => "都一样".to_owned(),
            (true, false) => name,
            (false, true) => "以上都没有".to_owned(),
            (false, false) => format!("以上都没有，但{name}"),
        };
        named.push((name, rest.remove(at).1));
    }
    named
}

/// The flags that only these of all profiles have, without those that go without saying; with all values of each.
fn telling(profiles: &[Profile], all: &[&Profile]) -> Vec<(Flag, BTreeSet<Property>)> {
    let alone = |flag: &Flag| {
        let having = all.iter().filter(|profile| flag.holds(profile)).count();
        having > 0 && having == profiles.iter().filter(|profile| flag.holds(profile)).count()
    };
    let mut values: BTreeMap<&String, BTreeSet<Property>> = BTreeMap::new();
    for (name, value) in all.iter().flat_map(|profile| profile.properties.iter()) {
        values.entry(name).or_default().insert(value.clone());
    }
    let mut flags = Vec::new();
    for (name, values) in values {
        let one = |value: &Property| Flag::Has(name.clone(), BTreeSet::from([value.clone()]));
        let telling: BTreeSet<Property> =
            values.iter().filter(|value| alone(&one(value))).cloned().collect();
        if !telling.is_empty() {
            flags.push((Flag::Has(name.clone(), telling), values));
        }
    }
    let starts: BTreeSet<_> =
        all.iter().flat_map(|profile| profile.starts.iter().cloned()).collect();
    let contains: BTreeSet<_> =
        all.iter().flat_map(|profile| profile.contains.iter().cloned()).collect();
    let lists =
        starts.into_iter().map(Flag::Starts).chain(contains.into_iter().map(Flag::Contains));
    flags.extend(lists.filter(alone).map(|flag| (flag, BTreeSet::new())));
    let mut at = 0;
    while at < flags.len() {
        let others = |profile: &&Profile| {
            flags.iter().enumerate().any(|(other, (flag, _))| other != at && flag.holds(profile))
        };
        match profiles
            .iter()
            .filter(|profile| flags[at].0.holds(profile))
            .all(|profile| others(&profile))
        {
            true => drop(flags.remove(at)),
            false => at += 1,
        }
    }
    flags
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
