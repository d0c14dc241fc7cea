//! Is the input pipeline the bottleneck? Loader, consumer and both together, measured; a verdict, advice, and what the
//! advice is worth when it is followed.
//!
//! `measurement`, `verdict` and `advice` are pure functions of numbers; `flow`, `consumer` and `investigation` make
//! these numbers; `record` is what is stored, `text` and `picture` show it.

pub(crate) mod advice;
pub(crate) mod consumer;
pub(crate) mod flow;
pub(crate) mod investigation;
pub(crate) mod measurement;
pub(crate) mod picture;
pub(crate) mod record;
pub(crate) mod setting;
pub(crate) mod source;
pub(crate) mod status;
pub(crate) mod text;
pub(crate) mod verdict;
