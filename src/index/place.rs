//! Where an index lies, and whether it is the index of the content as it is now.
//!
//! Each index has a folder of its own whose name says what is in it: `<path>-<state>-<schema>`. Path is where the
//! content lies, state the list of its files (path, size, modification time, inode), schema the code that wrote it.
//! So an index of other content, of an older state or by another version is never found, and nothing has to be read
//! to find that out. Folders appear by renaming and never change.

use crate::error::{Error, Result};
use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// What decides how an index is written: the code and the dictionary, by `build.rs`.
const SCHEMA: &str = env!("JIEDA_SCHEMA");

/// A file that has changed within this time may change again without a new modification time.
const SETTLED: Duration = Duration::from_secs(2);

/// What names the index of one state of one content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    path: String,
    state: String,
    /// Nothing has changed within the last two seconds, so the state tells all.
    pub settled: bool,
}

impl Key {
    /// The key of the content that is compiled in.
    pub fn builtin() -> Self {
        Self { path: "builtin".to_owned(), state: env!("JIEDA_BUILTIN").to_owned(), settled: true }
    }

    /// The key of the files below `folder` as they are now. Reads no file.
    pub fn of(folder: &Path) -> Result<Self> {
        let whole =
            fs::canonicalize(folder).map_err(|_| Error::NoContent { path: folder.to_owned() })?;
        let (mut state, mut newest) = (0_u64, UNIX_EPOCH);
        crate::content::each(folder, &mut |path, seen| {
            let mut file = DefaultHasher::new();
            // The same folder has the same state, however its path was spelled.
            path.strip_prefix(folder).unwrap_or(&path).hash(&mut file);
            // What cannot be looked at is a problem of the content, not of the list.
            if let Ok(meta) = seen {
                // Where nobody knows when it changed, it may have been just now.
                let modified = meta.modified().unwrap_or_else(|_| SystemTime::now());
                newest = newest.max(modified);
                (meta.len(), modified, inode(&meta)).hash(&mut file);
            }
            // Whatever order they come in.
            state = state.wrapping_add(file.finish());
        })?;
        let mut place = DefaultHasher::new();
        whole.hash(&mut place);
        // A time in the future cannot be that of a change still to come.
        let settled = SystemTime::now().duration_since(newest).is_ok_and(|age| age > SETTLED)
            || newest > SystemTime::now();
        Ok(Self {
            path: format!("{:016x}", place.finish()),
            state: format!("{state:016x}"),
            settled,
        })
    }

    /// The folder of the index, below `root`.
    pub fn folder(&self, root: &Path) -> PathBuf {
        root.join(format!("{}-{}-{SCHEMA}", self.path, self.state))
    }

    /// A folder, new each time, in which the index can be built before it gets its name.
    pub fn draft(&self, root: &Path) -> PathBuf {
        // In containers all processes may have the same number, and one that was killed leaves its draft behind.
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        root.join(format!("{}-{}.{}-{now}.tmp", self.path, self.state, std::process::id()))
    }

    /// Whether below `root` there is an index of another state of the same content, or by other code.
    pub fn has_older(&self, root: &Path) -> bool {
        let prefix = format!("{}-", self.path);
        let names =
            fs::read_dir(root).into_iter().flatten().flatten().map(|entry| entry.file_name());
        names
            .map(|name| name.to_string_lossy().into_owned())
            .any(|name| name.starts_with(&prefix) && !name.ends_with(".tmp"))
    }

    /// Removes older indexes of the same content by the same code, and drafts that a crash left behind an hour ago
    /// or earlier. What cannot be removed stays.
    pub fn clean(&self, root: &Path) {
        let mine = self.folder(root);
        let old = |path: &Path| {
            let name =
                path.file_name().map_or(String::new(), |name| name.to_string_lossy().into_owned());
            let same = name.starts_with(&format!("{}-", self.path))
                && name.ends_with(&format!("-{SCHEMA}"));
            (same && self.path != "builtin" && path != mine)
                || (name.ends_with(".tmp") && hours_old(path))
        };
        let folders = fs::read_dir(root).into_iter().flatten().flatten().map(|entry| entry.path());
        folders.filter(|path| old(path)).for_each(|path| drop(fs::remove_dir_all(path)));
    }
}

fn hours_old(path: &Path) -> bool {
    let modified = fs::metadata(path).and_then(|meta| meta.modified());
    modified.is_ok_and(|time| time.elapsed().is_ok_and(|age| age > Duration::from_secs(3600)))
}

#[cfg(unix)]
fn inode(meta: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(meta)
}

#[cfg(not(unix))]
fn inode(_: &fs::Metadata) -> u64 {
    0
}
