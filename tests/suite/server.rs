#![allow(clippy::print_stdout, reason = "`server_process` tells its port")]
//! Attacks on the server, and what honest clients need of it. Loopback only.

use jieda::web::{Control, Limits, Request, Response, serve};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Condvar, Mutex};
use std::time::{Duration, Instant};
use std::{env, process, thread};

/// No test waits longer than this for anything.
const PATIENCE: Duration = Duration::from_secs(8);

fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

fn start<H>(limits: Limits, handle: H) -> SocketAddr
where
    H: Fn(&Request) -> Response + Send + Sync + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || serve(listener, limits, &Control::default(), handle));
    address
}

fn echo_server() -> SocketAddr {
    start(Limits::default(), echo)
}

/// Says what arrived: `GET /target body`. Some targets get answers of their own.
fn echo(request: &Request) -> Response {
    let text = |text: &str| Response {
        status: 200,
        headers: vec![("Content-Type", "text/plain; charset=utf-8".into())],
        body: text.as_bytes().into(),
        ..Response::default()
    };
    match request.target.as_str() {
        "/panic" => panic!("a mistake in a route"),
        "/slow" => {
            thread::sleep(millis(1500));
            text("slow")
        }
        "/large" => text(&"x".repeat(100_000)),
        "/none" => Response { status: 204, ..Response::default() },
        "/same" => Response { status: 304, ..text("not sent") },
        "/wrong-length" => {
            let mut response = text("four");
            response.headers.push(("content-length", "2".into()));
            response
        }
        "/inject" => {
            let mut response = text("");
            response.headers.push(("Location", "/a\r\nSet-Cookie: evil=1\r\n\r\n<b>备案".into()));
            response
        }
        target => {
            let body = String::from_utf8_lossy(&request.body);
            text(&format!("{} {target} {body}", request.method))
        }
    }
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

fn get(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: here\r\n\r\n")
}

/// One answer as it came.
#[derive(Debug)]
struct Answer {
    head: String,
    body: String,
}

impl Answer {
    fn status(&self) -> u16 {
        self.head.split(' ').nth(1).unwrap().parse().unwrap()
    }

    fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

fn read_head(reader: &mut impl BufRead) -> String {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert_ne!(reader.read_line(&mut head).unwrap(), 0, "closed within the head {head:?}");
    }
    assert!(head.starts_with("HTTP/1.1 "), "not a head: {head:?}");
    head
}

/// Reads one answer, its body as long as `Content-Length` says.
fn read_answer(reader: &mut impl BufRead) -> Answer {
    let mut answer = Answer { head: read_head(reader), body: String::new() };
    let length = answer.header("Content-Length").map_or(0, |value| value.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    answer.body = String::from_utf8(body).unwrap();
    answer
}

/// Sends `bytes` on a new connection and returns all that comes until the server closes, which must not be a reset.
fn exchange(address: SocketAddr, bytes: impl AsRef<[u8]>) -> String {
    let mut stream = connect(address);
    stream.write_all(bytes.as_ref()).unwrap();
    let mut all = String::new();
    stream.read_to_string(&mut all).unwrap();
    all
}

/// Asks on a new connection; an error is a connection that was closed without an answer.
fn ask(address: SocketAddr, target: &str) -> std::io::Result<u16> {
    let mut stream = connect(address);
    let request = format!("GET {target} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut all = String::new();
    stream.read_to_string(&mut all)?;
    let status = all.split(' ').nth(1).ok_or(std::io::ErrorKind::UnexpectedEof)?;
    Ok(status.parse().unwrap())
}

/// Waits until the server has closed `stream`, and returns how long that took.
fn time_to_close(stream: &mut TcpStream) -> Duration {
    let start = Instant::now();
    let mut rest = Vec::new();
    match stream.read_to_end(&mut rest) {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset),
    }
    start.elapsed()
}

/// A door that stays shut until it is opened, for handlers that take long.
#[derive(Default)]
struct Door {
    open: Mutex<bool>,
    opened: Condvar,
}

impl Door {
    fn open(&self) {
        *self.open.lock().unwrap() = true;
        self.opened.notify_all();
    }

    fn pass(&self) {
        let open = self.open.lock().unwrap();
        drop(self.opened.wait_while(open, |open| !*open).unwrap());
    }
}

// What honest clients need

#[test]
fn answers_on_one_connection_again_and_again() {
    let mut stream = BufReader::new(connect(echo_server()));
    for round in 0..3 {
        stream.get_mut().write_all(get(&format!("/{round}")).as_bytes()).unwrap();
        let answer = read_answer(&mut stream);
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.body, format!("GET /{round} "));
        assert_eq!(answer.header("Server"), Some("jieda"));
        assert_eq!(answer.header("Connection"), None);
        assert!(answer.header("Date").is_some());
    }
}

/// Two writes an answer, or Nagle's algorithm between two answers, cost 40 ms each time.
#[test]
fn many_pages_take_no_time() {
    let mut stream = BufReader::new(connect(echo_server()));
    let start = Instant::now();
    for _ in 0..50 {
        stream.get_mut().write_all((get("/large") + &get("/small").repeat(2)).as_bytes()).unwrap();
        let answer = read_answer(&mut stream);
        assert_eq!(answer.header("Transfer-Encoding"), None);
        assert_eq!(answer.body.len(), 100_000);
        for _ in 0..2 {
            assert_eq!(read_answer(&mut stream).body, "GET /small ");
        }
    }
    assert!(start.elapsed() < millis(1500), "took {:?}", start.elapsed());
}

#[test]
fn a_burst_of_connections_is_served() {
    let address = echo_server();
    for _ in 0..5 {
        let barrier = Arc::new(Barrier::new(64));
        let client = |barrier: Arc<Barrier>| {
            thread::spawn(move || {
                let mut stream = BufReader::new(connect(address));
                barrier.wait();
                for _ in 0..3 {
                    stream.get_mut().write_all(get("/").as_bytes()).unwrap();
                    assert_eq!(read_answer(&mut stream).status(), 200);
                }
            })
        };
        let clients: Vec<_> = (0..64).map(|_| client(Arc::clone(&barrier))).collect();
        clients.into_iter().for_each(|client| client.join().unwrap());
    }
}

/// A new connection whose request is still on its way must not make room.
#[test]
fn a_burst_beyond_the_bound_waits_for_its_turn() {
    let limits = Limits { connections: 4, ..Limits::default() };
    let address = start(limits, |request| {
        thread::sleep(millis(2));
        echo(request)
    });
    let clients: Vec<_> = (0..64).map(|_| thread::spawn(move || ask(address, "/"))).collect();
    for client in clients {
        assert_eq!(client.join().unwrap().unwrap(), 200);
    }
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let mut stream = BufReader::new(connect(echo_server()));
    let mut requests: String = (0..200).map(|number| get(&format!("/{number}"))).collect();
    requests.insert_str(0, "POST /first HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc\r\n");
    stream.get_mut().write_all(requests.as_bytes()).unwrap();
    assert_eq!(read_answer(&mut stream).body, "POST /first abc");
    for number in 0..200 {
        assert_eq!(read_answer(&mut stream).body, format!("GET /{number} "));
    }
}

#[test]
fn a_request_may_come_byte_by_byte() {
    let mut stream = connect(echo_server());
    let request = "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi";
    for byte in request.as_bytes() {
        stream.write_all(&[*byte]).unwrap();
        thread::sleep(millis(1));
    }
    let mut all = String::new();
    stream.read_to_string(&mut all).unwrap();
    assert!(all.ends_with("POST /a hi"), "{all}");
}

#[test]
fn heads_are_read_generously() {
    #[track_caller]
    fn check(request: impl AsRef<[u8]>, body: &str) {
        let mut stream = BufReader::new(connect(echo_server()));
        stream.get_mut().write_all(request.as_ref()).unwrap();
        assert_eq!(read_answer(&mut stream).body, body);
    }
    check("\r\n\r\nGET /a HTTP/1.1\r\nHost: a\r\n\r\n", "GET /a ");
    check("\n\nGET /a HTTP/1.1\r\nHost: a\r\n\r\n", "GET /a ");
    check("GET /a HTTP/1.1\nHost: a\n\n", "GET /a ");
    check("GET http://here/a?b=c HTTP/1.1\r\nHost: here\r\n\r\n", "GET /a?b=c ");
    check("GET HTTP://here HTTP/1.1\r\nHost: here\r\n\r\n", "GET / ");
    check("GET http://here?b HTTP/1.1\r\nHost: here\r\n\r\n", "GET /?b ");
    check("OPTIONS * HTTP/1.1\r\nHost: here\r\n\r\n", "OPTIONS * ");
    check("GET /a HTTP/1.1\r\nHost: a\r\nTE: a;q=NaN\r\n\r\n", "GET /a ");
    check(
        "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
        "POST /a x",
    );
    check(get("/search?q=备案"), "GET /search?q=%E5%A4%87%E6%A1%88 ");
    check(b"GET /\xb1\xb8 HTTP/1.1\r\nHost: a\r\nX: \xb1\xb8\r\n\r\n", "GET /%B1%B8 ");
    check("\r\n\r\n\r\n".repeat(9000) + &get("/a"), "GET /a ");
}

#[test]
fn chunked_bodies_are_put_together() {
    let mut stream = BufReader::new(connect(echo_server()));
    let head = "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n";
    let body = "3\r\nabc\r\n0A;x=\"y\"\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n";
    let requests = format!("{head}{body}{head}0\r\n\r\n{}", get("/next"));
    stream.get_mut().write_all(requests.as_bytes()).unwrap();
    assert_eq!(read_answer(&mut stream).body, "POST /a abc0123456789");
    assert_eq!(read_answer(&mut stream).body, "POST /a ");
    assert_eq!(read_answer(&mut stream).body, "GET /next ");
}

#[test]
fn the_body_is_asked_for_when_the_client_waits() {
    let mut stream = BufReader::new(connect(echo_server()));
    let head = "POST /a HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 4\r\n\r\n";
    stream.get_mut().write_all(head.as_bytes()).unwrap();
    assert_eq!(read_head(&mut stream), "HTTP/1.1 100 Continue\r\n\r\n");
    stream.get_mut().write_all(b"body").unwrap();
    assert_eq!(read_answer(&mut stream).body, "POST /a body");
}

#[test]
fn head_gets_the_headers_of_get() {
    let mut stream = BufReader::new(connect(echo_server()));
    let mut heads = Vec::new();
    for method in ["GET", "HEAD"] {
        let request = format!("{method} /page HTTP/1.1\r\nHost: a\r\n\r\n");
        stream.get_mut().write_all(request.as_bytes()).unwrap();
        let mut head = read_head(&mut stream);
        head.replace_range(head.find("Date").unwrap()..head.find("GMT").unwrap(), "");
        heads.push(head);
        if method == "GET" {
            stream.read_exact(&mut [0; "GET /page ".len()]).unwrap();
        }
    }
    assert_eq!(heads[0], heads[1]);
    stream.get_mut().write_all(get("/next").as_bytes()).unwrap();
    assert_eq!(read_answer(&mut stream).body, "GET /next ");
}

#[test]
fn some_answers_have_no_body_and_no_length() {
    let mut stream = BufReader::new(connect(echo_server()));
    for (target, status) in [("/none", 204), ("/same", 304)] {
        stream.get_mut().write_all((get(target) + &get("/next")).as_bytes()).unwrap();
        let answer = read_answer(&mut stream);
        assert_eq!(answer.status(), status);
        assert_eq!(answer.header("Content-Length"), None);
        assert_eq!(read_answer(&mut stream).body, "GET /next ");
    }
}

#[test]
fn connections_close_when_they_should() {
    #[track_caller]
    fn check(request: &str, connection: &str) {
        let all = exchange(echo_server(), request);
        assert!(all.contains(&format!("\r\nConnection: {connection}\r\n")), "{all}");
        assert_eq!(all.matches("200 OK").count(), 1, "{all}");
    }
    check("GET / HTTP/1.0\r\n\r\n", "close");
    check("GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n", "close");
    check("GET / HTTP/1.0\r\nConnection: close, keep-alive\r\n\r\n", "close");
    let close = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    check(&(close.to_owned() + &get("/not-answered")), "close");

    let mut stream = BufReader::new(connect(echo_server()));
    for _ in 0..2 {
        stream.get_mut().write_all(b"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").unwrap();
        assert_eq!(read_answer(&mut stream).header("Connection"), Some("keep-alive"));
    }
}

#[test]
fn a_client_may_close_its_side_after_the_request() {
    let mut stream = BufReader::new(connect(echo_server()));
    stream.get_mut().write_all(get("/").as_bytes()).unwrap();
    stream.get_mut().shutdown(Shutdown::Write).unwrap();
    assert_eq!(read_answer(&mut stream).status(), 200);
    assert_eq!(stream.read(&mut [0]).unwrap(), 0);
}

// Requests that are refused

#[test]
fn bad_requests_get_their_status() {
    let address = echo_server();
    let check = |request: &[u8], status: u16| {
        let all = exchange(address, request);
        let shown = String::from_utf8_lossy(request);
        assert!(all.starts_with(&format!("HTTP/1.1 {status} ")), "{shown:?} got {all}");
        assert!(all.contains("\r\nConnection: close\r\n"), "{all}");
        assert!(!all.ends_with("\r\n\r\n"), "no word to the reader: {all}");
    };
    let with = |line: &str| format!("POST / HTTP/1.1\r\nHost: a\r\n{line}\r\n\r\n").into_bytes();
    check(b"GET / HTTP/2.0\r\n\r\n", 505);
    check(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505);
    check(b"GET / FTP/1.1\r\n\r\n", 400);
    check(b"GET /\r\n\r\n", 400);
    check(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello from tls", 400);
    check("备案 / HTTP/1.1\r\nHost: a\r\n\r\n".as_bytes(), 400);
    check(b"GET / HTTP/1.1\r\n\r\n", 400);
    check(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400);
    check(b"GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    check(b"GET search HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    check(b"GET ftp://here/ HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    check(b"CONNECT here:80 HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    check(&with("X : y"), 400);
    check(&with("X: y\r\n folded"), 400);
    check(&with("X: a\rb"), 400);
    check(&with("X: a\0b"), 400);

    check(&with("Content-Length: 65537"), 413);
    check(&with("Content-Length: 1000000000000"), 413);
    check(&with("Content-Length: 99999999999999999999999999"), 413);
    check(&with("Content-Length: -1"), 400);
    check(&with("Content-Length: +1"), 400);
    check(&with("Content-Length: 1, 1"), 400);
    check(&with("Content-Length:"), 400);
    check(&with("Content-Length: 1\r\nContent-Length: 2"), 400);
    check(&with("Content-Length: 1\r\nTransfer-Encoding: chunked"), 400);
    check(&with("Transfer-Encoding: gzip"), 501);
    check(&with("Transfer-Encoding: chunked, identity"), 501);
    check(&with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"), 501);
    check(b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400);
    check(&with("Expect: a-miracle"), 417);
    check(&with("Expect: 100-continue\r\nContent-Length: 65537"), 413);

    let chunks = |body: &str| [&with("Transfer-Encoding: chunked"), body.as_bytes()].concat();
    check(&chunks("zz\r\n"), 400);
    check(&chunks("\r\n"), 400);
    check(&chunks("-1\r\n"), 400);
    check(&chunks("+1\r\nx\r\n"), 400);
    check(&chunks("1\r\nxx\r\n"), 400);
    check(&chunks(&"1".repeat(40_000)), 400);
    check(&chunks("10001\r\n"), 413);
    check(&chunks("FFFFFFFFFFFFFFFF\r\n"), 413);
    check(&chunks("FFFFFFFFFFFFFFFFFFFFFFFF\r\n"), 413);
}

#[test]
fn large_heads_are_refused() {
    let address = echo_server();
    let head =
        |fill: usize| format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(fill));
    let frame = head(0).len();
    let status = |request: String| {
        let mut stream = BufReader::new(connect(address));
        stream.get_mut().write_all(request.as_bytes()).unwrap();
        read_answer(&mut stream).status()
    };
    assert_eq!(status(head(32 * 1024 - frame)), 200);
    assert_eq!(status(head(32 * 1024 - frame + 1)), 431);
    assert_eq!(status("A".repeat(100_000)), 414);
    assert_eq!(status(get(&format!("/{}", "备".repeat(4000)))), 414);
    let headers = |count: usize| {
        let lines: String = (1..count).map(|number| format!("X{number}: y\r\n")).collect();
        format!("GET / HTTP/1.1\r\nHost: a\r\n{lines}\r\n")
    };
    assert_eq!(status(headers(64)), 200);
    assert_eq!(status(headers(65)), 431);
}

/// A person reads a page and a program problem details, so who answers has to know what was asked for.
#[test]
fn the_words_of_a_refusal_come_from_the_pages() {
    let handle = |request: &Request| match request.refused {
        Some(status) => Response {
            status: 200,
            body: format!("{status} {}", request.target).into_bytes().into(),
            ..Response::default()
        },
        None => echo(request),
    };
    let address = start(Limits { body: millis(300), ..Limits::default() }, handle);
    #[track_caller]
    fn check(address: SocketAddr, request: &str, words: &str) {
        let all = exchange(address, request);
        let status = words.split(' ').next().unwrap();
        assert!(all.contains(&format!("HTTP/1.1 {status} ")), "{all}");
        assert_eq!(all.rsplit("\r\n\r\n").next().unwrap(), words);
    }
    let post = "POST /feedback HTTP/1.1\r\nHost: a\r\n";
    check(address, &format!("{post}Content-Length: 65537\r\n\r\n"), "413 /feedback");
    check(address, &format!("{post}Content-Length: 5\r\n\r\n"), "408 /feedback");
    check(address, &format!("{}{post}X\r\n\r\n", get("/")), "400 /feedback");
    check(address, "GET /api/v1/ask?q=a HTTP/1.1\r\n\r\n", "400 /api/v1/ask?q=a");
    check(address, "rubbish\r\n\r\n", "400 ");
    let long = format!("/search?q={}", "x".repeat(40_000));
    check(address, &get(&long), &format!("414 {}", &long[..2000]));
}

#[test]
fn large_bodies_fit_up_to_the_limit() {
    let address = echo_server();
    let body = "x".repeat(64 * 1024);
    let head = "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n";
    let all = exchange(address, format!("{head}Content-Length: 65536\r\n\r\n{body}"));
    assert!(all.contains("200 OK") && all.ends_with(&body));
    let tiny: String = "1\r\nx\r\n".repeat(64 * 1024);
    let all = exchange(address, format!("{head}Transfer-Encoding: chunked\r\n\r\n{tiny}0\r\n\r\n"));
    assert!(all.contains("200 OK") && all.ends_with(&body));
    let all =
        exchange(address, format!("{head}Transfer-Encoding: chunked\r\n\r\n{tiny}1\r\nx\r\n"));
    assert!(all.starts_with("HTTP/1.1 413 "), "{all}");
}

/// Unread bytes, or bytes after the close, cause a reset, which can overtake the answer.
#[test]
fn a_refusal_arrives_while_the_client_is_still_sending() {
    let mut stream = connect(echo_server());
    stream.write_all(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 500000\r\n\r\n").unwrap();
    for _ in 0..3 {
        stream.write_all(&[b'x'; 50_000]).unwrap();
        thread::sleep(millis(30));
    }
    let mut all = String::new();
    stream.read_to_string(&mut all).unwrap();
    assert!(all.starts_with("HTTP/1.1 413 "));
}

/// The client is given a moment, not a thread.
#[test]
fn a_refused_client_that_goes_on_sending_is_left() {
    let mut stream = connect(echo_server());
    stream.write_all(b"rubbish\r\n").unwrap();
    let start = Instant::now();
    while stream.write_all(&[b'x'; 1000]).is_ok() {
        assert!(start.elapsed() < millis(2000), "the thread is still held");
        thread::sleep(millis(10));
    }
}

// Attacks

#[test]
fn a_dribbled_head_ends_at_the_deadline() {
    check_dribble("GET / HTTP/1.1\r\nHost: a\r\nX: ");
}

#[test]
fn a_dribbled_body_ends_at_the_deadline() {
    check_dribble("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n");
}

#[test]
fn a_dribbled_chunk_ends_at_the_deadline() {
    check_dribble("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;");
}

/// After `beginning`, a byte every 50 ms gains no time.
#[track_caller]
fn check_dribble(beginning: &str) {
    let limits = Limits { head: millis(500), body: millis(500), ..Limits::default() };
    let mut stream = connect(start(limits, echo));
    let mut sender = stream.try_clone().unwrap();
    sender.write_all(beginning.as_bytes()).unwrap();
    let start = Instant::now();
    let dribble = thread::spawn(move || {
        while start.elapsed() < PATIENCE && sender.write_all(b"x").is_ok() {
            thread::sleep(millis(50));
        }
    });
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 408");
    time_to_close(&mut stream);
    let took = start.elapsed();
    assert!(took > millis(450) && took < millis(1500), "took {took:?}");
    dribble.join().unwrap();
}

#[test]
fn idle_connections_are_closed() {
    let limits = Limits { idle: millis(300), ..Limits::default() };
    let address = start(limits, echo);
    let mut fresh = connect(address);
    let mut blank = connect(address);
    let mut used = connect(address);
    used.write_all(get("/").as_bytes()).unwrap();
    for _ in 0..4 {
        thread::sleep(millis(100));
        let _ = blank.write_all(b"\r\n");
    }
    for stream in [&mut fresh, &mut blank, &mut used] {
        assert!(time_to_close(stream) < millis(500));
    }
}

#[test]
fn idle_connections_make_room_the_longest_first() {
    let limits = Limits { connections: 4, ..Limits::default() };
    let address = start(limits, echo);
    let mut idle = Vec::new();
    for number in 0..12 {
        let mut stream = BufReader::new(connect(address));
        if number % 2 == 0 {
            stream.get_mut().write_all(get("/").as_bytes()).unwrap();
            read_answer(&mut stream);
        }
        idle.push(stream);
        // Four of these make a connection old enough to count as idle though it never sent anything.
        thread::sleep(millis(80));
    }
    let start = Instant::now();
    assert_eq!(ask(address, "/").unwrap(), 200);
    assert!(start.elapsed() < millis(500), "took {:?}", start.elapsed());
    for stream in &mut idle[..9] {
        assert!(time_to_close(stream.get_mut()) < millis(500));
    }
    let last = idle.last_mut().unwrap();
    last.get_mut().write_all(get("/still").as_bytes()).unwrap();
    assert_eq!(read_answer(last).body, "GET /still ");
}

#[test]
fn slow_senders_make_room_after_a_second() {
    let limits = Limits { connections: 2, ..Limits::default() };
    let address = start(limits, echo);
    let mut head = connect(address);
    head.write_all(b"GET / HTTP/1.1\r\n").unwrap();
    thread::sleep(millis(20));
    let mut body = connect(address);
    body.write_all(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n").unwrap();
    thread::sleep(millis(20));
    assert_eq!(ask(address, "/").unwrap(), 503);
    thread::sleep(millis(1100));
    assert_eq!(ask(address, "/").unwrap(), 200);
    assert!(time_to_close(&mut head) < millis(100));
    body.write_all(b"123456789").unwrap();
    assert_eq!(read_answer(&mut BufReader::new(body)).body, "POST / 123456789");
}

#[test]
fn when_all_are_being_answered_others_come_back_later() {
    let door = Arc::new(Door::default());
    let handle = {
        let door = Arc::clone(&door);
        move |request: &Request| {
            if request.target == "/door" {
                door.pass();
            }
            echo(request)
        }
    };
    let limits = Limits { connections: 2, ..Limits::default() };
    let address = start(limits, handle);
    let slow = || thread::spawn(move || ask(address, "/door").unwrap());
    let busy = [slow(), slow()];
    thread::sleep(millis(400));
    // More of them than there are spare threads, and a request that is never read.
    let start = Instant::now();
    for _ in 0..50 {
        let all = exchange(address, "x".repeat(5000));
        assert!(all.starts_with("HTTP/1.1 503 "), "{all}");
        assert!(
            all.contains("\r\nRetry-After: 1\r\n") && all.contains("\r\nConnection: close\r\n")
        );
    }
    assert!(start.elapsed() < millis(2000), "took {:?}", start.elapsed());
    door.open();
    for client in busy {
        assert_eq!(client.join().unwrap(), 200);
    }
    assert_eq!(ask(address, "/").unwrap(), 200);
}

/// It is never idle and never slow, so it keeps its slot; but the others are told.
#[test]
fn a_client_that_never_stops_asking_does_not_silence_the_rest() {
    let limits = Limits { connections: 1, ..Limits::default() };
    let address = start(limits, |request| {
        thread::sleep(millis(2));
        echo(request)
    });
    let start = Instant::now();
    let mut stream = connect(address);
    // Three seconds' worth, all there before the second is answered. The server reads powers of two,
    // and 31 bytes do not end where a read does, after which it would be idle for a moment.
    assert_eq!(get("/a").len(), 31);
    stream.write_all(get("/a").repeat(1500).as_bytes()).unwrap();
    // Who is answered has the only place.
    stream.read_exact(&mut [0]).unwrap();
    assert_eq!(ask(address, "/").unwrap(), 503);
    assert!(start.elapsed() < millis(1500), "took {:?}", start.elapsed());
}

#[test]
fn a_client_that_never_reads_is_left_at_the_write_deadline() {
    let answered = Arc::new(AtomicUsize::new(0));
    let handle = {
        let answered = Arc::clone(&answered);
        move |request: &Request| {
            answered.fetch_add(1, Ordering::Relaxed);
            echo(request)
        }
    };
    let limits = Limits { write: millis(300), ..Limits::default() };
    let mut stream = connect(start(limits, handle));
    stream.write_all(get("/large").repeat(3000).as_bytes()).unwrap();
    let start = Instant::now();
    // Once the server has closed, what is sent here fails.
    while stream.write_all(b"x").is_ok() {
        assert!(start.elapsed() < millis(3000), "the thread is still held");
        thread::sleep(millis(20));
    }
    assert!(answered.load(Ordering::Relaxed) < 1000);
}

#[test]
fn a_client_that_never_reads_makes_room_after_a_second() {
    let limits = Limits { connections: 1, ..Limits::default() };
    let address = start(limits, echo);
    let mut stream = connect(address);
    stream.write_all(get("/large").repeat(300).as_bytes()).unwrap();
    thread::sleep(millis(1500));
    assert_eq!(ask(address, "/").unwrap(), 200);
}

#[test]
fn a_panic_in_a_route_is_an_answer() {
    let mut stream = BufReader::new(connect(echo_server()));
    for _ in 0..2 {
        stream.get_mut().write_all(get("/panic").as_bytes()).unwrap();
        let answer = read_answer(&mut stream);
        assert_eq!(answer.status(), 500);
        assert_eq!(answer.body, "服务器内部出错，请重试");
        assert_eq!(answer.header("Content-Type"), Some("text/plain; charset=utf-8"));
    }
}

#[test]
fn headers_cannot_be_injected() {
    let mut stream = BufReader::new(connect(echo_server()));
    stream.get_mut().write_all(get("/inject").as_bytes()).unwrap();
    let answer = read_answer(&mut stream);
    assert_eq!(answer.header("Set-Cookie"), None);
    let expected = "/a%0D%0ASet-Cookie: evil=1%0D%0A%0D%0A<b>%E5%A4%87%E6%A1%88";
    assert_eq!(answer.header("Location"), Some(expected));
    stream.get_mut().write_all(get("/wrong-length").as_bytes()).unwrap();
    assert_eq!(read_answer(&mut stream).body, "four");
    stream.get_mut().write_all(get("/next").as_bytes()).unwrap();
    assert_eq!(read_answer(&mut stream).body, "GET /next ");
}

/// Bytes of all kinds, cut off anywhere: afterwards the server is as it was.
#[test]
fn rubbish_does_no_harm() {
    let address = start(Limits { connections: 8, ..Limits::default() }, echo);
    let seed = "\r\nPOST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    let mut state = 1u32;
    let mut random = move |below: usize| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as usize % below
    };
    for _ in 0..400 {
        let mut bytes = seed.as_bytes().to_vec();
        for _ in 0..random(4) {
            let at = random(bytes.len());
            bytes[at] = random(256) as u8;
        }
        bytes.truncate(random(bytes.len() + 1));
        let mut stream = connect(address);
        stream.write_all(&bytes).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        assert!(time_to_close(&mut stream) < millis(1000));
    }
    assert_eq!(ask(address, "/").unwrap(), 200);
}

/// A server on its own, for [`ServerProcess`]: prints its port and lives until its input ends.
#[test]
#[ignore = "started by other tests"]
fn server_process() {
    let Some(connections) = env::var_os("CONNECTIONS") else { return };
    let connections = connections.to_str().unwrap().parse().unwrap();
    let address = start(Limits { connections, ..Limits::default() }, echo);
    println!("\nport {}", address.port());
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

/// A server whose threads and descriptors are not mixed with those of other tests.
struct ServerProcess {
    child: process::Child,
    address: SocketAddr,
}

impl ServerProcess {
    /// With at most `descriptors`, and a slot for each of `connections`.
    fn start(descriptors: usize, connections: usize) -> ServerProcess {
        let program = "exec \"$0\" --ignored --exact --nocapture server::server_process";
        let mut child = process::Command::new("sh")
            .args(["-c", &format!("ulimit -n {descriptors}; {program}")])
            .arg(env::current_exe().unwrap())
            .env("CONNECTIONS", connections.to_string())
            .stdin(process::Stdio::piped())
            .stdout(process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines =
            BufReader::new(child.stdout.as_mut().unwrap()).lines().map_while(Result::ok);
        let port = lines.find_map(|line| line.strip_prefix("port ")?.parse().ok()).unwrap();
        ServerProcess { child, address: SocketAddr::from(([127, 0, 0, 1], port)) }
    }

    fn threads(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap().count()
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// With 40 descriptors there is room for 25 connections of one each, and none for 256.
#[test]
fn few_descriptors_are_enough() {
    let server = ServerProcess::start(40, 256);
    let mut streams: Vec<_> = (0..25).map(|_| BufReader::new(connect(server.address))).collect();
    for _ in 0..2 {
        for stream in &mut streams {
            stream.get_mut().write_all(get("/").as_bytes()).unwrap();
            assert_eq!(read_answer(stream).status(), 200);
        }
    }
    let idle: Vec<_> = (0..60).map(|_| connect(server.address)).collect();
    let start = Instant::now();
    assert_eq!(ask(server.address, "/").unwrap(), 200);
    assert!(start.elapsed() < millis(4000), "took {:?}", start.elapsed());
    drop(idle);
    assert_eq!(ask(server.address, "/").unwrap(), 200);
}

/// Clients that are told to come back later hold a thread each for a moment, but not any number of them.
#[cfg(target_os = "linux")]
#[test]
fn a_flood_gets_few_threads() {
    let server = ServerProcess::start(200, 1);
    let before = server.threads();
    let mut slow = connect(server.address);
    slow.write_all(get("/slow").as_bytes()).unwrap();
    thread::sleep(millis(400));
    let flood: Vec<_> = (0..120).map(|_| connect(server.address)).collect();
    let threads = || {
        thread::sleep(millis(10));
        server.threads()
    };
    let counts: Vec<_> = (0..30).map(|_| threads()).collect();
    // One that has given back its place may still be seen ending, on a busy machine many at a time, but not for long.
    let most = counts.windows(3).filter_map(|counts| counts.iter().min()).max().copied().unwrap();
    assert!(most > before && most < before + 60, "{before} threads became {most}");
    drop(flood);
    assert_eq!(read_answer(&mut BufReader::new(slow)).body, "slow");
}

// Stopping

/// A server whose answers wait behind a door, with what stops it and what its end returns.
fn stoppable(limits: Limits) -> (SocketAddr, Control, Arc<Door>, thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (control, door) = (Control::default(), Arc::new(Door::default()));
    let (stop, shut) = (control.clone(), Arc::clone(&door));
    let server = thread::spawn(move || {
        let handle = move |request: &Request| {
            shut.pass();
            echo(request)
        };
        serve(listener, limits, &stop, handle).unwrap();
    });
    (address, control, door, server)
}

/// Waits until so many connections are open.
fn wait_for_open(control: &Control, count: u64) {
    let start = Instant::now();
    while control.open() != count {
        assert!(start.elapsed() < PATIENCE, "{} open", control.open());
        thread::sleep(millis(5));
    }
}

#[test]
fn a_stopped_server_finishes_what_runs() {
    let (address, control, door, server) = stoppable(Limits::default());
    let mut stream = BufReader::new(connect(address));
    stream.get_mut().write_all(get("/last").as_bytes()).unwrap();
    wait_for_open(&control, 1);
    control.stop();
    control.stop();
    thread::sleep(millis(100));
    assert!(!server.is_finished(), "an answer is still being made");
    door.open();
    let answer = read_answer(&mut stream);
    assert_eq!((answer.body.as_str(), answer.header("Connection")), ("GET /last ", Some("close")));
    server.join().unwrap();
    assert!(TcpStream::connect(address).is_err());
    assert_eq!((control.open(), control.refused().is_empty()), (0, true));
}

#[test]
fn what_does_not_end_is_left_behind() {
    let limits = Limits { drain: millis(200), ..Limits::default() };
    let (address, control, _door, server) = stoppable(limits);
    connect(address).write_all(get("/").as_bytes()).unwrap();
    let mut stream = connect(address);
    stream.write_all(get("/").as_bytes()).unwrap();
    wait_for_open(&control, 2);
    control.stop();
    server.join().unwrap();
}

#[test]
fn connections_and_refusals_are_counted() {
    let (address, control, door, _) = stoppable(Limits::default());
    door.open();
    exchange(address, "garbage\r\n\r\n");
    exchange(address, "garbage\r\n\r\n");
    exchange(address, "GET /panic HTTP/1.0\r\n\r\n");
    let open = connect(address);
    let start = Instant::now();
    while (control.accepted(), control.open()) != (4, 1) {
        assert!(start.elapsed() < PATIENCE, "{control:?}");
        thread::sleep(millis(5));
    }
    drop(open);
    wait_for_open(&control, 0);
    assert_eq!(control.refused().into_iter().collect::<Vec<_>>(), [(400, 2), (500, 1)]);
}
