//! Polder optim.
