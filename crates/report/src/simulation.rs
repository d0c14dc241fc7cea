//! What a simulation of `polder theory` shows, as plain data: metrics that claims are about, tables, and figures.
//!
//! Nothing here prints or draws. The modules have the names of the simulations in [`polder_theory`].

mod averaging;
mod modified_loss;
mod sam;
mod series;
mod table;
mod thresholds;

use std::path::Path;

use anyhow::{Context, bail};
use polder_plot::Figure;
use polder_stats::Estimate;
use polder_theory as theory;
use serde::Deserialize;

pub use self::table::Table;
use polder_experiment::claim::{Metric, Uncertainty};
use polder_experiment::law::Law;
use polder_experiment::run::theory_record::TheoryRecord;

/// Everything that is to be seen of a simulation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    /// What claims can be about, each under a name of its own.
    pub metrics: Vec<Metric>,
    /// The numbers, most important first.
    pub tables: Vec<Table>,
    /// The pictures, most important first.
    pub figures: Vec<Figure>,
}

/// Estimates over `n` replicates: the name of each, what it is in words, and its value.
fn estimates<S: Into<String>, const N: usize>(n: u64, of: [(S, S, &Estimate); N]) -> Vec<Metric> {
    of.into_iter().map(|(name, what, estimate)| Metric::estimate(name, what, estimate, n)).collect()
}

/// The largest or smallest of `n` numbers that chance has no part in.
fn extreme(name: impl Into<String>, what: impl Into<String>, value: f64, n: u64) -> Metric {
    Metric { uncertainty: Uncertainty::Exact { n }, ..Metric::exact(name, what, value) }
}

impl Summary {
    /// What a report of the simulation with this id shows.
    ///
    /// # Errors
    /// If there is no such simulation, or `report` is not one of its reports.
    pub fn of(id: &str, report: &serde_json::Value) -> anyhow::Result<Self> {
        macro_rules! summary {
            ($($simulation:ident)::+) => {
                theory::$($simulation)::+::Report::deserialize(report)
                    .map(|report| $($simulation)::+::summary(&report))
            };
        }
        let summary = match id {
            "A1" => summary!(averaging::rates),
            "A2" => summary!(averaging::minima),
            "A3" => summary!(averaging::kink),
            "B1" => summary!(thresholds::quadratic),
            "B2" => summary!(thresholds::circle),
            "B3" => summary!(thresholds::styblinski_tang),
            "C1" => summary!(modified_loss),
            "D1" => summary!(sam::least_squares),
            "D2" => summary!(sam::kernel),
            "D3" => summary!(sam::minibatch),
            "D4" => summary!(sam::students),
            _ => bail!("no simulation has the id `{id}`"),
        };
        summary.with_context(|| format!("this is no report of simulation {id}"))
    }

    /// Reads a record, and what its report shows.
    pub fn read(path: &Path) -> anyhow::Result<(TheoryRecord, Self)> {
        let record = TheoryRecord::read(path)?;
        let summary = Self::of(Law::find(&record.law)?.id, &record.report)?;
        Ok((record, summary))
    }
}
