//! Links of a page: files are there, and so are the headings that anchors name.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

/// A Markdown file as its links see it.
pub(crate) struct Page {
    path: PathBuf,
    /// Of links and images, in order.
    links: Vec<String>,
    anchors: BTreeSet<String>,
}

impl Page {
    pub(crate) fn read(path: &Path) -> Self {
        let text =
            std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let (mut links, mut anchors, mut heading) = (Vec::new(), BTreeSet::new(), None::<String>);
        for event in Parser::new_ext(&text, Options::ENABLE_TABLES) {
            match event {
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    links.push(dest_url.to_string());
                }
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::Text(part) | Event::Code(part) => {
                    if let Some(heading) = &mut heading {
                        heading.push_str(&part);
                    }
                }
                Event::End(TagEnd::Heading(_)) => anchors.extend(heading.take().map(|text| anchor(&text))),
                _ => {}
            }
        }
        Self { path: path.to_owned(), links, anchors }
    }

    /// Files of the repository that it links to, as it writes them, without anchors.
    pub(crate) fn targets(&self) -> Vec<String> {
        let local = self.links.iter().filter(|link| !is_elsewhere(link));
        local.map(|link| split(link).0.to_owned()).filter(|file| !file.is_empty()).collect()
    }

    /// One line for each link that leads nowhere.
    pub(crate) fn broken_links(&self) -> Vec<String> {
        let wrong = |link: &&String| !is_elsewhere(link) && !self.leads_somewhere(link);
        let line = |link: &String| format!("{}: `{link}` leads nowhere", self.path.display());
        self.links.iter().filter(wrong).map(line).collect()
    }

    fn leads_somewhere(&self, link: &str) -> bool {
        let (file, anchor) = split(link);
        let has = |page: &Self| anchor.is_none_or(|anchor| page.anchors.contains(anchor));
        if file.is_empty() {
            return has(self);
        }
        let path = self.path.parent().unwrap_or(Path::new(".")).join(file);
        match anchor {
            Some(_) if path.is_file() => has(&Self::read(&path)),
            Some(_) => false,
            None => path.exists(),
        }
    }
}

fn split(link: &str) -> (&str, Option<&str>) {
    link.split_once('#').map_or((link, None), |(file, anchor)| (file, Some(anchor)))
}

fn is_elsewhere(link: &str) -> bool {
    link.contains("://") || link.starts_with("mailto:")
}

/// As forges and mdBook make it of a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().chars().filter_map(|c| match c {
        ' ' => Some('-'),
        '-' | '_' => Some(c),
        c => c.is_alphanumeric().then_some(c),
    });
    kept.flat_map(char::to_lowercase).collect()
}

#[test]
fn links_to_files_and_headings_are_told_from_those_that_lead_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let text = "# One thing: `a`, twice\n[a](b.md) [b](#one-thing-a-twice) [c](c.md#two) [d](b.md#no) [e](https://x.y/z) \
                [f](none.md) [g](#no)\n";
    std::fs::write(folder.path().join("a.md"), text).unwrap();
    std::fs::write(folder.path().join("b.md"), "").unwrap();
    std::fs::write(folder.path().join("c.md"), "## Two\n").unwrap();
    let page = Page::read(&folder.path().join("a.md"));
    let broken: Vec<bool> =
        page.links.iter().map(|link| !is_elsewhere(link) && !page.leads_somewhere(link)).collect();
    assert_eq!(broken, [false, false, false, true, false, true, true]);
    assert_eq!(page.broken_links().len(), 3);
    assert_eq!(page.targets(), ["b.md", "c.md", "b.md", "none.md"]);
}
