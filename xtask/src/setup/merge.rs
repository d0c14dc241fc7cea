//! Freshly fetched wheels moved into a folder that may hold others.

use std::path::Path;

use anyhow::Result;

use crate::file;

/// Moves everything below `from` into `into`, replacing files of the same name and keeping the others.
///
/// pip itself does not merge `nvidia/`, which many wheels share. The `.dist-info` folders, which say that a wheel is
/// there, go last: an interrupted merge counts as not installed and is done again.
pub(crate) fn merge(from: &Path, into: &Path) -> Result<()> {
    file::make_folder(into)?;
    let mut entries = file::entries(from)?;
    entries.sort_by_key(|entry| entry.extension().is_some_and(|extension| extension == "dist-info"));
    for entry in entries {
        let to = into.join(entry.file_name().unwrap_or_default());
        if entry.is_dir() && !entry.is_symlink() && to.is_dir() {
            merge(&entry, &to)?;
        } else {
            file::rename(&entry, &to)?;
        }
    }
    Ok(())
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
