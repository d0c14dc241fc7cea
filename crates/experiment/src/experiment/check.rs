//! Mistakes in an experiment that are told when its file is read, before anything is computed.

use std::collections::BTreeSet;

use anyhow::{Context, bail, ensure};

use super::{Experiment, GridRun, Selection};
use crate::claim::Term;
use crate::config::AveragingConfig;
use crate::config::keys::Keys;
use crate::point::{Point, check_place};
use crate::run::record::{ITERATE, REFRESHED};
use crate::scale::ScaleName;

impl Experiment {
    /// Checks what every scale makes of it.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        ensure!(
            self.grid.is_some() != self.theory.is_some(),
            "expected either a table `grid` or a table `theory`"
        );
        ensure!(self.scales.is_some(), "the table `scales` is missing");
        ensure!(self.flatness.is_none() || self.grid.is_some(), "`flatness` needs runs to measure: a `grid`");
        self.check_keys()?;
        for scale in ScaleName::ALL.into_iter().filter(|scale| self.scale(*scale).is_ok()) {
            let at = || format!("at the scale `{scale}`");
            self.runs(Selection::all(scale)).with_context(at)?;
            self.simulation(scale).with_context(at)?;
            self.check_flatness(scale).with_context(at)?;
            self.check_claims(scale).with_context(at)?;
        }
        if let Some(cut) = &self.default {
            let runs = self.runs(Selection::DEFAULT).context("in the default selection")?;
            for (cell, count) in &cut.seeds_of {
                let found = runs.iter().filter(|run| run.family == *cell).count();
                ensure!(
                    found > 0,
                    "`default.seeds_of` names the cell `{cell}` with {count} seeds, and the default selection has no run of it"
                );
            }
        }
        self.check_values()
    }

    /// Checks the keys of every table of the grid by itself, so that an error says which table it is.
    fn check_keys(&self) -> anyhow::Result<()> {
        let Some(grid) = &self.grid else { return Ok(()) };
        let keys = Keys::of_a_run();
        keys.check(&grid.base).context("in `grid.base`")?;
        keys.check(&grid.vary).context("in `grid.vary`")?;
        for cell in &grid.cells {
            ensure!(
                cell.scales.as_ref().is_none_or(|scales| !scales.is_empty()),
                "`scales` of the cell `{}` is empty, so that it would never be run; leave it out for all scales",
                cell.name
            );
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

    fn check_flatness(&self, scale: ScaleName) -> anyhow::Result<()> {
        let Some(settings) = &self.flatness else { return Ok(()) };
        ensure!(
            !settings.weights.is_empty() || settings.sections.is_some(),
            "`flatness` measures nothing: `weights` is empty, and there is no table `flatness.sections`"
        );
        let between = settings.sections.iter().flat_map(|sections| &sections.between);
        if let Some(sections) = &settings.sections {
            ensure!(
                sections.points >= 2 && sections.images > 0 && sections.bn_images > 0,
                "`flatness.sections` needs images of both kinds and at least two `points`"
            );
            let distinct: BTreeSet<&[String; 2]> = sections.between.iter().collect();
            ensure!(
                !distinct.is_empty() && distinct.len() == sections.between.len(),
                "`flatness.sections.between` needs at least one pair of weights, each pair once"
            );
            ensure!(
                sections.between.iter().all(|[from, to]| from != to),
                "a pair of `flatness.sections.between` names the same weights twice"
            );
        }
        let ends = between.flatten().map(|name| ("sections.between", name));
        let weights: Vec<_> = settings.weights.iter().map(|name| ("weights", name)).chain(ends).collect();
        for run in self.runs(Selection { num_seeds: Some(1), ..Selection::all(scale) })? {
            for (key, weights) in &weights {
                ensure!(
                    *weights == ITERATE || run.config.averages.contains_key(*weights),
                    "`flatness.{key}` names `{weights}`; expected `{ITERATE}`, which is measured with BN refreshed, or an average \
                     that every run makes, and that of `{}` does not",
                    run.family
                );
            }
        }
        Ok(())
    }

    fn check_claims(&self, scale: ScaleName) -> anyhow::Result<()> {
        let runs = self.runs(Selection { num_seeds: Some(1), ..Selection::all(scale) })?;
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
            runs.extend(self.runs(Selection { num_seeds: Some(1), ..Selection::all(scale) })?);
        }
        for claim in &self.claims {
            for term in claim.test.terms() {
                let points = runs.iter().filter(|run| run.family == term.cell).map(|run| &run.point);
                check_place(&Point::of(&term.at), points)
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
        let weights_of = |run: &GridRun| -> Vec<String> {
            let refreshed = run.config.model.has_bn().then_some(REFRESHED);
            let averages = run.config.averages.keys().map(String::as_str);
            std::iter::once(ITERATE).chain(refreshed).chain(averages).map(str::to_owned).collect()
        };
        if let Some(there) =
            of_cell.iter().map(|run| weights_of(run)).find(|there| !there.contains(&term.weights))
        {
            bail!(
                "it names the weights `{}`; the cell `{}` has {}",
                term.weights,
                term.cell,
                there.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
            );
        }
        if let Some(progress) = term.progress {
            let begins_later = |run: &&GridRun| match run.config.averages.get(&term.weights) {
                Some(AveragingConfig::Tail { start }) => *start >= progress,
                _ => false,
            };
            ensure!(
                !of_cell.iter().any(begins_later),
                "`progress = {progress}` asks for the average `{}` before it has begun",
                term.weights
            );
        }
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

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
            ("weights = \"tail\"", "weights = \"ema\"", "the weights `ema`"),
            (
                "expect = { within = 0.02 }",
                "expect = { within = 0 }",
                "in the claim `A4.3`: `within = 0` leaves",
            ),
            ("seeds = [0, 1, 2]", "seeds = []", "no seed"),
            ("seeds = [0, 1, 2]", "seeds = [0, 1, 1]", "a seed twice"),
            ("scales = [\"smoke\", \"desk\"]", "scales = []", "never be run"),
            ("\"small steps, SAM\" = 2", "\"small step, SAM\" = 2", "the cell `small step, SAM`"),
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
        let batches = read("C5-perceptron.toml");
        let found = error(&batches, "at = { training.batch_size = 16 }", "at = { training.batch_size = 12 }");
        for part in ["C5", "`C5.2`", "`SGD`", "`training.batch_size`", "12;", "8, 16, 32"] {
            assert!(found.contains(part), "{part}: {found}");
        }
        let refreshed = "weights = \"iterate-refreshed\", coefficient = -1 }";
        let found = error(&batches, "weights = \"iterate\", coefficient = -1 }", refreshed);
        assert!(found.contains("`iterate-refreshed`"), "no BN: {found}");
        let found = error(
            &read("C4-euler-steps.toml"),
            "along = \"optimizer.euler_steps\"",
            "along = \"optimizer.rho\"",
        );
        assert!(found.contains("the axis `optimizer.rho`"), "{found}");
        let weights = "weights = [\"iterate\", \"tail\"]";
        let flat = read("A4-cifar.toml") + "\n[flatness]\n" + weights;
        assert!(Experiment::parse(&flat).is_ok());
        let found = error(&flat, weights, "weights = [\"iterate-refreshed\"]");
        assert!(found.contains("`flatness.weights`") && found.contains("BN refreshed"), "{found}");
        for (sections, part) in [
            ("{ points = 21 }", "at least one pair"),
            ("{ between = [['iterate', 'tail'], ['iterate', 'tail']] }", "each pair once"),
            ("{ between = [['tail', 'tail']] }", "the same weights twice"),
            ("{ between = [['iterate', 'ema']] }", "`flatness.sections.between` names `ema`"),
            ("{ between = [['iterate', 'tail']], points = 1 }", "at least two `points`"),
        ] {
            let found = error(&flat, weights, &format!("{weights}\nsections = {sections}"));
            assert!(found.contains(part), "{part}: {found}");
        }
        let found = error(&flat, weights, "weights = []");
        assert!(found.contains("measures nothing"), "{found}");
        let noise = read("D5-label-noise.toml");
        let early = "weights = \"iterate-refreshed\", coefficient = 1, progress = 0.3";
        let found = error(&noise, "weights = \"iterate\", coefficient = 1, progress = 0.3", early);
        assert!(found.contains("at the end of a run"), "{found}");
        let windows = read("A4-cifar.toml");
        let gain = "weights = \"tail\", coefficient = 1 }";
        let found = error(&windows, gain, "weights = \"tail\", coefficient = 1, progress = 0.5 }");
        assert!(found.contains("before it has begun"), "{found}");
        // A whole number is another value than a fraction.
        let found = error(&noise, "at = { data.label_noise = 0.0 }", "at = { data.label_noise = 0 }");
        assert!(found.contains("0.0, 0.2, 0.5"), "{found}");
    }

    /// At `smoke` the value is cut; there the claim is not run.
    #[test]
    fn a_value_of_one_scale_is_enough() {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../experiments");
        let text = std::fs::read_to_string(dir.join("C5-perceptron.toml")).unwrap();
        let other = text.replace("at = { training.batch_size = 16 }", "at = { training.batch_size = 32 }");
        assert_ne!(text, other);
        Experiment::parse(&other).unwrap();
    }
}
