//! Level curves of numbers on a grid.

/// The straight pieces in which the curves of `level` cross the cells of a grid, linear along the edges of the cells. `values` lie
/// row by row, one for each pair of an x and a y; cells with a corner that is not finite are left out.
///
/// # Source
/// Marching squares, as in Lorensen and Cline (1987) for cubes; a saddle is parted by the mean of its corners.
pub fn contour(xs: &[f64], ys: &[f64], values: &[f64], level: f64) -> Vec<[(f64, f64); 2]> {
    let mut pieces = Vec::new();
    for (row, y) in ys.windows(2).enumerate() {
        for (column, x) in xs.windows(2).enumerate() {
            let at = |right: usize, up: usize| values[(row + up) * xs.len() + column + right];
            // Counter-clockwise from the lower left.
            let corners = [
                (x[0], y[0], at(0, 0)),
                (x[1], y[0], at(1, 0)),
                (x[1], y[1], at(1, 1)),
                (x[0], y[1], at(0, 1)),
            ];
            pieces.extend(cell(&corners, level));
        }
    }
    pieces
}

fn cell(corners: &[(f64, f64, f64); 4], level: f64) -> Vec<[(f64, f64); 2]> {
    if corners.iter().any(|(.., value)| !value.is_finite()) {
        return Vec::new();
    }
    let is_above = |(.., value): (f64, f64, f64)| value > level;
    let mut crossings = Vec::with_capacity(4);
    for i in 0..4 {
        let (from, to) = (corners[i], corners[(i + 1) % 4]);
        if is_above(from) != is_above(to) {
            let share = (level - from.2) / (to.2 - from.2);
            crossings.push((from.0 + share * (to.0 - from.0), from.1 + share * (to.1 - from.1)));
        }
    }
    match crossings[..] {
        [a, b] => vec![[a, b]],
        [a, b, c, d] => {
            // Crossings follow the edges; the middle belongs to the first corner if it is on the same side.
            let middle = corners.iter().map(|(.., value)| value / 4.0).sum::<f64>() > level;
            if middle == is_above(corners[0]) { vec![[a, b], [c, d]] } else { vec![[d, a], [b, c]] }
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_level_curve_of_a_plane_is_straight_and_that_of_a_cone_round() {
        let xs: Vec<f64> = (0..21).map(|i| f64::from(i) * 0.1 - 1.0).collect();
        let grid = |f: fn(f64, f64) -> f64| -> Vec<f64> {
            xs.iter().flat_map(|y| xs.iter().map(move |x| f(*x, *y))).collect()
        };
        let straight = contour(&xs, &xs, &grid(|x, y| x + 2.0 * y), 0.55);
        assert!(straight.len() > 20);
        for (x, y) in straight.into_iter().flatten() {
            assert!((x + 2.0 * y - 0.55).abs() < 1e-12);
        }
        let round = contour(&xs, &xs, &grid(f64::hypot), 0.7);
        assert!(round.len() > 40);
        for (x, y) in round.into_iter().flatten() {
            assert!((x.hypot(y) - 0.7).abs() < 3e-3);
        }
    }

    #[test]
    fn a_saddle_is_parted_and_what_is_not_finite_left_out() {
        let (xs, ys) = ([0.0, 1.0], [0.0, 1.0]);
        // Above at lower left and upper right; the middle is below, so these are cut off.
        assert_eq!(
            contour(&xs, &ys, &[1.0, 0.0, 0.0, 1.0], 0.6),
            [[(0.0, 0.4), (0.4, 0.0)], [(1.0, 0.6), (0.6, 1.0)]]
        );
        assert!(contour(&xs, &ys, &[1.0, f64::NAN, 0.0, 1.0], 0.6).is_empty());
        assert!(contour(&xs, &ys, &[1.0; 4], 0.6).is_empty());
    }
}
