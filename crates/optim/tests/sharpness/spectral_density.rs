//! Densities: their moments are those of the matrix, their mass is one.

use polder_optim::sharpness::{ProbeLaw, Probes, SpectralDensity, SpectralDensityConfig};

use crate::matrix::{Integers, Matrix};

fn config(law: ProbeLaw, num_probes: u64, num_nodes: usize) -> SpectralDensityConfig {
    SpectralDensityConfig { law, seed: 4, num_probes, num_nodes }
}

/// With m nodes a Gauss quadrature is exact up to degree 2m - 1.
#[test]
fn every_quadrature_integrates_polynomials_exactly() {
    let n = 25;
    let mut hessian = Matrix::dense(&mut Integers(2), n);
    for law in [ProbeLaw::Rademacher, ProbeLaw::Normal] {
        let mut density = SpectralDensity::new(&vec![0.0; n], config(law, 5, 4)).unwrap();
        let state = density.run(&mut hessian).unwrap();
        for (index, quadrature) in state.quadratures.iter().enumerate() {
            let mut probe = vec![0.0; n];
            Probes { law, seed: 4 }.fill(index as u64, &mut probe);
            let length: f64 = probe.iter().map(|x| x * x).sum();
            let mut power = probe.clone();
            let mut scale = 1.0;
            for degree in 0..=7 {
                let exact = probe.iter().zip(&power).map(|(x, y)| x * y).sum::<f64>() / length;
                let found = quadrature.integrate(|x| x.powi(degree));
                assert!((found - exact).abs() < 1e-12 * scale, "{law:?} degree {degree}: {found} {exact}");
                power = hessian.times(&power);
                scale *= 50.0;
            }
        }
    }
}

#[test]
fn moments_of_the_density_are_the_traces_within_their_intervals() {
    let n = 40;
    let mut hessian = Matrix::dense(&mut Integers(6), n);
    for law in [ProbeLaw::Rademacher, ProbeLaw::Normal] {
        let mut density = SpectralDensity::new(&vec![0.0; n], config(law, 200, 12)).unwrap();
        let state = density.run(&mut hessian).unwrap();
        for (estimate, exact) in [
            (state.mean_of(|x| x, 0.999), hessian.trace() / n as f64),
            (state.mean_of(|x| x * x, 0.999), hessian.trace_of_square() / n as f64),
        ] {
            assert!(estimate.lower <= exact && exact <= estimate.upper, "{law:?}: {estimate:?} {exact}");
        }
        assert!((state.mean_of(|_| 1.0, 0.95).mean - 1.0).abs() < 1e-13);
    }
}

#[test]
fn a_smoothed_density_counts_eigenvalues() {
    // A tenth of the spectrum at 5, the rest within [-0.1, 0.1].
    let entries: Vec<f64> =
        (0..200).map(|i| if i % 10 == 0 { 5.0 } else { f64::from(i) / 1000.0 - 0.1 }).collect();
    let mut hessian = Matrix::diagonal(&entries);
    let mut density = SpectralDensity::new(&vec![0.0; 200], config(ProbeLaw::Rademacher, 10, 30)).unwrap();
    let state = density.run(&mut hessian).unwrap();
    let grid = state.grid(4001, 0.05);
    let values = state.smoothed(&grid, 0.05);
    let step = grid[1] - grid[0];
    let mass = |from: f64, to: f64| -> f64 {
        grid.iter().zip(&values).filter(|(x, _)| (from..to).contains(*x)).map(|(_, y)| y * step).sum()
    };
    assert!((mass(f64::NEG_INFINITY, f64::INFINITY) - 1.0).abs() < 1e-6);
    // Random signs weigh every eigenvector of a diagonal matrix alike.
    assert!((mass(4.5, 5.5) - 0.1).abs() < 1e-6, "{}", mass(4.5, 5.5));
}

#[test]
fn a_measurement_that_stops_and_continues_gives_the_same_bytes() {
    let mut hessian = Matrix::golden("rank_deficient", 18, 1);
    let begin = || SpectralDensity::new(&vec![0.0; 18], config(ProbeLaw::Normal, 6, 30)).unwrap();
    let mut whole = begin();
    whole.run(&mut hessian).unwrap();
    // Six non-zero eigenvalues and zero: nodes in seven places, whatever number of nodes is asked for.
    for quadrature in &whole.state().quadratures {
        let gaps = quadrature.nodes.windows(2).filter(|pair| pair[1] - pair[0] > 1e-9).count();
        assert_eq!(gaps + 1, 7, "{quadrature:?}");
    }
    let mut first = begin();
    first.step(&mut hessian).unwrap();
    first.step(&mut hessian).unwrap();
    let stored = serde_json::to_string(first.state()).unwrap();
    let mut second = begin();
    second.restore(serde_json::from_str(&stored).unwrap());
    assert_eq!(second.run(&mut hessian).unwrap(), whole.state());
}
