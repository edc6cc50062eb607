//! `jieda serve`: the page and the API.

use super::Common;
use jieda::{
    Error, Result,
    index::Proof,
    web::{self, Base, Limits, Site},
};
use jiff::Zoned;
use std::{
    io::{self, Write},
    net::TcpListener,
    process::ExitCode,
};

/// 开网页和 JSON 接口，直到按 Ctrl-C
///
/// 退出状态：2 出错，例如端口被占用。
#[derive(clap::Args)]
#[command(override_usage = "jieda serve [选项]", next_help_heading = "选项")]
pub(super) struct Args {
    /// 在哪个地址和端口上听；不写时是 127.0.0.1:8080，只有本机能打开
    #[arg(
        long,
        value_name = "地址:端口",
        default_value = "127.0.0.1:8080",
        hide_default_value = true
    )]
    addr: String,
    /// 网页都放在这个路径下面，例如 /kb；不写时就在最上面
    #[arg(long, value_name = "路径", default_value = "/", hide_default_value = true)]
    base_path: String,
}

pub(super) fn run(args: &Args, common: &Common) -> Result<ExitCode> {
    let base: Base = args.base_path.parse()?;
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::InvalidInput => Error::Address { addr: args.addr.clone() },
        _ => Error::Listen { addr: args.addr.clone(), source },
    };
    let listener = TcpListener::bind(&args.addr).map_err(failed)?;
    let addr = listener.local_addr().map_err(failed)?;
    let library = common.open(Proof::Full)?;
    let overview = &library.index.overview;
    let name = common.place().name();
    let mut out = common.out();
    writeln!(
        out,
        "{name}：{} 个条目，网页在 http://{addr}{base}/ （按 Ctrl-C 停止）",
        overview.entries
    )?;
    if !overview.problems.is_empty() {
        writeln!(out, "内容里有 {} 个问题；`jieda check` 会列出来", overview.problems.len())?;
    }
    out.flush()?;
    let fixed = common.today;
    let today = move || fixed.unwrap_or_else(|| Zoned::now().date());
    web::serve(listener, Limits::default(), move |request| {
        web::routes(Site { base: &base, ..Site::new(&library, today()) }, request)
    })
    .map_err(|source| Error::Accept { addr, source })?;
    Ok(ExitCode::SUCCESS)
}
