//! Polder models.
