//! How a loader is set: the part of a pipeline that advice can change.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The settings of a loader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// Images per minibatch.
    pub batch_size: usize,
    /// Threads of the loader.
    pub workers: usize,
    /// Finished minibatches that may wait per worker.
    pub queue: usize,
    pub format: Format,
}

/// The type of a value in a minibatch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// Augmented bytes; the consumer normalises them on its device
    U8,
    /// Normalised, 32 bits
    F32,
    /// Normalised, 16 bits
    Bf16,
}

impl Setting {
    /// Minibatches that are made or wait at a time.
    pub fn in_flight(&self) -> usize {
        self.workers * (self.queue + 1)
    }

    /// As flags of the command line.
    pub fn flags(&self) -> String {
        format!("--workers {} --queue {} --format {}", self.workers, self.queue, self.format)
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Setting { batch_size, workers, queue, format } = self;
        let plural = if *workers == 1 { "" } else { "s" };
        write!(f, "batch size {batch_size}, {workers} worker{plural}, queue {queue}, {format}")
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::U8 => "u8",
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
        })
    }
}
