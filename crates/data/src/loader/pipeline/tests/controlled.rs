//! A runtime whose threads run in the order that shuttle's scheduler chooses.

use std::any::TypeId;
use std::collections::VecDeque;
use std::io;
use std::mem;
use std::sync::Arc;
use std::thread::panicking;

use shuttle::sync::atomic::{AtomicBool, Ordering};
use shuttle::sync::{Condvar, Mutex};
use shuttle::thread::{self, JoinHandle};

use crate::loader::runtime::Runtime;

/// `NARROW` makes every channel but that of the steps one message too small, which is a bug to be found.
#[derive(Debug)]
pub(super) struct Controlled<const NARROW: bool = false>;

pub(super) struct Channel<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    messages: VecDeque<T>,
    capacity: usize,
    senders: usize,
    receivers: usize,
}

impl<T> Channel<T> {
    /// Changes the state and tells everyone. Once the scheduler has given up on an execution, its threads unwind and
    /// nothing waits any more.
    fn change<R>(&self, change: impl FnOnce(&mut State<T>) -> R) -> Option<R> {
        if panicking() {
            return None;
        }
        let result = change(&mut self.state.lock().unwrap());
        self.changed.notify_all();
        Some(result)
    }

    /// Waits until `change` has an answer, then tells everyone.
    fn wait_for<R>(&self, mut change: impl FnMut(&mut State<T>) -> Option<R>) -> R {
        let mut state = self.state.lock().unwrap();
        loop {
            if let Some(result) = change(&mut state) {
                drop(state);
                self.changed.notify_all();
                return result;
            }
            state = self.changed.wait(state).unwrap();
        }
    }
}

pub(super) struct Sender<T>(Arc<Channel<T>>);

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.0.change(|state| state.senders += 1);
        Sender(Arc::clone(&self.0))
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.0.change(|state| state.senders -= 1);
    }
}

pub(super) struct Receiver<T>(Arc<Channel<T>>);

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        self.0.change(|state| state.receivers += 1);
        Receiver(Arc::clone(&self.0))
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        // Messages that nobody can receive any more are dropped with the last receiver, outside of the lock.
        drop(self.0.change(|state| {
            state.receivers -= 1;
            if state.receivers == 0 { mem::take(&mut state.messages) } else { VecDeque::new() }
        }));
    }
}

impl<const NARROW: bool> Runtime for Controlled<NARROW> {
    type Sender<T: Send + 'static> = Sender<T>;
    type Receiver<T: Send + 'static> = Receiver<T>;
    type Lock<T: Send + 'static> = Mutex<T>;
    type Flag = AtomicBool;
    type Thread = JoinHandle<()>;

    fn bounded<T: Send + 'static>(capacity: usize) -> (Sender<T>, Receiver<T>) {
        let too_small = NARROW && TypeId::of::<T>() != TypeId::of::<u64>();
        let state = State {
            messages: VecDeque::new(),
            capacity: capacity - usize::from(too_small),
            senders: 1,
            receivers: 1,
        };
        let channel = Arc::new(Channel { state: Mutex::new(state), changed: Condvar::new() });
        (Sender(Arc::clone(&channel)), Receiver(channel))
    }

    fn send<T: Send + 'static>(sender: &Sender<T>, message: T) -> bool {
        let mut message = Some(message);
        sender.0.wait_for(|state| {
            if state.receivers == 0 {
                return Some(false);
            }
            if state.messages.len() == state.capacity {
                return None;
            }
            state.messages.extend(message.take());
            Some(true)
        })
    }

    fn receive<T: Send + 'static>(receiver: &Receiver<T>) -> Option<T> {
        receiver.0.wait_for(|state| match state.messages.pop_front() {
            Some(message) => Some(Some(message)),
            None if state.senders == 0 => Some(None),
            None => None,
        })
    }

    fn try_receive<T: Send + 'static>(receiver: &Receiver<T>) -> Option<T> {
        receiver.0.change(|state| state.messages.pop_front()).flatten()
    }

    fn waiting<T: Send + 'static>(receiver: &Receiver<T>) -> usize {
        receiver.0.state.lock().unwrap().messages.len()
    }

    fn lock<T: Send + 'static>(value: T) -> Mutex<T> {
        Mutex::new(value)
    }

    fn with<T: Send + 'static, R>(lock: &Mutex<T>, work: impl FnOnce(&mut T) -> R) -> R {
        work(&mut lock.lock().unwrap())
    }

    fn flag() -> AtomicBool {
        AtomicBool::new(false)
    }

    fn set(flag: &AtomicBool) {
        if !panicking() {
            // The scheduler knows no weaker order; what the threads make of the flag does not depend on one.
            flag.store(true, Ordering::SeqCst);
        }
    }

    fn is_set(flag: &AtomicBool) -> bool {
        flag.load(Ordering::SeqCst)
    }

    fn spawn(name: String, work: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
        thread::Builder::new().name(name).spawn(work)
    }

    fn join(thread: JoinHandle<()>) {
        if !panicking() {
            thread.join().unwrap();
        }
    }
}
