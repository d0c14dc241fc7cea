//! Loss and error at the weights, on the line between two of them, on the plane of three.

use polder_models::FlatParameters;
use polder_optim::sharpness::{Line, Plane, distance};

use super::bench::{Keeper, MeasuringContext, ended};
use super::interruptible_oracle::heed_interrupt;
use polder_experiment::sharpness::measurement::{Found, LossAt, PlaneSection};
use polder_experiment::sharpness::plan::LOSS;

/// At the weights themselves.
pub(super) fn loss(
    found: Found,
    bench: &mut MeasuringContext<'_>,
    at: &FlatParameters,
) -> anyhow::Result<(Found, bool)> {
    match refreshed_loss(bench, at) {
        Ok(loss) => Ok((Found::Loss(Some(loss)), true)),
        Err(error) => ended(Err(error), found),
    }
}

/// BN is refreshed at every place: statistics of one end would make the other look worse than it is.
pub(super) fn line(
    places: &[f64],
    mut losses: Vec<LossAt>,
    bench: &mut MeasuringContext<'_>,
    [from, to]: [&FlatParameters; 2],
    keeper: &mut Keeper<'_>,
) -> anyhow::Result<(Found, bool)> {
    let distance = distance(from, to)?;
    let mut line = Line::between(from, to)?;
    let mut walk = || -> anyhow::Result<()> {
        for place in &places[losses.len()..] {
            losses.push(refreshed_loss(bench, line.point(*place))?);
            keeper.note(|| Found::Line { distance, losses: losses.clone() })?;
        }
        Ok(())
    };
    let result = walk();
    ended(result, Found::Line { distance, losses })
}

/// The first corner is the origin, the second lies on the first axis.
pub(super) fn plane(
    points_per_side: usize,
    margin: f64,
    state: PlaneSection,
    bench: &mut MeasuringContext<'_>,
    corners: [&FlatParameters; 3],
    keeper: &mut Keeper<'_>,
) -> anyhow::Result<(Found, bool)> {
    let mut plane = Plane::through(corners)?;
    let mut section = PlaneSection { corners: plane.corners(), ..state };
    (section.xs, section.ys) = grid(&section.corners, points_per_side, margin);
    let mut walk = || -> anyhow::Result<()> {
        for index in section.losses.len()..points_per_side * points_per_side {
            let at = [section.xs[index % points_per_side], section.ys[index / points_per_side]];
            section.losses.push(refreshed_loss(bench, plane.point(at))?);
            keeper.note(|| Found::Plane(section.clone()))?;
        }
        Ok(())
    };
    let result = walk();
    ended(result, Found::Plane(section))
}

fn refreshed_loss(bench: &mut MeasuringContext<'_>, at: &FlatParameters) -> anyhow::Result<LossAt> {
    heed_interrupt()?;
    let oracle = bench.at(at)?;
    let loss = oracle.surface.evaluate(at)?;
    oracle.progress.advance(2.0 * LOSS);
    Ok(LossAt::new(loss.loss, loss.standard_error, loss.error))
}

/// Evenly spaced coordinates of a square that holds the corners and `margin` of its side beyond them.
fn grid(corners: &[[f64; 2]; 3], points_per_side: usize, margin: f64) -> (Vec<f64>, Vec<f64>) {
    let span = |axis: usize| {
        let along = corners.map(|corner| corner[axis]);
        let (low, high) = (
            along.into_iter().fold(f64::INFINITY, f64::min),
            along.into_iter().fold(f64::NEG_INFINITY, f64::max),
        );
        (f64::midpoint(low, high), high - low)
    };
    let ((x, width), (y, height)) = (span(0), span(1));
    let half = (0.5 + margin) * width.max(height);
    let coordinates = |middle: f64| {
        let step = 2.0 * half / (points_per_side - 1) as f64;
        (0..points_per_side).map(|i| middle - half + step * i as f64).collect()
    };
    (coordinates(x), coordinates(y))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grid_is_a_square_with_a_margin_around_the_corners() {
        let (xs, ys) = grid(&[[0.0, 0.0], [4.0, 0.0], [1.0, 2.0]], 5, 0.25);
        assert_eq!(xs, [-1.0, 0.5, 2.0, 3.5, 5.0]);
        assert_eq!(ys, [-2.0, -0.5, 1.0, 2.5, 4.0]);
    }
}
