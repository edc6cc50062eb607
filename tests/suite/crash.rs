//! What a crash, a full disk or a folder that cannot be written may cost: time, and nothing else.

use super::{
    Random, enduring,
    running::{Server, World},
};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs,
    io::{self, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Command, Output},
    thread,
    time::{Duration, Instant},
};

/// Leaves a question as a reader does who got no answer, and returns the status.
fn report(address: &str, question: &str) -> io::Result<u16> {
    let form = form_urlencoded::Serializer::new("useful=gap&back=/&".to_owned())
        .append_pair("q", question)
        .finish();
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    write!(
        stream,
        "POST /feedback HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    status.ok_or(io::ErrorKind::UnexpectedEof.into())
}

/// How often each question stands in a whole line of the records.
pub(super) fn kept(data: &Path) -> BTreeMap<String, usize> {
    let mut kept = BTreeMap::new();
    for file in fs::read_dir(data).unwrap() {
        let bytes = fs::read(file.unwrap().path()).unwrap();
        for line in bytes.split(|&byte| byte == b'\n') {
            if let Ok(line) = serde_json::from_slice::<Value>(line) {
                *kept.entry(line["question"].as_str().unwrap().to_owned()).or_default() += 1;
            }
        }
    }
    kept
}

/// The terminal asks how long a refund takes, under limits of the shell.
fn ask(world: &World, limits: &str, index: &Path) -> Output {
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("{limits}; exec \"$@\""), "sh", env!("CARGO_BIN_EXE_jieda")]);
    shell.args(["ask", "退款多久到账", "--content"]).arg(world.path("content"));
    shell.arg("--index").arg(index).output().unwrap()
}

/// The answer says this number, and the message is the one that is expected, if any.
#[track_caller]
fn check(output: &Output, number: u64, message: Option<&str>) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (said, told) = (text(&output.stdout), text(&output.stderr));
    assert!(said.contains(&format!("退款在 {number} 天内到账")), "{said}{told}");
    match message {
        Some(message) => assert!(told.contains(message), "{told}"),
        None => assert_eq!(told, ""),
    }
}

const IN_MEMORY: &str = "这次的索引只在内存里，要留下来请用 `--index` 指定可写的文件夹";

/// Every other time it is killed while it builds its first index, else while it takes over new content and writes feedback
/// down. What has been thanked for is there afterwards, once, and the content is the one on disk.
#[test]
fn nothing_is_lost_when_the_process_is_killed() {
    let kills = if enduring().is_some() { 200 } else { 20 };
    let world = World::new();
    let data = world.path("data");
    let args = ["--data", data.to_str().unwrap()];
    let mut random = Random(7);
    let mut thanked = Vec::new();
    world.number(0);
    let start = Instant::now();
    drop(world.serve(&args));
    let startup = start.elapsed().as_micros() as usize;
    for kill in 1..=kills {
        world.number(kill);
        if kill % 2 == 0 {
            let mut child = world.command(&args).spawn().unwrap();
            thread::sleep(Duration::from_micros(random.below(startup) as u64));
            child.kill().unwrap();
            child.wait().unwrap();
            continue;
        }
        let server = world.serve(&args);
        let answer = server.get("/api/v1/ask?q=退款多久到账", "").2;
        assert!(answer.contains(&format!("退款在 {kill} 天内到账")), "{answer}");
        let address = server.address.clone();
        let reader = thread::spawn(move || {
            let questions = (1..).map(|number| format!("第{kill}次的第{number}问"));
            questions.take_while(|question| report(&address, question).ok() == Some(303)).collect()
        });
        thread::sleep(Duration::from_millis(random.below(50) as u64));
        world.number(kill + 1);
        server.signal("HUP");
        thread::sleep(Duration::from_micros(random.below(startup) as u64));
        drop(server);
        let questions: Vec<String> = reader.join().unwrap();
        thanked.extend(questions);
    }
    let kept = kept(&data);
    println!("{kills} kills, {} records thanked for, {} kept", thanked.len(), kept.len());
    assert!(thanked.len() > kills as usize, "only {} were thanked for", thanked.len());
    for question in &thanked {
        assert_eq!(kept.get(question), Some(&1), "{question}");
    }
    world.number(kills + 1);
    drop(ask(&world, ":", &world.path("index")));
    check(&ask(&world, ":", &world.path("index")), kills + 1, None);
}

/// Wherever writing stops, there is an answer and a word about it; with room again all is as it should be.
#[test]
fn a_full_disk_costs_no_answer() {
    let mut full = 0;
    for blocks in [0, 1, 2, 4, 8, 1000] {
        let world = World::new();
        world.number(3);
        let index = world.path("index");
        // A file cannot grow beyond so many blocks, and the signal for that is ignored.
        let output = ask(&world, &format!("trap '' XFSZ; ulimit -f {blocks}"), &index);
        let whole = output.stderr.is_empty();
        check(&output, 3, (!whole).then_some(IN_MEMORY));
        full += usize::from(!whole);
        let left = fs::read_dir(&index).unwrap().count();
        assert_eq!(left, usize::from(whole), "{blocks} blocks");
        check(&ask(&world, ":", &index), 3, None);
    }
    assert!(full > 2, "the disk was hardly ever full");
}

#[test]
fn feedback_that_cannot_be_written_is_not_thanked_for() {
    let world = World::new();
    world.number(3);
    check(&ask(&world, ":", &world.path("index")), 3, None);
    let data = world.path("data");
    let args = ["--data", data.to_str().unwrap()];
    let server = Server::start(&mut world.limited("trap '' XFSZ; ulimit -f 4", &args));
    let status = |number: usize| report(&server.address, &format!("第{number}问")).unwrap();
    let thanked = (1..100).take_while(|number| status(*number) == 303).count();
    assert!((5..50).contains(&thanked), "{thanked} were thanked for");
    assert_eq!(status(0), 500);
    assert_eq!(server.event("record", 1)["level"], "error");
    assert_eq!(server.get("/search?q=退款多久到账", "").0, 200);
    assert_eq!(kept(&data).len(), thanked);
}

/// As root no permission keeps from writing, but `/proc` does.
#[cfg(target_os = "linux")]
#[test]
fn an_index_folder_that_cannot_be_made_costs_no_answer() {
    let world = World::new();
    world.number(3);
    check(&ask(&world, ":", Path::new("/proc/jieda")), 3, Some(IN_MEMORY));
}

/// A file system of its own, in memory.
struct Disk(PathBuf);

impl Disk {
    /// Nothing where it cannot be mounted.
    fn mount(path: PathBuf, size: &str) -> Option<Self> {
        fs::create_dir_all(&path).unwrap();
        let options = format!("size={size}");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &options, "jieda"]).arg(&path);
        mount.output().is_ok_and(|output| output.status.success()).then_some(Self(path))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("--lazy").arg(&self.0).status());
    }
}

/// The same on disks that are really full or read-only; only root can mount them.
#[cfg(target_os = "linux")]
#[test]
fn small_and_read_only_disks_cost_no_answer() {
    if enduring().is_none() {
        return;
    }
    let world = World::new();
    world.number(3);
    let Some(small) = Disk::mount(world.path("small"), "16k") else {
        return println!("nothing can be mounted here");
    };
    check(&ask(&world, ":", &small.0), 3, Some(IN_MEMORY));
    let args = ["--data", small.0.to_str().unwrap()];
    let server = Server::start(&mut world.limited(":", &args));
    let question = |number: usize| format!("第{number}问{}", "长".repeat(400));
    let status = |number: usize| report(&server.address, &question(number)).unwrap();
    let thanked = (1..100).take_while(|number| status(*number) == 303).count();
    assert!((5..50).contains(&thanked), "{thanked} were thanked for");
    assert_eq!(kept(&small.0).len(), thanked);
    // Room again: what comes now is kept, though the line before it is torn.
    assert!(
        Command::new("mount")
            .args(["-o", "remount,size=1m"])
            .arg(&small.0)
            .status()
            .unwrap()
            .success()
    );
    assert_eq!(status(200), 303);
    assert_eq!(kept(&small.0).len(), thanked + 1);
    let still = Disk::mount(world.path("still"), "8m").unwrap();
    check(&ask(&world, ":", &still.0), 3, None);
    assert!(
        Command::new("mount").args(["-o", "remount,ro"]).arg(&still.0).status().unwrap().success()
    );
    check(&ask(&world, ":", &still.0), 3, None);
    world.number(4);
    check(&ask(&world, ":", &still.0), 4, Some(IN_MEMORY));
}
