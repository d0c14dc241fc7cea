//! Recorded gradients with a recorder that does the work again, as a processor can.

use std::cell::RefCell;
use std::rc::Rc;

use polder_optim::{Entries, Momentum, Optimizer, Sam, SamConfig, Sgd, SgdConfig, WeightDecay};

use super::*;
use crate::network::Precision;
use crate::objective::MinibatchObjective;
use polder_architecture::LabelSmoothing;

const BATCH_SIZE: i64 = 6;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    Recorded,
    Replayed,
}

/// Keeps nothing but what happened, in order.
#[derive(Clone, Debug, Default)]
struct Diary(Rc<RefCell<Vec<Event>>>);

impl Diary {
    /// What happened since it was last read.
    fn read(&self) -> Vec<Event> {
        std::mem::take(&mut *self.0.borrow_mut())
    }
}

impl Recorder for Diary {
    /// As on CUDA, nothing is done when it is recorded.
    fn record(&self, _: &mut Work<'_>) -> Result<Box<dyn Recording>, ModelError> {
        self.0.borrow_mut().push(Event::Recorded);
        Ok(Box::new(self.clone()))
    }
}

impl Recording for Diary {
    fn replay(&self, work: &mut Work<'_>) -> Result<(), ModelError> {
        self.0.borrow_mut().push(Event::Replayed);
        work()
    }
}

fn network(precision: Precision) -> Network {
    Network::new("wrn-10-1".parse().unwrap(), 4, 3, precision, Device::Cpu).unwrap()
}

fn sgd() -> SgdConfig {
    SgdConfig {
        momentum: Momentum::HeavyBall { coefficient: 0.9, dampening: 0.0 },
        weight_decay: WeightDecay { coefficient: 5e-3, on: Entries::All },
        ..SgdConfig::default()
    }
}

fn sam(micro_batches: usize) -> SamConfig {
    SamConfig { num_micro_batches: micro_batches.try_into().unwrap(), ..SamConfig::new(0.05, sgd()) }
}

/// A minibatch that differs from every other.
fn minibatch(number: i64, num_images: i64) -> (Tensor, Tensor) {
    let pixels = Tensor::arange(num_images * 3 * 8 * 8, (Kind::Float, Device::Cpu)) * (0.37 + number as f64);
    let labels = (Tensor::arange(num_images, (Kind::Int64, Device::Cpu)) + number).remainder(4);
    (pixels.sin().view([num_images, 3, 8, 8]), labels)
}

/// Everything that training leaves: losses, errors, weights, running statistics.
fn trained(
    network: &Network,
    mut optimizer: AnyOptimizer,
    sizes: &[i64],
    mut recorded: Option<&mut RecordedGradients>,
    mut after_step: impl FnMut(usize),
) -> (Vec<(f64, i64)>, Vec<f32>, Vec<f32>) {
    let (mut weights, mut gradient) = (network.parameters(), network.gradient());
    let mut losses = Vec::new();
    for (number, &size) in sizes.iter().enumerate() {
        let (images, labels) = minibatch(number as i64, size);
        let mut objective = MinibatchObjective::new(network, images, labels)
            .with_label_smoothing(LabelSmoothing::OverAllClasses(0.1));
        if let Some(recorded) = recorded.as_deref_mut() {
            objective = objective.with_recorded(recorded);
        }
        let loss = optimizer.step(&mut objective, &mut weights, &mut gradient, 0.1).unwrap();
        losses.push((loss.mean_loss.double_value(&[]), loss.num_wrong.int64_value(&[])));
        after_step(number);
    }
    let values = |tensor: &Tensor| Vec::<f32>::try_from(tensor).unwrap();
    (losses, values(weights.flat()), values(&network.running_statistics()))
}

type AnyOptimizer = Box<dyn for<'a> Optimizer<crate::FlatParameters, MinibatchObjective<'a>>>;

type MakeOptimizer = fn() -> AnyOptimizer;

#[test]
fn replayed_training_is_equal_to_the_bit() {
    let sizes = [BATCH_SIZE, BATCH_SIZE, 3, BATCH_SIZE, BATCH_SIZE, 3, BATCH_SIZE];
    let cases: [(Precision, MakeOptimizer); 3] = [
        (Precision::F32, || Box::new(Sgd::new(sgd()).unwrap())),
        (Precision::F32, || Box::new(Sam::new(sam(2)).unwrap())),
        (Precision::Bf16, || Box::new(Sam::new(sam(1)).unwrap())),
    ];
    for (precision, optimizer) in cases {
        let eager = trained(&network(precision), optimizer(), &sizes, None, |_| ());
        let network = network(precision);
        let mut recorded = RecordedGradients::with(Box::new(Diary::default()), &network, BATCH_SIZE as usize);
        let replayed = trained(&network, optimizer(), &sizes, Some(&mut recorded), |_| ());
        assert_eq!(eager, replayed, "{precision:?}");
        assert!(network.leaves_alias_arena());
    }
}

#[test]
fn the_first_minibatches_are_eager_then_one_is_recorded_and_the_rest_replayed() {
    use Event::{Recorded, Replayed};
    let (network, diary) = (network(Precision::F32), Diary::default());
    let mut recorded = RecordedGradients::with(Box::new(diary.clone()), &network, BATCH_SIZE as usize);
    let mut events = Vec::new();
    let sizes = [BATCH_SIZE, BATCH_SIZE, 3, BATCH_SIZE, BATCH_SIZE, BATCH_SIZE, 3, BATCH_SIZE];
    let sgd = Box::new(Sgd::new(sgd()).unwrap());
    trained(&network, sgd, &sizes, Some(&mut recorded), |_| events.push(diary.read()));
    let eager = Vec::new;
    let first = || vec![Recorded, Replayed];
    let later = || vec![Replayed];
    assert_eq!(events, [eager(), eager(), eager(), eager(), first(), later(), eager(), later()]);

    // SAM asks at two points, which are recorded one by one; the recording at the iterate is there already.
    events.clear();
    let sam = Box::new(Sam::new(sam(1)).unwrap());
    trained(&network, sam, &[BATCH_SIZE; 5], Some(&mut recorded), |_| events.push(diary.read()));
    let both = || vec![Replayed, Replayed];
    assert_eq!(events, [later(), later(), later(), vec![Replayed, Recorded, Replayed], both()]);
}

#[test]
fn a_recording_is_of_one_network() {
    let (own, other) = (network(Precision::F32), network(Precision::F32));
    let mut recorded = RecordedGradients::with(Box::new(Diary::default()), &own, BATCH_SIZE as usize);
    let (images, labels) = minibatch(0, BATCH_SIZE);
    let mut objective = MinibatchObjective::new(&other, images, labels).with_recorded(&mut recorded);
    let (mut weights, mut gradient) = (other.parameters(), other.gradient());
    let mut sgd = Sgd::new(sgd()).unwrap();
    let error = sgd.step(&mut objective, &mut weights, &mut gradient, 0.1).unwrap_err();
    let text = format!("{error:?}");
    assert!(text.contains("ForeignVector"), "{text}");
}

/// Fails where a recording of CUDA fails: as it ends.
#[derive(Debug)]
struct Refusing;

impl Recorder for Refusing {
    fn record(&self, _: &mut Work<'_>) -> Result<Box<dyn Recording>, ModelError> {
        Err(ModelError::CudaCall { doing: "a graph was ended", message: "out of memory".to_owned() })
    }
}

#[test]
fn a_recording_that_fails_is_an_error_of_the_step() {
    let network = network(Precision::F32);
    let mut recorded = RecordedGradients::with(Box::new(Refusing), &network, BATCH_SIZE as usize);
    let (mut weights, mut gradient) = (network.parameters(), network.gradient());
    let mut sgd = Sgd::new(sgd()).unwrap();
    let mut step = |number| {
        let (images, labels) = minibatch(number, BATCH_SIZE);
        let mut objective = MinibatchObjective::new(&network, images, labels).with_recorded(&mut recorded);
        sgd.step(&mut objective, &mut weights, &mut gradient, 0.1).map(drop)
    };
    for number in 0..i64::from(EAGER) {
        step(number).unwrap();
    }
    let error = format!("{:?}", step(9).unwrap_err());
    assert!(error.contains("out of memory"), "{error}");
}

#[test]
fn the_processor_records_no_graphs() {
    let error = RecordedGradients::new(&network(Precision::F32), 128).unwrap_err().to_string();
    assert!(error.contains("--device cuda"), "{error}");
}
