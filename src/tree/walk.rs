//! Where a walk stands.

use super::{
    Answer, Answers, Class, Forest, Kind, Outcome, Question, Rule, Tree, eval::World, prove,
};
use crate::lazy::Lazy;
use regex::{Captures, Regex};
use std::{
    collections::{BTreeMap, HashSet},
    sync::LazyLock,
};

/// Where a walk stands, with how it got there.
#[derive(Debug)]
pub struct Walk<'t> {
    pub tree: &'t Tree,
    /// The questions that were answered, in the order in which they are asked.
    pub steps: Vec<Step<'t>>,
    pub state: State<'t>,
    /// Outcomes that are still possible.
    pub possible: Vec<&'t Lazy<Outcome>>,
    /// Answers to questions that do not come up any more, with what they are called.
    pub parked: Vec<(&'t Question, Answer, String)>,
    /// What was given and is no question or no answer of this tree, as messages.
    pub wrong: Vec<String>,
    /// What can be answered next, where a walk goes by classes ([`super::spread()`]).
    pub classes: Vec<Class>,
}

/// The classes of which an answer stands for all.
pub(super) type Said = BTreeMap<String, Class>;

/// A question with its answer.
#[derive(Debug, Clone)]
pub struct Step<'t> {
    pub question: &'t Question,
    pub answer: Answer,
    /// As it stands in an address.
    pub id: String,
    /// In words.
    pub label: String,
}

/// What comes next.
#[derive(Debug)]
pub enum State<'t> {
    /// The next question, with an answer that was heard but is not confirmed.
    ///
    /// Where the outcome is settled and only notes are open, so does the ending as far as it is known.
    Ask(&'t Question, Option<Answer>, Option<Box<Ending<'t>>>),
    /// The end.
    Over(Box<Ending<'t>>),
    /// All has been asked, but the customer did not know everything.
    Open(Vec<Branch<'t>>),
}

/// The end of a walk: the outcome with its texts filled in.
#[derive(Debug)]
pub struct Ending<'t> {
    pub outcome: &'t Outcome,
    pub say: String,
    pub steps: Vec<String>,
    /// The notes that hold.
    pub notes: Vec<String>,
    pub find_out: String,
    /// The rule that decided.
    pub rule: &'t str,
    /// The questions and answers that it tests.
    pub because: Vec<(&'t Question, String)>,
    /// Where to go on: tree, and the answers that it is told.
    pub next: Vec<(String, BTreeMap<String, String>)>,
}

/// An answer that would change the outcome.
#[derive(Debug)]
pub struct Change<'t> {
    pub question: &'t Question,
    pub label: String,
    pub outcome: &'t Outcome,
}

/// If this is the answer, then that is the outcome.
#[derive(Debug)]
pub struct Branch<'t> {
    /// Questions with answers in words.
    pub answers: Vec<(&'t Question, String)>,
    pub outcome: &'t Outcome,
}

impl<'t> Walk<'t> {
    /// The outcome as far as it is settled.
    pub fn ending(&self) -> Option<&Ending<'t>> {
        match &self.state {
            State::Over(ending) | State::Ask(_, _, Some(ending)) => Some(ending),
            State::Ask(..) | State::Open(_) => None,
        }
    }

    /// What the outcomes that are still possible are called, each title once.
    pub fn titles(&self) -> Vec<&str> {
        let mut seen = HashSet::new();
        let titles = self.possible.iter().map(|outcome| &*outcome.title);
        titles.filter(|title| seen.insert(*title)).collect()
    }

    /// The answers that count, as they stand in an address.
    pub fn given(&self) -> Vec<(String, String)> {
        self.steps.iter().map(|step| (step.question.id.clone(), step.id.clone())).collect()
    }

    /// The address of this place, without a base path.
    pub fn url(&self) -> String {
        self.tree.address(&self.given())
    }

    /// The answers by question.
    pub fn answers(&self) -> Answers {
        self.steps.iter().map(|step| (step.question.id.clone(), step.answer.clone())).collect()
    }
}

/// Where answers lead.
pub(super) enum Place<'w> {
    Ask(String),
    Over(&'w Outcome),
    /// Nothing more to ask, and several outcomes.
    Open,
}

/// The outcomes that these answers leave possible, in the order of the tree.
pub(super) fn possible<'w>(world: World<'w>, answers: &Answers) -> Vec<&'w Lazy<Outcome>> {
    outcomes(world, &left(world, world.tree.rules.values(), answers))
}

/// Those of the rules that these answers leave possible.
fn left<'w>(
    world: World<'w>,
    rules: impl IntoIterator<Item = &'w Rule>,
    answers: &Answers,
) -> Vec<&'w Rule> {
    rules.into_iter().filter(|rule| world.rule(rule, answers) != Some(false)).collect()
}

/// The outcomes of these rules, in the order of the tree.
fn outcomes<'w>(world: World<'w>, rules: &[&Rule]) -> Vec<&'w Lazy<Outcome>> {
    let then: HashSet<&str> = rules.iter().map(|rule| &*rule.then).collect();
    let possible = world.tree.outcomes.iter().filter(|(id, _)| then.contains(&***id));
    possible.map(|(_, outcome)| outcome).collect()
}

/// The outcome, if all of these rules have the same.
fn settled<'w>(world: World<'w>, rules: &[&Rule]) -> Option<&'w Outcome> {
    let then = &rules.first()?.then;
    rules.iter().all(|rule| rule.then == *then).then(|| world.outcome(then))
}

/// The next question, or the end.
pub(super) fn place<'w>(world: World<'w>, answers: &Answers) -> Place<'w> {
    next(world, &left(world, world.tree.rules.values(), answers), answers)
}

/// The next question, or the end, where these rules are possible.
fn next<'w>(world: World<'w>, rules: &[&'w Rule], answers: &Answers) -> Place<'w> {
    if let Some(outcome) = settled(world, rules) {
        let notes = || outcome.note.iter().filter(|note| world.any(&note.when, answers).is_none());
        let wanted = outcome.ask.iter().filter(|question| !answers.contains_key(*question));
        let needs = |question: &&String| {
            let mut open = notes()
                .flat_map(|note| &note.when)
                .filter(|guard| world.guard(guard, answers).is_none())
                .flatten();
            open.any(|atom| {
                let number = world.tree.number(question);
                atom.questions.contains(&number) && world.atom(atom, answers).is_none()
            })
        };
        let mut wanted: Vec<&String> = wanted.filter(needs).collect();
        wanted.sort_by_key(|id| world.tree.questions.get_index_of(*id));
        return wanted
            .first()
            .map_or(Place::Over(outcome), |question| Place::Ask((*question).clone()));
    }
    match prove::open_question(world, rules.iter().flat_map(|rule| &rule.when), answers) {
        Some(question) => Place::Ask(question),
        None => Place::Open,
    }
}

/// Walks a tree from its start with what was given: questions and answers as they stand in an address.
///
/// A name that begins with `~` was heard but not confirmed: it is proposed and still asked. Older names of questions
/// and options are understood. Answers count in the order in which questions are asked, not in which they were given.
pub fn walk<'t>(forest: &'t Forest, tree: &'t Tree, given: &[(String, String)]) -> Walk<'t> {
    let world = World { tree, forest };
    let (mut answers, mut heard, mut wrong) = (Answers::new(), Answers::new(), Vec::new());
    for (name, text) in given {
        let (name, proposed) = name.strip_prefix('~').map_or((&**name, false), |name| (name, true));
        let (name, text) = renamed(tree, name, text);
        match tree
            .questions
            .get(name)
            .map(|question| Answer::parse(text, question, &forest.domains))
        {
            None => wrong.push(format!("这棵树没有问题 `{name}`；可以是 {}", ids(tree))),
            Some(Err(why)) => wrong.push(why),
            Some(Ok(answer)) if proposed => drop(heard.insert(name.to_owned(), answer)),
            Some(Ok(answer)) => drop(answers.insert(name.to_owned(), answer)),
        }
    }
    let mut walk = stand(world, &answers, &Said::new());
    walk.wrong = wrong;
    if let State::Ask(question, proposed, _) = &mut walk.state {
        *proposed = heard.remove(&question.id);
    }
    walk
}

/// Where these answers lead, some of which may stand for a class.
pub(super) fn stand<'t>(world: World<'t>, answers: &Answers, said: &Said) -> Walk<'t> {
    let (tree, forest) = (world.tree, world.forest);
    let Replay { taken, order, rules, place } = replay(world, answers);
    let possible = outcomes(world, &rules);
    let steps = order.iter().map(|id| {
        let question = &tree.questions[id];
        let answer = taken[id].clone();
        let (id, label) = match said.get(id) {
            Some(class) => (class.id.clone(), class.label.clone()),
            None => (answer.to_string(), question.label(&answer, &forest.domains)),
        };
        Step { question, answer, id, label }
    });
    let steps: Vec<Step<'t>> = steps.collect();
    let ending = |outcome| Box::new(ending(world, outcome, &taken, &steps, said));
    let state = match place {
        Place::Ask(id) => {
            let settled = match *possible {
                [outcome] if fill(world, &outcome.say, &taken).is_ok() => Some(ending(outcome)),
                _ => None,
            };
            State::Ask(&tree.questions[&id], None, settled)
        }
        Place::Over(outcome) => State::Over(ending(outcome)),
        Place::Open => State::Open(branches(world, &taken)),
    };
    let parked = answers.iter().filter(|(id, _)| !taken.contains_key(*id)).map(|(id, answer)| {
        let question = &tree.questions[id];
        (question, answer.clone(), question.label(answer, &forest.domains))
    });
    Walk {
        tree,
        parked: parked.collect(),
        state,
        possible,
        wrong: Vec::new(),
        classes: Vec::new(),
        steps,
    }
}

/// How far answers go.
struct Replay<'w> {
    taken: Answers,
    /// The questions that they answer, in the order in which they are asked.
    order: Vec<String>,
    /// What is still possible.
    rules: Vec<&'w Rule>,
    place: Place<'w>,
}

/// Takes the answers in the order in which the questions are asked, as far as they go.
fn replay<'w>(world: World<'w>, answers: &Answers) -> Replay<'w> {
    let (mut taken, mut order) = (Answers::new(), Vec::new());
    let mut rules = left(world, world.tree.rules.values(), &taken);
    loop {
        let place = next(world, &rules, &taken);
        let answer = match &place {
            Place::Ask(question) => answers.get_key_value(question),
            Place::Over(_) | Place::Open => None,
        };
        let Some((question, answer)) = answer else { return Replay { taken, order, rules, place } };
        order.push(question.clone());
        taken.insert(question.clone(), answer.clone());
        // What is ruled out stays so, whatever is answered next.
        rules = left(world, rules, &taken);
    }
}

fn renamed<'a>(tree: &'a Tree, name: &'a str, text: &'a str) -> (&'a str, &'a str) {
    let rename = tree.renames.iter().find(|rename| rename.question == name);
    rename.map_or((name, text), |rename| {
        (&*rename.to, rename.option.get(text).map_or(text, |text| &**text))
    })
}

fn ids(tree: &Tree) -> String {
    tree.questions.keys().map(|id| format!("`{id}`")).collect::<Vec<_>>().join("、")
}

fn ending<'t>(
    world: World<'t>,
    outcome: &'t Outcome,
    taken: &Answers,
    steps: &[Step<'t>],
    said: &Said,
) -> Ending<'t> {
    // What the customer does not know cannot be shown.
    let fill = |text: &String| {
        fill_in(world, text, taken, said)
            .unwrap_or_else(|_| linked(world.forest, &filled_with(text, "（还不清楚）")))
    };
    let mut rules = world.tree.rules.iter().filter(|(_, rule)| rule.then == outcome.id);
    let all: Vec<_> = rules.clone().collect();
    let decided = rules
        .find(|(_, rule)| world.rule(rule, taken) == Some(true))
        .or_else(|| all.iter().copied().find(|(_, rule)| world.rule(rule, taken).is_none()));
    let guard = decided.and_then(|(_, rule)| {
        rule.when.iter().find(|guard| world.guard(guard, taken) != Some(false))
    });
    let tested = |id: &String| {
        let number = world.tree.number(id);
        guard.into_iter().flatten().any(|atom| atom.questions.contains(&number))
    };
    let because = steps
        .iter()
        .filter(|step| tested(&step.question.id))
        .map(|step| (step.question, step.label.clone()));
    let next = outcome.next.iter().map(|next| {
        let set = next.set.iter().map(|(key, value)| (key.clone(), self::set(value, taken, said)));
        (next.tree.clone(), set.filter(|(_, value)| !value.is_empty()).collect())
    });
    Ending {
        outcome,
        say: fill(&outcome.say),
        steps: outcome.step.iter().map(fill).collect(),
        notes: notes(world, outcome, taken, said, fill),
        find_out: fill(&outcome.find_out),
        rule: decided.map_or("", |(id, _)| id),
        because: because.collect(),
        next: next.collect(),
    }
}

/// The notes that hold. One that holds for a part of a class only is marked so.
fn notes(
    world: World<'_>,
    outcome: &Outcome,
    taken: &Answers,
    said: &Said,
    fill: impl Fn(&String) -> String,
) -> Vec<String> {
    let holds =
        |note: &super::Note, answers: &Answers| world.any(&note.when, answers) == Some(true);
    let others = |id: &String, answer: &Answer| {
        let mut answers = taken.clone();
        answers.insert(id.clone(), answer.clone());
        answers
    };
    let texts = said.iter().filter(|(_, class)| matches!(class.answers[0], Answer::Texts(_)));
    let texts: Vec<Answers> = texts
        .flat_map(|(id, class)| class.answers.iter().map(move |answer| others(id, answer)))
        .collect();
    let note = |note: &super::Note| {
        let sometimes = texts.iter().any(|answers| holds(note, answers));
        let always = holds(note, taken) && texts.iter().all(|answers| holds(note, answers));
        match (always, sometimes) {
            (true, _) => Some(fill(&note.text)),
            (false, true) => Some(format!("看情况：{}", fill(&note.text))),
            (false, false) => None,
        }
    };
    outcome.note.iter().filter_map(note).collect()
}

/// What another tree is told: a value, or `{question}` for the answer that was given here.
fn set(value: &str, taken: &Answers, said: &Said) -> String {
    match value.strip_prefix('{').and_then(|value| value.strip_suffix('}')) {
        // Another tree may cut its classes elsewhere.
        Some(question) if said.get(question).is_some_and(|class| class.answers.len() > 1) => {
            String::new()
        }
        Some(question) => taken.get(question).map_or(String::new(), ToString::to_string),
        None => value.to_owned(),
    }
}

/// Single answers that would lead a finished walk to another outcome: for each the last question that can change it.
pub fn changes<'t>(forest: &'t Forest, walk: &Walk<'t>) -> Vec<Change<'t>> {
    let (world, taken) = (World { tree: walk.tree, forest }, walk.answers());
    let Some(Ending { outcome, .. }) = walk.ending() else { return Vec::new() };
    let order: Vec<String> = walk.steps.iter().map(|step| step.question.id.clone()).collect();
    let mut changes: Vec<Change<'t>> = Vec::new();
    for id in order.iter().rev() {
        let question = &world.tree.questions[id];
        if matches!(question.kind, Kind::Text(_)) {
            continue;
        }
        let before: Answers = order
            .iter()
            .take_while(|other| *other != id)
            .map(|id| (id.clone(), taken[id].clone()))
            .collect();
        for class in prove::classes(world, id, &before, &[]) {
            let mut other = taken.clone();
            other.insert(id.clone(), class[0].clone());
            if let Place::Over(reached) = replay(world, &other).place
                && reached.id != outcome.id
                && changes.iter().all(|change| change.outcome.id != reached.id)
            {
                let label = question.label(&class[0], &world.forest.domains);
                changes.push(Change { question, label, outcome: reached });
            }
        }
    }
    changes
}

/// No list of what could be has more lines.
const BRANCH_LIMIT: usize = 12;

/// What each answer to the open questions would lead to.
fn branches<'t>(world: World<'t>, taken: &Answers) -> Vec<Branch<'t>> {
    let mut branches: Vec<Branch<'t>> = Vec::new();
    let unsure = |id: &&String| taken.get(*id) == Some(&Answer::Unsure);
    let unsure: Vec<&String> = world.tree.questions.keys().filter(unsure).collect();
    let mut known = taken.clone();
    known.retain(|_, answer| *answer != Answer::Unsure);
    let rules: Vec<&Rule> = world.tree.rules.values().collect();
    // Answers with what they leave possible, how many of the open questions they answer, and what is told of them.
    let mut todo = vec![(known, rules, 0, Vec::new())];
    while let Some((known, rules, answered, told)) = todo.pop() {
        let rules = left(world, rules, &known);
        if let Some(outcome) = settled(world, &rules) {
            branches.push(Branch { answers: told, outcome });
            continue;
        }
        let Some(id) = unsure.get(answered) else { continue };
        let question = &world.tree.questions[*id];
        for class in prove::classes(world, id, &known, &[]).into_iter().rev() {
            let mut next = known.clone();
            next.insert((*id).clone(), class[0].clone());
            let label = |answer| question.label(answer, &world.forest.domains);
            let (shown, more) = if class.len() <= 4 { (&*class, "") } else { (&class[..3], "等") };
            let label = shown.iter().map(label).collect::<Vec<_>>().join("、") + more;
            let told: Vec<(&'t Question, String)> =
                told.iter().cloned().chain([(question, label)]).collect();
            todo.push((next, rules.clone(), answered + 1, told));
        }
        if branches.len() + todo.len() > 8 * BRANCH_LIMIT {
            break;
        }
    }
    branches.truncate(BRANCH_LIMIT);
    branches
}

static NAME: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\{([a-z0-9_.-]+)\}").expect("a valid pattern"));

/// The text with answers and facts in place of names in braces. Fails with the first name that is not known.
pub(super) fn fill(world: World<'_>, text: &str, answers: &Answers) -> Result<String, String> {
    fill_in(world, text, answers, &Said::new())
}

fn fill_in(world: World<'_>, text: &str, answers: &Answers, said: &Said) -> Result<String, String> {
    if !text.contains('{') {
        return Ok(linked(world.forest, text));
    }
    let mut unknown = None;
    let filled = NAME.replace_all(text, |found: &Captures<'_>| {
        let class = said.get(&found[1]).and_then(|class| class.shown.clone());
        class.or_else(|| name(world, &found[1], answers)).unwrap_or_else(|| {
            unknown.get_or_insert_with(|| found[1].to_owned());
            found[0].to_owned()
        })
    });
    unknown.map_or_else(|| Ok(linked(world.forest, &filled)), Err)
}

/// A step with the addresses of its links in brackets, for where nothing can be clicked.
pub fn plain(step: &str) -> String {
    static LINK: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"\[([^\]]*)\]\(([^)]*)\)").expect("a valid pattern"));
    LINK.replace_all(step, "$1（$2）").into_owned()
}

/// The text with `word` for each name in braces.
pub(super) fn filled_with(text: &str, word: &str) -> String {
    NAME.replace_all(text, word).into_owned()
}

/// The ids of the links in a text.
pub(super) fn links(text: &str) -> Vec<String> {
    LINK.captures_iter(text).map(|found| found[2].to_owned()).collect()
}

static LINK: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\[([^\]]*)\]\(link:([^)]*)\)").expect("a valid pattern"));

/// `[name](link:id)` with the address, or with the name alone if nobody answers there any more.
fn linked(forest: &Forest, text: &str) -> String {
    if !text.contains("](link:") {
        return text.to_owned();
    }
    let linked = LINK.replace_all(text, |found: &Captures<'_>| match forest.links.get(&found[2]) {
        Some(link) if !link.dead => format!("[{}]({})", &found[1], link.url),
        _ => found[1].to_owned(),
    });
    linked.into_owned()
}

fn name(world: World<'_>, name: &str, answers: &Answers) -> Option<String> {
    let parts: Vec<&str> = name.split('.').collect();
    match *parts {
        [question] => {
            let answer = answers.get(question).filter(|answer| **answer != Answer::Unsure)?;
            Some(match (&world.tree.questions[question].kind, answer) {
                (Kind::Int(..), answer) => answer.to_string(),
                (_, answer) => world.tree.questions[question].label(answer, &world.forest.domains),
            })
        }
        ["figure", id] => world.forest.facts.figures.get(id).map(|figure| figure.text.clone()),
        [table, column] => world.row(table, answers)??.text(column),
        [table, row, column] => {
            let rows = &world.forest.facts.tables.get(table)?.rows;
            rows.iter().find(|other| other.is(row))?.text(column)
        }
        _ => None,
    }
}

/// All texts of the outcomes.
fn texts(tree: &Tree) -> impl Iterator<Item = &String> {
    tree.outcomes.values().flat_map(|outcome| {
        let notes = outcome.note.iter().map(|note| &note.text);
        [&outcome.title, &outcome.say, &outcome.find_out]
            .into_iter()
            .chain(&outcome.step)
            .chain(notes)
    })
}

/// Whether a text shows what was answered to a question, or a fact for which it is a key.
pub(super) fn is_shown(tree: &Tree, question: &str) -> bool {
    let is_key = |(table, _): &(String, String)| {
        tree.keys.get(table).is_some_and(|keys| keys.iter().any(|key| key == question))
    };
    let name = format!("{{{question}}}");
    tree.shown.iter().any(is_key) || texts(tree).any(|text| text.contains(&name))
}

/// The columns that texts of the tree show for the answered keys.
pub(super) fn shown_columns(tree: &Tree) -> Vec<(String, String)> {
    let mut columns = Vec::new();
    for text in texts(tree) {
        for found in NAME.captures_iter(text) {
            if let [table, column] = *found[1].split('.').collect::<Vec<_>>()
                && table != "figure"
            {
                super::hear::add(&mut columns, (table.to_owned(), column.to_owned()));
            }
        }
    }
    columns
}
