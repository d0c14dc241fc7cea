//! A network and an optimizer of your own, each one file.

pub mod lookahead;
pub mod plain_net;
