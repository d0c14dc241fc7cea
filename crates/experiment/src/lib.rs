//! What is recorded: run configuration, records and run directories; grids, plans and claims. Nothing here trains or draws.
//!
//! * [`config`]: one run, down to every number that changes its result; [`record`], [`run_dir`], [`flatness`], [`theory_record`]:
//!   what a run or a simulation leaves on the disk.
//! * [`experiment`]: a grid of runs with its claims, as `experiments/*.toml` has them; [`claim`]: tests over seeds.
//! * [`plan`]: what is left to do, and in [`speeds`] how long it takes.
//! * [`profile`], [`sharpness`], [`bench`]: what the measuring commands store.

// Fields whose name says everything have no sentence, and an error is its text: these crates serve one program.
#![allow(missing_docs, clippy::missing_errors_doc)]

pub mod bench;
pub mod best;
pub mod claim;
pub mod config;
pub mod csv;
pub mod duration;
pub mod environment;
pub mod experiment;
pub mod flatness;
pub mod images;
pub mod law;
pub mod missing_data;
pub mod plan;
pub mod point;
pub mod profile;
pub mod published;
pub mod record;
pub mod replace_file;
pub mod run_dir;
pub mod run_end;
pub mod scale;
pub mod session;
pub mod sharpness;
pub mod speeds;
#[cfg(any(test, feature = "test-support"))]
pub mod synthetic;
pub mod theory_record;
