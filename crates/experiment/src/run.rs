//! What a run or a simulation leaves on the disk: its directory, its records, where it was computed, how flat it ended.

pub mod environment;
pub mod flatness;
pub mod record;
pub mod run_dir;
pub mod run_outcome;
pub mod theory_record;
