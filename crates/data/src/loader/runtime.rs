//! The threads and channels of the pipeline, behind a trait as thin as its needs.
//!
//! The trait is there for the tests: under a runtime whose scheduler is controlled, they run the same pipeline through
//! thousands of interleavings of its threads.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::TryRecvError;

/// What the pipeline asks of threads, bounded channels, a lock and a flag.
pub(crate) trait Runtime: 'static {
    type Sender<T: Send + 'static>: Clone + Send + 'static;
    type Receiver<T: Send + 'static>: Clone + Send + 'static;
    type Lock<T: Send + 'static>: Send + Sync + 'static;
    type Flag: Send + Sync + 'static;
    type Thread: Send + 'static;

    /// A channel in which `capacity` messages may wait.
    fn bounded<T: Send + 'static>(capacity: usize) -> (Self::Sender<T>, Self::Receiver<T>);

    /// Waits for room. False if every receiver is gone.
    fn send<T: Send + 'static>(sender: &Self::Sender<T>, message: T) -> bool;

    /// Waits for a message. `None` if none is left and every sender is gone.
    fn receive<T: Send + 'static>(receiver: &Self::Receiver<T>) -> Option<T>;

    /// A message if one is there.
    fn try_receive<T: Send + 'static>(receiver: &Self::Receiver<T>) -> Option<T>;

    /// Waits for a message that is `expected` within some time, at first without asking the sender to wake this thread.
    fn receive_unhurried<T: Send + 'static>(receiver: &Self::Receiver<T>, expected: Duration) -> Option<T> {
        let _ = expected;
        Self::receive(receiver)
    }

    /// Messages that wait.
    fn waiting<T: Send + 'static>(receiver: &Self::Receiver<T>) -> usize;

    fn lock<T: Send + 'static>(value: T) -> Self::Lock<T>;

    fn with<T: Send + 'static, R>(lock: &Self::Lock<T>, work: impl FnOnce(&mut T) -> R) -> R;

    /// A flag that is not set.
    fn flag() -> Self::Flag;

    fn set(flag: &Self::Flag);

    fn is_set(flag: &Self::Flag) -> bool;

    fn spawn(name: String, work: impl FnOnce() + Send + 'static) -> io::Result<Self::Thread>;

    fn join(thread: Self::Thread);
}

/// Workers that take longer can afford to wake the consumer, and a core should not be kept busy for longer.
const LONGEST_LOOKOUT: Duration = Duration::from_millis(1);

/// The operating system's threads and crossbeam's channels.
#[derive(Debug)]
pub(crate) struct Native;

impl Runtime for Native {
    type Sender<T: Send + 'static> = crossbeam_channel::Sender<T>;
    type Receiver<T: Send + 'static> = crossbeam_channel::Receiver<T>;
    type Lock<T: Send + 'static> = Mutex<T>;
    type Flag = AtomicBool;
    type Thread = JoinHandle<()>;

    fn bounded<T: Send + 'static>(capacity: usize) -> (Self::Sender<T>, Self::Receiver<T>) {
        crossbeam_channel::bounded(capacity)
    }

    fn send<T: Send + 'static>(sender: &Self::Sender<T>, message: T) -> bool {
        sender.send(message).is_ok()
    }

    fn receive<T: Send + 'static>(receiver: &Self::Receiver<T>) -> Option<T> {
        receiver.recv().ok()
    }

    fn try_receive<T: Send + 'static>(receiver: &Self::Receiver<T>) -> Option<T> {
        receiver.try_recv().ok()
    }

    /// To wake a thread costs the one that wakes it up to 25 microseconds, a sixth of the time in which a worker fills
    /// a minibatch of CIFAR, and a consumer that is faster than the workers would make them pay that for every
    /// minibatch. So it offers its core to other threads and looks again. To sleep in between is no cheaper: on virtual
    /// machines a timer costs as much as a wake-up, and consumer and worker may share a core.
    fn receive_unhurried<T: Send + 'static>(receiver: &Self::Receiver<T>, expected: Duration) -> Option<T> {
        if expected <= LONGEST_LOOKOUT {
            let start = Instant::now();
            while start.elapsed() < expected {
                thread::yield_now();
                match receiver.try_recv() {
                    Err(TryRecvError::Empty) => (),
                    result => return result.ok(),
                }
            }
        }
        Self::receive(receiver)
    }

    fn waiting<T: Send + 'static>(receiver: &Self::Receiver<T>) -> usize {
        receiver.len()
    }

    fn lock<T: Send + 'static>(value: T) -> Self::Lock<T> {
        Mutex::new(value)
    }

    fn with<T: Send + 'static, R>(lock: &Self::Lock<T>, work: impl FnOnce(&mut T) -> R) -> R {
        // A thread that panics while it holds the lock leaves a whole value behind.
        work(&mut lock.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn flag() -> Self::Flag {
        AtomicBool::new(false)
    }

    fn set(flag: &Self::Flag) {
        flag.store(true, Ordering::Relaxed);
    }

    fn is_set(flag: &Self::Flag) -> bool {
        flag.load(Ordering::Relaxed)
    }

    fn spawn(name: String, work: impl FnOnce() + Send + 'static) -> io::Result<Self::Thread> {
        thread::Builder::new().name(name).spawn(work)
    }

    fn join(thread: Self::Thread) {
        // A panic of a sample was caught and reported; the thread itself has nothing to say.
        let _ = thread.join();
    }
}
