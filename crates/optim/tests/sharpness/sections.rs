//! Sections of quadratics are exact; planes keep distances.

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
fn a_section_along_a_direction_is_the_parabola() {
    let (mut f, origin, direction) = (quadratic(), point(1), point(2));
    let offset: Vec<f64> = origin.iter().zip(&f.minimum).map(|(w, m)| w - m).collect();
    let (value, slope, bend) =
        (f.value(&origin), f.hessian.form(&offset, &direction), f.hessian.form(&direction, &direction));
    let ts: Vec<f64> = (-10..=10).map(|i| f64::from(i) / 4.0).collect();
    let mut line = Line::along(&origin, &direction).unwrap();
    let losses: Vec<f64> = line.section(&mut f, &ts).map(Result::unwrap).collect();
    for (t, loss) in ts.iter().zip(&losses) {
        let expected = value + t * slope + 0.5 * t * t * bend;
        assert!((loss - expected).abs() < 1e-12 * 1e4, "{t}: {loss} {expected}");
    }
    // What is left of the section after a stop has the same bytes.
    let rest: Vec<f64> = line.section(&mut f, &ts[8..]).map(Result::unwrap).collect();
    assert_eq!(rest, losses[8..]);
}

#[test]
fn a_section_between_two_points_has_their_losses_at_its_ends() {
    let (mut f, from, to) = (quadratic(), point(3), point(4));
    let ends: Vec<f64> =
        Line::between(&from, &to).unwrap().section(&mut f, &[0.0, 1.0]).map(Result::unwrap).collect();
    assert_eq!(ends, [f.value(&from), f.value(&to)]);
}

#[test]
fn a_plane_meets_its_three_points_and_keeps_distances() {
    let points = [point(5), point(6), point(7)];
    let mut plane = Plane::through([&points[0], &points[1], &points[2]]).unwrap();
    let corners = plane.corners();
    let mut f = quadratic();
    let losses: Vec<f64> = plane.section(&mut f, &corners).map(Result::unwrap).collect();
    for i in 0..3 {
        assert!(distance(&points[i], plane.point(corners[i])).unwrap() < 1e-13);
        assert!((losses[i] - f.value(&points[i])).abs() < 1e-11);
        let (foot, height) = plane.project(&points[i]).unwrap();
        assert!(height < 1e-13 && (foot[0] - corners[i][0]).abs() + (foot[1] - corners[i][1]).abs() < 1e-13);
        for j in 0..3 {
            let flat = (corners[i][0] - corners[j][0]).hypot(corners[i][1] - corners[j][1]);
            assert!((flat - distance(&points[i], &points[j]).unwrap()).abs() < 1e-13);
        }
    }
    let (foot, height) = plane.project(&point(8)).unwrap();
    let nearest = distance(&point(8), plane.point(foot)).unwrap();
    assert!((height - nearest).abs() < 1e-13);
    for shift in [[0.01, 0.0], [-0.01, 0.0], [0.0, 0.01], [0.0, -0.01]] {
        let beside = distance(&point(8), plane.point([foot[0] + shift[0], foot[1] + shift[1]])).unwrap();
        assert!(beside > height);
    }
}
