//! Is the input pipeline the bottleneck? Measures the loader, the consumer and both together, and follows the advice.
//!
//! What is measured is stored as a `polder_experiment::profile::record::ProfileRecord`.

pub mod consumer;
pub mod flow;
pub mod investigation;
