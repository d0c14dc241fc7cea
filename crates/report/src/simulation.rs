//! What a simulation of `polder theory` shows, as plain data: metrics that claims are about, tables, and figures.
//!
//! Nothing here prints or draws. The modules have the names of the simulations in [`polder_theory`].

mod averaging;
mod modified_loss;
mod sam;
mod series;
mod table;
mod thresholds;

use std::ops::Deref;
use std::path::Path;

use anyhow::{Context, bail};
use polder_plot::Figure;
use polder_theory as theory;
use serde::Deserialize;

use self::series::Measured;
pub use self::table::Table;
use self::table::{estimate_text, number_text};
use polder_experiment::claim::Metric;
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

/// A report that can be shown.
trait Summarize {
    /// Selects and words what the report has to show; computes nothing that takes time.
    fn summary(&self) -> Summary;
}

/// A report of [`polder_theory`], with what this crate adds to it.
struct View<'a, R>(&'a R);

impl<R> Deref for View<'_, R> {
    type Target = R;

    fn deref(&self) -> &R {
        self.0
    }
}

impl Summary {
    /// What a report of the simulation with this id shows.
    ///
    /// # Errors
    /// If there is no such simulation, or `report` is not one of its reports.
    pub fn of(id: &str, report: &serde_json::Value) -> anyhow::Result<Self> {
        macro_rules! summary {
            ($($simulation:ident)::+) => {
                theory::$($simulation)::+::Report::deserialize(report).map(|report| View(&report).summary())
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
