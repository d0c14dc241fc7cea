//! Commands that are shown before they run.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde::de::DeserializeOwned;

/// The command as it would be typed, words with blanks quoted.
pub(crate) fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    std::iter::once(program)
        .chain(command.get_args())
        .map(|word| {
            let word = word.to_string_lossy();
            if word.is_empty() || word.contains([' ', '\'', '"', '*', '$']) {
                format!("'{word}'")
            } else {
                word.into_owned()
            }
        })
        .collect::<Vec<_>>()
        .join(" ")
}

/// The first of these programs in a folder of `path`.
pub(crate) fn on_path(path: &OsStr, names: &[&str]) -> Option<PathBuf> {
    let find =
        |name: &&str| std::env::split_paths(path).map(|folder| folder.join(name)).find(|file| file.is_file());
    names.iter().find_map(find)
}

/// Prints the command line, runs it with the terminal as its own, and returns how it ended.
pub(crate) fn status(command: &mut Command) -> Result<ExitStatus> {
    eprintln!("$ {}", shown(command));
    command.status().with_context(|| format!("`{}` cannot be started", command.get_program().display()))
}

/// As [`status`], where anything but success is an error.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = status(command)?;
    succeeded(command, status)
}

/// Prints the command line, runs it without standard input, and returns what it printed; anything but success is an error.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    eprintln!("$ {}", shown(command));
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let output = output.with_context(|| format!("`{}` cannot be started", shown(command)))?;
    succeeded(command, output.status)?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// As [`output`], but silent: the error holds what the command printed to standard error.
pub(crate) fn quiet_output(command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output();
    let output = output.with_context(|| format!("`{}` cannot be started", shown(command)))?;
    succeeded(command, output.status)
        .with_context(|| String::from_utf8_lossy(&output.stderr).trim().to_owned())?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Waits for `child`. Calls `may_go_on` with the elapsed time every 50 ms, and kills the child if that is false: then `None`.
pub(crate) fn wait_while(
    child: &mut Child,
    mut may_go_on: impl FnMut(Duration) -> bool,
) -> Result<Option<ExitStatus>> {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if !may_go_on(start.elapsed()) {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// As [`output`], for a program whose last line is JSON.
pub(crate) fn json<T: DeserializeOwned>(command: &mut Command) -> Result<T> {
    last_json(&output(command)?).with_context(|| format!("`{}`", shown(command)))
}

/// The JSON in the last line of what a program printed: cargo and libraries may print before it.
pub(crate) fn last_json<T: DeserializeOwned>(output: &str) -> Result<T> {
    let last = output.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    serde_json::from_str(last).with_context(|| format!("the last line is no JSON as expected: `{last}`"))
}

fn succeeded(command: &Command, status: ExitStatus) -> Result<()> {
    if !status.success() {
        bail!("`{}` failed ({status})", shown(command));
    }
    Ok(())
}

/// The same code for whoever called us; 128 plus the signal's number if one ended it, as shells have it.
pub(crate) fn exit_code(status: ExitStatus) -> ExitCode {
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return ExitCode::from(128_u8.saturating_add(signal as u8));
    }
    ExitCode::from(status.code().map_or(1, |code| code as u8))
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::Duration;

    #[test]
    fn words_with_blanks_are_quoted_when_shown() {
        let mut command = Command::new("/usr/bin/cargo");
        command.args(["test", "two words"]);
        assert_eq!(super::shown(&command), "cargo test 'two words'");
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = super::run(&mut Command::new("no-such-program-of-polder")).unwrap_err();
        assert!(format!("{error:#}").contains("no-such-program-of-polder"));
    }

    #[test]
    fn json_is_read_from_the_last_line_and_what_is_none_is_shown() {
        let value: serde_json::Value = super::last_json("a greeting\n{\"a\": 1}\n\n").unwrap();
        assert_eq!(value["a"], 1);
        let error = super::last_json::<serde_json::Value>("a greeting").unwrap_err().to_string();
        assert!(error.contains("`a greeting`"), "{error}");
    }

    #[test]
    fn a_command_that_takes_too_long_is_ended() {
        let shell = |script: &str, limit| {
            let mut child = Command::new("sh").args(["-c", script]).spawn().unwrap();
            super::wait_while(&mut child, |so_far| so_far <= limit).unwrap().map(|status| status.code())
        };
        assert_eq!(shell("exit 0", Duration::MAX), Some(Some(0)));
        assert_eq!(shell("exit 3", Duration::MAX), Some(Some(3)));
        assert_eq!(shell("exec sleep 600", Duration::ZERO), None);
    }

    #[test]
    fn the_exit_code_is_handed_on() {
        for (script, expected) in [("exit 0", 0), ("exit 3", 3), ("kill -TERM $$", 143)] {
            let status = Command::new("sh").args(["-c", script]).status().unwrap();
            let code = super::exit_code(status);
            assert_eq!(format!("{code:?}"), format!("{:?}", std::process::ExitCode::from(expected)));
        }
    }
}
