//! How flat the ends of the runs are: what the seeds of a cell come to, for each set of weights.

use polder_stats::mean;

use crate::simulation::Table;

use super::cells::by_weights;
use super::effect::factor;
use super::run::RunResult;
use super::weights_label;
use polder_experiment::claim::{LEVEL, Measure, mean_interval};
use polder_experiment::point::Point;
use polder_experiment::published::{Published, PublishedValue, Quantity};

/// What is shown, by the names of the page.
pub(super) const MEASURES: [(Measure, &str); 4] = [
    (Measure::RelativeTrace, "scale-invariant trace"),
    (Measure::RelativeLargestEigenvalue, "scale-invariant largest eigenvalue"),
    (Measure::Trace, "trace"),
    (Measure::LargestEigenvalue, "largest eigenvalue"),
];

/// The flatness at one set of weights of a cell.
pub(super) struct FlatnessResult {
    /// With the values of the axes that have several.
    pub(super) cell: String,
    /// The cell as the experiment names it.
    family: String,
    point: Point,
    /// `iterate`, or the name of an average.
    pub(super) weights: String,
    /// Of each of [`MEASURES`], seed and value of the runs that were measured; what is not above 0 is left out.
    pub(super) values: [Vec<(u64, f64)>; MEASURES.len()],
}

/// The cells in the order of the experiment, with the weights that it measures.
pub(super) fn flatness<'a>(runs: &'a [RunResult], weights: &'a [String]) -> Vec<FlatnessResult> {
    let weights_of = |_| weights.iter().map(String::as_str).collect();
    let result = |(weights, runs): (&str, Vec<&RunResult>)| {
        let values = |(measure, _)| {
            let value =
                |run: &&RunResult| Some((run.seed, run.measured.value(weights, measure, None)?.exp2()));
            runs.iter().filter_map(value).collect()
        };
        FlatnessResult {
            cell: runs[0].cell.clone(),
            family: runs[0].family.clone(),
            point: runs[0].point.clone(),
            weights: weights.to_owned(),
            values: MEASURES.map(values),
        }
    };
    by_weights(runs, weights_of).into_iter().map(result).collect()
}

/// A row per cell and set of weights, next to published eigenvalues where there are any; `None` where nothing has been measured.
pub(super) fn table(experiment: &str, results: &[FlatnessResult], published: &Published) -> Option<Table> {
    if results.iter().all(|result| result.values.iter().all(Vec::is_empty)) {
        return None;
    }
    let beside = |result: &FlatnessResult| -> String {
        let is_wanted = |quantity| quantity == Quantity::LargestEigenvalue;
        let FlatnessResult { family, point, weights, .. } = result;
        let values = published.beside(is_wanted, experiment, family, point, weights).into_iter();
        let text = |value: &PublishedValue| {
            format!("{} ({}, {}; {})", value.value, value.model, value.training, value.source)
        };
        values.map(text).collect::<Vec<_>>().join("; ")
    };
    let has_published = results.iter().any(|result| !beside(result).is_empty());
    let of_others = has_published.then_some("published largest eigenvalue (network, training; source)");
    let measures = MEASURES.map(|(_, name)| name);
    let heads: Vec<&str> = ["cell", "weights"].into_iter().chain(measures).chain(of_others).collect();
    let title = "How flat the loss is where the runs end: geometric mean over seeds (95 % t interval of the logarithm; seeds)";
    let mut table = Table::new(title, &heads);
    for of_cell in results.chunk_by(|above, below| above.cell == below.cell) {
        for (index, result) in of_cell.iter().enumerate() {
            let cell = if index == 0 { result.cell.clone() } else { String::new() };
            let measures = result.values.iter().map(|values| mean_text(values));
            let of_others = has_published.then(|| beside(result));
            let row = [cell, weights_label(&result.weights)].into_iter().chain(measures).chain(of_others);
            table.push(row.collect());
        }
    }
    Some(table)
}

/// `12.3 (10.1 to 15.0; 3)`.
fn mean_text(values: &[(u64, f64)]) -> String {
    let logs: Vec<f64> = values.iter().map(|(_, value)| value.log2()).collect();
    if logs.is_empty() {
        return "\u{2013}".to_owned();
    }
    let mean = factor(mean(&logs).exp2());
    match mean_interval(&logs, LEVEL) {
        Some(interval) => {
            let [low, high] = [interval.low, interval.high].map(|end| factor(end.exp2()));
            format!("{mean} ({low} to {high}; {})", logs.len())
        }
        None => format!("{mean} ({})", logs.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_are_geometric_and_nothing_is_a_dash() {
        assert_eq!(mean_text(&[]), "\u{2013}");
        assert_eq!(mean_text(&[(0, 12.34)]), "12.3 (1)");
        // Logarithms 1 and 3: mean 2, half width 12.706 times 1.
        assert_eq!(
            mean_text(&[(0, 2.0), (1, 8.0)]),
            format!("4.000 (6.0e-4 to {:.0e}; 2)", 14.706_f64.exp2())
        );
    }
}
