//! An experiment on the page.

use minijinja::context;
use minijinja::value::Value;

use super::cell::{cells, families, run};
use super::claim::claim;
use super::figure::figure;
use crate::figure_files::FigureFile;
use crate::simulation::Table;
use crate::{ExperimentReport, Report, data_state, data_state_label, machines};
use polder_experiment::duration::duration;

/// Everything that the page says of an experiment.
pub(super) fn section(
    report: &Report,
    one: &ExperimentReport,
    figures: &[FigureFile],
) -> anyhow::Result<Value> {
    let experiment = &one.experiment;
    let simulation = experiment.simulation(report.session.extent.scale)?;
    let settings = simulation.map(|simulation| toml::to_string(&simulation.settings)).transpose()?;
    let (finished, planned) = one.progress();
    let claims = one.claims.iter().map(|(of, finding)| claim(&experiment.id, of, finding));
    let figures = figures.iter().filter(|file| file.experiment == experiment.id).map(figure);
    Ok(context! {
        id => experiment.id.as_str(),
        title => experiment.title.as_str(),
        paper => experiment.paper.as_str(),
        question => experiment.question.as_str(),
        method => experiment.method.as_str(),
        scale_note => one.scale_note.as_str(),
        claims => claims.collect::<Vec<_>>(),
        // The section that has the curves of these runs.
        runs_shown_in => one.runs_shown_in.as_deref(),
        cells => cells(one, &report.published),
        figures => figures.collect::<Vec<_>>(),
        tables => one.tables(&report.published).iter().map(table).collect::<Vec<_>>(),
        families => families(one)?,
        runs => one.runs.iter().map(run).collect::<Vec<_>>(),
        settings,
        not_run => experiment.not_run.clone(),
        damaged => one.damaged.clone(),
        // The command that repeats the experiment alone.
        command => report.session.command_for(std::slice::from_ref(&experiment.id)),
        finished,
        planned,
        seconds => one.seconds(),
        time => duration(one.seconds()),
        machines => machines(one.records()),
        data => data_state(one.records()).map(data_state_label),
    })
}

fn table(of: &Table) -> Value {
    let cell = |(text, repeated): (&str, bool)| context! { text, repeated };
    let row = |row: Vec<_>| row.into_iter().map(cell).collect::<Vec<_>>();
    let rows: Vec<_> = completed(&of.rows).into_iter().map(row).collect();
    context! { title => of.title.as_str(), heads => of.heads.clone(), rows }
}

/// The rows of a table with what they leave out because the row above says it, marked as repeated: sorted rows have other rows above
/// them.
fn completed(rows: &[Vec<String>]) -> Vec<Vec<(&str, bool)>> {
    let mut completed = Vec::<Vec<(&str, bool)>>::new();
    for row in rows {
        let leading = row.iter().take_while(|text| text.is_empty()).count();
        let above = completed.last().filter(|_| leading < row.len());
        let cell = |(column, text): (usize, _)| match above {
            Some(above) if column < leading => (above[column].0, true),
            _ => (text, false),
        };
        let row = row.iter().map(String::as_str).enumerate().map(cell).collect();
        completed.push(row);
    }
    completed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_row_leaves_out_at_its_beginning_is_what_the_row_above_says() {
        let rows = [["sharp", "0.5", "1"], ["", "", "10"], ["flat", "", "1"], ["", "", ""]];
        let rows = rows.map(|row| row.map(str::to_owned).to_vec());
        let rows = completed(&rows);
        assert_eq!(rows[1], [("sharp", true), ("0.5", true), ("10", false)]);
        assert_eq!(rows[2], [("flat", false), ("", false), ("1", false)]);
        assert_eq!(rows[3], [("", false); 3], "an empty row says nothing");
    }
}
