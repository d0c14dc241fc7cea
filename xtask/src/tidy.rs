//! The invariants of ARCHITECTURE.md, checked in manifests, paths and files.

mod circles;
mod files;
mod manifests;
mod tree;

use std::fmt;
use std::process::ExitCode;

use anyhow::Result;

use crate::tidy::tree::Tree;
use crate::workspace::Workspace;

/// One place where an invariant does not hold.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Violation {
    path: String,
    /// Counted from 1.
    line: usize,
    invariant: &'static str,
    found: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}: {} ({})", self.path, self.line, self.invariant, self.found)
    }
}

/// Prints every violation, and fails if there is one.
pub(crate) fn run(workspace: &Workspace) -> Result<ExitCode> {
    let tree = Tree::read(workspace.root())?;
    let mut violations = manifests::check(&workspace.metadata()?, &tree);
    violations.extend(circles::check(&tree));
    violations.extend(files::check(&tree));
    violations.sort();
    for violation in &violations {
        eprintln!("{violation}");
    }
    if violations.is_empty() {
        println!("tidy: {} files, every invariant holds", tree.files.len());
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("tidy: {} violations; ARCHITECTURE.md gives the reason for each invariant", violations.len());
    Ok(ExitCode::FAILURE)
}
