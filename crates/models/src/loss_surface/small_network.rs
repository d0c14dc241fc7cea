//! A network of 283 weights, whose Hessian is computed entry by entry; and the same one in PyTorch (golden/hessian.py).
//!
//! Both sides start from the same f32 weights and images. In f64 they differ by what f64 does over some thousand operations, and
//! by the rounding of each product to f32 (6e-8 of its largest entry), of which traces and eigenvalues see less than
//! 1e-6. In f32 passes round by some 1e-6 of what they sum; 1e-4 is the bound.

use polder_optim::RandomVector as _;
use polder_optim::VectorBytes as _;
use std::path::Path;
use std::sync::OnceLock;

use polder_optim::Vector;
use polder_optim::sharpness::{
    GradientOracle, HessianAt, HutchinsonConfig, Lanczos, LanczosConfig, LossOracle, StoppingRule, asymmetry,
    hutchinson_trace, norm_weights,
};
use polder_optim::{HessianVector, Objective, OptimError, Point};
use tch::{Device, Kind, Tensor};

use super::{Arithmetic, LossSurface};
use crate::builder::Builder;
use crate::error::ModelError;
use crate::filter_scales;
use crate::flat_parameters::FlatParameters;
use crate::forward::{Module, Pass};
use crate::init::Init;
use crate::layers::{BatchNorm2d, Conv2d, ConvShape, Linear, global_average_pool};
use crate::network::{Network, Precision};
use crate::objective::MinibatchObjective;

const NUM_IMAGES: usize = 12;
const NUM_WEIGHTS: usize = 283;

/// Two convolutions with BN and ReLU, and a linear layer: all kinds of layers that a residual network has.
#[derive(Debug)]
struct Small {
    conv1: Conv2d,
    bn1: BatchNorm2d,
    conv2: Conv2d,
    bn2: BatchNorm2d,
    linear: Linear,
}

impl Small {
    fn new(builder: &mut Builder) -> Self {
        let zero = Init::Constant(0.0);
        let shape = |channels_in, stride| ConvShape { channels_in, channels_out: 4, kernel: 3, stride };
        Self {
            conv1: Conv2d::new(builder, "conv1", shape(3, 1), zero),
            bn1: BatchNorm2d::new(builder, "bn1", 4),
            conv2: Conv2d::new(builder, "conv2", shape(4, 2), zero),
            bn2: BatchNorm2d::new(builder, "bn2", 4),
            linear: Linear::new(builder, "linear", 4, 3, zero, zero),
        }
    }
}

impl Module for Small {
    fn forward(&self, pass: &Pass<'_>, images: &Tensor) -> Result<Tensor, ModelError> {
        let x = self.bn1.forward(pass, &self.conv1.forward(pass, images)?)?.f_relu()?;
        let x = self.bn2.forward(pass, &self.conv2.forward(pass, &x)?)?.f_relu()?;
        self.linear.forward(pass, &global_average_pool(&x)?)
    }
}

/// Values on [-1, 1): the same integer hash as in golden/hessian.py.
fn hashed(name: &str, len: usize) -> Vec<f64> {
    let phase: u64 = name.bytes().zip(1..).map(|(byte, i)| i * u64::from(byte)).sum();
    let mask = 0xFFFF_FFFF;
    let value = |j: u64| {
        let mut h = (j * 2_654_435_761 + phase * 40_503) & mask;
        for (shift, factor) in [(15, 2_246_822_519), (13, 3_266_489_917)] {
            h = ((h ^ (h >> shift)) * factor) & mask;
        }
        (h ^ (h >> 16)) as f64 / 2.0_f64.powi(31) - 1.0
    };
    (0..len as u64).map(value).collect()
}

fn small() -> Network {
    tch::set_num_threads(1); // Tensors this small are slower on several, and tests run beside each other.
    let describe = |builder: &mut Builder| Box::new(Small::new(builder)) as Box<dyn Module>;
    let network = Network::describe("small", describe, 0, Precision::F32, Device::Cpu).unwrap();
    for (name, mut parameter) in network.parameters().named().unwrap() {
        let size = parameter.size();
        let fan_in: i64 = size[1..].iter().product();
        let value = |value: f64| match size.len() {
            1 if name.ends_with("weight") => 1.0 + 0.2 * value,
            1 => 0.1 * value,
            _ => value * 1.5 / (fan_in as f64).sqrt(),
        };
        let values: Vec<f32> =
            hashed(&name, parameter.numel()).into_iter().map(|x| value(x) as f32).collect();
        tch::no_grad(|| parameter.copy_(&Tensor::from_slice(&values).view(size.as_slice())));
    }
    network
}

fn images() -> (Tensor, Tensor) {
    let pixels: Vec<f32> =
        hashed("images", NUM_IMAGES * 3 * 8 * 8).into_iter().map(|value| value as f32).collect();
    let labels: Vec<i64> = (0..NUM_IMAGES as i64).map(|i| (2 * i + 1) % 3).collect();
    (Tensor::from_slice(&pixels).view([NUM_IMAGES as i64, 3, 8, 8]), Tensor::from_slice(&labels))
}

/// Refreshed at the network's weights; five images at a time make three parts of four.
fn surface(network: &Network, arithmetic: Arithmetic) -> LossSurface<'_> {
    let (images, labels) = images();
    let mut surface = LossSurface::new(network, &images, &labels, 5, arithmetic).unwrap();
    surface.refresh(&network.parameters(), &images).unwrap();
    surface
}

/// All entries of the Hessian, row by row, padding left out.
fn explicit_hessian(surface: &mut LossSurface<'_>, at: &FlatParameters) -> Vec<Vec<f64>> {
    let mut ones = at.zeros_like();
    ones.fill(1.0);
    let entries: Vec<i64> = (0..).zip(values(&ones)).filter(|(_, one)| *one == 1.0).map(|(i, _)| i).collect();
    let (mut unit, mut row) = (at.zeros_like(), at.zeros_like());
    let mut rows = Vec::new();
    for entry in &entries {
        unit.fill(0.0);
        let _ = unit.flat().narrow(0, *entry, 1).fill_(1.0);
        surface.hessian_vector_product(at, &unit, &mut row).unwrap();
        let all = values(&row);
        rows.push(entries.iter().map(|i| all[*i as usize]).collect());
    }
    rows
}

/// The same at the network's own weights, computed once for all tests.
fn hessian(arithmetic: Arithmetic) -> &'static [Vec<f64>] {
    static ONCE: [OnceLock<Vec<Vec<f64>>>; 2] = [OnceLock::new(), OnceLock::new()];
    ONCE[usize::from(arithmetic == Arithmetic::F64)].get_or_init(|| {
        let network = small();
        explicit_hessian(&mut surface(&network, arithmetic), &network.parameters())
    })
}

fn values(arena: &FlatParameters) -> Vec<f64> {
    Vec::try_from(&arena.flat().to_kind(Kind::Double)).unwrap()
}

fn trace(hessian: &[Vec<f64>]) -> f64 {
    hessian.iter().enumerate().map(|(i, row)| row[i]).sum()
}

/// Ascending.
fn eigenvalues(hessian: &[Vec<f64>]) -> Vec<f64> {
    let n = hessian.len() as i64;
    let matrix = Tensor::from_slice(&hessian.concat()).view([n, n]);
    Vec::try_from(&((&matrix + matrix.tr()) / 2.0).linalg_eigvalsh("L")).unwrap()
}

fn golden() -> serde_json::Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/hessian.json");
    let golden: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    golden["small"].clone()
}

fn number(golden: &serde_json::Value) -> f64 {
    golden.as_f64().unwrap()
}

fn close(found: f64, expected: f64, relative: f64) {
    assert!((found - expected).abs() <= relative * expected.abs(), "found {found}, expected {expected}");
}

#[test]
fn loss_gradient_trace_and_eigenvalues_are_pytorchs() {
    let network = small();
    let (golden, at) = (golden(), network.parameters());
    for (arithmetic, tolerance) in [(Arithmetic::F64, 1e-6), (Arithmetic::F32, 1e-4)] {
        let mut surface = surface(&network, arithmetic);
        let mut gradient = at.zeros_like();
        let loss = surface.gradient(&at, &mut gradient).unwrap();
        close(loss, number(&golden["loss"]), tolerance);
        close(surface.loss(&at).unwrap(), number(&golden["loss"]), tolerance);
        close(gradient.norm(), number(&golden["gradient_norm"]), tolerance);
        let evaluated = surface.evaluate(&at).unwrap();
        close(evaluated.error, number(&golden["error"]), 1e-12);
        close(evaluated.standard_error, number(&golden["standard_error"]), tolerance);

        let hessian = hessian(arithmetic);
        assert_eq!(hessian.len(), NUM_WEIGHTS);
        close(trace(hessian), number(&golden["trace"]), tolerance);
        let eigenvalues = eigenvalues(hessian);
        close(eigenvalues[NUM_WEIGHTS - 1], number(&golden["largest"][0]), tolerance);
        close(eigenvalues[NUM_WEIGHTS - 2], number(&golden["largest"][1]), tolerance);
        close(eigenvalues[0], number(&golden["smallest"][0]), tolerance);
    }
}

/// The estimators see the surface as they see a matrix: the same probes give the same numbers as with the explicit Hessian.
#[test]
fn estimates_are_those_of_the_explicit_hessian() {
    let network = small();
    let at = network.parameters();
    for (arithmetic, tolerance) in [(Arithmetic::F64, 1e-6), (Arithmetic::F32, 1e-4)] {
        let mut surface = surface(&network, arithmetic);
        let rows = hessian(arithmetic);
        let mut ones = at.zeros_like();
        ones.fill(1.0);
        let is_weight: Vec<bool> = values(&ones).iter().map(|one| *one == 1.0).collect();
        let mut explicit = |vector: &FlatParameters, output: &mut FlatParameters| {
            let packed: Vec<f64> =
                values(vector).into_iter().zip(&is_weight).filter(|(_, own)| **own).map(|(x, _)| x).collect();
            let mut products =
                rows.iter().map(|row| row.iter().zip(&packed).map(|(a, b)| a * b).sum::<f64>());
            let spread: Vec<f64> =
                is_weight.iter().map(|own| if *own { products.next().unwrap() } else { 0.0 }).collect();
            output.flat().shallow_clone().copy_(&Tensor::from_slice(&spread));
            Ok::<_, OptimError>(())
        };
        let config = HutchinsonConfig { stopping: StoppingRule::exactly(40), ..HutchinsonConfig::default() };
        let estimate = hutchinson_trace(&mut HessianAt::new(&mut surface, &at), &at, config).unwrap();
        let reference = hutchinson_trace(&mut explicit, &at, config).unwrap();
        close(estimate.mean, reference.mean, tolerance);
        assert!((estimate.mean - trace(rows)).abs() < 4.0 * estimate.standard_error, "{estimate:?}");

        let config = LanczosConfig { largest: 2, smallest: 1, tolerance: 1e-4, ..LanczosConfig::default() };
        let mut hessian = HessianAt::new(&mut surface, &at);
        let spectrum = Lanczos::new(&at, config).unwrap().run(&mut hessian).unwrap();
        let exact = eigenvalues(rows);
        close(spectrum.largest[0].value, exact[NUM_WEIGHTS - 1], tolerance);
        close(spectrum.largest[1].value, exact[NUM_WEIGHTS - 2], tolerance);
        close(spectrum.smallest[0].value, exact[0], tolerance);
    }
}

#[test]
fn the_hessian_is_symmetric() {
    let network = small();
    let at = network.parameters();
    let bounds = [(Arithmetic::F64, 1e-7), (Arithmetic::F32, 1e-6)];
    for (arithmetic, bound) in bounds {
        let mut surface = surface(&network, arithmetic);
        let found = asymmetry(&mut HessianAt::new(&mut surface, &at), &at, 7).unwrap();
        assert!(found < bound, "{arithmetic:?}: {found:e}");
    }
}

/// The network's own weights, gradient and statistics are only lent.
#[test]
fn a_surface_changes_nothing_of_the_network() {
    let network = small();
    let before = network.running_statistics().copy();
    let weights = network.parameters().to_bytes();
    let mut surface = surface(&network, Arithmetic::F32);
    let mut elsewhere = network.parameters().zeros_like();
    elsewhere.fill_normal(1);
    let mut gradient = elsewhere.zeros_like();
    surface.gradient(&elsewhere, &mut gradient).unwrap();
    assert!(gradient.norm() > 0.0);
    assert_eq!(network.running_statistics(), before);
    assert_eq!(network.parameters().to_bytes(), weights);
    assert_eq!(network.gradient().norm(), 0.0);
    assert!(network.leaves_alias_arena());
}

#[test]
fn minibatches_and_parts_are_means_over_their_images() {
    let network = small();
    let (at, (images, labels)) = (network.parameters(), images());
    let mut one = LossSurface::new(&network, &images, &labels, 12, Arithmetic::F64).unwrap();
    one.refresh(&at, &images).unwrap();
    let losses: Vec<f64> = (0..12).map(|i| one.part(i..i + 1).unwrap().evaluate(&at).unwrap().loss).collect();
    let mean = losses.iter().sum::<f64>() / 12.0;
    close(one.loss(&at).unwrap(), mean, 1e-12);
    let (mut whole, mut sum, mut part) = (at.zeros_like(), at.zeros_like(), at.zeros_like());
    one.gradient(&at, &mut whole).unwrap();
    for range in [0..5, 5..12] {
        let share = range.len() as f64 / 12.0;
        one.part(range).unwrap().gradient(&at, &mut part).unwrap();
        sum.axpy(share, &part);
    }
    sum.axpy(-1.0, &whole);
    assert!(sum.norm() < 1e-6 * whole.norm(), "{:e}", sum.norm());
    for range in [3..3, 11..13] {
        assert!(matches!(one.part(range), Err(ModelError::Subset { .. })));
    }
    assert!(LossSurface::new(&network, &images, &labels.narrow(0, 0, 11), 5, Arithmetic::F32).is_err());
}

/// Filters as groups give the weights that `norm_weights` gives, and PyTorch's scale-invariant trace and eigenvalue.
#[test]
fn filter_scales_weigh_the_trace_as_in_pytorch() {
    let network = small();
    let at = network.parameters();
    let scales = filter_scales(&at).unwrap();
    // The first filter of conv1: 3 x 3 x 3 weights at the start of the arena.
    let mut expected = norm_weights(&at, std::slice::from_ref(&(0..27))).unwrap();
    let mut squares = at.zeros_like();
    squares.copy_from(&scales);
    squares.mul(&scales);
    expected.axpy(-1.0, &squares);
    assert!(expected.norm_range(0..27) < 1e-6 * squares.norm_range(0..27));

    let hessian = hessian(Arithmetic::F64);
    let mut ones = at.zeros_like();
    ones.fill(1.0);
    let s: Vec<f64> = values(&scales)
        .into_iter()
        .zip(values(&ones))
        .filter(|(_, one)| *one == 1.0)
        .map(|(s, _)| s)
        .collect();
    let scaled: Vec<Vec<f64>> = hessian
        .iter()
        .zip(&s)
        .map(|(row, left)| row.iter().zip(&s).map(|(h, right)| left * h * right).collect())
        .collect();
    let golden = golden();
    close(trace(&scaled), number(&golden["scaled_trace"]), 1e-5);
    close(eigenvalues(&scaled)[NUM_WEIGHTS - 1], number(&golden["scaled_largest"]), 1e-5);
}

/// What BN follows may be scaled: after a refresh the loss is the same, and so is the weighted trace; the raw one is not.
#[test]
fn scaling_what_batch_normalization_follows_leaves_the_weighted_trace() {
    let network = small();
    let mut at = network.parameters().zeros_like();
    at.copy_from(&network.parameters());
    let measure = |at: &FlatParameters, hessian: Option<&[Vec<f64>]>| {
        let mut surface = surface(&network, Arithmetic::F64);
        surface.refresh(at, &images().0).unwrap();
        let hessian = hessian.map_or_else(|| explicit_hessian(&mut surface, at), <[_]>::to_vec);
        let mut ones = at.zeros_like();
        ones.fill(1.0);
        let scales = values(&filter_scales(at).unwrap());
        let own = scales.into_iter().zip(values(&ones)).filter(|(_, one)| *one == 1.0).map(|(s, _)| s);
        let weighted: f64 = own.enumerate().map(|(i, s)| s * s * hessian[i][i]).sum();
        (surface.loss(at).unwrap(), trace(&hessian), weighted)
    };
    let before = measure(&at, Some(hessian(Arithmetic::F64)));
    for (name, mut weights) in at.named().unwrap() {
        if name == "conv1.weight" {
            tch::no_grad(|| drop(weights.g_mul_scalar_(3.0)));
        }
    }
    let after = measure(&at, None);
    // BN's epsilon of 1e-5 is what keeps these from being equal.
    close(after.0, before.0, 1e-4);
    close(after.2, before.2, 1e-3);
    assert!((after.1 / before.1 - 1.0).abs() > 0.02, "{before:?} {after:?}");
}

/// Through the statistics of the minibatch.
#[test]
fn products_of_a_minibatch_are_pytorchs() {
    let network = small();
    let (golden, (images, labels)) = (golden()["minibatch"].clone(), images());
    let mut objective = MinibatchObjective::new(&network, images, labels);
    let at = network.parameters();
    let hashed_vector = |part: &str| {
        let vector = at.zeros_like();
        for (name, mut slice) in vector.named().unwrap() {
            let values = Tensor::from_slice(&hashed(&format!("{name}.{part}"), slice.numel()));
            slice.copy_(&values.view(slice.size().as_slice()));
        }
        vector
    };
    let (direction, probe) = (hashed_vector("direction"), hashed_vector("probe"));
    let check = |product: &FlatParameters, golden: &serde_json::Value| {
        close(product.norm(), number(&golden["norm"]), 1e-4);
        let scale = number(&golden["norm"]) * probe.norm();
        assert!((product.dot(&probe) - number(&golden["probe"])).abs() < 1e-5 * scale);
    };
    let statistics = network.running_statistics().copy();
    let (mut product, mut gradient) = (at.zeros_like(), at.zeros_like());
    objective.hessian_vector_product(&at, &direction, &mut product).unwrap();
    check(&product, &golden["along_direction"]);
    objective.gradient_and_product(&at, Point::Perturbed, &mut gradient, &mut product).unwrap();
    check(&product, &golden["along_gradient"]);
    assert_eq!(network.running_statistics(), statistics, "only the iterate moves them");

    let mut alone = network.gradient();
    objective.gradient(&at, Point::Iterate, &mut alone).unwrap();
    assert_ne!(network.running_statistics(), statistics);
    let norm = gradient.norm();
    gradient.axpy(-1.0, &alone);
    assert!(gradient.norm() < 1e-5 * norm, "one pass gives the gradient as well");
    assert!(network.leaves_alias_arena());
    assert!(objective.hessian_vector_product(&direction, &direction, &mut product).is_err());
}
