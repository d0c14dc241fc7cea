//! However an epoch ends, it ends: nobody waits for ever, no thread is left, and the consumer learns why.

use std::panic::{self, panic_any};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use polder_data::{
    Augment, AugmentRng, BatchBuffer, DataError, Dataset, Epoch, Generated, GeneratedConfig, ImageShape,
    Loader, LoaderBuilder, Order, Sample,
};

const NUM_IMAGES: usize = 203;
const WORKERS: [usize; 3] = [1, 2, 3];
/// Nothing here takes a second; a deadlock takes for ever.
const LIMIT: Duration = Duration::from_mins(1);

fn images() -> Arc<dyn Dataset> {
    Arc::new(
        Generated::new(GeneratedConfig { num_images: NUM_IMAGES, ..GeneratedConfig::default() }).unwrap(),
    )
}

fn sequential(images: &Arc<dyn Dataset>, workers: usize) -> LoaderBuilder {
    Loader::builder(Arc::clone(images)).batch_size(16).order(Order::Sequential).workers(workers)
}

fn within_limit<T: Send + 'static>(what: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, result) = mpsc::channel();
    thread::spawn(move || done.send(what()));
    result.recv_timeout(LIMIT).expect("it ends, and without a panic")
}

/// The steps of the minibatches of an epoch, and the error that ended it.
fn outcome(loader: &Loader, epoch: u64) -> (Vec<u64>, Option<DataError>) {
    let mut steps = Vec::new();
    for minibatch in loader.epoch(epoch).unwrap() {
        match minibatch {
            Ok(minibatch) => steps.push(minibatch.step()),
            Err(error) => return (steps, Some(error)),
        }
    }
    (steps, None)
}

/// A step of augmentation that panics at sample 37, which is in step 2.
struct Panics<F>(F);

impl<F: Fn() + Send + Sync> Augment for Panics<F> {
    fn apply(&self, _image: &mut [u8], sample: &Sample, _draws: &mut AugmentRng) {
        if sample.index == 37 {
            (self.0)();
        }
    }
}

#[test]
fn a_step_of_the_users_own_that_panics_is_an_error_that_names_the_sample() {
    for workers in WORKERS {
        let images = images();
        let loader = sequential(&images, workers).step(Panics(|| panic!("no hue"))).build().unwrap();
        let (steps, error) = within_limit(move || outcome(&loader, 4));
        assert_eq!(steps, [0, 1]);
        let message = "sample 37 (epoch 4, step 2) panicked a loader thread: no hue";
        assert_eq!(error.unwrap().to_string(), message);
        assert_eq!(Arc::strong_count(&images), 1);
    }
}

/// A panic's payload that panics again when it is dropped, which ends the thread that caught it.
struct Stubborn;

impl Drop for Stubborn {
    fn drop(&mut self) {
        assert!(thread::panicking(), "not even its payload goes quietly");
    }
}

#[test]
fn a_thread_that_dies_is_an_error_though_other_threads_live() {
    for workers in WORKERS {
        let images = images();
        let step = Panics(|| panic_any(Stubborn));
        let loader = sequential(&images, workers).step(step).build().unwrap();
        let (steps, error) = within_limit(move || outcome(&loader, 4));
        assert_eq!(steps, [0, 1]);
        assert!(matches!(error, Some(DataError::WorkersEnded { epoch: 4, step: 2 })), "{error:?}");
        assert_eq!(Arc::strong_count(&images), 1);
    }
}

#[test]
fn memory_that_cannot_be_made_is_an_error_and_the_next_epoch_starts_anew() {
    for workers in WORKERS {
        let images = images();
        let failed = AtomicBool::new(false);
        let allocate = move |num_values| -> Box<dyn BatchBuffer<f32>> {
            assert!(failed.swap(true, Ordering::Relaxed), "out of page-locked memory");
            Box::new(vec![0.0_f32; num_values])
        };
        let loader = sequential(&images, workers).build_in::<f32>(allocate).unwrap();
        let ((steps, error), (next_steps, next_error)) =
            within_limit(move || (outcome(&loader, 0), outcome(&loader, 1)));
        let step = steps.len();
        let index = 16 * step;
        let message = format!(
            "sample {index} (epoch 0, step {step}) panicked a loader thread: out of page-locked memory"
        );
        assert_eq!(error.unwrap().to_string(), message);
        assert!(next_error.is_none() && next_steps.len() == 13, "{next_error:?}");
        assert_eq!(Arc::strong_count(&images), 1);
    }
}

#[test]
fn memory_that_is_too_small_is_an_error_and_no_smaller_minibatch() {
    let images = images();
    let loader =
        sequential(&images, 2).build_in::<f32>(|num_values| Box::new(vec![0.0; num_values - 1])).unwrap();
    let (steps, error) = within_limit(move || outcome(&loader, 0));
    assert!(steps.is_empty());
    let message = "memory of a minibatch is room for 49151 values, expected at least 49152";
    assert_eq!(error.unwrap().to_string(), message);
}

/// Images of which one tells that it is asked for, and panics as soon as it is told to.
struct PanicsOnDemand {
    images: Arc<dyn Dataset>,
    arrived: Sender<()>,
    told: Mutex<Receiver<()>>,
}

impl Dataset for PanicsOnDemand {
    fn len(&self) -> usize {
        self.images.len()
    }

    fn shape(&self) -> ImageShape {
        self.images.shape()
    }

    fn num_classes(&self) -> usize {
        self.images.num_classes()
    }

    fn pixels(&self, index: usize) -> &[u8] {
        if index == 37 {
            self.arrived.send(()).unwrap();
            self.told.lock().unwrap().recv_timeout(LIMIT).unwrap();
            panic!("nobody is there to hear it");
        }
        self.images.pixels(index)
    }

    fn label(&self, index: usize) -> usize {
        self.images.label(index)
    }
}

/// Says that it is going, then goes.
struct Leaving {
    tell: Sender<()>,
    epoch: Option<Epoch>,
}

impl Drop for Leaving {
    fn drop(&mut self) {
        self.tell.send(()).unwrap();
        self.epoch = None;
    }
}

#[test]
fn a_panic_behind_the_back_of_a_leaving_consumer_disturbs_nobody() {
    for workers in WORKERS {
        let ((arrived, arrival), (tell, told)) = (mpsc::channel(), mpsc::channel());
        let images: Arc<dyn Dataset> =
            Arc::new(PanicsOnDemand { images: images(), arrived, told: Mutex::new(told) });
        let loader: Loader = sequential(&images, workers).build().unwrap();
        within_limit(move || {
            let epoch = Some(loader.epoch(0).unwrap());
            let leaving = Leaving { tell, epoch };
            arrival.recv_timeout(LIMIT).unwrap();
            drop(leaving);
        });
        assert_eq!(Arc::strong_count(&images), 1);
    }
}

#[test]
fn a_consumer_that_panics_takes_its_threads_with_it() {
    for workers in WORKERS {
        let images = images();
        let loader: Loader = sequential(&images, workers).build().unwrap();
        let panicked = within_limit(move || {
            let consume = move || {
                let mut epoch = loader.epoch(0).unwrap();
                let minibatch = epoch.next().unwrap().unwrap();
                assert_eq!(minibatch.len(), 17, "the consumer is wrong");
            };
            panic::catch_unwind(panic::AssertUnwindSafe(consume)).is_err()
        });
        assert!(panicked);
        assert_eq!(Arc::strong_count(&images), 1);
    }
}

#[test]
fn an_epoch_goes_on_in_another_thread_and_ends_there() {
    for (workers, taken) in [(1, 0), (2, 3), (3, 12)] {
        let images = images();
        let loader: Loader = sequential(&images, workers).build().unwrap();
        let steps = within_limit(move || {
            let mut epoch = loader.epoch(0).unwrap();
            let first = epoch.next().unwrap().unwrap();
            let elsewhere = thread::spawn(move || {
                let steps: Vec<u64> =
                    epoch.by_ref().take(taken).map(|minibatch| minibatch.unwrap().step()).collect();
                drop(epoch);
                steps
            });
            let steps = elsewhere.join().unwrap();
            assert_eq!((first.step(), first.len()), (0, 16));
            steps
        });
        assert_eq!(steps, (1..=taken as u64).collect::<Vec<_>>());
        assert_eq!(Arc::strong_count(&images), 1);
    }
}
