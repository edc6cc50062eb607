//! Failures of the world around the program.

use std::{error::Error as _, io, net::SocketAddr, path::PathBuf};

/// The result of what may fail because of the disk, the port or an old index.
pub type Result<T> = std::result::Result<T, Error>;

/// A failure of the world around the program: the disk, the port, an old index.
///
/// A mistake in the content is not an `Error` but a [`Problem`](crate::Problem).
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The content folder is not there or is no folder.
    #[error("找不到内容文件夹 `{}`；请检查 `--content` 的路径", .path.display())]
    NoContent { path: PathBuf },
    /// A file or folder could not be read.
    #[error("读不了 `{}`", .path.display())]
    Read { path: PathBuf, source: io::Error },
    /// A file could not be written.
    #[error("写不了 `{}`", .path.display())]
    Write { path: PathBuf, source: io::Error },
    /// Standard output could not be written.
    #[error("写不了输出")]
    Output(#[from] io::Error),
    /// The index can be neither read nor rebuilt.
    #[error("索引建不起来；请用 `--index` 指定可写的文件夹")]
    Index(#[from] tantivy::TantivyError),
    /// What the index holds is not what was put into it.
    #[error("索引 `{}` 不完整：{what}；请删掉这个文件夹再试一次", .dir.display())]
    Damaged { dir: PathBuf, what: String },
    /// The address to listen on is none.
    #[error("`{addr}` 不是能监听的地址；要写成 地址:端口，例如 `127.0.0.1:8080`")]
    Address { addr: String },
    /// The base path is none.
    #[error(
        "`{path}` 不能作网页的路径前缀；要以 / 开头，只用字母、数字和 - . _ ~，例如 `--base-path /kb`"
    )]
    BasePath { path: String },
    /// The folder for the site holds what no export has written.
    #[error("`{}` 里有不是 jieda 导出的东西；请换一个空的文件夹，或不存在的文件夹", .path.display())]
    Foreign { path: PathBuf },
    /// A page of the site could not be made.
    #[error("网页 `{address}` 做不出来：{what}")]
    Page { address: String, what: String },
    /// The server cannot listen.
    #[error(
        "不能在 {addr} 上监听；端口可能被占用，请用 `--addr` 换一个，例如 `--addr 127.0.0.1:8081`"
    )]
    Listen { addr: String, source: io::Error },
    /// The server stopped listening.
    #[error("{addr} 上的监听中断了；请重新启动")]
    Accept { addr: SocketAddr, source: io::Error },
    /// The file of tokens cannot be used.
    #[error("`{}` 不能用：{what}；每行写一个令牌，至少 {least} 个字符，例如 `openssl rand -hex 24` 的输出", .path.display(), least = .least)]
    Tokens { path: PathBuf, what: String, least: usize },
    /// The program has a mistake that this content brings to light.
    #[error("程序里有错误，读不了这份内容；请连同日志报告")]
    Panic,
    /// There is no entry of this id.
    #[error("没有条目 `{id}`；`jieda search 词` 可以找到条目的编号")]
    NoEntry { id: String },
    /// There is no tree of this id.
    #[error("没有树 `{id}`；有 {known}")]
    NoTree { id: String, known: String },
    /// The tree has a mistake and is not walked.
    #[error("树 `{id}` 有错误，用不了：{why}")]
    BrokenTree { id: String, why: String },
    /// An answer that was given to a tree is none.
    #[error("{what}")]
    Answer { what: String },
    /// A line of a file of questions is not of the right form.
    #[error("{file}:{line}: {what}")]
    Question { file: String, line: usize, what: String },
}

/// `error` and what caused it, joined by colons.
pub fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!("：{cause}"));
        source = cause.source();
    }
    text
}
