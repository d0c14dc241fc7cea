//! The subcommands, one file each.

pub(crate) mod bench;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod data;
pub(crate) mod doctor;
pub(crate) mod evaluate;
pub(crate) mod export;
pub(crate) mod jobs;
pub(crate) mod logs;
pub(crate) mod man;
pub(crate) mod plan;
pub(crate) mod profile_input;
pub(crate) mod report;
pub(crate) mod reproduce;
pub(crate) mod selection;
pub(crate) mod sharpness;
pub(crate) mod status;
pub(crate) mod theory;
pub(crate) mod train;
pub(crate) mod worker;
