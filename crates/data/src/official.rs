//! The official files of the data sets: their addresses and digests, downloads, and checks.

#[cfg(feature = "download")]
pub(crate) mod archive;
// Addresses and archives serve downloads alone.
#[cfg_attr(not(feature = "download"), allow(dead_code))]
pub(crate) mod checksums;
#[cfg(feature = "download")]
pub(crate) mod download;
pub(crate) mod verify;
