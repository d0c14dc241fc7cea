//! Eigenvalues against LAPACK's, and the same bytes after a stop.

use polder_optim::sharpness::{Lanczos, LanczosConfig};
use serde::Deserialize;

use crate::matrix::Matrix;

#[derive(Deserialize)]
struct Golden {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    kind: String,
    n: usize,
    seed: u64,
    eigenvalues: Vec<f64>,
}

/// LAPACK's errors are some 1e-15 of the largest eigenvalue, those of values with residuals of 1e-11 at most that share.
#[test]
fn eigenvalues_are_lapacks_to_1e_8_on_a_hundred_matrices() {
    let golden: Golden = serde_json::from_str(include_str!("../golden/sharpness.json")).unwrap();
    assert_eq!(golden.cases.len(), 100);
    let mut largest_error: f64 = 0.0;
    for Case { kind, n, seed, eigenvalues } in golden.cases {
        let mut hessian = Matrix::golden(&kind, n, seed);
        let config = LanczosConfig {
            largest: 4,
            smallest: 3,
            tolerance: 1e-11,
            max_basis: 60,
            check_multiplicity: true,
            seed,
        };
        let spectrum = Lanczos::new(&vec![0.0; n], config).unwrap().run(&mut hessian).unwrap();
        let size = eigenvalues.iter().fold(0.0, |size: f64, value| size.max(value.abs()));
        let expected_largest = eigenvalues.iter().rev().take(4);
        let expected_smallest = eigenvalues.iter().take(3);
        assert_eq!((spectrum.largest.len(), spectrum.smallest.len()), (4, 3));
        let found = spectrum.largest.iter().chain(&spectrum.smallest);
        for (found, expected) in found.zip(expected_largest.chain(expected_smallest)) {
            let error = (found.value - expected).abs() / size.max(1.0);
            assert!(error < 1e-8, "{kind} {n} {seed}: found {}, expected {expected}", found.value);
            assert!(found.converged && found.residual <= 1e-11 * size, "{kind} {n} {seed}: {found:?}");
            largest_error = largest_error.max(error);
        }
    }
    println!("largest error relative to the spectrum: {largest_error:e}");
}

#[test]
fn vectors_are_orthonormal_eigenvectors() {
    let mut hessian = Matrix::golden("double", 20, 2);
    let config =
        LanczosConfig { largest: 4, tolerance: 1e-12, check_multiplicity: true, ..LanczosConfig::default() };
    let spectrum = Lanczos::new(&vec![0.0; 20], config).unwrap().run(&mut hessian).unwrap();
    for (i, left) in spectrum.largest.iter().enumerate() {
        for (j, right) in spectrum.largest.iter().enumerate() {
            let inner: f64 = left.vector.iter().zip(&right.vector).map(|(x, y)| x * y).sum();
            assert!((inner - f64::from(u8::from(i == j))).abs() < 1e-11, "{i} {j}: {inner}");
        }
        let product = hessian.times(&left.vector);
        let residual: f64 =
            product.iter().zip(&left.vector).map(|(y, x)| (y - left.value * x).powi(2)).sum::<f64>().sqrt();
        assert!((residual - left.residual).abs() < 1e-13, "{residual} {}", left.residual);
    }
}

#[test]
fn a_basis_that_is_too_small_says_so_by_its_residual() {
    let entries: Vec<f64> = (0..200).map(|i| f64::from(i) / 200.0).collect();
    let mut hessian = Matrix::diagonal(&entries);
    let config = LanczosConfig { tolerance: 1e-10, max_basis: 10, ..LanczosConfig::default() };
    let spectrum = Lanczos::new(&vec![0.0; 200], config).unwrap().run(&mut hessian).unwrap();
    let top = &spectrum.largest[0];
    assert!(!top.converged && top.residual > 1e-10);
    let nearest = entries.iter().map(|value| (value - top.value).abs()).fold(f64::INFINITY, f64::min);
    assert!(nearest <= top.residual);
    assert_eq!(spectrum.num_products, 11);
}

#[test]
fn a_zero_matrix_and_one_dimension_have_their_eigenvalues() {
    let config = LanczosConfig { largest: 2, check_multiplicity: true, ..LanczosConfig::default() };
    let mut zero = Matrix::diagonal(&[0.0; 5]);
    let spectrum = Lanczos::new(&vec![0.0; 5], config).unwrap().run(&mut zero).unwrap();
    assert!(spectrum.largest.iter().all(|pair| pair.value == 0.0 && pair.converged));
    assert_eq!(spectrum.largest.len(), 2);

    let mut line = |v: &f64, output: &mut f64| {
        *output = -3.0 * *v;
        Ok(())
    };
    let config = LanczosConfig { largest: 0, smallest: 1, ..LanczosConfig::default() };
    let spectrum = Lanczos::new(&0.0, config).unwrap().run(&mut line).unwrap();
    assert_eq!(spectrum.smallest[0].value, -3.0);
    assert!(Lanczos::new(&0.0, LanczosConfig { largest: 2, ..config }).is_err());
}
