//! Proof that a tree has exactly one outcome for every combination of answers.
//!
//! Every question has finitely many classes of answers: values that no rule and no fact tells apart are one class.
//! The proof splits a question only where a rule that is still open tests it, so that it stays small.

use super::{
    Answer, Answers, Atom, Forest, Guard, Item, Kind, Operand, Parser, Reference, Rule, Test, Tree,
    eval::World,
    read::references,
    text::{Form, Profile, Property},
    walk::{self, Place},
};
use crate::{content::facts::Value, problem::Problem};
use indexmap::IndexMap;
use std::{
    collections::{BTreeSet, HashSet},
    sync::Arc,
};

/// No tree has more lines of paths.
pub(super) const PATH_LIMIT: usize = 2_000;
/// No way through a tree has more questions.
const QUESTION_LIMIT: usize = 8;
/// So many steps a proof may take.
const STEP_LIMIT: usize = 200_000;

/// One way through a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Path {
    /// The questions in the order in which they are asked, each with the class of answers.
    pub(super) asked: Vec<(String, Vec<Answer>)>,
    /// One answer of each class.
    pub(super) answers: Answers,
    pub(super) outcome: String,
}

/// Names everything that keeps a tree from being walked, and what nothing reaches.
pub(super) fn prove(forest: &Forest, tree: &Tree, file: &str, problems: &mut Vec<Problem>) {
    let world = World { tree, forest };
    let mut error = |message: String| problems.push(Problem::error(file, 0, message));
    let mut steps = 0;
    let rules: Vec<Named<'_>> = tree.rules.iter().collect();
    match total(world, &rules, &mut Answers::new(), &mut steps) {
        Ok(()) => {}
        Err(Flaw::Gap(answers)) => {
            error(format!("缺口：{} 没有规则；请加一条规则", told(tree, &answers)))
        }
        Err(Flaw::Overlap(answers, first, second)) => error(format!(
            "重叠：{} 既符合规则 `{first}` 又符合 `{second}`，结论不同；请改窄一条",
            told(tree, &answers)
        )),
        Err(Flaw::Large) => {
            error("这棵树太大，证明不完；请拆成几棵，或合并没有差别的选项".to_owned())
        }
    }
    for (id, rule) in &tree.rules {
        for (index, guard) in rule.when.iter().enumerate() {
            if !reachable(world, &[guard]) {
                error(format!("规则 `{id}` 的第 {} 个条件永远不成立；请改正或去掉", index + 1));
            }
        }
    }
    for (id, rule) in &tree.rules {
        for guard in &rule.when {
            for column in empty_comparisons(world, guard) {
                error(format!(
                    "规则 `{id}` 比较的 `{column}` 可能是空的；请先限定到有值的，或写 known"
                ));
            }
        }
    }
    for outcome in tree.outcomes.values() {
        for note in &outcome.note {
            let rules = tree
                .rules
                .values()
                .filter(|rule| rule.then == outcome.id)
                .flat_map(|rule| &rule.when);
            let guards: Vec<&Guard> = rules.collect();
            let held = note
                .when
                .iter()
                .any(|when| guards.iter().any(|guard| reachable(world, &[when, guard])));
            if !held {
                error(format!(
                    "结论 `{}` 的附注“{}”永远不出现；请改正或去掉",
                    outcome.id, note.text
                ));
            }
        }
    }
    if problems.iter().any(|problem| problem.file == file) {
        return;
    }
    let mut error = |message: String| problems.push(Problem::error(file, 0, message));
    let paths = match paths(world) {
        Ok(paths) => paths,
        Err(message) => return error(message),
    };
    let reached: HashSet<&str> = paths.iter().map(|path| &*path.outcome).collect();
    for id in tree.outcomes.keys().filter(|id| !reached.contains(&***id)) {
        error(format!("结论 `{id}` 永远到不了；请加规则，或去掉"));
    }
    let asked: HashSet<&str> =
        paths.iter().flat_map(|path| path.asked.iter().map(|(question, _)| &**question)).collect();
    for id in tree.questions.keys().filter(|id| !asked.contains(&***id)) {
        error(format!("问题 `{id}` 永远不会问到；请加规则，或去掉"));
    }
    let mut named = HashSet::new();
    for path in &paths {
        if path.asked.len() > QUESTION_LIMIT && named.insert(path.outcome.clone()) {
            let (count, way) = (path.asked.len(), told(tree, &path.answers));
            error(format!(
                "到结论 `{}` 要问 {count} 个问题，最多 {QUESTION_LIMIT} 个：{way}",
                path.outcome
            ));
        }
        for message in unknown_texts(world, path) {
            if named.insert(message.clone()) {
                error(message);
            }
        }
    }
}

/// The columns with which a guard compares although their cell may be empty.
fn empty_comparisons(world: World<'_>, guard: &Guard) -> Vec<String> {
    let mut empty = Vec::new();
    for (index, atom) in guard.iter().enumerate() {
        if !matches!(atom.test, Test::Compare(_)) {
            continue;
        }
        let compared = references(&atom.test).into_iter().filter_map(|reference| match reference {
            Reference::Column(table, column) => Some((table, column)),
            _ => None,
        });
        let tested = match &atom.of {
            Operand::Fact(table, column) => Some((table, column)),
            _ => None,
        };
        for (table, column) in compared.chain(tested) {
            let Some(keys) = world.tree.keys.get(table) else { continue };
            let mut others: Guard = guard.clone();
            others[index] = Atom {
                of: Operand::Fact(table.clone(), column.clone()),
                test: Test::Known(false),
                questions: keys.iter().map(|key| world.tree.number(key)).collect(),
            };
            if reachable(world, &[&others]) {
                empty.push(format!("{table}.{column}"));
            }
        }
    }
    empty
}

/// The answers of an example, in words.
pub(super) fn told(tree: &Tree, answers: &Answers) -> String {
    let ordered = tree.questions.keys().filter_map(|id| Some((id, answers.get(id)?)));
    let told: Vec<String> = ordered.map(|(id, answer)| format!("{id}={answer}")).collect();
    if told.is_empty() { "任何回答".to_owned() } else { format!("`{}`", told.join("&")) }
}

enum Flaw {
    Gap(Answers),
    Overlap(Answers, String, String),
    Large,
}

/// A rule with its id.
type Named<'w> = (&'w String, &'w Rule);

/// Exactly one outcome for all that the answers leave open. `rules` are those that are possible without the last of them.
fn total<'w>(
    world: World<'w>,
    rules: &[Named<'w>],
    answers: &mut Answers,
    steps: &mut usize,
) -> Result<(), Flaw> {
    *steps += 1;
    if *steps > STEP_LIMIT {
        return Err(Flaw::Large);
    }
    let status = rules.iter().map(|named| (*named, world.rule(named.1, answers)));
    let possible: Vec<_> = status.filter(|(_, holds)| *holds != Some(false)).collect();
    if possible.is_empty() {
        return Err(Flaw::Gap(answers.clone()));
    }
    let held = possible.iter().find(|(_, holds)| *holds == Some(true));
    let rest = possible
        .iter()
        .filter(|((_, rule), _)| held.is_none_or(|((_, first), _)| first.then != rule.then));
    let rest: Vec<_> = rest.collect();
    if let Some(((first, _), _)) = held {
        if let Some(((second, _), _)) = rest.iter().find(|(_, holds)| *holds == Some(true)) {
            return Err(Flaw::Overlap(answers.clone(), (*first).clone(), (*second).clone()));
        }
        if rest.is_empty() {
            return Ok(());
        }
    }
    let guards = rest.iter().flat_map(|((_, rule), _)| &rule.when);
    let Some(question) = open_question(world, guards, answers) else { return Err(Flaw::Large) };
    let rules: Vec<Named<'w>> = possible.iter().map(|(named, _)| *named).collect();
    for class in classes(world, &question, answers, &[]) {
        answers.insert(question.clone(), class[0].clone());
        total(world, &rules, answers, steps)?;
    }
    answers.remove(&question);
    Ok(())
}

/// The first question, in the order of the tree, on which a guard that is still open depends.
pub(super) fn open_question<'g>(
    world: World<'_>,
    guards: impl Iterator<Item = &'g Guard>,
    answers: &Answers,
) -> Option<String> {
    let questions = &world.tree.questions;
    let is_open = |number: &usize| {
        questions.get_index(*number).is_some_and(|(id, _)| !answers.contains_key(id))
    };
    let open = guards.filter_map(|guard| world.open(guard, answers)).flatten();
    let first = open.filter_map(|atom| atom.questions.iter().copied().filter(is_open).min()).min();
    first.and_then(|number| questions.get_index(number)).map(|(id, _)| id.clone())
}

/// Whether there are answers for which all of these guards hold.
fn reachable(world: World<'_>, guards: &[&Guard]) -> bool {
    fn search(
        world: World<'_>,
        guards: &[&Guard],
        answers: &mut Answers,
        steps: &mut usize,
    ) -> bool {
        *steps += 1;
        let statuses: Vec<_> = guards.iter().map(|guard| world.guard(guard, answers)).collect();
        if statuses.contains(&Some(false)) || *steps > STEP_LIMIT {
            return false;
        }
        let Some(question) = open_question(world, guards.iter().copied(), answers) else {
            return true;
        };
        let groups = guards.iter().map(|guard| vec![*guard]);
        let found = split(world, &question, answers, groups, &[]).into_iter().any(|class| {
            answers.insert(question.clone(), class[0].clone());
            search(world, guards, answers, steps)
        });
        answers.remove(&question);
        found
    }
    search(world, guards, &mut Answers::new(), &mut 0)
}

/// All ways through the tree, as a walk goes.
pub(super) fn paths(world: World<'_>) -> Result<Vec<Path>, String> {
    fn go(
        world: World<'_>,
        asked: &mut Vec<(String, Vec<Answer>)>,
        answers: &mut Answers,
        paths: &mut Vec<Path>,
    ) -> Result<(), String> {
        if paths.len() >= PATH_LIMIT {
            return Err(format!("路径超过 {PATH_LIMIT} 条；请拆成几棵树，或合并没有差别的选项"));
        }
        match walk::place(world, answers) {
            Place::Over(outcome) => paths.push(Path {
                asked: asked.clone(),
                answers: answers.clone(),
                outcome: outcome.id.clone(),
            }),
            Place::Ask(question) => {
                let notes: Vec<&Guard> = match world.tree.questions[&question].kind {
                    Kind::Text(_) => Vec::new(),
                    _ => open_notes(world, answers),
                };
                for class in classes(world, &question, answers, &notes) {
                    answers.insert(question.clone(), class[0].clone());
                    asked.push((question.clone(), class));
                    go(world, asked, answers, paths)?;
                    asked.pop();
                }
                answers.remove(&question);
            }
            Place::Open => return Err(format!("{} 没有结论", told(world.tree, answers))),
        }
        Ok(())
    }
    let mut paths = Vec::new();
    go(world, &mut Vec::new(), &mut Answers::new(), &mut paths)?;
    Ok(paths)
}

/// The guards of the notes of outcomes that are still possible.
pub(super) fn open_notes<'w>(world: World<'w>, answers: &Answers) -> Vec<&'w Guard> {
    let possible = walk::possible(world, answers);
    possible.into_iter().flat_map(|outcome| &outcome.note).flat_map(|note| &note.when).collect()
}

/// The answers to a question, in classes that nothing which is still open tells apart: no rule, none of the guards
/// of `extra`, and no fact that a text shows.
pub(super) fn classes(
    world: World<'_>,
    question: &str,
    answers: &Answers,
    extra: &[&Guard],
) -> Vec<Vec<Answer>> {
    let rules = world.tree.rules.values().map(|rule| rule.when.iter().collect());
    let groups = rules.chain(extra.iter().map(|guard| vec![*guard]));
    split(world, question, answers, groups, &world.tree.shown)
}

/// What is open of a guard, and depends on a question.
struct Open<'g> {
    atoms: Vec<&'g Atom>,
    /// Whether something else is open too.
    other: bool,
}

/// The answers to a question, in classes that neither these groups of guards nor these columns tell apart. Of a group,
/// any guard has to hold.
fn split<'g>(
    world: World<'_>,
    question: &str,
    answers: &Answers,
    groups: impl Iterator<Item = Vec<&'g Guard>>,
    shown: &[(String, String)],
) -> Vec<Vec<Answer>> {
    let number = world.tree.number(question);
    // What is known without the answer, or does not depend on it, is the same for all answers.
    let open = |guard: &'g Guard| {
        let open = world.open(guard, answers)?;
        let (atoms, others): (Vec<_>, Vec<_>) =
            open.into_iter().partition(|atom| atom.questions.contains(&number));
        (!atoms.is_empty()).then_some(Open { atoms, other: !others.is_empty() })
    };
    let holds =
        |guards: &Vec<&Guard>| guards.iter().any(|guard| world.guard(guard, answers) == Some(true));
    let groups = groups.filter(|guards| !holds(guards));
    let groups: Vec<Vec<Open<'g>>> =
        groups.map(|guards| guards.into_iter().filter_map(open).collect()).collect();
    let is_key = |(table, _): &&(String, String)| {
        world.tree.keys.get(table).is_some_and(|keys| keys.iter().any(|key| key == question))
    };
    let shown: Vec<&(String, String)> = shown.iter().filter(is_key).collect();
    let mut with = answers.clone();
    let mut classes: IndexMap<String, Vec<Answer>> = IndexMap::new();
    for answer in values(world, question, answers) {
        with.insert(question.to_owned(), answer.clone());
        let mut sign = String::new();
        for guards in &groups {
            let start = sign.len();
            for guard in guards {
                if sign_guard(world, guard, &with, &mut sign) {
                    sign.truncate(start);
                    sign.push('t');
                    break;
                }
            }
            sign.push(';');
        }
        for (table, column) in &shown {
            if let Some(has) = world.column(table, column, &with) {
                sign.push(if has == super::eval::Has::Nothing { '-' } else { '+' });
            }
        }
        classes.entry(sign).or_default().push(answer);
    }
    classes.into_values().collect()
}

/// What is still open of a guard; true if it holds.
fn sign_guard(world: World<'_>, guard: &Open<'_>, answers: &Answers, sign: &mut String) -> bool {
    let states: Vec<_> = guard.atoms.iter().map(|atom| world.atom(atom, answers)).collect();
    if states.contains(&Some(false)) {
        sign.push('f');
    } else if !guard.other && !states.contains(&None) {
        return true;
    } else {
        for (index, atom) in
            guard.atoms.iter().enumerate().filter(|(index, _)| states[*index].is_none())
        {
            sign.push_str(&format!("{index}{}", partial(world, atom, answers)));
        }
    }
    sign.push(',');
    false
}

/// What is already known of an open test.
fn partial(world: World<'_>, atom: &Atom, answers: &Answers) -> String {
    let mut known =
        world.operand(&atom.of, answers).map_or(String::new(), |has| format!("{has:?}"));
    for reference in references(&atom.test) {
        if let Some(has) = world.reference(reference, answers) {
            known.push_str(&format!("{has:?}"));
        } else if let Reference::Column(table, _) = reference {
            known.push_str(&keys(world, table, answers));
        }
    }
    if let Operand::Fact(table, _) = &atom.of {
        known.push_str(&keys(world, table, answers));
    }
    known
}

/// The keys of a table that are answered, while others are not.
fn keys(world: World<'_>, table: &str, answers: &Answers) -> String {
    if world.row(table, answers).is_some() {
        return String::new();
    }
    let keys = world.tree.keys.get(table).into_iter().flatten();
    keys.filter_map(|key| answers.get(key)).map(|answer| format!("{answer}/")).collect()
}

/// Answers that stand for all there are: every option, and both sides of every limit.
pub(super) fn values(world: World<'_>, question: &str, answers: &Answers) -> Vec<Answer> {
    match &world.tree.questions[question].kind {
        Kind::Choice(options) => {
            options.iter().map(|option| Answer::Id(option.id.clone())).collect()
        }
        Kind::Multi(options, _) => (0..1_u32 << options.len())
            .map(|bits| {
                let chosen = options.iter().enumerate().filter(|(index, _)| bits >> index & 1 == 1);
                Answer::Ids(chosen.map(|(_, option)| option.id.clone()).collect())
            })
            .collect(),
        Kind::Bool => vec![Answer::Bool(true), Answer::Bool(false)],
        Kind::Domain(domain) => {
            world.forest.domains[domain].names().map(|(id, _)| Answer::Id(id.to_owned())).collect()
        }
        Kind::Int(min, max, _) => {
            let limits = limits(world, &Operand::Answer(question.to_owned()));
            let mut numbers = BTreeSet::from([*min, *max]);
            for limit in limits {
                if let Value::Int(limit) = limit {
                    numbers.extend(
                        [limit - 1, limit, limit + 1].into_iter().filter(|n| min <= n && n <= max),
                    );
                }
            }
            numbers.into_iter().map(Answer::Int).collect()
        }
        Kind::Date => {
            let mut days = BTreeSet::new();
            for limit in limits(world, &Operand::Answer(question.to_owned())) {
                if let Value::Date(limit) = limit {
                    days.extend(
                        [limit.yesterday(), Ok(limit), limit.tomorrow()].into_iter().flatten(),
                    );
                }
            }
            days.into_iter().map(Answer::Date).collect()
        }
        Kind::Text(parser) => profiles(world, question, *parser, answers),
    }
}

/// Everything with which an operand is compared, in rules and notes.
fn limits(world: World<'_>, of: &Operand) -> Vec<Value> {
    let mut limits = Vec::new();
    for atom in atoms(world.tree).filter(|atom| atom.of == *of) {
        let items: Vec<&Item> = match &atom.test {
            Test::Compare(comparisons) => comparisons.iter().map(|(_, item)| item).collect(),
            Test::In(items, _) => items.iter().collect(),
            _ => continue,
        };
        for item in items {
            match item {
                Item::Int(number) => limits.push(Value::Int(*number)),
                Item::Date(date) => limits.push(Value::Date(*date)),
                Item::Fact(Reference::Figure(id)) => {
                    let figure = world.forest.facts.figures.get(id);
                    limits.extend(figure.and_then(|figure| figure.number).map(Value::Int));
                }
                Item::Fact(
                    Reference::Column(table, column) | Reference::Cell(table, _, column),
                ) => {
                    let rows = world
                        .forest
                        .facts
                        .tables
                        .get(table)
                        .into_iter()
                        .flat_map(|table| &table.rows);
                    limits.extend(rows.filter_map(|row| row.value(column)).cloned());
                }
                Item::Id(_) | Item::Bool(_) => {}
            }
        }
    }
    limits
}

/// Every test of a tree, in rules and notes.
fn atoms(tree: &Tree) -> impl Iterator<Item = &Atom> {
    let notes =
        tree.outcomes.values().flat_map(|outcome| &outcome.note).flat_map(|note| &note.when);
    tree.rules.values().flat_map(|rule| &rule.when).chain(notes).flatten()
}

/// All combinations of what the tree tests of a text.
fn profiles(world: World<'_>, question: &str, parser: Parser, answers: &Answers) -> Vec<Answer> {
    let mut all = vec![Profile::default()];
    let (mut contains, mut starts): (BTreeSet<Vec<String>>, BTreeSet<Vec<String>>) =
        Default::default();
    for (name, form) in parser.forms() {
        let of = Operand::Property(question.to_owned(), name.to_owned());
        let tested: Vec<&Atom> = atoms(world.tree).filter(|atom| atom.of == of).collect();
        if tested.is_empty() {
            continue;
        }
        let values: Vec<Property> = match form {
            Form::Int => {
                let mut numbers = BTreeSet::new();
                for limit in limits(world, &of) {
                    if let Value::Int(limit) = limit {
                        numbers.extend(
                            [limit - 1, limit, limit + 1].into_iter().filter(|number| *number >= 0),
                        );
                    }
                }
                numbers.into_iter().map(Property::Int).collect()
            }
            Form::Bool => vec![Property::Bool(true), Property::Bool(false)],
            Form::Ids(ids) => ids.iter().map(|id| Property::Id(id)).collect(),
            Form::Contains | Form::Starts => {
                let words = tested.iter().flat_map(|atom| match &atom.test {
                    Test::Has { any, none, .. } => any.iter().chain(none).collect(),
                    _ => Vec::new(),
                });
                let lists = words.filter_map(|words| world.words(words, answers));
                let lists = lists.filter(|list| !list.is_empty()).map(<[String]>::to_vec);
                if matches!(form, Form::Starts) {
                    starts.extend(lists)
                } else {
                    contains.extend(lists)
                }
                continue;
            }
        };
        all = all
            .into_iter()
            .flat_map(|profile| {
                values.iter().map(move |value| {
                    let mut next = profile.clone();
                    Arc::make_mut(&mut next.properties).insert(name.to_owned(), value.clone());
                    next
                })
            })
            .filter(|profile| parser.possible(&profile.properties))
            .collect();
    }
    let (contains, starts) = (hits(&contains), hits(&starts));
    let combined = all.into_iter().flat_map(|profile| {
        let contains = &contains;
        starts.iter().flat_map(move |start| {
            let profile = profile.clone();
            contains.iter().map(move |contain| Profile {
                contains: contain.clone(),
                starts: start.clone(),
                ..profile.clone()
            })
        })
    });
    combined.map(Answer::Texts).collect()
}

/// Which lists one text can hit at once, and no others: each by a word that is in no list which is not hit.
fn hits(lists: &BTreeSet<Vec<String>>) -> Vec<Arc<BTreeSet<Vec<String>>>> {
    let lists: Vec<&Vec<String>> = lists.iter().collect();
    let subsets = (0..1_u32 << lists.len()).filter_map(|bits| {
        let hit = |index: usize| bits >> index & 1 == 1;
        let own = |index: usize| {
            let others: Vec<&&Vec<String>> = lists
                .iter()
                .enumerate()
                .filter(|(other, _)| !hit(*other))
                .map(|(_, list)| list)
                .collect();
            lists[index].iter().any(|word| {
                !others.iter().any(|list| list.iter().any(|other| word.contains(&**other)))
            })
        };
        let hit_lists: Vec<usize> = (0..lists.len()).filter(|index| hit(*index)).collect();
        hit_lists
            .iter()
            .all(|index| own(*index))
            .then(|| Arc::new(hit_lists.iter().map(|index| lists[*index].clone()).collect()))
    });
    subsets.collect()
}

/// What the texts of an outcome use that is not known on this path.
fn unknown_texts(world: World<'_>, path: &Path) -> Vec<String> {
    let outcome = world.outcome(&path.outcome);
    let notes =
        outcome.note.iter().filter(|note| world.any(&note.when, &path.answers) == Some(true));
    let texts = [&outcome.title, &outcome.say, &outcome.find_out]
        .into_iter()
        .chain(&outcome.step)
        .chain(notes.map(|note| &note.text));
    let mut messages = Vec::new();
    for text in texts {
        if let Err(name) = walk::fill(world, text, &path.answers) {
            let way = told(world.tree, &path.answers);
            messages.push(format!(
                "结论 `{}` 里的 `{{{name}}}` 在 {way} 时还不知道，或是空的；请改正",
                path.outcome
            ));
        }
    }
    messages.truncate(1);
    messages
}

/// Only for the borders of a class: what stands for it in a list of paths.
pub(super) fn class_name(kind: &Kind, class: &[Answer]) -> String {
    match (kind, class) {
        (Kind::Int(..) | Kind::Date, [first, .., last]) => format!("{first}..{last}"),
        (Kind::Text(_), [first, ..]) => first.to_string(),
        _ => class.iter().map(ToString::to_string).collect::<Vec<_>>().join("|"),
    }
}
