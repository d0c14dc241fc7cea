//! Networks and optimizers of the calling program that a configuration may name.
//!
//! A program registers them once, before it reads a configuration. `polder-train` keeps what builds them.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use anyhow::ensure;
use polder_architecture::Architecture;

use super::optimizer::Method;

/// What plans and loaders must know of a custom network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CustomNetwork {
    /// Whether it has batch normalisation.
    pub has_bn: bool,
    /// Whether it reads images with channels last in memory, as convolutions do.
    pub reads_channels_last: bool,
}

static NETWORKS: RwLock<BTreeMap<&str, CustomNetwork>> = RwLock::new(BTreeMap::new());
static OPTIMIZERS: RwLock<Vec<&str>> = RwLock::new(Vec::new());

/// From now on `model.name` may be `name`.
///
/// # Errors
/// If a network has that name already.
pub fn register_network(name: &'static str, network: CustomNetwork) -> anyhow::Result<()> {
    ensure!(
        name.parse::<Architecture>().is_err() && self::network(name).is_none(),
        "a network is called `{name}` already; choose another name"
    );
    write(&NETWORKS).insert(name, network);
    Ok(())
}

/// From now on `optimizer.method` may be `name`.
///
/// # Errors
/// If an optimizer has that name already.
pub fn register_optimizer(name: &'static str) -> anyhow::Result<()> {
    ensure!(Method::named(name).is_none(), "an optimizer is called `{name}` already; choose another name");
    write(&OPTIMIZERS).push(name);
    Ok(())
}

/// The custom network of that name.
pub fn network(name: &str) -> Option<CustomNetwork> {
    read(&NETWORKS).get(name).copied()
}

/// The name under which a custom optimizer was registered.
pub(super) fn optimizer(name: &str) -> Option<&'static str> {
    read(&OPTIMIZERS).iter().copied().find(|known| *known == name)
}

fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::RunConfig;

    #[test]
    fn registered_names_are_accepted_survive_toml_and_make_other_runs() {
        let settings = ["model.name=own-net", "optimizer.method=own-step"].map(str::to_owned);
        let error = format!("{:#}", RunConfig::load(None, &settings).unwrap_err());
        assert!(error.contains("own-step"), "{error}");
        register_optimizer("own-step").unwrap();
        let error = format!("{:#}", RunConfig::load(None, &settings).unwrap_err());
        assert!(error.contains("own-net") && error.contains("wrn-<depth>-<widening>"), "{error}");
        register_network("own-net", CustomNetwork { has_bn: true, reads_channels_last: true }).unwrap();

        let config = RunConfig::load(None, &settings).unwrap();
        assert!(config.model.has_bn() && config.optimizer.method == Method::Custom("own-step"));
        assert_ne!(config.id(), RunConfig::default().id());
        let again = RunConfig::from_table(&toml::to_string(&config).unwrap().parse().unwrap()).unwrap();
        assert_eq!(again, config);

        for taken in ["own-net", "resnet-18"] {
            let again = CustomNetwork { has_bn: false, reads_channels_last: true };
            assert!(register_network(taken, again).unwrap_err().to_string().contains(taken));
        }
        assert!(register_optimizer("own-step").is_err() && register_optimizer("sam").is_err());
    }
}
