//! Polder data.
