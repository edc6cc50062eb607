//! `jieda check`: every problem of the content.

use super::Common;
use jieda::{
    Level, Result,
    content::{self, Citation, Content},
};
use std::{io::Write, process::ExitCode};

/// 检查内容，列出每个问题：文件、行、怎么改
///
/// 退出状态：0 没有错误，1 有错误（加 --strict 时提醒也算），2 出错。
#[derive(clap::Args)]
#[command(override_usage = "jieda check [选项]", next_help_heading = "选项")]
pub(super) struct Args {
    /// 提醒也算错误
    #[arg(long)]
    strict: bool,
    /// 输出 JSON，每行一个问题
    #[arg(long)]
    json: bool,
    /// 改为列出资料的每一节由哪些条目引用
    #[arg(long, conflicts_with_all = ["strict", "json"])]
    coverage: bool,
    /// 改为列出资料之间不一致的地方（markdown）
    #[arg(long, conflicts_with_all = ["strict", "json", "coverage"])]
    disagreements: bool,
}

pub(super) fn run(args: &Args, common: &Common) -> Result<ExitCode> {
    let place = common.place();
    let files = place.files()?;
    let content = content::load(&files);
    let mut out = common.out();
    if args.coverage {
        return coverage(&content, &mut out);
    }
    if args.disagreements {
        return disagreements(&content, &mut out);
    }
    let mut problems = content.problems.clone();
    problems.extend(content::lint(&files, &content, common.today()));
    problems.extend(super::tree::problems(&files, &content));
    problems.sort();
    for problem in &problems {
        if args.json {
            writeln!(out, "{}", serde_json::to_string(problem).expect("a problem is plain data"))?;
        } else {
            writeln!(out, "{problem}")?;
        }
    }
    let errors = problems.iter().filter(|problem| problem.level == Level::Error).count();
    let warnings = problems.len() - errors;
    if !args.json {
        writeln!(
            out,
            "{}：{} 个条目，{errors} 个错误，{warnings} 个提醒",
            place.name(),
            content.entries.len()
        )?;
    }
    let found = errors > 0 || (args.strict && warnings > 0);
    Ok(ExitCode::from(u8::from(found)))
}

/// Each section with the entries that cite it. Status 1 if one is open.
fn coverage(content: &Content, out: &mut impl Write) -> Result<ExitCode> {
    let covered = content::coverage(content);
    let mut open = 0;
    for section in &covered {
        let name = format!("{}#{}", section.source.id, section.section.id);
        let told = match (&section.section.left_out, &*section.entries) {
            (Some(why), []) => format!("不收：{why}"),
            (None, []) => {
                open += 1;
                "没有条目".to_owned()
            }
            (_, entries) => entries.join("、"),
        };
        writeln!(out, "{name} {} → {told}", section.section.title)?;
    }
    writeln!(out, "{} 节，{open} 节没有条目", covered.len())?;
    Ok(ExitCode::from(u8::from(open > 0)))
}

fn disagreements(content: &Content, out: &mut impl Write) -> Result<ExitCode> {
    let all = content::disagreements(content);
    writeln!(
        out,
        "# 资料不一致的地方\n\n由 `jieda check --disagreements` 从内容生成，请改内容，不要改这个文件。"
    )?;
    writeln!(out, "\n## 新资料改了的（{} 处）\n", all.changed.len())?;
    writeln!(out, "答新的；旧的留在条目里，从不用来回答。\n")?;
    for (changed, entries) in &all.changed {
        let was = format!("旧：{}（{}）", changed.was, cited(&changed.sources));
        writeln!(out, "- **{}**：{was} → {}", changed.what, named(entries))?;
    }
    writeln!(out, "\n## 分不出新旧的（{} 处）\n", all.disputed.len())?;
    writeln!(out, "一份资料自己两样说，或者两份资料没有先后；照“取”的回答。\n")?;
    for (disputed, entries) in &all.disputed {
        let says = disputed.says.join("；或：");
        writeln!(
            out,
            "- **{}**：{says}（{}）。取：{} → {}",
            disputed.what,
            cited(&disputed.sources),
            disputed.decision,
            named(entries)
        )?;
    }
    writeln!(out, "\n## 新资料没有再提的（{} 处）\n", all.silent.len())?;
    writeln!(out, "照旧的回答，同时说明。\n")?;
    for (sentence, entries) in &all.silent {
        writeln!(out, "- {sentence} → {}", named(entries))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn cited(sources: &[Citation]) -> String {
    let names = sources.iter().map(|source| format!("{}#{}", source.id, source.section));
    names.collect::<Vec<_>>().join("、")
}

fn named(entries: &[&str]) -> String {
    entries.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join("、")
}
