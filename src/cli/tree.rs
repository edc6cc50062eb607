//! `jieda tree`: decision trees.

use super::{
    Common,
    ask::{LABEL, SAY},
};
use inquire::{MultiSelect, Select, Text, error::InquireError, validator::Validation};
use jieda::{
    Error, Library, Problem, Result, content,
    index::Proof,
    tree::{self, Answer, Forest, Kind, Question, State, Tree, Walk},
    wire,
};
use std::{
    collections::BTreeMap,
    fs,
    io::{self, IsTerminal, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

/// 走决策树，检查和画出决策树
#[derive(clap::Args)]
#[command(override_usage = "jieda tree 命令 [选项]", subcommand_required = true)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Sub,
}

#[derive(clap::Subcommand)]
enum Sub {
    List(ListArgs),
    Run(RunArgs),
    Show(RunArgs),
    Check(CheckArgs),
    Paths(PathsArgs),
    Graph(GraphArgs),
    Diff(DiffArgs),
}

/// 列出所有的树
#[derive(clap::Args)]
#[command(override_usage = "jieda tree list [选项]", next_help_heading = "选项")]
struct ListArgs {
    /// 输出 JSON
    #[arg(long)]
    json: bool,
}

/// 一个一个问题走（run），或只看走到哪里（show）
///
/// 退出状态：0 有结论，1 还要回答，2 没有这棵树或出错。
#[derive(clap::Args)]
#[command(override_usage = "jieda tree run|show 编号 [选项]", next_help_heading = "选项")]
struct RunArgs {
    /// 树的编号，例如 needs-filing
    #[arg(value_name = "编号")]
    id: String,
    /// 已经知道的回答，可以写几次；不清楚写 unsure
    #[arg(long, value_name = "问题=回答")]
    set: Vec<String>,
    /// 输出 JSON
    #[arg(long)]
    json: bool,
}

/// 检查所有的树：证明没有缺口和重叠，跑案例，找没有案例发现的改动
///
/// 退出状态：0 没有问题，1 有问题，2 出错。
#[derive(clap::Args)]
#[command(override_usage = "jieda tree check [编号…]", next_help_heading = "选项")]
struct CheckArgs {
    /// 只检查这些树
    #[arg(value_name = "编号")]
    ids: Vec<String>,
}

/// 列出所有走法：回答、问过的问题、结论、依据
#[derive(clap::Args)]
#[command(override_usage = "jieda tree paths [编号…] [选项]", next_help_heading = "选项")]
struct PathsArgs {
    /// 只列这些树
    #[arg(value_name = "编号")]
    ids: Vec<String>,
    /// 写进内容文件夹的 trees/编号.paths.tsv
    #[arg(long)]
    bless: bool,
}

/// 画出一棵树
#[derive(clap::Args)]
#[command(override_usage = "jieda tree graph 编号 [选项]", next_help_heading = "选项")]
struct GraphArgs {
    /// 树的编号
    #[arg(value_name = "编号")]
    id: String,
    /// text、mermaid 或 svg
    #[arg(
        long,
        value_name = "格式",
        default_value = "text",
        hide_default_value = true,
        hide_possible_values = true
    )]
    format: Format,
    /// 标出这些回答的走法（svg）
    #[arg(long, value_name = "问题=回答")]
    set: Vec<String>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Format {
    Text,
    Mermaid,
    Svg,
}

/// 比较两个内容文件夹或两个 paths.tsv：哪些走法的结论变了
///
/// 退出状态：0 没有变，1 有变，2 出错。
#[derive(clap::Args)]
#[command(override_usage = "jieda tree diff 旧 新", next_help_heading = "选项")]
struct DiffArgs {
    /// 旧的文件夹或 paths.tsv
    #[arg(value_name = "旧")]
    old: PathBuf,
    /// 新的文件夹或 paths.tsv
    #[arg(value_name = "新")]
    new: PathBuf,
}

pub(super) fn run(args: &Args, common: &Common) -> Result<ExitCode> {
    match &args.command {
        Sub::List(args) => list(args, common),
        Sub::Run(args) => walk(args, common, true),
        Sub::Show(args) => walk(args, common, false),
        Sub::Check(args) => check(args, common),
        Sub::Paths(args) => paths(args, common),
        Sub::Graph(args) => graph(args, common),
        Sub::Diff(args) => diff(args, common),
    }
}

fn list(args: &ListArgs, common: &Common) -> Result<ExitCode> {
    let library = common.open(Proof::Quick)?;
    let trees = wire::trees(&library)?;
    let mut out = common.out();
    if args.json {
        writeln!(out, "{}", serde_json::to_string(&trees).expect("trees are plain data"))?;
        return Ok(ExitCode::SUCCESS);
    }
    let forest = &library.index.forest;
    for tree in forest.trees.values() {
        writeln!(out, "{}  {}", tree.id, tree.title)?;
    }
    for (id, title, problems) in &forest.broken {
        writeln!(out, "{id}  {title}（有错误，用不了：{}）", problems[0])?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The tree with this id. Fails if there is none, or if it has errors.
fn find<'f>(forest: &'f Forest, id: &str) -> Result<&'f Tree> {
    if let Some((.., problems)) = forest.broken.iter().find(|(broken, ..)| broken == id) {
        return Err(Error::BrokenTree { id: id.to_owned(), why: problems[0].to_string() });
    }
    let tree = forest.trees.get(id).map(|tree| &**tree);
    tree.ok_or_else(|| Error::NoTree {
        id: id.to_owned(),
        known: forest.trees.keys().cloned().collect::<Vec<_>>().join("、"),
    })
}

fn pairs(set: &[String]) -> Result<Vec<(String, String)>> {
    let pair = |text: &String| {
        let (key, value) = text.split_once('=').ok_or_else(|| Error::Answer {
            what: format!("`--set {text}` 要写成 问题=回答，例如 `--set location=hongkong`"),
        })?;
        Ok((key.trim().to_owned(), value.trim().to_owned()))
    };
    set.iter().map(pair).collect()
}

fn walk(args: &RunArgs, common: &Common, ask: bool) -> Result<ExitCode> {
    let library = common.open(Proof::Quick)?;
    let forest = &library.index.forest;
    let tree = find(forest, &args.id)?;
    let mut given = pairs(&args.set)?;
    let interactive = ask && !args.json && io::stdin().is_terminal() && io::stdout().is_terminal();
    loop {
        let walk = tree::walk(forest, tree, &given);
        if let Some(wrong) = walk.wrong.first() {
            return Err(Error::Answer { what: wrong.clone() });
        }
        let State::Ask(question, heard, _) = &walk.state else { break };
        if !interactive {
            break;
        }
        match prompt(forest, question, heard.as_ref(), !walk.steps.is_empty()) {
            Ok(Some(answer)) => given.push((question.id.clone(), answer)),
            Ok(None) => {
                let last = walk.steps.last().map(|step| &step.question.id);
                given.retain(|(id, _)| Some(id) != last);
            }
            Err(InquireError::OperationCanceled | InquireError::OperationInterrupted) => {
                return Ok(ExitCode::from(1));
            }
            Err(error) => return Err(Error::Output(io::Error::other(error))),
        }
    }
    let walk = tree::walk(forest, tree, &given);
    let mut out = common.out();
    if args.json {
        let json = wire::walk(&library, &walk, common.today())?;
        writeln!(out, "{}", serde_json::to_string(&json).expect("a walk is plain data"))?;
    } else {
        print(&library, &walk, &mut out)?;
    }
    Ok(ExitCode::from(u8::from(matches!(walk.state, State::Ask(..)))))
}

const UNSURE: &str = "客户不清楚";
const BACK: &str = "← 上一个问题";

/// Asks the person at the terminal; nothing stands for a step back.
fn prompt(
    forest: &Forest,
    question: &Question,
    heard: Option<&Answer>,
    back: bool,
) -> std::result::Result<Option<String>, InquireError> {
    let help = [&question.why, &question.find_out].into_iter().filter(|text| !text.is_empty());
    let help = help.cloned().collect::<Vec<_>>().join(" ");
    let options = forest.options(question);
    match &question.kind {
        Kind::Multi(..) => {
            let labels: Vec<String> = options
                .iter()
                .filter(|(id, _)| id != "none")
                .map(|(_, label)| label.clone())
                .collect();
            let chosen = MultiSelect::new(&question.ask, labels)
                .with_help_message(&format!("{help}（空格选，回车定，一个也不选就是都没有）"))
                .raw_prompt()?;
            let ids: Vec<&str> = chosen.iter().map(|choice| &*options[choice.index].0).collect();
            Ok(Some(if ids.is_empty() { "none".to_owned() } else { ids.join(",") }))
        }
        Kind::Int(..) | Kind::Date | Kind::Text(_) => {
            let (asked, domains) = (question.clone(), BTreeMap::new());
            let validator = move |text: &str| {
                let valid = Answer::parse(text, &asked, &domains);
                Ok(valid.map_or_else(|why| Validation::Invalid(why.into()), |_| Validation::Valid))
            };
            let initial = heard.map_or(String::new(), ToString::to_string);
            let text = Text::new(&question.ask)
                .with_help_message(&format!("{help}（不清楚写 unsure）"))
                .with_initial_value(&initial)
                .with_validator(validator)
                .prompt()?;
            Ok(Some(text))
        }
        _ => {
            let mut labels: Vec<String> = options
                .iter()
                .enumerate()
                .map(|(index, (_, label))| format!("{}. {label}", index + 1))
                .collect();
            labels.push(format!("0. {UNSURE}"));
            if back {
                labels.push(BACK.to_owned());
            }
            let start =
                heard.and_then(|heard| options.iter().position(|(id, _)| *id == heard.to_string()));
            let mut select = Select::new(&question.ask, labels)
                .with_starting_cursor(start.unwrap_or(0))
                .with_page_size(12);
            if !help.is_empty() {
                select = select.with_help_message(&help);
            }
            let chosen = select.raw_prompt()?;
            Ok(match options.get(chosen.index) {
                Some((id, _)) => Some(id.clone()),
                None if chosen.value == BACK => None,
                None => Some("unsure".to_owned()),
            })
        }
    }
}

fn print(library: &Library, walk: &Walk<'_>, out: &mut impl Write) -> Result<()> {
    for step in &walk.steps {
        writeln!(out, "{}　{}", step.question.ask, step.label)?;
    }
    for (question, _, label) in &walk.parked {
        writeln!(out, "（用不上：{}　{label}）", question.ask)?;
    }
    match &walk.state {
        State::Ask(question, heard, settled) => {
            if settled.is_some() {
                print_outcome(library, walk, out)?;
            }
            let forest = &library.index.forest;
            writeln!(out, "还要回答：{}", question.ask)?;
            for (id, label) in forest.options(question) {
                writeln!(out, "  --set {}={id}  {label}", question.id)?;
            }
            if let Kind::Int(min, max, unit) = &question.kind {
                writeln!(out, "  --set {}={min} 到 {max} 的整数 {unit}", question.id)?;
            }
            if let Some(heard) = heard {
                writeln!(out, "  听到的是 {heard}，还没有确认")?;
            }
            for text in
                [&question.why, &question.find_out].into_iter().filter(|text| !text.is_empty())
            {
                writeln!(out, "  {text}")?;
            }
            writeln!(out, "  还可能是：{}", walk.titles().join("；"))?;
        }
        State::Open(branches) => {
            writeln!(out, "要看：")?;
            for branch in branches {
                let answers: Vec<String> = branch
                    .answers
                    .iter()
                    .map(|(question, label)| format!("{}{label}", question.ask))
                    .collect();
                writeln!(out, "  {} → {}", answers.join("，"), branch.outcome.title)?;
            }
            let open = walk.steps.iter().filter(|step| step.answer == Answer::Unsure);
            for step in open.filter(|step| !step.question.find_out.is_empty()) {
                writeln!(out, "  怎么知道：{}", step.question.find_out)?;
            }
        }
        State::Over(_) => print_outcome(library, walk, out)?,
    }
    Ok(())
}

/// The end of a walk: what to say and what to do, with reasons and sources.
pub(super) fn print_outcome(
    library: &Library,
    walk: &Walk<'_>,
    out: &mut impl Write,
) -> Result<()> {
    let Some(ending) = walk.ending() else { return Ok(()) };
    let forest = &library.index.forest;
    writeln!(out, "{SAY}{}{SAY:#}", ending.say)?;
    writeln!(out, "  {LABEL}结论{LABEL:#}  {}", ending.outcome.title)?;
    for (index, step) in ending.steps.iter().enumerate() {
        writeln!(out, "  {}. {}", index + 1, tree::plain(step))?;
    }
    for note in &ending.notes {
        writeln!(out, "  · {note}")?;
    }
    if !ending.find_out.is_empty() {
        writeln!(out, "  {LABEL}怎么知道{LABEL:#}  {}", ending.find_out)?;
    }
    let because: Vec<String> =
        ending.because.iter().map(|(question, label)| format!("{}{label}", question.ask)).collect();
    writeln!(out, "  {LABEL}因为{LABEL:#}  {}（规则 {}）", because.join("，"), ending.rule)?;
    for (index, entry) in library.cited(ending.outcome)?.iter().enumerate() {
        let label = if index == 0 { "依据" } else { "    " };
        let source = entry.sources.first().map_or(String::new(), super::ask::cited);
        writeln!(
            out,
            "  {LABEL}{label}{LABEL:#}  {source}      {LABEL}条目{LABEL:#}  {}",
            entry.id
        )?;
    }
    if let Some(link) = ending.outcome.confirm.as_ref().and_then(|id| forest.link(id)) {
        writeln!(out, "  {LABEL}确认{LABEL:#}  {} {}", link.title, link.url)?;
    }
    for change in tree::changes(forest, walk).iter().take(3) {
        writeln!(
            out,
            "  {LABEL}换成{LABEL:#}  {}{} → {}",
            change.question.ask, change.label, change.outcome.title
        )?;
    }
    for (id, set) in &ending.next {
        let set: String = set.iter().map(|(key, value)| format!(" --set {key}={value}")).collect();
        writeln!(out, "  {LABEL}接着{LABEL:#}  jieda tree run {id}{set}")?;
    }
    Ok(())
}

fn check(args: &CheckArgs, common: &Common) -> Result<ExitCode> {
    let place = common.place();
    let files = place.files()?;
    let content = content::load(&files);
    let forest = tree::load(&files, &content);
    for id in &args.ids {
        if forest.broken.iter().all(|(broken, ..)| broken != id) {
            find(&forest, id)?;
        }
    }
    let mut out = common.out();
    let mut wrong = 0;
    let reports = tree::check(&files, &content, &forest);
    let wanted =
        reports.iter().filter(|report| args.ids.is_empty() || args.ids.contains(&report.id));
    for report in wanted {
        for problem in &report.problems {
            writeln!(out, "{problem}")?;
        }
        wrong += report.problems.len();
        if report.questions == 0 {
            writeln!(out, "{}：用不了，{} 处不对", report.id, report.problems.len())?;
            continue;
        }
        writeln!(
            out,
            "{}：{} 个问题，{} 条规则，{} 个结论，{} 个案例，{} 个听写，{} 条路径，{} 处改动，{}",
            report.id,
            report.questions,
            report.rules,
            report.outcomes,
            report.cases,
            report.hears,
            report.paths,
            report.mutants,
            if report.problems.is_empty() {
                "通过".to_owned()
            } else {
                format!("{} 处不对", report.problems.len())
            }
        )?;
    }
    Ok(ExitCode::from(u8::from(wrong > 0)))
}

fn paths(args: &PathsArgs, common: &Common) -> Result<ExitCode> {
    let place = common.place();
    let files = place.files()?;
    let content = content::load(&files);
    let forest = tree::load(&files, &content);
    let trees: Vec<&Tree> = match &*args.ids {
        [] => forest.trees.values().map(|tree| &**tree).collect(),
        ids => ids.iter().map(|id| find(&forest, id)).collect::<Result<_>>()?,
    };
    let mut out = common.out();
    for tree in trees {
        let lines = tree::paths(&forest, tree);
        match (&place.content, args.bless) {
            (Some(folder), true) => {
                let path = folder.join(format!("trees/{}.paths.tsv", tree.id));
                fs::write(&path, &lines)
                    .map_err(|source| Error::Write { path: path.clone(), source })?;
                writeln!(out, "{}：{} 条", path.display(), lines.lines().count())?;
            }
            (None, true) => {
                return Err(Error::Answer {
                    what: "内置内容不能写；请用 `--content` 指定文件夹".to_owned(),
                });
            }
            (_, false) => write!(out, "{lines}")?,
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn graph(args: &GraphArgs, common: &Common) -> Result<ExitCode> {
    let library = common.open(Proof::Quick)?;
    let forest = &library.index.forest;
    let tree = find(forest, &args.id)?;
    let walk = tree::walk(forest, tree, &pairs(&args.set)?);
    if let Some(wrong) = walk.wrong.first() {
        return Err(Error::Answer { what: wrong.clone() });
    }
    let drawn = match args.format {
        Format::Text => tree::outline(forest, tree),
        Format::Mermaid => tree::mermaid(forest, tree),
        Format::Svg => tree::svg(forest, tree, &walk.answers()),
    };
    write!(common.out(), "{drawn}")?;
    Ok(ExitCode::SUCCESS)
}

/// The outcome of every path, by tree and answers.
fn outcomes(path: &Path) -> Result<BTreeMap<String, String>> {
    let lines = if path.is_dir() {
        let files = content::read(path)?;
        let forest = tree::load(&files, &content::load(&files));
        let lines = forest.trees.values().flat_map(|tree| {
            let lines = tree::paths(&forest, tree);
            lines.lines().map(|line| format!("{}?{line}\n", tree.id)).collect::<Vec<_>>()
        });
        lines.collect()
    } else {
        fs::read_to_string(path).map_err(|source| Error::Read { path: path.to_owned(), source })?
    };
    let outcome = |line: &str| {
        let mut columns = line.split('\t');
        Some((columns.next()?.to_owned(), columns.nth(1)?.to_owned()))
    };
    Ok(lines.lines().filter_map(outcome).collect())
}

fn diff(args: &DiffArgs, common: &Common) -> Result<ExitCode> {
    let (old, new) = (outcomes(&args.old)?, outcomes(&args.new)?);
    let mut out = common.out();
    let mut changed = 0;
    let keys: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    for key in keys {
        let line = match (old.get(key), new.get(key)) {
            (Some(old), Some(new)) if old == new => continue,
            (Some(old), Some(new)) => format!("{key}：{old} → {new}"),
            (Some(old), None) => format!("{key}：{old} → 没有了"),
            (None, new) => format!("{key}：新的 → {}", new.map_or("", |new| &**new)),
        };
        changed += 1;
        writeln!(out, "{line}")?;
    }
    writeln!(out, "{changed} 处不同")?;
    Ok(ExitCode::from(u8::from(changed > 0)))
}

/// What is wrong with any tree.
pub(super) fn problems(files: &[content::File], content: &content::Content) -> Vec<Problem> {
    let reports = tree::check(files, content, &tree::load(files, content));
    reports.into_iter().flat_map(|report| report.problems).collect()
}
