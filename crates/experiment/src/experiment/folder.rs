//! The experiments of a folder, and those of them that a command names.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};

use super::{Experiment, Selection};

/// Lies beside the experiments and is not one.
pub const PUBLISHED_FILE: &str = "published.toml";

/// Reads all experiments of a folder, in the order of their ids.
pub fn read_all(dir: &Path) -> anyhow::Result<Vec<Experiment>> {
    let unreadable = || {
        format!(
            "cannot read the folder of experiments `{}`; run the command in Polder's folder, or name it with \
             --experiments",
            dir.display()
        )
    };
    let entries = std::fs::read_dir(dir).with_context(unreadable)?;
    let paths: Vec<PathBuf> = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()
        .with_context(unreadable)?;
    let is_experiment = |path: &PathBuf| {
        path.extension().is_some_and(|extension| extension == "toml")
            && path.file_name().is_some_and(|name| name != PUBLISHED_FILE)
    };
    let unusable = |path: &Path| format!("the experiment `{}` is not usable", path.display());
    let mut found: Vec<(&Path, Experiment)> = Vec::new();
    for path in paths.iter().filter(|path| is_experiment(path)) {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the experiment `{}`", path.display()))?;
        found.push((path, Experiment::parse(&text).with_context(|| unusable(path))?));
    }
    let grids: Vec<Experiment> = found.iter().map(|(_, experiment)| experiment.clone()).collect();
    for (path, experiment) in &mut found {
        experiment.resolve(&grids).with_context(|| unusable(path))?;
    }
    let mut experiments: Vec<Experiment> = found.into_iter().map(|(_, experiment)| experiment).collect();
    experiments.sort_by(|left, right| left.id.cmp(&right.id));
    if let Some(pair) = experiments.windows(2).find(|pair| pair[0].id == pair[1].id) {
        bail!("two files in `{}` describe the experiment `{}`", dir.display(), pair[0].id);
    }
    ensure!(!experiments.is_empty(), "`{}` holds no experiment", dir.display());
    Ok(experiments)
}

/// The experiments that a selection such as `A1,C*` names, as far as `extent` has any of them; all for an empty one.
///
/// # Errors
/// If a pattern matches none: the ids that exist are listed.
pub fn select(
    experiments: Vec<Experiment>,
    patterns: &[String],
    extent: Selection,
) -> anyhow::Result<Vec<Experiment>> {
    for pattern in patterns {
        ensure!(
            experiments.iter().any(|experiment| matches(pattern, &experiment.id)),
            "`--only {pattern}` matches no experiment; there are {}",
            experiments.iter().map(|experiment| experiment.id.as_str()).collect::<Vec<_>>().join(", ")
        );
    }
    let wanted = |experiment: &Experiment| {
        let named = patterns.is_empty() || patterns.iter().any(|pattern| matches(pattern, &experiment.id));
        named && (!extent.default_only || experiment.default.is_some())
    };
    Ok(experiments.into_iter().filter(wanted).collect())
}

/// Whether `text` fits `pattern`, in which `*` stands for anything; case does not count.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.trim().to_uppercase(), text.to_uppercase());
    let mut parts = pattern.split('*');
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scale::ScaleName;

    fn shipped() -> Vec<Experiment> {
        read_all(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../experiments")).unwrap()
    }

    #[test]
    fn the_shipped_experiments_are_usable() {
        let ids: Vec<String> = shipped().into_iter().map(|experiment| experiment.id).collect();
        assert!(ids.contains(&"A1".to_owned()) && ids.contains(&"A4".to_owned()), "{ids:?}");
    }

    #[test]
    fn globs_select_by_id() {
        for (pattern, text, expected) in [
            ("A1", "A1", true),
            ("a1", "A1", true),
            ("A*", "A4", true),
            ("*", "D5", true),
            ("A", "A1", false),
            ("*4", "A4", true),
            ("B*", "A1", false),
            ("A*2*3", "A1213", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
        let error =
            select(shipped(), &["Z*".to_owned()], Selection::all(ScaleName::Desk)).unwrap_err().to_string();
        assert!(error.contains("A1, ") && error.contains("Z*"), "{error}");
    }
}
