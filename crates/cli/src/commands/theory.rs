//! `polder theory`: a law of the papers by simulation, with the optimizer code that trains networks.

use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::{Arg, ArgAction, ArgMatches, Command, FromArgMatches, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use polder_plot::{png, svg};
use serde_json::json;

use crate::exit_code::Outcome;
use crate::stdout;
use polder_experiment::claim::Uncertainty;
use polder_experiment::replace_file::replace_file;
use polder_experiment::run::theory_record::{Simulation, TheoryRecord};
use polder_experiment::scale::ScaleName;
use polder_experiment::simulation_kind::{SimulationKind, set};
use polder_report::simulation::{Summary, Table};

const EXAMPLES: &str = "\
Examples:
  polder theory smoothing                                  as `polder reproduce` computes it
  polder theory smoothing --step-size 0.05 --noise 2 --steps 1e6
  polder theory minima --scale smoke --png minima.png      a table, and the figures
  polder theory thresholds --settings                      every setting, as TOML
  polder theory students --set num_inputs=20 --json";

/// What `polder theory` understands.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct TheoryArgs {
    #[command(subcommand)]
    chosen: Chosen,
}

/// One law and what is asked of it.
#[derive(Debug)]
struct Chosen {
    simulation: Simulation,
    json: bool,
    settings: bool,
    svg: Option<PathBuf>,
    png: Option<PathBuf>,
}

/// Simulates, prints tables, draws figures.
pub(crate) fn run(args: &TheoryArgs) -> anyhow::Result<ExitCode> {
    let Chosen { simulation, settings, json, svg: svg_path, png: png_path } = &args.chosen;
    if *settings {
        stdout::print(&toml::to_string(&simulation.settings)?)?;
        return Ok(Outcome::Done.into());
    }
    for path in [svg_path, png_path].into_iter().flatten() {
        // A picture that cannot be written must not cost minutes.
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        if let Some(parent) = parent.filter(|parent| !parent.is_dir()) {
            bail!("`{}` cannot be written: there is no folder `{}`", path.display(), parent.display());
        }
    }
    let record = waiting(simulation.law, || simulation.run())?;
    let summary = Summary::of(simulation.law.id, &record.report)?;
    if svg_path.is_some() || png_path.is_some() {
        let picture = svg::file(&summary.figures);
        let write = |path: &Path, bytes: &[u8]| {
            replace_file(path, bytes)
                .with_context(|| format!("cannot write the picture `{}`", path.display()))
        };
        svg_path.iter().try_for_each(|path| write(path, picture.as_bytes()))?;
        png_path.iter().try_for_each(|path| write(path, &png::png(&picture)?))?;
    }
    if *json {
        stdout::print(&format!("{}\n", json_of(simulation.law, &record, &summary)))?;
    } else {
        stdout::print(&text_of(simulation.law, &record, &summary))?;
    }
    Ok(Outcome::Done.into())
}

/// Shows on a terminal that something is under way.
fn waiting<T>(law: &SimulationKind, compute: impl FnOnce() -> T) -> T {
    if !std::io::stderr().is_terminal() {
        return compute();
    }
    let style = ProgressStyle::with_template("{spinner} {msg}: {elapsed}").expect("the template is constant");
    let bar = ProgressBar::new_spinner().with_style(style).with_message(law.about);
    bar.enable_steady_tick(Duration::from_millis(120));
    let result = compute();
    bar.finish_and_clear();
    result
}

fn json_of(law: &SimulationKind, record: &TheoryRecord, summary: &Summary) -> serde_json::Value {
    let evidence = summary.metrics.iter().map(|metric| {
        let mut fields = json!({ "what": metric.what, "value": metric.value });
        let more = match metric.uncertainty {
            Uncertainty::Interval { low, high, n } => json!({ "low": low, "high": high, "n": n }),
            Uncertainty::Exact { n } => json!({ "n": n }),
            Uncertainty::Deviations { limit, n } => {
                json!({ "limit": limit, "n": n, "share_of_limit": metric.value / limit })
            }
        };
        fields.as_object_mut().expect("just made").extend(more.as_object().expect("just made").clone());
        (metric.name.clone(), fields)
    });
    json!({
        "law": law.name,
        "experiment": law.id,
        "seconds": record.seconds,
        "evidence": evidence.collect::<serde_json::Map<_, _>>(),
        "settings": record.settings,
        "report": record.report,
    })
}

fn text_of(law: &SimulationKind, record: &TheoryRecord, summary: &Summary) -> String {
    let mut text = format!("{} {}: {}\n", law.id, law.name, law.about);
    for table in &summary.tables {
        let _ = write!(text, "\n{}\n\n{}", table.title, aligned(table));
    }
    text += "\nWhat claims are about (intervals at 95 %):\n";
    let width = summary.metrics.iter().map(|metric| metric.name.len()).max().unwrap_or(0);
    for metric in &summary.metrics {
        let value = number(metric.value);
        let uncertainty = match metric.uncertainty {
            Uncertainty::Interval { low, high, .. } => format!("[{}, {}]", number(low), number(high)),
            Uncertainty::Exact { .. } => "exact".to_owned(),
            Uncertainty::Deviations { limit, n } => {
                format!("standard errors; chance stays below {limit:.2} ({n} comparisons)")
            }
        };
        let _ = writeln!(text, "  {:width$}  {value:>10}  {uncertainty}  {}", metric.name, metric.what);
    }
    text + &format!("{:.1} s\n", record.seconds)
}

/// Five significant digits, and an exponent where there would be many zeros.
fn number(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 {
        "0".to_owned()
    } else if (1e-3..1e5).contains(&size) {
        format!("{value:.*}", (4.0 - size.log10().floor()).clamp(0.0, 7.0) as usize)
    } else {
        format!("{value:.3e}")
    }
}

/// The first column to the left, the others to the right.
fn aligned(table: &Table) -> String {
    let rows: Vec<&Vec<String>> = std::iter::once(&table.heads).chain(&table.rows).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..table.heads.len()).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, &width))| {
            if column == 0 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
        });
        format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    rows.into_iter().map(line).collect()
}

impl Subcommand for Chosen {
    fn augment_subcommands(command: Command) -> Command {
        SimulationKind::ALL
            .iter()
            .fold(command.subcommand_required(true).arg_required_else_help(true), |command, law| {
                command.subcommand(subcommand(law))
            })
    }

    fn augment_subcommands_for_update(command: Command) -> Command {
        Self::augment_subcommands(command)
    }

    fn has_subcommand(name: &str) -> bool {
        SimulationKind::find(name).is_ok()
    }
}

/// The command of one law: its own flags, with the defaults of the scale `desk`, and those that all laws have.
fn subcommand(law: &'static SimulationKind) -> Command {
    let desk = law.preset(ScaleName::Desk).unwrap_or_default();
    let own = law.flags.iter().map(|flag| {
        let default =
            flag.default_in(&desk).map_or_else(|_| String::new(), |value| format!(" [at `desk`: {value}]"));
        Arg::new(flag.name).long(flag.name).value_name("VALUE").help(format!("{}{default}", flag.help))
    });
    Command::new(law.name)
        .visible_alias(law.id)
        .alias(law.typed_id)
        .visible_aliases((law.module != law.name).then_some(law.module))
        .about(law.about)
        .args(own)
        .arg(
            Arg::new("scale")
                .long("scale")
                .value_parser(clap::builder::EnumValueParser::<ScaleName>::new())
                .default_value("desk")
                .help("Where all settings that are not given come from"),
        )
        .arg(
            Arg::new("set")
                .long("set")
                .value_name("KEY=VALUE")
                .action(ArgAction::Append)
                .help("Any other setting; dots lead into tables"),
        )
        .arg(
            Arg::new("settings")
                .long("settings")
                .action(ArgAction::SetTrue)
                .help("Prints all settings as TOML and stops"),
        )
        .arg(
            Arg::new("json")
                .long("json")
                .action(ArgAction::SetTrue)
                .help("Prints one JSON object: evidence, settings, the whole report"),
        )
        .arg(
            Arg::new("svg")
                .long("svg")
                .value_name("FILE")
                .value_parser(clap::value_parser!(PathBuf))
                .help("Draws the figures as SVG, light or dark as their reader's system is"),
        )
        .arg(
            Arg::new("png")
                .long("png")
                .value_name("FILE")
                .value_parser(clap::value_parser!(PathBuf))
                .help("Draws the figures as PNG"),
        )
}

impl FromArgMatches for Chosen {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let refused = |error: anyhow::Error| {
            clap::Error::raw(clap::error::ErrorKind::ValueValidation, format!("{error:#}\n"))
        };
        let Some((name, matches)) = matches.subcommand() else {
            return Err(clap::Error::new(clap::error::ErrorKind::MissingSubcommand));
        };
        let law = SimulationKind::find(name).map_err(refused)?;
        let scale = *matches.get_one::<ScaleName>("scale").expect("has a default");
        let settings = settings(law, scale, matches).map_err(refused)?;
        Ok(Self {
            simulation: Simulation { law, settings },
            json: matches.get_flag("json"),
            settings: matches.get_flag("settings"),
            svg: matches.get_one::<PathBuf>("svg").cloned(),
            png: matches.get_one::<PathBuf>("png").cloned(),
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

fn settings(law: &SimulationKind, scale: ScaleName, matches: &ArgMatches) -> anyhow::Result<toml::Table> {
    let mut settings = law.preset(scale)?;
    for flag in law.flags {
        if let Some(text) = matches.get_one::<String>(flag.name) {
            set(&mut settings, flag.key, text).with_context(|| format!("--{}", flag.name))?;
        }
    }
    for assignment in matches.get_many::<String>("set").into_iter().flatten() {
        let (key, text) =
            assignment.split_once('=').with_context(|| format!("--set {assignment}: write KEY=VALUE"))?;
        set(&mut settings, key.trim(), text).with_context(|| format!("--set {assignment}"))?;
    }
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Only {
        #[command(flatten)]
        theory: TheoryArgs,
    }

    fn chosen(words: &[&str]) -> Result<Chosen, String> {
        let words = std::iter::once("theory").chain(words.iter().copied());
        Only::try_parse_from(words).map(|only| only.theory.chosen).map_err(|error| error.to_string())
    }

    #[test]
    fn flags_and_settings_lie_over_the_scale() {
        let words = [
            "a1",
            "--scale",
            "smoke",
            "--step-size",
            "0.05",
            "--steps",
            "1e6",
            "--set",
            "short_runs.num_runs=20",
        ];
        let chosen = chosen(&words).unwrap();
        let settings = &chosen.simulation.settings;
        assert_eq!(chosen.simulation.law.name, "smoothing");
        assert_eq!(settings["num_steps"].as_integer(), Some(1_000_000));
        assert_eq!(settings["step_sizes"].as_array().map(Vec::len), Some(1));
        assert_eq!(settings["short_runs"]["num_runs"].as_integer(), Some(20));
        assert_eq!(settings["num_pairs"].as_integer(), Some(12));
    }

    #[test]
    fn what_is_wrong_is_named_with_the_word_that_was_typed() {
        assert!(chosen(&["smoothing", "--steps", "many"]).unwrap_err().contains("--steps"));
        assert!(chosen(&["smoothing", "--set", "num_step=5"]).unwrap_err().contains("num_steps"));
        assert!(chosen(&["smoothing", "--set", "num_steps"]).unwrap_err().contains("KEY=VALUE"));
        assert!(chosen(&["smothing"]).unwrap_err().contains("smoothing"));
    }

    #[test]
    fn a_table_is_aligned_and_numbers_keep_five_digits() {
        let mut table = Table::new("", &["step", "value"]);
        table.push(vec!["η = 1".to_owned(), "2".to_owned()]);
        assert_eq!(aligned(&table), "step   value\nη = 1      2\n");
        assert_eq!([0.0, 0.484_123_4, 6.7e-16, 12_345.6].map(number), ["0", "0.48412", "6.700e-16", "12346"]);
    }
}
