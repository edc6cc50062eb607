//! Closed lists of values with the names that people use: `domains/*.toml`.

use super::{Problem, ours::shape};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

/// What one answer can be: provinces, products, kinds of filing. In the order of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Domain {
    /// What the values are, for the head of a column.
    pub title: String,
    /// What the values are called that a table does not name.
    #[serde(default = "others")]
    pub others: String,
    /// The names of each value; the first one is shown.
    pub value: IndexMap<String, Vec<String>>,
    /// Parts of a value for which other facts hold: a city of a province.
    #[serde(default)]
    pub part: IndexMap<String, Part>,
    /// What stands for a value at the beginning of a filing number (`粤` in 粤ICP备…), heard nowhere else.
    #[serde(default)]
    pub icp: IndexMap<String, String>,
}

/// A part of a value of a [`Domain`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// The value of which it is a part.
    pub of: String,
    pub names: Vec<String>,
}

fn others() -> String {
    "其他".to_owned()
}

impl Domain {
    /// Every value and part with its names.
    pub fn names(&self) -> impl Iterator<Item = (&str, &[String])> {
        let values = self.value.iter().map(|(id, names)| (&**id, &**names));
        values.chain(self.part.iter().map(|(id, part)| (&**id, &*part.names)))
    }

    /// What a value or part is called.
    pub fn label(&self, id: &str) -> Option<&str> {
        self.names().find(|(other, _)| *other == id)?.1.first().map(|name| &**name)
    }
}

/// Reads the domains of a folder and holds them to their rules.
pub(super) fn read(files: &[super::File], problems: &mut Vec<Problem>) -> BTreeMap<String, Domain> {
    let mut domains = BTreeMap::new();
    for path in files.iter().map(|file| &*file.path) {
        let name = path.strip_prefix("domains/").and_then(|path| path.strip_suffix(".toml"));
        if let Some(name) = name
            && let Some(domain) = shape(files, path, problems)
        {
            check(path, &domain, problems);
            domains.insert(name.to_owned(), domain);
        }
    }
    domains
}

fn check(path: &str, domain: &Domain, problems: &mut Vec<Problem>) {
    let mut error = |message: String| problems.push(Problem::error(path, 0, message));
    let mut taken: HashMap<String, &str> = HashMap::new();
    for (id, names) in domain.names() {
        if names.is_empty() {
            error(format!("`{id}` 没有名字；请至少写一个，第一个是显示用的"));
        }
        for name in names {
            if let Some(other) = taken.insert(name.to_lowercase(), id) {
                error(format!(
                    "`{name}` 既是 `{other}` 又是 `{id}`；一个名字只能指一个值，请去掉一个"
                ));
            }
        }
    }
    let parts = domain.part.values().map(|part| &part.of);
    for id in parts.chain(domain.icp.keys()) {
        if !domain.value.contains_key(id) {
            error(format!("`{id}` 不在 [value] 里；请加上，或改正"));
        }
    }
}
