//! The site as plain files.
use jieda::{Library, Place, tree};
use std::{sync::LazyLock, time::Instant};

static SHIPPED: LazyLock<Library> =
    LazyLock::new(|| Library::of(&Place::default().files().unwrap()).unwrap());

#[test]
fn counts() {
    let forest = SHIPPED.index.forest().unwrap();
    for tree in forest.trees.values() {
        let start = Instant::now();
        let places = tree::spread(forest, tree, 20000);
        println!("{} {:?} {:?}", tree.id, places.as_ref().map(|p| p.len()), start.elapsed());
        let mut seen = std::collections::BTreeSet::new();
        for place in places.iter().flatten() {
            for class in &place.classes {
                if let tree::State::Ask(q, ..) = &place.state {
                    if matches!(
                        q.kind,
                        tree::Kind::Text(_) | tree::Kind::Int(..) | tree::Kind::Date
                    ) && seen.insert(class.label.clone())
                    {
                        println!("   {} {}={}", class.label, q.id, class.id);
                    }
                }
            }
        }
    }
}
