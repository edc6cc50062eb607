//! The threads that make pages, as many as there are cores: more would make none sooner.
//!
//! A thread that has made a page keeps some megabytes for the next one, as allocators do. With a thread for each
//! connection that would add up, so connections only send what is ready and have the rest made here.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{self, Receiver, Sender},
    },
    thread,
};

type Work = Box<dyn FnOnce() + Send>;

/// Threads that wait for work, until this is dropped.
pub struct Makers(Sender<Work>);

impl Makers {
    /// Fails if the system has no more threads.
    pub fn start() -> io::Result<Self> {
        let (sender, receiver) = mpsc::channel();
        let receiver = Arc::new(Mutex::new(receiver));
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            let receiver = Arc::clone(&receiver);
            thread::Builder::new().name("maker".into()).spawn(move || work(&receiver))?;
        }
        Ok(Self(sender))
    }

    /// What `make` returns, made by one of the threads. A panic in it is a panic here.
    pub fn run<T: Send + 'static>(&self, make: impl FnOnce() -> T + Send + 'static) -> T {
        let (sender, made) = mpsc::sync_channel(1);
        let work = move || drop(sender.send(catch_unwind(AssertUnwindSafe(make))));
        self.0.send(Box::new(work)).expect("the threads end after this");
        match made.recv().expect("a panic is caught and sent too") {
            Ok(made) => made,
            Err(panic) => resume_unwind(panic),
        }
    }
}

fn work(receiver: &Mutex<Receiver<Work>>) {
    let next = || receiver.lock().unwrap_or_else(PoisonError::into_inner).recv();
    while let Ok(work) = next() {
        work();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_comes_back_and_the_threads_go_on() {
        let makers = Makers::start().unwrap();
        for number in 0..100 {
            let panic = catch_unwind(AssertUnwindSafe(|| makers.run(|| panic!("a mistake"))));
            assert_eq!(*panic.unwrap_err().downcast::<&str>().unwrap(), "a mistake");
            assert_eq!(makers.run(move || number), number);
        }
    }
}
