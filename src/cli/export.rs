//! `jieda export`: all entries for other programs.

use super::Common;
use jieda::{Error, Result, index::Proof, wire};
use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::PathBuf,
    process::ExitCode,
};

/// 导出全部条目，每行一个 JSON
///
/// 退出状态：0 导出了，2 出错。
#[derive(clap::Args)]
#[command(override_usage = "jieda export --format jsonl [选项]", next_help_heading = "选项")]
pub(super) struct Args {
    /// 格式：jsonl
    #[arg(long, value_name = "格式", hide_possible_values = true)]
    format: Format,
    /// 写到这个文件；不写时是标准输出
    #[arg(long, short, value_name = "文件")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Format {
    Jsonl,
}

pub(super) fn run(args: &Args, common: &Common) -> Result<ExitCode> {
    let Format::Jsonl = args.format;
    let library = common.open(Proof::Quick)?;
    let mut out: Box<dyn Write> = match &args.output {
        None => Box::new(io::stdout()),
        Some(path) => Box::new(
            File::create(path).map_err(|source| Error::Write { path: path.clone(), source })?,
        ),
    };
    let mut out = BufWriter::new(&mut out);
    for entry in library.index.entries() {
        let entry = entry?;
        writeln!(
            out,
            "{}",
            serde_json::to_string(&wire::entry(&entry)).expect("an entry is plain data")
        )?;
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}
