//! `cargo xtask book`: the chapters under `docs/` as HTML.

use std::fmt::Write as _;
use std::iter;
use std::path::{Component, Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Result, bail};

use crate::command;
use crate::file;
use crate::workspace::Workspace;

/// The version that the book's configuration is written for.
const VERSION: &str = "0.5.4";

/// Builds `docs/` into `book` in the target folder and prints the path of its first page.
///
/// # Errors
/// If mdBook is not installed (the command that installs it is named), or cannot read the book.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let found = Command::new("mdbook").arg("--version").stdin(Stdio::null()).stderr(Stdio::null()).output();
    if !found.is_ok_and(|output| output.status.success()) {
        bail!(
            "mdBook is not installed: `cargo install mdbook --locked --version {VERSION}`; the chapters are plain Markdown and read \
             as well without it, from docs/README.md on"
        );
    }
    let (docs, book) = (workspace.root().join("docs"), workspace.target_dir()?.join("book"));
    command::run(Command::new("mdbook").arg("build").arg(&docs).arg("--dest-dir").arg(&book))?;
    let to_root = relative(&book, workspace.root());
    for path in file::entries(&book)? {
        if path.extension().is_some_and(|extension| extension == "html") {
            file::write(&path, lead_out_of_the_book(&file::read(&path)?, &to_root))?;
        }
    }
    println!("{}", book.join("index.html").display());
    Ok(())
}

/// Links to files of the repository beside `docs/`: the pages lie elsewhere than the chapters, and mdBook takes every `.md` for
/// a chapter.
fn lead_out_of_the_book(page: &str, to_root: &str) -> String {
    let mut parts = page.split("href=\"../");
    let mut led = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (path, rest) = part.split_once('"').unwrap_or((part, ""));
        let path = path.replacen(".html", ".md", 1);
        let _ = write!(led, "href=\"{to_root}/{path}\"{rest}");
    }
    led
}

/// The way from one folder to another; both absolute.
fn relative(from: &Path, to: &Path) -> String {
    let (from, to): (Vec<Component<'_>>, Vec<Component<'_>>) =
        (from.components().collect(), to.components().collect());
    let common = from.iter().zip(&to).take_while(|(left, right)| left == right).count();
    let up = iter::repeat_n(Component::ParentDir, from.len() - common);
    up.chain(to[common..].iter().copied()).collect::<PathBuf>().display().to_string()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use clap::Parser as _;

    use super::{lead_out_of_the_book, relative};
    use crate::args::Args;

    #[test]
    fn links_out_of_the_book_still_lead_into_the_repository() {
        let to_root = relative(Path::new("/checkout/target/book"), Path::new("/checkout"));
        assert_eq!(to_root, "../..");
        assert_eq!(relative(Path::new("/built/book"), Path::new("/checkout")), "../../checkout");
        let page = "<a href=\"../examples/x.rs\"> <a href=\"laws.html\"> <a href=\"../CHANGELOG.html#a\">";
        assert_eq!(
            lead_out_of_the_book(page, &to_root),
            "<a href=\"../../examples/x.rs\"> <a href=\"laws.html\"> <a href=\"../../CHANGELOG.md#a\">"
        );
    }

    /// The lines of the documents that are a command of ours, as one would type them.
    fn commands() -> Vec<String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let chapters = std::fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path());
        let documents = ["README.md", "CONTRIBUTING.md"].map(|name| root.join(name));
        let pages = chapters
            .chain(documents)
            .filter(|path| path.extension().is_some_and(|extension| extension == "md"));
        let lines: Vec<String> = pages
            .flat_map(|path| {
                std::fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect::<Vec<_>>()
            })
            .collect();
        lines.into_iter().filter(|line| line.starts_with("cargo xtask ")).collect()
    }

    #[test]
    fn every_task_that_the_documents_name_can_be_typed() {
        let commands = commands();
        assert!(commands.len() > 10, "{commands:?}");
        for command in commands {
            let typed = command.split('#').next().unwrap_or_default();
            let words = typed.split_whitespace().skip(1);
            if let Err(error) = Args::try_parse_from(words) {
                panic!("`{command}`: {error}");
            }
        }
    }
}
