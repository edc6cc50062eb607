use super::query::Question;
use crate::{
    content::{Entry, Kind},
    text::normalise,
};
use std::ops::Range;

/// The most that is shown of an entry at once, in characters.
const PASSAGE_LIMIT: usize = 400;

/// What share of the question's weight a block must add to be shown.
const GAIN: f32 = 0.1;

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

/// A few words of an entry around what was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snippet {
    pub text: String,
    /// Byte ranges of the question's words in it.
    pub marks: Vec<Range<usize>>,
}

/// What of `entry` answers `question`.
///
/// With `lead`, the first paragraph is the answer, and the block that covers more of the question than it does
/// stands behind it. Otherwise the passage begins where the question is covered best.
pub fn best(entry: &Entry, question: &Question, lead: bool) -> Passage {
    let lines: Vec<String> = (0..entry.blocks.len()).map(|index| entry.line(index)).collect();
    let covered: Vec<Vec<bool>> = lines.iter().map(|line| covered(question, line)).collect();
    if lead {
        let say = entry.say().to_owned();
        let first = entry.blocks.iter().position(|block| block.text == say).unwrap_or(0);
        // What title and first paragraph say need not be said again.
        let known = self::covered(question, &format!("{}\n{say}", entry.title));
        let gain = |index: usize| {
            let new = covered[index].iter().zip(&known).map(|(here, there)| *here && !there);
            new.zip(&question.units)
                .filter(|(new, _)| *new)
                .map(|(_, unit)| unit.weight)
                .sum::<f32>()
        };
        let worth_it = GAIN * question.weight();
        let more = (0..lines.len()).filter(|index| *index != first && is_content(entry, *index));
        let more = more.max_by(|a, b| gain(*a).total_cmp(&gain(*b)).then(b.cmp(a)));
        let more = more.filter(|index| gain(*index) > worth_it);
        let text = match more {
            Some(index) => clip(&format!("{say}\n{}", lines[index]), PASSAGE_LIMIT),
            None => clip(&say, PASSAGE_LIMIT),
        };
        return Passage { say, text };
    }
    let start = start(entry, question, &covered);
    let mut text = String::new();
    let mut say = String::new();
    for index in with_lead_in(entry, start) {
        if lines[index].is_empty() || entry.blocks[index].kind == Kind::Head {
            continue;
        }
        if text.chars().count() + lines[index].chars().count() >= PASSAGE_LIMIT && !text.is_empty()
        {
            break;
        }
        text.push_str(if text.is_empty() { "" } else { "\n" });
        text.push_str(&lines[index]);
        if say.is_empty() || index <= start {
            say.clone_from(&text);
        }
    }
    Passage { say: clip(&say, PASSAGE_LIMIT), text: clip(&text, PASSAGE_LIMIT) }
}

/// The block from which an imported entry answers: its first one if the title holds the question, else the one
/// that covers most of it.
fn start(entry: &Entry, question: &Question, covers: &[Vec<bool>]) -> usize {
    let weigh = |covered: &[bool]| {
        let shared = question.units.iter().zip(covered).filter(|(_, covered)| **covered);
        shared.map(|(unit, _)| unit.weight).sum::<f32>()
    };
    let titled = covered(question, &entry.title);
    let beyond = |index: usize| {
        let new: Vec<bool> =
            covers[index].iter().zip(&titled).map(|(here, there)| *here && !there).collect();
        weigh(&new)
    };
    let content = || (0..covers.len()).filter(|index| is_content(entry, *index));
    let first = content().next().unwrap_or(0);
    let total = question.weight();
    // What the title does not say decides; if nothing more is asked, the answer begins at the beginning.
    let best = content().max_by(|a, b| {
        (beyond(*a), weigh(&covers[*a]))
            .partial_cmp(&(beyond(*b), weigh(&covers[*b])))
            .expect("weights are finite")
            .then(b.cmp(a))
    });
    match best {
        Some(best) if beyond(best) > GAIN * total || weigh(&titled) < 0.5 * total => best,
        _ => first,
    }
}

/// The blocks from `start` on; before them, what an item or row needs to make sense.
fn with_lead_in(entry: &Entry, start: usize) -> impl Iterator<Item = usize> {
    let block = entry.blocks.get(start);
    let level = block.map_or(0, |block| block.level);
    let needs = block.is_some_and(|block| {
        matches!(block.kind, Kind::Item(_) | Kind::Row | Kind::Note) || block.level > 0
    });
    let lead_in = (0..start).rev().find(|index| {
        let before = &entry.blocks[*index];
        match before.kind {
            Kind::Item(_) => before.level < level,
            Kind::Paragraph | Kind::Heading(_) => before.level < level.max(1) || before.level == 0,
            _ => false,
        }
    });
    lead_in.filter(|_| needs).into_iter().chain(start..entry.blocks.len())
}

fn is_content(entry: &Entry, index: usize) -> bool {
    let block = &entry.blocks[index];
    !block.text.trim().is_empty()
        && !matches!(block.kind, Kind::Heading(_) | Kind::Head | Kind::Image(_))
}

/// For each unit of the question whether `text` has it, or another word for it.
fn covered(question: &Question, text: &str) -> Vec<bool> {
    let normal = normalise(text);
    let has = |term: &str| normal.as_str().contains(term);
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
    let weigh = |text: &str| {
        let covered = covered(question, text);
        question
            .units
            .iter()
            .zip(covered)
            .filter(|(_, covered)| *covered)
            .map(|(unit, _)| unit.weight)
            .sum::<f32>()
    };
    let lines = (0..entry.blocks.len())
        .filter(|index| is_content(entry, *index))
        .map(|index| entry.line(index));
    let lines = lines.map(|line| line.trim_start_matches("· ").to_owned());
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
        for (term, _) in &unit.terms {
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
