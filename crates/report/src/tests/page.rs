//! The page as its readers have it: in a browser, on a phone, in the dark, without a network.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::chromium::{self, SystemTheme, Visit};
use super::{experiments, session};
use crate::Report;
use polder_experiment::experiment;
use polder_experiment::plan::Plan;
use polder_experiment::plan::reproduce_request::Failure;
use polder_experiment::replace_file::replace_file;
use polder_experiment::scale::ScaleName;
use polder_experiment::synthetic;

const PROBE: &str = include_str!("probe.js");

/// Rows by name, as they are written: numbers in all their forms, what is no number, and what is empty.
const MIXED: [(&str, &str); 9] = [
    ("a", "12,000"),
    ("b", "0.9 ± 0.1"),
    ("c", "–"),
    ("d", "−3e−2"),
    ("e", "all"),
    ("f", "× 1.09"),
    ("g", ""),
    ("h", "0.90"),
    ("i", "factor 2.5"),
];

/// A law, networks on two data sets, flatness, a profile of the input, and a failure with a long name.
fn results(dir: &Path) {
    use polder_experiment::profile::record::{PROFILE_FILE, example};
    let mut session = session(ScaleName::Smoke);
    session.only = ["A1", "A4", "A5", "A6"].map(str::to_owned).to_vec();
    session.failures.push(Failure {
        run: "0123456789ab".to_owned(),
        what: "small steps, SAM".to_owned(),
        error: format!("cannot read `/{}`", "a-folder-with-a-name-that-nobody-breaks/".repeat(6)),
    });
    let selected =
        experiment::select(experiment::read_all(&experiments()).unwrap(), &session.only, session.extent);
    let plan = Plan::new(&selected.unwrap(), session.extent, dir).unwrap();
    super::write_theory(&plan);
    for run in &plan.runs {
        synthetic::write_run(dir, &run.config, None);
        for settings in &run.flatness {
            synthetic::write_flatness(dir, &run.config, settings);
        }
    }
    replace_file(&dir.join(PROFILE_FILE), &serde_json::to_vec(&example()).unwrap()).unwrap();
    super::draw(dir, &session);
}

/// A copy of the page with a table of the test's own and the script that does what a reader does.
fn probed(dir: &Path) -> PathBuf {
    let page = std::fs::read_to_string(dir.join("report.html")).unwrap();
    let row = |(name, value): &(&str, &str)| format!("<tr><td>{name}</td><td>{value}</td></tr>");
    let rows = MIXED.iter().map(row).collect::<Vec<_>>().concat();
    let table = format!(
        "<table id=\"mixed\"><thead><tr><th>Name</th><th>Value</th></tr></thead><tbody>{rows}</tbody></table>"
    );
    let (before, after) = page.split_once("</main>").unwrap();
    let copy = format!("{before}{table}</main>{after}")
        .replace("</body>", &format!("<script>{PROBE}</script></body>"));
    let path = dir.join("probed.html");
    std::fs::write(&path, copy).unwrap();
    path
}

/// The page in a window as narrow as a phone, which no window of its own can be.
fn on_a_phone(dir: &Path) -> PathBuf {
    probed(dir);
    let path = dir.join("phone.html");
    let text = "<!doctype html><iframe src=\"probed.html\" width=\"360\" height=\"740\" style=\"border:0\"></iframe><script>\
        addEventListener('message', ({ data }) => { const place = document.createElement('script'); \
        place.type = 'application/json'; place.id = 'seen'; place.textContent = data; document.body.append(place); });</script>";
    std::fs::write(&path, text).unwrap();
    path
}

fn visit(program: &Path, page: &Path, theme: SystemTheme) -> Value {
    let Visit { seen, console } = chromium::visit(program, page, theme);
    assert_eq!(console, [""; 0], "the console is empty");
    assert_eq!(seen["error"], Value::Null);
    assert_eq!(seen["requests"], json!([]), "nothing is fetched");
    seen
}

/// Worst contrast of each theme that was looked at, and the ground that the page had.
fn contrasts(seen: &Value) -> Vec<(f64, String)> {
    let of_theme = |contrast: &Value| {
        assert!(contrast["words"].as_u64().unwrap() > 500, "{contrast}");
        let worst = contrast["worst"]["ratio"].as_f64().unwrap();
        assert!(worst >= 4.5, "{}", contrast["worst"]);
        (worst, contrast["page"].as_str().unwrap().to_owned())
    };
    seen["contrast"].as_array().unwrap().iter().map(of_theme).collect()
}

#[test]
fn in_a_browser_links_open_columns_sort_and_figures_are_saved_and_enlarged() {
    let Some(program) = chromium::find() else { return };
    let dir = tempfile::tempdir().unwrap();
    results(dir.path());
    let seen = visit(&program, &probed(dir.path()), SystemTheme::Light);

    let states = seen["mixed"].as_array().unwrap();
    let names = |state: &Value| -> String {
        state["names"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect()
    };
    assert_eq!(
        states.iter().map(names).collect::<Vec<_>>(),
        ["abcdefghi", "dbhfiaecg", "aifbhdecg", "abcdefghi"]
    );
    let directions: Vec<&Value> = states.iter().map(|state| &state["direction"]).collect();
    assert_eq!(json!(directions), json!([null, "ascending", "descending", null]));
    let rising: Vec<f64> = seen["accuracy"][1]["cells"]
        .as_array()
        .unwrap()
        .iter()
        .map(|cell| cell.as_str().unwrap().parse().unwrap())
        .collect();
    assert!(rising.len() > 10 && rising.is_sorted() && rising.first() < rising.last(), "{rising:?}");

    let saved = seen["saved"].as_array().unwrap();
    let figures = dir.path().join("figures");
    // The manifest is not a figure.
    assert_eq!(saved.len(), std::fs::read_dir(&figures).unwrap().count() - 1);
    for file in saved {
        let (name, text) = (file["name"].as_str().unwrap(), file["text"].as_str().unwrap());
        assert_eq!(file["local"], true, "{name}");
        let beside = std::fs::read_to_string(figures.join(name)).unwrap();
        if file["type"] == "text/csv" {
            assert_eq!(text, beside, "{name}");
        } else {
            assert_eq!(file["type"], "image/svg+xml");
            let [saved, beside] = [text, &beside].map(|svg| polder_plot::png::png(svg).unwrap());
            assert!(saved == beside, "{name}: the saved picture is another");
        }
    }

    let tops: Vec<f64> = seen["landed"].as_array().unwrap().iter().map(|top| top.as_f64().unwrap()).collect();
    assert!(tops.len() == 3 && tops.iter().all(|top| (0.0..40.0).contains(top)), "{tops:?}");
    assert_eq!(
        seen["followed"],
        json!({ "before": [false, false], "after": [true, true], "commands": true })
    );
    let enlarged = &seen["enlarged"];
    for holds in ["modal", "focused", "panels", "caption"] {
        assert_eq!(enlarged[holds], true, "{holds}: {enlarged}");
    }
    assert!(enlarged["panel"].as_f64() > enlarged["before"].as_f64().map(|width| 1.3 * width), "{enlarged}");
}

#[test]
fn in_both_themes_every_word_stands_out_from_its_ground() {
    let Some(program) = chromium::find() else { return };
    let dir = tempfile::tempdir().unwrap();
    results(dir.path());
    let page = probed(dir.path());
    let [light, dark] = [SystemTheme::Light, SystemTheme::Dark].map(|theme| {
        contrasts(&visit(&program, &page, theme)).into_iter().map(|(_, ground)| ground).collect::<Vec<_>>()
    });
    // As the system is, then as the reader chooses with a click.
    assert_eq!(light, ["rgb(246, 247, 249)", "rgb(16, 20, 24)"]);
    assert_eq!(dark, ["rgb(16, 20, 24)", "rgb(246, 247, 249)"]);
}

#[test]
fn on_a_phone_the_page_is_no_wider_than_the_screen() {
    let Some(program) = chromium::find() else { return };
    let dir = tempfile::tempdir().unwrap();
    results(dir.path());
    let seen = visit(&program, &on_a_phone(dir.path()), SystemTheme::Light);
    assert_eq!(seen["width"]["viewport"], 360);
    assert!(seen["width"]["page"].as_u64().unwrap() <= 360, "{}", seen["width"]);
    let enlarged = &seen["enlarged"];
    assert!(
        enlarged["width"].as_f64().unwrap() <= 360.0 && enlarged["page"].as_u64().unwrap() <= 360,
        "{enlarged}"
    );
}

/// The values of an attribute, in the order of the page.
fn attributes<'a>(page: &'a str, name: &str) -> Vec<&'a str> {
    let start = format!(" {name}=\"");
    page.split(start.as_str())
        .skip(1)
        .filter_map(|rest| rest.split_once('"'))
        .map(|(value, _)| value)
        .collect()
}

#[test]
fn every_link_leads_somewhere_and_nothing_is_fetched() {
    let dir = tempfile::tempdir().unwrap();
    results(dir.path());
    let read = |name: &str| std::fs::read_to_string(dir.path().join(name)).unwrap();
    let (page, markdown) = (read("report.html"), read("report.md"));
    let ids: Vec<&str> = attributes(&page, "id");
    let unique: BTreeSet<&str> = ids.iter().copied().collect();
    assert_eq!(unique.len(), ids.len(), "an id names one place");
    let links = attributes(&page, "href");
    assert!(links.len() > 50, "{links:?}");
    for link in links {
        assert!(link.strip_prefix('#').is_some_and(|id| unique.contains(id)), "{link}");
    }
    assert_eq!(attributes(&page, "src"), [""; 0]);
    assert!(
        page.contains(
            "content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'\""
        )
    );
    let files: Vec<&str> =
        markdown.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(file, _)| file).collect();
    assert!(files.len() >= 8, "{files:?}");
    for file in files {
        assert!(file.starts_with("figures/") && dir.path().join(file).is_file(), "{file}");
    }
}

#[test]
fn figures_of_an_experiment_that_is_no_longer_shown_are_removed() {
    let dir = tempfile::tempdir().unwrap();
    results(dir.path());
    let of_a4 = || {
        let names = std::fs::read_dir(dir.path().join("figures")).unwrap();
        names.filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with("A4-")).count()
    };
    assert!(of_a4() >= 4);
    std::fs::write(dir.path().join("figures/A4-mine.svg"), "<svg/>").unwrap();
    let mut session = session(ScaleName::Smoke);
    session.only = vec!["A1".to_owned()];
    session.write(dir.path()).unwrap();
    Report::collect(&experiments(), dir.path()).unwrap().write(dir.path()).unwrap();
    assert_eq!(of_a4(), 1, "what is not ours stays");
}
