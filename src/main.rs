//! The `jieda` command: parse the arguments, run one subcommand, report a failure.
#![forbid(unsafe_code)]
#![allow(clippy::print_stderr, reason = "printing is this crate's work")]

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    match cli::run() {
        Ok(code) => code,
        // Whoever reads our output may stop when they have seen enough.
        Err(jieda::Error::Output(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("jieda: {}", jieda::error::chain(&error));
            ExitCode::from(2)
        }
    }
}
