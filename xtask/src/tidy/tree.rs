//! The files that belong to the repository.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::command;
use crate::file;

/// A file of the repository.
#[derive(Clone, Debug)]
pub(crate) struct SourceFile {
    /// Relative to the root, with `/` between folders.
    pub(crate) path: String,
    /// Length in bytes.
    pub(crate) size: u64,
    /// Contents, empty if they are not text.
    pub(crate) text: String,
}

/// Every file that is tracked, or would be tracked if it were added.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tree {
    pub(crate) files: Vec<SourceFile>,
}

/// Made by tasks and never tracked; skipped where git cannot say so.
const IGNORED: [&str; 8] =
    [".git", ".libtorch", ".libtorch.partial", "target", "data", "results", "runs", "node_modules"];

impl Tree {
    /// Reads the files that git names or, outside of a git checkout, those that are there.
    pub(crate) fn read(root: &Path) -> Result<Self> {
        let mut paths = match git_files(root) {
            Some(paths) => paths,
            None => walk(root, root)?,
        };
        paths.sort();
        paths.dedup();
        let mut files = Vec::with_capacity(paths.len());
        for path in paths {
            let full = root.join(&path);
            // A file that is deleted but still tracked is no longer there to be checked.
            let Ok(metadata) = fs::symlink_metadata(&full) else { continue };
            if metadata.is_file() {
                let bytes =
                    fs::read(&full).with_context(|| format!("`{}` cannot be read", full.display()))?;
                let text = String::from_utf8(bytes).unwrap_or_default();
                files.push(SourceFile { path, size: metadata.len(), text });
            }
        }
        Ok(Self { files })
    }

    /// A tree of texts, to show that a check can fail.
    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let files = files.iter().map(|(path, text)| SourceFile {
            path: (*path).to_owned(),
            size: text.len() as u64,
            text: (*text).to_owned(),
        });
        Self { files: files.collect() }
    }

    pub(crate) fn get(&self, path: &str) -> Option<&SourceFile> {
        self.files.iter().find(|file| file.path == path)
    }
}

impl SourceFile {
    /// The file's name without folders and without what follows the first dot.
    pub(crate) fn stem(&self) -> &str {
        let name = self.path.rsplit('/').next().unwrap_or(&self.path);
        name.split('.').next().unwrap_or(name)
    }

    pub(crate) fn has_extension(&self, extension: &str) -> bool {
        Path::new(&self.path).extension().is_some_and(|found| found == extension)
    }
}

fn git_files(root: &Path) -> Option<Vec<String>> {
    let mut git = Command::new("git");
    git.current_dir(root).args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let names = command::quiet_output(&mut git).ok()?;
    Some(names.split('\0').filter(|name| !name.is_empty()).map(str::to_owned).collect())
}

fn walk(root: &Path, folder: &Path) -> Result<Vec<String>> {
    let mut paths = Vec::new();
    for path in file::entries(folder)? {
        if path.is_dir() && !path.is_symlink() {
            if folder != root || !IGNORED.iter().any(|ignored| path.ends_with(ignored)) {
                paths.extend(walk(root, &path)?);
            }
        } else if let Some(relative) = path.strip_prefix(root).ok().and_then(Path::to_str) {
            paths.push(relative.replace('\\', "/"));
        }
    }
    Ok(paths)
}
