//! `jieda eval`: how many questions with known answers are answered right.

use super::Common;
use jieda::{
    Error, Result,
    eval::{self, Baseline, Figures, NONE},
    index::Proof,
    tree,
};
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
};

/// 用已知答案的问题量一量答得怎么样
///
/// 退出状态：0 量完了，1 比记下的差（--gate），2 出错。
#[derive(clap::Args)]
#[command(override_usage = "jieda eval 文件… [选项]", next_help_heading = "选项")]
pub(super) struct Args {
    /// 题目，每行一个 JSON：id、q、kind、must、must_not
    #[arg(value_name = "文件", required = true)]
    files: Vec<PathBuf>,
    /// 输出 JSON
    #[arg(long)]
    json: bool,
    /// 把没有答对的题写到这个文件，每行一个 JSON
    #[arg(long, value_name = "文件")]
    failures: Option<PathBuf>,
    /// 和这个文件里记下的比，变差了就退出 1
    #[arg(long, value_name = "文件", conflicts_with = "bless")]
    gate: Option<PathBuf>,
    /// 把结果记进这个文件
    #[arg(long, value_name = "文件")]
    bless: Option<PathBuf>,
}

pub(super) fn run(args: &Args, common: &Common) -> Result<ExitCode> {
    let library = common.open(Proof::Quick)?;
    let mut questions = Vec::new();
    for path in &args.files {
        let text = fs::read_to_string(path)
            .map_err(|source| Error::Read { path: path.clone(), source })?;
        questions.extend(eval::read(&path.display().to_string(), &text)?);
    }
    let report = eval::evaluate(&library, &questions, common.today())?;
    if let Some(path) = &args.failures {
        let lines = report
            .failures
            .iter()
            .map(|failure| serde_json::to_string(failure).expect("plain data") + "\n");
        write(path, &lines.collect::<String>())?;
    }
    let mut out = common.out();
    if args.json {
        writeln!(out, "{}", serde_json::to_string(&report).expect("a report is plain data"))?;
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(
        out,
        "题型           题数  answer@1     95% 区间   hit@1   hit@3  hit@10  MRR@10   wrong  abstained"
    )?;
    for (kind, figures) in report
        .kinds
        .iter()
        .map(|(kind, figures)| (&**kind, figures))
        .chain([("known", &report.known), ("all", &report.all)])
    {
        writeln!(out, "{}", row(kind, figures))?;
    }
    let hearing = tree::hearing(&common.place().files()?, &library.index.forest);
    if hearing.questions > 0 {
        writeln!(
            out,
            "决策树听 {} 句：填了 {} 个回答，错 {} 个，漏 {} 个；{} 句最先想到的就是那棵树",
            hearing.questions, hearing.fills, hearing.wrong, hearing.missed, hearing.own_tree
        )?;
    }
    let now = report.baseline();
    if let Some(path) = &args.bless {
        write(path, &(serde_json::to_string(&now).expect("plain data") + "\n"))?;
    }
    let Some(path) = &args.gate else { return Ok(ExitCode::SUCCESS) };
    let text =
        fs::read_to_string(path).map_err(|source| Error::Read { path: path.clone(), source })?;
    let before: Baseline = serde_json::from_str(&text).map_err(|error| Error::Question {
        file: path.display().to_string(),
        line: error.line(),
        what: format!("不是记下的结果；请用 --bless 重新记（{error}）"),
    })?;
    if now.holds(before) {
        return Ok(ExitCode::SUCCESS);
    }
    super::note(&format!(
        "比记下的差：答对 {}（原来 {}），答错 {}（原来 {}），该说没有的说了没有 {}（原来 {}）",
        now.right, before.right, now.wrong, before.wrong, now.abstained, before.abstained
    ));
    Ok(ExitCode::from(1))
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).map_err(|source| Error::Write { path: path.to_owned(), source })
}

fn row(kind: &str, figures: &Figures) -> String {
    let share = |count: usize| 100.0 * count as f64 / figures.questions.max(1) as f64;
    let right = if kind == NONE { figures.abstained } else { figures.right };
    let (low, high) = figures.interval(right);
    format!(
        "{kind:<13} {:>5}  {:>7.1}%  {:>4.0}–{:>3.0} % {:>6.1}% {:>6.1}% {:>6.1}%  {:>6.3} {:>6.1}%    {:>6.1}%",
        figures.questions,
        share(figures.right),
        100.0 * low,
        100.0 * high,
        share(figures.hit_1),
        share(figures.hit_3),
        share(figures.hit_10),
        figures.reciprocal_rank / figures.questions.max(1) as f64,
        share(figures.wrong),
        share(figures.abstained),
    )
}
