//! Files that are whole or absent: written beside their place and renamed into it.

use std::io::{self, Write};
use std::path::Path;

use anyhow::Context;

/// Puts `bytes` at `path`, whose folder is made if need be; a reader sees the old file or the new one.
///
/// # Errors
/// If the folder cannot be written to or the disk is full: the path and what to do are named, and nothing is left
/// behind.
pub fn replace_file(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    write(path, dir, bytes).with_context(|| format!("cannot write `{}`", path.display()))
}

fn write(path: &Path, dir: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let advise = |error: io::Error| {
        let advice = advice(&error, dir);
        anyhow::Error::new(error).context(advice)
    };
    std::fs::create_dir_all(dir).map_err(advise)?;
    let mut file = readable_by_all().tempfile_in(dir).map_err(advise)?;
    file.write_all(bytes).map_err(advise)?;
    file.as_file().sync_all().map_err(advise)?;
    file.persist(path).map_err(|error| advise(error.error))?;
    Ok(())
}

/// Temporary files are private by default; what they become here is as readable as any file that a user makes.
fn readable_by_all() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder
}

fn advice(error: &io::Error, dir: &Path) -> String {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => format!(
            "the disk that holds `{}` is full; free some space, or choose another folder with --results or --output, and \
             repeat the command: what is finished is kept",
            dir.display()
        ),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => format!(
            "the folder `{}` cannot be written to; change its permissions, or choose another one with --results or \
             --output",
            dir.display()
        ),
        _ => format!(
            "the folder `{}` cannot be used; choose another one with --results or --output",
            dir.display()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_and_nothing_else_is_left() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep/er/report.md");
        replace_file(&path, b"one").unwrap();
        replace_file(&path, b"two").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_file_is_as_readable_as_one_that_is_made_directly() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let (replaced, direct) = (dir.path().join("replaced"), dir.path().join("direct"));
        replace_file(&replaced, b"").unwrap();
        std::fs::write(&direct, b"").unwrap();
        let mode = |path| std::fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&replaced), mode(&direct));
    }

    #[test]
    fn a_folder_that_is_a_file_is_named_with_a_remedy() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("results"), "").unwrap();
        let error = format!("{:#}", replace_file(&dir.path().join("results/report.md"), b"").unwrap_err());
        assert!(error.contains("report.md") && error.contains("--results"), "{error}");
    }
}
