//! Keyed randomness: every random value is a function of a key.
//!
//! A key says what the values are for: a seed, a name, a replicate. Nothing depends on who draws, when, or in how many threads. The
//! values are part of the public behaviour: records and reports depend on every bit of them, so they never change.
//!
//! * [`Stream`]: the random words of a key, and numbers made of them: uniform and normal values, indices, permutations.
//! * [`normals`], [`signs`]: endless sequences of standard normal values and of random signs, keyed by 64 bits.
//! * [`label`], [`hash`]: text as part of a key.
//!
//! The words come from ChaCha8 (Bernstein, 2008, "ChaCha, a variant of Salsa20").
//!
//! # Example
//! ```
//! use polder_random::{Stream, hash, label};
//!
//! let seed = 7;
//! let mut stream = Stream::new([seed, label("example"), hash("layer1.weight"), 0]);
//! let (value, index) = (stream.uniform(-1.0, 1.0), stream.below(10));
//! assert!((-1.0..1.0).contains(&value) && index < 10);
//!
//! // The same key gives the same values.
//! let mut again = Stream::new([seed, label("example"), hash("layer1.weight"), 0]);
//! assert_eq!((again.uniform(-1.0, 1.0), again.below(10)), (value, index));
//! ```

mod key;
mod sequences;
mod stream;
mod uniform;

pub use key::{hash, label};
pub use sequences::{normals, signs};
pub use stream::Stream;
