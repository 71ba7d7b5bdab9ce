//! A proxy in front of a PostgreSQL server. It loses messages, as networks and servers do at the worst time.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{sleep, spawn};
use std::time::Duration;

/// The fate of a COMMIT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Its answer arrives.
    Answered,
    /// The server commits, and the connection ends in place of the answer.
    AnswerLost,
    /// The connection ends, and the server never sees it.
    Lost,
}

type Decide = dyn Fn(usize) -> Fate + Send + Sync;

/// A proxy on its own port. It ends when it is dropped.
pub struct PostgresProxy {
    address: SocketAddr,
    world: Arc<World>,
}

struct World {
    upstream: SocketAddr,
    decide: Mutex<Arc<Decide>>,
    commits: AtomicUsize,
    /// How long each message to the server is held up, in milliseconds.
    delay: AtomicUsize,
    is_frozen: AtomicBool,
    is_over: AtomicBool,
}

/// How long a frozen connection sleeps before it looks again.
const NAP: Duration = Duration::from_millis(10);

impl PostgresProxy {
    /// A proxy in front of a port on 127.0.0.1. It loses nothing yet.
    pub fn before(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let world = Arc::new(World {
            upstream: SocketAddr::from(([127, 0, 0, 1], port)),
            decide: Mutex::new(Arc::new(|_| Fate::Answered)),
            commits: AtomicUsize::new(0),
            delay: AtomicUsize::new(0),
            is_frozen: AtomicBool::new(false),
            is_over: AtomicBool::new(false),
        });
        let serving = Arc::clone(&world);
        spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if serving.is_over.load(Ordering::Acquire) {
                    return;
                }
                let world = Arc::clone(&serving);
                spawn(move || drop(carry(&world, client)));
            }
        });
        Self { address, world }
    }

    /// The URL of a database behind it.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://gangplank@{}/{database}", self.address)
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Decides from now on about the fate of each COMMIT. The argument counts them from 0.
    pub fn decide(&self, decide: impl Fn(usize) -> Fate + Send + Sync + 'static) {
        self.world.commits.store(0, Ordering::Release);
        *self.world.decide.lock().expect("the decision") = Arc::new(decide);
    }

    /// How many COMMITs came since the last decision.
    pub fn commits(&self) -> usize {
        self.world.commits.load(Ordering::Acquire)
    }

    /// Holds up each message to the server from now on.
    pub fn delay(&self, time: Duration) {
        self.world.delay.store(usize::try_from(time.as_millis()).expect("a short time"), Ordering::Release);
    }

    /// From now on no byte passes. Connections are accepted, and never answered.
    pub fn freeze(&self) {
        self.world.is_frozen.store(true, Ordering::Release);
    }

    /// Goes on.
    pub fn thaw(&self) {
        self.world.is_frozen.store(false, Ordering::Release);
    }
}

impl Drop for PostgresProxy {
    fn drop(&mut self) {
        self.world.is_over.store(true, Ordering::Release);
        // Wakes the listener.
        let _ = TcpStream::connect(self.address);
    }
}

impl World {
    fn wait(&self) -> io::Result<()> {
        while self.is_frozen.load(Ordering::Acquire) {
            if self.is_over.load(Ordering::Acquire) {
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
            sleep(NAP);
        }
        Ok(())
    }
}

/// The two sockets of a connection, which end together.
struct Sockets {
    client: TcpStream,
    server: TcpStream,
    /// How many answers the client has asked for so far. Each answer ends with the message `ReadyForQuery`.
    owed: AtomicUsize,
    /// The number of the answer that must not reach the client. Numbers begin with 1. With 0, all answers reach the
    /// client.
    loses: AtomicUsize,
}

impl Sockets {
    fn end(&self) {
        let _ = self.client.shutdown(Shutdown::Both);
        let _ = self.server.shutdown(Shutdown::Both);
    }
}

impl Drop for Sockets {
    fn drop(&mut self) {
        self.end();
    }
}

fn carry(world: &Arc<World>, client: TcpStream) -> io::Result<()> {
    world.wait()?;
    let server = TcpStream::connect(world.upstream)?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let sockets = Arc::new(Sockets { client, server, owed: AtomicUsize::new(1), loses: AtomicUsize::new(0) });
    let (answers, serving) = (Arc::clone(&sockets), Arc::clone(world));
    spawn(move || {
        let _ = carry_answers(&serving, &answers);
        answers.end();
    });
    let carried = carry_requests(world, &sockets);
    sockets.end();
    carried
}

/// Carries messages of the client. The first one has no type.
fn carry_requests(world: &World, sockets: &Sockets) -> io::Result<()> {
    let mut message = read(&sockets.client, 0)?;
    loop {
        world.wait()?;
        sleep(Duration::from_millis(world.delay.load(Ordering::Acquire) as u64));
        // A simple query, or the `Sync` that ends the messages of a prepared one.
        if matches!(message.first(), Some(b'Q' | b'S')) {
            sockets.owed.fetch_add(1, Ordering::AcqRel);
        }
        if message == b"Q\x00\x00\x00\x0bCOMMIT\0" {
            let count = world.commits.fetch_add(1, Ordering::AcqRel);
            let decide = Arc::clone(&*world.decide.lock().expect("the decision"));
            match decide(count) {
                Fate::Answered => {}
                Fate::AnswerLost => {
                    sockets.loses.store(sockets.owed.load(Ordering::Acquire), Ordering::Release);
                }
                Fate::Lost => return Ok(()),
            }
        }
        (&sockets.server).write_all(&message)?;
        message = read(&sockets.client, 1)?;
    }
}

/// Carries messages of the server. If an answer is to be lost, the connection ends in place of it.
fn carry_answers(world: &World, sockets: &Sockets) -> io::Result<()> {
    let mut ready = 0;
    loop {
        let message = read(&sockets.server, 1)?;
        world.wait()?;
        let is_lost = ready + 1 == sockets.loses.load(Ordering::Acquire);
        if !is_lost {
            (&sockets.client).write_all(&message)?;
        }
        if message.first() == Some(&b'Z') {
            if is_lost {
                return Ok(());
            }
            ready += 1;
        }
    }
}

/// Reads a message with a type of `kind` bytes: the type, the length of the rest, and the rest.
fn read(mut from: &TcpStream, kind: usize) -> io::Result<Vec<u8>> {
    let mut message = vec![0; kind + 4];
    from.read_exact(&mut message)?;
    let length: [u8; 4] = message[kind..].try_into().map_err(io::Error::other)?;
    let rest = usize::try_from(u32::from_be_bytes(length)).map_err(io::Error::other)?;
    let rest = rest.checked_sub(4).ok_or(io::ErrorKind::InvalidData)?;
    let at = message.len();
    message.resize(at + rest, 0);
    from.read_exact(&mut message[at..])?;
    Ok(message)
}
