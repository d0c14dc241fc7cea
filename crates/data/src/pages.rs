//! The pages for readers outside of the source, whose code is tested as documentation is.

#[doc = include_str!("../README.md")]
mod readme {}

#[doc = include_str!("../reusing-polder-data.md")]
mod reusing {}
