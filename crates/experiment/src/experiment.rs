//! `experiments/*.toml`: what is run, at which scales, and which claims are tested on it.

mod check;
mod folder;
mod grid;
pub mod schema;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, bail, ensure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::grid::{Grid, GridCell};
use crate::claim::Claim;
use crate::config::{RunConfig, parts, with_nearest};
use crate::point::Point;
use crate::run::flatness::FlatnessSettings;
use crate::run::theory_record::Simulation;
use crate::scale::ScaleName;
use crate::simulation_kind::{SimulationKind, check};

pub use self::folder::{PUBLISHED_FILE, read_all, select};

/// One experiment as its file describes it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Experiment {
    /// `A4`, say; what `--only` selects.
    pub id: String,
    /// The heading of its section of the report.
    pub title: String,
    /// The paper whose claims are tested.
    pub paper: String,
    /// What is asked, in one sentence.
    pub question: String,
    /// How it is answered, for the reader of the report.
    pub method: String,
    /// Claims of the paper that these scales do not reach.
    #[serde(default)]
    pub not_run: Vec<String>,
    /// Networks to train; absent for an experiment of the theory.
    pub grid: Option<Grid>,
    /// A law to simulate; absent for an experiment that trains networks.
    pub theory: Option<TheorySettings>,
    /// The experiment whose runs are looked at once more: its grid, its scales and its default stand for those of this one.
    pub runs_of: Option<String>,
    /// How flat the loss is at the ends of the runs, measured after they have ended.
    pub flatness: Option<FlatnessSettings>,
    /// What of it belongs to the default selection; absent for nothing.
    pub default: Option<DefaultSubset>,
    /// Present once read.
    pub scales: Option<Scales>,
    /// What is tested on the runs or on the law, each with a verdict of its own.
    #[serde(default)]
    pub claims: Vec<Claim>,
}

/// Which law is simulated, and in what its settings differ from the law's own for the scale.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TheorySettings {
    /// As `polder theory` calls it.
    pub law: String,
    /// Settings that differ from the law's own at every scale; `polder theory LAW --settings` lists them.
    #[serde(default)]
    #[schemars(schema_with = "schema::table")]
    pub settings: toml::Table,
}

/// The scales of an experiment.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scales {
    pub smoke: Scale,
    pub desk: Scale,
    /// Absent where the papers' settings cannot be run yet.
    pub paper: Option<Scale>,
}

/// What of an experiment belongs to the default selection, which is meant for an hour or two in all.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DefaultSubset {
    /// So many of the seeds of the scale; all when absent.
    pub seeds: Option<usize>,
    /// Cells of which fewer seeds belong to it, by name.
    #[serde(default)]
    pub seeds_of: BTreeMap<String, usize>,
    /// These values of axes.
    #[serde(default)]
    #[schemars(schema_with = "parts::axes_of_a_run")]
    pub vary: toml::Table,
}

/// How much of the experiments is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selection {
    pub scale: ScaleName,
    /// Seeds 0 to this, without it, in place of those of the scale.
    pub num_seeds: Option<u64>,
    /// Only what belongs to the default selection.
    #[serde(default)]
    pub default_only: bool,
}

/// How an experiment is cut to a scale.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scale {
    /// In what it differs from the paper; shown wherever its numbers are.
    pub note: String,
    /// One run of each cell for each of them; unused by a law, which has its own.
    #[serde(default)]
    pub seeds: Vec<u64>,
    /// Keys that differ at this scale: of a run's configuration, or of the law's settings.
    #[serde(default)]
    #[schemars(schema_with = "schema::table")]
    pub set: toml::Table,
    /// Values of axes of the grid that differ at this scale.
    #[serde(default)]
    #[schemars(schema_with = "parts::axes_of_a_run")]
    pub vary: toml::Table,
}

/// A run that a grid asks for.
#[derive(Clone, Debug)]
pub struct GridRun {
    /// The cell, with the values of the axes that have several.
    pub cell: String,
    /// The cell as the experiment names it.
    pub family: String,
    /// The values of the axes.
    pub point: Point,
    pub seed: u64,
    pub config: RunConfig,
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

    /// How the experiment is cut to a scale.
    ///
    /// # Errors
    /// If it does not have that scale.
    pub fn scale(&self, name: ScaleName) -> anyhow::Result<&Scale> {
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
    pub fn runs(&self, extent: Selection) -> anyhow::Result<Vec<GridRun>> {
        let Some(grid) = &self.grid else { return Ok(Vec::new()) };
        let scale = self.scale(extent.scale)?;
        let mut seeds = extent.num_seeds.map_or_else(|| scale.seeds.clone(), |count| (0..count).collect());
        let mut vary = scale.vary.clone();
        let cut = match (extent.default_only, &self.default) {
            (true, None) => bail!("it has no `[default]` table; pass --scale"),
            (true, Some(cut)) => cut.clone(),
            (false, _) => DefaultSubset::default(),
        };
        seeds.truncate(cut.seeds.unwrap_or(usize::MAX));
        merge(&mut vary, &cut.vary);
        ensure!(!seeds.is_empty(), "no seed is given; write `seeds = [0, 1]`");
        let once: BTreeSet<&u64> = seeds.iter().collect();
        ensure!(
            once.len() == seeds.len(),
            "`seeds = {seeds:?}` contains a seed twice; each seed may appear once"
        );
        let cells = grid.cells(extent.scale, &scale.set, &vary)?;
        let run = |cell: &GridCell, seed| {
            let (family, point) = (cell.name.clone(), cell.point.clone());
            anyhow::Ok(GridRun { cell: cell.label.clone(), family, point, seed, config: cell.config(seed)? })
        };
        let takes_part =
            |cell: &GridCell, index: usize| cut.seeds_of.get(&cell.name).is_none_or(|count| index < *count);
        let mut runs = Vec::with_capacity(seeds.len() * cells.len());
        for (index, &seed) in seeds.iter().enumerate() {
            for cell in cells.iter().filter(|cell| takes_part(cell, index)) {
                runs.push(run(cell, seed)?);
            }
        }
        Ok(runs)
    }

    /// What of flatness is measured at a scale, in parts; nothing without a table `flatness`.
    pub fn flatness(&self, scale: ScaleName) -> Vec<FlatnessSettings> {
        let Some(settings) = &self.flatness else { return Vec::new() };
        if scale == ScaleName::Smoke { settings.at_smoke().parts() } else { settings.parts() }
    }

    /// The law and its settings at a scale; `None` for an experiment that trains networks.
    pub fn simulation(&self, scale: ScaleName) -> anyhow::Result<Option<Simulation>> {
        let Some(theory) = &self.theory else { return Ok(None) };
        let law = SimulationKind::find(&theory.law)?;
        let mut settings = law.preset(scale)?;
        for over in [&theory.settings, &self.scale(scale)?.set] {
            check(&settings, over).with_context(|| format!("the law `{}`", law.name))?;
            merge(&mut settings, over);
        }
        Ok(Some(Simulation { law, settings }))
    }
}

impl Selection {
    /// The default selection.
    pub const DEFAULT: Self = Self { scale: ScaleName::Desk, num_seeds: None, default_only: true };

    /// Everything that a scale has.
    pub fn all(scale: ScaleName) -> Self {
        Self { scale, num_seeds: None, default_only: false }
    }
}

/// Lays `over` on `table`, key by key; a table goes into a table of its kind, anything else replaces.
fn merge(table: &mut toml::Table, over: &toml::Table) {
    let is_of_another_kind = |inner: &toml::Table, over: &toml::Table| {
        over.get("kind").is_some_and(|kind| inner.get("kind").is_some_and(|known| known != kind))
    };
    for (key, value) in over {
        match (table.get_mut(key), value) {
            (Some(toml::Value::Table(inner)), toml::Value::Table(over))
                if !is_of_another_kind(inner, over) =>
            {
                merge(inner, over);
            }
            _ => {
                table.insert(key.clone(), value.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::{Method, ScheduleConfig};

    const DESK: Selection = Selection { scale: ScaleName::Desk, num_seeds: None, default_only: false };

    fn shipped() -> Vec<Experiment> {
        read_all(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../experiments")).unwrap()
    }

    /// SAM takes twice the time.
    #[test]
    fn the_default_selection_may_have_fewer_seeds_of_a_cell() {
        let [experiment] =
            select(shipped(), &["a4".to_owned()], Selection::DEFAULT).unwrap().try_into().unwrap();
        let runs = experiment.runs(Selection::DEFAULT).unwrap();
        let seeds = |cell: &str| -> Vec<u64> {
            runs.iter().filter(|run| run.family == cell).map(|run| run.seed).collect()
        };
        assert_eq!(seeds("large steps, SGD"), [0, 1, 2]);
        assert_eq!(seeds("small steps, SGD"), [0, 1, 2]);
        assert_eq!(seeds("small steps, SAM"), [0, 1]);
    }

    #[test]
    fn a_table_of_another_kind_takes_the_place_of_the_whole() {
        let mut table: toml::Table = "a = { kind = 'x', of_x = 1 }".parse().unwrap();
        merge(&mut table, &"a = { kind = 'x', more = 2 }".parse().unwrap());
        assert_eq!(table, "a = { kind = 'x', of_x = 1, more = 2 }".parse().unwrap());
        merge(&mut table, &"a = { kind = 'y', of_y = 3 }".parse().unwrap());
        assert_eq!(table, "a = { kind = 'y', of_y = 3 }".parse().unwrap());
    }

    #[test]
    fn cells_differ_from_the_base_where_they_say_so() {
        let [experiment] = select(shipped(), &["a4".to_owned()], DESK).unwrap().try_into().unwrap();
        let runs = experiment.runs(Selection { num_seeds: Some(3), ..DESK }).unwrap();
        assert_eq!(runs.len(), 3 * 2 * 3, "three ways to train on two data sets");
        let sam = runs.iter().find(|run| run.cell == "small steps, SAM, cifar10").unwrap();
        assert_eq!((sam.config.optimizer.method, sam.config.optimizer.rho), (Method::Sam, Some(0.05)));
        assert_eq!(sam.config.optimizer.weight_decay, 5e-3);
        let ScheduleConfig::MultiStep { factor, learning_rate, .. } = sam.config.schedule else { panic!() };
        assert_eq!((factor, learning_rate), (0.2, 0.1));
    }
}
