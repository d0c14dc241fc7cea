//! Networks and optimizers of the calling program, built by the name that a configuration gives them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use polder_experiment::config::custom::{self, CustomNetwork};
use polder_experiment::config::{OptimizerConfig, ParameterSet};
use polder_models::{Builder, Module};
use polder_optim::Entries;

use crate::network_optimizer::NetworkOptimizer;

/// Describes a network for K classes.
pub type Describe = dyn Fn(&mut Builder, i64) -> Box<dyn Module> + Send + Sync;

/// Makes an optimizer before its first step; the function says where in the weights a set of parameters lies.
pub type Make = dyn Fn(&OptimizerConfig, &dyn Fn(ParameterSet) -> Entries) -> anyhow::Result<NetworkOptimizer>
    + Send
    + Sync;

static NETWORKS: Mutex<BTreeMap<&str, Arc<Describe>>> = Mutex::new(BTreeMap::new());
static OPTIMIZERS: Mutex<BTreeMap<&str, Arc<Make>>> = Mutex::new(BTreeMap::new());

/// From now on `model.name = "name"` is the network that `describe` describes. Everything that reads a configuration, trains,
/// evaluates or measures in this process knows it.
///
/// # Errors
/// If a network has that name already.
pub fn register_network(
    name: &'static str,
    network: CustomNetwork,
    describe: impl Fn(&mut Builder, i64) -> Box<dyn Module> + Send + Sync + 'static,
) -> anyhow::Result<()> {
    custom::register_network(name, network)?;
    lock(&NETWORKS).insert(name, Arc::new(describe));
    Ok(())
}

/// From now on `optimizer.method = "name"` is the optimizer that `make` makes of `[optimizer]`.
///
/// # Errors
/// If an optimizer has that name already.
pub fn register_optimizer(
    name: &'static str,
    make: impl Fn(&OptimizerConfig, &dyn Fn(ParameterSet) -> Entries) -> anyhow::Result<NetworkOptimizer>
    + Send
    + Sync
    + 'static,
) -> anyhow::Result<()> {
    custom::register_optimizer(name)?;
    lock(&OPTIMIZERS).insert(name, Arc::new(make));
    Ok(())
}

pub(crate) fn network(name: &str) -> Option<Arc<Describe>> {
    lock(&NETWORKS).get(name).cloned()
}

pub(crate) fn optimizer(name: &str) -> Option<Arc<Make>> {
    lock(&OPTIMIZERS).get(name).cloned()
}

fn lock<T>(registry: &Mutex<T>) -> MutexGuard<'_, T> {
    registry.lock().unwrap_or_else(PoisonError::into_inner)
}
