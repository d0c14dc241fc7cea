//! Several tests at once.

/// Which hypotheses are rejected when the chance of rejecting any true one may be `level` (Holm, 1979).
pub fn holm(p_values: &[f64], level: f64) -> Vec<bool> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&left, &right| p_values[left].total_cmp(&p_values[right]));
    let mut rejected = vec![false; p_values.len()];
    for (rank, &index) in order.iter().enumerate() {
        if p_values[index] > level / (p_values.len() - rank) as f64 {
            break;
        }
        rejected[index] = true;
    }
    rejected
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With three hypotheses the bounds are level/3, level/2, level, in the order of the p values.
    #[test]
    fn holm_stops_at_the_first_that_is_not_rejected() {
        assert_eq!(holm(&[0.02, 0.001, 0.04], 0.05), [true, true, true]);
        assert_eq!(holm(&[0.03, 0.001, 0.04], 0.05), [false, true, false]);
        assert_eq!(holm(&[0.02, 0.03, 0.04], 0.05), [false, false, false]);
    }
}
