//! `jieda ask`: answer one question on the terminal, or many as JSON.

use super::{Common, Shown};
use anstyle::{AnsiColor, Style};
use jieda::{
    Library, Result,
    answer::{self, Answer, Asking, Status},
    content::{Changed, Citation, Entry},
    index::Proof,
    search::{Correction, Question},
    tree::State,
    wire,
};
use jiff::civil::Date;
use std::{
    io::{self, BufRead, Write},
    mem::ManuallyDrop,
    process::ExitCode,
};

/// 回答一个问题
///
/// 退出状态：0 有解答或有几条可选，1 库里没有，2 出错。
#[derive(clap::Args)]
#[command(
    override_usage = "jieda ask 问题 [选项]\n      jieda ask --batch [选项] < 问题文件",
    next_help_heading = "选项"
)]
pub(super) struct Args {
    /// 客户怎么说就怎么写
    #[arg(value_name = "问题", required_unless_present = "batch")]
    question: Vec<String>,
    /// 从标准输入每行读一个问题，每行输出一个 JSON
    #[arg(long, conflicts_with = "question")]
    batch: bool,
    #[command(flatten)]
    shown: Shown,
}

pub(super) fn run(args: &Args, common: &Common) -> Result<ExitCode> {
    // Taking it apart would take as long as answering, and the program ends with it.
    let library = ManuallyDrop::new(common.open(Proof::Quick)?);
    if args.batch {
        return batch(&library, args, common);
    }
    let question = args.question.join(" ");
    if question.trim().is_empty() {
        super::note("问题是空的；请写上要问的话，例如 `jieda ask 香港服务器要备案吗`");
        return Ok(ExitCode::from(2));
    }
    let answer = answer(&library, &question, args, common)?;
    if answer.question.cut {
        super::note("问题太长，只看了前 500 个字");
    }
    let mut out = common.out();
    if args.shown.json {
        writeln!(out, "{}", json(&library, &answer)?)?;
    } else {
        print(&library, &answer, &mut out)?;
        if args.shown.explain {
            super::search::explain(&answer.question, &answer.hits, &mut out)?;
        }
    }
    Ok(if answer.is_known() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn answer(library: &Library, question: &str, args: &Args, common: &Common) -> Result<Answer> {
    // What is printed for reading shows no more than the choices.
    let listed = args.shown.json || args.shown.explain || args.batch;
    let top = if listed { args.shown.top() } else { answer::CHOICES };
    let day = common.today();
    jieda::answer(library, &Asking { question, day, top, exact: args.shown.exact, unheard: &[] })
}

/// One question a line in, one JSON object a line out, also for an empty line.
fn batch(library: &Library, args: &Args, common: &Common) -> Result<ExitCode> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    for line in io::stdin().lock().split(b'\n') {
        let line = line?;
        let answer = answer(library, &String::from_utf8_lossy(&line), args, common)?;
        writeln!(out, "{}", json(library, &answer)?)?;
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

fn json(library: &Library, answer: &Answer) -> Result<String> {
    let walk = answer.walk(library);
    let json = wire::answer(library, answer, walk.as_ref())?;
    Ok(serde_json::to_string(&json).expect("an answer is plain data"))
}

/// What stands before the lines below an answer.
pub(super) const LABEL: Style = AnsiColor::Cyan.on_default();
pub(super) const SAY: Style = Style::new().bold();

fn print(library: &Library, answer: &Answer, out: &mut impl Write) -> Result<()> {
    print_corrections(&answer.question, out)?;
    match (&answer.status, answer.hits.first()) {
        (Status::Answered(passage), Some(hit)) => {
            writeln!(out, "{SAY}{}{SAY:#}", passage.say)?;
            for line in passage.more() {
                writeln!(out, "  {line}")?;
            }
            print_notes(library, &hit.entry, answer.day, out)?;
            for (entry, passage) in &answer.also {
                writeln!(out, "{SAY}{}{SAY:#}", passage.say)?;
                print_notes(library, entry, answer.day, out)?;
            }
            print_tree(library, answer, out)
        }
        (Status::Outcome(settled), _) => {
            let Some(walk) = answer.walk(library) else { return Ok(()) };
            super::tree::print_outcome(library, &walk, out)?;
            for remark in &settled.remarks {
                writeln!(out, "  {LABEL}注意{LABEL:#}  {remark}")?;
            }
            print_tree(library, answer, out)
        }
        (Status::Ask, _) => {
            writeln!(out, "{SAY}还要问客户一句。{SAY:#}")?;
            print_tree(library, answer, out)
        }
        (Status::Choose(count), _) => {
            writeln!(out, "有几条都可能，请选一条（`jieda show 编号`）：")?;
            for (index, hit) in answer.hits.iter().take(*count).enumerate() {
                writeln!(
                    out,
                    "  {}  {}  {LABEL}{}{LABEL:#}",
                    index + 1,
                    hit.entry.title,
                    hit.entry.id
                )?;
            }
            Ok(())
        }
        _ => print_unknown(answer, out),
    }
}

/// What was read as something else, and how to ask without that.
pub(super) fn print_corrections(question: &Question, out: &mut impl Write) -> Result<()> {
    let read = question.corrections.iter().map(|Correction { from, to }| format!("{from} → {to}"));
    let read: Vec<String> = read.collect();
    if !read.is_empty() {
        writeln!(out, "{LABEL}按改过的字找：{}（照原样找：--exact）{LABEL:#}", read.join("，"))?;
    }
    Ok(())
}

/// What was heard for the tree, and how it goes on.
fn print_tree(library: &Library, answer: &Answer, out: &mut impl Write) -> Result<()> {
    let (Some(walk), Some(wanted)) = (answer.walk(library), &answer.tree) else { return Ok(()) };
    let steps: Vec<String> = walk
        .steps
        .iter()
        .map(|step| {
            let assumed = wanted.heard.assumed.contains_key(&step.question.id);
            let how = if assumed { "按" } else { "听到" };
            format!("{how}「{}」{}", step.question.ask, step.label)
        })
        .collect();
    if !steps.is_empty() {
        writeln!(out, "  {LABEL}已知{LABEL:#}  {}", steps.join("；"))?;
    }
    let set: String =
        walk.given().iter().map(|(id, answer)| format!(" --set {id}={answer}")).collect();
    if let State::Ask(question, ..) = &walk.state {
        writeln!(
            out,
            "  {LABEL}接着问{LABEL:#}  {} → jieda tree run {}{set}",
            question.ask, walk.tree.id
        )?;
    }
    Ok(())
}

fn print_unknown(answer: &Answer, out: &mut impl Write) -> Result<()> {
    let unmatched = answer.question.unmatched();
    let missing = if unmatched.is_empty() {
        String::new()
    } else {
        format!("没有对上的词：{}", unmatched.join("、"))
    };
    writeln!(out, "{SAY}库里没有。{SAY:#}{missing}")?;
    for (index, hit) in answer.hits.iter().take(3).enumerate() {
        let label = if index == 0 { "最近的：" } else { "        " };
        writeln!(out, "  {label}{LABEL}{}{LABEL:#} {}", hit.entry.id, hit.entry.title)?;
    }
    Ok(())
}

/// Source, date and everything else that must be said with an answer.
fn print_notes(library: &Library, entry: &Entry, day: Date, out: &mut impl Write) -> Result<()> {
    let mut line = |label: &str, text: String| writeln!(out, "  {LABEL}{label}{LABEL:#}  {text}");
    for (index, source) in entry.sources.iter().enumerate() {
        let id = if index == 0 {
            format!("      {LABEL}条目{LABEL:#}  {}", entry.id)
        } else {
            String::new()
        };
        line(if index == 0 { "依据" } else { "    " }, format!("{}{id}", cited(source)))?;
    }
    for changed in &entry.changed {
        line("从前", older(changed))?;
    }
    if !entry.scope.is_empty() {
        line("适用", library.scope(entry).join("、"))?;
    }
    for remark in answer::remarks(entry, day) {
        line("注意", remark)?;
    }
    if let Some(confirm) = &entry.confirm {
        line("确认", format!("{} {}", confirm.title, confirm.url))?;
    }
    Ok(())
}

/// `ICP 备案流程（PC 端） › 8.2 验证码有效时长，2019-08-16`
pub(super) fn cited(source: &Citation) -> String {
    let place = match &*source.place() {
        "" => source.title.clone(),
        section => format!("{} › {section}", source.title),
    };
    let date = source.date.map_or("资料未注明日期".to_owned(), |date| date.to_string());
    format!("{place}，{date}")
}

/// `48 小时（常见问题，2018-11-19）`
pub(super) fn older(changed: &Changed) -> String {
    let source = changed.newest().map_or(String::new(), |source| {
        let date = source.date.map_or(String::new(), |date| format!("，{date}"));
        format!("（{}{date}）", source.title)
    });
    format!("{}：{}{source}", changed.what, changed.was)
}
