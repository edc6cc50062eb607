//! `trees/*.toml` → trees. Read flat, then typed.

use super::{
    Answer, Atom, Choice, Comparison, Forest, Guard, Item, Kind, Next, Note, Operand, Outcome,
    Parser, Prefill, Question, Reference, Rename, Rule, Test, Tree, Verdict, Words,
    eval::key_question,
    prove,
    text::Form,
    vocabulary::{self, Vocabulary},
    walk,
};
use crate::{
    content::{self, Content, File, SAY_LIMIT, SENTENCE_LIMIT, length},
    cores,
    problem::{Level, Problem},
};
use indexmap::IndexMap;
use serde::Deserialize;
use std::collections::{BTreeMap, HashSet};

/// No question has more options.
const OPTION_LIMIT: usize = 12;

/// Names that mean something in addresses.
const RESERVED: [&str; 8] = ["all", "q", "day", "unsure", "unknown", "none", "yes", "no"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TreeShape {
    id: String,
    title: String,
    #[serde(default)]
    ask: Vec<String>,
    owner: Option<String>,
    question: Vec<QuestionShape>,
    rule: Vec<RuleShape>,
    outcome: Vec<OutcomeShape>,
    #[serde(default)]
    rename: Vec<Rename>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct QuestionShape {
    id: String,
    kind: String,
    ask: String,
    #[serde(default)]
    why: String,
    #[serde(default)]
    find_out: String,
    #[serde(default)]
    option: Vec<ChoiceShape>,
    none: Option<String>,
    min: Option<i64>,
    max: Option<i64>,
    #[serde(default)]
    unit: String,
    domain: Option<String>,
    parse: Option<String>,
    #[serde(default)]
    hear: Vec<String>,
    #[serde(default)]
    hear_not: Vec<String>,
    #[serde(default)]
    hear_pattern: Vec<String>,
    prefill: Option<Prefill>,
    assume: Option<toml::Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChoiceShape {
    id: String,
    label: String,
    #[serde(default)]
    hear: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleShape {
    id: String,
    then: String,
    when: toml::Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OutcomeShape {
    id: String,
    verdict: Verdict,
    title: String,
    say: String,
    #[serde(default)]
    step: Vec<String>,
    #[serde(default)]
    ask: Vec<String>,
    #[serde(default)]
    cite: Vec<String>,
    confirm: Option<String>,
    #[serde(default)]
    find_out: String,
    #[serde(default)]
    next: Vec<NextShape>,
    #[serde(default)]
    note: Vec<NoteShape>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NextShape {
    tree: String,
    #[serde(default)]
    set: BTreeMap<String, toml::Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NoteShape {
    when: toml::Value,
    text: String,
}

/// Reads and proves all trees of a folder. One with an error is not among those to be walked.
pub fn load(files: &[File], content: &Content) -> Forest {
    let domains = content.domains.iter().map(|(id, domain)| (id.clone(), domain.clone().into()));
    let mut forest = Forest {
        facts: content.facts.clone(),
        domains: domains.collect(),
        links: content.links.clone().into(),
        ..Forest::default()
    };
    let mut found: Vec<(Tree, String, Vec<Problem>)> = Vec::new();
    for file in files {
        let name = file.path.strip_prefix("trees/").and_then(|name| name.strip_suffix(".toml"));
        let Some(name) = name.filter(|name| !name.ends_with(".cases")) else { continue };
        let mut problems = Vec::new();
        match content::toml::<TreeShape>(file) {
            Ok(shape) => {
                let mut reader =
                    Reader { forest: &forest, content, file: &file.path, problems: &mut problems };
                let tree = reader.tree(shape, name);
                found.push((tree, file.path.clone(), problems));
            }
            Err(problem) => forest.broken.push((name.to_owned(), name.to_owned(), vec![problem])),
        }
    }
    let known: HashSet<String> = found
        .iter()
        .map(|(tree, ..)| &tree.id)
        .chain(forest.broken.iter().map(|(id, ..)| id))
        .cloned()
        .collect();
    let mut links = Vec::new();
    let prove = |(tree, path, problems): &(Tree, String, Vec<Problem>)| {
        let mut problems = problems.clone();
        if problems.iter().all(|problem| problem.level == Level::Warning) {
            prove::prove(&forest, tree, path, &mut problems);
        }
        problems
    };
    let proven: Vec<Vec<Problem>> = cores::in_order(&found, prove, |proven| proven.collect());
    for ((tree, path, _), mut problems) in found.into_iter().zip(proven) {
        content::name_lines(&mut problems, files);
        problems.sort();
        problems.dedup();
        if problems.iter().any(|problem| problem.level == Level::Error) {
            forest.broken.push((tree.id, tree.title, problems));
        } else {
            links.push((tree.id.clone(), path));
            forest.trees.insert(tree.id.clone(), tree.into());
            forest.warnings.extend(problems);
        }
    }
    for (id, path) in links {
        let mut problems = Vec::new();
        next_trees(&forest, &known, &forest.trees[&id], &path, &mut problems);
        content::name_lines(&mut problems, files);
        forest.warnings.extend(problems);
    }
    let missing = content.main.iter().filter(|id| !known.contains(*id)).map(|id| {
        let message = format!("`trees` 里的 `{id}` 不是树；请写 trees 文件夹里一棵树的 id");
        Problem::warning("settings.toml", 0, message)
    });
    forest.warnings.extend(missing);
    forest.vocabulary = Vocabulary::of(&forest);
    forest
}

/// The trees that outcomes lead to are there and know what they are told.
fn next_trees(
    forest: &Forest,
    known: &HashSet<String>,
    tree: &Tree,
    path: &str,
    problems: &mut Vec<Problem>,
) {
    for outcome in tree.outcomes.values() {
        for next in &outcome.next {
            if leads_to(forest, &next.tree, &tree.id, &mut HashSet::new()) {
                problems.push(Problem::warning(
                    path,
                    0,
                    format!(
                        "结论 `{}` 的 next 指向 `{}`，又会绕回这棵树；请去掉一处",
                        outcome.id, next.tree
                    ),
                ));
            }
            let Some(other) = forest.trees.get(&next.tree) else {
                let why = if known.contains(&next.tree) {
                    "有错误，还不能用"
                } else {
                    "不存在"
                };
                problems.push(Problem::warning(
                    path,
                    0,
                    format!("结论 `{}` 的 next 指向的树 `{}` {why}；请改正", outcome.id, next.tree),
                ));
                continue;
            };
            for (question, answer) in &next.set {
                let told =
                    other.questions.get(question).ok_or_else(|| format!("没有问题 `{question}`"));
                let told = told.and_then(|question| {
                    match answer.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
                        None => Answer::parse(answer, question, &forest.domains).map(drop),
                        Some(name) if tree.questions.contains_key(name) => Ok(()),
                        Some(name) => Err(format!("要的 `{{{name}}}` 不是这棵树的问题")),
                    }
                });
                if let Err(why) = told {
                    problems.push(Problem::warning(
                        path,
                        0,
                        format!(
                            "结论 `{}` 的 next：`{}` 那棵树里 {why}；请改正",
                            outcome.id, next.tree
                        ),
                    ));
                }
            }
        }
    }
}

/// Whether tree `from` leads to tree `to`, at once or through others.
fn leads_to<'f>(forest: &'f Forest, from: &'f str, to: &str, seen: &mut HashSet<&'f str>) -> bool {
    if from == to {
        return true;
    }
    let next = forest.trees.get(from).filter(|_| seen.insert(from));
    let mut next =
        next.into_iter().flat_map(|tree| tree.outcomes.values()).flat_map(|outcome| &outcome.next);
    next.any(|next| leads_to(forest, &next.tree, to, seen))
}

struct Reader<'r> {
    forest: &'r Forest,
    content: &'r Content,
    file: &'r str,
    problems: &'r mut Vec<Problem>,
}

impl Reader<'_> {
    fn error(&mut self, message: String) {
        self.problems.push(Problem::error(self.file, 0, message));
    }

    fn tree(&mut self, shape: TreeShape, name: &str) -> Tree {
        if shape.id != name {
            self.error(format!("`{}` 和文件名 `{name}` 不一样；请改成一样", shape.id));
        }
        self.name(&shape.id, &RESERVED);
        if shape.ask.is_empty() {
            self.error("没有 ask；请写客户想走这棵树时会说的几句话".to_owned());
        }
        if !shape.title.ends_with('？') {
            self.error(format!("标题 `{}` 不是问句；请用“？”结尾", shape.title));
        }
        let mut tree = Tree {
            id: shape.id,
            title: shape.title,
            ask: shape.ask,
            owner: shape.owner,
            questions: IndexMap::new(),
            rules: IndexMap::new(),
            outcomes: IndexMap::new(),
            renames: shape.rename,
            shown: Vec::new(),
            keys: BTreeMap::new(),
        };
        for question in shape.question {
            let id = question.id.clone();
            self.name(&id, &RESERVED);
            if let Some(question) = self.question(question)
                && tree.questions.insert(id.clone(), question).is_some()
            {
                self.error(format!("问题 `{id}` 写了两次；请改一个名字"));
            }
        }
        let ids: Vec<String> = shape.outcome.iter().map(|outcome| outcome.id.clone()).collect();
        for rule in shape.rule {
            self.name(&rule.id, &[]);
            if !ids.contains(&rule.then) {
                self.error(format!(
                    "规则 `{}` 的结论 `{}` 不存在；请加上，或改正 then",
                    rule.id, rule.then
                ));
            }
            let what = format!("规则 `{}`", rule.id);
            let when = self.guards(&tree, &what, rule.when);
            if tree.rules.insert(rule.id.clone(), Rule { then: rule.then, when }).is_some() {
                self.error(format!("规则 `{}` 写了两次；请改一个名字", rule.id));
            }
        }
        for outcome in shape.outcome {
            let id = outcome.id.clone();
            self.name(&id, &[]);
            let outcome = self.outcome(&tree, outcome);
            if tree.outcomes.insert(id.clone(), outcome.into()).is_some() {
                self.error(format!("结论 `{id}` 写了两次；请改一个名字"));
            }
        }
        for (name, table) in &self.forest.facts.tables {
            let questions = table.key.iter().map(|key| key_question(&tree, key).map(str::to_owned));
            if let Some(questions) = questions.collect() {
                tree.keys.insert(name.clone(), questions);
            }
        }
        tree.shown = walk::shown_columns(&tree);
        for rename in &tree.renames {
            if tree.questions.contains_key(&rename.question) {
                self.error(format!(
                    "rename 的旧名字 `{}` 现在还是一个问题；请改正",
                    rename.question
                ));
            }
            let to = tree.questions.get(&rename.to);
            let options = to.map(|question| {
                rename
                    .option
                    .values()
                    .map(|id| Answer::parse(id, question, &self.forest.domains))
                    .collect::<Vec<_>>()
            });
            match options {
                None => self.error(format!("rename 里的问题 `{}` 不存在；请改正", rename.to)),
                Some(read) => read
                    .into_iter()
                    .filter_map(Result::err)
                    .for_each(|why| self.error(format!("rename：{why}"))),
            }
        }
        tree
    }

    /// `taken` are names that mean something else in addresses.
    fn name(&mut self, id: &str, taken: &[&str]) {
        let fits = id.starts_with(|c: char| c.is_ascii_lowercase())
            && id
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_'));
        if !fits || taken.contains(&id) {
            let but = if taken.is_empty() { "" } else { "，不用 " };
            self.error(format!(
                "`{id}` 不能当名字；请用小写字母、数字和连字符{but}{}",
                taken.join("、")
            ));
        }
    }

    /// Keys that mean nothing for a question of this kind.
    fn idle_keys(&mut self, shape: &QuestionShape) {
        let kind = &*shape.kind;
        let keys = [
            ("option", !shape.option.is_empty(), matches!(kind, "choice" | "multi")),
            ("none", shape.none.is_some(), kind == "multi"),
            ("min", shape.min.is_some(), kind == "int"),
            ("max", shape.max.is_some(), kind == "int"),
            ("unit", !shape.unit.is_empty(), kind == "int"),
            ("domain", shape.domain.is_some(), kind == "domain"),
            ("parse", shape.parse.is_some(), kind == "text"),
            ("hear", !shape.hear.is_empty(), kind == "bool"),
            ("hear_not", !shape.hear_not.is_empty(), kind == "bool"),
            (
                "hear_pattern",
                !shape.hear_pattern.is_empty(),
                matches!(kind, "int" | "date" | "text"),
            ),
        ];
        for (key, _, _) in keys.iter().filter(|(_, there, used)| *there && !used) {
            let kind = &shape.kind;
            self.error(format!("问题 `{}` 的 kind 是 {kind}，用不上 `{key}`；请去掉", shape.id));
        }
    }

    /// Nothing that people read is empty, and questions show no facts.
    fn question_texts(&mut self, shape: &QuestionShape) {
        let labels = shape.option.iter().map(|option| &option.label);
        if [&shape.ask].into_iter().chain(labels).any(|text| text.trim().is_empty()) {
            self.error(format!("问题 `{}` 的 ask 或选项是空的；请写上", shape.id));
        }
        for text in [&shape.ask, &shape.why, &shape.find_out] {
            if text.contains(['{', '}']) {
                self.error(format!("问题 `{}` 里不能写 {{…}}：{text}；请去掉", shape.id));
            }
        }
        let options = shape.option.iter().flat_map(|option| &option.hear);
        let words = options.chain(&shape.hear).chain(&shape.hear_not);
        if words.into_iter().any(|word| word.trim().is_empty()) {
            self.error(format!("问题 `{}` 的 hear 里有空的词；请去掉", shape.id));
        }
    }

    fn question(&mut self, shape: QuestionShape) -> Option<Question> {
        let id = shape.id.clone();
        self.idle_keys(&shape);
        self.question_texts(&shape);
        let options: Vec<Choice> = shape
            .option
            .into_iter()
            .map(|option| Choice { id: option.id, label: option.label, hear: option.hear })
            .collect();
        let mut seen = HashSet::new();
        for option in &options {
            if option.id != "none" || shape.kind == "multi" {
                self.name(&option.id, &RESERVED);
            }
            if !seen.insert(&option.id) {
                self.error(format!("问题 `{id}` 的选项 `{}` 写了两次；请改一个名字", option.id));
            }
        }
        let count = options.len();
        let kind = match &*shape.kind {
            "choice" if (2..=OPTION_LIMIT).contains(&count) => Kind::Choice(options),
            "multi" if (1..=OPTION_LIMIT).contains(&count) => {
                Kind::Multi(options, shape.none.unwrap_or_else(|| "都没有".to_owned()))
            }
            "choice" | "multi" => {
                let least = if shape.kind == "multi" { 1 } else { 2 };
                self.error(format!(
                    "问题 `{id}` 有 {count} 个选项；要 {least} 到 {OPTION_LIMIT} 个"
                ));
                return None;
            }
            "bool" => Kind::Bool,
            "int" => match (shape.min, shape.max) {
                (Some(min), Some(max)) if min < max => Kind::Int(min, max, shape.unit),
                _ => {
                    self.error(format!("问题 `{id}` 要写 min 和 max，min 小于 max"));
                    return None;
                }
            },
            "date" => Kind::Date,
            "domain" => {
                let domain = shape.domain.unwrap_or_default();
                if !self.forest.domains.contains_key(&domain) {
                    self.error(format!(
                        "问题 `{id}` 的值域 `{domain}` 不存在；请加上 domains/{domain}.toml"
                    ));
                    return None;
                }
                Kind::Domain(domain)
            }
            "text" => match Parser::read(&shape.parse.clone().unwrap_or_default()) {
                Some(parser) => Kind::Text(parser),
                None => {
                    self.error(format!(
                        "问题 `{id}` 的 parse 不能是 `{}`；可以是 site_name",
                        shape.parse.unwrap_or_default()
                    ));
                    return None;
                }
            },
            other => {
                self.error(format!("问题 `{id}` 的 kind 不能是 `{other}`；可以是 choice、multi、bool、int、date、domain、text"));
                return None;
            }
        };
        for pattern in &shape.hear_pattern {
            if regex::Regex::new(pattern).map_or(0, |pattern| pattern.captures_len()) != 2 {
                self.error(format!("问题 `{id}` 的 hear_pattern `{pattern}` 要是只有一个括号组的正则表达式；别的组写 (?:…)"));
            }
        }
        let skips = matches!(kind, Kind::Choice(_) | Kind::Domain(_));
        let mut question = Question {
            id,
            ask: shape.ask,
            why: shape.why,
            find_out: shape.find_out,
            kind,
            hear: shape.hear,
            hear_not: shape.hear_not,
            hear_pattern: shape.hear_pattern,
            prefill: shape.prefill.unwrap_or(if skips { Prefill::Skip } else { Prefill::Suggest }),
            assume: None,
        };
        self.heard_twice(&question);
        if let Some(value) = shape.assume {
            match Answer::parse(&spelled(&value), &question, &self.forest.domains) {
                Ok(Answer::Unsure) => self.error(format!(
                    "问题 `{}` 的 assume 不能是 unsure；请写一个回答，或去掉",
                    question.id
                )),
                Ok(answer) => question.assume = Some(answer),
                Err(why) => self.error(format!("assume：{why}")),
            }
        }
        Some(question)
    }

    /// No word is heard by two options.
    fn heard_twice(&mut self, question: &Question) {
        let mut taken: BTreeMap<String, String> = BTreeMap::new();
        let domains = &self.forest.domains;
        for (number, words) in vocabulary::words(question, domains).into_iter().enumerate() {
            let answer =
                question.answer(number, domains).map_or(String::new(), |it| it.to_string());
            for word in words {
                if let Some(other) = taken.insert(word.clone(), answer.clone())
                    && other != answer
                {
                    self.error(format!(
                        "问题 `{}` 里，`{word}` 既是 `{other}` 又是 `{answer}`；请去掉一处",
                        question.id
                    ));
                }
            }
        }
    }

    fn outcome(&mut self, tree: &Tree, shape: OutcomeShape) -> Outcome {
        let id = &shape.id;
        if shape.say.trim().is_empty() {
            self.error(format!("结论 `{id}` 没有 say；请写一句可以念给客户的话"));
        }
        if length(&shape.title) > 20 {
            self.error(format!("结论 `{id}` 的标题有 {} 字，最多 20 字", length(&shape.title)));
        }
        // A name in braces becomes a word or two.
        let say = walk::filled_with(&shape.say, "四个字长");
        let sentence = say.split_inclusive(['。', '！', '？']).next().map_or(0, length);
        if length(&say) > SAY_LIMIT || sentence > SENTENCE_LIMIT {
            self.error(format!(
                "结论 `{id}` 的 say 有 {} 字，第一句 {sentence} 字；最多 {SAY_LIMIT} 字，第一句最多 {SENTENCE_LIMIT} 字",
                length(&say)
            ));
        }
        for link in shape.step.iter().flat_map(|step| walk::links(step)) {
            if !self.forest.links.contains_key(&link) {
                self.error(format!(
                    "links.toml 里没有 `{link}`；请加上，或改正结论 `{id}` 的 step"
                ));
            }
        }
        if shape.say.contains("](") {
            self.error(format!("结论 `{id}` 的 say 是念给客户的，不能有链接；请移到 step"));
        }
        let notes = shape.note.iter().map(|note| &note.text);
        let texts = [&shape.title, &shape.say, &shape.find_out].into_iter().chain(&shape.step);
        for text in texts.chain(notes.clone()) {
            if walk::filled_with(text, "").contains(['{', '}']) {
                self.error(format!(
                    "结论 `{id}` 里的 {{…}} 写法不对：{text}；写 {{问题}}、{{figure.名字}} 或 {{表.列}}，不加空格和大写"
                ));
            }
        }
        if [&shape.title].into_iter().chain(notes).any(|text| text.trim().is_empty()) {
            self.error(format!("结论 `{id}` 的标题或附注是空的；请写上"));
        }
        let twice = |(at, cited): (usize, &String)| shape.cite[..at].contains(cited);
        if shape.cite.iter().enumerate().any(twice) {
            self.error(format!("结论 `{id}` 的 cite 里有一条写了两次；请去掉一处"));
        }
        if shape.cite.is_empty() {
            self.error(format!("结论 `{id}` 没有 cite；至少引用一个条目"));
        }
        for cited in &shape.cite {
            if self.content.entries.iter().all(|entry| entry.id != *cited) {
                self.error(format!("结论 `{id}` 引用的条目 `{cited}` 不存在；请改正"));
            }
        }
        if let Some(link) = &shape.confirm
            && !self.forest.links.contains_key(link)
        {
            self.error(format!(
                "`{link}` 不在 links.toml 里；请加上，或改正结论 `{id}` 的 confirm"
            ));
        }
        if shape.verdict == Verdict::Depends && shape.confirm.is_none() && shape.find_out.is_empty()
        {
            self.error(format!(
                "结论 `{id}` 的 verdict 是 depends，要写 confirm 或 find_out：到哪里确认"
            ));
        }
        for question in shape.ask.iter().filter(|question| !tree.questions.contains_key(*question))
        {
            self.error(format!("结论 `{id}` 的 ask 里没有问题 `{question}`；请改正"));
        }
        let what = format!("结论 `{id}` 的附注");
        let note = shape
            .note
            .into_iter()
            .map(|note| Note { when: self.guards(tree, &what, note.when), text: note.text })
            .collect();
        let next = shape.next.into_iter().map(|next| Next {
            tree: next.tree,
            set: next.set.into_iter().map(|(key, value)| (key, spelled(&value))).collect(),
        });
        Outcome {
            next: next.collect(),
            note,
            id: shape.id,
            verdict: shape.verdict,
            title: shape.title,
            say: shape.say,
            step: shape.step,
            ask: shape.ask,
            cite: shape.cite,
            confirm: shape.confirm,
            find_out: shape.find_out,
        }
    }

    fn guards(&mut self, tree: &Tree, what: &str, value: toml::Value) -> Vec<Guard> {
        let tables = match value {
            toml::Value::Array(tables) => tables,
            table => vec![table],
        };
        let mut guards = Vec::new();
        if tables.is_empty() {
            self.error(format!("{what}的 when 是空的；请写条件"));
        }
        for table in tables {
            let Some(table) = table.as_table().filter(|table| !table.is_empty()) else {
                self.error(format!("{what}的 when 要写 {{ 问题 = 值 }}，或这样的列表"));
                continue;
            };
            let mut guard = Vec::new();
            for (left, right) in table {
                match self.atom(tree, left, right) {
                    Ok(atom) => guard.push(atom),
                    Err(why) => {
                        let hint = match &**left {
                            "then" | "id" => "；`then` 要写在 [rule.when] 前面，或把 when 写成一行",
                            _ => "",
                        };
                        self.error(format!("{what}：{why}{hint}"));
                    }
                }
            }
            guards.push(guard);
        }
        guards
    }

    fn atom(&self, tree: &Tree, left: &str, right: &toml::Value) -> Result<Atom, String> {
        let of = match left.split_once('.') {
            None if tree.questions.contains_key(left) => Operand::Answer(left.to_owned()),
            None => return Err(format!("没有问题 `{left}`")),
            Some((table, column))
                if self.forest.facts.tables.contains_key(table)
                    && !matches!(
                        tree.questions.get(table).map(|question| &question.kind),
                        Some(Kind::Text(_))
                    ) =>
            {
                if !self.forest.facts.tables[table].columns.contains_key(column) {
                    return Err(format!("facts/{table}.toml 里没有 `{column}` 这一列"));
                }
                Operand::Fact(table.to_owned(), column.to_owned())
            }
            Some((question, property)) => match tree
                .questions
                .get(question)
                .map(|question| &question.kind)
            {
                Some(Kind::Text(parser))
                    if parser.forms().iter().any(|(name, _)| *name == property) =>
                {
                    Operand::Property(question.to_owned(), property.to_owned())
                }
                Some(Kind::Text(parser)) => {
                    let names: Vec<&str> = parser.forms().iter().map(|(name, _)| *name).collect();
                    return Err(format!("`{question}` 没有 `{property}`；有 {}", names.join("、")));
                }
                _ => return Err(format!("`{left}` 不是问题，也不是事实表的列")),
            },
        };
        let form = self.form(tree, &of);
        let test = self.test(left, &form, matches!(of, Operand::Fact(..)), right)?;
        let mut questions = Vec::new();
        match &of {
            Operand::Answer(question) | Operand::Property(question, _) => {
                questions.push(question.clone())
            }
            Operand::Fact(table, _) => questions.extend(self.keys(tree, table)?),
        }
        for reference in references(&test) {
            if let Reference::Column(table, _) = reference {
                questions.extend(self.keys(tree, table)?);
            }
        }
        let mut seen = HashSet::new();
        questions.retain(|question| seen.insert(question.clone()));
        if let Operand::Property(text, _) = &of {
            let place = |id: &String| tree.questions.get_index_of(id);
            if let Some(later) = questions.iter().find(|id| place(id) > place(text)) {
                return Err(format!(
                    "问题 `{text}` 的词表要看 `{later}` 的回答；请把 `{later}` 排到 `{text}` 前面"
                ));
            }
        }
        let questions = questions.iter().map(|id| tree.number(id)).collect();
        Ok(Atom { of, test, questions })
    }

    /// The questions that answer the keys of a table.
    fn keys(&self, tree: &Tree, table: &str) -> Result<Vec<String>, String> {
        let mut questions = Vec::new();
        for key in &self.forest.facts.tables[table].key {
            let question = key_question(tree, key).ok_or_else(|| {
                format!("用到 facts/{table}.toml，但没有问题回答它的键 `{key}`；请加一个 domain = \"{key}\" 的问题")
            })?;
            let known = |id: &str| {
                self.forest.domains.get(key).is_some_and(|domain| domain.label(id).is_some())
            };
            let fits = match &tree.questions[question].kind {
                Kind::Domain(_) => true,
                Kind::Choice(options) => options.iter().all(|option| known(&option.id)),
                _ => false,
            };
            if !fits {
                return Err(format!(
                    "问题 `{question}` 回答不了 facts/{table}.toml 的键；请用 domain = \"{key}\"，或用 domains/{key}.toml 里的值当选项"
                ));
            }
            questions.push(question.to_owned());
        }
        Ok(questions)
    }

    /// What kind of value an operand has.
    fn form(&self, tree: &Tree, of: &Operand) -> Has {
        match of {
            Operand::Answer(question) => match &tree.questions[question].kind {
                Kind::Choice(options) => {
                    Has::Id(options.iter().map(|option| option.id.clone()).collect())
                }
                Kind::Multi(options, _) => {
                    Has::Ids(options.iter().map(|option| option.id.clone()).collect())
                }
                Kind::Domain(domain) => Has::Id(
                    self.forest.domains[domain].names().map(|(id, _)| id.to_owned()).collect(),
                ),
                Kind::Bool => Has::Bool,
                Kind::Int(..) => Has::Int,
                Kind::Date => Has::Date,
                Kind::Text(_) => Has::Text,
            },
            Operand::Fact(table, column) => match &*self.forest.facts.tables[table].columns[column]
                .kind
            {
                "int" => Has::Int,
                "bool" => Has::Bool,
                "date" => Has::Date,
                "words" => Has::AnyWords,
                other => match other
                    .strip_prefix("domain:")
                    .and_then(|domain| self.forest.domains.get(domain))
                {
                    Some(domain) => Has::Id(domain.names().map(|(id, _)| id.to_owned()).collect()),
                    None => Has::AnyText,
                },
            },
            Operand::Property(question, property) => {
                let Kind::Text(parser) = tree.questions[question].kind else { return Has::Text };
                let form = parser
                    .forms()
                    .into_iter()
                    .find(|(name, _)| name == property)
                    .map(|(_, form)| form);
                match form {
                    Some(Form::Int) => Has::Int,
                    Some(Form::Bool) => Has::Bool,
                    Some(Form::Ids(ids)) => {
                        Has::Id(ids.iter().map(|id| (*id).to_owned()).collect())
                    }
                    Some(Form::Contains | Form::Starts) => Has::AnyWords,
                    None => Has::Text,
                }
            }
        }
    }

    fn test(
        &self,
        left: &str,
        form: &Has,
        is_fact: bool,
        right: &toml::Value,
    ) -> Result<Test, String> {
        let table = match right {
            toml::Value::Table(table) => table,
            toml::Value::Array(items) => {
                let items = items
                    .iter()
                    .map(|item| self.item(left, form, item))
                    .collect::<Result<_, _>>()?;
                return Ok(Test::In(items, true));
            }
            item => return Ok(Test::In(vec![self.item(left, form, item)?], true)),
        };
        let keys: Vec<&str> = table.keys().map(|key| &**key).collect();
        match form {
            _ if keys == ["known"] => match &table["known"] {
                toml::Value::Boolean(known) if is_fact => Ok(Test::Known(*known)),
                _ => Err(format!("`{left}` 的 known 只能用在事实表的列上，写 true 或 false")),
            },
            Has::Ids(_) | Has::AnyWords if keys.is_empty() => {
                Err(format!("`{left}` 的条件是空的；可以写 any、all、none"))
            }
            Has::AnyWords if keys.contains(&"all") => {
                Err(format!("`{left}` 是文字里的词，不能写 all；可以写 any、none"))
            }
            Has::Ids(_) | Has::AnyWords
                if keys.iter().all(|key| matches!(*key, "any" | "all" | "none")) =>
            {
                let words = |key: &str| match table.get(key) {
                    Some(value) => self.words(left, form, value),
                    None => Ok(Vec::new()),
                };
                Ok(Test::Has { any: words("any")?, all: words("all")?, none: words("none")? })
            }
            Has::Id(_) | Has::AnyText if keys == ["none"] => {
                let items =
                    table["none"].as_array().ok_or_else(|| format!("`{left}` 的 none 要写列表"))?;
                let items = items
                    .iter()
                    .map(|item| self.item(left, form, item))
                    .collect::<Result<_, _>>()?;
                Ok(Test::In(items, false))
            }
            Has::Int | Has::Date if !keys.is_empty() => {
                let mut comparisons = Vec::new();
                for (key, value) in table {
                    let comparison = match &**key {
                        "lt" => Comparison::Lt,
                        "le" => Comparison::Le,
                        "gt" => Comparison::Gt,
                        "ge" => Comparison::Ge,
                        _ => {
                            return Err(format!(
                                "`{left}` 不能用 `{key}` 比较；可以是 lt、le、gt、ge"
                            ));
                        }
                    };
                    comparisons.push((comparison, self.item(left, form, value)?));
                }
                Ok(Test::Compare(comparisons))
            }
            _ => Err(format!("`{left}` 不能这样测（{}）；请对照格式说明", keys.join("、"))),
        }
    }

    fn item(&self, left: &str, form: &Has, value: &toml::Value) -> Result<Item, String> {
        if let Some(name) = value.as_str().and_then(|text| text.strip_prefix('@')) {
            let reference = self.reference(name)?;
            let kind = self.kind(&reference);
            let fits = match form {
                Has::Int => kind == "int",
                Has::Date => kind == "date",
                Has::Bool => kind == "bool",
                Has::Id(_) | Has::AnyText => kind == "text" || kind.starts_with("domain:"),
                Has::Ids(_) | Has::AnyWords | Has::Text => false,
            };
            return match fits {
                true => Ok(Item::Fact(reference)),
                false => Err(format!("`{left}` 不能和 `@{name}` 比较：那里是 {kind}；请换一列")),
            };
        }
        let wrong = || Err(format!("`{left}` 不能是 `{}`", spelled(value)));
        Ok(match (form, value) {
            (Has::Id(ids), toml::Value::String(id)) if ids.contains(id) => Item::Id(id.clone()),
            (Has::Id(ids), _) if ids.len() <= OPTION_LIMIT => {
                return Err(format!(
                    "`{left}` 不能是 `{}`；可以是 {}",
                    spelled(value),
                    ids.join("、")
                ));
            }
            (Has::AnyText, toml::Value::String(text)) => Item::Id(text.clone()),
            (Has::Bool, toml::Value::Boolean(yes)) => Item::Bool(*yes),
            (Has::Int, toml::Value::Integer(number)) => Item::Int(*number),
            (Has::Date, toml::Value::Datetime(date)) => match date.to_string().parse() {
                Ok(date) => Item::Date(date),
                Err(_) => return wrong(),
            },
            _ => return wrong(),
        })
    }

    /// Words written out, and lists of words in fact tables.
    fn words(&self, left: &str, form: &Has, value: &toml::Value) -> Result<Vec<Words>, String> {
        let items = match value {
            toml::Value::Array(items) => items.clone(),
            item => vec![item.clone()],
        };
        let (mut words, mut lists) = (Vec::new(), Vec::new());
        for item in &items {
            let word =
                item.as_str().ok_or_else(|| format!("`{left}` 不能是 `{}`", spelled(item)))?;
            if let Some(name) = word.strip_prefix('@') {
                let reference = self.reference(name)?;
                let kind = self.kind(&reference);
                if kind != "words" {
                    return Err(format!(
                        "`@{name}` 是 {kind}，不是词表；请换成 kind = \"words\" 的列"
                    ));
                }
                lists.push(Words::Fact(reference));
                continue;
            }
            if let Has::Ids(ids) = form
                && !ids.iter().any(|id| id == word)
            {
                return Err(format!("`{left}` 没有选项 `{word}`；有 {}", ids.join("、")));
            }
            words.push(word.to_owned());
        }
        if !words.is_empty() {
            lists.push(Words::These(words));
        }
        Ok(lists)
    }

    /// What kind of value a fact is.
    fn kind(&self, reference: &Reference) -> String {
        match reference {
            Reference::Figure(_) => "int".to_owned(),
            Reference::Column(table, column) | Reference::Cell(table, _, column) => {
                self.forest.facts.tables[table].columns[column].kind.clone()
            }
        }
    }

    fn reference(&self, name: &str) -> Result<Reference, String> {
        let parts: Vec<&str> = name.split('.').collect();
        let table = |name: &str| {
            self.forest.facts.tables.get(name).ok_or_else(|| format!("没有 facts/{name}.toml"))
        };
        match *parts {
            ["figure", id] => {
                let figure = self
                    .forest
                    .facts
                    .figures
                    .get(id)
                    .ok_or_else(|| format!("facts/figure.toml 里没有 `{id}`"))?;
                figure.number.ok_or_else(|| {
                    format!(
                        "`@{name}` 不能用来比较；请在 facts/figure.toml 的 `{id}` 里写 n = 数字"
                    )
                })?;
                Ok(Reference::Figure(id.to_owned()))
            }
            [name, column] if table(name)?.columns.contains_key(column) => {
                Ok(Reference::Column(name.to_owned(), column.to_owned()))
            }
            [name, row, column]
                if table(name)?.columns.contains_key(column)
                    && table(name)?.rows.iter().any(|other| other.is(row)) =>
            {
                Ok(Reference::Cell(name.to_owned(), row.to_owned(), column.to_owned()))
            }
            _ => Err(format!(
                "`@{name}` 不在事实表里；写法是 `@figure.名字`、`@表.列` 或 `@表.行.列`"
            )),
        }
    }
}

/// What kind of value something has, with the ids that it can be.
enum Has {
    Id(Vec<String>),
    Ids(Vec<String>),
    AnyWords,
    AnyText,
    Bool,
    Int,
    Date,
    Text,
}

/// The facts that a test looks at.
pub(super) fn references(test: &Test) -> Vec<&Reference> {
    fn item(item: &Item) -> Option<&Reference> {
        match item {
            Item::Fact(reference) => Some(reference),
            _ => None,
        }
    }
    match test {
        Test::In(items, _) => items.iter().filter_map(item).collect(),
        Test::Compare(comparisons) => {
            comparisons.iter().filter_map(|(_, other)| item(other)).collect()
        }
        Test::Has { any, all, none } => [any, all, none]
            .into_iter()
            .flatten()
            .filter_map(|words| match words {
                Words::Fact(reference) => Some(reference),
                Words::These(_) => None,
            })
            .collect(),
        Test::Known(_) => Vec::new(),
    }
}

/// A TOML value as an address spells it.
pub(super) fn spelled(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        toml::Value::Boolean(yes) => if *yes { "yes" } else { "no" }.to_owned(),
        toml::Value::Array(items) if items.is_empty() => "none".to_owned(),
        toml::Value::Array(items) => items.iter().map(spelled).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}
