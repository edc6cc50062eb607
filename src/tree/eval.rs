//! What holds, given some answers.

use super::{
    Answer, Answers, Atom, Comparison, Forest, Guard, Item, Kind, Operand, Outcome, Reference,
    Rule, Test, Tree, Words, text::Property,
};
use crate::{
    content::facts::{Row, Value},
    text::normalise,
};
use jiff::civil::Date;
use std::collections::BTreeSet;

/// A tree with what it rests on.
#[derive(Clone, Copy)]
pub(super) struct World<'w> {
    pub(super) tree: &'w Tree,
    pub(super) forest: &'w Forest,
}

/// A value that something has.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Has<'a> {
    /// The cell is empty.
    Nothing,
    Id(&'a str),
    Ids(&'a BTreeSet<String>),
    Words(&'a [String]),
    Bool(bool),
    Int(i64),
    Date(Date),
}

impl<'w> World<'w> {
    /// Whether the rule holds; nothing if that is open.
    pub(super) fn rule(self, rule: &Rule, answers: &Answers) -> Option<bool> {
        self.any(&rule.when, answers)
    }

    /// Whether one of the guards holds.
    pub(super) fn any(self, guards: &[Guard], answers: &Answers) -> Option<bool> {
        let mut open = false;
        for guard in guards {
            match self.guard(guard, answers) {
                Some(true) => return Some(true),
                Some(false) => {}
                None => open = true,
            }
        }
        (!open).then_some(false)
    }

    pub(super) fn guard(self, guard: &Guard, answers: &Answers) -> Option<bool> {
        let mut open = false;
        for atom in guard {
            match self.atom(atom, answers) {
                Some(false) => return Some(false),
                Some(true) => {}
                None => open = true,
            }
        }
        (!open).then_some(true)
    }

    /// The tests of a guard that are open; nothing if one of them fails.
    pub(super) fn open<'g>(self, guard: &'g Guard, answers: &Answers) -> Option<Vec<&'g Atom>> {
        let mut open = Vec::new();
        for atom in guard {
            match self.atom(atom, answers) {
                Some(false) => return None,
                Some(true) => {}
                None => open.push(atom),
            }
        }
        Some(open)
    }

    pub(super) fn atom(self, atom: &Atom, answers: &Answers) -> Option<bool> {
        if let Operand::Property(question, property) = &atom.of {
            return self.property(question, property, &atom.test, answers);
        }
        let has = self.operand(&atom.of, answers)?;
        Some(match &atom.test {
            Test::Known(wanted) => (has != Has::Nothing) == *wanted,
            Test::In(items, wanted) => {
                let mut found = false;
                for item in items {
                    found |= self.item(item, answers)? == has;
                }
                found == *wanted
            }
            Test::Has { any, all, none } => {
                let has = |id: &String| has.contains(id);
                let lists = |words| self.lists(words, answers);
                (any.is_empty() || lists(any)?.iter().copied().flatten().any(has))
                    && lists(all)?.iter().copied().flatten().all(has)
                    && !lists(none)?.iter().copied().flatten().any(has)
            }
            Test::Compare(comparisons) => {
                for (comparison, item) in comparisons {
                    // An empty cell is neither more nor less than anything.
                    if !comparison.holds(has, self.item(item, answers)?).unwrap_or(false) {
                        return Some(false);
                    }
                }
                true
            }
        })
    }

    /// A test of a text, typed or imagined.
    fn property(
        self,
        question: &str,
        property: &str,
        test: &Test,
        answers: &Answers,
    ) -> Option<bool> {
        let (kind, answer) = (&self.tree.questions[question].kind, answers.get(question)?);
        let Kind::Text(parser) = kind else { return None };
        if let Test::Has { any, none, .. } = test {
            let plain = |text: &str| normalise(text.trim()).as_str().to_owned();
            let hits = |list: &[String]| match answer {
                Answer::Text(text) => {
                    let (text, start) = (plain(text), property == "start");
                    let hit = |word: String| {
                        if start { text.starts_with(&word) } else { text.contains(&word) }
                    };
                    list.iter().map(|word| plain(word)).any(hit)
                }
                Answer::Texts(profile) if property == "start" => profile.starts.contains(list),
                Answer::Texts(profile) => profile.contains.contains(list),
                _ => false,
            };
            let hit = |words: &[Words]| Some(self.lists(words, answers)?.into_iter().any(hits));
            return Some((any.is_empty() || hit(any)?) && !hit(none)?);
        }
        let properties = match answer {
            Answer::Text(text) => &parser.parse(text),
            Answer::Texts(profile) => &profile.properties,
            _ => return None,
        };
        // A property that nothing tests is not imagined.
        let has = match properties.get(property)? {
            Property::Int(number) => Has::Int(*number),
            Property::Bool(yes) => Has::Bool(*yes),
            Property::Id(id) => Has::Id(id),
        };
        Some(match test {
            Test::In(items, wanted) => {
                items.iter().any(|item| self.item(item, answers) == Some(has)) == *wanted
            }
            Test::Compare(comparisons) => comparisons.iter().all(|(comparison, item)| {
                let item = self.item(item, answers);
                item.and_then(|item| comparison.holds(has, item)).unwrap_or(false)
            }),
            Test::Has { .. } | Test::Known(_) => return None,
        })
    }

    /// What the operand has; nothing if the questions are open.
    pub(super) fn operand<'a>(self, operand: &'a Operand, answers: &'a Answers) -> Option<Has<'a>>
    where
        'w: 'a,
    {
        match operand {
            Operand::Answer(question) => Some(match answers.get(question)? {
                Answer::Id(id) => Has::Id(id),
                Answer::Ids(ids) => Has::Ids(ids),
                Answer::Bool(yes) => Has::Bool(*yes),
                Answer::Int(number) => Has::Int(*number),
                Answer::Date(date) => Has::Date(*date),
                Answer::Text(_) | Answer::Texts(_) | Answer::Unsure => return None,
            }),
            Operand::Fact(table, column) => self.column(table, column, answers),
            Operand::Property(..) => None,
        }
    }

    /// The cell of the column for the answered keys; nothing if a key is open.
    pub(super) fn column(self, table: &str, column: &str, answers: &Answers) -> Option<Has<'w>> {
        let row = self.row(table, answers)?;
        Some(row.and_then(|row| row.value(column)).map_or(Has::Nothing, Has::of))
    }

    /// The row of the table for the answered keys, if there is one; nothing if a key is open.
    pub(super) fn row(self, table: &str, answers: &Answers) -> Option<Option<&'w Row>> {
        let keys = self.tree.keys.get(table)?.iter();
        let values = keys.map(|key| match answers.get(key) {
            Some(Answer::Id(id)) => Some(&**id),
            _ => None,
        });
        let values = values.collect::<Option<Vec<&str>>>()?;
        Some(self.forest.facts.tables.get(table)?.row(&values, &self.forest.domains))
    }

    fn item<'a>(self, item: &'a Item, answers: &'a Answers) -> Option<Has<'a>>
    where
        'w: 'a,
    {
        Some(match item {
            Item::Id(id) => Has::Id(id),
            Item::Bool(yes) => Has::Bool(*yes),
            Item::Int(number) => Has::Int(*number),
            Item::Date(date) => Has::Date(*date),
            Item::Fact(reference) => self.reference(reference, answers)?,
        })
    }

    /// What a fact has; nothing if a key is open.
    pub(super) fn reference(self, reference: &Reference, answers: &Answers) -> Option<Has<'w>> {
        let facts = &self.forest.facts;
        Some(match reference {
            Reference::Figure(id) => {
                let number = facts.figures.get(id).and_then(|figure| figure.number);
                number.map_or(Has::Nothing, Has::Int)
            }
            Reference::Column(table, column) => self.column(table, column, answers)?,
            Reference::Cell(table, row, column) => {
                let table = facts.tables.get(table)?;
                let row = table.rows.iter().find(|other| other.is(row));
                row.and_then(|row| row.value(column)).map_or(Has::Nothing, Has::of)
            }
        })
    }

    /// The lists of words of a test; nothing if a key is open.
    fn lists<'a>(self, words: &'a [Words], answers: &'a Answers) -> Option<Vec<&'a [String]>>
    where
        'w: 'a,
    {
        words.iter().map(|words| self.words(words, answers)).collect()
    }

    pub(super) fn words<'a>(self, words: &'a Words, answers: &'a Answers) -> Option<&'a [String]>
    where
        'w: 'a,
    {
        match words {
            Words::These(words) => Some(words),
            Words::Fact(reference) => Some(match self.reference(reference, answers)? {
                Has::Words(words) => words,
                _ => &[],
            }),
        }
    }

    pub(super) fn outcome(self, id: &str) -> &'w Outcome {
        &self.tree.outcomes[id]
    }
}

/// The question whose answer is the key of a table: the one of its domain, or the one with its name.
pub(super) fn key_question<'t>(tree: &'t Tree, key: &str) -> Option<&'t str> {
    let of_domain = tree
        .questions
        .values()
        .find(|question| matches!(&question.kind, Kind::Domain(domain) if domain == key));
    of_domain.or_else(|| tree.questions.get(key)).map(|question| &*question.id)
}

impl<'a> Has<'a> {
    fn of(value: &'a Value) -> Self {
        match value {
            Value::Int(number) => Self::Int(*number),
            Value::Bool(yes) => Self::Bool(*yes),
            Value::Date(date) => Self::Date(*date),
            Value::Text(text) => Self::Id(text),
            Value::Id(id, _) => Self::Id(id),
            Value::Words(words) => Self::Words(words),
        }
    }

    fn contains(self, id: &String) -> bool {
        match self {
            Self::Ids(ids) => ids.contains(id),
            Self::Words(words) => words.contains(id),
            Self::Id(only) => only == id,
            _ => false,
        }
    }
}

impl Comparison {
    fn holds(self, left: Has<'_>, right: Has<'_>) -> Option<bool> {
        let order = match (left, right) {
            (Has::Int(left), Has::Int(right)) => left.cmp(&right),
            (Has::Date(left), Has::Date(right)) => left.cmp(&right),
            _ => return None,
        };
        Some(match self {
            Self::Lt => order.is_lt(),
            Self::Le => order.is_le(),
            Self::Gt => order.is_gt(),
            Self::Ge => order.is_ge(),
        })
    }
}
