//! The grid of an experiment: what its cells have in common, in what they differ, and which keys take several values.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, bail, ensure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::merge;
use crate::config::{RunConfig, parts};
use crate::point::{Point, flat};
use crate::scale::ScaleName;

/// The cells of an experiment and what they have in common.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Grid {
    /// Keys of a run's configuration.
    #[schemars(schema_with = "parts::part_of_a_run")]
    pub base: toml::Table,
    /// Keys that take each of several values in every cell: `vary = { schedule.learning_rate = [0.1, 0.2] }`.
    #[serde(default)]
    #[schemars(schema_with = "parts::axes_of_a_run")]
    pub vary: toml::Table,
    /// The ways to train that are compared.
    pub cells: Vec<Cell>,
}

/// A way to train, repeated over the values of its axes and over seeds.
///
/// Cells of the same name are one family whose points must differ: a key that depends on a value of an axis is set by a cell
/// of its own for that value.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cell {
    /// What claims call it.
    pub name: String,
    /// Keys of a run's configuration that differ from the base.
    #[serde(default)]
    #[schemars(schema_with = "parts::part_of_a_run")]
    pub set: toml::Table,
    /// Axes of this cell alone; in place of the grid's where both have the key.
    #[serde(default)]
    #[schemars(schema_with = "parts::axes_of_a_run")]
    pub vary: toml::Table,
    /// The scales at which it is run; all when absent.
    #[serde(default)]
    pub scales: Option<Vec<ScaleName>>,
}

/// Axes with their values, by key.
pub(super) type Axes = BTreeMap<String, Vec<toml::Value>>;

/// One configuration of a grid, but for the seed.
#[derive(Clone, Debug)]
pub struct GridCell {
    pub name: String,
    pub point: Point,
    /// The name, with the values of the axes that have several.
    pub label: String,
    table: toml::Table,
}

impl Grid {
    /// All configurations at a scale, in the order of the cells; `set` and `vary` are those of the scale.
    pub fn cells(
        &self,
        scale: ScaleName,
        set: &toml::Table,
        vary: &toml::Table,
    ) -> anyhow::Result<Vec<GridCell>> {
        let (own, over) = (axes(&self.vary)?, axes(vary)?);
        let mut unused: BTreeSet<&String> = over.keys().collect();
        let mut cells: Vec<GridCell> = Vec::new();
        let mut several = BTreeSet::new();
        let takes_part = |cell: &&Cell| cell.scales.as_ref().is_none_or(|scales| scales.contains(&scale));
        for cell in self.cells.iter().filter(takes_part) {
            let within = || format!("in the cell `{}`", cell.name);
            let mut of_cell = own.clone();
            for (key, values) in &over {
                if of_cell.contains_key(key) {
                    of_cell.insert(key.clone(), values.clone());
                    unused.remove(key);
                }
            }
            for (key, values) in axes(&cell.vary).with_context(within)? {
                let values = match over.get(&key) {
                    // Its values of an axis of the grid are what tells the cell from its family: the scale chooses among them.
                    Some(cut) if own.contains_key(&key) => {
                        values.into_iter().filter(|value| cut.contains(value)).collect()
                    }
                    Some(cut) => {
                        unused.remove(&key);
                        cut.clone()
                    }
                    None => values,
                };
                of_cell.insert(key, values);
            }
            several.extend(of_cell.iter().filter(|(_, values)| values.len() > 1).map(|(key, _)| key.clone()));
            for point in points(&of_cell) {
                let mut table = self.base.clone();
                merge(&mut table, &cell.set);
                merge(&mut table, set);
                for (key, value) in point.iter() {
                    insert(&mut table, key, value.clone()).with_context(within)?;
                }
                ensure!(
                    !cells.iter().any(|known| known.name == cell.name && known.point == point),
                    "two cells called `{}` are the same place of the grid{}",
                    cell.name,
                    if point.is_empty() { String::new() } else { format!(" ({point})") }
                );
                cells.push(GridCell { name: cell.name.clone(), point, label: String::new(), table });
            }
        }
        if let Some(key) = unused.first() {
            bail!("`vary` of the scale has the axis `{key}`, which no cell has");
        }
        // A key on which the cells of a family disagree is worth a word too.
        for (index, cell) in cells.iter().enumerate() {
            for other in cells[..index].iter().filter(|other| other.name == cell.name) {
                let differ = |key: &&str| cell.point.get(key) != other.point.get(key);
                let keys = cell.point.keys().chain(other.point.keys());
                several.extend(keys.filter(differ).map(str::to_owned));
            }
        }
        for cell in &mut cells {
            cell.label = cell.point.only(&several).after(&cell.name);
        }
        Ok(cells)
    }
}

impl GridCell {
    /// The configuration for a seed.
    pub fn config(&self, seed: u64) -> anyhow::Result<RunConfig> {
        let mut table = self.table.clone();
        table.insert("seed".to_owned(), toml::Value::Integer(i64::try_from(seed)?));
        RunConfig::from_table(&table).with_context(|| format!("in the cell `{}`", self.label))
    }
}

/// `{ schedule.learning_rate = [0.1, 0.2] }` by dotted keys.
fn axes(vary: &toml::Table) -> anyhow::Result<Axes> {
    let mut axes = Axes::new();
    for (key, value) in flat(vary) {
        let toml::Value::Array(values) = value else {
            bail!("`vary` gives `{key}` the value {value}; expected a list, `{key} = [{value}]`");
        };
        ensure!(!values.is_empty(), "`vary` gives `{key}` no value");
        axes.insert(key, values);
    }
    Ok(axes)
}

/// The last axis changes fastest.
fn points(axes: &Axes) -> Vec<Point> {
    axes.iter().fold(vec![Point::default()], |points, (key, values)| {
        let with = |point: &Point| {
            let point = point.clone();
            values.iter().map(move |value| {
                let mut point = point.clone();
                point.set(key, value.clone());
                point
            })
        };
        points.iter().flat_map(with).collect()
    })
}

fn insert(table: &mut toml::Table, key: &str, value: toml::Value) -> anyhow::Result<()> {
    let Some((first, rest)) = key.split_once('.') else {
        table.insert(key.to_owned(), value);
        return Ok(());
    };
    let inner = table.entry(first).or_insert_with(|| toml::Value::Table(toml::Table::new()));
    insert(inner.as_table_mut().with_context(|| format!("`{first}` is not a table"))?, rest, value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(text: &str) -> Grid {
        toml::from_str(text).unwrap()
    }

    fn labels(grid: &Grid, vary: &str) -> anyhow::Result<Vec<String>> {
        let vary: toml::Table = vary.parse().unwrap();
        let cells = grid.cells(ScaleName::Desk, &toml::Table::new(), &vary)?;
        cells.iter().try_for_each(|cell| cell.config(0).map(drop))?;
        Ok(cells.into_iter().map(|cell| cell.label).collect())
    }

    const TWO_SETS: &str = "
        base = { schedule = { kind = 'constant', learning_rate = 0.1 } }
        vary = { data.dataset = ['cifar10', 'cifar100'] }
        [[cells]]
        name = 'SGD'
        vary = { schedule.learning_rate = [0.1, 0.2] }
        [[cells]]
        name = 'SAM'
        set = { optimizer = { method = 'sam', rho = 0.05 } }
        vary = { data.dataset = ['cifar10'] }
        [[cells]]
        name = 'SAM'
        set = { optimizer = { method = 'sam', rho = 0.1 } }
        vary = { data.dataset = ['cifar100'] }
    ";

    #[test]
    fn a_cell_is_crossed_with_its_axes_and_a_family_may_differ_by_a_key() {
        let grid = grid(TWO_SETS);
        assert_eq!(
            labels(&grid, "").unwrap(),
            [
                "SGD, cifar10, learning rate 0.1",
                "SGD, cifar10, learning rate 0.2",
                "SGD, cifar100, learning rate 0.1",
                "SGD, cifar100, learning rate 0.2",
                "SAM, cifar10",
                "SAM, cifar100",
            ]
        );
        let none = toml::Table::new();
        let rhos: Vec<Option<f64>> = grid.cells(ScaleName::Desk, &none, &none).unwrap()[4..]
            .iter()
            .map(|cell| cell.config(0).unwrap().optimizer.rho)
            .collect();
        assert_eq!(rhos, [Some(0.05), Some(0.1)]);
    }

    #[test]
    fn a_scale_cuts_axes_and_a_single_value_is_not_worth_a_word() {
        let cut = "data.dataset = ['cifar10']\nschedule.learning_rate = [0.05, 0.4]";
        let labels = labels(&grid(TWO_SETS), cut).unwrap();
        assert_eq!(labels, ["SGD, learning rate 0.05", "SGD, learning rate 0.4", "SAM"]);
    }

    /// Whichever of the two comes first.
    #[test]
    fn a_key_that_only_one_of_a_family_has_tells_them_apart() {
        let (with, without) = (
            "[[cells]]\nname = 'SAM'\nset = { optimizer.method = 'sam' }\nvary = { optimizer.rho = [0.1] }\n",
            "[[cells]]\nname = 'SAM'\nset = { optimizer = { method = 'sam', rho = 0.05 } }\n",
        );
        for text in [with.to_owned() + without, without.to_owned() + with] {
            let base = "base = { schedule = { kind = 'constant', learning_rate = 0.1 } }\n";
            let mut labels = labels(&grid(&(base.to_owned() + &text)), "").unwrap();
            labels.sort();
            assert_eq!(labels, ["SAM", "SAM, rho 0.1"]);
        }
    }

    #[test]
    fn a_cell_may_belong_to_some_scales_alone() {
        let grid = grid(&TWO_SETS.replacen("name = 'SGD'", "name = 'SGD'\nscales = ['paper']", 1));
        let none = toml::Table::new();
        let count = |scale| grid.cells(scale, &none, &none).unwrap().len();
        assert_eq!([count(ScaleName::Desk), count(ScaleName::Paper)], [2, 6]);
    }

    #[test]
    fn unusable_axes_are_named() {
        for (old, new, vary, part) in [
            ("", "", "optimizer.rho = [0.1]", "which no cell has"),
            ("[0.1, 0.2]", "0.1", "", "expected a list"),
            ("[0.1, 0.2]", "[]", "", "no value"),
            ("['cifar100']", "['cifar10']", "", "two cells called `SAM`"),
            ("[0.1, 0.2]", "[0.1, 'fast']", "", "in the cell `SGD, cifar10, fast`"),
        ] {
            let grid = grid(&TWO_SETS.replacen(old, new, usize::from(!old.is_empty())));
            let error = format!("{:#}", labels(&grid, vary).unwrap_err());
            assert!(error.contains(part), "{part}: {error}");
        }
    }
}
