//! Trees: what is wrong with bad ones, and what holds of every walk through the shipped ones.

use jieda::{
    content,
    tree::{self, Forest, State},
};
use proptest::prelude::*;
use std::{path::Path, process::Command, sync::LazyLock};

static SHIPPED: LazyLock<Forest> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("content");
    let files = content::read(&folder).unwrap();
    tree::load(&files, &content::load(&files))
});

/// Beside each folder of `cases/bad-trees` a `.out` has what `jieda tree check` says of it.
#[test]
fn bad_trees_are_named() {
    for case in super::cases("bad-trees") {
        let output = Command::new(env!("CARGO_BIN_EXE_jieda"))
            .args(["tree", "check", "--content"])
            .arg(&case)
            .env("JIEDA_TODAY", "2026-11-22")
            .output()
            .unwrap();
        let out = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(1), "{}: {out}", case.display());
        super::expect(&case, &out);
    }
}

#[test]
fn all_shipped_trees_can_be_walked() {
    assert!(SHIPPED.broken.is_empty(), "{:?}", SHIPPED.broken);
    let wanted = [
        "needs-filing",
        "product-type",
        "verification-failed",
        "filing-type",
        "server-eligible",
        "domain-problem",
        "rejected",
        "sms-verification",
        "site-name",
        "sites-per-order",
        "site-unreachable",
        "lost-credentials",
        "cancel-or-deregister",
        "upload",
        "commercial",
        "bonus-time",
        "overseas-company",
        "progress",
        "change-info",
    ];
    for id in wanted {
        assert!(SHIPPED.trees.contains_key(id), "{id}");
    }
}

/// Answers a tree at random until the walk is over.
fn random_walk(tree: &tree::Tree, choices: &[usize]) -> Vec<(String, String)> {
    let mut given: Vec<(String, String)> = Vec::new();
    for choice in choices {
        let walk = tree::walk(&SHIPPED, tree, &given);
        let State::Ask(question, ..) = &walk.state else { break };
        let options = SHIPPED.options(question);
        let answer = match &question.kind {
            tree::Kind::Int(min, max, _) => (min + (*choice as i64) % (max - min + 1)).to_string(),
            tree::Kind::Date => "2018-01-01".to_owned(),
            tree::Kind::Text(_) => {
                ["木工手记", "中国茶", "abc", "某某的个人博客"][choice % 4].to_owned()
            }
            _ => options[choice % options.len()].0.clone(),
        };
        given.push((question.id.clone(), answer));
    }
    given
}

/// The end of a walk, as text.
fn end(tree: &tree::Tree, given: &[(String, String)]) -> String {
    let walk = tree::walk(&SHIPPED, tree, given);
    let ending = walk.ending().map(|ending| (&ending.outcome.id, &ending.say, &ending.notes));
    format!("{ending:?} {}", walk.url())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Answers may be given in any order and all at once; changing one and changing it back changes nothing; an
    /// ending has everything filled in.
    #[test]
    fn the_order_of_answers_does_not_matter(
        choices in proptest::collection::vec(0_usize..1000, 12),
        which in 0_usize..19,
        turn in 0_usize..12,
        changed in 0_usize..1000,
    ) {
        let tree = &SHIPPED.trees[which % SHIPPED.trees.len()];
        let given = random_walk(tree, &choices);
        let walk = tree::walk(&SHIPPED, tree, &given);
        prop_assert!(!matches!(walk.state, State::Ask(..)), "{} does not end: {given:?}", tree.id);
        let first = end(tree, &given);
        prop_assert!(!first.contains('{') && !first.contains("](link:"), "{first}");
        let mut turned = given.clone();
        turned.rotate_left(turn % given.len().max(1));
        prop_assert_eq!(&first, &end(tree, &turned));
        turned.reverse();
        prop_assert_eq!(&first, &end(tree, &turned));
        let mut other = random_walk(tree, &[&choices[..turn], &[changed]].concat());
        other.extend(given.iter().filter(|(id, _)| other.iter().all(|(taken, _)| taken != id)).cloned().collect::<Vec<_>>());
        let back: Vec<_> = given.iter().cloned().chain(other.into_iter().filter(|(id, _)| given.iter().all(|(taken, _)| taken != id))).collect();
        prop_assert_eq!(first, end(tree, &back));
    }

    /// Answering page by page, each from the address of the one before, ends where all answers at once do.
    #[test]
    fn prefilling_equals_answering(
        choices in proptest::collection::vec(0_usize..1000, 12),
        which in 0_usize..19,
    ) {
        let tree = &SHIPPED.trees[which % SHIPPED.trees.len()];
        let all = random_walk(tree, &choices);
        let mut given = Vec::new();
        loop {
            let walk = tree::walk(&SHIPPED, tree, &given);
            let State::Ask(question, ..) = &walk.state else { break };
            given = walk.given();
            given.push(all.iter().find(|(id, _)| *id == question.id).unwrap().clone());
        }
        prop_assert_eq!(end(tree, &given), end(tree, &all));
    }

    /// Whatever stands in the address, there is a place.
    #[test]
    fn any_address_leads_somewhere(
        which in 0_usize..19,
        pairs in proptest::collection::vec(("~?[a-z_]{1,12}|location|province|holder|name|product|want", ".{0,40}|unsure|yes|hongkong|none|-1|99999999999999999999"), 0..8),
    ) {
        let tree = &SHIPPED.trees[which % SHIPPED.trees.len()];
        let walk = tree::walk(&SHIPPED, tree, &pairs);
        prop_assert!(!walk.possible.is_empty());
        drop(tree::changes(&SHIPPED, &walk));
        drop(tree::svg(&SHIPPED, tree, &walk.answers()));
    }

    /// Anything can be typed.
    #[test]
    fn anything_can_be_heard(typed in ".{0,60}|(浙江|不是|个人|公司|能叫|ECS|香港|备案|3 个月){1,8}") {
        for tree in SHIPPED.trees.values() {
            let heard = tree::hear(&SHIPPED, tree, &typed);
            prop_assert!(tree::walk(&SHIPPED, tree, &heard.given()).wrong.is_empty());
        }
    }
}

/// A tree with an older name, and one with a gap, in a folder of their own.
pub(super) fn small(files: &[(&str, &str)]) -> jieda::Library {
    let case = super::cases("content").into_iter().find(|case| case.ends_with("ours")).unwrap();
    let mut all = content::read(&case).unwrap();
    all.extend(files.iter().map(|(path, text)| content::File {
        path: (*path).into(),
        bytes: Ok(text.as_bytes().to_vec()),
    }));
    jieda::Library::of(&all).unwrap()
}

pub(super) const REFUND: &str = r#"
id = "refund"
title = "能退款吗？"
ask = ["能不能退"]
[[question]]
id = "opened"
kind = "bool"
ask = "拆封了吗？"
[[rule]]
id = "sealed"
then = "yes"
when = { opened = false }
[[rule]]
id = "open"
then = "no"
when = { opened = true }
[[outcome]]
id = "yes"
verdict = "yes"
title = "能退"
say = "能退。"
cite = ["money/freight"]
[[outcome]]
id = "no"
verdict = "no"
title = "不能退"
say = "不能退。"
cite = ["money/freight"]
[[rename]]
question = "unpacked"
to = "opened"
option = { ja = "yes", nein = "no" }
"#;

#[test]
fn older_names_are_understood() {
    let library = small(&[("trees/refund.toml", REFUND)]);
    let forest = &library.index.forest;
    let given = [("unpacked".to_owned(), "nein".to_owned())];
    let walk = tree::walk(forest, &forest.trees["refund"], &given);
    assert!(walk.wrong.is_empty(), "{:?}", walk.wrong);
    assert_eq!(walk.url(), "/trees/refund?opened=no");
    assert_eq!(walk.ending().unwrap().outcome.id, "yes");
}

#[test]
fn a_proposed_answer_is_still_asked() {
    let library = small(&[("trees/refund.toml", REFUND)]);
    let forest = &library.index.forest;
    let given = [("~opened".to_owned(), "yes".to_owned())];
    let walk = tree::walk(forest, &forest.trees["refund"], &given);
    assert!(
        matches!(&walk.state, State::Ask(question, Some(tree::Answer::Bool(true)), None) if question.id == "opened")
    );
}

/// A tree with a gap is not served, the page says why, and the other trees go on.
#[test]
fn a_broken_tree_harms_nobody_else() {
    let gap = REFUND
        .replace("id = \"refund\"", "id = \"gap\"")
        .replacen("when = { opened = true }", "when = { opened = false }", 1)
        .replacen("then = \"no\"", "then = \"yes\"", 1);
    let library = small(&[("trees/refund.toml", REFUND), ("trees/gap.toml", &gap)]);
    let get = |target: &str| {
        let request = jieda::web::Request {
            method: "GET".into(),
            target: target.into(),
            ..Default::default()
        };
        let response = jieda::web::routes(
            jieda::web::Site::new(&library, jiff::civil::date(2026, 11, 22)),
            &request,
        );
        (response.status, String::from_utf8(response.body.to_vec()).unwrap())
    };
    let (status, body) = get("/trees/gap");
    assert_eq!(status, 503);
    assert!(body.contains("缺口") && body.contains("trees/gap.toml"), "{body}");
    assert_eq!(get("/trees/refund").0, 200);
    let (_, list) = get("/trees");
    assert!(list.contains("用不了") && list.contains("/trees/refund"), "{list}");
    let (_, home) = get("/");
    assert!(home.contains("内容里有"), "{home}");
}
