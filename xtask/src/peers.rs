//! Programs of others that some tests ask. Where one is absent its tests are skipped, and whoever ran them is told.

use std::ffi::{OsStr, OsString};

/// A program that tests ask if it is there.
struct Peer {
    /// What is not tested without it.
    tested: &'static str,
    /// Names it.
    variable: &'static str,
    /// What it is called on PATH; nothing for one that only the variable can name.
    names: &'static [&'static str],
    /// What to install.
    remedy: &'static str,
}

const PEERS: [Peer; 2] = [
    Peer {
        tested: "the report in a browser",
        variable: "POLDER_CHROMIUM",
        names: &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"],
        remedy: "install Chromium",
    },
    Peer {
        tested: "event files in TensorBoard's own reader",
        variable: "POLDER_TENSORBOARD_PYTHON",
        names: &[],
        remedy: "install the Python package tensorboard",
    },
];

/// A line for each program that is absent: what was skipped, and what makes up for it.
pub(crate) fn absent() -> Vec<String> {
    absent_from(&std::env::var_os("PATH").unwrap_or_default(), |variable| std::env::var_os(variable))
}

fn absent_from(path: &OsStr, variable: impl Fn(&str) -> Option<OsString>) -> Vec<String> {
    let is_there = |peer: &&Peer| {
        variable(peer.variable).is_some_and(|named| !named.is_empty())
            || std::env::split_paths(path)
                .any(|folder| peer.names.iter().any(|name| folder.join(name).is_file()))
    };
    let absent = PEERS.iter().filter(|peer| !is_there(peer));
    absent
        .map(|peer| format!("skipped: {}; {} and let {} name it", peer.tested, peer.remedy, peer.variable))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_that_are_neither_named_nor_on_the_path_are_told_of() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().as_os_str();
        let skipped = absent_from(path, |_| None);
        assert_eq!(skipped.len(), PEERS.len());
        assert!(skipped[0].contains("browser") && skipped[0].contains("POLDER_CHROMIUM"), "{}", skipped[0]);
        std::fs::write(folder.path().join("google-chrome"), "").unwrap();
        assert_eq!(absent_from(path, |_| None).len(), 1);
        assert!(
            absent_from(path, |variable| (variable != "POLDER_CHROMIUM").then(|| "python".into())).is_empty()
        );
    }
}
