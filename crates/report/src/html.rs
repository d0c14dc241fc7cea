//! `report.html`: one page that needs nothing else, opened from a disk or sent by mail.

mod cell;
mod claim;
mod figure;
mod profile;
mod section;

use minijinja::value::{Serde, Value};
use minijinja::{AutoEscape, Environment};
use polder_plot::Ink;
use polder_plot::svg::escape;
use serde::Serialize;

use self::cell::RelatedRow;
use self::claim::class;
use self::profile::ProfileSection;
use self::section::Section;
use super::figure_files::FigureFile;
use super::{Report, data_state_label};
use polder_experiment::claim::Verdict;
use polder_experiment::duration::duration;
use polder_experiment::run::record::DataState;
use polder_experiment::scale::ScaleName;

const TEMPLATE: &str = include_str!("page/page.html.j2");
const STYLE: &str = include_str!("page/page.css");

/// Before the first paint.
const THEME_SCRIPT: &str = include_str!("page/theme.js");

/// When the whole page is there; what it adds is missed by nobody who runs no scripts.
const SCRIPTS: [&str; 3] =
    [include_str!("page/copy.js"), include_str!("page/sort.js"), include_str!("page/figures.js")];

/// The whole page as the template sees it.
#[derive(Serialize)]
struct Page {
    style: Value,
    theme_script: Value,
    scripts: [Value; 3],
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
    /// The experiments of each paper, by their places in `experiments`.
    papers: Vec<Paper>,
    experiments: Vec<Section>,
    /// Published values that stand beside no cell.
    related: Vec<RelatedRow>,
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
    hex: &'static str,
    dark: &'static str,
    variable: &'static str,
}

#[derive(Serialize)]
struct Paper {
    name: String,
    experiments: Vec<usize>,
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

/// Draws the page.
pub(super) fn page(report: &Report, figures: &[FigureFile]) -> anyhow::Result<String> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.add_filter("marked", |text: &str| Value::from_safe_string(marked(text)));
    environment.add_template("page", TEMPLATE)?;
    let as_written = |text: &str| Value::from_safe_string(text.trim_end().to_owned());
    let (finished, planned) = report.progress();
    let page = Page {
        style: as_written(STYLE),
        theme_script: as_written(THEME_SCRIPT),
        scripts: SCRIPTS.map(as_written),
        summary: report.summary(),
        scale: report.session.extent.scale.to_string(),
        full_size: report.session.extent.scale == ScaleName::Paper,
        version: report.session.version.clone(),
        command: report.session.command(),
        counts: Verdict::ALL
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
        finished,
        planned,
        inks: Ink::ALL
            .map(|ink| InkVariable { hex: ink.light(), dark: ink.dark(), variable: ink.variable() })
            .into(),
        papers: papers(report),
        experiments: report
            .experiments
            .iter()
            .map(|one| section::section(report, one, figures))
            .collect::<Result<_, _>>()?,
        related: if report.experiments.iter().all(|one| one.cells.is_empty()) {
            Vec::new()
        } else {
            RelatedRow::all(&report.published)
        },
        profile: report.profile.iter().flatten().next().map(profile::section),
    };
    Ok(environment.get_template("page")?.render(Serde(page))?)
}

/// Neighbours from one paper, under its name.
fn papers(report: &Report) -> Vec<Paper> {
    let mut papers = Vec::<Paper>::new();
    for (index, one) in report.experiments.iter().enumerate() {
        let name = paper_name(&one.experiment.paper);
        match papers.last_mut() {
            Some(paper) if paper.name == name => paper.experiments.push(index),
            _ => papers.push(Paper { name: name.to_owned(), experiments: vec![index] }),
        }
    }
    papers
}

/// Without the section: what a source says up to its number on arXiv, or all of it.
fn paper_name(source: &str) -> &str {
    let Some(number) = source.find("arXiv:") else { return source };
    source[number..].find(',').map_or(source, |end| &source[..number + end])
}

fn notices(report: &Report) -> Vec<Notice> {
    let session = &report.session;
    let missing = session.missing.iter().map(|missing| Notice {
        title: format!("{} is missing", missing.dataset),
        text: format!(
            "{}. These two commands add it and the networks that are trained on it; what is finished is kept.",
            capitalised(&missing.reason)
        ),
        commands: vec![missing.remedy.clone(), session.command()],
    });
    let failures = session.failures.iter().map(|failure| Notice {
        title: format!("Failed twice: {}", failure.what),
        text: failure.error.clone(),
        commands: Vec::new(),
    });
    let unfinished = report.can_continue().then(|| Notice {
        title: "Not complete yet".to_owned(),
        text: format!(
            "Unfinished runs are left out of tables and verdicts. The same command continues, with {} and the folder of this \
             page where that is not results.",
            session.folder_flag()
        ),
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
    let strangers = report.strangers.sentences().into_iter().map(|text| Notice {
        title: "In the folder, and no part of this report".to_owned(),
        // The marks of code belong to Markdown.
        text: text.replace('`', ""),
        commands: Vec::new(),
    });
    missing.chain(failures).chain(unfinished).chain(damaged).chain(profile).chain(strangers).collect()
}

/// What a name is called where only letters, digits and hyphens may stand.
fn words(name: &str) -> String {
    name.split(|c: char| !c.is_alphanumeric()).collect::<Vec<_>>().join("-")
}

fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
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
