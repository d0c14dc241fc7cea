//! Polder theory.
