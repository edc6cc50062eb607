//! Decision trees: ordered questions and guarded rules.
//!
//! A tree has no jumps, no default rule and no order of rules. The next question is the first unanswered one that a
//! rule which is still possible needs; a walk is over when all rules that are still possible agree. [`load`] reads
//! the trees of a folder and proves them (`prove`): for every combination of answers there is exactly one outcome.
//! [`walk()`] says where a walk stands, [`hear()`] fills answers in from what a person typed.
//!
//! **A tree with a gap is never walked. The same answers on the same day always lead to the same place.**

mod cases;
mod draw;
mod eval;
mod hear;
mod prove;
mod read;
mod spread;
mod text;
mod vocabulary;
mod walk;

pub use cases::{Hearing, Report, check, hearing, paths};
pub use draw::{mermaid, outline, svg};
pub use hear::{Heard, Wanted, hear, wanted};
pub use read::load;
pub use spread::{Class, spread};
pub use walk::{Branch, Change, Ending, State, Step, Walk, changes, plain, walk};

use crate::{
    content::{Domain, Facts, Link},
    lazy::{self, Lazy, OwnedBytes},
    problem::Problem,
};
use indexmap::IndexMap;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use vocabulary::Vocabulary;

/// The trees of one content version, with what they rest on.
#[derive(Debug, Clone, Default)]
pub struct Forest {
    /// By id, those that hold together.
    pub trees: IndexMap<String, Lazy<Tree>>,
    /// The others: id, title and what is wrong.
    pub broken: Vec<(String, String, Vec<Problem>)>,
    /// What is wrong with trees that can be walked all the same.
    pub warnings: Vec<Problem>,
    pub(crate) facts: Facts,
    pub(crate) domains: Domains,
    pub(crate) links: Lazy<BTreeMap<String, Link>>,
    vocabulary: Vocabulary,
}

/// Closed lists of values by their ids.
pub type Domains = BTreeMap<String, Lazy<Domain>>;

/// A decision tree.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Tree {
    pub id: String,
    pub title: String,
    /// What people say when they want this tree.
    pub ask: Vec<String>,
    pub owner: Option<String>,
    /// In the order in which they are asked.
    pub questions: IndexMap<String, Question>,
    pub rules: IndexMap<String, Rule>,
    pub outcomes: IndexMap<String, Lazy<Outcome>>,
    renames: Vec<Rename>,
    /// The columns of facts that its texts show, for the answered keys.
    shown: Vec<(String, String)>,
    /// For each table of facts the questions that answer its keys.
    keys: BTreeMap<String, Vec<String>>,
}

/// Something that the customer can answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Question {
    pub id: String,
    pub ask: String,
    /// Why it matters.
    pub why: String,
    /// How the customer finds out.
    pub find_out: String,
    pub kind: Kind,
    /// For yes and no: words that say yes, and words that say no.
    hear: Vec<String>,
    hear_not: Vec<String>,
    /// Patterns with one group that holds a number, a date or a text.
    hear_pattern: Vec<String>,
    prefill: Prefill,
    /// Taken by `ask` as long as nothing is known.
    assume: Option<Answer>,
}

/// What can be answered.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Kind {
    /// One of the options.
    Choice(Vec<Choice>),
    /// Any of the options; the text stands for none of them.
    Multi(Vec<Choice>, String),
    Bool,
    /// From, to, unit.
    Int(i64, i64, String),
    Date,
    /// A value of the domain.
    Domain(String),
    /// A text, read by the parser.
    Text(Parser),
}

/// An option of a question.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Choice {
    pub id: String,
    pub label: String,
    hear: Vec<String>,
}

/// What reads a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Parser {
    SiteName,
}

/// What becomes of an answer that was heard in a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Prefill {
    /// It counts.
    Skip,
    /// It is preselected and still asked.
    Suggest,
    Never,
}

/// An answer to a question.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Answer {
    /// An option or a value of a domain.
    Id(String),
    Ids(BTreeSet<String>),
    Bool(bool),
    Int(i64),
    Date(Date),
    Text(String),
    /// The customer does not know.
    Unsure,
    /// All texts with these properties; only while a tree is proven.
    #[serde(skip)]
    Texts(text::Profile),
}

/// Answers by the ids of their questions.
pub type Answers = BTreeMap<String, Answer>;

/// What leads to an outcome: any of the guards.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Rule {
    pub then: String,
    when: Vec<Guard>,
}

/// Tests that hold together.
type Guard = Vec<Atom>;

/// One test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Atom {
    of: Operand,
    test: Test,
    /// The numbers of the questions on which it depends.
    questions: Vec<usize>,
}

/// What is tested.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Operand {
    Answer(String),
    /// The cell of a table's column for the answered keys.
    Fact(String, String),
    /// A property of a text: the question and the property.
    Property(String, String),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Test {
    /// One of these; or, if false, none of these.
    In(Vec<Item>, bool),
    /// For many values at once: some of these, all of these, none of these.
    Has { any: Vec<Words>, all: Vec<Words>, none: Vec<Words> },
    /// All of the comparisons.
    Compare(Vec<(Comparison, Item)>),
    /// Whether the cell has a value.
    Known(bool),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Comparison {
    Lt,
    Le,
    Gt,
    Ge,
}

/// What something is compared with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Item {
    Id(String),
    Bool(bool),
    Int(i64),
    Date(Date),
    Fact(Reference),
}

/// Words written out or taken from a table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Words {
    These(Vec<String>),
    Fact(Reference),
}

/// A fact by name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Reference {
    Figure(String),
    /// Table and column, for the answered keys.
    Column(String, String),
    /// Table, row and column.
    Cell(String, String, String),
}

/// Where a walk can end.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Outcome {
    pub id: String,
    pub verdict: Verdict,
    pub title: String,
    /// The sentence to read out.
    pub say: String,
    /// What is to be done.
    pub step: Vec<String>,
    /// Asked after the outcome is fixed, for the notes.
    ask: Vec<String>,
    /// Ids of entries.
    pub cite: Vec<String>,
    /// The id of a link: where to make sure.
    pub confirm: Option<String>,
    pub find_out: String,
    pub next: Vec<Next>,
    note: Vec<Note>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It is needed, or allowed.
    Yes,
    /// It is not.
    No,
    /// Something has to be done first.
    Go,
    /// The sources do not say, or an authority decides.
    Depends,
}

/// A tree that goes on where this one ends.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Next {
    pub tree: String,
    pub set: BTreeMap<String, String>,
}

/// A line that holds only sometimes.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Note {
    when: Vec<Guard>,
    text: String,
}

/// An older name of a question, with older names of its options.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rename {
    question: String,
    to: String,
    #[serde(default)]
    option: BTreeMap<String, String>,
}

impl Tree {
    /// The number of a question, which stands in the tree.
    fn number(&self, question: &str) -> usize {
        self.questions.get_index_of(question).unwrap_or(usize::MAX)
    }

    /// Whether an outcome cites the entry.
    pub fn cites(&self, entry: &str) -> bool {
        self.outcomes.values().any(|outcome| outcome.cite.iter().any(|id| id == entry))
    }

    /// The address of its first page, without a base path.
    pub fn url(&self) -> String {
        format!("/trees/{}", self.id)
    }

    /// The address of the page for these answers, without a base path.
    pub fn address(&self, given: &[(String, String)]) -> String {
        if given.is_empty() {
            return self.url();
        }
        // Commas part the options of a question and need not be hidden.
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(given).finish();
        format!("{}?{}", self.url(), query.replace("%2C", ",").replace("%7E", "~"))
    }
}

impl Forest {
    /// What [`Forest::read`] reads.
    pub fn to_bytes(&self) -> Vec<u8> {
        let named = |kind: &str, name: &str, bytes| (format!("{kind}/{name}"), bytes);
        let lone = |name: &str, bytes| (name.to_owned(), bytes);
        let wrong = Lazy::from((self.broken.clone(), self.warnings.clone()));
        let mut pieces = self.vocabulary.pieces();
        pieces.extend([
            lone("wrong", wrong.to_bytes()),
            lone("links", self.links.to_bytes()),
            lone("figures", self.facts.figures.to_bytes()),
            lone("asked", self.facts.asked.to_bytes()),
        ]);
        let trees = self.trees.iter().map(|(id, tree)| named("tree", id, tree.to_bytes()));
        let tables = self.facts.tables.iter();
        let tables = tables.map(|(id, table)| named("table", id, table.to_bytes()));
        let domains =
            self.domains.iter().map(|(id, domain)| named("domain", id, domain.to_bytes()));
        pieces.extend(trees.chain(tables).chain(domains));
        lazy::bind(&pieces)
    }

    /// A forest of which nothing has been looked at; nothing if the bytes are not those of one.
    pub fn read(bytes: &OwnedBytes) -> Option<Self> {
        let mut forest = Self::default();
        for (name, bytes) in lazy::part(bytes)? {
            match name.split_once('/').unwrap_or((&name, "")) {
                ("tree", id) => drop(forest.trees.insert(id.to_owned(), Lazy::read(bytes))),
                ("table", id) => drop(forest.facts.tables.insert(id.to_owned(), Lazy::read(bytes))),
                ("domain", id) => drop(forest.domains.insert(id.to_owned(), Lazy::read(bytes))),
                ("links", _) => forest.links = Lazy::read(bytes),
                ("figures", _) => forest.facts.figures = Lazy::read(bytes),
                ("asked", _) => forest.facts.asked = Lazy::read(bytes),
                ("wrong", _) => {
                    (forest.broken, forest.warnings) = postcard::from_bytes(&bytes).ok()?
                }
                (name, _) => forest.vocabulary.take(name, bytes),
            }
        }
        Some(forest)
    }

    /// Takes out every tree that cites an entry of which `is_internal` holds, broken ones that name it, and all ways that lead
    /// to them, and returns their ids.
    pub(crate) fn hide(&mut self, is_internal: impl Fn(&str) -> bool) -> BTreeSet<String> {
        let cites = |tree: &&Lazy<Tree>| {
            tree.outcomes.values().any(|outcome| outcome.cite.iter().any(|id| is_internal(id)))
        };
        let hidden: BTreeSet<String> =
            self.trees.values().filter(cites).map(|tree| tree.id.clone()).collect();
        self.trees.retain(|id, _| !hidden.contains(id));
        for tree in self.trees.values_mut() {
            for outcome in tree.outcomes.values_mut() {
                outcome.next.retain(|next| !hidden.contains(&next.tree));
            }
        }
        self.vocabulary = Vocabulary::of(self);
        // Of a broken tree it is not known what it cites.
        self.broken.clear();
        hidden
    }

    /// All that is wrong, by tree.
    pub fn problems(&self) -> impl Iterator<Item = &Problem> {
        self.broken.iter().flat_map(|(.., problems)| problems).chain(&self.warnings)
    }

    /// An outside address by its id.
    pub fn link(&self, id: &str) -> Option<&Link> {
        self.links.get(id)
    }

    /// The options of a question in their order, with what they are called; none for numbers, dates and texts.
    pub fn options(&self, question: &Question) -> Vec<(String, String)> {
        let pair = |id: &str, label: &str| (id.to_owned(), label.to_owned());
        match &question.kind {
            Kind::Choice(options) => {
                options.iter().map(|option| pair(&option.id, &option.label)).collect()
            }
            Kind::Multi(options, none) => {
                let options = options.iter().map(|option| pair(&option.id, &option.label));
                options.chain([pair("none", none)]).collect()
            }
            Kind::Bool => vec![pair("yes", "是"), pair("no", "否")],
            Kind::Domain(domain) => self.domains.get(domain).map_or(Vec::new(), |domain| {
                let named = domain.names().filter_map(|(id, names)| Some(pair(id, names.first()?)));
                named.collect()
            }),
            Kind::Int(..) | Kind::Date | Kind::Text(_) => Vec::new(),
        }
    }
}

impl Question {
    /// An answer by its number, as its words are counted ([`vocabulary::words`]).
    fn answer(&self, number: usize, domains: &Domains) -> Option<Answer> {
        Some(match &self.kind {
            Kind::Choice(options) => Answer::Id(options.get(number)?.id.clone()),
            Kind::Multi(options, _) => Answer::Ids([options.get(number)?.id.clone()].into()),
            Kind::Domain(domain) => {
                Answer::Id(domains.get(domain)?.names().nth(number)?.0.to_owned())
            }
            Kind::Bool => Answer::Bool(number == 0),
            Kind::Int(..) | Kind::Date | Kind::Text(_) => return None,
        })
    }

    /// What an answer is called.
    pub fn label(&self, answer: &Answer, domains: &Domains) -> String {
        let option = |id: &String| match &self.kind {
            Kind::Choice(options) | Kind::Multi(options, _) => options
                .iter()
                .find(|option| option.id == *id)
                .map_or_else(|| id.clone(), |option| option.label.clone()),
            Kind::Domain(domain) => domains
                .get(domain)
                .and_then(|domain| domain.label(id))
                .map_or_else(|| id.clone(), str::to_owned),
            _ => id.clone(),
        };
        match (answer, &self.kind) {
            (Answer::Unsure, _) => "不清楚".to_owned(),
            (Answer::Id(id), _) => option(id),
            (Answer::Ids(ids), Kind::Multi(_, none)) if ids.is_empty() => none.clone(),
            (Answer::Ids(ids), _) => ids.iter().map(option).collect::<Vec<_>>().join("、"),
            (Answer::Bool(yes), _) => if *yes { "是" } else { "否" }.to_owned(),
            (Answer::Int(number), Kind::Int(_, _, unit)) if !unit.is_empty() => {
                format!("{number} {unit}")
            }
            (answer, _) => answer.to_string(),
        }
    }
}

/// As it stands in an address: the one spelling everywhere.
impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Id(text) | Self::Text(text) => f.write_str(text),
            Self::Ids(ids) if ids.is_empty() => f.write_str("none"),
            Self::Ids(ids) => {
                f.write_str(&ids.iter().map(|id| &**id).collect::<Vec<_>>().join(","))
            }
            Self::Bool(yes) => f.write_str(if *yes { "yes" } else { "no" }),
            Self::Int(number) => write!(f, "{number}"),
            Self::Date(date) => write!(f, "{date}"),
            Self::Unsure => f.write_str("unsure"),
            Self::Texts(profile) => write!(f, "{profile}"),
        }
    }
}

impl Answer {
    /// Reads an answer from an address. Fails with what is wrong, in Chinese.
    pub fn parse(text: &str, question: &Question, domains: &Domains) -> Result<Self, String> {
        let text = text.trim();
        if text == "unsure" {
            return Ok(Self::Unsure);
        }
        let among = |ids: Vec<&str>, id: &str| match ids.contains(&id) {
            true => Ok(id.to_owned()),
            false if ids.len() <= 12 => {
                Err(format!("`{}` 不能是 `{id}`；可以是 {}", question.id, ids.join("、")))
            }
            false => Err(format!("`{}` 不能是 `{id}`；例如 {}", question.id, ids[..3].join("、"))),
        };
        let wrong = |what: &str| format!("`{}` 不能是 `{text}`；{what}", question.id);
        Ok(match &question.kind {
            Kind::Choice(options) => {
                Self::Id(among(options.iter().map(|option| &*option.id).collect(), text)?)
            }
            Kind::Multi(..) if text == "none" => Self::Ids(BTreeSet::new()),
            Kind::Multi(options, _) => {
                let ids: Vec<&str> = options.iter().map(|option| &*option.id).collect();
                Self::Ids(
                    text.split(',')
                        .map(|id| among(ids.clone(), id.trim()))
                        .collect::<Result<_, _>>()?,
                )
            }
            Kind::Bool => match text {
                "yes" => Self::Bool(true),
                "no" => Self::Bool(false),
                _ => return Err(wrong("可以是 yes、no")),
            },
            Kind::Int(min, max, unit) => {
                let number = text.parse().ok().filter(|number| (min..=max).contains(&number));
                Self::Int(
                    number.ok_or_else(|| wrong(&format!("请写 {min} 到 {max} 的整数{unit}")))?,
                )
            }
            Kind::Date => Self::Date(text.parse().map_err(|_| wrong("请写成 2019-08-16 的样子"))?),
            Kind::Domain(domain) => {
                let names =
                    domains.get(domain).map(|domain| domain.names().map(|(id, _)| id).collect());
                Self::Id(among(names.unwrap_or_default(), text)?)
            }
            Kind::Text(_) if text.is_empty() => {
                return Err(format!("`{}` 是空的；请写上", question.id));
            }
            Kind::Text(_) => Self::Text(text.chars().take(100).collect()),
        })
    }
}
