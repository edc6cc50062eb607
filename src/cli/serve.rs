//! `jieda serve`: the page and the API.

use super::Common;
use jieda::{
    Error, Result,
    feedback::Records,
    index::Proof,
    web::{self, Base, Limits, Site},
};
use jiff::{Timestamp, Zoned};
use std::{
    io::{self, Write},
    net::TcpListener,
    path::PathBuf,
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
    /// 把“用得上/用不上”和没答上的问题记在这个文件夹里，号码、域名和邮箱会先遮住；不写时什么都不记（环境变量 JIEDA_DATA）
    #[arg(long, value_name = "文件夹", env = "JIEDA_DATA", hide_env = true)]
    data: Option<PathBuf>,
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
    let records = args.data.as_deref().map(|data| Records::open(data, Timestamp::now()));
    let records = records.transpose()?;
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
    if let Some(data) = &args.data {
        writeln!(out, "反馈和没答上的问题记在 `{}`；`jieda gaps` 会列出来", data.display())?;
    }
    out.flush()?;
    let fixed = common.today;
    let today = move || fixed.unwrap_or_else(|| Zoned::now().date());
    web::serve(listener, Limits::default(), move |request| {
        let site =
            Site { recording: records.is_some(), base: &base, ..Site::new(&library, today()) };
        let response = web::routes(site, request);
        let (Some(record), Some(records)) = (&response.record, &records) else { return response };
        match records.append(record, Timestamp::now()) {
            Ok(()) => response,
            Err(error) => {
                super::note(&format!("没有记下一条反馈：{error}；请检查 `--data` 的文件夹"));
                // An answer is worth more than the note that it was none.
                if request.method == "POST" { web::not_recorded(site, request) } else { response }
            }
        }
    })
    .map_err(|source| Error::Accept { addr, source })?;
    Ok(ExitCode::SUCCESS)
}
