use super::answer;
use jieda::{
    Library, Place,
    index::Proof,
    library::Library as Lib,
    live::{Live, Reload},
};
use jiff::civil::{Date, date};
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};
use tempfile::TempDir;

const DAY: Date = date(2026, 11, 22);

/// A content folder and an index folder that vanish with the test.
struct World {
    root: TempDir,
}

impl World {
    fn new() -> Self {
        let world = Self { root: tempfile::tempdir().unwrap() };
        world.write("a.md", "# 退款\n\n退款在三天内到账。\n", 60);
        world
    }

    /// Writes a content file that was last changed `age` seconds ago.
    fn write(&self, name: &str, text: &str, age: u64) {
        let path = self.root.path().join("content").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        File::open(&path)
            .unwrap()
            .set_modified(SystemTime::now() - Duration::from_secs(age))
            .unwrap();
    }

    fn place(&self) -> Place {
        Place {
            content: Some(self.root.path().join("content")),
            index: Some(self.root.path().join("index")),
        }
    }

    fn open(&self) -> Lib {
        Library::open(&self.place(), Proof::Quick).unwrap()
    }

    /// The folders of finished indexes.
    fn folders(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.root.path().join("index")).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    }
}

/// What is said to `question`, or nothing.
#[track_caller]
fn said(library: &Lib, question: &str) -> String {
    let answer = answer(library, question, DAY);
    if answer.is_known() { answer.hits[0].entry.text() } else { String::new() }
}

#[test]
fn an_index_is_built_once_and_used_again() {
    let world = World::new();
    let first = world.open();
    assert_eq!(first.notices, [""; 0]);
    let second = world.open();
    assert_eq!(first.index.folder, second.index.folder);
    assert_eq!(said(&second, "退款几天到账"), "退款在三天内到账。");
    assert_eq!(world.folders().len(), 1);
}

/// A path may be written in several ways; that is no change.
#[test]
fn the_spelling_of_the_folder_does_not_matter() {
    let world = World::new();
    let first = world.open();
    let detour = world.root.path().join("index/../content");
    let second =
        Library::open(&Place { content: Some(detour), ..world.place() }, Proof::Quick).unwrap();
    assert_eq!(second.notices, [""; 0]);
    assert_eq!(first.index.folder, second.index.folder);
}

#[test]
fn changed_content_is_noticed_without_reading_it() {
    let world = World::new();
    world.open();
    // Same length and same age to the second: the modification time in nanoseconds tells.
    world.write("a.md", "# 退款\n\n退款在七天内到账。\n", 59);
    let library = world.open();
    assert_eq!(library.notices, ["内容或程序变了，重建了索引"]);
    assert_eq!(said(&library, "退款几天到账"), "退款在七天内到账。");
    assert_eq!(world.folders().len(), 1, "the old index is gone");
}

#[test]
fn a_file_that_has_just_changed_is_read_again_each_time() {
    let world = World::new();
    world.write("a.md", "# 退款\n\n退款在五天内到账。\n", 0);
    assert_eq!(world.open().index.folder, None);
    world.write("a.md", "# 退款\n\n退款在八天内到账。\n", 0);
    assert_eq!(said(&world.open(), "退款几天到账"), "退款在八天内到账。");
    let library = Library::rebuild(&world.place()).unwrap();
    assert!(library.index.folder.is_some(), "`index` waits until everything is still");
}

#[test]
fn contents_and_versions_do_not_meet() {
    let (one, two) = (World::new(), World::new());
    let shared = Place { index: one.place().index, ..two.place() };
    one.open();
    let library = Library::open(&shared, Proof::Full).unwrap();
    assert_eq!(library.notices, [""; 0], "another content is no older version of this one");
    assert_eq!(one.folders().len(), 2);
    // An index that another version wrote has another last part.
    let mine = library.index.folder.clone().unwrap();
    let name = mine.file_name().unwrap().to_str().unwrap();
    let foreign = format!("{}-00000000", name.rsplit_once('-').unwrap().0);
    fs::rename(&mine, mine.with_file_name(&foreign)).unwrap();
    let library = Library::open(&shared, Proof::Quick).unwrap();
    assert_eq!(library.notices, ["内容或程序变了，重建了索引"]);
    assert!(mine.with_file_name(&foreign).exists(), "the other version keeps its index");
}

/// Every file of an index, damaged in several ways, leads to a rebuilt index and the right answer.
#[test]
fn a_damaged_index_is_rebuilt() {
    let damages: [fn(&Path); 9] = [
        |path| fs::remove_file(path).unwrap(),
        |path| fs::write(path, "").unwrap(),
        |path| damage(path, |bytes| bytes.truncate(bytes.len() / 2)),
        |path| damage(path, |bytes| bytes.truncate(bytes.len() - 1)),
        |path| damage(path, |bytes| bytes.push(b' ')),
        |path| damage(path, |bytes| bytes[0] ^= 1),
        |path| damage(path, |bytes| *bytes.last_mut().unwrap() ^= 1),
        |path| {
            damage(path, |bytes| {
                let middle = bytes.len() / 2;
                bytes[middle] ^= 0x80;
            });
        },
        // As after a power failure: the size is right, and nothing has been written.
        |path| damage(path, |bytes| bytes.fill(0)),
    ];
    let world = World::new();
    let folder = world.open().index.folder.clone().unwrap();
    let names: Vec<_> =
        fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(names.len() > 5);
    for name in names {
        for harm in damages {
            // tantivy names segments at random.
            let Some(path) = fs::read_dir(&folder)
                .unwrap()
                .map(|entry| entry.unwrap().path())
                .find(|path| path.extension() == Path::new(&name).extension())
            else {
                continue;
            };
            harm(&path);
            let library = world.open();
            assert!(
                library.notices[0].ends_with("重建了索引"),
                "{}: {:?}",
                path.display(),
                library.notices
            );
            assert_eq!(said(&library, "退款几天到账"), "退款在三天内到账。");
            assert_eq!(world.open().notices, [""; 0]);
        }
    }
}

fn damage(path: &Path, harm: fn(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).unwrap();
    harm(&mut bytes);
    fs::write(path, bytes).unwrap();
}

/// With the clock set back, everything is as if made in the future.
#[test]
fn times_in_the_future_keep_nothing_from_being_noticed() {
    let world = World::new();
    let ahead = |path: &Path, seconds: u64| {
        let time = SystemTime::now() + Duration::from_secs(seconds);
        File::open(path).unwrap().set_modified(time).unwrap();
    };
    let file = world.root.path().join("content/a.md");
    ahead(&file, 7200);
    let folder = world.open().index.folder.clone().unwrap();
    ahead(&folder, 7200);
    assert_eq!(world.open().notices, [""; 0]);
    fs::write(&file, "# 退款\n\n退款在七天内到账。\n").unwrap();
    ahead(&file, 3600);
    assert_eq!(said(&world.open(), "退款几天到账"), "退款在七天内到账。");
    assert_eq!(world.folders().len(), 1, "the old index is gone");
}

#[test]
fn without_a_place_to_write_the_index_is_in_memory() {
    let world = World::new();
    fs::write(world.root.path().join("index"), "a file where a folder should be").unwrap();
    let library = world.open();
    assert!(library.notices[0].contains("只在内存里"), "{:?}", library.notices);
    assert_eq!(said(&library, "退款几天到账"), "退款在三天内到账。");
}

#[test]
fn an_index_folder_may_be_read_only() {
    let world = World::new();
    let folder = world.open().index.folder.clone().unwrap();
    let before: Vec<_> =
        fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(said(&world.open(), "退款几天到账"), "退款在三天内到账。");
    let after: Vec<_> =
        fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(before, after, "opening writes nothing, not even a lock");
}

#[test]
fn the_shipped_index_is_proven() {
    let index = tempfile::tempdir().unwrap();
    let place = Place { content: None, index: Some(index.path().to_owned()) };
    let library = Library::open(&place, Proof::Full).unwrap();
    assert_eq!(*library.index.overview.problems, []);
    assert!(library.index.overview.entries >= 40);
}

/// Whoever answers from a library that is replaced meanwhile goes on with it, though its index folder is gone; after that
/// nothing of it is left.
#[test]
fn a_library_that_is_replaced_is_used_to_the_end() {
    let world = World::new();
    let live = Live::new(world.place());
    live.serve(world.open()).unwrap();
    let old = live.now().unwrap();
    world.write("a.md", "# 退款\n\n退款在七天内到账。\n", 50);
    assert!(matches!(live.reload(), Ok(Reload::New(_))));
    assert!(!old.library.index.folder.as_ref().unwrap().exists());
    assert_eq!(said(&old.library, "退款几天到账"), "退款在三天内到账。");
    assert_eq!(old.library.suggest("退", 3).unwrap().len(), 1);
    assert!(old.library.index.forest().unwrap().trees.is_empty());
    assert_eq!(said(&live.now().unwrap().library, "退款几天到账"), "退款在七天内到账。");
    assert_eq!(Arc::strong_count(&old), 1);
    assert!(matches!(live.reload(), Ok(Reload::Same)));
    assert_eq!(world.folders().len(), 1);
}

/// Content may be a link to one of several folders; when it leads to another, that one is served, and the index of the first
/// is gone.
#[test]
fn content_is_exchanged_by_a_link() {
    let (world, other) = (World::new(), World::new());
    other.write("a.md", "# 退款\n\n退款在七天内到账。\n", 60);
    let link = world.root.path().join("link");
    let lead = |to: &World| std::os::unix::fs::symlink(to.root.path().join("content"), &link);
    lead(&world).unwrap();
    let live = Live::new(Place { content: Some(link.clone()), ..world.place() });
    live.serve(Library::open(live.place(), Proof::Full).unwrap()).unwrap();
    fs::remove_file(&link).unwrap();
    lead(&other).unwrap();
    assert!(matches!(live.reload(), Ok(Reload::New(_))));
    assert_eq!(said(&live.now().unwrap().library, "退款几天到账"), "退款在七天内到账。");
    assert_eq!(world.folders().len(), 1);
}
