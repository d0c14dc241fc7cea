//! What simulations of averaging show.

pub(super) mod kink;
pub(super) mod minima;
pub(super) mod rates;

use polder_plot::{Axis, Ink, Panel, Series, Shape};

use super::series::{line, panel};

/// The objective and what SGD descends at one step size, with a mark at a minimum.
fn smoothing_panel(
    step_size: f64,
    (name, minimum): (&str, f64),
    objective: impl Iterator<Item = (f64, f64)>,
    smoothed: impl Iterator<Item = (f64, f64)>,
) -> Panel {
    let series = vec![
        Series::new(name, Ink::Muted, Shape::Vertical(minimum)),
        line("f", Ink::Text, objective),
        line("F", Ink::Green, smoothed),
    ];
    let title = format!("f and smoothed F, step size {step_size}");
    panel(title, Axis::linear("w"), Axis::linear("value"), series)
}

/// Where runs end: how many in every bin.
struct Ends<'a> {
    num_runs: u64,
    /// One more than bins.
    bin_edges: &'a [f64],
    averages: &'a [u64],
    iterates: &'a [u64],
}

impl Ends<'_> {
    /// Histograms of averages and last iterates, with a mark at a minimum.
    fn panel(&self, title: String, (name, minimum): (&str, f64)) -> Panel {
        let series = vec![
            Series::new("average", Ink::Blue, self.bars(self.averages)),
            Series::new("last iterate", Ink::Orange, self.bars(self.iterates)),
            Series::new(name, Ink::Muted, Shape::Vertical(minimum)),
        ];
        panel(title, Axis::linear("where a run ends"), Axis::linear("share of runs, %"), series)
    }

    fn bars(&self, counts: &[u64]) -> Shape {
        let bins = self.bin_edges.windows(2).zip(counts).filter(|(_, count)| **count > 0);
        let share = |count: u64| 100.0 * count as f64 / self.num_runs as f64;
        Shape::Bars(bins.map(|(edges, count)| (edges[0], edges[1], share(*count))).collect())
    }
}
