//! What `polder` gives a shell: completions and manual pages.

use std::collections::BTreeSet;
use std::process::{Command, Output};

fn polder(arguments: &[&str]) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_polder")).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

/// The subcommands that `polder --help` lists.
fn subcommands() -> BTreeSet<String> {
    let help = text(polder(&["--help"]).stdout);
    let listed =
        help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names = listed.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    names
        .filter_map(|line| Some(line.split_whitespace().next()?.to_owned()))
        .filter(|name| name != "help")
        .collect()
}

#[test]
fn every_shell_has_a_script_that_knows_the_subcommands() {
    let subcommands = subcommands();
    assert!(subcommands.len() > 10, "{subcommands:?}");
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = text(polder(&["completions", shell]).stdout);
        for name in &subcommands {
            assert!(script.contains(name.as_str()), "{shell}: {name}");
        }
    }
    let refused = Command::new(env!("CARGO_BIN_EXE_polder")).args(["completions", "tcsh"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
}

/// What bash offers for the last of `words`.
#[cfg(unix)]
fn offered(words: &[&str]) -> BTreeSet<String> {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("polder.bash");
    std::fs::write(&script, polder(&["completions", "bash"]).stdout).unwrap();
    let parsed = Command::new("bash").arg("-n").arg(&script).output().unwrap();
    assert!(parsed.status.success(), "{}", String::from_utf8_lossy(&parsed.stderr));
    // As bash calls it: command, word, word before.
    let [.., before, word] = words else { panic!("a command and a word") };
    let program = r#"source "$1"; shift
        function=$(complete -p polder | sed 's/.*-F \([^ ]*\).*/\1/')
        word=$1 before=$2; shift 2
        COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
        $function polder "$word" "$before"; printf '%s\n' "${COMPREPLY[@]}""#;
    let output = Command::new("bash")
        .args(["--norc", "-c", program, "bash"])
        .arg(&script)
        .args([word, before])
        .args(words)
        .output()
        .unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    text(output.stdout).lines().map(str::to_owned).collect()
}

#[cfg(unix)]
#[test]
fn bash_completes_subcommands_flags_and_keys() {
    let all = offered(&["polder", ""]);
    let missing: Vec<String> = subcommands().difference(&all).cloned().collect();
    assert_eq!(missing, Vec::<String>::new());
    assert!(offered(&["polder", "tr"]).contains("train"));
    assert!(offered(&["polder", "config", "ex"]).contains("explain"));
    assert!(offered(&["polder", "train", "--pr"]).contains("--print-config"));
    assert!(offered(&["polder", "config", "explain", "optimizer.r"]).contains("optimizer.rho"));
}

#[test]
fn the_main_page_has_a_name_and_all_subcommands() {
    let page = text(polder(&["man"]).stdout);
    assert!(page.contains(".SH NAME\npolder \\- Trains image classifiers"), "{page}");
    for name in subcommands() {
        assert!(page.contains(&format!("polder\\-{}(1)", name.replace('-', "\\-"))), "{name}: {page}");
    }
}

#[test]
fn every_subcommand_has_a_page_with_its_examples() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("man1");
    polder(&["man", dir.to_str().unwrap()]);
    let read = |name: &str| std::fs::read_to_string(dir.join(format!("{name}.1"))).unwrap();
    for name in subcommands() {
        let page = read(&format!("polder-{name}"));
        assert!(page.contains(".SH NAME\n") && page.contains("\nExamples:\n"), "{name}: {page}");
    }
    for name in ["polder", "polder-config-explain", "polder-data-fetch", "polder-theory-smoothing"] {
        assert!(read(name).starts_with(".ie"), "{name}");
    }
    assert!(
        read("polder-train").contains("\n\\&  polder train")
            || read("polder-train").contains("\n  polder train")
    );
}
