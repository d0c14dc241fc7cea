//! Rises on quadratics, whose closed forms are known.

use polder_optim::sharpness::{
    AscentConfig, AverageSharpness, AverageSharpnessConfig, GradientOracle, MSharpness, StoppingRule,
    worst_case_rise,
};

use crate::matrix::{Integers, Matrix, Quadratic};

const RHO: f64 = 0.3;

fn at_minimum(spectrum: &[f64]) -> Quadratic {
    let n = spectrum.len();
    // A Householder reflection of a diagonal matrix: a full matrix with this spectrum.
    let mut draw = Integers(13);
    let axis: Vec<f64> = (0..n).map(|_| draw.next_entry()).collect();
    let square: f64 = axis.iter().map(|x| x * x).sum();
    let reflect = |i: usize, j: usize| f64::from(u8::from(i == j)) - 2.0 * axis[i] * axis[j] / square;
    let hessian = Matrix::from_entries(n, |i, j| {
        let (low, high) = (i.min(j), i.max(j));
        (0..n).map(|k| reflect(low, k) * spectrum[k] * reflect(high, k)).sum()
    });
    Quadratic { hessian, minimum: (0..n).map(|i| i as f64 - 1.0).collect(), floor: 0.25 }
}

#[test]
fn at_a_minimum_the_worst_rise_is_half_rho_squared_times_the_largest_eigenvalue() {
    // A larger negative eigenvalue must not be mistaken for it.
    for spectrum in [vec![0.0, 1.0, 2.0, 5.0], vec![-40.0, 1.0, 2.0, 5.0]] {
        let mut quadratic = at_minimum(&spectrum);
        let minimum = quadratic.minimum.clone();
        let config = AscentConfig { rho: RHO, num_steps: 400, ..AscentConfig::default() };
        let rise = worst_case_rise(&mut quadratic, &minimum, config).unwrap();
        let expected = 0.5 * RHO * RHO * 5.0;
        assert!((rise.worst() - expected).abs() < 1e-9 * expected, "{spectrum:?}: {}", rise.worst());
        assert_eq!((rise.loss, rise.rises.len()), (0.25, 400));
    }
}

#[test]
fn the_first_step_is_sams_and_further_ones_only_add() {
    let mut quadratic = at_minimum(&[0.5, 1.0, 2.0, 5.0]);
    let w = vec![1.0, -2.0, 0.5, 3.0];
    let mut g = vec![0.0; 4];
    quadratic.gradient(&w, &mut g).unwrap();
    let norm = g.iter().map(|x| x * x).sum::<f64>().sqrt();
    let sam = RHO * norm + 0.5 * RHO * RHO * quadratic.hessian.form(&g, &g) / (norm * norm);
    let config = AscentConfig { rho: RHO, num_steps: 60, ..AscentConfig::default() };
    let rise = worst_case_rise(&mut quadratic, &w, config).unwrap();
    assert!((rise.sam() - sam).abs() < 1e-12 * sam);
    assert!(rise.rises.windows(2).all(|pair| pair[1] >= pair[0] - 1e-13 * sam), "{:?}", rise.rises);

    // The maximum e of a convex quadratic on the ball: (s - H) e = g with |e| = rho and s above the spectrum, by bisection on s.
    let solve = |s: f64| {
        // The inverse as a geometric series around s: H / s has norm below one.
        let (mut e, mut term): (Vec<f64>, Vec<f64>) = (vec![0.0; 4], g.iter().map(|x| x / s).collect());
        for _ in 0..4000 {
            e.iter_mut().zip(&term).for_each(|(e, t)| *e += t);
            term = quadratic.hessian.times(&term).iter().map(|x| x / s).collect();
        }
        e
    };
    let (mut low, mut high) = (5.02, 5.02 + 2.0 * norm / RHO);
    for _ in 0..100 {
        let middle = 0.5 * (low + high);
        let length = solve(middle).iter().map(|x| x * x).sum::<f64>().sqrt();
        (low, high) = if length > RHO { (middle, high) } else { (low, middle) };
    }
    let e = solve(high);
    let best: f64 = g.iter().zip(&e).map(|(g, e)| g * e).sum::<f64>() + 0.5 * quadratic.hessian.form(&e, &e);
    assert!((rise.worst() - best).abs() < 1e-9 * best, "{} {best}", rise.worst());
}

#[test]
fn the_average_rise_is_half_rho_squared_times_the_mean_eigenvalue_anywhere() {
    let mut quadratic = at_minimum(&[0.5, 1.0, 2.0, 5.0, 0.0, 3.0]);
    let stopping =
        StoppingRule { confidence: 0.999, relative_half_width: 0.03, min_samples: 16, max_samples: 5000 };
    let expected = 0.5 * RHO * RHO * 11.5 / 6.0;
    for centre in [quadratic.minimum.clone(), vec![2.0, -3.0, 1.0, 0.0, 4.0, -1.0]] {
        let config = AverageSharpnessConfig { rho: RHO, seed: 2, stopping };
        let rise = AverageSharpness::new(&centre, config).unwrap().run(&mut quadratic).unwrap();
        assert!(rise.lower <= expected && expected <= rise.upper, "{rise:?} {expected}");
        assert!(rise.half_width() <= 0.03 * rise.mean);
    }
}

#[test]
fn an_average_that_stops_and_continues_gives_the_same_bytes() {
    let mut quadratic = at_minimum(&[0.5, 1.0, 2.0]);
    let config =
        AverageSharpnessConfig { stopping: StoppingRule::exactly(20), ..AverageSharpnessConfig::default() };
    let begin = || AverageSharpness::new(&vec![0.5, 0.25, 0.125], config).unwrap();
    let mut whole = begin();
    whole.run(&mut quadratic).unwrap();
    let mut first = begin();
    for _ in 0..7 {
        first.step(&mut quadratic).unwrap();
    }
    let stored = serde_json::to_string(&first.state()).unwrap();
    let mut second = begin();
    second.restore(serde_json::from_str(&stored).unwrap());
    second.run(&mut quadratic).unwrap();
    assert_eq!(second.state(), whole.state());
}

#[test]
fn m_sharpness_is_the_mean_of_the_micro_batches_rises_and_grows_as_they_shrink() {
    let hessian = Matrix::diagonal(&[1.0, 4.0]);
    let centres = [[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]];
    let of = |centre: [f64; 2]| Quadratic { hessian: hessian.clone(), minimum: centre.to_vec(), floor: 0.0 };
    let w = vec![0.25, 0.1];
    let mut examples = MSharpness::new(RHO).unwrap();
    let mut sum = 0.0;
    for centre in centres {
        let config = AscentConfig { rho: RHO, num_steps: 1, ..AscentConfig::default() };
        sum += worst_case_rise(&mut of(centre), &w, config).unwrap().sam();
        examples.add(&mut of(centre), &w).unwrap();
    }
    assert!((examples.estimate(0.95).mean - sum / 4.0).abs() < 1e-14);
    // The mean of the four losses is the quadratic around 0, but for its floor.
    let mut whole = MSharpness::new(RHO).unwrap();
    let full_batch = whole.add(&mut of([0.0, 0.0]), &w).unwrap();
    assert!(full_batch < examples.estimate(0.95).mean);
    let mut restored = MSharpness::new(RHO).unwrap();
    restored.restore(examples.state());
    assert_eq!(restored, examples);
}
