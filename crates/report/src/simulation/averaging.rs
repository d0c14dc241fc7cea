//! What simulations of averaging show.

mod kink;
mod minima;
mod rates;
