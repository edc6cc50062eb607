//! Hours of use, made short: mixed load at half of what the server can do, while the content keeps changing.

use super::{
    attack::attacks::Peak,
    enduring,
    running::{Server, World},
};
use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

const CLIENTS: u32 = 4;

/// What is asked, in turn: pages, JSON, what is not there, what is refused.
const REQUESTS: [(&str, u16); 10] = [
    ("GET /search?q=%E9%80%80%E6%AC%BE%E5%A4%9A%E4%B9%85%E5%88%B0%E8%B4%A6", 200),
    ("GET /api/v1/ask?q=%E6%8D%A2%E8%B4%A7", 200),
    ("GET /api/v1/suggest?q=tui", 200),
    ("GET /", 200),
    ("GET /faq/%E9%80%80%E6%AC%BE", 200),
    ("GET /faq/none", 404),
    ("GET /api/v1/ask?q=%E4%BB%8A%E5%A4%A9%E5%A4%A9%E6%B0%94", 200),
    ("GET /api/v1/entries", 200),
    ("GET /api/v1/ask", 400),
    ("POST /feedback", 303),
];

/// Asks on a connection of its own, and panics unless the answer is whole and has this status.
fn ask(server: &Server, (line, status): (&str, u16)) {
    let form = if line.starts_with("POST") { "useful=gap&back=/&q=x" } else { "" };
    let mut stream = TcpStream::connect(&server.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let kind = "Content-Type: application/x-www-form-urlencoded";
    let length = form.len();
    write!(
        stream,
        "{line} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{kind}\r\nContent-Length: {length}\r\n\r\n{form}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{line}: {answer}");
}

/// Lets all clients ask for so long, each with at least `pause` from one request to the next; returns the requests.
fn load(server: &Server, length: Duration, pause: Duration) -> u64 {
    let asked = AtomicU64::new(0);
    let client = || {
        let start = Instant::now();
        let mut next = start;
        while start.elapsed() < length {
            let turn = asked.fetch_add(1, Ordering::Relaxed) as usize;
            ask(server, REQUESTS[turn % REQUESTS.len()]);
            next = Instant::now().max(next + pause);
            thread::sleep(next - Instant::now());
        }
    };
    thread::scope(|scope| (0..CLIENTS).for_each(|_| drop(scope.spawn(client))));
    asked.into_inner()
}

#[test]
fn memory_and_descriptors_stay_flat_under_load() {
    let (length, every) = match enduring() {
        Some(length) => (length, Duration::from_secs(10)),
        None => (Duration::from_secs(20), Duration::from_secs(4)),
    };
    let world = World::new();
    world.number(1);
    for number in 0..50 {
        let text =
            format!("# 第 {number} 种货\n\n第 {number} 种货放在 {number} 号仓库。\n").repeat(10);
        world.write(&format!("货/{number}.md"), text, 0);
    }
    let data = world.path("data");
    let server = world.serve(&["--data", data.to_str().unwrap()]);
    let measured = Duration::from_secs(2);
    let capacity = load(&server, measured, Duration::ZERO) as f64 / measured.as_secs_f64();
    let pause = Duration::from_secs_f64(2.0 * f64::from(CLIENTS) / capacity);
    let start = Instant::now();
    let mut samples = Vec::new();
    let asked = thread::scope(|scope| {
        let loading = scope.spawn(|| load(&server, length, pause));
        scope.spawn(|| {
            for reload in 1..length.as_secs() / every.as_secs() {
                let due = start + every * reload as u32;
                thread::sleep(due.saturating_duration_since(Instant::now()));
                world.number(1 + reload);
                server.signal("HUP");
                assert_eq!(server.event("reload", reload as usize)["result"], "new");
            }
        });
        while !loading.is_finished() {
            samples.push(Peak::of(server.pid()).unwrap());
            thread::sleep(Duration::from_millis(100));
        }
        loading.join().unwrap()
    });
    // The first third is for warming up. A reload needs memory for a moment, so what matters is not the most but the usual.
    let thirds: Vec<Peak> = samples.chunks(samples.len().div_ceil(3)).map(usual).collect();
    let most = samples.iter().fold(Peak::default(), |peak, now| peak.most(*now));
    println!(
        "{capacity:.0} requests a second at most; {asked} in {length:?}, reload every {every:?}: usually {thirds:?}, at most {most:?}"
    );
    let (middle, last) = (thirds[1], thirds[2]);
    assert!(last.kib < middle.kib + middle.kib / 10 + (16 << 10), "{thirds:?}");
    assert!(last.descriptors <= middle.descriptors + 4, "{thirds:?}");
    assert!(last.threads <= middle.threads + 4, "{thirds:?}");
    assert!(most.kib < last.kib + (64 << 10) && most.descriptors < 64, "{most:?}");
}

/// The median of each figure.
fn usual(samples: &[Peak]) -> Peak {
    let median = |figure: fn(&Peak) -> usize| {
        let mut figures: Vec<usize> = samples.iter().map(figure).collect();
        figures.sort_unstable();
        figures[figures.len() / 2]
    };
    Peak {
        threads: median(|sample| sample.threads),
        descriptors: median(|sample| sample.descriptors),
        kib: median(|sample| sample.kib),
    }
}
