//! What criterion left of a run: one folder per bench, with the estimates and the number of images per iteration.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result, ensure};
use serde::Serialize;
use serde_json::Value;

use crate::file;
use crate::number;

/// One bench: its names and the median of its speed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Measured {
    /// `limit`, `stage` or `loader`.
    pub(crate) group: String,
    /// What is measured; where the output has a type, that is the first word.
    pub(crate) name: String,
    /// Threads of the loader; `None` where there is no loader.
    pub(crate) workers: Option<usize>,
    pub(crate) images_per_second: f64,
}

impl Measured {
    /// The type of the output, `f32`, `u8` or `bf16`, if the name begins with one.
    pub(crate) fn output(&self) -> Option<&str> {
        self.name.split(' ').next().filter(|word| ["f32", "u8", "bf16"].contains(word))
    }
}

/// The benches below `home` that were measured since `start`, in the order in which they ran. Older ones may belong
/// to benches that are gone.
pub(crate) fn read(home: &Path, start: SystemTime) -> Result<Vec<Measured>> {
    let mut found = Vec::new();
    search(home, start, &mut found)
        .with_context(|| format!("what criterion measured cannot be read from `{}`", home.display()))?;
    ensure!(!found.is_empty(), "criterion left no estimates below `{}`", home.display());
    found.sort_by_key(|(time, _)| *time);
    found.into_iter().map(|(_, folder)| measured(&folder)).collect()
}

/// Folders named `new` that hold estimates, with the time of these.
fn search(folder: &Path, start: SystemTime, found: &mut Vec<(SystemTime, PathBuf)>) -> Result<()> {
    for path in file::entries(folder)?.into_iter().filter(|path| path.is_dir()) {
        if path.ends_with("new") {
            let written = fs::metadata(path.join("estimates.json")).and_then(|metadata| metadata.modified());
            found.extend(written.ok().filter(|written| *written >= start).map(|written| (written, path)));
        } else {
            search(&path, start, found)?;
        }
    }
    Ok(())
}

fn measured(folder: &Path) -> Result<Measured> {
    let benchmark: Value = file::read_json(&folder.join("benchmark.json"))?;
    let estimates: Value = file::read_json(&folder.join("estimates.json"))?;
    let text = |key: &str| benchmark[key].as_str().map(str::to_owned);
    let group =
        text("group_id").with_context(|| format!("a bench in `{}` has no group", folder.display()))?;
    let workers = text("value_str")
        .map(|value| value.parse())
        .transpose()
        .with_context(|| format!("the parameter of a bench in `{group}` is no number of workers"))?;
    let nanoseconds = number::at(&estimates, "/median/point_estimate")?;
    Ok(Measured {
        name: text("function_id").unwrap_or_else(|| group.clone()),
        group,
        workers,
        images_per_second: number::at(&benchmark, "/throughput/Elements")? * 1e9 / nanoseconds,
    })
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::{Measured, read};

    fn write(home: &std::path::Path, folder: &str, benchmark: &serde_json::Value, nanoseconds: f64) {
        let folder = home.join(folder).join("new");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("benchmark.json"), benchmark.to_string()).unwrap();
        let estimates = serde_json::json!({ "median": { "point_estimate": nanoseconds }, "mean": {} });
        std::fs::write(folder.join("estimates.json"), estimates.to_string()).unwrap();
    }

    #[test]
    fn images_per_second_are_elements_by_the_median_time() {
        let home = tempfile::tempdir().unwrap();
        let benchmark = serde_json::json!({
            "group_id": "loader", "function_id": "f32 NCHW", "value_str": "2", "throughput": { "Elements": 500 }
        });
        write(home.path(), "loader/f32 NCHW/2", &benchmark, 1e6);
        let found = read(home.path(), SystemTime::UNIX_EPOCH).unwrap();
        let expected = Measured {
            group: "loader".to_owned(),
            name: "f32 NCHW".to_owned(),
            workers: Some(2),
            images_per_second: 500_000.0,
        };
        assert_eq!(found, [expected]);
        assert_eq!(found[0].output(), Some("f32"));
    }

    #[test]
    fn estimates_of_an_earlier_run_do_not_count() {
        let home = tempfile::tempdir().unwrap();
        let benchmark = serde_json::json!({
            "group_id": "stage", "function_id": "gone", "value_str": null, "throughput": { "Elements": 1 }
        });
        write(home.path(), "stage/gone", &benchmark, 1.0);
        let error = read(home.path(), SystemTime::now() + Duration::from_mins(1)).unwrap_err().to_string();
        assert!(error.contains("no estimates"), "{error}");
    }
}
