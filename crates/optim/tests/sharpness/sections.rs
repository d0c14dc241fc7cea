//! Losses of quadratics along lines are exact; planes keep distances.

use polder_optim::sharpness::{Line, Plane, distance};

use crate::matrix::{Integers, Matrix, Quadratic};

fn quadratic() -> Quadratic {
    Quadratic {
        hessian: Matrix::dense(&mut Integers(21), 5),
        minimum: vec![0.5, -1.0, 0.0, 2.0, 1.0],
        floor: 1.5,
    }
}

fn point(seed: u64) -> Vec<f64> {
    let mut draw = Integers(seed);
    (0..5).map(|_| draw.next_entry()).collect()
}

#[test]
fn a_section_between_two_points_is_the_parabola_with_their_losses_at_its_ends() {
    let (f, from, to) = (quadratic(), point(1), point(2));
    let direction: Vec<f64> = from.iter().zip(&to).map(|(from, to)| to - from).collect();
    let offset: Vec<f64> = from.iter().zip(&f.minimum).map(|(w, m)| w - m).collect();
    let (value, slope, bend) =
        (f.value(&from), f.hessian.form(&offset, &direction), f.hessian.form(&direction, &direction));
    let mut line = Line::between(&from, &to).unwrap();
    for t in (-10..=10).map(|i| f64::from(i) / 4.0) {
        let (loss, expected) = (f.value(line.point(t)), value + t * slope + 0.5 * t * t * bend);
        assert!((loss - expected).abs() < 1e-12 * 1e4, "{t}: {loss} {expected}");
    }
    assert_eq!([0.0, 1.0].map(|t| f.value(line.point(t))), [f.value(&from), f.value(&to)]);
}

#[test]
fn a_plane_meets_its_three_points_and_keeps_distances() {
    let points = [point(5), point(6), point(7)];
    let mut plane = Plane::through([&points[0], &points[1], &points[2]]).unwrap();
    let corners = plane.corners();
    let f = quadratic();
    for i in 0..3 {
        assert!(distance(&points[i], plane.point(corners[i])).unwrap() < 1e-13);
        assert!((f.value(plane.point(corners[i])) - f.value(&points[i])).abs() < 1e-11);
        for j in 0..3 {
            let flat = (corners[i][0] - corners[j][0]).hypot(corners[i][1] - corners[j][1]);
            assert!((flat - distance(&points[i], &points[j]).unwrap()).abs() < 1e-13);
        }
    }
}
