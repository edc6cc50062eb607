//! A tree in finitely many places: all ways of answering it, with numbers, dates and texts by classes.
//!
//! Where nothing can be computed, as in files, a walk goes through these places.

use super::{
    Answer, Answers, Forest, Kind, Question, Tree,
    eval::World,
    prove, text,
    walk::{self, Place, Said, Walk},
};
use std::collections::HashSet;

/// Answers that are given as one: an option, or all numbers, days or texts that no rule tells apart.
#[derive(Debug, Clone)]
pub struct Class {
    /// As it stands in an address.
    pub id: String,
    pub label: String,
    /// As it stands in the middle of a sentence, if not as the first answer does.
    pub(super) shown: Option<String>,
    /// The first stands for all.
    pub(super) answers: Vec<Answer>,
}

/// All places of a tree, the first question first; nothing if there are more than `most`.
///
/// "I do not know" is among the answers as long as the places are few enough with it.
pub fn spread<'t>(forest: &'t Forest, tree: &'t Tree, most: usize) -> Option<Vec<Walk<'t>>> {
    let world = World { tree, forest };
    let places = [true, false].into_iter().find_map(|unsure| {
        let mut spread = Spread { world, unsure, most, places: Vec::new() };
        spread.grow(&mut Answers::new(), &mut Said::new()).then_some(spread.places)
    })?;
    let walk = |(answers, said, classes): (Answers, Said, Vec<Class>)| {
        let mut walk = walk::stand(world, &answers, &said);
        walk.classes = classes;
        walk
    };
    Some(places.into_iter().map(walk).collect())
}

struct Spread<'t> {
    world: World<'t>,
    unsure: bool,
    most: usize,
    /// The answers that lead to a place, and what can be answered there.
    places: Vec<(Answers, Said, Vec<Class>)>,
}

impl Spread<'_> {
    /// Adds the place where these answers lead, and all behind it; false if they become too many.
    fn grow(&mut self, answers: &mut Answers, said: &mut Said) -> bool {
        if self.places.len() == self.most {
            return false;
        }
        let Place::Ask(question) = walk::place(self.world, answers) else {
            self.places.push((answers.clone(), said.clone(), Vec::new()));
            return true;
        };
        let classes = self.classes(&question, answers);
        self.places.push((answers.clone(), said.clone(), classes.clone()));
        let grown = classes.into_iter().all(|class| {
            answers.insert(question.clone(), class.answers[0].clone());
            said.insert(question.clone(), class);
            self.grow(answers, said)
        });
        answers.remove(&question);
        said.remove(&question);
        grown
    }

    /// One of these answers for each combination of notes.
    fn telling(&self, question: &str, answers: &Answers, mut given: Vec<Answer>) -> Vec<Answer> {
        let mut with = answers.clone();
        let mut seen = HashSet::new();
        given.retain(|answer| {
            with.insert(question.to_owned(), answer.clone());
            let notes = self.world.tree.outcomes.values().flat_map(|outcome| &outcome.note);
            let hold: Vec<_> = notes.map(|note| self.world.any(&note.when, &with)).collect();
            seen.insert(hold)
        });
        given
    }

    /// What can be answered to a question.
    fn classes(&self, question: &str, answers: &Answers) -> Vec<Class> {
        let asked = &self.world.tree.questions[question];
        let one = |answer: Answer| Class {
            id: answer.to_string(),
            label: asked.label(&answer, &self.world.forest.domains),
            shown: None,
            answers: vec![answer],
        };
        // What nothing tells apart is one place, unless a text shows what was answered.
        let mut classes: Vec<Class> = match &asked.kind {
            Kind::Int(..) | Kind::Date => {
                let notes = prove::open_notes(self.world, answers);
                let classes = prove::classes(self.world, question, answers, &notes);
                let all = prove::values(self.world, question, answers);
                classes.into_iter().map(|class| Class::range(&asked.kind, class, &all)).collect()
            }
            Kind::Text(_) => {
                let named = text::named(prove::classes(self.world, question, answers, &[]));
                let class = |(at, (label, given)): (usize, (String, Vec<Answer>))| Class {
                    id: (at + 1).to_string(),
                    label,
                    shown: Some("……".to_owned()),
                    answers: self.telling(question, answers, given),
                };
                named.into_iter().enumerate().map(class).collect()
            }
            Kind::Choice(_) | Kind::Domain(_) if !walk::is_shown(self.world.tree, question) => {
                let notes = prove::open_notes(self.world, answers);
                let classes = prove::classes(self.world, question, answers, &notes);
                let class = |answers: Vec<Answer>| {
                    let labels = answers.iter().map(|answer| one(answer.clone()).label);
                    let label = labels.collect::<Vec<_>>().join("、");
                    Class { id: answers[0].to_string(), label, shown: None, answers }
                };
                classes.into_iter().map(class).collect()
            }
            _ => prove::values(self.world, question, answers).into_iter().map(one).collect(),
        };
        if self.unsure {
            classes.push(one(Answer::Unsure));
        }
        classes
    }
}

impl Class {
    /// Numbers or days, among `all` that were told apart. What lies between two of these is like both.
    fn range(kind: &Kind, class: Vec<Answer>, all: &[Answer]) -> Self {
        let mut runs: Vec<(usize, usize)> = Vec::new();
        for at in (0..all.len()).filter(|at| class.contains(&all[*at])) {
            match runs.last_mut() {
                Some((_, end)) if *end + 1 == at => *end = at,
                _ => runs.push((at, at)),
            }
        }
        let unit = match kind {
            Kind::Int(_, _, unit) if !unit.is_empty() => format!(" {unit}"),
            _ => String::new(),
        };
        let last = all.len() - 1;
        let labels = runs.iter().map(|(from, to)| match (*from, *to) {
            (0, to) if to == last => "都一样".to_owned(),
            (from, to) if from == to && matches!(kind, Kind::Int(..)) => {
                format!("{}{unit}", all[from])
            }
            (0, to) if matches!(kind, Kind::Date) => format!("{} 以前（含）", all[to]),
            (from, to) if to == last && matches!(kind, Kind::Date) => {
                format!("{} 以后（含）", all[from])
            }
            (from, to) if to == last => format!("{}{unit}以上", all[from]),
            (from, to) => format!("{} 到 {}{unit}", all[from], all[to]),
        });
        let spans = runs.iter().map(|(from, to)| match from == to {
            true => all[*from].to_string(),
            false => format!("{} 到 {}", all[*from], all[*to]),
        });
        let joined = |texts: Vec<String>, with| texts.join(with);
        Self {
            id: prove::class_name(kind, &class),
            label: joined(labels.collect(), "，或 "),
            shown: Some(joined(spans.collect(), " 或 ")),
            answers: class,
        }
    }

    /// What can be chosen: the options of the class with what they are called, or the class as a whole.
    pub fn options(&self, forest: &Forest, question: &Question) -> Vec<(String, String)> {
        match (&self.answers[0], &question.kind) {
            (Answer::Id(_), _) => {
                let named =
                    |answer: &Answer| (answer.to_string(), question.label(answer, &forest.domains));
                self.answers.iter().map(named).collect()
            }
            _ => vec![(self.id.clone(), self.label.clone())],
        }
    }

    /// Whether it is a combination of several options, which are chosen one after the other.
    pub fn is_combined(&self) -> bool {
        matches!(&self.answers[0], Answer::Ids(ids) if ids.len() > 1)
    }
}
