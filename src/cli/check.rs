//! `jieda check`: every problem of the content.

use super::Common;
use jieda::{Level, Result, content};
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
}

pub(super) fn run(args: &Args, common: &Common) -> Result<ExitCode> {
    let place = common.place();
    let content = content::load(&place.files()?);
    let mut out = common.out();
    for problem in &content.problems {
        if args.json {
            writeln!(out, "{}", serde_json::to_string(problem).expect("a problem is plain data"))?;
        } else {
            writeln!(out, "{problem}")?;
        }
    }
    let errors = content.problems.iter().filter(|problem| problem.level == Level::Error).count();
    let warnings = content.problems.len() - errors;
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
