//! dump
#![allow(clippy::print_stdout)]
use jieda::{Library, Place, eval, search};
use jiff::civil::date;
fn main() {
    let library =
        Library::of(&Place { content: Some("content".into()), index: None }.files().unwrap())
            .unwrap();
    for file in std::env::args().skip(1) {
        let text = std::fs::read_to_string(&file).unwrap();
        for question in eval::read(&file, &text).unwrap() {
            let found =
                search::search(&library.index, &question.text, date(2026, 11, 22), 30, false)
                    .unwrap();
            let hits: Vec<_> = found.hits.iter().map(|hit| {
                let g = hit.grounds;
                serde_json::json!({"id":hit.entry.id,"label":!question.is_none() && question.is_answered_by(&hit.entry),"factor":hit.factor,"asked":hit.asked,"named":hit.named,"cell":hit.is_cell(),
                  "g":[g.coverage,g.nearest,g.likeness,g.block,g.typical],"score":hit.score,
                  "covers":hit.covers.iter().map(|c|(c.value,c.place.map(|p|p.name()),c.times)).collect::<Vec<_>>()})
            }).collect();
            let right = found.hits.first().is_some_and(|hit| {
                let least = if hit.is_cell() { 0.5 } else { hit.score - 0.1 };
                let near = found
                    .hits
                    .get(1)
                    .filter(|next| !(hit.asked && !hit.is_cell()) && next.score >= least);
                let passage =
                    search::best(&hit.entry, &found.question, true, near.map(|next| &next.entry));
                !question.is_none()
                    && question.fits(&format!("{}\n{}", hit.entry.title, passage.text))
            });
            let units: Vec<_> = found
                .question
                .units
                .iter()
                .map(|u| serde_json::json!([u.text, u.weight, u.known, u.function]))
                .collect();
            println!(
                "{}",
                serde_json::json!({"id":question.id,"kind":question.kind,"q":question.text,"understood":found.question.understood(),"corrections":found.question.corrections.len(),"substance":found.question.substance(),"asks":found.question.asks(),"units":units,"right":right,"hits":hits})
            );
        }
    }
}
