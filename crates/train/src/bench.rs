//! What a training step costs: images per second, where the time goes, memory, and how near the arithmetic comes to the
//! matrix products that the machine can do.

mod ceiling;
pub mod measure;
mod memory;
mod on_demand;
mod step;
