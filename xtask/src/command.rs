//! Commands that are shown before they run.

use std::process::{Command, ExitStatus};

use anyhow::{Context, Result, bail};

/// The command as it would be typed, words with blanks quoted.
pub(crate) fn shown(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
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

/// Prints the command line, runs it with the terminal as its own, and returns how it ended.
pub(crate) fn status(command: &mut Command) -> Result<ExitStatus> {
    eprintln!("$ {}", shown(command));
    command.status().with_context(|| format!("`{}` cannot be started", command.get_program().display()))
}

/// As [`status`], where anything but success is an error.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = status(command)?;
    if !status.success() {
        bail!("`{}` failed ({status})", shown(command));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::process::Command;

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
}
