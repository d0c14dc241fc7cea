//! The laws of the papers by name: settings in, a report out, whichever law it is.

mod catalogue;
mod settings;

use anyhow::Context;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use settings::{Flag, check, set};

use crate::scale::ScaleName;

/// One experiment that needs no data.
#[derive(Clone, Copy, Debug)]
pub struct SimulationKind {
    /// As the papers' experiments are numbered.
    pub id: &'static str,
    /// The same in lower case, as it is typed.
    pub typed_id: &'static str,
    /// As records call it.
    pub name: &'static str,
    /// The name of its module in [`polder_theory`], in words joined by `-`: a second name where it is another one.
    pub module: &'static str,
    /// What it is about, in a line.
    pub about: &'static str,
    /// Settings that the command line has words of their own for.
    pub flags: &'static [Flag],
    preset: fn(ScaleName) -> anyhow::Result<toml::Table>,
    simulate: fn(&toml::Table) -> anyhow::Result<serde_json::Value>,
    check: fn(&serde_json::Value) -> anyhow::Result<()>,
}

impl SimulationKind {
    /// The law of this name or number.
    ///
    /// # Errors
    /// If there is none: those that exist are listed.
    pub fn find(name: &str) -> anyhow::Result<&'static Self> {
        Self::ALL
            .iter()
            .find(|law| [law.name, law.module, law.typed_id, law.id].contains(&name))
            .with_context(|| {
                let known: Vec<&str> = Self::ALL.iter().map(|law| law.name).collect();
                format!("there is no simulation `{name}`; choose one of {}", known.join(", "))
            })
    }

    /// All settings at a scale.
    pub fn preset(&self, scale: ScaleName) -> anyhow::Result<toml::Table> {
        (self.preset)(scale)
    }

    /// Computes; equal settings give equal reports, whatever the number of threads.
    ///
    /// # Errors
    /// If a setting is unknown or out of range: it is named.
    pub fn simulate(&self, settings: &toml::Table) -> anyhow::Result<serde_json::Value> {
        (self.simulate)(settings)
    }

    /// Checks that `report` is a report of this law.
    ///
    /// # Errors
    /// If it is none.
    pub fn check(&self, report: &serde_json::Value) -> anyhow::Result<()> {
        (self.check)(report).with_context(|| format!("this is no report of `{}`", self.name))
    }
}

fn table(settings: &impl Serialize) -> anyhow::Result<toml::Table> {
    Ok(toml::Table::try_from(settings)?)
}

/// Through text: an unknown key is then answered with the list of keys that exist.
fn settings<C: DeserializeOwned>(table: &toml::Table) -> anyhow::Result<C> {
    Ok(toml::from_str(&toml::to_string(table)?)?)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn laws_are_found_by_name_and_by_number_and_unknown_ones_are_answered_with_all() {
        assert_eq!(SimulationKind::find("smoothing").unwrap().id, "A1");
        assert_eq!(SimulationKind::find("rates").unwrap().id, "A1");
        assert_eq!(SimulationKind::find("d4").unwrap().name, "students");
        let error = SimulationKind::find("gravity").unwrap_err().to_string();
        assert!(SimulationKind::ALL.iter().all(|law| error.contains(law.name)), "{error}");
    }

    /// A flag that names no setting, or sets one to what cannot be read, would only show when somebody uses it.
    #[test]
    fn every_flag_of_every_law_sets_what_the_presets_have() {
        for law in &SimulationKind::ALL {
            for scale in ScaleName::ALL {
                let preset = law.preset(scale).unwrap();
                let mut names = BTreeSet::new();
                assert_eq!(law.typed_id, law.id.to_lowercase());
                for flag in law.flags {
                    assert!(names.insert(flag.name), "{}: --{} twice", law.name, flag.name);
                    let default = flag.default_in(&preset).unwrap();
                    let mut again = preset.clone();
                    set(&mut again, flag.key, &default).unwrap();
                    assert_eq!(again, preset, "{}: --{} {default}", law.name, flag.name);
                }
            }
        }
    }
}
