//! Trees held to what their writers expect: cases, paths, and mutants that no case notices.

use super::{
    Answer, Comparison, Forest, Item, Test, Tree,
    eval::World,
    hear::{hear, wanted},
    prove,
    read::spelled,
    walk::{State, walk},
};
use crate::{
    content::{self, Content, File},
    problem::Problem,
};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// What was checked of a tree, and what is wrong.
#[derive(Debug, Default)]
pub struct Report {
    pub id: String,
    pub title: String,
    pub questions: usize,
    pub rules: usize,
    pub outcomes: usize,
    pub cases: usize,
    pub hears: usize,
    pub paths: usize,
    /// Changes to the tree that a case has to notice.
    pub mutants: usize,
    pub problems: Vec<Problem>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CasesFile {
    #[serde(default)]
    case: Vec<Case>,
    #[serde(default)]
    hear: Vec<HearCase>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    answers: toml::Table,
    outcome: Option<String>,
    possible: Option<Vec<String>>,
    /// All notes that hold.
    notes: Option<Vec<String>>,
    source: Option<String>,
    inferred: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HearCase {
    q: String,
    #[serde(default)]
    heard: toml::Table,
    suggested: Option<toml::Table>,
    assumed: Option<toml::Table>,
    #[serde(default)]
    not: Vec<String>,
    outcome: Option<String>,
}

/// How well trees are filled in from what people type, over all `[[hear]]` cases.
#[derive(Debug, Default, Clone, Copy, serde::Serialize)]
pub struct Hearing {
    pub questions: usize,
    /// Answers that were heard, and how many of them should not have been.
    pub fills: usize,
    pub wrong: usize,
    /// Answers that should have been heard and were not.
    pub missed: usize,
    /// Questions for which their own tree is the first that is wanted.
    pub own_tree: usize,
}

/// Hears all `[[hear]]` cases of a folder.
pub fn hearing(files: &[File], forest: &Forest) -> Hearing {
    let mut all = Hearing::default();
    for tree in forest.trees.values() {
        let path = format!("trees/{}.cases.toml", tree.id);
        let file = files.iter().find(|file| file.path == path);
        let cases = file.and_then(|file| content::toml::<CasesFile>(file).ok());
        for case in cases.into_iter().flat_map(|cases| cases.hear) {
            let heard = hear(forest, tree, &case.q).sure;
            let right = |(id, (answer, _)): &(&String, &(Answer, String))| {
                case.heard.get(*id).is_some_and(|wanted| spelled(wanted) == answer.to_string())
            };
            let rights = heard.iter().filter(right).count();
            let first = wanted(forest, &case.q, 0.0);
            all.questions += 1;
            all.fills += heard.len();
            all.wrong += heard.len() - rights;
            all.missed += case.heard.len() - rights;
            all.own_tree += usize::from(first.is_some_and(|first| first.tree == tree.id));
        }
    }
    all
}

/// Trees with fewer cases of hearing are not done.
const HEAR_LEAST: usize = 6;

/// Checks all trees of a folder: what `load` found, the cases, the mutants and the list of paths.
pub fn check(files: &[File], content: &Content, forest: &Forest) -> Vec<Report> {
    let mut reports: Vec<Report> = Vec::new();
    for (id, title, problems) in &forest.broken {
        reports.push(Report {
            id: id.clone(),
            title: title.clone(),
            problems: problems.clone(),
            ..Report::default()
        });
    }
    for tree in forest.trees.values() {
        let mine = |problem: &&Problem| problem.file == format!("trees/{}.toml", tree.id);
        let mut report = Report {
            id: tree.id.clone(),
            title: tree.title.clone(),
            questions: tree.questions.len(),
            rules: tree.rules.len(),
            outcomes: tree.outcomes.len(),
            problems: forest.warnings.iter().filter(mine).cloned().collect(),
            ..Report::default()
        };
        check_cases(files, content, forest, tree, &mut report);
        check_paths(files, forest, tree, &mut report);
        content::name_lines(&mut report.problems, files);
        reports.push(report);
    }
    reports.extend(orphans(files));
    reports
}

/// Cases and lists of paths that belong to no tree.
fn orphans(files: &[File]) -> Vec<Report> {
    let stem = |path: &str| {
        let name = path.strip_prefix("trees/")?;
        name.strip_suffix(".cases.toml")
            .or_else(|| name.strip_suffix(".paths.tsv"))
            .map(str::to_owned)
    };
    let there = |id: &str| files.iter().any(|file| file.path == format!("trees/{id}.toml"));
    let mut orphans: BTreeMap<String, Report> = BTreeMap::new();
    for file in files {
        let Some(id) = stem(&file.path).filter(|id| !there(id)) else { continue };
        let problem = Problem::error(&file.path, 0, format!("没有 trees/{id}.toml；请改名或删掉"));
        let report =
            orphans.entry(id.clone()).or_insert_with(|| Report { id, ..Report::default() });
        report.problems.push(problem);
    }
    orphans.into_values().collect()
}

fn check_paths(files: &[File], forest: &Forest, tree: &Tree, report: &mut Report) {
    let path = format!("trees/{}.paths.tsv", tree.id);
    let now = paths(forest, tree);
    report.paths = now.lines().count();
    let file = files.iter().find(|file| file.path == path);
    let before =
        file.and_then(|file| file.bytes.as_ref().ok()).map(|bytes| String::from_utf8_lossy(bytes));
    if before.as_deref() != Some(&*now) {
        let message = match before {
            Some(_) => "和现在的树不一样；看过以后运行 `jieda tree paths --bless` 更新",
            None => "没有这个文件；运行 `jieda tree paths --bless` 写出来",
        };
        report.problems.push(Problem::error(&path, 0, message));
    }
}

/// Every way through a tree, a line each: classes of answers, questions, outcome, what it cites; parted by tabs.
pub fn paths(forest: &Forest, tree: &Tree) -> String {
    let world = World { tree, forest };
    let mut lines = String::new();
    for path in prove::paths(world).unwrap_or_default() {
        let classes = path.asked.iter().map(|(question, class)| {
            format!("{question}={}", prove::class_name(&tree.questions[question].kind, class))
        });
        let asked: Vec<&str> = path.asked.iter().map(|(question, _)| &**question).collect();
        lines.push_str(&format!(
            "{}\t{}\t{}\t{}\n",
            classes.collect::<Vec<_>>().join("&"),
            asked.join(">"),
            path.outcome,
            tree.outcomes[&path.outcome].cite.join(",")
        ));
    }
    lines
}

fn check_cases(
    files: &[File],
    content: &Content,
    forest: &Forest,
    tree: &Tree,
    report: &mut Report,
) {
    let path = format!("trees/{}.cases.toml", tree.id);
    let problem = |message: String| Problem::error(&path, 0, message);
    let Some(file) = files.iter().find(|file| file.path == path) else {
        report.problems.push(problem("没有这个文件；请给每条规则写至少一个案例".to_owned()));
        return;
    };
    let cases: CasesFile = match content::toml(file) {
        Ok(cases) => cases,
        Err(problem) => {
            report.problems.push(problem);
            return;
        }
    };
    report.cases = cases.case.len();
    report.hears = cases.hear.len();
    for (index, case) in cases.case.iter().enumerate() {
        if let Err(why) = case.run(forest, tree) {
            report.problems.push(problem(format!("第 {} 个案例：{why}", index + 1)));
        }
        match (&case.source, case.inferred.as_deref().map(str::trim)) {
            (None, None | Some("")) => report.problems.push(problem(format!(
                "第 {} 个案例没有 source，也没有 inferred；请写明依据",
                index + 1
            ))),
            (Some(source), _) if !is_section(content, source) => {
                report.problems.push(problem(format!("`{source}` 不在 sources.toml 里；请改正")));
            }
            _ => {}
        }
    }
    for (index, case) in cases.hear.iter().enumerate() {
        if let Err(why) = case.run(forest, tree) {
            report.problems.push(problem(format!("第 {} 个听写“{}”：{why}", index + 1, case.q)));
        }
    }
    if cases.hear.len() < HEAR_LEAST {
        let message = format!("只有 {} 个 [[hear]]；至少要 {HEAR_LEAST} 个", cases.hear.len());
        report.problems.push(problem(message));
    }
    // A case that fails anyway notices nothing.
    let sound: Vec<&Case> =
        cases.case.iter().filter(|case| case.run(forest, tree).is_ok()).collect();
    for (what, mutant) in mutants(tree) {
        report.mutants += 1;
        if sound.iter().all(|case| case.run(forest, &mutant).is_ok()) {
            report.problems.push(problem(format!("{what}，没有案例发现；请补一个案例")));
        }
    }
}

fn is_section(content: &Content, source: &str) -> bool {
    let Some((id, section)) = source.split_once('#') else { return false };
    let found = content.sources.iter().find(|source| source.id == id);
    found.is_some_and(|source| source.sections.iter().any(|other| other.id == section))
}

impl Case {
    fn run(&self, forest: &Forest, tree: &Tree) -> Result<(), String> {
        let given: Vec<_> =
            self.answers.iter().map(|(key, value)| (key.clone(), spelled(value))).collect();
        let walk = walk(forest, tree, &given);
        if let Some(wrong) = walk.wrong.first() {
            return Err(wrong.clone());
        }
        if self.possible.is_some() && (self.outcome.is_some() || self.notes.is_some()) {
            return Err("写了 possible，就不写 outcome 和 notes；请分成两个案例".to_owned());
        }
        let possible =
            || walk.possible.iter().map(|outcome| &*outcome.id).collect::<Vec<_>>().join("、");
        match (&self.outcome, &self.possible, &walk.state) {
            (Some(wanted), _, State::Over(ending)) if *wanted == ending.outcome.id => {
                match &self.notes {
                    Some(notes) if *notes != ending.notes => {
                        let said = |notes: &[String]| match notes {
                            [] => "没有".to_owned(),
                            notes => format!("“{}”", notes.join("”“")),
                        };
                        Err(format!("附注是{}，应当是{}", said(&ending.notes), said(notes)))
                    }
                    _ => Ok(()),
                }
            }
            (Some(wanted), _, State::Over(ending)) => {
                Err(format!("结论是 `{}`，应当是 `{wanted}`", ending.outcome.id))
            }
            (Some(wanted), _, State::Ask(question, ..)) => {
                Err(format!("还要问 `{}`，到不了 `{wanted}`", question.id))
            }
            (None, Some(wanted), _) => {
                let now: BTreeSet<&str> =
                    walk.possible.iter().map(|outcome| &*outcome.id).collect();
                match now == wanted.iter().map(|id| &**id).collect() {
                    true => Ok(()),
                    false => {
                        Err(format!("可能的结论是 {}，应当是 {}", possible(), wanted.join("、")))
                    }
                }
            }
            (Some(wanted), _, State::Open(_)) => {
                Err(format!("可能的结论有 {}，应当是 `{wanted}`", possible()))
            }
            (None, None, _) => Err("没有写 outcome，也没有写 possible".to_owned()),
        }
    }
}

impl HearCase {
    fn run(&self, forest: &Forest, tree: &Tree) -> Result<(), String> {
        let heard = hear(forest, tree, &self.q);
        let said = |answers: &BTreeMap<String, (Answer, String)>| {
            answers
                .iter()
                .map(|(id, (answer, _))| (id.clone(), answer.to_string()))
                .collect::<BTreeMap<_, _>>()
        };
        let wanted = |table: &toml::Table| {
            table.iter().map(|(id, value)| (id.clone(), spelled(value))).collect::<BTreeMap<_, _>>()
        };
        let same =
            |what: &str, is: BTreeMap<String, String>, table: Option<&toml::Table>| match table
                .map(wanted)
            {
                Some(wanted) if wanted != is => {
                    Err(format!("{what}是 {}，应当是 {}", pairs(&is), pairs(&wanted)))
                }
                _ => Ok(()),
            };
        same("听出来的", said(&heard.sure), Some(&self.heard))?;
        same("提议的", said(&heard.suggested), self.suggested.as_ref())?;
        let walked = walk(forest, tree, &heard.given());
        let assumed = heard
            .assumed
            .iter()
            .filter(|(id, _)| walked.steps.iter().any(|step| step.question.id == **id));
        let assumed = assumed.map(|(id, answer)| (id.clone(), answer.to_string()));
        same("假定的", assumed.collect(), self.assumed.as_ref())?;
        for id in &self.not {
            if !tree.questions.contains_key(id) {
                return Err(format!("not 里的 `{id}` 不是这棵树的问题；请改正"));
            }
            if heard.sure.contains_key(id) || heard.suggested.contains_key(id) {
                return Err(format!("`{id}` 不该听出来"));
            }
        }
        let Some(wanted) = &self.outcome else { return Ok(()) };
        match walked.state {
            State::Over(ending) if ending.outcome.id == *wanted => Ok(()),
            State::Over(ending) => {
                Err(format!("结论是 `{}`，应当是 `{wanted}`", ending.outcome.id))
            }
            State::Ask(question, ..) => Err(format!("还要问 `{}`，到不了 `{wanted}`", question.id)),
            State::Open(_) => Err(format!("没有结论，应当是 `{wanted}`")),
        }
    }
}

/// `a=1&b=2`, or that there is nothing.
fn pairs(answers: &BTreeMap<String, String>) -> String {
    let pairs: Vec<String> = answers.iter().map(|(id, answer)| format!("{id}={answer}")).collect();
    if pairs.is_empty() { "空的".to_owned() } else { format!("`{}`", pairs.join("&")) }
}

/// The tree with one thing changed: rules and guards removed, outcomes swapped, comparisons flipped, limits moved.
fn mutants(tree: &Tree) -> Vec<(String, Tree)> {
    let mut mutants = Vec::new();
    for (id, rule) in &tree.rules {
        let mut without = tree.clone();
        without.rules.shift_remove(id);
        mutants.push((format!("去掉规则 `{id}`"), without));
        if let Some(other) = tree.outcomes.keys().find(|other| **other != rule.then) {
            let mut swapped = tree.clone();
            swapped.rules[id].then.clone_from(other);
            mutants.push((format!("规则 `{id}` 的结论换成 `{other}`"), swapped));
        }
        for (index, guard) in rule.when.iter().enumerate() {
            if rule.when.len() > 1 {
                let mut without = tree.clone();
                without.rules[id].when.remove(index);
                mutants.push((format!("去掉规则 `{id}` 的第 {} 个条件", index + 1), without));
            }
            for (atom, test) in guard.iter().enumerate() {
                for (what, test) in changed(&test.test) {
                    let mut mutant = tree.clone();
                    mutant.rules[id].when[index][atom].test = test;
                    mutants
                        .push((format!("规则 `{id}` 的第 {} 个条件里{what}", index + 1), mutant));
                }
            }
        }
    }
    mutants
}

/// The test with each comparison turned round, and with each limit moved by one.
fn changed(test: &Test) -> Vec<(&'static str, Test)> {
    let Test::Compare(comparisons) = test else { return Vec::new() };
    let mut changed = Vec::new();
    for (index, (comparison, item)) in comparisons.iter().enumerate() {
        let (turned, moved) = match comparison {
            Comparison::Lt => (Comparison::Ge, Comparison::Le),
            Comparison::Le => (Comparison::Gt, Comparison::Lt),
            Comparison::Gt => (Comparison::Le, Comparison::Ge),
            Comparison::Ge => (Comparison::Lt, Comparison::Gt),
        };
        let mut with = |what, comparison, item: &Item| {
            let mut other = comparisons.clone();
            other[index] = (comparison, item.clone());
            changed.push((what, Test::Compare(other)));
        };
        with("比较反过来", turned, item);
        with("含不含界限换过来", moved, item);
        if let Item::Int(number) = item {
            let back = if matches!(comparison, Comparison::Lt | Comparison::Ge) {
                number - 1
            } else {
                number + 1
            };
            with("界限移动一格", *comparison, &Item::Int(back));
        }
    }
    changed
}
