//! One experiment of a report, with the runs that it asks for.

use std::path::Path;

use super::cells::{CellResult, cells};
use super::flatness::{self, FlatnessResult, flatness};
use super::run::{RunResult, progress, seconds};
use super::simulation::{Summary, Table};
use polder_experiment::claim::{Claim, Finding, Measurements};
use polder_experiment::experiment::Experiment;
use polder_experiment::plan::reproduce_request::ReproduceRequest;
use polder_experiment::plan::run_dir;
use polder_experiment::published::Published;
use polder_experiment::run::flatness::FlatnessRecord;
use polder_experiment::run::record::{RECORD_FILE, RunRecords};
use polder_experiment::run::theory_record::TheoryRecord;

/// One experiment at the scale of the session.
pub struct ExperimentReport {
    pub experiment: Experiment,
    /// The experiment of the same report whose section has the curves of these runs.
    pub runs_shown_in: Option<String>,
    /// In what it differs from the paper.
    pub scale_note: String,
    pub claims: Vec<(Claim, Finding)>,
    pub cells: Vec<CellResult>,
    pub runs: Vec<RunResult>,
    /// The record of the simulation, and what it shows.
    pub theory: Option<(TheoryRecord, Summary)>,
    /// Records that exist and cannot be read, with the reason.
    pub damaged: Vec<String>,
    /// How many measurements of flatness it asks for of every run.
    measures: usize,
}

impl ExperimentReport {
    /// Reads what the session asked for.
    ///
    /// # Errors
    /// If the experiment has no such scale. A damaged record is not an error: it is named in `damaged`.
    pub(super) fn collect(
        experiment: Experiment,
        session: &ReproduceRequest,
        results: &Path,
    ) -> anyhow::Result<Self> {
        let mut damaged = Vec::new();
        let theory = experiment.simulation(session.extent.scale)?.and_then(|simulation| {
            let path = simulation.path(results, &experiment.id, session.extent.scale);
            path.exists().then(|| Summary::read(&path)).and_then(|read| note(read, &mut damaged))
        });
        let asked_for = experiment.flatness(session.extent.scale);
        let mut runs = Vec::new();
        for run in experiment.runs(session.extent)? {
            let dir = run_dir(results, &run.config.id());
            let records = dir.join(RECORD_FILE).exists().then(|| RunRecords::read(&dir));
            let records = records.and_then(|read| note(read, &mut damaged));
            let known = (!asked_for.is_empty()).then(|| note(FlatnessRecord::read_all(&dir), &mut damaged));
            let known = known.flatten().unwrap_or_default().into_iter();
            let flatness = known.filter(|record| asked_for.contains(&record.settings)).collect();
            runs.push(RunResult::new(run, records, flatness));
        }
        let mut measurements = Measurements::default();
        for run in &runs {
            measurements.add(&run.family, &run.point, run.seed, run.measured.clone());
        }
        let cells = cells(&runs);
        let metrics = theory.as_ref().map(|(_, summary)| summary.metrics.as_slice());
        let tested = |claim: &Claim| {
            let findings = claim.test.evaluate(&measurements, metrics);
            findings.into_iter().map(|finding| (claim.clone(), finding)).collect::<Vec<_>>()
        };
        let claims = experiment.claims.iter().flat_map(tested).collect();
        let scale_note = experiment.scale(session.extent.scale)?.note.clone();
        let measures = asked_for.len();
        Ok(Self {
            experiment,
            runs_shown_in: None,
            scale_note,
            claims,
            cells,
            runs,
            theory,
            damaged,
            measures,
        })
    }

    /// How flat the ends of the runs are; empty where that is not measured.
    pub(super) fn flatness(&self) -> Vec<FlatnessResult> {
        let settings = self.experiment.flatness.as_ref();
        settings.map_or_else(Vec::new, |settings| flatness(&self.runs, &settings.weights))
    }

    /// All tables but that of the accuracies.
    pub(super) fn tables(&self, published: &Published) -> Vec<Table> {
        let of_simulation = self.theory.iter().flat_map(|(_, summary)| summary.tables.iter().cloned());
        let of_flatness = flatness::table(&self.experiment.id, &self.flatness(), published);
        of_simulation.chain(of_flatness).collect()
    }

    /// The cells with their accuracies; none where flatness is the subject and another section has them.
    pub(super) fn accuracies(&self) -> &[CellResult] {
        if self.runs_shown_in.is_some() && self.experiment.flatness.is_some() { &[] } else { &self.cells }
    }

    pub(super) fn records(&self) -> impl Iterator<Item = &RunRecords> {
        self.runs.iter().filter_map(|run| run.records.as_ref())
    }

    /// How many runs have ended, and how many there are to be.
    pub(super) fn progress(&self) -> (usize, usize) {
        progress(&self.runs)
    }

    /// Whether nothing is left to compute: the simulation has ended, or every run is done.
    pub(super) fn is_complete(&self) -> bool {
        self.is_simulated() && self.runs.iter().all(|run| self.is_done(run))
    }

    /// Whether something is left that neither a missing data set nor a failure kept from being computed.
    pub(super) fn can_continue(&self, session: &ReproduceRequest) -> bool {
        let is_kept_away =
            |run: &RunResult| session.lacks(run.config.data.dataset) || session.has_failed(&run.id);
        !(self.is_simulated() || session.has_failed(&self.experiment.id))
            || self.runs.iter().any(|run| !self.is_done(run) && !is_kept_away(run))
    }

    /// Whether the simulation has ended, where the experiment has one.
    fn is_simulated(&self) -> bool {
        self.experiment.theory.is_none() || self.theory.is_some()
    }

    /// Whether a run has ended and its flatness, if this experiment is about that, is measured.
    pub(super) fn is_done(&self, run: &RunResult) -> bool {
        run.is_done(self.measures)
    }

    /// Time of everything that was computed for the experiment.
    pub(super) fn seconds(&self) -> f64 {
        seconds(&self.runs) + self.theory.as_ref().map_or(0.0, |(record, _)| record.seconds)
    }
}

/// The value, or `None` with the reason noted.
fn note<T>(read: anyhow::Result<T>, damaged: &mut Vec<String>) -> Option<T> {
    read.map_err(|error| damaged.push(format!("{error:#}"))).ok()
}
