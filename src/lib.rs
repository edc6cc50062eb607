//! jieda (解答) turns a folder of Chinese FAQ markdown into answers: at a terminal, on a page and over JSON.
//!
//! # Words
//! One word for one thing, in code, messages and pages:
//!
//! - *entry* 条目: one question with its answer. *topic* 主题: what a folder of entries is about.
//! - *source* 资料: a dated document that a statement rests on; a *citation* names a section of it.
//! - *block* 段: a paragraph, list item, table row and the like. *passage* 段落: the blocks that are shown.
//! - *term*: a word that the segmenter keeps whole. *unit*: a word of a question that stands in no longer one.
//! - *hit*: an entry that may hold the answer. *answer* 解答: what is said to a question.
//! - *record*: what a reader said about an answer, or that there was none. *gap*: a question that was not answered.
//! - *problem* 问题: a mistake in the content; an *error* has to be mended, a *warning* does not stop anything.
//! - *library*: all of one content version, open and immutable.
//!
//! # Rooms
//! Data flows one way, and a room uses only what stands above it:
//! [`error`], [`problem`], `cores`, [`lazy`], [`text`], [`content`], [`index`], [`search`], [`library`], [`live`], [`answer`](mod@answer), [`wire`], [`eval`],
//! [`feedback`], [`web`]. `ARCHITECTURE.md` tells what each does and never does.

#![forbid(unsafe_code)]

pub mod answer;
pub mod content;
mod cores;
pub mod error;
pub mod eval;
pub mod feedback;
pub mod index;
pub mod lazy;
pub mod library;
pub mod live;
pub mod problem;
pub mod search;
pub mod text;
pub mod tree;
pub mod web;
pub mod wire;

pub use answer::answer;
pub use error::{Error, Result};
pub use library::{Library, Place};
pub use problem::{Level, Problem};
