//! What Polder promises, measured: `promises.toml` lists it, this runs it and says what is kept.

mod interruption;
mod manifest;
mod measure;
mod polder;
mod reproduction;
mod table;
mod training;

use std::process::ExitCode;

use anyhow::{Context, Result, ensure};

use crate::args::PromisesArgs;
use crate::data;
use crate::file;
use crate::machine;
use crate::promises::manifest::{Measure, Need, Promise};
use crate::promises::measure::Bench;
use crate::promises::table::{Row, Verdict};
use crate::reproduce::build_polder;
use crate::workspace::Workspace;

/// Measures the selected promises, prints the table and fails if one is broken.
pub(crate) fn run(workspace: &Workspace, args: &PromisesArgs) -> Result<ExitCode> {
    let promises = select(manifest::read(&workspace.root().join("promises.toml"))?, &args.only)?;
    let data_dir = workspace.data_dir(args.data_dir.as_deref());
    let scratch = tempfile::Builder::new()
        .prefix("promises-")
        .tempdir()
        .context("no temporary folder can be made; is the disk full, or TMPDIR wrong?")?;
    let polder = if promises.iter().any(|promise| promise.measure.needs_polder()) {
        Some(build_polder(workspace)?)
    } else {
        None
    };
    let mut bench = Bench::new(workspace, polder, data_dir.clone(), scratch.path().to_owned());

    let mut rows = Vec::with_capacity(promises.len());
    for promise in promises {
        eprintln!("== {}", promise.name);
        let verdict = if promise.needs.contains(&Need::Cifar10) && !data::has_cifar10(&data_dir) {
            Verdict::Skipped(format!(
                "CIFAR-10 is not in `{}`: `cargo xtask data fetch cifar10`, or `--data-dir`",
                data_dir.display()
            ))
        } else {
            judge(&promise, &mut bench)
        };
        eprintln!("== {}: {verdict}", promise.name);
        rows.push(Row { promise, verdict });
    }

    let table = table::markdown(&rows, &machine::describe(workspace));
    println!("{table}");
    if args.write {
        ensure!(args.only.is_empty(), "`--write` replaces the whole table, so it goes without `--only`");
        let page = workspace.root().join(table::PAGE);
        file::write(&page, table::insert(&file::read(&page)?, &table)?)?;
    }
    let broken = rows.iter().filter(|row| matches!(row.verdict, Verdict::Broken(_))).count();
    if broken > 0 {
        eprintln!("promises: {broken} of {} broken", rows.len());
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

fn judge(promise: &Promise, bench: &mut Bench<'_>) -> Verdict {
    match bench.measure(&promise.measure) {
        Err(error) => Verdict::Broken(format!("{error:#}")),
        Ok(None) => {
            let Measure::FinishedRun { file, scale, .. } = &promise.measure else {
                return Verdict::Broken("nothing was measured".to_owned());
            };
            Verdict::Skipped(format!(
                "`{}` holds no finished `{scale}` run: `cargo xtask reproduce --scale {scale}`",
                file.display()
            ))
        }
        Ok(Some(measured)) => {
            let kept = promise.bound.holds(measured);
            let shown = promise.bound.shown(measured);
            if kept { Verdict::Kept(shown) } else { Verdict::Broken(shown) }
        }
    }
}

fn select(promises: Vec<Promise>, only: &[String]) -> Result<Vec<Promise>> {
    for area in only {
        ensure!(
            promises.iter().any(|promise| promise.area == *area),
            "no promise is of the area `{area}`; there are: {}",
            {
                let mut areas: Vec<_> = promises.iter().map(|promise| promise.area.as_str()).collect();
                areas.dedup();
                areas.join(", ")
            }
        );
    }
    Ok(promises.into_iter().filter(|promise| only.is_empty() || only.contains(&promise.area)).collect())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{manifest, select, table};

    #[test]
    fn the_promises_of_this_repository_can_be_read() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("promises.toml");
        let promises = manifest::read(&path).unwrap();
        assert!(!select(promises, &["theory".to_owned()]).unwrap().is_empty());
    }

    #[test]
    fn the_page_has_a_place_for_the_table_and_a_row_for_every_promise() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let page = std::fs::read_to_string(root.join(table::PAGE)).unwrap();
        table::insert(&page, "").unwrap();
        for promise in manifest::read(&root.join("promises.toml")).unwrap() {
            assert!(page.contains(&format!("| {} |", promise.name)), "no row: {}", promise.name);
        }
    }

    #[test]
    fn an_unknown_area_is_refused_and_the_known_are_named() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("promises.toml");
        let error = select(manifest::read(&path).unwrap(), &["thoery".to_owned()]).unwrap_err().to_string();
        assert!(error.contains("`thoery`") && error.contains("theory"), "{error}");
    }
}
