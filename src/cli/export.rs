//! `jieda export`: all entries for other programs, or the whole site as files.

use super::Common;
use jieda::{
    Error, Result,
    index::Proof,
    web::{self, Site},
    wire,
};
use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Component, Path, PathBuf},
    process::ExitCode,
};

/// 导出全部条目，每行一个 JSON；或导出整个网站
///
/// 网站是普通文件，放在任何文件服务器的任何路径下都能用，也能直接从磁盘打开。文件夹要么是空的、不存在的，要么是以前导出的：
/// 不再有的网页会删掉，别的文件不动。internal 的条目只在 jsonl 里。
///
/// 退出状态：0 导出了，2 出错。
#[derive(clap::Args)]
#[command(
    override_usage = "jieda export --format jsonl [-o 文件]\n       jieda export --format site -o 文件夹",
    next_help_heading = "选项"
)]
pub(super) struct Args {
    /// 格式：jsonl 或 site
    #[arg(long, value_name = "格式", hide_possible_values = true)]
    format: Format,
    /// 写到这个文件或文件夹；jsonl 不写时是标准输出
    #[arg(long, short, value_name = "文件或文件夹", required_if_eq("format", "site"))]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Format {
    Jsonl,
    Site,
}

pub(super) fn run(args: &Args, common: &Common) -> Result<ExitCode> {
    let library = common.open(Proof::Quick)?;
    match (args.format, &args.output) {
        (Format::Site, Some(folder)) => {
            let mut draft = Draft::begin(folder)?;
            // Whoever reads files shows no token.
            let public = library.public()?;
            let library = public.as_ref().unwrap_or(&library);
            web::files(Site::new(library, common.today()), |path, bytes| draft.write(path, bytes))?;
            let bytes = draft.bytes as f64 / 1e6;
            let files = draft.finish()?;
            writeln!(common.out(), "`{}`：{files} 个文件，{bytes:.1} MB", folder.display())?;
        }
        (_, output) => {
            let mut out: Box<dyn Write> = match output {
                None => Box::new(io::stdout()),
                Some(path) => Box::new(
                    File::create(path)
                        .map_err(|source| Error::Write { path: path.clone(), source })?,
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
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The file that lists what an export has written, a path a line.
const LIST: &str = ".jieda-site";

/// A folder that is being written. What an export wrote is on its list before it is there, so that one which was
/// broken off can be done again.
struct Draft<'f> {
    folder: &'f Path,
    list: File,
    /// What the list says of earlier exports.
    old: BTreeSet<String>,
    new: BTreeSet<String>,
    bytes: usize,
}

impl<'f> Draft<'f> {
    /// Fails if the folder holds something else.
    fn begin(folder: &'f Path) -> Result<Self> {
        let failed = |source| Error::Write { path: folder.to_owned(), source };
        fs::create_dir_all(folder).map_err(failed)?;
        let path = folder.join(LIST);
        let old = match fs::read_to_string(&path) {
            Ok(list) => list.lines().filter(|line| is_inside(line)).map(str::to_owned).collect(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if fs::read_dir(folder).map_err(failed)?.next().is_some() {
                    return Err(Error::Foreign { path: folder.to_owned() });
                }
                BTreeSet::new()
            }
            Err(source) => return Err(Error::Read { path, source }),
        };
        let list = File::options()
            .create(true)
            .append(true)
            .open(&path)
            .map_err(|source| Error::Write { path, source })?;
        Ok(Self { folder, list, old, new: BTreeSet::new(), bytes: 0 })
    }

    fn write(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.folder.join(name);
        let failed = |source| Error::Write { path: path.clone(), source };
        if !self.old.contains(name) && !self.new.contains(name) && path.exists() {
            return Err(Error::Foreign { path });
        }
        writeln!(self.list, "{name}").map_err(failed)?;
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(failed)?;
        }
        fs::write(&path, bytes).map_err(failed)?;
        self.bytes += bytes.len();
        self.new.insert(name.to_owned());
        Ok(())
    }

    /// Removes what earlier exports wrote and this one did not, and tells how many files there are now.
    fn finish(self) -> Result<usize> {
        for name in self.old.difference(&self.new) {
            let path = self.folder.join(name);
            match fs::remove_file(&path) {
                Err(source) if source.kind() != io::ErrorKind::NotFound => {
                    return Err(Error::Write { path, source });
                }
                _ => {}
            }
            // Folders that are empty now; the first that is not ends it.
            let above = path.ancestors().skip(1).take_while(|folder| *folder != self.folder);
            above.map(fs::remove_dir).take_while(|removed| removed.is_ok()).for_each(drop);
        }
        let path = self.folder.join(LIST);
        let list: String = self.new.iter().map(|name| format!("{name}\n")).collect();
        fs::write(&path, list).map_err(|source| Error::Write { path, source })?;
        Ok(self.new.len())
    }
}

/// Whether a line of the list names a file below the folder.
fn is_inside(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    !name.is_empty() && parts.all(|part| matches!(part, Component::Normal(_)))
}
