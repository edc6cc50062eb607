//! The licences of what is compiled in.

use std::process::Command;

/// What a dependency may be licensed under. MPL-2.0 is for unchanged crates.
const ALLOWED: [&str; 13] = [
    "MIT",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Zlib",
    "0BSD",
    "CC0-1.0",
    "Unicode-3.0",
    "Unlicense",
    "CDLA-Permissive-2.0",
    "MPL-2.0",
    "Apache-2.0 WITH LLVM-exception",
];

/// Every normal and build dependency, however deep, may be used under one of the allowed licences.
#[test]
fn dependencies_have_permissive_licences() {
    let tree = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--locked",
            "--offline",
            "--edges",
            "normal,build",
            "--prefix",
            "none",
            "--format",
            "{p}|{l}",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    let tree = String::from_utf8(tree.stdout).unwrap();
    let mut packages: Vec<&str> = tree.lines().map(|line| line.trim_end_matches(" (*)")).collect();
    packages.sort();
    packages.dedup();
    assert!(packages.len() > 100, "only {} packages", packages.len());
    for package in packages {
        let (name, licence) = package.rsplit_once('|').unwrap();
        assert!(is_allowed(licence), "{name}: {licence}");
    }
}

#[test]
fn cargo_deny_is_told_the_same() {
    let deny = include_str!("../../deny.toml").parse::<toml::Table>().unwrap();
    let told = deny["licenses"]["allow"].as_array().unwrap();
    let mut told: Vec<&str> = told.iter().map(|name| name.as_str().unwrap()).collect();
    let mut allowed = ALLOWED;
    told.sort();
    allowed.sort();
    assert_eq!(told, allowed);
}

/// Whether an SPDX expression can be met: one side of each OR, both sides of each AND. `/` is an old way to write OR.
fn is_allowed(licence: &str) -> bool {
    let licence = licence.replace('/', " OR ").replace(['(', ')'], "");
    licence.split(" AND ").all(|side| side.split(" OR ").any(|name| ALLOWED.contains(&name.trim())))
}

#[test]
fn an_expression_needs_every_side_of_an_and() {
    assert!(is_allowed("MIT OR GPL-3.0"));
    assert!(is_allowed("(MIT OR Apache-2.0) AND Unicode-3.0"));
    assert!(!is_allowed("MIT AND GPL-3.0"));
    assert!(!is_allowed(""));
}
