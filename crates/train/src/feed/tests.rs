//! Bytes that are normalised on the device beside the loader's own f32, and minibatches sent ahead.

use polder_data::{
    Augmentation, Border, Crop, DataError, Dataset, Flip, Generated, GeneratedConfig, ImageShape,
};

use super::*;

const SEED: u64 = 5;

fn images(shape: ImageShape, num_images: usize) -> Generated {
    Generated::new(GeneratedConfig { num_images, shape, ..GeneratedConfig::default() }).unwrap()
}

fn loader(dataset: impl Dataset + 'static, augmentation: Augmentation) -> LoaderBuilder {
    Loader::builder(dataset).batch_size(8).seed(SEED).augmentation(augmentation)
}

/// What a GPU is fed with, on the processor.
fn bytes(loader: LoaderBuilder, normalization: Normalization) -> Feed {
    Feed { source: Source::bytes(loader, normalization, Device::Cpu).unwrap(), device: Device::Cpu }
}

fn values(tensor: &Tensor) -> Vec<f32> {
    Vec::try_from(tensor.flatten(0, 3)).unwrap()
}

#[test]
fn channels_last_are_the_same_tensors_to_the_bit() {
    let shape = ImageShape { channels: 3, height: 20, width: 33 };
    let normalization = Normalization::CIFAR10;
    let loader =
        |layout| loader(images(shape, 20), Augmentation::crop_flip_cutout(normalization)).layout(layout);
    let feeds: [fn(LoaderBuilder, Normalization) -> Feed; 2] =
        [|loader, normalization| Feed::new(loader, normalization, Device::Cpu).unwrap(), bytes];
    for feed in feeds {
        let epoch = |layout| feed(loader(layout), normalization).epoch(3).unwrap();
        let mut count = 0;
        for (first, last) in epoch(Layout::Nchw).zip(epoch(Layout::Nhwc)) {
            let (first, last) = (first.unwrap(), last.unwrap());
            assert_eq!((first.images.size(), first.labels), (last.images.size(), last.labels));
            assert_eq!(last.images.stride()[1], 1, "channels lie side by side");
            assert!(first.images.equal(&last.images));
            count += last.images.size()[0];
        }
        assert_eq!(count, 20);
    }
}

#[test]
fn bytes_normalised_on_the_device_are_the_loaders_f32() {
    let crop_flip = |normalization| Augmentation {
        crop: Some(Crop { padding: 4, border: Border::Zero }),
        flip: Some(Flip::Random { probability: 0.5 }),
        ..Augmentation::none(normalization)
    };
    let augmentations: [fn(Normalization) -> Augmentation; 3] =
        [Augmentation::none, crop_flip, Augmentation::airbench];
    for (channels, height, width) in [(3, 32, 32), (1, 28, 28), (3, 20, 33), (2, 7, 5)] {
        let shape = ImageShape { channels, height, width };
        for normalization in [Normalization::CIFAR10, Normalization::FASHION_MNIST] {
            for augmentation in augmentations {
                let loader = || loader(images(shape, 20), augmentation(normalization));
                let f32s = Feed::new(loader(), normalization, Device::Cpu).unwrap();
                let bytes = bytes(loader(), normalization);
                let (mut count, mut largest) = (0, 0.0_f32);
                for (expected, found) in f32s.epoch(3).unwrap().zip(bytes.epoch(3).unwrap()) {
                    let (expected, found) = (expected.unwrap(), found.unwrap());
                    assert_eq!(expected.images.size(), found.images.size());
                    assert_eq!(expected.labels, found.labels);
                    let pairs = values(&expected.images).into_iter().zip(values(&found.images));
                    largest = pairs.fold(largest, |largest, (a, b)| largest.max((a - b).abs()));
                    count += found.num_images();
                }
                assert_eq!(count, 20);
                assert!(largest <= 1e-6, "{shape:?}: {largest}");
            }
        }
    }
}

#[test]
fn bytes_differ_within_cutout_and_there_by_half_a_byte_at_most() {
    let normalization = Normalization::CIFAR10;
    let loader = || {
        loader(
            images(ImageShape { channels: 3, height: 32, width: 32 }, 64),
            Augmentation::crop_flip_cutout(normalization),
        )
    };
    let f32s = Feed::new(loader(), normalization, Device::Cpu).unwrap();
    let bytes = bytes(loader(), normalization);
    let mut differing = 0;
    for (expected, found) in f32s.epoch(0).unwrap().zip(bytes.epoch(0).unwrap()) {
        let pairs = values(&expected.unwrap().images).into_iter().zip(values(&found.unwrap().images));
        for (position, (expected, found)) in pairs.enumerate() {
            if (expected - found).abs() > 1e-6 {
                let channel = position / (32 * 32) % 3;
                assert_eq!(expected, 0.0, "only cutout writes 0");
                assert!(found.abs() <= 0.5 / (255.0 * normalization.std[channel]), "{found}");
                differing += 1;
            }
        }
    }
    assert!(differing > 0, "some image is cut out");
}

#[test]
fn what_is_sent_ahead_comes_in_order_and_ends_where_the_epoch_does() {
    let shape = ImageShape { channels: 3, height: 8, width: 8 };
    let feed = Feed::new(
        loader(images(shape, 20), Augmentation::none(Normalization::UNIT)),
        Normalization::UNIT,
        Device::Cpu,
    );
    let feed = feed.unwrap();
    let in_turn: Vec<_> =
        feed.epoch_from(1, 1).unwrap().map(|minibatch| values(&minibatch.unwrap().images)).collect();
    let mut epoch = FeedEpoch { sends_ahead: true, ..feed.epoch_from(1, 1).unwrap() };
    let mut ahead = Vec::new();
    while let Some(minibatch) = epoch.next() {
        // Twice is once.
        epoch.send_next();
        epoch.send_next();
        ahead.push(values(&minibatch.unwrap().images));
    }
    assert_eq!((in_turn.len(), feed.steps_per_epoch()), (2, 3));
    assert_eq!(in_turn, ahead);
    epoch.send_next();
    assert!(epoch.next().is_none(), "the end stays the end");
}

/// Images of which one has a label that there is not.
struct Mislabelled(Generated);

impl Dataset for Mislabelled {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn num_classes(&self) -> usize {
        self.0.num_classes()
    }

    fn shape(&self) -> ImageShape {
        self.0.shape()
    }

    fn label(&self, index: usize) -> usize {
        if index == 11 { 1000 } else { self.0.label(index) }
    }

    fn pixels(&self, index: usize) -> &[u8] {
        self.0.pixels(index)
    }
}

#[test]
fn an_error_met_ahead_is_kept_until_its_minibatch_is_asked_for() {
    let shape = ImageShape { channels: 3, height: 8, width: 8 };
    let loader = loader(Mislabelled(images(shape, 20)), Augmentation::none(Normalization::UNIT))
        .order(polder_data::Order::Sequential);
    let feed = Feed::new(loader, Normalization::UNIT, Device::Cpu).unwrap();
    let mut epoch = FeedEpoch { sends_ahead: true, ..feed.epoch(0).unwrap() };
    assert!(epoch.next().unwrap().is_ok());
    epoch.send_next();
    let error = epoch.next().unwrap().unwrap_err();
    assert!(matches!(error.downcast_ref(), Some(DataError::Sample { index: 11, .. })), "{error:#}");
    epoch.send_next();
    assert!(epoch.next().is_none(), "after an error it ends");
}
