//! What `jieda serve` tells on standard error: one line an event, as text or JSON.
//!
//! A thread of its own writes, so whoever reads slowly or not at all stops no answer: lines that find no room are
//! dropped and counted.

use indexmap::IndexMap;
use jiff::Timestamp;
use serde_json::Value;
use std::{
    borrow::Cow,
    io::{self, Write},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{self, Receiver, SyncSender},
    },
    thread,
    time::Duration,
};

/// So many lines wait to be written: some seconds of a busy service, at most a few megabytes.
const WAITING: usize = 4096;

/// So long lines gather after some were written. Waking a thread for each line would cost more than the line.
const GATHER: Duration = Duration::from_millis(10);

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(super) enum Format {
    Text,
    Json,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Level {
    Info,
    Warn,
    Error,
}

/// Where events go.
pub(super) struct Log {
    format: Format,
    lines: SyncSender<Line>,
    dropped: Arc<AtomicU64>,
}

enum Line {
    Text(String),
    /// Everything before it has been written.
    Mark(SyncSender<()>),
}

impl Log {
    pub(super) fn start(format: Format) -> io::Result<Self> {
        let (lines, waiting) = mpsc::sync_channel(WAITING);
        let dropped = Arc::new(AtomicU64::new(0));
        let log = Self { format, lines, dropped: Arc::clone(&dropped) };
        let write = move || write(&waiting, &dropped, format);
        thread::Builder::new().name("log".into()).spawn(write)?;
        Ok(log)
    }

    /// Tells that something happened: `event` names the kind, `message` says it to people, empty for a request.
    pub(super) fn tell(&self, level: Level, event: &str, message: &str, fields: &[(&str, Value)]) {
        let line = Line::Text(line(self.format, level, event, message, fields));
        if self.lines.try_send(line).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until everything is written, but not long.
    pub(super) fn flush(&self) {
        let (mark, written) = mpsc::sync_channel(1);
        if self.lines.try_send(Line::Mark(mark)).is_ok() {
            let _ = written.recv_timeout(Duration::from_millis(500));
        }
    }
}

/// Writes what comes, until nobody can send any more. Nobody can be told of a failure.
fn write(waiting: &Receiver<Line>, dropped: &AtomicU64, format: Format) {
    while let Ok(first) = waiting.recv() {
        let (mut text, mut marks) = (String::new(), Vec::new());
        for line in [first].into_iter().chain(waiting.try_iter().take(WAITING)) {
            match line {
                Line::Text(line) => text.push_str(&line),
                Line::Mark(mark) => marks.push(mark),
            }
        }
        let lost = dropped.swap(0, Ordering::Relaxed);
        if lost > 0 {
            let message = "日志来不及写，丢了一些行";
            let fields = [("lines", lost.into())];
            text.push_str(&line(format, Level::Warn, "dropped", message, &fields));
        }
        drop(io::stderr().write_all(text.as_bytes()));
        for mark in marks {
            let _ = mark.try_send(());
        }
        thread::sleep(GATHER);
    }
}

fn line(
    format: Format,
    level: Level,
    event: &str,
    message: &str,
    fields: &[(&str, Value)],
) -> String {
    let level = match level {
        Level::Info => "info",
        Level::Warn => "warn",
        Level::Error => "error",
    };
    let time = format!("{:.3}", Timestamp::now());
    match format {
        Format::Json => {
            let own = [("time", &*time), ("level", level), ("event", event), ("message", message)];
            let own = own.into_iter().filter(|(_, text)| !text.is_empty());
            let own = own.map(|(name, text)| (name, Value::from(text)));
            let all: IndexMap<&str, Value> = own.chain(fields.iter().cloned()).collect();
            serde_json::to_string(&all).expect("names and plain values") + "\n"
        }
        Format::Text => {
            let mut text = format!("{time} {level:<5} {event}");
            if !message.is_empty() {
                // A message is one line, whatever it quotes.
                text.push_str(&format!(" {}", message.replace(char::is_control, " ")));
            }
            for (name, value) in fields {
                [" ", name, "=", &plain(value)].iter().for_each(|piece| text.push_str(piece));
            }
            text + "\n"
        }
    }
}

/// A value as it stands in a line of text: quoted if it could be read as more than one.
fn plain(value: &Value) -> Cow<'_, str> {
    match value {
        Value::String(text)
            if !text.is_empty()
                && !text.contains(|c: char| {
                    c.is_whitespace() || c.is_control() || "\"=".contains(c)
                }) =>
        {
            Cow::Borrowed(text)
        }
        value => Cow::Owned(value.to_string()),
    }
}
