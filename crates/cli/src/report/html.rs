//! `report.html`: one page that needs nothing else, opened from a disk or sent by mail.

use minijinja::value::{Serde, Value};
use minijinja::{AutoEscape, Environment};
use serde::Serialize;

use super::figures::{Figure, Mark, figures};
use super::panel::Ink;
use super::{CellResult, ExperimentReport, Report, RunResult, data_state_label, effect_text, weights_label};
use crate::claim::{Claim, Finding, Origin, Verdict};
use crate::plan::duration;
use crate::profile::record::ProfileRecord;
use crate::profile::{picture, text};
use crate::published::{Published, PublishedValue};
use crate::record::DataState;
use crate::scale::ScaleName;

const TEMPLATE: &str = include_str!("page.html.j2");

/// The whole page as the template sees it.
#[derive(Serialize)]
struct Page {
    summary: String,
    scale: String,
    /// Nothing is scaled down.
    full_size: bool,
    version: String,
    command: String,
    counts: Vec<Count>,
    notices: Vec<Notice>,
    machines: Vec<String>,
    time: String,
    data: Option<&'static str>,
    data_unverified: bool,
    finished: usize,
    planned: usize,
    inks: Vec<InkVariable>,
    experiments: Vec<Section>,
    profile: Option<ProfileSection>,
}

#[derive(Serialize)]
struct Count {
    verdict: String,
    class: &'static str,
    claims: usize,
}

#[derive(Serialize)]
struct Notice {
    title: String,
    text: String,
    commands: Vec<String>,
}

/// A colour of the pictures and the style variable that replaces it.
#[derive(Serialize)]
struct InkVariable {
    hex: String,
    dark: &'static str,
    variable: &'static str,
}

#[derive(Serialize)]
struct Section {
    id: String,
    title: String,
    paper: String,
    question: String,
    method: String,
    scale_note: String,
    claims: Vec<ClaimRow>,
    cells: Vec<CellRow>,
    figures: Vec<FigureView>,
    tables: Vec<TableView>,
    configurations: Vec<Configuration>,
    runs: Vec<RunRow>,
    settings: Option<String>,
    related: Vec<RelatedRow>,
    not_run: Vec<String>,
    damaged: Vec<String>,
    command: String,
    time: String,
}

/// Whether the loader or the network is the bottleneck.
#[derive(Serialize)]
struct ProfileSection {
    what: String,
    machine: String,
    verdict: String,
    rates: Vec<RateRow>,
    conclusions: Vec<String>,
    panels: Vec<PanelView>,
    command: String,
}

#[derive(Serialize)]
struct RateRow {
    what: &'static str,
    rate: String,
    range: String,
    minibatch: String,
}

#[derive(Serialize)]
struct ClaimRow {
    id: String,
    /// Where the page has it.
    anchor: String,
    /// The values of axes that it is tested for.
    case: Option<String>,
    statement: String,
    ours: bool,
    note: Option<String>,
    expected: String,
    effect: String,
    interval: String,
    n: usize,
    method: String,
    verdict: String,
    class: &'static str,
    reason: String,
}

#[derive(Serialize)]
struct CellRow {
    cell: String,
    weights: String,
    first: bool,
    best: bool,
    mean: Option<String>,
    interval: Option<String>,
    seeds: String,
    n: usize,
    planned: usize,
    published: Vec<RelatedRow>,
}

#[derive(Serialize)]
struct RelatedRow {
    accuracy: String,
    as_published: String,
    method: String,
    model: String,
    data: String,
    training: String,
    source: String,
}

#[derive(Serialize)]
struct FigureView {
    title: String,
    caption: String,
    legend: Vec<LegendView>,
    panels: Vec<PanelView>,
}

#[derive(Serialize)]
struct LegendView {
    label: String,
    class: &'static str,
    variable: &'static str,
}

#[derive(Serialize)]
struct PanelView {
    title: String,
    svg: Value,
}

/// The numbers of a law.
#[derive(Serialize)]
struct TableView {
    title: String,
    heads: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// What is needed to repeat one cell.
#[derive(Serialize)]
struct Configuration {
    cell: String,
    toml: String,
    commands: Vec<String>,
}

#[derive(Serialize)]
struct RunRow {
    cell: String,
    seed: u64,
    id: String,
    state: &'static str,
    epochs: String,
    time: String,
    speed: String,
}

/// Draws the page.
pub(super) fn page(report: &Report) -> anyhow::Result<String> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.add_template("page", TEMPLATE)?;
    let page = Page {
        summary: report.summary(),
        scale: report.session.extent.scale.to_string(),
        full_size: report.session.extent.scale == ScaleName::Paper,
        version: report.session.version.clone(),
        command: report.session.command(),
        counts: [Verdict::Reproduced, Verdict::NotReproduced, Verdict::Inconclusive, Verdict::NotRun]
            .into_iter()
            .map(|verdict| Count {
                verdict: verdict.to_string(),
                class: class(verdict),
                claims: report.count(verdict),
            })
            .filter(|count| count.claims > 0)
            .collect(),
        notices: notices(report),
        machines: report.machines(),
        time: duration(report.seconds()),
        data: report.data_state().map(data_state_label),
        data_unverified: report.data_state() == Some(DataState::Unverified),
        finished: report.runs().filter(|run| matches!(run.state(), "finished" | "diverged")).count(),
        planned: report.runs().count(),
        inks: Ink::ALL
            .map(|ink| InkVariable { hex: ink.hex(), dark: ink.dark(), variable: ink.variable() })
            .into(),
        experiments: report.experiments.iter().map(|one| section(report, one)).collect::<Result<_, _>>()?,
        profile: report.profile.iter().flatten().next().map(profile_section).transpose()?,
    };
    Ok(environment.get_template("page")?.render(Serde(page))?)
}

fn notices(report: &Report) -> Vec<Notice> {
    let session = &report.session;
    let missing = session.missing.iter().map(|missing| Notice {
        title: format!("{} is missing", missing.dataset),
        text: format!(
            "{}. Everything that needs no data was run. These two commands add the rest; what is finished is kept.",
            capitalised(&missing.reason)
        ),
        commands: vec![missing.remedy.clone(), session.command()],
    });
    let failures = session.failures.iter().map(|failure| Notice {
        title: format!("Failed twice: {}", failure.what),
        text: failure.error.clone(),
        commands: Vec::new(),
    });
    let interrupted = session.interrupted.then(|| Notice {
        title: "Stopped before the end".to_owned(),
        text: "Unfinished runs are left out of tables and verdicts. The same command continues.".to_owned(),
        commands: vec![session.command()],
    });
    let damaged = report.experiments.iter().flat_map(|one| &one.damaged).map(|reason| Notice {
        title: "A record cannot be read".to_owned(),
        text: reason.clone(),
        commands: Vec::new(),
    });
    let profile = report.profile.iter().filter_map(|read| read.as_ref().err()).map(|reason| Notice {
        title: "A record cannot be read".to_owned(),
        text: reason.clone(),
        commands: Vec::new(),
    });
    missing.chain(failures).chain(interrupted).chain(damaged).chain(profile).collect()
}

fn profile_section(profile: &ProfileRecord) -> anyhow::Result<ProfileSection> {
    let rates = text::rates(profile).into_iter().map(|(what, rate)| RateRow {
        what,
        rate: text::grouped(rate.median),
        range: format!("{} to {}", text::grouped(rate.low), text::grouped(rate.high)),
        minibatch: text::duration(profile.setting.batch_size as f64 / rate.median),
    });
    let panels = picture::panels(profile)?
        .into_iter()
        .map(|(title, svg)| PanelView { title: title.to_owned(), svg: Value::from_safe_string(svg) });
    Ok(ProfileSection {
        what: text::headline(profile),
        machine: text::machine(profile),
        verdict: profile.verdict_text.clone(),
        rates: rates.collect(),
        conclusions: text::conclusions(profile),
        panels: panels.collect(),
        command: profile.command.clone(),
    })
}

fn section(report: &Report, one: &ExperimentReport) -> anyhow::Result<Section> {
    let experiment = &one.experiment;
    let best = one.cells.iter().filter_map(|cell| cell.mean).reduce(f64::max);
    let mut cells = Vec::<CellRow>::new();
    for cell in &one.cells {
        let first = cells.last().is_none_or(|before: &CellRow| before.cell != cell.cell);
        cells.push(cell_row(
            &experiment.id,
            cell,
            first,
            cell.mean.is_some() && cell.mean == best,
            &report.published,
        ));
    }
    let related = if one.cells.is_empty() {
        Vec::new()
    } else {
        report.published.values.iter().filter(|value| value.beside.is_none()).map(related).collect()
    };
    let simulation = experiment.simulation(report.session.extent.scale)?;
    let settings = simulation.map(|simulation| toml::to_string(&simulation.settings)).transpose()?;
    let tables = one.theory.iter().flat_map(|(_, exhibit)| &exhibit.tables).map(table_view).collect();
    let command = report.session.command_for(std::slice::from_ref(&experiment.id));
    Ok(Section {
        id: experiment.id.clone(),
        title: experiment.title.clone(),
        paper: experiment.paper.clone(),
        question: experiment.question.clone(),
        method: experiment.method.clone(),
        scale_note: one.scale_note.clone(),
        claims: one.claims.iter().map(|(claim, finding)| claim_row(claim, finding)).collect(),
        cells,
        figures: figures(one)?.into_iter().map(figure_view).collect(),
        tables,
        configurations: configurations(one)?,
        runs: one.runs.iter().map(run_row).collect(),
        settings,
        related,
        not_run: experiment.not_run.clone(),
        damaged: one.damaged.clone(),
        command,
        time: duration(one.seconds()),
    })
}

fn claim_row(claim: &Claim, finding: &Finding) -> ClaimRow {
    let (effect, interval) = effect_text(finding);
    let words = |case: &String| case.split(|c: char| !c.is_alphanumeric()).collect::<Vec<_>>().join("-");
    ClaimRow {
        id: claim.id.clone(),
        anchor: finding
            .case
            .as_ref()
            .map_or_else(|| claim.id.clone(), |case| format!("{}-{}", claim.id, words(case))),
        case: finding.case.clone(),
        statement: claim.statement.clone(),
        ours: claim.origin == Origin::Ours,
        note: claim.note.clone(),
        expected: claim.test.expectation(),
        effect,
        interval,
        n: finding.n,
        method: finding.method.clone(),
        verdict: finding.verdict.to_string(),
        class: class(finding.verdict),
        reason: finding.reason.clone(),
    }
}

fn cell_row(experiment: &str, cell: &CellResult, first: bool, best: bool, published: &Published) -> CellRow {
    let percent = |value: f64| format!("{:.2}", 100.0 * value);
    CellRow {
        cell: cell.cell.clone(),
        weights: weights_label(&cell.weights),
        first,
        best,
        mean: cell.mean.map(percent),
        interval: cell.interval.map(|interval| {
            format!("{} to {}", percent(interval.low.max(0.0)), percent(interval.high.min(1.0)))
        }),
        seeds: cell.values.iter().map(|(_, value)| percent(*value)).collect::<Vec<_>>().join(", "),
        n: cell.values.len(),
        planned: cell.planned,
        published: published
            .beside(experiment, &cell.family, &cell.point, &cell.weights)
            .into_iter()
            .map(related)
            .collect(),
    }
}

fn related(value: &PublishedValue) -> RelatedRow {
    RelatedRow {
        accuracy: format!("{:.2}", value.accuracy_percent()),
        as_published: value.as_published(),
        method: value.method.clone(),
        model: value.model.clone(),
        data: value.data.clone(),
        training: value.training.clone(),
        source: value.source.clone(),
    }
}

fn figure_view(figure: Figure) -> FigureView {
    let legend = figure.legend.into_iter().map(|entry| LegendView {
        label: entry.label,
        class: match entry.mark {
            Mark::Line => "line",
            Mark::Dashed => "dashed",
            Mark::Dot => "dot",
            Mark::Area => "area",
        },
        variable: entry.ink.variable(),
    });
    FigureView {
        title: figure.title,
        caption: figure.caption,
        legend: legend.collect(),
        panels: figure
            .panels
            .into_iter()
            .map(|panel| PanelView { title: panel.title, svg: Value::from_safe_string(panel.svg) })
            .collect(),
    }
}

fn table_view(table: &polder_theory::Table) -> TableView {
    TableView { title: table.title.clone(), heads: table.heads.clone(), rows: table.rows.clone() }
}

/// One configuration per cell: its seeds differ in nothing but the seed.
fn configurations(one: &ExperimentReport) -> anyhow::Result<Vec<Configuration>> {
    let mut configurations = Vec::<Configuration>::new();
    for run in &one.runs {
        let command = format!("polder train cell.toml --set seed={}", run.seed);
        if let Some(known) = configurations.iter_mut().find(|known| known.cell == run.cell) {
            known.commands.push(command);
            continue;
        }
        let toml = toml::to_string(&run.config)?;
        configurations.push(Configuration { cell: run.cell.clone(), toml, commands: vec![command] });
    }
    Ok(configurations)
}

fn run_row(run: &RunResult) -> RunRow {
    let timings = run.records.as_ref().map_or(&[][..], |records| &records.timings);
    let seconds: f64 = timings.iter().map(|timing| timing.train_seconds + timing.evaluate_seconds).sum();
    let speed = timings.iter().map(|timing| timing.images_per_second).sum::<f64>() / timings.len() as f64;
    let unknown = || "\u{2013}".to_owned();
    RunRow {
        cell: run.cell.clone(),
        seed: run.seed,
        id: run.id.clone(),
        state: run.state(),
        epochs: format!("{} of {}", run.epochs().count(), run.config.training.epochs),
        time: if timings.is_empty() { unknown() } else { duration(seconds) },
        speed: if timings.is_empty() { unknown() } else { format!("{speed:.0}") },
    }
}

fn class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Reproduced => "yes",
        Verdict::NotReproduced => "no",
        Verdict::Inconclusive => "open",
        Verdict::NotRun => "none",
    }
}

fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}
