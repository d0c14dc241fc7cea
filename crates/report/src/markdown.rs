//! `report.md`: the page in words and tables, for a terminal or a repository.

use std::fmt::Write as _;

use super::figure_files::{self, FigureFile};
use super::{CellResult, ExperimentReport, Report, case_text, data_state_label, effect_text, weights_label};
use crate::profile::text::{conclusions, grouped, headline, rates};
use polder_experiment::claim::Finding;
use polder_experiment::duration::duration;
use polder_experiment::published::{Published, Quantity};
use polder_experiment::scale::ScaleName;

/// The whole document.
pub(super) fn page(report: &Report, figures: &[FigureFile]) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "# Polder: what was reproduced\n\n{}\n", report.summary());
    let scale = report.session.extent.scale;
    let note = if scale == ScaleName::Paper { "" } else { ": scaled down, see each experiment" };
    let _ = writeln!(text, "Scale `{scale}`{note}.\n");
    for missing in &report.session.missing {
        let _ = writeln!(
            text,
            "> **{} is missing**: {}. `{}` adds it; then repeat `{}`.\n",
            missing.dataset,
            missing.reason,
            missing.remedy,
            report.session.command()
        );
    }
    for failure in &report.session.failures {
        let _ = writeln!(
            text,
            "> **Failed twice**: {} (`{}`): {}\n",
            failure.what,
            failure.run,
            one_line(&failure.error)
        );
    }
    if report.can_continue() {
        let _ = writeln!(
            text,
            "> Not complete yet; `{}` computes the rest, with `{}` and the folder of this page where that is not `results`.\n",
            report.session.command(),
            report.session.folder_flag()
        );
    }
    if let Some(Err(reason)) = &report.profile {
        let _ = writeln!(text, "> Not readable: {}\n", one_line(reason));
    }
    for sentence in report.strangers.sentences() {
        let _ = writeln!(text, "> {sentence}\n");
    }
    let _ = writeln!(text, "| claim | | verdict |\n|---|---|---|");
    for experiment in &report.experiments {
        for (claim, finding) in &experiment.claims {
            let (statement, case) = (&claim.statement, case_text(finding));
            let row = [claim.id.clone(), format!("{statement}{case}"), format!("**{}**", finding.verdict)];
            let _ = writeln!(text, "{}", table_row(&row));
        }
    }
    for experiment in &report.experiments {
        section(&mut text, experiment, &report.published);
        list_figures(&mut text, &experiment.experiment.id, figures);
    }
    if let Some(Ok(profile)) = &report.profile {
        let _ = writeln!(text, "\n## Is the input pipeline the bottleneck?\n\n{}\n", headline(profile));
        let _ = writeln!(text, "**{}.**\n", profile.verdict_text);
        let _ = writeln!(text, "| | images/s | rounds |\n|---|---:|---:|");
        for (what, rate) in rates(profile) {
            let [median, low, high] = [rate.median, rate.low, rate.high].map(grouped);
            let _ = writeln!(text, "| {what} | {median} | {low} to {high} |");
        }
        let _ = writeln!(text);
        for conclusion in conclusions(profile) {
            let _ = writeln!(text, "* {conclusion}");
        }
    }
    let _ = writeln!(text, "\n## How it was made\n");
    what_it_took(&mut text, report);
    for machine in report.machines() {
        let _ = writeln!(text, "* {machine}");
    }
    if let Some(state) = report.data_state() {
        let _ = writeln!(text, "* Data {}", data_state_label(state));
    }
    let _ = writeln!(
        text,
        "* Polder {}, {} of computing, `{}`",
        report.session.version,
        duration(report.seconds()),
        report.session.command()
    );
    text
}

/// Networks and time of each experiment.
fn what_it_took(text: &mut String, report: &Report) {
    let _ = writeln!(text, "| experiment | networks | computing |\n|---|---|---|");
    for experiment in &report.experiments {
        let networks = match experiment.progress() {
            (_, 0) => "none".to_owned(),
            (ended, planned) => format!("{ended} of {planned}"),
        };
        let row = [experiment.experiment.id.clone(), networks, duration(experiment.seconds())];
        let _ = writeln!(text, "{}", table_row(&row));
    }
    let _ = writeln!(text, "\nThe time of a run that experiments share stands with each of them.\n");
}

fn section(text: &mut String, report: &ExperimentReport, published: &Published) {
    let experiment = &report.experiment;
    let _ = writeln!(
        text,
        "\n## {}: {}\n\n{} {}\n",
        experiment.id, experiment.title, experiment.question, experiment.method
    );
    let _ = writeln!(text, "*{}. Here: {}.*\n", experiment.paper, report.scale_note);
    let _ = writeln!(
        text,
        "| claim | expected | effect | 95 % interval | n | verdict |\n|---|---|---|---|---|---|"
    );
    for (claim, finding) in &report.claims {
        let (effect, interval) = effect_text(finding);
        let remarks = claim.origin.remark().into_iter().chain(claim.note.as_deref());
        let told: Vec<String> =
            std::iter::once(format!("{} {}{}.", claim.id, claim.statement, case_text(finding)))
                .chain(remarks.map(str::to_owned))
                .collect();
        let row = [
            told.join(" "),
            claim.test.expectation(),
            effect,
            interval,
            finding.n.to_string(),
            format!("**{}** {}{}", finding.verdict, finding.reason, how(finding)),
        ];
        let _ = writeln!(text, "{}", table_row(&row));
    }
    if let Some(other) = &report.runs_shown_in {
        let _ = writeln!(text, "\nThe runs are those of {other}, where their curves are.");
    }
    for table in report.tables(published) {
        let _ = writeln!(text, "\n{}\n", table.title);
        let _ = writeln!(text, "{}\n|{}", table_row(&table.heads), "---|".repeat(table.heads.len()));
        for cells in &table.rows {
            let _ = writeln!(text, "{}", table_row(cells));
        }
    }
    if !report.accuracies().is_empty() {
        let _ = writeln!(
            text,
            "\n| cell | weights | test accuracy, % | 95 % interval | seeds | published, % (network, training; source) |\n\
             |---|---|---|---|---|---|"
        );
        for cell in report.accuracies() {
            let _ = writeln!(text, "{}", cell_row(&experiment.id, cell, published));
        }
    }
    for damaged in &report.damaged {
        let _ = writeln!(text, "\nNot readable: {damaged}");
    }
    if !experiment.not_run.is_empty() {
        let _ = writeln!(text, "\nNot run:\n");
        for item in &experiment.not_run {
            let _ = writeln!(text, "* {item}");
        }
    }
}

/// The files beside the report, whose names need no escapes in a link.
fn list_figures(text: &mut String, experiment: &str, figures: &[FigureFile]) {
    let mut of_experiment = figures.iter().filter(|file| file.experiment == experiment).peekable();
    if of_experiment.peek().is_some() {
        let _ = writeln!(text, "\nFigures, and the numbers that they draw:\n");
    }
    for FigureFile { name, figure, .. } in of_experiment {
        let (folder, title) = (figure_files::FOLDER, &figure.title);
        let _ = writeln!(text, "* [{title}]({folder}/{name}.svg), [numbers]({folder}/{name}.csv)");
    }
}

/// By which procedure, with what was chosen and what was lost on the way.
fn how(finding: &Finding) -> String {
    if finding.method.is_empty() { String::new() } else { format!(" ({})", finding.method) }
}

/// A row of a table: a bar or a new line within a cell would end it.
fn table_row(cells: &[String]) -> String {
    let cells: Vec<String> = cells.iter().map(|cell| one_line(cell).replace('|', "\\|")).collect();
    format!("| {} |", cells.join(" | "))
}

fn cell_row(experiment: &str, cell: &CellResult, published: &Published) -> String {
    let measured = cell.mean.map_or_else(String::new, |mean| format!("{:.2}", 100.0 * mean));
    let interval = cell.interval.map_or_else(String::new, |interval| {
        // As on the page: an accuracy lies between 0 and 100 %.
        format!("{:.2} to {:.2}", 100.0 * interval.low.max(0.0), 100.0 * interval.high.min(1.0))
    });
    let beside: Vec<String> = published
        .beside(Quantity::is_accuracy, experiment, &cell.family, &cell.point, &cell.weights)
        .into_iter()
        .map(|value| {
            format!("{:.2} ({}, {}; {})", value.compared(), value.model, value.training, value.source)
        })
        .collect();
    table_row(&[
        cell.cell.clone(),
        weights_label(&cell.weights),
        measured,
        interval,
        cell.seeds_text(),
        beside.join("; "),
    ])
}

/// Text that may have several lines, such as an error's, in one.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
