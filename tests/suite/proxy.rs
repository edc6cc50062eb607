//! Several processes behind the proxies of `deploy/`: nobody notices that one is killed or restarted.

use super::{
    crash::kept,
    enduring,
    running::{Server, World},
};
use std::{
    fs,
    io::{self, BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    thread::{self, ScopedJoinHandle},
    time::{Duration, Instant},
};

const PATIENCE: Duration = Duration::from_secs(60);

/// A connection that is kept as long as the other side wants.
struct Client<'a> {
    address: &'a str,
    stream: Option<BufReader<TcpStream>>,
}

impl Client<'_> {
    /// Sends a request, and returns the status of its answer once that has come whole.
    fn ask(&mut self, request: &str) -> io::Result<u16> {
        if self.stream.is_none() {
            let stream = TcpStream::connect(self.address)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.set_nodelay(true)?;
            self.stream = Some(BufReader::new(stream));
        }
        let stream = self.stream.as_mut().unwrap();
        stream.get_mut().write_all(request.as_bytes())?;
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if stream.read_line(&mut head)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        let head = head.to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.map_or(0, |length| length.parse().unwrap());
        stream.read_exact(&mut vec![0; length])?;
        if head.contains("connection: close") {
            self.stream = None;
        }
        Ok(head.split(' ').nth(1).unwrap().parse().unwrap())
    }
}

/// A proxy, ended with the test.
struct Proxy(Child);

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Proxy {
    fn start(command: &mut Command, address: &str) -> Self {
        let proxy = command.stdout(Stdio::null()).spawn();
        let mut proxy = Self(proxy.unwrap_or_else(|error| {
            panic!("{command:?}: {error}; `scripts/test` installs it on Debian")
        }));
        let start = Instant::now();
        while TcpStream::connect(address).is_err() {
            assert_eq!(proxy.0.try_wait().unwrap(), None, "{command:?} has ended");
            assert!(start.elapsed() < PATIENCE);
            thread::sleep(Duration::from_millis(20));
        }
        proxy
    }
}

/// A file of `deploy/` in which some words, each there once, are replaced; returns its path below the world.
fn adapted(world: &World, name: &str, changes: &[(&str, &str)]) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(name);
    let mut text = fs::read_to_string(path).unwrap();
    for (old, new) in changes {
        assert_eq!(text.matches(old).count(), 1, "{old} in {name}");
        text = text.replace(old, new);
    }
    let path = world.path(name);
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn nginx_hides_that_processes_are_killed_and_restarted() {
    check("nginx.conf", "listen 80;", "listen ", ";", |world, config| {
        let folder = world.path("").to_str().unwrap().to_owned();
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|name| format!("{name}_temp_path {folder}/{name};\n"))
            .concat();
        let main = world.path("main.conf");
        // One process, which ends with this one.
        let text = format!(
            "daemon off; master_process off; pid {folder}/pid;\nevents {{}}\nhttp {{ access_log off;\n{temporary}include {config}; }}\n"
        );
        fs::write(&main, text).unwrap();
        let mut nginx = Command::new("nginx");
        nginx.args(["-e", "error.log", "-p", &folder, "-c"]).arg(main);
        nginx
    });
}

#[test]
fn haproxy_hides_that_processes_are_killed_and_restarted() {
    if enduring().is_none() {
        return;
    }
    check("haproxy.cfg", "bind *:80", "bind ", "", |_, config| {
        let mut haproxy = Command::new("haproxy");
        haproxy.args(["-db", "-f", config]);
        haproxy
    });
}

/// Starts three processes and the proxy, with what it listens on and its servers replaced, and lets four clients ask and
/// leave feedback while the processes are killed and restarted one by one.
#[track_caller]
fn check(
    name: &str,
    listen: &str,
    before: &str,
    after: &str,
    proxy: impl Fn(&World, &str) -> Command,
) {
    let rounds = if enduring().is_some() { 20 } else { 2 };
    let world = World::new();
    world.number(3);
    let data = world.path("data");
    let start = |addr: &str| world.serve(&["--addr", addr, "--data", data.to_str().unwrap()]);
    let mut servers: Vec<Server> = (0..3).map(|_| start("127.0.0.1:0")).collect();
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let config = adapted(
        &world,
        name,
        &[
            (listen, &format!("{before}{address}{after}")),
            ("127.0.0.1:8081", &servers[0].address),
            ("127.0.0.1:8082", &servers[1].address),
            ("127.0.0.1:8083", &servers[2].address),
        ],
    );
    let _proxy = Proxy::start(&mut proxy(&world, &config), &address);
    let restart = || {
        for round in 0..rounds {
            for server in &mut servers {
                server.signal(if round % 2 == 0 { "KILL" } else { "TERM" });
                server.wait();
                // The next one is not touched before this one answers again.
                *server = start(&server.address);
                assert_eq!(server.get("/readyz", "").0, 200);
            }
        }
    };
    let client = |number: usize, restarting: &ScopedJoinHandle<()>| {
        let mut client = Client { address: &address, stream: None };
        let (mut asked, mut thanked) = (0, Vec::new());
        while !restarting.is_finished() {
            asked += 1;
            let request = match asked % 4 {
                0 => {
                    let question = format!("{number}-{asked}");
                    let form = format!("useful=gap&back=/&q={question}");
                    thanked.push(question);
                    format!(
                        "POST /feedback HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
                        form.len()
                    )
                }
                1 => "GET /search?q=%E9%80%80%E6%AC%BE HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
                2 => "GET /api/v1/ask?q=%E9%80%80%E6%AC%BE HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
                _ => "GET /faq/%E6%8D%A2%E8%B4%A7 HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
            };
            let status = client.ask(&request);
            let expected = if asked % 4 == 0 { 303 } else { 200 };
            assert!(matches!(status, Ok(status) if status == expected), "{status:?} to {request}");
        }
        (asked, thanked)
    };
    let (asked, thanked) = thread::scope(|scope| {
        let restarting = &scope.spawn(restart);
        thread::scope(|scope| {
            let client = &client;
            let clients: Vec<_> =
                (0..4).map(|number| scope.spawn(move || client(number, restarting))).collect();
            let clients = clients.into_iter().map(|client| client.join().unwrap());
            clients.fold((0, Vec::new()), |all, one| (all.0 + one.0, [all.1, one.1].concat()))
        })
    });
    let kept = kept(&data);
    let twice = kept.values().filter(|count| **count > 1).count();
    println!("{name}: {} restarts, {asked} requests, feedback counted twice: {twice}", 3 * rounds);
    assert!(asked > 100, "only {asked} requests");
    for question in &thanked {
        assert!(kept.contains_key(question), "{question} is lost");
    }
    let mut client = Client { address: &address, stream: None };
    assert_eq!(client.ask("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n").unwrap(), 404);
}
