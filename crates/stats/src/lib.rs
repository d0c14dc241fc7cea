//! Intervals, tests and fits over replicates: what claims about means rest on.
//!
//! | question | answer |
//! |---|---|
//! | how well is a mean known? | [`mean_interval`], [`Estimate`]; [`Moments`] where values come one by one |
//! | a difference of means, paired or not? | [`mean_interval`] of the differences, [`welch_interval`] |
//! | is a mean above zero? several at once? | [`one_sided`], [`holm`] |
//! | how often does something happen? | [`Proportion`] (Wilson), [`Proportion::minus`] (Newcombe) |
//! | the largest of several estimates? | [`largest`], [`smallest`], [`largest_size`] with a [`bonferroni`] quantile |
//! | how does a quantity grow? | [`line()`], [`power_law`], with the [`jackknife`]'s error |
//!
//! ```
//! let interval = polder_stats::mean_interval(&[0.91, 0.93, 0.92], 0.95).ok_or("two values at least")?;
//! assert!(interval.low < 0.92 && 0.92 < interval.high);
//! # Ok::<(), &str>(())
//! ```

mod estimate;
mod extreme;
mod holm;
mod mean;
mod moments;
mod power_law;
mod proportion;
mod quantile;

pub use estimate::Estimate;
pub use extreme::{largest, largest_size, smallest};
pub use holm::holm;
pub use mean::{Interval, mean, mean_interval, one_sided, welch_interval};
pub use moments::{MeanEstimate, Moments};
pub use power_law::{PowerLaw, jackknife, line, power_law};
pub use proportion::{Proportion, ProportionDifference};
pub use quantile::{CONFIDENCE, bonferroni, bonferroni_upper};
