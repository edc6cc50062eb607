//! `jieda gaps`: what was asked and not answered.

use super::Common;
use jieda::{
    Result,
    feedback::{self, Gap, Judged},
};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::Serialize;
use std::{io::Write, path::PathBuf, process::ExitCode};

/// 列出问过而没答上的问题，问得最多的在前
///
/// 记录来自 `jieda serve --data`。退出状态：0 列出了，2 出错。
#[derive(clap::Args)]
#[command(override_usage = "jieda gaps --data 文件夹 [选项]", next_help_heading = "选项")]
pub(super) struct Args {
    /// 记录所在的文件夹（环境变量 JIEDA_DATA）
    #[arg(long, value_name = "文件夹", env = "JIEDA_DATA", hide_env = true)]
    data: PathBuf,
    /// 输出 JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Gaps {
    gaps: Vec<Gap>,
    judged: Vec<Judged>,
    /// Lines that could not be read.
    torn: usize,
}

pub(super) fn run(args: &Args, common: &Common) -> Result<ExitCode> {
    let (lines, torn) = feedback::read(&args.data)?;
    let (gaps, judged) = feedback::gaps(&lines);
    let mut out = common.out();
    if args.json {
        let gaps = Gaps { gaps, judged, torn };
        writeln!(out, "{}", serde_json::to_string(&gaps).expect("gaps are plain data"))?;
        return Ok(ExitCode::SUCCESS);
    }
    if torn > 0 {
        super::note(&format!("有 {torn} 行不完整，跳过了"));
    }
    if gaps.is_empty() {
        writeln!(out, "没有记到没答上的问题")?;
    }
    for gap in &gaps {
        let shown: Vec<&str> = gap.ids.iter().map(|id| &**id).collect();
        let shown = match shown.is_empty() {
            true => String::new(),
            false => format!("，答了 {} 但用不上", shown.join("、")),
        };
        writeln!(out, "{:>4} 次  {}（最近 {}{shown}）", gap.count, gap.question, day(gap.last))?;
    }
    for judged in judged.iter().filter(|judged| judged.no > 0) {
        let Judged { id, yes, no } = judged;
        writeln!(out, "{no:>4} 次  {id} 用不上（用得上 {yes} 次）")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The day where the command is run.
fn day(time: Timestamp) -> Date {
    time.to_zoned(TimeZone::system()).date()
}
