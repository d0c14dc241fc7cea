//! Headless Chromium: what a script saw on a page, and what the browser complained of.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Names the browser; without it those of `NAMES` are looked for on PATH.
const PROGRAM: &str = "POLDER_CHROMIUM";
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// What stands before and after the JSON that a page leaves.
const SEEN: [&str; 2] = ["<script type=\"application/json\" id=\"seen\">", "</script>"];

#[derive(Clone, Copy)]
pub(super) enum SystemTheme {
    Light,
    Dark,
}

/// What came of a page.
pub(super) struct Visit {
    /// The JSON that the page left in an element `seen`.
    pub(super) seen: Value,
    /// Everything that was written to the console.
    pub(super) console: Vec<String>,
}

/// The browser; `None`, and a line that says so, where there is none.
pub(super) fn find() -> Option<PathBuf> {
    let named = std::env::var_os(PROGRAM).filter(|program| !program.is_empty());
    let found = named.map(PathBuf::from).or_else(|| {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
        let places = NAMES.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
        places.into_iter().find(|program| program.is_file())
    });
    if found.is_none() {
        eprintln!("skipped: {PROGRAM} does not name a Chromium, and PATH has none of {}", NAMES.join(", "));
    }
    found
}

/// Opens a page with no network and no profile of anybody's, and waits for what it leaves.
pub(super) fn visit(program: &Path, page: &Path, theme: SystemTheme) -> Visit {
    let profile = tempfile::tempdir().unwrap();
    let profile_argument = {
        let mut argument = OsString::from("--user-data-dir=");
        argument.push(profile.path());
        argument
    };
    // As Blink counts them.
    let theme = match theme {
        SystemTheme::Dark => 0,
        SystemTheme::Light => 1,
    };
    let output = Command::new(program)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--window-size=1280,900"])
        .args([
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--host-resolver-rules=MAP * ~NOTFOUND",
        ])
        .args(["--enable-logging=stderr", "--v=1", "--virtual-time-budget=10000", "--dump-dom"])
        .arg(format!("--blink-settings=preferredColorScheme={theme}"))
        .arg(profile_argument)
        .arg(page)
        .output()
        .unwrap_or_else(|error| panic!("`{}` cannot be started: {error}", program.display()));
    let log = String::from_utf8_lossy(&output.stderr);
    let console = log.lines().filter(|line| line.contains(":CONSOLE")).map(str::to_owned).collect();
    let dom = String::from_utf8_lossy(&output.stdout);
    let json = dom
        .rsplit_once(SEEN[0])
        .and_then(|(_, rest)| rest.split_once(SEEN[1]))
        .unwrap_or_else(|| {
            let last: Vec<&str> = log.lines().rev().take(20).collect();
            panic!("`{}` left nothing ({}): {last:#?}\n{console:?}", page.display(), output.status)
        })
        .0;
    Visit { seen: serde_json::from_str(json).unwrap(), console }
}
