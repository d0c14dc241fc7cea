//! What `polder plan` prints.

use std::fmt::Write as _;

use super::{Plan, PlannedRun, RunState, Use};
use crate::duration::duration;
use crate::plan::cost_model::together;

impl Plan {
    /// The table that `polder plan` prints, for so many runs at a time.
    pub fn table(&self, jobs: usize) -> String {
        let mut lines =
            vec![["", "seed", "data", "network", "epochs", "state", "time left", "run"].map(str::to_owned)];
        for theory in &self.theory {
            let state = if theory.finished { "finished" } else { "to do" };
            let left = if theory.finished { "-" } else { "seconds" };
            let file = theory.path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let cells = [&theory.experiment, "-", "none", "-", "-", state, left, &file];
            lines.push(cells.map(str::to_owned));
        }
        for run in &self.runs {
            let uses: Vec<String> =
                run.serves.iter().map(|serves| format!("{} {}", serves.experiment, serves.cell)).collect();
            let left = match (run.is_done(), run.seconds) {
                (true, _) => "-".to_owned(),
                (false, Some(seconds)) => duration(seconds),
                (false, None) => "unknown".to_owned(),
            };
            lines.push([
                uses.join("; "),
                run.config.seed.to_string(),
                run.config.data.dataset.to_string(),
                run.config.model.name.clone(),
                run.config.training.epochs.to_string(),
                if run.state == RunState::Finished && !run.is_done() {
                    "flatness to measure".to_owned()
                } else {
                    run.state.to_string()
                },
                left,
                run.id.clone(),
            ]);
        }
        let mut table = aligned(&lines);
        let unknown = self.left().filter(|run| run.seconds.is_none()).count();
        let known = duration(together(self.left().filter_map(|run| run.seconds), jobs));
        let side_by_side = if jobs > 1 { format!(", {jobs} at a time") } else { String::new() };
        let left = match (self.left().count(), unknown) {
            (0, _) => "nothing is left to train".to_owned(),
            (count, 0) => format!("{count} to train, about {known}{side_by_side}"),
            (count, unknown) if unknown == count => format!("{count} to train, time unknown"),
            (count, unknown) => {
                format!("{count} to train, about {known}{side_by_side} and {unknown} of unknown time")
            }
        };
        let _ = writeln!(
            table,
            "{} run{}: {left}.",
            self.runs.len(),
            if self.runs.len() == 1 { "" } else { "s" }
        );
        table + &self.remark_on_flatness()
    }

    /// The same by cells, for so many devices of a kind: how many runs are left of each, and the hours of one device that they take.
    /// A run that several cells need counts where it is first asked for.
    pub fn cells(&self, device: &str) -> String {
        let mut cells: Vec<(&Use, Vec<&PlannedRun>)> = Vec::new();
        for run in &self.runs {
            match cells.iter_mut().find(|(cell, _)| **cell == run.serves[0]) {
                Some((_, of_cell)) => of_cell.push(run),
                None => cells.push((&run.serves[0], vec![run])),
            }
        }
        let hours = |runs: &[&PlannedRun]| -> String {
            let mut left = runs.iter().filter(|run| !run.is_done()).peekable();
            if left.peek().is_none() {
                return "-".to_owned();
            }
            let seconds: Option<f64> = left.map(|run| run.seconds).sum();
            seconds.map_or_else(|| "unknown".to_owned(), |seconds| format!("{:.2}", seconds / 3600.0))
        };
        let line = |cell: String, runs: &[&PlannedRun]| {
            let left = runs.iter().filter(|run| !run.is_done()).count();
            [cell, runs.len().to_string(), left.to_string(), hours(runs)]
        };
        let mut lines = vec![["", "runs", "left", &format!("{device} hours left")].map(str::to_owned)];
        lines.extend(
            cells.iter().map(|(cell, runs)| line(format!("{} {}", cell.experiment, cell.cell), runs)),
        );
        lines.push(line("all".to_owned(), &self.runs.iter().collect::<Vec<_>>()));
        aligned(&lines) + &self.remark_on_flatness()
    }

    fn remark_on_flatness(&self) -> String {
        let mut remark = String::new();
        if self.left().any(|run| run.seconds.is_some() && !run.counts_flatness) {
            remark += "Measuring flatness comes on top: how long it takes is known after the first time.\n";
        }
        remark
    }
}

/// Rows of cells as left-aligned columns.
pub fn aligned<const N: usize>(rows: &[[String; N]]) -> String {
    let widths: [usize; N] =
        std::array::from_fn(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0));
    let mut text = String::new();
    for row in rows {
        let cells: Vec<String> =
            row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        let _ = writeln!(text, "{}", cells.join("  ").trim_end());
    }
    text
}
