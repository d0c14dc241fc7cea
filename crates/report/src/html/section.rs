//! An experiment on the page.

use serde::Serialize;

use super::cell::{CellRow, Family, RunRow};
use super::claim::ClaimRow;
use super::figure::FigureView;
use crate::figure_files::FigureFile;
use crate::{ExperimentReport, Report, data_state_label};
use polder_experiment::duration::duration;

#[derive(Serialize)]
pub(super) struct Section {
    id: String,
    title: String,
    paper: String,
    question: String,
    method: String,
    scale_note: String,
    claims: Vec<ClaimRow>,
    /// The section that has the curves of these runs.
    runs_shown_in: Option<String>,
    cells: Vec<CellRow>,
    figures: Vec<FigureView>,
    tables: Vec<TableView>,
    families: Vec<Family>,
    runs: Vec<RunRow>,
    settings: Option<String>,
    not_run: Vec<String>,
    /// The command that repeats the experiment alone.
    command: String,
    finished: usize,
    planned: usize,
    seconds: f64,
    time: String,
    machines: Vec<String>,
    data: Option<&'static str>,
}

/// The numbers of a law, or of flatness.
#[derive(Serialize)]
struct TableView {
    title: String,
    heads: Vec<String>,
    rows: Vec<Vec<Cell>>,
}

#[derive(Serialize)]
struct Cell {
    text: String,
    /// Left out in the law's own table, because the row above says it.
    repeated: bool,
}

/// Everything that the page says of an experiment.
pub(super) fn section(
    report: &Report,
    one: &ExperimentReport,
    figures: &[FigureFile],
) -> anyhow::Result<Section> {
    let experiment = &one.experiment;
    let simulation = experiment.simulation(report.session.extent.scale)?;
    let settings = simulation.map(|simulation| toml::to_string(&simulation.settings)).transpose()?;
    let (finished, planned) = one.progress();
    Ok(Section {
        id: experiment.id.clone(),
        title: experiment.title.clone(),
        paper: experiment.paper.clone(),
        question: experiment.question.clone(),
        method: experiment.method.clone(),
        scale_note: one.scale_note.clone(),
        claims: one
            .claims
            .iter()
            .map(|(claim, finding)| ClaimRow::new(&experiment.id, claim, finding))
            .collect(),
        runs_shown_in: one.runs_shown_in.clone(),
        cells: CellRow::all(one, &report.published),
        figures: figures
            .iter()
            .filter(|file| file.experiment == experiment.id)
            .map(FigureView::new)
            .collect(),
        tables: one.tables(&report.published).iter().map(table).collect(),
        families: Family::all(one)?,
        runs: one.runs.iter().map(RunRow::new).collect(),
        settings,
        not_run: experiment.not_run.clone(),
        command: report.session.command_for(std::slice::from_ref(&experiment.id)),
        finished,
        planned,
        seconds: one.seconds(),
        time: duration(one.seconds()),
        machines: one.machines(),
        data: one.data_state().map(data_state_label),
    })
}

/// A law's table, with what its rows leave out because the row above says it: sorted rows have other rows above them.
fn table(of: &crate::simulation::Table) -> TableView {
    let mut rows = Vec::<Vec<Cell>>::new();
    for row in &of.rows {
        let leading = row.iter().take_while(|text| text.is_empty()).count();
        let above = rows.last().filter(|_| leading < row.len());
        let cell = |(column, text): (usize, &String)| match above {
            Some(above) if column < leading => Cell { text: above[column].text.clone(), repeated: true },
            _ => Cell { text: text.clone(), repeated: false },
        };
        let row = row.iter().enumerate().map(cell).collect();
        rows.push(row);
    }
    TableView { title: of.title.clone(), heads: of.heads.clone(), rows }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_row_leaves_out_at_its_beginning_is_what_the_row_above_says() {
        let rows = [["sharp", "0.5", "1"], ["", "", "10"], ["flat", "", "1"], ["", "", ""]];
        let rows = rows.map(|row| row.map(str::to_owned).to_vec()).to_vec();
        let table =
            table(&crate::simulation::Table { title: String::new(), heads: vec![String::new(); 3], rows });
        let texts: Vec<Vec<(&str, bool)>> = table
            .rows
            .iter()
            .map(|row| row.iter().map(|cell| (cell.text.as_str(), cell.repeated)).collect())
            .collect();
        assert_eq!(texts[1], [("sharp", true), ("0.5", true), ("10", false)]);
        assert_eq!(texts[2], [("flat", false), ("", false), ("1", false)]);
        assert_eq!(texts[3], [("", false); 3], "an empty row says nothing");
    }
}
