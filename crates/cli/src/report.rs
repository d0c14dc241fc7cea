//! The report: everything on it is computed here from experiments, records and published values.
//!
//! Nothing in this module trains or evaluates a network, so a report can be drawn again at any time.

mod csv;
pub(crate) mod figures;
mod html;
mod markdown;
mod numbers;
pub(crate) mod panel;
pub(crate) mod svg_file;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context;
use polder_theory::Exhibit;

use crate::claim::{
    Claim, Finding, Interval, LEVEL, Measure, Measured, Measurements, Unit, Verdict, mean_interval,
};
use crate::config::RunConfig;
use crate::experiment::{self, Experiment, PUBLISHED_FILE, Point};
use crate::flatness::FlatnessRecord;
use crate::plan::run_dir;
use crate::profile::record::ProfileRecord;
use crate::published::Published;
use crate::record::{DataState, EndRecord, EpochRecord, RECORD_FILE, RunRecords};
use crate::replace_file::replace_file;
use crate::session::Session;
use crate::theory_record::TheoryRecord;

/// All that the report says, before it is put into a format.
pub(crate) struct Report {
    pub(crate) session: Session,
    pub(crate) experiments: Vec<ExperimentReport>,
    pub(crate) published: Published,
    /// What `polder profile-input --output` left in the folder; why not, if it cannot be read.
    pub(crate) profile: Option<Result<ProfileRecord, String>>,
}

/// One experiment at the scale of the session.
pub(crate) struct ExperimentReport {
    pub(crate) experiment: Experiment,
    /// In what it differs from the paper.
    pub(crate) scale_note: String,
    pub(crate) claims: Vec<(Claim, Finding)>,
    pub(crate) cells: Vec<CellResult>,
    pub(crate) runs: Vec<RunResult>,
    /// The record of the law, and what it shows.
    pub(crate) theory: Option<(TheoryRecord, Exhibit)>,
    /// Records that exist and cannot be read, with the reason.
    pub(crate) damaged: Vec<String>,
}

/// The final test accuracies of one set of weights at a place of the grid.
pub(crate) struct CellResult {
    /// With the values of the axes that have several.
    pub(crate) cell: String,
    /// The cell as the experiment names it.
    pub(crate) family: String,
    pub(crate) point: Point,
    /// `iterate`, or the name of an average.
    pub(crate) weights: String,
    /// Seed and accuracy (a fraction) of each finished run.
    pub(crate) values: Vec<(u64, f64)>,
    pub(crate) mean: Option<f64>,
    /// 95 % t interval of the mean; absent with fewer than two seeds.
    pub(crate) interval: Option<Interval>,
    /// Seeds that were asked for.
    pub(crate) planned: usize,
}

/// A run that the experiment asks for, with its records if there are any.
pub(crate) struct RunResult {
    /// With the values of the axes that have several.
    pub(crate) cell: String,
    /// The cell as the experiment names it.
    pub(crate) family: String,
    pub(crate) point: Point,
    pub(crate) seed: u64,
    pub(crate) id: String,
    pub(crate) config: RunConfig,
    pub(crate) records: Option<RunRecords>,
    pub(crate) flatness: Option<FlatnessRecord>,
}

impl Report {
    /// Reads everything that the session in `results` asked for.
    ///
    /// # Errors
    /// If there is no session, or an experiment or the published values cannot be read. A damaged record is not an
    /// error: the report names it.
    pub(crate) fn collect(experiments: &Path, results: &Path) -> anyhow::Result<Self> {
        let session = Session::read(results)?;
        let published = Published::read(&experiments.join(PUBLISHED_FILE))?;
        let selected = experiment::select(experiment::read_all(experiments)?, &session.only, session.extent)?;
        let experiments = selected
            .into_iter()
            .map(|experiment| ExperimentReport::collect(experiment, &session, results))
            .collect::<Result<_, _>>()?;
        let profile = ProfileRecord::read(results).map_err(|error| format!("{error:#}")).transpose();
        Ok(Self { session, experiments, published, profile })
    }

    /// Writes all formats into `results`; returns the path of the page.
    ///
    /// # Errors
    /// If a file cannot be written: its path and a remedy are named.
    pub(crate) fn write(&self, results: &Path) -> anyhow::Result<PathBuf> {
        let page = results.join("report.html");
        replace_file(&results.join("results.csv"), csv::table(self).as_bytes())?;
        replace_file(&results.join("results.json"), &serde_json::to_vec_pretty(&numbers::numbers(self))?)?;
        replace_file(&results.join("report.md"), markdown::page(self).as_bytes())?;
        let html = html::page(self).context("the page could not be drawn")?;
        replace_file(&page, html.as_bytes())?;
        Ok(page)
    }

    /// One line per claim, for a terminal.
    pub(crate) fn verdicts(&self) -> String {
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
    pub(crate) fn count(&self, verdict: Verdict) -> usize {
        self.findings().filter(|finding| finding.verdict == verdict).count()
    }

    pub(crate) fn findings(&self) -> impl Iterator<Item = &Finding> {
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

    /// Wall time of everything that was computed.
    fn seconds(&self) -> f64 {
        let training: f64 = self.records().into_iter().map(seconds).sum();
        let theory: f64 = self
            .experiments
            .iter()
            .filter_map(|experiment| Some(experiment.theory.as_ref()?.0.seconds))
            .sum();
        training + theory
    }

    /// The machines that computed the runs, each once.
    fn machines(&self) -> Vec<String> {
        let mut machines: Vec<String> = self
            .records()
            .into_iter()
            .filter_map(|records| {
                let machine = records.environment.as_ref()?;
                Some(format!(
                    "{}, {} cores ({} threads), {}, libtorch {}",
                    machine.processor, machine.cores, machine.threads, records.run.device, machine.libtorch
                ))
            })
            .collect();
        machines.sort();
        machines.dedup();
        machines
    }

    /// The least that is established of any data set used.
    fn data_state(&self) -> Option<DataState> {
        self.records().into_iter().map(|records| records.run.data.verification).max()
    }

    /// One paragraph on what the page says.
    fn summary(&self) -> String {
        let finished = self.records().into_iter().filter(|records| records.end.is_some()).count();
        let verdicts: Vec<String> =
            [Verdict::Reproduced, Verdict::NotReproduced, Verdict::Inconclusive, Verdict::NotRun]
                .into_iter()
                .filter(|verdict| self.count(*verdict) > 0)
                .map(|verdict| format!("{} {verdict}", self.count(verdict)))
                .collect();
        let trained = match finished {
            0 => "No network was trained.".to_owned(),
            1 => "One network was trained by this program.".to_owned(),
            count => format!("{count} networks were trained by this program."),
        };
        format!(
            "Of {} claims: {}. {trained} Computing took {} in all.",
            self.findings().count(),
            verdicts.join(", "),
            crate::plan::duration(self.seconds())
        )
    }
}

impl ExperimentReport {
    fn collect(experiment: Experiment, session: &Session, results: &Path) -> anyhow::Result<Self> {
        let mut damaged = Vec::new();
        let theory = experiment.simulation(session.extent.scale)?.and_then(|simulation| {
            let path = simulation.path(results, &experiment.id, session.extent.scale);
            path.exists().then(|| TheoryRecord::read(&path)).and_then(|read| note(read, &mut damaged))
        });
        let mut runs = Vec::new();
        for run in experiment.runs(session.extent)? {
            let id = run.config.id();
            let dir = run_dir(results, &id);
            let records = dir
                .join(RECORD_FILE)
                .exists()
                .then(|| RunRecords::read(&dir))
                .and_then(|read| note(read, &mut damaged));
            let flatness = experiment
                .flatness(session.extent.scale)
                .and_then(|settings| note(FlatnessRecord::read(&dir, &settings), &mut damaged))
                .flatten();
            runs.push(RunResult {
                cell: run.cell,
                family: run.family,
                point: run.point,
                seed: run.seed,
                id,
                config: run.config,
                records,
                flatness,
            });
        }
        let mut measurements = Measurements::default();
        for run in &runs {
            measurements.add(&run.family, &run.point, run.seed, run.measured());
        }
        let cells = cells(&runs);
        let evidence = theory.as_ref().map(|(_, exhibit)| exhibit.evidence.as_slice());
        let tested = |claim: &Claim| {
            let findings = claim.test.evaluate(&measurements, evidence);
            findings.into_iter().map(|finding| (claim.clone(), finding)).collect::<Vec<_>>()
        };
        let claims = experiment.claims.iter().flat_map(tested).collect();
        let scale_note = experiment.scale(session.extent.scale)?.note.clone();
        Ok(Self { experiment, scale_note, claims, cells, runs, theory, damaged })
    }

    /// Wall time of the experiment.
    fn seconds(&self) -> f64 {
        let training: f64 = self.runs.iter().filter_map(|run| run.records.as_ref()).map(seconds).sum();
        training + self.theory.as_ref().map_or(0.0, |(record, _)| record.seconds)
    }
}

impl RunResult {
    /// The epochs recorded so far.
    pub(crate) fn epochs(&self) -> impl Iterator<Item = &EpochRecord> {
        self.records.iter().flat_map(|records| &records.epochs)
    }

    /// How far the run is, in words.
    pub(crate) fn state(&self) -> &'static str {
        match self.records.as_ref().map(|records| &records.end) {
            None => "to do",
            Some(None) => "partial",
            Some(Some(EndRecord::Finished)) => "finished",
            Some(Some(EndRecord::Diverged { .. })) => "diverged",
        }
    }

    /// What claims can be about.
    fn measured(&self) -> Measured {
        let epochs = self.epochs().filter(|epoch| !epoch.evaluations.is_empty()).map(|epoch| {
            let accuracies = epoch.evaluations.iter().map(|(name, found)| (name.clone(), 1.0 - found.error));
            let passed = epoch.epoch as f64 / self.config.training.epochs as f64;
            (passed, 1.0 - epoch.train_error, accuracies.collect())
        });
        Measured {
            has_ended: matches!(self.state(), "finished" | "diverged"),
            has_diverged: self.state() == "diverged",
            epochs: epochs.collect(),
            flatness: self.flatness.as_ref().map(|flat| flat.by_weights.clone()).unwrap_or_default(),
        }
    }
}

/// The cells in the order of the experiment, iterate first.
fn cells(runs: &[RunResult]) -> Vec<CellResult> {
    let mut cells: Vec<CellResult> = Vec::new();
    for run in runs {
        let measured = run.measured();
        let averages = run.config.averages.keys().map(String::as_str);
        for weights in std::iter::once(crate::record::ITERATE).chain(averages) {
            let known = cells.iter().position(|known| known.cell == run.cell && known.weights == weights);
            let index = known.unwrap_or_else(|| {
                cells.push(CellResult {
                    cell: run.cell.clone(),
                    family: run.family.clone(),
                    point: run.point.clone(),
                    weights: weights.to_owned(),
                    values: Vec::new(),
                    mean: None,
                    interval: None,
                    planned: 0,
                });
                cells.len() - 1
            });
            cells[index].planned += 1;
            let accuracy = measured.value(weights, Measure::Accuracy, None);
            cells[index].values.extend(accuracy.map(|accuracy| (run.seed, accuracy)));
        }
    }
    for cell in &mut cells {
        let accuracies: Vec<f64> = cell.values.iter().map(|(_, value)| *value).collect();
        cell.mean =
            (!accuracies.is_empty()).then(|| accuracies.iter().sum::<f64>() / accuracies.len() as f64);
        cell.interval = mean_interval(&accuracies, LEVEL);
    }
    cells
}

/// The value, or `None` with the reason noted.
fn note<T>(read: anyhow::Result<T>, damaged: &mut Vec<String>) -> Option<T> {
    read.map_err(|error| damaged.push(format!("{error:#}"))).ok()
}

fn seconds(records: &RunRecords) -> f64 {
    records.timings.iter().map(|timing| timing.train_seconds + timing.evaluate_seconds).sum()
}

/// The average of a cell that stands for all of them: `tail` if there is one.
pub(crate) fn main_average<'a>(of_cell: &[&'a CellResult]) -> Option<&'a CellResult> {
    let averages = || of_cell.iter().filter(|cell| cell.weights != crate::record::ITERATE);
    averages().find(|cell| cell.weights == "tail").or_else(|| averages().next()).copied()
}

/// What a set of weights is called on the page.
fn weights_label(weights: &str) -> String {
    match weights {
        crate::record::ITERATE => "last iterate".to_owned(),
        "tail" => "average".to_owned(),
        other => format!("average `{other}`"),
    }
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

/// ` (cifar10)` for a claim that is tested in several cases.
fn case_text(finding: &Finding) -> String {
    finding.case.as_ref().map_or_else(String::new, |case| format!(" ({case})"))
}

/// An effect and its interval as the page prints them: accuracies in percentage points, doublings as factors.
fn effect_text(finding: &Finding) -> (String, String) {
    let none = || "\u{2013}".to_owned();
    let Some(effect) = finding.effect else { return (none(), none()) };
    let Some(interval) = &finding.interval else {
        let effect = match finding.unit {
            Unit::Points => format!("{} points", signed(100.0 * effect, 2)),
            Unit::Doublings => format!("factor {:.3}", effect.exp2()),
            Unit::StandardErrors => return (format!("{effect:.2} standard errors"), String::new()),
            Unit::Plain if (1e-3..1e5).contains(&effect.abs()) => format!("{effect:.4}"),
            Unit::Plain => format!("{effect:.1e}"),
        };
        return (effect.replace('-', "\u{2212}"), none());
    };
    match finding.unit {
        Unit::Points => {
            let [low, high] = [interval.low, interval.high].map(|end| signed(100.0 * end, 2));
            (format!("{} points", signed(100.0 * effect, 2)), format!("{low} to {high}"))
        }
        Unit::Doublings => {
            let [effect, low, high] = [effect, interval.low, interval.high].map(|end| factor(end.exp2()));
            (format!("factor {effect}"), format!("{low} to {high}"))
        }
        Unit::StandardErrors | Unit::Plain => {
            let [effect, low, high] =
                [effect, interval.low, interval.high].map(|end| unsigned(end, decimals(interval)));
            (effect, format!("{low} to {high}"))
        }
    }
}

/// A factor with three digits that count, also where a few seeds leave its interval wide.
fn factor(value: f64) -> String {
    match value {
        value if value >= 1e4 => format!("{value:.0e}"),
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value if value >= 0.01 => format!("{value:.3}"),
        value => format!("{value:.1e}"),
    }
}

/// As many as show two digits of half the interval; at least three for what hangs on no digit.
fn decimals(interval: &Interval) -> usize {
    let half_width = 0.5 * (interval.high - interval.low);
    if half_width > 0.0 { (1.0 - half_width.log10().floor()).clamp(0.0, 9.0) as usize } else { 3 }
}

/// A number with a true minus where it needs one.
fn unsigned(value: f64, decimals: usize) -> String {
    format!("{value:.decimals$}").replace('-', "\u{2212}")
}

/// A number with its sign, and a true minus.
fn signed(value: f64, decimals: usize) -> String {
    format!("{value:+.decimals$}").replace('-', "\u{2212}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::Extent;
    use crate::plan::{Plan, PlannedRun};
    use crate::scale::ScaleName;
    use crate::session::MissingData;
    use crate::synthetic;

    fn experiments() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../experiments")
    }

    fn session(scale: ScaleName) -> Session {
        Session {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            extent: Extent::all(scale),
            only: Vec::new(),
            missing: Vec::new(),
            failures: Vec::new(),
            interrupted: false,
        }
    }

    fn plan(results: &Path, scale: ScaleName) -> Plan {
        Plan::new(&experiment::read_all(&experiments()).unwrap(), Extent::all(scale), results).unwrap()
    }

    fn write_theory(plan: &Plan) {
        for theory in &plan.theory {
            let record = serde_json::to_vec(&synthetic::simulate(&theory.simulation).unwrap()).unwrap();
            replace_file(&theory.path, &record).unwrap();
        }
    }

    fn draw(results: &Path, session: &Session) -> [String; 4] {
        session.write(results).unwrap();
        Report::collect(&experiments(), results).unwrap().write(results).unwrap();
        ["report.html", "report.md", "results.csv", "results.json"]
            .map(|name| std::fs::read_to_string(results.join(name)).unwrap())
    }

    #[test]
    fn a_profile_in_the_folder_becomes_a_part_of_the_report_and_a_damaged_one_is_named() {
        use crate::profile::record::{PROFILE_FILE, tests::example};
        let dir = tempfile::tempdir().unwrap();
        let [html, markdown, ..] = draw(dir.path(), &session(ScaleName::Smoke));
        assert!(!html.contains("id=\"input\"") && !markdown.contains("input pipeline"));
        let file = dir.path().join(PROFILE_FILE);
        replace_file(&file, &serde_json::to_vec(&example()).unwrap()).unwrap();
        let [html, markdown, ..] = draw(dir.path(), &session(ScaleName::Smoke));
        for page in [&html, &markdown] {
            assert!(page.contains("input-bound: the model could take 2.30x"), "{page}");
            assert!(page.contains("advice withdrawn"));
        }
        assert!(html.contains("Minibatches ready, over time"));
        replace_file(&file, b"{").unwrap();
        let [html, ..] = draw(dir.path(), &session(ScaleName::Smoke));
        assert!(html.contains("profile-input.json") && html.contains("cannot be read"));
    }

    #[test]
    fn a_full_report_holds_every_claim_in_every_format_and_needs_no_network() {
        let dir = tempfile::tempdir().unwrap();
        let plan = plan(dir.path(), ScaleName::Desk);
        write_theory(&plan);
        for run in &plan.runs {
            synthetic::write_run(dir.path(), &run.config, None);
            for settings in &run.flatness {
                synthetic::write_flatness(dir.path(), &run.config, settings);
            }
        }
        let [html, markdown, csv, json] = draw(dir.path(), &session(ScaleName::Desk));
        for id in ["A1.1", "A4.1", "A4.4"] {
            assert!(html.contains(id) && markdown.contains(id) && json.contains(id), "{id}");
        }
        for foreign in ["src=\"http", "<link", "@import", "url(http"] {
            assert!(!html.contains(foreign), "{foreign}");
        }
        assert_eq!(html.matches("<svg").count(), html.matches("</svg>").count());
        assert!(html.contains("scaled down") && markdown.contains("scaled down"));
        // The made-up records evaluate the iterate after every epoch and the averages in the last quarter; an experiment that
        // looks at the runs of another has their rows too.
        let rows = |run: &PlannedRun| {
            let epochs = run.config.training.epochs;
            let late = (1..=epochs).filter(|epoch| 4 * epoch > 3 * epochs).count();
            (epochs as usize + late * run.config.averages.len()) * run.serves.len()
        };
        assert_eq!(csv.lines().count(), 1 + plan.runs.iter().map(rows).sum::<usize>());
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert!(json["numbers"]["A4.best_accuracy"].as_f64().unwrap() > 0.5, "{json}");
        assert!(json["numbers"]["A1.average-slope"].as_f64().is_some(), "{json}");
        if let Ok(keep) = std::env::var("POLDER_KEEP_REPORT") {
            std::fs::write(keep, html).unwrap();
        }
    }

    #[test]
    fn a_report_without_data_says_what_is_missing_and_which_command_adds_it() {
        let dir = tempfile::tempdir().unwrap();
        write_theory(&plan(dir.path(), ScaleName::Smoke));
        let mut session = session(ScaleName::Smoke);
        session.missing.push(MissingData {
            dataset: "CIFAR-10".to_owned(),
            reason: "no folder `cifar-10-batches-bin`".to_owned(),
            remedy: "cargo xtask data fetch cifar10".to_owned(),
        });
        let [html, markdown, csv, _] = draw(dir.path(), &session);
        for text in [&html, &markdown] {
            assert!(text.contains("cargo xtask data fetch cifar10") && text.contains("not run"));
        }
        assert!(csv.lines().skip(1).all(|line| line.contains("to do")), "{csv}");
    }

    #[test]
    fn partial_and_damaged_records_are_named_and_do_not_count() {
        let dir = tempfile::tempdir().unwrap();
        let plan = plan(dir.path(), ScaleName::Desk);
        synthetic::write_run(dir.path(), &plan.runs[0].config, Some(4));
        let damaged = run_dir(dir.path(), &plan.runs[1].id).join(RECORD_FILE);
        replace_file(&damaged, b"{}\n{}\n").unwrap();
        let [html, markdown, csv, json] = draw(dir.path(), &session(ScaleName::Desk));
        assert!(html.contains(&plan.runs[1].id) && markdown.contains("is damaged"), "{markdown}");
        assert!(csv.contains("partial"));
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert!(json["numbers"].get("A4.best_accuracy").is_none(), "{json}");
    }

    #[test]
    fn a_folder_without_a_session_is_refused_with_the_way_to_get_one() {
        let dir = tempfile::tempdir().unwrap();
        let error = format!("{:#}", Report::collect(&experiments(), dir.path()).err().unwrap());
        assert!(error.contains("session.json") && error.contains("polder reproduce"), "{error}");
    }
}
