//! What is recorded: run configuration, records and run directories; grids, plans and claims. Nothing here trains or draws.
//!
//! * [`config`]: one run, down to every number that changes its result; [`images`]: the data that it names, opened and verified.
//! * [`run`]: what a run or a simulation leaves on the disk.
//! * [`experiment`]: a grid of runs with its claims, as `experiments/*.toml` has them; [`claim`]: tests over seeds;
//!   [`published`]: values of the papers, with their sources.
//! * [`plan`]: what is left to do, how long it takes, and what is missing for it.
//! * [`simulation_kind`]: the simulations of the papers' mathematics by name, with their settings.
//! * [`profile`], [`sharpness`], [`mod@bench`]: what the measuring commands store.

// Fields whose name says everything have no sentence, and an error is its text: these crates serve one program.
#![allow(missing_docs, clippy::missing_errors_doc)]

pub mod bench;
pub mod claim;
pub mod config;
pub mod csv;
pub mod duration;
pub mod experiment;
pub mod images;
pub mod plan;
pub mod point;
pub mod profile;
pub mod published;
pub mod replace_file;
pub mod run;
pub mod scale;
pub mod sharpness;
pub mod simulation_kind;
#[cfg(any(test, feature = "test-support"))]
pub mod synthetic;
pub mod weights_name;
