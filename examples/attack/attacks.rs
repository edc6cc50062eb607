//! The attacks, each bounded in count and time. `tests/suite/attack.rs` runs them too, with smaller numbers.

use rustix::{
    net::sockopt::set_socket_linger,
    process::{Resource, Rlimit, getrlimit, setrlimit},
};
use std::{
    fs,
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    sync::Barrier,
    thread,
    time::{Duration, Instant},
};

/// How much, and what has to hold.
pub(crate) struct Scale {
    /// Connections that have been answered once and stay.
    pub(crate) idle: usize,
    /// Connections that send a byte every two seconds.
    pub(crate) slow: usize,
    /// Connections that send one header after the other.
    pub(crate) endless: usize,
    /// Requests on one connection that reads nothing.
    pub(crate) pipelined: usize,
    /// How often 64 connections come at once.
    pub(crate) bursts: usize,
    /// How long an attack lasts once it is complete.
    pub(crate) hold: Duration,
    /// How long an honest client may wait while attacked.
    pub(crate) meanwhile: Duration,
    /// How long it may wait afterwards.
    pub(crate) after: Duration,
    /// Afterwards, where descriptors may have run out.
    pub(crate) recovery: Duration,
    /// Nobody waits longer than this for anything.
    pub(crate) patience: Duration,
}

/// What a server has to withstand.
pub(crate) const FULL: Scale = Scale {
    idle: 2000,
    slow: 500,
    endless: 200,
    pipelined: 3000,
    bursts: 20,
    hold: Duration::from_secs(6),
    meanwhile: Duration::from_secs(1),
    after: Duration::from_millis(100),
    recovery: Duration::from_secs(1),
    patience: Duration::from_secs(20),
};

/// How long an honest client waited; nothing if none asked, or none was answered.
pub(crate) type Wait = Option<Duration>;

/// What became of an attack.
pub(crate) struct Done {
    pub(crate) name: &'static str,
    /// The longest while it lasted.
    pub(crate) meanwhile: Wait,
    pub(crate) after: Wait,
    /// What did not hold.
    pub(crate) fault: Option<String>,
}

/// Where an attack takes place.
struct Ground<'a> {
    address: SocketAddr,
    scale: &'a Scale,
}

type Attack = fn(&Ground) -> io::Result<()>;

/// The first needs a server that has just started.
const ATTACKS: [(&str, Attack); 10] = [
    ("64 个连接同时来，一批接一批", bursts),
    ("很多连接空闲，很多两秒发一个字节，很多的请求头没完没了", crowd),
    ("一次发几千个请求，一个回答也不读", pipeline),
    ("请求体只发一半", stalled_body),
    ("Content-Length: 1000000000000", |ground| {
        expect(
            ground,
            "POST /feedback HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000000\r\n\r\n",
            413,
        )
    }),
    ("GET / HTTP/2.0", |ground| expect(ground, "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505)),
    ("TE: a;q=NaN", |ground| {
        expect(
            ground,
            "GET / HTTP/1.1\r\nHost: a\r\nTE: a;q=NaN,b;q=-1\r\nConnection: close\r\n\r\n",
            200,
        )
    }),
    ("刚连上就断（RST）", reset),
    ("乱码", garbage),
    (EXHAUST, exhaust),
];

const EXHAUST: &str = "把描述符用完";

/// Runs all attacks on the server at `address`, and tells `tell` of each when it is over.
pub(crate) fn all(address: SocketAddr, scale: &Scale, mut tell: impl FnMut(Done)) {
    let ground = Ground { address, scale };
    for (name, attack) in ATTACKS {
        let (attacked, waits) = thread::scope(|scope| {
            let attacked = scope.spawn(|| attack(&ground));
            let mut waits = Vec::new();
            while !attacked.is_finished() {
                waits.push(ask(address, scale.patience));
                thread::sleep(Duration::from_millis(50));
            }
            (attacked.join().expect("an attack does not panic"), waits)
        });
        let after = ask(address, scale.patience);
        // While there are no descriptors, nobody can be let in.
        let exhausted = name == EXHAUST;
        let meanwhile = if exhausted { Duration::MAX } else { scale.meanwhile };
        let within = if exhausted { scale.recovery } else { scale.after };
        let faults = [
            attacked.err().map(|error| format!("攻击没有完成（{error}）")),
            waits.iter().filter(|_| !exhausted).find_map(|wait| late(wait, meanwhile)),
            late(&after, within),
        ];
        tell(Done {
            name,
            meanwhile: waits.iter().flatten().max().copied(),
            after: after.ok(),
            fault: faults.into_iter().flatten().next(),
        });
    }
}

/// Why this is not an answer in time.
fn late(wait: &io::Result<Duration>, within: Duration) -> Option<String> {
    match wait {
        Ok(wait) => (*wait > within).then(|| format!("等了 {wait:.1?}，最多该等 {within:?}")),
        Err(error) => Some(format!("没有得到回答（{error}）")),
    }
}

/// Asks as an honest client does, on a new connection, and returns how long the answer took.
///
/// Anything but a whole answer with status 200 is an error.
pub(crate) fn ask(address: SocketAddr, patience: Duration) -> io::Result<Duration> {
    let start = Instant::now();
    let mut stream = connect(address, patience)?;
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    if !answer.starts_with("HTTP/1.1 200 ") {
        let line = answer.lines().next().unwrap_or("连接断了").to_owned();
        return Err(io::Error::other(line));
    }
    Ok(start.elapsed())
}

fn connect(address: SocketAddr, patience: Duration) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, patience)?;
    stream.set_read_timeout(Some(patience))?;
    stream.set_write_timeout(Some(patience))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

impl Ground<'_> {
    fn connect(&self) -> io::Result<TcpStream> {
        connect(self.address, self.scale.patience)
    }

    /// A connection on which `bytes` are on their way, and which waits for nothing any more.
    fn send(&self, bytes: &[u8]) -> io::Result<TcpStream> {
        let mut stream = self.connect()?;
        stream.set_nonblocking(true)?;
        // What does not fit, or comes after the server has closed, is not sent.
        let _ = stream.write(bytes);
        Ok(stream)
    }
}

/// Sends `request` and reads the status of the answer, which must be this one.
fn expect(ground: &Ground, request: &str, status: u16) -> io::Result<()> {
    let mut stream = ground.connect()?;
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    match answer.split(' ').nth(1) {
        Some(actual) if actual == status.to_string() => Ok(()),
        actual => Err(io::Error::other(format!("得到 {actual:?}，应该是 {status}"))),
    }
}

/// 64 clients connect and ask at once, three times on the same connection, and all of them are answered.
fn bursts(ground: &Ground) -> io::Result<()> {
    const CLIENTS: usize = 64;
    for _ in 0..ground.scale.bursts {
        let barrier = Barrier::new(CLIENTS);
        let client = || {
            barrier.wait();
            let mut stream = ground.connect()?;
            (0..3).try_for_each(|_| {
                stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")?;
                let mut answer = [0; 4096];
                let count = stream.read(&mut answer)?;
                match answer[..count].starts_with(b"HTTP/1.1 200 ") {
                    true => Ok(()),
                    false => Err(io::Error::other("一个连接没有得到回答")),
                }
            })
        };
        thread::scope(|scope| {
            let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(client)).collect();
            let mut answers = clients.into_iter().map(|client| client.join().expect("no panic"));
            answers.find(Result::is_err).unwrap_or(Ok(()))
        })?;
    }
    Ok(())
}

/// Idle, slow and endless clients at once. Whom the server closes stays away.
fn crowd(ground: &Ground) -> io::Result<()> {
    const TURN: Duration = Duration::from_secs(2);
    let Scale { idle, slow, endless, hold, .. } = ground.scale;
    let idle = (0..*idle).map(|_| ground.send(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"));
    let _idle = idle.collect::<io::Result<Vec<_>>>()?;
    // A byte every two seconds from each: they come one after the other.
    let come = |count: usize, bytes: &'static [u8]| {
        let each = TURN.checked_div(count as u32).unwrap_or_default();
        let connections = (0..count).map(move |_| {
            thread::sleep(each);
            ground.send(bytes)
        });
        connections.collect::<io::Result<Vec<_>>>()
    };
    let mut slow = come(*slow, b"G")?;
    let mut endless = come(*endless, b"GET / HTTP/1.1\r\nHost: a\r\n")?;
    let start = Instant::now();
    let mut turn = start;
    while start.elapsed() < *hold {
        if Instant::now() >= turn {
            slow.iter_mut().for_each(|stream| drop(stream.write(b"E")));
            turn += TURN;
        }
        endless.iter_mut().for_each(|stream| drop(stream.write(b"X-Endless: yes\r\n")));
        thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

fn pipeline(ground: &Ground) -> io::Result<()> {
    let request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let _stream = ground.send(request.repeat(ground.scale.pipelined).as_bytes())?;
    thread::sleep(Duration::from_secs(1));
    Ok(())
}

fn stalled_body(ground: &Ground) -> io::Result<()> {
    let request = b"POST /feedback HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf";
    let _streams = (0..50).map(|_| ground.send(request)).collect::<io::Result<Vec<_>>>()?;
    thread::sleep(Duration::from_secs(1));
    Ok(())
}

/// With no time to linger, closing sends a reset, often before the server has accepted.
fn reset(ground: &Ground) -> io::Result<()> {
    for _ in 0..200 {
        set_socket_linger(&ground.connect()?, Some(Duration::ZERO))?;
    }
    Ok(())
}

fn garbage(ground: &Ground) -> io::Result<()> {
    let mut state = 1_u32;
    for length in 0..200 {
        let bytes: Vec<u8> = (0..length * 10)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8
            })
            .collect();
        ground.send(&bytes)?;
    }
    Ok(())
}

/// More connections than a process usually has descriptors, each with half a head.
fn exhaust(ground: &Ground) -> io::Result<()> {
    let count = ground.scale.idle + ground.scale.slow;
    let _streams = (0..count).map(|_| ground.send(b"GET /")).collect::<io::Result<Vec<_>>>()?;
    thread::sleep(Duration::from_millis(200));
    Ok(())
}

/// Takes as many descriptors as the system lets this process have.
pub(crate) fn raise_descriptors() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    // Where that is refused there are as many as before, and a lack of them is told when it comes.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
}

/// What a process used at most.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Peak {
    pub(crate) threads: usize,
    pub(crate) descriptors: usize,
    pub(crate) kib: usize,
}

impl Peak {
    /// Does `work` and looks at the process `pid` meanwhile; nothing comes back if it cannot be seen.
    pub(crate) fn during(pid: Option<u32>, work: impl FnOnce() + Send) -> Option<Self> {
        thread::scope(|scope| {
            let work = scope.spawn(work);
            let mut peak = None;
            while !work.is_finished() {
                let now = pid.and_then(Self::of);
                peak = now.map(|now| now.most(peak.unwrap_or_default())).or(peak);
                thread::sleep(Duration::from_millis(20));
            }
            peak
        })
    }

    /// What the process uses now.
    pub(crate) fn of(pid: u32) -> Option<Self> {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let number = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse().ok()
        };
        let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).ok()?.count();
        Some(Self { threads: number("Threads:")?, descriptors, kib: number("VmRSS:")? })
    }

    pub(crate) fn most(self, other: Self) -> Self {
        Self {
            threads: self.threads.max(other.threads),
            descriptors: self.descriptors.max(other.descriptors),
            kib: self.kib.max(other.kib),
        }
    }
}
