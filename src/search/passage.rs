use super::query::Question;
use crate::{
    content::{Entry, Kind},
    index::Plain,
    text::{is_han, normalise},
};
use std::{cmp::Ordering, ops::Range};

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

/// What of `entry` answers `question`.
///
/// With `lead`, the first paragraph is the answer, and what covers more of the question than it does stands behind it;
/// last what `near`, an entry that the question may mean as well, says under its title. Otherwise the passage begins where
/// the question is covered best.
pub fn best(entry: &Entry, question: &Question, lead: bool, near: Option<&Entry>) -> Passage {
    if lead { first_paragraph(entry, question, near) } else { window(entry, question) }
}

fn first_paragraph(entry: &Entry, question: &Question, near: Option<&Entry>) -> Passage {
    let say = entry.say().to_owned();
    let near = near.map(|near| {
        let room = PASSAGE_LIMIT.saturating_sub(say.chars().count() + 1);
        clip(&format!("另见《{}》：{}", near.title, near.say()), room.min(NEAR))
    });
    // What title and first paragraph say need not be said again.
    let known = covered(question, &format!("{}\n{say}", entry.title));
    let nothing = vec![false; question.units.len()];
    let weigh = |(index, line): (usize, String)| {
        let here = covered(question, &line);
        (beyond(question, &here, &known), beyond(question, &here, &nothing), index, line)
    };
    let others = entry.said().filter(|(index, _)| entry.blocks[*index].text != say);
    let mut others: Vec<(f32, f32, usize, String)> = others.map(weigh).collect();
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
fn window(entry: &Entry, question: &Question) -> Passage {
    let start = start(entry, question);
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
fn start(entry: &Entry, question: &Question) -> usize {
    let nothing = vec![false; question.units.len()];
    let titled = covered(question, &entry.title);
    let headings: Vec<String> = entry.headings().map(|above| above.join("\n")).collect();
    let mut best = (0, 0.0, 0.0);
    for (index, line) in entry.said() {
        let here = covered(question, &format!("{}\n{line}", headings[index]));
        let (new, all) = (beyond(question, &here, &titled), beyond(question, &here, &nothing));
        if (new, all) > (best.1, best.2) {
            best = (index, new, all);
        }
    }
    let total = question.weight();
    let title_is_enough =
        beyond(question, &titled, &nothing) >= 0.5 * total && best.1 <= GAIN * total;
    if title_is_enough || best.2 == 0.0 {
        entry.said().next().map_or(0, |(index, _)| index)
    } else {
        best.0
    }
}

/// The weight of the units that are covered here and not there.
fn beyond(question: &Question, here: &[bool], there: &[bool]) -> f32 {
    let new = here.iter().zip(there).map(|(here, there)| *here && !there);
    new.zip(&question.units).filter(|(new, _)| *new).map(|(_, unit)| unit.weight).sum()
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

/// For each unit of the question whether `text` has it, or another word for it.
fn covered(question: &Question, text: &str) -> Vec<bool> {
    has(question, normalise(text).as_str())
}

/// The same of a text that is normalised.
fn has(question: &Question, text: &str) -> Vec<bool> {
    let has = |term: &str| text.contains(term);
    question
        .units
        .iter()
        .map(|unit| unit.terms.iter().any(|(term, worth)| *worth >= 0.9 && has(term)))
        .collect()
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

/// The words of `entry` around what was asked for, with the question's words marked.
pub fn snippet(entry: &Entry, question: &Question) -> Snippet {
    let nothing = vec![false; question.units.len()];
    let weigh = |text: &str| beyond(question, &covered(question, text), &nothing);
    let lines = entry.said().map(|(_, line)| line.trim_start_matches("· ").to_owned());
    let best = lines
        .map(|line| (weigh(&line), line))
        .reduce(|best, next| if next.0 > best.0 { next } else { best });
    let line = best.map_or(String::new(), |(_, line)| line.replace('\n', " "));
    let first = marks(question, &line).first().map_or(0, |mark| mark.start);
    let before = line[..first].chars().count();
    // A third of the room stands before the first word that was asked for.
    let skip = if line.chars().count() <= SNIPPET_LENGTH {
        0
    } else {
        before.saturating_sub(SNIPPET_LENGTH / 3)
    };
    let mut text: String = line.chars().skip(skip).take(SNIPPET_LENGTH).collect();
    if skip > 0 {
        text.insert(0, '…');
    }
    if line.chars().count() > skip + SNIPPET_LENGTH {
        text.push('…');
    }
    let marks = marks(question, &text);
    Snippet { text, marks }
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

/// The largest share of the question's weight that a block of the entry has together with the title.
pub(super) fn share(plain: &Plain, question: &Question) -> f32 {
    let nothing = vec![false; question.units.len()];
    let total = question.weight().max(f32::EPSILON);
    let title = has(question, plain.title());
    let share = |line: &str| {
        let here = has(question, line).into_iter().zip(&title).map(|(here, title)| here || *title);
        beyond(question, &here.collect::<Vec<_>>(), &nothing) / total
    };
    plain.lines().map(share).fold(0.0, f32::max)
}
