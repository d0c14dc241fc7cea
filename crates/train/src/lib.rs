//! Training, evaluation, flatness and measuring on libtorch.

// Fields whose name says everything have no sentence, and an error is its text: these crates serve one program.
#![allow(missing_docs, clippy::missing_errors_doc)]

pub mod bench;
pub mod calibration;
pub mod custom;
pub mod device;
pub mod environment;
pub mod evaluate;
pub mod export;
pub mod feed;
pub mod interrupt;
pub mod network_optimizer;
pub mod profile;
pub mod progress;
pub mod run_feeds;
pub mod sharpness;
pub mod snapshot;
pub mod stored_run;
pub mod timed_training;
pub mod trainer;
pub mod training;
