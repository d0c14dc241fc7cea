//! The loader through its public names, with real threads.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

use polder_data::{
    Augmentation, DataError, Dataset, FirstN, Generated, GeneratedConfig, ImageShape, Loader, LoaderConfig,
    Normalization, Order,
};

const NUM_IMAGES: usize = 203;
/// Nothing here takes a second; a deadlock takes for ever.
const LIMIT: Duration = Duration::from_mins(1);

fn images() -> Arc<dyn Dataset> {
    Arc::new(
        Generated::new(GeneratedConfig { num_images: NUM_IMAGES, ..GeneratedConfig::default() }).unwrap(),
    )
}

fn config(workers: usize, queue: usize) -> LoaderConfig {
    LoaderConfig {
        batch_size: 16,
        seed: 5,
        order: Order::Shuffled,
        augmentation: Augmentation::papers(Normalization::GENERATED),
        drop_last: false,
        workers,
        queue,
    }
}

/// Everything a minibatch says, as bits.
type Content = (u64, Vec<u32>, Vec<i64>, Vec<usize>);

fn contents(loader: &Loader, epoch: u64, step: u64) -> Vec<Content> {
    loader
        .epoch_from(epoch, step)
        .unwrap()
        .map(|minibatch| {
            let minibatch = minibatch.unwrap();
            let bits = minibatch.pixels_slice().iter().map(|value| value.to_bits()).collect();
            (minibatch.step(), bits, minibatch.labels().to_vec(), minibatch.indices().to_vec())
        })
        .collect()
}

fn within_limit<T: Send + 'static>(what: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, result) = mpsc::channel();
    thread::spawn(move || done.send(what()));
    result.recv_timeout(LIMIT).expect("it ends, and without a panic")
}

#[test]
fn bytes_do_not_depend_on_workers_or_queue() {
    let expected = contents(&Loader::new(images(), config(1, 1)).unwrap(), 3, 0);
    assert_eq!(expected.len(), 13);
    for (workers, queue) in [(1, 4), (2, 1), (2, 3), (3, 2), (7, 1), (7, 9)] {
        let loader = Loader::new(images(), config(workers, queue)).unwrap();
        assert!(contents(&loader, 3, 0) == expected, "{workers} workers, queue {queue}");
        assert!(contents(&loader, 4, 0) != expected, "another epoch is another order");
    }
}

#[test]
fn an_epoch_entered_later_is_the_tail_of_the_whole() {
    let loader = Loader::new(images(), config(2, 2)).unwrap();
    let whole = contents(&loader, 1, 0);
    for step in [1, 7, 12, 13] {
        assert!(contents(&loader, 1, step) == whole[step as usize..], "from step {step}");
    }
    let error = loader.epoch_from(1, 14).err().unwrap();
    assert_eq!(error.to_string(), "step is 14, expected at most 13 (steps per epoch)");
}

#[test]
fn an_epoch_visits_every_image_once_with_its_label() {
    let dataset = images();
    let loader = Loader::new(Arc::clone(&dataset), config(3, 2)).unwrap();
    let mut seen = [0; NUM_IMAGES];
    for (_, _, labels, indices) in contents(&loader, 0, 0) {
        for (label, index) in labels.into_iter().zip(indices) {
            assert_eq!(label as usize, dataset.label(index));
            seen[index] += 1;
        }
    }
    assert_eq!(seen, [1; NUM_IMAGES]);
}

#[test]
fn a_sequential_epoch_is_in_order_and_the_short_minibatch_can_be_dropped() {
    let sequential = LoaderConfig { order: Order::Sequential, drop_last: true, ..config(2, 1) };
    let loader = Loader::new(images(), sequential).unwrap();
    assert_eq!(loader.steps_per_epoch(), 12);
    let indices: Vec<usize> = contents(&loader, 0, 0).into_iter().flat_map(|(.., indices)| indices).collect();
    assert_eq!(indices, (0..192).collect::<Vec<_>>());
}

#[test]
fn dropping_an_epoch_at_any_point_ends_its_threads() {
    for taken in [0, 1, 5, 12, 13] {
        for held in [false, true] {
            let dataset = images();
            let shared = Arc::clone(&dataset);
            let minibatches = within_limit(move || {
                let loader = Loader::new(shared, config(3, 2)).unwrap();
                let mut epoch = loader.epoch(0).unwrap();
                let minibatches: Vec<_> =
                    epoch.by_ref().take(taken).filter(|_| held).map(Result::unwrap).collect();
                drop(epoch);
                minibatches
            });
            // Every thread holds the data set for as long as it runs.
            assert_eq!(Arc::strong_count(&dataset), 1, "taken {taken}, held {held}");
            assert!(minibatches.iter().all(|minibatch| minibatch.len() == 16 || minibatch.step() == 12));
        }
    }
}

#[test]
fn an_epoch_outlives_its_loader() {
    let count = within_limit(|| {
        let epoch = Loader::new(images(), config(2, 1)).unwrap().epoch(0).unwrap();
        epoch.map(|minibatch| minibatch.unwrap().len()).sum::<usize>()
    });
    assert_eq!(count, NUM_IMAGES);
}

#[test]
fn a_consumer_may_hold_a_whole_epoch() {
    let lens = within_limit(|| {
        let loader = Loader::new(images(), config(2, 1)).unwrap();
        let all: Vec<_> = loader.epoch(0).unwrap().collect::<Result<_, _>>().unwrap();
        all.iter().map(|minibatch| minibatch.images().shape()[0]).sum::<usize>()
    });
    assert_eq!(lens, NUM_IMAGES);
}

#[test]
fn buffers_are_used_again() {
    let (workers, queue) = (2, 2);
    let loader = Loader::new(images(), config(workers, queue)).unwrap();
    for epoch in 0..10 {
        loader.epoch(epoch).unwrap().for_each(|minibatch| assert!(!minibatch.unwrap().is_empty()));
    }
    // One in each worker's hands, `queue` finished ones per worker, and the consumer's.
    assert!(loader.buffers_allocated() <= workers * (queue + 1) + 1, "{}", loader.buffers_allocated());
}

/// Generated images that misbehave at one index.
struct Faulty {
    images: Arc<dyn Dataset>,
    at: usize,
    fault: Fault,
}

enum Fault {
    Panic,
    Label,
    Pixels,
    /// Tells that it is there, then waits to be released.
    Wait {
        arrived: Sender<()>,
        released: Mutex<Receiver<()>>,
    },
}

impl Dataset for Faulty {
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
        let pixels = self.images.pixels(index);
        if index != self.at {
            return pixels;
        }
        match &self.fault {
            Fault::Panic => panic!("no pixels today"),
            Fault::Label => pixels,
            Fault::Pixels => &pixels[1..],
            Fault::Wait { arrived, released } => {
                arrived.send(()).unwrap();
                released.lock().unwrap().recv_timeout(LIMIT).unwrap();
                pixels
            }
        }
    }

    fn label(&self, index: usize) -> usize {
        if index == self.at && matches!(self.fault, Fault::Label) { 10 } else { self.images.label(index) }
    }
}

#[test]
fn a_faulty_sample_is_an_error_that_names_it_and_ends_the_epoch() {
    let cases = [
        (Fault::Panic, "sample 37 (epoch 2, step 2) panicked a loader thread: no pixels today"),
        (Fault::Label, "sample 37 of the data set has label 10, expected a label below 10"),
        (Fault::Pixels, "sample 37 of the data set has 3071 pixel bytes"),
    ];
    for (fault, message) in cases {
        let dataset: Arc<dyn Dataset> = Arc::new(Faulty { images: images(), at: 37, fault });
        let shared = Arc::clone(&dataset);
        let results: Vec<Result<usize, DataError>> = within_limit(move || {
            let loader =
                Loader::new(shared, LoaderConfig { order: Order::Sequential, ..config(3, 2) }).unwrap();
            loader.epoch(2).unwrap().map(|minibatch| minibatch.map(|minibatch| minibatch.len())).collect()
        });
        assert_eq!(results.len(), 3, "two good minibatches, then the error");
        let error = results.last().unwrap().as_ref().unwrap_err().to_string();
        assert!(error.starts_with(message), "{error}");
        assert_eq!(Arc::strong_count(&dataset), 1);
    }
}

#[test]
fn a_slow_minibatch_holds_the_others_back_instead_of_filling_memory() {
    let (arrived, arrival) = mpsc::channel();
    let (release, released) = mpsc::channel();
    let fault = Fault::Wait { arrived, released: Mutex::new(released) };
    let dataset = Arc::new(Faulty { images: images(), at: 0, fault });
    let (steps, allocated) = within_limit(move || {
        let loader = Loader::new(dataset, LoaderConfig { order: Order::Sequential, ..config(2, 2) }).unwrap();
        let epoch = loader.epoch(0).unwrap();
        arrival.recv_timeout(LIMIT).unwrap();
        let releaser = thread::spawn(move || release.send(()));
        let steps: Vec<u64> = epoch.map(|minibatch| minibatch.unwrap().step()).collect();
        releaser.join().unwrap().unwrap();
        (steps, loader.buffers_allocated())
    });
    assert_eq!(steps, (0..13).collect::<Vec<_>>());
    assert!(allocated <= 7, "{allocated}");
}

#[test]
fn settings_out_of_range_are_named() {
    let papers = Augmentation::papers(Normalization::GENERATED);
    let cases = [
        (LoaderConfig { batch_size: 0, ..config(1, 1) }, "batch size is 0"),
        (config(0, 1), "workers is 0"),
        (config(1, 0), "queue is 0"),
        (LoaderConfig { batch_size: 300, drop_last: true, ..config(1, 1) }, "number of images is 203"),
        (
            LoaderConfig {
                augmentation: Augmentation {
                    cutout: papers.cutout.map(|cutout| polder_data::Cutout { probability: 1.5, ..cutout }),
                    ..papers
                },
                ..config(1, 1)
            },
            "cutout probability is 1.5",
        ),
        (
            LoaderConfig {
                augmentation: Augmentation::none(Normalization { mean: [0.0; 3], std: [1.0, 0.0, 1.0] }),
                ..config(1, 1)
            },
            "normalization is",
        ),
    ];
    for (config, message) in cases {
        let error = Loader::new(images(), config).err().unwrap().to_string();
        assert!(error.starts_with(message), "{error}");
    }
    assert!(FirstN::new(images(), 204).is_err());
    assert!(FirstN::new(images(), 0).is_err());
}

#[test]
fn a_subset_is_loaded_like_a_data_set_of_its_own() {
    let subset = FirstN::new(images(), 40).unwrap();
    let loader = Loader::new(Arc::new(subset), config(2, 1)).unwrap();
    let mut indices: Vec<usize> =
        contents(&loader, 0, 0).into_iter().flat_map(|(.., indices)| indices).collect();
    indices.sort_unstable();
    assert_eq!(indices, (0..40).collect::<Vec<_>>());
}
