//! Bold beside Chinese punctuation.
//!
//! CommonMark's flanking rules were made for languages with spaces: in `请**先登录：**再退款` the second `**` cannot
//! close, because punctuation stands before and a letter behind it (commonmark-spec issue 650). Worse, it may open
//! and pair with a later one. [`repair`] pairs the `**` of a paragraph again, in their order.

use pulldown_cmark::{Event, Tag, TagEnd};
use std::ops::Range;

type Events<'t> = Vec<(Event<'t>, Range<usize>)>;

/// Pairs `**` again in each paragraph, heading, item or cell that has one left as text.
///
/// Two delimiters pair only within the same link or emphasis. Escaped asterisks, and those between white space,
/// are text; so is an odd last one. What CommonMark paired by itself stays as it is where nothing was left over.
pub(super) fn repair<'t>(events: Events<'t>, source: &'t str) -> Events<'t> {
    let mut out = Vec::with_capacity(events.len());
    let mut run = Vec::new();
    let mut code = false;
    for event in events {
        match event.0 {
            Event::Start(Tag::CodeBlock(_)) => code = true,
            Event::End(TagEnd::CodeBlock) => code = false,
            _ => {}
        }
        if is_inline(&event.0) && !code {
            run.push(event);
        } else {
            out.extend(pair(std::mem::take(&mut run), source));
            out.push(event);
        }
    }
    out.extend(pair(run, source));
    out
}

/// Whether the event belongs to running text; anything else ends it.
fn is_inline(event: &Event<'_>) -> bool {
    match event {
        Event::Start(tag) => {
            matches!(tag, Tag::Strong | Tag::Emphasis | Tag::Link { .. } | Tag::Image { .. })
        }
        Event::End(tag) => {
            matches!(tag, TagEnd::Strong | TagEnd::Emphasis | TagEnd::Link | TagEnd::Image)
        }
        Event::Rule | Event::Html(_) => false,
        _ => true,
    }
}

fn pair<'t>(run: Events<'t>, source: &'t str) -> Events<'t> {
    let mut pieces = Vec::with_capacity(run.len());
    let mut left_over = false;
    let mut run = run.into_iter().peekable();
    while let Some((event, mut range)) = run.next() {
        // The parser hands out one asterisk at a time; text that stands in the source as it is is read from there.
        let verbatim = |event: &Event<'_>, range: &Range<usize>| matches!(event, Event::Text(text) if **text == source[range.clone()]);
        if !verbatim(&event, &range) {
            pieces.push((event, range));
            continue;
        }
        while let Some((_, next)) =
            run.next_if(|(event, next)| next.start == range.end && verbatim(event, next))
        {
            range.end = next.end;
        }
        left_over |= split(range, source, &mut pieces);
    }
    if !left_over {
        return pieces;
    }
    // Every delimiter, left over or paired, by its place; `open` holds one not yet closed for each depth.
    let mut open: Vec<Option<usize>> = vec![None];
    let mut pairs = vec![None; pieces.len()];
    for (at, (event, range)) in pieces.iter().enumerate() {
        match event {
            event if is_delimiter(event, range, source) => {
                let slot = open.last_mut().expect("the outermost depth stays");
                match slot.take() {
                    Some(opened) => (pairs[opened], pairs[at]) = (Some(true), Some(false)),
                    None => *slot = Some(at),
                }
            }
            Event::Start(_) => open.push(None),
            Event::End(_) if open.len() > 1 => {
                open.pop();
            }
            _ => {}
        }
    }
    let paired = pieces.into_iter().zip(pairs).map(|((event, range), pair)| match pair {
        Some(true) => (Event::Start(Tag::Strong), range),
        Some(false) => (Event::End(TagEnd::Strong), range),
        None if is_delimiter(&event, &range, source) => (Event::Text("**".into()), range),
        None => (event, range),
    });
    paired.collect()
}

/// Whether the event is a `**`, left over or paired. Between white space it is text.
fn is_delimiter(event: &Event<'_>, range: &Range<usize>, source: &str) -> bool {
    match event {
        Event::Start(Tag::Strong) | Event::End(TagEnd::Strong) => {
            source[range.start..].starts_with("**")
        }
        Event::Text(text) => &**text == "**" && can_delimit(source, range.start),
        _ => false,
    }
}

/// Whether the `**` at byte `at` is neither escaped nor between white space.
fn can_delimit(source: &str, at: usize) -> bool {
    let space = |c: Option<char>| c.is_none_or(char::is_whitespace);
    let before = source[..at].chars().next_back();
    before != Some('\\') && !(space(before) && space(source[at + 2..].chars().next()))
}

/// Cuts the text at its `**`, and tells whether one of them can be a delimiter.
fn split<'t>(range: Range<usize>, source: &'t str, pieces: &mut Events<'t>) -> bool {
    let text = |range: Range<usize>| (Event::Text(source[range.clone()].into()), range);
    let mut start = range.start;
    // Most texts have no asterisk, and one byte is found sooner than two.
    let whole = &source[range.clone()];
    let starred = if whole.contains('*') { whole } else { "" };
    for (at, _) in starred.match_indices("**") {
        let at = range.start + at;
        if !can_delimit(source, at) {
            continue;
        }
        if start < at {
            pieces.push(text(start..at));
        }
        pieces.push(text(at..at + 2));
        start = at + 2;
    }
    if start < range.end {
        pieces.push(text(start..range.end));
    }
    start > range.start
}
