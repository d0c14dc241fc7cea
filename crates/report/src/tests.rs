//! The report as a whole, from made-up records.

mod chromium;
mod page;

use super::*;
use polder_experiment::experiment::{self, Selection};
use polder_experiment::plan::reproduce_request::{Failure, MissingData};
use polder_experiment::plan::{Plan, PlannedRun, run_dir};
use polder_experiment::run::record::RECORD_FILE;
use polder_experiment::scale::ScaleName;
use polder_experiment::synthetic;

fn experiments() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../experiments")
}

fn session(scale: ScaleName) -> ReproduceRequest {
    ReproduceRequest {
        own_experiments: None,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        extent: Selection::all(scale),
        only: Vec::new(),
        jobs: 1,
        threads: 2,
        missing: Vec::new(),
        failures: Vec::new(),
        interrupted: false,
    }
}

fn plan(results: &Path, scale: ScaleName) -> Plan {
    Plan::new(&experiment::read_all(&experiments()).unwrap(), Selection::all(scale), results).unwrap()
}

fn write_theory(plan: &Plan) {
    for theory in &plan.theory {
        let record = serde_json::to_vec(&synthetic::simulate(&theory.simulation).unwrap()).unwrap();
        replace_file(&theory.path, &record).unwrap();
    }
}

fn draw(results: &Path, session: &ReproduceRequest) -> [String; 4] {
    session.write(results).unwrap();
    Report::collect(&experiments(), results).unwrap().write(results).unwrap();
    ["report.html", "report.md", "results.csv", "results.json"]
        .map(|name| std::fs::read_to_string(results.join(name)).unwrap())
}

#[test]
fn a_profile_in_the_folder_becomes_a_part_of_the_report_and_a_damaged_one_is_named() {
    use polder_experiment::profile::record::{PROFILE_FILE, example};
    let dir = tempfile::tempdir().unwrap();
    let [html, markdown, ..] = draw(dir.path(), &session(ScaleName::Smoke));
    assert!(!html.contains("id=\"input\"") && !markdown.contains("input pipeline"));
    let file = dir.path().join(PROFILE_FILE);
    replace_file(&file, &serde_json::to_vec(&example()).unwrap()).unwrap();
    let [html, markdown, ..] = draw(dir.path(), &session(ScaleName::Smoke));
    for page in [&html, &markdown] {
        assert!(page.contains("input-bound: the model could process 2.30x"), "{page}");
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
    assert!(html.len() < 5_000_000, "{} bytes, with everything on the page", html.len());
    assert!(html.contains("scaled down") && markdown.contains("scaled down"));
    assert!(!html.contains("Not complete yet") && !markdown.contains("Not complete yet"), "{markdown}");
    // The made-up records evaluate the iterate after every epoch, after the last also with BN refreshed, and the averages in the
    // last quarter; an experiment that looks at the runs of another has their rows too.
    let rows = |run: &PlannedRun| {
        let epochs = run.config.training.epochs;
        let late = (1..=epochs).filter(|epoch| 4 * epoch > 3 * epochs).count();
        let refreshed = usize::from(run.config.model.has_bn());
        (epochs as usize + refreshed + late * run.config.averages.len()) * run.serves.len()
    };
    assert_eq!(csv.lines().count(), 1 + plan.runs.iter().map(rows).sum::<usize>());
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["complete"], true);
    assert!(json["numbers"]["A4.best_accuracy"].as_f64().unwrap() > 0.5, "{json}");
    assert!(json["numbers"]["A1.average-slope"].as_f64().is_some(), "{json}");
    if let Ok(keep) = std::env::var("POLDER_KEEP_REPORT") {
        std::fs::write(keep, html).unwrap();
    }
}

#[test]
fn runs_that_are_looked_at_once_more_are_drawn_by_what_is_asked_of_them() {
    let dir = tempfile::tempdir().unwrap();
    let of_a = |only: &[&str]| {
        let only = only.iter().map(|&id| id.to_owned()).collect();
        ReproduceRequest { only, ..session(ScaleName::Desk) }
    };
    for run in &plan(dir.path(), ScaleName::Desk).runs {
        let is_of_a4 = run.serves.iter().any(|serves| serves.experiment == "A4");
        if is_of_a4 && run.config.data.dataset == polder_experiment::config::DatasetName::Cifar10 {
            synthetic::write_run(dir.path(), &run.config, None);
            run.flatness
                .iter()
                .for_each(|settings| synthetic::write_flatness(dir.path(), &run.config, settings));
        }
    }
    let titles = |session: &ReproduceRequest| -> Vec<Vec<String>> {
        session.write(dir.path()).unwrap();
        let report = Report::collect(&experiments(), dir.path()).unwrap();
        let titles = |one| figures::figures(one).into_iter().map(|figure| figure.title).collect();
        report.experiments.iter().map(titles).collect()
    };
    let curves = ["Where the runs end", "Accuracy over the epochs", "Loss over the epochs"];
    let flatness = "How flat the loss is where the runs end";
    let [a4, a5, a6] = titles(&of_a(&["A4", "A5", "A6"])).try_into().unwrap();
    assert_eq!((a4, a5), (curves.map(str::to_owned).to_vec(), vec!["From where on to average".to_owned()]));
    let of_a6 = [flatness, "The loss between last iterate and average"];
    assert_eq!(a6, of_a6);
    let [alone] = titles(&of_a(&["A6"])).try_into().unwrap();
    assert_eq!(alone, [&of_a6, &curves[..]].concat(), "where nothing else shows the runs");

    let [html, markdown, ..] = draw(dir.path(), &of_a(&["A4", "A6"]));
    for page in [&html, &markdown] {
        assert!(
            page.contains("scale-invariant largest eigenvalue") && page.contains("The runs are those of")
        );
    }
    assert_eq!(markdown.matches("| cell | weights | test accuracy").count(), 1, "A6 is about flatness");
}

#[test]
fn a_report_without_data_says_what_is_missing_and_which_command_adds_it() {
    let dir = tempfile::tempdir().unwrap();
    write_theory(&plan(dir.path(), ScaleName::Smoke));
    let mut session = session(ScaleName::Smoke);
    session.missing.push(MissingData {
        dataset: "CIFAR-10".to_owned(),
        reason: "no folder `cifar-10-batches-bin`".to_owned(),
        remedy: "polder data fetch cifar10".to_owned(),
    });
    let [html, markdown, csv, _] = draw(dir.path(), &session);
    for text in [&html, &markdown] {
        assert!(text.contains("polder data fetch cifar10") && text.contains("not run"));
    }
    assert!(csv.lines().skip(1).all(|line| line.contains("to do")), "{csv}");
}

#[test]
fn what_only_has_to_be_continued_is_told_from_what_is_kept_away() {
    let dir = tempfile::tempdir().unwrap();
    let plan = plan(dir.path(), ScaleName::Smoke);
    let says_so = |session: &ReproduceRequest| {
        let [html, markdown, _, json] = draw(dir.path(), session);
        let says = [&html, &markdown].map(|page| page.contains("Not complete yet"));
        assert_eq!(says[0], says[1]);
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        (says[0], json["complete"] == true)
    };
    // A law and networks on data that are not there: the law is left, then nothing that could be continued.
    let mut of_two =
        ReproduceRequest { only: vec!["A1".to_owned(), "A4".to_owned()], ..session(ScaleName::Smoke) };
    of_two.missing = ["CIFAR-10", "CIFAR-100"]
        .map(|dataset| MissingData {
            dataset: dataset.to_owned(),
            reason: "no folder".to_owned(),
            remedy: "polder data fetch".to_owned(),
        })
        .into();
    assert_eq!(says_so(&of_two), (true, false));
    let failed = Failure { run: "A1".to_owned(), what: "A1".to_owned(), error: "disk full".to_owned() };
    assert_eq!(says_so(&ReproduceRequest { failures: vec![failed], ..of_two.clone() }), (false, false));
    write_theory(&plan);
    assert_eq!(says_so(&of_two), (false, false));
    // Of the networks one is left, and has failed; how the session ended is not the point.
    let of_a4 = |run: &&PlannedRun| run.serves.iter().any(|serves| serves.experiment == "A4");
    let runs: Vec<_> = plan.runs.iter().filter(of_a4).collect();
    let (last, others) = runs.split_last().unwrap();
    for run in others {
        synthetic::write_run(dir.path(), &run.config, None);
    }
    let stopped = ReproduceRequest { missing: Vec::new(), interrupted: true, ..of_two.clone() };
    assert_eq!(says_so(&stopped), (true, false));
    let failed = Failure { run: last.id.clone(), what: "A4".to_owned(), error: "disk full".to_owned() };
    assert_eq!(says_so(&ReproduceRequest { failures: vec![failed], ..stopped.clone() }), (false, false));
    synthetic::write_run(dir.path(), &last.config, None);
    assert_eq!(says_so(&stopped), (false, true));
}

#[test]
fn what_is_left_of_trainings_and_flatness_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let of_a = ReproduceRequest { only: vec!["A4".to_owned(), "A6".to_owned()], ..session(ScaleName::Smoke) };
    let runs = &plan(dir.path(), ScaleName::Smoke).runs;
    let runs: Vec<_> =
        runs.iter().filter(|run| run.serves.iter().any(|serves| serves.experiment == "A4")).collect();
    let (last, others) = runs.split_last().unwrap();
    let flatness = |run: &PlannedRun| {
        run.flatness.iter().for_each(|settings| synthetic::write_flatness(dir.path(), &run.config, settings));
    };
    for run in others {
        synthetic::write_run(dir.path(), &run.config, None);
        flatness(run);
    }
    let is_complete = || {
        let [html, markdown, _, json] = draw(dir.path(), &of_a);
        let says_so = [&html, &markdown].map(|page| !page.contains("Not complete yet"));
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert!(says_so.iter().all(|says| json["complete"] == *says), "{markdown}");
        (says_so[0], markdown, json["runs_done"].as_array().unwrap().len())
    };
    let (complete, markdown, done) = is_complete();
    assert_eq!(done, 5);
    assert!(
        !complete && markdown.contains(" of 6 networks were trained by this program so far."),
        "{markdown}"
    );
    synthetic::write_run(dir.path(), &last.config, None);
    let (complete, _, done) = is_complete();
    assert!(!complete && done == 5, "flatness is left");
    flatness(last);
    let (complete, _, done) = is_complete();
    assert!(complete && done == 6);
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
