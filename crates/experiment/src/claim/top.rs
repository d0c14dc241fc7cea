//! The top of a curve that is known at a few places: where an axis is best.

/// Where a curve is highest, and whether it is *not* known to be there; `None` if nothing of the curve is known.
///
/// A height of `None` is that of a place that diverged. Beside it, as at an end of the curve, the top may lie anywhere up to the
/// next place. Among equal heights the middle between the first and the last, which for two neighbours is the top of the
/// parabola.
pub(super) fn top(curve: &[(f64, Option<f64>)]) -> Option<(f64, bool)> {
    let height = |index: usize| curve.get(index).and_then(|(_, value)| *value);
    let known = (0..curve.len()).filter(|&index| height(index).is_some());
    let highest = known.clone().filter_map(height).max_by(f64::total_cmp)?;
    let mut equal = known.filter(|&index| height(index) == Some(highest));
    let best = equal.next()?;
    let last = equal.next_back().unwrap_or(best);
    let at = f64::midpoint(curve[best].0, curve[last].0);
    let before = best.checked_sub(1).and_then(height);
    let (Some(before), Some(here), Some(after)) = (before, height(best), height(last + 1)) else {
        return Some((at, true));
    };
    if best < last {
        return Some((at, (best..=last).any(|index| height(index).is_none())));
    }
    let (left, right) = (at - curve[best - 1].0, curve[best + 1].0 - at);
    // Slopes of the chords; the parabola's slope vanishes between their middles.
    let (rise, fall) = ((here - before) / left, (here - after) / right);
    let flat = rise + fall <= 0.0;
    Some((if flat { at } else { at + 0.5 * (right * rise - left * fall) / (rise + fall) }, false))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The top does not depend on the direction in which the axis is read, and moves and stretches with the axis.
    #[test]
    fn a_top_is_that_of_the_parabola_on_uneven_axes_and_for_equal_heights() {
        let parabola = |x: f64| Some(1.0 - 0.3 * (x - 1.2).powi(2));
        let found = top(&[-2.0, 0.0, 1.5, 2.0, 5.0].map(|x| (x, parabola(x)))).unwrap();
        assert!((found.0 - 1.2).abs() < 1e-12 && !found.1, "{found:?}");
        let curves: [&[f64]; 6] = [
            &[0.5, 0.9, 0.9, 0.7],
            &[0.5, 0.9, 0.9, 0.9, 0.1],
            &[0.1, 0.6, 0.9, 0.2],
            &[0.9, 0.9, 0.1],
            &[0.2, 0.9],
            &[0.4, 0.9, 0.3, 0.9, 0.1],
        ];
        for heights in curves {
            let curve: Vec<_> = (0..).map(f64::from).zip(heights.iter().map(|y| Some(*y))).collect();
            let mirrored: Vec<_> = curve.iter().rev().map(|(x, y)| (7.0 - 2.0 * x, *y)).collect();
            let (found, reflected) = (top(&curve).unwrap(), top(&mirrored).unwrap());
            assert!((7.0 - 2.0 * found.0 - reflected.0).abs() < 1e-12, "{heights:?} {found:?} {reflected:?}");
            assert_eq!(found.1, reflected.1, "{heights:?}");
        }
        assert_eq!(
            top(&[(0.0, Some(0.5)), (1.0, Some(0.9)), (2.0, Some(0.9)), (3.0, Some(0.1))]),
            Some((1.5, false))
        );
        assert_eq!(top(&[(0.0, Some(0.9)), (1.0, Some(0.9)), (2.0, Some(0.1))]), Some((0.5, true)));
        assert_eq!(top(&[(0.0, None), (1.0, None)]), None);
        // Beside what diverged, on either side, and with equal heights.
        let curve =
            |heights: &[Option<f64>]| (0..).map(f64::from).zip(heights.iter().copied()).collect::<Vec<_>>();
        assert_eq!(top(&curve(&[Some(0.5), Some(0.9), None])), Some((1.0, true)));
        assert_eq!(top(&curve(&[None, Some(0.9), Some(0.5)])), Some((1.0, true)));
        assert_eq!(top(&curve(&[Some(0.5), Some(0.9), Some(0.9), None])), Some((1.5, true)));
        assert_eq!(top(&curve(&[Some(0.5), Some(0.9), None, Some(0.9), Some(0.5)])), Some((2.0, true)));
        assert_eq!(top(&curve(&[Some(0.5), Some(0.9), Some(0.5), None])), Some((1.0, false)));
    }
}
