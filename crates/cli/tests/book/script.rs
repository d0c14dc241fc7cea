//! The commands of a chapter as one script, and what stands in place of those that cannot run in a test.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Output};

use super::chapter::{Chapter, Fence};

/// `polder` as a chapter finds it. Chapters run beside each other and beside other tests: threads of libtorch, more of them than
/// cores, would spend their time on each other.
const POLDER: &str = concat!(
    "polder() {\n    case \"$1\" in\n",
    "        train | reproduce | plan | profile-input | bench) '",
    env!("CARGO_BIN_EXE_polder"),
    "' \"$@\" --threads 1 ;;\n",
    "        *) '",
    env!("CARGO_BIN_EXE_polder"),
    "' \"$@\" ;;\n",
    "    esac\n}\n",
);

/// The mark of a block is one that there is; what covers it exists.
pub(crate) fn check_marks(root: &Path, fence: &Fence) -> Result<(), String> {
    let words: Vec<&str> = fence.info.split(' ').collect();
    match words.as_slice() {
        ["sh"] | ["sh", "gpu"] => Ok(()),
        ["sh", "covered", by] => {
            let (file, name) = by.split_once("::").ok_or_else(|| format!("`{by}`: expected FILE::NAME"))?;
            let text =
                std::fs::read_to_string(root.join(file)).map_err(|error| format!("`{file}`: {error}"))?;
            let wanted =
                if has_extension(file, "rs") { format!("fn {name}(") } else { format!("area = \"{name}\"") };
            text.contains(&wanted).then_some(()).ok_or_else(|| format!("`{file}` has no `{wanted}`"))
        }
        _ => Err(format!("`{}`: expected `sh`, `sh gpu` or `sh covered FILE::NAME`", fence.info)),
    }
}

/// A file is named in its first line and by a later command.
pub(crate) fn check_file(chapter: &Chapter, fence: &Fence) -> Result<(), String> {
    let path = file_path(fence).ok_or("the first line names no file: `# mine/M1.toml`, say")?;
    let folder = path.rsplit_once('/').map(|(folder, _)| folder);
    let uses =
        |command: &str| command.contains(path) || folder.is_some_and(|folder| command.contains(folder));
    let later = chapter.fences.iter().filter(|other| other.runs() && other.line > fence.line);
    let mut commands = later.flat_map(|other| other.text.lines()).filter(|line| line.contains("polder"));
    commands.any(uses).then_some(()).ok_or_else(|| format!("no later command of the chapter uses `{path}`"))
}

fn file_path(fence: &Fence) -> Option<&str> {
    let path = fence.text.lines().next()?.strip_prefix("# ")?;
    let is_path = has_extension(path, "toml") && !path.starts_with('/') && !path.contains([' ', '\'']);
    is_path.then_some(path)
}

/// Runs the blocks of a chapter in order.
///
/// # Errors
/// What went wrong, in which block, and what the commands said.
pub(crate) fn run(root: &Path, chapter: &Chapter) -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    let [here, data, home] = ["here", "data", "home"].map(|name| folder.path().join(name));
    for path in [&here, &data, &home] {
        std::fs::create_dir(path).unwrap();
    }
    std::os::unix::fs::symlink(root.join("experiments"), here.join("experiments")).unwrap();
    let output = Command::new("bash")
        .args(["--norc", "-c", &script(chapter)])
        .current_dir(&here)
        .env("POLDER_DATA", &data)
        .env("HOME", &home)
        .env_remove("POLDER_LOG")
        .output()
        .unwrap();
    if output.status.success() { Ok(()) } else { Err(failure(chapter, &output)) }
}

/// Stops at the first command that fails, and says in which block that was.
fn script(chapter: &Chapter) -> String {
    let mut script =
        format!("set -Eeuo pipefail\ntrap 'echo \"in the block at line $LINE\" >&2' ERR\n{POLDER}");
    for fence in &chapter.fences {
        let _ = writeln!(script, "LINE={}", fence.line);
        if fence.runs() {
            script += &fence.text;
        } else if let Some(path) = file_path(fence).filter(|_| fence.kind() == "toml") {
            let folder = Path::new(path).parent().unwrap_or(Path::new("")).display();
            let _ = write!(
                script,
                "mkdir -p './{folder}'\ncat > '{path}' <<'END OF FILE'\n{}END OF FILE\n",
                fence.text
            );
        }
    }
    script
}

fn failure(chapter: &Chapter, output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    format!("docs/{}: {}\n{stdout}\n{stderr}", chapter.name, output.status)
}

/// The commands of `polder` in a block, without comments, redirections and what they are piped into.
pub(crate) fn commands_of_polder(text: &str) -> Vec<String> {
    let joined = text.replace("\\\n", " ");
    let bare =
        |line: &str| line.split([';', '|', '>', '#', '&']).next().unwrap_or_default().trim().to_owned();
    joined.lines().filter(|line| line.trim_start().starts_with("polder ")).map(bare).collect()
}

/// With `--help` at its end a command checks what stands before and does nothing.
pub(crate) fn check_flags(command: &str) -> Result<(), String> {
    let words = command.split_whitespace().skip(1);
    let output = Command::new(env!("CARGO_BIN_EXE_polder")).args(words).arg("--help").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    output.status.success().then_some(()).ok_or_else(|| format!("`{command}`: {said}"))
}

#[test]
fn flags_are_checked_before_help_is_given() {
    assert_eq!(check_flags("polder train quick.toml --device cuda --tf32"), Ok(()));
    assert!(check_flags("polder train quick.toml --device tpu").is_err());
    assert!(check_flags("polder train --tf23").unwrap_err().contains("--tf32"));
}

#[test]
fn a_script_stops_in_the_block_that_fails() {
    let fence = |info: &str, text: &str, line| Fence { info: info.to_owned(), text: text.to_owned(), line };
    let fences = vec![
        fence("toml", "# a/b.toml\nx = 1\n", 3),
        fence("sh", "grep -q 'x = 1' a/b.toml\n", 7),
        fence("sh gpu", "false\n", 11),
        fence("sh", "false | true\n", 15),
        fence("sh", "true\n", 19),
    ];
    let chapter = Chapter { path: "x.md".into(), name: "x.md".to_owned(), fences };
    let said = run(Path::new("/nonexistent"), &chapter).unwrap_err();
    assert!(said.contains("in the block at line 15"), "{said}");
}

/// Whether a path ends in `.extension`.
pub(crate) fn has_extension(path: &str, extension: &str) -> bool {
    Path::new(path).extension().is_some_and(|found| found == extension)
}
