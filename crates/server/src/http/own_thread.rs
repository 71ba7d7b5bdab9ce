//! Threads for connections that carry large bodies.
//!
//! Passing the pieces of a large body between threads costs more than the work on them: wake-ups, fresh memory
//! and cold caches. So a connection with a large body moves to its own thread, which may block. There it reads
//! and writes the socket and the file in turn, while the processor's cache still has each piece. When the
//! client is slow, the connection moves back to the runtime. So a slow client holds no thread.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::sending::Parts;

/// How many connections may have their own thread at once. More threads than processors and disks gain nothing.
/// The threads come from the runtime's 512 blocking threads, which file operations need, too.
const THREADS: usize = 64;

/// How many bytes a connection carries before another may get its thread.
const TURN: usize = 8 << 20;

/// The threads that all connections share.
#[derive(Clone)]
pub(crate) struct Threads(Arc<Semaphore>);

impl Default for Threads {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(THREADS)))
    }
}

/// Decides where one connection runs: on the threads of all connections, or on a thread of its own. A request's
/// handler moves the connection.
#[derive(Clone)]
pub(crate) struct OwnThread(Arc<Shared>);

struct Shared {
    threads: Threads,
    standing: Mutex<Standing>,
    /// Set if the socket can send parts of files by itself.
    parts: OnceLock<Parts>,
}

struct Standing {
    place: Place,
    /// How many bytes were sent or received since the connection last offered its thread to others.
    carried: usize,
    /// The task to wake when the connection has ended.
    asked: Option<Waker>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The connection runs in a task of the runtime. It must not block.
    Runtime,
    /// The connection runs in a task of the runtime, and waits for a thread.
    Wanted,
    /// The connection runs on a thread that may block.
    Here,
    /// The connection has ended, and runs nowhere.
    Over,
}

impl OwnThread {
    /// For a connection that can take a thread from `threads`.
    pub(crate) fn new(threads: Threads) -> Self {
        let standing = Mutex::new(Standing { place: Place::Runtime, carried: 0, asked: None });
        Self(Arc::new(Shared { threads, standing, parts: OnceLock::new() }))
    }

    /// Moves the connection, and the handler that runs in it, to a thread that may block. Returns `false` if
    /// the connection has ended.
    pub(crate) async fn enter(&self) -> bool {
        std::future::poll_fn(|context| self.poll_enter(context)).await
    }

    /// Polls the same move.
    pub(crate) fn poll_enter(&self, context: &mut Context<'_>) -> Poll<bool> {
        let mut standing = self.lock();
        match standing.place {
            Place::Here => Poll::Ready(true),
            Place::Over => Poll::Ready(false),
            Place::Runtime | Place::Wanted => {
                standing.place = Place::Wanted;
                standing.asked = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }

    /// Whether the connection runs on a thread that may block.
    pub(crate) fn is_here(&self) -> bool {
        self.lock().place == Place::Here
    }

    /// Returns the thread. From now on nothing may block.
    pub(crate) fn leave(&self) {
        self.change(Place::Here, Place::Runtime);
    }

    /// Records that the socket can send parts of files by itself.
    pub(super) fn sends_files(&self) {
        self.0.parts.get_or_init(Parts::default);
    }

    /// The parts of files that the socket has to send. `None` if the socket can only send bytes in memory.
    pub(super) fn parts(&self) -> Option<&Parts> {
        self.0.parts.get()
    }

    /// Whether other connections may be waiting for a thread.
    pub(crate) fn others_wait(&self) -> bool {
        self.0.threads.0.available_permits() == 0
    }

    /// Records that this many bytes of a body were carried. Returns the thread after a while if others may be
    /// waiting for one.
    pub(crate) fn carried(&self, bytes: usize) {
        let mut standing = self.lock();
        standing.carried += bytes;
        if standing.carried >= TURN {
            standing.carried = 0;
            if standing.place == Place::Here && self.others_wait() {
                standing.place = Place::Runtime;
            }
        }
    }

    /// Runs a connection to its end, in the runtime and on threads. `None` if it panicked.
    pub(crate) async fn run<C>(self, mut connection: Pin<Box<C>>) -> Option<C::Output>
    where
        C: Future<Output: Send> + Send + ?Sized + 'static,
    {
        let _over = Ending(&self);
        loop {
            let until_asked = std::future::poll_fn(|context| match connection.as_mut().poll(context) {
                Poll::Ready(output) => Poll::Ready(Some(output)),
                Poll::Pending if self.lock().place == Place::Wanted => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            });
            if let Some(output) = until_asked.await {
                return Some(output);
            }
            let _thread = self.0.threads.0.acquire().await.ok()?;
            let here = self.clone();
            let moved = spawn_blocking(move || {
                let output = here.run_here(connection.as_mut());
                (connection, output)
            });
            match moved.await.ok()? {
                (_, Some(output)) => return Some(output),
                (back, None) => connection = back,
            }
        }
    }

    /// Runs a connection on this thread until it ends, returns the thread, or waits for anything else than its
    /// socket.
    fn run_here<C: Future + ?Sized>(&self, mut connection: Pin<&mut C>) -> Option<C::Output> {
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        self.change(Place::Wanted, Place::Here);
        loop {
            if let Poll::Ready(output) = connection.as_mut().poll(&mut Context::from_waker(&waker)) {
                return Some(output);
            }
            self.change(Place::Wanted, Place::Here);
            if !woken.0.swap(false, Ordering::AcqRel) {
                // A wake-up from now on needs no signal, because the runtime polls the connection again.
                self.leave();
            }
            if !self.is_here() {
                return None;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Standing> {
        self.0.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, from: Place, to: Place) {
        let mut standing = self.lock();
        if standing.place == from {
            standing.place = to;
        }
    }
}

/// When the connection ends, wakes the task that waits for a thread.
struct Ending<'a>(&'a OwnThread);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        let asked = {
            let mut standing = self.0.lock();
            standing.place = Place::Over;
            standing.asked.take()
        };
        if let Some(asked) = asked {
            asked.wake();
        }
    }
}

/// Remembers that the connection was woken.
#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use std::thread;
    use std::time::Duration;

    use tokio::sync::oneshot;

    use super::*;

    fn own_thread() -> OwnThread {
        OwnThread::new(Threads::default())
    }

    #[tokio::test]
    async fn a_connection_moves_to_a_thread_and_back() {
        let (runtime, own) = (thread::current().id(), own_thread());
        let inside = own.clone();
        let (sender, answer) = oneshot::channel();
        let connection = async move {
            assert_eq!(thread::current().id(), runtime);
            assert!(inside.enter().await && inside.is_here());
            assert_ne!(thread::current().id(), runtime, "this one may block");
            tokio::task::yield_now().await;
            assert!(inside.is_here(), "what can go on at once stays");
            let _ = sender.send(7);
            tokio::time::sleep(Duration::from_millis(1)).await;
            assert!(!inside.is_here(), "what has to wait goes back");
            assert_eq!(thread::current().id(), runtime);
            assert!(inside.enter().await);
            inside.leave();
            tokio::time::sleep(Duration::from_millis(1)).await;
            thread::current().id() == runtime
        };
        assert_eq!(own.run(Box::pin(connection)).await, Some(true));
        assert_eq!(answer.await, Ok(7));
    }

    #[tokio::test]
    async fn who_waits_for_a_thread_hears_that_the_connection_is_over() {
        let own = own_thread();
        let outside = own.clone();
        let waiting = tokio::spawn(async move { outside.enter().await });
        tokio::task::yield_now().await;
        assert_eq!(own.run(Box::pin(async { 7 })).await, Some(7));
        assert!(!waiting.await.unwrap());
    }

    #[tokio::test]
    async fn a_panic_ends_the_connection_and_gives_its_thread_back() {
        let threads = Threads::default();
        let own = OwnThread::new(threads.clone());
        let inside = own.clone();
        let connection = async move {
            inside.enter().await;
            panic!("of the test");
        };
        assert_eq!(own.run::<_>(Box::pin(connection)).await, None::<()>);
        assert_eq!(threads.0.available_permits(), THREADS);
    }

    #[tokio::test]
    async fn more_connections_than_threads_take_turns() {
        let threads = Threads(Arc::new(Semaphore::new(1)));
        let carried = Arc::new(Mutex::new(Vec::new()));
        let mut running = Vec::new();
        for name in 0..3 {
            let own = OwnThread::new(threads.clone());
            let (inside, carried) = (own.clone(), Arc::clone(&carried));
            running.push(tokio::spawn(own.run(Box::pin(async move {
                for _ in 0..3 {
                    assert!(inside.enter().await);
                    carried.lock().unwrap().push(name);
                    inside.carried(TURN);
                    tokio::task::yield_now().await;
                }
            }))));
        }
        for one in running {
            assert_eq!(one.await.unwrap(), Some(()));
        }
        let carried = carried.lock().unwrap();
        assert_eq!(carried.len(), 9);
        assert!(carried[..5].iter().any(|name| *name != carried[0]), "others had a turn: {carried:?}");
    }
}
