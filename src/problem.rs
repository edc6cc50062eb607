//! Mistakes in the content.

use serde::{Deserialize, Serialize};
use std::fmt;

/// How bad a [`Problem`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Something is wrong and has to be mended; what it stands in may be left out.
    Error,
    /// Everything can be used, but a reader may stumble.
    Warning,
}

/// A mistake in the content: where, what is wrong, what to do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Problem {
    /// The file, relative to the content folder.
    pub file: String,
    /// The line, counted from 1; 0 for the file as a whole.
    pub line: u32,
    pub level: Level,
    pub message: String,
}

impl Problem {
    pub(crate) fn error(file: &str, line: u32, message: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line, level: Level::Error, message: message.into() }
    }

    pub(crate) fn warning(file: &str, line: u32, message: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line, level: Level::Warning, message: message.into() }
    }

    /// Whether it has to be mended before what it stands in can be used.
    pub fn is_error(&self) -> bool {
        self.level == Level::Error
    }
}

/// `faq/sms/deadline.md:12: 答案是空的；请在标题下写一段话`
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = if self.level == Level::Warning { "提醒：" } else { "" };
        match self.line {
            0 => write!(f, "{}: {level}{}", self.file, self.message),
            line => write!(f, "{}:{line}: {level}{}", self.file, self.message),
        }
    }
}
