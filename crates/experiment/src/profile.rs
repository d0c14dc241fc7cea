//! A profile of the input pipeline as plain data: what was measured, the verdict, the advice, and what the advice was worth.
//!
//! All of it is computed from numbers; `polder-train` makes these numbers.

pub mod advice;
pub mod measurement;
pub mod record;
pub mod setting;
pub mod verdict;
