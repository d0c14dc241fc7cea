//! The subcommands, one file each.

pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod data;
pub(crate) mod logs;
pub(crate) mod man;
pub(crate) mod plan;
pub(crate) mod report;
pub(crate) mod selection;
pub(crate) mod status;
pub(crate) mod theory;
