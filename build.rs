//! Compiles jieba's dictionary into an `fst` map and names the version of the built-in content.

#![forbid(unsafe_code)]

use std::{
    env,
    error::Error,
    fs::{self, File},
    io::BufWriter,
    path::{Path, PathBuf},
};

fn main() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(env::var("OUT_DIR")?);
    dictionary(Path::new("assets/dict/dict.txt"), &out.join("dict.fst"))?;
    // `include_dir` does not notice new files, so Cargo has to.
    for watched in ["content", "templates", "assets"] {
        println!("cargo:rerun-if-changed={watched}");
    }
    println!("cargo:rustc-env=JIEDA_BUILTIN={:08x}", checksum(&["content"])?);
    // An index made by other code is not read: these rooms decide what stands in it.
    let writers = [
        "src/packed.rs",
        "src/text",
        "src/content",
        "src/tree",
        "src/index",
        "assets/dict/dict.txt",
    ];
    for watched in writers {
        println!("cargo:rerun-if-changed={watched}");
    }
    println!("cargo:rustc-env=JIEDA_SCHEMA={:08x}", checksum(&writers)?);
    if env::var("CARGO_CFG_TARGET_OS")? == "linux" && env::var("CARGO_CFG_TARGET_ENV")? == "gnu" {
        // At a fixed address the loader need not write 50,000 pointers (readings of characters, HTML entities, built-in
        // content) on each start, which takes as long as an answer.
        println!("cargo:rustc-link-arg-bins=-no-pie");
    }
    Ok(())
}

/// Writes the words of a jieba dictionary and their frequencies as an `fst` map, and their sum for `text`.
fn dictionary(from: &Path, to: &Path) -> Result<(), Box<dyn Error>> {
    let text = fs::read_to_string(from)?;
    let mut words = text
        .lines()
        .map(|line| {
            let mut columns = line.split(' ');
            let word = columns.next().ok_or("a line without a word")?;
            Ok((word, columns.next().ok_or("a word without a frequency")?.parse()?))
        })
        .collect::<Result<Vec<(&str, u64)>, Box<dyn Error>>>()?;
    words.sort_unstable();
    let total: u64 = words.iter().map(|(_, frequency)| frequency).sum();
    println!("cargo:rustc-env=JIEDA_DICT_TOTAL={total}");
    let mut map = fst::MapBuilder::new(BufWriter::new(File::create(to)?))?;
    map.extend_iter(words)?;
    map.finish()?;
    Ok(())
}

/// The CRC-32 over paths and bytes of all files at or below `paths`, in the order of their names.
fn checksum(paths: &[&str]) -> Result<u32, Box<dyn Error>> {
    fn walk(path: &Path, hasher: &mut crc32fast::Hasher) -> Result<(), Box<dyn Error>> {
        hasher.update(path.to_string_lossy().as_bytes());
        if path.is_file() {
            hasher.update(&fs::read(path)?);
            return Ok(());
        }
        let mut children: Vec<_> = fs::read_dir(path)?
            .map(|entry| Ok(entry?.path()))
            .collect::<Result<_, std::io::Error>>()?;
        children.sort();
        children.iter().try_for_each(|child| walk(child, hasher))
    }
    let mut hasher = crc32fast::Hasher::new();
    paths.iter().try_for_each(|path| walk(Path::new(path), &mut hasher))?;
    Ok(hasher.finalize())
}
