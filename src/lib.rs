pub mod content;
pub mod error;
pub mod problem;
pub mod text;

pub use error::{Error, Result};
pub use problem::{Level, Problem};
