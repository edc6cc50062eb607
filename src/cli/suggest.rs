//! `jieda suggest`: completions.

use super::Common;
use jieda::{Result, index::Proof, wire};
use std::{io::Write, process::ExitCode};

/// 补全打了一半的问题：标题、别的问法、术语，汉字、拼音和首字母都行
///
/// 退出状态：0 有补全，1 一条也没有，2 出错。
#[derive(clap::Args)]
#[command(override_usage = "jieda suggest 开头 [选项]", next_help_heading = "选项")]
pub(super) struct Args {
    /// 已经打出来的字
    #[arg(value_name = "开头")]
    typed: String,
    /// 输出 JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, common: &Common) -> Result<ExitCode> {
    let library = common.open(Proof::Quick)?;
    let suggestions = library.suggest(&args.typed, wire::SUGGESTIONS)?;
    let mut out = common.out();
    if args.json {
        let json = serde_json::to_string(&wire::suggestions(&args.typed, &suggestions));
        writeln!(out, "{}", json.expect("suggestions are plain data"))?;
    } else {
        for suggestion in &suggestions {
            writeln!(out, "{}", suggestion.text)?;
        }
    }
    Ok(if suggestions.is_empty() { ExitCode::from(1) } else { ExitCode::SUCCESS })
}
