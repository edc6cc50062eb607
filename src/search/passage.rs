use super::{
    Hit,
    finders::Finders,
    query::{Question, Units},
};
use crate::{
    content::{Entry, Kind},
    text::{is_han, normalise},
};
use std::{borrow::Cow, cmp::Ordering, ops::Range};

/// The most that is shown of an entry at once, in characters.
const PASSAGE_LIMIT: usize = 400;

/// What share of the question's weight a block must add to be shown.
const GAIN: f32 = 0.1;

/// A row is asked for that has at least this share of the question's weight.
const ROW: f32 = 0.15;

/// The most that is said of another entry, in characters.
const NEAR: usize = 160;

/// How long a snippet is, in characters.
const SNIPPET_LENGTH: usize = 90;

/// What is shown of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passage {
    /// The sentence to read out.
    pub say: String,
    /// That, and what the question asks beyond it; at most 400 characters.
    pub text: String,
}

impl Passage {
    /// What the text says beyond the sentence to read out, a line each.
    pub fn more(&self) -> impl Iterator<Item = &str> {
        let more = self.text.strip_prefix(&self.say).unwrap_or_default();
        more.lines().filter(|line| !line.is_empty())
    }
}

/// A few words of an entry around what was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snippet {
    pub text: String,
    /// Byte ranges of the question's words in it.
    pub marks: Vec<Range<usize>>,
}

/// What of a hit answers `question`.
///
/// With `lead`, the first paragraph is the answer, and what covers more of the question than it does stands behind it;
/// last what `near`, an entry that the question may mean as well, says under its title. Otherwise the passage begins where
/// the question is covered best.
pub fn best(hit: &Hit, question: &Question, lead: bool, near: Option<&Entry>) -> Passage {
    if lead { first_paragraph(hit, question, near) } else { window(hit, question) }
}

fn first_paragraph(hit: &Hit, question: &Question, near: Option<&Entry>) -> Passage {
    let Hit { entry, stands, .. } = hit;
    let say = entry.say().to_owned();
    let near = near.map(|near| {
        let room = PASSAGE_LIMIT.saturating_sub(say.chars().count() + 1);
        clip(&format!("另见《{}》：{}", near.title, near.say()), room.min(NEAR))
    });
    // What title and first paragraph say need not be said again.
    let known = stands.title | Finders::new(question).find(normalise(&say).as_str());
    let others =
        entry.said().zip(&stands.blocks).filter(|((index, _), _)| entry.blocks[*index].text != say);
    let weigh = |((index, line), here): (_, &Units)| {
        (question.weight_of(here & !known), question.weight_of(*here), index, line)
    };
    let mut others: Vec<(f32, f32, usize, Cow<'_, str>)> = others.map(weigh).collect();
    others.sort_by(|a, b| (b.0, b.1).partial_cmp(&(a.0, a.1)).unwrap_or(Ordering::Equal));
    // Where rows of a table are asked for, the others are not shown.
    let is_row = |index: usize| entry.blocks[index].kind == Kind::Row;
    let rows = others.iter().filter(|(_, _, index, _)| is_row(*index));
    let most = rows.map(|(_, share, ..)| *share).fold(0.0, f32::max);
    let asked = most > ROW * question.weight();
    others.retain(|(_, share, index, _)| !is_row(*index) || !asked || *share > most / 2.0);
    let last = near.as_ref().map_or(0, |near| near.chars().count() + 1);
    let mut room = PASSAGE_LIMIT.saturating_sub(say.chars().count() + last);
    others.retain(|(.., line)| {
        let length = line.chars().count() + 1;
        let fits = length <= room;
        room -= if fits { length } else { 0 };
        fits
    });
    others.sort_by_key(|(_, _, index, _)| *index);
    let lines = others.iter().map(|(.., line)| &**line).chain(near.as_deref());
    let text = [&*say].into_iter().chain(lines).collect::<Vec<_>>().join("\n");
    Passage { text: clip(&text, PASSAGE_LIMIT), say }
}

/// As many blocks as there is room for, from the one that answers best to the next heading; of a table just that
/// row. Up to the best block it is `say`.
fn window(hit: &Hit, question: &Question) -> Passage {
    let entry = &hit.entry;
    let start = start(hit, question);
    let lead_in = lead_in(entry, start);
    let is_row = entry.blocks.get(start).is_some_and(|block| block.kind == Kind::Row);
    let mut text = String::new();
    let mut say = String::new();
    for (index, line) in entry.lines().enumerate() {
        let kind = &entry.blocks[index].kind;
        if (index < start && lead_in != Some(index)) || *kind == Kind::Head || line.is_empty() {
            continue;
        }
        let ends = index > start && (is_row || matches!(kind, Kind::Heading(_)));
        let full = text.chars().count() + line.chars().count() >= PASSAGE_LIMIT;
        if !text.is_empty() && (ends || full) {
            break;
        }
        text.push_str(if text.is_empty() { "" } else { "\n" });
        text.push_str(&line);
        if say.is_empty() || index <= start {
            say.clone_from(&text);
        }
    }
    Passage { say: clip(&say, PASSAGE_LIMIT), text: clip(&text, PASSAGE_LIMIT) }
}

/// The block from which an imported entry answers: its first one if the title holds the question, else the one
/// that covers most of what the title does not, with the headings above it.
fn start(hit: &Hit, question: &Question) -> usize {
    let Hit { entry, plain, stands, .. } = hit;
    let finders = Finders::new(question);
    let mut above: (Vec<&str>, Units) = (Vec::new(), 0);
    let headings: Vec<Vec<&str>> = entry.headings().collect();
    let mut best = (0, 0.0, 0.0);
    for (index, here) in plain.blocks().iter().zip(&stands.blocks) {
        if headings[*index] != above.0 {
            let text = headings[*index].join("\n");
            above = (headings[*index].clone(), finders.find(normalise(&text).as_str()));
        }
        let here = here | above.1;
        let (new, all) = (question.weight_of(here & !stands.title), question.weight_of(here));
        if (new, all) > (best.1, best.2) {
            best = (*index, new, all);
        }
    }
    let total = question.weight();
    let titled = question.weight_of(stands.title);
    let title_is_enough = titled >= 0.5 * total && best.1 <= GAIN * total;
    if title_is_enough || best.2 == 0.0 {
        plain.blocks().first().copied().unwrap_or(0)
    } else {
        best.0
    }
}

/// The block before `start` that an item, row or note needs to make sense.
fn lead_in(entry: &Entry, start: usize) -> Option<usize> {
    let block = entry.blocks.get(start)?;
    let needs = matches!(block.kind, Kind::Item(_) | Kind::Row | Kind::Note) || block.level > 0;
    let leads = |index: &usize| {
        let before = &entry.blocks[*index];
        match before.kind {
            Kind::Item(_) => before.level < block.level,
            Kind::Paragraph | Kind::Heading(_) => {
                before.level < block.level.max(1) || before.level == 0
            }
            _ => false,
        }
    };
    (0..start).rev().find(leads).filter(|_| needs)
}

/// The first `limit` characters of `text`, cut after a sentence if one ends in the second half, else with `…`.
fn clip(text: &str, limit: usize) -> String {
    let Some((end, _)) = text.char_indices().nth(limit) else { return text.to_owned() };
    let head = &text[..end];
    match head.rfind(['。', '！', '？', '；', '\n']) {
        Some(at) if at * 2 > end => {
            let mark = head[at..].chars().next().map_or(0, char::len_utf8);
            head[..at + mark].trim_end().to_owned()
        }
        _ => {
            let end = text.char_indices().nth(limit - 1).map_or(0, |(end, _)| end);
            format!("{}…", &text[..end])
        }
    }
}

/// The words of a hit around what was asked for, with the question's words marked.
pub fn snippet(hit: &Hit, question: &Question) -> Snippet {
    let found = hit.stands.blocks.iter().map(|units| question.weight_of(*units)).enumerate();
    let best = found.reduce(|best, next| if next.1 > best.1 { next } else { best });
    let line = best.and_then(|(at, _)| hit.entry.said().nth(at));
    let line =
        line.map_or(String::new(), |(_, line)| line.trim_start_matches("· ").replace('\n', " "));
    let mut marks = marks(question, &line);
    let first = marks.first().map_or(0, |mark| mark.start);
    // A third of the room stands before the first word that was asked for.
    let skip = if line.chars().count() <= SNIPPET_LENGTH {
        0
    } else {
        line[..first].chars().count().saturating_sub(SNIPPET_LENGTH / 3)
    };
    let at = |chars: usize| line.char_indices().nth(chars).map_or(line.len(), |(at, _)| at);
    let (from, to) = (at(skip), at(skip + SNIPPET_LENGTH));
    let before = if from > 0 { "…" } else { "" };
    let behind = if to < line.len() { "…" } else { "" };
    marks.retain(|mark| mark.start < to);
    for mark in &mut marks {
        let shown = |at: usize| at.min(to) - from + before.len();
        *mark = shown(mark.start)..shown(mark.end);
    }
    Snippet { text: format!("{before}{}{behind}", &line[from..to]), marks }
}

/// Where the question's words stand in `text`: byte ranges, rising, apart from each other.
fn marks(question: &Question, text: &str) -> Vec<Range<usize>> {
    let normal = normalise(text);
    let mut marks: Vec<Range<usize>> = Vec::new();
    for unit in question.units.iter().filter(|unit| !unit.function) {
        // A single character is in too many other words.
        for (term, _) in unit.terms.iter().filter(|(term, _)| !term.chars().map(is_han).eq([true]))
        {
            let places = normal.as_str().match_indices(&**term);
            marks.extend(places.map(|(start, term)| normal.origin(start..start + term.len())));
        }
    }
    marks.sort_by_key(|mark| (mark.start, std::cmp::Reverse(mark.end)));
    let mut apart: Vec<Range<usize>> = Vec::new();
    for mark in marks {
        match apart.last_mut() {
            Some(last) if mark.start <= last.end => last.end = last.end.max(mark.end),
            _ => apart.push(mark),
        }
    }
    apart
}
