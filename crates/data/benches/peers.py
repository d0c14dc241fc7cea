#!/usr/bin/env python3
"""Images per second of other input pipelines on the same images: crop, flip, normalise, cutout to 32-bit floats.

`cargo xtask bench data --peers` makes an environment with the packages and runs this. By hand:

    python3 peers.py --data-dir DIR      # the folder that holds cifar-10-batches-bin/

One line of JSON per peer on standard output: the median over the rounds, or why the peer could not be measured.
A round is one pass of every peer over the images, so that what disturbs the machine disturbs all of them; the first
pass of each (imports, compilation, start of its processes) does not count. Every peer draws the same augmentation as
Polder's `Augmentation::papers` unless its name or note says otherwise, shuffles, and makes minibatches of 128.

PyTorch runs with one thread per process, except where the peer's name says more.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time

import numpy as np

BATCH_SIZE = 128
PADDING = 4
SIZE = 32
CUTOUT = 16
MEAN = (0.4914, 0.4822, 0.4465)
STD = (0.2470, 0.2435, 0.2616)
RECORD = 1 + 3 * SIZE * SIZE
CORES = os.cpu_count() or 1


def read_cifar10(data_dir, count):
    """The first `count` training images as N, C, H, W bytes, and their labels."""
    parts, found = [], 0
    for number in range(1, 6):
        path = os.path.join(data_dir, "cifar-10-batches-bin", f"data_batch_{number}.bin")
        parts.append(np.fromfile(path, dtype=np.uint8).reshape(-1, RECORD))
        found += len(parts[-1])
        if found >= count:
            break
    records = np.concatenate(parts)[:count]
    return np.ascontiguousarray(records[:, 1:]).reshape(-1, 3, SIZE, SIZE), records[:, 0].astype(np.int64)


def random_images(count):
    """As many bytes of the same shape: no peer's speed depends on what they show."""
    draws = np.random.default_rng(0)
    return draws.integers(0, 256, (count, 3, SIZE, SIZE), dtype=np.uint8), draws.integers(0, 10, count)


class Peer:
    """A pipeline that is ready to run: `epoch()` passes over all images and returns how many there were."""

    def __init__(self, name, workers, epoch, note=None):
        self.name, self.workers, self.epoch, self.note = name, workers, epoch, note
        self.rates = []




class PapersCutout:
    """A square with its center anywhere in the image, with probability 0.5, set to 0 after normalisation."""

    def __call__(self, image):
        import torch

        if torch.rand([]).item() < 0.5:
            return image
        half = CUTOUT // 2
        top = torch.randint(-half, SIZE - half, ()).item()
        left = torch.randint(-half, SIZE - half, ()).item()
        image[:, max(0, top) : min(SIZE, top + CUTOUT), max(0, left) : min(SIZE, left + CUTOUT)] = 0
        return image


class Samples:
    """A data set in PyTorch's sense: sample and label by index, transformed when asked for."""

    def __init__(self, images, labels, transform, to_image):
        self.images, self.labels, self.transform, self.to_image = images, labels, transform, to_image

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        return self.transform(self.to_image(self.images[index])), int(self.labels[index])


def data_loader(samples, workers):
    from torch.utils.data import DataLoader

    loader = DataLoader(
        samples, batch_size=BATCH_SIZE, shuffle=True, num_workers=workers, persistent_workers=workers > 0
    )
    return lambda: sum(len(labels) for _, labels in loader)


def torchvision_pil(images, labels):
    from PIL import Image
    from torchvision import transforms

    transform = transforms.Compose(
        [
            transforms.RandomCrop(SIZE, padding=PADDING),
            transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
            transforms.Normalize(MEAN, STD),
            PapersCutout(),
        ]
    )
    rows = np.ascontiguousarray(images.transpose(0, 2, 3, 1))
    for workers in (0, 1, 2):
        samples = Samples(rows, labels, transform, Image.fromarray)
        yield Peer("torchvision, PIL images, DataLoader", workers, data_loader(samples, workers))


def torchvision_tensors(images, labels):
    import torch
    from torchvision.transforms import v2

    transform = v2.Compose(
        [
            v2.RandomCrop(SIZE, padding=PADDING),
            v2.RandomHorizontalFlip(),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(MEAN, STD),
            PapersCutout(),
        ]
    )
    for workers in (0, 1, 2):
        samples = Samples(torch.from_numpy(images), labels, transform, lambda image: image)
        yield Peer("torchvision v2, byte tensors, DataLoader", workers, data_loader(samples, workers))




def constants():
    import torch

    return torch.tensor(MEAN).view(1, 3, 1, 1), torch.tensor(STD).view(1, 3, 1, 1)


def crop_by_masks(padded):
    """A window of each padded image; all images with the same offset are copied together, rows first."""
    import torch

    count = len(padded)
    shifts = torch.randint(0, 2 * PADDING + 1, (2, count))
    tall = torch.empty(count, 3, SIZE, SIZE + 2 * PADDING)
    out = torch.empty(count, 3, SIZE, SIZE)
    for shift in range(2 * PADDING + 1):
        here = shifts[0] == shift
        tall[here] = padded[here, :, shift : shift + SIZE, :]
    for shift in range(2 * PADDING + 1):
        here = shifts[1] == shift
        out[here] = tall[here, :, :, shift : shift + SIZE]
    return out


def crop_by_gather(padded):
    """A window of each padded image, its pixels picked by one index into the plane."""
    import torch

    count, wide = len(padded), SIZE + 2 * PADDING
    top, left = torch.randint(0, 2 * PADDING + 1, (2, count, 1))
    at = torch.arange(SIZE)
    window = (at.view(-1, 1) * wide + at).flatten() + top * wide + left
    picked = padded.flatten(2).gather(2, window.view(count, 1, -1).expand(count, 3, SIZE * SIZE))
    return picked.view(count, 3, SIZE, SIZE)


def cut_out(images):
    """The papers' cutout on all images at once, in place."""
    import torch

    count = len(images)
    top, left = torch.randint(-(CUTOUT // 2), SIZE - CUTOUT // 2, (2, count, 1))
    at = torch.arange(SIZE)
    rows = (at >= top) & (at < top + CUTOUT) & (torch.rand(count, 1) < 0.5)
    columns = (at >= left) & (at < left + CUTOUT)
    return images.masked_fill_((rows[:, :, None] & columns[:, None, :])[:, None], 0.0)


def whole_set(images, labels):
    """As airbench: the normalised, padded set is augmented at once for each epoch, then cut into minibatches."""
    import torch

    mean, std = constants()
    # Padded before normalisation like everybody's here, where airbench reflects: the same work.
    padded = torch.nn.functional.pad(torch.from_numpy(images), (PADDING,) * 4)
    padded = (padded.float() / 255 - mean) / std
    labels = torch.from_numpy(labels)
    epoch_number = 0

    def epoch():
        nonlocal epoch_number
        flips = (torch.arange(len(padded)) + epoch_number) % 2 == 0
        epoch_number += 1
        out = crop_by_masks(padded)
        out = torch.where(flips.view(-1, 1, 1, 1), out.flip(-1), out)
        cut_out(out)
        order = torch.randperm(len(out))
        seen = 0
        for chosen in order.split(BATCH_SIZE):
            minibatch = out[chosen], labels[chosen]
            seen += len(minibatch[1])
        return seen

    for threads in sorted({1, CORES}):
        note = "flips alternate; normalised and padded beforehand"
        yield Peer("whole-set tensors, as airbench", threads, with_threads(threads, epoch), note)


def whole_minibatches(images, labels):
    """Every minibatch is gathered, padded, cropped, flipped, normalised and cut out by tensor operations."""
    import torch

    mean, std = constants()
    images, labels = torch.from_numpy(images), torch.from_numpy(labels)

    def epoch():
        seen = 0
        for chosen in torch.randperm(len(images)).split(BATCH_SIZE):
            padded = torch.nn.functional.pad(images[chosen], (PADDING,) * 4)
            out = crop_by_gather(padded)
            flips = torch.rand(len(out), 1, 1, 1) < 0.5
            out = torch.where(flips, out.flip(-1), out)
            out = (out.float() / 255).sub_(mean).div_(std)
            minibatch = cut_out(out), labels[chosen]
            seen += len(minibatch[1])
        return seen

    for threads in sorted({1, CORES}):
        yield Peer("whole-minibatch tensors", threads, with_threads(threads, epoch))


def with_threads(threads, epoch):
    import torch

    def run():
        torch.set_num_threads(threads)
        try:
            return epoch()
        finally:
            torch.set_num_threads(1)

    return run




def ffcv(images, labels):
    from ffcv.fields import IntField, RGBImageField
    from ffcv.fields.decoders import IntDecoder, SimpleRGBImageDecoder
    from ffcv.loader import Loader, OrderOption
    from ffcv.transforms import (
        Cutout,
        NormalizeImage,
        RandomHorizontalFlip,
        RandomTranslate,
        ToTensor,
        ToTorchImage,
    )
    from ffcv.writer import DatasetWriter

    folder = tempfile.TemporaryDirectory(prefix="polder-peers-")
    path = os.path.join(folder.name, "images.beton")
    rows = np.ascontiguousarray(images.transpose(0, 2, 3, 1))
    samples = Samples(rows, labels, lambda image: image, lambda image: image)
    fields = {"image": RGBImageField(write_mode="raw"), "label": IntField()}
    DatasetWriter(path, fields, num_workers=1).from_indexed_dataset(samples)
    mean, std = 255 * np.array(MEAN), 255 * np.array(STD)
    for workers in sorted({1, CORES}):
        pipelines = {
            "image": [
                SimpleRGBImageDecoder(),
                RandomTranslate(padding=PADDING),
                RandomHorizontalFlip(),
                Cutout(CUTOUT, tuple(int(round(value)) for value in mean)),
                NormalizeImage(mean, std, np.float32),
                ToTensor(),
                ToTorchImage(),
            ],
            "label": [IntDecoder(), ToTensor()],
        }
        loader = Loader(
            path,
            batch_size=BATCH_SIZE,
            num_workers=workers,
            os_cache=True,
            order=OrderOption.RANDOM,
            drop_last=False,
            pipelines=pipelines,
        )

        # The folder lives as long as the loaders that read it.
        def epoch(loader=loader, _folder=folder):
            return sum(len(minibatch[1]) for minibatch in loader)

        yield Peer("FFCV", workers, epoch, "cuts out every image")


def tf_data(images, labels):
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    mean, std = tf.constant(MEAN), tf.constant(STD)
    at = tf.range(SIZE)

    def augment(image, label):
        image = tf.pad(image, [[PADDING, PADDING], [PADDING, PADDING], [0, 0]])
        image = tf.image.random_crop(image, [SIZE, SIZE, 3])
        image = tf.image.random_flip_left_right(image)
        image = (tf.cast(image, tf.float32) / 255 - mean) / std
        corner = tf.random.uniform([2], -(CUTOUT // 2), SIZE - CUTOUT // 2, tf.int32)
        rows = (at >= corner[0]) & (at < corner[0] + CUTOUT) & (tf.random.uniform([]) < 0.5)
        columns = (at >= corner[1]) & (at < corner[1] + CUTOUT)
        return tf.where((rows[:, None] & columns[None, :])[:, :, None], 0.0, image), label

    rows = np.ascontiguousarray(images.transpose(0, 2, 3, 1))
    for workers in sorted({1, CORES}):
        options = tf.data.Options()
        options.threading.private_threadpool_size = workers
        pipeline = (
            tf.data.Dataset.from_tensor_slices((rows, labels))
            .shuffle(len(rows))
            .map(augment, num_parallel_calls=workers)
            .batch(BATCH_SIZE)
            .prefetch(2)
            .with_options(options)
        )

        def epoch(pipeline=pipeline):
            return sum(int(labels.shape[0]) for _, labels in pipeline)

        yield Peer("tf.data", workers, epoch, "N, H, W, C")


# TensorFlow comes last: PyTorch's processes are forked in their first pass, before its threads run.
FAMILIES = {
    "torchvision, PIL images, DataLoader": torchvision_pil,
    "torchvision v2, byte tensors, DataLoader": torchvision_tensors,
    "whole-set tensors, as airbench": whole_set,
    "whole-minibatch tensors": whole_minibatches,
    "FFCV": ffcv,
    "tf.data": tf_data,
}


def prepare(name, family, images, labels):
    """The ready peers of a family, each after its first pass; what cannot run is reported and left out."""
    ready = []
    try:
        for peer in family(images, labels):
            tell(f"{peer.name}, {peer.workers} worker(s): first pass")
            if peer.epoch() != len(images):
                raise RuntimeError("a pass gave another number of images")
            ready.append(peer)
    # Whatever keeps one peer from running is its own affair: the others are still measured.
    except Exception as error:
        reason = (str(error).strip().splitlines() or ["no message"])[0]
        show({"name": name, "missing": f"{type(error).__name__}: {reason}"})
        return []
    return ready


def show(line):
    print(json.dumps(line), flush=True)


def tell(text):
    print(f"peers: {text}", file=sys.stderr, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", help="folder that holds cifar-10-batches-bin/ [default: random bytes]")
    parser.add_argument("--images", type=int, default=12_800, help="images per pass [default: %(default)s]")
    parser.add_argument("--rounds", type=int, default=5, help="passes that count [default: %(default)s]")
    args = parser.parse_args()

    images, labels = read_cifar10(args.data_dir, args.images) if args.data_dir else random_images(args.images)
    try:
        import torch

        torch.manual_seed(0)
        torch.set_num_threads(1)
    except ImportError:
        pass

    peers = [peer for name, family in FAMILIES.items() for peer in prepare(name, family, images, labels)]
    for number in range(1, args.rounds + 1):
        tell(f"round {number} of {args.rounds}")
        for peer in peers:
            start = time.perf_counter()
            count = peer.epoch()
            peer.rates.append(count / (time.perf_counter() - start))
    for peer in peers:
        line = {
            "name": peer.name,
            "images_per_second": statistics.median(peer.rates),
            "workers": peer.workers,
            "rounds": len(peer.rates),
            "images": len(images),
        }
        show(line | ({"note": peer.note} if peer.note else {}))


if __name__ == "__main__":
    main()
