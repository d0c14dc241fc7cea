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
    /// Minibatches that each worker may finish ahead of the consumer.
    pub queue: usize,
    /// Follows from the device.
    pub format: Format,
}

/// The type of a value in a minibatch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// Augmented bytes, for a GPU, which normalises them.
    U8,
    /// Normalised, 32 bits, for the processor.
    F32,
    /// Normalised, 16 bits: only in records of earlier versions.
    Bf16,
}

impl Setting {
    /// Minibatches that are made or wait at a time.
    pub fn in_flight(&self) -> usize {
        self.workers * (self.queue + 1)
    }

    /// As flags of the command line.
    pub fn flags(&self) -> String {
        format!("--workers {} --prefetch {}", self.workers, self.queue)
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Setting { batch_size, workers, queue, format } = self;
        let plural = if *workers == 1 { "" } else { "s" };
        write!(f, "batch size {batch_size}, {workers} worker{plural}, prefetch {queue}, {format}")
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
