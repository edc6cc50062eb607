//! `jieda show`: one entry, whole.

use super::Common;
use jieda::{Error, Result, index::Proof, wire};
use std::{io::Write, process::ExitCode};

/// 显示一个条目的全文
///
/// 退出状态：0 有这个条目，2 没有或出错。
#[derive(clap::Args)]
#[command(override_usage = "jieda show 编号 [选项]", next_help_heading = "选项")]
pub(super) struct Args {
    /// 条目的编号，例如 server/least-term
    #[arg(value_name = "编号")]
    id: String,
    /// 输出 JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, common: &Common) -> Result<ExitCode> {
    let library = common.open(Proof::Quick)?;
    let entry = library.entry(&args.id)?.ok_or_else(|| Error::NoEntry { id: args.id.clone() })?;
    let mut out = common.out();
    if args.json {
        writeln!(
            out,
            "{}",
            serde_json::to_string(&wire::entry(&entry)).expect("an entry is plain data")
        )?;
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(out, "{}\n{}\n\n{}\n", entry.trail.join(" › "), entry.title, entry.text())?;
    for source in &entry.sources {
        writeln!(out, "依据  {}", super::ask::cited(source))?;
    }
    for changed in &entry.changed {
        writeln!(out, "从前  {}", super::ask::older(changed))?;
    }
    for disputed in &entry.disputed {
        writeln!(
            out,
            "不一  {}：{}；{}",
            disputed.what,
            disputed.says.join(" / "),
            disputed.decision
        )?;
    }
    for related in &entry.related {
        writeln!(out, "相关  {related}")?;
    }
    Ok(ExitCode::SUCCESS)
}
