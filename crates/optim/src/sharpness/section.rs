//! Lines and planes through points, along which a loss is drawn.

use super::geometry::difference;
use crate::error::OptimError;
use crate::settings::check;
use crate::vector::{Vector, same_dim};

/// Below this sine of the angle between its sides a triangle spans no plane.
const COLLINEAR: f64 = 1e-6;

/// The line through two points: `(1 - t) * from + t * to`.
///
/// # Memory
/// Three vectors.
///
/// # Source
/// Goodfellow et al. (2015), arXiv:1412.6544.
#[derive(Debug)]
pub struct Line<V> {
    from: V,
    to: V,
    scratch: V,
}

impl<V: Vector> Line<V> {
    /// Both ends are met exactly, at `t = 0` and `t = 1`, if all entries are finite.
    ///
    /// # Errors
    /// [`OptimError::DimensionMismatch`] if the dimensions differ.
    pub fn between(from: &V, to: &V) -> Result<Self, OptimError> {
        same_dim("other end of the line", to, from)?;
        Ok(Self { from: from.copied(), to: to.copied(), scratch: from.zeros_like() })
    }

    /// The point at `t`.
    pub fn point(&mut self, t: f64) -> &V {
        self.scratch.copy_from(&self.from);
        self.scratch.axpby(t, &self.to, 1.0 - t);
        &self.scratch
    }
}

/// The plane through three points, with orthonormal axes: the first from the origin to the second point, the other towards the third.
///
/// Distances in its coordinates are those of the parameters' space.
///
/// # Memory
/// Four vectors.
///
/// # Source
/// Garipov et al. (2018), arXiv:1802.10026, appendix A.1, and Izmailov et al. (2018), arXiv:1803.05407, figure 1.
#[derive(Debug)]
pub struct Plane<V> {
    origin: V,
    first: V,
    second: V,
    scratch: V,
    corners: [[f64; 2]; 3],
}

impl<V: Vector> Plane<V> {
    /// The plane through three points with `points[0]` as its origin.
    ///
    /// # Errors
    /// [`OptimError::DimensionMismatch`] if the dimensions differ; [`OptimError::InvalidSetting`] if the points lie on a line, with the
    /// sine of the angle at the origin below 1e-6.
    pub fn through(points: [&V; 3]) -> Result<Self, OptimError> {
        let [origin, to_first, to_third] = points;
        let (mut first, mut second) = (difference(to_first, origin)?, difference(to_third, origin)?);
        let (width, length) = (first.norm(), second.norm());
        first.scale(1.0 / width);
        // Twice, as the points of a plane may be close to a line and rounding then spoils the right angle.
        let mut shift = 0.0;
        for _ in 0..2 {
            let component = second.dot(&first);
            second.axpy(-component, &first);
            shift += component;
        }
        let height = second.norm();
        let spans_a_plane = width > 0.0 && height > COLLINEAR * length;
        let found = format!("at an angle of sine {} at the first", height / length);
        check(spans_a_plane, "the triangle of three points", &found, "points that do not lie on a line")?;
        second.scale(1.0 / height);
        let corners = [[0.0, 0.0], [width, 0.0], [shift, height]];
        Ok(Self { origin: origin.copied(), first, second, scratch: origin.zeros_like(), corners })
    }

    /// The coordinates of the three points.
    pub fn corners(&self) -> [[f64; 2]; 3] {
        self.corners
    }

    /// The point at coordinates `[x, y]`.
    pub fn point(&mut self, [x, y]: [f64; 2]) -> &V {
        self.scratch.copy_from(&self.origin);
        self.scratch.axpy(x, &self.first);
        self.scratch.axpy(y, &self.second);
        &self.scratch
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_on_a_line_span_no_plane() {
        let (a, b, c) = (vec![1.0, 1.0], vec![2.0, 3.0], vec![3.0, 5.0]);
        for points in [[&a, &b, &c], [&a, &a, &b], [&a, &b, &a]] {
            let error = Plane::through(points).unwrap_err().to_string();
            assert!(error.contains("do not lie on a line"), "{error}");
        }
    }

    #[test]
    fn both_ends_of_a_line_are_met_to_the_bit() {
        let (a, b) = (vec![0.1, -7.3e9], vec![0.3, 1.1e-7]);
        let mut line = Line::between(&a, &b).unwrap();
        assert_eq!(line.point(0.0), &a);
        assert_eq!(line.point(1.0), &b);
    }
}
