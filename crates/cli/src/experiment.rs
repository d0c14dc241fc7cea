//! `experiments/*.toml`: what is run, at which scales, and which claims are tested on it.

mod grid;
pub(crate) mod schema;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::grid::{Grid, GridCell};
use crate::claim::{Claim, Term};
use crate::config::keys::Keys;
use crate::config::{RunConfig, with_nearest};
use crate::flatness::FlatnessSettings;
use crate::law::{Law, check};
use crate::scale::ScaleName;
use crate::theory_record::Simulation;

pub(crate) use self::grid::{Point, axis_name};

/// Lies beside the experiments and is not one.
pub(crate) const PUBLISHED_FILE: &str = "published.toml";

/// One experiment as its file describes it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Experiment {
    /// `A4`, say; what `--only` selects.
    pub(crate) id: String,
    /// The heading of its section of the report.
    pub(crate) title: String,
    /// The paper whose claims are tested.
    pub(crate) paper: String,
    /// What is asked, in one sentence.
    pub(crate) question: String,
    /// How it is answered, for the reader of the report.
    pub(crate) method: String,
    /// Claims of the paper that these scales do not reach.
    #[serde(default)]
    pub(crate) not_run: Vec<String>,
    /// Networks to train; absent for an experiment of the theory.
    pub(crate) grid: Option<Grid>,
    /// A law to simulate; absent for an experiment that trains networks.
    pub(crate) theory: Option<TheorySettings>,
    /// The experiment whose runs are looked at once more: its grid, its scales and its default stand for those of this one.
    pub(crate) runs_of: Option<String>,
    /// How flat the loss is at the ends of the runs, measured after they have ended.
    pub(crate) flatness: Option<FlatnessSettings>,
    /// What of it belongs to the default selection; absent for nothing.
    pub(crate) default: Option<DefaultCut>,
    /// Present once read.
    pub(crate) scales: Option<Scales>,
    /// What is tested on the runs or on the law, each with a verdict of its own.
    #[serde(default)]
    pub(crate) claims: Vec<Claim>,
}

/// Which law is simulated, and in what its settings differ from the law's own for the scale.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TheorySettings {
    /// As `polder theory` calls it.
    pub(crate) law: String,
    /// Settings that differ from the law's own at every scale; `polder theory LAW --settings` lists them.
    #[serde(default)]
    #[schemars(schema_with = "schema::table")]
    pub(crate) settings: toml::Table,
}

/// The scales of an experiment.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scales {
    pub(crate) smoke: Scale,
    pub(crate) desk: Scale,
    /// Absent where the papers' own settings cannot be run yet.
    pub(crate) paper: Option<Scale>,
}

/// What of an experiment belongs to the default selection, which is meant for an hour in all.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DefaultCut {
    /// So many of the seeds of the scale; all when absent.
    pub(crate) seeds: Option<usize>,
    /// These values of axes.
    #[serde(default)]
    #[schemars(schema_with = "schema::axes_of_a_run")]
    pub(crate) vary: toml::Table,
}

/// How much of the experiments is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Extent {
    pub(crate) scale: ScaleName,
    /// Seeds 0 to this, without it, in place of those of the scale.
    pub(crate) num_seeds: Option<u64>,
    /// Only what belongs to the default selection.
    #[serde(default)]
    pub(crate) default_only: bool,
}

/// How an experiment is cut to a scale.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scale {
    /// In what it differs from the paper; shown wherever its numbers are.
    pub(crate) note: String,
    /// One run of each cell for each of them; unused by a law, which has its own.
    #[serde(default)]
    pub(crate) seeds: Vec<u64>,
    /// Keys that differ at this scale: of a run's configuration, or of the law's settings.
    #[serde(default)]
    #[schemars(schema_with = "schema::table")]
    pub(crate) set: toml::Table,
    /// Values of axes of the grid that differ at this scale.
    #[serde(default)]
    #[schemars(schema_with = "schema::axes_of_a_run")]
    pub(crate) vary: toml::Table,
}

/// A run that a grid asks for.
#[derive(Clone, Debug)]
pub(crate) struct GridRun {
    /// The cell, with the values of the axes that have several.
    pub(crate) cell: String,
    /// The cell as the experiment names it.
    pub(crate) family: String,
    /// The values of the axes.
    pub(crate) point: Point,
    pub(crate) seed: u64,
    pub(crate) config: RunConfig,
}

impl Experiment {
    /// Reads one experiment that stands by itself and checks all its scales.
    fn parse(text: &str) -> anyhow::Result<Self> {
        let experiment: Self = toml::from_str(text).map_err(with_nearest)?;
        if experiment.runs_of.is_none() {
            experiment.check()?;
        }
        Ok(experiment)
    }

    /// Takes over what it looks at once more.
    fn resolve(&mut self, all: &[Self]) -> anyhow::Result<()> {
        let Some(of) = &self.runs_of else { return Ok(()) };
        ensure!(
            self.grid.is_none() && self.scales.is_none() && self.default.is_none(),
            "`runs_of` stands for the grid, the scales and the default of `{of}`; remove the tables of those names"
        );
        let known = all.iter().find(|other| other.id == *of && other.runs_of.is_none());
        let other =
            known.with_context(|| format!("`runs_of` names `{of}`, which is no experiment with a grid"))?;
        self.grid.clone_from(&other.grid);
        self.scales.clone_from(&other.scales);
        self.default.clone_from(&other.default);
        self.check()
    }

    fn check(&self) -> anyhow::Result<()> {
        ensure!(
            self.grid.is_some() != self.theory.is_some(),
            "expected either a table `grid` or a table `theory`"
        );
        ensure!(self.scales.is_some(), "the table `scales` is missing");
        ensure!(self.flatness.is_none() || self.grid.is_some(), "`flatness` needs runs to measure: a `grid`");
        self.check_keys()?;
        for scale in ScaleName::ALL.into_iter().filter(|scale| self.scale(*scale).is_ok()) {
            let at = || format!("at the scale `{scale}`");
            self.runs(Extent::all(scale)).with_context(at)?;
            self.simulation(scale).with_context(at)?;
            self.check_claims(scale).with_context(at)?;
        }
        if self.default.is_some() {
            self.runs(Extent::DEFAULT).context("in the default selection")?;
        }
        self.check_values()
    }

    /// How the experiment is cut to a scale.
    ///
    /// # Errors
    /// If it does not have that scale.
    pub(crate) fn scale(&self, name: ScaleName) -> anyhow::Result<&Scale> {
        let scales = self.scales.as_ref().context("the table `scales` is missing")?;
        match name {
            ScaleName::Smoke => Ok(&scales.smoke),
            ScaleName::Desk => Ok(&scales.desk),
            ScaleName::Paper => scales.paper.as_ref().with_context(|| {
                format!("the experiment {} has no scale `paper`; leave it out with --only", self.id)
            }),
        }
    }

    /// The runs of the grid: for each seed every cell, so that a stopped execution leaves whole seeds.
    pub(crate) fn runs(&self, extent: Extent) -> anyhow::Result<Vec<GridRun>> {
        let Some(grid) = &self.grid else { return Ok(Vec::new()) };
        let scale = self.scale(extent.scale)?;
        let mut seeds = extent.num_seeds.map_or_else(|| scale.seeds.clone(), |count| (0..count).collect());
        let mut vary = scale.vary.clone();
        if extent.default_only {
            let cut = self.default.as_ref().context("nothing of it belongs to the default selection")?;
            seeds.truncate(cut.seeds.unwrap_or(usize::MAX));
            merge(&mut vary, &cut.vary);
        }
        ensure!(!seeds.is_empty(), "no seed is given; write `seeds = [0, 1]`");
        let cells = grid.cells(&scale.set, &vary)?;
        let run = |cell: &GridCell, seed| {
            let (family, point) = (cell.name.clone(), cell.point.clone());
            anyhow::Ok(GridRun { cell: cell.label.clone(), family, point, seed, config: cell.config(seed)? })
        };
        seeds.iter().flat_map(|&seed| cells.iter().map(move |cell| run(cell, seed))).collect()
    }

    /// What of flatness is measured at a scale.
    pub(crate) fn flatness(&self, scale: ScaleName) -> Option<FlatnessSettings> {
        let settings = self.flatness.as_ref()?;
        Some(if scale == ScaleName::Smoke { settings.at_smoke() } else { settings.clone() })
    }

    /// The law and its settings at a scale; `None` for an experiment that trains networks.
    pub(crate) fn simulation(&self, scale: ScaleName) -> anyhow::Result<Option<Simulation>> {
        let Some(theory) = &self.theory else { return Ok(None) };
        let law = Law::find(&theory.law)?;
        let mut settings = law.preset(scale)?;
        for over in [&theory.settings, &self.scale(scale)?.set] {
            check(&settings, over).with_context(|| format!("the law `{}`", law.name))?;
            merge(&mut settings, over);
        }
        Ok(Some(Simulation { law, settings }))
    }

    /// Checks the keys of every table of the grid by itself, so that an error says which table it is.
    fn check_keys(&self) -> anyhow::Result<()> {
        let Some(grid) = &self.grid else { return Ok(()) };
        let keys = Keys::of_a_run();
        keys.check(&grid.base).context("in `grid.base`")?;
        keys.check(&grid.vary).context("in `grid.vary`")?;
        for cell in &grid.cells {
            keys.check(&cell.set).with_context(|| format!("in `set` of the cell `{}`", cell.name))?;
            keys.check(&cell.vary).with_context(|| format!("in `vary` of the cell `{}`", cell.name))?;
        }
        for name in ScaleName::ALL {
            if let Ok(scale) = self.scale(name) {
                keys.check(&scale.set).with_context(|| format!("in `scales.{name}.set`"))?;
                keys.check(&scale.vary).with_context(|| format!("in `scales.{name}.vary`"))?;
            }
        }
        let cut = self.default.as_ref();
        cut.map_or(Ok(()), |cut| keys.check(&cut.vary).context("in `default.vary`"))
    }

    fn check_claims(&self, scale: ScaleName) -> anyhow::Result<()> {
        let runs = self.runs(Extent { num_seeds: Some(1), ..Extent::all(scale) })?;
        let mut seen = BTreeSet::new();
        for claim in &self.claims {
            ensure!(seen.insert(&claim.id), "two claims have the id `{}`", claim.id);
            let terms = claim.test.terms();
            ensure!(terms.is_empty() || self.grid.is_some(), "the claim `{}` needs a `grid`", claim.id);
            let within = || format!("in the claim `{}`", claim.id);
            claim.test.check().with_context(within)?;
            for term in terms {
                self.check_term(term, claim.test.along(), &runs).with_context(within)?;
            }
        }
        Ok(())
    }

    /// Checks that what claims fix by `at` is somewhere in the grid. A scale may cut an axis, so one scale that has it is enough.
    fn check_values(&self) -> anyhow::Result<()> {
        let mut runs = Vec::new();
        for scale in ScaleName::ALL.into_iter().filter(|scale| self.scale(*scale).is_ok()) {
            runs.extend(self.runs(Extent { num_seeds: Some(1), ..Extent::all(scale) })?);
        }
        for claim in &self.claims {
            for term in claim.test.terms() {
                let points = runs.iter().filter(|run| run.family == term.cell).map(|run| &run.point);
                grid::check_place(&Point::of(&term.at), points)
                    .with_context(|| format!("the cell `{}`", term.cell))
                    .with_context(|| format!("in the claim `{}` of the experiment {}", claim.id, self.id))?;
            }
        }
        Ok(())
    }

    fn check_term(&self, term: &Term, along: Option<&str>, runs: &[GridRun]) -> anyhow::Result<()> {
        let families: BTreeSet<&str> = runs.iter().map(|run| run.family.as_str()).collect();
        let of_cell: Vec<&GridRun> = runs.iter().filter(|run| run.family == term.cell).collect();
        ensure!(
            !of_cell.is_empty(),
            "it names the cell `{}`; the grid has {}",
            term.cell,
            families.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
        );
        for key in term.axes().iter().map(String::as_str).chain(along) {
            ensure!(
                of_cell.iter().all(|run| run.point.get(key).is_some()),
                "it names the axis `{key}`, which the cell `{}` does not have",
                term.cell
            );
        }
        // A line and a parabola are drawn over numbers, the latter over their logarithms.
        for key in along.into_iter().chain(term.optimum_over.as_deref()) {
            let number = |run: &&GridRun| run.point.number(key).is_some_and(|number| number > 0.0);
            ensure!(
                of_cell.iter().all(number),
                "it walks the axis `{key}`, whose values in the cell `{}` are not all numbers above 0",
                term.cell
            );
        }
        ensure!(
            of_cell.iter().all(|run| {
                term.weights == crate::record::ITERATE || run.config.averages.contains_key(&term.weights)
            }),
            "it names the average `{}`, which the cell `{}` does not make",
            term.weights,
            term.cell
        );
        if term.measure.is_flatness() {
            let measured = self
                .flatness
                .as_ref()
                .context("it is about flatness, which is measured where there is a table `flatness`")?;
            ensure!(
                measured.weights.contains(&term.weights),
                "it is about the flatness at `{}`, but `flatness.weights` are {}",
                term.weights,
                measured.weights.join(", ")
            );
        }
        Ok(())
    }
}

impl Extent {
    /// The default selection.
    pub(crate) const DEFAULT: Self = Self { scale: ScaleName::Desk, num_seeds: None, default_only: true };

    /// Everything that a scale has.
    pub(crate) fn all(scale: ScaleName) -> Self {
        Self { scale, num_seeds: None, default_only: false }
    }
}

/// Reads all experiments of a folder, in the order of their ids.
pub(crate) fn read_all(dir: &Path) -> anyhow::Result<Vec<Experiment>> {
    let unreadable = || {
        format!(
            "cannot read the folder of experiments `{}`; run the command in Polder's folder, or name it with \
             --experiments",
            dir.display()
        )
    };
    let entries = std::fs::read_dir(dir).with_context(unreadable)?;
    let paths: Vec<PathBuf> = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()
        .with_context(unreadable)?;
    let is_experiment = |path: &PathBuf| {
        path.extension().is_some_and(|extension| extension == "toml")
            && path.file_name().is_some_and(|name| name != PUBLISHED_FILE)
    };
    let unusable = |path: &Path| format!("the experiment `{}` is not usable", path.display());
    let mut found: Vec<(&Path, Experiment)> = Vec::new();
    for path in paths.iter().filter(|path| is_experiment(path)) {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the experiment `{}`", path.display()))?;
        found.push((path, Experiment::parse(&text).with_context(|| unusable(path))?));
    }
    let grids: Vec<Experiment> = found.iter().map(|(_, experiment)| experiment.clone()).collect();
    for (path, experiment) in &mut found {
        experiment.resolve(&grids).with_context(|| unusable(path))?;
    }
    let mut experiments: Vec<Experiment> = found.into_iter().map(|(_, experiment)| experiment).collect();
    experiments.sort_by(|left, right| left.id.cmp(&right.id));
    if let Some(pair) = experiments.windows(2).find(|pair| pair[0].id == pair[1].id) {
        bail!("two files in `{}` describe the experiment `{}`", dir.display(), pair[0].id);
    }
    ensure!(!experiments.is_empty(), "`{}` holds no experiment", dir.display());
    Ok(experiments)
}

/// The experiments that a selection such as `A1,C*` names, as far as `extent` has any of them; all for an empty one.
///
/// # Errors
/// If a pattern matches none: the ids that exist are listed.
pub(crate) fn select(
    experiments: Vec<Experiment>,
    patterns: &[String],
    extent: Extent,
) -> anyhow::Result<Vec<Experiment>> {
    for pattern in patterns {
        ensure!(
            experiments.iter().any(|experiment| matches(pattern, &experiment.id)),
            "`--only {pattern}` matches no experiment; there are {}",
            experiments.iter().map(|experiment| experiment.id.as_str()).collect::<Vec<_>>().join(", ")
        );
    }
    let wanted = |experiment: &Experiment| {
        let named = patterns.is_empty() || patterns.iter().any(|pattern| matches(pattern, &experiment.id));
        named && (!extent.default_only || experiment.default.is_some())
    };
    Ok(experiments.into_iter().filter(wanted).collect())
}

/// Whether `text` fits `pattern`, in which `*` stands for anything; case does not count.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.trim().to_uppercase(), text.to_uppercase());
    let mut parts = pattern.split('*');
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

/// Lays `over` on `table`, key by key; a table goes into a table, anything else replaces.
fn merge(table: &mut toml::Table, over: &toml::Table) {
    for (key, value) in over {
        match (table.get_mut(key), value) {
            (Some(toml::Value::Table(inner)), toml::Value::Table(over)) => merge(inner, over),
            _ => {
                table.insert(key.clone(), value.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Method, ScheduleConfig};

    const DESK: Extent = Extent { scale: ScaleName::Desk, num_seeds: None, default_only: false };

    fn shipped() -> Vec<Experiment> {
        read_all(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../experiments")).unwrap()
    }

    #[test]
    fn the_shipped_experiments_are_usable() {
        let ids: Vec<String> = shipped().into_iter().map(|experiment| experiment.id).collect();
        assert!(ids.contains(&"A1".to_owned()) && ids.contains(&"A4".to_owned()), "{ids:?}");
    }

    #[test]
    fn cells_differ_from_the_base_where_they_say_so() {
        let [experiment] = select(shipped(), &["a4".to_owned()], DESK).unwrap().try_into().unwrap();
        let runs = experiment.runs(Extent { num_seeds: Some(3), ..DESK }).unwrap();
        assert_eq!(runs.len(), 3 * 2 * 3, "three ways to train on two data sets");
        let sam = runs.iter().find(|run| run.cell == "small steps, SAM, cifar10").unwrap();
        assert_eq!((sam.config.optimizer.method, sam.config.optimizer.rho), (Method::Sam, Some(0.05)));
        assert_eq!(sam.config.optimizer.weight_decay, 5e-3);
        let ScheduleConfig::MultiStep { factor, learning_rate, .. } = sam.config.schedule else { panic!() };
        assert_eq!((factor, learning_rate), (0.2, 0.1));
    }

    #[test]
    fn globs_select_by_id() {
        for (pattern, text, expected) in [
            ("A1", "A1", true),
            ("a1", "A1", true),
            ("A*", "A4", true),
            ("*", "D5", true),
            ("A", "A1", false),
            ("*4", "A4", true),
            ("B*", "A1", false),
            ("A*2*3", "A1213", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
        let error = select(shipped(), &["Z*".to_owned()], DESK).unwrap_err().to_string();
        assert!(error.contains("A1, ") && error.contains("Z*"), "{error}");
    }

    #[test]
    fn unknown_keys_and_cells_are_refused() {
        let text = std::fs::read_to_string(
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../experiments/A4-cifar.toml"),
        )
        .unwrap();
        for (old, new, part) in [
            ("id = \"A4\"", "id = \"A4\"\nspeed = 1", "unknown field `speed`"),
            ("momentum = 0.0,", "momentun = 0.0,", "did you mean `optimizer.momentum`?"),
            ("cell = \"small steps, SAM\"", "cell = \"no such\"", "the cell `no such`"),
            ("weights = \"tail\"", "weights = \"ema\"", "the average `ema`"),
            (
                "expect = { within = 0.02 }",
                "expect = { within = 0 }",
                "in the claim `A4.3`: `within = 0` leaves",
            ),
            ("seeds = [0, 1, 2]", "seeds = []", "no seed"),
        ] {
            let error = format!("{:#}", Experiment::parse(&text.replace(old, new)).unwrap_err());
            assert!(error.contains(part), "{part}: {error}");
        }
    }

    #[test]
    fn a_value_that_no_cell_has_is_refused_with_those_that_exist() {
        let read = |name: &str| {
            let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../experiments");
            std::fs::read_to_string(dir.join(name)).unwrap()
        };
        let error = |text: &str, old: &str, new: &str| {
            assert!(text.contains(old), "{old}");
            format!("{:#}", Experiment::parse(&text.replace(old, new)).unwrap_err())
        };
        let steps = read("C4-euler-steps.toml");
        let found = error(
            &steps,
            "at = { schedule.learning_rate = 0.125 }",
            "at = { schedule.learning_rate = 0.12 }",
        );
        for part in
            ["C4", "`C4.1`", "`n updates`", "`schedule.learning_rate`", "0.12;", "0.0078125, 0.03125, 0.125"]
        {
            assert!(found.contains(part), "{part}: {found}");
        }
        let found = error(&steps, "along = \"optimizer.euler_steps\"", "along = \"optimizer.rho\"");
        assert!(found.contains("the axis `optimizer.rho`"), "{found}");
        let noise = read("D5-label-noise.toml");
        // A whole number is another value than a fraction.
        let found = error(&noise, "at = { data.label_noise = 0.0 }", "at = { data.label_noise = 0 }");
        assert!(found.contains("0.0, 0.2, 0.5"), "{found}");
    }

    /// At `smoke` the value is cut; there the claim is not run.
    #[test]
    fn a_value_of_one_scale_is_enough() {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../experiments");
        let text = std::fs::read_to_string(dir.join("C4-euler-steps.toml")).unwrap();
        let text = text.replace(
            "at = { schedule.learning_rate = 0.03125 }",
            "at = { schedule.learning_rate = 0.0078125 }",
        );
        Experiment::parse(&text).unwrap();
    }
}
