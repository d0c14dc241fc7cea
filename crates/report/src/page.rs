//! `report.html` and `report.md`: the same content in two templates.
//!
//! The page is one file that needs nothing else, opened from a disk or sent by mail; the Markdown is for a terminal or a repository.

mod cell;
mod claim;
mod figure;
mod profile;
mod section;

use minijinja::value::{Serde, Value};
use minijinja::{AutoEscape, Environment, context};
use polder_plot::Ink;
use polder_plot::svg::escape;

use self::cell::related;
use self::claim::class;
use super::figure_files::{self, FigureFile};
use super::{Report, data_state, data_state_label, machines};
use polder_experiment::claim::Verdict;
use polder_experiment::duration::duration;
use polder_experiment::run::record::DataState;
use polder_experiment::scale::ScaleName;

const HTML: &str = include_str!("page/page.html.j2");
const MARKDOWN: &str = include_str!("page/page.md.j2");
const STYLE: &str = include_str!("page/page.css");

/// Before the first paint.
const THEME_SCRIPT: &str = include_str!("page/theme.js");

/// When the whole page is there; what it adds is missed by nobody who runs no scripts.
const SCRIPTS: [&str; 3] =
    [include_str!("page/copy.js"), include_str!("page/sort.js"), include_str!("page/figures.js")];

/// The report in both formats.
pub(super) struct Page {
    pub(super) html: String,
    pub(super) markdown: String,
}

impl Page {
    /// Fills both templates.
    ///
    /// # Errors
    /// If a configuration cannot be written as TOML.
    pub(super) fn render(report: &Report, figures: &[FigureFile]) -> anyhow::Result<Self> {
        let mut environment = Environment::new();
        environment.set_auto_escape_callback(|name| match name {
            "html" => AutoEscape::Html,
            _ => AutoEscape::None,
        });
        environment.add_filter("marked", |text: &str| Value::from_safe_string(marked(text)));
        environment.add_filter("one_line", one_line);
        // A bar or a new line within a cell would end it.
        environment.add_filter("table_cell", |text: &str| one_line(text).replace('|', "\\|"));
        environment.add_template("html", HTML)?;
        // Lines with nothing but a tag leave no line in the Markdown.
        environment.set_syntax(environment.syntax().to_builder().trim_blocks(true).build()?);
        environment.add_template("markdown", MARKDOWN)?;
        let content = content(report, figures)?;
        let render = |template| environment.get_template(template)?.render(&content);
        Ok(Self { html: render("html")?, markdown: render("markdown")? })
    }
}

/// The whole page as the templates see it.
fn content(report: &Report, figures: &[FigureFile]) -> anyhow::Result<Value> {
    let session = &report.session;
    let as_written = |text: &str| Value::from_safe_string(text.trim_end().to_owned());
    let (finished, planned) = report.progress();
    let data_state = data_state(report.records());
    let count = |verdict: Verdict| {
        context! { verdict => verdict.to_string(), class => class(verdict), claims => report.count(verdict) }
    };
    let ink = |ink: Ink| context! { hex => ink.light(), dark => ink.dark(), variable => ink.variable() };
    let sections = report.experiments.iter().map(|one| section::section(report, one, figures));
    let has_cells = report.experiments.iter().any(|one| !one.cells.is_empty());
    // Those that are compared with no cell.
    let others = report.published.values.iter().filter(|value| has_cells && value.beside.is_none());
    Ok(context! {
        style => as_written(STYLE),
        theme_script => as_written(THEME_SCRIPT),
        scripts => SCRIPTS.map(as_written).to_vec(),
        summary => report.summary(),
        scale => session.extent.scale.to_string(),
        full_size => session.extent.scale == ScaleName::Paper,
        version => session.version.as_str(),
        command => session.command(),
        folder_flag => session.folder_flag(),
        missing => Serde(&session.missing),
        failures => Serde(&session.failures),
        can_continue => report.can_continue(),
        unexpected_files => report.unexpected_files.sentences(),
        counts => Verdict::ALL.map(count).to_vec(),
        machines => machines(report.records()),
        time => duration(report.seconds()),
        data => data_state.map(data_state_label),
        data_unverified => data_state == Some(DataState::Unverified),
        finished,
        planned,
        inks => Ink::ALL.map(ink).to_vec(),
        papers => papers(report),
        experiments => sections.collect::<Result<Vec<_>, _>>()?,
        related => others.map(related).collect::<Vec<_>>(),
        profile => report.profile.iter().flatten().next().map(profile::section),
        unreadable_profile => report.profile.as_ref().and_then(|read| read.as_ref().err()).map(String::as_str),
        figure_folder => figure_files::FOLDER,
    })
}

/// Neighbours from one paper, under its name, by their positions among the experiments.
fn papers(report: &Report) -> Vec<Value> {
    let name = |index: usize| paper_name(&report.experiments[index].experiment.paper);
    let indices: Vec<usize> = (0..report.experiments.len()).collect();
    let papers = indices.chunk_by(|left, right| name(*left) == name(*right));
    papers.map(|paper| context! { name => name(paper[0]), experiments => paper.to_vec() }).collect()
}

/// Without the section: what a source says up to its number on arXiv, or all of it.
fn paper_name(source: &str) -> &str {
    let Some(number) = source.find("arXiv:") else { return source };
    source[number..].find(',').map_or(source, |end| &source[..number + end])
}

/// Text with what stands between backticks as code.
fn marked(text: &str) -> String {
    let parts: Vec<String> = text.split('`').map(escape).collect();
    if parts.len().is_multiple_of(2) {
        return escape(text);
    }
    let of = |(index, part): (usize, &String)| {
        if index % 2 == 1 { format!("<code>{part}</code>") } else { part.clone() }
    };
    parts.iter().enumerate().map(of).collect()
}

/// Text that may have several lines, such as an error's, in one.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What a name is called where only letters, digits and hyphens may stand.
fn words(name: &str) -> String {
    name.split(|c: char| !c.is_alphanumeric()).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_of_a_paper_are_one_paper() {
        let names = ["Ana (2024), arXiv:2302.1, section 1", "Ana (2024), arXiv:2302.1", "A book, chapter 2"];
        assert_eq!(
            names.map(paper_name),
            ["Ana (2024), arXiv:2302.1", "Ana (2024), arXiv:2302.1", "A book, chapter 2"]
        );
    }

    #[test]
    fn what_stands_between_backticks_is_code_and_nothing_is_markup() {
        assert_eq!(marked("see `a < b` & c"), "see <code>a &lt; b</code> &amp; c");
        assert_eq!(marked("a single ` mark"), "a single ` mark");
    }
}
