//! `jieda index`: build the index, whatever there is already.

use super::Common;
use jieda::{Library, Result};
use std::{io::Write, process::ExitCode};

/// 重新建索引（别的命令在没有或过时的时候会自己建）
///
/// 退出状态：0 建好了，2 出错。
#[derive(clap::Args)]
#[command(override_usage = "jieda index [选项]")]
pub(super) struct Args {}

pub(super) fn run(_: &Args, common: &Common) -> Result<ExitCode> {
    let place = common.place();
    let library = Library::rebuild(&place)?;
    let overview = &library.index.overview;
    let folder = library
        .index
        .folder
        .as_ref()
        .map_or("内存".to_owned(), |folder| format!("`{}`", folder.display()));
    let mut out = common.out();
    writeln!(
        out,
        "{}：{} 个条目，版本 {}，索引在 {folder}",
        place.name(),
        overview.entries,
        overview.version
    )?;
    if !overview.problems.is_empty() {
        writeln!(out, "内容里有 {} 个问题；`jieda check` 会列出来", overview.problems.len())?;
    }
    Ok(ExitCode::SUCCESS)
}
