//! Random directions that are functions of (seed, index).

use serde::{Deserialize, Serialize};

use crate::vector::RandomVector;

/// The law of the entries of a random direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProbeLaw {
    /// Random signs: among all laws with independent entries the one with the least variance, none on diagonal matrices.
    #[default]
    Rademacher,
    /// Standard normal entries: the same law in every orthonormal basis.
    Normal,
}

/// The sequence of random directions with a seed: direction i is a function of (law, seed, i) alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Probes {
    /// The law of the entries.
    pub law: ProbeLaw,
    /// Different seeds give independent sequences.
    pub seed: u64,
}

impl Probes {
    /// Fills `vector` with direction number `index`.
    pub fn fill<V: RandomVector>(&self, index: u64, vector: &mut V) {
        // Mixed twice, so that neighbouring seeds do not share shifted sequences as they would under `seed + index`.
        let key = mix(mix(self.seed).wrapping_add(index));
        match self.law {
            ProbeLaw::Rademacher => vector.fill_rademacher(key),
            ProbeLaw::Normal => vector.fill_normal(key),
        }
    }
}

/// SplitMix64: a bijection of 64 bits under which neighbours look unrelated.
fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seed_and_index_are_not_interchangeable() {
        let draw = |seed, index| {
            let mut vector = vec![0.0; 8];
            Probes { law: ProbeLaw::Normal, seed }.fill(index, &mut vector);
            vector
        };
        assert_eq!(draw(1, 2), draw(1, 2));
        assert_ne!(draw(1, 2), draw(2, 1));
        assert_ne!(draw(1, 2), draw(0, 3));
    }
}
