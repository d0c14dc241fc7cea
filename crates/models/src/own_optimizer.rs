//! The book's chapter on an optimizer of one's own, whose program is tested as documentation is.

#[doc = include_str!("../../../docs/own-optimizer.md")]
mod chapter {}
