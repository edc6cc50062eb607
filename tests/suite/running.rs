//! The process that serves: content that changes, signals, logs, metrics.

use super::enduring;
use serde_json::Value;
use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    os::{fd::OwnedFd, unix::net::UnixDatagram},
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant, SystemTime},
};
use tempfile::TempDir;

/// No test waits longer than this for anything.
const PATIENCE: Duration = Duration::from_secs(60);

/// Folders for content, index and records that vanish with the test.
pub(super) struct World {
    root: TempDir,
}

impl World {
    pub(super) fn new() -> Self {
        Self { root: tempfile::tempdir().unwrap() }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Writes a file of the content that has been still for a while, `tick` seconds longer or shorter.
    pub(super) fn write(&self, name: &str, bytes: impl AsRef<[u8]>, tick: u64) {
        let path = self.path("content").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        let then = SystemTime::now() - Duration::from_secs(3600 - tick);
        File::options().write(true).open(&path).unwrap().set_modified(then).unwrap();
    }

    /// Two entries that say the same number.
    pub(super) fn number(&self, number: u64) {
        self.write("退款.md", format!("# 退款多久到账\n\n退款在 {number} 天内到账。\n"), number);
        self.write("换货.md", format!("# 换货多久寄出\n\n换货在 {number} 天内寄出。\n"), number);
    }

    pub(super) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_jieda"));
        command.args(["serve", "--content"]).arg(self.path("content"));
        command.arg("--index").arg(self.path("index"));
        command.args(["--today", "2026-11-22"]).args(args);
        if !args.contains(&"--addr") {
            command.args(["--addr", "127.0.0.1:0"]);
        }
        if !args.contains(&"--log") {
            command.args(["--log", "json"]);
        }
        command.env_remove("JIEDA_DATA").stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// The same command after `limits`, as a shell sets them.
    pub(super) fn limited(&self, limits: &str, args: &[&str]) -> Command {
        let jieda = self.command(args);
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("{limits}; exec \"$@\""), "sh"]).arg(jieda.get_program());
        shell.args(jieda.get_args()).env_remove("JIEDA_DATA");
        shell.stdout(Stdio::piped()).stderr(Stdio::piped());
        shell
    }

    pub(super) fn serve(&self, args: &[&str]) -> Server {
        Server::start(&mut self.command(args))
    }
}

/// A running `jieda serve`, killed at the end of the test.
pub(super) struct Server {
    child: Child,
    pub(super) address: String,
    log: Arc<(Mutex<Vec<String>>, Condvar)>,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    /// Starts it and waits until it has content.
    pub(super) fn start(command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap();
        let log = Arc::new((Mutex::new(Vec::new()), Condvar::new()));
        if let Some(errors) = child.stderr.take() {
            let log = Arc::clone(&log);
            thread::spawn(move || {
                for line in BufReader::new(errors).lines().map_while(Result::ok) {
                    log.0.lock().unwrap().push(line);
                    log.1.notify_all();
                }
            });
        }
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let address = line.split("http://").nth(1).and_then(|rest| rest.split('/').next());
        let address = address.unwrap_or_else(|| panic!("{line:?} {:?}", log.0.lock().unwrap()));
        Self { address: address.to_owned(), child, log }
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(super) fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.pid());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }

    /// All lines of the log so far.
    pub(super) fn lines(&self) -> Vec<String> {
        self.log.0.lock().unwrap().clone()
    }

    /// Waits for the `count`th event of this kind and returns it.
    #[track_caller]
    pub(super) fn event(&self, kind: &str, count: usize) -> Value {
        let nth = |lines: &Vec<String>| {
            let events = lines.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            events.filter(|event| event["event"] == kind).nth(count - 1)
        };
        let lines = self.log.0.lock().unwrap();
        let waited = |lines: &mut Vec<String>| nth(lines).is_none();
        let (lines, _) = self.log.1.wait_timeout_while(lines, PATIENCE, waited).unwrap();
        nth(&lines).unwrap_or_else(|| panic!("no {kind} {count} in {lines:#?}"))
    }

    pub(super) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Asks on a new connection and returns status, head and body.
    pub(super) fn get(&self, target: &str, headers: &str) -> (u16, String, String) {
        let mut stream = BufReader::new(self.connect());
        send(&mut stream, target, headers);
        answer(&mut stream)
    }

    fn json(&self, target: &str) -> (u16, Value) {
        let (status, _, body) = self.get(target, "");
        (status, serde_json::from_str(&body).unwrap())
    }

    pub(super) fn wait(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(start.elapsed() < PATIENCE, "it does not end");
            thread::sleep(Duration::from_millis(10));
        }
    }
}

fn send(stream: &mut BufReader<TcpStream>, target: &str, headers: &str) {
    let request = format!("GET {target} HTTP/1.1\r\nHost: here\r\n{headers}\r\n");
    stream.get_mut().write_all(request.as_bytes()).unwrap();
}

/// Reads one answer.
#[track_caller]
fn answer(stream: &mut BufReader<TcpStream>) -> (u16, String, String) {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert_ne!(stream.read_line(&mut head).unwrap(), 0, "closed within {head:?}");
    }
    let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    stream.read_exact(&mut body).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head, String::from_utf8(body).unwrap())
}

// Content that changes

/// Clients keep asking while the content changes again and again: every answer is whole, of one version, and never of an older
/// one than the answer before. `JIEDA_ENDURE=1` reloads 50 times.
#[test]
fn nobody_notices_that_the_content_is_swapped() {
    const CLIENTS: u32 = 4;
    let reloads = if enduring().is_some() { 50 } else { 5 };
    let world = World::new();
    world.number(1);
    let server = world.serve(&[]);
    let done = AtomicBool::new(false);
    // A thousand requests a second.
    let pause = Duration::from_millis(1) * CLIENTS;
    let ask = || {
        let mut stream = BufReader::new(server.connect());
        let (mut asked, mut last) = (0_u64, 1);
        let mut next = Instant::now();
        while !done.load(Ordering::Relaxed) {
            // Late ones are made up for.
            next += pause;
            send(&mut stream, "/api/v1/entries", "");
            let (status, head, body) = answer(&mut stream);
            assert_eq!(status, 200, "{head}");
            let entries: Value = serde_json::from_str(&body).unwrap();
            let numbers = entries["entries"].as_array().unwrap().iter().map(|entry| {
                let say = entry["say"].as_str().unwrap();
                say.split(' ').nth(1).unwrap().parse::<u64>().unwrap()
            });
            let numbers: Vec<u64> = numbers.collect();
            assert_eq!(numbers.len(), 2, "{body}");
            assert_eq!(numbers[0], numbers[1], "{body}");
            assert!(numbers[0] >= last, "{body} after {last}");
            (asked, last) = (asked + 1, numbers[0]);
            thread::sleep(next.saturating_duration_since(Instant::now()));
        }
        (asked, last)
    };
    thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(ask)).collect();
        let start = Instant::now();
        for reload in 1..=reloads {
            world.number(1 + reload);
            server.signal("HUP");
            assert_eq!(server.event("reload", reload as usize)["result"], "new");
        }
        let body = server.get("/api/v1/ask?q=退款多久到账", "").2;
        assert!(body.contains(&format!("退款在 {} 天内到账", 1 + reloads)), "{body}");
        done.store(true, Ordering::Relaxed);
        let asked: u64 = clients.into_iter().map(|client| client.join().unwrap().0).sum();
        println!("{asked} requests, {reloads} reloads, {:?}", start.elapsed());
        assert!(asked > 10 * reloads, "only {asked} requests");
    });
    let indexes = fs::read_dir(world.path("index")).unwrap().count();
    assert_eq!(indexes, 1, "older indexes are gone");
}

#[test]
fn content_with_errors_leaves_the_old_one_serving() {
    let world = World::new();
    world.number(3);
    let server = world.serve(&[]);
    let ready = |content: &str, problems: usize| {
        let (status, ready) = server.json("/readyz");
        let expected = (200, &Value::from(content), &Value::from(problems));
        assert_eq!((status, &ready["content"], &ready["problems"]), expected);
        assert!(ready["build"].as_str().unwrap().starts_with(env!("CARGO_PKG_VERSION")));
        ready["version"].clone()
    };
    let metric = |line: &str| {
        let (_, _, metrics) = server.get("/metrics", "");
        assert!(metrics.lines().any(|other| other == line), "no {line} in {metrics}");
    };
    let version = ready("current", 0);
    // One file is new and good, one cannot be read: neither is shown.
    world.number(4);
    world.write("坏.md", b"# \xb1\xb8\n\n\xb0\xb8\n", 0);
    server.signal("HUP");
    let event = server.event("reload", 1);
    assert_eq!((&event["result"], &event["level"]), (&"refused".into(), &"error".into()));
    assert!(event["first"].as_str().unwrap().contains("坏.md:1: 不是 UTF-8"), "{event}");
    assert_eq!(ready("stale", 1), version);
    metric("jieda_content_stale 1.0");
    metric("jieda_problems 1.0");
    metric("jieda_reloads_total{result=\"refused\"} 1");
    let page = server.get("/search?q=退款多久到账", "").2;
    assert!(page.contains("退款在 3 天内到账"), "{page}");
    assert!(page.contains("内容改过，但有 1 个问题，没有载入"), "{page}");
    // A warning holds nothing back.
    fs::remove_file(world.path("content/坏.md")).unwrap();
    world.write("链接.md", "# 开票\n\n见[这里](没有.md)。\n", 0);
    server.signal("HUP");
    assert_eq!(server.event("reload", 2)["result"], "new");
    assert_ne!(ready("current", 1), version);
    metric("jieda_content_stale 0.0");
    let page = server.get("/search?q=退款多久到账", "").2;
    assert!(page.contains("退款在 4 天内到账") && !page.contains("没有载入"), "{page}");
}

#[test]
fn a_watched_folder_is_taken_over_by_itself() {
    let world = World::new();
    world.number(3);
    let server = world.serve(&["--watch"]);
    let said = || server.json("/api/v1/ask?q=退款多久到账").1["answer"]["say"].clone();
    world.number(4);
    assert_eq!(server.event("reload", 1)["result"], "new");
    assert_eq!(said(), "退款在 4 天内到账。");
    // Written again with the same text: nothing to take over.
    world.write("退款.md", "# 退款多久到账\n\n退款在 4 天内到账。\n", 9);
    assert_eq!(server.event("reload", 2)["result"], "same");
    let away = world.path("away");
    fs::rename(world.path("content"), &away).unwrap();
    let event = server.event("reload", 3);
    assert_eq!(event["result"], "failed");
    assert!(event["why"].as_str().unwrap().contains("找不到内容文件夹"), "{event}");
    assert_eq!(said(), "退款在 4 天内到账。");
    assert_eq!(server.json("/readyz").1["content"], "stale");
    fs::rename(away, world.path("content")).unwrap();
    assert_eq!(server.event("reload", 4)["result"], "same");
    assert_eq!(server.json("/readyz").1["content"], "current");
}

/// The built-in content has no folder; before it is indexed nothing is ready, and one can stop all the same.
#[test]
fn before_the_first_content_the_process_is_alive_and_not_ready() {
    let world = World::new();
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_jieda"));
    command.args(["serve", "--builtin", "--watch", "--addr", &address.to_string(), "--index"]);
    command.arg(world.path("index")).env_remove("JIEDA_CONTENT").stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut errors = BufReader::new(child.stderr.take().unwrap());
    let mut server = Server { child, address: address.to_string(), log: Arc::default() };
    let mut line = String::new();
    errors.read_line(&mut line).unwrap();
    assert!(line.contains("内置内容编译在程序里，不会变"), "{line}");
    let start = Instant::now();
    while TcpStream::connect(address).is_err() {
        assert!(start.elapsed() < PATIENCE);
        thread::sleep(Duration::from_millis(10));
    }
    let (status, ready) = server.json("/readyz");
    assert_eq!((status, &ready["content"]), (503, &"none".into()));
    let (status, head, _) = server.get("/search?q=x", "");
    assert!(status == 503 && head.contains("Retry-After: 1\r\n"), "{head}");
    assert_eq!(server.get("/healthz", "").0, 200);
    server.signal("INT");
    assert_eq!(server.wait().code(), Some(0));
}

// Stopping

#[test]
fn what_runs_is_finished_before_it_stops() {
    let world = World::new();
    world.number(3);
    let mut server = world.serve(&[]);
    let mut idle = BufReader::new(server.connect());
    send(&mut idle, "/healthz", "");
    assert_eq!(answer(&mut idle).0, 200);
    let mut running = BufReader::new(server.connect());
    running.get_mut().write_all(b"GET /readyz HTTP/1.1\r\n").unwrap();
    // Answered only after the head has come, since connections are accepted in turn.
    assert_eq!(server.get("/healthz", "").0, 200);
    server.signal("TERM");
    assert_eq!(server.event("stop", 1)["signal"], "SIGTERM");
    assert_eq!(idle.read(&mut [0]).unwrap(), 0, "an idle connection is closed");
    let start = Instant::now();
    while TcpStream::connect(&server.address).is_ok() {
        assert!(start.elapsed() < PATIENCE, "nobody is let in any more");
        thread::sleep(Duration::from_millis(10));
    }
    running.get_mut().write_all(b"Host: here\r\n\r\n").unwrap();
    let (status, head, body) = answer(&mut running);
    assert!(status == 503 && body.contains("\"stopping\":true"), "{head}{body}");
    assert!(head.contains("Connection: close\r\n"), "{head}");
    assert_eq!(server.wait().code(), Some(0));
    server.event("stopped", 1);
}

// systemd

#[test]
fn systemd_is_told_and_may_hand_over_the_socket() {
    let world = World::new();
    world.number(3);
    let socket = world.path("notify");
    let notify = UnixDatagram::bind(&socket).unwrap();
    notify.set_read_timeout(Some(PATIENCE)).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let mut jieda = world.command(&[]);
    // The socket comes as descriptor 3.
    let mut shell = Command::new("sh");
    shell.args(["-c", "LISTEN_PID=$$ LISTEN_FDS=1 exec \"$@\" 3<&0", "sh"]);
    shell.arg(jieda.get_program()).args(jieda.get_args());
    shell.env("NOTIFY_SOCKET", &socket).stdin(OwnedFd::from(listener));
    jieda = shell;
    let mut server = Server::start(jieda.stdout(Stdio::piped()).stderr(Stdio::piped()));
    assert_eq!(server.address, address);
    let told = || {
        let mut message = [0; 200];
        let length = notify.recv(&mut message).unwrap();
        String::from_utf8_lossy(&message[..length]).into_owned()
    };
    assert_eq!(told().trim(), "READY=1");
    server.signal("HUP");
    let reloading = told();
    assert!(reloading.starts_with("RELOADING=1\nMONOTONIC_USEC="), "{reloading}");
    assert_eq!(told().trim(), "READY=1");
    server.signal("TERM");
    assert_eq!(told().trim(), "STOPPING=1");
    assert_eq!(server.wait().code(), Some(0));
}

// Watching it

/// A page that is there already is still an answer: it is counted and, without one, written down each time.
#[test]
fn a_question_that_is_asked_again_counts_again() {
    let world = World::new();
    world.number(3);
    let data = world.path("data");
    let server = world.serve(&["--data", data.to_str().unwrap()]);
    for _ in 0..3 {
        server.get("/search?q=专利年费", "");
        server.get("/search?q=退款多久到账", "");
        let (_, head, _) = server.get("/api/v1/ask?q=专利年费", "");
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        let tag = head.lines().find_map(|line| line.strip_prefix("ETag: ")).unwrap();
        let known = format!("If-None-Match: {tag}\r\n");
        assert_eq!(server.get("/api/v1/ask?q=专利年费", &known).0, 304);
    }
    let (_, _, metrics) = server.get("/metrics", "");
    for line in [
        "jieda_requests_total{route=\"/search\",status=\"200\"} 6",
        "jieda_requests_total{route=\"/api/v1/ask\",status=\"304\"} 3",
        "jieda_answers_total{status=\"answered\"} 3",
        "jieda_answers_total{status=\"unknown\"} 9",
    ] {
        assert!(metrics.lines().any(|other| other == line), "no {line} in {metrics}");
    }
    let (lines, torn) = jieda::feedback::read(&data).unwrap();
    assert_eq!((lines.len(), torn), (9, 0));
}

/// What could tell who asked, or what, as it comes in addresses, headers and forms.
const PERSONAL: [&str; 6] = [
    "13812345678",
    "11010519491231002X",
    "zhang.san@example.com",
    "my-shop.cn",
    "张三",
    "zhangsan",
];

#[test]
fn logs_and_metrics_tell_nothing_of_who_asks() {
    for format in ["json", "text"] {
        let world = World::new();
        world.number(3);
        let data = world.path("data");
        let server = world.serve(&["--log", format, "--data", data.to_str().unwrap()]);
        for personal in PERSONAL {
            let headers = format!(
                "X-Request-Id: {personal}\r\nReferer: /{personal}\r\nUser-Agent: {personal}\r\nCookie: {personal}\r\n"
            );
            for target in [
                format!("/search?q={personal}"),
                format!("/api/v1/ask?q={personal}"),
                format!("/faq/{personal}"),
                format!("/{personal}"),
                format!("/api/v1/entries/{personal}?x={personal}"),
            ] {
                let (_, head, _) = server.get(&target, &headers);
                let id = head.lines().find_map(|line| line.strip_prefix("X-Request-Id: ")).unwrap();
                assert!(!id.is_empty() && id != personal, "{head}");
            }
        }
        let id = "4bf92f3577b34da6a3ce929d0e0e4736";
        let (_, head, _) = server.get("/search?q=退款多久到账", &format!("X-Request-Id: {id}\r\n"));
        assert!(head.contains(&format!("X-Request-Id: {id}\r\n")), "{head}");
        server.get("/a\u{7f}", "");
        let (_, head, metrics) = server.get("/metrics", "");
        assert!(head.contains("application/openmetrics-text"), "{head}");
        for line in [
            "jieda_requests_total{route=\"/search\",status=\"200\"} 7",
            "jieda_requests_total{route=\"/faq/{id}\",status=\"404\"} 6",
            "jieda_requests_total{route=\"other\",status=\"404\"} 6",
            "jieda_answers_total{status=\"answered\"} 1",
            "jieda_answers_total{status=\"unknown\"} 12",
            "jieda_reloads_total{result=\"new\"} 0",
            "jieda_entries 2.0",
            "# TYPE jieda_request_seconds histogram",
        ] {
            assert!(metrics.lines().any(|other| other == line), "no {line} in {metrics}");
        }
        for begin in [
            "jieda_content_info{version=\"",
            "jieda_content_age_seconds ",
            "jieda_build_info{version=\"",
            "jieda_connections ",
        ] {
            assert!(metrics.lines().any(|line| line.starts_with(begin)), "no {begin} in {metrics}");
        }
        server.signal("TERM");
        let start = Instant::now();
        while !server.lines().last().is_some_and(|line| line.contains("停止了")) {
            assert!(start.elapsed() < PATIENCE, "{:#?}", server.lines());
            thread::sleep(Duration::from_millis(10));
        }
        let log = server.lines().join("\n");
        let all = format!("{log}\n{metrics}");
        for personal in PERSONAL {
            assert!(!all.contains(personal), "{personal} in {all}");
            let encoded: String = personal.bytes().map(|byte| format!("%{byte:02X}")).collect();
            assert!(!all.contains(&encoded), "{encoded} in {all}");
        }
        let line = log.lines().find(|line| line.contains(id)).unwrap();
        if format == "json" {
            let line: Value = serde_json::from_str(line).unwrap();
            for (name, value) in [
                ("event", "request".into()),
                ("method", "GET".into()),
                ("route", "/search".into()),
                ("status", Value::from(200)),
                ("answer", "answered".into()),
            ] {
                assert_eq!(line[name], value, "{line}");
            }
            assert!(
                line["bytes"].as_u64().unwrap() > 100 && line["ms"].as_f64().is_some(),
                "{line}"
            );
        } else {
            assert!(line.contains(" info  request id=4bf92f3577b34da6a3ce929d0e0e4736 method=GET route=/search status=200 bytes="), "{line}");
            assert!(line.ends_with(" answer=answered"), "{line}");
        }
    }
}

/// Standard error that nobody reads, or that is closed, stops no answer.
#[test]
fn nobody_has_to_read_the_log() {
    for closed in [true, false] {
        let world = World::new();
        world.number(3);
        let mut command = world.command(&[]);
        let mut child = command.spawn().unwrap();
        let errors = child.stderr.take().filter(|_| !closed);
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let address = line.split("http://").nth(1).unwrap().split('/').next().unwrap();
        let mut server = Server { address: address.to_owned(), child, log: Arc::default() };
        let mut stream = BufReader::new(server.connect());
        // Far more than a pipe and the waiting lines hold.
        for _ in 0..6000 {
            send(&mut stream, "/healthz", "");
            assert_eq!(answer(&mut stream).0, 200);
        }
        server.signal("TERM");
        assert_eq!(server.wait().code(), Some(0));
        drop(errors);
    }
}
