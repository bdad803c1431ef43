//! Threads for work that would hold up the async ones: signing, and hashing passwords. Each kind has its own few
//! threads behind a bounded queue, so that one cannot starve the other.

use anyhow::{Context, Result};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use tokio::sync::oneshot;

type Task = Box<dyn FnOnce() + Send>;

/// A few threads and their queue. Clones share them.
#[derive(Clone)]
pub struct Workers(SyncSender<Task>);

/// The queue is full: the caller should say that it is too busy.
#[derive(Debug, PartialEq, Eq)]
pub struct Busy;

/// Who has the processor first when there is too little of it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Priority {
    /// Like everybody.
    Usual,
    /// After all others, so that long work makes no short work wait.
    Low,
}

impl Workers {
    pub fn start(name: &str, threads: usize, waiting_max: usize, priority: Priority) -> Result<Self> {
        let (sender, tasks) = sync_channel::<Task>(waiting_max);
        let tasks = Arc::new(Mutex::new(tasks));
        for _ in 0..threads.max(1) {
            let tasks = tasks.clone();
            thread::Builder::new()
                .name(name.into())
                .spawn(move || {
                    if priority == Priority::Low {
                        step_back();
                    }
                    work(&tasks);
                })
                .context("a working thread cannot be started")?;
        }
        Ok(Workers(sender))
    }

    /// Has something computed by one of the threads.
    pub async fn run<T: Send + 'static>(&self, task: impl FnOnce() -> T + Send + 'static) -> Result<T, Busy> {
        let (answer, answered) = oneshot::channel();
        let task: Task = Box::new(move || {
            // Whoever asked may have gone away; then nobody needs the answer.
            let _ = answer.send(task());
        });
        match self.0.try_send(task) {
            Ok(()) => answered.await.map_err(|_| Busy),
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => Err(Busy),
        }
    }
}

/// Lowers the priority of this thread alone, where the system knows such a thing.
fn step_back() {
    #[cfg(target_os = "linux")]
    {
        const NICE: i32 = 15;
        let lowered = rustix::process::setpriority_process(Some(rustix::thread::gettid()), NICE);
        if let Err(cause) = lowered {
            tracing::warn!(%cause, "a thread keeps its usual priority");
        }
    }
}

fn work(tasks: &Mutex<Receiver<Task>>) {
    loop {
        let task = tasks.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(task) = task else { return };
        // A task that panics drops its answer, which the caller sees as `Busy`; the thread lives on.
        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(task));
    }
}
