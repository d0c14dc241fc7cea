//! Freshly fetched wheels moved into a folder that may hold others.

use std::fs;
use std::io;
use std::path::Path;

use anyhow::{Context, Result};

/// Moves everything below `from` into `into`, replacing files of the same name and keeping the others.
///
/// pip itself does not merge `nvidia/`, which many wheels share. The `.dist-info` folders, which say that a wheel is
/// there, go last: an interrupted merge counts as not installed and is done again.
pub(crate) fn merge(from: &Path, into: &Path) -> Result<()> {
    let merge = || -> io::Result<()> {
        fs::create_dir_all(into)?;
        let mut entries = fs::read_dir(from)?.collect::<io::Result<Vec<_>>>()?;
        entries.sort_by_key(|entry| entry.file_name().to_string_lossy().ends_with(".dist-info"));
        entries.iter().try_for_each(|entry| move_entry(&entry.path(), &into.join(entry.file_name())))
    };
    merge().with_context(|| format!("`{}` cannot be moved into `{}`", from.display(), into.display()))
}

fn move_entry(from: &Path, to: &Path) -> io::Result<()> {
    if from.is_dir() && !from.is_symlink() && to.is_dir() {
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            move_entry(&entry.path(), &to.join(entry.file_name()))?;
        }
        return Ok(());
    }
    fs::rename(from, to)
}

#[cfg(test)]
mod tests {
    use std::fs;

    #[test]
    fn shared_folders_keep_what_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let (from, into) = (folder.path().join("from"), folder.path().join("into"));
        for (root, file) in [(&from, "new.so"), (&from, "both.so"), (&into, "old.so"), (&into, "both.so")] {
            fs::create_dir_all(root.join("nvidia/lib")).unwrap();
            fs::write(root.join("nvidia/lib").join(file), root.to_string_lossy().as_bytes()).unwrap();
        }
        super::merge(&from, &into).unwrap();
        let lib = into.join("nvidia/lib");
        assert!(lib.join("new.so").is_file() && lib.join("old.so").is_file());
        assert_eq!(fs::read(lib.join("both.so")).unwrap(), from.to_string_lossy().as_bytes());
    }
}
