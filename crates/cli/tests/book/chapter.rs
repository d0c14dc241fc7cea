//! A chapter and its fenced blocks.

use std::path::{Path, PathBuf};

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

/// One Markdown file of the book.
pub(crate) struct Chapter {
    pub(crate) path: PathBuf,
    /// As SUMMARY.md names it.
    pub(crate) name: String,
    pub(crate) fences: Vec<Fence>,
}

/// A fenced block.
pub(crate) struct Fence {
    /// What stands after the opening fence.
    pub(crate) info: String,
    pub(crate) text: String,
    /// Of the opening fence, from 1.
    pub(crate) line: usize,
}

impl Chapter {
    pub(crate) fn read(docs: &Path, name: &str) -> Self {
        let path = docs.join(name);
        let text =
            std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self { path, name: name.to_owned(), fences: fences(&text) }
    }

    /// Where a block is, for a message.
    pub(crate) fn place(&self, fence: &Fence) -> String {
        format!("docs/{}:{}", self.name, fence.line)
    }
}

impl Fence {
    /// The first word of the info string; `rust,no_run` is `rust`.
    pub(crate) fn kind(&self) -> &str {
        self.info.split([' ', ',']).next().unwrap_or_default()
    }

    /// Commands that the test runs.
    pub(crate) fn runs(&self) -> bool {
        self.info == "sh"
    }
}

fn fences(text: &str) -> Vec<Fence> {
    let mut fences: Vec<Fence> = Vec::new();
    let mut within = false;
    for (event, range) in Parser::new_ext(text, Options::ENABLE_TABLES).into_offset_iter() {
        match event {
            Event::Start(Tag::CodeBlock(kind)) => {
                let info = match kind {
                    CodeBlockKind::Fenced(info) => info.to_string(),
                    CodeBlockKind::Indented => "indented".to_owned(),
                };
                let line = text[..range.start].matches('\n').count() + 1;
                fences.push(Fence { info, text: String::new(), line });
                within = true;
            }
            Event::Text(part) if within => {
                if let Some(fence) = fences.last_mut() {
                    fence.text += &part;
                }
            }
            Event::End(TagEnd::CodeBlock) => within = false,
            _ => {}
        }
    }
    fences
}

#[test]
fn fences_have_their_words_their_text_and_their_line() {
    let found = fences("# A\n\n```sh covered a.rs::b\nx\ny\n```\n\n```rust,no_run\nz\n```\n");
    let seen: Vec<_> =
        found.iter().map(|fence| (fence.kind(), fence.text.as_str(), fence.line, fence.runs())).collect();
    assert_eq!(seen, [("sh", "x\ny\n", 3, false), ("rust", "z\n", 8, false)]);
}
