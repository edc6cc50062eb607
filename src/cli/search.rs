//! `jieda search`: the entries that may answer, best first.

use super::{Common, Shown};
use jieda::{
    Result,
    index::Proof,
    search::{self, Grounds, Hit, Question},
    wire,
};
use std::{io::Write, process::ExitCode};

/// 列出最可能的条目，最像的在前
///
/// 退出状态：0 找到了，1 一条也没有，2 出错。
#[derive(clap::Args)]
#[command(override_usage = "jieda search 词 [选项]", next_help_heading = "选项")]
pub(super) struct Args {
    /// 词或问题
    #[arg(value_name = "词")]
    question: String,
    #[command(flatten)]
    shown: Shown,
}

pub(super) fn run(args: &Args, common: &Common) -> Result<ExitCode> {
    let library = common.open(Proof::Quick)?;
    let found = search::search(
        &library.index,
        &args.question,
        common.today(),
        args.shown.top(),
        args.shown.exact,
    )?;
    let mut out = common.out();
    if args.shown.json {
        let json = serde_json::to_string(&wire::found(&library, &found, common.today()));
        writeln!(out, "{}", json.expect("hits are plain data"))?;
    } else {
        super::ask::print_corrections(&found.question, &mut out)?;
        for (index, hit) in found.hits.iter().enumerate() {
            writeln!(out, "{:>2}. {}  {}", index + 1, hit.entry.title, hit.entry.id)?;
            writeln!(out, "    {}", search::snippet(hit, &found.question).text)?;
            for other in &hit.also_at {
                writeln!(out, "    同样的内容还在 {other}")?;
            }
        }
        if found.hits.is_empty() {
            writeln!(out, "一条也没有；换个说法试试")?;
        }
        if args.shown.explain {
            explain(&found.question, &found.hits, &mut out)?;
        }
    }
    Ok(if found.hits.is_empty() { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

/// Tells for each hit how its score came about.
pub(super) fn explain(question: &Question, hits: &[Hit], out: &mut impl Write) -> Result<()> {
    writeln!(out, "\n问题按「{}」理解；括号里是词的分量", question.understood())?;
    for hit in hits {
        let Grounds { coverage, nearest, likeness, block, typical } = hit.grounds;
        writeln!(
            out,
            "{}  {:.3}：覆盖 {coverage:.3}，最像的一句 {nearest:.3}，几句平均 {likeness:.3}，标题和一段里有 {block:.3}，说得频繁 {typical:.3}，留下 {:.2}",
            hit.entry.id, hit.score, hit.factor
        )?;
        for (unit, cover) in question.units.iter().zip(&hit.covers) {
            let place = match (&cover.place, &cover.by) {
                (None, _) => "没有对上".to_owned(),
                (Some(place), None) => place.name().to_owned(),
                (Some(place), Some(by)) => format!("{}「{by}」", place.name()),
            };
            writeln!(out, "    {}（{:.2}）{place} {:.2}", unit.text, unit.weight, cover.value)?;
        }
    }
    Ok(())
}
