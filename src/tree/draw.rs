//! Drawings of a tree with labelled edges.
//!
//! A drawing is made of the ways that a walk can go. Ways that go on alike are drawn once.

use super::{
    Answers, Forest, Tree,
    eval::World,
    prove,
    walk::{self, Place},
};
use std::collections::HashMap;

/// A tree as it is drawn: questions and outcomes, each with the edges that leave it.
struct Drawing<'t> {
    tree: &'t Tree,
    nodes: Vec<Node>,
    root: usize,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Node {
    /// The id of a question, or of an outcome.
    id: String,
    is_outcome: bool,
    /// What is answered, and where that leads.
    edges: Vec<(Vec<String>, usize)>,
}

impl<'t> Drawing<'t> {
    fn new(forest: &'t Forest, tree: &'t Tree) -> Self {
        let world = World { tree, forest };
        let mut drawing = Self { tree, nodes: Vec::new(), root: 0 };
        let mut known = HashMap::new();
        drawing.root = drawing.grow(world, &mut Answers::new(), &mut known);
        drawing
    }

    /// The node where these answers lead; one that is there already if it goes on alike.
    fn grow(
        &mut self,
        world: World<'_>,
        answers: &mut Answers,
        known: &mut HashMap<Node, usize>,
    ) -> usize {
        let node = match walk::place(world, answers) {
            Place::Over(outcome) => {
                Node { id: outcome.id.clone(), is_outcome: true, edges: Vec::new() }
            }
            Place::Open => Node { id: String::new(), is_outcome: true, edges: Vec::new() },
            Place::Ask(question) => {
                let mut edges: Vec<(Vec<String>, usize)> = Vec::new();
                for class in prove::classes(world, &question, answers, &[]) {
                    answers.insert(question.clone(), class[0].clone());
                    let to = self.grow(world, answers, known);
                    let asked = &world.tree.questions[&question];
                    let labels =
                        class.iter().map(|answer| asked.label(answer, &world.forest.domains));
                    match edges.iter_mut().find(|(_, other)| *other == to) {
                        Some((all, _)) => all.extend(labels),
                        None => edges.push((labels.collect(), to)),
                    }
                }
                answers.remove(&question);
                Node { id: question, is_outcome: false, edges }
            }
        };
        let next = self.nodes.len();
        *known.entry(node).or_insert_with_key(|node| {
            self.nodes.push(node.clone());
            next
        })
    }

    fn text(&self, node: &Node) -> &str {
        match self.tree.outcomes.get(&node.id) {
            Some(outcome) if node.is_outcome => &outcome.title,
            _ => self.tree.questions.get(&node.id).map_or("", |question| &question.ask),
        }
    }
}

/// Some labels in one line.
fn joined(labels: &[String], most: usize) -> String {
    if labels.len() <= most {
        return labels.join("、");
    }
    format!("{}等 {} 种", labels[..most.saturating_sub(1).max(1)].join("、"), labels.len())
}

/// The tree as an indented outline. A question that was drawn before is only named.
pub fn outline(forest: &Forest, tree: &Tree) -> String {
    let drawing = Drawing::new(forest, tree);
    let mut out = format!("{}\n", tree.title);
    let mut drawn = vec![None; drawing.nodes.len()];
    drawing.outline(drawing.root, 1, &mut drawn, &mut 0, &mut out);
    out
}

impl Drawing<'_> {
    fn outline(
        &self,
        at: usize,
        depth: usize,
        drawn: &mut Vec<Option<usize>>,
        count: &mut usize,
        out: &mut String,
    ) {
        let node = &self.nodes[at];
        let indent = "  ".repeat(depth);
        if node.is_outcome {
            out.push_str(&format!("{indent}→ {}\n", self.text(node)));
            return;
        }
        if let Some(number) = drawn[at] {
            out.push_str(&format!("{indent}见上面的（{number}）\n"));
            return;
        }
        *count += 1;
        drawn[at] = Some(*count);
        out.push_str(&format!("{indent}（{count}）{}\n", self.text(node)));
        for (labels, to) in &node.edges {
            out.push_str(&format!("{indent}  {}\n", joined(labels, 6)));
            self.outline(*to, depth + 2, drawn, count, out);
        }
    }
}

/// The tree as a Mermaid flowchart.
pub fn mermaid(forest: &Forest, tree: &Tree) -> String {
    let drawing = Drawing::new(forest, tree);
    let escaped = |text: &str| text.replace('"', "#quot;");
    let mut out = "flowchart LR\n".to_owned();
    for (index, node) in drawing.nodes.iter().enumerate() {
        let text = escaped(drawing.text(node));
        out.push_str(&match node.is_outcome {
            true => format!("  n{index}([\"{text}\"])\n"),
            false => format!("  n{index}[\"{text}\"]\n"),
        });
    }
    for (index, node) in drawing.nodes.iter().enumerate() {
        for (labels, to) in &node.edges {
            out.push_str(&format!("  n{index} -->|\"{}\"| n{to}\n", escaped(&joined(labels, 4))));
        }
    }
    out
}

/// Measures of the drawing, in pixels.
const BOX: (i64, i64) = (220, 44);
const GAP: (i64, i64) = (170, 18);
const LETTERS: usize = 15;
/// The height of a label beside a question.
const LABEL: i64 = 15;

/// The tree as SVG, with the way that these answers took marked.
pub fn svg(forest: &Forest, tree: &Tree, taken: &Answers) -> String {
    let drawing = Drawing::new(forest, tree);
    let way = drawing.way(forest, taken);
    let mut columns: Vec<Vec<usize>> = Vec::new();
    let depths = drawing.depths();
    for index in drawing.order() {
        let depth = depths[index];
        if columns.len() <= depth {
            columns.resize(depth + 1, Vec::new());
        }
        columns[depth].push(index);
    }
    // A question is as high as the labels beside it.
    let height = |index: &usize| BOX.1.max(drawing.nodes[*index].edges.len() as i64 * LABEL + 6);
    let place = |index: usize| {
        let above = columns[depths[index]].iter().take_while(|other| **other != index);
        let y: i64 = above.map(|other| height(other) + GAP.1).sum();
        (10 + depths[index] as i64 * (BOX.0 + GAP.0), 10 + y)
    };
    let whole = |column: &Vec<usize>| column.iter().map(|index| height(index) + GAP.1).sum::<i64>();
    let (width, tall) = (
        20 + columns.len() as i64 * (BOX.0 + GAP.0) - GAP.0,
        20 + columns.iter().map(whole).max().unwrap_or(0),
    );
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"drawing\" role=\"img\" aria-label=\"{}\" viewBox=\"0 0 {width} {tall}\" width=\"{width}\" height=\"{tall}\" font-family=\"sans-serif\" font-size=\"13\">\n",
        escape(&tree.title)
    );
    for (index, node) in drawing.nodes.iter().enumerate() {
        let (x, y) = place(index);
        let (from, middle) = (x + BOX.0, y + height(&index) / 2);
        let edges = node.edges.len() as i64;
        for (number, (labels, to)) in node.edges.iter().enumerate() {
            let (end, end_y) = (place(*to).0, place(*to).1 + height(to) / 2);
            let start_y = middle + number as i64 * LABEL - (edges - 1) * LABEL / 2;
            let bend = from + GAP.0 / 2;
            let class = if way.contains(&(index, *to)) { "edge taken" } else { "edge" };
            let (line, weight) =
                if way.contains(&(index, *to)) { ("#b3261e", 2.5) } else { ("#8a8f98", 1.0) };
            out.push_str(&format!(
                "<path class=\"{class}\" fill=\"none\" stroke=\"{line}\" stroke-width=\"{weight}\" d=\"M{from} {start_y} C{bend} {start_y} {bend} {end_y} {end} {end_y}\"/>\n<text class=\"label\" fill=\"#44546a\" font-size=\"11\" x=\"{}\" y=\"{}\">{}<title>{}</title></text>\n",
                from + 6,
                start_y - 2,
                escape(&short(&joined(labels, 3), 13)),
                escape(&labels.join("、"))
            ));
        }
    }
    let on_way = |index: usize| way.iter().any(|(from, to)| *from == index || *to == index);
    for (index, node) in drawing.nodes.iter().enumerate() {
        let ((x, y), text) = (place(index), drawing.text(node));
        let (round, fill) = if node.is_outcome { (18, "#eef6ee") } else { (4, "#f5f7fa") };
        let (line, weight) = if on_way(index) { ("#b3261e", 2.5) } else { ("#5b6470", 1.0) };
        out.push_str(&format!(
            "<g class=\"{}\"><title>{}</title><rect x=\"{x}\" y=\"{y}\" width=\"{}\" height=\"{}\" rx=\"{round}\" fill=\"{fill}\" stroke=\"{line}\" stroke-width=\"{weight}\"/>",
            if node.is_outcome { "outcome" } else { "question" },
            escape(text),
            BOX.0,
            height(&index)
        ));
        let letters: Vec<char> = text.chars().collect();
        let lines: Vec<String> =
            letters.chunks(LETTERS).map(|line| line.iter().collect()).collect();
        let shown = &lines[..lines.len().min(2)];
        for (number, line) in shown.iter().enumerate() {
            let line = if number == 1 && lines.len() > 2 {
                short(line, LETTERS - 1)
            } else {
                line.clone()
            };
            let at = y + height(&index) / 2 + 5 + number as i64 * 17 - (shown.len() as i64 - 1) * 8;
            out.push_str(&format!(
                "<text fill=\"#1a1f26\" text-anchor=\"middle\" x=\"{}\" y=\"{at}\">{}</text>",
                x + BOX.0 / 2,
                escape(&line)
            ));
        }
        out.push_str("</g>\n");
    }
    out.push_str("</svg>\n");
    out
}

impl Drawing<'_> {
    /// Nodes as a reader goes down the tree, each once.
    fn order(&self) -> Vec<usize> {
        fn visit(drawing: &Drawing<'_>, at: usize, order: &mut Vec<usize>) {
            if !order.contains(&at) {
                order.push(at);
                drawing.nodes[at].edges.iter().for_each(|(_, to)| visit(drawing, *to, order));
            }
        }
        let mut order = Vec::new();
        visit(self, self.root, &mut order);
        order
    }

    /// How far each node is from the root, on the longest way. Nodes come after all to which they lead.
    fn depths(&self) -> Vec<usize> {
        let mut depths = vec![0; self.nodes.len()];
        for from in (0..self.nodes.len()).rev() {
            for (_, to) in &self.nodes[from].edges {
                depths[*to] = depths[*to].max(depths[from] + 1);
            }
        }
        depths
    }

    /// The edges that these answers took.
    fn way(&self, forest: &Forest, taken: &Answers) -> Vec<(usize, usize)> {
        let (mut way, mut at) = (Vec::new(), self.root);
        while let Some(answer) =
            taken.get(&self.nodes[at].id).filter(|_| !self.nodes[at].is_outcome)
        {
            let label = self.tree.questions[&self.nodes[at].id].label(answer, &forest.domains);
            let next = self.nodes[at].edges.iter().find(|(labels, _)| labels.contains(&label));
            let Some((_, to)) = next else { break };
            way.push((at, *to));
            at = *to;
        }
        way
    }
}

fn short(text: &str, most: usize) -> String {
    match text.chars().count() > most {
        true => format!("{}…", text.chars().take(most).collect::<String>()),
        false => text.to_owned(),
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
