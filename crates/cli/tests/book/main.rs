//! The book keeps its word: commands run, files are read by the commands that they are for, quoted code is code, links lead somewhere.
//!
//! A fenced block of a chapter is one of
//!
//! | info string | what the test does |
//! |---|---|
//! | `sh` | runs it, in order with the others of the chapter, in a folder of its own |
//! | `sh gpu` | checks the flags of `polder`: no GPU is needed for that |
//! | `sh covered FILE::NAME` | the same, and that the file holds a test, or an area of promises, of that name |
//! | `toml` | a file: its first line is a comment with its path, and a later command of the chapter names it or its folder |
//! | `rust` | compiled: its page is tested as documentation is, or the block stands word for word in a source file beside it |
//! | `diff` | the lines that it changes are there |
//! | `json`, `text` | the first parses, line by line; the second is for people |
#![cfg(unix)]

mod chapter;
mod code;
mod links;
mod script;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use self::chapter::{Chapter, Fence};
use self::links::Page;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The chapters, as SUMMARY.md orders them.
fn chapters() -> Vec<Chapter> {
    let docs = repository().join("docs");
    let names = Page::read(&docs.join("SUMMARY.md")).targets();
    names.iter().map(|name| Chapter::read(&docs, name)).collect()
}

/// Fails with all that is wrong, not with the first of it.
fn expect_none(wrong: &[String]) {
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn the_summary_names_every_chapter_once() {
    let docs = repository().join("docs");
    let names = Page::read(&docs.join("SUMMARY.md")).targets();
    let unique: BTreeSet<&String> = names.iter().collect();
    assert_eq!(unique.len(), names.len(), "a chapter is named twice: {names:?}");
    let is_chapter = |name: &String| script::has_extension(name, "md") && name != "SUMMARY.md";
    let there = std::fs::read_dir(&docs).unwrap();
    let there: BTreeSet<String> =
        there.map(|entry| entry.unwrap().file_name().into_string().unwrap()).filter(is_chapter).collect();
    let named: BTreeSet<String> = names.iter().filter(|name| !name.contains('/')).cloned().collect();
    assert_eq!(named, there);
}

#[test]
fn links_and_anchors_lead_somewhere() {
    let root = repository();
    let mut paths: Vec<PathBuf> = chapters().into_iter().map(|chapter| chapter.path).collect();
    for name in ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"] {
        paths.push(root.join(name));
    }
    let wrong: Vec<String> = paths.iter().flat_map(|path| Page::read(path).broken_links()).collect();
    expect_none(&wrong);
}

#[test]
fn every_block_is_of_a_kind_that_is_checked() {
    let root = repository();
    let wrong: Vec<String> = chapters()
        .iter()
        .flat_map(|chapter| {
            chapter.fences.iter().filter_map(|fence| {
                let checked = match fence.kind() {
                    "sh" => script::check_marks(&root, fence),
                    "toml" => script::check_file(chapter, fence),
                    "rust" => code::check_rust(&root, chapter, fence),
                    "diff" => code::check_diff(&root, fence),
                    "json" => code::check_json(fence),
                    "text" => Ok(()),
                    other => Err(format!("no block is of the kind `{other}`")),
                };
                checked.err().map(|error| format!("{}: {error}", chapter.place(fence)))
            })
        })
        .collect();
    expect_none(&wrong);
}

#[test]
fn flags_of_commands_that_do_not_run_here_exist() {
    let mut wrong = Vec::new();
    for chapter in &chapters() {
        for fence in chapter.fences.iter().filter(|fence| fence.kind() == "sh" && !fence.runs()) {
            for command in script::commands_of_polder(&fence.text) {
                if let Err(error) = script::check_flags(&command) {
                    wrong.push(format!("{}: {error}", chapter.place(fence)));
                }
            }
        }
    }
    expect_none(&wrong);
}

/// Chapters do not depend on each other; two at a time use both cores of a small machine.
#[test]
fn commands_run() {
    let chapters =
        Mutex::new(chapters().into_iter().filter(|chapter| chapter.fences.iter().any(Fence::runs)));
    let wrong = Mutex::new(Vec::new());
    let next = || chapters.lock().unwrap().next();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(chapter) = next() {
                    if let Err(error) = script::run(&repository(), &chapter) {
                        wrong.lock().unwrap().push(error);
                    }
                }
            });
        }
    });
    expect_none(&wrong.into_inner().unwrap());
}
