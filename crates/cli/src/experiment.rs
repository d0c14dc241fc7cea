//! `experiments/*.toml`: what is run, at which scales, and which claims are tested on it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use serde::{Deserialize, Serialize};

use crate::claim::Claim;
use crate::config::RunConfig;
use crate::law::{Law, keys};
use crate::scale::ScaleName;
use crate::theory_record::Simulation;

/// Lies beside the experiments and is not one.
pub(crate) const PUBLISHED_FILE: &str = "published.toml";

/// One experiment as its file describes it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Experiment {
    /// `A4`, say; what `--only` selects.
    pub(crate) id: String,
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
    pub(crate) scales: Scales,
    pub(crate) claims: Vec<Claim>,
}

/// Which law is simulated, and in what its settings differ from the law's own for the scale.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TheorySettings {
    /// As `polder theory` calls it.
    pub(crate) law: String,
    #[serde(default)]
    pub(crate) settings: toml::Table,
}

/// The cells of an experiment and what they have in common.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Grid {
    /// Keys of a run's configuration.
    pub(crate) base: toml::Table,
    pub(crate) cells: Vec<Cell>,
}

/// One way to train, repeated over seeds.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cell {
    pub(crate) name: String,
    /// Keys of a run's configuration that differ from the base.
    pub(crate) set: toml::Table,
}

/// The scales of an experiment.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scales {
    pub(crate) smoke: Scale,
    pub(crate) desk: Scale,
    /// Absent where the papers' own settings cannot be run yet.
    pub(crate) paper: Option<Scale>,
}

/// How an experiment is cut to a scale.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scale {
    /// In what it differs from the paper; shown wherever its numbers are.
    pub(crate) note: String,
    /// One run of each cell for each of them; unused by a law, which has its own.
    #[serde(default)]
    pub(crate) seeds: Vec<u64>,
    /// Keys that differ at this scale: of a run's configuration, or of the law's settings.
    #[serde(default)]
    pub(crate) set: toml::Table,
}

/// A run that a grid asks for.
#[derive(Clone, Debug)]
pub(crate) struct GridRun {
    pub(crate) cell: String,
    pub(crate) seed: u64,
    pub(crate) config: RunConfig,
}

impl Experiment {
    /// Reads one experiment and checks all its scales.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the experiment `{}`", path.display()))?;
        Self::parse(&text).with_context(|| format!("the experiment `{}` is not usable", path.display()))
    }

    fn parse(text: &str) -> anyhow::Result<Self> {
        let experiment: Self = toml::from_str(text)?;
        ensure!(
            experiment.grid.is_some() != experiment.theory.is_some(),
            "expected either a table `grid` or a table `theory`"
        );
        for scale in ScaleName::ALL.into_iter().filter(|scale| experiment.scale(*scale).is_ok()) {
            let at = || format!("at the scale `{scale}`");
            experiment.runs(scale, None).with_context(at)?;
            experiment.simulation(scale).with_context(at)?;
        }
        experiment.check_claims()?;
        Ok(experiment)
    }

    /// How the experiment is cut to a scale.
    ///
    /// # Errors
    /// If it does not have that scale.
    pub(crate) fn scale(&self, name: ScaleName) -> anyhow::Result<&Scale> {
        match name {
            ScaleName::Smoke => Ok(&self.scales.smoke),
            ScaleName::Desk => Ok(&self.scales.desk),
            ScaleName::Paper => self.scales.paper.as_ref().with_context(|| {
                format!("the experiment {} has no scale `paper`; leave it out with --only", self.id)
            }),
        }
    }

    /// The runs of the grid: for each seed every cell, so that a stopped execution leaves whole seeds.
    ///
    /// `num_seeds` replaces the scale's seeds by 0, 1, 2, ...
    pub(crate) fn runs(&self, scale: ScaleName, num_seeds: Option<u64>) -> anyhow::Result<Vec<GridRun>> {
        let Some(grid) = &self.grid else { return Ok(Vec::new()) };
        let scale = self.scale(scale)?;
        let seeds = num_seeds.map_or_else(|| scale.seeds.clone(), |count| (0..count).collect());
        ensure!(!seeds.is_empty(), "no seed is given; write `seeds = [0, 1]`");
        let mut runs = Vec::with_capacity(seeds.len() * grid.cells.len());
        for seed in seeds {
            for cell in &grid.cells {
                let mut table = grid.base.clone();
                merge(&mut table, &cell.set);
                merge(&mut table, &scale.set);
                table.insert("seed".to_owned(), toml::Value::Integer(i64::try_from(seed)?));
                let config =
                    RunConfig::from_table(&table).with_context(|| format!("in the cell `{}`", cell.name))?;
                runs.push(GridRun { cell: cell.name.clone(), seed, config });
            }
        }
        Ok(runs)
    }

    /// The law and its settings at a scale; `None` for an experiment that trains networks.
    pub(crate) fn simulation(&self, scale: ScaleName) -> anyhow::Result<Option<Simulation>> {
        let Some(theory) = &self.theory else { return Ok(None) };
        let law = Law::find(&theory.law)?;
        let mut settings = law.preset(scale)?;
        for over in [&theory.settings, &self.scale(scale)?.set] {
            if let Some(unknown) = over.keys().find(|key| !settings.contains_key(*key)) {
                bail!(
                    "the law `{}` has no setting `{unknown}`; it has {}",
                    law.name,
                    keys(&settings).join(", ")
                );
            }
            merge(&mut settings, over);
        }
        Ok(Some(Simulation { law, settings }))
    }

    fn check_claims(&self) -> anyhow::Result<()> {
        let mut seen = BTreeSet::new();
        for claim in &self.claims {
            ensure!(seen.insert(&claim.id), "two claims have the id `{}`", claim.id);
            for (cell, weights) in claim.test.cells() {
                let grid = self.grid.as_ref().context("a contrast needs a `grid`")?;
                ensure!(
                    grid.cells.iter().any(|known| known.name == cell),
                    "the claim `{}` names the cell `{cell}`; the grid has {}",
                    claim.id,
                    grid.cells.iter().map(|cell| format!("`{}`", cell.name)).collect::<Vec<_>>().join(", ")
                );
                let known = self.runs(ScaleName::Desk, Some(1))?;
                let config = &known.iter().find(|run| run.cell == cell).expect("just found").config;
                ensure!(
                    weights == crate::record::ITERATE || config.averages.contains_key(weights),
                    "the claim `{}` names the average `{weights}`, which the cell `{cell}` does not make",
                    claim.id
                );
            }
        }
        Ok(())
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
    let mut experiments = paths
        .iter()
        .filter(|path| is_experiment(path))
        .map(|path| Experiment::read(path))
        .collect::<Result<Vec<_>, _>>()?;
    experiments.sort_by(|left, right| left.id.cmp(&right.id));
    if let Some(pair) = experiments.windows(2).find(|pair| pair[0].id == pair[1].id) {
        bail!("two files in `{}` describe the experiment `{}`", dir.display(), pair[0].id);
    }
    ensure!(!experiments.is_empty(), "`{}` holds no experiment", dir.display());
    Ok(experiments)
}

/// The experiments that a selection such as `A1,C*` names; all of them for an empty one.
///
/// # Errors
/// If a pattern matches none: the ids that exist are listed.
pub(crate) fn select(experiments: Vec<Experiment>, patterns: &[String]) -> anyhow::Result<Vec<Experiment>> {
    for pattern in patterns {
        ensure!(
            experiments.iter().any(|experiment| matches(pattern, &experiment.id)),
            "`--only {pattern}` matches no experiment; there are {}",
            experiments.iter().map(|experiment| experiment.id.as_str()).collect::<Vec<_>>().join(", ")
        );
    }
    let wanted = |experiment: &Experiment| {
        patterns.is_empty() || patterns.iter().any(|pattern| matches(pattern, &experiment.id))
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
        let [experiment] = select(shipped(), &["a4".to_owned()]).unwrap().try_into().unwrap();
        let runs = experiment.runs(ScaleName::Desk, Some(3)).unwrap();
        assert_eq!(runs.len(), 3 * experiment.grid.as_ref().unwrap().cells.len());
        let sam = runs.iter().find(|run| run.cell.ends_with("SAM")).unwrap();
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
        let error = select(shipped(), &["Z*".to_owned()]).unwrap_err().to_string();
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
            ("momentum = 0.0,", "momentun = 0.0,", "unknown field `momentun`"),
            ("cell = \"small steps, SAM\"", "cell = \"no such\"", "the cell `no such`"),
            ("weights = \"tail\"", "weights = \"ema\"", "the average `ema`"),
            ("seeds = [0, 1]", "seeds = []", "no seed"),
        ] {
            let error = format!("{:#}", Experiment::parse(&text.replace(old, new)).unwrap_err());
            assert!(error.contains(part), "{part}: {error}");
        }
    }
}
