//! The command line: one file per subcommand, with its arguments and one function.

mod access;
mod ask;
mod check;
mod eval;
mod export;
mod gaps;
mod index;
mod log;
mod search;
mod serve;
mod show;
mod suggest;
mod tree;

use clap::{
    Arg, ArgAction, Args, ColorChoice, Command, CommandFactory, FromArgMatches, Parser, Subcommand,
    error::{ContextKind, ContextValue, ErrorKind},
};
use jieda::{Library, Place, Result, index::Proof};
use jiff::{Zoned, civil::Date};
use std::{io::Write, path::PathBuf, process::ExitCode};

/// 把一个文件夹的中文问答变成解答：在终端、网页和 JSON 里
#[derive(Parser)]
#[command(name = "jieda", version, override_usage = "jieda [选项] 命令")]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Sub,
}

#[derive(Subcommand)]
enum Sub {
    Ask(ask::Args),
    Search(search::Args),
    Suggest(suggest::Args),
    Show(show::Args),
    Tree(tree::Args),
    Index(index::Args),
    Check(check::Args),
    Eval(eval::Args),
    Gaps(gaps::Args),
    Export(export::Args),
    Serve(serve::Args),
}

/// What every subcommand takes.
#[derive(Args)]
#[command(next_help_heading = "通用选项")]
struct Common {
    /// 内容文件夹；不写时，在本项目里是 ./content，在别处是内置内容（环境变量 JIEDA_CONTENT）
    #[arg(long, global = true, value_name = "文件夹", env = "JIEDA_CONTENT", hide_env = true)]
    content: Option<PathBuf>,
    /// 用编译进程序的内容
    #[arg(long, global = true, conflicts_with = "content")]
    builtin: bool,
    /// 放索引的文件夹；不写时，在本项目里是 ./index，在别处是用户的缓存文件夹（环境变量 JIEDA_INDEX）
    #[arg(long, global = true, value_name = "文件夹", env = "JIEDA_INDEX", hide_env = true)]
    index: Option<PathBuf>,
    /// 按这一天作答，例如 2026-11-22；不写时是今天（环境变量 JIEDA_TODAY）
    #[arg(long, global = true, value_name = "日期", env = "JIEDA_TODAY", hide_env = true)]
    today: Option<Date>,
    /// 颜色：auto、always 或 never
    #[arg(
        long,
        global = true,
        value_name = "何时",
        default_value = "auto",
        hide_default_value = true,
        hide_possible_values = true
    )]
    color: ColorChoice,
}

/// How hits are shown.
#[derive(Args)]
#[command(next_help_heading = "选项")]
struct Shown {
    /// 输出 JSON
    #[arg(long)]
    json: bool,
    /// 最多列几条，1 到 100
    #[arg(long, value_name = "条数", default_value = "10", hide_default_value = true, value_parser = 1..=100)]
    top: i64,
    /// 照原样找，不改错字和拼音
    #[arg(long)]
    exact: bool,
    /// 说明每个词在哪里对上了、分数怎么来的
    #[arg(long)]
    explain: bool,
}

impl Shown {
    fn top(&self) -> usize {
        usize::try_from(self.top).expect("clap holds it between 1 and 100")
    }
}

impl Common {
    fn place(&self) -> Place {
        let checkout = jieda::library::is_checkout().then(|| PathBuf::from("content"));
        let content = if self.builtin { None } else { self.content.clone().or(checkout) };
        Place { content, index: self.index.clone() }
    }

    fn today(&self) -> Date {
        self.today.unwrap_or_else(|| Zoned::now().date())
    }

    /// Opens the library and tells what happened on the way.
    fn open(&self, proof: Proof) -> Result<Library> {
        let library = Library::open(&self.place(), proof)?;
        library.notices.iter().for_each(|notice| note(notice));
        Ok(library)
    }

    /// Standard output, with colour where it is wanted and can be shown.
    fn out(&self) -> impl Write + use<> {
        let choice = match self.color {
            ColorChoice::Auto => anstream::ColorChoice::Auto,
            ColorChoice::Always => anstream::ColorChoice::Always,
            ColorChoice::Never => anstream::ColorChoice::Never,
        };
        anstream::AutoStream::new(std::io::stdout(), choice)
    }
}

/// Tells the user something beside the result, on standard error.
fn note(text: &str) {
    // Whether anybody reads it is not our business.
    let _ = writeln!(std::io::stderr(), "jieda: {text}");
}

/// Runs the command that the arguments name.
pub(crate) fn run() -> Result<ExitCode> {
    let cli = match chinese(Cli::command())
        .try_get_matches()
        .and_then(|matches| Cli::from_arg_matches(&matches))
    {
        Ok(cli) => cli,
        Err(error) => return Ok(misused(&error)),
    };
    let common = &cli.common;
    match &cli.command {
        Sub::Ask(args) => ask::run(args, common),
        Sub::Search(args) => search::run(args, common),
        Sub::Suggest(args) => suggest::run(args, common),
        Sub::Show(args) => show::run(args, common),
        Sub::Tree(args) => tree::run(args, common),
        Sub::Index(args) => index::run(args, common),
        Sub::Check(args) => check::run(args, common),
        Sub::Eval(args) => eval::run(args, common),
        Sub::Gaps(args) => gaps::run(args, common),
        Sub::Export(args) => export::run(args, common),
        Sub::Serve(args) => serve::run(args, common),
    }
}

/// The same command with help in Chinese.
fn chinese(command: Command) -> Command {
    let names: Vec<String> =
        command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    let mut command = command
        .help_template("{about-with-newline}\n用法：{usage}\n\n{all-args}{after-help}")
        .subcommand_help_heading("命令")
        .disable_help_subcommand(true)
        .disable_help_flag(true)
        .disable_version_flag(true)
        .arg(flag("help", 'h', "显示这段说明", ActionKind::Help));
    if command.get_name() == "jieda" {
        command = command.arg(flag("version", 'V', "显示版本", ActionKind::Version));
    }
    let positional: Vec<String> =
        command.get_positionals().map(|arg| arg.get_id().to_string()).collect();
    for id in positional {
        command = command.mut_arg(id, |arg| arg.help_heading("参数"));
    }
    names.into_iter().fold(command, |command, name| command.mut_subcommand(name, chinese))
}

enum ActionKind {
    Help,
    Version,
}

fn flag(name: &'static str, short: char, help: &'static str, kind: ActionKind) -> Arg {
    let action = match kind {
        ActionKind::Help => ArgAction::Help,
        ActionKind::Version => ArgAction::Version,
    };
    Arg::new(name).long(name).short(short).help(help).action(action).help_heading("通用选项")
}

/// Shows help and version, or says what is wrong with the arguments.
fn misused(error: &clap::Error) -> ExitCode {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(texts)) => texts.join("、"),
        _ => String::new(),
    };
    let (arg, value) = (context(ContextKind::InvalidArg), context(ContextKind::InvalidValue));
    let what = match error.kind() {
        ErrorKind::UnknownArgument => format!("不认识 `{arg}`"),
        ErrorKind::InvalidSubcommand => {
            format!("没有命令 `{}`", context(ContextKind::InvalidSubcommand))
        }
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            "请写上命令".to_owned()
        }
        // clap marks what may be given more than once.
        ErrorKind::MissingRequiredArgument => format!("缺少 {}", arg.replace("...", "")),
        ErrorKind::ArgumentConflict => {
            format!("`{arg}` 不能和 `{}` 一起用", context(ContextKind::PriorArg))
        }
        ErrorKind::InvalidValue if value.is_empty() => format!("`{arg}` 后面缺少值"),
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => format!("`{arg}` 不能是 `{value}`"),
        _ => format!("参数不对（{:?}）", error.kind()),
    };
    note(&format!("{what}；`jieda --help` 和 `jieda 命令 --help` 有用法"));
    ExitCode::from(2)
}
