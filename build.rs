//! Compiles the dictionaries of jieba and OpenCC into what can be looked up, and names the version of the built-in content.

#![forbid(unsafe_code)]

use std::{
    cmp::Reverse,
    collections::BTreeSet,
    env,
    error::Error,
    fs::{self, File},
    io::BufWriter,
    path::{Path, PathBuf},
    process::Command,
};

#[path = "src/index/readings.rs"]
#[allow(dead_code, unreachable_pub)]
mod readings;

fn main() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(env::var("OUT_DIR")?);
    dictionary(Path::new("assets/dict/dict.txt"), &out)?;
    simplified(Path::new("assets/dict"), &out.join("simplified.rs"))?;
    // `include_dir` does not notice new files, so Cargo has to.
    for watched in ["content", "templates", "assets"] {
        println!("cargo:rerun-if-changed={watched}");
    }
    println!("cargo:rustc-env=JIEDA_BUILTIN={:08x}", checksum(&["content"])?);
    // An index made by other code is not read: these rooms decide what stands in it.
    let writers =
        ["src/lazy.rs", "src/text", "src/content", "src/tree", "src/index", "assets/dict"];
    for watched in writers {
        println!("cargo:rerun-if-changed={watched}");
    }
    println!("cargo:rustc-env=JIEDA_SCHEMA={:08x}", checksum(&writers)?);
    link(&out)
}

/// How the program is linked on Linux. At a fixed address the loader need not write 50,000 pointers (readings of characters, HTML
/// entities, built-in content) on each start, which takes as long as an answer.
///
/// With another linker than rustc's own choice, or for another machine, only that.
fn link(out: &Path) -> Result<(), Box<dyn Error>> {
    if env::var("CARGO_CFG_TARGET_OS")? != "linux" || env::var("CARGO_CFG_TARGET_ENV")? != "gnu" {
        return Ok(());
    }
    println!("cargo:rustc-link-arg-bins=-no-pie");
    let chosen = env::var("CARGO_ENCODED_RUSTFLAGS").is_ok_and(|flags| flags.contains("link"));
    if chosen || env::var_os("RUSTC_LINKER").is_some() || env::var("TARGET")? != env::var("HOST")? {
        return Ok(());
    }
    contain_libc(&out.join("static"))?;
    if env::var("PROFILE")? == "release" {
        order(Path::new("assets/order.txt"), &out.join("order.ld"))?;
    }
    Ok(())
}

/// Takes the C library into the program where its archives are at hand: a start takes half a millisecond less, and the program runs
/// beside any other C library.
///
/// rustc links all crates of a target so, or none. So the archives get the names of the shared libraries that it asks for.
fn contain_libc(folder: &Path) -> Result<(), Box<dyn Error>> {
    let find = |file: &str| -> Option<String> {
        let output = Command::new("cc").arg(format!("-print-file-name={file}")).output().ok()?;
        let path = String::from_utf8(output.stdout).ok()?.trim_end().to_owned();
        Path::new(&path).is_absolute().then_some(path)
    };
    let archives = ["libc.a", "libgcc.a", "libgcc_eh.a", "libm.a"].map(find);
    let [Some(c), Some(gcc), Some(unwind), Some(math)] = archives else { return Ok(()) };
    // Before glibc 2.34, threads were a library of their own, and did not work in a program that contains it.
    if find("libpthread.so").is_some() {
        return Ok(());
    }
    fs::create_dir_all(folder)?;
    fs::write(folder.join("libgcc_s.so"), format!("INPUT({unwind})"))?;
    fs::write(folder.join("libm.so"), format!("INPUT({math})"))?;
    fs::write(folder.join("libc.so"), format!("GROUP({c} {gcc} {unwind})"))?;
    println!("cargo:rustc-link-arg-bins=-L{}", folder.display());
    println!("cargo:rustc-link-arg-bins=-static");
    Ok(())
}

/// Puts the functions that an answer needs side by side: of the others, which are nine tenths, no page is read from disk then,
/// or takes memory. `scripts/order` finds their names; one that this compiler gives to no function does nothing. With a colon it is
/// a part of the C library.
fn order(names: &Path, script: &Path) -> Result<(), Box<dyn Error>> {
    let mut text = "SECTIONS {\n  .text.answer : {\n".to_owned();
    for name in fs::read_to_string(names)?.lines().filter(|line| !line.starts_with('#')) {
        text += &match name.split_once(':') {
            Some(_) => format!("    *{name}(.text .text.*)\n"),
            None => format!("    *(.text.{name} .text.unlikely.{name})\n"),
        };
    }
    text += "  }\n} INSERT BEFORE .text;\n";
    fs::write(script, text)?;
    println!("cargo:rustc-link-arg-bins=-T{}", script.display());
    Ok(())
}

/// Words of jieba's dictionary that have been seen so often are common.
const COMMON: u64 = 1_000;

/// Writes the words of a jieba dictionary and their frequencies as an `fst` map, their sum, and the sounds of the common ones.
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
    let common = words.iter().filter(|(_, frequency)| *frequency >= COMMON);
    let syllables = ('\u{4E00}'..='\u{9FA5}').flat_map(readings::readings);
    let syllables = syllables.map(|reading| format!(".{reading}"));
    let keys: BTreeSet<String> =
        common.flat_map(|(word, _)| readings::keys(word)).chain(syllables).collect();
    map(keys.into_iter().map(|key| (key, 0)), &to.join("common.fst"))?;
    map(words, &to.join("dict.fst"))
}

/// Writes pairs in the order of their keys as an `fst` map.
fn map<K: AsRef<[u8]>>(
    pairs: impl IntoIterator<Item = (K, u64)>,
    to: &Path,
) -> Result<(), Box<dyn Error>> {
    let mut map = fst::MapBuilder::new(BufWriter::new(File::create(to)?))?;
    map.extend_iter(pairs)?;
    Ok(map.finish()?)
}

/// Writes OpenCC's traditional characters and phrases with the simplified ones as a Rust table, sorted by the first
/// character, of the same the longest first; and the set of characters with which one of them begins, with a bit for each
/// character, how many of it there are before each 64 bits, and where the phrases of each of it start.
fn simplified(from: &Path, to: &Path) -> Result<(), Box<dyn Error>> {
    let text = fs::read_to_string(from.join("TSCharacters.txt"))?
        + &fs::read_to_string(from.join("TSPhrases.txt"))?;
    let mut pairs = Vec::new();
    let mut begin = Vec::<u64>::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (traditional, simple) = line.split_once('\t').ok_or("a line without a tab")?;
        let simple = simple.split(' ').next().unwrap_or(simple);
        let length = traditional.chars().count();
        if length != simple.chars().count() {
            return Err(format!("{traditional} changes its length").into());
        }
        let first = traditional.chars().next().ok_or("a line without a word")?;
        let at = first as usize;
        begin.resize(begin.len().max(at / 64 + 1), 0);
        begin[at / 64] |= 1 << (at % 64);
        pairs.push((first, Reverse(length), traditional, simple));
    }
    pairs.sort_unstable();
    let before = begin.iter().scan(0, |sum, bits| {
        *sum += bits.count_ones();
        Some(*sum - bits.count_ones())
    });
    let before: Vec<u32> = before.collect();
    let starts = (0..pairs.len()).filter(|at| *at == 0 || pairs[at - 1].0 != pairs[*at].0);
    let starts: Vec<usize> = starts.chain([pairs.len()]).collect();
    let pairs: Vec<_> =
        pairs.iter().map(|(.., traditional, simple)| (traditional, simple)).collect();
    let tables = format!(
        "static SIMPLIFIED: [(&str, &str); {}] = {pairs:?};\n\
         static BEGIN: [u64; {}] = {begin:?};\n\
         static BEFORE: [u16; {}] = {before:?};\n\
         static STARTS: [u16; {}] = {starts:?};\n",
        pairs.len(),
        begin.len(),
        before.len(),
        starts.len(),
    );
    Ok(fs::write(to, tables)?)
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
