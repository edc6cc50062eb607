//! HTTP/1.1 over std threads, for a small server that must not fall over.
//!
//! [`serve`] is the way in. Each connection passes through three steps:
//!
//! 1. `Connections::admit` finds it a slot, if need be by closing one that is idle;
//! 2. `answer_all`, on a thread of its own, reads requests and sends answers;
//! 3. `Connection::linger` closes it so that the client sees the last answer.
//!
//! [`Control`] stops it from outside: nobody new is let in, and what runs is finished.
//!
//! A *slot* is the right to be served. There are `Limits::connections` of them,
//! and each costs one thread and one descriptor. Everything a client can draw
//! out has a deadline for the whole of it, so sending slowly does not help.
//!
//! `head` reads heads. Only this file names `tiny_http`, which knows the words of a status.

use super::{
    Request, Response,
    head::{Framing, Head, chunk_length, encode_target, parse, skip_empty_lines, target},
};
use percent_encoding::{CONTROLS, utf8_percent_encode};
use std::collections::{BTreeMap, HashMap};
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::mem;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

/// How much the server takes.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Connections served at once.
    pub connections: usize,
    /// For a whole head, from its first byte.
    pub head: Duration,
    /// For a whole body, from the end of its head.
    pub body: Duration,
    /// Between an answer and the first byte of the next request.
    pub idle: Duration,
    /// For a whole answer to be taken by the client.
    pub write: Duration,
    /// For what runs when the server is stopped.
    pub drain: Duration,
    pub head_bytes: usize,
    pub body_bytes: usize,
}

impl Default for Limits {
    /// Room for a company at its browsers, within the 1,024 descriptors that a process usually has.
    fn default() -> Limits {
        Limits {
            connections: 256,
            head: Duration::from_secs(10),
            body: Duration::from_secs(10),
            idle: Duration::from_secs(30),
            write: Duration::from_secs(10),
            drain: Duration::from_secs(10),
            // The 2,000 characters that the search box takes are 18 kB as an address.
            head_bytes: 32 * 1024,
            body_bytes: 64 * 1024,
        }
    }
}

/// A quarter of what std gives; pages of it that nobody touches cost nothing.
const STACK: usize = 512 * 1024;

/// A usual head arrives in one read, one with many cookies in two. The stack of each connection has room for it.
const READ: usize = 2 * 1024;

/// After an accept error or a failed thread: long enough not to spin, too short for a reader to notice.
const PAUSE: Duration = Duration::from_millis(20);

/// In this time a new connection's first request arrives, even from far away; until then it is not idle.
const GRACE: Duration = Duration::from_millis(250);

/// A head, body or answer that has been on its way for this long has a slow peer.
const SLOW: Duration = Duration::from_secs(1);

/// So long a client without a slot may take to say what it wants; on this machine and near it, it has done so.
const GLANCE: Duration = Duration::from_millis(20);

/// So long a new connection waits for a slot. Answers take milliseconds, so a burst goes through;
/// and it is more than [`GRACE`], after which a silent one makes room.
const PATIENCE: Duration = Duration::from_millis(300);

/// How often a waiting connection looks whether another has become old enough to make room.
const STEP: Duration = Duration::from_millis(10);

/// A socket whose time-out is this close to what it should be is left as it is, which saves two system calls an answer.
const CLOSE: Duration = Duration::from_millis(2);

/// Threads beyond the slots: those that were told to leave, or tell a client to come back later.
const SPARE: usize = 32;

/// Time and bytes for a client to stop sending and read the last answer before the socket is closed.
const LINGER: Duration = Duration::from_millis(200);
const LINGER_BYTES: usize = 1024 * 1024;

/// Stops a server, and tells how it fares. Clones are of the same server.
#[derive(Debug, Clone, Default)]
pub struct Control(Arc<State>);

#[derive(Debug, Default)]
struct State {
    stopping: AtomicBool,
    /// Where it listens, once it does.
    address: OnceLock<SocketAddr>,
    accepted: AtomicU64,
    closed: AtomicU64,
    /// How many requests and connections were not answered, by the status that they were told.
    refused: Mutex<BTreeMap<u16, u64>>,
}

impl Control {
    /// Lets nobody in any more; [`serve`] finishes what runs and returns. Doing so twice is doing it once.
    pub fn stop(&self) {
        self.0.stopping.store(true, Ordering::SeqCst);
        if let Some(&address) = self.0.address.get() {
            let ip = match address.ip() {
                IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
                IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
                ip => ip,
            };
            // Wakes the accepting thread; if it cannot be reached, it is busy accepting others.
            let _ = TcpStream::connect_timeout(&(ip, address.port()).into(), SLOW);
        }
    }

    pub fn is_stopping(&self) -> bool {
        self.0.stopping.load(Ordering::SeqCst)
    }

    /// How many connections are open.
    pub fn open(&self) -> u64 {
        let closed = self.0.closed.load(Ordering::Relaxed);
        self.accepted().saturating_sub(closed)
    }

    /// How many connections there have been.
    pub fn accepted(&self) -> u64 {
        self.0.accepted.load(Ordering::Relaxed)
    }

    /// How many requests were refused or failed before anything could answer them, by status.
    pub fn refused(&self) -> BTreeMap<u16, u64> {
        self.0.refused.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn count_refused(&self, status: u16) {
        let mut refused = self.0.refused.lock().unwrap_or_else(PoisonError::into_inner);
        *refused.entry(status).or_default() += 1;
    }
}

/// Answers every request that comes in on `listener` with `handle`, until `control` stops it or the listener is shut.
///
/// `handle` runs on many threads at once, each with a stack of 512 KiB. A panic
/// in it becomes a 500. A `HEAD` reaches it as `GET`. It is also asked for the
/// words when the server itself refuses a request ([`Request::refused`]).
pub fn serve<H>(
    listener: TcpListener,
    limits: Limits,
    control: &Control,
    handle: H,
) -> io::Result<()>
where
    H: Fn(&Request) -> Response + Send + Sync + 'static,
{
    let connections = Arc::new(Connections::new(limits, control.clone()));
    let handle = Arc::new(handle);
    // A control of two servers would wake only the first.
    let _ = control.0.address.set(listener.local_addr()?);
    while !control.is_stopping() {
        match listener.accept() {
            Ok((stream, peer)) => start(stream, peer, &connections, &handle),
            Err(error) => match error.kind() {
                ErrorKind::InvalidInput => return Err(error),
                ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset => {}
                // Most likely there are no descriptors left, and one more idle connection gone helps.
                _ => connections.back_off(),
            },
        }
    }
    // Whoever has been let in by the system already is answered too.
    listener.set_nonblocking(true)?;
    while let Ok((stream, peer)) = listener.accept() {
        if stream.set_nonblocking(false).is_ok() {
            start(stream, peer, &connections, &handle);
        }
    }
    drop(listener);
    connections.drain();
    Ok(())
}

/// Gives `stream` a slot and a thread; without a thread it is closed at once.
fn start<H>(stream: TcpStream, peer: SocketAddr, connections: &Arc<Connections>, handle: &Arc<H>)
where
    H: Fn(&Request) -> Response + Send + Sync + 'static,
{
    let (connection, admitted) = Connections::admit(connections, stream, peer.ip());
    let handle = Arc::clone(handle);
    let work = move || match admitted {
        true => answer_all(connection, &*handle),
        false => connection.turn_away(&*handle),
    };
    if thread::Builder::new().name("connection".into()).stack_size(STACK).spawn(work).is_err() {
        connections.back_off();
    }
}

/// Answers one request after the other until either side wants no more.
fn answer_all(mut connection: Connection, handle: &impl Fn(&Request) -> Response) {
    loop {
        match connection.answer(handle) {
            Ok(true) => {}
            Ok(false) => return connection.linger(),
            Err(End::Refused(status)) => return connection.refuse(status, handle),
            Err(End::Gone) => return,
        }
    }
}

/// Why a connection ends before its request was answered.
#[derive(Debug, PartialEq)]
enum End {
    /// Nobody is there to be told: the client left, fell silent, does not read, or had to make room.
    Gone,
    /// The request cannot be taken, and the client is told so with this status.
    Refused(u16),
}

/// A failed read: a client that is late is told, one that left is not.
impl From<io::Error> for End {
    fn from(error: io::Error) -> End {
        match error.kind() {
            ErrorKind::TimedOut | ErrorKind::WouldBlock => End::Refused(408),
            _ => End::Gone,
        }
    }
}

/// All open connections, and how many there may be.
struct Connections {
    limits: Limits,
    control: Control,
    table: Mutex<Table>,
    /// Told whenever a connection has left the table.
    left: Condvar,
}

/// What the accepting thread knows of the others.
struct Table {
    entries: HashMap<u64, Entry>,
    next: u64,
    /// When a slot was last given or given back, or an answer was last ready.
    moved: Instant,
}

/// One connection, as seen from outside its thread.
struct Entry {
    stream: Arc<TcpStream>,
    phase: Phase,
    since: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Phase {
    /// Accepted, and no byte has come yet.
    New,
    /// Between an answer and the next request.
    Idle,
    /// A part of a request has come, or an answer is being sent.
    Moving,
    Answering,
    /// Without a slot: it had to make room, or never got one.
    Leaving,
}

impl Entry {
    /// Whether the connection may be closed to make room for another.
    fn can_go(&self) -> bool {
        let age = self.since.elapsed();
        match self.phase {
            Phase::New => age >= GRACE,
            Phase::Idle => true,
            Phase::Moving => age >= SLOW,
            Phase::Answering | Phase::Leaving => false,
        }
    }
}

impl Table {
    /// Slots that are taken.
    fn taken(&self) -> usize {
        self.entries.values().filter(|entry| entry.phase != Phase::Leaving).count()
    }

    /// Takes the slot of the connection that has been idle longest, else slow longest; false if there is none.
    ///
    /// Its socket is shut, so that its thread wakes up and ends. A request that has come to an idle one by then,
    /// on a machine too busy to run that thread, is still answered.
    fn make_room(&mut self) -> bool {
        let entries = self.entries.values_mut().filter(|entry| entry.can_go());
        let first = entries.min_by_key(|entry| (entry.phase == Phase::Moving, entry.since));
        let Some(entry) = first else { return false };
        let how = if entry.phase == Phase::Moving { Shutdown::Both } else { Shutdown::Read };
        entry.phase = Phase::Leaving;
        // It fails only when the client has closed already, which wakes the thread as well.
        let _ = entry.stream.shutdown(how);
        true
    }
}

impl Connections {
    fn new(limits: Limits, control: Control) -> Connections {
        let table = Table { entries: HashMap::new(), next: 0, moved: Instant::now() };
        Connections { limits, control, table: Mutex::new(table), left: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters `stream` into the table, and tells whether it got a slot or has to be refused.
    ///
    /// When all slots are taken and none can be made free, it waits a little,
    /// but not if nothing has moved for as long already: a stuck server says so
    /// at once.
    fn admit(
        connections: &Arc<Connections>,
        stream: TcpStream,
        peer: IpAddr,
    ) -> (Connection, bool) {
        // It fails only on a connection that is gone, which the first read will find out.
        let _ = stream.set_nodelay(true);
        let stream = Arc::new(stream);
        let mut table = connections.lock();
        while table.entries.len() >= connections.limits.connections + SPARE {
            table = connections.wait(table);
        }
        let arrived = Instant::now();
        let admitted = loop {
            if table.taken() < connections.limits.connections || table.make_room() {
                break true;
            }
            if arrived.elapsed() >= PATIENCE || table.moved.elapsed() >= PATIENCE {
                break false;
            }
            table = connections.wait(table);
        };
        let now = Instant::now();
        let phase = if admitted { Phase::New } else { Phase::Leaving };
        if admitted {
            table.moved = now;
        }
        let id = table.next;
        table.next += 1;
        table.entries.insert(id, Entry { stream: Arc::clone(&stream), phase, since: now });
        connections.control.0.accepted.fetch_add(1, Ordering::Relaxed);
        let connections = Arc::clone(connections);
        let (buffer, target) = (Vec::new(), String::new());
        let timeouts = [Duration::MAX; 2];
        (Connection { id, peer, stream, timeouts, connections, buffer, target }, admitted)
    }

    /// Waits until a connection has left, at most for a [`STEP`].
    fn wait<'t>(&self, table: MutexGuard<'t, Table>) -> MutexGuard<'t, Table> {
        self.left.wait_timeout(table, STEP).unwrap_or_else(PoisonError::into_inner).0
    }

    /// Lets what runs come to its end, and closes what is idle.
    fn drain(&self) {
        let deadline = Instant::now() + self.limits.drain;
        let mut table = self.lock();
        while !table.entries.is_empty() && Instant::now() < deadline {
            let quiet = |entry: &&Entry| match entry.phase {
                Phase::New | Phase::Idle => entry.can_go(),
                _ => false,
            };
            for entry in table.entries.values().filter(quiet) {
                // What has come already is still read and answered.
                let _ = entry.stream.shutdown(Shutdown::Read);
            }
            table = self.wait(table);
        }
    }

    /// Closes a connection that can go, and gives the system a moment to recover.
    fn back_off(&self) {
        self.lock().make_room();
        thread::sleep(PAUSE);
    }

    /// Notes that connection `id` is now in `phase`; false if it had to make room meanwhile.
    fn enter(&self, id: u64, phase: Phase) -> bool {
        let table = &mut *self.lock();
        let entry = table.entries.get_mut(&id).expect("only Connection::drop removes it");
        let now = Instant::now();
        match entry.phase {
            Phase::Leaving => return false,
            Phase::Answering => table.moved = now,
            _ => {}
        }
        (entry.phase, entry.since) = (phase, now);
        true
    }

    fn leave(&self, id: u64) {
        let mut table = self.lock();
        self.control.0.closed.fetch_add(1, Ordering::Relaxed);
        if table.entries.remove(&id).is_some_and(|entry| entry.phase != Phase::Leaving) {
            table.moved = Instant::now();
        }
        self.left.notify_one();
    }
}

/// One connection, owned by its thread. Dropping it gives back the slot and closes the socket.
struct Connection {
    id: u64,
    peer: IpAddr,
    /// Shared with the table, not cloned, which would cost a second descriptor.
    stream: Arc<TcpStream>,
    /// What the time-outs of the socket are set to: for reading and for writing.
    timeouts: [Duration; 2],
    connections: Arc<Connections>,
    /// What has come and was not used yet.
    buffer: Vec<u8>,
    /// The address of the last head.
    target: String,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.connections.leave(self.id);
    }
}

impl Connection {
    /// Answers the next request and tells whether another may follow.
    fn answer(&mut self, handle: &impl Fn(&Request) -> Response) -> Result<bool, End> {
        self.target.clear();
        let mut head = self.read_head()?;
        self.target.clone_from(&head.request.target);
        head.request.peer = Some(self.peer.to_canonical());
        head.request.body = self.read_body(&head)?;
        self.enter(Phase::Answering);
        let response = catch_unwind(AssertUnwindSafe(|| handle(&head.request)));
        let response = response.unwrap_or_else(|_| {
            self.connections.control.count_refused(500);
            refusal(500, &self.target, handle)
        });
        let stays = self.enter(Phase::Moving);
        let keep_alive = head.keep_alive && stays && !self.connections.control.is_stopping();
        let connection = match (keep_alive, head.minor) {
            (false, _) => Some("close"),
            (true, 0) => Some("keep-alive"),
            (true, _) => None,
        };
        self.answer_with(&response, head.is_head, connection)?;
        Ok(keep_alive && (!self.buffer.is_empty() || self.enter(Phase::Idle)))
    }

    fn enter(&self, phase: Phase) -> bool {
        self.connections.enter(self.id, phase)
    }

    /// Takes the next head out of the buffer, reading on as long as it is not complete.
    ///
    /// Empty lines before it are skipped and do not count as its first byte.
    /// A client that sends none within the idle time is left without a word.
    fn read_head(&mut self) -> Result<Head, End> {
        let idle_deadline = Instant::now() + self.connections.limits.idle;
        let mut deadline = None;
        loop {
            skip_empty_lines(&mut self.buffer);
            encode_target(&mut self.buffer);
            if let Some((head, length)) =
                parse(&self.buffer, &self.connections.limits).map_err(End::Refused)?
            {
                self.buffer.drain(..length);
                return Ok(head);
            }
            if deadline.is_none() && !self.buffer.is_empty() {
                self.enter(Phase::Moving);
                deadline = Some(Instant::now() + self.connections.limits.head);
            }
            match deadline {
                Some(deadline) => self.fill(deadline)?,
                None => self.fill(idle_deadline).map_err(|_| End::Gone)?,
            }
        }
    }

    /// Takes the body that `head` announces out of the buffer, reading on as long as it is not complete.
    fn read_body(&mut self, head: &Head) -> Result<Vec<u8>, End> {
        if head.framing == Framing::Length(0) {
            return Ok(Vec::new());
        }
        self.enter(Phase::Moving);
        if head.expects && self.buffer.is_empty() {
            self.send(b"HTTP/1.1 100 Continue\r\n\r\n", &[])?;
        }
        let deadline = Instant::now() + self.connections.limits.body;
        match head.framing {
            Framing::Length(length) => self.take(length, deadline),
            Framing::Chunked => self.read_chunks(deadline),
        }
    }

    /// Takes a chunked body: lines with a length in hexadecimal, each before so many bytes; trailers are dropped.
    fn read_chunks(&mut self, deadline: Instant) -> Result<Vec<u8>, End> {
        let mut body = Vec::new();
        loop {
            let length = chunk_length(&self.take_line(deadline)?).ok_or(End::Refused(400))?;
            if length == 0 {
                while !self.take_line(deadline)?.is_empty() {}
                return Ok(body);
            }
            let room = self.connections.limits.body_bytes - body.len();
            if length > room {
                return Err(End::Refused(413));
            }
            body.extend(self.take(length, deadline)?);
            if !self.take_line(deadline)?.is_empty() {
                return Err(End::Refused(400));
            }
        }
    }

    /// Takes `length` bytes out of the buffer once they are there.
    fn take(&mut self, length: usize, deadline: Instant) -> Result<Vec<u8>, End> {
        while self.buffer.len() < length {
            self.fill(deadline)?;
        }
        let rest = self.buffer.split_off(length);
        Ok(mem::replace(&mut self.buffer, rest))
    }

    /// Takes a line out of the buffer once it is there, and returns it without its end.
    fn take_line(&mut self, deadline: Instant) -> Result<Vec<u8>, End> {
        loop {
            if let Some(end) = self.buffer.iter().position(|&byte| byte == b'\n') {
                let mut line = self.take(end + 1, deadline)?;
                line.truncate(end);
                if line.last() == Some(&b'\r') {
                    line.pop();
                }
                return Ok(line);
            }
            if self.buffer.len() >= self.connections.limits.head_bytes {
                return Err(End::Refused(400));
            }
            self.fill(deadline)?;
        }
    }

    /// Adds to the buffer what comes next.
    fn fill(&mut self, deadline: Instant) -> Result<(), End> {
        let mut bytes = [0; READ];
        let count = self.read(&mut bytes, deadline)?;
        if count == 0 {
            return Err(End::Gone);
        }
        self.buffer.extend_from_slice(&bytes[..count]);
        Ok(())
    }

    /// Sends `response`, without the body if the request was a `HEAD`; `connection` is the value of that header.
    fn answer_with(
        &mut self,
        response: &Response,
        is_head: bool,
        connection: Option<&str>,
    ) -> Result<(), End> {
        let bodiless = is_head || matches!(response.status, 204 | 304);
        self.send(&head(response, connection), if bodiless { &[] } else { &response.body })
    }

    /// Sends `head` and `body`, in one write if the client keeps reading.
    fn send(&mut self, head: &[u8], body: &[u8]) -> Result<(), End> {
        let deadline = Instant::now() + self.connections.limits.write;
        self.write(head, body, deadline).map_err(|_| End::Gone)
    }

    /// Reads what there is, waiting for it until `deadline`; 0 at the end.
    fn read(&mut self, bytes: &mut [u8], deadline: Instant) -> io::Result<usize> {
        loop {
            wait_until(deadline, &mut self.timeouts[0], |left| self.stream.set_read_timeout(left))?;
            match (&*self.stream).read(bytes) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }

    /// Writes all of `head` and `body`, or fails at `deadline`.
    fn write(&mut self, head: &[u8], body: &[u8], deadline: Instant) -> io::Result<()> {
        let mut parts = [IoSlice::new(head), IoSlice::new(body)];
        let mut rest = &mut parts[..];
        // Takes off what is empty.
        IoSlice::advance_slices(&mut rest, 0);
        while !rest.is_empty() {
            wait_until(deadline, &mut self.timeouts[1], |left| {
                self.stream.set_write_timeout(left)
            })?;
            match (&*self.stream).write_vectored(rest) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => IoSlice::advance_slices(&mut rest, count),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Tells a client for whom there is no slot to come back later.
    fn turn_away(mut self, handle: &impl Fn(&Request) -> Response) {
        // What it asks for decides how it is told; a client that has not asked yet is told all the same.
        let _ = self.fill(Instant::now() + GLANCE);
        self.refuse(503, handle);
    }

    /// Tells the client why its request was not answered, and closes.
    fn refuse(mut self, status: u16, handle: &impl Fn(&Request) -> Response) {
        self.connections.control.count_refused(status);
        let begun = target(&self.buffer);
        let target = if self.target.is_empty() { &begun } else { &self.target };
        let response = refusal(status, target, handle);
        if self.answer_with(&response, false, Some("close")).is_ok() {
            self.linger();
        }
    }

    /// Closes after the last answer.
    ///
    /// Closing with unread bytes makes the kernel send a reset, which can
    /// destroy the answer on its way. So the client is told that no more comes,
    /// and gets a moment to stop sending.
    fn linger(mut self) {
        let deadline = Instant::now() + LINGER;
        let mut bytes = [0; READ];
        let mut total = 0;
        let mut open = self.stream.shutdown(Shutdown::Write).is_ok();
        while open && total < LINGER_BYTES {
            let count = self.read(&mut bytes, deadline).unwrap_or(0);
            total += count;
            open = count > 0;
        }
    }
}

/// Lets a socket give up at `deadline`: calls `set` unless its time-out is `now` close enough.
///
/// Fails with `TimedOut` if no time is left, since a socket takes zero for "no limit".
fn wait_until(
    deadline: Instant,
    now: &mut Duration,
    set: impl FnOnce(Option<Duration>) -> io::Result<()>,
) -> io::Result<()> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(ErrorKind::TimedOut.into());
    }
    if left.abs_diff(*now) > CLOSE {
        set(Some(left))?;
        *now = left;
    }
    Ok(())
}

/// What a client is told when it gets no answer: the words of `handle`, or plain ones if it has none.
fn refusal(status: u16, target: &str, handle: &impl Fn(&Request) -> Response) -> Response {
    let request =
        Request { target: target.to_owned(), refused: Some(status), ..Request::default() };
    let response = catch_unwind(AssertUnwindSafe(|| handle(&request)));
    let mut response = response.unwrap_or_else(|_| super::text("服务器内部出错，请重试"));
    response.status = status;
    if status == 503 {
        response.headers.push(("Retry-After", "1".into()));
    }
    response
}

/// The head of `response`; `connection` is the value of that header.
fn head(response: &Response, connection: Option<&str>) -> Vec<u8> {
    let mut head = Vec::with_capacity(1024);
    let status = tiny_http::StatusCode(response.status);
    let reason = status.default_reason_phrase();
    head.extend(format!("HTTP/1.1 {} {reason}\r\n", status.0).into_bytes());
    let length = response.body.len().to_string();
    // A length other than the body's would shift every answer after it; these two have neither.
    let length = (!matches!(response.status, 204 | 304)).then_some(("Content-Length", &*length));
    let date = httpdate::fmt_http_date(SystemTime::now());
    let own = [("Server", "jieda"), ("Date", &date)];
    let given = response.headers.iter().map(|(name, value)| (*name, &**value));
    let given = given.filter(|(name, _)| !name.eq_ignore_ascii_case("content-length"));
    let connection = connection.map(|value| ("Connection", value));
    for (name, value) in own.into_iter().chain(connection).chain(given).chain(length) {
        put(&mut head, name, value);
    }
    head.extend_from_slice(b"\r\n");
    head
}

/// The only place where headers are written: whatever is not printable ASCII in `value` is percent-encoded.
///
/// So no value can start a line of its own, and an address with Chinese in it is right as it is.
fn put(head: &mut Vec<u8>, name: &str, value: &str) {
    head.extend_from_slice(name.as_bytes());
    head.extend_from_slice(b": ");
    // Nearly all are, and a look at all bytes at once is quicker than at each.
    if value.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        head.extend_from_slice(value.as_bytes());
    } else {
        let pieces = utf8_percent_encode(value, CONTROLS);
        pieces.for_each(|piece| head.extend_from_slice(piece.as_bytes()));
    }
    head.extend_from_slice(b"\r\n");
}
