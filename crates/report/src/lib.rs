//! The report: everything on it is computed here from experiments, records and published values.
//!
//! Nothing here trains or evaluates a network, so a report can be drawn again at any time.

// Fields whose name says everything have no sentence, and an error is its text: these crates serve one program.
#![allow(missing_docs, clippy::missing_errors_doc)]

pub mod bench;
mod cells;
mod csv;
mod effect;
mod experiment;
mod figure_files;
mod figures;
mod flatness;
mod groups;
pub mod logs;
mod numbers;
mod page;
pub mod profile;
mod run;
pub mod sharpness;
pub mod simulation;
mod unexpected_files;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::Context;

use self::cells::{CellResult, main_average, main_average_of, weights_label};
use self::effect::{case_text, effect_text};
use self::experiment::ExperimentReport;
use self::figure_files::FigureFile;
use self::page::Page;
use self::run::RunResult;
use self::unexpected_files::UnexpectedFiles;
use polder_experiment::claim::{Claim, Finding, Verdict};
use polder_experiment::duration::duration;
use polder_experiment::experiment::{PUBLISHED_FILE, read_all, select};
use polder_experiment::plan::reproduce_request::ReproduceRequest;
use polder_experiment::profile::record::ProfileRecord;
use polder_experiment::published::Published;
use polder_experiment::replace_file::replace_file;
use polder_experiment::run::record::{DataState, RunRecords};

/// All that the report says, before it is put into a format.
pub struct Report {
    pub session: ReproduceRequest,
    pub experiments: Vec<ExperimentReport>,
    pub published: Published,
    /// What `polder profile-input --output` left in the folder; why not, if it cannot be read.
    pub profile: Option<Result<ProfileRecord, String>>,
    /// What else lies in the folder.
    pub unexpected_files: UnexpectedFiles,
}

impl Report {
    /// Reads everything that the session in `results` asked for.
    ///
    /// # Errors
    /// If there is no session, or an experiment or the published values cannot be read. A damaged record is not an
    /// error: the report names it.
    pub fn collect(experiments: &Path, results: &Path) -> anyhow::Result<Self> {
        let session = ReproduceRequest::read(results)?;
        let published = Published::read(&experiments.join(PUBLISHED_FILE))?;
        let selected = select(read_all(experiments)?, &session.only, session.extent)?;
        let mut experiments = selected
            .into_iter()
            .map(|experiment| ExperimentReport::collect(experiment, &session, results))
            .collect::<Result<Vec<_>, _>>()?;
        let ids: BTreeSet<String> = experiments.iter().map(|one| one.experiment.id.clone()).collect();
        for one in &mut experiments {
            one.runs_shown_in = one.experiment.runs_of.clone().filter(|of| ids.contains(of));
        }
        let asked_for: BTreeSet<&str> =
            experiments.iter().flat_map(|one| &one.runs).map(|run| run.id.as_str()).collect();
        let unexpected_files = UnexpectedFiles::find(results, &asked_for);
        let profile = ProfileRecord::read(results).map_err(|error| format!("{error:#}")).transpose();
        Ok(Self { session, experiments, published, profile, unexpected_files })
    }

    /// Writes all formats into `results`; returns the path of the page.
    ///
    /// # Errors
    /// If a file cannot be written: its path and a remedy are named.
    pub fn write(&self, results: &Path) -> anyhow::Result<PathBuf> {
        replace_file(&results.join("results.csv"), csv::table(self).as_bytes())?;
        replace_file(&results.join("results.json"), &serde_json::to_vec_pretty(&numbers::numbers(self))?)?;
        let figures = FigureFile::of(&self.experiments);
        figure_files::write(results, &figures)?;
        let Page { html, markdown } = Page::render(self, &figures).context("the page could not be drawn")?;
        replace_file(&results.join("report.md"), markdown.as_bytes())?;
        let page = results.join("report.html");
        replace_file(&page, html.as_bytes())?;
        Ok(page)
    }

    /// One line per claim, for a terminal.
    pub fn verdicts(&self) -> String {
        let claims = self.experiments.iter().flat_map(|experiment| &experiment.claims);
        let line = |(claim, finding): &(Claim, Finding)| {
            let (effect, interval) = effect_text(finding);
            let interval = if finding.interval.is_some() { format!(" ({interval})") } else { String::new() };
            let (id, verdict, case) = (&claim.id, finding.verdict.to_string(), case_text(finding));
            format!("{id:6} {verdict:14} {}{case}: {effect}{interval}, n = {}\n", claim.statement, finding.n)
        };
        claims.map(line).collect()
    }

    /// How many claims got this verdict.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.findings().filter(|finding| finding.verdict == verdict).count()
    }

    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.experiments.iter().flat_map(|experiment| experiment.claims.iter().map(|(_, finding)| finding))
    }

    fn runs(&self) -> impl Iterator<Item = &RunResult> {
        self.experiments.iter().flat_map(|experiment| &experiment.runs)
    }

    /// The records behind the report, each once.
    fn records(&self) -> Vec<&RunRecords> {
        let by_id: BTreeMap<&str, &RunRecords> =
            self.runs().filter_map(|run| Some((run.id.as_str(), run.records.as_ref()?))).collect();
        by_id.into_values().collect()
    }

    /// Time of everything that was computed, summed over processes.
    fn seconds(&self) -> f64 {
        let theory: f64 = self
            .experiments
            .iter()
            .filter_map(|experiment| Some(experiment.theory.as_ref()?.0.seconds))
            .sum();
        run::seconds(self.runs()) + theory
    }

    /// How many runs have ended, and how many there are to be, each once.
    fn progress(&self) -> (usize, usize) {
        run::progress(self.runs())
    }

    /// Whether nothing that the session asked for is left to compute.
    fn is_complete(&self) -> bool {
        self.experiments.iter().all(ExperimentReport::is_complete)
    }

    /// Whether the session's command has only to be repeated for some of what is left: no data set is missing for that, and
    /// it has not failed.
    fn can_continue(&self) -> bool {
        self.experiments.iter().any(|experiment| experiment.can_continue(&self.session))
    }

    /// The runs of which no experiment here has anything left to compute, in the order of their ids.
    fn done(&self) -> Vec<&str> {
        let mut done = BTreeMap::new();
        for experiment in &self.experiments {
            for run in &experiment.runs {
                *done.entry(run.id.as_str()).or_insert(true) &= experiment.is_done(run);
            }
        }
        done.into_iter().filter_map(|(id, done)| done.then_some(id)).collect()
    }

    /// One paragraph on what the page says.
    fn summary(&self) -> String {
        let trained = match self.progress() {
            (0, _) => "No network was trained.".to_owned(),
            (finished, planned) if finished < planned => {
                format!("{finished} of {planned} networks were trained by this program so far.")
            }
            (1, _) => "One network was trained by this program.".to_owned(),
            (count, _) => format!("{count} networks were trained by this program."),
        };
        format!("{} {trained} Computing took {} in all.", self.tally(), duration(self.seconds()))
    }

    /// How many claims got which verdict, simulations apart from networks: what they show is all but proved.
    fn tally(&self) -> String {
        let tally = |of_simulations: bool| {
            let experiments =
                self.experiments.iter().filter(|one| one.experiment.theory.is_some() == of_simulations);
            let verdicts: Vec<Verdict> =
                experiments.flat_map(|one| &one.claims).map(|(_, finding)| finding.verdict).collect();
            let counted = Verdict::ALL
                .into_iter()
                .map(|verdict| (verdicts.iter().filter(|other| **other == verdict).count(), verdict))
                .filter(|(count, _)| *count > 0);
            let counted: Vec<String> = counted.map(|(count, verdict)| format!("{count} {verdict}")).collect();
            (!counted.is_empty()).then(|| counted.join(", "))
        };
        let simulations = tally(true).map(|counted| format!("Claims about simulations: {counted}."));
        let networks = tally(false)
            .map(|counted| format!("Claims about networks, counted per data set and setting: {counted}."));
        simulations.into_iter().chain(networks).collect::<Vec<_>>().join(" ")
    }
}

/// The machines that computed runs, each once.
fn machines<'a>(records: impl IntoIterator<Item = &'a RunRecords>) -> Vec<String> {
    let named = |records: &RunRecords| {
        let machine = records.environment.as_ref()?;
        Some(format!(
            "{}, {} cores ({} thread{}), {}, libtorch {}",
            machine.processor,
            machine.cores,
            machine.threads,
            if machine.threads == 1 { "" } else { "s" },
            records.run.device,
            machine.libtorch
        ))
    };
    let mut machines: Vec<String> = records.into_iter().filter_map(named).collect();
    machines.sort();
    machines.dedup();
    machines
}

/// The least that is established of any data set used.
fn data_state<'a>(records: impl IntoIterator<Item = &'a RunRecords>) -> Option<DataState> {
    records.into_iter().map(|records| records.run.data.verification).max()
}

/// What a state of the data is called on the page.
fn data_state_label(state: DataState) -> &'static str {
    match state {
        DataState::Generated => "generated from a seed",
        DataState::Verified => "verified: every file has its published checksum",
        DataState::Known => "known: every file has a published checksum or one of Polder's own table",
        DataState::Unverified => "NOT VERIFIED: at least one file has no known checksum (--allow-unverified)",
    }
}

#[cfg(test)]
mod tests;
