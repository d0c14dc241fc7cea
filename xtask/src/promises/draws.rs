//! Moments that look like chance and are the same in every measurement.

/// Numbers that are the same in every measurement: SplitMix64, see Steele, Lea and Flood (2014).
#[derive(Debug)]
pub(crate) struct Draws(u64);

impl Draws {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % end
    }
}

#[cfg(test)]
mod tests {
    use super::Draws;

    #[test]
    fn draws_are_below_their_end_and_differ() {
        let mut draws = Draws::new(1);
        let drawn: Vec<u64> = (0..100).map(|_| draws.below(3)).collect();
        assert!((0..3).all(|value| drawn.contains(&value)) && drawn.iter().all(|value| *value < 3));
    }
}
